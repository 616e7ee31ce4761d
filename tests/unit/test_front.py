"""The front's pages: what a claimant sends arrives sealed and whole; bad input loses nothing."""

import base64
import hashlib
import json
import pickle
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.every_answer import STORY, answers_in, longest_codenames, size
from support.front import ONION, Front
from support.report_form import TEXT, answered, problems, report_page, send
from support.shared import made_once

from dropbox import catalog
from dropbox.codename import CHEAPEST, Codename, WordLists, derive_keys
from dropbox.errors import CannotStore, VaultUnavailable
from dropbox.front.answer_pages import ANSWERS_BYTES
from dropbox.front.factory import load_pages
from dropbox.front.turn import RESTS
from dropbox.front.uniform_response import (
    FLOOR_PAD_BYTES,
    MAX_SENT_BYTES,
    MIN_PAD_BYTES,
    MIN_SENT_BYTES,
)
from dropbox.front.uploads import Busy
from dropbox.label import LANGUAGES
from dropbox.reply import Reply, reply_tag, reply_tags, seal_reply
from dropbox.sizes import PAGE_BYTES
from scripts.rehearsal.claimant import Browser, File, Page

PREFIXES = [tag.lower() for tag in LANGUAGES]
EDGE = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))["inputs"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_report_with_files_arrives_sealed_and_whole(front: Front, prefix: str) -> None:
    files = [
        File("微信截图 (1).png", "image/png", b"\x89PNG" + b"x" * 200_000),
        File("空.txt", "text/plain", b""),
    ]
    with front.browser() as browser:
        page = report_page(browser, prefix)
        done = send(browser, page, files, harms=["c2.wallet_locked", "c3.account_closed"])

    assert done.status == 200 and done.codename() == page.codename() != ""
    (report,) = front.reports()
    assert (report.language.lower(), report.category, report.text) == (prefix, "c2", TEXT)
    assert list(report.harms) == ["c2.wallet_locked", "c3.account_closed"]
    assert [(file.name, file.type, file.size) for file in report.attachments] == [
        ("微信截图 (1).png", "image/png", 200_004),
        ("空.txt", "text/plain", 0),
    ]
    assert front.file(report.attachments[0]) == files[0].content
    assert front.vault.pending == {}


def test_the_same_form_posted_twice_is_stored_once(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        for _ in range(2):
            assert send(browser, page, [File("a.png", "image/png", b"x" * 70_000)]).status == 200

    assert len(front.reports()) == 1 and len(front.vault.final) == 3 and front.vault.pending == {}


def test_a_form_changed_after_back_is_stored_too(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        send(browser, page, text=TEXT + "补充")

    assert sorted(report.text for report in front.reports()) == sorted([TEXT, TEXT + "补充"])


@pytest.fixture(scope="session")
def every_answer(
    new_front: Callable[[], Front], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Page]:
    """A response of each kind, in each language, with codenames of the longest words."""

    def keep(place: Path) -> None:
        (place / "answers").write_bytes(pickle.dumps(answers_of(new_front())))

    kept = made_once(tmp_path_factory, "every answer", keep)
    return pickle.loads((kept / "answers").read_bytes())  # type: ignore[no-any-return]


def answers_of(front: Front) -> dict[str, Page]:
    with longest_codenames(), front.browser() as browser:
        answers = {
            "/": browser.get("/"),
            "unknown language": browser.get("/fr/report"),
            "no such page": browser.get("/zh-hant/nothing"),
        }
        for prefix in PREFIXES:
            answers |= {f"{prefix} {name}": page for name, page in answers_in(front, prefix)}
    with Browser(
        "b" * 56 + ".onion", transport=httpx.WSGITransport(app=front.app.wsgi_app)
    ) as stranger:
        answers["wrong host"] = stranger.get("/en/")
    return answers


# The pages for leaving make the browser forget.
OF_SOME_PAGES = {"clear-site-data"}


@pytest.mark.slow
def test_every_response_is_isolated_from_other_sites(every_answer: dict[str, Page]) -> None:
    for name, page in every_answer.items():
        headers, policy = page.headers, page.headers["content-security-policy"]
        assert "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'" in policy, name
        assert headers["cross-origin-embedder-policy"] == "require-corp", name
        assert (
            headers["cross-origin-resource-policy"] == headers["referrer-policy"] == "same-origin"
        ), name
        assert (
            headers["x-content-type-options"] == "nosniff"
            and "microphone=()" in headers["permissions-policy"]
        ), name
        assert headers["cross-origin-opener-policy"] == "same-origin-allow-popups", name
        assert headers["x-frame-options"] == "DENY", name
        assert ("clear-site-data" in headers) == name.endswith("leave"), name
        assert not set(headers) & {"server", "date", "etag", "last-modified", "set-cookie"}, name


@pytest.mark.slow
def test_every_answer_has_one_size_and_the_same_headers(every_answer: dict[str, Page]) -> None:
    answers = every_answer

    assert len(answers) == 61
    assert {name: size(page) for name, page in answers.items()} == dict.fromkeys(
        answers, PAGE_BYTES
    )
    assert (
        len(
            {
                tuple(sorted(set(page.headers) - {"content-length"} - OF_SOME_PAGES))
                for page in answers.values()
            }
        )
        == 1
    )
    assert len({page.headers["content-security-policy"] for page in answers.values()}) == 1


def pad(page: Page) -> int:
    """The bytes of the padding as a browser sends them."""
    return len(page.form().value("pad").encode())


@pytest.mark.slow
def test_a_login_sends_as_much_as_a_report(front: Front) -> None:
    """13 to 21 KiB of padding in every fresh form: a login is about as long as a short report."""
    sent: dict[str, list[int]] = {"report": [], "inbox": []}
    application = front.app.wsgi_app

    def counting(environ: dict[str, str], start_response: object) -> object:
        if environ["REQUEST_METHOD"] == "POST":
            sent[environ["PATH_INFO"].split("/")[2]].append(int(environ["CONTENT_LENGTH"]))
        return application(environ, start_response)  # type: ignore[arg-type]

    front.app.wsgi_app = counting  # type: ignore[method-assign, assignment]
    with front.browser() as browser:
        for length in range(0, 1500, 75):
            report, inbox = browser.get("/zh-hans/report"), browser.get("/zh-hans/inbox")
            for page in (report, inbox, browser.get("/zh-hans/case")):
                assert MIN_PAD_BYTES - 1 <= pad(page) <= MAX_SENT_BYTES
                assert set(page.form().value("pad")) == {"\r", "\n"}
            send(browser, report, text="x" * length, category="")
            browser.send(inbox.form(), {"codename": report.codename()})

    assert (
        min(sent["inbox"]) < min(sent["report"]) + 1024
        and max(sent["report"]) < max(sent["inbox"]) + 1024
    )
    assert len(set(sent["inbox"])) > 15 and max(sent["inbox"]) - min(sent["inbox"]) > 1024


@pytest.mark.slow
def test_what_a_form_carries_back_is_counted_when_it_is_padded(front: Front) -> None:
    """Token and text are sent as well: a form that carries more has less padding, by as much."""
    text, sent = "x" * 3_000, list[int]()
    with front.browser() as browser:
        inbox = browser.get("/en/inbox")
        pages = [(browser.get("/en/inbox"), "") for _ in range(60)]
        filled = {"codename": "zzzz", "text": text}
        pages += [(browser.send(inbox.form(), filled), text) for _ in range(10)]
        for page, carried in pages:
            sent.append(pad(page) + len(page.form().value("token")) + len(carried))

    assert min(sent) >= MIN_SENT_BYTES - 1 and max(sent) <= MAX_SENT_BYTES


def test_a_text_that_comes_back_takes_the_place_of_padding(front: Front) -> None:
    with front.browser() as browser:
        page = send(browser, report_page(browser), text=STORY, category="")

    assert page.form().value("text") == STORY
    assert size(page) == PAGE_BYTES
    assert pad(page) + len(STORY.encode()) + len(page.form().value("token")) >= FLOOR_PAD_BYTES


@pytest.mark.slow
def test_no_answer_sets_a_cookie_asks_elsewhere_or_carries_a_script(
    every_answer: dict[str, Page],
) -> None:
    for name, page in every_answer.items():
        assert "set-cookie" not in page.headers, name
        assert page.headers["content-security-policy"].startswith(
            "default-src 'none'; style-src 'sha256-"
        ), name
        assert not page.html.find_all(
            ["script", "img", "svg", "iframe", "object", "video", "audio"]
        ), name
        for tag in (
            page.html.find_all(src=True)
            + page.html.find_all(href=True)
            + page.html.find_all(action=True)
        ):
            target = str(tag.get("href") or tag.get("src") or tag.get("action"))
            assert target.startswith(("/", "#", "data:,")) and not target.startswith("//"), (
                name,
                target,
            )


def test_the_style_that_the_policy_allows_is_the_one_on_the_page(front: Front) -> None:
    with front.browser() as browser:
        page = browser.get("/en/")
    style = page.html.find("style")
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.get_text().encode()).digest()).decode()

    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_button_that_adds_files_is_beside_the_chooser(front: Front, prefix: str) -> None:
    with front.browser() as browser:
        report = report_page(browser, prefix)
        case = browser.send(browser.get(f"/{prefix}/inbox").form(), {"codename": report.codename()})
    for page in (report, case):
        chooser = page.html.select_one("input[type=file]")
        assert chooser is not None and chooser.parent is not None
        assert [tag.get("value") for tag in chooser.parent.select("button")] == ["files"]
        visible = page.html.select("button[value=files]:not([hidden])")
        assert len(visible) == 1


@pytest.mark.slow
def test_only_a_page_that_is_written_on_may_be_shown_again(every_answer: dict[str, Page]) -> None:
    """The next person can see what a browser keeps; what it does not keep is lost on Back."""
    kept = {
        name.split(" ", 1)[1]
        for name, page in every_answer.items()
        if page.headers["cache-control"] != "no-store"
    }

    forms = {"report", "empty", "asked", "not accepted", "no answer", "file lost", "file missing"}
    assert kept == forms | {"photograph", "arrived", "sent before"}


def test_a_worker_reads_no_template_and_no_translation(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_pages(front.app)
    monkeypatch.setattr(front.app.jinja_env.loader, "load", pytest.fail)
    monkeypatch.setattr(catalog, "read_mo", pytest.fail)
    monkeypatch.setattr("babel.localedata.pickle.load", pytest.fail)

    with front.browser() as browser:
        answers = [
            browser.get(f"/{prefix}/{path}")
            for prefix in PREFIXES
            for path in ("", "report", "inbox", "keys", "bridges", "leave", "none")
        ]
        answers += [send(browser, report_page(browser, prefix)) for prefix in PREFIXES]

    assert {answer.status for answer in answers} == {200, 404}


def test_each_page_is_in_its_language(every_answer: dict[str, Page]) -> None:
    answers = every_answer
    for prefix, tag, words in (
        ("zh-hans", "zh-Hans", "提交报告"),
        ("zh-hant", "zh-Hant", "提交報告"),
        ("en", "en", "Send the report"),
    ):
        html = answers[f"{prefix} report"].html
        assert html.html is not None and html.html["lang"] == tag
        assert words in answers[f"{prefix} report"].text
    assert (
        "没有这个页面" in answers["unknown language"].text
        and "沒有這個頁面" in answers["no such page"].text
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"category": ""}, "请选择一类情况"),
        ({"category": "c9"}, "不在列表中"),
        ({"harms": ["c1.nothing"]}, "不在列表中"),
        ({"text": "  　\r\n"}, "请写下发生了什么"),
        ({"text": "字" * 17_000}, "大约超出"),
        ({"text": "x" * 200_001}, "大约超出"),
    ],
)
def test_wrong_input_gets_a_sentence_and_keeps_everything(
    front: Front, values: dict[str, object], sentence: str
) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        filled: dict[str, Any] = {"harms": ["c1.harassed"], **values}
        again = send(browser, page, **filled)

    assert again.status == 400 and sentence in problems(again)
    assert size(again) % PAGE_BYTES == 0
    assert again.codename() == page.codename()
    form = again.form()
    assert form.value("text") == values.get("text", TEXT)
    assert form.value("category") == ("c2" if "category" not in values else "")
    assert front.vault.final == {}


