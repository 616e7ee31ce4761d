"""Finding cases by their words, in either Chinese script, and by the codes that people gave them.

The index holds the words of each part (its text and file names) and answer, folded as folding.py
says. A Chinese character is one word there, so that 封号 is a phrase of two: SQLite's own
tokenizers either cannot find words of two characters (trigram) or do not know all
ideographs (unicode61).
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.derived import Register
from scripts.desk.search.folding import SEPARATOR, spelled, words
from scripts.desk.search.summary import Outline, first_month, last_month, outlines_of
from scripts.desk.search.summary import catch_up as outline_catch_up
from scripts.terminal import one_line

_VERSION = 1
_TABLES = ("found",)
# A row of the index is a part or an answer of a case; the row's number encodes which one.
_CASE_SHIFT = 33
_STEP = 1_000
_LAST = {
    "part": "SELECT coalesce(max(number), 0) FROM part",
    "answer": "SELECT coalesce(max(id), 0) FROM answer",
}
# Sorted by case, because the index takes rows fastest in the order of their numbers.
_NUMBERS = {
    "part": 'SELECT "case", number FROM part WHERE number > ? AND number <= ? '
    'ORDER BY "case", number',
    "answer": 'SELECT "case", id FROM answer WHERE id > ? AND id <= ? ORDER BY "case", id',
}

# A pasted page is searched for by its beginning: at most so many words a phrase, and phrases.
MOST_WORDS, MOST_TERMS = 64, 32
EXCERPT_CHARACTERS = 24

Progress = Callable[[int, int], None]
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»「」『』＂", '"'))
_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')


class FindingError(CasedropError):
    """This cannot be searched for."""


@dataclass(frozen=True)
class Filters:
    """Codes that a case must have; "" asks for nothing.

    ``period`` is "2019", "2019-03" or two such with ".." between; ``reviewer`` is a fingerprint.
    What reviewers said is read from the cases' standings, which hold nothing of a review to which
    others are still kept blind.
    """

    category: str = ""
    harm: str = ""
    province: str = ""
    period: str = ""
    merit: str = ""
    urgency: str = ""
    status: str = ""
    correspondence: str = ""
    us: str = ""
    flag: str = ""
    tag: str = ""
    reviewer: str = ""

    @property
    def any(self) -> bool:
        """Whether any filter is set."""
        return any(getattr(self, one.name) for one in fields(self))


@dataclass(frozen=True, repr=False)
class Found:
    """A case that was found, with the text around the first hit.

    ``where`` is "text", "file name" or "answer", ``excerpt`` what comes before the hit, the hit,
    and what comes after it. Without words to search for, ``where`` is "" and the excerpt only the
    beginning of the text.
    """

    outline: Outline
    where: str
    excerpt: tuple[str, str, str]


@dataclass(frozen=True, repr=False)
class Answered:
    """The result of a search: the number of cases found, those on the page, and a note.

    ``note`` says what of the query was not searched for.
    """

    count: int
    cases: tuple[Found, ...]
    note: str


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Index what came since the last call. *progress* gets (done, total) parts and answers."""
    database = casebook.database
    register = _register(casebook)
    last = {name: database.execute(last).fetchone()[0] for name, last in _LAST.items()}
    begin = {name: register.upto(name) for name in _LAST}
    total, done = sum(last.values()) - sum(begin.values()), 0
    for name in _LAST:
        for after in range(begin[name], last[name], _STEP):
            upto = min(after + _STEP, last[name])
            with register.taking(name, upto):
                for case, number in database.execute(_NUMBERS[name], [after, upto]).fetchall():
                    row = (case << _CASE_SHIFT) + 2 * number + (name == "answer")
                    texts = (
                        _part_texts(casebook, number)
                        if name == "part"
                        else [_answer_text(casebook, number)]
                    )
                    spelled_texts = f" {SEPARATOR} ".join(map(spelled, texts))
                    database.execute(
                        "INSERT INTO found (rowid, words) VALUES (?, ?)", [row, spelled_texts]
                    )
            done += upto - after
            if progress is not None:
                progress(done, total)


