"""Buttons that are pressed before their page has arrived whole: nothing is lost, all is padded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.front.uniform_response import FLOOR_PAD_BYTES, MIN_PAD_BYTES
from scripts.rehearsal.claimant import Browser, File, Form, Page

CUT = "还没有全部到达"
PHOTOGRAPHS = Path(__file__).parents[1] / "vectors/photograph"


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def cut(page: Page, at: int) -> Form | None:
    """The form as a browser has it that has received the page's first *at* characters."""
    html = page.raw.decode("utf-8")[:at]
    # A tag that is not closed is no control yet, nor is a text box whose end is missing sent whole.
    return Form.of(html[: html.rindex(">") + 1], page.path)


def case_page(browser: Browser) -> Page:
    """The page that a codename opens, with a text and a file on it."""
    inbox = browser.get("/zh-hans/inbox")
    codename = report_page(browser).codename()
    opened = browser.send(inbox.form(), {"codename": codename})
    return browser.send(
        opened.form(), {"text": TEXT}, files=[File("a.txt", "", b"a")], button=("act", "files")
    )


def pages(browser: Browser) -> dict[str, Page]:
    refused = send(browser, report_page(browser), [File("a.txt", "", b"a")], category="")
    inbox = browser.get("/zh-hans/inbox")
    kept = browser.send(inbox.form(), {"codename": "x", "text": TEXT})
    return {"report": refused, "inbox": kept, "case": case_page(browser)}


@pytest.mark.parametrize("name", ["report", "inbox", "case"])
@pytest.mark.parametrize("act", ["language", "send", "files"])
@pytest.mark.slow
def test_a_button_pressed_too_early_changes_nothing_and_asks_for_what_the_browser_has(
    front: Front, browser: Browser, name: str, act: str
) -> None:
    page = pages(browser)[name]
    kept = len(front.vault.pending)
    html = page.raw.decode("utf-8")
    places = [html.index("<h1>"), html.index("<textarea"), html.index("name=end") - 1]
    for at in places:
        form = cut(page, max(at, html.index(">", html.index('<form id="form"')) + 1))
        assert form is not None
        answer = browser.send(form, {}, files=[File("b.txt", "", b"b")], button=("act", act))
        assert answer.status == 400 and CUT in answer.text and not answer.html.select("#form")

    assert front.vault.final == {} and len(front.vault.pending) == kept
    again = browser.send(page.form(), {}, button=("act", "language"))
    assert again.form().value("text") == TEXT
    assert name == "inbox" or "a.txt" in again.text
    assert "b.txt" not in again.text


def test_a_photograph_that_came_with_a_cut_page_leaves_nothing(
    front: Front, browser: Browser
) -> None:
    """Neither as it was nor without what it records."""
    page = pages(browser)["report"]
    kept, html = len(front.vault.pending), page.raw.decode("utf-8")
    form = cut(page, html.index("name=end") - 1)
    assert form is not None
    photograph = File("b.jpg", "image/jpeg", (PHOTOGRAPHS / "both.jpg").read_bytes())
    assert CUT in browser.send(form, {}, files=[photograph], button=("act", "send")).text

    assert len(front.vault.pending) == kept


@pytest.mark.parametrize("name", ["report", "inbox", "case"])
def test_what_is_sent_by_a_button_pressed_too_early_is_padded(browser: Browser, name: str) -> None:
    page = pages(browser)[name]
    html = page.raw.decode("utf-8")
    first = html.index("<button")
    form = cut(page, html.index(">", html.index('<form id="form"')) + 1)

    assert first > html.index("name=token") > html.index("name=pad") > 0
    assert form is not None and [field for field, _ in form.fields] == ["pad", "token"]
    assert len(form.value("pad").encode()) >= FLOOR_PAD_BYTES
    assert all(
        len(fresh.form().value("pad").encode()) >= MIN_PAD_BYTES - 1
        for fresh in (report_page(browser), browser.get("/en/inbox"))
    )


def test_a_form_that_broke_off_on_its_way_is_still_told_so(browser: Browser) -> None:
    """It lacks its last field too, but its page was whole."""
    page = report_page(browser)
    boundary = "b"
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in page.form().fields
        if field != "end"
    )
    answer = browser._client.post(
        "/zh-hans/report/send",
        content=(parts + f"--{boundary}\r\n").encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    shown = Page("/zh-hans/report/send", answer.status_code, answer.headers, answer.content)

    assert "连接中断" in problems(shown) and shown.codename() == page.codename()
