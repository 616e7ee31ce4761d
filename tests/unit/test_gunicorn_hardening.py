"""gunicorn does with a connection what its settings cannot ask for."""

import os
import socket

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from onion.gunicorn_hardening import receive_in_pieces


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
