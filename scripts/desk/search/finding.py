"""Finding cases by their words, in either Chinese script, and by what claimants and reviewers said of them in codes.

The index holds the words of every part (its text and its files' names) and of every answer, folded as in folding.py. A
Chinese character is a word of its own there, so that 封号 is a phrase of two: SQLite's own tokenizers do not find words of
two characters (trigram), nor know every ideograph (unicode61).
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any

from dropbox.errors import CasedropError
from scripts.desk.case import case_name
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.derived import Register
from scripts.desk.search.folding import APART, spelled, words
from scripts.desk.search.summary import Outline, first_month, last_month, outlines_of
from scripts.desk.search.summary import catch_up as outline_catch_up
from scripts.terminal import one_line

_VERSION = 1
_TABLES = ("found",)
# A row of the index is a part or an answer of a case: one number tells which.
_CASE_SHIFT = 33
_STEP = 1_000
_LAST = {
    "part": "SELECT coalesce(max(number), 0) FROM part",
    "answer": "SELECT coalesce(max(id), 0) FROM answer",
}
# By case, since the index takes its rows fastest in their order.
_NUMBERS = {
    "part": 'SELECT "case", number FROM part WHERE number > ? AND number <= ? ORDER BY "case", number',
    "answer": 'SELECT "case", id FROM answer WHERE id > ? AND id <= ? ORDER BY "case", id',
}

# A pasted page is looked for by its beginning: so many words of a phrase, so many phrases.
MOST_WORDS, MOST_TERMS = 64, 32
EXCERPT_CHARACTERS = 24

Progress = Callable[[int, int], None]
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»「」『』＂", '"'))
_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')


class FindingError(CasedropError):
    """This cannot be looked for."""


@dataclass(frozen=True)
class Filters:
    """Codes; "" asks for nothing. ``period`` is "2019", "2019-03" or two such with ".." between, ``reviewer`` a fingerprint.

    What reviewers said is asked of the cases' standings, which hold nothing of a review while others are kept blind to it.
    """

    category: str = ""
    harm: str = ""
    province: str = ""
    period: str = ""
    merit: str = ""
    urgency: str = ""
    status: str = ""
    tag: str = ""
    reviewer: str = ""

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, one.name) for one in fields(self))


@dataclass(frozen=True, repr=False)
class Found:
    """A case that was found: the words around the first hit (before, hit, behind), "" each when none was looked for, and
    where that stands: text, file name or answer.
    """

    outline: Outline
    where: str
    excerpt: tuple[str, str, str]


@dataclass(frozen=True, repr=False)
class Answered:
    """What a search came to: how many cases in all, those that were asked for, and what was left out of the query."""

    count: int
    cases: tuple[Found, ...]
    note: str


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Take into the index what came since the last time. *progress* gets (done, all) parts and answers."""
    database = casebook.database
    register = _register(casebook)
    last = {name: database.execute(last).fetchone()[0] for name, last in _LAST.items()}
    begin = {name: register.upto(name) for name in _LAST}
    every, done = sum(last.values()) - sum(begin.values()), 0
    for name in _LAST:
        for first in range(begin[name], last[name], _STEP):
            behind = min(first + _STEP, last[name])
            with register.taking(name, behind):
                for case, number in database.execute(_NUMBERS[name], [first, behind]).fetchall():
                    row = (case << _CASE_SHIFT) + 2 * number + (name == "answer")
                    texts = (
                        _part_texts(casebook, number)
                        if name == "part"
                        else [_answer_text(casebook, number)]
                    )
                    spelled_texts = f" {APART} ".join(map(spelled, texts))
                    database.execute(
                        "INSERT INTO found (rowid, words) VALUES (?, ?)", [row, spelled_texts]
                    )
            done += behind - first
            if progress is not None:
                progress(done, every)


def _register(casebook: Casebook) -> Register:
    return Register(casebook.database, "found", version=_VERSION, tables=_TABLES)


def _part_texts(casebook: Casebook, number: int) -> list[str]:
    """What of a part is looked through: its text, then the names of its files."""
    report = casebook.part(number).report
    return [report.text, *(attachment.name for attachment in report.attachments)]


def _answer_text(casebook: Casebook, number: int) -> str:
    found = casebook.database.execute("SELECT text FROM answer WHERE id = ?", [number]).fetchone()
    return str(found[0]) if found else ""


def terms(query: str) -> tuple[list[tuple[str, ...]], str]:
    """What *query* asks for: phrases of folded words, each of which a case must hold; and what was left out, in a sentence.

    Spaces part phrases, quotation marks of any kind hold one together. Whatever is no letter, digit or picture is nothing
    to look for.
    """
    found = [
        tuple(words(quoted or plain)) for quoted, plain in _TERM.findall(query.translate(_QUOTES))
    ]
    phrases = list(dict.fromkeys(phrase for phrase in found if phrase))
    notes = []
    if len(phrases) > MOST_TERMS:
        notes.append(f"Only the first {MOST_TERMS} words or phrases were looked for.")
    if any(len(phrase) > MOST_WORDS for phrase in phrases):
        notes.append(f"Of a phrase, only the first {MOST_WORDS} words were looked for.")
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
    """The cases that hold everything in *query* and fit all *filters*: *most* of them behind the first *skip*, by number.

    None of those *without* is found or counted. Raises FindingError when nothing is asked for, unless that means
    *everything*.
    """
    phrases, note = terms(query)
    if not (phrases or filters.any or everything):
        raise FindingError(
            "There is no letter, digit or picture in this to look for, and no filter is given."
        )
    outline_catch_up(casebook)
    catch_up(casebook, progress)
    places = _places(casebook, phrases) if phrases else None
    numbers = _fitting(casebook, filters) if filters.any or places is None else set(places)
    if places is not None:
        numbers.intersection_update(places)
    numbers.difference_update(without)
    shown = sorted(numbers)[skip : skip + most]
    cases = tuple(_found(casebook, one, places, phrases) for one in outlines_of(casebook, shown))
    return Answered(len(numbers), cases, note)


