"""`casedrop backup` and `casedrop restore`: a drop in another folder, byte for byte."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.day_stores import SECRET, open_days
from support.durable import steps
from support.other_user import open_folder, said_to_another
from support.stopped_drop import StoppedDrop
from support.unix_server import served

from dropbox import gpg_process
from dropbox.errors import CannotSeal, KeysError, StoreError
from dropbox.settings import PACKAGED_CAMPAIGN, Settings
from dropbox.successor import read_successor
from dropbox.vault.block_store import Export
from dropbox.vault.restored_file import become_another, series_of
from scripts import casedrop, sealed_archive
from scripts.command_line import CannotRun
from scripts.operator import restore as restoring
from scripts.operator.backup import _check_place
from scripts.operator.restored_settings import rewritten
from scripts.sealed_archive import ArchiveError, Manifest, Member, seal, unseal

SEAL = list(sealed_archive._SEAL)
ENDING = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
WORDS = "one two three four five six seven eight"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """gpg hashes the words for a moment only, and all settings are in the file."""
    for name in [one for one in os.environ if one.startswith("CASEDROP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(
        sealed_archive, "_SEAL", [{"65011712": "65536"}.get(one, one) for one in SEAL]
    )
    monkeypatch.setattr(sealed_archive, "new_passphrase", lambda _: WORDS)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the operator types, one after another."""
    left: list[str] = []
    monkeypatch.setattr("builtins.input", lambda _: left.pop(0))
    return left


@pytest.fixture
def drop(tmp_path: Path) -> StoppedDrop:
    return StoppedDrop(tmp_path)


def back_up(drop: StoppedDrop, to: Path, *more: str) -> int:
    return casedrop.main(["backup", "--settings", str(drop.settings_file), *more, str(to)])


@pytest.fixture
def archive(drop: StoppedDrop, tmp_path: Path, answers: list[str]) -> Iterator[Path]:
    """With its vault; the words are typed a little differently."""
    answers.append(WORDS.upper().replace(" ", "  "))
    path = tmp_path / "backup.gpg"
    assert back_up(drop, path, "--with-vault") == 0
    yield path


def restore(archive: Path, to: Path, answers: list[str], *typed: str) -> int:
    answers += [WORDS, *typed]
    return casedrop.main(["restore", str(archive), str(to)])


def loaded(folder: Path) -> Settings:
    return Settings.load({"CASEDROP_SETTINGS": str(folder / "settings.toml")})


# --- Both commands ---


