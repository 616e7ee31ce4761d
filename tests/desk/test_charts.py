"""`charts`: what many cases show together, what is left out of it, and how it is drawn."""

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from unicodedata import category

import pytest
from bs4 import BeautifulSoup
from bs4.element import Tag
from rich.cells import cell_len
from rich.console import Console
from support.cases import add, report
from support.team import Team

from dropbox.label import LANGUAGES
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.charts.figures import (
    Asked,
    Bars,
    Figure,
    Grid,
    Listing,
    figures,
    period_of,
)
from scripts.desk.charts.page import html
from scripts.desk.charts.small_cells import hidden, hidden_in_grid
from scripts.desk.charts.svg import drawn
from scripts.desk.review.judgement import Judgement
from scripts.desk.screen.chart_text import charts_text
from scripts.terminal import one_line

INPUTS = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))["inputs"]
EDGES = [text for one in INPUTS if isinstance(text := one.get("value"), str)]
DAY = date(2026, 11, 23)
FIRST, SECOND = "AB" * 20, "CD" * 20


def judged(casebook: Casebook, number: int, *judgements: Judgement) -> None:
    """Have the first reviewer, then the second, say so of a case."""
    case = casebook.case(number)
    for reviewer, one in zip((FIRST, SECOND), judgements, strict=False):
        casebook.layers.add(case, one, reviewer=reviewer, day=DAY)
    casebook.layers.settle(case)


@pytest.fixture
def many(casebook: Casebook) -> Casebook:
    """Twelve cases of one category and three of another; eight of the former are decided."""
    facts = {"lives_now": "reg.us_ca", "phone_region": "tel.cn"}
    add(
        casebook,
        *(
            report(f"【虚构】{number}", number, facts=facts, harms=("c1.job_loss", "c1.detained"))
            for number in range(1, 13)
        ),
        *(report(f"【虚构】{number}", number, category="c3") for number in range(13, 16)),
    )
    amount = {"currency": "CNY", "as_of": "", "what": ""}
    for number in range(1, 9):
        said = Judgement(
            "c1",
            "m3",
            "normal",
            harms={"c1.job_loss": "alleged"},
            amounts=({**amount, "amount": str(100 * number)},),
            fields={"us": "california", "phone_region": "tel.us"},
        )
        lower = replace(said, amounts=({**amount, "amount": "50"},)) if number == 1 else said
        judged(casebook, number, said, lower)
    return casebook


def asked(casebook: Casebook, least: int = 1, language: str = "en") -> Asked:
    return Asked([case.number for case in casebook.cases()], language, DAY, least)


def figure(found: Sequence[Figure], title: str) -> Figure:
    (one,) = (one for one in found if one.title.startswith(title))
    return one


def counts(one: Figure) -> dict[str, object]:
    assert isinstance(one, Bars | Grid)
    return dict(one.rows)


def test_each_figure_counts_what_all_may_read(many: Casebook) -> None:
    found = figures(many, asked(many))

    assert counts(figure(found, "How far")) == {
        "arrived": 15,
        "looked at": 8,
        "reviewed": 8,
        "decided": 8,
        "of merit": 8,
    }
    assert counts(figure(found, "Merit of")) == {
        label.in_("en"): 8 * (label.code == "m3")
        for label in many.campaign.reviewing.lists["merit"]
    }
    # Of decided cases the reviewers' harms count, of the others the claimants'.
    assert found[4].title == "Harms"
    assert sorted(map(str, counts(found[4]).values())) == ["12", "4"]
    together = figure(found, "Harms that come together")
    assert isinstance(together, Grid)
    assert [cells for _, cells in together.rows] == [(12, 4), (4, 4)]
    assert counts(figure(found, "Connection to"))["Lives in California"] == 8
    # Where reviewers say nothing, what the claimant said is counted.
    phones = counts(figure(found, "Phone region"))
    assert (phones["United States (+1)"], phones["Mainland China (+86)"]) == (8, 4)
    agreed = figure(found, "Agreement")
    assert isinstance(agreed, Listing) and ("Merit", "8", "–", "–") in agreed.rows
    losses = figure(found, "Losses")
    assert isinstance(losses, Listing)
    assert losses.rows == (("yuan (CNY)", "8 / 8", "3,550", "275", "450", "625"),)
    assert losses.note.startswith("Of each decided case, the lowest total that a reviewer found;")
    assert "8 cases are decided. 8 of them name a sum." in losses.note


