"""Casebooks of earlier versions are brought to the present one, after a copy was made."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.archives import unpack

from scripts.desk.__main__ import main
from scripts.desk.case_name import BadCaseName, characters_of, name_of
from scripts.desk.casebook import schema, upgrade
from scripts.desk.casebook.casebook import VERSION, Casebook
from scripts.desk.casebook.file import CasebookError
from scripts.desk.casebook.upgrade import migrate

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A casebook of version 3 as the first version of the desk left it."""
    directory = tmp_path / "casebook"
    directory.mkdir(mode=0o700)
    unpack(VECTORS / "format_1" / "casebook.tar.xz", directory)
    directory.chmod(0o700)
    return directory


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that a casebook of version 3 has."""
    with closing(sqlite3.connect(path)) as database:
        names = [
            row[0]
            for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'found%'"
            )
        ]
        return {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


def desk(directory: Path, *arguments: str) -> int:
    return main(["--casebook", str(directory), *arguments])


def test_an_old_casebook_is_refused_with_the_way_out(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk(old, "list") == 2
    assert "`migrate` brings it there, and keeps a copy." in capsys.readouterr().err


def test_a_migrated_casebook_holds_what_it_held_and_verifies(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tables(old / "casebook.sqlite")

    assert desk(old, "migrate") == 0
    copy = old / "casebook.sqlite.version-3"
    assert str(copy) in capsys.readouterr().out
    after = tables(old / "casebook.sqlite")
    # What follows from the rest was computed anew.
    whole = dict(before)
    assert before.pop("standing") and after.pop("standing")
    assert {name: after[name] for name in before} == before
    of_version_4 = {"bundle", "acknowledgement", "slot", "closed_day"}
    assert set(after) - set(before) == (
        of_version_4
        | {"tried_key", "sealed", "set_aside"}
        | {"case_name", "considered", "sent_again"}
        | {"desk", "desk_line", "desk_row", "desk_promise", "desk_closed"}
        | {"translation", "assignment", "draw", "link_decision", "release", "confirmation"}
        | {"redaction", "redaction_end"}
        | {"event", "party", "same_party", "contact"}
    )
    assert tables(copy) == whole and copy.stat().st_mode & 0o777 == 0o600
    assert desk(old, "verify", "--keys", str(VECTORS / "format_1" / "keys")) == 0
    with Casebook.open(old) as casebook:
        assert casebook.bundles.last() is None and casebook.counts().cases == 2


def test_cases_get_names_and_their_numbers_are_still_understood(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate(old)
    with Casebook.open(old) as casebook:
        for case in casebook.cases():
            assert case.name == name_of(characters_of(case.reply_public, case.tag_key))
            assert casebook.names.find(f"C-000{case.number}") == case.number
        with pytest.raises(BadCaseName, match="ever called C-0003"):
            casebook.names.find("C-0003")


def test_a_migrated_casebook_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    migrate(old)
    with closing(sqlite3.connect(old / "casebook.sqlite")) as database:
        found = set(database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        assert schema.version(database) == VERSION
    assert set(schema.entries(*schema.CASEBOOK)) <= {schema.Entry(*row) for row in found}


def test_once_more_does_nothing(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(old)
    before = (old / "casebook.sqlite").read_bytes()
    capsys.readouterr()

    assert desk(old, "migrate") == 0
    assert f"of version {VERSION} already" in capsys.readouterr().out
    assert desk(old, "migrate", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"version": VERSION, "copy": None}
    assert (old / "casebook.sqlite").read_bytes() == before


def test_a_run_that_breaks_off_changes_nothing_and_can_be_repeated(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(old / "casebook.sqlite")

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "set_version", broken)
        with pytest.raises(CasebookError, match="cannot be used"):
            migrate(old)
    assert tables(old / "casebook.sqlite") == before
    # The copy that it made is used, since it holds the same; another is not overwritten.
    copy = old / "casebook.sqlite.version-3"
    made = copy.read_bytes()
    for other in (b"", b"something else", made[:-4096]):
        copy.write_bytes(other)
        with pytest.raises(CasebookError, match="holds something else; move it elsewhere"):
            migrate(old)
        assert copy.read_bytes() == other and tables(old / "casebook.sqlite") == before
    copy.write_bytes(made)
    assert migrate(old) == copy and copy.read_bytes() == made
    with closing(sqlite3.connect(old / "casebook.sqlite")) as database:
        assert schema.version(database) == VERSION


def test_a_copy_that_does_not_fit_is_a_sentence(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        raise OSError(28, "No space left on device")

    before = tables(old / "casebook.sqlite")
    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(CasebookError, match="cannot be written: No space left on device"):
        migrate(old)
    assert tables(old / "casebook.sqlite") == before
    assert not list(old.glob("*.version-3*"))


@pytest.mark.parametrize("version", [0, 2, VERSION + 1])
def test_other_versions_are_left_as_they_are(old: Path, version: int) -> None:
    with closing(sqlite3.connect(old / "casebook.sqlite")) as database:
        if version:
            database.execute(f"PRAGMA user_version = {version}")
        else:
            database.execute("DELETE FROM meta")
        database.commit()
    with pytest.raises(CasebookError, match=f"of version {version}; this desk brings versions 3"):
        migrate(old)


def test_nothing_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CasebookError, match="There is no casebook"):
        migrate(tmp_path)


def test_each_version_after_the_first_says_what_it_added() -> None:
    assert sorted(upgrade._ADDED) == list(range(4, VERSION + 1))