def _places(casebook: Casebook, phrases: Iterable[tuple[str, ...]]) -> dict[int, int]:
    """Each case that holds all *phrases*, with the first row of the index in which the first of them stands."""
    places: dict[int, int] = {}
    for number, phrase in enumerate(phrases):
        # Of letters, digits and _ only: nothing in it is syntax.
        rows = casebook.database.execute(
            "SELECT rowid FROM found WHERE found MATCH ?", [f'"{" ".join(phrase)}"']
        )
        if number == 0:
            # The last to be set is the first row.
            places = {row >> _CASE_SHIFT: row for (row,) in reversed(rows.fetchall())}
        else:
            held = {row >> _CASE_SHIFT for (row,) in rows}
            places = {case: row for case, row in places.items() if case in held}
        if not places:
            break
    return places


def _fitting(casebook: Casebook, filters: Filters) -> set[int]:
    """The cases that fit *filters*. A category and a harm are those of the claimant or of the reviewers."""
    wheres, values = ["1"], list[Any]()

    def ask(condition: str, *asked: str) -> None:
        wheres.append(condition)
        values.extend(asked)

    def among(column: str, code: str) -> None:
        ask(f"instr(standing.{column}, ?) > 0", f" {code} ")

    if filters.category:
        ask("(outline.category = ? OR standing.category = ?)", filters.category, filters.category)
    if filters.harm:
        # Quoted as JSON quotes it: a code cannot be found inside another.
        ask(
            "(instr(outline.harms, ?) > 0 OR instr(standing.harms, ?) > 0)",
            json.dumps(filters.harm),
            f" {filters.harm} ",
        )
    if filters.province:
        ask("instr(outline.provinces, ?) > 0", json.dumps(filters.province))
    if filters.period:
        since, until = _period(filters.period)
        ask(
            "outline.since BETWEEN '1' AND ? AND (outline.until = '' OR outline.until >= ?)",
            until,
            since,
        )
    for name in ("merit", "urgency", "status"):
        if code := getattr(filters, name):
            ask(f"standing.{name} = ?", code)
    if filters.tag:
        among("tags", filters.tag)
    if filters.reviewer:
        among("reviewers", filters.reviewer.upper())
    found = casebook.database.execute(
        'SELECT outline."case" FROM outline JOIN standing ON standing."case" = outline."case" WHERE '  # noqa: S608
        + " AND ".join(wheres),
        values,
    )
    return {number for (number,) in found}


def _period(asked: str) -> tuple[str, str]:
    """The first and the last month of "2019", "2019-03" or two such with ".." between."""
    begin, apart, end = asked.partition("..")
    since, until = first_month(begin), last_month(end if apart else begin)
    if not since or not until or since > until:
        raise FindingError(
            "A period is written 2019, 2019-03 or 2019-03..2020, the earlier month first."
        )
    return since, until


def _found(
    casebook: Casebook,
    outline: Outline,
    places: dict[int, int] | None,
    phrases: Sequence[tuple[str, ...]],
) -> Found:
    if places is None:
        return Found(outline, "", (one_line(outline.text, 2 * EXCERPT_CHARACTERS), "", ""))
    row = places[outline.number]
    number, answered = divmod(row - (outline.number << _CASE_SHIFT), 2)
    if answered:
        texts, names = [_answer_text(casebook, number)], ["answer"]
    else:
        texts = _part_texts(casebook, number)
        names = ["text"] + ["file name"] * (len(texts) - 1)
    for text, name in zip(texts, names, strict=True):
        if hit := hit_in(text, phrases[0]):
            return Found(outline, name, _excerpt(text, *hit))
    # Made from the same texts; somebody changed it since.
    _register(casebook).make()
    raise FindingError(
        f"The index of words did not fit {case_name(outline.number)}. It is made anew: look once more."
    )


def hit_in(text: str, phrase: Sequence[str]) -> tuple[int, int] | None:
    """Where *phrase* first stands in *text*: the places of its first sign and behind its last, or None."""
    found = re.search(r"(?<!\S)" + r"\s+".join(map(re.escape, phrase)) + r"(?!\S)", spelled(text))
    if found is None:
        return None
    # Of each sign of the text, where what it gave ends in the spelled text.
    first = last = 0
    for place, end in enumerate(accumulate(len(spelled(sign)) for sign in text)):
        if end <= found.start():
            first = place + 1
        last = place + 1
        if end >= found.end():
            break
    return first, last


def _excerpt(text: str, start: int, end: int) -> tuple[str, str, str]:
    """The hit and what stands around it, each in one line and neutralised."""
    before, behind = (
        text[max(0, start - EXCERPT_CHARACTERS) : start],
        text[end : end + EXCERPT_CHARACTERS],
    )
    hit = one_line(text[start:end], 2 * EXCERPT_CHARACTERS)
    return one_line(before, 8 * EXCERPT_CHARACTERS), hit, one_line(behind, 8 * EXCERPT_CHARACTERS)
