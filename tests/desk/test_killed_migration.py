"""A migration that is killed at any system call or moment loses nothing, and can be repeated."""

import lzma
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest
from support.archives import unpack
from support.day_stores import held
from support.killed_command import KilledCommand

from dropbox.settings import Settings
from scripts.desk.casebook import schema
from scripts.desk.casebook.casebook import VERSION, Casebook
from scripts.newsite import make_site

pytestmark = [pytest.mark.strace, pytest.mark.long, pytest.mark.timeout(600)]
VECTORS = Path(__file__).parents[1] / "vectors" / "format_1"
CALLS, MOMENTS = 8, 6

Commands = Callable[..., KilledCommand]


@pytest.fixture
def random() -> Random:
    """Another choice in each run, which is named when a test fails."""
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    return Random(seed)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    """Makes a command that is killed."""
    with ExitStack() as stack:

        def made(module: str, arguments: Sequence[str | Path], *needed: str) -> KilledCommand:
            command = KilledCommand(module, arguments, tmp_path, needed=needed)
            return stack.enter_context(closing(command))

        yield made


def content(path: Path) -> tuple[int, dict[str, list[tuple[object, ...]]]]:
    """The version of a casebook's file, and all that SQLite reads in it after the kill."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        made = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")
        rows = {"": made.fetchall()}
        for kind, name, _, sql in rows[""]:
            if kind == "table" and not str(sql).startswith("CREATE VIRTUAL"):
                rows[name] = database.execute(f'SELECT * FROM "{name}"').fetchall()
        return schema.version(database), rows


def test_a_casebook_is_whole_wherever_its_migration_is_killed(
    commands: Commands, tmp_path: Path, random: Random
) -> None:
    first, directory = tmp_path / "first", tmp_path / "casebook"
    first.mkdir(mode=0o700)
    unpack(VECTORS / "casebook.tar.xz", first)
    before = content(first / "casebook.sqlite")
    migrating = commands("scripts.desk.__main__", ["--casebook", directory, "migrate"])

    def begin() -> None:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(first, directory)
        directory.chmod(0o700)

    def check() -> None:
        now = content(directory / "casebook.sqlite")
        assert now == before if now[0] == 3 else now[0] == VERSION
        migrating.again()
        assert content(directory / "casebook.sqlite") == after
        assert content(directory / "casebook.sqlite.version-3") == before
        with Casebook.open(directory) as casebook:
            assert casebook.counts().cases == 2

    begin()
    calls = migrating.whole()
    after = content(directory / "casebook.sqlite")
    assert after[0] == VERSION and before[0] == 3
    for killed_at in migrating.killings(calls, random, begin=begin, count=CALLS, moments=MOMENTS):
        print(killed_at)
        check()


def test_a_vault_is_whole_wherever_its_migration_is_killed(
    commands: Commands, tmp_path: Path, keys_dir: Path, random: Random
) -> None:
    site = make_site(tmp_path / "first", onion="casedrop" * 7 + ".onion", keys=keys_dir)
    data = lzma.decompress((VECTORS / "vault.sqlite.xz").read_bytes())
    text = site.settings_file.read_text("utf-8").replace(
        'store = "sqlite:vault/store.sqlite"', 'database = "vault/vault.sqlite"\nquantum = 32'
    )
    site.settings_file.write_text(text, "utf-8")
    (site.settings_file.parent / "vault" / "vault.sqlite").write_bytes(data)
    directory = tmp_path / "site"
    settings, vault = directory / "settings.toml", directory / "vault"
    migrating = commands(
        "scripts.casedrop", ["migrate", "--settings", settings], "dropbox.vault.migration"
    )

    def begin() -> None:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(site.settings_file.parent, directory)

    def check() -> None:
        if settings.read_text("utf-8") == text:
            # The drop would start as before, had its version not ended.
            assert (vault / "vault.sqlite").read_bytes() == data
        else:
            assert Settings.load({"CASEDROP_SETTINGS": str(settings)}).store_file.is_file()
        migrating.again()
        finished()

    def finished() -> None:
        loaded = Settings.load({"CASEDROP_SETTINGS": str(settings)})
        assert loaded.store_file == vault / "store.sqlite"
        names = {path.name for path in vault.iterdir() if not path.name.endswith("-journal")}
        assert names == {"store.sqlite", "vault.sqlite.format-1"}
        copy = (vault / "vault.sqlite.format-1").read_bytes()
        assert copy[100:] == data[100:]
        # Two reports and a piece, by their ids; the rest is filling.
        assert ids <= held(vault / "store.sqlite").keys()

    begin()
    with closing(sqlite3.connect(vault / "vault.sqlite")) as old:
        all_ids = {one for (one,) in old.execute("SELECT id FROM slot")}
    calls = migrating.whole()
    ids = all_ids & held(vault / "store.sqlite").keys()
    assert len(ids) == 3
    finished()
    for killed_at in migrating.killings(calls, random, begin=begin, count=CALLS, moments=MOMENTS):
        print(killed_at)
        check()
