"""How the desk reports the result of looking at a file.

Text from the file passes through scripts.terminal before it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.look import Shown
from scripts.desk.screen.output import counted
from scripts.terminal import isolated, one_line

_NAME_CHARACTERS = 60
_INDENT = "   "
_ARCHIVES = (Kind.ZIP, Kind.TAR, Kind.PACKED)


@dataclass(frozen=True, repr=False)
class Look:
    """File *number* of a case, with its claimant's name for it; *shown* is None if it was never
    opened.
    """

    number: int
    name: str
    shown: Shown | None
    pictures: Sequence[Path] = ()
    reason: str = ""


def look_text(look: Look) -> str:
    """The result for people: one line, then its sentences, the pictures' paths and its text."""
    first = f"{look.number}. {one_line(look.name, _NAME_CHARACTERS)}"
    if look.shown is None:
        return f"{first}: {look.reason}\n"
    lines = [f"{first}: {_summary(look.shown)}", *look.shown.sentences, *map(str, look.pictures)]
    lines += isolated(look.shown.text).splitlines()
    return f"\n{_INDENT}".join(lines) + "\n"


def _summary(shown: Shown) -> str:
    unit = "still" if shown.kind is Kind.RECORDING else "page"
    if shown.kind in _ARCHIVES:
        return (
            f"{shown.kind.value} of {counted(shown.total, 'entry').replace('entrys', 'entries')}."
        )
    if not shown.total:
        return f"{shown.kind.value}."
    if shown.kind is Kind.RECORDING:
        return f"{shown.kind.value}; {counted(shown.drawn, 'still')} of it drawn."
    drawn = "none" if not shown.drawn else f"{shown.drawn:,}"
    return f"{shown.kind.value} of {counted(shown.total, unit)}; {drawn} of them drawn."


def look_values(look: Look) -> dict[str, Any]:
    """The same for programs."""
    shown = look.shown
    return {
        "file": look.number,
        "name": look.name,
        "kind": shown.kind.name.lower() if shown else "",
        "pages": shown.total if shown else 0,
        "drawn": shown.drawn if shown else 0,
        "pictures": [str(path) for path in look.pictures],
        "sentences": list(shown.sentences) if shown else [look.reason],
        "text": shown.text if shown else "",
    }
