"""The settings of a drop that was restored elsewhere: its files are beside the settings now."""

import re
import tomllib
from collections.abc import Mapping

from scripts.command_line import CannotRun

_SECTION = re.compile(r"^[ \t]*\[([^\[\]]+)\][ \t]*(?:#.*)?$")
_LINE = re.compile(r"^[ \t]*([A-Za-z0-9_-]+)[ \t]*=")


def rewritten(text: str, places: Mapping[tuple[str, str], str]) -> str:
    """*text* with the settings that *places* names changed to their new paths, the rest unchanged.

    Raises CannotRun if a setting is not one line.
    """
    section, lines = "", []
    for line in text.splitlines():
        if begun := _SECTION.match(line):
            section = begun[1].strip()
        setting = _LINE.match(line)
        place = places.get((section, setting[1])) if setting else None
        lines.append(line if place is None or setting is None else f'{setting[1]} = "{place}"')
    changed = "\n".join(lines) + "\n"
    try:
        whole = _moved(text, places) == tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        whole = False
    if not whole:
        raise CannotRun(
            "The settings in the backup are not written one to a line: open it with gpg and tar."
        )
    return changed


def _moved(text: str, places: Mapping[tuple[str, str], str]) -> dict[str, object]:
    body = tomllib.loads(text)
    for (section, setting), place in places.items():
        if setting in body.get(section, {}):
            body[section][setting] = place
    return body
