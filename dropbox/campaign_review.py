"""The section [review] of a campaign file: what reviewers can say about a case.

Whatever the file leaves out is taken from `review.toml` beside this module, which fits any
campaign.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from dropbox.campaign_entries import (
    Fault,
    check_keys,
    choice_of,
    code_of,
    entries_of,
    table_of,
    texts_of,
)
from dropbox.label import Label, is_printable
from dropbox.review_codes import (
    FIXED,
    KINDS,
    LISTS,
    RETIRED,
    RULES,
    TAKEN,
    USUAL,
    WITH_CHOICES,
    Field,
    Limitation,
    Rate,
    Reviewing,
)

_USUAL_FILE = Path(__file__).with_name("review.toml")
_SECTION, _LIMITATION = "review.field", "review.limitation"
# A century: no statute of limitation is longer.
_MOST_MONTHS = 1_200
_RELEASE = "answers_need_release"
_RATE, _RATE_FORM = "review.rate", re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?", re.ASCII)
_SOURCE = 200
_KEYS = frozenset(
    {
        "always_second",
        "sample_percent",
        "rejected",
        "quality_percent",
        "rules",
        "field",
        "crosses",
        "limitation",
        "rate",
        _RELEASE,
    }
)
_Lists = Mapping[str, tuple[Label, ...]]


def read_reviewing(table: Any, lists: _Lists) -> Reviewing:
    """What *table*, the section [review], says; *lists* are the campaign's lists of choices.

    Raises Fault.
    """
    if not isinstance(table, dict):
        raise Fault('"review" has to be a table, [review]', "review")
    former = [entry["choices"] for entry in _usual()["former"] if "choices" in entry]
    check_keys(table, {*LISTS, *former, *_KEYS}, near="review")
    found = {name: _choices_of(table, name, lists) for name in LISTS}
    fields = _former_fields(table, lists) or _fields(table, lists)
    rules = _rules(table.get("rules", {}), fields if any(map(table.get, former)) else ())
    return Reviewing(
        lists=found,
        always_second=_tiers(table, "always_second", found["merit"]),
        sample_percent=_percent(table, "sample_percent"),
        rules={**rules, **{one.code: rules.get(one.code, one.rule) for one in fields}},
        fields=fields,
        rejected=_tiers(table, "rejected", found["merit"], needed=False),
        quality_percent=_percent(table, "quality_percent"),
        answers_need_release=_needs_release(table),
        crosses=_crosses(table.get("crosses", [])),
        limitations=tuple(
            _limitation(entry)
            for entry in entries_of(table, "limitation", near="review", required=False)
        ),
        rates=_rates(entries_of(table, "rate", near="review", required=False), found["currency"]),
    )


@cache
def _usual() -> dict[str, Any]:
    return tomllib.loads(_USUAL_FILE.read_text("utf-8"))


def _tiers(
    table: dict[str, Any], name: str, tiers: tuple[Label, ...], *, needed: bool = True
) -> frozenset[str]:
    """The merit tiers of the list *name*; none if the campaign does not have to name any."""
    # A campaign with other tiers than the usual ones has to name them itself.
    usual = (None if needed else []) if "merit" in table else _usual()[name]
    found = table.get(name, usual)
    if not isinstance(found, list) or not set(map(str, found)) <= {tier.code for tier in tiers}:
        raise Fault(f'"{name}" has to be a list of merit tiers', name, after="review")
    return frozenset(found)


def _percent(table: dict[str, Any], name: str) -> int:
    percent = table.get(name, _usual()[name])
    if type(percent) is not int or not 0 <= percent <= 100:
        raise Fault(f'"{name}" has to be a whole number from 0 to 100', name, after="review")
    return percent


def _needs_release(table: dict[str, Any]) -> bool:
    needed = table.get(_RELEASE, False)
    if not isinstance(needed, bool):
        raise Fault(f'"{_RELEASE}" has to be true or false', _RELEASE, after="review")
    return needed


def _limitation(entry: dict[str, Any]) -> Limitation:
    code = code_of(entry, "a limitation", near=_LIMITATION)
    check_keys(
        entry, {"code", "label", "months", "begins", "where"}, near=code, section=_LIMITATION
    )
    label = texts_of(table_of(entry, "label", near=code), code, near="label", after=code)
    months = entry.get("months")
    if type(months) is not int or not 0 < months <= _MOST_MONTHS:
        sentence = f'the months of "{code}" have to be a whole number from 1 to {_MOST_MONTHS}'
        raise Fault(sentence, "months", code, _LIMITATION)
    lists = {"begins": entry.get("begins", ["period_from"]), "where": entry.get("where", [])}
    for name, values in lists.items():
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise Fault(f'"{name}" of "{code}" has to be a list of texts', name, code, _LIMITATION)
    return Limitation(code, label, months, tuple(lists["begins"]), tuple(lists["where"]))


def _rates(entries: list[dict[str, Any]], currencies: tuple[Label, ...]) -> tuple[Rate, ...]:
    """Counsel's rates, at most one for each currency, all into the same one."""
    codes = {one.code for one in currencies}
    rates = tuple(_rate(entry, codes) for entry in entries)
    given = [one.currency for one in rates]
    into = {one.into for one in rates}
    if len(into) > 1 or len(set(given)) < len(given) or into & set(given):
        sentence = "the rates have to be of different currencies, and all into one other"
        raise Fault(sentence, "rate", "", _RATE)
    return rates


