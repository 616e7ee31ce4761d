"""Giving work to other desks, and taking theirs: nothing is changed, only new things are added.

While a second review is still to come, the first one leaves sealed to its own reviewer alone. The
others get the custody line, which has its hash, and so the promise that there is a review. Once the
other reviewer has promised theirs, the layer leaves for all to read.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

from dropbox.errors import BadBundle, CannotOpen
from dropbox.reply import DESKS
from scripts.desk.case_name import BadCaseName, former_name, read, read_former
from scripts.desk.casebook import custody, tree
from scripts.desk.casebook.answer_rows import ACKNOWLEDGEMENT
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Line, Row
from scripts.desk.casebook.desks import (
    FACTS,
    OF_NO_CASE,
    OTHERS,
    REDACTIONS,
    Closed,
    Desk,
    Promise,
    SignedLine,
    WorkRow,
)
from scripts.desk.exchange.work_bundle import Work, unpack
from scripts.desk.progress import Progress, watched
from scripts.desk.review.judgement import ADJUDICATION, REVIEW, Judgement
from scripts.desk.review.sheet import is_amount


@dataclass(frozen=True)
class Merged:
    """What was new in a bundle: lines of custody logs, layers, answers, and so on.

    ``notices`` are acknowledgements that a report was opened, which no reviewer wrote. ``others``
    are translations, assignments, draws, decisions on links, releases, confirmations and facts.
    ``waiting`` counts the cases whose reports this casebook has not received yet; ``closed``:
    layers of the reviewer at work that could not be opened.
    """

    lines: int
    layers: int
    answers: int
    notices: int
    others: int
    waiting: int
    closed: bool


def gather(
    casebook: Casebook,
    reviewer: str,
    close: Callable[[str, tuple[WorkRow, ...]], Closed | None],
    progress: Progress | None = None,
) -> Work:
    """Everything that *casebook* knows, for all desks, to be signed by *reviewer*.

    *close* seals layers to their own reviewer alone; it returns None for one who gets no bundle.
    """
    desks = casebook.desks
    own = list(desks.own_lines())
    rows, shut = list[WorkRow](), list[WorkRow]()
    of_own, of_others = [row for _, row in desks.own_rows()], list(desks.rows())
    for row in watched(of_own, len(of_own) + len(of_others), progress):
        (rows if _may_leave(casebook, row) else shut).append(row)
    for row, closed in watched(of_others, len(of_others), progress):
        (rows if _may_leave(casebook, row, elsewhere=not closed) else shut).append(row)
    own = _before_guessable(own, shut)
    lines = [*own, *desks.lines()]
    known = {one.sha256 for one in lines}
    rows, shut = ([row for row in some if row.line in known] for some in (rows, shut))
    promises = [
        *(Promise(row.line, row.characters, row.row["reviewer"]) for row in shut),
        *desks.promises(),
    ]
    return Work(
        campaign=casebook.campaign.code,
        server_key=casebook.server_key,
        reviewer=reviewer,
        desks=tuple(sorted([desks.own(), *desks.others()])),
        lines=tuple(sorted(lines, key=_order)),
        rows=tuple(sorted(rows, key=lambda row: row.line)),
        promises=tuple(sorted(set(promises))),
        closed=_needed(
            [
                *filter(None, (close(*one) for one in _by_reviewer(shut))),
                *desks.closed(),
            ],
            {one.line for one in promises},
        ),
    )


def _needed(closed: Iterable[Closed], promised: Collection[str]) -> tuple[Closed, ...]:
    """Those of *closed* that hold layers which nobody may read yet, with few duplicates."""
    found, left = list[Closed](), set(promised)
    for one in sorted(closed, key=lambda one: (-len(one.lines), one)):
        if left & set(one.lines):
            found.append(one)
            left -= set(one.lines)
    return tuple(sorted(found))


def _order(one: SignedLine) -> tuple[str, int, str]:
    return one.origin, json.loads(one.line)["number"], one.sha256


def _by_reviewer(rows: Iterable[WorkRow]) -> list[tuple[str, tuple[WorkRow, ...]]]:
    found: dict[str, list[WorkRow]] = {}
    for row in rows:
        found.setdefault(row.row["reviewer"], []).append(row)
    return [(who, tuple(some)) for who, some in sorted(found.items())]


def _may_leave(casebook: Casebook, row: WorkRow, *, elsewhere: bool = False) -> bool:
    """Whether other desks may read *row*; if open *elsewhere*, it stays open without its case.

    Even such a row is closed again if its case has since been drawn for a second review.
    """
    if row.kind != "layer":
        return True
    here = casebook.desks.cases_of([row.characters])
    if not here:
        return elsewhere
    (number,) = here
    reviews = casebook.layers.of(casebook.case(number))
    layer = next(
        layer
        for layer in reviews.layers
        if (layer.reviewer, layer.version) == (row.row["reviewer"], row.row["version"])
        and layer.judgement.to_json() == json.loads(row.row["judgement"])
    )
    return reviews.may_leave(layer)


def _before_guessable(own: list[SignedLine], shut: Iterable[WorkRow]) -> list[SignedLine]:
    """The lines up to the first that records a layer in *shut* without a nonce.

    Whoever has such a line could find out the layer by trying all judgements.
    """
    guessable = {row.line for row in shut if not json.loads(row.row["judgement"]).get("nonce")}
    for position, one in enumerate(own):
        if one.sha256 in guessable:
            return own[:position]
    return own


def merge(
    casebook: Casebook,
    work: Work,
    now: datetime,
    *,
    reviewer: str = "",
    open_closed: Callable[[bytes], bytes],
    progress: Progress | None = None,
) -> Merged:
    """Add everything in *work* that is new to *casebook*. Raises BadBundle; nothing is changed
    then.

    *open_closed* opens what is sealed to *reviewer* alone; it may raise CannotOpen. This adds no
    line to the desk's own custody log: what is added are other desks' lines, with their own
    signatures. So desks that have merged the same bundles hold the same.
    """
    new = _new(casebook, work, now)
    lacking = {one.line for one in new.promises if not casebook.desks.has_row(one.line)}
    mine, failed = _opened(work.closed, lacking, reviewer, open_closed)
    rows = _new_rows(casebook, work.rows, mine, new)
    closed = _needed(work.closed, lacking - {row.line for row, _ in rows})
    with casebook.together():
        drawn = casebook.desks.sample_key()
        casebook.desks.add(new.desks, new.lines, rows, new.promises, closed)
        casebook.layers.draw()
        everything = drawn != casebook.desks.sample_key()
        _settle(casebook, rows, new.promises, progress, everything=everything)
    touched = {row.characters for row, _ in rows if row.characters}
    kinds = [row.kind for row, _ in rows]
    notices = sum(row.kind == "answer" and row.row["kind"] == ACKNOWLEDGEMENT for row, _ in rows)
    return Merged(
        lines=len(new.lines),
        layers=kinds.count("layer"),
        answers=kinds.count("answer") - notices,
        notices=notices,
        others=sum(kind in (*OTHERS, *FACTS, *REDACTIONS) for kind in kinds),
        waiting=len(touched) - len(casebook.desks.cases_of(touched)),
        closed=failed,
    )


class _New(NamedTuple):
    """The new and checked part of a bundle, without its rows.

    ``known`` is the tree of all lines, those that were here and the new ones; ``own`` are the
    hashes of this casebook's own.
    """

    desks: list[Desk]
    lines: list[SignedLine]
    promises: list[Promise]
    known: tree.Tree
    own: frozenset[str]


def _new(casebook: Casebook, work: Work, now: datetime) -> _New:
    """The new part of *work*. Raises BadBundle unless all of it is signed and follows what is
    here.
    """
    desks = casebook.desks
    new_desks = _new_desks(casebook, work.desks)
    own = {one.sha256: one for one in desks.own_lines()}
    here = {one.sha256: one for one in desks.lines()}
    new = [one for one in work.lines if one.sha256 not in own and one.sha256 not in here]
    try:
        known = tree.read([*own.values(), *here.values(), *new])
    except ValueError:
        raise BadBundle("A line in the work bundle cannot be read; nothing was added.") from None
    origins = {desks.own().origin, *(desk.origin for desk in (*desks.others(), *new_desks))}
    if not {one.origin for one in new} <= origins:
        raise BadBundle("The work bundle has lines of a desk that it does not name.")
    for fault in tree.faults(new, known, tuple(casebook.pinned().values()), now):
        raise BadBundle(f"{fault} Nothing was added.")
    promised = [one for one in work.promises if one.line not in own]
    for one in promised:
        _check_promise(one, known)
    return _New(new_desks, new, promised, known, frozenset(own))


def _new_rows(
    casebook: Casebook, given: Iterable[WorkRow], mine: Iterable[WorkRow], new: _New
) -> list[tuple[WorkRow, bool]]:
    """The rows that are new here, and whether they came sealed to their reviewer alone.

    Raises BadBundle unless each is what its line records.
    """
    rows = {row.line: (row, True) for row in mine}
    rows |= {row.line: (row, False) for row in given}
    added = [
        found
        for line, found in rows.items()
        if line not in new.own and not casebook.desks.has_row(line)
    ]
    for row, _ in added:
        check_row(row, new.known)
    return added


def _settle(
    casebook: Casebook,
    rows: Iterable[tuple[WorkRow, bool]],
    promises: Iterable[Promise],
    progress: Progress | None,
    *,
    everything: bool,
) -> None:
    """Bring the standings of all cases in *rows* and *promises* up to date.

    With *everything*, of all cases, because other cases are now drawn for a second review.
    """
    touched = {row.characters for row, _ in rows} | {one.characters for one in promises}
    cases = (
        [case.number for case in casebook.cases()]
        if everything
        else casebook.desks.cases_of(touched)
    )
    for number in watched(cases, len(cases), progress):
        casebook.layers.settle(casebook.case(number))


def _new_desks(casebook: Casebook, found: Collection[Desk]) -> list[Desk]:
    """The desks in a bundle that are new here; all desks in it are checked."""
    known = {desk.origin: desk for desk in (casebook.desks.own(), *casebook.desks.others())}
    new = [desk for desk in found if desk.origin not in known]
    numbers = {desk.meta["desk"] for desk in known.values()}
    for desk in new:
        try:
            meta = desk.meta
            number, key = meta["desk"], bytes.fromhex(meta["sample_key"])
            drop = meta["campaign"], bytes.fromhex(meta["server_key"])
        except (KeyError, TypeError, ValueError, IndexError):
            raise BadBundle("The work bundle is damaged: a desk's settings.") from None
        if custody.digest(desk.settings.encode()) != desk.origin or number not in range(DESKS):
            raise BadBundle("The settings of a desk in the work bundle were changed.")
        if drop != (casebook.campaign.code, casebook.server_key) or len(key) != 32:
            raise BadBundle("The work bundle has a desk of another drop.")
        if number in numbers:
            raise BadBundle(
                f"Two desks have the number {number}: they would overwrite each other's answers. "
                "Nothing was added."
            )
        numbers.add(number)
    return new


def _opened(
    closed: Iterable[Closed],
    lacking: Collection[str],
    reviewer: str,
    open_closed: Callable[[bytes], bytes],
) -> tuple[list[WorkRow], bool]:
    """The rows sealed to *reviewer* alone that are missing here, as after a restored backup.

    Also returns whether any of them could not be opened.
    """
    found, failed = list[WorkRow](), False
    for one in closed:
        if one.reviewer == reviewer and set(one.lines) & set(lacking):
            try:
                found += unpack(open_closed(one.sealed))
            except CannotOpen:
                failed = True
    return found, failed


def check_row(row: WorkRow, known: tree.Tree) -> None:
    """Raise BadBundle unless the line of *row* records it, for this case, by its own reviewer."""
    _, line = known.get(row.line, ("", None))
    if line is None or Row.of(row.kind, row.row) != (line.row, line.row_sha256):
        raise BadBundle("A row in the work bundle is not what its line of the log records.")
    if row.characters or row.kind not in OF_NO_CASE:
        _check_case(line, row.characters)
    if row.row.get("reviewer", line.reviewer) != line.reviewer:
        raise BadBundle("A row in the work bundle is not its reviewer's own.")
    former = read_former(line.subject)
    if former and "case" in row.row and former_name(row.row["case"]) != former:
        raise BadBundle("A row in the work bundle is of another case than its line says.")
    if row.kind == "layer":
        _check_layer(row.row, line)


def _check_case(line: Line, characters: str) -> None:
    """Check that the line calls the case by its name, which is the beginning of its whole name."""
    if read_former(line.subject) and characters:
        return
    try:
        begins = characters.startswith(read(line.subject))
    except BadCaseName:
        begins = False
    if not begins:
        raise BadBundle("A row in the work bundle is of another case than its line says.")


def _check_layer(row: Mapping[str, Any], line: Line) -> None:
    try:
        judgement = Judgement.from_json(json.loads(row["judgement"]))
        well = all(_like(judgement, field.name) for field in fields(Judgement))
    except (ValueError, TypeError, AttributeError, RecursionError):
        well = False
    well = well and row["role"] in (REVIEW, ADJUDICATION) and row["blind"] in (0, 1)
    try:
        datetime.fromisoformat(row["day"])
    except (ValueError, TypeError):
        well = False
    if not well or row["reviewer"] != line.reviewer or type(row["version"]) is not int:
        raise BadBundle("A layer in the work bundle is damaged, or not its reviewer's own.")


def _like(judgement: Judgement, name: str) -> bool:
    """Whether this field holds the right type."""
    value, default = getattr(judgement, name), getattr(Judgement(), name)
    if type(value) is not type(default):
        return False
    if name == "fields":
        return True  # from_json has looked at them
    if isinstance(value, dict):
        return all(isinstance(one, str) for one in value.values())
    if isinstance(value, tuple):
        if name == "amounts":
            return all(type(one) is dict and is_amount(one) for one in value)
        return all(type(one) is str for one in value)
    return True


def _check_promise(one: Promise, known: tree.Tree) -> None:
    _, line = known.get(one.line, ("", None))
    if line is None or not line.row.startswith("layer/") or line.reviewer != one.reviewer:
        raise BadBundle("A review in the work bundle has no line in its desk's log.")
    _check_case(line, one.characters)
