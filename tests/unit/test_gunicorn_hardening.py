"""gunicorn does with a connection what its settings cannot ask for."""

import errno
import os
import pwd
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import SocketUnreader
from gunicorn.sock import UnixSocket

from onion.gunicorn_hardening import (
    BOOT_MESSAGE,
    _log_kind_only,
    _print_reason,
    answer_only,
    end_at_once,
    receive_in_pieces,
)


def test_a_start_that_the_system_refuses_says_whom_it_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    sentence = f"/x/y: Permission denied to the user {me}: change the owner or the permissions."
    logged: list[str] = []
    logger = SimpleNamespace(
        error_log=SimpleNamespace(error=lambda text, *rest: logged.append(text % rest))
    )
    why = PermissionError(errno.EACCES, "Permission denied", "/x/y")

    _print_reason(PermissionError, why, None)
    try:
        raise why
    except PermissionError:
        _log_kind_only(logger, BOOT_MESSAGE)

    assert capsys.readouterr().err == f"The start failed: {sentence}\n"
    assert logged == [f"The start failed: {sentence}"]


class Noted(socket.socket):
    """A socket that notes for how many bytes it is asked."""

    asked: list[int] = []

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See socket."""
        self.asked.append(size)
        return super().recv(size, flags)


def received(data: bytes) -> tuple[bytes, int]:
    """A body as an application reads it, and the most that was asked of the socket at once."""
    one, other = socket.socketpair()
    asked: list[int] = []
    with one, Noted(fileno=other.detach()) as noted:
        noted.asked = asked
        one.sendall(data)
        body = Body(LengthReader(SocketUnreader(noted), len(data)))
        whole = b"".join(iter(lambda: body.read(65_536), b""))
    return whole, max(asked)


def test_a_body_is_received_in_pieces_of_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(150_000)
    monkeypatch.setattr(SocketUnreader, "max_body_chunk", SocketUnreader.max_body_chunk)
    assert received(data) == (data, 150_000), "the control"

    receive_in_pieces(size=65_536)

    assert received(data) == (data, 65_536)


@pytest.fixture
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are received straight into their reader's memory, during one test."""
    monkeypatch.setattr(SocketUnreader, "max_body_chunk", SocketUnreader.max_body_chunk)
    monkeypatch.setattr(Body, "readinto", None, raising=False)
    receive_in_pieces(size=1_000)


def filled(body: Body, size: int) -> bytes:
    """What the body puts into memory of *size* bytes."""
    memory = bytearray(size)
    return bytes(memory[: body.readinto(memory)])


@pytest.mark.usefixtures("in_place")
@pytest.mark.parametrize("ahead", [0, 1, 999, 2_500, 7_000])
def test_a_body_is_received_in_place_whole_and_in_order(ahead: int) -> None:
    data, behind = os.urandom(7_000), b"the next request"
    one, other = socket.socketpair()
    with one, other:
        reader = SocketUnreader(other)
        body = Body(LengthReader(reader, len(data)))
        # Some of it came with the headers.
        reader.unread((data + behind)[:ahead])
        one.sendall((data + behind)[ahead:])

        read = [filled(body, 2_000), body.read(100), filled(body, 1), body.readline(50)]
        read += iter(lambda: filled(body, 1_500), b"")

        one.shutdown(socket.SHUT_WR)

        assert b"".join(read) == data
        assert (body.failed, reader.take_buffered() + other.recv(100)) == (False, behind)


@pytest.mark.usefixtures("in_place")
def test_what_came_behind_a_body_is_left_for_the_next_request() -> None:
    one, other = socket.socketpair()
    with one, other:
        reader = SocketUnreader(other)
        reader.unread(b"bodyGET /")

        assert filled(Body(LengthReader(reader, 4)), 100) == b"body"
        assert reader.take_buffered() == b"GET /"


@pytest.mark.usefixtures("in_place")
def test_a_body_in_chunks_is_put_into_the_readers_memory_too() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        body = Body(ChunkedReader(None, SocketUnreader(other)))

        assert [filled(body, 4), filled(body, 4), filled(body, 4)] == [b"abcd", b"e", b""]


