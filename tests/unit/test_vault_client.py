"""The front's side of the intake socket: it agrees with the vault; any other response is a named
error.
"""

import copy
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import httpx
import pytest

from dropbox.bundle import ReplyBundle, SealedReply
from dropbox.errors import CannotStore, CasedropError, PendingGone, VaultUnavailable
from dropbox.front import vault_client
from dropbox.front.vault_client import VaultClient
from dropbox.sealing import Block
from dropbox.sizes import BLOCK_BYTES, PENDING_BATCH, REPLY_BYTES
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.store import Store

Handler = Callable[[httpx.Request], httpx.Response]


def ident(number: int) -> bytes:
    """An id or a tag."""
    return number.to_bytes(16, "big")


def block(number: int) -> Block:
    return Block(ident(number), bytes([number % 256]) * BLOCK_BYTES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(
        tmp_path / "vault.sqlite", clock=lambda: datetime.now(UTC), pending_minutes=240
    )
    yield opened
    opened.close()


@cache
def made_once() -> VaultClient:
    """To be copied: httpx reads the machine's certificates for each client, which takes 0.1 s."""
    return VaultClient(Path("/nowhere/intake.sock"))


def speaking_to(transport: httpx.BaseTransport) -> VaultClient:
    """A client whose socket is *transport*."""
    client = copy.copy(made_once())
    client._client = httpx.Client(base_url="http://vault", transport=transport)
    return client


@pytest.fixture
def client(store: Store) -> Iterator[VaultClient]:
    """A client of the real vault, without a socket between them."""
    with speaking_to(httpx.WSGITransport(app=create_intake(store))) as opened:
        yield opened


def answering(handler: Handler) -> VaultClient:
    return speaking_to(httpx.MockTransport(handler))


def test_client_and_vault_agree(client: VaultClient, store: Store) -> None:
    client.put_pending([block(number) for number in range(1, PENDING_BATCH + 1)])
    client.commit(block(99), ident(199), [(ident(1), ident(101)), (ident(2), ident(102))])
    client.abandon([ident(number) for number in range(3, PENDING_BATCH)])

    assert (store.counts().blocks, store.counts().pending) == (3, 1)
    assert store.block(ident(99)) == block(99).data and store.block(ident(2)) == block(2).data
    assert sorted(client.tags()) == [
        (ident(1), ident(101)),
        (ident(2), ident(102)),
        (ident(99), ident(199)),
    ]

    client.withdraw([(ident(1), ident(101)), (ident(2), ident(101))])
    assert sorted(client.tags()) == [(ident(2), ident(102)), (ident(99), ident(199))]


def test_replies_come_by_their_index_and_are_forgotten(client: VaultClient, store: Store) -> None:
    replies = tuple(SealedReply(ident(tag), bytes([tag]) * REPLY_BYTES) for tag in range(1, 4))
    store.accept(ReplyBundle(1, "wechat-2020", 0, date(2099, 12, 1), date(2099, 12, 31), replies))
    tags = [ident(9)] * 253 + [ident(3), ident(8), ident(1)]

    assert client.replies(tags) == [(253, b"\3" * REPLY_BYTES), (255, b"\1" * REPLY_BYTES)]
    client.forget_replies([ident(3)])
    assert client.replies(tags) == [(255, b"\1" * REPLY_BYTES)]
    assert client.replies([]) == []


def test_what_the_vault_refuses_has_its_name(client: VaultClient) -> None:
    client.put_pending([block(1)])

    with pytest.raises(VaultUnavailable):
        client.put_pending([block(1)])
    with pytest.raises(PendingGone):
        client.commit(block(9), ident(9), [(ident(2), ident(2))])
    with pytest.raises(VaultUnavailable):
        client.put_pending([block(number) for number in range(2, PENDING_BATCH + 3)])


CALLS: dict[str, Callable[[VaultClient], object]] = {
    "put_pending": lambda client: client.put_pending([block(1)]),
    "commit": lambda client: client.commit(block(1), ident(1), []),
    "abandon": lambda client: client.abandon([ident(1)]),
    "replies": lambda client: client.replies([ident(1)]),
    "forget_replies": lambda client: client.forget_replies([ident(1)]),
    "tags": lambda client: client.tags(),
    "withdraw": lambda client: client.withdraw([(ident(1), ident(1))]),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [201, 206, 302, 400, 404, 409, 413, 500, 502, 503, 507])
def test_an_answer_that_does_not_say_that_it_is_done_is_an_error(call: str, status: int) -> None:
    error: type[CasedropError] = VaultUnavailable
    if status == 507:
        error = CannotStore
    if status == 409 and call == "commit":
        error = PendingGone
    with answering(lambda _: httpx.Response(status)) as client, pytest.raises(error):
        CALLS[call](client)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError,
        httpx.ReadTimeout,
        httpx.WriteError,
        httpx.PoolTimeout,
        httpx.RemoteProtocolError,
    ],
)
def test_a_vault_that_does_not_answer_is_an_error(
    call: str, failure: type[httpx.TransportError]
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise failure("", request=request)

    with answering(broken) as client, pytest.raises(VaultUnavailable):
        CALLS[call](client)


@pytest.mark.parametrize("call", ["replies", "tags"])
@pytest.mark.parametrize("length", [1, 31, 33, 2 + REPLY_BYTES - 1])
def test_an_answer_of_a_length_that_no_vault_gives_is_an_error(call: str, length: int) -> None:
    with (
        answering(lambda _: httpx.Response(200, content=bytes(length))) as client,
        pytest.raises(VaultUnavailable),
    ):
        CALLS[call](client)


def test_no_more_replies_are_taken_than_there_are_tags() -> None:
    record = 2 + REPLY_BYTES
    with answering(lambda _: httpx.Response(200, content=bytes(256 * record))) as client:
        assert len(client.replies([ident(1)])) == 256
    with (
        answering(lambda _: httpx.Response(200, content=bytes(257 * record))) as client,
        pytest.raises(VaultUnavailable),
    ):
        client.replies([ident(1)])


@pytest.mark.parametrize(("more", "asked"), [(-1, 1), (0, 1), (1, 2)])
def test_many_blocks_are_withdrawn_in_bodies_that_the_vault_reads(more: int, asked: int) -> None:
    bodies: list[bytes] = []

    def noted(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return httpx.Response(204)

    pairs = [
        (ident(number), ident(number + 1)) for number in range(vault_client._PAIRS_AT_ONCE + more)
    ]
    with answering(noted) as client:
        client.withdraw(pairs)

    assert len(bodies) == asked and max(map(len, bodies)) < 2**20
    assert b"".join(bodies) == b"".join(block_id + tag for block_id, tag in pairs)


def test_abandoning_no_blocks_sends_no_request() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with answering(refuse) as client:
        client.abandon([])


def test_the_socket_is_reached_whatever_proxy_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "intake.sock"))
        server.listen()

        def answer() -> None:
            with server.accept()[0] as connection:
                heard.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with VaultClient(tmp_path / "intake.sock") as client:
            client.abandon([ident(1)])
        thread.join()

    assert heard[0].startswith(b"POST /abandon HTTP/1.1\r\nHost: vault\r\n")
