"""Outlines: each case in one row, derived from its parts, so that lists read no reports."""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.derived import Register

EXCERPT_CHARACTERS = 160
_VERSION = 6
_TABLES = ("outline", "part_with_files", "fact")
_INSERT = (
    "INSERT OR REPLACE INTO outline VALUES "
    "(:case, :day, :language, :category, :harms, :since, :until, :parts, :files, "
    ":withdrawn, :later, :silent, :text)"
)
_MONTH = re.compile(r"(20[0-9]{2})(-(?:0[1-9]|1[0-2]))?", re.ASCII)
# How many parts are read in one transaction.
_STEP = 1_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, repr=False)
class Outline:
    """What a list shows of a case, and the reply keys that identify it.

    ``text`` is the beginning of the first part's text; ``harms`` are codes; ``later`` counts parts
    that came after everything was taken back.
    """

    number: int
    name: str
    reply_public: bytes
    tag_key: bytes
    day: date
    language: str
    category: str
    harms: tuple[str, ...]
    parts: int
    files: int
    later: int
    text: str


def first_month(answer: Any) -> str:
    """The first month of "2019" or "2019-03", "" for anything else."""
    found = _MONTH.fullmatch(answer) if isinstance(answer, str) else None
    return found[1] + (found[2] or "-01") if found else ""


def last_month(answer: Any) -> str:
    """The last month of "2019" or "2019-03", "" for anything else."""
    found = _MONTH.fullmatch(answer) if isinstance(answer, str) else None
    return found[1] + (found[2] or "-12") if found else ""


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Renew the outlines of cases that got new parts since the last call.

    *progress* gets (done, total) parts.
    """
    database = casebook.database
    register = Register(database, "outline", version=_VERSION, tables=_TABLES)
    last = casebook.last_part()
    first = done = register.upto("part")
    while done < last:
        upto = min(done + _STEP, last)
        touched = database.execute(
            'SELECT DISTINCT "case" FROM part WHERE number > ? AND number <= ?', [done, upto]
        ).fetchall()
        with register.taking("part", upto):
            for (number,) in touched:
                case = casebook.case(number)
                database.execute(_INSERT, _row(case))
                _replace_facts(casebook, case)
                for part in case.parts:
                    if part.report.attachments:
                        database.execute(
                            "INSERT OR IGNORE INTO part_with_files VALUES (?, ?)",
                            [part.number, len(part.report.attachments)],
                        )
        done = upto
        if progress is not None:
            progress(done - first, last - first)


def _row(case: Case) -> dict[str, Any]:
    facts = [part.report.facts for part in case.parts]
    since = sorted(filter(None, (first_month(one.get("period_from")) for one in facts)))
    until = sorted(filter(None, (last_month(one.get("period_to")) for one in facts)))
    return {
        "case": case.number,
        "day": case.day.isoformat(),
        "language": case.language,
        "category": case.category,
        "harms": json.dumps(case.harms),
        "since": since[0] if since else "",
        "until": until[-1] if until else "",
        "parts": len(case.parts),
        "files": len(case.files),
        "withdrawn": case.withdrawn is not None,
        "later": len(case.since_withdrawn),
        "silent": case.wants_no_notice,
        "text": case.parts[0].report.text[:EXCERPT_CHARACTERS],
    }


def _facts(case: Case) -> set[tuple[str, str, int]]:
    """The rows of ``fact`` for *case*: its claimant's answers in any part."""
    said: list[tuple[str, Any]] = [("category", case.category), ("harms", list(case.harms))]
    for part in case.parts:
        said += part.report.facts.items()
    return {
        (code, value, case.number)
        for question, answer in said
        for code, value in _answers(question, answer)
        if value
    }


def _answers(question: str, answer: Any) -> Iterator[tuple[str, str]]:
    """The single values of an answer, each with its code; an answer of an unknown kind has none."""
    for one in answer if isinstance(answer, list) else [answer]:
        if isinstance(one, str):
            yield question, one
        elif isinstance(one, dict):
            cells = ((column, cell) for column, cell in one.items() if isinstance(cell, str))
            yield from ((f"{question}.{column}", cell) for column, cell in cells)


def _replace_facts(casebook: Casebook, case: Case) -> None:
    casebook.database.execute('DELETE FROM fact WHERE "case" = ?', [case.number])
    casebook.database.conn.executemany("INSERT INTO fact VALUES (?, ?, ?)", _facts(case))


def altered(casebook: Casebook) -> list[int]:
    """The numbers of cases whose outline was altered, and of outlines without a case."""
    catch_up(casebook)
    cursor = casebook.database.execute("SELECT * FROM outline")
    columns = [name for name, *_ in cursor.description]
    rows = {row[0]: dict(zip(columns, row, strict=True)) for row in cursor}
    facts: dict[int, set[tuple[str, str, int]]] = {}
    for code, value, number in casebook.database.execute('SELECT code, value, "case" FROM fact'):
        facts.setdefault(number, set()).add((code, value, number))
    found = [
        case.number
        for case in casebook.cases()
        if rows.pop(case.number, None) != _row(case)
        or facts.pop(case.number, set()) != _facts(case)
    ]
    return list(dict.fromkeys([*found, *rows, *facts]))


