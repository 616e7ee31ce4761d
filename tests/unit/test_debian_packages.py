"""How missing Debian packages are installed, with stand-ins for apt, dpkg, sudo and id."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "release" / "debian_packages.sh"
# What the script itself calls.
TOOLS = ("env", "grep", "mktemp", "rm", "sed", "sh", "sleep", "tail", "touch", "wc")
LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)"
UNREACHABLE = "E: Failed to fetch http://deb.debian.org/tor.deb  Could not resolve 'deb.debian.org'"


@dataclass
class Computer:
    """A computer whose installed packages are the names in a folder, and whose apt installs by
    adding names to it.
    """

    place: Path

    def has(self, program: str, does: str) -> None:
        path = self.place / "bin" / program
        path.write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        path.chmod(0o755)

    def run(self, *packages: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, *packages],
            env={"PATH": str(self.place / "bin"), "TMPDIR": str(self.place / "tmp"), **environ},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def asked(self) -> list[str]:
        """What apt was told to do, without its options."""
        log = self.place / "log"
        return log.read_text("utf-8").splitlines() if log.exists() else []


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    for name in ("bin", "tmp", "installed"):
        (tmp_path / name).mkdir()
    for tool in TOOLS:
        found = next(p for p in ("/usr/bin", "/bin") if Path(p, tool).exists())
        (tmp_path / "bin" / tool).symlink_to(Path(found, tool))
    made = Computer(tmp_path)
    made.has("id", "echo 0")
    made.has(
        "dpkg-query",
        f'for last; do :; done; [ -e {tmp_path}/installed/"$last" ] || exit 1; printf installed',
    )
    apt(made)
    (tmp_path / "installed" / "tor").touch()
    return made


def apt(computer: Computer, before: str = "") -> None:
    """Has apt do *before* first; ``$verb`` is update or install."""
    computer.has(
        "apt-get",
        f"shift 3; verb=$1; echo \"$*\" >>{computer.place}/log\n{before}\n"
        f'[ "$verb" = update ] || for name; do touch {computer.place}/installed/"$name"; done',
    )  # fmt: skip


def test_apt_is_not_asked_when_nothing_is_missing(computer: Computer) -> None:
    done = computer.run("tor")

    assert (done.returncode, done.stdout, done.stderr, computer.asked) == (0, "", "", [])


def test_only_what_is_missing_is_installed(computer: Computer) -> None:
    done = computer.run("tor", "gnupg", "strace")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Installing Debian packages: gnupg strace\n"
    assert computer.asked == ["update", "install --yes --no-install-recommends gnupg strace"]
    assert not list((computer.place / "tmp").iterdir())


def busy(computer: Computer, times: int) -> str:
    return f"[ $(wc -l <{computer.place}/log) -gt {times} ] || {{ echo '{LOCKED}' >&2; exit 100; }}"


@pytest.mark.slow
def test_another_apt_is_waited_for(computer: Computer) -> None:
    apt(computer, busy(computer, 1))
    done = computer.run("gnupg")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Waiting for another apt to end.\n" in done.stdout
    assert computer.asked == ["update", "update", "install --yes --no-install-recommends gnupg"]


def test_it_is_not_waited_for_without_end(computer: Computer) -> None:
    apt(computer, busy(computer, 99))
    done = computer.run("gnupg", CASEDROP_APT_SECONDS="0")

    assert done.returncode == 2
    assert f"apt could not install gnupg: {LOCKED}" in done.stderr


def test_without_a_package_source_a_sentence_says_so(computer: Computer) -> None:
    apt(computer, f'[ $verb = update ] || {{ echo Get:1; echo "{UNREACHABLE}" >&2; exit 100; }}')
    done = computer.run("gnupg", "strace")

    assert done.returncode == 2
    assert done.stderr == (
        f"apt could not install gnupg strace: {UNREACHABLE} Check that this computer can "
        "reach the package source named in /etc/apt, then run it again.\n"
    )
    assert not list((computer.place / "tmp").iterdir())


def test_lists_that_cannot_be_fetched_are_said_but_older_ones_may_do(computer: Computer) -> None:
    apt(computer, f'[ $verb = install ] || {{ echo "{UNREACHABLE}" >&2; exit 100; }}')
    done = computer.run("gnupg")

    assert (done.returncode, done.stderr) == (0, UNREACHABLE + "\n")


def test_an_apt_that_says_nothing_and_does_nothing_is_noticed(computer: Computer) -> None:
    apt(computer, "exit 0")
    done = computer.run("gnupg")

    assert done.returncode == 2
    assert done.stderr == "apt reported no error, but these packages are still missing: gnupg\n"


def test_whoever_is_not_root_uses_sudo(computer: Computer) -> None:
    computer.has("id", "echo 1000")
    computer.has("sudo", f'echo "as root" >>{computer.place}/log; exec "$@"')
    done = computer.run("gnupg")

    assert (done.returncode, done.stderr) == (0, "")
    assert computer.asked == [
        "as root", "update", "as root", "install --yes --no-install-recommends gnupg",
    ]  # fmt: skip


def test_without_root_and_sudo_a_sentence_says_what_root_has_to_do(computer: Computer) -> None:
    computer.has("id", "echo 1000")
    done = computer.run("tor", "gnupg", "strace")

    assert (done.returncode, done.stdout, computer.asked) == (2, "", [])
    assert done.stderr == (
        "These Debian packages are missing: gnupg strace. Only root can install them, and there "
        "is no sudo. Have root run: apt-get install --no-install-recommends gnupg strace\n"
    )
    assert computer.run("tor").returncode == 0


def test_where_there_is_no_dpkg_a_sentence_says_what_to_do(computer: Computer) -> None:
    (computer.place / "bin" / "dpkg-query").unlink()
    done = computer.run("tor", "gnupg")

    assert (done.returncode, done.stderr) == (
        2,
        "This is not Debian. Install by hand what these Debian packages contain: tor gnupg. "
        "Then tell make not to look for them: make APT= TEST_APT= and the target.\n",
    )
    assert computer.run().returncode == 0
    assert os.access(SCRIPT, os.X_OK)
