"""The index of words: every part, answer and text beside them, folded as in folding.py.

A Chinese character is one word there, so that 封号 is a phrase of two: SQLite's own tokenizers
either cannot find words of two characters (trigram) or do not know all ideographs (unicode61).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.beside import Beside, cases_with_texts, texts_beside
from scripts.desk.search.derived import Register
from scripts.desk.search.folding import SEPARATOR, spelled
from scripts.desk.search.query import Alternatives, match
from scripts.desk.search.summary import Outline, outlines_of

_VERSION = 2
_TABLES = ("found", "beside", "beside_reader", "beside_stale")
_UPON = ("beside_stale_noted", "beside_translation_noted")
_STEP = 1_000

# A row's number says what it indexes: the case, then the kind, then the number within its kind. So
# what the claimant wrote comes first.
_CASE_SHIFT, _KIND_SHIFT = 33, 31
_PART, _ANSWER, _BESIDE = range(3)
_NUMBER_MASK = (1 << _KIND_SHIFT) - 1
_LAST = {
    _PART: "SELECT coalesce(max(number), 0) FROM part",
    _ANSWER: "SELECT coalesce(max(id), 0) FROM answer",
}
# Sorted by case, because the index takes rows fastest in the order of their numbers.
_NUMBERS = {
    _PART: 'SELECT "case", number FROM part WHERE number > ? AND number <= ? '
    'ORDER BY "case", number',
    _ANSWER: 'SELECT "case", id FROM answer WHERE id > ? AND id <= ? ORDER BY "case", id',
}
_SOURCES = {_PART: "part", _ANSWER: "answer"}
# Rows that the reader ?2 may read.
_READABLE = (
    f"(rowid >> {_KIND_SHIFT} & 3 <> {_BESIDE} OR EXISTS (SELECT 1 "  # noqa: S608 - ours alone
    "FROM beside_reader "
    f"WHERE number = rowid & {_NUMBER_MASK} AND reader IN ('', ?2)))"
)

Progress = Callable[[int, int], None]


class Place(NamedTuple):
    """A text in which words were found: its kind, and the text."""

    where: str
    text: str


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Index what came since the last call. *progress* gets (done, total) texts."""
    register = _register(casebook)
    last = {kind: one for kind, sql in _LAST.items() for (one,) in casebook.database.execute(sql)}
    begin = {kind: register.upto(_SOURCES[kind]) for kind in _LAST}
    stale = register.stale()
    with_texts = cases_with_texts(casebook).intersection(stale) if stale else frozenset()
    total, done = sum(last.values()) - sum(begin.values()) + len(with_texts), 0
    steps = [
        (kind, after, min(after + _STEP, last[kind]))
        for kind in _LAST
        for after in range(begin[kind], last[kind], _STEP)
    ]
    for kind, after, upto in steps:
        with register.taking(_SOURCES[kind], upto):
            _take(casebook, kind, after, upto)
        done += upto - after
        if progress is not None:
            progress(done, total)
    for first in range(0, len(stale), _STEP):
        cases = stale[first : first + _STEP]
        changed = outlines_of(casebook, [one for one in cases if one in with_texts])
        with register.taking_stale(cases):
            for case in changed:
                _take_beside(casebook, case)
        done += len(changed)
        if changed and progress is not None:
            progress(done, total)


def _register(casebook: Casebook) -> Register:
    return Register(
        casebook.database,
        "found",
        version=_VERSION,
        tables=_TABLES,
        stale="beside_stale",
        upon=_UPON,
    )


def rebuild(casebook: Casebook) -> None:
    """Make the next call of :func:`catch_up` index everything."""
    _register(casebook).make()


def _row(case: int, kind: int, number: int) -> int:
    return (case << _CASE_SHIFT) + (kind << _KIND_SHIFT) + number


def _take(casebook: Casebook, kind: int, after: int, upto: int) -> None:
    """Index the parts or answers after number *after*, up to *upto*."""
    database = casebook.database
    for case, number in database.execute(_NUMBERS[kind], [after, upto]).fetchall():
        _add(casebook, _row(case, kind, number), _texts(casebook, kind, number))


def _add(casebook: Casebook, row: int, texts: Sequence[Place]) -> None:
    words = f" {SEPARATOR} ".join(spelled(one.text) for one in texts)
    casebook.database.execute("INSERT INTO found (rowid, words) VALUES (?, ?)", [row, words])


def _take_beside(casebook: Casebook, case: Outline) -> None:
    """Index new texts beside *case*, and record who may read them."""
    database, texts = casebook.database, texts_beside(casebook, case)
    known = dict(
        database.execute(
            'SELECT key, number FROM beside WHERE "case" = ?', [case.number]
        ).fetchall()
    )
    numbers = list(known.values())
    database.execute(
        "DELETE FROM beside_reader WHERE number IN (SELECT value FROM json_each(?))",
        [json.dumps(numbers)],
    )
    for key, one in texts.items():
        if key not in known:
            number = database.execute(
                'INSERT INTO beside ("case", key) VALUES (?, ?)', [case.number, key]
            ).lastrowid
            known[key] = number
            _add(casebook, _row(case.number, _BESIDE, known[key]), [Place(one.where, one.text)])
        database.conn.executemany(
            "INSERT INTO beside_reader VALUES (?, ?)", _readers(known[key], one)
        )


def _readers(number: int, one: Beside) -> Iterator[tuple[int, str]]:
    return ((number, reader) for reader in one.readers)


def _texts(casebook: Casebook, kind: int, number: int) -> list[Place]:
    """The texts of a part (its own, then the names of its files) or of an answer."""
    if kind == _PART:
        report = casebook.part(number).report
        names = (Place("file name", attachment.name) for attachment in report.attachments)
        return [Place("text", report.text), *names]
    found = casebook.database.execute("SELECT text FROM answer WHERE id = ?", [number])
    return [Place("answer", text) for (text,) in found]


def cases_with(casebook: Casebook, groups: Sequence[Alternatives], reviewer: str) -> list[int]:
    """The cases that contain one phrase from each of *groups*, in texts that *reviewer* may
    read.
    """
    one = (
        f"SELECT rowid >> {_CASE_SHIFT} FROM found "  # noqa: S608 - ours alone
        f"WHERE found MATCH {{}} AND {_READABLE}"
    )
    selects = [one.format(f"?{3 + number}") for number in range(len(groups))]
    # The first parameter is not used, so that the second is always the reader.
    values = [None, reviewer, *map(match, groups)]
    query = " INTERSECT ".join(selects)
    return [case for (case,) in casebook.database.execute(f"{query} ORDER BY 1", values)]


def places(casebook: Casebook, case: Outline, group: Alternatives, reviewer: str) -> list[Place]:
    """The texts of the first row of *case* that contains one of *group*, which it does."""
    found = casebook.database.execute(
        f"SELECT rowid FROM found WHERE found MATCH ?1 AND {_READABLE} "  # noqa: S608 - ours alone
        "AND rowid >= ?3 ORDER BY rowid LIMIT 1",
        [match(group), reviewer, case.number << _CASE_SHIFT],
    )
    (rowid,) = found.fetchone()
    kind, number = (rowid >> _KIND_SHIFT) & 3, rowid & _NUMBER_MASK
    if kind != _BESIDE:
        return _texts(casebook, kind, number)
    texts = texts_beside(casebook, case)
    found = casebook.database.execute("SELECT key FROM beside WHERE number = ?", [number])
    return [Place(texts[key].where, texts[key].text) for (key,) in found if key in texts]
