"""What the file system under the vault's folder records is named, and refused unless waived."""

import os
import subprocess
from pathlib import Path

import pytest
from support.disk_image import make_image, mounted

from dropbox import lockdown
from dropbox.data_files import PACKAGE
from dropbox.errors import CannotLockDown
from dropbox.lockdown import PARTS, Room, check_disk
from dropbox.mounts import Mount, journals_files

TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:1 / / rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro
31 27 0:30 /@srv /srv\040drop rw,relatime shared:3 - btrfs /dev/sdb rw,subvol=/@srv
32 27 8:2 / /journal rw,noatime - ext4 /dev/sdc rw,data=journal
33 27 0:40 / /pool rw - zfs pool/drop rw,xattr
34 27 8:3 / /ordered rw - ext4 /dev/sdd rw,data=ordered
35 27 0:50 / /run rw,relatime - tmpfs tmpfs rw
36 27 8:4 / /usr ro,relatime - ext4 /dev/sde ro
"""
COPIES, JOURNAL = "keeps what was deleted", "mounted with data=journal"
EXTENTS, JOURNAL_DATA = 0x80000, 0x4000  # <linux/fs.h>
ACCESS, ATTRIBUTE = "mounted without noatime", "has the attribute j"


def mount(number: str) -> Mount:
    found = Mount.listed(TABLE, number)
    assert found is not None
    return found


def test_a_mount_is_found_by_its_number_with_both_kinds_of_options() -> None:
    assert mount("27") == Mount("/", "ext4", frozenset({"rw", "noatime", "errors=remount-ro"}))
    assert mount("31").place == "/srv drop"
    assert Mount.listed(TABLE, "2") is None and Mount.listed("27 broken\n", "27") is None


@pytest.mark.parametrize(
    ("number", "copies", "journal", "access"),
    [
        ("27", False, False, False),
        ("31", True, False, True),
        ("32", False, True, False),
        ("33", True, False, True),
        ("34", False, False, True),
        ("35", False, False, False),
        ("36", False, False, False),
    ],
)
def test_what_is_recorded_is_said_in_a_sentence(
    number: str, copies: bool, journal: bool, access: bool
) -> None:
    found = mount(number)
    for sentence, expected, words in (
        (found.keeps_copies(), copies, COPIES),
        (found.journals_data(), journal, JOURNAL),
        (found.stamps_reading(), access, ACCESS),
    ):
        assert (words in sentence) == expected and bool(sentence) == expected
        assert found.place in sentence or not expected


@pytest.mark.parametrize(
    ("type", "copies"),
    [(one, True) for one in ("bcachefs", "btrfs", "f2fs", "nilfs2", "zfs")]
    + [(one, False) for one in ("ext4", "xfs", "tmpfs")],
)
def test_file_systems_that_write_elsewhere_keep_copies(type: str, copies: bool) -> None:
    assert bool(Mount("/srv", type, frozenset({"rw"})).keeps_copies()) == copies


def test_what_a_disk_does_not_tell_stops_the_start_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(lockdown, "journals_files", broken)
    with pytest.raises(
        CannotLockDown, match=r"part journal: Input/output error\. To start without"
    ):
        check_disk(Room("vault", writable=tmp_path), {"copies"})


def test_a_file_that_the_vault_may_not_open_is_named_and_no_part_is_to_be_waived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that root copied there is no reason to give up a wall."""
    store = tmp_path / "store.sqlite"
    store.touch()

    def closed(path: Path, *_: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("dropbox.mounts._flags", lambda path: closed(path) if path == store else 0)
    with pytest.raises(CannotLockDown, match=r"may not open .*store\.sqlite: Permission") as said:
        check_disk(Room("vault", writable=tmp_path), {"copies"})
    assert "waived" not in str(said.value) and "belongs to " in str(said.value)


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
    # Before /proc is out of reach.
    assert list(PARTS)[:3] == ["copies", "journal", "access"]


@pytest.mark.parametrize("part", ["copies", "journal"])
def test_a_disk_is_looked_at_before_the_first_byte_is_written_there(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mount, "of", lambda _: mount({"copies": "31", "journal": "32"}[part]))
    vault = Room("vault", writable=tmp_path)
    with pytest.raises(CannotLockDown, match=f"part {part}: "):
        check_disk(vault)

    check_disk(vault, {part})
    # A folder that is missing is the store's to name, and a front has none.
    check_disk(Room("vault", writable=tmp_path / "missing"))
    check_disk(Room("front"))


def test_a_room_whose_reading_is_stamped_is_refused_by_a_part_that_can_be_waived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[Path] = set()

    def of(folder: Path) -> Mount:
        asked.add(folder)
        return mount("34" if folder == tmp_path / "stamped" else "27")

    monkeypatch.setattr(Mount, "of", of)
    stamped, other = tmp_path / "stamped", tmp_path / "other"
    for room in (
        Room("front", readable=(stamped,), sees_plaintext=True),
        Room("front", programs=(stamped / "gpg",), sees_plaintext=True),
        Room("front", sockets=(stamped,), sees_plaintext=True),
        Room("vault", writable=other, sockets=(other, stamped)),
    ):
        with pytest.raises(CannotLockDown, match=ACCESS):
            PARTS["access"](room)

    PARTS["access"](Room("front", readable=(other,), sees_plaintext=True))
    # Pages, translations and libraries that are read when they are needed first.
    assert PACKAGE in asked
    PARTS["access"](Room("vault", writable=stamped))  # reads its file without stamping it


@pytest.mark.parametrize("journal", [True, False])
def test_a_real_image_of_ext4_is_refused_with_its_data_in_the_journal(
    journal: bool, tmp_path: Path
) -> None:
    options = "data=journal" if journal else "data=ordered"
    with mounted(make_image(tmp_path / "image"), tmp_path / "place", options) as place:
        found = Mount.of(place)
        assert found is not None and (found.place, found.type) == (str(place), "ext4")
        assert (JOURNAL in found.journals_data()) == journal
        assert found.keeps_copies() == ""


@pytest.mark.parametrize("what", ["place", "folder", "file", "other"])
def test_the_attribute_of_a_file_or_folder_on_a_real_image_is_seen(
    what: str, tmp_path: Path
) -> None:
    image, place = make_image(tmp_path / "image"), tmp_path / "place"
    folder, other = place / "vault", place / "other"
    vault = Room("vault", writable=folder)
    with mounted(image, place, "noatime"):
        folder.mkdir()
        other.touch()
        (folder / "store.sqlite").touch()
        (folder / "link").symlink_to(other)
        assert journals_files(folder) == ""
        check_disk(vault)
    # As chattr +j does, which not every root may.
    path = {"folder": folder, "file": folder / "store.sqlite", "other": other, "place": place}[what]
    inside = f"/{path.relative_to(place)}"
    request = f"set_inode_field {inside} flags {EXTENTS | JOURNAL_DATA:#x}"
    subprocess.run(["debugfs", "-w", "-R", request, image], check=True, capture_output=True)
    with mounted(image, place, "noatime"):
        sentence = journals_files(folder)
        assert bool(sentence) == (what in ("folder", "file"))
        if sentence:
            assert f"{path} {ATTRIBUTE}" in sentence
            with pytest.raises(CannotLockDown, match=ATTRIBUTE):
                check_disk(vault)
            check_disk(vault, {"journal"})


def test_a_file_system_without_attributes_has_none(tmp_path: Path) -> None:
    assert journals_files(Path("/proc/self/fdinfo")) == ""
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo" / "one")
    assert journals_files(tmp_path / "fifo") == ""


@pytest.mark.parametrize("options", ["noatime", "relatime"])
def test_access_times_of_a_real_image_are_seen(options: str, tmp_path: Path) -> None:
    with mounted(make_image(tmp_path / "image"), tmp_path / "place", options) as place:
        found = Mount.of(place)
        assert found is not None
        assert (ACCESS in found.stamps_reading()) == (options == "relatime")
