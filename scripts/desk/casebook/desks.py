"""Other desks' work in the casebook's file: their whole custody logs, and the rows these record.

What is known about all desks is a set that only grows. Each element is identified by the hash of
the custody line that records it, so the set is the same whatever the order of merging.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import sqlite_utils

from dropbox import canonical_json
from scripts.desk.case import Answer, Case
from scripts.desk.casebook.custody import ROWS, Row, digest, link, row_name, settings_of


class Desk(NamedTuple):
    """A desk: the hash with which its custody log begins, and the settings that it is the hash
    of.
    """

    origin: str
    settings: str

    @property
    def meta(self) -> dict[str, Any]:
        """Its row of ``meta``, with bytes in hex."""
        return dict(json.loads(self.settings)[0])


class SignedLine(NamedTuple):
    """A line of a desk's custody log, with its signature."""

    origin: str
    line: bytes
    signature: bytes

    @property
    def sha256(self) -> str:
        """The hash that the next line holds."""
        return link(self.line, self.signature)


class WorkRow(NamedTuple):
    """A row that the line with this hash records; see table ``desk_row``."""

    line: str
    kind: str
    characters: str
    seen: tuple[str, ...]
    row: Mapping[str, Any]


class Promise(NamedTuple):
    """A review that may not be read yet; see table ``desk_promise``."""

    line: str
    characters: str
    reviewer: str


class Closed(NamedTuple):
    """The layers that *lines* record, which only their own *reviewer* can open."""

    reviewer: str
    lines: tuple[str, ...]
    sealed: bytes


# The tables whose rows desks exchange. What claimants sent is in the drop's bundles.
FIRST = ("layer", "answer", "taken_back", "departure", "sent_again", "reply_bundle")
# Those new in version 8: neither judgements of cases nor answers on their way.
OTHERS = ("translation", "assignment", "draw", "link_decision", "release", "confirmation")
# Those new in version 9: facts of cases, and what is blacked out in them.
FACTS = ("event", "party", "same_party", "contact")
REDACTIONS = ("redaction", "redaction_end")
SHARED = (*FIRST, *OTHERS, *FACTS, *REDACTIONS)
# Those whose rows belong to no case.
OF_NO_CASE = frozenset({"reply_bundle", "confirmation"})
_HEX_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LEFT_HERE = (
    "SELECT max(json_extract(\"row\", '$.number')) FROM desk_row "
    "JOIN desk_line ON desk_line.sha256 = desk_row.line "
    "WHERE kind = ? AND characters = ? AND origin = ?"
)


def encoded(row: Mapping[str, Any]) -> str:
    """A row as it is stored and sent."""
    return canonical_json.encode(dict(row), ascii_only=True).decode()


