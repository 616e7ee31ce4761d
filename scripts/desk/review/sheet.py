"""Reading the sheet that a reviewer filled in for a case: all its faults by line, or a judgement.

The blank sheet is in blank_sheet.py.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from dropbox.campaign import Campaign
from dropbox.errors import CasedropError
from dropbox.label import ENGLISH, Label
from dropbox.review_codes import RULES
from scripts.desk.review.judgement import ADJUDICATION, OUTCOMES, REVIEW, Judgement
from scripts.terminal import one_line

SHEET_BYTES = 256 * 1024
_TEXT_CHARACTERS = 20_000
# How much of a field's name a sentence shows.
_NAME_CHARACTERS = 60
_TAG = re.compile(r"[\w.-]{1,40}")
_DATE = re.compile(r"[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?", re.ASCII)
_YEAR = re.compile("[12][0-9]{3}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
# What a sheet contains besides the reviewer's judgement.
_ISSUED = ("case", "version")
# What every sheet contains, whatever the campaign's own fields.
_STATED = frozenset(RULES) | {"conflict", "removed"}
_AMOUNT_KEYS = ("amount", "currency", "as_of", "what", "method")
_AMOUNTS, _LISTED = 50, 100
_MOST_AMOUNT = 10**15
# The form of a result of _decimal().
_KEPT_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,60})?", re.ASCII)


class BadSheet(CasedropError):
    """The sheet cannot be taken; each line names one fault."""


class Form(NamedTuple):
    """How a kind of field is written, and how to describe that."""

    pattern: re.Pattern[str]
    wanted: str


FORMS = {
    "date": Form(_DATE, "YYYY, YYYY-MM or YYYY-MM-DD"),
    "year": Form(_YEAR, "a year, in quotes"),
    "number": Form(_NUMBER, 'a number in quotes, such as "12.5"'),
}


class Issued(NamedTuple):
    """What a sheet says about itself: the case that it is for, and the state of that case."""

    case: str
    version: str


def codes_of(campaign: Campaign, language: str = ENGLISH) -> dict[str, Mapping[str, str]]:
    """The codes that each field of a sheet may hold, with their labels in *language*."""

    def labelled(labels: Iterable[Label]) -> dict[str, str]:
        return {one.code: one.in_(language) for one in labels}

    reviewing = campaign.reviewing
    listed = {name: labelled(labels) for name, labels in reviewing.lists.items()}
    own = {one.code: labelled(one.choices) for one in reviewing.fields if one.choices}
    return {
        **own,
        "category": labelled(campaign.categories),
        "merit": listed["merit"],
        "urgency": listed["urgency"],
        "evidence": listed["evidence"],
        "flags": listed["flag"],
        "outcome": {code: listed["status"][code] for code in OUTCOMES},
        "harms": labelled(harm for one in campaign.categories for harm in one.harms),
        "status of a harm": listed["harm_status"],
        "currency": listed["currency"],
        "method of an amount": listed["amount_method"],
    }


def issued(untrusted: bytes) -> Issued:
    """For which case, in which state, a filled-in sheet was handed out. Raises BadSheet."""
    _text, body = _parsed(untrusted)
    missing = [key for key in _ISSUED if not isinstance(body.get(key), str)]
    if missing:
        raise BadSheet(
            "\n".join(f"{key}: this is required, as it is in the blank sheet." for key in missing)
        )
    return Issued(*(body[key] for key in _ISSUED))


def read(untrusted: bytes, campaign: Campaign, *, role: str = REVIEW) -> Judgement:
    """The judgement in a filled-in sheet; :func:`issued` says which case it is for.

    Raises BadSheet, which names all faults by their lines.
    """
    text, body = _parsed(untrusted)
    checked = _Sheet(text, body, campaign, role)
    judgement = checked.judgement()
    if checked.faults:
        raise BadSheet("\n".join(checked.faults))
    return judgement


def _parsed(untrusted: bytes) -> tuple[str, dict[str, Any]]:
    """The text of a sheet, and what TOML reads in it."""
    if len(untrusted) > SHEET_BYTES:
        raise BadSheet(f"The sheet is longer than {SHEET_BYTES} bytes.")
    try:
        text = untrusted.decode("utf-8")
    except UnicodeDecodeError as why:
        raise BadSheet(f"Line {untrusted[: why.start].count(10) + 1}: this is not UTF-8.") from None
    try:
        return text, tomllib.loads(text)
    except ValueError as why:
        # TOMLDecodeError, and Python's ValueError for a number with thousands of digits.
        raise BadSheet(f"The sheet is not TOML: {why}.") from None
    except RecursionError:
        raise BadSheet("The sheet is not TOML that can be read: it is nested too deeply.") from None


class _Sheet:
    """One sheet while it is checked.

    It collects all faults, so that a reviewer sees them at once.
    """

    def __init__(self, text: str, body: dict[str, Any], campaign: Campaign, role: str) -> None:
        self._lines = text.splitlines()
        self._body = body
        self._codes = codes_of(campaign)
        self._fields = campaign.reviewing.fields
        self._role = role
        self._faults: list[tuple[int, str]] = []

    def fault(self, key: str, sentence: str) -> None:
        """Add the fault *sentence* of the field *key*."""
        begins = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\].]")
        line = next(
            (number for number, line in enumerate(self._lines, 1) if begins.match(line)), None
        )
        shown = one_line(key, _NAME_CHARACTERS)
        found = f"Line {line}, {shown}: {sentence}" if line else f"{shown}: {sentence}"
        self._faults.append((line or len(self._lines) + 1, found))

    @property
    def faults(self) -> list[str]:
        """All faults, in the order of their lines."""
        return [found for _line, found in sorted(self._faults, key=lambda one: one[0])]

    def judgement(self) -> Judgement:
        """The sheet's judgement; valid only if there were no faults."""
        own = {one.code for one in self._fields}
        for key in self._body:
            if key not in _STATED and key not in own and key not in _ISSUED:
                self.fault(key, "there is no such field.")
        conflict = self._body.get("conflict", False)
        if not isinstance(conflict, bool):
            self.fault("conflict", "this must be true or false.")
        if conflict is True:
            # A reviewer who gives a case away says nothing else about it.
            return Judgement(conflict=True, note=self.text("note"))
        judgement = Judgement(
            category=self.code("category"),
            merit=self.code("merit"),
            urgency=self.code("urgency"),
            harms=self.harms(),
            period_from=self.text("period_from", FORMS["date"]),
            period_to=self.text("period_to", FORMS["date"]),
            amounts=self.amounts(),
            evidence=self.code("evidence"),
            credibility=self.text("credibility"),
            flags=self.many("flags"),
            tags=self.tags(),
            outcome=self.code("outcome"),
            note=self.text("note"),
            removed=self.removed(),
            fields=self.own(),
        )
        self._whole(judgement)
        return judgement

    def own(self) -> dict[str, str | tuple[str, ...]]:
        """The values of the campaign's own fields."""
        readers: dict[str, Callable[[str], str | tuple[str, ...]]] = {
            "one": self.code,
            "many": self.many,
        }
        return {
            one.code: readers[one.kind](one.code)
            if one.kind in readers
            else self.text(one.code, FORMS.get(one.kind))
            for one in self._fields
        }

    def _whole(self, judgement: Judgement) -> None:
        needed = [
            "urgency",
            *(["category"] if judgement.merit else []),
            *(["merit"] if self._role == ADJUDICATION else []),
        ]
        for name in needed:
            if not getattr(judgement, name) and not self._body.get(name):
                self.fault(name, "this is required.")
        if judgement.outcome and not judgement.merit:
            self.fault("outcome", "a first look cannot have an outcome.")
        first, last = judgement.period_from, judgement.period_to
        if first and last and last < first[: len(last)]:
            self.fault("period_to", "this is before period_from.")

    def _text(self, value: Any) -> str | None:
        if not isinstance(value, str) or len(value) > _TEXT_CHARACTERS:
            return None
        # TOML cannot hold lone surrogates; a NUL would end the text in other programs.
        return None if "\0" in value else value

    def text(self, name: str, form: Form | None = None) -> str:
        """A text, "" if it is empty or missing."""
        value = self._text(self._body.get(name, ""))
        if value is None:
            self.fault(
                name, f"this must be a text in quotes of at most {_TEXT_CHARACTERS} characters."
            )
        elif value and form is not None and not form.pattern.fullmatch(value):
            self.fault(name, f"this must be {form.wanted}.")
        return value or ""

    def code(self, name: str) -> str:
        """One code of the field's list, "" for none."""
        value = self._body.get(name, "")
        if name == "evidence" and type(value) is int and 0 <= value <= 9:
            value = str(value)
        if value != "" and (not isinstance(value, str) or value not in self._codes[name]):
            self.fault(name, f"this must be one of {', '.join(self._codes[name])}, or empty.")
            return ""
        return str(value)

    def _listed(self, name: str, good: Callable[[str], object], wanted: str) -> tuple[str, ...]:
        values = self._body.get(name, [])
        if (
            not isinstance(values, list)
            or len(values) > _LISTED
            or not all(isinstance(one, str) and good(one) for one in values)
        ):
            self.fault(name, f"this must be a list of {wanted}.")
            return ()
        return tuple(dict.fromkeys(values))

    def many(self, name: str) -> tuple[str, ...]:
        """Several codes of the field's list, each once."""
        return self._listed(name, self._codes[name].__contains__, ", ".join(self._codes[name]))

    def tags(self) -> tuple[str, ...]:
        """Words of the reviewer's own."""
        return self._listed(
            "tags",
            _TAG.fullmatch,
            "words of at most 40 letters, digits, dots, hyphens and underscores",
        )

    def harms(self) -> dict[str, str]:
        """{harm: status}."""
        table = self._body.get("harms", {})
        if not isinstance(table, dict):
            self.fault("harms", "this must be a table of harms.")
            return {}
        for harm, found in _flat(table):
            if harm not in self._codes["harms"]:
                self.fault(harm, "there is no such harm.")
            elif not isinstance(found, str) or found not in self._codes["status of a harm"]:
                statuses = ", ".join(self._codes["status of a harm"])
                self.fault(harm, f"this must be one of {statuses}.")
        found = dict(_flat(table))
        # In the campaign's order, so that the same judgement is always the same bytes.
        return {harm: found[harm] for harm in self._codes["harms"] if harm in found}

    def removed(self) -> dict[str, str]:
        """{flag or urgency: the reason for which it is removed}."""
        table = self._body.get("removed", {})
        if not isinstance(table, dict):
            self.fault("removed", "this must be a table of flags and urgencies with reasons.")
            return {}
        known = [*self._codes["flags"], *self._codes["urgency"]]
        for code, reason in table.items():
            if code not in known:
                self.fault(code, f"only these can be removed: {', '.join(known)}.")
            elif not (self._text(reason) or "").strip():
                self.fault(code, "this must be the reason, a text in quotes.")
        return {code: table[code] for code in known if code in table}

    def amounts(self) -> tuple[dict[str, str], ...]:
        """The amounts, their numbers as plain decimals."""
        entries = self._body.get("amounts", [])
        if (
            not isinstance(entries, list)
            or len(entries) > _AMOUNTS
            or not all(isinstance(one, dict) for one in entries)
        ):
            self.fault("amounts", f"there must be at most {_AMOUNTS} tables [[amounts]].")
            return ()
        return tuple(self._amount(number, entry) for number, entry in enumerate(entries, 1))

    def _amount(self, number: int, entry: dict[str, Any]) -> dict[str, str]:
        def wrong(sentence: str) -> None:
            self.fault("amounts", f"number {number}: {sentence}")

        for key in set(entry) - set(_AMOUNT_KEYS):
            wrong(f"there is no field {one_line(key, _NAME_CHARACTERS)}.")
        amount, as_of, what = (
            self._text(entry.get(key, "")) for key in ("amount", "as_of", "what")
        )
        if type(entry.get("amount")) is int and abs(entry["amount"]) < _MOST_AMOUNT:
            amount = str(entry["amount"])
        plain = _decimal(amount or "")
        if plain is None:
            wrong('amount must be a number in quotes, such as "9000.00".')
        currency = self._text(entry.get("currency"))
        if currency not in self._codes["currency"]:
            wrong(f"currency must be one of {', '.join(self._codes['currency'])}.")
        if as_of is None or (as_of and not _DATE.fullmatch(as_of)):
            wrong("as_of must be YYYY, YYYY-MM or YYYY-MM-DD, or empty.")
        if what is None:
            wrong("what must be a text.")
        method = self._text(entry.get("method", ""))
        methods = self._codes["method of an amount"]
        if method is None or (method and method not in methods):
            wrong(f"method must be one of {', '.join(methods)}, or empty.")
        found = {
            "amount": plain or "",
            "currency": currency or "",
            "as_of": as_of or "",
            "what": what or "",
        }
        # A newer field: without it, an amount is stored in the same bytes as ever.
        return {**found, "method": method} if method else found


def is_amount(kept: Mapping[str, object]) -> bool:
    """Whether a stored amount is as a sheet of any campaign gives it: its number is added up, its
    codes are shown.
    """
    if set(kept) - {"method"} != set(_AMOUNT_KEYS) - {"method"}:
        return False
    texts = {name: value for name, value in kept.items() if isinstance(value, str)}
    codes = (texts.get("currency", ""), texts.get("method", ""))
    return (
        len(texts) == len(kept)
        and _KEPT_AMOUNT.fullmatch(texts["amount"]) is not None
        and (not texts["as_of"] or _DATE.fullmatch(texts["as_of"]) is not None)
        and all(one.isprintable() for one in codes)
    )


def _decimal(text: str) -> str | None:
    """*text* as a plain decimal number from 0 to below _MOST_AMOUNT, or None."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if (
        not value.is_finite()
        or not 0 <= value < _MOST_AMOUNT
        or len(text) > 30
        or not text.isascii()
    ):
        return None
    return format(value, "f")


def _flat(table: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    """The harms with their values. Without quotes, c1.job_loss is a table within a table."""
    for key, value in table.items():
        if isinstance(value, dict) and not before:
            yield from _flat(value, key + ".")
        else:
            yield before + key, value
