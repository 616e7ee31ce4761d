"""Front and vault as in production, both under gunicorn with the packaged settings, without tor."""

import gzip
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.desk_side import store_of
from support.front import ONION
from support.rooms import wait
from support.running_drop import RunningDrop, is_locked, running_drop, send

from dropbox.sizes import PAGE_BYTES
from scripts.rehearsal.claimant import File, Form

LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture(scope="module")
def one_drop(
    tmp_path_factory: pytest.TempPathFactory, keys_dir: Path, first_home: Path
) -> Iterator[RunningDrop]:
    with running_drop(tmp_path_factory.mktemp("d"), keys_dir, first_home) as running:
        yield running


@pytest.fixture
def running(one_drop: RunningDrop) -> RunningDrop:
    """One drop for all tests: each has fetched what it filed, and leaves both rooms running."""
    assert one_drop.drop.running
    one_drop.said.clear()
    return one_drop


def test_a_whole_response_has_the_promised_size_and_no_server_or_date_header(
    running: RunningDrop,
) -> None:
    for path, host in (
        ("/", ONION),
        ("/en/report", ONION),
        ("/nothing", ONION),
        ("/en/", "other.onion"),
        ("/zh-hant/inbox", ONION),
    ):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(running.site.front_socket))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = b""
            while data := client.recv(65_536):
                answer += data
        head = answer.partition(b"\r\n\r\n")[0]
        assert len(answer) == PAGE_BYTES, path
        assert not re.search(rb"(?im)^(server|date|set-cookie|etag|last-modified):", head), head


