"""Dates of facts: what people type, the days that it can mean, and the order that follows."""

import itertools
import json
from datetime import date
from pathlib import Path

import pytest

from dropbox.label import LANGUAGES
from scripts.desk.facts.dates import UNKNOWN, BadDate, Certainty, parse, read

EDGES = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("typed", "written", "certainty", "first", "last"),
    [
        ("2019-03-15", "2019-03-15", "day", "2019-03-15", "2019-03-15"),
        ("２０１９年３月５日", "2019-03-05", "day", "2019-03-05", "2019-03-05"),
        ("2019/3/5", "2019-03-05", "day", "2019-03-05", "2019-03-05"),
        ("2019年3月", "2019-03", "month", "2019-03-01", "2019-03-31"),
        ("2020.2", "2020-02", "month", "2020-02-01", "2020-02-29"),
        ("2019", "2019", "year", "2019-01-01", "2019-12-31"),
        ("About 2019-03", "~2019-03", "about", "2019-01-29", "2019-05-01"),
        ("约2019年3月", "~2019-03", "about", "2019-01-29", "2019-05-01"),
        ("2019年3月前后", "~2019-03", "about", "2019-01-29", "2019-05-01"),
        ("2019-03..2019-05", "2019-03..2019-05", "between", "2019-03-01", "2019-05-31"),
        ("2019年3月至2019年5月", "2019-03..2019-05", "between", "2019-03-01", "2019-05-31"),
        ("between 2019 and 2020-02", "2019..2020-02", "between", "2019-01-01", "2020-02-29"),
        ("before 2019", "<2019", "before", None, "2018-12-31"),
        ("2019年以前", "<2019", "before", None, "2018-12-31"),
        (">2019-03-15", ">2019-03-15", "after", "2019-03-16", None),
        ("1969-12-31", "1969-12-31", "day", "1969-12-31", "1969-12-31"),
        ("unknown", "", "unknown", None, None),
        ("不详", "", "unknown", None, None),
    ],
)
def test_what_people_type_has_one_notation_and_the_days_that_it_can_mean(
    typed: str, written: str, certainty: str, first: str | None, last: str | None
) -> None:
    found = parse(typed)

    days = [one and date.fromisoformat(one) for one in (first, last)]
    assert (found.written, found.certainty, [found.first, found.last]) == (written, certainty, days)
    assert read(written) == found


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("农历2019年正月初五", "lunar date is another day in each year"),
        ("2019 腊月", "lunar date is another day in each year"),
        ("民國108年3月15日", "add 1911"),
        ("108年3月", "add 1911"),
        ("ROC 108", "add 1911"),
        ("19-03-15", "with four digits"),
        ("03/15/2019", "with four digits"),
        ("'19", "with four digits"),
        ("before 19年", "with four digits"),
        ("2019-02-30", "There is no 2019-02-30 in the calendar"),
        ("2019-13", "There is no 2019-13 in the calendar"),
        ("2019-00", "There is no 2019-00 in the calendar"),
        ("1899", "The year 1899 cannot be meant here"),
        ("2101-01-01", "The year 2101 cannot be meant here"),
        ("2019-05..2019-03", "first of the two dates is after the second"),
        ("2019..soon", "This is not a date"),
        ("..2019", "This is not a date"),
        ("about", "This is not a date"),
        ("二〇一九年", "This is not a date"),
        ("2019-03-15T10:00", "This is not a date"),
        ("9" * 5_000, "This is not a date"),
    ],
)
def test_what_may_mean_several_days_or_none_is_refused_with_a_sentence(
    typed: str, sentence: str
) -> None:
    with pytest.raises(BadDate) as refusal:
        parse(typed)

    assert sentence in str(refusal.value)


def test_a_kept_date_that_is_none_is_not_known() -> None:
    for value in ("soon", "2019-02-30", "\ud800", "~", "x" * 10_000):
        assert read(value) == UNKNOWN


def test_no_edge_input_is_anything_but_a_date_or_a_sentence() -> None:
    texts = [text for text in _texts(EDGES) if text]
    assert len(texts) > 50
    for text in texts:
        try:
            assert read(parse(text).written) == parse(text)
        except BadDate as why:
            assert text[:200] not in str(why) or len(text) < 12


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return list(itertools.chain.from_iterable(map(_texts, inner)))


