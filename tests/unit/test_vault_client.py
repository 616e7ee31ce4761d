"""The front's requests: their bytes, and a named error for each failure."""

import socket
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import httpx
import pytest
from support.clocks import Clock
from support.day_vault import DayVault

from dropbox.day_key import DayKey
from dropbox.errors import CannotStore, CasedropError, NoRoomForFiles, PendingGone, VaultUnavailable
from dropbox.front import vault_client
from dropbox.front.unix_transport import connecting_to
from dropbox.front.uploads import Busy
from dropbox.front.vault_client import Claim, SealedBlock, VaultClient
from dropbox.hpke import SecretKey
from dropbox.sizes import BLOCK_BYTES, PENDING_BATCH, REPLY_BYTES
from dropbox.vault import block_store

Handler = Callable[[httpx.Request], httpx.Response]
RECORD = DayKey.make(date(2026, 11, 25)).seal([SecretKey.generate().public])


def ident(number: int) -> bytes:
    """An id, a tag, a preimage or an erase hash."""
    return number.to_bytes(16, "big")


def block(number: int) -> SealedBlock:
    return SealedBlock(ident(number), ident(number + 256), bytes([number]) * BLOCK_BYTES)


def answering(handler: Handler) -> VaultClient:
    """A client whose vault is *handler*."""
    client = VaultClient(connecting_to(Path("/nowhere/intake.sock")))
    client._transport = httpx.MockTransport(handler)
    return client


CALLS: dict[str, tuple[Callable[[VaultClient], object], bytes]] = {
    "put": (
        lambda client: client.put([block(number) for number in range(PENDING_BATCH)]),
        b"".join(
            ident(number) + ident(number + 256) + bytes([number]) * BLOCK_BYTES
            for number in range(PENDING_BATCH)
        ),
    ),
    "commit": (
        lambda client: client.commit(
            block(1), [Claim(ident(2), ident(3), ident(4)), Claim(ident(5), ident(6), ident(7))]
        ),
        ident(1) + ident(257) + b"\1" * BLOCK_BYTES + b"".join(map(ident, range(2, 8))),
    ),
    "erase": (
        lambda client: client.erase([(ident(1), ident(2)), (ident(3), ident(4))]),
        b"".join(map(ident, range(1, 5))),
    ),
    "withdraw": (lambda client: client.withdraw(b"W" * 32), b"W" * 32),
    "day-key": (lambda client: client.keep_day_key(RECORD), RECORD.to_bytes()),
    "replies": (lambda client: client.replies([ident(1), ident(2)]), ident(1) + ident(2)),
    "forget": (lambda client: client.forget_replies([ident(1), ident(2)]), ident(1) + ident(2)),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_is_asked_is_these_bytes_and_no_more(call: str) -> None:
    asked: list[tuple[str, str, bytes]] = []

    def noted(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url), request.read()))
        return httpx.Response(204)

    ask, body = CALLS[call]
    with answering(noted) as client:
        ask(client)

    assert asked == [("POST", f"http://vault/{call}", body)]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [201, 206, 302, 400, 404, 409, 413, 429, 500, 502, 503, 507])
def test_an_answer_that_does_not_say_that_it_is_done_is_an_error(call: str, status: int) -> None:
    errors: dict[int, type[CasedropError]] = {
        429: NoRoomForFiles,
        503: Busy,
        507: CannotStore,
    }
    error = errors.get(status, VaultUnavailable)
    if (status, call) == (409, "commit"):
        error = PendingGone
    with answering(lambda _: httpx.Response(status)) as client, pytest.raises(error):
        CALLS[call][0](client)


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
        CALLS[call][0](client)


def test_what_the_vault_refuses_has_its_name(tmp_path: Path) -> None:
    vault = DayVault(tmp_path / "vault.sqlite", Clock())
    one, two = block(1), block(2)
    vault.put([one])
    refused: dict[type[CasedropError], Callable[[], object]] = {
        VaultUnavailable: lambda: vault.put([one]),
        PendingGone: lambda: vault.commit(two, [Claim(one.id, ident(9), ident(9))]),
    }
    for error, call in refused.items():
        with pytest.raises(error):
            call()
    for failure, named in ((block_store.Busy, Busy), (block_store.NoRoom, CannotStore)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vault.store, "commit", raising(failure))
            with pytest.raises(named) as refusal:
                vault.commit(two, [])
            assert type(refusal.value) is named
    vault.store.close()


def raising(failure: type[CasedropError]) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise failure

    return refuse


def test_replies_come_by_their_index() -> None:
    body = b"\0\xfd" + b"3" * REPLY_BYTES + b"\0\xff" + b"1" * REPLY_BYTES
    with answering(lambda _: httpx.Response(200, content=body)) as client:
        assert client.replies([ident(1)]) == [(253, b"3" * REPLY_BYTES), (255, b"1" * REPLY_BYTES)]


@pytest.mark.parametrize("length", [1, 31, 2 + REPLY_BYTES - 1, 257 * (2 + REPLY_BYTES)])
def test_an_answer_of_a_length_that_no_vault_gives_is_an_error(length: int) -> None:
    with (
        answering(lambda _: httpx.Response(200, content=bytes(length))) as client,
        pytest.raises(VaultUnavailable),
    ):
        client.replies([ident(1)])


def test_a_reply_for_each_tag_is_taken() -> None:
    record = 2 + REPLY_BYTES
    with answering(lambda _: httpx.Response(200, content=bytes(256 * record))) as client:
        assert len(client.replies([ident(1)])) == 256


@pytest.mark.parametrize(("more", "asked"), [(-1, 1), (0, 1), (1, 2)])
def test_many_blocks_are_erased_in_bodies_that_the_vault_reads(more: int, asked: int) -> None:
    bodies: list[bytes] = []

    def noted(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return httpx.Response(204)

    pairs = [
        (ident(number), ident(number + 1)) for number in range(vault_client._PAIRS_AT_ONCE + more)
    ]
    with answering(noted) as client:
        client.erase(pairs)

    assert len(bodies) == asked and max(map(len, bodies)) < 2**20
    assert b"".join(bodies) == b"".join(map(b"".join, pairs))


def test_erasing_nothing_sends_no_request() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with answering(refuse) as client:
        client.erase([])


def test_a_busy_vault_says_so_before_the_front_gives_up() -> None:
    # StoreLimits.patience_seconds, and then some ticks.
    assert vault_client._TIMEOUT_SECONDS >= 20 + 5


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
                # All of it: head and body come apart.
                while not b"".join(heard).endswith(ident(1) + ident(2)):
                    heard.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with VaultClient(connecting_to(tmp_path / "intake.sock")) as client:
            client.erase([(ident(1), ident(2))])
        thread.join()

    assert b"".join(heard).startswith(b"POST /erase HTTP/1.1\r\nHost: vault\r\n")