class Desks:
    """The tables ``desk``, ``desk_line``, ``desk_row``, ``desk_promise`` and ``desk_closed``."""

    def __init__(self, database: sqlite_utils.Database, origin: str) -> None:
        self._database = database
        self._origin = origin

    def own(self) -> Desk:
        """This desk."""
        meta = next(iter(self._database.table("meta").rows))
        added = {
            name
            for (name,) in self._database.execute(
                "SELECT json_extract(CAST(line AS TEXT), '$.row') FROM custody "
                "WHERE json_extract(CAST(line AS TEXT), '$.act') = 'reviewer'"
            )
        }
        first = [
            row
            for row in self._database.table("reviewer").rows
            if f"reviewer/{row['fingerprint']}" not in added
        ]
        meta = {key: value for key, value in meta.items() if key != "origin"}
        return Desk(self._origin, settings_of(meta, first).decode())

    def others(self) -> list[Desk]:
        """All other desks that this one has heard of, by origin."""
        found = self._database.execute("SELECT origin, settings FROM desk ORDER BY origin")
        return [Desk(*row) for row in found]

    def sample_key(self) -> bytes:
        """The key that draws cases for a second review: the lowest-numbered desk's."""
        return self.sample_keys()[self.drawing()]

    def drawing(self) -> str:
        """The origin of the desk whose sample key draws cases."""
        return next(iter(self.sample_keys()))

    def sample_keys(self) -> dict[str, bytes]:
        """The sample keys of this desk and all others, by origin; the one that draws is first."""
        found = self._database.execute(
            "SELECT desk, origin, lower(hex(sample_key)) FROM meta UNION ALL "
            "SELECT number, origin, iif(json_valid(settings), "
            "json_extract(settings, '$[0].sample_key'), '') FROM desk ORDER BY 1"
        )
        # Altered settings draw nothing; `verify` names them.
        return {
            origin: bytes.fromhex(key)
            for _, origin, key in found
            if isinstance(key, str) and _HEX_KEY.fullmatch(key)
        }

    def own_lines(self) -> Iterator[SignedLine]:
        """This casebook's custody log."""
        found = self._database.execute("SELECT line, signature FROM custody ORDER BY number")
        for line, signature in found:
            yield SignedLine(self._origin, line, signature)

    def lines(self) -> Iterator[SignedLine]:
        """All lines that came from others, by origin and number."""
        found = self._database.execute(
            "SELECT origin, line, signature FROM desk_line ORDER BY origin, number, sha256"
        )
        for row in found:
            yield SignedLine(*row)

    def rows(self) -> Iterator[tuple[WorkRow, bool]]:
        """All rows that came from others, and whether each came sealed to its reviewer alone."""
        found = self._database.execute(
            'SELECT line, kind, characters, seen, "row", closed FROM desk_row ORDER BY line'
        )
        for line, kind, characters, seen, row, closed in found:
            yield (
                WorkRow(line, kind, characters, tuple(json.loads(seen)), json.loads(row)),
                bool(closed),
            )

    def promises(self) -> list[Promise]:
        """The reviews that may not be read yet."""
        found = self._database.execute(
            "SELECT line, characters, reviewer FROM desk_promise "
            "WHERE line NOT IN (SELECT line FROM desk_row) ORDER BY line"
        )
        return [Promise(*row) for row in found]

    def closed(self) -> list[Closed]:
        """Layers that others hold, which only their own reviewers can open."""
        found = self._database.execute(
            "SELECT reviewer, lines, sealed FROM desk_closed ORDER BY reviewer, sha256"
        )
        return [Closed(who, tuple(json.loads(lines)), sealed) for who, lines, sealed in found]

    def promised(self, case: int) -> frozenset[str]:
        """The reviewers who promised a review of *case* that may not be read yet."""
        found = self._database.execute(
            "SELECT reviewer FROM desk_promise JOIN case_name USING (characters) "
            'WHERE case_name."case" = ? AND line NOT IN (SELECT line FROM desk_row)',
            [case],
        )
        return frozenset(reviewer for (reviewer,) in found)

    def has_row(self, line: str) -> bool:
        """Whether the row that this line records is here."""
        found = self._database.execute("SELECT 1 FROM desk_row WHERE line = ?", [line])
        return found.fetchone() is not None

    def of_case(self, kind: str, case: int) -> list[dict[str, Any]]:
        """The rows of table *kind* for *case* that other desks added."""
        found = self._database.execute(
            'SELECT "row" FROM desk_row JOIN case_name USING (characters) '
            'WHERE case_name."case" = ? AND kind = ?',
            [case, kind],
        )
        return [json.loads(row) for (row,) in found]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """All rows of table *kind* that other desks added."""
        found = self._database.execute('SELECT "row" FROM desk_row WHERE kind = ?', [kind])
        return [json.loads(row) for (row,) in found]

    def by_case(self, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows of table *kind* that other desks added to cases here, each with its case."""
        found = self._database.execute(
            'SELECT case_name."case", "row" FROM desk_row JOIN case_name USING (characters) '
            "WHERE kind = ?",
            [kind],
        )
        for case, row in found:
            yield case, json.loads(row)

    def seen_in(self, case: int) -> Iterator[frozenset[str]]:
        """For each answer to *case* that left elsewhere: the case's parts at that time, by block
        id.
        """
        found = self._database.execute(
            "SELECT seen FROM desk_row JOIN case_name USING (characters) "
            "WHERE case_name.\"case\" = ? AND kind = 'departure' AND seen != '[]'",
            [case],
        )
        for (seen,) in found:
            yield frozenset(json.loads(seen))

    def last_number(self, kind: str, characters: str) -> int | None:
        """The highest number that this desk used before it was restored, as far as others know.

        *kind* is "departure", for a case, or "reply_bundle". None if they know of none.
        """
        found = self._database.execute(_LEFT_HERE, [kind, characters, self._origin])
        (number,) = found.fetchone()
        return None if number is None else int(number)

    def hashes_of_answers(self, case: int) -> list[tuple[str, int, int]]:
        """For each answer to *case*: its row's hash in the custody log, its desk, its id there."""
        rows = [
            (self._origin, values)
            for values in self._database.query('SELECT * FROM answer WHERE "case" = ?', [case])
        ]
        found = self._database.execute(
            'SELECT origin, "row" FROM desk_row JOIN case_name USING (characters) '
            "JOIN desk_line ON desk_line.sha256 = desk_row.line "
            "WHERE case_name.\"case\" = ? AND kind = 'answer'",
            [case],
        )
        rows += [(origin, json.loads(row)) for origin, row in found]
        numbers = self.numbers()
        return sorted(
            (Row.of("answer", values).sha256, numbers[origin], values["id"])
            for origin, values in rows
        )

    def numbers(self) -> dict[str, int]:
        """The numbers of this desk and of all others, by origin."""
        found = self._database.execute(
            "SELECT origin, desk FROM meta UNION ALL SELECT origin, number FROM desk"
        )
        return dict(found.fetchall())

    def answers_to(self, case: Case) -> list[Answer]:
        """The answers that other desks gave to *case*, without those that they took back."""
        query = (
            'SELECT origin, desk_line.line, kind, seen, "row" FROM desk_row '
            "JOIN case_name USING (characters) JOIN desk_line ON desk_line.sha256 = desk_row.line "
            "WHERE case_name.\"case\" = ? AND desk_row.kind IN ('answer', 'taken_back', "
            "'departure') ORDER BY desk_line.origin, desk_line.number, desk_row.line"
        )
        rows = [
            (origin, json.loads(line)["plain"], kind, {**json.loads(row), "seen": json.loads(seen)})
            for origin, line, kind, seen, row in self._database.execute(query, [case.number])
        ]
        # Also by the text's hash: after a restored backup, one number may mean two answers.
        ends: dict[str, dict[tuple[str, int, str], dict[str, Any]]] = {}
        for origin, plain, kind, row in rows:
            if kind in ("taken_back", "departure"):
                ends.setdefault(kind, {})[origin, row["answer"], plain] = row
        numbers = self.numbers()
        found = []
        for origin, _, kind, row in rows:
            if kind != "answer":
                continue
            key = origin, row["id"], digest(row["text"].encode())
            if key in ends.get("taken_back", {}):
                continue
            left = ends.get("departure", {}).get(key, {})
            day = self._left(origin, left["bundle"]) if left else None
            since = [
                part.day
                for part in case.parts
                if day and left["seen"] and part.block_id.hex() not in left["seen"]
            ]
            found.append(
                Answer(
                    **{name: row[name] for name in ("id", "kind", "language", "text")},
                    case=case.number,
                    case_name=case.name,
                    day=date.fromisoformat(row["day"]),
                    number=left.get("number"),
                    bundle=left.get("bundle"),
                    left=day,
                    returned=min(since, default=None),
                    desk=numbers[origin],
                )
            )
        return found

    def _left(self, origin: str, bundle: int) -> date | None:
        found = self._database.execute(
            "SELECT min(json_extract(\"row\", '$.day')) FROM desk_row JOIN desk_line "
            "ON desk_line.sha256 = desk_row.line WHERE kind = 'reply_bundle' AND origin = ? "
            "AND json_extract(\"row\", '$.number') = ?",
            [origin, bundle],
        )
        (day,) = found.fetchone()
        return date.fromisoformat(day) if day else None

    def add(
        self,
        desks: Iterable[Desk],
        lines: Iterable[SignedLine],
        rows: Iterable[tuple[WorkRow, bool]],
        promises: Iterable[Promise],
        closed: Iterable[Closed],
    ) -> None:
        """Add what is new, in the current transaction; *rows* as :meth:`rows` gives them."""
        insert = self._database.conn.executemany
        insert(
            "INSERT INTO desk VALUES (?, ?, ?)",
            ((desk.origin, desk.meta["desk"], desk.settings) for desk in desks),
        )
        insert(
            "INSERT INTO desk_line VALUES (?, ?, ?, ?, ?)",
            (
                (one.sha256, one.origin, json.loads(one.line)["number"], one.line, one.signature)
                for one in lines
            ),
        )
        insert(
            "INSERT INTO desk_row VALUES (?, ?, ?, ?, ?, ?)",
            (
                (one.line, one.kind, one.characters, json.dumps(one.seen), closed, encoded(one.row))
                for one, closed in rows
            ),
        )
        insert("INSERT OR IGNORE INTO desk_promise VALUES (?, ?, ?)", promises)
        insert(
            "INSERT OR IGNORE INTO desk_closed VALUES (?, ?, ?, ?)",
            (
                (digest(one.sealed), one.reviewer, json.dumps(one.lines), one.sealed)
                for one in closed
            ),
        )

    def cases_of(self, characters: Iterable[str]) -> list[int]:
        """The cases here with these whole names."""
        found = self._database.execute(
            'SELECT "case" FROM case_name WHERE characters IN (SELECT value FROM json_each(?))',
            [json.dumps(sorted(set(characters)))],
        )
        return [number for (number,) in found]

    def own_rows(self) -> Iterator[tuple[str, WorkRow]]:
        """The rows of its own work that this desk's log records, each with its name."""
        names = dict(self._database.execute('SELECT "case", characters FROM case_name').fetchall())
        lines = {}
        for one in self.own_lines():
            name = json.loads(one.line)["row"]
            if name.partition("/")[0] in SHARED:
                lines[name] = one.sha256
        answers = {
            number: (case, kind)
            for number, case, kind in self._database.execute('SELECT id, "case", kind FROM answer')
        }
        for kind in SHARED:
            columns = ", ".join(f'"{column}"' for column in ROWS[kind])
            for values in self._database.query(f"SELECT {columns} FROM {kind}"):  # noqa: S608
                name = row_name(kind, values)
                if name not in lines:
                    continue  # added without a reviewer at work; `verify` names it
                case: Any = values.get("case")
                of = ""
                if "case" not in values and "answer" in values:
                    case, of = answers[values["answer"]]
                left = kind == "departure" and of == "answer"
                seen = self._seen(case, values["part"]) if left else ()
                yield name, WorkRow(lines[name], kind, names.get(case, ""), seen, values)

    def _seen(self, case: int, part: int) -> tuple[str, ...]:
        found = self._database.execute(
            'SELECT block_id FROM part WHERE "case" = ? AND number <= ?', [case, part]
        )
        return tuple(sorted(block_id.hex() for (block_id,) in found))