def test_dates_are_ordered_by_their_first_day_and_open_ends_stand_at_their_date() -> None:
    ordered = [
        "<1970",
        "1970",
        "<2019-03",
        "2019-03-01",
        "2019-03",
        "~2019-03",
        "2019-03..2019-05",
        "2019-03-02",
        ">2019-03",
        "2019-04",
        "2030",
        "",
    ]
    for permuted in (ordered[::-1], ordered[5:] + ordered[:5]):
        found = sorted(map(read, permuted), key=lambda one: one.order)
        keys = [one.order for one in found]
        assert keys == [read(one).order for one in ordered]


@pytest.mark.parametrize(
    ("above", "below", "unsure"),
    [
        ("2019-03-01", "2019-03-02", False),
        ("2019-03-01", "2019-03-01", False),
        ("2019-03", "2019-03-15", True),
        ("2019-03", "2019-04", False),
        ("2019-03", "2019-03-31..2019-05", False),
        ("2019-03", "2019-03-30..2019-05", True),
        ("~2019-03", "2019-04-20", True),
        ("~2019-03", "2019-06", False),
        ("<2019", "2019-01-01", False),
        ("2018-06-01", "<2019", True),
        (">2019", "2020-05-01", True),
        ("2019", "", False),
        ("", "", False),
    ],
)
def test_an_order_is_unsure_where_the_days_of_two_dates_overlap(
    above: str, below: str, unsure: bool
) -> None:
    assert read(below).may_be_before(read(above)) is unsure


def test_a_date_is_said_in_each_language() -> None:
    found = [[read(one).shown(language) for one in ("<2019", "~2019-03", "2018..2019", "")]
             for language in LANGUAGES]  # fmt: skip

    assert found == [
        ["2019 之前", "约 2019-03", "2018 至 2019", "没有日期"],
        ["2019 之前", "約 2019-03", "2018 至 2019", "沒有日期"],
        ["before 2019", "about 2019-03", "2018 to 2019", "no date"],
    ]
    assert {one.value for one in Certainty} == {
        "day", "month", "year", "about", "between", "before", "after", "unknown"
    }  # fmt: skip


@pytest.mark.parametrize("year", [1900, 2100])
def test_the_first_and_the_last_year_are_years(year: int) -> None:
    assert parse(str(year)).written == str(year)


@pytest.mark.parametrize("year", [1899, 2101])
def test_a_year_before_or_after_them_is_a_sentence(year: int) -> None:
    with pytest.raises(BadDate) as refused:
        parse(str(year))

    assert str(refused.value) == (
        f"The year {year} cannot be meant here: write a year from 1900 to 2100 with four digits."
    )


def test_two_dates_may_be_the_same_and_the_second_not_before_the_first() -> None:
    for typed in ("2019-03..2019-03", "2019-03-01..2019-03", "2019..2019-01-01"):
        assert parse(typed).written == typed
    for typed in ("2019-03-02..2019-03", "2019-04..2019-03"):
        with pytest.raises(BadDate, match="The first of the two dates is after the second"):
            parse(typed)


@pytest.mark.parametrize(("length", "is_read"), [(60, True), (61, False)])
def test_so_many_characters_can_be_a_date(length: int, is_read: bool) -> None:
    typed = "2019".ljust(length)
    if is_read:
        assert parse(typed).written == "2019"
    else:
        with pytest.raises(BadDate):
            parse(typed)


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2019", date(2019, 1, 1), date(2019, 12, 31)),
        ("~2019-03-15", date(2019, 3, 14), date(2019, 3, 16)),
        ("~2019-02", date(2019, 1, 4), date(2019, 3, 28)),
        ("<2019-03", None, date(2019, 2, 28)),
        (">2019-03", date(2019, 4, 1), None),
        ("2019-03..2019-05", date(2019, 3, 1), date(2019, 5, 31)),
    ],
)
def test_a_date_means_these_days(written: str, first: date | None, last: date | None) -> None:
    found = read(written)

    assert (found.written, found.first, found.last) == (written, first, last)
