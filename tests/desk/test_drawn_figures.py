"""Whole drawings: each bar, cell, label and name of a column is where it has been."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from html import escape
from types import SimpleNamespace
from typing import cast

import pytest
from bs4 import BeautifulSoup
from support.cases import CAMPAIGN

from dropbox.campaign import Campaign
from scripts.desk.charts import titles
from scripts.desk.charts.damage_sums import Damages, Spread, _note, _spread
from scripts.desk.charts.figures import _LAPSE, _Figures
from scripts.desk.charts.page import html
from scripts.desk.charts.shapes import Asked, Bars, Figure, Grid, Listing
from scripts.desk.charts.small_cells import hidden, hidden_in_grid
from scripts.desk.charts.svg import _wrapped, drawn
from scripts.desk.search.columns import columns_of
from scripts.desk.search.counted import Cases
from scripts.desk.search.limitation import Running, by_time

DAY = date(2026, 11, 26)

LONG = (
    "Questioned informally by police or state security, once or several times, and then summoned "
    "to a station, detained, sentenced or forced to move"
)
BARS = """
<figure>
<figcaption>Harms &amp; more</figcaption>
<svg viewBox="0 0 720 112" width="720" class="wide" aria-label="Harms &amp; more">
<g>
<title>Lost a job: 1,250</title>
<text x="252" y="17" class="end">Lost a job</text>
<rect x="260" y="4" width="403.0" height="18" class="bar"/>
<text x="669.0" y="17">1,250</text>
</g>
<g>
<title>{LONG}: –</title>
<text x="252" y="43" class="end">Questioned informally by police or</text>
<text x="252" y="58" class="end">state security, once or several</text>
<text x="252" y="73" class="end">times, and then summoned to a…</text>
<rect x="260" y="45" width="0.0" height="18" class="bar"/>
<text x="266.0" y="58">–</text>
</g>
<g>
<title>无: 0</title>
<text x="252" y="99" class="end">无</text>
<rect x="260" y="86" width="0.0" height="18" class="bar"/>
<text x="266.0" y="99">0</text>
</g>
</svg>
<svg viewBox="0 0 312 178" width="312" class="narrow" aria-label="Harms &amp; more">
<g>
<title>Lost a job: 1,250</title>
<text x="0" y="17" class="begin">Lost a job</text>
<rect x="0" y="26" width="255.0" height="18" class="bar"/>
<text x="261.0" y="39">1,250</text>
</g>
<g>
<title>{LONG}: –</title>
<text x="0" y="65" class="begin">Questioned informally by police or state</text>
<text x="0" y="80" class="begin">security, once or several times, and then</text>
<text x="0" y="95" class="begin">summoned to a station, detained, sente…</text>
<rect x="0" y="104" width="0.0" height="18" class="bar"/>
<text x="6.0" y="117">–</text>
</g>
<g>
<title>无: 0</title>
<text x="0" y="143" class="begin">无</text>
<rect x="0" y="152" width="0.0" height="18" class="bar"/>
<text x="6.0" y="165">0</text>
</g>
</svg>
<p>a note</p>
</figure>
"""
GRID = """
<figure>
<figcaption>Grid</figcaption>
<svg viewBox="0 0 720 80" width="720" class="wide" aria-label="Grid">
<text x="277" y="18" class="middle">A</text>
<text x="311" y="18" class="middle">B</text>
<g>
<title>one</title>
<text x="252" y="41" class="end">one</text>
</g>
<rect x="260" y="25" width="32" height="24" class="cell"/>
<rect x="260" y="25" width="32" height="24" class="heat" fill-opacity="0.36"/>
<text x="276" y="41" class="middle">1</text>
<rect x="294" y="25" width="32" height="24" class="cell"/>
<rect x="294" y="25" width="32" height="24" class="heat" fill-opacity="0.00"/>
<text x="310" y="41" class="middle">–</text>
<g>
<title>two</title>
<text x="252" y="67" class="end">two</text>
</g>
<rect x="260" y="51" width="32" height="24" class="cell"/>
<rect x="260" y="51" width="32" height="24" class="heat" fill-opacity="0.00"/>
<rect x="294" y="51" width="32" height="24" class="cell"/>
<rect x="294" y="51" width="32" height="24" class="heat" fill-opacity="1.00"/>
<text x="310" y="67" class="middle">4</text>
</svg>
<svg viewBox="0 0 312 124" width="312" class="narrow" aria-label="Grid">
<text x="17" y="18" class="middle">A</text>
<text x="51" y="18" class="middle">B</text>
<g>
<title>one</title>
<text x="0" y="41" class="begin">one</text>
</g>
<rect x="0" y="47" width="32" height="24" class="cell"/>
<rect x="0" y="47" width="32" height="24" class="heat" fill-opacity="0.36"/>
<text x="16" y="63" class="middle">1</text>
<rect x="34" y="47" width="32" height="24" class="cell"/>
<rect x="34" y="47" width="32" height="24" class="heat" fill-opacity="0.00"/>
<text x="50" y="63" class="middle">–</text>
<g>
<title>two</title>
<text x="0" y="89" class="begin">two</text>
</g>
<rect x="0" y="95" width="32" height="24" class="cell"/>
<rect x="0" y="95" width="32" height="24" class="heat" fill-opacity="0.00"/>
<rect x="34" y="95" width="32" height="24" class="cell"/>
<rect x="34" y="95" width="32" height="24" class="heat" fill-opacity="1.00"/>
<text x="50" y="111" class="middle">4</text>
</svg>
</figure>
"""
SLANTED = """
<figure>
<figcaption>Slanted</figcaption>
<svg viewBox="0 0 720 109" width="720" class="wide" aria-label="Slanted">
<text x="277" y="43" transform="rotate(-45 277 43)">moved</text>
<text x="311" y="43" transform="rotate(-45 311 43)">C</text>
<g>
<title>{LONG}</title>
<text x="252" y="66" class="end">Questioned informally by police or</text>
<text x="252" y="81" class="end">state security, once or several</text>
<text x="252" y="96" class="end">times, and then summoned to a…</text>
</g>
<rect x="260" y="65" width="32" height="24" class="cell"/>
<rect x="260" y="65" width="32" height="24" class="heat" fill-opacity="1.00"/>
<text x="276" y="81" class="middle">7</text>
<rect x="294" y="65" width="32" height="24" class="cell"/>
<rect x="294" y="65" width="32" height="24" class="heat" fill-opacity="0.00"/>
</svg>
<svg viewBox="0 0 312 142" width="312" class="narrow" aria-label="Slanted">
<text x="21" y="54" transform="rotate(-90 21 54)">moved</text>
<text x="55" y="54" transform="rotate(-90 55 54)">C</text>
<g>
<title>{LONG}</title>
<text x="0" y="78" class="begin">Questioned informally by police or state</text>
<text x="0" y="92" class="begin">security, once or several times, and then</text>
<text x="0" y="108" class="begin">summoned to a station, detained, sente…</text>
</g>
<rect x="0" y="114" width="32" height="24" class="cell"/>
<rect x="0" y="114" width="32" height="24" class="heat" fill-opacity="1.00"/>
<text x="16" y="130" class="middle">7</text>
<rect x="34" y="114" width="32" height="24" class="cell"/>
<rect x="34" y="114" width="32" height="24" class="heat" fill-opacity="0.00"/>
</svg>
</figure>
"""
LISTING = """
<figure>
<figcaption>Sums</figcaption>
<table>
<thead>
<tr>
<th>currency</th>
<th>sum &lt;all&gt;</th>
</tr>
</thead>
<tbody>
<tr>
<th>CNY</th>
<td data-head="sum &lt;all&gt;">1,000</td>
</tr>
<tr>
<th>USD</th>
<td data-head="sum &lt;all&gt;">–</td>
</tr>
</tbody>
</table>
<p>x</p>
</figure>
"""


@pytest.mark.parametrize(
    ("figure", "whole"),
    [
        (
            Bars("Harms & more", (("Lost a job", 1250), (LONG, None), ("无", 0)), "a note"),
            BARS,
        ),
        (Grid("Grid", ("A", "B"), (("one", (1, None)), ("two", (0, 4)))), GRID),
        (Grid("Slanted", ("moved", "C"), ((LONG, (7, 0)),)), SLANTED),
        (
            Listing("Sums", ("currency", "sum <all>"), (("CNY", "1,000"), ("USD", "–")), "x"),
            LISTING,
        ),
    ],
    ids=["bars", "grid", "slanted", "listing"],
)
def test_a_figure_is_drawn_as_it_was(figure: Figure, whole: str) -> None:
    found = drawn(figure).replace("><", ">\n<").replace(LONG, "{LONG}")
    # What each drawing has, and would make these lines too long.
    also = ' preserveAspectRatio="xMinYMin" role="img"'

    assert found.replace(also, "") == whole.strip()
    assert found.count(also) == found.count("<svg ")


@pytest.mark.parametrize("figure", [Bars("a", ()), Grid("b", (), ()), Bars("c", (("x", 0),))])
def test_a_figure_of_nothing_is_drawn_too(figure: Figure) -> None:
    assert drawn(figure).count("<svg ") == 2


def test_many_columns_are_narrow_and_then_the_drawing_is_wide() -> None:
    heads = tuple(str(one) for one in range(30))
    text = drawn(Grid("wide", heads, (("row", (12_345,) * 30),)))

    # Room for five digits, a comma and two pixels beside them; the labels take 260.
    assert 'viewBox="0 0 1760 54" width="1760"' in text
    assert 'viewBox="0 0 1500 76" width="1500"' in text
    few = drawn(Grid("few", heads[:16], (("row", (1,) * 16),)))
    assert few.count('width="27" height="24" class="cell"') == 16  # 460 pixels for 16 columns
    assert few.count('width="24" height="24" class="cell"') == 16  # 26 at least


def test_a_name_of_a_column_is_upright_where_it_fits_with_two_pixels_on_both_sides() -> None:
    # Columns are 34 pixels wide at least, and wider for long numbers; a letter has at most 8.4.
    for count, name, slanted in (
        *((1, "aaa", False), (1, "aaai", True), (1, "aaaa", True)),
        *((12_345, "aaaaii", False), (12_345, "aaaaaa", True)),
        *((12_345, "微信微", False), (12_345, "微信微i", True)),
    ):
        text = drawn(Grid("x", (name,), (("row", (count,)),)))
        assert ("rotate(-45" in text, "rotate(-90" in text) == (slanted, slanted), (count, name)


def test_slanted_names_at_the_right_edge_make_the_drawing_wider() -> None:
    """By as much as they are high; upright ones stay above their columns."""
    heads = ("moved",) * 14
    text = drawn(Grid("wide", heads, (("row", (1,) * 14),)))

    assert re.findall('viewBox="0 0 ([0-9]+ [0-9]+)" width="([0-9]+)"', text) == [
        ("769 79", "769"),
        ("364 112", "364"),
    ]


def test_the_largest_count_has_the_longest_bar_and_nothing_has_none() -> None:
    room = 720 - 260 - 9 - 12  # a digit takes 9, what is beside the bar 12

    for counts, widths in (
        ((1, 0), (room, 0)),
        ((1, None), (room, 0)),
        ((2, 1), (room, room / 2)),
        ((0, 0), (0, 0)),
        ((None, None), (0, 0)),
    ):
        text = drawn(Bars("x", tuple((str(at), cell) for at, cell in enumerate(counts))))
        found = re.findall('x="260" y="[0-9]+" width="([0-9.]+)" height="18"', text)
        assert tuple(map(float, found)) == widths, counts


def test_a_label_and_a_note_are_shown_whole_up_to_a_length_that_no_honest_one_has() -> None:
    for kind in (lambda text: Bars(text, (), text), lambda text: Listing(text, ("a",), (), text)):
        for length in (300, 301, 2_000, 2_001):
            shown = BeautifulSoup(drawn(kind("x" * length)), "html.parser")
            caption, note = (shown.find(one) for one in ("figcaption", "p"))
            for element, most in ((caption, 300), (note, 2_000)):
                cut = "x" * (most - 1) + "…"
                assert element is not None
                assert element.text == ("x" * length if length <= most else cut)


def test_sums_are_guarded_unless_counsel_reads_them_or_every_count_is_shown() -> None:
    asked = Asked((), "en", DAY)

    assert asked.guarded and asked.least == 5 and asked.whole and not asked.exact
    for least, exact, guarded in ((2, False, True), (1, False, False), (5, True, False)):
        assert Asked((), "en", DAY, least=least, exact=exact).guarded == guarded


# --- What is counted, at its boundaries ---


def test_an_answer_counts_in_the_first_span_that_it_is_not_later_than() -> None:
    waited = [0, 7, 8, 14, 15, 30, 31, 90, 91]
    counted = _Figures.__new__(_Figures)
    counted._asked = Asked((), "en", DAY, least=1)
    counted._cases = cast(Cases, SimpleNamespace(days_to_answer=lambda: (waited, 3)))

    assert [count for _, count in counted.days_to_answer().rows] == [2, 2, 2, 2, 1, 3]
    counted._cases = cast(Cases, SimpleNamespace(days_to_answer=lambda: ([], 3)))
    assert counted.days_to_answer().rows == ()


@pytest.mark.parametrize(
    ("counts", "least", "shown"),
    [
        ([0, 4, 5, 6], 5, (0, None, None, 6)),
        ([5, 6], 5, (5, 6)),
        ([4, 4, 9], 5, (None, None, 9)),
        ([1], 5, (None,)),
        ([1, 0], 5, (None, 0)),
        ([1, 2], 1, (1, 2)),
    ],
)
def test_a_count_below_the_least_is_left_out_and_not_alone(
    counts: list[int], least: int, shown: tuple[int | None, ...]
) -> None:
    assert hidden(counts, least) == shown


def test_in_a_grid_no_row_and_no_column_has_a_single_cell_left_out() -> None:
    assert hidden_in_grid([[4, 6, 7], [8, 9, 10], [11, 12, 13]], 5) == [
        (None, None, 7),
        (None, None, 10),
        (11, 12, 13),
    ]
    assert hidden_in_grid([[4, 0], [0, 5]], 5) == [(None, 0), (0, 5)]
    assert hidden_in_grid([[5, 5], [5, 5]], 5) == [(5, 5), (5, 5)]


@pytest.mark.parametrize(
    ("cases", "least", "middle", "quarters"),
    [
        (9, 5, False, False),
        (10, 5, True, False),
        (19, 5, True, False),
        (20, 5, True, True),
        # One case has no quarters, whatever is shown.
        (1, 1, False, False),
        (2, 1, True, False),
        (3, 1, True, False),
        (4, 1, True, True),
    ],
)
def test_a_median_needs_twice_the_least_and_quarters_four_times(
    cases: int, least: int, middle: bool, quarters: bool
) -> None:
    totals = [Decimal(number) for number in range(1, cases + 1)]
    found = _spread(totals, cases, least, summed=True)

    assert (found.middle is not None, found.low is not None, found.high is not None) == (
        *(middle, quarters, quarters),
    )
    assert (found.cases, found.total) == (cases, sum(totals))
    assert _spread(totals, cases, least, summed=False).total is None
    assert _spread(totals, None, least, summed=True) == Spread(None)


@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        (Asked((), "en", DAY), ["SPREAD_NOTE", "DOMINATED"]),
        (Asked((), "en", DAY, exact=True), ["SPREAD_NOTE", "EXACT"]),
        (Asked((), "en", DAY, least=1), []),
        (Asked((), "en", DAY, least=2), ["SPREAD_NOTE", "DOMINATED"]),
        (Asked((), "en", DAY, least=1, exact=True), ["EXACT"]),
    ],
)
def test_what_is_said_below_sums_is_what_was_left_out(asked: Asked, texts: list[str]) -> None:
    found = _note(Damages(12, 3, (), None), asked)
    said = {
        "SPREAD_NOTE": titles.SPREAD_NOTE.in_("en")
        .replace("%", f"{2 * asked.least:,}", 1)
        .replace("%", f"{4 * asked.least:,}", 1),
        "DOMINATED": titles.DOMINATED.in_("en"),
        "EXACT": titles.EXACT.in_("en"),
    }
    always = [
        titles.LOSSES_NOTE.in_("en"),
        titles.DECIDED_NOTE.in_("en").replace("%", "12", 1),
        titles.NAMED.in_("en").replace("%", "3", 1),
    ]
    notes = [*always, *(said[one] for one in texts), titles.NO_RATES.in_("en")]
    assert found == titles.joined("en", *notes)
    assert always[1] not in _note(Damages(None, None, (), None), asked)


def test_a_label_breaks_at_a_space_wherever_it_is_and_in_a_word_only_without_one() -> None:
    room = 50.0  # five letters of 8.4

    assert _wrapped("a bbbbbbb", room) == ["a", "bbbbb", "bb"]
    assert _wrapped("bbbbbbb", room) == ["bbbbb", "bb"]
    assert _wrapped("aa bb cc", room) == ["aa bb", "cc"]
    # After a Chinese character a line may end anywhere.
    assert _wrapped("a 微信微信微信", room) == ["a 微信", "微信微", "信"]
    assert _wrapped("i微信微", room) == ["i微信微"]
    assert _wrapped("", room) == [""]


def cross_of(codes: Mapping[str, Mapping[int, set[str]]], *crosses: tuple[str, str]) -> list[Grid]:
    """The figures of *crosses*, where the cases say so, by field and number."""
    campaign = Campaign.read(CAMPAIGN)
    counted = _Figures.__new__(_Figures)
    counted._asked = Asked((), "en", DAY, least=1)
    counted._campaign = replace(campaign, reviewing=replace(campaign.reviewing, crosses=crosses))
    counted._columns = columns_of(campaign)
    counted._cases = cast(Cases, SimpleNamespace(values=lambda code: codes[code]))
    return counted.crosses()


def test_a_cross_counts_each_pair_of_codes_that_some_case_has() -> None:
    phones = {1: {"tel.us"}, 2: {"tel.us", "tel.cn"}, 3: {"tel.moon"}, 5: {"tel.us"}}
    lives = {1: {"reg.us_ca"}, 2: {"reg.us_ca"}, 3: {"reg.sea"}, 4: {"reg.us_ca"}}
    codes = {"phone_region": phones, "lives_now": lives}

    assert cross_of(codes, ("phone_region", "lives_now"), ("lives_now", "phone_region")) == [
        Grid(
            "Its phone number is from × You live in",
            ("United States: California", "reg.sea"),
            (
                ("Mainland China (+86)", (1, 0)),
                ("United States (+1)", (2, 0)),
                ("tel.moon", (0, 1)),
            ),
        ),
        Grid(
            "You live in × Its phone number is from",
            ("Mainland China (+86)", "United States (+1)", "tel.moon"),
            (("United States: California", (1, 2, 0)), ("reg.sea", (0, 0, 1))),
        ),
    ]


def test_a_cross_with_a_question_that_has_rows_of_its_own_is_left_out() -> None:
    codes: dict[str, dict[int, set[str]]] = {"lives_now": {}, "phone_region": {}}
    rows = "c4.trades"

    assert cross_of(codes, (rows, "lives_now"), ("lives_now", rows), (rows, rows)) == []
    assert len(cross_of(codes, (rows, "lives_now"), ("lives_now", "phone_region"))) == 1


def test_a_cross_shows_twenty_four_codes_of_a_long_list() -> None:
    many = {number: {f"z{number:02}"} for number in range(25)}
    few = {number: {"tel.us"} for number in range(25)}
    (down,) = cross_of({"lives_now": many, "phone_region": few}, ("lives_now", "phone_region"))
    (across,) = cross_of({"lives_now": many, "phone_region": few}, ("phone_region", "lives_now"))

    shown = tuple(f"z{number:02}" for number in range(24))
    assert tuple(label for label, _ in down.rows) == shown == across.columns


def test_claims_are_counted_until_the_last_day_of_a_quarter_and_of_a_year() -> None:
    claims = [
        Running(1, titles.CLOCK, "", DAY + timedelta(days=left))
        for left in (-1, 0, 90, 91, 365, 366)
    ]

    assert by_time(claims, DAY, _LAPSE) == [1, 2, 2, 1]


def test_the_page_says_of_how_many_cases_when_and_from_which_count_on() -> None:
    for asked, small in (
        (Asked(range(1_234), "en", DAY), titles.SMALL.in_("en").replace("%s", "5")),
        (Asked(range(1_234), "en", DAY, least=1), titles.EVERY_NUMBER.in_("en")),
    ):
        page = html([], asked, campaign="A & B")
        counted = titles.COUNTED.in_("en").replace("%s", "2026-11-26", 1).replace("%s", "1,234", 1)
        for text in (small, counted, titles.NOTHING.in_("en"), "A & B"):
            assert escape(text) in page
        assert "%s" not in page and '<html lang="en">' in page