def test_a_restored_drop_has_every_file_and_its_vault_opens(
    drop: StoppedDrop,
    archive: Path,
    tmp_path: Path,
    answers: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = tmp_path / "second" / "machine"
    assert restore(archive, new, answers, "1") == 0

    assert "goes on with the next bundle" in capsys.readouterr().out
    restored = loaded(new)
    assert (restored.onion, restored.salt) == (drop.settings.onion, drop.settings.salt)
    for theirs, ours in [
        (restored.export_key, drop.settings.export_key),
        (restored.keys / "FINGERPRINTS", drop.settings.keys / "FINGERPRINTS"),
        (restored.keys / "a.asc", drop.settings.keys / "a.asc"),
        (new / "tor/drop/hs_ed25519_secret_key", drop.tor / "hs_ed25519_secret_key"),
        (new / "tor/drop/authorized_clients/op.auth", drop.tor / "authorized_clients/op.auth"),
        (restored.store_file, drop.settings.store_file),
    ]:
        assert theirs.is_relative_to(new) and theirs.read_bytes() == ours.read_bytes()
        assert stat.S_IMODE(theirs.stat().st_mode) == 0o600
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert sorted(path.name for path in new.iterdir()) == [
        "export.key", "keys", "settings.toml", "tor", "vault",
    ]  # fmt: skip

    store = open_days(restored.store_file, drop.clock)
    assert store.read(drop.report.id) == drop.report.data and store.vault_id() == drop.vault
    store.note_export(Export(2, b"i" * 32))
    store.withdraw(SECRET)
    assert store.read(drop.report.id) != drop.report.data
    store.close()


def test_a_vault_that_went_on_after_the_copy_takes_its_own_place_as_another_one(
    drop: StoppedDrop,
    archive: Path,
    tmp_path: Path,
    answers: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = tmp_path / "new"
    assert restore(archive, new, answers, "4") == 0

    assert "is another one now" in capsys.readouterr().out
    store_file = loaded(new).store_file
    statement = read_successor(store_file.with_name("successor.json"))
    assert statement is not None and (statement.vault, statement.number) == (drop.vault, 4)
    series = series_of(store_file)
    assert series.vault != drop.vault and series.number == 0
    store = open_days(store_file, drop.clock)
    assert store.read(drop.report.id) == drop.report.data
    store.note_export(Export(1, b"i" * 32))
    store.close()


@pytest.mark.parametrize("typed", ["0", "", "-1", "many"])
@pytest.mark.slow
def test_a_bundle_number_that_cannot_be_restores_nothing(
    archive: Path, tmp_path: Path, answers: list[str], typed: str
) -> None:
    assert restore(archive, tmp_path / "new", answers, typed) == 2
    assert not list(tmp_path.glob("new*"))


def test_without_the_vault_a_running_drop_is_backed_up_and_nothing_of_reports_is_in_it(
    drop: StoppedDrop, tmp_path: Path, answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answers.append(WORDS)
    assert back_up(drop, tmp_path / "b") == 0
    new = tmp_path / "new"
    assert restore(tmp_path / "b", new, answers) == 0

    assert "casedrop lost-vault" in capsys.readouterr().out
    assert list((new / "vault").iterdir()) == []


def test_a_salt_in_a_file_of_its_own_is_taken_along(
    drop: StoppedDrop, tmp_path: Path, answers: list[str]
) -> None:
    salt = drop.settings.salt.hex()
    (tmp_path / "secret-salt").write_text(salt + "\n")
    text = drop.settings_file.read_text().replace(
        f'salt = "{salt}"', f'salt_file = "{tmp_path / "secret-salt"}"'
    )
    drop.settings_file.write_text(text)
    answers.append(WORDS)
    assert back_up(drop, tmp_path / "b") == 0
    (tmp_path / "secret-salt").unlink()
    assert restore(tmp_path / "b", tmp_path / "new", answers) == 0
    assert loaded(tmp_path / "new").salt == drop.settings.salt


def test_a_campaign_and_catalogs_of_its_own_are_taken_along(
    drop: StoppedDrop, tmp_path: Path, answers: list[str]
) -> None:
    (tmp_path / "own.toml").write_bytes(PACKAGED_CAMPAIGN.read_bytes() + b"# ours\n")
    catalog = tmp_path / "texts" / "de" / "messages.mo"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes(b"texts")
    own = f'[site]\ncampaign = "{tmp_path / "own.toml"}"\ncatalogs = "{tmp_path / "texts"}"\n'
    drop.settings_file.write_text(drop.settings_file.read_text().replace("[site]\n", own, 1))
    answers.append(WORDS)
    assert back_up(drop, tmp_path / "b") == 0
    new = tmp_path / "new"
    assert restore(tmp_path / "b", new, answers) == 0

    restored = loaded(new)
    assert restored.campaign.read_bytes() == (tmp_path / "own.toml").read_bytes()
    assert restored.catalogs is not None and restored.catalogs.is_relative_to(new)
    assert (restored.catalogs / "de/messages.mo").read_bytes() == b"texts"
    files = [one for one in new.rglob("*") if one.is_file()]
    assert {one.stat().st_mode & 0o077 for one in (new, *files)} == {0}


def test_gpg_alone_opens_a_backup(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    plain = subprocess.run(
        ["gpg", "--homedir", str(home), *sealed_archive._OPTIONS[1:], "--decrypt"],
        input=WORDS.encode() + b"\n" + archive.read_bytes(),
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(fileobj=BytesIO(plain)) as opened:
        names = opened.getnames()
    assert names[0] == "settings.toml" and names[-1] == "manifest.json"


# --- Refusals ---


def test_other_words_back_up_and_restore_nothing(
    drop: StoppedDrop,
    archive: Path,
    tmp_path: Path,
    answers: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers.append("one two")
    assert back_up(drop, tmp_path / "b") == 2 and not (tmp_path / "b").exists()
    assert "other words" in capsys.readouterr().err
    answers.append("one two")
    assert casedrop.main(["restore", str(archive), str(tmp_path / "new")]) == 2
    assert "passphrase is wrong" in capsys.readouterr().err
    assert not list(tmp_path.glob("new*"))


def test_neither_overwrites_anything(
    drop: StoppedDrop, archive: Path, tmp_path: Path, answers: list[str]
) -> None:
    before = archive.read_bytes()
    assert back_up(drop, archive) == 2 and archive.read_bytes() == before
    (tmp_path / "new").mkdir()
    assert casedrop.main(["restore", str(archive), str(tmp_path / "new")]) == 2
    assert casedrop.main(["restore", str(archive), "/"]) == 2
    (tmp_path / "new").rmdir()
    (tmp_path / "new").symlink_to(tmp_path / "nowhere")
    assert casedrop.main(["restore", str(archive), str(tmp_path / "new")]) == 2
    (tmp_path / "new").unlink()
    (tmp_path / "new.part").mkdir()
    assert casedrop.main(["restore", str(archive), str(tmp_path / "new")]) == 2


def test_a_running_vault_is_not_copied(
    drop: StoppedDrop, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path_factory.mktemp("s") / "courier"
    text = drop.settings_file.read_text().replace('"courier.sock"', f'"{short}"')
    drop.settings_file.write_text(text)
    with served(Flask("vault"), short):
        assert back_up(drop, short.with_name("b"), "--with-vault") == 2
    assert "stop it first" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["onion", "export"])
def test_what_is_missing_is_named(
    drop: StoppedDrop, tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = {"onion": drop.tor / "hs_ed25519_secret_key", "export": drop.settings.export_key}
    path[missing].unlink()
    assert back_up(drop, tmp_path / "b") == 2
    assert str(path[missing].parent) in capsys.readouterr().err and not (tmp_path / "b").exists()


def test_nobody_writes_words_on_paper_or_types_them_for_nothing(
    drop: StoppedDrop, tmp_path: Path, answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answers.append(WORDS)
    assert back_up(drop, tmp_path / "none" / "b") == 2
    said = capsys.readouterr()
    assert f"There is no folder {tmp_path / 'none'} for b." in said.err and WORDS not in said.out
    with open_folder() as folder:
        folder.chmod(0o555)
        place = folder / "b"
        assert f"may not write into {folder}" in said_to_another(lambda: _check_place(place))

    assert casedrop.main(["restore", str(tmp_path / "none"), str(tmp_path / "new")]) == 2
    assert "there is nothing of that name" in capsys.readouterr().err and answers == [WORDS]
    assert not list(tmp_path.glob("new*"))


@pytest.mark.parametrize("folder", ["keys", "tor"])
def test_a_folder_that_this_user_may_not_read_is_not_left_out_in_silence(
    drop: StoppedDrop,
    tmp_path: Path,
    answers: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
) -> None:
    """A backup without the reviewers' keys looks like any other."""
    closed = {"keys": drop.settings.keys, "tor": drop.tor}[folder]
    scandir = os.scandir

    def refuse(path: object) -> Any:
        if str(path) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    answers.append(WORDS)

    assert back_up(drop, tmp_path / "b") == 2 and not (tmp_path / "b").exists()
    said = capsys.readouterr()
    assert str(closed) in said.err and "belongs to " in said.err and WORDS not in said.out


def test_settings_that_are_only_in_the_environment_are_not_left_out_in_silence(
    drop: StoppedDrop,
    tmp_path: Path,
    answers: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CASEDROP_LIMITS_FILES", "3")
    answers.append(WORDS)

    assert back_up(drop, tmp_path / "b") == 2 and not (tmp_path / "b").exists()
    assert "come from the environment" in capsys.readouterr().err


@pytest.fixture
def may_end() -> Iterator[None]:
    """The signals end this process, as they do unless it was started to outlive its terminal."""
    before = {one: signal.getsignal(one) for one in ENDING}
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.usefixtures("may_end")
@pytest.mark.parametrize("number", ENDING)
def test_a_restore_that_is_ended_leaves_no_keys_behind(
    archive: Path,
    tmp_path: Path,
    answers: list[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """Such as when the connection to the server is lost."""
    before = [signal.getsignal(one) for one in ENDING]

    def ended(_: Path) -> None:
        assert list((tmp_path / "new.part").iterdir())
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr("scripts.operator.restore._place", ended)
    assert restore(archive, tmp_path / "new", answers) == 130
    assert not list(tmp_path.glob("new*"))
    assert [signal.getsignal(one) for one in ENDING] == before


@pytest.mark.usefixtures("may_end")
def test_a_restore_under_nohup_outlives_its_terminal(
    archive: Path, tmp_path: Path, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    place = restoring._place

    def after_the_terminal(part: Path) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        place(part)

    monkeypatch.setattr(restoring, "_place", after_the_terminal)
    assert restore(archive, tmp_path / "new", answers, "1") == 0
    assert (tmp_path / "new").is_dir() and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


# --- The archive ---


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(os.urandom(300_000))
    return tmp_path / "file"


def kept(path: Path, words: str = WORDS) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    unseal(path, words, lambda name, content: found.update({name: content.read()}))
    return found


@pytest.mark.slow
def test_the_words_are_hashed_for_as_long_as_gpg_can(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_archive, "_SEAL", SEAL)
    seal(tmp_path / "b", WORDS, [("a/b", file)], {})
    sealed = (tmp_path / "b").read_bytes()

    # A packet of version 4: AES-256, iterated and salted, SHA-512, eight bytes of salt, the count.
    assert sealed[:6] == bytes([0x8C, 13, 4, 9, 3, 10]) and sealed[14] == 0xFF
    assert file.read_bytes()[:32] not in sealed
    assert kept(tmp_path / "b") == {"a/b": file.read_bytes()}


def test_whatever_is_altered_or_cut_is_refused(tmp_path: Path, file: Path) -> None:
    seal(tmp_path / "b", WORDS, [("a", file)], {"day": "2026-11-26"})
    whole = (tmp_path / "b").read_bytes()
    for damaged in (
        whole[:-1],
        whole[: len(whole) // 2],
        whole[:200_000] + bytes([whole[200_000] ^ 1]) + whole[200_001:],
        b"",
        b"not sealed at all",
    ):
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises((ArchiveError, CannotSeal)):
            kept(tmp_path / "damaged")


def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[tarfile.TarInfo]) -> Path:
    """An archive with these members, each empty."""

    def pack(out: BytesIO, *_: object) -> None:
        with tarfile.open(fileobj=out, mode="w|") as archive:
            for member in members:
                archive.addfile(member, BytesIO())

    monkeypatch.setattr(sealed_archive, "_pack", pack)
    monkeypatch.setattr(sealed_archive, "unseal", lambda *_: None)
    seal(tmp_path / "made", WORDS, [], {})
    return tmp_path / "made"


def link(name: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return made


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([tarfile.TarInfo("../outside")], "does not belong there"),
        ([tarfile.TarInfo("/outside")], "does not belong there"),
        ([tarfile.TarInfo("a/./b")], "does not belong there"),
        ([link("a")], "does not belong there"),
        ([tarfile.TarInfo("a"), tarfile.TarInfo("a")], "does not belong there"),
        ([tarfile.TarInfo("a")], "does not hold what its manifest says"),
    ],
    ids=["up", "absolute", "dot", "link", "twice", "no manifest"],
)
def test_a_member_that_does_not_belong_there_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[tarfile.TarInfo], why: str
) -> None:
    with pytest.raises(ArchiveError, match=why):
        kept(packed(tmp_path, monkeypatch, members))


def test_what_is_not_as_the_manifest_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Manifest({"a": Member(0, "00" * 32)}, {}).to_bytes()

    def pack(out: BytesIO, *_: object) -> None:
        manifest = tarfile.TarInfo("manifest.json")
        manifest.size = len(data)
        with tarfile.open(fileobj=out, mode="w|") as archive:
            archive.addfile(tarfile.TarInfo("a"), BytesIO())
            archive.addfile(manifest, BytesIO(data))

    monkeypatch.setattr(sealed_archive, "_pack", pack)
    monkeypatch.setattr(sealed_archive, "unseal", lambda *_: None)
    seal(tmp_path / "made", WORDS, [], {})
    with pytest.raises(ArchiveError, match="does not hold what its manifest says"):
        kept(tmp_path / "made")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"format": "casedrop backup", "version": 2, "about": {}, "members": {}}',
        b'{"format": "another", "version": 1, "about": {}, "members": {}}',
        Manifest({"a": Member(-1, "00" * 32)}, {}).to_bytes(),
        b'{"format": "casedrop backup", "version": 1, "about": {}, "members": {"a": [1, "00"]}}',
        b'{"format": "casedrop backup", "version": 1, "about": {}, "members": []}',
    ],
)
def test_a_damaged_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        Manifest.from_bytes(data)
    whole = Manifest({"a": Member(1, "00" * 32)}, {"day": "x"})
    assert Manifest.from_bytes(whole.to_bytes()) == whole


def test_a_disk_that_keeps_something_else_is_noticed(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Manifest({"a": Member(1, "00" * 32)}, {})
    monkeypatch.setattr(sealed_archive, "unseal", lambda *_: other)
    with pytest.raises(ArchiveError, match="disk is damaged"):
        seal(tmp_path / "b", WORDS, [("a", file)], {})
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_without_gpg_there_is_a_sentence_and_no_backup(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeysError, match="gpg is not on this computer"):
        seal(tmp_path / "b", WORDS, [("a", file)], {})
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_read_leaves_no_backup(tmp_path: Path, file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        seal(tmp_path / "b", WORDS, [("a", file), ("b", tmp_path / "none")], {})
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_what_is_on_the_disk_is_what_is_opened_again(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither bytes that are only in memory, nor ones that the disk has not taken."""
    done, forgotten = steps(monkeypatch), list[object]()
    monkeypatch.setattr(os, "posix_fadvise", lambda *asked: forgotten.append(asked[1:]))
    real, before = sealed_archive.unseal, list[object]()

    def unsealed(path: Path, *more: Any) -> Manifest:
        before.extend([done[-1:] == [("fsync", path.name, path.stat().st_size)], *forgotten])
        return real(path, *more)

    monkeypatch.setattr(sealed_archive, "unseal", unsealed)
    manifest = seal(tmp_path / "b", WORDS, [("a", file)], {})

    assert before == [True, (0, 0, os.POSIX_FADV_DONTNEED)]
    # Who keeps nothing of a member has it compared all the same.
    assert real(tmp_path / "b", WORDS, lambda *_: None) == manifest


def test_who_watches_sees_each_byte_that_is_read_and_gpg_keeps_what_it_needs_in_memory(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, homes, seen = gpg_process.pipe, list[Path](), list[int]()

    def piped(command: list[str], source: Any, sink: Any, environ: dict[str, str]) -> Any:
        homes.append(Path(environ["GNUPGHOME"]))
        return pipe(command, source, sink, environ)

    monkeypatch.setattr(gpg_process, "pipe", piped)
    seal(tmp_path / "b", WORDS, [("a", file)], {}, seen.append)

    # The file, and the archive that is opened again.
    assert sum(seen) == file.stat().st_size + (tmp_path / "b").stat().st_size
    assert [home.parent for home in homes] == [Path("/dev/shm")] * 2


def test_a_gpg_that_ends_well_but_does_not_say_that_all_was_intact_has_opened_nothing(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(tmp_path / "b", WORDS, [("a", file)], {})
    real = sealed_archive._gpg
    monkeypatch.setattr(sealed_archive, "_gpg", lambda *asked: real(*asked)[:0])

    with pytest.raises(ArchiveError, match="was altered"):
        kept(tmp_path / "b")


def test_nothing_comes_behind_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Manifest({}, {}).to_bytes()

    def pack(out: BytesIO, *_: object) -> None:
        manifest = tarfile.TarInfo("manifest.json")
        manifest.size = len(data)
        with tarfile.open(fileobj=out, mode="w|") as archive:
            archive.addfile(manifest, BytesIO(data))
            archive.addfile(manifest, BytesIO(data))

    monkeypatch.setattr(sealed_archive, "_pack", pack)
    monkeypatch.setattr(sealed_archive, "unseal", lambda *_: None)
    seal(tmp_path / "made", WORDS, [], {})
    with pytest.raises(ArchiveError, match="does not belong there"):
        kept(tmp_path / "made")


def test_an_archive_unpacks_to_files_of_its_owner_and_eight_words_guard_it(
    tmp_path: Path, file: Path
) -> None:
    packed = BytesIO()
    sealed_archive._pack(packed, [("a", file)], {}, lambda _: None)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        assert {one.mode for one in archive} == {0o600}
    assert sealed_archive.PASSPHRASE_WORDS == 8


# --- Settings and the vault's file ---


def test_only_places_change_in_restored_settings() -> None:
    text = '# keys = "x"\n[site]\nkeys = "/a/b"\n[limits]\nkeys = 1\n'
    assert rewritten(text, {("site", "keys"): "keys", ("site", "campaign"): "c"}) == (
        '# keys = "x"\n[site]\nkeys = "keys"\n[limits]\nkeys = 1\n'
    )
    with pytest.raises(CannotRun):
        rewritten('[site]\nkeys = """\na"""\n', {("site", "keys"): "keys"})


def test_another_vault_keeps_slots_and_forgets_its_series(
    drop: StoppedDrop, tmp_path: Path
) -> None:
    path = tmp_path / "copy.sqlite"
    shutil.copy(drop.settings.store_file, path)
    assert series_of(path) == (drop.vault, 1)
    other = become_another(path)
    assert series_of(path) == (other, 0) and other != drop.vault
    with pytest.raises(StoreError, match="There is no vault's file"):
        series_of(tmp_path / "none")