def _register(casebook: Casebook) -> Register:
    return Register(casebook.database, "found", version=_VERSION, tables=_TABLES)


def _part_texts(casebook: Casebook, number: int) -> list[str]:
    """The texts of a part that are indexed: its text, then the names of its files."""
    report = casebook.part(number).report
    return [report.text, *(attachment.name for attachment in report.attachments)]


def _answer_text(casebook: Casebook, number: int) -> str:
    found = casebook.database.execute("SELECT text FROM answer WHERE id = ?", [number]).fetchone()
    return str(found[0]) if found else ""


def terms(query: str) -> tuple[list[tuple[str, ...]], str]:
    """The phrases of folded words in *query*, and a note of what was left out.

    Spaces separate phrases, quotation marks of any kind hold one together. Only letters, digits and
    pictures are searched for.
    """
    found = [
        tuple(words(quoted or plain)) for quoted, plain in _TERM.findall(query.translate(_QUOTES))
    ]
    phrases = list(dict.fromkeys(phrase for phrase in found if phrase))
    notes = []
    if len(phrases) > MOST_TERMS:
        notes.append(f"Only the first {MOST_TERMS} words or phrases were searched for.")
    if any(len(phrase) > MOST_WORDS for phrase in phrases):
        notes.append(f"Only the first {MOST_WORDS} words of a phrase were searched for.")
    return list(dict.fromkeys(phrase[:MOST_WORDS] for phrase in phrases[:MOST_TERMS])), " ".join(
        notes
    )


def find(
    casebook: Casebook,
    query: str,
    filters: Filters,
    *,
    without: Collection[int] = (),
    skip: int = 0,
    most: int = 50,
    everything: bool = False,
    progress: Progress | None = None,
) -> Answered:
    """The cases that contain all phrases of *query* and match all *filters*, by number.

    Returned are at most *most* of them after the first *skip*. The cases *without* are neither
    found nor counted. Raises FindingError when there is nothing to search for, unless that means
    *everything*.
    """
    phrases, note = terms(query)
    if not (phrases or filters.any or everything):
        raise FindingError(
            "There is no letter, digit or picture in this to search for, and no filter is given."
        )
    outline_catch_up(casebook)
    catch_up(casebook, progress)
    rows = _rows(casebook, phrases) if phrases else None
    numbers = _matching(casebook, filters) if filters.any or rows is None else set(rows)
    if rows is not None:
        numbers.intersection_update(rows)
    numbers.difference_update(without)
    shown = sorted(numbers)[skip : skip + most]
    cases = tuple(_found(casebook, one, rows, phrases) for one in outlines_of(casebook, shown))
    return Answered(len(numbers), cases, note)


def _rows(casebook: Casebook, phrases: Iterable[tuple[str, ...]]) -> dict[int, int]:
    """The cases that contain all *phrases*, each with its first row that holds the first one."""
    first: dict[int, int] = {}
    for number, phrase in enumerate(phrases):
        # Words consist of letters, digits and _ only, so nothing in them is syntax.
        found = casebook.database.execute(
            "SELECT rowid FROM found WHERE found MATCH ?", [f'"{" ".join(phrase)}"']
        )
        if number == 0:
            # Reversed, so that a case's first row is set last and stays.
            first = {row >> _CASE_SHIFT: row for (row,) in reversed(found.fetchall())}
        else:
            cases = {row >> _CASE_SHIFT for (row,) in found}
            first = {case: row for case, row in first.items() if case in cases}
        if not first:
            break
    return first