def test_files_that_are_sealed_stay_when_something_else_is_wrong(front: Front) -> None:
    with front.browser() as browser:
        again = send(
            browser,
            report_page(browser),
            [File("证据.jpg", "image/jpeg", b"j" * 1000)],
            category="",
        )
        assert "证据.jpg" in again.text
        assert send(browser, again, [File("b.txt", "", b"more")]).status == 200

    (report,) = front.reports()
    assert [file.name for file in report.attachments] == ["证据.jpg", "b.txt"]


def test_a_file_can_be_taken_out_again(front: Front) -> None:
    with front.browser() as browser:
        files = [File("a.txt", "", b"a"), File("b.txt", "", b"b")]
        again = send(browser, report_page(browser), files, act="files")
        assert again.status == 200 and problems(again) == "" and len(front.vault.pending) == 2
        (first, _) = again.html.select("input[name=remove]")
        send(browser, again, remove=[str(first["value"])])

    (report,) = front.reports()
    assert [file.name for file in report.attachments] == ["b.txt"] and front.vault.pending == {}


@pytest.mark.slow
def test_eleven_files_keep_the_first_ten_and_say_so(front: Front) -> None:
    files = [File(f"{number}.txt", "text/plain", b"x") for number in range(11)]
    with front.browser() as browser:
        again = send(browser, report_page(browser), files)
        assert again.status == 413 and "最多可带 10 个文件" in problems(again)
        assert again.form().value("text") == TEXT
        assert send(browser, again, act="without").status == 200

    assert len(front.reports()[0].attachments) == 10


