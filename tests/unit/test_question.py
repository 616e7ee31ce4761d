"""Optional questions: form values become an answer or a named error, and answers are shown in
words.
"""

from typing import Any

import pytest

from dropbox.campaign import Campaign
from dropbox.errors import AnswerTooLong, BadAnswer, YearMissing
from dropbox.question import KINDS, LINES, Question


@pytest.fixture(scope="session")
def questions(campaign: Campaign) -> dict[str, Question]:
    return {question.code: question for question in campaign.questions}


EMPTY_LINE = ["", "", "", "", ""]


@pytest.mark.parametrize(
    ("code", "sent", "answer"),
    [
        ("lives_now", [], None),
        ("lives_now", [""], None),
        ("lives_now", ["reg.us_ca"], "reg.us_ca"),
        ("actors", [], None),
        (
            "actors",
            ["actor.police", "actor.tencent", "actor.police"],
            ["actor.tencent", "actor.police"],
        ),
        ("period_from", ["", ""], None),
        ("period_from", ["2019", ""], "2019"),
        ("period_from", ["2019", "07"], "2019-07"),
        ("account_opened", ["2012"], "2012"),
        ("c4.trades", EMPTY_LINE * LINES, None),
        (
            "c4.trades",
            [
                "tk.tcehy",
                "buy",
                "２０２１－０３",
                " 100　",
                "88.5 USD",
                *EMPTY_LINE,
                "",
                "sell",
                "",
                "",
                "",
            ],
            [
                {
                    "ticker": "tk.tcehy",
                    "side": "buy",
                    "month": "2021-03",
                    "shares": "100",
                    "price": "88.5 USD",
                },
                {"side": "sell"},
            ],
        ),
    ],
)
def test_what_a_form_sends_becomes_an_answer(
    code: str, sent: list[str], answer: Any, questions: dict[str, Question]
) -> None:
    assert questions[code].read(sent) == answer


@pytest.mark.parametrize(
    ("code", "sent", "answer"),
    [
        ("lives_now", ["reg.us_ca", "reg.cn"], "reg.us_ca"),
        ("account_opened", ["2012", "2013"], "2012"),
        ("period_from", ["2019", "07", "08"], "2019-07"),
        ("c4.trades", ["", "", "", "9" * 24, ""], [{"shares": "9" * 24}]),
    ],
)
def test_of_more_values_than_a_question_has_the_first_one_counts(
    code: str, sent: list[str], answer: Any, questions: dict[str, Question]
) -> None:
    assert questions[code].read(sent) == answer
    assert Question("q", {}, {}, "short").read(["first", "second"]) == "first"


def test_all_choices_may_be_ticked(questions: dict[str, Question]) -> None:
    codes = [choice.code for choice in questions["actors"].choices]

    assert questions["actors"].read(codes[::-1]) == codes


def test_a_year_has_twelve_months(questions: dict[str, Question]) -> None:
    for month in ("01", "02", "09", "10", "11", "12"):
        assert questions["period_from"].read(["2019", month]) == f"2019-{month}"
    for month in ("00", "13", "1", "012"):
        with pytest.raises(BadAnswer):
            questions["period_from"].read(["2019", month])


@pytest.mark.parametrize(
    ("code", "sent", "error"),
    [
        ("lives_now", ["reg.mars"], BadAnswer),
        ("actors", ["actor.police", "x"], BadAnswer),
        ("period_from", ["", "07"], YearMissing),
        ("period_from", ["2019", "13"], BadAnswer),
        ("period_from", ["19", ""], BadAnswer),
        ("account_opened", ["２０１９"], BadAnswer),
        ("c4.trades", ["tk.none", *EMPTY_LINE[1:]], BadAnswer),
        ("c4.trades", ["", "", "", "9" * 25, ""], AnswerTooLong),
        ("c4.trades", ["", "", "\ud800", "", ""], BadAnswer),
        ("c4.trades", ["", "", "a\x00b", "", ""], BadAnswer),
        ("c4.trades", EMPTY_LINE * LINES + [""], BadAnswer),
    ],
)
def test_what_is_no_answer_is_refused(
    code: str, sent: list[str], error: type[BadAnswer], questions: dict[str, Question]
) -> None:
    with pytest.raises(error):
        questions[code].read(sent)


def test_an_answer_is_said_in_words(questions: dict[str, Question]) -> None:
    assert questions["lives_now"].shown("reg.us_ca", "zh-Hant") == "美國加州"
    assert (
        questions["actors"].shown(["actor.tencent", "actor.police"], "en")
        == "Tencent / WeChat, Police (public security)"
    )
    assert questions["c4.trades"].shown(
        [{"side": "buy", "shares": "5"}, {"ticker": "tk.fund"}], "en"
    ) == ("Side bought, Number 5; Share Through a fund or ETF")


@pytest.mark.parametrize("answer", ["reg.mars", 7, None, ["x", {}], {"a": 1}])
def test_an_answer_of_another_version_is_said_as_it_is(
    answer: Any, questions: dict[str, Question]
) -> None:
    for question in questions.values():
        assert question.shown(answer, "en")


def test_every_question_says_why_and_none_asks_for_a_person(questions: dict[str, Question]) -> None:
    assert len(questions) == 21
    for question in questions.values():
        for language in ("zh-Hans", "zh-Hant", "en"):
            assert question.why[language] and question.in_(language)
    assert not {"name", "phone", "email", "address", "wechat_id", "birth_date"} & set(questions)


def test_a_form_sends_so_many_values_for_each_kind_of_question() -> None:
    column = Question("c", {}, {}, "short")

    def cells(kind: str) -> int:
        return Question("q", {}, {}, kind, (), (column, column) if kind == "lines" else ()).cells

    assert {kind: cells(kind) for kind in KINDS} == {
        "one": 1,
        "many": 0,
        "month": 2,
        "year": 1,
        "short": 1,
        "lines": 2 * LINES,
    }
