"""A room's application with an extra page: from its locked worker, it tries every way out, by name.

gunicorn serves it with the room's packaged settings instead of the room's application; see
test_lockdown.
"""

import ctypes
import errno
import importlib
import json
import mmap
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from support import refused_calls

ROOM = os.environ["DENIED_ROOM"]
# A folder of the test with a file and a listening socket; the room's own folder is beside it.
OUTSIDE = Path(os.environ["DENIED_OUTSIDE"])
INSIDE = Path(os.environ["DENIED_INSIDE"])
# The folder of the vault's sockets, on which somebody listens.
SITE = Path(os.environ["CASEDROP_SETTINGS"]).parent

# As the worker has its keyring: to read it.
OPEN = (OUTSIDE / "file").open("rb")
room = importlib.import_module(f"dropbox.{ROOM}.wsgi")
libc = ctypes.CDLL(None, use_errno=True)
# x86-64 numbers of calls that glibc does not wrap.
CALLS = {
    "memfd_create": 319,
    "bpf": 321,
    "perf_event_open": 298,
    "keyctl": 250,
    "execveat": 322,
    "clone": 56,
    "fchmodat2": 452,
    "io_uring_setup": 425,
}
_PATHS: list[ctypes.Array[ctypes.c_char]] = []
LOADER = next((path for path in Path("/proc/self/maps").read_text().split() if "/ld-" in path), "")


def check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def call(number: int, *arguments: int) -> int:
    return check(libc.syscall(ctypes.c_long(number), *(ctypes.c_long(one) for one in arguments)))


def path_address(path: Path) -> int:
    """The address of a path's bytes, which live as long as this module."""
    _PATHS.append(ctypes.create_string_buffer(os.fsencode(path)))
    return ctypes.addressof(_PATHS[-1])


def write(path: Path) -> None:
    descriptor = os.open(path / "plaintext", os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(descriptor, b"plaintext")
    os.close(descriptor)
    (path / "plaintext").unlink()


def write_unnamed() -> None:
    os.write(os.open(OUTSIDE, os.O_TMPFILE | os.O_RDWR, 0o600), b"plaintext")


def share() -> None:
    descriptor = os.open(OUTSIDE / "file", os.O_RDWR)
    mmap.mmap(descriptor, 4, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)[:4] = b"file"
    os.close(descriptor)


def shorten() -> None:
    os.truncate(OUTSIDE / "file", 4)


def spool() -> None:
    with tempfile.SpooledTemporaryFile(max_size=10, dir="/tmp") as file:
        file.write(b"plaintext" * 10)


def make_folder() -> None:
    (OUTSIDE / "folder").mkdir()
    (OUTSIDE / "folder").rmdir()


def make_link() -> None:
    (OUTSIDE / "link").symlink_to("plaintext")
    (OUTSIDE / "link").unlink()


def make_pipe() -> None:
    os.mkfifo(OUTSIDE / "pipe")
    (OUTSIDE / "pipe").unlink()


def hide() -> None:
    os.close(call(CALLS["memfd_create"], id(b"x") + sys.getsizeof(b"") - 1, 0))


def segment() -> None:
    segment = check(libc.shmget(0, 4096, 0o600))
    libc.shmctl(segment, 0, None)


def run(*argv: str) -> None:
    try:
        # Three pipes, as in python-gnupg.
        done = subprocess.run(argv, capture_output=True, input=b"", check=False, close_fds=True)
    except subprocess.SubprocessError as why:
        raise OSError(errno.EPERM, "no child") from why
    if done.returncode != 0:
        raise OSError(errno.EACCES, "the program ended with an error")


def connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def send_datagram() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"plaintext", str(OUTSIDE / "datagrams"))


def send_from_a_pair() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        one.sendto(b"plaintext", str(OUTSIDE / "datagrams"))


def make_pair() -> None:
    for one in socket.socketpair():
        one.close()


def serve() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{os.getpid()}")
        server.listen()


def open_socket(family: int, kind: int = socket.SOCK_STREAM) -> None:
    socket.socket(family, kind).close()


def attach() -> None:
    check(libc.ptrace(16, os.getppid(), None, None))
    # Until it has stopped it cannot be let go, and would stay as it is.
    os.waitpid(os.getppid(), 0x40000000)
    libc.ptrace(17, os.getppid(), None, None)


def read_memory(pid: int) -> None:
    os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))


def fork_into(flags: int) -> None:
    """Call clone() for a child that ends at once."""
    child = libc.syscall(
        ctypes.c_long(CALLS["clone"]), ctypes.c_long(flags | signal.SIGCHLD), None, None, None, None
    )
    if child == 0:
        os._exit(0)
    os.waitpid(check(child), 0)


