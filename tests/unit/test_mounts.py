"""What the file system under the vault's folder records is named, and refused unless waived."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dropbox.errors import CannotLockDown
from dropbox.lockdown import PARTS, Room
from dropbox.mounts import Mount

TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:1 / / rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro
31 27 0:30 /@srv /srv\040drop rw,relatime shared:3 - btrfs /dev/sdb rw,subvol=/@srv
32 27 8:2 / /journal rw,noatime - ext4 /dev/sdc rw,data=journal
33 27 0:40 / /pool rw - zfs pool/drop rw,xattr
34 27 8:3 / /ordered rw - ext4 /dev/sdd rw,data=ordered
"""
COPIES, JOURNAL = "keeps what was deleted", "mounted with data=journal"


def mount(number: str) -> Mount:
    found = Mount.listed(TABLE, number)
    assert found is not None
    return found


def test_a_mount_is_found_by_its_number_with_both_kinds_of_options() -> None:
    assert mount("27") == Mount("/", "ext4", frozenset({"rw", "noatime", "errors=remount-ro"}))
    assert mount("31").place == "/srv drop"
    assert Mount.listed(TABLE, "2") is None and Mount.listed("27 broken\n", "27") is None


@pytest.mark.parametrize(
    ("number", "copies", "journal"),
    [
        ("27", False, False),
        ("31", True, False),
        ("32", False, True),
        ("33", True, False),
        ("34", False, False),
    ],
)
def test_what_is_recorded_is_said_in_a_sentence(number: str, copies: bool, journal: bool) -> None:
    found = mount(number)
    for sentence, expected, words in (
        (found.keeps_copies(), copies, COPIES),
        (found.journals_data(), journal, JOURNAL),
    ):
        assert (words in sentence) == expected and bool(sentence) == expected
        assert found.place in sentence or not expected


def test_the_mount_of_a_real_folder_is_found(tmp_path: Path) -> None:
    shared = Mount.of(Path("/dev/shm"))
    assert shared is not None and (shared.place, shared.type) == ("/dev/shm", "tmpfs")
    here = Mount.of(tmp_path)
    assert here is not None and tmp_path.is_relative_to(here.place)


def test_a_kernel_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "fdinfo").mkdir()
    for number in range(1_024):
        (tmp_path / "fdinfo" / str(number)).write_text("pos:\t0\n", "ascii")
    (tmp_path / "mountinfo").write_text(TABLE, "utf-8")
    assert Mount.of(tmp_path, tmp_path) is None


@pytest.mark.parametrize(
    ("part", "number", "words"), [("copies", "31", COPIES), ("journal", "32", JOURNAL)]
)
def test_a_vault_there_is_refused_by_a_part_of_the_lockdown_that_can_be_waived(
    part: str, number: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mount, "of", lambda _: mount(number))
    (other,) = {"copies", "journal"} - {part}
    vault = Room("vault", writable=tmp_path)
    with pytest.raises(CannotLockDown, match=words):
        PARTS[part](vault)

    PARTS[other](vault)
    # A front writes nowhere.
    PARTS[part](Room("front"))
    assert list(PARTS)[:2] == ["copies", "journal"]  # before /proc is out of reach


@contextmanager
def mounted(tmp_path: Path, options: str) -> Iterator[Path]:
    image, place = tmp_path / "image", tmp_path / "place"
    with image.open("wb") as file:
        file.truncate(64 * 2**20)
    place.mkdir()
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, capture_output=True)
        subprocess.run(
            ["mount", "-o", f"loop,{options}", image, place], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no mkfs.ext4 or no loop devices here")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount an image")
@pytest.mark.parametrize("journal", [True, False])
def test_a_real_image_of_ext4_is_refused_with_its_data_in_the_journal(
    journal: bool, tmp_path: Path
) -> None:
    with mounted(tmp_path, "data=journal" if journal else "data=ordered") as place:
        found = Mount.of(place)
        assert found is not None and (found.place, found.type) == (str(place), "ext4")
        assert (JOURNAL in found.journals_data()) == journal
        assert found.keeps_copies() == ""
