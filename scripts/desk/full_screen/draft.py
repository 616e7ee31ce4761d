"""A review while it is being filled in: the fields of the desk's own sheet, changed key by key.

The fields, their order, what each may hold and the names of its codes come from the sheet and the
campaign. The result is handed in as a sheet, so it is read and checked like one that was filled in
by hand.
"""

import copy
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto, unique
from typing import Any

from dropbox.campaign import Campaign
from scripts.desk.review.sheet import codes_of

_ISSUED = ("case", "version")
_CONFLICT = "conflict"
# The lists with the statuses of a harm, and with the codes used in amounts.
_OF_HARM, _CURRENCY = "status of a harm", "currency"
_METHOD = re.compile(r"\[[A-Za-z0-9._-]+\]")
# More codes than this are chosen from a separate list.
_DIGITS = "1234567890"


@unique
class Kind(IntEnum):
    """What a field holds, and so how it is filled in, in the order in which fields are asked
    for.
    """

    ONE = auto()  # one code
    TABLE = auto()  # codes with a status each
    MANY = auto()  # several codes
    AMOUNTS = auto()
    WORDS = auto()  # words of the reviewer's own
    TEXT = auto()
    REASONS = auto()  # codes with a reason each


@dataclass(frozen=True)
class Field:
    """A field of the sheet, with its label and the codes, with theirs, that it may hold."""

    name: str
    title: str
    kind: Kind
    codes: Mapping[str, str]

    @property
    def keys(self) -> dict[str, str]:
        """The key that chooses each code; empty if a list is opened instead."""
        if self.kind not in (Kind.ONE, Kind.MANY) or len(self.codes) > len(_DIGITS):
            return {}
        if all(len(code) == 1 and code in _DIGITS for code in self.codes):
            return {code: code for code in self.codes}
        return dict(zip(_DIGITS, self.codes, strict=False))


class Draft:
    """The sheet *blank*; *settled* are fields that are not asked for, with their values."""

    def __init__(
        self, blank: str, campaign: Campaign, language: str, settled: Mapping[str, Any]
    ) -> None:
        self._sheet: dict[str, Any] = tomllib.loads(blank)
        for name, value in settled.items():
            if name in self._sheet:
                self._sheet[name] = _in_sheet(value, self._sheet[name])
        self._begun = copy.deepcopy(self._sheet)
        self._before: list[dict[str, Any]] = []
        listed = codes_of(campaign, language)
        self.statuses = listed[_OF_HARM]
        self.currencies = listed[_CURRENCY]
        titles = {one.code: one.in_(language) for one in campaign.reviewing.fields}
        found = (
            (name, titles.get(name, name.replace("_", " ")), kind, codes)
            for name, kind, codes in _fields(self._sheet, listed)
        )
        self.fields = tuple(
            Field(name, title, kind, codes)
            for name, title, kind, codes in sorted(found, key=lambda one: one[2])
            if name not in settled
        )

    @property
    def changed(self) -> bool:
        """Whether anything was filled in since the sheet was handed out."""
        return self._sheet != self._begun

    def value(self, field: Field) -> Any:
        """What the field holds."""
        return self._sheet.get(field.name, [])

    def text(self, field: Field) -> str:
        """What the field holds, as people type it."""
        value = self.value(field)
        if field.kind is Kind.AMOUNTS:
            return "\n".join(_amount_line(one) for one in value)
        if field.kind is Kind.REASONS:
            return "\n".join(f"{code} {reason}" for code, reason in value.items())
        return " ".join(value) if field.kind is Kind.WORDS else str(value)

    def set(self, field: Field, value: Any) -> None:
        """Put *value* into the field."""
        if value == self._sheet.get(field.name):
            return
        self._before.append(copy.deepcopy(self._sheet))
        self._sheet[field.name] = value

    def type(self, field: Field, text: str) -> None:
        """Put the typed *text* into the field; amounts and reasons have a line each."""
        lines = [line.split() for line in text.splitlines() if line.strip()]
        if field.kind is Kind.WORDS:
            self.set(field, text.split())
        elif field.kind is Kind.AMOUNTS:
            self.set(field, [_amount(line) for line in lines])
        elif field.kind is Kind.REASONS:
            self.set(field, {code: " ".join(reason) for code, *reason in lines})
        else:
            self.set(field, text.strip())

    def choose(self, field: Field, code: str) -> None:
        """Choose a code, or remove it if it was chosen; in a table, choose its next status."""
        value = self.value(field)
        if field.kind is Kind.ONE:
            self.set(field, code)
        elif field.kind is Kind.MANY:
            chosen = {*value} ^ {code}
            self.set(field, [one for one in field.codes if one in chosen])
        elif field.kind is Kind.TABLE:
            statuses = [*self.statuses, ""]
            following = statuses[(statuses.index(value.get(code, "")) + 1) % len(statuses)]
            rest = {key: one for key, one in value.items() if key != code}
            self.set(field, {**rest, code: following} if following else rest)

    def empty(self, field: Field) -> None:
        """Empty the field."""
        self.set(field, _in_sheet(None, self.value(field)))

    def said(self, field: Field) -> list[tuple[str, str]]:
        """The codes or words in the field, each with its status ("" if it has none)."""
        value = self.value(field)
        if field.kind is Kind.AMOUNTS:
            return []
        if isinstance(value, dict):
            return list(value.items())
        if isinstance(value, list):
            return [(code, "") for code in value]
        # Evidence is a number in the sheet, and 0 is one of its codes.
        return [(str(value), "")] if value != "" else []

    def undo(self) -> bool:
        """Take back the last change. Returns whether there was one."""
        if self._before:
            self._sheet = self._before.pop()
            return True
        return False

    def take_up(self, sheet: str) -> bool:
        """Fill in what *sheet* says. Returns whether it is for this case in its present state."""
        given = tomllib.loads(sheet)
        if any(given[name] != self._sheet[name] for name in _ISSUED):
            return False
        if given != self._sheet:
            self._before.append(self._sheet)
            self._sheet = given
        return True

    def sheet(self) -> bytes:
        """The filled-in sheet."""
        return toml_of(self._sheet)

    def conflicted(self) -> bytes:
        """A sheet that says only that the reviewer knows somebody in the case."""
        return toml_of({**{name: self._sheet[name] for name in _ISSUED}, _CONFLICT: True})


