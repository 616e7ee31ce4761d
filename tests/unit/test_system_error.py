"""What the operating system refuses is told with its reason and with what to do."""

import errno
import os
import pwd
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from support.other_user import open_folder, said_to_another

from dropbox import system_error
from dropbox.campaign import Campaign
from dropbox.durable_file import CannotWrite, write_new
from dropbox.errors import BadBundle, CasedropError
from dropbox.openpgp import Reviewers
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.settings import Settings
from dropbox.successor import read_successor
from dropbox.system_error import explained, told
from dropbox.vault.factory import read_export_key
from dropbox.vault.slot_file import SlotFile
from dropbox.vault.slot_schema import connect
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.casebook.creation import create
from scripts.desk.importing.received_bundle import ReceivedBundle


@pytest.mark.parametrize("number", sorted(system_error._ADVICE))
def test_each_reason_that_people_meet_comes_with_what_to_do(number: int) -> None:
    said = explained(OSError(number, os.strerror(number)))

    assert said == f"{os.strerror(number)}. {system_error._ADVICE[number]}"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_what_is_refused_comes_with_whose_it_is_and_who_asked(number: int, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o400)
    me = pwd.getpwuid(os.geteuid()).pw_name

    said = told(OSError(number, os.strerror(number), str(file)))

    assert said == (
        f"{file}: {os.strerror(number)}. It belongs to {me} with mode 0400, and this runs as {me}. "
        f"{system_error._ADVICE[number]}"
    )


def test_a_folder_on_the_way_or_around_a_new_name_is_named_instead() -> None:
    """The file itself may have the best of rights."""
    with open_folder() as folder:
        closed = folder / "closed"
        (closed / "below").mkdir(parents=True)
        (closed / "below" / "file").touch()
        closed.chmod(0)
        below, new = closed / "below" / "file", folder / "new"
        own = folder if os.geteuid() == 0 else None

        def read() -> None:
            try:
                below.read_bytes()
            except OSError as why:
                raise CasedropError(told(why)) from None

        assert f"The folder {closed} belongs to " in said_to_another(read)
        if own is not None:
            said = said_to_another(lambda: write_new(new, b""))
            assert f"The folder {own} belongs to root with mode 0755, and this runs as " in said


def test_a_file_that_may_be_written_but_not_replaced_names_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o600)
    said = explained(PermissionError(errno.EACCES, "Permission denied", file))
    assert f"The folder {tmp_path} belongs to " in said


def test_a_file_that_is_named_from_its_folder_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch(mode=0o400)
    said = told(PermissionError(errno.EACCES, "Permission denied", "file"))
    assert said.startswith("file: Permission denied. It belongs to ")


def test_what_is_missing_with_its_folder_names_the_folder(tmp_path: Path) -> None:
    there, gone = tmp_path / "file", tmp_path / "no" / "file"
    missing = [FileNotFoundError(errno.ENOENT, "Missing", str(path)) for path in (there, gone)]
    assert explained(missing[0]) == "Missing. Check the path: there is nothing of that name."
    assert explained(missing[1]) == f"Missing. There is no folder {tmp_path / 'no'}."


def test_whoever_may_not_read_the_drops_files_learns_whose_they_are(keys_dir: Path) -> None:
    with open_folder() as folder:
        shutil.copytree(keys_dir, folder / "keys")
        (folder / "store.sqlite").write_bytes(bytes(10))
        now = datetime.now(UTC)
        attempts: dict[str, Callable[[], object]] = {
            "keys/FINGERPRINTS": lambda: read_pins(folder / "keys"),
            "keys/reviewer-1.asc": lambda: read_pinned_keys(folder / "keys"),
            "keys/reviewer-1.hpke": lambda: WeeklyHpke.load(folder / "keys", now),
            "store.sqlite": lambda: connect(folder / "store.sqlite"),
            "vault": lambda: SlotFile.open(folder / "vault" / "whole.sqlite", journal_pages=8),
            "gnupg": lambda: Reviewers.load(folder / "keys", folder / "gnupg"),
        }
        for name in ("vault", "gnupg"):
            (folder / name).mkdir()
        connect(folder / "vault" / "whole.sqlite").close()
        (folder / "vault" / "whole.sqlite").chmod(0o666)
        (folder / "keys").chmod(0o755)
        for path in (folder / "keys").iterdir():
            path.chmod(0o644)
        for name, attempt in attempts.items():
            mode = 0o555 if name == "vault" else 0
            (folder / name).chmod(mode)
            said = said_to_another(attempt)
            (folder / name).chmod(0o644)
            assert Path(name).name in said and "Errno" not in said, (name, said)
            assert f"with mode {mode:04o}, and this runs as " in said
            assert "damaged" not in said and "gpg rejects" not in said


def test_any_other_reason_is_told_as_it_is() -> None:
    assert explained(OSError(errno.EXDEV, "Invalid cross-device link")) == (
        "Invalid cross-device link."
    )
    assert explained(OSError("It broke.")) == "It broke."


def test_whoever_names_a_wrong_path_learns_which_and_what_to_do(tmp_path: Path) -> None:
    file, absent = tmp_path / "file", tmp_path / "absent"
    file.touch()
    below, folder = file / "below", tmp_path
    attempts = [
        (lambda: write_new(below, b""), below, "a part of it is a file"),
        (lambda: Settings.load({"CASEDROP_SETTINGS": str(absent)}), absent, "nothing of that name"),
        (lambda: Campaign.read(folder), folder, "a directory is there"),
        (lambda: read_export_key(absent), absent, "nothing of that name"),
        (lambda: read_successor(folder), folder, "a directory is there"),
        (
            lambda: create(below, server_key=bytes(32), campaign=_campaign(), desk=0),
            below,
            "a part of it is a file",
        ),
    ]
    for attempt, path, advice in attempts:
        with pytest.raises(CasedropError) as refused:
            attempt()  # type: ignore[no-untyped-call]
        assert str(path) in str(refused.value) and advice in str(refused.value)


def _campaign() -> Path:
    return Path(system_error.__file__).with_name("campaign.toml")


def test_a_bundle_without_its_head_and_a_full_folder_are_told_likewise(tmp_path: Path) -> None:
    (tmp_path / "head.tar").mkdir()
    with pytest.raises(BadBundle, match="a directory is there"):
        ReceivedBundle(tmp_path, SigningKey(bytes(32)).verify_key, campaign="c")
    (tmp_path / "there").touch()
    with pytest.raises(CannotWrite, match="already exists"):
        write_new(tmp_path / "there", b"")
