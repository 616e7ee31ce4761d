"""Whether the casebook's disk is encrypted, as told by kernel lists that the tests write."""

from pathlib import Path

import pytest

from scripts.desk.disk import ENCRYPTED, MEMORY, PLAIN, WARNINGS, keeping

ROOT = "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw"
HOME = "30 22 253:1 / /home rw,relatime shared:2 - ext4 /dev/mapper/home rw"


class Kernel:
    """A list of mounts and a directory of block devices."""

    def __init__(self, directory: Path) -> None:
        self.mounts = directory / "mountinfo"
        self.devices = directory / "block"
        self.devices.mkdir()

    def mounted(self, *lines: str) -> None:
        self.mounts.write_text("".join(line + "\n" for line in lines), "utf-8")

    def device(
        self, name: str, number: str, *, uuid: str = "", called: str = "", on: tuple[str, ...] = ()
    ) -> None:
        device = self.devices / name
        (device / "slaves").mkdir(parents=True)
        (device / "dev").write_text(number + "\n")
        for slave in on:
            (device / "slaves" / slave).mkdir()
        if uuid:
            (device / "dm").mkdir()
            (device / "dm" / "uuid").write_text(uuid + "\n")
            (device / "dm" / "name").write_text(called + "\n")

    def keeping(self, directory: str) -> str:
        return keeping(Path(directory), mounts=self.mounts, devices=self.devices)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_a_bare_partition_is_not_encrypted(kernel: Kernel) -> None:
    kernel.mounted(ROOT)
    kernel.device("sda2", "8:2")

    assert (
        kernel.keeping("/home/nobody-here/cases") == PLAIN
        and "does not look encrypted" in WARNINGS[PLAIN]
    )


def test_luks_is_encrypted_where_it_is_mounted_and_nowhere_else(kernel: Kernel) -> None:
    kernel.mounted(ROOT, HOME)
    kernel.device("sda2", "8:2")
    kernel.device("dm-1", "253:1", uuid="CRYPT-LUKS2-0123-home", called="home", on=("sda3",))

    assert kernel.keeping("/home/nobody-here/cases") == ENCRYPTED and WARNINGS[ENCRYPTED] == ""
    assert kernel.keeping("/homework") == PLAIN


def test_a_volume_on_luks_is_encrypted_only_when_all_under_it_is(kernel: Kernel) -> None:
    kernel.mounted(HOME)
    kernel.device("dm-1", "253:1", uuid="LVM-abc", called="home", on=("dm-0", "dm-2"))
    kernel.device("dm-0", "253:0", uuid="CRYPT-LUKS1-x", called="one")
    kernel.device("dm-2", "253:2", uuid="CRYPT-PLAIN-y", called="two")
    assert kernel.keeping("/home/nobody-here") == ENCRYPTED

    (kernel.devices / "dm-1" / "slaves" / "sdb1").mkdir()
    assert kernel.keeping("/home/nobody-here") == PLAIN


def test_a_file_system_with_a_number_of_its_own_is_found_by_its_source(kernel: Kernel) -> None:
    kernel.mounted("30 22 0:44 /@home /home rw - btrfs /dev/mapper/safe rw,subvol=/@home")
    kernel.device("dm-0", "253:0", uuid="CRYPT-LUKS2-x", called="safe")

    assert kernel.keeping("/home/nobody-here") == ENCRYPTED


@pytest.mark.parametrize(
    ("kind", "expected"), [("tmpfs", MEMORY), ("ramfs", MEMORY), ("fuse.gocryptfs", ENCRYPTED)]
)
def test_memory_and_encrypting_file_systems_are_told(
    kernel: Kernel, kind: str, expected: str
) -> None:
    kernel.mounted(ROOT, f"40 22 0:50 / /media/my\\040cases rw - {kind} none rw")

    assert kernel.keeping("/media/my cases/book") == expected


def test_the_last_of_two_mounts_on_one_place_counts(kernel: Kernel) -> None:
    kernel.mounted(HOME, "40 22 0:50 / /home rw - tmpfs none rw")
    kernel.device("dm-1", "253:1", uuid="CRYPT-LUKS2-x", called="home")

    assert kernel.keeping("/home/nobody-here") == MEMORY


@pytest.mark.parametrize(
    "lines", [(), ("garbage",), ("1 2 - x",), ("30 22 0:44 / / rw - zfs tank rw",)]
)
def test_what_cannot_be_found_out_is_warned_of(kernel: Kernel, lines: tuple[str, ...]) -> None:
    kernel.mounted(*lines)
    assert kernel.keeping("/home/nobody-here") == PLAIN

    kernel.mounts.unlink()
    assert kernel.keeping("/home/nobody-here") == PLAIN


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("30 22 253:1 / / - ext4 /dev/mapper/home", True),
        ("30 22 253:1 / - ext4 /dev/mapper/home", False),
        ("30 22 253:1 / / - ext4", False),
        ("30 22 253:1 / /", False),
        ("", False),
    ],
)
def test_a_mount_is_read_from_the_fields_that_it_needs_and_other_lines_are_left_out(
    kernel: Kernel, line: str, found: bool
) -> None:
    kernel.mounted("", line, "nonsense")
    kernel.device("dm-1", "253:1", uuid="CRYPT-LUKS2-0123-home", called="home")

    assert (kernel.keeping("/home") == ENCRYPTED) == found
