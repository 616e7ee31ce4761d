"""Finding cases by their words, in either Chinese script, and by codes that people gave them."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.folding import spelled
from scripts.desk.search.index import Progress, cases_with, catch_up, places, rebuild
from scripts.desk.search.query import Alternatives, terms
from scripts.desk.search.selection import Selection
from scripts.desk.search.summary import Outline, first_month, last_month, outlines_of
from scripts.desk.search.summary import catch_up as outline_catch_up
from scripts.terminal import one_line

EXCERPT_CHARACTERS = 24


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
    period: str = ""
    merit: str = ""
    urgency: str = ""
    status: str = ""
    correspondence: str = ""
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

    ``where`` is "text", "file name", "answer", "note", "gist", "translation", "transcript",
    "event", "party" or "contact", ``excerpt`` what comes before the hit, the hit, and what comes
    after it. Without words to search for, ``where`` is "" and the excerpt only the beginning of the
    text.
    """

    outline: Outline
    where: str
    excerpt: tuple[str, str, str]


@dataclass(frozen=True, repr=False)
class Answered:
    """The result of a search: the number of cases found, those on the page, and a note.

    ``note`` says which part of the query was not searched for.
    """

    count: int
    cases: tuple[Found, ...]
    note: str


def find(
    casebook: Casebook,
    query: str,
    filters: Filters,
    *,
    selection: Selection | None = None,
    reviewer: str = "",
    without: Collection[int] = (),
    skip: int = 0,
    most: int = 50,
    everything: bool = False,
    progress: Progress | None = None,
) -> Answered:
    """The cases that contain what *query* asks for and match *filters* and *selection*.

    They come in the order of *selection*, by default by number. Returns at most *most* of them
    after the first *skip*. Cases in *without* are neither found nor counted. *reviewer* is
    searching: words are found only in what they may read. Raises FindingError if there is nothing
    to search for, unless that means *everything*.
    """
    groups, note = terms(query)
    if not (groups or filters.any or everything or (selection is not None and selection.any)):
        raise FindingError(
            "There is no letter, digit or picture in this to search for, and no filter is given."
        )
    outline_catch_up(casebook)
    catch_up(casebook, progress)
    numbers = (selection or Selection()).numbers(casebook, reviewer)
    wanted = set(cases_with(casebook, groups, reviewer)) if groups else set(numbers)
    if filters.any:
        wanted &= _matching(casebook, filters)
    wanted.difference_update(without)
    found = [number for number in numbers if number in wanted]
    outlines = {one.number: one for one in outlines_of(casebook, found[skip : skip + most])}
    cases = (outlines[number] for number in found[skip : skip + most])
    shown = tuple(_found(casebook, one, groups, reviewer) for one in cases)
    return Answered(len(found), shown, note)


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
    if filters.period:
        since, until = _period(filters.period)
        require(
            "outline.since BETWEEN '1' AND ? AND (outline.until = '' OR outline.until >= ?)",
            until,
            since,
        )
    for name in ("merit", "urgency", "status", "correspondence"):
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
    casebook: Casebook, outline: Outline, groups: Sequence[Alternatives], reviewer: str
) -> Found:
    if not groups:
        return Found(outline, "", (one_line(outline.text, 2 * EXCERPT_CHARACTERS), "", ""))
    for where, text in places(casebook, outline, groups[0], reviewer):
        for phrase in groups[0]:
            if hit := hit_in(text, phrase.words, prefix=phrase.prefix):
                return Found(outline, where, _excerpt(text, *hit))
    # The index was made from the same texts, so somebody has altered it since.
    rebuild(casebook)
    raise FindingError(
        f"The index of words did not match {outline.name}. It will be rebuilt: search once more."
    )


def hit_in(text: str, phrase: Sequence[str], *, prefix: bool = False) -> tuple[int, int] | None:
    """Where *phrase* first occurs in *text*, as the start and end of a slice; None if nowhere.

    With *prefix*, its last word may be the beginning of a longer one.
    """
    behind = r"\S*" if prefix else r"(?!\S)"
    found = re.search(r"(?<!\S)" + r"\s+".join(map(re.escape, phrase)) + behind, spelled(text))
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
    # If a space or a line's end was beside the hit, the words must not run together.
    space_before = " " if before[-1:].isspace() else ""
    space_after = " " if after[:1].isspace() else ""
    return (
        one_line(before, 8 * EXCERPT_CHARACTERS) + space_before,
        hit,
        space_after + one_line(after, 8 * EXCERPT_CHARACTERS),
    )
