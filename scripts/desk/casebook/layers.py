"""The reviewers' layers in the casebook's file, which never change, and each case's standing."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlite_utils

from dropbox import canonical_json
from dropbox.review_codes import Reviewing
from scripts.desk.case import Case, Keyed, Part
from scripts.desk.casebook.assignments import Assignments
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.draws import Draws, sampled
from scripts.desk.review.judgement import (
    REVIEW,
    Judgement,
    Layer,
    ReviewError,
    Reviews,
    Rules,
    order,
    spaced,
    status,
)

# A judgement that was altered and is no longer JSON may have declared a conflict, so its case is
# withheld from the reviewer, too. Quotation marks within a text are escaped in canonical JSON, so
# no note can hide what instr looks for; an index has the few layers without it.
_GIVEN_AWAY = """
    SELECT DISTINCT "case" FROM layer
    WHERE reviewer = ? AND instr(judgement, '"conflict":false') = 0
    AND CASE WHEN json_valid(judgement) THEN json_extract(judgement, '$.conflict') ELSE 1 END
"""
_GIVEN_AWAY_ELSEWHERE = """
    SELECT case_name."case" FROM desk_row JOIN case_name USING (characters)
    WHERE kind = 'layer' AND json_extract("row", '$.reviewer') = ?
    AND json_extract(json_extract("row", '$.judgement'), '$.conflict')
