"""The filter of system calls and the lock around it, in a process of their own, as any user and on
any kernel.

The filter refuses with an error number that the kernel itself never gives for these calls: what it
refuses and what the kernel would have refused anyway are told apart.
"""

import json
import os
import platform
import signal
import socket
import struct
import subprocess
import sys
import termios
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import refused_calls

from dropbox import landlock, seccomp
from dropbox.errors import CannotLockDown
from dropbox.landlock import Access

ROOT = Path(__file__).parents[2]
REFUSED, UNKNOWN = "EXFULL", "EBADE"
FILTERED = f"""
import ctypes, errno, json, sys
import pyseccomp
from dropbox import seccomp
from support import refused_calls
seccomp._REFUSED = pyseccomp.ERRNO(errno.{REFUSED})
seccomp._UNKNOWN = pyseccomp.ERRNO(errno.{UNKNOWN})
writing, executing, locked = (word == "yes" for word in sys.argv[1:])
if locked:
    assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
    seccomp.allow_only(
        writing=writing, executing=executing, receiving=executing, connecting=False
    )
numbers = refused_calls.numbers_tried(
    writing=writing, executing=executing, receiving=executing, locked=locked
)
print(json.dumps([refused_calls.all_tried() if locked else {{}}, numbers]))
"""


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
        # One of the calls hangs up the terminal.
        start_new_session=True,
    )


@pytest.mark.parametrize("writing", [True, False])
@pytest.mark.parametrize("executing", [True, False])
def test_each_call_is_refused_by_the_filter_and_not_only_by_the_kernel(
    writing: bool, executing: bool
) -> None:
    done = python(FILTERED, *("yes" if one else "no" for one in (writing, executing, True)))
    assert done.returncode == 0, done.stderr
    came, numbers = json.loads(done.stdout)

    of_the_filter = {"EPERM": REFUSED, "ENOSYS": UNKNOWN}
    expected = {
        call: of_the_filter[how]
        for call, how in refused_calls.refused(writing=writing, executing=executing).items()
    }
    assert {call: came[call] for call in expected} == expected
    others = {call: how for call, how in came.items() if call not in expected}
    assert {call: how for call, how in others.items() if how in (REFUSED, UNKNOWN)} == {}
    # All that no room needs, by number, those included that no kernel has yet.
    assert len(numbers) > 400 and set(numbers.values()) == {REFUSED, UNKNOWN}


def test_without_the_filter_none_of_these_numbers_is_refused_so() -> None:
    """The control."""
    done = python(FILTERED, "yes", "no", "no")
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)[1]

    assert not {REFUSED, UNKNOWN} & set(numbers.values())
    # The kernel has them, and says something else of a descriptor or an address of -1.
    assert len([number for number, how in numbers.items() if how != "ENOSYS"]) > 150


OTHER_MODE = """
import ctypes, os, sys
from dropbox import seccomp
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
if sys.argv[1] == "locked":
    seccomp.allow_only(writing=False, executing=False, receiving=False, connecting=False)
print(libc.syscall(ctypes.c_long(0x40000000 | 39)) == os.getpid())
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has such a second mode")
def test_a_call_in_another_mode_of_the_processor_ends_the_process() -> None:
    free, locked = (python(OTHER_MODE, state) for state in ("free", "locked"))

    assert free.returncode == 0 and free.stdout in ("True\n", "False\n")
    assert (locked.returncode, locked.stdout) == (-signal.SIGSYS, "")


def test_every_call_that_the_filter_names_is_tried_here() -> None:
    tried = {*refused_calls.CALLS, *refused_calls.WRITING, *refused_calls.EXECUTING}
    tried |= {*refused_calls.SIGNALLING, *refused_calls.FORKING}

    assert set(seccomp._WAYS_OUT) == tried
    assert len(seccomp._NAMESPACES) == len(refused_calls.NAMESPACES)


SECOND_THREAD = """
import threading
from dropbox.errors import CannotLockDown
from dropbox.lockdown import Room, lacking, lock
waiting = threading.Event()
if {second}:
    threading.Thread(target=waiting.wait, daemon=True).start()
try:
    lock(Room("front"), ["access", "allocator", *lacking()])
except CannotLockDown as why:
    print(why)
else:
    print("locked")
