"""What the kernel does with memory is named, and refused to both rooms unless waived."""

import gzip
from pathlib import Path

import pytest

from dropbox.errors import CannotLockDown
from dropbox.kernel_memory import dumps_to_a_program, keeps_freed_memory, memory_limit, swaps
from dropbox.lockdown import PARTS, Room, lacking

HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
PARTITION = "/dev/sda2                               partition\t976892\t\t0\t\t-2\n"
OFF, ON = "# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set\n", "CONFIG_INIT_ON_FREE_DEFAULT_ON=y\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine that is set up as it should be."""
    (tmp_path / "sys/kernel").mkdir(parents=True)
    for path, text in (
        ("swaps", HEADER),
        ("cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet init_on_free=1\n"),
        ("sys/kernel/core_pattern", "core\n"),
        ("sys/kernel/osrelease", "0.0.0-made-up\n"),
    ):
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("own", "above", "most"),
    [
        ("2147483648\n", "max\n", 2**31),
        ("2147483648\n", "1073741824\n", 2**30),
        ("max\n", "max\n", 4 * 2**30),
        ("9999999999999\n", None, 4 * 2**30),
        (None, None, 4 * 2**30),
    ],
)
def test_the_memory_that_is_allowed_is_the_least_of_all_groups_and_the_machine(
    proc: Path, own: str | None, above: str | None, most: int
) -> None:
    groups, place = proc / "groups", proc / "groups/system.slice/casedrop-vault.service"
    place.mkdir(parents=True)
    (proc / "self").mkdir()
    (proc / "self/cgroup").write_text("1:name=x:/\n0::/system.slice/casedrop-vault.service\n")
    (proc / "meminfo").write_text("MemTotal:        4194304 kB\nMemFree:          100 kB\n")
    for folder, limit in ((place, own), (place.parent, above)):
        if limit is not None:
            (folder / "memory.max").write_text(limit)
    assert memory_limit(proc, groups) == most


def test_this_machine_says_how_much_memory_there_is() -> None:
    assert 2**27 < memory_limit() < 2**50


def test_a_machine_that_is_set_up_well_lacks_nothing(proc: Path) -> None:
    assert lacking(proc) == ()
    assert (swaps(proc), dumps_to_a_program(proc), keeps_freed_memory(proc, proc)) == ("", "", "")


@pytest.mark.parametrize(
    "line", [PARTITION, "/dev/zram0 partition 100 0 100\n", "/a\\040swapfile file 100 0 -3\n"]
)
def test_swap_that_is_in_use_is_named(proc: Path, line: str) -> None:
    (proc / "swaps").write_text(HEADER + line, "utf-8")

    assert swaps(proc).startswith(f"{line.split(maxsplit=1)[0]} is in use as swap, ")


@pytest.mark.parametrize(
    ("pattern", "given_away"),
    [
        ("core\n", False),
        ("/var/crash/core.%p\n", False),
        ("\n", False),
        ("core|%p\n", False),
        ("|/usr/lib/systemd/systemd-coredump %P %u\n", True),
        ("|/bin/false\n", True),
        ("@/run/coredump.socket\n", True),
    ],
)
def test_core_dumps_that_go_to_a_program_are_seen(
    proc: Path, pattern: str, given_away: bool
) -> None:
    (proc / "sys/kernel/core_pattern").write_text(pattern, "utf-8")

    assert ("kernel.core_pattern begins with" in dumps_to_a_program(proc)) == given_away


def test_a_kernel_without_swap_or_core_dumps_has_none(proc: Path) -> None:
    (proc / "swaps").unlink()
    (proc / "sys/kernel/core_pattern").unlink()

    assert lacking(proc) == ()


@pytest.mark.parametrize(
    ("given", "overwritten"),
    [
        ("init_on_free=1", True),
        ("init_on_free=on", True),
        ("init_on_free=Y", True),
        ("init_on_free=yes", True),
        ("init_on_free=True", True),
        ("init_on_free=0", False),
        ("init_on_free=no", False),
        ("init_on_free=", False),
        ("init_on_free=off", False),
        ("init_on_free", False),
        ("init_on_free=1 init_on_free=0", False),
        ("init_on_free=0 init_on_free=1", True),
        ("no_init_on_free=1 init_on_freed=1", False),
    ],
)
def test_the_kernels_parameter_says_whether_freed_memory_is_overwritten(
    proc: Path, given: str, overwritten: bool
) -> None:
    (proc / "cmdline").write_text(f"quiet {given} ro\n", "utf-8")
    sentence = keeps_freed_memory(proc, proc)

    assert (sentence == "") == overwritten
    assert overwritten or "init_on_free=1" in sentence


@pytest.mark.parametrize(("built", "overwritten"), [(ON, True), (OFF, False), (f"# {ON}", False)])
@pytest.mark.parametrize("where", ["proc", "boot"])
def test_without_a_parameter_it_is_as_the_kernel_was_built(
    proc: Path, where: str, built: str, overwritten: bool
) -> None:
    boot = proc / "boot"
    boot.mkdir()
    text = f"CONFIG_SWAP=y\n{built}CONFIG_COREDUMP=y\n".encode()
    (proc / "cmdline").write_text("quiet\n", "utf-8")
    assert keeps_freed_memory(proc, boot) != "", "nobody says so"
    if where == "proc":
        (proc / "config.gz").write_bytes(gzip.compress(text))
    else:
        (boot / "config-0.0.0-made-up").write_bytes(text)
        (boot / "config-6.1.0-40-amd64").write_text(OFF if overwritten else ON)

    assert (keeps_freed_memory(proc, boot) == "") == overwritten
    # What was said at the start counts.
    (proc / "cmdline").write_text(f"init_on_free={int(not overwritten)}\n", "utf-8")
    assert (keeps_freed_memory(proc, boot) == "") != overwritten


@pytest.mark.parametrize("room", ["front", "vault"])
@pytest.mark.parametrize(
    ("part", "path", "text"),
    [
        ("swap", "swaps", HEADER + PARTITION),
        ("core_pattern", "sys/kernel/core_pattern", "|/usr/share/apport/apport %p\n"),
        ("init_on_free", "cmdline", "quiet\n"),
    ],
)
def test_a_room_is_refused_there_by_a_part_that_can_be_waived(
    room: str, part: str, path: str, text: str, proc: Path
) -> None:
    here = Room(room, proc=proc)
    PARTS[part](here)
    (proc / path).write_text(text, "utf-8")
    with pytest.raises(CannotLockDown):
        PARTS[part](here)

    assert lacking(proc) == (part,)
    # Before /proc is out of reach.
    assert list(PARTS).index(part) < list(PARTS).index("landlock")


def test_what_the_kernel_does_not_say_is_lacking(proc: Path) -> None:
    (proc / "cmdline").unlink()

    assert lacking(proc) == ("init_on_free",)
