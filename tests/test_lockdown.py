"""A locked process is tried from inside, in a child of its own, beside one that is not locked."""

import subprocess
import sys
from pathlib import Path

import pytest

WRITE = "import os; os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), b'x')"
GAIN = "import ctypes; assert ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 0"  # PR_GET_NO_NEW_PRIVS
WATCH = "import ctypes; assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1"  # PR_GET_DUMPABLE


def run(code: str, target: Path, *, locked: bool) -> int:
    lock = "from dropbox.lockdown import lock_worker; lock_worker(); " if locked else ""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; {lock}{code}", target], capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("code", [WRITE, GAIN, WATCH], ids=["write a file", "gain privileges", "be dumped or traced"])
def test_a_locked_worker_cannot_what_an_unlocked_one_can(code: str, tmp_path: Path) -> None:
    assert run(code, tmp_path / "free", locked=False) == 0
    assert run(code, tmp_path / "locked", locked=True) != 0


def test_a_locked_workers_child_cannot_write_either(tmp_path: Path) -> None:
    child = "import subprocess; sys.exit(subprocess.run(['dd', 'if=/dev/zero', f'of={sys.argv[1]}', 'count=1']).returncode)"

    assert run(child, tmp_path / "free", locked=False) == 0
    assert run(child, tmp_path / "locked", locked=True) != 0
    assert (tmp_path / "locked").stat().st_size == 0