"""


@pytest.mark.slow
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


@cache
def unlocked() -> subprocess.CompletedProcess[str]:
    """What the program says without any part of the lock."""
    return python(ALONE)


@pytest.mark.parametrize("parts", CHANGED)
@pytest.mark.slow
def test_each_part_of_the_lock_does_its_own(parts: str) -> None:
    """The parts overlap: one that no longer does anything would go unnoticed in a locked room."""
    free, locked = unlocked(), python(ALONE, *parts.split())
    assert (free.returncode, locked.returncode) == (0, 0), free.stderr + locked.stderr
    before, after = json.loads(free.stdout), json.loads(locked.stdout)

    assert after == {**before, **CHANGED[parts]}


FREED = """
from dropbox.errors import CannotLockDown
from dropbox.lockdown import PARTS, Room
try:
    PARTS["allocator"](Room("front", sees_plaintext=True))
except CannotLockDown as why:
    print(str(why).split()[0])
else:
    print("overwritten")
"""
FILLING = {
    "PYTHONMALLOC": "malloc",
    "MALLOC_PERTURB_": "165",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
}


@pytest.mark.parametrize(("without", "said"), [("", "overwritten"), ("GLIBC_TUNABLES", "In")])
def test_a_front_whose_freed_memory_stays_as_it_is_is_not_locked(without: str, said: str) -> None:
    given = {name: value for name, value in FILLING.items() if name != without}
    done = subprocess.run(
        [sys.executable, "-c", FREED],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **given},
    )

    assert done.stdout == said + "\n", done.stderr


SEALING_IN_A_ROOM = """
import sys
from pathlib import Path
from dropbox.lockdown import Room, lacking, lock
before = sys.argv[2] == "loaded before"
if before:
    import dropbox.hpke
room = Room("front", programs=(Path("/bin/true"),))
if sys.argv[1] == "vault":
    room = Room("vault", writable=Path(sys.argv[3]))
lock(room, ["access", "allocator", *lacking()])
from datetime import date
from dropbox.block import Kind, open_block, seal_block
from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.hpke import SecretKey
reviewer = SecretKey.generate()
record = DayKey.make(date(2026, 11, 25)).seal([reviewer.public]).to_bytes()
key = DayKeyRecord.from_bytes(record).open(lambda _: reviewer).key
print(open_block(seal_block(Kind.NOTHING, b"x", key), [key]).content)
"""


@pytest.mark.parametrize("loaded", ["loaded before", "loaded behind the lock"])
@pytest.mark.parametrize("room", ["front", "vault"])
@pytest.mark.slow
def test_a_locked_room_makes_and_seals_a_day_key(tmp_path: Path, room: str, loaded: str) -> None:
    done = python(SEALING_IN_A_ROOM, room, loaded, str(tmp_path))

    assert done.stdout == "b'x'\n", done.stderr


CALLS_OF_A_ROOM = """
import sys
from pathlib import Path
from dropbox.lockdown import PARTS, Room, lock
from support.refused_calls import EXECUTING, SHORTENING, tried
room = Room("front", programs=(Path("/bin/true"),))
if sys.argv[1] == "vault":
    room = Room("vault", writable=Path(sys.argv[2]))
lock(room, set(PARTS) - {"privileges", "seccomp"})
print(*(tried(call, *arguments) for call, arguments in {**SHORTENING, **EXECUTING}.items()))
"""


@pytest.mark.slow
def test_the_front_shortens_no_file_and_the_vault_starts_no_program(tmp_path: Path) -> None:
    front, vault = (
        python(CALLS_OF_A_ROOM, room, str(tmp_path)).stdout.split() for room in ("front", "vault")
    )

    assert front == ["EPERM", "EPERM", "EPERM", "EFAULT"]
    assert vault == ["EFAULT", "EBADF", "EBADF", "EPERM"]


# <linux/landlock.h>: the first version has the first 13; then version 2, 3 and 5 brought one each.
IN_THE_KERNELS_ORDER = [
    "EXECUTE",
    "WRITE_FILE",
    "READ_FILE",
    "READ_DIR",
    "REMOVE_DIR",
    "REMOVE_FILE",
    "MAKE_CHAR",
    "MAKE_DIR",
    "MAKE_REG",
    "MAKE_SOCK",
    "MAKE_FIFO",
    "MAKE_BLOCK",
    "MAKE_SYM",
    "REFER",
    "TRUNCATE",
    "IOCTL_DEV",
]


def test_the_rights_to_files_have_the_kernels_bits() -> None:
    # LANDLOCK_CREATE_RULESET_VERSION and LANDLOCK_RULE_PATH_BENEATH; the flag after the first one
    # asks for something else, and newer kernels answer that, too.
    assert (landlock._VERSION, landlock._PATH_BENEATH) == (1, 1)
    assert {one.name: one.value for one in Access} == {
        name: 2**bit for bit, name in enumerate(IN_THE_KERNELS_ORDER)
    }


FILES_OF_A_ROOM = """
import errno, json, os, socket, sys
from pathlib import Path
from dropbox import landlock
from dropbox.lockdown import PARTS, Room, lock
inside, outside, abstract = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0" + abstract)