def test_a_file_over_the_limit_is_named_and_the_others_are_kept(front: Front) -> None:
    files = [
        File("small.txt", "", b"x"),
        File("大.mov", "", b"x" * (2**20 + 1)),
        File("last.txt", "", b"y"),
    ]
    with front.browser() as browser:
        again = send(browser, report_page(browser), files)

    assert again.status == 413 and "“大.mov”大于 1 MB" in problems(again)
    assert [tag.get_text() for tag in again.html.select(".files bdi")] == ["small.txt", "last.txt"]
    assert len(front.vault.pending) == 2


def test_a_post_that_is_too_large_keeps_what_was_sealed(front: Front) -> None:
    files = [File(f"{number}.bin", "", b"x" * 900_000) for number in range(5)]
    with front.browser() as browser:
        again = send(browser, report_page(browser), files)

    assert again.status == 413 and "加起来太大" in problems(again)
    assert len(again.html.select(".files bdi")) == 3
    assert again.form().value("category") == "c2"


def test_a_post_of_which_no_file_was_accepted_does_not_say_that_some_were(front: Front) -> None:
    with front.browser() as browser:
        again = send(browser, report_page(browser), [File("a.bin", "", b"x" * 4_000_000)])

    assert again.status == 413 and "一次最多 2 MB。一个也没有收下" in problems(again)
    assert "下面列出的" not in problems(again) and again.html.select(".files") == []
    assert "a.bin" in problems(again) and front.vault.pending == {}


