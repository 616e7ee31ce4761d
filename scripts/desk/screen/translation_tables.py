"""How the desk shows gists and translations: beside the original, never in place of it."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from scripts.desk.casebook.translations import Translation
from scripts.desk.identity import Viewer
from scripts.desk.screen.output import table
from scripts.desk.translating import SourceText
from scripts.terminal import isolated, one_line

_EXCERPT_CHARACTERS, _GIST_CHARACTERS = 40, 100
# Before each line: no line of the original begins this way.
MARGIN = "  │ "


def origin(one: Translation, viewer: Viewer) -> str:
    """What a translation is, and whose: "gist in en, by machine (argos), given by …"."""
    how = f"by machine ({one_line(one.machine, 60)}), given" if one.machine else "by hand"
    return f"{one.kind} in {one.language}, {how} by {viewer.name(one.reviewer)}, {one.day}"


def beside(translations: Iterable[Translation], viewer: Viewer) -> dict[str, list[str]]:
    """By source: the lines that are shown below the original."""
    found: dict[str, list[str]] = {}
    for one in translations:
        lines = found.setdefault(one.source, [])
        lines += ["", f"  ┌ {origin(one, viewer)}"]
        lines += [MARGIN + line for line in isolated(one.text).split("\n")]
    return found


def values(one: Translation, viewer: Viewer) -> dict[str, Any]:
    """A translation, for programs."""
    return {
        "kind": one.kind,
        "language": one.language,
        "machine": one.machine or None,
        "reviewer": viewer.name(one.reviewer),
        "day": one.day.isoformat(),
        "text": one.text,
    }


def translation_values(
    texts: Iterable[SourceText], translations: Sequence[Translation], viewer: Viewer
) -> list[dict[str, Any]]:
    """All gists and translations of a case, each with the number of its part or answer."""
    return [
        {one.name: one.number, **values(given, viewer)}
        for one in texts
        for given in translations
        if given.source == one.source
    ]


def texts_table(
    texts: Iterable[SourceText], translations: Sequence[Translation], viewer: Viewer
) -> Table:
    """A line for each text of a case, with its gists and translations."""
    listed = table("text", "language", "begins", "given")
    for one in texts:
        given = [origin(two, viewer) for two in translations if two.source == one.source]
        listed.add_row(
            Text(f"{one.name} {one.number}"),
            Text(one_line(one.language, 12)),
            Text(one_line(one.text, _EXCERPT_CHARACTERS)),
            Text("\n".join(given)),
        )
    return listed


def gist_cell(gist: Translation) -> str:
    """A gist in a list, in place of a line of the original, and marked as a gist."""
    how = "machine" if gist.machine else "gist"
    return f"[{how}] {one_line(gist.text, _GIST_CHARACTERS)}"
