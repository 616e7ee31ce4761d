"""What was lost: sums by currency, how many cases name one, and what they rest on.

Currencies are added up only at counsel's rates. For each case, the reviewer who found the least in
a currency counts. A count below the least that is shown is left out with its sums, and so, except
for counsel, is a sum that consists almost entirely of one case. A median needs that many cases on
both sides, a quartile in each quarter: otherwise it could be one claimant's sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles
from typing import Any

from dropbox.label import Label
from dropbox.review_codes import Rate, Reviewing
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.charts import titles
from scripts.desk.charts.case_progress import progress
from scripts.desk.charts.shapes import LEFT_OUT, Asked, Cell, Listing
from scripts.desk.charts.small_cells import dominated, hidden, hidden_sums
from scripts.desk.search.counted import DECIDED, Cases
from scripts.terminal import one_line

_LABEL_CHARACTERS = 100


@dataclass(frozen=True)
class Spread:
    """The number of cases, and the total, quartiles and median of their sums; None: left out."""

    cases: Cell
    total: Decimal | None = None
    low: Decimal | None = None
    middle: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class Currency:
    """What was lost in one currency (a code): in total, and by method ("" for none given)."""

    code: str
    all: Spread
    methods: Mapping[str, Spread]


@dataclass(frozen=True)
class Converted:
    """The shown sums of all currencies converted *into* one at *rates*; *without*: those not
    converted.
    """

    into: str
    total: Decimal
    rates: tuple[Rate, ...]
    without: tuple[str, ...]


@dataclass(frozen=True)
class Damages:
    """What was lost in ``decided`` cases, of which ``named`` name a sum in some currency.

    ``decided`` is left out where the chart of progress leaves it out.
    """

    decided: Cell
    named: Cell
    currencies: tuple[Currency, ...]
    converted: Converted | None


def damages(casebook: Casebook, cases: Cases, asked: Asked) -> Damages:
    """What was lost in *cases*, leaving out small counts."""
    losses = list(cases.losses())
    by_currency: dict[str, list[Mapping[str, Decimal]]] = {}
    for one in losses:
        for currency, methods in one.items():
            by_currency.setdefault(currency, []).append(methods)
    codes = _in_order(casebook.campaign.reviewing.codes("currency"), by_currency)
    counts = hidden([len(by_currency[code]) for code in codes], asked.least)
    found = tuple(
        _currency(code, by_currency[code], count, casebook, asked)
        for code, count in zip(codes, counts, strict=True)
    )
    named = len(losses)
    return Damages(
        decided=progress(cases, asked.least)[DECIDED],
        # Together with the counts that are shown, it would give away a single one that is not.
        named=None if None in counts or 0 < named < asked.least else named,
        currencies=found,
        converted=_converted(found, casebook.campaign.reviewing.rates),
    )


def _in_order(codes: Sequence[str], present: Mapping[str, Any]) -> list[str]:
    return [*(one for one in codes if one in present), *sorted(set(present) - set(codes))]


def _currency(
    code: str,
    found: Sequence[Mapping[str, Decimal]],
    count: Cell,
    casebook: Casebook,
    asked: Asked,
) -> Currency:
    present: dict[str, list[Decimal]] = {}
    for one in found:
        for method, total in one.items():
            present.setdefault(method, []).append(total)
    known = casebook.campaign.reviewing.codes("amount_method")
    methods = _in_order(known, present)
    # Their sums add up to the total, so a single one that is left out could be computed.
    counts = hidden([len(present[one]) for one in methods], asked.least)
    if count is None:
        counts = (None,) * len(methods)
    totals = [sum(one.values(), Decimal()) for one in found]
    telling = asked.guarded and dominated(totals)
    left_out = [one for one, cell in zip(methods, counts, strict=True) if cell is None or telling]
    if asked.guarded:
        left_out = [*hidden_sums(found, left_out, asked.least)]
    return Currency(
        code,
        _spread(totals, count, asked.least, summed=not telling),
        {
            method: _spread(present[method], cell, asked.least, summed=method not in left_out)
            for method, cell in zip(methods, counts, strict=True)
        },
    )


def _spread(totals: Sequence[Decimal], count: Cell, least: int, *, summed: bool) -> Spread:
    if count is None:
        return Spread(None)
    middle = median(totals) if len(totals) >= 2 * least else None
    low, high = None, None
    if len(totals) >= max(4 * least, 2):
        low, _, high = quantiles(totals, n=4, method="inclusive")
    return Spread(count, sum(totals, Decimal()) if summed else None, low, middle, high)


def _converted(found: Sequence[Currency], rates: Sequence[Rate]) -> Converted | None:
    """The sums that are shown, in one currency."""
    if not rates:
        return None
    into = rates[0].into
    factors = {into: Decimal(1), **{one.currency: one.rate for one in rates}}
    used = [one for one in found if one.code in factors and one.all.total is not None]
    if not used:
        return None
    total = sum((factors[one.code] * (one.all.total or 0) for one in used), Decimal())
    applied = tuple(one for one in rates if one.currency in {each.code for each in used})
    return Converted(into, total, applied, tuple(one.code for one in found if one not in used))


def listed(found: Damages, reviewing: Reviewing, asked: Asked) -> Listing:
    """The damages as a figure: a row for each currency, followed by one for each method."""
    rows = []
    for one in found.currencies:
        name = _shown(reviewing.label("currency", one.code, asked.language))
        rows.append((name, *_cells(one.all, found.decided)))
        said = one.all.cases is not None and set(one.methods) != {""}
        for method, spread in one.methods.items() if said else ():
            how = reviewing.label("amount_method", method, asked.language) if method else ""
            how = how or titles.NO_METHOD.in_(asked.language)
            rows.append((f"· {_shown(how)}", *_cells(spread, found.decided)))
    heads = (titles.CURRENCY, titles.CASES, titles.SUM, titles.LOW, titles.MEDIAN, titles.HIGH)
    return Listing(
        titles.LOSSES.in_(asked.language),
        tuple(head.in_(asked.language) for head in heads),
        tuple(rows),
        _note(found, asked),
    )


def _shown(label: str) -> str:
    """A label, or another desk's code that this campaign does not have."""
    return one_line(label, _LABEL_CHARACTERS)


