"""The courier between a vault's socket and a directory, over real HTTP on a unix socket."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from dropbox.reply_bundle import MAX_BYTES
from scripts.courier import __main__ as courier
from scripts.courier.transfer import CourierError, keys_notice, push


@dataclass
class Vault:
    """A stand-in for the vault: its prepared answers, and what it received."""

    socket: Path
    status: int = 200
    body: bytes = b""
    taken: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    # Unix socket paths are short.
    served = Vault(tmp_path_factory.mktemp("v") / "s")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            served.taken.append(
                (self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            )
            self.send_response(served.status)
            if served.status != 204:
                self.send_header("Content-Length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingUnixStreamServer):
        def handle_error(self, *_: object) -> None:
            """Ignore it: a courier that has read enough may be gone before the last write."""

    with Server(str(served.socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def test_replies_are_brought_as_they_are(vault: Vault, tmp_path: Path) -> None:
    vault.status = 204
    (tmp_path / "replies.tar").write_bytes(b"sealed" * 30_000)

    push(vault.socket, tmp_path / "replies.tar")

    assert vault.taken == [("/replies", b"sealed" * 30_000)]


def test_the_vaults_reason_is_shown_harmlessly(vault: Vault, tmp_path: Path) -> None:
    vault.status, vault.body = (
        422,
        "The bundle\x1b[2J has expired.\nsecond\u202e".encode() + b"x" * 5_000,
    )
    (tmp_path / "replies.tar").write_bytes(b"sealed")

    with pytest.raises(CourierError, match="has expired") as refused:
        push(vault.socket, tmp_path / "replies.tar")

    assert len(str(refused.value)) < 400 and not set("\x1b\n\u202e") & set(str(refused.value))


def test_a_vault_that_does_not_take_replies_is_a_sentence(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "replies.tar").write_bytes(b"sealed")
    vault.status = 200
    with pytest.raises(CourierError, match="try again later"):
        push(vault.socket, tmp_path / "replies.tar")
    with (tmp_path / "huge.tar").open("wb") as huge:
        huge.truncate(MAX_BYTES + 1)
    with pytest.raises(CourierError, match="larger than any"):
        push(vault.socket, tmp_path / "huge.tar")

    assert len(vault.taken) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"notice": "The keys end.\\u001b[2J\\nsecond"}', "The keys end.‹U+001B›[2J second"),
        (b'{"notice": ""}', ""),
        (b'{"blocks": 3}', ""),
        (b'{"notice": 7}', ""),
        (b'["notice"]', ""),
        (b"[" * 60_000, ""),
        (b"\xff", ""),
        (b"", ""),
        (b'{"notice": "' + b"x" * 200_000 + b'"}', ""),
    ],
)
@pytest.mark.slow
def test_what_the_vault_says_of_the_keys_is_shown_harmlessly_and_is_never_an_error(
    vault: Vault, body: bytes, said: str
) -> None:
    vault.body = body

    assert keys_notice(vault.socket) == said
    assert vault.taken == [("/status", b"")]


def test_a_vault_that_does_not_answer_has_no_notice(tmp_path: Path) -> None:
    assert keys_notice(tmp_path / "nobody") == ""


def test_the_command_line_speaks_in_sentences(
    vault: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault.status = 204
    (tmp_path / "replies.tar").write_bytes(b"sealed")
    assert courier.main(["push", "--socket", str(vault.socket), str(tmp_path / "replies.tar")]) == 0
    assert capsys.readouterr().out == "The vault has taken the replies.\n"

    assert courier.main(["push", "--socket", str(vault.socket), str(tmp_path / "none.tar")]) == 2
    assert courier.main(["pull", "--socket", str(tmp_path / "none"), "--to", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert (
        error.count("\n") == 2 and "none.tar: No such file" in error and "does not answer" in error
    )
