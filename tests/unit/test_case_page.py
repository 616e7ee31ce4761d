"""The inbox and the case page: what a codename opens, and what is refused there."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from support.front import ONION, Front
from support.report_form import TEXT, answered, problems, report_page, send

from dropbox.codename import CHEAPEST, WordLists, derive_keys
from dropbox.errors import CannotStore, CasedropError, VaultUnavailable
from dropbox.front.answer_pages import weeks
from dropbox.front.intake import ReceivedReply
from dropbox.front.uploads import Busy
from dropbox.reply import Reply, reply_tag, seal_reply
from scripts.rehearsal.claimant import Browser, File, Page

# Eleven files where a report can have ten.
TOO_MANY = [File(f"{number}.txt", "", b"x") for number in range(11)]


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as browser:
        yield browser


@pytest.fixture
def codename(browser: Browser) -> str:
    """The codename of a report that was filed."""
    page = report_page(browser)
    assert send(browser, page).status == 200
    return page.codename()


@pytest.fixture
def case(browser: Browser, codename: str) -> Page:
    """The page that it opens."""
    return browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})


def shown(page: Page) -> list[str]:
    """The answers on *page* in their order."""
    return [tag.get_text() for tag in page.html.select(".answer")]


def put(
    front: Front, words: WordLists, codename: str, place: tuple[int, int], day: date, text: str
) -> None:
    """Put a reply for *codename* into the vault, at *place*: a desk and a number."""
    keys = derive_keys(words.read_codename(codename), salt=front.settings.salt, cost=CHEAPEST)
    tag = reply_tag(keys.tag_key, desk=place[0], number=place[1])
    front.vault.sealed[tag] = seal_reply(Reply("answer", "zh-Hans", day, text), keys.reply_public)


# --- The inbox ---


def test_an_inbox_form_that_broke_off_after_the_codename_opens_nothing(
    front: Front, browser: Browser, codename: str
) -> None:
    form = browser.get("/zh-hans/inbox").form()
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (name.encode(), value.encode())
        for name, value in (
            ("token", form.value("token")), ("codename", codename), ("end", "1"),
        )
    )  # fmt: skip
    with httpx.Client(
        base_url=f"http://{ONION}", transport=httpx.WSGITransport(app=front.app.wsgi_app)
    ) as client:
        kind = {"Content-Type": "multipart/form-data; boundary=B"}
        # The delimiter before the button is the last that arrives.
        broken, whole = (
            client.post("/zh-hans/inbox", content=body + end, headers=kind)
            for end in (b"--B\r\n", b"--B--\r\n")
        )

    page = Page("", broken.status_code, broken.headers, broken.content)
    assert page.status == 400 and "连接中断" in problems(page)
    assert page.form().value("codename") == codename
    assert whole.status_code == 200 and front.vault.asked.count("replies") == 1


def test_an_inbox_that_is_sent_again_leads_to_another_message(
    front: Front, browser: Browser, codename: str
) -> None:
    """Even with the same words: it may be days later, after Back."""
    inbox = browser.get("/en/inbox")
    pages = [browser.send(inbox.form(), {"codename": codename}) for _ in range(2)]
    for page in pages:
        assert "has been sent" in browser.send(page.form(), {"text": "again"}).text

    assert [report.text for report in front.reports()] == [TEXT, "again", "again"]


def test_a_file_sent_to_the_inbox_is_not_taken(
    front: Front, browser: Browser, codename: str
) -> None:
    page = browser.get("/zh-hans/inbox")
    again = browser.send(page.form(), {"codename": codename}, files=[File("a.txt", "", b"a")])

    assert again.status == 400 and front.vault.pending == {}
    assert "put" not in front.vault.asked and "replies" not in front.vault.asked


# --- The answers ---


def test_answers_are_shown_by_their_day_whatever_desk_wrote_them(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    """The index of a desk's tags says nothing about when it wrote."""
    for place, day, text in (
        ((0, 0), date(2026, 12, 15), "third"),
        ((0, 1), date(2026, 12, 15), "fourth"),
        ((1, 0), date(2026, 11, 30), "first"),
        ((2, 0), date(2026, 12, 7), "second"),
    ):
        put(front, words, codename, place, day, text)
    page = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})

    assert shown(page) == ["fourth", "third", "second", "first"]


def test_an_answer_that_cannot_be_opened_hides_none_of_the_others(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    answered(front, words, codename, "第一条", "第二条", "第三条")
    tags = list(front.vault.sealed)
    for damaged in tags[:2]:
        sealed = front.vault.sealed[damaged]
        front.vault.sealed[damaged] = sealed[:-1] + bytes([sealed[-1] ^ 1])
    page = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})

    assert page.status == 200 and shown(page) == ["第三条"]


