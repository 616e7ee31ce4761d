"""What the operating system refuses is told with its reason and with what to do."""

import errno
import os
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from dropbox import system_error
from dropbox.campaign import Campaign
from dropbox.durable_file import CannotWrite, write_new
from dropbox.errors import BadBundle, CasedropError
from dropbox.settings import Settings
from dropbox.successor import read_successor
from dropbox.system_error import explained
from dropbox.vault.factory import read_export_key
from scripts.desk.casebook.creation import create
from scripts.desk.importing.received_bundle import ReceivedBundle


@pytest.mark.parametrize("number", sorted(system_error._ADVICE))
def test_each_reason_that_people_meet_comes_with_what_to_do(number: int) -> None:
    said = explained(OSError(number, os.strerror(number), "/x"))

    assert said == f"{os.strerror(number)}. {system_error._ADVICE[number]}"


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
