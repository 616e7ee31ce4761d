"""Files that had arrived when the connection died, and the page that comes again without them."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.front import Front
from support.report_form import TEXT, report_page, send

from dropbox.errors import PendingGone
from dropbox.front.arrived_files import ArrivedFile, ArrivedFiles
from dropbox.front.photo_sealing import Photo
from dropbox.front.shared_keys import OVERLAP_SECONDS, SharedKeys
from dropbox.report import Attachment
from scripts.rehearsal.claimant import Browser, File, Form, Page

VECTORS = Path(__file__).parents[1] / "vectors" / "photograph"
FIRST, SECOND = File("一.bin", "", b"1" * 90_000), File("二.bin", "", b"2" * 150_000)
THIRD = File("三.bin", "", b"3" * 200_000)
PAGE, OTHER = b"p" * 16, b"o" * 16


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> SharedKeys:
    return SharedKeys.private(clock)


@pytest.fixture
def files(keys: SharedKeys, clock: Clock) -> ArrivedFiles:
    return ArrivedFiles(keys, clock)


def entry(name: str, key: bytes | None = None) -> Attachment:
    return Attachment(name, "image/jpeg", 7, "ab" * 32, key or os.urandom(32), 1, 100)


def arrived(name: str, *, photo: bool = False) -> ArrivedFile:
    file = entry(name)
    return ArrivedFile(file, Photo(file.block_key, ("place",), entry("")) if photo else None)


def test_what_is_kept_for_a_page_comes_back_in_its_order(
    files: ArrivedFiles, keys: SharedKeys, clock: Clock
) -> None:
    mine = [arrived(f"{number}.jpg", photo=number == 1) for number in range(3)]
    files.keep(OTHER, arrived("other"))
    for one in mine:
        files.keep(PAGE, one)

    assert ArrivedFiles(keys, clock).kept(PAGE) == mine
    assert [one.file.name for one in files.kept(OTHER)] == ["other"]
    assert files.kept(b"x" * 16) == []


def test_the_memory_alone_tells_nothing_of_a_file(files: ArrivedFiles, keys: SharedKeys) -> None:
    one = arrived("张三.jpg", photo=True)
    files.keep(PAGE, one)
    held = bytes(keys.spare)

    for secret in (PAGE, one.file.block_key, "张三".encode(), b"image/jpeg", b"place"):
        assert secret not in held
        assert secret.hex().encode() not in held


def test_what_is_forgotten_is_overwritten(files: ArrivedFiles, keys: SharedKeys) -> None:
    first, second, photo = arrived("a"), arrived("b"), arrived("c", photo=True)
    for one in (first, second, photo):
        files.keep(PAGE, one)
    assert photo.photo and photo.photo.stripped
    files.forget(PAGE, [first.file.block_key])
    assert files.kept(PAGE) == [second, photo]
    files.forget(PAGE, [photo.photo.stripped.block_key])
    assert files.kept(PAGE) == [second]
    files.forget(OTHER)
    assert files.kept(PAGE) == [second]
    files.forget(PAGE)

    assert files.kept(PAGE) == [] and not any(keys.spare)


def test_after_two_hours_it_is_not_given_back_and_overwritten(
    files: ArrivedFiles, keys: SharedKeys, clock: Clock
) -> None:
    files.keep(PAGE, arrived("a"))
    clock.now += OVERLAP_SECONDS - 1
    files.keep(OTHER, arrived("b"))
    files.sweep()
    assert len(files.kept(PAGE)) == 1
    clock.now += 1
    assert files.kept(PAGE) == [] and any(keys.spare)
    files.sweep()
    assert len(files.kept(OTHER)) == 1
    clock.now += OVERLAP_SECONDS
    files.sweep()

    assert not any(keys.spare)


def test_at_the_end_of_its_time_it_is_overwritten_to_the_moment(
    files: ArrivedFiles, keys: SharedKeys, clock: Clock
) -> None:
    files.keep(PAGE, arrived("a"))
    clock.now += OVERLAP_SECONDS
    assert files.kept(PAGE) == []
    files.sweep()

    assert not any(keys.spare)


def test_files_of_one_moment_come_back_in_their_order_wherever_there_was_room(
    files: ArrivedFiles,
) -> None:
    files.keep(OTHER, arrived("other"))
    first, second = arrived("first"), arrived("second")
    files.keep(PAGE, first)
    files.forget(OTHER)
    files.keep(PAGE, second)

    assert files.kept(PAGE) == [first, second]


@pytest.mark.long
def test_when_all_slots_are_taken_the_oldest_gives_way(files: ArrivedFiles, clock: Clock) -> None:
    number = len(files._slots)
    for place in range(number + 1):
        clock.now += 0.01
        files.keep(place.to_bytes(16, "big"), arrived("a"))

    assert files.kept(bytes(16)) == []
    assert all(len(files.kept(place.to_bytes(16, "big"))) == 1 for place in (1, 2, number))


def test_a_damaged_slot_or_one_of_another_page_is_left_out(
    files: ArrivedFiles, keys: SharedKeys
) -> None:
    files.keep(PAGE, arrived("a"))
    keys.spare[100] ^= 1
    assert files.kept(PAGE) == []
    files.forget(PAGE, [b"any"])

    assert not any(keys.spare)


def test_the_longest_name_is_kept_with_its_photograph(files: ArrivedFiles) -> None:
    for name in ("长" * 300, "\0" * 150, '"' * 450):
        one = arrived(name, photo=True)
        files.keep(PAGE, one)
        assert files.kept(PAGE)[-1] == one


# --- On the pages ---


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def lost(browser: Browser, page: Page, whole: Sequence[File], half: File, **more: str) -> None:
    """Send *page* over a connection that dies in *half*: nobody sees the answer."""
    fields = {**dict(page.form().fields), "text": TEXT, "category": "c2", **more}
    body = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
        if name != "end"
    )
    for file in (*whole, half):
        assert isinstance(file.content, bytes)
        body += (
            f'--b\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'
        ).encode() + file.content
        body += b"" if file is half else b"\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    browser._client.post(page.form().action, content=body, headers=kind)


def asked(page: Page) -> str:
    return " ".join(tag.get_text(" ", strip=True) for tag in page.html.select(".problems"))


def filed(front: Front) -> list[tuple[str, bytes]]:
    (report,) = front.reports()
    return [(file.name, front.file(file)) for file in report.attachments]


def contents(*files: File) -> list[tuple[str, object]]:
    return [(file.name, file.content) for file in files]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.slow
def test_only_the_file_that_broke_off_has_to_be_sent_again(
    front: Front, browser: Browser, times: int
) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST, SECOND], THIRD)
    for _ in range(times - 1):
        lost(browser, page, [], THIRD)
    front.restart()
    with front.browser() as again:
        shown = send(again, page, [THIRD])
        assert shown.status == 200 and front.vault.final == {}
        assert all(file.name in asked(shown) for file in (FIRST, SECOND))
        assert THIRD.name not in asked(shown) and shown.codename() == page.codename()
        names = [tag.get_text() for tag in shown.html.select(".files bdi")]
        assert names == [FIRST.name, SECOND.name, THIRD.name]
        assert shown.form().value("text") == TEXT
        send(again, shown)

    assert filed(front) == contents(FIRST, SECOND, THIRD)
    assert not front.vault.pending


@pytest.mark.slow
def test_what_arrives_from_a_page_that_was_open_for_too_long_is_kept_as_well(
    front: Front, browser: Browser
) -> None:
    """Whoever sends a large file for the second or third time has such a page."""
    page = report_page(browser)
    front.now += front.settings.token_minutes * 60 + 1
    lost(browser, page, [FIRST], SECOND)
    again = send(browser, page, [SECOND])
    assert FIRST.name in asked(again) and again.codename() == page.codename()
    send(browser, again)

    assert [name for name, _ in filed(front)] == [FIRST.name, SECOND.name]


@pytest.mark.slow
def test_a_page_that_sends_all_again_is_filed_at_once_and_nothing_is_stored_twice(
    front: Front, browser: Browser
) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST, SECOND], THIRD)
    lost(browser, page, [FIRST], SECOND)
    done = send(browser, page, [FIRST, SECOND, THIRD])
    assert done.codename() == page.codename() and not done.html.select(".problems")
    assert filed(front) == contents(FIRST, SECOND, THIRD) and front.vault.pending == {}
    again = send(browser, page, [FIRST, SECOND, THIRD])

    assert not again.html.select(".problems") and len(front.reports()) == 1
    assert front.vault.pending == {}


@pytest.mark.slow
@pytest.mark.parametrize("files", [[FIRST], [FIRST, SECOND, FIRST]])
def test_a_page_sent_twice_at_once_keeps_one_of_each_file(
    front: Front, browser: Browser, monkeypatch: pytest.MonkeyPatch, files: list[File]
) -> None:
    page = report_page(browser)
    kept, both_arrived = ArrivedFiles.kept, threading.Barrier(2)

    def kept_once_both_arrived(held: ArrivedFiles, nonce: bytes) -> list[ArrivedFile]:
        both_arrived.wait(30)
        found = kept(held, nonce)
        # Neither gives anything up before the other has looked.
        both_arrived.wait(30)
        return found

    monkeypatch.setattr(ArrivedFiles, "kept", kept_once_both_arrived)
    with front.browser() as other, ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda visit: send(visit, page, files), (browser, other)))

    assert [answer.status for answer in done] == [200, 200]
    assert not any(answer.html.select(".problems") for answer in done)
    assert filed(front) == contents(*files) and front.vault.pending == {}


@pytest.mark.slow
def test_a_file_of_the_same_name_with_other_contents_is_another(
    front: Front, browser: Browser
) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST], THIRD)
    changed = File(FIRST.name, "", b"other")
    shown = send(browser, page, [changed])
    assert FIRST.name in asked(shown)
    send(browser, shown)

    assert filed(front) == contents(FIRST, changed)


@pytest.mark.parametrize("act", ["files", "language"])
def test_what_had_arrived_is_shown_whatever_the_button(
    front: Front, browser: Browser, act: str
) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST], THIRD)
    shown = send(browser, page, act=act)
    assert FIRST.name in asked(shown)
    kept = send(browser, shown, act=act)

    assert not kept.html.select(".problems") and FIRST.name in kept.text


@pytest.mark.slow
def test_a_file_that_was_removed_does_not_come_back(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    kept = send(browser, page, [FIRST, SECOND], act="files")
    boxes = [str(box["value"]) for box in kept.html.select('[name="remove"]')]
    removed = send(browser, kept, act="files", remove=boxes[0])
    assert [tag.get_text() for tag in removed.html.select(".files bdi")] == [SECOND.name]
    back = send(browser, page)
    assert SECOND.name in asked(back) and FIRST.name not in asked(back)
    send(browser, back)

    assert filed(front) == contents(SECOND) and front.vault.pending == {}


@pytest.mark.slow
def test_no_more_files_come_back_than_a_report_can_have(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    many = [File(f"{number}.txt", "", b"%d" % number) for number in range(16)]
    lost(browser, page, many[:6], THIRD)
    shown = send(browser, page, many[6:])
    assert all(file.name in asked(shown) for file in many[:6]), "named, as they are gone"
    assert len(shown.html.select(".files bdi")) == 10
    send(browser, shown, act="without")

    assert filed(front) == contents(*many[6:]) and front.vault.pending == {}


def test_files_that_the_vault_has_lost_do_not_come_back(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST], THIRD)
    shown = send(browser, page)
    front.vault.fail_at("commit", PendingGone())
    gone = send(browser, shown)
    assert gone.status == 409 and FIRST.name in gone.text
    again = send(browser, page)

    assert not again.html.select(".problems") and filed(front) == []


@pytest.mark.slow
def test_a_photograph_comes_back_with_its_question(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    photo = File("p.jpg", "image/jpeg", (VECTORS / "both.jpg").read_bytes())
    lost(browser, page, [photo], THIRD)
    shown = send(browser, page)
    assert photo.name in asked(shown)
    question = send(browser, shown)
    assert "拍摄地点" in asked(question)
    send(browser, question, act="strip")

    ((name, content),) = filed(front)
    assert name == photo.name and content != photo.content and front.vault.pending == {}


def test_a_file_of_an_addition_comes_back_too(front: Front, browser: Browser) -> None:
    codename = report_page(browser).codename()
    case = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})
    lost(browser, case, [FIRST], THIRD)
    shown = browser.send(case.form(), {"text": TEXT})
    assert FIRST.name in asked(shown)
    sent = browser.send(shown.form(), {})
    assert not sent.html.select(".problems")
    after = browser.send(sent.form(), {"text": TEXT + "2"})

    assert not after.html.select(".problems")
    assert [len(report.attachments) for report in front.reports()] == [1, 0]


def test_another_page_gets_none_of_them(front: Front, browser: Browser) -> None:
    page, other = report_page(browser), report_page(browser)
    lost(browser, page, [FIRST], THIRD)
    send(browser, other)

    assert filed(front) == []


@pytest.mark.parametrize(
    ("prefix", "sentence"),
    [
        ("zh-hans", "这些文件已完整到达并加密：一.bin、二.bin。"),
        ("zh-hant", "這些檔案已完整到達並加密：一.bin、二.bin。"),
        ("en", "These files have arrived whole and are locked: 一.bin, 二.bin."),
    ],
)
def test_what_has_arrived_can_be_asked_without_sending_the_page(
    front: Front, browser: Browser, prefix: str, sentence: str
) -> None:
    page = report_page(browser, prefix)
    assert "一.bin" not in ask(browser, page).text
    lost(browser, page, [FIRST, SECOND], THIRD)
    answer = ask(browser, page)

    assert answer.status == 200 and sentence in answer.text
    assert THIRD.name not in answer.text and not answer.html.select("main form")
    assert "一.bin" not in ask(browser, report_page(browser, prefix)).text


@pytest.mark.parametrize("value", ["", "A" * 300, "é"])
def test_what_is_not_from_its_button_is_told_of_no_file(
    front: Front, browser: Browser, value: str
) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST], THIRD)
    for sent in (value, page.form().value("token")):
        answer = browser.send(Form("/zh-hans/arrived", []), {"arrival": sent})
        assert answer.status == 200 and FIRST.name not in answer.text
    assert browser.get("/zh-hans/arrived").status == 405


def test_a_page_that_was_left_is_told_of_no_file(front: Front, browser: Browser) -> None:
    page = report_page(browser)
    lost(browser, page, [FIRST], THIRD)
    assert FIRST.name in ask(browser, page).text
    form = page.html.select_one("nav form.leave")
    assert form is not None
    button = form.select("button")[0]
    browser.send(Form(str(form["action"]), []), {"leaving": str(button["value"])})

    assert FIRST.name not in ask(browser, page).text


def ask(browser: Browser, page: Page) -> Page:
    """Press the button for arrived files."""
    (button,) = page.html.select("button[form=arrived]")
    (form,) = page.html.select("form#arrived")
    assert not form.select("input, textarea, button")
    return browser.send(Form(str(form["action"]), []), {"arrival": str(button["value"])})
