"""A fact while it is being entered: the fields of the desk's own form, changed one by one.

The fields, their purpose and their codes come from the blank form, as it is printed for people. The
result is handed in as that form, so it is read and checked like one that was filled in by hand.
"""

import copy
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.desk.full_screen.draft import toml_of

_ISSUED = ("case", "entry", "version")
_CODE = re.compile(r"#   (\S+)  (.*)")
_REMARK = re.compile(r"# ?(.*)")
_KEY = re.compile(r"([a-z_]+) = ")
# For these only numbers are asked for; one sentence covers all of them.
_SOURCE = ("part", "file", "answer", "page", "line")
_LONG, _PARTIES = "text", "parties"


@dataclass(frozen=True)
class FormField:
    """A field of the form: what it is for, and its codes with their labels."""

    name: str
    remark: str
    codes: Mapping[str, str]

    @property
    def title(self) -> str:
        """Its name on the screen."""
        return self.name.replace("_", " ")

    @property
    def lines(self) -> bool:
        """Whether its text may have several lines."""
        return self.name in (_LONG, "names")


class FactDraft:
    """The form *blank*; *parties* are the case's, each entry with its names."""

    def __init__(self, blank: str, parties: Mapping[str, str]) -> None:
        self._values: dict[str, Any] = tomllib.loads(blank)
        self._begun = copy.deepcopy(self._values)
        self.about, self.fields = _read(blank, parties)

    @property
    def changed(self) -> bool:
        """Whether anything was filled in."""
        return self._values != self._begun

    def value(self, field: FormField) -> Any:
        """What the field holds."""
        return self._values[field.name]

    def shown(self, field: FormField) -> str:
        """What the field holds, for a list."""
        value = self.value(field)
        if isinstance(value, bool):
            return "yes" if value else ""
        if isinstance(value, list):
            return "; ".join(field.codes.get(one, one) for one in value)
        if isinstance(value, int):
            return str(value or "")
        return f"{value} {field.codes.get(value, '')}".strip()

    def text(self, field: FormField) -> str:
        """What the field holds, as people type it."""
        value = self.value(field)
        return "\n".join(value) if isinstance(value, list) else str(value or "")

    def type(self, field: FormField, text: str) -> None:
        """Put the typed *text* into the field; anything but a number is refused when it is read."""
        value = self.value(field)
        if isinstance(value, list):
            self._values[field.name] = [one.strip() for one in text.split("\n") if one.strip()]
        elif type(value) is int:
            typed = text.strip()
            self._values[field.name] = int(typed) if typed.isdecimal() else 0
        else:
            self._values[field.name] = text.strip()

    def choose(self, field: FormField, code: str) -> None:
        """Choose a code, add one to a list or remove it, or switch between yes and no."""
        value = self.value(field)
        if isinstance(value, bool):
            self._values[field.name] = not value
        elif isinstance(value, list):
            self._values[field.name] = sorted({*value} ^ {code})
        else:
            self._values[field.name] = code

    def take_up(self, form: str) -> bool:
        """Fill in what *form* says. Returns whether it is for this fact in its present state."""
        given = tomllib.loads(form)
        same = all(given.get(name) == self._values.get(name) for name in _ISSUED)
        if same:
            self._values = given
        return same

    def form(self) -> bytes:
        """The filled-in form."""
        return toml_of(self._values)


def _read(blank: str, parties: Mapping[str, str]) -> tuple[str, tuple[FormField, ...]]:
    """What the form is about, and its fields, from its comments and keys."""
    about, remarks, codes = "", list[str](), dict[str, str]()
    fields = list[FormField]()
    for line in blank.splitlines():
        if code := _CODE.fullmatch(line):
            codes[code[1]] = code[2]
        elif remark := _REMARK.fullmatch(line):
            remarks.append(remark[1])
        elif key := _KEY.match(line):
            name, said = key[1], " ".join(" ".join(remarks).split())
            if name in _ISSUED:
                # For a correction, also the versions between which it decides.
                about = f"{about} {said}".strip()
            else:
                listed = dict(parties) if name == _PARTIES else codes
                fields.append(FormField(name, said, listed))
            # The sentence above the first number covers the others, too.
            remarks = remarks if name in _SOURCE else []
            codes = {}
    return about, tuple(fields)
