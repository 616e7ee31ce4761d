"""The filter of system calls and the lock around it, in a process of their own, as any user and on
any kernel.

The filter refuses with an error number that the kernel itself never gives for these calls: what it
refuses and what the kernel would have refused anyway are told apart.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import refused_calls

from dropbox import seccomp

ROOT = Path(__file__).parents[2]
REFUSED = "EXFULL"
FILTERED = f"""
import ctypes, errno, json, sys
import pyseccomp
from dropbox import seccomp
from support import refused_calls
seccomp._REFUSED = pyseccomp.ERRNO(errno.{REFUSED})
writing, executing = (word == "yes" for word in sys.argv[1:])
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
seccomp.refuse(writing=writing, executing=executing)
print(json.dumps(refused_calls.all_tried()))
"""


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.parametrize("writing", [True, False])
@pytest.mark.parametrize("executing", [True, False])
def test_each_call_is_refused_by_the_filter_and_not_only_by_the_kernel(
    writing: bool, executing: bool
) -> None:
    done = python(FILTERED, *("yes" if one else "no" for one in (writing, executing)))
    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)

    expected = {
        call: REFUSED if how == "EPERM" else how
        for call, how in refused_calls.refused(writing=writing, executing=executing).items()
    }
    assert {call: came[call] for call in expected} == expected
    assert [call for call in came if call not in expected and came[call] == REFUSED] == []


def test_every_call_that_the_filter_names_is_tried_here() -> None:
    named = {
        call
        for value in vars(seccomp).values()
        if isinstance(value, tuple)
        for call in value
        if isinstance(call, str)
    }
    tried = {*refused_calls.CALLS, *refused_calls.SHORTENING}

    assert named == tried and len(seccomp._NAMESPACES) == len(refused_calls.NAMESPACES)


SECOND_THREAD = """
import threading
from dropbox.errors import CannotLockDown
from dropbox.lockdown import Room, lock
waiting = threading.Event()
if {second}:
    threading.Thread(target=waiting.wait, daemon=True).start()
try:
    lock(Room("front"), ["allocator"])
except CannotLockDown as why:
    print(why)
else:
    print("locked")
"""


def test_a_room_with_a_second_thread_is_not_locked() -> None:
    """The lock would not reach that thread. The control: the same process with one."""
    one, two = (python(SECOND_THREAD.format(second=second)) for second in (False, True))

    assert one.stdout == "locked\n", one.stderr
    assert two.stdout == "The front cannot be locked down: it already has more than one thread.\n"


ALONE = """
import ctypes, json, os, resource, sys
from pathlib import Path
from dropbox.lockdown import PARTS, Room, lock
libc = ctypes.CDLL(None)
lock(Room("front"), set(PARTS) - set(sys.argv[1:]))
try:
    os.close(os.open("/etc/passwd", os.O_RDONLY))
    files = "open"
except PermissionError:
    files = "closed"
print(json.dumps({
    "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
    "written": resource.getrlimit(resource.RLIMIT_FSIZE)[1],
    "no new privileges": libc.prctl(39, 0, 0, 0, 0),
    "files": files,
    "seccomp": libc.prctl(21, 0, 0, 0, 0),
    "dumpable": libc.prctl(3, 0, 0, 0, 0),
}))
"""
# What each part changes. libseccomp also gives up privileges, and Landlock requires that unless it
# is root.
CHANGED: dict[str, dict[str, object]] = {
    "limits": {"core": 0, "written": 0},
    "privileges": {"no new privileges": 1},
    "landlock privileges": {"files": "closed", "no new privileges": 1},
    "seccomp privileges": {"seccomp": 2, "no new privileges": 1},
    "dumps": {"dumpable": 0},
}


@pytest.mark.parametrize("parts", CHANGED)
def test_each_part_of_the_lock_does_its_own(parts: str) -> None:
    """The parts overlap: one that no longer does anything would go unnoticed in a locked room."""
    free, locked = (python(ALONE, *chosen.split()) for chosen in ("", parts))
    assert (free.returncode, locked.returncode) == (0, 0), free.stderr + locked.stderr
    before, after = json.loads(free.stdout), json.loads(locked.stdout)

    assert after == {**before, **CHANGED[parts]}