def _cells(one: Spread, decided: Cell) -> tuple[str, ...]:
    of_all = "" if one.cases is None or decided is None else f" / {decided:,}"
    count = _count(one.cases) + of_all
    return count, *map(money, (one.total, one.low, one.middle, one.high))


def _note(found: Damages, asked: Asked) -> str:
    def said(label: Label, *values: str) -> str:
        text = label.in_(asked.language)
        for value in values:
            text = text.replace("%", value, 1)
        return text

    notes = [said(titles.LOSSES_NOTE)]
    if found.decided is not None:
        notes.append(said(titles.DECIDED_NOTE, f"{found.decided:,}"))
    if found.named is not None:
        notes.append(said(titles.NAMED, f"{found.named:,}"))
    if asked.least > 1:
        notes.append(said(titles.SPREAD_NOTE, f"{2 * asked.least:,}", f"{4 * asked.least:,}"))
    if asked.guarded:
        notes.append(said(titles.DOMINATED))
    elif asked.exact:
        notes.append(said(titles.EXACT))
    if (converted := found.converted) is not None:
        rates = "; ".join(
            f"{one.currency} {one.rate} ({one.day}, {one.source})" for one in converted.rates
        )
        notes.append(said(titles.CONVERTED, money(converted.total), converted.into, rates))
        if converted.without:
            notes.append(said(titles.NOT_CONVERTED, ", ".join(converted.without)))
    else:
        notes.append(said(titles.NO_RATES))
    return titles.joined(asked.language, *notes)


def _count(cell: Cell) -> str:
    return LEFT_OUT if cell is None else f"{cell:,}"


def money(amount: Decimal | None) -> str:
    """An amount for people, with two decimals if it has any."""
    return LEFT_OUT if amount is None else f"{amount:,.2f}".removesuffix(".00")


def damage_values(found: Damages) -> dict[str, Any]:
    """What was lost, for programs; null means left out."""
    converted = found.converted
    return {
        "decided": found.decided,
        "named": found.named,
        "currencies": [
            {
                "currency": one.code,
                **_spread_values(one.all),
                "methods": [
                    {"method": method, **_spread_values(spread)}
                    for method, spread in one.methods.items()
                ],
            }
            for one in found.currencies
        ],
        "converted": converted
        and {
            "into": converted.into,
            "sum": f"{converted.total:f}",
            "rates": [
                {
                    "currency": one.currency,
                    "rate": f"{one.rate:f}",
                    "day": one.day.isoformat(),
                    "source": one.source,
                }
                for one in converted.rates
            ],
            "without": list(converted.without),
        },
    }


def _spread_values(one: Spread) -> dict[str, Any]:
    amounts = {"sum": one.total, "low": one.low, "median": one.middle, "high": one.high}
    shown = {name: None if each is None else f"{each:f}" for name, each in amounts.items()}
    return {"cases": one.cases, **shown}
