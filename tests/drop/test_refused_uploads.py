"""A file for which no place is free: the browser gets a page, and threads stay free for others."""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from support.front import ONION

from dropbox.sizes import PAGE_BYTES
from onion.launch import Drop
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, Form

TEXT = "【虚构】这些字不能丢。"
# More than all buffers between a client and the front.
FILE_BYTES = 4_000_000


class Claimants:
    """Raw clients of a front with one place for sealing in each of its two workers."""

    def __init__(self, front_socket: Path, form: Form) -> None:
        self._socket = front_socket
        self._form = form
        self._open = ExitStack()

    def close(self) -> None:
        """Hang up all of them."""
        self._open.close()

    def connect(self) -> socket.socket:
        """A connection that stays open until the end."""
        client = self._open.enter_context(socket.socket(socket.AF_UNIX))
        client.settimeout(60)
        client.connect(str(self._socket))
        return client

    def post(self, file: bytes) -> tuple[bytes, bytes]:
        """A request with *file*, cut before the last byte of it."""
        boundary = secrets.token_hex(16)
        fields = [
            (name, value)
            for name, value in self._form.filled({"text": TEXT, "category": "c1"})
            if name not in ("end", "act")
        ]
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields
        )
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n'
        )
        first = head.encode() + b"Content-Type: video/mp4\r\n\r\n" + file[:-1]
        last = (
            file[-1:]
            + "".join(
                f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'
                for name, value in (("end", "1"), ("act", "files"))
            ).encode()
        )
        last += f"\r\n--{boundary}--\r\n".encode()
        request = (
            f"POST {self._form.action} HTTP/1.1\r\nHost: {ONION}\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
            f"Content-Length: {len(first) + len(last)}\r\n\r\n"
        ).encode()
        return request + first, last

    def refused(self, answer: bytes) -> bool:
        """Whether *answer* is the page that says that the server is busy, with the text."""
        assert len(answer) % PAGE_BYTES == 0 and answer.startswith(b"HTTP/1.1 ")
        return answer.startswith(b"HTTP/1.1 503 ") and TEXT.encode() in answer

    def take_all_places(self) -> None:
        """Begin files and leave them unfinished until no more is taken."""
        in_a_row = 0
        while in_a_row < 8:
            self.connect().sendall(self.post(b"x" * 300_000)[0])
            client = self.connect()
            client.sendall(b"".join(self.post(b"small")))
            in_a_row = in_a_row + 1 if self.refused(whole(client)) else 0


def whole(client: socket.socket) -> bytes:
    answer = b""
    while data := client.recv(65_536):
        answer += data
    return answer


@pytest.fixture
def claimants(tmp_path: Path, keys_dir: Path) -> Iterator[Claimants]:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    environ = {**os.environ, "CASEDROP_LIMITS_SEALINGS": "1"}
    with Drop(site.settings_file, site.front_socket, environ):
        with Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser:
            made = Claimants(site.front_socket, browser.get("/zh-hans/report").form())
        yield made
        made.close()


def test_a_browser_that_sends_all_before_it_reads_is_shown_that_the_server_is_busy(
    claimants: Claimants,
) -> None:
    claimants.take_all_places()

    for _ in range(4):
        client = claimants.connect()
        client.sendall(b"".join(claimants.post(os.urandom(FILE_BYTES))))
        assert claimants.refused(whole(client))


def test_so_is_one_on_a_slow_line(claimants: Claimants) -> None:
    claimants.take_all_places()

    client = claimants.connect()
    request = b"".join(claimants.post(os.urandom(FILE_BYTES)))
    for at in range(0, len(request), 400_000):
        client.sendall(request[at : at + 400_000])
        time.sleep(0.3)
    assert claimants.refused(whole(client))


def test_a_hundred_that_are_refused_and_do_not_end_leave_threads_for_the_pages(
    claimants: Claimants,
) -> None:
    claimants.take_all_places()
    for _ in range(100):
        with suppress(OSError):
            claimants.connect().sendall(claimants.post(os.urandom(300_000))[0])

    begun = time.monotonic()
    for _ in range(10):
        client = claimants.connect()
        client.sendall(f"GET /en/report HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode())
        assert len(whole(client)) == PAGE_BYTES
    assert time.monotonic() - begun < 30