FOLDERS = [Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm", "/run", os.environ["HOME"])]
GPG = shutil.which("gpg") or ""
WAYS: dict[str, Callable[[], Any]] = {
    **{f"write to {path}": partial(write, path) for path in FOLDERS},
    "write beside": lambda: write(OUTSIDE),
    "write a file without a name": write_unnamed,
    "write a spooled file": spool,
    "write through shared memory of a file": share,
    "write an attribute": lambda: os.setxattr(OUTSIDE / "file", "user.text", b"plaintext"),
    "shorten a file": shorten,
    "change a file's mode": lambda: (OUTSIDE / "file").chmod(0o600),
    "change a file's mode by the newer call": lambda: call(
        CALLS["fchmodat2"], -100, path_address(OUTSIDE / "file"), 0o600, 0
    ),
    "look at another process's limits": lambda: resource.prlimit(
        os.getppid(), resource.RLIMIT_NOFILE
    ),
    "make a folder": make_folder,
    "make a link": make_link,
    "make a pipe": make_pipe,
    "rename a file": lambda: (OUTSIDE / "file").rename(OUTSIDE / "file"),
    "hide in a memory file": hide,
    "hide in a shared segment": segment,
    "read the account list": lambda: Path("/etc/passwd").read_bytes(),
    "read a file beside": (OUTSIDE / "file").read_bytes,
    "read the settings": lambda: Path(os.environ["CASEDROP_SETTINGS"]).read_bytes(),
    "list a folder": lambda: list(OUTSIDE.iterdir()),
    "run a shell": lambda: run("/bin/sh", "-c", ":"),
    "run Python": lambda: run(sys.executable, "-c", ""),
    "run a shell through the loader": lambda: run(LOADER, "/bin/sh", "-c", ":"),
    "run gpg to write a file": lambda: run(
        GPG, "--batch", "--output", str(OUTSIDE / "out"), "--store", str(Path(GPG))
    ),
    "run gpg to read a file": lambda: run(
        GPG, "--batch", "--output", "-", "--store", "/etc/passwd"
    ),
    **{f"open a socket of family {name}": partial(open_socket, family) for name, family in (
        ("IPv4", socket.AF_INET), ("IPv6", socket.AF_INET6))},
    "open a socket of the kernel": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "send a datagram": lambda: open_socket(socket.AF_INET, socket.SOCK_DGRAM),
    "send a datagram to a service": send_datagram,
    "send a datagram from a pair": send_from_a_pair,
    "serve": serve,
    "make a pair of sockets": make_pair,
    "connect to a socket beside": lambda: connect(str(OUTSIDE / "socket")),
    "connect to the courier's socket": lambda: connect(str(SITE / "courier.sock")),
    "connect to the intake socket": lambda: connect(str(SITE / "intake.sock")),
    "connect to an abstract socket": lambda: connect("\0" + os.environ["DENIED_ABSTRACT"]),
    "attach to another process": attach,
    "read another process's memory": lambda: read_memory(os.getppid()),
    "read its own memory": lambda: read_memory(os.getpid()),
    "signal another process": lambda: os.kill(os.getppid(), 0),
    "enter another namespace": lambda: check(libc.unshare(0x08000000)),  # CLONE_NEWIPC
    "start in another namespace": lambda: fork_into(0x08000000),
    "change the root": lambda: os.chroot("/"),
    "mount": lambda: check(libc.mount(None, b"/dev/shm", None, 32, None)),  # MS_REMOUNT
    "watch the kernel": lambda: call(CALLS["perf_event_open"], 0, 0, -1, -1, 0),
    "load a program into the kernel": lambda: call(CALLS["bpf"], 99, 0, 0),
    "keep a key in the kernel": lambda: call(CALLS["keyctl"], 0, -3, 0),
    "change its personality": lambda: check(libc.personality(0x0040000)),  # ADDR_NO_RANDOMIZE
    "use a ring of calls": lambda: call(CALLS["io_uring_setup"], 1, 0),
    "execute a descriptor": lambda: call(CALLS["execveat"], -1, 0, 0, 0, 0),
}  # fmt: skip
if ROOM == "front":
    # The vault sets its file's times back, so it has this call.
    WAYS["write a file's times"] = lambda: os.utime(OUTSIDE / "file", ns=(1, 2))
    WAYS["write an open file's times"] = lambda: os.utime(OPEN.fileno(), ns=(1, 2))
# By prctl(): PR_GET_DUMPABLE, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS.
STATES = {"dumpable": 3, "seccomp": 21, "no new privileges": 39}
LIMITS = {"core dump": resource.RLIMIT_CORE, "file": resource.RLIMIT_FSIZE}
# What the room still has to be able to do.
NEEDED: dict[str, dict[str, Callable[[], Any]]] = {
    "front": {
        "run gpg": lambda: run(GPG, "--version"),
        "be given a connection to the vault": lambda: room._connector.connect().close(),
        "read its code": lambda: importlib.reload(importlib.import_module("dropbox.padding")),
    },
    "vault": {
        "write its folder": lambda: write(INSIDE),
        "shorten its file": lambda: os.truncate(INSIDE / "file", 4),
    },
}


def told(way: Callable[[], Any]) -> str:
    """The result of trying *way*: "done", or the error's name."""
    try:
        way()
    except OSError as why:
        return errno.errorcode.get(why.errno or 0, "error")
    return "done"


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/denied":
        served: Iterable[bytes] = room.app(environ, start_response)
        return served
    tried = {name: told(way) for name, way in WAYS.items()}
    needed = {name: told(way) for name, way in NEEDED[ROOM].items()}
    calls = refused_calls.all_tried()
    numbers = refused_calls.numbers_tried(
        writing=ROOM == "vault",
        executing=ROOM == "front",
        receiving=ROOM == "front",
        locked=libc.prctl(STATES["seccomp"], 0, 0, 0, 0) == 2,
    )
    state: dict[str, Any] = {
        name: libc.prctl(number, 0, 0, 0, 0) for name, number in STATES.items()
    }
    state |= {name: list(resource.getrlimit(number)) for name, number in LIMITS.items()}
    came = {"tried": tried, "needed": needed, "calls": calls, "numbers": numbers, "state": state}
    body = json.dumps(came).encode()
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]
