"""A child gets all of its input, and all of its output is read, whatever its length and exit."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dropbox import gpg_process

ENVIRON = {"PATH": os.environ["PATH"]}
BOUNDS = gpg_process.Bounds(out_bytes=3_000_000)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def python(program: str, data: bytes = b"") -> gpg_process.Result:
    return gpg_process.run(
        [sys.executable, "-Sc", f"import sys, os, time\n{program}"], data, ENVIRON, BOUNDS
    )


@pytest.mark.parametrize("size", [0, 1, 65_536, 131_072, 131_073, 3_000_000])
def test_what_a_child_writes_comes_back_whole(size: int) -> None:
    data = os.urandom(size)

    assert gpg_process.run(["cat"], data, ENVIRON, BOUNDS) == (0, data, b"")


def test_a_child_that_takes_its_time_is_waited_for() -> None:
    ended = python(
        "for _ in range(4): time.sleep(0.04); os.write(1, b'x' * 100); os.write(2, b'e')"
    )

    assert ended == (0, b"x" * 400, b"eeee")


def test_how_it_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without folders that this user may not read: there the error would be another one.
    monkeypatch.setenv("PATH", os.defpath)
    assert python("os.write(2, b'why'); sys.exit(3)") == (3, b"", b"why")
    assert python("os.kill(os.getpid(), 9)").code == -9
    with pytest.raises(FileNotFoundError):
        gpg_process.run(["no-such-program"], b"", ENVIRON, BOUNDS)


def test_a_child_ends_when_nobody_reads_it_any_more() -> None:
    """Python ignores SIGPIPE, and what it starts would too: a gpg would write on into nothing."""
    ended = gpg_process.run(["grep", "SigIgn", "/proc/self/status"], b"", ENVIRON, BOUNDS)

    ignored = int(ended.out.split()[1], 16)
    assert ended.code == 0 and not ignored & 1 << (signal.SIGPIPE - 1)
    with Path("/proc/self/status").open() as status:
        mine = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn"))
    assert mine & 1 << (signal.SIGPIPE - 1), "the control"


def test_a_child_has_no_file_of_this_process(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as open_here:
        assert open_here.fileno() > 2
        names = python(
            "for one in os.listdir('/proc/self/fd'):\n"
            " try: print(os.readlink('/proc/self/fd/' + one))\n except OSError: pass"
        )

    assert b"memfd:in" in names.out and b"memfd:err" in names.out and b"secret" not in names.out


def test_many_at_once_do_not_mix_and_leave_nothing_open() -> None:
    before = descriptors()
    texts = [str(number).encode() * 5_000 for number in range(40)]

    with ThreadPoolExecutor(8) as executor:
        ended = list(
            executor.map(lambda text: gpg_process.run(["cat"], text, ENVIRON, BOUNDS), texts)
        )

    assert [one.out for one in ended] == texts and descriptors() <= before