def test_a_review_that_is_not_done_counts_nowhere(many: Casebook) -> None:
    case = many.case(13)
    before = figures(many, asked(many))
    judgement = Judgement("c2", "m4", "normal", fields={"us": "canada"})
    many.layers.add(case, judgement, reviewer=FIRST, day=DAY)
    many.layers.settle(case)

    after = figures(many, asked(many))

    changed = [one.title for one, other in zip(before, after, strict=True) if one != other]
    assert changed == ["How far cases have come"]
    assert counts(figure(after, "How far"))["looked at"] == 9
    assert counts(figure(after, "How far"))["decided"] == 8


def test_a_cross_of_two_questions_has_the_cases_of_each_pair(many: Casebook) -> None:
    (cross,) = (one for one in figures(many, asked(many)) if "×" in one.title)
    assert isinstance(cross, Grid)
    row = next(cells for label, cells in cross.rows if "California" in label)
    assert {column: cell for column, cell in zip(cross.columns, row, strict=True) if cell} == {
        "Mainland China (+86)": 4,
        "United States (+1)": 8,
    }


def test_an_answer_counts_by_the_days_it_took(many: Casebook) -> None:
    for number, days in ((1, 3), (2, 7), (3, 8), (4, 200)):
        case = many.case(number)
        many.answers.queue(case, kind="answer", language="en", day=DAY, text="x")
        database = many.database
        database.execute("UPDATE answer SET number = 0, bundle = ? WHERE id = ?", [number, number])
        database.execute("INSERT INTO departure VALUES (?, 0, ?, 1)", [number, number])
        left = (case.parts[0].day + timedelta(days=days)).isoformat()
        database.execute("INSERT INTO reply_bundle VALUES (?, ?, '00')", [number, left])

    shown = counts(figure(figures(many, asked(many)), "Time to"))

    assert list(shown.values()) == [2, 1, 0, 0, 1, 11]


@pytest.mark.parametrize(
    ("given", "least", "shown"),
    [
        ([9, 4, 0, 20], 5, (None, None, 0, 20)),
        ([4, 3, 20], 5, (None, None, 20)),
        ([5, 6], 5, (5, 6)),
        ([4], 5, (None,)),
        ([1, 2], 1, (1, 2)),
        ([], 5, ()),
    ],
)
def test_a_small_count_is_left_out_and_so_is_what_would_tell_it(
    given: list[int], least: int, shown: tuple[int | None, ...]
) -> None:
    assert hidden(given, least) == shown


def test_no_cell_of_a_grid_follows_from_its_row_or_column() -> None:
    rows = hidden_in_grid([[30, 4, 12], [8, 20, 9], [40, 50, 60]], 5)

    for line in (*rows, *zip(*rows, strict=True)):
        assert line.count(None) != 1
    assert rows[2][2] == 60 and hidden_in_grid([[7, 8], [9, 10]], 5) == [(7, 8), (9, 10)]


def test_small_counts_of_a_casebook_are_nowhere_on_the_page(many: Casebook) -> None:
    asking = asked(many, least=5)
    page = html(figures(many, asking), asking, campaign="x")
    text = BeautifulSoup(page, "html.parser").get_text(" ")

    # Four cases have another phone, and three another category.
    assert "–" in text and not re.search(r"(?<![\d,.-])[1-4](?![\d,.–-])", text.split("Harms")[0])