def _fields(
    sheet: Mapping[str, Any], listed: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, Kind, Mapping[str, str]]]:
    """Name, kind and codes of each field of a blank sheet, by its values and the lists."""
    found = list[tuple[str, Kind, Mapping[str, str]]]()
    for name, value in {**sheet, "amounts": []}.items():
        codes = listed.get(name, {})
        if name in (*_ISSUED, _CONFLICT):
            continue
        if isinstance(value, dict):
            kind = Kind.TABLE if codes else Kind.REASONS
        elif isinstance(value, list):
            kind = Kind.AMOUNTS if name == "amounts" else Kind.MANY if codes else Kind.WORDS
        else:
            kind = Kind.ONE if codes else Kind.TEXT
        if kind is Kind.REASONS:
            codes = {**listed["flags"], **listed["urgency"]}
        found.append((name, kind, codes))
    return found


def _in_sheet(value: Any, before: Any) -> Any:
    """*value* as a sheet has it; None becomes an empty value of the same type as *before*."""
    if value is None:
        return "" if isinstance(before, int) else type(before)()
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, str) else list(value)


def _amount(words: Sequence[str]) -> dict[str, str]:
    """ "9000.00 CNY 2026-01 [stated] monthly salary" as a sheet has it.

    The month, and the method in brackets, may be left out.
    """
    amount, currency, *rest = [*words, ""] if len(words) == 1 else words
    as_of = rest.pop(0) if rest and rest[0][:1].isdigit() else ""
    method = rest.pop(0)[1:-1] if rest and _METHOD.fullmatch(rest[0]) else ""
    found = {"amount": amount, "currency": currency, "as_of": as_of, "what": " ".join(rest)}
    return {**found, "method": method} if method else found


def _amount_line(amount: Mapping[str, str]) -> str:
    method = f"[{amount['method']}]" if amount.get("method") else ""
    shown = (amount["amount"], amount["currency"], amount["as_of"], method, amount["what"])
    return " ".join(filter(None, shown))


def toml_of(sheet: Mapping[str, Any]) -> bytes:
    """*sheet* in TOML, whose strings and lists are written as JSON's; tables come last."""
    tables = {name: value for name, value in sheet.items() if isinstance(value, dict)}
    lines = [f"{name} = {_inline(value)}" for name, value in sheet.items() if name not in tables]
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{json.dumps(key)} = {_inline(value)}" for key, value in table.items()]
    return "\n".join([*lines, ""]).encode()


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(key)} = {_inline(one)}" for key, one in value.items())
            + "}"
        )
    # DEL is the one character that JSON leaves as it is and TOML does not allow.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
