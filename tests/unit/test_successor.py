"""The operator's statement about a lost vault, as a file."""

import os
from pathlib import Path

import pytest

from dropbox.durable_file import CannotWrite
from dropbox.errors import SettingsError
from dropbox.export_bundle import Successor
from dropbox.successor import read_successor, successor_path, write_successor

LOST = Successor(bytes(range(16)), 41, "磁盘坏了:\nall since 20 November")
VECTOR = Path(__file__).parents[1] / "vectors" / "successor" / "01_lost_disk.json"
WRITTEN = VECTOR.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return successor_path(tmp_path / "vault.sqlite")


def test_a_statement_is_written_beside_the_vault_and_read_again(path: Path) -> None:
    assert read_successor(path) is None
    write_successor(path, LOST)

    assert path.name == "successor.json" and path.read_bytes() == WRITTEN
    assert path.stat().st_mode & 0o077 == 0
    assert read_successor(path) == LOST


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_statement_that_root_writes_belongs_to_the_vaults_user(path: Path) -> None:
    os.chown(path.parent, 65534, 65534)
    write_successor(path, LOST)

    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_a_statement_is_not_overwritten(path: Path) -> None:
    write_successor(path, LOST)
    with pytest.raises(CannotWrite, match="already exists"):
        write_successor(path, LOST._replace(number=1))
    assert read_successor(path) == LOST


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"vault": bytes(15)}, "32 hexadecimal digits"),
        ({"number": -1}, "not negative"),
        ({"lost": " \n"}, "has to be said"),
        ({"lost": "x" * 2_001}, "at most 2000 characters"),
        ({"lost": "\x1b[31m"}, "control characters"),
        ({"lost": "\u202e"}, "control characters"),
        ({"lost": "\ud800"}, "control characters"),
    ],
)
def test_something_impossible_is_neither_written_nor_read(
    path: Path, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        write_successor(path, LOST._replace(**changes))  # type: ignore[arg-type]
    assert not path.exists()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        WRITTEN[:-1],
        WRITTEN + b"\n",
        WRITTEN.replace(b'"number":41', b'"number":true'),
        WRITTEN.replace(b'"number":41', b'"number":-1'),
        WRITTEN.replace(b'"version":1', b'"version":2'),
        WRITTEN.replace(b"0e0f", b"0e"),
        WRITTEN.replace(b"since", b"\\u001b"),
        WRITTEN.replace(b"successor", b"reply"),
        WRITTEN.replace(b'"lost":', b'"more":1,"lost":'),
        os.urandom(30_000),
    ],
)
def test_a_damaged_statement_is_refused_by_its_name(path: Path, damaged: bytes) -> None:
    path.write_bytes(damaged)
    with pytest.raises(SettingsError, match=f"{path} is damaged"):
        read_successor(path)


def test_a_statement_that_cannot_be_read_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SettingsError, match=f"{path} cannot be read: Is a directory"):
        read_successor(path)


def test_the_longest_statement_is_read(path: Path) -> None:
    longest = LOST._replace(lost="\U0001f4be" * 2_000, number=2**63 - 1)
    write_successor(path, longest)
    assert read_successor(path) == longest


def test_a_vault_of_which_no_bundle_was_ever_pulled_can_be_followed(tmp_path: Path) -> None:
    none = LOST._replace(number=0)
    write_successor(successor_path(tmp_path), none)

    assert read_successor(successor_path(tmp_path)) == none