@pytest.mark.parametrize("first", ["3", "4", "9999", "x"])
def test_a_page_of_answers_that_does_not_exist_is_the_first(
    front: Front, words: WordLists, browser: Browser, codename: str, case: Page, first: str
) -> None:
    answered(front, words, codename, "第一条", "第二条", "第三条")
    page = browser.send(case.form(), {}, button=("act", f"older-{first}"))

    assert shown(page) == ["第三条", "第二条", "第一条"]


def received(*days: date) -> list[ReceivedReply]:
    return [
        ReceivedReply(index, Reply("answer", "en", day, "text")) for index, day in enumerate(days)
    ]


def test_answers_are_under_the_monday_of_their_week() -> None:
    monday = date(2026, 11, 30)
    days = [date(2026, 12, 7), date(2026, 12, 6), monday, date(2026, 11, 29)]
    grouped = weeks(received(*days))

    assert [(first, [one.reply.day for one in week]) for first, week in grouped] == [
        (days[0], days[:1]),
        (monday, days[1:3]),
        (date(2026, 11, 23), days[3:]),
    ]


# --- Sending, deleting and withdrawing ---


def test_a_follow_up_with_more_files_than_it_can_have_is_not_sent(
    front: Front, browser: Browser, case: Page
) -> None:
    again = browser.send(case.form(), {"text": "补充"}, files=TOO_MANY)

    assert again.status == 413 and "最多可带 10 个文件" in problems(again)
    assert again.form().value("text") == "补充" and len(again.html.select(".files bdi")) == 10
    assert [report.kind for report in front.reports()] == ["report"]


@pytest.mark.slow
def test_what_is_wrong_with_a_file_leads_to_the_files_and_the_rest_to_nothing(
    browser: Browser, case: Page
) -> None:
    large, long = File("大.mov", "", b"x" * (2**20 + 1)), File("x" * 2_000, "", b"x")
    of_one = browser.send(case.form(), {"text": "补充"}, files=[large, long])
    of_all = browser.send(case.form(), {"text": "补充"}, files=TOO_MANY)

    links = [link["href"] for link in of_one.html.select(".problems a")]
    assert links == ["#files"] * 3 and of_one.html.find(id="files")
    # What is wrong with the whole is first; the last sentence names the files that are missing.
    linked = [bool(line.select("a")) for line in of_all.html.select(".problems li")]
    assert linked == [False, True]


@pytest.mark.parametrize("act", ["withdraw", "delete", "erase"])
def test_a_damaged_form_deletes_and_withdraws_nothing(
    front: Front, words: WordLists, browser: Browser, codename: str, act: str
) -> None:
    answered(front, words, codename, "第一条")
    case = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})
    (delete,) = [str(button["value"]) for button in case.html.select(".reply button")]
    button = ("act", act if act == "withdraw" else delete.replace("delete", act))
    refused = browser.send(case.form(), {}, files=TOO_MANY, button=button)

    assert refused.status == 413 and problems(refused)
    assert [report.kind for report in front.reports()] == ["report"]
    assert len(front.vault.sealed) == 1


@pytest.mark.slow
def test_files_of_two_posts_are_no_more_than_a_report_can_have(
    front: Front, browser: Browser
) -> None:
    page = report_page(browser)
    page = send(browser, page, TOO_MANY[:6], act="files")
    assert page.status == 200 and len(page.html.select(".files bdi")) == 6
    again = send(browser, page, TOO_MANY[5:])
    assert again.status == 413 and "最多可带 10 个文件" in problems(again)
    assert send(browser, again, act="without").status == 200

    (report,) = front.reports()
    names = [f"{number}.txt" for number in (*range(6), *range(5, 9))]
    assert [file.name for file in report.attachments] == names
    assert front.vault.pending == {}


def test_a_report_that_is_to_go_as_it_is_is_not_questioned(front: Front, browser: Browser) -> None:
    text = TEXT + "电话 13800138000"
    send(browser, report_page(browser), text=text, act="as-is")

    assert [report.text for report in front.reports()] == [text]


def test_a_follow_up_that_is_to_go_as_it_is_is_not_questioned(
    front: Front, browser: Browser, case: Page
) -> None:
    browser.send(case.form(), {"text": "电话 13800138000"}, button=("act", "as-is"))

    assert sorted(report.kind for report in front.reports()) == ["message", "report"]


