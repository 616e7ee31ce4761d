"""The sheet that a reviewer fills in for a case: TOML with the campaign's codes in comments.

It is pre-filled with the claimant's answers where they are codes of the campaign; anything else is
only in the report's text.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dropbox.campaign import Campaign
from dropbox.review_codes import Field
from scripts.desk.case import Case
from scripts.desk.review.judgement import Judgement
from scripts.desk.review.sheet import FORMS, codes_of

_CONFLICT = (
    "true if you know a person, an employer or a place in this case: it is then out of your hands "
    "for good."
)
_REMOVED = """
# A flag or an urgency that anybody gave stays until somebody removes it with the reason:
# minor = "the claimant is 34; the child was another case's"
[removed]"""
_AMOUNTS = """
# Amounts, each like this, without the #:
# [[amounts]]
# amount = "9000.00"
# currency = "CNY"
# as_of = "2026-01"
# what = "monthly salary lost"
# method = "stated"
# Its method is what it rests on:"""


def from_claimant(case: Case, campaign: Campaign) -> Judgement:
    """The claimant's own answers that are codes of the campaign: a start, not a judgement."""
    codes, facts = codes_of(campaign), dict[str, Any]()
    for part in case.parts:
        facts.update(part.report.facts)

    def month(name: str) -> str:
        value = facts.get(name)
        return value if isinstance(value, str) and FORMS["date"].pattern.fullmatch(value) else ""

    # The first status is for a harm that somebody has only alleged.
    alleged = next(iter(codes["status of a harm"]))
    started = {one.code: _started(one, facts.get(one.code)) for one in campaign.reviewing.fields}
    return Judgement(
        category=case.category if case.category in codes["category"] else "",
        harms={harm: alleged for harm in codes["harms"] if harm in case.harms},
        period_from=month("period_from"),
        period_to=month("period_to"),
        fields=started,
    )


def _started(field: Field, answered: Any) -> str | tuple[str, ...]:
    """The claimant's answer to the question with the same code, if the *field* can hold it."""
    if field.kind == "many":
        listed = answered if isinstance(answered, list) else []
        return tuple(code for code in field.codes if code in listed)
    if not isinstance(answered, str):
        return ""
    if field.kind == "one":
        return answered if answered in field.codes else ""
    form = FORMS.get(field.kind)
    return answered if form and form.pattern.fullmatch(answered) else ""


def blank(case: Case, campaign: Campaign, filled: Judgement, version: str) -> str:
    """The sheet of *case* with *filled* in it, and all codes with their labels in comments.

    *version* is the state of the case for which the sheet is handed out; see sheet.Issued.
    """
    codes = codes_of(campaign)
    lines = [
        "# This sheet is for one case, as it was when the sheet was printed. Leave both lines as",
        "# they are; whenever they do not fit, nothing is kept.",
        f"case = {toml(case.name)}",
        f"version = {toml(version)}",
    ]
    for name, nothing, remarks in _fields(campaign):
        value = filled.said(name) or nothing
        lines += ["", *(f"# {remark}" for remark in remarks), *_comments(codes.get(name, {}))]
        lines.append(f"{name} = {toml(int(value) if name == 'evidence' and value else value)}")
    lines += [
        "",
        "# Each harm that you find in the case, with its status.",
        *_comments(codes["status of a harm"]),
        "# The harms:",
        *_comments(codes["harms"]),
        "[harms]",
        *(f"{json.dumps(harm)} = {toml(found)}" for harm, found in filled.harms.items()),
        _REMOVED,
        _AMOUNTS,
        *_comments(codes["method of an amount"]),
        "# The currencies:",
        *_comments(codes["currency"]),
    ]
    for amount in filled.amounts:
        lines += ["[[amounts]]", *(f"{key} = {toml(value)}" for key, value in amount.items())]
    return "\n".join(lines) + "\n"


def _fields(campaign: Campaign) -> Iterator[tuple[str, Any, Sequence[str]]]:
    """The fields with one value or one list: name, empty value, remarks."""
    yield "conflict", False, [_CONFLICT]
    yield "category", "", []
    first_look = "If you leave this empty, the sheet is a first look (a triage), not a review."
    yield "merit", "", [first_look]
    yield "urgency", "", []
    yield "evidence", "", ["How strong the evidence is, a number."]
    yield "period_from", "", ["YYYY, YYYY-MM or YYYY-MM-DD."]
    yield "period_to", "", ["Empty if it still goes on, or is not known."]
    for own in campaign.reviewing.fields:
        name, form = own.in_("en"), FORMS.get(own.kind)
        remark = f"{name}: {form.wanted}." if form else f"{name}."
        yield own.code, [] if own.kind == "many" else "", [remark]
    yield "flags", [], ["What is left empty here or above is not said; it never means no."]
    yield "tags", [], ["Words of your own, without spaces."]
    outcome = (
        "The outcome of the case, which counts if your review decides. Empty while it is open."
    )
    yield "outcome", "", [outcome]
    yield "credibility", "", ["Why you believe it, or do not."]
    yield "note", "", []


def _comments(labels: Mapping[str, str]) -> list[str]:
    return [f"#   {code}  {label}" for code, label in labels.items()]


def toml(value: Any) -> str:
    """*value* in TOML, which writes strings, lists, numbers and booleans as JSON does.

    Characters that act on a terminal are escaped too, although JSON does not ask for it.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "".join(
        _escaped(character)
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")
        else character
        for character in text
    )


def _escaped(character: str) -> str:
    return f"\\U{ord(character):08X}"