@pytest.mark.parametrize(
    ("days", "periods"),
    [
        ([date(2026, 1, 1), date(2026, 1, 5)], ["2025-12-29", "2026-01-05"]),
        ([date(2026, 1, 31), date(2026, 9, 1)], ["2026-01", "2026-09"]),
        ([date(2020, 1, 31), date(2026, 9, 1)], ["2020", "2026"]),
        ([], []),
    ],
)
def test_periods_grow_with_the_time_that_is_covered(days: list[date], periods: list[str]) -> None:
    assert list(map(period_of(days, 26), days)) == periods


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_runs_nothing_fetches_nothing_and_is_in_its_language(
    many: Casebook, language: str
) -> None:
    asking = asked(many, language=language)
    page = html(figures(many, asking), asking, campaign="<script>x</script>\u202e")
    soup = BeautifulSoup(page, "html.parser")

    assert not soup.find_all(["script", "link", "img", "a", "iframe", "object"])
    assert "\u202e" not in page and "url(" not in page and "http:" not in page
    assert soup.html is not None and soup.html["lang"] == language
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})
    assert policy is not None and str(policy["content"]).startswith("default-src 'none'")
    assert len(soup.find_all("figure")) == len(figures(many, asking))
    if language != "en":
        titles = " ".join(tag.get_text() for tag in soup.find_all(["h1", "figcaption"]))
        assert not re.search("[A-Za-z]{3}", titles)


def test_a_label_of_any_shape_is_drawn_on_one_line() -> None:
    long = "很长的标签" * 60
    hostile = "<b>\x1b[31m\u202e&"
    page = drawn(Bars("t", ((long, 3), (hostile, None))))
    grid = drawn(Grid("t", (long, hostile), ((hostile, (1, None)),)))

    for one in (page, grid):
        assert "<b>" not in one and "\x1b" not in one and "\u202e" not in one
        assert "&lt;b&gt;" in one and "…" in one and "–" in one


def test_labels_of_any_text_act_nowhere_on_the_page_or_the_terminal() -> None:
    texts = ("\u202e王\x1b[31m<script>", *EDGES)
    found: list[Figure] = [
        Bars("bars", tuple((text, 3) for text in texts), note=texts[0]),
        *(
            Grid(texts[0], some, tuple((text, (1,) * len(some)) for text in some))
            for some in (texts[at : at + 5] for at in range(0, len(texts), 5))
        ),
        Listing("list", (texts[0], "n"), tuple((one_line(text, 100), "1") for text in texts)),
    ]
    page = html(found, Asked([], "en", DAY), campaign=texts[0])
    console = Console(file=(file := io.StringIO()), width=80)
    console.print(charts_text(found, width=80))

    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.find_all("figure")) == len(found) and not soup.find_all(
        ["script", "a", "img", "b"]
    )
    for written in (page, file.getvalue()):
        acting = {one for one in written if category(one) in ("Cc", "Cf", "Cs")}
        # one_line() keeps what joins or separates letters, and isolates texts that run otherwise.
        assert acting <= {"\n", "\u200c", "\u200d", "\u2068", "\u2069"}


def lines(svg: Tag) -> list[str]:
    """The lines of the first label of a chart of bars, and behind them its count."""
    return [one.get_text() for one in svg.select("g")[0].find_all("text")]


def test_a_long_label_has_three_lines_and_breaks_between_words() -> None:
    label = "Admonished or disciplined (police admonition; punishment by employer, school or party)"
    soup = BeautifulSoup(drawn(Bars("t", ((label, 3),))), "html.parser")

    wide, narrow = soup.find_all("svg")
    assert (wide["class"], narrow["class"]) == (["wide"], ["narrow"])
    for svg in (wide, narrow):
        *label_lines, count = lines(svg)
        assert " ".join(label_lines) == label and count == "3"
        # DejaVu Sans, the widest of the usual fonts, has about 8 units a character.
        assert len(label_lines) <= 3 and max(map(len, label_lines)) <= 43
        assert svg.find_all("rect")[0]["width"] != "0.0"
    longer = BeautifulSoup(drawn(Bars("t", (("因失去保存的联系人" * 8, 2),))), "html.parser")
    chinese = lines(longer.find_all("svg")[0])
    assert len(chinese[0]) in range(14, 18) and len(chinese) == 4
    assert chinese[2].endswith("…") and chinese[3] == "2"


def test_a_grid_has_room_on_a_telephone_and_keeps_the_names_of_its_columns() -> None:
    months = tuple(f"2026-{month:02d}" for month in range(1, 13))
    row = ("很长的标签" * 5, (999, None, *range(10)))
    soup = BeautifulSoup(drawn(Grid("t", months, (row,))), "html.parser")

    wide, narrow = soup.find_all("svg")
    assert (int(str(wide["width"])), int(str(narrow["width"]))) <= (780, 312)
    for svg in (wide, narrow):
        assert {*months, "999", "–", "9"} <= {one.get_text() for one in svg.find_all("text")}
        rights = [float(str(one["x"])) + float(str(one["width"])) for one in svg.select(".heat")]
        assert max(rights) <= int(str(svg["width"]))


