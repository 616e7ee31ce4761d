"""How the desk shows what is blacked out, and asks before it blacks out words."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from scripts.desk.casebook.redactions import BOX, WHOLE, Redaction
from scripts.desk.identity import Viewer
from scripts.desk.redaction.redacting import Found, Listed
from scripts.desk.redaction.seen_words import Seen
from scripts.desk.redaction.undecided import Undecided
from scripts.desk.redaction.word_matches import Span
from scripts.desk.screen.output import counted, table
from scripts.terminal import one_line

_WORDS_CHARACTERS, _BESIDE_CHARACTERS, _BECAUSE_CHARACTERS = 40, 30, 120
# The limit for one text; a long text may have thousands.
_MOST_SHOWN = 20
LIST = "redaction"


def found_lines(found: Iterable[Found]) -> list[str]:
    """Each place where words were found, with its surroundings."""
    lines = []
    for one in found:
        lines.append(f"{one.text.place}: {counted(len(one.spans), 'place')}")
        lines += [f"   {_marked(one.text.text, span)}" for span in one.spans[:_MOST_SHOWN]]
        if len(one.spans) > _MOST_SHOWN:
            lines.append(f"   … and {counted(len(one.spans) - _MOST_SHOWN, 'place')} more")
    return lines


def seen_lines(found: Iterable[Seen]) -> list[str]:
    """Each place where a machine read words in a picture."""
    return [
        f"picture of file {one.number}, page {one.page}: {_marked(one.text, one.span)}"
        for one in found
        if one.boxes
    ]


def elsewhere_lines(found: Sequence[Found], seen: Sequence[Seen]) -> list[str]:
    """Sentences saying where words are still not blacked out; [] if nowhere."""
    places = [f"{one.text.place} ({counted(len(one.spans), 'place')})" for one in found]
    pages = dict.fromkeys((one.number, one.page) for one in seen if one.boxes)
    places += [f"the picture of page {page} of file {number}" for number, page in pages]
    lines = []
    if places:
        lines.append(
            f"The same words are still in {', '.join(places)}. "
            "--everywhere blacks them out there too."
        )
    names = dict.fromkeys((one.number, one.page) for one in seen if not one.boxes)
    lines += [
        f"On page {page} of file {number} they are a name beside a bubble, whose place is not "
        "known: black it out with --box."
        for number, page in names
    ]
    return lines


def undecided_lines(found: Sequence[Undecided]) -> list[str]:
    """Sentences on files that need a decision, and how to make it; [] if there are none."""
    if not found:
        return []
    files = ", ".join(str(one.number) for one in found)
    sentence = (
        f"Words are blacked out in texts of this case, and nobody has decided on file {files}: "
        "until then it is not handed over. --file F --reason CODE withholds a file, with --page "
        "and --box only a part of it, and --file F --as-seen lets it leave as it was seen."
    )
    return [sentence, *still_read_lines(found)]


def still_read_lines(found: Iterable[Undecided]) -> list[str]:
    """Where a machine read words that are blacked out in texts and that no box covers."""
    return [
        f"In file {one.number}, page {each.page}, a machine read: {_marked(each.text, each.span)}"
        for one in found
        for each in one.seen[:_MOST_SHOWN]
    ]


def _marked(text: str, span: Span) -> str:
    """The words at *span* between marks, with their surroundings."""
    before = text[max(span.start - _BESIDE_CHARACTERS, 0) : span.start]
    words = one_line(text[span.start : span.stop], _WORDS_CHARACTERS)
    after = text[span.stop : span.stop + _BESIDE_CHARACTERS]
    first, last = (one_line(side, _BESIDE_CHARACTERS) for side in (before, after))
    return f"{first} ▐{words}▌ {last}"


def redactions_table(found: Iterable[Listed], viewer: Viewer) -> Table:
    """A line for each redaction of a case."""
    made = table("no.", "what", "words", "reason", "by", "taken back")
    for one in found:
        redaction, end = one.redaction, one.end
        made.add_row(
            str(one.number),
            Text(what(one)),
            Text(one_line(one.words, _WORDS_CHARACTERS)),
            Text(viewer.label(LIST, redaction.reason)),
            Text(f"{viewer.name(redaction.reviewer)}, {redaction.day}"),
            Text(
                f"{viewer.name(end.reviewer)}, {end.day}: "
                + one_line(end.because, _BECAUSE_CHARACTERS)
                if end
                else ""
            ),
        )
    return made


def redaction_values(found: Iterable[Listed], viewer: Viewer) -> list[dict[str, Any]]:
    """The redactions of a case, for programs."""
    return [
        {
            "number": one.number,
            "key": one.redaction.key,
            "kind": one.redaction.kind,
            "place": one.place or None,
            "page": one.redaction.page or None,
            "box_percent": list(_percent(one.redaction)) if one.redaction.kind == BOX else None,
            "words": one.words or None,
            "reason": one.redaction.reason,
            "reviewer": viewer.name(one.redaction.reviewer),
            "day": one.redaction.day.isoformat(),
            "taken_back": one.end
            and {
                "reviewer": viewer.name(one.end.reviewer),
                "day": one.end.day.isoformat(),
                "because": one.end.because,
            },
        }
        for one in found
    ]


def what(one: Listed) -> str:
    """Where a redaction is, as a sentence names it."""
    place = one.place or "something that is not here"
    if one.redaction.kind != BOX:
        return place if one.words or not one.place else f"{place}, whole"
    box = ",".join(f"{value:g}" for value in _percent(one.redaction))
    return f"{place}, page {one.redaction.page}: {box}%"


def _percent(one: Redaction) -> tuple[float, ...]:
    return tuple(round(value * 100 / WHOLE, 2) for value in one.box)
