"""Pulling a bundle of version 2 from a vault that breaks off, restarts, or sends something else."""

import hashlib
import os
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from socket import AF_UNIX, socket

import pytest
from nacl.signing import SigningKey
from support.other_user import open_folder, said_to_another

from dropbox import export_bundle
from dropbox.durable_file import CannotWrite
from dropbox.errors import BadBundle
from dropbox.export_bundle import (
    Head,
    HeldDay,
    ListedBlock,
    in_volumes,
    read_head,
    read_volume,
    volume_of,
    write_head,
    write_volume,
)
from scripts.courier import __main__ as courier
from scripts.courier import pull as module
from scripts.courier.pull import pull
from scripts.courier.transfer import CourierError

KEY = SigningKey(b"s" * 32)
BLOCKS = {os.urandom(16): os.urandom(65_536) for _ in range(10)}


@dataclass
class Vault:
    """A stand-in for the vault: its export in volumes of four, and how it fails.

    *cut*: how many bytes it sends of volumes from now on, None for all of them.
    """

    socket: Path
    number: int = 7
    status: int = 200
    head: bytes = b""
    volumes: list[bytes] = field(default_factory=list)
    cut: int | None = None
    asked: list[str] = field(default_factory=list)
    digest: str = ""

    def export(self) -> None:
        """Make the export *number*, another one each time."""
        listed = [
            ListedBlock(one, hashlib.sha256(data).digest(), date(2026, 11, 23))
            for one, data in BLOCKS.items()
        ]
        cut = in_volumes(listed)
        head = Head(
            vault=b"v" * 16,
            onion="a.onion",
            campaign="c",
            number=self.number,
            salt=os.urandom(16),
            history=(),
            days=(HeldDay(date(2026, 11, 23), 10, closed=True),),
            gone=(),
            day_keys=(),
            replies=(),
            volumes=tuple(map(volume_of, cut)),
        )
        self.head, self.digest = write_head(head, KEY), head.digest.hex()
        self.volumes = [
            b"".join(write_volume(head, position, blocks, BLOCKS.__getitem__, KEY))
            for position, blocks in enumerate(cut, 1)
        ]

    def answer(self, path: str) -> tuple[int, bytes]:
        """The status and the body for a request."""
        self.asked.append(path)
        if path == "/export":
            return self.status, self.head
        _, _, digest, position = path.split("/")
        if digest != self.digest:
            return 404, b""
        return self.status, self.volumes[int(position) - 1]


@pytest.fixture
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    # Unix socket paths are short.
    served = Vault(tmp_path_factory.mktemp("v") / "s")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = served.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.path == "/export" else body[: served.cut])

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingUnixStreamServer):
        def handle_error(self, *_: object) -> None:
            """Ignore it: a courier that has read enough may be gone before the last write."""

    with pytest.MonkeyPatch.context() as patch, Server(str(served.socket), Handler) as server:
        patch.setattr(export_bundle, "VOLUME_BLOCKS", 4)
        served.export()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def opened(directory: Path) -> dict[bytes, bytes]:
    """The blocks of a bundle as the desk would read them."""
    found: dict[bytes, bytes] = {}

    def take(listed: ListedBlock, data: bytes) -> None:
        found[listed.id] = data

    head = read_head(BytesIO((directory / "head.tar").read_bytes()), KEY.verify_key, campaign="c")
    for position in range(1, len(head.volumes) + 1):
        with (directory / f"volume-{position:05d}.tar").open("rb") as stream:
            read_volume(stream, head, position, KEY.verify_key, take)
    return found


WHOLE = ["head.tar", "volume-00001.tar", "volume-00002.tar", "volume-00003.tar"]


def test_a_bundle_arrives_whole_in_a_directory_with_its_number(
    vault: Vault, tmp_path: Path
) -> None:
    shown: list[tuple[int, int]] = []
    directory = pull(vault.socket, tmp_path, lambda *volume: shown.append(volume))

    assert directory == tmp_path / "casedrop-export-000007"
    assert names(directory) == WHOLE and names(tmp_path)[0] == directory.name
    assert opened(directory) == BLOCKS
    assert shown == [(1, 3), (2, 3), (3, 3)]
    assert directory.stat().st_mode & 0o077 == 0


def test_a_pull_that_breaks_off_goes_on_where_it_was(vault: Vault, tmp_path: Path) -> None:
    vault.cut = 100_000
    with pytest.raises(CourierError, match="broke off"):
        pull(vault.socket, tmp_path)
    part = tmp_path / "casedrop-export-000007.part"
    assert names(part) == ["head.tar"]

    vault.cut = None
    vault.asked.clear()
    assert opened(pull(vault.socket, tmp_path)) == BLOCKS
    assert vault.asked == [f"/export/{vault.digest}/{position}" for position in (1, 2, 3)]