ways = {
    "write": lambda: (inside / "new").write_text("x"),
    "shorten": lambda: os.truncate(inside / "file", 1),
    "remove": lambda: (inside / "new").unlink(),
    "list": lambda: list(inside.iterdir()),
    "make a folder": lambda: (inside / "folder").mkdir(),
    "make a link": lambda: (inside / "link").symlink_to("file"),
    "make a pipe": lambda: os.mkfifo(inside / "pipe"),
    "make a socket": lambda: socket.socket(socket.AF_UNIX).bind(str(inside / "socket")),
    "rename out": lambda: (inside / "file").rename(outside / "moved"),
    "read beside": lambda: (outside / "file").read_text(),
    "write beside": lambda: (outside / "file").write_text("x"),
    "write over beside": lambda: os.write(os.open(outside / "file", os.O_WRONLY), b"x"),
    "make beside": lambda: (outside / "new").write_text("x"),
    "remove beside": lambda: (outside / "file").unlink(),
    "shorten beside": lambda: os.truncate(outside / "file", 1),
    "list beside": lambda: list(outside.iterdir()),
    "connect": connect,
    "signal": lambda: os.kill(os.getppid(), 0),
}
interface = landlock.interface()
locked = {"privileges", "landlock"} if sys.argv[4] == "locked" else set()
lock(Room("vault", writable=inside), set(PARTS) - locked)
found = {}
for name, way in ways.items():
    try:
        way()
        found[name] = "done"
    except OSError as why:
        found[name] = errno.errorcode[why.errno]
print(json.dumps([interface, found]))
"""
OPEN = {"write", "shorten", "remove", "list"}


@pytest.mark.parametrize(
    ("interface", "rights"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (6, 16), (7, 16)]
)
def test_each_kernel_is_asked_for_the_rights_and_scopes_that_it_knows_and_no_others(
    monkeypatch: pytest.MonkeyPatch, interface: int, rights: int
) -> None:
    """A structure that ends before the fields for scopes is all that one before version 6 takes."""
    asked = []

    def call(number: int, *arguments: Any) -> int:
        asked.append((number, arguments))
        return os.open(os.devnull, os.O_RDONLY) if len(asked) == 1 else 0

    monkeypatch.setattr(landlock, "interface", lambda: interface)
    monkeypatch.setattr(landlock, "_call", call)
    landlock.restrict([])

    [(_, (attributes, size, flags)), _] = asked
    fields = struct.unpack("QQQ", bytes(attributes._obj))
    assert fields[:2] == (2**rights - 1, 0) and fields[2] == 0b11 and flags.value == 0
    assert size.value == (24 if interface >= 6 else 8)


OF_ITSELF = """
import ctypes, json
from dropbox import seccomp
from support.refused_calls import tried
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
seccomp.allow_only(writing=False, executing=False, receiving=False, connecting=False)
controls = [one for one in range(0x5400, 0x5480) if tried("ioctl", -1, one, 0) != "ENOSYS"]
options = [one for one in range(1, 80) if tried("prctl", one, -1, -1, -1, -1) != "ENOSYS"]
print(json.dumps([controls, options]))
"""


def test_a_room_asks_for_the_state_of_its_files_and_of_itself_and_changes_none_of_it() -> None:
    """<asm-generic/ioctls.h>: TCGETS, TIOCGWINSZ, FIONREAD, and what sets blocking and inheriting;
    <linux/prctl.h>: a thread's name, and what tells of dumps, seccomp and privileges.
    """
    done = python(OF_ITSELF)
    assert done.returncode == 0, done.stderr

    assert json.loads(done.stdout) == [
        [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451],
        [3, 15, 16, 21, 39],
    ]


CONNECTING = """
import ctypes, json, socket, sys
from dropbox import seccomp
from support.refused_calls import tried
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
seccomp.allow_only(writing=False, executing=False, receiving=False, connecting=True)
kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW]
families = [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK]
print(json.dumps([
    [family.name, kind.name, tried("socket", family, kind | flag, 0) == "done"]
    for family in families for kind in kinds for flag in (0, socket.SOCK_CLOEXEC)
]))
"""


def test_what_connects_for_others_makes_streams_of_this_computer_and_no_other_socket() -> None:
    done = python(CONNECTING)
    assert done.returncode == 0, done.stderr

    made = [(family, kind) for family, kind, is_made in json.loads(done.stdout) if is_made]
    assert made == [("AF_UNIX", "SOCK_STREAM")] * 2


ON_AN_OLDER_KERNEL = """
import os, sys
from pathlib import Path
from dropbox import landlock
from dropbox.lockdown import PARTS, Room, lock
landlock.interface = lambda: 1
lock(Room("vault", writable=Path(sys.argv[1])), set(PARTS) - {"privileges", "landlock"})
# A newer one would refuse that.
os.kill(os.getppid(), 0)
try:
    os.close(os.open("/etc/passwd", os.O_RDONLY))