def _rate(entry: Any, codes: set[str]) -> Rate:
    if not isinstance(entry, dict):
        raise Fault("a rate has to be a table, [[review.rate]]", "rate", after="review")
    check_keys(entry, {"currency", "into", "rate", "day", "source"}, near=_RATE, section=_RATE)
    for name in ("currency", "into"):
        if entry.get(name) not in codes:
            raise Fault(f'"{name}" of a rate has to be one of {", ".join(codes)}', name, "", _RATE)
    rate, day, source = (entry.get(name) for name in ("rate", "day", "source"))
    if not isinstance(rate, str) or not _RATE_FORM.fullmatch(rate) or not Decimal(rate):
        raise Fault('a rate has to be a number in quotes, such as "0.1379"', "rate", "", _RATE)
    if type(day) is not date:
        raise Fault("the day of a rate has to be a date, such as 2026-10-30", "day", "", _RATE)
    if not isinstance(source, str) or not 0 < len(source) <= _SOURCE or not is_printable(source):
        raise Fault(f"a rate needs a source, a line of 1 to {_SOURCE} characters", _RATE, "", _RATE)
    return Rate(entry["currency"], entry["into"], Decimal(rate), day, source)


def _crosses(pairs: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and [type(code) for code in pair] == [str, str] for pair in pairs
    ):
        raise Fault(
            '"crosses" has to be a list of pairs of codes, of questions or fields of the review',
            "crosses",
            after="review",
        )
    return tuple((one, other) for one, other in pairs)


def _rules(table: Any, former: tuple[Field, ...]) -> Mapping[str, str]:
    """The rule of each field, in the usual order; a field that the file leaves out has its usual
    rule.

    *former*: fields whose rules were here before campaigns had fields of their own.
    """
    if not isinstance(table, dict):
        raise Fault('"rules" has to be a table, [review.rules]', "rules", after="review")
    possible = {**RULES, **{one.code: KINDS[one.kind] for one in former}}
    check_keys(table, set(possible), near="review.rules")
    for name, rule in table.items():
        _check_rule(name, rule, possible[name], near=name, after="review.rules")
    return {**USUAL, **table}


def _check_rule(
    name: str, rule: Any, possible: tuple[str, ...], *, near: str, after: str, section: str = ""
) -> None:
    if rule not in possible:
        allowed = " or ".join(f'"{one}"' for one in possible)
        raise Fault(f'the rule of "{name}" has to be {allowed}', near, after, section)