def test_volumes_that_came_are_not_fetched_again(vault: Vault, tmp_path: Path) -> None:
    answer, calls = vault.answer, 0

    def dying(path: str) -> tuple[int, bytes]:
        nonlocal calls
        calls += 1
        return answer(path) if calls <= 3 else (507, b"")

    vault.answer = dying  # type: ignore[method-assign]
    with pytest.raises(CourierError, match=r"volume 3 now \(it answers 507\)"):
        pull(vault.socket, tmp_path)
    vault.answer = answer  # type: ignore[method-assign]
    # Killed in the middle of the third, too.
    (tmp_path / "casedrop-export-000007.part" / "volume-00003.tar.part").write_bytes(b"half")
    vault.asked.clear()

    assert opened(pull(vault.socket, tmp_path)) == BLOCKS
    assert vault.asked == [f"/export/{vault.digest}/3"]
    assert names(tmp_path / "casedrop-export-000007") == WHOLE


def test_an_export_that_the_vault_no_longer_has_is_fetched_anew(
    vault: Vault, tmp_path: Path
) -> None:
    vault.cut = 10
    with pytest.raises(CourierError):
        pull(vault.socket, tmp_path)
    vault.number, vault.cut = 8, None
    vault.export()

    directory = pull(vault.socket, tmp_path)
    assert names(tmp_path) == [directory.name, *(f"{directory.name}/{one}" for one in WHOLE)]
    assert directory.name == "casedrop-export-000008" and opened(directory) == BLOCKS


def test_a_directory_without_a_head_is_no_obstacle(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "casedrop-export-000003.part").mkdir()
    assert opened(pull(vault.socket, tmp_path)) == BLOCKS
    assert not (tmp_path / "casedrop-export-000003.part").exists()


def test_a_bundle_that_is_there_already_is_not_overwritten(vault: Vault, tmp_path: Path) -> None:
    directory = pull(vault.socket, tmp_path)
    before = {one: (directory / one).read_bytes() for one in WHOLE}
    vault.export()

    with pytest.raises(CannotWrite, match="already exists"):
        pull(vault.socket, tmp_path)
    assert before == {one: (directory / one).read_bytes() for one in WHOLE}
    assert len(names(tmp_path)) == 1 + len(WHOLE)


@pytest.mark.parametrize("body", [b"", b"no bundle", os.urandom(20_000)])
def test_something_else_than_a_head_is_not_kept(vault: Vault, tmp_path: Path, body: bytes) -> None:
    vault.head = body
    with pytest.raises(BadBundle):
        pull(vault.socket, tmp_path)
    assert names(tmp_path) == []


def test_no_more_is_read_than_a_bundle_can_have(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.volumes[1] += bytes(1_000_000)
    with pytest.raises(CourierError, match="Volume 2 is longer than the head says"):
        pull(vault.socket, tmp_path)
    assert names(tmp_path / "casedrop-export-000007.part") == WHOLE[:2]

    monkeypatch.setattr(module, "HEAD_BYTES", len(vault.head) - 1)
    with pytest.raises(CourierError, match="more than any head"):
        pull(vault.socket, tmp_path / "..")


def test_a_vault_in_trouble_or_a_full_stick_is_a_sentence(vault: Vault, tmp_path: Path) -> None:
    vault.status = 507
    with pytest.raises(CourierError, match="507"):
        pull(vault.socket, tmp_path)
    with pytest.raises(CourierError, match="There is no socket"):
        pull(tmp_path / "nobody", tmp_path)
    vault.status, vault.asked = 200, []
    with pytest.raises(CannotWrite, match=r"No such file .* There is no folder .*/no stick\."):
        pull(vault.socket, tmp_path / "no stick")
    assert names(tmp_path) == [] and vault.asked == [], "An export that nobody keeps was made."


def test_a_user_who_may_not_use_the_socket_or_the_folder_is_told_what_to_do() -> None:
    with open_folder() as folder:
        (folder / "to").mkdir(mode=0o555)
        with socket(AF_UNIX) as server:
            server.bind(str(folder / "c"))
            (folder / "c").chmod(0o500)
            said = said_to_another(lambda: pull(folder / "c", folder.parent))
            assert f"may not use {folder / 'c'}" in said and "courier_users" in said
            said = said_to_another(lambda: pull(folder / "c", folder / "to"))
            assert said.startswith(f"Nothing can be written into {folder / 'to'}: Permission")


def test_the_most_bytes_of_a_volume_are_enough_when_all_of_it_was_deleted(vault: Vault) -> None:
    head = read_head(BytesIO(vault.head), KEY.verify_key, campaign="c")
    blocks = in_volumes(
        ListedBlock(one, hashlib.sha256(data).digest(), date(2026, 11, 23))
        for one, data in BLOCKS.items()
    )
    gone = b"".join(write_volume(head, 1, blocks[0], lambda _: bytes(65_536), KEY))
    assert len(gone) <= export_bundle.volume_bytes(head.volumes[0])


@pytest.mark.slow
def test_the_command_shows_how_far_it_is(
    vault: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pull", "--socket", str(vault.socket), "--to", str(tmp_path)]
    assert courier.main(command) == 0
    said, shown = capsys.readouterr()
    assert said == f"The bundle is in {tmp_path / 'casedrop-export-000007'}.\n"
    assert shown == "".join(f"Volume {n} of 3 ...\n" for n in (1, 2, 3))

    vault.status, vault.asked = 405, []
    assert courier.main(command) == 2
    assert vault.asked == ["/export"] and "answers 405" in capsys.readouterr().err