def test_numbers_can_be_read_on_every_shade_in_both_colour_schemes() -> None:
    grid = Grid("t", ("a",), tuple(("row", (count,)) for count in range(20)))
    page = html([grid], Asked([], "en", DAY), campaign="x")
    light, dark = (
        dict(re.findall("--([a-z]+): #([0-9a-f]{6})", part))
        for part in page.split("prefers-color-scheme: dark")
    )
    shades = {float(one) for one in re.findall('fill-opacity="([0-9.]+)"', page)}

    assert shades > {0.0, 1.0}
    for colours in (light, dark):
        ink, heat, paper = (channels(colours[name]) for name in ("ink", "heat", "paper"))
        for shade in shades:
            ground = [
                shade * one + (1 - shade) * other for one, other in zip(heat, paper, strict=True)
            ]
            assert contrast(ink, ground) >= 4.5
        assert contrast(channels(colours["soft"]), paper) >= 4.5


def channels(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """As WCAG 2.2 defines it, of colours in sRGB."""

    def light(colour: Sequence[float]) -> float:
        red, green, blue = (
            each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in colour
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.slow
def test_a_terminal_of_any_width_shows_every_number_and_label_whole(many: Casebook) -> None:
    amounts = ("yuan", *("1,234,567.89",) * 5)
    added = (
        Listing("t", ("currency", *("a head of words",) * 5), (amounts,)),
        Grid("t", tuple(f"很长的标签{n}" for n in range(13)), (("x" * 30, (1000,) * 13),)),
    )
    for language in LANGUAGES:
        found = figures(many, asked(many, language=language))
        labels = [label for one in found if isinstance(one, Bars) for label, _ in one.rows]
        words = [word for label in labels for word in label.split()]
        for width in (40, 80, 160):
            console = Console(file=(file := io.StringIO()), width=width)
            console.print(charts_text([*found, *added], width=width))
            written = file.getvalue()

            assert "…" not in written and max(map(cell_len, written.splitlines())) <= width
            assert written.count("1,234,567.89") == 5 and written.count("1,000") == 13
            assert language != "en" or all(word in written for word in words)


def test_an_empty_casebook_has_a_page_that_says_so(casebook: Casebook) -> None:
    for language, words in (
        ("en", "nothing to count yet"),
        ("zh-Hans", "还没有"),
        ("zh-Hant", "還沒有"),
    ):
        asking = asked(casebook, language=language)
        page = html(figures(casebook, asking), asking, campaign="x")
        assert words in page and "<figure>" not in page


@pytest.fixture
def at_the_desk(team: Team) -> Iterator[Team]:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, *(report(f"【虚构】{number}", number) for number in range(1, 8)))
    yield team


def test_the_command_prints_writes_and_counts_a_selection(at_the_desk: Team) -> None:
    team, page = at_the_desk, at_the_desk.directory / "charts.html"

    assert "7 cases counted." in team(0, "charts")
    assert "█" in team(0, "charts")
    values = json.loads(team(0, "charts", "--json", "--where", "category=c3", "--least", 1))
    assert (values["cases"], values["figures"]) == (0, [])
    assert "7 cases counted" in team(0, "charts", "--out", page, "--lang", "zh-Hant")
    again = page.with_name("again.html")
    values = json.loads(team(0, "charts", "--json", "--out", again, "--lang", "zh-Hant"))
    assert values["cases"] == 7 and again.read_bytes() == page.read_bytes()
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>") and page.stat().st_mode & 0o77 == 0
    code, _, error = team.run(0, "charts", "--out", page)
    assert code == 2 and "charts.html" in error
    assert team.run(0, "charts", "--least", 0)[0] == 2


def test_a_case_that_was_given_away_is_not_counted(at_the_desk: Team) -> None:
    team = at_the_desk
    team.judge(0, team.case(3), conflict=True, urgency="normal")

    assert "6 cases counted." in team(0, "charts") and "7 cases counted." in team(1, "charts")