def ask(running: RunningDrop, request: bytes) -> bytes:
    """The response to *request*, until the front closes the connection."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(running.site.front_socket))
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65_536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed before everything was read
    return answer


HEAD = (
    f"POST /zh-hans/report/send HTTP/1.1\r\nHost: {ONION}\r\n"
    "Content-Type: multipart/form-data; boundary=B\r\n"
).encode()
FIELD = b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n%b\r\n'
UNUSUAL = {
    "shorter than announced": HEAD + b"Content-Length: 900\r\n\r\n" + FIELD % b"x",
    "longer than announced": HEAD + b"Content-Length: 9\r\n\r\n" + FIELD % b"x",
    "no length": HEAD + b"\r\n" + FIELD % b"x",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + FIELD % b"x",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n" + FIELD % b"x",
    "giant header": HEAD + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "broken chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + FIELD % b"x",
    "chunks and a length": HEAD
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /zh-hans/\r\n\r\n",
    "NUL in a header": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "NUL in the path": f"GET /zh-hans/%00 HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "OPTIONS": f"OPTIONS * HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "TRACE": f"TRACE /zh-hans/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "CONNECT": f"CONNECT {ONION}:80 HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "an upgrade": (
        f"GET / HTTP/1.1\r\nHost: {ONION}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    ).encode(),
    **{
        name: HEAD + b"Content-Length: %d\r\n" % len(body) + more + b"\r\n" + body
        for name, more, body in (
            ("10,000 fields", b"", FIELD % b"x" * 10_000 + b"--B--\r\n"),
            ("NUL bytes", b"", FIELD % (b"\0" * 5_000) + b"--B--\r\n"),
            ("lone surrogates", b"", FIELD % (b"\xed\xa0\xbd" * 100) + b"--B--\r\n"),
            (
                "compressed",
                b"Content-Encoding: gzip\r\n",
                gzip.compress(FIELD % b"x" + b"--B--\r\n"),
            ),
            ("an expectation", b"Expect: 100-continue\r\n", FIELD % b"x" + b"--B--\r\n"),
        )
    },
    "chunks": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(FIELD), FIELD),
}


def test_what_no_browser_sends_gets_a_page_of_the_usual_size_or_a_closed_connection(
    running: RunningDrop,
) -> None:
    told = {
        name: ask(running, request).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        for name, request in UNUSUAL.items()
    }
    head = ask(running, f"HEAD /zh-hans/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode())

    assert {
        name: len(answer) for name, answer in told.items() if len(answer) not in (0, PAGE_BYTES)
    } == {}
    assert {
        name for name, answer in told.items() if answer and not re.match(rb"HTTP/1.1 (2|4)", answer)
    } == set()
    assert head.endswith(b"\r\n\r\n") and b"Traceback" not in b"".join(told.values())
    assert running.said == []
    print({name: answer[9:12].decode() or "closed" for name, answer in told.items()})


def test_a_front_worker_may_not_write_a_byte_to_any_file(running: RunningDrop) -> None:
    assert len(running.wait_for_workers()) == 2
    assert not is_locked(running.drop.front_pid)


def test_an_upload_that_breaks_off_leaves_nothing_final(
    running: RunningDrop, tmp_path: Path
) -> None:
    with running.browser() as browser:
        form = browser.get("/en/report").form()
    body = f'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n{form.value("token")}\r\n'
    body += '--B\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(running.site.front_socket))
        head = f"POST /en/report HTTP/1.1\r\nHost: {ONION}\r\nContent-Length: 5000000\r\n"
        head += "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        client.sendall(head.encode() + body.encode() + b"x" * 2_000_000)
    # Until a tick has written what arrived.
    time.sleep(1.5)

    assert running.filed(tmp_path) == (0, 0)
    assert running.said == []


def test_ten_claimants_at_once_are_all_kept(running: RunningDrop, tmp_path: Path) -> None:
    answers: list[int] = []

    def file(number: int) -> None:
        with running.browser() as browser:
            answers.append(send(browser, browser.get("/en/report"), f"case {number}").status)

    threads = [threading.Thread(target=file, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 10, running.said
    assert running.filed(tmp_path) == (10, 0)


def test_a_case_is_added_to_and_withdrawn_through_the_real_vault(
    running: RunningDrop, tmp_path: Path
) -> None:
    with running.browser() as browser:
        page = browser.get("/en/report")
        send(browser, page, files=[File("a.bin", "", b"x" * 100_000)])
        inbox = browser.get("/en/inbox").form()
        case = browser.send(inbox, {"codename": page.codename()})
        assert "Your addition has been sent" in browser.send(case.form(), {"text": "more"}).text
        assert running.filed(tmp_path) == (2, 1)
        case = browser.send(inbox, {"codename": page.codename()})
        assert "Taken back" in browser.send(case.form(), {}, button=("act", "withdraw")).text

    # The notice to the reviewers. Every block that the desk has seen has a tombstone now.
    assert running.filed(tmp_path) == (1, 0)
    assert running.said == []


def test_workers_end_after_some_answers_but_not_while_they_take_an_upload(
    running: RunningDrop,
) -> None:
    first = set(running.wait_for_workers())
    with running.browser() as browser:
        form = browser.get("/en/report").form()
    head = '--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n'
    body = f"{head}{form.value('token')}\r\n".encode()
    body += b'--B\r\nContent-Disposition: form-data; name="act"\r\n\r\nfiles\r\n'
    body += (
        b'--B\r\nContent-Disposition: form-data; name="files"; filename="slow"\r\n\r\n'
        + b"x" * 100_000
        + b'\r\n--B\r\nContent-Disposition: form-data; name="end"\r\n\r\n1\r\n--B--\r\n'
    )
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(running.site.front_socket))
        client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1000])
        for _ in range(150):
            with running.browser() as browser:
                assert browser.get("/en/").status == 200
        workers = set(running.wait_for_workers())
        client.sendall(body[-1000:])
        answer = client.makefile("rb").read()

    # The worker with the upload kept serving; the other, and its successors, ended in turn.
    assert len(workers) == 2 and len(workers & first) == 1
    assert b"slow" in answer and len(answer) == PAGE_BYTES
    assert running.said == []


def test_a_vault_writes_its_file_at_every_tick_whatever_arrives(running: RunningDrop) -> None:
    path = store_of(running.site)
    for _ in range(2):
        os.utime(path, LONG_AGO)
        wait(lambda: time.time() - path.stat().st_mtime < 1_000)


# From here on rooms are stopped or killed. The other one may say something of it, even later.


def test_with_the_vault_down_nothing_is_accepted_and_after_it_is_back_the_same_page_is(
    running: RunningDrop, tmp_path: Path
) -> None:
    with running.browser() as browser:
        # It is there when the first is accepted: the front has a day key.
        assert send(browser, browser.get("/en/report")).status == 200
        page = browser.get("/en/report")
        running.drop.kill_vault()
        refused = send(browser, page, files=[File("a.bin", "", b"x" * 200_000)])
        assert refused.status == 503 and "NOT accepted" in refused.text
        running.drop.start_vault()
        # Without the file, which has to be named as missing before anything is sent.
        fields = {"category": "c1", "text": "【虚构】测试"}
        sent = browser.send(refused.form(), fields, button=("act", "without"))
        assert sent.status == 200

    assert running.filed(tmp_path) == (2, 0)


def test_a_restart_of_the_front_keeps_codename_and_files(
    running: RunningDrop, tmp_path: Path
) -> None:
    """By the keys in memory; a visit that was left before it stays left."""
    files = [File("a.bin", "", b"x" * 100_000)]
    with running.browser() as browser:
        gone = browser.get("/en/report")
        button = gone.html.select_one("nav button[name=leaving]")
        assert button is not None
        browser.send(Form("/en/leave", []), {"leaving": str(button["value"])})
        page = browser.get("/en/report")
        page = browser.send(page.form(), {}, files=files, button=("act", "files"))
        running.drop.stop_front()
        running.drop.start_front()
        done = send(browser, page, "written before the restart")
        assert done.status == 200 and done.codename() == page.codename()
        assert "1 file arrived complete" in done.text
        again = send(browser, gone, "from a page that was left")
        assert again.status == 400 and "You left this page before" in again.text

    assert running.filed(tmp_path) == (1, 1)


def test_a_vault_that_is_stopped_writes_what_waits_for_a_tick(
    running: RunningDrop, tmp_path: Path
) -> None:
    """Files on the page are in the vault, even if it is restarted before their tick."""
    with running.browser() as browser:
        for number in range(5):
            files = [File(f"{number}.bin", "", b"x" * 100_000)]
            page = browser.send(
                browser.get("/en/report").form(), {}, files=files, button=("act", "files")
            )
            running.drop.stop_vault()
            running.drop.start_vault()
            assert send(browser, page).status == 200

    assert running.filed(tmp_path) == (5, 5)
