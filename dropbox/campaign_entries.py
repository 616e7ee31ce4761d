"""Reading the entries of a campaign file: codes, labels in all languages, the line of a fault."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dropbox.label import LANGUAGES, Label, is_printable, is_tag

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# A label is shown in a form and in the reviewer's table; the invitation is a paragraph.
_LABEL_CHARACTERS = 300


class Fault(Exception):
    """What is wrong, and how to find its line: the last that contains *near*, from *after* on.

    The search for *after* begins at the first line of the *section*, such as "review.field".
    """

    def __init__(self, sentence: str, near: str, after: str = "", section: str = "") -> None:
        super().__init__(sentence)
        self._near = near
        self._after = after
        self._section = section

    def line(self, text: str) -> int:
        """The number, from 1, of the faulty line, or of the one before a missing part."""
        lines = text.splitlines()
        start = _first(lines, [f"[[{self._section}]]"], 0) if self._section else 0
        if self._after:
            start = _first(lines, [f'"{self._after}"', f"[{self._after}]"], start)
        word = re.compile(rf"(?<![\w.-]){re.escape(self._near)}(?![\w.-])")
        # If a code is used twice, the second use is the fault; an entry's keys follow its code.
        found = [
            number for number, line in enumerate(lines) if number >= start and word.search(line)
        ]
        if not found:
            return start + 1
        return (found[0] if self._after else found[-1]) + 1


def _first(lines: Sequence[str], begins: Sequence[str], start: int) -> int:
    """The index of the first line from *start* on that contains one of *begins*, else *start*."""
    for number in range(start, len(lines)):
        if any(one in lines[number] for one in begins):
            return number
    return start


def code_of(entry: Any, what: str = "the campaign", near: str = "code") -> str:
    """The code of *entry*, which is *what*. Raises Fault, as all functions here."""
    code = entry.get("code") if isinstance(entry, dict) else None
    if not isinstance(code, str):
        raise Fault(f"{what} has no code", near)
    if not _CODE.fullmatch(code):
        raise Fault(
            f'the code "{code}" can contain only letters, digits, dots, hyphens and underscores',
            code,
        )
    return code


def check_keys(entry: dict[str, Any], known: set[str], *, near: str, section: str = "") -> None:
    """Refuse keys that are not *known*."""
    for key in entry:
        if key not in known:
            raise Fault(f'"{key}" is not a known key here', key, near, section)


def entries_of(
    body: dict[str, Any], name: str, *, near: str, required: bool = True
) -> list[dict[str, Any]]:
    """The tables [[name]]; at least one if *required*."""
    entries = body.get(name, [])
    if not isinstance(entries, list) or (required and not entries):
        raise Fault(f"there has to be at least one [[{name}]]", near)
    return entries


def table_of(body: dict[str, Any], name: str, near: str = "code") -> dict[str, Any]:
    """The table *name*, which has a text for each language."""
    table = body.get(name)
    if not isinstance(table, dict):
        raise Fault(f'"{name}" with its {len(LANGUAGES)} languages is missing', near)
    return table


def texts_of(table: dict[str, Any], what: str, *, near: str, after: str = "") -> dict[str, str]:
    """The texts by language, those in LANGUAGES first, in their order."""
    for language in (*LANGUAGES, *table):
        text = table.get(language)
        if text is None:
            raise Fault(f'"{what}" has no label in {language}', near, after)
        if (
            not isinstance(text, str)
            or not text.strip()
            or len(text) > _LABEL_CHARACTERS
            or not is_printable(text)
        ):
            raise Fault(
                f'the label of "{what}" in {language} has to be one line of 1 to '
                f"{_LABEL_CHARACTERS} characters",
                language,
                after or near,
            )
    check_tags(table, what, after=after)
    return {language: table[language] for language in (*LANGUAGES, *table)}


def check_tags(texts: Mapping[str, Any], what: str, *, after: str) -> None:
    """Refuse keys that are not languages."""
    for language in texts:
        if not is_tag(language):
            raise Fault(f'"{what}" has a label in an unknown language', language, after)


def choice_of(entry: dict[str, Any], of: str) -> Label:
    """A choice of the list or field *of*: its code, and its label in each language."""
    code = code_of(entry, f'a choice of "{of}"', near=of)
    return Label(
        code, texts_of({key: text for key, text in entry.items() if key != "code"}, code, near=code)
    )
