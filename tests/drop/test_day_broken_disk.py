"""System calls that fail: nothing is said to be stored that is not, and afterwards filing works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.day_filing import known_blocks
from support.day_stores import held, open_days

pytestmark = pytest.mark.strace

ROOT = Path(__file__).parents[2]
REPORTS = 12


def filed_under(path: Path, fault: str) -> dict[str, set[int]]:
    """What a process says that files REPORTS reports while a system call fails as *fault* says."""
    name, _, rest = fault.partition(":")
    start = "from pathlib import Path; from support.day_filing import file_some"
    program = f"{start}; file_some(Path({str(path)!r}), {REPORTS})"
    watched = ["strace", "-f", "-o", os.devnull, "-P", str(path), "-P", f"{path}-journal"]
    done = subprocess.run(
        [
            *watched,
            "-e",
            f"trace={name}",
            "-e",
            f"inject={name}:{rest}",
            sys.executable,
            "-c",
            program,
        ],
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    said: dict[str, set[int]] = {"stored": set(), "refused": set()}
    for line in done.stdout.splitlines():
        what, number = line.split()
        said[what].add(int(number))
    return said


@pytest.mark.parametrize(
    "fault",
    [
        "pwrite64:error=ENOSPC:when=400..406",
        "pwrite64:error=EIO:when=300..420+23",
        "pwrite64:error=EROFS:when=500..503",
        "pread64:error=EIO:when=40..46",
        "fdatasync:error=EIO:when=9",
        "fdatasync:error=EIO:when=10",
        "fdatasync:error=EIO:when=11",
        "fdatasync:error=EIO:when=12..19",
    ],
)
def test_while_the_disk_fails_nothing_is_lost_and_afterwards_reports_are_stored(
    tmp_path: Path, fault: str
) -> None:
    path = tmp_path / "vault.sqlite"
    open_days(path).close()
    said = filed_under(path, fault)
    print(said)
    store = open_days(path)
    last, *files = known_blocks(REPORTS)
    store.put(files)
    store.close()
    found = held(path)

    assert said["refused"] or "fdatasync" in fault or "pread" in fault
    assert max(said["stored"]) > max(said["refused"], default=0), "the fault did not end"
    for number in said["stored"]:
        for one in known_blocks(number):
            assert found[one.id].data == one.data
    assert all(found[one.id].data == one.data for one in files) and last.id not in found
