"""Clients that trickle: they are cut, and meanwhile the front answers everybody else."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support.front import ONION

from dropbox.sizes import PAGE_BYTES
from onion.launch import Drop
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser

LIMITS = {"HEAD_SECONDS": "4", "SLOW_SECONDS": "4", "SLOWEST_BYTES": "10000", "UPLOADS": "4"}
LIMITS["CIRCUIT_PAGES"] = "20"
HEAD = f"POST /en/report/send HTTP/1.1\r\nHost: {ONION}\r\n".encode()


class Slow:
    """Clients that send a byte now and then."""

    def __init__(self, front_socket: Path) -> None:
        self.path = front_socket
        self.open: list[socket.socket] = []
        self.said: list[str] = []
        self.drop: Drop
        self._stack = ExitStack()

    def connect(self, first: bytes, circuit: int | None = None) -> socket.socket:
        """One more, which begins with *first*."""
        client = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        client.settimeout(10)
        client.connect(str(self.path))
        if circuit is not None:
            line = f"PROXY TCP6 fc00:dead:beef:4dad::0:{circuit:x} ::1 {circuit} 42\r\n"
            client.sendall(line.encode())
        client.sendall(first)
        self.open.append(client)
        return client

    def trickle(self) -> None:
        """Send one byte on each connection that is still open."""
        for client in list(self.open):
            try:
                client.sendall(b"x")
            except OSError:
                self.open.remove(client)

    def close(self) -> None:
        """Hang up all of them."""
        self._stack.close()
        self.open.clear()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, keys_dir: Path) -> Iterator[Slow]:
    site = make_site(tmp_path_factory.mktemp("slow") / "site", onion=ONION, keys=keys_dir)
    environ = {**os.environ, **{f"CASEDROP_LIMITS_{name}": at for name, at in LIMITS.items()}}
    slow = Slow(site.front_socket)
    with Drop(site.settings_file, site.front_socket, environ, log=slow.said.append) as slow.drop:
        yield slow
        slow.close()


@pytest.fixture
def slow(front: Slow) -> Iterator[Slow]:
    yield front
    front.close()
    assert [line for line in front.said if "lockdown" not in line] == []


def page(path: Path, seconds: float = 10) -> float:
    """How long a page takes."""
    begun = time.monotonic()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(seconds)
        client.connect(str(path))
        client.sendall(f"GET /en/report HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode())
        assert len(client.makefile("rb").read()) == PAGE_BYTES
    return time.monotonic() - begun


def test_trickling_clients_are_cut_and_hold_up_nobody_meanwhile(slow: Slow) -> None:
    # Two workers of 32 threads: these would take all of them several times.
    for number in range(1, 65):
        slow.connect(b"GET /en/ HTTP/1.1\r\nX: ", circuit=number)
    for number, size in enumerate([200_000, 30_000] * 55):
        slow.connect(HEAD + b"Content-Length: %d\r\n\r\nx" % size, circuit=100 + number)
    for _ in range(4):
        slow.trickle()
        assert page(slow.path) < 5
        with Browser(ONION, transport=httpx.HTTPTransport(uds=str(slow.path))) as browser:
            form = browser.get("/en/report").form()
            done = browser.send(form, {"text": "An honest report.", "category": "c1"})
            assert done.status == 200

    # Every head is cut at its deadline, and every body as well.
    end = time.monotonic() + 40
    while slow.open and time.monotonic() < end:
        slow.trickle()
        time.sleep(0.2)
    assert slow.open == []


def test_whoever_does_not_read_long_pages_holds_up_nobody(slow: Slow) -> None:
    with Browser(ONION, transport=httpx.HTTPTransport(uds=str(slow.path))) as browser:
        form = browser.get("/en/report").form()
    # It comes back five times as long, and the kernel takes a third of that at once.
    filled = dict(form.filled({"text": "&" * 100_000})) | {"act": "language"}
    sent = httpx.Request(
        "POST", "http://x", files=[(name, (None, one)) for name, one in filled.items()]
    )
    kind, body = sent.headers["Content-Type"].encode(), sent.read()
    head = HEAD + b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
    # As many as threads for such requests, of both workers.
    clients = [slow.connect(head + body, circuit=number) for number in range(1, 17)]
    assert all(page(slow.path) < 5 for _ in range(4))

    answers = [client.makefile("rb").read() for client in clients]
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    assert {answer.count(b"&amp;") // 100_000 for answer in answers} == {1}


def test_a_short_form_that_is_late_gets_a_page_that_says_so(slow: Slow) -> None:
    client = slow.connect(HEAD + b"Content-Length: 2000\r\n\r\nx")
    begun = time.monotonic()
    answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400 ") and b"The connection was lost" in answer
    assert 3 < time.monotonic() - begun < 9


def test_an_upload_over_ten_kilobytes_a_second_is_taken_however_long_it_lasts(slow: Slow) -> None:
    with Browser(ONION, transport=httpx.HTTPTransport(uds=str(slow.path))) as browser:
        form = browser.get("/en/report").form()
    parts = [
        (name, (None, value))
        for name, value in form.filled({"text": "A slow line.", "category": "c1"})
    ]
    file = ("files", ("a.bin", os.urandom(230_000), "application/octet-stream"))
    sent = httpx.Request("POST", "http://x" + form.action, files=[*parts, file])
    body = sent.read()
    head = HEAD + b"Content-Type: " + sent.headers["Content-Type"].encode()
    client = slow.connect(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:160_000])
    for at in range(160_000, len(body), 6_000):
        time.sleep(0.5)
        client.sendall(body[at : at + 6_000])

    answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 ") and b"has been sent" in answer


def test_a_worker_ends_although_clients_without_a_request_stay(slow: Slow) -> None:
    master = slow.drop.front_pid

    def workers() -> set[str]:
        return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())

    first = workers()
    held = [slow.connect(b"GET / HTTP/1.1\r\nX: ", circuit=at) for at in range(1, 13)]
    end = time.monotonic() + 30
    while first & workers() and time.monotonic() < end:
        page(slow.path)
        # Each is as fresh as a head can be.
        held.append(slow.connect(b"GET / HTTP/1.1\r\nX: ", circuit=len(held) % 12 + 1))
    assert not first & workers()


def test_both_workers_count_what_one_circuit_asks_for(slow: Slow) -> None:
    statuses = []
    for _ in range(30):
        client = slow.connect(f"GET /en/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(), circuit=900)
        statuses.append(client.makefile("rb").read()[9:12])

    assert statuses == [b"200"] * 20 + [b"429"] * 10