@pytest.mark.usefixtures("in_place")
def test_a_body_that_breaks_off_ends_there() -> None:
    one, other = socket.socketpair()
    with other:
        with one:
            one.sendall(b"half")
        body = Body(LengthReader(SocketUnreader(other), 8))

        assert [filled(body, 8), filled(body, 8)] == [b"half", b""]


@pytest.mark.usefixtures("in_place")
def test_a_connection_that_failed_is_not_used_again() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"half")
        other.setblocking(False)
        body = Body(LengthReader(SocketUnreader(other), 8))
        with pytest.raises(BlockingIOError):
            body.readinto(bytearray(8))

        assert body.failed


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """One of gunicorn's listening sockets, whose class is as it was after the test."""
    monkeypatch.setattr(UnixSocket, "accept", None, raising=False)
    monkeypatch.delattr(UnixSocket, "accept")
    made = UnixSocket(str(tmp_path / "socket"), Config(), None)
    yield made
    made.close()


def asked(listener: Any) -> tuple[str, bytes]:
    """What becomes of a request: how accepting it ended, and what came back."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(listener.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\n")
        try:
            connection, _address = listener.accept()
        except ConnectionAbortedError:
            try:
                return "refused", client.recv(100)
            except ConnectionResetError:
                # Closed with all that it sent unread.
                return "refused", b"unread"
        with connection:
            connection.sendall(connection.recv(100))
            return "accepted", client.recv(100)


def test_a_socket_answers_its_users_and_closes_the_connection_of_another_unread(
    listener: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path, own = listener.getsockname(), os.geteuid()
    assert asked(listener) == ("accepted", b"GET / HTTP/1.1\r\n"), "the control"

    answer_only({path: {own + 1, own}})
    assert asked(listener) == ("accepted", b"GET / HTTP/1.1\r\n")
    assert capsys.readouterr().err == ""

    answer_only({path: {own + 1}})
    assert [asked(listener) for _ in range(3)] == [("refused", b"unread")] * 3
    # Once for each user, however often that one tries.
    assert capsys.readouterr().err == f"The socket {path} refuses processes of the user {own}.\n"

    answer_only({"/another": {own}})
    assert asked(listener) == ("refused", b"unread")


class OfAnotherGroup(socket.socket):
    """A connection whose other side is process 7 of user 41 and group 42."""

    def getsockopt(self, *_: Any) -> Any:
        """See socket: what the kernel says of it."""
        return struct.pack("3i", 7, 41, 42)


class Accepting:
    """A listening socket whose connections are all of that process."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.getsockname, self.close = sock.getsockname, sock.close

    def accept(self) -> tuple[socket.socket, Any]:
        """See socket."""
        connection, address = self._sock.accept()
        return OfAnotherGroup(fileno=connection.detach()), address


@pytest.mark.parametrize(("allowed", "came"), [(41, "accepted"), (42, "refused"), (7, "refused")])
def test_it_is_the_user_that_counts_and_neither_the_group_nor_the_process(
    listener: Any, allowed: int, came: str
) -> None:
    listener.sock = Accepting(listener.sock)
    answer_only({listener.getsockname(): {allowed}})

    assert asked(listener)[0] == came


@pytest.mark.parametrize(
    ("ending", "unanswered", "at_once"),
    [
        (SystemExit(), 0, True),
        (SystemExit(0), 0, True),
        (SystemExit(0), 1, False),
        (SystemExit(3), 0, False),
        (ValueError("claimant"), 0, False),
    ],
)
def test_a_worker_ends_at_once_when_it_has_answered_everything_and_nothing_went_wrong(
    ending: BaseException, unanswered: int, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)

    with pytest.raises(type(ending)):
        try:
            raise ending
        finally:
            end_at_once(SimpleNamespace(nr_conns=unanswered))

    assert codes == ([0] if at_once else [])
