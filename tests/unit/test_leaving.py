"""Pages that are too old or were left: no answer, no codename, and nothing written is lost."""

from collections.abc import Iterator

import pytest
from support.front import Front
from support.report_form import TEXT, answered, problems, report_page, send

from dropbox.codename import WordLists
from dropbox.front.shared_keys import DAY_SECONDS
from scripts.rehearsal.claimant import Browser, File, Form, Page

LANGUAGES = ("zh-hans", "zh-hant", "en")
TOO_LONG = {"zh-hans": "打开的时间太长", "zh-hant": "開啟的時間太久", "en": "open for too long"}
TOO_OLD = {"zh-hans": "页面太旧", "zh-hant": "頁面太舊", "en": "too old"}
LEFT = {"zh-hans": "离开过", "zh-hant": "離開過", "en": "You left this page before"}
ANSWER, DRAFT = "第一条回复", "写到一半的补充"


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as browser:
        yield browser


@pytest.fixture
def codename(front: Front, words: WordLists, browser: Browser) -> str:
    """The codename of a report that was answered."""
    page = report_page(browser)
    send(browser, page)
    answered(front, words, page.codename(), ANSWER)
    return page.codename()


def opened(browser: Browser, codename: str, prefix: str = "zh-hans") -> Page:
    page = browser.send(browser.get(f"/{prefix}/inbox").form(), {"codename": codename})
    assert ANSWER in page.text
    return page


def leave(browser: Browser, page: Page) -> Page:
    """Press the button for leaving."""
    form = page.html.select_one("nav form.leave")
    assert form is not None
    button = form.select_one("button[name=leaving]")
    assert button is not None
    return browser.send(Form(str(form["action"]), []), {"leaving": str(button["value"])})


def shows_nothing(front: Front, page: Page, codename: str) -> bool:
    """Neither an answer nor the codename, in whatever spelling."""
    return ANSWER not in page.text and codename not in page.text and page.codename() == ""


@pytest.mark.parametrize("prefix", LANGUAGES)
@pytest.mark.parametrize("later", [121 * 60, 30 * DAY_SECONDS])
@pytest.mark.slow
def test_a_case_page_older_than_its_time_asks_for_the_codename_and_keeps_the_text_and_new_files(
    front: Front, browser: Browser, codename: str, prefix: str, later: int
) -> None:
    case = opened(browser, codename, prefix)
    asked = front.vault.asked.count("replies")
    front.now += later
    again = browser.send(case.form(), {"text": DRAFT}, files=[File("a.txt", "", b"abc")])

    assert again.status == 400 and shows_nothing(front, again, codename)
    assert (TOO_LONG if later < DAY_SECONDS else TOO_OLD)[prefix] in problems(again)
    assert again.form().value("codename") == "" and again.form().value("text") == DRAFT
    assert front.vault.asked.count("replies") == asked
    back = browser.send(again.form(), {"codename": codename})
    assert back.form().value("text") == DRAFT and back.html.select_one(".files bdi") is not None
    sent = browser.send(back.form(), {}, button=("act", "unsent"))
    assert sent.status == 200
    assert [report.text for report in front.reports()] == [TEXT, DRAFT]
    assert [file.name for file in front.reports()[1].attachments] == ["a.txt"]


def test_files_sealed_before_a_case_page_grew_old_are_kept(
    front: Front, browser: Browser, codename: str
) -> None:
    case = opened(browser, codename)
    case = browser.send(
        case.form(), {"text": DRAFT}, files=[File("a.txt", "", b"abc")], button=("act", "files")
    )
    front.now += 121 * 60
    again = browser.send(case.form(), {})
    assert "文件已保留" in again.text
    wrong = browser.send(again.form(), {"codename": "wrong"})
    back = browser.send(wrong.form(), {"codename": codename})
    browser.send(back.form(), {}, button=("act", "unsent"))

    assert [len(report.attachments) for report in front.reports()] == [0, 1]


@pytest.mark.parametrize(
    "act", ["send", "files", "language", "older-1", "delete-0", "erase-0", "withdraw"]
)
@pytest.mark.slow
def test_no_button_of_an_old_case_page_shows_or_changes_anything(
    front: Front, browser: Browser, codename: str, act: str
) -> None:
    case = opened(browser, codename)
    front.now += 121 * 60
    again = browser.send(case.form(), {}, button=("act", act))

    assert again.status == 400 and shows_nothing(front, again, codename)
    assert len(front.vault.sealed) == 1 and len(front.reports()) == 1