def _matching(casebook: Casebook, filters: Filters) -> set[int]:
    """The cases that match *filters*.

    Categories and harms may be the claimant's or the reviewers'.
    """
    conditions, values = ["1"], list[Any]()

    def require(condition: str, *wanted: str) -> None:
        conditions.append(condition)
        values.extend(wanted)

    def require_code(column: str, code: str) -> None:
        require(f"instr(standing.{column}, ?) > 0", f" {code} ")

    if filters.category:
        require(
            "(outline.category = ? OR standing.category = ?)", filters.category, filters.category
        )
    if filters.harm:
        # Quoted as in JSON: no code can be found inside another.
        require(
            "(instr(outline.harms, ?) > 0 OR instr(standing.harms, ?) > 0)",
            json.dumps(filters.harm),
            f" {filters.harm} ",
        )
    if filters.province:
        require("instr(outline.provinces, ?) > 0", json.dumps(filters.province))
    if filters.period:
        since, until = _period(filters.period)
        require(
            "outline.since BETWEEN '1' AND ? AND (outline.until = '' OR outline.until >= ?)",
            until,
            since,
        )
    for name in ("merit", "urgency", "status", "correspondence", "us"):
        if code := getattr(filters, name):
            require(f"standing.{name} = ?", code)
    if filters.flag:
        require_code("flags", filters.flag)
    if filters.tag:
        require_code("tags", filters.tag)
    if filters.reviewer:
        require_code("reviewers", filters.reviewer.upper())
    found = casebook.database.execute(
        'SELECT outline."case" FROM outline '  # noqa: S608 - ours alone
        'JOIN standing ON standing."case" = outline."case" WHERE ' + " AND ".join(conditions),
        values,
    )
    return {number for (number,) in found}


def _period(asked: str) -> tuple[str, str]:
    """The first and the last month of "2019", "2019-03" or two such with ".." between."""
    begin, dots, end = asked.partition("..")
    since, until = first_month(begin), last_month(end if dots else begin)
    if not since or not until or since > until:
        raise FindingError(
            "A period is written as 2019, 2019-03 or 2019-03..2020, with the earlier month first."
        )
    return since, until


def _found(
    casebook: Casebook,
    outline: Outline,
    rows: dict[int, int] | None,
    phrases: Sequence[tuple[str, ...]],
) -> Found:
    if rows is None:
        return Found(outline, "", (one_line(outline.text, 2 * EXCERPT_CHARACTERS), "", ""))
    row = rows[outline.number]
    number, answered = divmod(row - (outline.number << _CASE_SHIFT), 2)
    if answered:
        texts, names = [_answer_text(casebook, number)], ["answer"]
    else:
        texts = _part_texts(casebook, number)
        names = ["text"] + ["file name"] * (len(texts) - 1)
    for text, name in zip(texts, names, strict=True):
        if hit := hit_in(text, phrases[0]):
            return Found(outline, name, _excerpt(text, *hit))
    # The index was made from the same texts, so somebody altered it since.
    _register(casebook).make()
    raise FindingError(
        f"The index of words did not match {outline.name}. It will be rebuilt: search once more."
    )


def hit_in(text: str, phrase: Sequence[str]) -> tuple[int, int] | None:
    """Where *phrase* first occurs in *text*, as the start and end of a slice; None if nowhere."""
    found = re.search(r"(?<!\S)" + r"\s+".join(map(re.escape, phrase)) + r"(?!\S)", spelled(text))
    if found is None:
        return None
    # For each character of the text, where its own spelling ends in the spelled text.
    first = last = 0
    for index, end in enumerate(accumulate(len(spelled(character)) for character in text)):
        if end <= found.start():
            first = index + 1
        last = index + 1
        if end >= found.end():
            break
    return first, last


def _excerpt(text: str, start: int, end: int) -> tuple[str, str, str]:
    """The text before the hit, the hit and the text after it, each one line and neutralised."""
    before = text[max(0, start - EXCERPT_CHARACTERS) : start]
    after = text[end : end + EXCERPT_CHARACTERS]
    hit = one_line(text[start:end], 2 * EXCERPT_CHARACTERS)
    return one_line(before, 8 * EXCERPT_CHARACTERS), hit, one_line(after, 8 * EXCERPT_CHARACTERS)