def test_what_cannot_be_sealed_is_not_withdrawn(
    front: Front, browser: Browser, case: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reviewers could not be told: gpg is looked up at each sealing, and is not found here."""
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        refused = browser.send(case.form(), {"text": "留着"}, button=("act", "withdraw"))
    assert refused.status == 503 and "现在无法全部撤回" in problems(refused)
    assert refused.form().value("text") == "留着"
    assert [report.kind for report in front.reports()] == ["report"]
    done = browser.send(refused.form(), {}, button=("act", "withdraw"))

    assert done.status == 200 and [report.kind for report in front.reports()] == ["withdrawal"]


@pytest.mark.parametrize("failure", [VaultUnavailable(), CannotStore()])
def test_an_answer_that_cannot_be_deleted_stays_and_the_page_says_so(
    front: Front, words: WordLists, browser: Browser, codename: str, failure: CasedropError
) -> None:
    answered(front, words, codename, "第一条")
    case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
    (button,) = case.html.select(".reply button")
    delete = str(button["value"]).replace("delete", "erase")
    front.vault.fail_at("forget_replies", failure)
    refused = browser.send(case.form(), {"text": "留着"}, button=("act", delete))
    assert refused.status == 503 and "could not be deleted" in problems(refused)
    assert shown(refused) == ["第一条"] and refused.form().value("text") == "留着"
    done = browser.send(refused.form(), {}, button=("act", delete))

    assert done.status == 200 and shown(done) == [] and front.vault.sealed == {}


@pytest.mark.parametrize("failure", [VaultUnavailable(), CannotStore()])
def test_answers_that_cannot_be_looked_up_are_said_to_be_and_the_text_stays(
    front: Front, browser: Browser, case: Page, failure: CasedropError
) -> None:
    front.vault.fail_at("replies", failure)
    page = browser.send(case.form(), {"text": "写到一半"}, button=("act", "files"))

    assert page.status == 503 and "现在无法查找回复" in problems(page)
    assert page.form().value("text") == "写到一半"
    # Nobody knows whether there is one.
    assert "还没有回复" not in page.text


def test_where_no_answer_can_be_looked_up_none_is_deleted(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    answered(front, words, codename, "第一条")
    front.vault.fail_at("replies", VaultUnavailable())
    front.vault.asked.clear()
    page = read_and_delete(browser, codename)

    assert page.status == 503 and "现在无法查找回复" in problems(page)
    assert front.vault.asked == ["replies"] and len(front.vault.sealed) == 1


def read_and_delete(browser: Browser, codename: str, prefix: str = "zh-hans") -> Page:
    """Open the inbox with the button that deletes what it shows."""
    inbox = browser.get(f"/{prefix}/inbox")
    return browser.send(inbox.form(), {"codename": codename}, button=("act", "read-delete"))


def test_answers_are_read_and_deleted_with_one_press(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    answered(front, words, codename, "第一条", "第二条")
    answered(front, words, report_page(browser).codename(), "别人的")
    page = read_and_delete(browser, codename)
    assert shown(page) == ["第二条", "第一条"] and "已从服务器删除" in page.text
    assert not page.html.select(".reply button") and len(front.vault.sealed) == 1
    again = read_and_delete(browser, codename)

    assert shown(again) == [] and "已从服务器删除" not in again.text
    assert "还没有回复" in again.text


def test_what_does_not_fit_on_the_page_is_not_deleted(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    texts = [f"{number}" + "长" * 1_000 for number in range(8)]
    answered(front, words, codename, *texts)
    page, read = read_and_delete(browser, codename), list[str]()
    assert len(front.vault.sealed) == 8 - len(shown(page)) > 0
    read += shown(page)
    rest = browser.send(page.form(), {}, button=("act", "older-0"))
    assert shown(rest) == texts[::-1][len(read) :][: len(shown(rest))]

    assert rest.html.select(".reply button")


@pytest.mark.parametrize("failure", [VaultUnavailable(), CannotStore(), Busy()])
def test_what_could_not_be_deleted_is_said_to_be_there(
    front: Front, words: WordLists, browser: Browser, codename: str, failure: CasedropError
) -> None:
    answered(front, words, codename, "第一条")
    front.vault.fail_at("forget_replies", failure)
    page = read_and_delete(browser, codename, "en")

    assert page.status == 503 and "could not be deleted" in problems(page)
    assert shown(page) == ["第一条"] and "has been deleted" not in page.text
    assert page.html.select('.reply button[value^="delete-"]') and len(front.vault.sealed) == 1


def test_reading_and_deleting_an_unused_codename_asks_as_much_of_the_vault(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    asked = []
    for answers in ((), ("第一条",)):
        answered(front, words, codename, *answers)
        front.vault.asked.clear()
        read_and_delete(browser, codename)
        asked.append(list(front.vault.asked))

    assert asked[0] == asked[1] == ["replies", "forget_replies"]


def test_a_codename_typed_wrong_deletes_nothing(
    front: Front, words: WordLists, browser: Browser, codename: str
) -> None:
    answered(front, words, codename, "第一条")
    page = read_and_delete(browser, codename + " x")

    assert page.status == 400 and len(front.vault.sealed) == 1
