"""The optional parts of the report page: its questions, and the question about personal data."""

from typing import Any, cast

import pytest
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.campaign import Campaign
from dropbox.label import LANGUAGES
from scripts.rehearsal.claimant import File, Form, Page

EMPTY = [""] * 10
TRADES = ["tk.tcehy", "buy", "2021-03", "100", "88.5 USD", *EMPTY]
NUMBER = TEXT + "\r\n电话 13800138000"


def fold_of(page: Page, name: str) -> bool:
    """Whether the group of questions with the field *name* is open."""
    field = page.html.find(None, {"name": name})
    assert field is not None
    details = field.find_parent("details")
    return details is not None and details.has_attr("open")


def test_optional_answers_arrive_in_the_report(front: Front) -> None:
    answers: dict[str, Any] = {
        "f.lives_now": "reg.us_ca",
        "f.period_from": ["2024", "03"],
        "f.period_to": ["2025", ""],
        "f.actors": ["actor.tencent", "actor.police"],
        "f.c1.records_cited": "yes",
        "f.c4.trades": TRADES,
    }
    with front.browser() as browser:
        assert send(browser, report_page(browser), **answers).status == 200

    (report,) = front.reports()
    assert report.facts == {
        "lives_now": "reg.us_ca",
        "period_from": "2024-03",
        "period_to": "2025",
        "actors": ["actor.tencent", "actor.police"],
        "c1.records_cited": "yes",
        "c4.trades": [
            {
                "ticker": "tk.tcehy",
                "side": "buy",
                "month": "2021-03",
                "shares": "100",
                "price": "88.5 USD",
            }
        ],
    }


def test_what_nobody_answered_stands_in_no_report(front: Front) -> None:
    with front.browser() as browser:
        send(browser, report_page(browser))

    (report,) = front.reports()
    assert report.facts == {}


@pytest.mark.parametrize("prefix", [language.lower() for language in LANGUAGES])
def test_every_question_is_on_the_page_with_nothing_said_as_its_default(
    front: Front, campaign: Campaign, prefix: str
) -> None:
    with front.browser() as browser:
        page = report_page(browser, prefix)

    language = next(language for language in LANGUAGES if language.lower() == prefix)
    for question in campaign.questions:
        fields = page.html.find_all(None, {"name": f"f.{question.code}"})
        assert fields, question.code
        assert not any(field.has_attr("checked") for field in fields)
        assert not page.html.select(f'[name="f.{question.code}"] [selected]')
        assert question.in_(language) in page.text and question.why[language] in page.text
    assert not page.html.find_all("details", open=True)


@pytest.mark.parametrize(
    ("name", "sent", "sentence"),
    [
        ("f.lives_now", ["reg.mars"], "“您现在住在哪里？”：这个回答不在列表里"),
        ("f.period_from", ["", "03"], "“从什么时候开始”：请把年份也选上"),
        ("f.c4.trades", ["", "", "x" * 25, *[""] * 12], "“买卖记录”：有一处太长"),
    ],
)
def test_a_wrong_answer_is_named_and_everything_is_kept(
    front: Front, name: str, sent: list[str], sentence: str
) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        files = [File("a.txt", "", b"a")]
        again = send(
            browser,
            page,
            files,
            **cast("Any", {"f.actors": ["actor.court"], "f.province": "prov.XJ", name: sent}),
        )
        assert again.status == 400 and sentence in problems(again)
        assert again.form().value("text") == TEXT and "a.txt" in again.text
        assert again.html.select_one(f'.problems a[href="#{name}"]') and again.html.find(id=name)
        assert ("f.actors", "actor.court") in again.form().fields and again.form().value(
            "f.province"
        ) == "prov.XJ"
        assert fold_of(again, "f.actors") and not fold_of(again, "f.danger_now")
        corrected: dict[str, Any] = {name: [""] * len(sent)}
        assert send(browser, again, **corrected).status == 200

    (report,) = front.reports()
    assert report.facts == {"actors": ["actor.court"], "province": "prov.XJ"}


def test_switching_the_language_keeps_the_optional_answers(front: Front) -> None:
    with front.browser() as browser:
        form = report_page(browser).form()
        form.action = "/zh-hant/report"
        values = {
            "f.lives_now": "reg.tw",
            "f.evidence_kinds": ["ev.none"],
            "f.c4.trades": TRADES,
            "f.period_to": ["2020", "01"],
        }
        page = browser.send(form, values, button=("act", "language"))

    shown = page.form()
    assert (
        shown.value("f.lives_now") == "reg.tw" and ("f.evidence_kinds", "ev.none") in shown.fields
    )
    assert [value for name, value in shown.fields if name == "f.c4.trades"] == TRADES
    assert [value for name, value in shown.fields if name == "f.period_to"] == ["2020", "01"]


@pytest.mark.parametrize("act", ["as-is", "send"])
def test_a_number_in_the_text_is_asked_about_once(front: Front, act: str) -> None:
    """After the first time, "send" is not questioned again, whether the text was changed or not."""
    with front.browser() as browser:
        page = report_page(browser)
        asked = send(
            browser, page, [File("a.txt", "", b"a")], text=NUMBER, **{"f.lives_now": "reg.cn"}
        )
        assert (
            asked.status == 200
            and "电话号码" in asked.text
            and "照原样发送" in asked.text
            and "我来修改" in asked.text
        )
        assert "13800138000" not in asked.text.replace(NUMBER.replace("\r\n", " "), "")
        assert front.vault.final == {}
        assert (
            asked.form().value("text") == NUMBER
            and asked.codename() == page.codename()
            and "a.txt" in asked.text
        )
        assert send(browser, asked, text=NUMBER, act=act).status == 200

    (report,) = front.reports()
    assert (
        report.text == NUMBER
        and report.facts == {"lives_now": "reg.cn"}
        and len(report.attachments) == 1
    )


def test_a_number_in_a_follow_up_is_asked_about_too(front: Front) -> None:
    with front.browser() as browser:
        codename = report_page(browser).codename()
        case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
        asked = browser.send(case.form(), {"text": "write to me@example.org"})
        assert "an e-mail address" in asked.text and front.vault.final == {}
        sent = browser.send(asked.form(), {}, button=("act", "as-is"))

    assert "Your addition has been sent" in sent.text
    assert [report.text for report in front.reports()] == ["write to me@example.org"]


@pytest.mark.slow
def test_the_page_for_leaving_promises_no_more_than_is_true(front: Front) -> None:
    with front.browser() as browser:
        for prefix in ("zh-hans", "zh-hant", "en"):
            page = report_page(browser, prefix)
            form = page.html.select_one("nav form.leave")
            assert form is not None
            left = browser.send(Form(str(form["action"]), []), {})
            assert left.status == 200 and not left.html.find("form")
            link = left.html.select_one("nav a.leave")
            assert link is not None and link["rel"] == ["noreferrer"]
    assert "is only cleared by “New Identity”" in left.text
