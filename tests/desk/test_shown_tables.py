"""Tables of the desk as they are printed, line by line, and what programs get of the same."""

import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.cases import CAMPAIGN

from dropbox.campaign import Campaign
from scripts.desk.casebook.facts import Event
from scripts.desk.casebook.redactions import BOX, FILE, TEXT, WHOLE, Box, End, Redaction
from scripts.desk.charts.shapes import Bars, Grid, Listing
from scripts.desk.facts.chronology import Happened
from scripts.desk.facts.dates import read as read_date
from scripts.desk.facts.sources import Sources
from scripts.desk.identity import Viewer
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.look import Shown
from scripts.desk.quality_control import Agreement, Missed
from scripts.desk.redaction.leaving_texts import CaseText
from scripts.desk.redaction.redacting import Found, Listed
from scripts.desk.redaction.seen_words import Seen
from scripts.desk.redaction.undecided import Undecided
from scripts.desk.redaction.word_matches import Span
from scripts.desk.screen.chart_text import _bar, chart_values, charts_text
from scripts.desk.screen.fact_tables import order_notes, timeline_table
from scripts.desk.screen.looks import Look, look_text, look_values
from scripts.desk.screen.quality_figures import (
    agreement_sentence,
    agreement_table,
    agreement_values,
    missed_sentences,
    missed_values,
)
from scripts.desk.screen.redaction_tables import (
    elsewhere_lines,
    found_lines,
    redaction_values,
    redactions_table,
    seen_lines,
    still_read_lines,
    undecided_lines,
)
from scripts.desk.screen.reviews import list_table

DAY = date(2026, 11, 26)
VIEWER = Viewer("A" * 40, {"F" * 40: "r-1"}, Campaign.read(CAMPAIGN), "en")