def outlines_of(casebook: Casebook, numbers: Iterable[int]) -> list[Outline]:
    """The outlines of those cases *numbers* that exist, by number."""
    catch_up(casebook)
    columns = (
        'outline."case" AS number, name, reply_public, tag_key, day, language, category, harms, '
        "parts, files, later, text"
    )
    found = casebook.database.execute(
        f"SELECT {columns} FROM outline "  # noqa: S608 - ours alone
        'JOIN cases ON cases.number = outline."case" '
        'JOIN case_name ON case_name."case" = outline."case" '
        'WHERE outline."case" IN (SELECT value FROM json_each(?)) ORDER BY outline."case"',
        [json.dumps(list(numbers))],
    )
    names = [name for name, *_ in found.description]
    rows = (dict(zip(names, row, strict=True)) for row in found)
    return [
        Outline(
            **row
            | {"day": date.fromisoformat(row["day"]), "harms": tuple(json.loads(row["harms"]))}
        )
        for row in rows
    ]


# The codes that reports can hold, whatever the campaign has, and how to look for one.
HOLDING = {
    "category": "SELECT 1 FROM outline WHERE category = ? LIMIT 1",
    "harm": "SELECT 1 FROM outline, json_each(harms) WHERE value = ? LIMIT 1",
}


def holds(casebook: Casebook, name: str, code: str) -> bool:
    """Whether any report holds *code* as its *name*, one of HOLDING."""
    catch_up(casebook)
    return casebook.database.execute(HOLDING[name], [code]).fetchone() is not None


class PartWithFiles(NamedTuple):
    """A part that names files: its number, its block, and how many files were not opened yet."""

    number: int
    block_id: bytes
    missing: int


def parts_with_files(casebook: Casebook) -> Iterator[PartWithFiles]:
    """All parts that name files, in the order in which they came."""
    catch_up(casebook)
    found = casebook.database.execute(
        "SELECT one.part, part.block_id, one.files - "
        "(SELECT count(*) FROM attachment WHERE attachment.part = one.part) "
        "FROM part_with_files AS one JOIN part ON part.number = one.part ORDER BY one.part"
    )
    yield from itertools.starmap(PartWithFiles, found)


def withdrawn(casebook: Casebook) -> frozenset[int]:
    """The cases whose claimants took everything back."""
    catch_up(casebook)
    found = casebook.database.execute('SELECT "case" FROM outline WHERE withdrawn')
    return frozenset(number for (number,) in found)


def taken_back_unsaid(casebook: Casebook, blocks: Iterable[bytes]) -> list[int]:
    """The cases with a part in one of *blocks*, but without a notice that it was taken back."""
    catch_up(casebook)
    query = (
        'SELECT part."case" FROM part JOIN outline ON outline."case" = part."case" '
        "WHERE part.block_id = ? AND NOT outline.withdrawn"
    )
    found = {case for block in blocks for (case,) in casebook.database.execute(query, [block])}
    return sorted(found)


# How many answers of a kind left for each case from other desks.
_LEFT_ELSEWHERE = """
    SELECT case_name."case", count(*) AS given FROM desk_row AS gone
    JOIN case_name USING (characters) JOIN desk_line AS went ON went.sha256 = gone.line
    JOIN desk_row AS wrote ON wrote.characters = gone.characters AND wrote.kind = 'answer'
    AND json_extract(wrote."row", '$.id') = json_extract(gone."row", '$.answer')
    AND json_extract(wrote."row", '$.kind') = ?1
    JOIN desk_line AS written ON written.sha256 = wrote.line AND written.origin = went.origin
    WHERE gone.kind = 'departure' GROUP BY case_name."case"
"""


def still_to_tell(casebook: Casebook, kind: str, most: int) -> dict[int, int]:
    """How many more answers of *kind* may leave for each case of which some left elsewhere.

    Counts as :func:`unacknowledged` does, but without those that only wait here.
    """
    catch_up(casebook)
    found = casebook.database.execute(
        'SELECT elsewhere."case", min(count(DISTINCT part.bundle), ?2) - elsewhere.given - '  # noqa: S608
        '(SELECT count(*) FROM answer WHERE answer."case" = elsewhere."case" AND kind = ?1 '
        f"AND bundle IS NOT NULL) FROM ({_LEFT_ELSEWHERE}) AS elsewhere "
        'JOIN part ON part."case" = elsewhere."case" GROUP BY elsewhere."case"',
        [kind, most],
    )
    return {case: max(0, left) for case, left in found}


def unacknowledged(casebook: Casebook, kind: str, most: int) -> list[int]:
    """The cases that had fewer answers of *kind* than bundles that brought them something.

    At most *most* bundles of a case count. Answers that wait here or left from any desk count.
    Cases that were withdrawn, and cases whose claimant asked for no notice or no answer, are left
    out.
    """
    catch_up(casebook)
    found = casebook.database.execute(
        'SELECT came."case" FROM '  # noqa: S608 - ours alone
        '(SELECT "case", count(DISTINCT bundle) AS bundles FROM part GROUP BY "case") AS came '
        'JOIN outline ON outline."case" = came."case" LEFT JOIN '
        '(SELECT "case", count(*) AS given FROM answer WHERE kind = ?1 GROUP BY "case") '
        f'AS answered ON answered."case" = came."case" LEFT JOIN ({_LEFT_ELSEWHERE}) AS elsewhere '
        'ON elsewhere."case" = came."case" WHERE NOT outline.withdrawn AND NOT outline.silent '
        "AND coalesce(answered.given, 0) + coalesce(elsewhere.given, 0) < min(came.bundles, ?2) "
        'ORDER BY came."case"',
        [kind, most],
    )
    return [number for (number,) in found]