def _choices_of(table: dict[str, Any], name: str, lists: _Lists) -> tuple[Label, ...]:
    """The choices of one of LISTS."""
    usual = tuple(choice_of(entry, name) for entry in _usual()[name])
    if name not in table:
        return usual
    choices = _choices(table[name], name, lists)
    codes = {one.code for one in choices}
    if name not in FIXED or codes == set(FIXED[name]):
        return choices
    # Codes that are newer than the file have their usual labels.
    later = {one.code: one for one in usual}
    known = later | {one.code: one for one in choices if one.code not in RETIRED.get(name, ())}
    if set(known) != set(FIXED[name]):
        raise Fault(f'the codes of "{name}" are {", ".join(FIXED[name])}', name, after="review")
    return tuple(known[code] for code in FIXED[name])


def _choices(
    value: Any, name: str, lists: _Lists, *, after: str = "review", section: str = ""
) -> tuple[Label, ...]:
    """Choices as the file gives them: a list, or the code of one of *lists*."""
    if isinstance(value, str) and value in lists:
        return lists[value]
    if not isinstance(value, list) or not value:
        raise Fault(
            f'"{name}" has to be a list of choices, or the code of a [[list]]', name, after, section
        )
    choices = tuple(choice_of(entry, name) for entry in value)
    if len({one.code for one in choices}) < len(choices):
        raise Fault(f'the list "{name}" has a code twice', name, after, section)
    return choices


def _fields(table: dict[str, Any], lists: _Lists) -> tuple[Field, ...]:
    """The campaign's own fields, in its order."""
    fields = tuple(
        _field(entry, lists) for entry in entries_of(table, "field", near="review", required=False)
    )
    codes = [one.code for one in fields]
    if twice := next((code for code in codes if codes.count(code) > 1), ""):
        raise Fault(f'the field "{twice}" is there twice', f'"{twice}"', section=_SECTION)
    return fields


def _field(entry: dict[str, Any], lists: _Lists) -> Field:
    code = code_of(entry, "a field of the review", near=_SECTION)
    check_keys(entry, {"code", "label", "kind", "choices", "rule"}, near=code, section=_SECTION)
    if code in TAKEN or not code.replace("_", "").isalnum():
        raise Fault(
            f'a field of the review cannot have the code "{code}": it has to consist of letters, '
            "digits and underscores, and be none that each review has",
            code,
            section=_SECTION,
        )
    kind = str(entry.get("kind"))
    if kind not in KINDS:
        kinds = ", ".join(KINDS)
        raise Fault(f'the kind of "{code}" has to be one of {kinds}', "kind", code, _SECTION)
    if ("choices" in entry) != (kind in WITH_CHOICES):
        kinds = " and ".join(WITH_CHOICES)
        raise Fault(f'"{code}" needs "choices" for the kinds {kinds} only', "kind", code, _SECTION)
    rule = entry.get("rule", KINDS[kind][0])
    _check_rule(code, rule, KINDS[kind], near="rule", after=code, section=_SECTION)
    label = texts_of(table_of(entry, "label", near=code), code, near="label", after=code)
    if "choices" not in entry:
        return Field(code, label, kind, rule)
    choices = _choices(entry["choices"], "choices", lists, after=code, section=_SECTION)
    return Field(code, label, kind, rule, choices)


def _former_fields(table: dict[str, Any], lists: _Lists) -> tuple[Field, ...]:
    """The fields of a file from before campaigns had fields of their own: its lists are in
    [review].

    A field without a list of its own existed in every campaign.
    """
    former = _usual()["former"]
    if not any(entry.get("choices") in table for entry in former):
        return ()
    if "field" in table:
        raise Fault(
            "the lists us, actor, account and phone now belong to fields: [[review.field]]", "field"
        )
    found = []
    for entry in former:
        name = entry.get("choices")
        choices = _choices(table.get(name), name, lists) if name else ()
        rule = KINDS[entry["kind"]][0] if "rule" not in entry else entry["rule"]
        found.append(Field(entry["code"], entry["label"], entry["kind"], rule, choices))
    return tuple(found)