def test_a_stale_form_comes_back_with_its_codename_and_can_be_sent(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        front.now += 121 * 60
        again = send(browser, page, [File("a.txt", "", b"a")])
        assert again.status == 400 and "打开的时间太长" in problems(again)
        assert again.codename() == page.codename()
        assert send(browser, again).status == 200

    assert len(front.reports()[0].attachments) == 1


@pytest.mark.parametrize(("later", "fresh"), [(120 * 60, True), (120 * 60 + 1, False), (-1, False)])
def test_a_form_is_fresh_to_its_last_second_and_none_is_from_the_future(
    front: Front, later: int, fresh: bool
) -> None:
    """A clock that was set back would else give a page a longer life than was said."""
    with front.browser() as browser:
        page = report_page(browser)
        front.now += later
        answer = send(browser, page)

    assert answer.status == (200 if fresh else 400)
    assert len(front.vault.final) == fresh


@pytest.mark.parametrize("token", ["", "A" * 200, "!", "é", "0" * 100_000])
@pytest.mark.slow
def test_a_forged_form_gets_a_new_codename_and_keeps_the_text(front: Front, token: str) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        again = send(browser, page, token=token)

    assert again.status == 400 and "重新启动" in problems(again)
    assert again.codename() not in ("", page.codename())
    assert again.form().value("text") == TEXT


def test_a_token_of_one_page_is_not_accepted_by_another(front: Front) -> None:
    with front.browser() as browser:
        token = browser.get("/zh-hans/inbox").form().value("token")
        assert send(browser, report_page(browser), token=token).status == 400

    assert front.vault.final == {}


def test_files_that_waited_too_long_are_asked_for_again_and_the_text_stays(front: Front) -> None:
    with front.browser() as browser:
        page = send(browser, report_page(browser), [File("a.txt", "", b"a")], act="files")
        front.vault.pending.clear()
        again = send(browser, page)
        assert again.status == 409 and "已不在服务器上" in problems(again)
        assert again.form().value("text") == TEXT and again.html.select(".files") == []
        assert send(browser, again, act="without").status == 200

    assert len(front.reports()) == 1


@pytest.mark.parametrize("failure", [VaultUnavailable(), CannotStore()])
def test_a_dead_or_full_vault_means_not_accepted(
    front: Front, failure: VaultUnavailable | CannotStore
) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        front.vault.failure = failure
        for files in ([], [File("a.png", "", b"x" * 200_000)]):
            again = send(browser, page, files)
            assert again.status == 503 and "没有被接受" in problems(again)
            assert again.form().value("text") == TEXT
            assert again.codename() == page.codename()
        front.vault.failure = None
        assert send(browser, again, act="without").status == 200

    assert len(front.vault.final) == 1


def test_a_codename_in_the_text_is_refused_and_kept(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        again = send(browser, page, text="我的查询码 " + page.codename())

    assert again.status == 400 and "似乎有查询码" in problems(again)
    assert page.codename() in again.form().value("text")


@pytest.mark.parametrize(
    "entry", [entry for entry in EDGE if entry["kind"] == "text"], ids=lambda entry: entry["id"]
)
@pytest.mark.slow
def test_edge_texts_arrive_as_they_were_or_come_back_with_a_sentence(
    front: Front, entry: dict[str, object]
) -> None:
    if "gen" in entry:
        made = entry["gen"]
        text = str(made["repeat"]) * int(made["times"])  # type: ignore[index]
    else:
        text = str(entry["value"])
    with front.browser() as browser:
        page = report_page(browser)
        try:
            answer = send(browser, page, text=text)
        except UnicodeEncodeError:
            # A browser cannot send it either; the bytes are tried below.
            return

    assert size(answer) % PAGE_BYTES == 0
    if answer.status == 200:
        assert front.reports()[0].text == text
    else:
        assert problems(answer) and answer.status in (400, 413)
        assert answer.form().value("text").split() == text.replace("\0", "\ufffd").split()


@pytest.mark.parametrize(
    "entry", [entry for entry in EDGE if entry["kind"] == "filename"], ids=lambda entry: entry["id"]
)
@pytest.mark.slow
def test_edge_file_names_stay_inside_the_ciphertext(front: Front, entry: dict[str, object]) -> None:
    name = str(entry["value"])
    with front.browser() as browser:
        done = send(browser, report_page(browser), [File(name or " ", "", b"content")])

    assert done.status == 200
    (file,) = front.reports()[0].attachments
    assert file.name == name.replace("\\", "/").split("/")[-1] or (name == "" and file.name == " ")


@pytest.mark.parametrize("text", [b"\xed\xa0\xbd", "微信".encode("gb18030"), b"\xff\xfe"])
def test_bytes_that_are_no_utf8_come_back_with_a_sentence(front: Front, text: bytes) -> None:
    with front.browser() as browser:
        form = report_page(browser).form()
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in (
            (b"token", form.value("token").encode()),
            (b"category", b"c1"),
            (b"text", text),
            (b"end", b"1"),
            (b"act", b"send"),
        )
    )
    answer = post(front, body + b"--B--\r\n")

    assert answer.status_code == 400 and "到达时已损坏" in answer.text
    assert front.vault.final == {}


def post(
    front: Front, body: bytes, kind: str = "multipart/form-data; boundary=B", **headers: str
) -> httpx.Response:
    """A POST that no browser sends."""
    transport = httpx.WSGITransport(app=front.app.wsgi_app)
    with httpx.Client(base_url=f"http://{ONION}", transport=transport) as client:
        return client.post(
            "/zh-hans/report", content=body, headers={"Content-Type": kind, **headers}
        )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=B"),
        (b"--B\r\nContent-Dis", "multipart/form-data; boundary=B"),
        (b"--B\r\n\r\nx\r\n--B--\r\n", "multipart/form-data; boundary=B"),
        (
            b'--B\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--B--\r\n',
            "multipart/form-data; boundary=B",
        ),
        (b"text=a&category=c1", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"x", ""),
        (b"--\r\n", "multipart/form-data"),
        (
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 200 + b"--B--\r\n",
            "multipart/form-data; boundary=B",
        ),
        (b"--B\r\nA: " + b"h" * 600_000, "multipart/form-data; boundary=B"),
    ],
)
def test_what_is_no_form_gets_a_page_of_the_usual_size(
    front: Front, body: bytes, kind: str
) -> None:
    answer = post(front, body, kind)

    assert answer.status_code == 400 and "损坏" in answer.text
    assert (front.vault.final, front.vault.pending) == ({}, {})


