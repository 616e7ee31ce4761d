"""How the desk shows what is blacked out, and asks before it blacks out words."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from scripts.desk.casebook.redactions import BOX, WHOLE, Redaction
from scripts.desk.identity import Viewer
from scripts.desk.redaction.redacting import Found, Listed
from scripts.desk.screen.output import counted, table
from scripts.terminal import one_line

_WORDS_CHARACTERS, _BESIDE_CHARACTERS, _BECAUSE_CHARACTERS = 40, 30, 120
# Of one text; a long text may have thousands.
_MOST_SHOWN = 20
LIST = "redaction"


def found_lines(found: Iterable[Found]) -> list[str]:
    """Each place at which words were found, with what is around it."""
    lines = []
    for one in found:
        lines.append(f"{one.text.place}: {counted(len(one.spans), 'place')}")
        for span in one.spans[:_MOST_SHOWN]:
            before = one.text.text[max(span.start - _BESIDE_CHARACTERS, 0) : span.start]
            words = one_line(one.text.text[span.start : span.stop], _WORDS_CHARACTERS)
            after = one.text.text[span.stop : span.stop + _BESIDE_CHARACTERS]
            sides = (one_line(side, _BESIDE_CHARACTERS) for side in (before, after))
            lines.append(f"   {next(sides)} ▐{words}▌ {next(sides)}")
        if len(one.spans) > _MOST_SHOWN:
            lines.append(f"   … and {counted(len(one.spans) - _MOST_SHOWN, 'place')} more")
    return lines


def elsewhere_lines(found: Sequence[Found]) -> list[str]:
    """That words are left where nobody blacked them out; [] if they are not."""
    if not found:
        return []
    places = (f"{one.text.place} ({counted(len(one.spans), 'place')})" for one in found)
    return [
        f"The same words are still in {', '.join(places)}. --everywhere blacks them out there too."
    ]


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
    box = ", ".join(f"{value:g}" for value in _percent(one.redaction))
    return f"{place}, page {one.redaction.page}, {box} %"


def _percent(one: Redaction) -> tuple[float, ...]:
    return tuple(round(value * 100 / WHOLE, 2) for value in one.box)
