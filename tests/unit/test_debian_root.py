"""Trying a bare Debian, with stand-ins for debootstrap: nothing of it stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "release" / "debian_root.py"
as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def with_debootstrap(tmp_path: Path, does: str) -> dict[str, str]:
    """An environment in which debootstrap does *does*; ``$3`` is its release, ``$4`` the root."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "debootstrap"
    program.write_text(f"#!/bin/sh\n{does}\n", "utf-8")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def mounts_below(place: Path) -> list[str]:
    return [
        line for line in Path("/proc/self/mounts").read_text().splitlines() if str(place) in line
    ]


def running_still(pid: int) -> bool:
    try:
        return b"987" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@as_root
def test_whoever_is_not_root_gets_a_sentence(tmp_path: Path) -> None:
    # Where the other user can read it, as a checkout may not be.
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "scripts" / "release" / SCRIPT.name
        copy.parent.mkdir(parents=True)
        shutil.copy(SCRIPT, copy)
        Path(name).chmod(0o755)
        python = Path(sys.base_prefix) / "bin" / "python3"
        done = subprocess.run(
            [python, copy, "trixie", tmp_path / "place"],
            user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Only root can make a bare Debian root: sudo make debian RELEASE=...\n"


def test_another_release_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "buster", tmp_path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2 and "choose from" in done.stderr and "trixie" in done.stderr


@as_root
def test_without_a_package_source_a_sentence_says_so_and_nothing_is_left(tmp_path: Path) -> None:
    environ = with_debootstrap(
        tmp_path, "mkdir -p $4/etc; echo 'E: Failed getting release file'; exit 1"
    )
    done = subprocess.run(
        [sys.executable, SCRIPT, "trixie", tmp_path / "place"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "=== a bare trixie\n")
    assert done.stderr == (
        "a bare trixie failed with exit code 1. E: Failed getting release file\n"
    )
    assert list((tmp_path / "place").iterdir()) == []


@as_root
def test_ctrl_c_ends_all_processes_and_leaves_no_mount_and_no_root(tmp_path: Path) -> None:
    environ = with_debootstrap(
        tmp_path,
        f"mkdir -p $4/proc; mount -t proc proc $4/proc; sleep 987 & echo $! >{tmp_path}/pid; wait",
    )
    running = subprocess.Popen(
        [sys.executable, SCRIPT, "bookworm", tmp_path / "place"],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < until
        time.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())
    there = mounts_below(tmp_path / "place")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)

    assert (running.returncode, err) == (130, "Stopped; the root was removed.\n")
    assert there and mounts_below(tmp_path / "place") == []
    assert list((tmp_path / "place").iterdir()) == []
    while time.monotonic() < until and running_still(pid):
        time.sleep(0.02)
    assert not running_still(pid)
