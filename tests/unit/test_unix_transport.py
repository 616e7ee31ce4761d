"""httpx over a unix socket: whole bodies in order, connections used again, errors with a name."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import httpx
import pytest

from dropbox.front import unix_transport
from dropbox.front.unix_transport import UnixTransport, connecting_to

KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone"

# Says nothing of closing the connection, which the server does all the same.
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nDone"


class Server:
    """Answers each request with the next of *answers* and notes (connection, head, body).

    Behind CLOSED and in the place of b"" it closes the connection.
    """

    def __init__(self, path: Path, answers: list[bytes]) -> None:
        self.heard: list[tuple[int, bytes, bytes]] = []
        self.closed = threading.Event()
        self._serving: list[threading.Thread] = []
        self._answers = iter(answers)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """With all its clients gone, it is done: a thread that goes on takes a processor."""
        self._socket.close()
        for thread in self._serving:
            thread.join(10.0)
            assert not thread.is_alive()

    def _run(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            number += 1
            serving = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._serving.append(serving)
            serving.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as file:
            while head := b"".join(_head(file)):
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                self.heard.append((number, head, file.read(length)))
                answer = next(self._answers)
                connection.sendall(answer)
                if answer in (CLOSED, b""):
                    break
        self.closed.set()


def _head(file: BufferedReader) -> Iterator[bytes]:
    """The lines before the empty one, or before the end."""
    for line in file:
        if line == b"\r\n":
            return
        yield line


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Unix socket paths are short.
    return tmp_path_factory.mktemp("u") / "s"


@contextmanager
def asked(
    path: Path, answers: list[bytes], seconds: float = 10.0
) -> Iterator[tuple[Callable[..., httpx.Response], Server]]:
    """post(*pieces), and the server that hears it."""
    server = Server(path, answers)
    with httpx.Client(
        base_url="http://vault",
        transport=UnixTransport(connecting_to(path), seconds),
        trust_env=False,
    ) as client:

        def post(*pieces: bytes) -> httpx.Response:
            length = {"Content-Length": str(sum(map(len, pieces)))}
            return client.post("/put?a=b", content=pieces, headers=length)

        yield post, server
    server.close()


def test_a_large_body_in_pieces_arrives_whole_and_in_order(path: Path) -> None:
    # More than the kernel takes in one call, as of a report that claims many blocks.
    pieces = [os.urandom(size) for _ in range(400) for size in (16, 3, 0, 5_000)]
    with asked(path, [KEPT]) as (post, server):
        answer = post(*pieces)

    assert (answer.status_code, answer.content) == (200, b"done")
    number, head, body = server.heard[0]
    assert (number, body) == (1, b"".join(pieces))
    assert head.startswith(b"POST /put?a=b HTTP/1.1\r\nHost: vault\r\n")
    assert head.lower().count(b"content-length") == head.lower().count(b"host:") == 1


@pytest.mark.parametrize(("first", "connections"), [(KEPT, [1, 1]), (LAST, [1, 2])])
def test_a_connection_is_used_again_unless_it_was_the_last_answer(
    path: Path, first: bytes, connections: list[int]
) -> None:
    with asked(path, [first, KEPT]) as (post, server):
        post(b"one")
        post(b"two")

    assert [number for number, _, _ in server.heard] == connections


def test_a_connection_is_not_used_again_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_transport, "_KEPT_SECONDS", -1.0)
    with asked(path, [KEPT, KEPT]) as (post, server):
        post(b"one")
        post(b"two")

    assert [number for number, _, _ in server.heard] == [1, 2]


def test_a_connection_that_the_other_side_closed_is_not_used_again(path: Path) -> None:
    with asked(path, [CLOSED, KEPT]) as (post, server):
        post(b"one")
        assert server.closed.wait(60)
        post(b"two")

    assert [number for number, _, _ in server.heard] == [1, 2]


NO_ANSWERS = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"?\r\n"]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"?\r\n"]
)
@pytest.mark.slow
def test_an_answer_that_is_none_is_an_error_and_ends_its_connection(
    path: Path, answer: bytes
) -> None:
    with asked(path, [answer, b"", KEPT], seconds=0.5) as (post, server):
        with pytest.raises(httpx.TransportError):
            post(b"one")
        with pytest.raises(httpx.TransportError):
            post(b"two")
        post(b"three")

    assert [number for number, _, _ in server.heard] == [1, 2, 3]


@pytest.mark.alone  # it measures time
def test_a_server_that_reads_nothing_is_an_error_in_time(path: Path) -> None:
    """As one that has stopped: more than its socket holds waits for ever."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def accept_and_end() -> None:
            listening.accept()[0].close()

        # Should nobody look at the time, the end of it all is an error, too: a late one.
        late = threading.Timer(4.0, accept_and_end)
        late.daemon = True
        late.start()
        begun = time.monotonic()
        with (
            httpx.Client(transport=UnixTransport(connecting_to(path), 0.3)) as client,
            pytest.raises(httpx.ReadError),
        ):
            client.post("http://vault/", content=bytes(2**22))
        took = time.monotonic() - begun
        late.cancel()

    assert took < 2.9


def test_no_server_is_an_error(path: Path) -> None:
    with (
        httpx.Client(transport=UnixTransport(connecting_to(path), 1.0)) as client,
        pytest.raises(httpx.ReadError),
    ):
        client.post("http://vault/", content=b"")


@pytest.mark.slow
def test_many_threads_share_a_transport(path: Path) -> None:
    with asked(path, [KEPT] * 40) as (post, server):
        threads = [
            threading.Thread(target=lambda mark=mark: [post(mark * 9_000) for _ in range(5)])
            for mark in (bytes([number]) for number in range(8))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.heard) == 40
    assert all(body == body[:1] * 9_000 for _, _, body in server.heard)