@pytest.mark.parametrize("act", ["send", "language"])
@pytest.mark.parametrize("later", [121 * 60, 3 * DAY_SECONDS])
def test_an_old_inbox_page_does_not_give_back_the_codename_that_it_sent(
    front: Front, browser: Browser, codename: str, act: str, later: int
) -> None:
    page = browser.get("/zh-hans/inbox")
    asked = front.vault.asked.count("replies")
    front.now += later
    again = browser.send(page.form(), {"codename": codename}, button=("act", act))

    assert again.status == 400 and again.form().value("codename") == ""
    assert shows_nothing(front, again, codename)
    assert front.vault.asked.count("replies") == asked


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_a_page_that_was_left_asks_for_the_codename(
    front: Front, browser: Browser, codename: str, prefix: str
) -> None:
    inbox = browser.get(f"/{prefix}/inbox")
    case = browser.send(inbox.form(), {"codename": codename})
    later = browser.send(case.form(), {}, button=("act", "older-0"))
    elsewhere = opened(browser, codename, prefix)
    left = leave(browser, later)
    assert left.status == 200 and "clear-site-data" in left.headers
    assert left.html.select_one("nav a.leave") is not None

    for old in (case, later):
        again = browser.send(old.form(), {"text": DRAFT})
        assert again.status == 400 and LEFT[prefix] in problems(again)
        assert shows_nothing(front, again, codename) and again.form().value("text") == DRAFT
    again = browser.send(inbox.form(), {"codename": codename})
    assert LEFT[prefix] in problems(again) and again.form().value("codename") == ""
    assert ANSWER in browser.send(again.form(), {"codename": codename}).text
    assert ANSWER in browser.send(elsewhere.form(), {}, button=("act", "older-0")).text, "control"


def test_files_of_a_page_that_was_left_are_not_kept(
    front: Front, browser: Browser, codename: str
) -> None:
    case = opened(browser, codename)
    leave(browser, case)
    again = browser.send(case.form(), {}, files=[File("a.txt", "", b"abc")])

    assert again.status == 400 and front.vault.pending == {}
    assert not browser.send(again.form(), {"codename": codename}).html.select(".files bdi")


def test_a_case_that_was_taken_back_is_left(front: Front, browser: Browser, codename: str) -> None:
    case = opened(browser, codename)
    browser.send(case.form(), {}, button=("act", "withdraw"))

    assert LEFT["zh-hans"] in problems(browser.send(case.form(), {}))


@pytest.mark.parametrize("act", ["send", "files", "language", "codename"])
def test_a_report_form_that_was_left_has_a_new_codename_and_says_so(
    front: Front, browser: Browser, act: str
) -> None:
    page = report_page(browser)
    leave(browser, page)
    again = browser.send(page.form(), {"category": "c2", "text": TEXT}, button=("act", act))

    assert again.status == 400 and "您已经离开过" in problems(again)
    assert again.codename() not in ("", page.codename()) and again.form().value("text") == TEXT
    assert send(browser, again, act="unsent").codename() == again.codename()
    assert len(front.reports()) == 1


def test_logging_out_after_a_report_ends_its_form(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    done = send(browser, page)
    leave(browser, done)
    again = send(browser, page)

    assert "您已经离开过" in problems(again) and again.codename() != page.codename()
    assert len(front.reports()) == 1


@pytest.mark.parametrize("value", ["", "A" * 300, "é"])
def test_what_is_not_from_a_button_for_leaving_ends_no_visit(
    front: Front, browser: Browser, codename: str, value: str
) -> None:
    case = opened(browser, codename)
    for sent in (value, case.form().value("token")):
        assert browser.send(Form("/zh-hans/leave", []), {"leaving": sent}).status == 200

    assert browser.send(case.form(), {}, button=("act", "older-0")).status == 200


def test_leaving_sends_neither_text_nor_files_and_the_page_has_the_usual_size(
    front: Front, browser: Browser, codename: str
) -> None:
    case = opened(browser, codename)
    form = case.html.select_one("nav form.leave")
    assert form is not None
    assert [control["name"] for control in form.select("button, input, textarea")] == ["leaving"]
    left = leave(browser, case)
    assert len(left.raw) // 1_000 == len(case.raw) // 1_000
    for prefix in LANGUAGES:
        for page in (browser.get(f"/{prefix}/"), browser.get(f"/{prefix}/leave")):
            assert page.html.select("form") == []


def test_a_restart_in_the_middle_of_a_form_keeps_codename_and_files(
    front: Front, browser: Browser
) -> None:
    """As with the file in memory, from which the new front, or a second one, has the keys."""
    page = report_page(browser)
    kept = browser.send(
        page.form(),
        {"text": TEXT, "category": "c2"},
        files=[File("a.txt", "", b"abc")],
        button=("act", "files"),
    )
    front.restart()
    with front.browser() as other:
        sent = send(other, kept)

    assert sent.status == 200 and sent.codename() == page.codename()
    assert [file.name for file in front.reports()[0].attachments] == ["a.txt"]


@pytest.mark.parametrize(("later", "codename_kept"), [(7_199, True), (7_300, False)])
def test_at_midnight_a_form_goes_on_for_its_two_hours(
    front: Front, browser: Browser, later: int, codename_kept: bool
) -> None:
    front.now -= front.now % DAY_SECONDS + 1
    page = report_page(browser)
    front.now += later
    answer = send(browser, page)

    assert (answer.status == 200) == codename_kept == (answer.codename() == page.codename())
    assert codename_kept or answer.form().value("text") == TEXT


def test_a_report_sent_again_after_a_restart_is_said_to_be_sent_under_the_same_codename(
    front: Front, browser: Browser
) -> None:
    """As when the page that confirms it is reloaded."""
    page = report_page(browser)
    first = send(browser, page)
    front.restart()
    with front.browser() as other:
        again = send(other, page)

    assert (first.status, again.status) == (200, 200)
    assert again.codename() == first.codename() and len(front.reports()) == 1
