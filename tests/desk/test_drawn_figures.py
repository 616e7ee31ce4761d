"""Whole drawings: each bar, cell, label and name of a column is where it has been."""

import pytest

from scripts.desk.charts.shapes import Asked, Bars, Figure, Grid, Listing
from scripts.desk.charts.svg import drawn

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


def test_sums_are_guarded_unless_counsel_reads_them_or_every_count_is_shown() -> None:
    asked = Asked((), "en", None)  # type: ignore[arg-type]

    assert asked.guarded and asked.least == 5 and asked.whole and not asked.exact
    for least, exact, guarded in ((2, False, True), (1, False, False), (5, True, False)):
        assert Asked((), "en", None, least=least, exact=exact).guarded == guarded  # type: ignore[arg-type]
