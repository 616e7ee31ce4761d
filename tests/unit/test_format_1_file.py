"""A vault's file of format 1 is read as it was left, and nothing else is taken for one."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from support.format_1 import FirstVault, block

from dropbox.errors import StoreError
from dropbox.vault.format_1_file import FINAL, open_file

DAY = date(2026, 11, 24)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


def make(path: Path, statements: str) -> None:
    """A database with *statements* run in it."""
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def blocks_in(path: Path) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Blocks with their report, and blocks whose report has not come."""
    with closing(open_file(path)) as opened:
        rows = opened.execute("SELECT id, bytes, expires FROM slot").fetchall()
    return (
        {block_id: data for block_id, data, expires in rows if expires == FINAL},
        {block_id: data for block_id, data, expires in rows if expires != FINAL},
    )


def test_what_was_filed_is_read(path: Path) -> None:
    vault, filed, left = FirstVault(path), [block() for _ in range(5)], block()
    for one in filed:
        vault.file(DAY, one)
    vault.leave(DAY, left)

    assert blocks_in(path) == (dict(filed), dict([left]))


def test_what_a_power_cut_interrupted_is_rolled_back(path: Path, tmp_path: Path) -> None:
    vault, filed = FirstVault(path), [block() for _ in range(4)]
    vault.file(DAY, *filed)
    cut = tmp_path / "cut.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # so that changed pages are not kept in memory
        connection.execute("BEGIN")
        connection.execute("UPDATE slot SET bytes = zeroblob(65536)")
        cut.write_bytes(path.read_bytes())
        Path(f"{cut}-journal").write_bytes(Path(f"{path}-journal").read_bytes())
        connection.execute("ROLLBACK")
    assert cut.read_bytes() != path.read_bytes(), "the control"

    assert blocks_in(cut) == (dict(filed), {})


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE other (a)",
        "CREATE INDEX told ON slot (day)",
        "CREATE TRIGGER kept AFTER DELETE ON slot BEGIN INSERT INTO export VALUES (1, '', ''); END",
        "CREATE VIEW seen AS SELECT id FROM slot",
        "DROP TABLE export",
        "ALTER TABLE reply ADD COLUMN at TEXT",
    ],
)
def test_a_file_with_something_more_or_less_in_it_is_refused(path: Path, change: str) -> None:
    FirstVault(path)
    open_file(path).close()
    make(path, change)

    with pytest.raises(StoreError, match="is not a vault's file"):
        open_file(path)


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "damaged"),
        (
            lambda path: make(path, "PRAGMA user_version = 99"),
            r"another version of Casedrop \(schema 99\)",
        ),
        (
            lambda path: make(path, "CREATE TABLE block (id BLOB); PRAGMA user_version = 1"),
            r"another version of Casedrop \(schema 1\): export it with that version",
        ),
        (lambda path: make(path, "CREATE TABLE other (a)"), "another version"),
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: None, "cannot be opened"),
    ],
)
def test_what_is_no_vault_of_format_1_is_refused_with_a_sentence(
    path: Path, prepare: Callable[[Path], object], sentence: str
) -> None:
    prepare(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=sentence):
        open_file(path)

    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_name_with_any_character_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "案 件?mode=memory#%41.sqlite"
    one = block()
    FirstVault(path).file(DAY, one)

    assert blocks_in(path) == (dict([one]), {})
