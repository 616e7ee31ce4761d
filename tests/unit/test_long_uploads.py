"""Uploads that take longer than a page is good for."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.front.vault_client import SealedBlock
from scripts.rehearsal.claimant import Browser, File, Form

FILE = File("录像.mp4", "video/mp4", b"film" * 50_000)
HOUR = 3_600


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def while_a_file_arrives(
    front: Front, monkeypatch: pytest.MonkeyPatch, does: Callable[[], object]
) -> None:
    """Have *does* happen once, while the next file is on its way."""
    put, left = front.vault.put, [does]

    def slow(blocks: Sequence[SealedBlock]) -> None:
        put(blocks)
        if left:
            left.pop()()

    monkeypatch.setattr(front.vault, "put", slow)


@pytest.mark.parametrize("hours", [3, 30])
def test_a_page_is_judged_by_when_its_files_began_to_arrive(
    front: Front, browser: Browser, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    page = report_page(browser)
    front.now += front.settings.token_minutes * 60 - 1

    def late() -> None:
        front.now += hours * HOUR

    while_a_file_arrives(front, monkeypatch, late)
    added = send(browser, page, [FILE], act="files")
    assert added.status == 200 and added.codename() == page.codename()
    done = send(browser, added)

    assert done.status == 200 and done.codename() == page.codename()
    (report,) = front.reports()
    assert front.file(report.attachments[0]) == FILE.content


def test_an_addition_is_filed_however_long_its_file_took(
    front: Front, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    codename = send(browser, report_page(browser)).codename()
    inbox = browser.get("/zh-hans/inbox")
    case = browser.send(inbox.form(), {"codename": codename})

    def late() -> None:
        front.now += 3 * HOUR

    while_a_file_arrives(front, monkeypatch, late)
    done = browser.send(case.form(), {"text": "补充"}, files=[FILE])

    assert done.status == 200 and "补充内容已提交" in done.text and len(front.reports()) == 2


def test_a_page_that_is_left_while_its_file_arrives_is_left(
    front: Front, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = report_page(browser)
    leaving = page.html.select_one("form.leave button")
    assert leaving is not None

    def leave() -> None:
        browser.send(Form("/zh-hans/leave", []), {"leaving": str(leaving["value"])})

    while_a_file_arrives(front, monkeypatch, leave)
    again = send(browser, page, [FILE])

    assert again.status == 400 and "您已经离开过" in problems(again)
    assert again.codename() != page.codename() and again.form().value("text") == TEXT
    assert front.reports() == []