def printed(shown: object, width: int) -> list[str]:
    """Its lines on a terminal of so many characters, without the spaces at their ends."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, emoji=False, markup=False).print(shown)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def squeezed(lines: list[str]) -> list[str]:
    """Wide lines without most of the room in them."""
    return [re.sub("─+", "─", re.sub(" {2,}", " ", line)) for line in lines]


FIGURES = (
    Bars("Bars", (("one", 1_000), ("a longer label", 500), ("two", None), ("none", 0)), "a note"),
    Grid("Grid", ("A", "B"), (("one", (1, None)), ("two", (0, 1_234)))),
    Grid("Named", ("a long name", "C"), (("one", (1, 2)), ("two", (3, 4)), ("three", (0, 5)))),
    Listing("Sums", ("currency", "cases", "sum"), (("CNY", "12 / 20", "1,000"), ("USD", "–", "–"))),
)

LISTED: list[dict[str, Any]] = [
    {
        **{"case": "AA-BBBB", "day": "2026-11-23", "status": "st.second_review"},
        **{"conflict": False, "differ": [], "correspondence": "co.none", "after_withdrawal": 0},
        **{"merit": "", "own_merit": "m2", "urgency": "", "own_urgency": ""},
        **{"reviewers": ["reviewer-1"], "category": "c1", "harms": ["a", "b"], "files": 3},
        **{"linked": 0, "gist": None, "text": "a text of a case that is long"},
    },
    {
        **{"case": "CC-DDDD", "day": "2026-11-24", "status": "st.adjudicate"},
        **{"conflict": False, "differ": ["merit", "flags"], "correspondence": "co.awaiting"},
        **{"after_withdrawal": 2, "merit": "m3", "own_merit": "m2", "urgency": "urgent"},
        **{"own_urgency": "", "reviewers": ["reviewer-1", "reviewer-2"], "category": "c9"},
        **{"harms": [], "files": 0, "linked": 4, "gist": "in short", "text": "x"},
    },
    {"case": "EE-FFFF", "day": "2026-11-25", "status": "st.second_review", "conflict": True},
]


def redaction(number: int, kind: str, **changes: Any) -> Redaction:
    fields: dict[str, Any] = dict.fromkeys(("x", "y", "width", "height", "start", "stop"), 0)
    fields |= {"key": f"key{number}", "kind": kind, "sha256": "ab", "page": 0, "reason": "minor"}
    return Redaction(**{**fields, "reviewer": "F" * 40, "day": DAY, **changes})


TENTH = WHOLE // 10
BLACKED = [
    Listed(1, redaction(1, TEXT, start=0, stop=2), None, "part 1", "张三"),
    Listed(
        2,
        redaction(2, BOX, page=3, x=TENTH, y=0, width=TENTH // 3, height=WHOLE),
        End("key2", "a line", "F" * 40, DAY),
        "file 2",
        "",
    ),
    Listed(3, redaction(3, FILE), None, "file 1", ""),
    Listed(4, redaction(4, FILE, reason="unknown"), None, "", ""),
]
AGREED = [
    Agreement("merit", 29, 0.5, 0.456, True),
    Agreement("us", 30, None, 1.0, False),
    Agreement("period_from", 1_000, 0.1, None, False),
    Agreement("note", 0, None, None, False),
]

# Each line as it is printed.
# fmt: off
CHARTS = [
    'Bars',
    'one            1,000 █████████████████████████████████████',
    'a longer label   500 ██████████████████▌',
    'two                –',
    'none               0',
    'a note',
    '',
    'Grid',
    '',
    '          A      B',
    ' ──────────────────',
    ' one      1      –',
    ' two         1,234',
    '',
    '',
    'Named',
    '',
    '        1  2',
    ' ────────────',
    ' one    1  2',
    ' two    3  4',
    ' three     5',
    '',
    '  1: a long name',
    '  2: C',
    '',
    'Sums',
    '',
    ' currency    cases    sum',
    ' ─────────────────────────',
    ' CNY       12 / 20  1,000',
    ' USD             –      –',
    '',
    '',
]
NARROW_CHARTS = [
    'Grid',
    '',
    '          A',
    ' ───────────',
    ' one      1',
    ' two',
    '',
    '',
    '          B',
    ' ───────────',
    ' one      –',
    ' two  1,234',
    '',
    '',
    'Named',
    '',
    '        1  2',
    ' ────────────',
    ' one    1  2',
    ' two    3  4',
    ' three     5',
    '',
    '  1: a long name',
    '  2: C',
    '',
    'Sums',
    'CNY',
    '  cases 12 / 20',
    '  sum     1,000',
    'USD',
    '  cases –',
    '  sum   –',
    '',
]
WIDE_LIST = [
    '',
    ' case day status merit urgency reviewers cat. harms files linked text',
    ' ─',
    ' AA-BBBB 2026-11-23 Second review done (m2) reviewer-1 c1 2 3 a text of a case that is long',
    ' CC-DDDD 2026-11-24 Reviewers disagree: merit, flags m3 urgent reviewer-1 c9 0 0 4 in short',
    ' Waiting for claimant reviewer-2',
    ' 2 parts since',
    ' EE-FFFF 2026-11-25 Second review done (conflict of interest)',
    '',
]
LIST = [
    '',
    ' case     status                            merit  urgency   text',
    ' ─────────────────────────────────────────────────────────────────────────',
    ' AA-BBBB  Second review done                (m2)             a text of a…',
    ' CC-DDDD  Reviewers disagree: merit, flags  m3     urgent    in short',
    '          Waiting for claimant',
    '          2 parts since',
    ' EE-FFFF  Second review done                                 (conflict o…',
    '',
]
REDACTIONS = [
    '',
    ' no. what words reason by taken back',
    ' ─',
    ' 1 part 1 张三 minor A minor r-1, 2026-11-26',
    ' 2 file 2, page 3: 10,0,3.33,100% minor A minor r-1, 2026-11-26 r-1, 2026-11-26: a line',
    ' 3 file 1, whole minor A minor r-1, 2026-11-26',
    ' 4 something that is not here unknown unknown r-1, 2026-11-26',
    '',
]
AGREEMENT = [
    '',
    ' field units kappa alpha',
    ' ─',
    ' merit 29 0.50 0.46 ordinal, too few to rely on',
    ' Connection to the US or Canada 30 – 1.00',
    ' period from 1,000 0.10 – all said the same, so chance cannot be told',
    '',
]
# fmt: on


@pytest.mark.parametrize(
    ("figures", "width", "lines"), [(FIGURES, 60, CHARTS), (FIGURES[1:], 22, NARROW_CHARTS)]
)
def test_figures_are_printed_one_below_the_other(
    figures: tuple[Any, ...], width: int, lines: list[str]
) -> None:
    assert printed(charts_text(figures, width=width), width) == lines


def test_columns_and_rows_come_below_each_other_where_a_character_is_lacking() -> None:
    # Twelve characters for the labels, three around them, and each column with two beside it.
    grid = Grid("x", ("AAAAA", "B", "C"), tuple((str(row), (1, 2, 3)) for row in range(3)))
    tables = [
        sum(set(line) == {" ", "─"} for line in printed(charts_text([grid], width=width), 80))
        for width in (10, 21, 22, 28, 29, 35, 36, 80)
    ]
    assert tables == [3, 3, 3, 3, 2, 2, 1, 1]
    # The widest word of a head or a number, and two beside each column.
    listing = Listing("x", ("a", "bb cccc", "d"), (("CNY", "12", "1,000"),))
    for width, is_table in ((26, False), (27, True)):
        assert ("─" in "".join(printed(charts_text([listing], width=width), 80))) == is_table


def test_a_columns_name_of_more_than_five_characters_is_a_number_with_the_name_below() -> None:
    def heads(name: str) -> str:
        grid = Grid("x", (name,), (("row", (1,)), ("row", (2,))))
        return printed(charts_text([grid], width=40), 40)[2].strip()

    assert (heads("AAAAA"), heads("AAAAAA"), heads("微信"), heads("微信微")) == (
        *("AAAAA", "1", "微信", "1"),
    )
    names = tuple("N" * 50 for _ in range(10))
    grid = Grid("x", names, tuple((str(row), (1,) * 10) for row in range(10)))
    lines = printed(charts_text([grid], width=46), 46)
    assert f"   9: {'N' * 39}" in lines and f"  10: {'N' * 39}" in lines
    assert lines.count(" " * 6 + "N" * 11) == 10  # nothing of a name is cut off


def test_bars_have_half_of_the_screen_for_labels_and_never_less_than_ten_characters() -> None:
    def lengths(label: str, width: int) -> tuple[int, int]:
        lines = printed(charts_text([Bars("x", ((label, 1),))], width=width), width + 40)
        return len(lines), max(line.count("█") for line in lines)

    # What labels, the count and four characters between them leave.
    assert lengths("abcd", 60) == (3, 51) and lengths("a" * 40, 60) == (4, 25)
    assert [lengths("a" * 10, width)[1] for width in (24, 25, 26, 27)] == [10, 10, 11, 12]
    # A number stays whole, whatever the room.
    narrow = printed(charts_text([Bars("x", (("a" * 40, 1_234_567),))], width=24), 24)
    assert sum("1,234,567" in line for line in narrow) == 1
    tiny = [
        printed(charts_text([Bars("x", (("a", most), ("b", 1)))], width=40), 40) for most in (2, 1)
    ]
    assert [lines[2].count("█") for lines in tiny] == [17, 34]


@pytest.mark.parametrize(
    ("length", "bar"),
    [(0, ""), (0.06, ""), (0.07, "▏"), (0.5, "▌"), (0.94, "█"), (2, "██"), (2.125, "██▏")],
)
def test_a_bar_is_as_long_as_its_number_to_an_eighth(length: float, bar: str) -> None:
    assert _bar(length) == bar


def test_a_program_gets_each_figure_with_its_kind() -> None:
    found = chart_values(FIGURES)

    assert [one["figure"] for one in found] == ["bars", "grid", "grid", "listing"]
    assert found[0]["rows"][2] == ("two", None) and found[0]["note"] == "a note"


@pytest.mark.parametrize(("width", "lines"), [(150, WIDE_LIST), (75, LIST)])
def test_a_list_of_cases_drops_columns_until_its_texts_have_room(
    width: int, lines: list[str]
) -> None:
    assert squeezed(printed(list_table(LISTED, VIEWER, width), width)) == squeezed(lines)


def test_in_a_list_numbers_end_and_words_begin_below_their_heads() -> None:
    _, head, _, first, second, *_ = printed(list_table(LISTED, VIEWER, 150), 150)

    for name, ones in (("harms", "20"), ("files", "30"), ("linked", " 4")):
        end = head.index(name) + len(name)
        assert first[end - 1] + second[end - 1] == ones
    for name, cells in (("merit", ("(m2)", "m3")), ("cat.", ("c1", "c9"))):
        for line, cell in zip((first, second), cells, strict=True):
            assert line[head.index(name) :].startswith(cell + " ")


def test_columns_leave_one_after_the_other_as_the_screen_gets_narrower() -> None:
    heads = [
        printed(list_table(LISTED, VIEWER, width), width)[1].split() for width in range(60, 150)
    ]
    order = list(dict.fromkeys(len(one) for one in reversed(heads)))

    assert order == [11, 10, 9, 8, 7, 6, 5]
    # With a character less, the next one leaves.
    least = {len(one): 60 + at for at, one in reversed(list(enumerate(heads)))}
    assert least == {5: 60, 6: 99, 7: 111, 8: 117, 9: 124, 10: 131, 11: 139}


def test_redactions_are_a_table_with_their_ends() -> None:
    assert squeezed(printed(redactions_table(BLACKED, VIEWER), 140)) == REDACTIONS
    assert [
        (one["place"], one["page"], one["box_percent"], one["words"], one["reason"])
        for one in redaction_values(BLACKED, VIEWER)
    ] == [
        ("part 1", None, None, "张三", "minor"),
        ("file 2", 3, [10.0, 0.0, 3.33, 100.0], None, "minor"),
        ("file 1", None, None, None, "minor"),
        (None, None, None, None, "unknown"),
    ]
    first, second, *_ = redaction_values(BLACKED, VIEWER)
    assert (first["number"], first["key"], first["kind"]) == (1, "key1", "text")
    assert (first["reviewer"], first["day"], first["taken_back"]) == (*("r-1", "2026-11-26", None),)
    assert second["taken_back"] == {
        "reviewer": "r-1", "day": "2026-11-26", "because": "a line"
    }  # fmt: skip


def test_places_are_shown_with_thirty_characters_around_them_and_twenty_of_a_text() -> None:
    text = "a" * 40 + "X" + "b" * 40
    one = CaseText("part", 1, "part 1", text)
    shown = f"{'a' * 30} ▐X▌ {'b' * 30}"

    assert found_lines([Found(one, (Span(40, 41),))]) == ["part 1: 1 place", f"   {shown}"]
    many = found_lines([Found(one, (Span(40, 41),) * 20)])
    assert many == ["part 1: 20 places", *[f"   {shown}"] * 20]
    more = found_lines([Found(one, (Span(40, 41),) * 22)])
    assert more == ["part 1: 22 places", *[f"   {shown}"] * 20, "   … and 2 places more"]
    assert found_lines([Found(one, (Span(0, 1),))])[1] == f"    ▐a▌ {'a' * 30}"


def test_words_in_pictures_are_named_by_file_and_page() -> None:
    box = Box(0, 0, 9, 9)
    there, name = (
        Seen(2, "ab", 3, "so X", Span(3, 4), (box,)),
        Seen(2, "ab", 4, "X", Span(0, 1), ()),
    )
    one = Found(CaseText("part", 1, "part 1", "X"), (Span(0, 1),))

    assert seen_lines([there, name]) == ["picture of file 2, page 3: so ▐X▌ "]
    assert elsewhere_lines([one], [there, there, name, name]) == [
        "The same words are still in part 1 (1 place), the picture of page 3 of file 2. "
        "--everywhere blacks them out there too.",
        "On page 4 of file 2 they are a name beside a bubble, whose place is not known: black it "
        "out with --box.",
    ]
    assert elsewhere_lines([], []) == [] == undecided_lines([])
    waiting = [Undecided(2, "ab", (there,), ""), Undecided(5, "cd", (there,) * 21, "")]
    read = "In file {}, page 3, a machine read: so ▐X▌ "
    assert still_read_lines(waiting) == [read.format(2), *[read.format(5)] * 20]
    assert undecided_lines(waiting)[0].startswith(
        "Words are blacked out in texts of this case, and nobody has decided on file 2, 5: until"
    )


# --- Agreement, and what was missed ---


def test_agreement_is_a_table_with_what_its_figures_are_worth() -> None:
    table = agreement_table(AGREED, VIEWER.campaign.reviewing, "en")
    assert squeezed(printed(table, 100)) == AGREEMENT
    assert agreement_values(AGREED)[:2] == [
        {"field": "merit", "units": 29, "kappa": 0.5, "alpha": 0.456, "scale": "ordinal"},
        {"field": "us", "units": 30, "kappa": None, "alpha": 1.0, "scale": "nominal"},
    ]
    assert agreement_sentence(AGREED).startswith("1 is full agreement, 0 as much as by chance.")
    assert agreement_sentence(AGREED[3:]).startswith("No case has two reviews that were blind")


def test_what_was_missed_is_said_with_how_sure_it_is() -> None:
    found = Missed(rejected=100, reviewed=30, missed=3, waiting=2)
    low, high = found.limits or (0, 0)
    values = missed_values(found)

    assert (values["share"], values["limits"], values["confidence"]) == (0.1, [low, high], 0.95)
    assert (values["rejected"], values["reviewed"], values["missed"], values["waiting"]) == (
        *(100, 30, 3, 2),
    )
    lines = missed_sentences(found)
    assert lines[0] == (
        "Of 100 rejected cases, 30 were reviewed a second time by chance (still open: 2): 3 of "
        f"these should not have been rejected, 10.0% (with 95% confidence between {low:.1%} and "
        f"{high:.1%})."
    )
    assert len(lines) == 2 and lines[1].startswith("Of the ")
    few = missed_sentences(Missed(rejected=29, reviewed=29, missed=0, waiting=0))
    assert few[-1] == "Fewer than 30 second reviews: the estimate is rough."
    (none,) = missed_sentences(Missed(rejected=1, reviewed=0, missed=0, waiting=0))
    assert none == (
        "Of 1 rejected case, none has a second review by chance and a decision yet: nothing can be "
        "estimated."
    )
    assert missed_values(Missed(1, 0, 0, 0))["limits"] is None


# --- Looks at files ---

SHOWN = Shown(Kind.PDF, 3, 2, "text\nlines", ["It holds JavaScript, which was not run."])


@pytest.mark.parametrize(
    ("kind", "total", "drawn", "summary"),
    [
        (Kind.PDF, 3, 2, "a PDF of 3 pages; 2 of them drawn."),
        (Kind.PDF, 1, 0, "a PDF of 1 page; none of them drawn."),
        (Kind.PDF, 0, 0, "a PDF."),
        (Kind.ZIP, 0, 0, "a ZIP archive of 0 entries."),
        (Kind.TAR, 1, 0, "a tar archive of 1 entry."),
        (Kind.RECORDING, 7, 1, "a recording (sound or video); 1 still of it drawn."),
    ],
)
def test_what_came_of_looking_is_a_line(kind: Kind, total: int, drawn: int, summary: str) -> None:
    assert look_text(Look(2, "a", Shown(kind, total, drawn))) == f"2. a: {summary}\n"


def test_a_look_has_its_sentences_pictures_and_text_below_it() -> None:
    look = Look(2, "a.pdf", SHOWN, (Path("p/1.png"),))

    assert look_text(look) == (
        "2. a.pdf: a PDF of 3 pages; 2 of them drawn.\n"
        "   It holds JavaScript, which was not run.\n   p/1.png\n   text\n   lines\n"
    )
    assert look_values(look) == {
        **{"file": 2, "name": "a.pdf", "kind": "pdf", "pages": 3, "drawn": 2},
        **{"pictures": ["p/1.png"], "text": "text\nlines"},
        "sentences": ["It holds JavaScript, which was not run."],
    }
    for length, name in ((60, "n" * 60), (61, "n" * 59 + "…")):
        assert look_text(Look(2, "n" * length, SHOWN)).startswith(f"2. {name}: a PDF")
    never = Look(3, "b", None, reason="It was never opened.")
    assert look_text(never) == "3. b: It was never opened.\n"
    assert look_values(never) == {
        **{"file": 3, "name": "b", "kind": "", "pages": 0, "drawn": 0, "pictures": []},
        **{"text": "", "sentences": ["It was never opened."]},
    }


# --- Facts, and pictures in the terminal ---


def happened(entry: str, when: str, text: str, **more: Any) -> Happened:
    event = Event(
        entry=entry, kind="measure", date=when, text=text, reviewer="F" * 40, day=DAY,
        parties=more.pop("parties", ""),
    )  # fmt: skip
    return Happened(more.pop("case", 1), event, read_date(when), **more)


EVENTS = [
    happened("E00000000A", "2019-03", "blocked", parties="P000000001 P000000002"),
    happened("E00000000B", "~2019-03", "paid", case=2, unsure=True, contested=True),
]
SOURCES = {number: Sources.__new__(Sources) for number in (1, 2)}
NAMES = {1: "AA-BBBB", 2: "CC-DDDD"}
# Of one case, and of several.
TIMELINES = {
    True: [
        " when kind what",
        " 2019-03 measure blocked",
        " Tencent, P000000002 · from elsewhere ·",
        " E00000000A",
        " about 2019-03 ? measure paid",
        " from elsewhere · E00000000B · corrections",
        " disagree",
    ],
    False: [
        " when case kind what",
        " 2019-03 AA-BBBB measure blocked",
        " Tencent, P000000002 · from elsewhere ·",
        " E00000000A",
        " about 2019-03 ? CC-DDDD measure paid",
        " from elsewhere · E00000000B ·",
        " corrections disagree",
    ],
}


@pytest.mark.parametrize("one", [True, False])
def test_events_are_rows_with_what_they_rest_on_below_them(one: bool) -> None:
    table = timeline_table(EVENTS, NAMES, SOURCES, {"P000000001": "Tencent"}, VIEWER, one=one)
    lines = squeezed(printed(table, 76))

    assert [line for line in lines if line.strip(" ─")] == TIMELINES[one]


def test_what_the_order_of_events_leaves_open_is_said() -> None:
    assert list(order_notes([], [])) == ["There is no event; `event CASE --edit` enters one."]
    assert list(order_notes(EVENTS[:1], [])) == ["1 event, 0 with no date."]
    assert list(order_notes(EVENTS, EVENTS)) == [
        "4 events, 2 with no date.",
        "?: 1 may have been before what stands above.",
    ]
