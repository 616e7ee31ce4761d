"""Files that were chosen or sealed and are not there any more: named until they are sent or given
up.
"""

from collections.abc import Iterator

import pytest
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.codename import WordLists
from dropbox.errors import CannotStore, CasedropError, PendingGone, VaultUnavailable
from dropbox.front.uploads import Busy
from scripts.rehearsal.claimant import Browser, File, Page

PHOTO = File("照片.png", "image/png", b"p" * 70_000)
NOTE = File("note.txt", "text/plain", b"n")


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def asked(page: Page) -> str:
    """The text of the questions before sending."""
    return " ".join(tag.get_text(" ", strip=True) for tag in page.html.select(".problems"))


@pytest.mark.parametrize("failure", [VaultUnavailable(), CannotStore(), Busy()])
@pytest.mark.slow
def test_a_file_that_the_vault_did_not_take_is_named_each_time_before_anything_is_sent(
    front: Front, browser: Browser, failure: CasedropError
) -> None:
    page = report_page(browser)
    front.vault.failure = failure
    refused = send(browser, page, [PHOTO])
    front.vault.failure = None
    assert refused.status == 503 and PHOTO.name in problems(refused)
    for act in ("language", "files", "codename"):
        kept = browser.send(refused.form(), {}, button=("act", act))
        assert PHOTO.name in kept.text
        question = send(browser, kept)
        assert PHOTO.name in asked(question) and front.vault.final == {}
        assert question.html.select_one('button[value="without"]')
        assert PHOTO.name in asked(send(browser, question)), "asked again, not once only"
    sent = send(browser, question, act="without")

    assert sent.codename() == question.codename() != ""
    (report,) = front.reports()
    assert report.text == TEXT and report.attachments == ()


def test_a_file_that_is_added_again_is_missing_no_longer(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    front.vault.failure = VaultUnavailable()
    refused = send(browser, page, [PHOTO, NOTE])
    front.vault.failure = None
    half = send(browser, refused, [PHOTO])
    assert NOTE.name in asked(half) and PHOTO.name not in asked(half)
    sent = send(browser, half, [NOTE])

    assert sent.status == 200
    assert {file.name for file in front.reports()[0].attachments} == {PHOTO.name, NOTE.name}


def test_sealed_files_that_the_vault_lost_are_named(front: Front, browser: Browser) -> None:
    kept = browser.send(
        report_page(browser).form(),
        {"text": TEXT, "category": "c2"},
        files=[PHOTO, NOTE],
        button=("act", "files"),
    )
    front.vault.fail_at("commit", PendingGone())
    refused = send(browser, kept)
    assert refused.status == 409
    assert PHOTO.name in problems(refused) and NOTE.name in problems(refused)
    question = send(browser, refused, [NOTE])
    assert PHOTO.name in asked(question) and NOTE.name not in asked(question)

    assert front.reports() == []


def test_files_of_a_page_that_no_key_opens_any_more_are_named(
    front: Front, browser: Browser
) -> None:
    kept = browser.send(
        report_page(browser).form(),
        {"text": TEXT, "category": "c2"},
        files=[PHOTO],
        button=("act", "files"),
    )
    form = kept.form()
    again = browser.send(form, {"token": "A" * 200}, button=("act", "send"))
    assert PHOTO.name in problems(again) and front.vault.final == {}

    assert PHOTO.name in asked(send(browser, again)) and front.vault.final == {}


@pytest.mark.parametrize(
    ("files", "lost"),
    [
        ([NOTE, File("large.bin", "", b"x" * (2**20 + 1))], ["large.bin"]),
        ([File(f"{one}.txt", "", b"x") for one in range(12)], ["10.txt", "11.txt"]),
        ([File("n" * 901, "", b"x")], ["n" * 60]),
    ],
)
def test_a_file_that_is_refused_is_named_like_one_that_is_lost(
    front: Front, browser: Browser, files: list[File], lost: list[str]
) -> None:
    refused = send(browser, report_page(browser), files)
    assert refused.status in (400, 413)
    question = send(browser, refused)

    assert all(name in problems(refused) and name in asked(question) for name in lost)
    assert front.vault.final == {}


def test_a_file_that_broke_off_is_named_if_its_page_is_sent_to_its_browser_after_all(
    front: Front, browser: Browser
) -> None:
    page = report_page(browser)
    head = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in page.form().fields
    )
    file = '--b\r\nContent-Disposition: form-data; name="files"; filename="half.bin"\r\n\r\nxxxx'
    answer = browser._client.post(
        "/zh-hans/report/send",
        content=(head + file).encode(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    shown = Page("/zh-hans/report/send", answer.status_code, answer.headers, answer.content)

    assert "half.bin" in problems(shown) and "half.bin" in asked(send(browser, shown))


def test_a_file_of_a_follow_up_is_named_too_even_if_the_codename_is_asked_for_in_between(
    front: Front, browser: Browser, words: WordLists
) -> None:
    codename = report_page(browser).codename()
    case = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})
    front.vault.failure = VaultUnavailable()
    refused = browser.send(case.form(), {"text": TEXT}, files=[PHOTO])
    front.vault.failure = None
    assert PHOTO.name in problems(refused)
    front.now += front.settings.token_minutes * 60 + 1
    stale = browser.send(refused.form(), {"text": TEXT})
    opened = browser.send(stale.form(), {"codename": codename})
    question = browser.send(opened.form(), {"text": TEXT}, button=("act", "unsent"))
    assert PHOTO.name in asked(question) and front.vault.final == {}
    sent = browser.send(question.form(), {"text": TEXT}, button=("act", "without"))

    assert not sent.html.select(".problems")
    assert [report.text for report in front.reports()] == [TEXT]
    assert PHOTO.name not in sent.text