METHODS = ("HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "PROPFIND", "get")
PATHS = (
    "",
    "zh-hans",
    "zh-hans/",
    "zh-hans/report",
    "zh-hans/report/",
    "zh-hans//report",
    "en/inbox",
    "en/case",
    "en/../x",
    "%00",
)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_or_a_path_that_no_page_uses_gets_a_page_of_the_usual_size(
    front: Front, method: str
) -> None:
    transport = httpx.WSGITransport(app=front.app.wsgi_app)
    with httpx.Client(base_url=f"http://{ONION}", transport=transport) as client:
        for path in PATHS:
            answer = client.request(method, f"/{path}")
            page = Page(
                path,
                answer.status_code,
                answer.headers,
                answer.content or bytes(int(answer.headers["content-length"])),
            )
            assert size(page) == PAGE_BYTES and answer.status_code in (200, 404, 405), path
            assert (answer.content == b"") == (method == "HEAD"), path


def test_a_text_far_too_long_does_not_grow_the_memory_and_says_that_it_was_cut(
    front: Front,
) -> None:
    with front.browser() as browser:
        again = send(browser, report_page(browser), text="x" * 1_500_000)

    assert again.status == 413 and "被截断了" in problems(again)
    assert len(again.form().value("text")) < 2**20


def test_another_host_a_gateway_and_another_sites_form_are_refused(front: Front) -> None:
    good = b"--B--\r\n"
    for headers, words in (
        ({"Host": "example.com"}, "只能用自己的洋葱地址"),
        ({"Host": "www." + ONION}, "只能用自己的洋葱地址"),
        ({"X-Tor2web": "1"}, "不是用 Tor 浏览器"),
        ({"Sec-Fetch-Site": "cross-site"}, "别的网站"),
        ({"Sec-Fetch-Site": "same-site"}, "别的网站"),
        ({"Origin": "http://evil.onion"}, "别的网站"),
        ({"Origin": "https://" + ONION}, "别的网站"),
    ):
        answer = post(front, good, **headers)
        assert answer.status_code == 403 and words in answer.text, headers
    # The control: what a browser may say of our own form, which is then refused for what it holds
    # alone.
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "http://" + ONION},
    ):
        assert post(front, good, **headers).status_code == 400, headers


def test_a_form_in_chunks_is_refused_before_it_is_read(front: Front) -> None:
    answer = post(front, b"--B--\r\n", **{"Transfer-Encoding": "chunked"})

    assert answer.status_code == 400 and "没有保存任何内容" in answer.text
    assert "到达时已损坏" not in answer.text


