"""Pages that come again when no key opens them any more: what may be stored is not sent twice."""

from collections.abc import Iterator

import pytest
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.front.shared_keys import OVERLAP_SECONDS
from scripts.rehearsal.claimant import Browser, Page

LATER = 86_400 + OVERLAP_SECONDS + 1
SENT_BEFORE = {
    "zh-hans": ("如果您看到过“您的报告已提交”", "查询码不变"),
    "zh-hant": ("如果您看到過「您的報告已提交」", "查詢碼不變"),
    "en": ("If you saw “Your report has been sent”", "keep your old words"),
}


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def asked(page: Page) -> str:
    return " ".join(tag.get_text(" ", strip=True) for tag in page.html.select(".problems"))


def keys_lost(front: Front) -> None:
    """As after the machine was off: no page of before can be opened."""
    front.now += LATER


@pytest.mark.parametrize("prefix", SENT_BEFORE)
@pytest.mark.parametrize("act", ["send", "as-is", "without", "language", "files", "codename"])
@pytest.mark.slow
def test_reloading_after_the_keys_are_lost_does_not_say_that_nothing_was_sent(
    front: Front, browser: Browser, prefix: str, act: str
) -> None:
    page = report_page(browser, prefix)
    done = send(browser, page)
    assert done.codename() == page.codename() and len(front.reports()) == 1
    keys_lost(front)
    again = send(browser, page, act=act)

    assert again.status == 400 and again.form().value("text") == TEXT
    assert all(words in asked(again) for words in SENT_BEFORE[prefix])
    for words in ("尚未提交", "Not sent yet"):
        assert words not in again.text
    assert len(front.reports()) == 1


@pytest.mark.slow
def test_it_is_sent_again_only_by_who_says_not_to_have_seen_it(
    front: Front, browser: Browser
) -> None:
    page = report_page(browser)
    send(browser, page)
    keys_lost(front)
    again = send(browser, page)
    for _ in range(2):
        again = send(browser, again)
        assert again.status == 200 and SENT_BEFORE["zh-hans"][0] in asked(again)
    assert len(front.reports()) == 1
    kept = browser.send(again.form(), {}, button=("act", "language"))
    assert SENT_BEFORE["zh-hans"][0] in asked(send(browser, kept))
    sent = send(browser, again, act="unsent")

    assert sent.status == 200 and sent.codename() == again.codename() != page.codename()
    assert len(front.reports()) == 2


def test_who_never_sent_it_sends_it_with_one_press_more(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    keys_lost(front)
    again = send(browser, page, text=TEXT + "\r\n13800138000")
    question = send(browser, again, text=TEXT + "\r\n13800138000", act="unsent")
    assert "电话号码" in asked(question) and SENT_BEFORE["zh-hans"][0] not in asked(question)
    send(browser, question, text=TEXT + "\r\n13800138000", act="as-is")

    assert len(front.reports()) == 1


@pytest.mark.parametrize(("stale", "waits"), [(True, False), (False, False), (False, True)])
def test_an_addition_that_may_be_stored_is_not_sent_twice(
    front: Front, browser: Browser, stale: bool, waits: bool
) -> None:
    codename = report_page(browser).codename()
    case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
    browser.send(case.form(), {"text": TEXT})
    assert len(front.reports()) == 1
    front.now += front.settings.token_minutes * 60 + 1 if stale else LATER
    inbox = browser.send(case.form(), {"text": TEXT})
    assert inbox.status == 400 and "do not send it again" in inbox.text
    if waits:
        # Until the page that asks for the codename is open for too long itself.
        front.now += front.settings.token_minutes * 60 + 1
        inbox = browser.send(inbox.form(), {"codename": codename})
        assert inbox.status == 400
    opened = browser.send(inbox.form(), {"codename": codename})
    question = browser.send(opened.form(), {})
    assert "do not send it again" in asked(question) and len(front.reports()) == 1
    sent = browser.send(question.form(), {}, button=("act", "unsent"))

    assert "Your addition has been sent" in sent.text and len(front.reports()) == 2


def test_an_inbox_without_a_text_sent_nothing_before(front: Front, browser: Browser) -> None:
    codename = report_page(browser).codename()
    inbox = browser.get("/en/inbox")
    keys_lost(front)
    again = browser.send(inbox.form(), {"codename": codename})
    assert again.status == 400 and "do not send it again" not in again.text
    case = browser.send(again.form(), {"codename": codename})

    assert "Your addition has been sent" in browser.send(case.form(), {"text": TEXT}).text


def test_the_control_an_ordinary_addition_is_not_questioned(front: Front, browser: Browser) -> None:
    codename = report_page(browser).codename()
    case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
    for number in range(2):
        case = browser.send(case.form(), {"text": f"{TEXT} {number}"})
        assert not problems(case) and "do not send it again" not in case.text

    assert len(front.reports()) == 2