"""
_LAYER = ("number", "case", "reviewer", "role", "version", "day", "blind", "judgement")


_NONCE_BYTES = 16


class Layers:
    """The layers of a casebook, and those of other *desks*."""

    def __init__(
        self,
        database: sqlite_utils.Database,
        reviewing: Reviewing,
        desks: Desks,
        draws: Draws,
        assignments: Assignments,
    ) -> None:
        self._database = database
        self._reviewing = reviewing
        self._desks = desks
        self._draws = draws
        self._assignments = assignments
        self.draw()

    def draw(self) -> None:
        """Draw cases for a second review with the key that all desks that know of each other use.

        The key changes when a desk with a lower number than any before becomes known.
        """
        self._key = self._desks.sample_key()

    def of(self, case: Keyed) -> Reviews:
        """All reviews of *case*."""
        query = (
            'SELECT number, "case", reviewer, role, version, day, blind, judgement '
            'FROM layer WHERE "case" = ? ORDER BY number'
        )
        rows = (
            dict(zip(_LAYER, row, strict=True))
            for row in self._database.execute(query, [case.number])
        )
        others = ({**row, "number": 0} for row in self._desks.of_case("layer", case.number))
        layers = sorted(map(_layer, (*rows, *others)), key=order)
        chance = sampled(self._key, case, self._reviewing.sample_percent)
        drawn = bool(self._draws.of(case.number))
        return Reviews(
            tuple(layers),
            Rules.of(self._reviewing, sampled=chance, drawn=drawn),
            self._desks.promised(case.number),
        )

    def given_away(self, reviewer: str) -> frozenset[int]:
        """The cases in which *reviewer* declared a conflict of interest."""
        return frozenset(
            number
            for query in (_GIVEN_AWAY, _GIVEN_AWAY_ELSEWHERE)
            for (number,) in self._database.execute(query, [reviewer])
        )

    def placed(self, case: Case, judgement: Judgement) -> Judgement:
        """*judgement* as the next layer of *case*, covering all its parts, after all layers
        here.
        """
        ranks = [layer.judgement.rank for layer in self.of(case).layers]
        return replace(
            judgement,
            considered=tuple(sorted(part.block_id.hex() for part in case.parts)),
            rank=1 + max(ranks, default=0),
            nonce=secrets.token_hex(_NONCE_BYTES),
        )

    def add(
        self, case: Case, judgement: Judgement, *, reviewer: str, role: str = REVIEW, day: date
    ) -> dict[str, Any]:
        """Add *reviewer*'s next version. Returns the row.

        Raises ReviewError if that is forbidden.
        """
        reviews = self.of(case)
        reviews.refuse(reviewer, role)
        row = {
            "case": case.number,
            "reviewer": reviewer,
            "role": role,
            "version": sum(layer.reviewer == reviewer for layer in reviews.layers) + 1,
            "day": day.isoformat(),
            "blind": int(self._blind(case, reviews, reviewer)),
            "judgement": canonical_json.encode(judgement.to_json(), ascii_only=False).decode(),
        }
        number = self._database.table("layer").insert(row).last_pk
        return {"number": number, **row}

    def _blind(self, case: Case, reviews: Reviews, reviewer: str) -> bool:
        """Whether *reviewer* could not have seen what others said about *case*."""
        if any(layer.reviewer != reviewer for layer in reviews.visible_to(reviewer)):
            return False
        others = [layer.day for layer in reviews.layers if layer.reviewer != reviewer]
        # Before the draw, everybody could read the review that decided the case.
        drawn = reviews.rules.drawn and bool(others)
        return not (drawn and self._draws.seen_before(case, reviewer, min(others)))

    # What follows from the layers

    def standing(self, case: Case) -> dict[str, Any]:
        """What follows for *case* from its parts, layers and answers, as a row of ``standing``.

        Everybody can read it, so while a review is open it holds nothing about reviews except whose
        they are.
        """
        reviews = self.of(case)
        agreed = reviews.agreed or Judgement(category=case.category)
        assignee = self._assignments.assignee(case.number)
        harms: Sequence[str] = tuple(agreed.harms) if reviews.agreed else case.harms
        return {
            "case": case.number,
            "status": status(
                reviews,
                withdrawn=case.withdrawn is not None,
                reopened=bool(self.new_since_decision(case, reviews)),
            ),
            "correspondence": self._correspondence(case),
            "merit": agreed.merit,
            "urgency": reviews.urgency,
            "category": agreed.category,
            # A report may hold any text as a code; one with a space in it would look like two.
            "harms": spaced(harm for harm in harms if harm and not any(map(str.isspace, harm))),
            "tags": spaced(agreed.tags),
            "flags": spaced(reviews.flags),
            "differ": spaced(
                reviews.differences if reviews.complete and reviews.adjudicated is None else ()
            ),
            "reviewers": spaced(
                sorted({layer.reviewer for layer in reviews.layers} | reviews.promised)
            ),
            # A reviewer who gives a case away leaves it to everybody else.
            "assigned": "" if assignee in reviews.conflicted else assignee,
        }

    def new_since_decision(self, case: Case, reviews: Reviews) -> tuple[Part, ...]:
        """The parts that came after the deciding layer's sheet was handed out; () if undecided."""
        if reviews.deciding is None:
            return ()
        blocks = set(reviews.deciding.judgement.considered)
        # Layers of casebooks before version 6 did not note their parts; `migrate` did.
        found = self._database.execute(
            "SELECT part FROM considered WHERE layer = ?", [reviews.deciding.number]
        )
        numbers = {number for (number,) in found}
        if not (blocks or numbers):
            return ()  # nothing says of what the layer was
        return tuple(
            part
            for part in case.parts
            if part.block_id.hex() not in blocks and part.number not in numbers
        )

    def _correspondence(self, case: Case) -> str:
        """Whether the last word was ours: a reviewer's answer, not an acknowledgement."""
        query = (
            "select max(departure.part) from departure join answer on answer.id = departure.answer "
            "where answer.\"case\" = ? and answer.kind = 'answer'"
        )
        (last,) = self._database.execute(query, [case.number]).fetchone()
        elsewhere = list(self._desks.seen_in(case.number))
        if last is None and not elsewhere:
            return "co.none"
        theirs = max(part.number for part in case.parts)
        blocks = {part.block_id.hex() for part in case.parts}
        here = last is not None and last >= theirs
        seen = here or any(blocks <= one for one in elsewhere)
        return "co.awaiting" if seen else "co.more"

    def settle(self, case: Case) -> None:
        """Bring the standing of *case* up to date."""
        row = self.standing(case)
        columns = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f":{name}" for name in row)
        self._database.execute(
            f"INSERT OR REPLACE INTO standing ({columns}) VALUES ({values})",  # noqa: S608
            row,
        )

    def standings(
        self, where: str = "1", values: Mapping[str, object] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of ``standing`` that meet *where*, by case number."""
        rows = self._database.table("standing")
        yield from rows.rows_where(where, dict(values or {}), order_by='"case"')


def considered_before(
    lines: Mapping[str, int], layers: Iterable[tuple[int, int]], parts: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """The rows of ``considered``: each layer of a casebook before version 6, and its parts.

    *lines* has the number of the custody log's line for each row that it records. *layers* and
    *parts* are (number, case). If the part or the layer has no line, the part counts as seen.
    """
    of_case: dict[int, list[int]] = {}
    for part, case in parts:
        of_case.setdefault(case, []).append(part)

    def seen(layer: int, part: int) -> bool:
        came, said = lines.get(f"part/{part}"), lines.get(f"layer/{layer}")
        return came is None or said is None or came <= said

    return {
        (layer, part)
        for layer, case in layers
        for part in of_case.get(case, ())
        if seen(layer, part)
    }


def _layer(row: dict[str, Any]) -> Layer:
    try:
        judgement = Judgement.from_json(json.loads(row["judgement"]))
        fields = {
            **row,
            "day": date.fromisoformat(row["day"]),
            "blind": bool(row["blind"]),
            "judgement": judgement,
        }
    except (ValueError, TypeError, AttributeError):
        raise ReviewError(
            f"Layer {row['number']} of the casebook was changed and cannot be read; see `verify`."
        ) from None
    return Layer(**fields)