def test_switching_the_language_keeps_what_was_typed_and_the_files(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        form = page.form()
        form.action = "/en/report"
        answer = browser.send(
            form,
            {"category": "c3", "text": TEXT, "harms": ["c3.posts_deleted"]},
            files=[File("a.txt", "", b"a")],
            button=("act", "language"),
        )

    assert answer.status == 200 and problems(answer) == "" and "Send the report" in answer.text
    assert (
        answer.form().value("category") == "c3"
        and answer.form().value("harms") == "c3.posts_deleted"
    )
    assert (
        "a.txt" in answer.text and len(answer.codename().split()) == 8 and front.vault.final == {}
    )


def test_the_answer_is_read_with_the_codename_in_any_spelling(
    front: Front, words: WordLists
) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        codename = words.read_codename(page.codename())
        keys = derive_keys(codename, salt=front.settings.salt, cost=CHEAPEST)
        for number, text in enumerate(("第一条 <回复>", "second &")):
            reply = Reply("answer", "zh-Hans", date(2026, 12, 1 + number), text)
            # Of version 1, for a case that was filed before version 2, and of version 2.
            symmetric = (None, keys.reply_symmetric)[number]
            front.vault.sealed[reply_tag(keys.tag_key, desk=2, number=number)] = seal_reply(
                reply, keys.reply_public, reply_symmetric=symmetric
            )
        spelled = words.spell(codename, "zh-Hant")
        for typed in (
            page.codename(),
            "".join(word.hanzi for word in spelled),
            " ".join(word.typed for word in words.spell(codename, "en")),
        ):
            answers = browser.send(browser.get("/zh-hant/inbox").form(), {"codename": typed})
            assert [tag.get_text() for tag in answers.html.select(".answer")] == [
                "second &",
                "第一条 <回复>",
            ]
            assert page.codename() not in answers.text


def test_many_answers_are_on_pages_of_one_size_and_none_is_left_out(
    front: Front, words: WordLists
) -> None:
    texts = [f"第 {number} 条：" + "回" * 1_200 for number in range(9)]
    with front.browser() as browser:
        codename = report_page(browser).codename()
        answered(front, words, codename, *texts)
        page, shown = opened(front, browser, codename), []
        first = page
        while True:
            assert size(page) == PAGE_BYTES
            shown += [tag.get_text() for tag in page.html.select(".answer")]
            older = page.html.select_one('button[value^="older-"]:not([value="older-0"])')
            if older is None:
                break
            page = browser.send(
                page.form(), {"text": "写到一半"}, button=("act", str(older["value"]))
            )
            assert page.form().value("text") == "写到一半"
        newest = browser.send(page.form(), {}, button=("act", "older-0"))
        nowhere = browser.send(page.form(), {}, button=("act", "older-9999"))

    assert shown == texts[::-1]
    for again in (newest, nowhere):
        assert [tag.get_text() for tag in again.html.select(".answer")] == [
            tag.get_text() for tag in first.html.select(".answer")
        ]


def test_a_codename_nobody_used_opens_the_same_empty_inbox(front: Front) -> None:
    with front.browser() as browser:
        used, unused = report_page(browser), report_page(browser)
        send(browser, used)
        inbox = browser.get("/zh-hans/inbox")
        answers = [
            browser.send(inbox.form(), {"codename": page.codename()}) for page in (used, unused)
        ]

    # The token is encrypted with a fresh nonce each time, but has one length; the padding is
    # divided randomly.
    without = [
        re.sub(
            rb'\n{1000,}|0{500,}|name="?(?:leaving|arrival)"? value="[^"]*"',
            b"",
            page.raw.replace(page.form().value("token").encode(), b""),
        )
        for page in answers
    ]
    assert without[0] == without[1] and answers[0].headers == answers[1].headers
    assert (
        len({page.form().value("token") for page in answers}) == 2
        and len({len(page.raw) for page in answers}) == 1
    )


def test_an_answer_that_only_waits_for_its_time_lets_others_work(front: Front) -> None:
    said: list[str] = []
    client = front.app.test_client()
    how = {"base_url": f"http://{ONION}", "environ_overrides": {RESTS: lambda: said.append("")}}
    assert client.get("/zh-hans/", **how).status_code == 200 and said == []
    assert client.post("/zh-hans/inbox", data={"codename": "x"}, **how).status_code == 400

    assert said == [""]


def test_a_wrong_codename_names_the_word_and_keeps_what_was_typed(
    front: Front, words: WordLists
) -> None:
    with front.browser() as browser:
        page = browser.get("/en/inbox")
        good = [word.typed for word in words.spell(Codename((1, 2, 3, 4, 5, 6, 7)), "zh-Hans")]
        cases = {
            " ".join([*good[:2], "zzzzz", *good[3:]]): "Word 3 is not in the list",
            " ".join(good[:4]): "4 were found",
            " ".join([good[1], good[0], *good[2:]]): "do not belong together",
            "": "0 were found",
        }
        for typed, sentence in cases.items():
            answer = browser.send(page.form(), {"codename": typed})
            assert answer.status == 400 and sentence in problems(answer)
            assert answer.form().value("codename") == typed


def test_an_inbox_page_that_was_open_too_long_opens_no_case_and_gives_nothing_back(
    front: Front,
) -> None:
    with front.browser() as browser:
        codename, page = report_page(browser).codename(), browser.get("/zh-hans/inbox")
        front.now += 121 * 60
        again = browser.send(page.form(), {"codename": codename})

    assert again.status == 400 and "打开的时间太长" in problems(again)
    assert again.form().value("codename") == "" and "replies" not in front.vault.asked


def test_more_than_a_codename_takes_is_not_read_by_the_inbox(front: Front) -> None:
    with front.browser() as browser:
        codename, page = report_page(browser).codename(), browser.get("/zh-hans/inbox")
        small, large = (
            browser.send(page.form(), {"codename": codename, "text": "x" * length})
            for length in (60_000, 140_000)
        )

    assert (small.status, large.status) == (200, 400)
    assert front.vault.asked.count("replies") == 1


def test_while_the_vault_is_down_the_inbox_says_try_later(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        front.vault.failure = VaultUnavailable()
        answer = browser.send(browser.get("/en/inbox").form(), {"codename": page.codename()})

    assert answer.status == 503 and "try again later" in problems(answer)


def test_an_error_of_ours_is_a_page_and_its_text_reaches_no_log(
    front: Front, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary-in-exception")

    monkeypatch.setattr(front.vault, "commit", broken)
    with front.browser() as browser:
        first, answer = (send(browser, report_page(browser)) for _ in range(2))

    assert (
        first.status == answer.status == 500
        and "没有被接受" in answer.text
        and size(answer) == PAGE_BYTES
    )
    said = capsys.readouterr()
    told = [
        re.fullmatch(r"A request ended in ZeroDivisionError, number (\d+)\.", line)
        for line in said.err.splitlines()
    ]
    one, two = (int(line[1]) for line in told if line)
    assert two == one + 1 and len(told) == 2 and said.out == ""


SILENT_GPG = "#!/bin/sh\ncat > /dev/null\n"
# Everything it writes is right, recipients and content; only its exit says that it failed.
FAILING_AT_THE_END_GPG = '#!/bin/sh\n/usr/bin/gpg "$@"; exit 2\n'
FAILING_GPG = """#!/bin/sh
# Takes some of the file, writes something, and fails.
head -c 100000 > /dev/null
echo half of something
exit 2
"""


@pytest.mark.parametrize(
    "gpg",
    [None, FAILING_GPG, SILENT_GPG, FAILING_AT_THE_END_GPG],
    ids=["missing", "failing half way", "silent", "failing at the end"],
)
def test_a_missing_or_failing_gpg_means_not_accepted(
    front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpg: str | None
) -> None:
    """gpg is looked up in PATH at each sealing; here that finds another program, or none."""
    (tmp_path / "bin").mkdir()
    if gpg is not None:
        (tmp_path / "bin" / "gpg").write_text(gpg, "utf-8")
        (tmp_path / "bin" / "gpg").chmod(0o755)
    with front.browser() as browser:
        page = report_page(browser)
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{tmp_path}/bin" + (":/usr/bin:/bin" if gpg else ""))
            for files in ([], [File("a.bin", "", b"x" * 700_000)]):
                again = send(browser, page, files)
                assert again.status == 503 and "没有被接受" in problems(again)
                assert again.form().value("text") == TEXT and again.codename() == page.codename()
        assert (front.vault.final, front.vault.pending) == ({}, {})
        assert send(browser, again).status == 200


def test_a_new_codename_can_be_requested_and_everything_else_stays(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        other = send(browser, page, [File("a.txt", "", b"a")], act="codename")
        assert other.status == 200 and other.codename() not in ("", page.codename())
        assert other.form().value("text") == TEXT
        done = send(browser, other)

    assert done.codename() == other.codename()
    assert [file.name for file in front.reports()[0].attachments] == ["a.txt"]


def opened(front: Front, browser: Browser, codename: str) -> Page:
    """The case page of *codename*."""
    return browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})


def test_a_follow_up_with_a_file_joins_its_case(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        case = opened(front, browser, page.codename())
        sent = browser.send(
            case.form(), {"text": "补充一点"}, files=[File("b.txt", "text/plain", b"b")]
        )
        assert (
            sent.status == 200 and "补充内容已提交" in sent.text and sent.form().value("text") == ""
        )
        again = browser.send(
            case.form(), {"text": "补充一点"}, files=[File("b.txt", "text/plain", b"b")]
        )
        assert again.status == 200

    first, second = sorted(front.reports(), key=lambda report: report.kind, reverse=True)
    assert (first.kind, second.kind, second.text) == ("report", "message", "补充一点")
    assert (first.reply_public, first.tag_key) == (second.reply_public, second.tag_key)
    assert first.reply_symmetric == second.reply_symmetric is not None
    assert [file.name for file in second.attachments] == ["b.txt"] and front.vault.pending == {}


def test_the_same_words_from_the_page_after_a_follow_up_are_another_message(front: Front) -> None:
    with front.browser() as browser:
        case = opened(front, browser, report_page(browser).codename())
        for _ in range(2):
            case = browser.send(case.form(), {"text": "还没有收到回复"})
            assert case.status == 200

    assert [report.text for report in front.reports()] == ["还没有收到回复"] * 2


def test_an_empty_follow_up_or_one_with_a_codename_is_refused_and_kept(front: Front) -> None:
    with front.browser() as browser:
        codename = report_page(browser).codename()
        case = opened(front, browser, codename)
        assert "请写下发生了什么" in problems(browser.send(case.form(), {"text": " "}))
        again = browser.send(case.form(), {"text": "查询码 " + codename})

    assert (
        again.status == 400
        and "似乎有查询码" in problems(again)
        and again.form().value("text") == "查询码 " + codename
    )
    assert front.vault.final == {}


def test_an_answer_can_be_deleted_and_the_other_stays(front: Front, words: WordLists) -> None:
    with front.browser() as browser:
        codename = report_page(browser).codename()
        answered(front, words, codename, "第一条", "第二条")
        case = opened(front, browser, codename)
        (newest, _) = [button["value"] for button in case.html.select(".reply button")]
        asked = browser.send(case.form(), {}, button=("act", str(newest)))
        assert "删除后无法恢复" in asked.text and len(front.vault.sealed) == 2
        (erase,) = asked.html.select('button[value^="erase-"]')
        rest = browser.send(asked.form(), {}, button=("act", str(erase["value"])))

    assert [tag.get_text() for tag in rest.html.select(".answer")] == [
        "第一条"
    ] and "已从服务器删除" in rest.text
    assert len(front.vault.sealed) == 1


def test_deleting_the_oldest_answer_leaves_all_that_came_after_it(
    front: Front, words: WordLists
) -> None:
    with front.browser() as browser:
        codename = report_page(browser).codename()
        answered(front, words, codename, "第一条", "第二条", "第三条")
        case = opened(front, browser, codename)
        oldest = [button["value"] for button in case.html.select(".reply button")][-1]
        asked = browser.send(case.form(), {}, button=("act", str(oldest)))
        assert [tag.get_text() for tag in asked.html.select(".reply:has(.problems) .answer")] == [
            "第一条"
        ]
        (erase,) = asked.html.select('button[value^="erase-"]')
        rest = browser.send(asked.form(), {}, button=("act", str(erase["value"])))

    assert [tag.get_text() for tag in rest.html.select(".answer")] == ["第三条", "第二条"]
    assert len(front.vault.sealed) == 2


@pytest.mark.parametrize("act", ["delete", "erase"])
@pytest.mark.parametrize("place", ["x", "", "-1", "0x0", "00000", "0 ", "٠", "256", "9999"])
@pytest.mark.slow
def test_a_button_that_names_no_answer_deletes_none(
    front: Front, words: WordLists, place: str, act: str
) -> None:
    with front.browser() as browser:
        codename = report_page(browser).codename()
        keys = derive_keys(words.read_codename(codename), salt=front.settings.salt, cost=CHEAPEST)
        tags = reply_tags(keys.tag_key)
        # Where a wrong number could lead: to the first answer, the last, or the last but one.
        for tag in (tags[0], tags[-1], tags[-2]):
            reply = Reply("answer", "zh-Hans", date(2026, 12, 1), "回复")
            front.vault.sealed[tag] = seal_reply(reply, keys.reply_public)
        case = opened(front, browser, codename)
        same = browser.send(case.form(), {}, button=("act", f"{act}-{place}"))

    assert same.status == 200 and len(front.vault.sealed) == 3
    assert "删除后无法恢复" not in same.text


def test_an_answer_that_alone_is_too_long_for_a_page_is_shown(
    front: Front, words: WordLists
) -> None:
    """Escaped, it is longer than all answers on a page can be; it gets its own page."""
    long = "&" * 3_500
    with front.browser() as browser:
        codename = report_page(browser).codename()
        answered(front, words, codename, "第一条", long, "第三条")
        page, shown = opened(front, browser, codename), []
        for number in range(3):
            assert size(page) % PAGE_BYTES == 0
            shown.append([tag.get_text() for tag in page.html.select(".answer")])
            if number < 2:
                page = browser.send(page.form(), {}, button=("act", f"older-{number + 1}"))

    assert len(long) * len("&amp;") > ANSWERS_BYTES
    assert shown == [["第三条"], [long], ["第一条"]]


def test_withdrawing_deletes_what_is_the_codenames_own_and_tells_the_reviewers(
    front: Front,
) -> None:
    with front.browser() as browser:
        mine, other = report_page(browser), report_page(browser)
        send(browser, mine, [File("a.txt", "", b"a" * 70_000)])
        send(browser, other)
        assert len(front.vault.final) == 4
        done = browser.send(
            opened(front, browser, mine.codename()).form(), {}, button=("act", "withdraw")
        )

    assert done.status == 200 and "已从服务器删除" in done.text and "无法从这里删除" in done.text
    assert sorted(report.kind for report in front.reports()) == ["report", "withdrawal"]
    assert len(front.vault.final) == 2


def test_when_the_vault_is_down_nothing_is_taken_back_and_the_page_says_so(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        case = opened(front, browser, page.codename())
        front.vault.failure = VaultUnavailable()
        refused = browser.send(case.form(), {"text": "留着"}, button=("act", "withdraw"))
        front.vault.failure = None

    assert (
        refused.status == 503
        and "现在无法全部撤回" in problems(refused)
        and refused.form().value("text") == "留着"
    )
    assert [report.kind for report in front.reports()] == ["report"]


@pytest.mark.parametrize("failure", [VaultUnavailable(), Busy()])
def test_nothing_is_deleted_before_the_reviewers_are_told(
    front: Front, failure: VaultUnavailable | Busy
) -> None:
    """Only one call fails. If the blocks went first, the reviewers would never learn of it."""
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page, [File("a.txt", "", b"a" * 70_000)])
        case = opened(front, browser, page.codename())
        front.vault.fail_at("commit", failure)
        refused = browser.send(case.form(), {"text": "留着"}, button=("act", "withdraw"))
        assert len(front.vault.final) == 3 and [report.kind for report in front.reports()] == [
            "report"
        ]
        done = browser.send(refused.form(), {}, button=("act", "withdraw"))

    assert refused.status == 503 and "现在无法全部撤回" in problems(refused)
    assert done.status == 200
    assert [report.kind for report in front.reports()] == ["withdrawal"]


def test_when_only_the_deletion_fails_the_reviewers_are_told_and_it_can_be_done_again(
    front: Front,
) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        case = opened(front, browser, page.codename())
        front.vault.fail_at("withdraw", VaultUnavailable())
        refused = browser.send(case.form(), {}, button=("act", "withdraw"))
        kinds = sorted(report.kind for report in front.reports())
        done = browser.send(refused.form(), {}, button=("act", "withdraw"))

    assert refused.status == 503 and kinds == ["report", "withdrawal"]
    # Nothing erases a notice.
    assert done.status == 200
    assert [report.kind for report in front.reports()] == ["withdrawal"] * 2
    order = ("commit", "withdraw", "forget_replies")
    asked = [call for call in front.vault.asked if call in order]
    assert asked == ["commit", *["commit", "withdraw"] * 2, "forget_replies"]


def test_the_page_after_withdrawing_makes_the_browser_forget(front: Front) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        case = opened(front, browser, page.codename())
        done = browser.send(case.form(), {}, button=("act", "withdraw"))
        left = browser.get("/zh-hans/leave")

    assert done.headers["clear-site-data"] == left.headers["clear-site-data"] != ""
    assert "clear-site-data" not in case.headers


def test_files_of_a_follow_up_that_was_never_sent_are_abandoned_by_withdrawing(
    front: Front,
) -> None:
    files = [File("a.txt", "", b"a" * 70_000)]
    with front.browser() as browser:
        page = report_page(browser)
        case = opened(front, browser, page.codename())
        case = browser.send(case.form(), {}, files=files, button=("act", "files"))
        assert len(front.vault.pending) == 2
        browser.send(case.form(), {}, button=("act", "withdraw"))

    assert front.vault.pending == {}


def test_withdrawing_goes_on_when_waiting_files_cannot_be_abandoned(front: Front) -> None:
    """They go with their day; filed reports stay longer."""
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        case = opened(front, browser, page.codename())
        case = browser.send(
            case.form(), {}, files=[File("a.txt", "", b"a")], button=("act", "files")
        )
        front.vault.fail_at("erase", VaultUnavailable())
        done = browser.send(case.form(), {}, button=("act", "withdraw"))

    assert done.status == 200 and [report.kind for report in front.reports()] == ["withdrawal"]


def test_a_follow_up_after_a_restart_asks_for_the_codename_and_keeps_the_text(front: Front) -> None:
    with front.browser() as browser:
        codename = report_page(browser).codename()
        case = opened(front, browser, codename)
        question = browser.send(case.form(), {"text": "写了很久", "token": "A" * 300})
        assert question.status == 400 and "重新输入查询码" in problems(question)
        back = browser.send(question.form(), {"codename": codename})

    assert back.status == 200 and back.form().value("text") == "写了很久"


def test_a_stale_page_deletes_and_withdraws_nothing(front: Front, words: WordLists) -> None:
    with front.browser() as browser:
        page = report_page(browser)
        send(browser, page)
        answered(front, words, page.codename(), "第一条")
        case = opened(front, browser, page.codename())
        (delete,) = [str(button["value"]) for button in case.html.select(".reply button")]
        front.now += 121 * 60
        for act in (delete, delete.replace("delete", "erase"), "withdraw"):
            refused = browser.send(case.form(), {}, button=("act", act))
            assert refused.status == 400 and "打开的时间太长" in problems(refused)

    assert len(front.vault.sealed) == 1 and [report.kind for report in front.reports()] == [
        "report"
    ]


def test_the_reviewers_fingerprints_are_shown_as_they_are_pinned(
    front: Front, keys_dir: Path
) -> None:
    with front.browser() as browser:
        shown = [
            tag.get_text().replace(" ", "")
            for tag in browser.get("/en/keys").html.select(".fingerprint")
        ]
    pinned = [
        line.split()[0] for line in (keys_dir / "FINGERPRINTS").read_text("utf-8").splitlines()
    ]

    assert sorted(shown) == sorted(pinned) and len(shown) == 2


def test_only_this_machine_is_told_of_the_fronts_health_and_only_with_a_vault(
    front: Front,
) -> None:
    with front.app.test_client() as local:
        host = {"Host": ONION}

        def asked(circuit: str) -> int:
            return local.get(
                "/health", headers=host, environ_overrides={"REMOTE_ADDR": circuit}
            ).status_code

        assert asked("") == 200 and front.vault.asked == ["replies"]
        assert asked("fc00:dead:beef:4dad::0:42") == 404 and front.vault.asked == ["replies"]
        front.vault.failure = VaultUnavailable()
        assert asked("") == 500
