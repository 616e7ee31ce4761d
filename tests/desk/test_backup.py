"""`backup` and `restore`: the same casebook elsewhere, whatever breaks off on the way."""

import errno
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fuzz.openpgp import NOW
from nacl.signing import SigningKey
from support.archives import unpack
from support.backups import DAY, WORDS, back_up, bring_back
from support.cases import add, attachment, report
from support.desks import Desk
from support.line import Line

from dropbox.durable_file import CannotWrite
from dropbox.errors import CasedropError
from scripts import sealed_archive
from scripts.desk import casebook_backup
from scripts.desk.audit import findings
from scripts.desk.casebook import file as casebook_file
from scripts.desk.casebook.casebook import FILE, VERSION, VIEWS, Casebook, CasebookError
from scripts.desk.casebook.custody import CustodyError
from scripts.desk.casebook.numbers import SKIPPED_BUNDLES, SKIPPED_REPLIES
from scripts.desk.casebook.snapshot import snapshot
from scripts.desk.casebook_backup import Backup, BackupError, Restored, write_backup
from scripts.desk.commands import backup as backup_command
from scripts.desk.search.saved_views import View, Views
from scripts.sealed_archive import ArchiveError, seal

PHOTO = b"photo" * 1_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """gpg hashes the words for a moment only."""
    options = [{"65011712": "65536"}.get(one, one) for one in sealed_archive._SEAL]
    monkeypatch.setattr(sealed_archive, "_SEAL", options)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with two cases, one of them with a file, and an answer that left."""
    made = Desk.make(tmp_path / "casebook", 0)
    made.file([1])
    with made.working() as casebook:
        add(casebook, report(claimant=2, attachments=(attachment("照片.jpg", PHOTO),)))
        (one,) = [part for part in casebook.parts() if part.report.attachments]
        casebook.file_path(one.report.attachments[0].sha256).write_bytes(PHOTO)
    made.answer(1, "【虚构】谢谢。")
    return made


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def subjects(directory: Path) -> list[tuple[str, str]]:
    """The acts and subjects of the custody log."""
    with Casebook.open(directory) as casebook:
        lines = [json.loads(one.line) for one in casebook.desks.own_lines()]
    return [(line["act"], line["subject"]) for line in lines]


# --- Round trips ---


def test_a_restored_casebook_is_the_same_and_says_so(desk: Desk, tmp_path: Path) -> None:
    written = back_up(desk, tmp_path / "b")
    before = subjects(desk.directory)
    restored = bring_back(tmp_path / "b", tmp_path / "again")

    assert written == Backup(2, 1, ())
    # A hundred numbers are skipped: more than a desk writes between two backups.
    assert restored == Restored(DAY.isoformat(), 0, 2, 101, ())
    again = Desk(tmp_path / "again", 0)
    assert {**again.state(), "work": ""} == {**desk.state(), "work": ""}
    assert subjects(again.directory) == [
        *before,
        ("session", ""),
        ("import", "backup"),
        ("export", f"R-{restored.last_bundle}"),
    ]
    assert ("export", "backup") in before
    with Casebook.open(again.directory) as casebook:
        assert findings(casebook, casebook.pinned(), NOW) == []
        (files,) = [case.files for case in casebook.cases() if case.files]
        assert casebook.file_path(files[0].attachment.sha256).read_bytes() == PHOTO
    # Closed to others, with nothing beside it.
    for path in (again.directory, *again.directory.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert sorted(one.name for one in tmp_path.iterdir()) == ["again", "b", "casebook"]
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_saved_views_come_back_as_they_were_when_the_backup_began(
    desk: Desk, tmp_path: Path
) -> None:
    views, kept = Views(desk.directory), View({"queue": "second"}, ("province=prov.GD",))
    views.save("mine", kept)
    with desk.working() as casebook, snapshot(desk.directory, casebook) as found:
        views.save("later", View({}))
        write_backup(found, tmp_path / "b", WORDS, day=DAY, progress=lambda *_: None)
    bring_back(tmp_path / "b", tmp_path / "again")

    assert Views(tmp_path / "again").all() == {"mine": kept}
    assert (tmp_path / "again" / VIEWS).stat().st_mode & 0o777 == 0o600


def test_any_openpgp_program_opens_a_backup(desk: Desk, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "b")
    (tmp_path / "home").mkdir(mode=0o700)
    opened = subprocess.run(
        [
            *("gpg", "--homedir", tmp_path / "home", "--batch", "--no-autostart", "--quiet"),
            *("--pinentry-mode", "loopback", "--passphrase-fd", "0", "--decrypt", tmp_path / "b"),
        ],
        input=WORDS.encode() + b"\n",
        capture_output=True,
        check=True,
    )
    listed = subprocess.run(
        ["tar", "--list"], input=opened.stdout, capture_output=True, check=True
    ).stdout.decode()
    assert re.sub("[0-9a-f]{64}", "HASH", listed).split() == [
        FILE,
        "campaign.toml",
        "attachments/HASH",
        "manifest.json",
    ]


@pytest.mark.slow
def test_no_number_is_given_twice_after_a_restored_backup(desk: Desk, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "b")
    for number in range(5):
        desk.answer(1, f"【虚构】{number}")
        desk.answer(2, f"【虚构】{number}")
    with desk.working() as casebook:
        lost = {(one.case_name, one.number) for one in casebook.answers.left()}
        last = casebook.numbers.last_bundle()
    restored = bring_back(tmp_path / "b", tmp_path / "again")
    again = Desk(tmp_path / "again", 0)
    again.answer(1, "【虚构】再来")
    again.answer(2, "【虚构】再来")
    again.answer(2, "【虚构】又来")

    assert restored.last_bundle > last
    with again.working() as casebook:
        given = {(one.case_name, one.number): one.bundle for one in casebook.answers.left()}
        assert casebook.numbers.last_bundle() == restored.last_bundle + 3
        names = [again.case(casebook, one).name for one in (1, 2)]
    new = {key for key, bundle in given.items() if bundle and bundle > restored.last_bundle}
    assert not new & lost
    # After each restored backup some are skipped once, not before each answer.
    assert new == {
        (names[0], 1 + SKIPPED_REPLIES),
        (names[1], SKIPPED_REPLIES),
        (names[1], SKIPPED_REPLIES + 1),
    }


def test_a_case_filed_after_the_restored_backup_has_its_first_number(
    desk: Desk, tmp_path: Path
) -> None:
    back_up(desk, tmp_path / "b")
    bring_back(tmp_path / "b", tmp_path / "again")
    again = Desk(tmp_path / "again", 0)
    restored = NOW.date()
    again.file([7], day=restored + timedelta(days=2))
    # The vault's day may be the next one already.
    again.file([8], day=restored + timedelta(days=1))
    with again.working() as casebook:
        numbers = [casebook.numbers.next_reply(again.case(casebook, one).number) for one in (7, 8)]
    assert numbers == [0, 8]


def test_a_case_has_its_last_number_even_after_many_restored_backups(
    desk: Desk, tmp_path: Path
) -> None:
    with desk.working() as casebook:
        case = desk.case(casebook, 1)
        for _ in range(9):
            casebook.restored(DAY, "00" * 32)
        assert casebook.numbers.next_reply(case.number) == 63
        casebook.answers.queue(case, kind="answer", language="en", day=DAY, text="the last")
        with pytest.raises(CasebookError, match="one desk cannot give more"):
            casebook.answers.queue(case, kind="answer", language="en", day=DAY, text="too many")


def test_a_backup_of_an_earlier_version_is_brought_to_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o700)
    unpack(ROOT / "tests" / "vectors" / "format_1" / "casebook.tar.xz", old)
    files = [
        (path.relative_to(old).as_posix(), path)
        for path in old.rglob("*")
        if path.name in (FILE, "campaign.toml") or path.parent.name == "attachments"
    ]
    about: dict[str, str | int] = {
        "kind": "casebook",
        "day": "2026-11-24",
        "version": 3,
        "head": "",
    }
    seal(tmp_path / "b", WORDS, files, about)
    monkeypatch.setattr(Casebook, "restored", lambda *_: 7)
    # Its reviewer is not one of the other tests'.
    restored = bring_back(
        tmp_path / "b", tmp_path / "again", now=datetime.now(UTC), working=Casebook.open
    )
    assert (restored.cases, restored.findings) == (2, ())
    assert not list((tmp_path / "again").glob("*.version-3"))


def test_a_newer_backup_names_the_way_out(desk: Desk, tmp_path: Path) -> None:
    about: dict[str, str | int] = {"kind": "casebook", "version": VERSION + 1}
    seal(tmp_path / "b", WORDS, [(FILE, desk.directory / FILE)], about)
    with pytest.raises(BackupError, match="Restore it with the newer desk"):
        bring_back(tmp_path / "b", tmp_path / "again")


def test_the_desk_works_on_while_a_backup_is_sealed(desk: Desk, tmp_path: Path) -> None:
    with desk.working() as casebook:
        context = snapshot(desk.directory, casebook)
        found = context.__enter__()
    # Nothing of it is left, whatever happens to this process.
    assert not list(desk.directory.glob("*.snapshot"))
    desk.file([3])
    write_backup(found, tmp_path / "b", WORDS, day=DAY, progress=lambda *_: None)
    context.__exit__(None, None, None)

    assert bring_back(tmp_path / "b", tmp_path / "again").cases == 2
    with Casebook.open(desk.directory) as casebook:
        assert casebook.counts().cases == 3


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_snapshot_closes_what_it_opened_and_says_why_there_is_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.working() as casebook:
        Views(desk.directory).save("a", View({}))
        before = open_files()
        with snapshot(desk.directory, casebook):
            assert open_files() == before + 2
        assert open_files() == before

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("scripts.desk.casebook.snapshot.copy_into", full)
        with pytest.raises(OSError, match="No space left"), snapshot(desk.directory, casebook):
            pass


def test_files_that_were_damaged_before_are_named_and_the_rest_is_kept(
    desk: Desk, tmp_path: Path
) -> None:
    (photo,) = (desk.directory / "attachments").iterdir()
    photo.write_bytes(b"other")
    changed = back_up(desk, tmp_path / "changed")
    photo.unlink()
    gone = back_up(desk, tmp_path / "gone")

    assert changed.damaged == gone.damaged == (photo.name,)
    (said,) = bring_back(tmp_path / "changed", tmp_path / "first").findings
    assert "was changed" in said
    (said,) = bring_back(tmp_path / "gone", tmp_path / "second").findings
    assert "is gone" in said


# --- Refusals ---


def test_nothing_is_overwritten(desk: Desk, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "b")
    before = contents(desk.directory)
    with pytest.raises(BackupError, match="exists already and is not overwritten"):
        bring_back(tmp_path / "b", desk.directory)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BackupError, match="exists already"):
        bring_back(tmp_path / "b", tmp_path / "link")
    (tmp_path / "left.part").mkdir()
    with pytest.raises(BackupError, match="left over from an interrupted run; remove it"):
        bring_back(tmp_path / "b", tmp_path / "left")
    with pytest.raises(CannotWrite, match="already exists"):
        back_up(desk, tmp_path / "b")
    # An empty directory may be a disk's.
    (tmp_path / "empty").mkdir()
    assert bring_back(tmp_path / "b", tmp_path / "empty").cases == 2
    after = contents(desk.directory)
    assert {name: after[name] for name in before if name != FILE} == {
        name: data for name, data in before.items() if name != FILE
    }


def test_wrong_words_and_altered_backups_leave_no_casebook(desk: Desk, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "b")
    whole = (tmp_path / "b").read_bytes()
    half = len(whole) // 2
    with pytest.raises(ArchiveError, match="The passphrase is wrong, or the backup is damaged"):
        bring_back(tmp_path / "b", tmp_path / "again", "eight " * 8)
    for damaged in (whole[:half], whole[:half] + b"\0" + whole[half + 1 :], b""):
        (tmp_path / "b").write_bytes(damaged)
        with pytest.raises(CasedropError):
            bring_back(tmp_path / "b", tmp_path / "again")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b", "casebook"]


def test_a_backup_has_room_for_very_many_files(tmp_path: Path) -> None:
    """The list of 6,000 files is longer than a megabyte; that of a few with long names, too."""
    (tmp_path / "file").write_bytes(b"x")
    files = [(f"attachments/{number:020000}", tmp_path / "file") for number in range(60)]
    manifest = seal(tmp_path / "b", WORDS, files, {})
    assert len(manifest.members) == 60 and len(manifest.to_bytes()) > 2**20


@pytest.mark.parametrize(
    ("name", "about"),
    [
        (FILE, {"day": "2026-11-24", "onion": "x.onion"}),
        ("settings.toml", {"kind": "casebook"}),
        ("campaign.toml", {"kind": "casebook", "version": VERSION}),
        ("attachments/x", {"kind": "casebook", "version": VERSION}),
    ],
)
def test_the_backup_of_anything_else_is_refused(
    desk: Desk, tmp_path: Path, name: str, about: dict[str, str | int]
) -> None:
    seal(tmp_path / "b", WORDS, [(name, desk.directory / FILE)], about)
    with pytest.raises(BackupError, match="This is not the backup of a casebook"):
        bring_back(tmp_path / "b", tmp_path / "again")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b", "casebook"]


def test_what_does_not_belong_in_a_casebook_is_not_restored(desk: Desk, tmp_path: Path) -> None:
    file = desk.directory / FILE
    about: dict[str, str | int] = {"kind": "casebook", "day": "", "version": VERSION, "head": ""}
    campaign = ("campaign.toml", desk.directory / "campaign.toml")
    seal(tmp_path / "b", WORDS, [(FILE, file), campaign, ("attachments/form", file)], about)
    with pytest.raises(BackupError, match="This is not the backup of a casebook"):
        bring_back(tmp_path / "b", tmp_path / "again")


def test_a_casebook_without_the_reviewers_key_does_not_appear(desk: Desk, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "b")

    def nobody(_: Path) -> AbstractContextManager[Casebook]:
        raise CustodyError("There is no secret key here.")

    with pytest.raises(CustodyError):
        bring_back(tmp_path / "b", tmp_path / "again", working=nobody)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b", "casebook"]


def test_a_damaged_casebook_is_not_passed_off_as_a_backup(desk: Desk, tmp_path: Path) -> None:
    path = desk.directory / FILE
    data = bytearray(path.read_bytes())
    # An index that no longer fits its table: SQLite reads on.
    with Casebook.open(desk.directory) as casebook:
        (page,) = casebook.database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'idx_part_block_id'"
        ).fetchone()
    data[4_096 * page - 4] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CasebookError, match="damaged"):
        back_up(desk, tmp_path / "b")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["casebook"]
    assert not list(desk.directory.glob("*.snapshot"))


# --- Disks that fail ---

FAULTS = (errno.ENOSPC, errno.EIO, errno.ENODEV)
CALLS = ("write", "fsync", "rename")


class Failing:
    """Python's writes, syncs and renames below *place*, of which one fails."""

    def __init__(self, patch: pytest.MonkeyPatch, place: Path) -> None:
        self.count = 0
        self.at = 0
        self.why = 0
        self._place = str(place)
        for name in CALLS:
            patch.setattr(os, name, self._failing(getattr(os, name)))

    def _failing(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(first: int | str | Path, *rest: object) -> object:
            path = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else first
            if str(path).startswith(self._place):
                self.count += 1
                if self.count == self.at:
                    raise OSError(self.why, os.strerror(self.why))
            return real(first, *rest)

        return call

    def each(self, run: Callable[[], object], fails: type[Exception]) -> Iterator[str]:
        """Run it with each call failing in turn, until one run has no more. Yields what it says.

        gpg's output comes in more or fewer pieces.
        """
        for at in itertools.count(1):
            self.count, self.at, self.why = 0, at, FAULTS[at % len(FAULTS)]
            try:
                run()
            except (fails, OSError) as why:
                self.at = 0
                yield str(why)
            else:
                break
        assert self.count < at and at > 4


@pytest.mark.slow
def test_a_full_failing_or_pulled_disk_leaves_no_half_backup(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    failing = Failing(monkeypatch, stick)

    def run() -> None:
        (stick / "b").unlink(missing_ok=True)
        back_up(desk, stick / "b")

    for said in failing.each(run, CannotWrite):
        assert re.search("No space left|Input/output error|No such device", said), said
        # The last one is the sync of the folder: the whole file has its name by then.
        assert [one.name for one in stick.iterdir()] in ([], ["b"])
        if (stick / "b").exists():
            shutil.rmtree(tmp_path / "again", ignore_errors=True)
            assert bring_back(stick / "b", tmp_path / "again").findings == ()
    with Casebook.open(desk.directory) as casebook:
        assert findings(casebook, casebook.pinned(), NOW) == []


@pytest.mark.slow
def test_a_full_failing_or_pulled_disk_leaves_no_half_casebook(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(desk, tmp_path / "b")
    place = tmp_path / "disk"
    place.mkdir()
    failing = Failing(monkeypatch, place)

    def run() -> None:
        shutil.rmtree(place / "again", ignore_errors=True)
        bring_back(tmp_path / "b", place / "again")

    for said in failing.each(run, CasedropError):
        assert re.search("No space left|Input/output error|No such device", said), said
        assert [one.name for one in place.iterdir()] in ([], ["again"])
        if (place / "again").exists():
            with Casebook.open(place / "again") as casebook:
                assert findings(casebook, casebook.pinned(), NOW) == []


KILLED = """
import os, signal, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from support.desks import Desk
from support.backups import back_up, bring_back
from scripts import sealed_archive
sealed_archive._SEAL[sealed_archive._SEAL.index("65011712")] = "65536"
place, left = Path({place!r}), int(sys.argv[1])
real = os.fsync
def fsync(file):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    real(file)
os.fsync = fsync
{act}
"""


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("act", ["backup", "restore"])
def test_a_killed_run_leaves_what_was_and_the_next_one_says_what_is_left(
    desk: Desk, tmp_path: Path, act: str, at: int
) -> None:
    back_up(desk, tmp_path / "b")
    acts = {
        "backup": "back_up(Desk(place / 'casebook', 0), place / 'new')",
        "restore": "bring_back(place / 'b', place / 'new')",
    }
    script = KILLED.format(tests=str(ROOT / "tests"), place=str(tmp_path), act=acts[act])
    done = subprocess.run([sys.executable, "-c", script, str(at)], cwd=ROOT, check=False)
    assert done.returncode == -9

    assert not (tmp_path / "new").exists()
    retry = back_up if act == "backup" else lambda _, path: bring_back(tmp_path / "b", path)
    with pytest.raises(CasedropError, match="left over from an interrupted run; remove it"):
        retry(desk, tmp_path / "new")
    part = tmp_path / "new.part"
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    retry(desk, tmp_path / "new")
    with Casebook.open(desk.directory) as casebook:
        assert findings(casebook, casebook.pinned(), NOW) == []


@pytest.mark.slow
@pytest.mark.parametrize("act", ["import", "review", "answer", "leave", "merge", "restored"])
def test_a_full_disk_is_said_and_nothing_is_half_done(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The casebook's file may have no more pages than it has."""
    other = Desk.make(tmp_path / "other", 1)
    other.file([1])
    for merit in ("m1", "m2", "m3"):
        other.judge(1, merit, note="other " * 3_000)
    work = other.work()
    long = "长" * 10_000

    def restored(one: Desk) -> None:
        for _ in range(40):
            with one.working() as casebook:
                casebook.restored(DAY, "00" * 32)

    def left(one: Desk) -> None:
        for number in range(40):
            one.answer(1, str(number))

    def imported(one: Desk) -> None:
        """What is there already is passed over, as by the command."""
        with Casebook.open(one.directory) as casebook:
            done = casebook.counts().cases
        one.file(range(100 + done, 140))

    acts: dict[str, Callable[[Desk], object]] = {
        "import": imported,
        "review": lambda one: one.judge(1, note=long),
        "answer": lambda one: one.answer(1, long, leave=False),
        "leave": left,
        "merge": lambda one: one.merge(work),
        "restored": restored,
    }

    with Casebook.open(desk.directory) as casebook:
        casebook.database.execute("VACUUM")
        (pages,) = casebook.database.execute("PRAGMA page_count").fetchone()
    with monkeypatch.context() as full:
        # One more, so that a session's line always fits.
        full.setitem(casebook_file._PRAGMAS, "max_page_count", pages + 1)
        with pytest.raises(CasebookError, match="its disk is full"):
            acts[act](desk)
    with Casebook.open(desk.directory) as casebook:
        assert findings(casebook, casebook.pinned(), NOW) == []
        # An import goes on after the last case that it finished.
        done = casebook.counts().cases
    assert done == 2 or act == "import"
    acts[act](desk)


# --- At the command line ---


def test_the_words_are_drawn_once_typed_back_and_asked_for_again(
    line: Line, keys_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_command, "new_passphrase", lambda _: WORDS)
    key = bytes(SigningKey(b"k" * 32).verify_key).hex()
    line("init", "--server-key", key, "--desk", 2, "--keys", keys_dir)
    casebook = tmp_path / "casebook"

    assert "at a terminal only" in line.refused("backup", tmp_path / "b")
    code, out, err = line.at_a_terminal("one two\n", "backup", tmp_path / "b")
    assert (code, out) == (2, "") and "Those are other words; nothing was written." in err
    assert not casebook_backup.are_known(casebook) and not (tmp_path / "b").exists()

    typed = WORDS.upper().replace(" ", "  ")
    code, out, err = line.at_a_terminal(f"{typed}\n", "backup", tmp_path / "b")
    assert code == 0 and f"\n    {WORDS}\n" in err
    assert "holds 0 cases and 0 files" in out and "it was read back and compared" in out
    assert "on the same disk as the casebook" in out
    assert WORDS not in (casebook / "backup-words").read_text()

    # From now on they are asked for, and nothing is shown.
    code, out, err = line.at_a_terminal("one two\n", "backup", tmp_path / "c")
    assert (code, out) == (2, "") and "Those are not the words of this casebook's backups" in err
    made = json.loads(line("backup", tmp_path / "c", "--json", text=f"{WORDS}\n"))
    assert made == {"cases": 0, "files": 0, "damaged": [], "bytes": made["bytes"]}
    assert "exists already and is not overwritten" in line.refused("backup", tmp_path / "c")

    shutil.rmtree(casebook)
    out = line("restore", tmp_path / "c", text=f"{WORDS}\n")
    assert "The casebook of desk 2 with 0 cases, as it was on" in out
    assert f"go on after number {SKIPPED_BUNDLES}." in out
    assert casebook_backup.are_right(casebook, WORDS)
    assert line.run("verify")[0] == 0
    assert "is not overwritten" in line.run("restore", tmp_path / "c", text=f"{WORDS}\n")[2]


def test_what_was_not_whole_is_told_with_an_exit_code(
    line: Line, keys_dir: Path, tmp_path: Path, reviewer_homes: list[Path]
) -> None:
    key = bytes(SigningKey(b"k" * 32).verify_key).hex()
    line("init", "--server-key", key, "--desk", 2, "--keys", keys_dir)
    casebook = tmp_path / "casebook"
    with Casebook.open(casebook) as opened:
        add(opened, report(attachments=(attachment(),)))
    casebook_backup.remember(casebook, WORDS)
    out = line("backup", tmp_path / "b", text=f"{WORDS}\n")
    assert "or damaged, already before: 1 file. `verify` names each." in out

    shutil.rmtree(casebook)
    code, out, err = line.run("restore", tmp_path / "b", text=f"{WORDS}\n")
    assert (code, err) == (1, "") and "It was not whole when it was backed up:\n" in out
    shutil.rmtree(casebook)
    code, out, err = line.run("restore", tmp_path / "b", "--json", text=f"{WORDS}\n")
    assert code == 1 and json.loads(out)["findings"]


def test_a_backup_says_how_far_it_is_and_each_file_counts_twice(desk: Desk, tmp_path: Path) -> None:
    """What is sealed is read back."""
    said = list[tuple[int, int]]()
    with desk.working() as casebook:
        casebook.note("export", "backup")
        with snapshot(desk.directory, casebook) as found:
            size = sum(one.stat().st_size for one in found.files.values() if one.is_file())
            write_backup(
                found, tmp_path / "b", WORDS, day=DAY, progress=lambda *one: said.append(one)
            )

    done = [one for one, _ in said]
    assert done == sorted(done) and done[-1] == 2 * size
    assert {total for _, total in said} == {2 * size}


def test_what_is_done_is_added_up_and_never_more_than_all() -> None:
    said = list[tuple[int, int]]()
    add = casebook_backup._adding_up(lambda done, total: said.append((done, total)), 10)
    for size in (3, 4, 5):
        add(size)

    assert said == [(3, 10), (7, 10), (10, 10)]
