"""File names that their writer leaves away: the reviewers see a number and the kind."""

from collections.abc import Iterator

import pytest
from support.front import Front
from support.report_form import TEXT, report_page, send

from dropbox.front.form_token import without_name
from dropbox.split_name import split_name
from scripts.rehearsal.claimant import Browser, File

FILES = [
    File("张三的照片.PNG", "image/png", b"p"),
    File("notes 13800138000", "", b"n"),
    File("a.tar.gz", "", b"t"),
]


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def names(front: Front) -> list[list[str]]:
    return [[file.name for file in report.attachments] for report in front.reports()]


def test_with_the_box_ticked_the_reviewers_see_numbers(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    kept = send(browser, page, FILES[:2], act="files", nameless="1")
    assert kept.html.select_one('[name="nameless"][checked]') and FILES[0].name in kept.text
    send(browser, kept, FILES[2:])

    assert names(front) == [["1.png", "2", "3.gz"]]


def test_without_it_they_see_the_names(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    assert not page.html.select_one('[name="nameless"][checked]')
    kept = send(browser, page, FILES, act="files", nameless="1")
    send(browser, kept, nameless=[])

    assert names(front) == [[file.name for file in FILES]]


def test_the_box_stays_ticked_when_the_codename_has_to_be_typed_again(
    front: Front, browser: Browser
) -> None:
    codename = report_page(browser).codename()
    case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
    front.now += front.settings.token_minutes * 60 + 1
    inbox = browser.send(
        case.form(), {"text": TEXT, "nameless": "1"}, files=FILES, button=("act", "files")
    )
    opened = browser.send(inbox.form(), {"codename": codename})
    browser.send(opened.form(), {})

    assert names(front) == [["1.png", "2", "3.gz"]]


def test_parts_whose_name_is_left_away_still_say_that_they_belong_together(
    front: Front, browser: Browser
) -> None:
    """In one report, and in an addition under the same codename."""
    first = [File("张三.mp4.002", "", b"b"), File("李四.mp4.001", "", b"l"), FILES[0]]
    codename = send(browser, report_page(browser), first, nameless="1").codename()
    case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
    last = [File("张三.mp4.001", "", b"a")]
    browser.send(case.form(), {"text": TEXT, "nameless": "1"}, files=last)

    (two, other, number), (one,) = sorted(names(front), key=len, reverse=True)
    found = [split_name(name) for name in (one, two, other)]
    assert [part and part.number for part in found] == [1, 2, 1] and number == "3.png"
    keys = [part and part.key for part in found]
    assert keys[0] == keys[1] != keys[2]
    assert not any(character in "".join((one, two, other)) for character in "张三李四")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x.JPEG", "7.jpeg"),
        ("x.张三", "7"),
        ("x.13800138000", "7"),
        (".profile", "7"),
        ("x.", "7"),
        ("", "7"),
        ("a.b\n", "7"),
    ],
)
def test_only_a_short_ending_is_left_of_a_name(name: str, shown: str) -> None:
    assert without_name(name, 7) == shown