except PermissionError:
    print("closed")
"""


def test_an_older_kernel_is_asked_for_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    done = python(ON_AN_OLDER_KERNEL, str(tmp_path))

    assert done.stdout == "closed\n", done.stderr


def test_a_rule_that_the_kernel_refuses_stops_the_start() -> None:
    # The kernel's own reason, whether it has Landlock or not.
    with pytest.raises(CannotLockDown, match=r"Landlock: (Bad file|Function not)"):
        landlock._allow(-1, Path("/"), landlock.READ)


@pytest.mark.slow
def test_landlock_leaves_one_folder_to_a_database_and_nothing_else(tmp_path: Path) -> None:
    """Each way by itself; where the kernel's interface is too old for one, it is left out. The
    control: unlocked.
    """
    said = {}
    for state in ("free", "locked"):
        inside, outside = tmp_path / state / "inside", tmp_path / state / "outside"
        for folder in (inside, outside):
            folder.mkdir(parents=True)
            (folder / "file").write_text("file")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("")
            server.listen()
            name = server.getsockname()[1:].decode()
            done = python(FILES_OF_A_ROOM, str(inside), str(outside), name, state)
        assert done.returncode == 0, done.stderr
        said[state] = json.loads(done.stdout)
    interface, found = said["locked"]
    # Without the file, which is then gone, it cannot be shortened.
    assert {way for way, came in said["free"][1].items() if came != "done"} <= {"shorten beside"}

    # Scopes came with interface 6, the right to shorten a file with 3.
    late = {"connect": 6, "signal": 6, "shorten beside": 3}
    closed = {way for way in found if way not in OPEN and late.get(way, 1) <= interface}
    assert {way for way in OPEN if found[way] != "done"} == set()
    assert {
        way: found[way] for way in closed if found[way] not in ("EACCES", "EPERM", "EXDEV")
    } == {}
    assert len(closed) >= 10


def test_numbers_that_the_filter_compares_with_are_those_of_the_system() -> None:
    """Python has them from the headers of the C library; those of <linux/sched.h> are bits."""
    assert (*(socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_CLOEXEC),) == (
        seccomp._AF_UNIX,
        seccomp._SOCK_STREAM,
        seccomp._SOCK_CLOEXEC,
    )
    assert (
        *(termios.TCGETS, termios.TIOCGWINSZ, termios.FIONREAD),
        *(termios.FIONBIO, termios.FIONCLEX, termios.FIOCLEX),
    ) == seccomp._CONTROLS
    assert seccomp._THREAD == 1 << 16
    assert sorted(seccomp._NAMESPACES) == [1 << bit for bit in (7, 17, 25, 26, 27, 28, 29, 30)]
    assert (seccomp._OWN_STATE, seccomp._PR_SET_DUMPABLE) == ((3, 15, 16, 21, 39), 4)
