"""The system calls refused to a locked room, each with arguments that are harmless if it is not
refused: the ways out by name, and every other number.

Listed here independently of dropbox/seccomp.py, which this checks. A null
pointer, a descriptor of -1 or a number that no kernel knows is an error of its own, and another one
than EPERM.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import pyseccomp

LIBC = ctypes.CDLL(None, use_errno=True)
# A System V key that nobody uses, and a flag and a command that no call knows.
_NO_KEY, _NO_FLAG, _NO_COMMAND = 0x0CA5ED09, 0x40000000, 0x5FFF
# UFFD_USER_MODE_ONLY; without it the kernel itself may refuse.
_USER_MODE_ONLY = 1
_PAST_ALL_TIME = (ctypes.c_long * 2)(0, -1)
_PATH = ctypes.create_string_buffer(b"/nowhere/at/all")


def _at(memory: "ctypes.Array[ctypes.c_long] | ctypes.Array[ctypes.c_char]") -> int:
    return ctypes.addressof(memory)


CALLS: dict[str, tuple[int, ...]] = {
    # Inspecting or controlling other processes.
    "ptrace": (_NO_COMMAND, -1, 0, 0),
    "process_vm_readv": (-1, 0, 0, 0, 0, 1),
    "process_vm_writev": (-1, 0, 0, 0, 0, 1),
    "pidfd_getfd": (-1, 0, 1),
    "kcmp": (-1, -1, 0, 0, 0),
    "process_madvise": (-1, 0, 0, 0, 0),
    "process_mrelease": (-1, _NO_FLAG),
    "perf_event_open": (0, 0, -1, -1, 0),
    "bpf": (_NO_COMMAND, 0, 0),
    # Changing the view of the file system, the user, or the permissions.
    "mount": (0, 0, 0, 0, 0),
    "umount2": (0, _NO_FLAG),
    "move_mount": (-1, 0, -1, 0, _NO_FLAG),
    "open_tree": (-1, 0, _NO_FLAG),
    "fsopen": (0, _NO_FLAG),
    "fsconfig": (-1, _NO_COMMAND, 0, 0, 0),
    "fsmount": (-1, _NO_FLAG, 0),
    "fspick": (-1, 0, _NO_FLAG),
    "mount_setattr": (-1, 0, _NO_FLAG, 0, 0),
    "pivot_root": (0, 0),
    "chroot": (0,),
    "unshare": (0x1,),
    "setns": (-1, _NO_FLAG),
    "open_by_handle_at": (-1, 0, 0),
    "name_to_handle_at": (-1, 0, 0, 0, _NO_FLAG),
    "personality": (0xFFFFFFFF,),  # asks, and changes nothing
    "keyctl": (_NO_COMMAND, 0, 0, 0, 0),
    "add_key": (0, 0, 0, 0, 0),
    "request_key": (0, 0, 0, 0),
    "mknod": (0, 0, 0),
    "mknodat": (-1, 0, 0, 0),
    "chmod": (0, 0),
    "fchmod": (-1, 0),
    "fchmodat": (-1, 0, 0),
    "fchmodat2": (-1, 0, 0, _NO_FLAG),
    "fanotify_init": (_NO_FLAG, 0),
    "fanotify_mark": (-1, _NO_FLAG, 0, -1, 0),
    "chown": (0, -1, -1),
    "fchown": (-1, -1, -1),
    "lchown": (0, -1, -1),
    "fchownat": (-1, 0, -1, -1, _NO_FLAG),
    "setxattr": (0, 0, 0, 0, _NO_FLAG),
    "fsetxattr": (-1, 0, 0, 0, _NO_FLAG),
    "lsetxattr": (0, 0, 0, 0, _NO_FLAG),
    "removexattr": (0, 0),
    "fremovexattr": (-1, 0),
    "lremovexattr": (0, 0),
    "utime": (_at(_PATH), 0),
    "utimes": (_at(_PATH), 0),
    "futimesat": (-1, _at(_PATH), 0),
    # Memory that outlives the process or can be executed like a file, and io_uring.
    "memfd_create": (0, _NO_FLAG),
    "memfd_secret": (_NO_FLAG,),
    "execveat": (-1, 0, 0, 0, _NO_FLAG),
    "userfaultfd": (_NO_FLAG | _USER_MODE_ONLY,),
    "io_uring_setup": (0, 0),
    "io_uring_enter": (-1, 0, 0, _NO_FLAG, 0, 0),
    "io_uring_register": (-1, _NO_COMMAND, 0, 0),
    "shmget": (_NO_KEY, 0, 0),
    "shmat": (-1, 0, 0),
    "shmctl": (-1, _NO_COMMAND, 0),
    "msgget": (_NO_KEY, 0),
    "msgsnd": (-1, 0, 0, 0),
    "semget": (_NO_KEY, 0, 0),
    "mq_open": (0, 0, 0, 0),
    "mq_unlink": (0,),
    # Administering the machine.
    "init_module": (0, 0, 0),
    "finit_module": (-1, 0, _NO_FLAG),
    "delete_module": (0, 0),
    "kexec_load": (0, 0, 0, _NO_FLAG),
    "kexec_file_load": (-1, -1, 0, 0, _NO_FLAG),
    "reboot": (0, 0, 0, 0),
    "swapon": (0, 0),
    "swapoff": (0,),
    "acct": (_at(_PATH),),
    "quotactl": (-1, 0, 0, 0),
    "quotactl_fd": (-1, _NO_COMMAND, 0, 0),
    "settimeofday": (_at(_PAST_ALL_TIME), 0),
    "clock_settime": (_NO_COMMAND, 0),
    "clock_adjtime": (_NO_COMMAND, 0),
    "adjtimex": (0,),
    "sethostname": (0, -1),
    "setdomainname": (0, -1),
    "syslog": (_NO_COMMAND, 0, 0),
    "vhangup": (),
    # Opening more sockets, connecting one, and sending to an address.
    "bind": (-1, 0, 0),
    "listen": (-1, 0),
    "socket": (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    "socketpair": (socket.AF_UNIX, socket.SOCK_STREAM, 0, 0),
    "connect": (-1, 0, 0),
    "sendmsg": (-1, 0, 0),
    "sendmmsg": (-1, 0, 0, 0),
    # Making, naming and removing files.
    "creat": (0, 0),
    "mkdir": (0, 0),
    "mkdirat": (-1, 0, 0),
    "rmdir": (0,),
    "link": (0, 0),
    "linkat": (-1, 0, -1, 0, 0),
    "symlink": (0, 0),
    "symlinkat": (0, -1, 0),
    "rename": (0, 0),
    "renameat": (-1, 0, -1, 0),
    "renameat2": (-1, 0, -1, 0, 0),
}
# By their numbers: not every libseccomp knows their names. An older kernel does not have them, and
# that is what a locked room is told.
NUMBERED = {
    "setxattrat": (463, (-1, 0, 0, 0, 0, 0)),
    "removexattrat": (466, (-1, 0, 0, 0)),
    "open_tree_attr": (467, (-1, 0, _NO_FLAG, 0, 0)),
    "file_setattr": (469, (-1, 0, 0, 0, _NO_FLAG)),
}
# Refused to a room that cannot write files, and to one that cannot start programs.
SHORTENING = {
    "truncate": (0, 0),
    "ftruncate": (-1, 0),
    "fallocate": (-1, 0, 0, 0),
}
WRITING = {
    **SHORTENING,
    "unlink": (0,),
    "unlinkat": (-1, 0, 0),
    "utimensat": (-1, 0, 0, 0),  # of an open file
}
TIMES = "utimensat with a name"
EXECUTING = {"execve": (0, 0, 0)}
# Refused with it. To try the first two could start a child; they are among the numbers.
FORKING = ("fork", "vfork")
FOREIGN_SIGNAL = "tgkill of another process"
SIGNALLING = {"kill": (1, _NO_COMMAND)}
# What all rooms can still call, by name, and what only some can.
ALLOWED = [
    "accept", "accept4", "access", "arch_prctl", "brk", "clock_getres", "clock_gettime",
    "clock_nanosleep", "clone", "close", "close_range", "dup", "dup2", "dup3", "epoll_create",
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "exit",
    "exit_group", "faccessat", "faccessat2", "fadvise64", "fcntl", "fstat", "fstatfs", "futex",
    "futex_waitv", "getcpu", "getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid",
    "getgroups", "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getrandom",
    "getresgid", "getresuid", "getrusage", "getsockname", "getsockopt", "gettid",
    "gettimeofday", "getuid", "ioctl", "lseek", "lstat", "madvise", "membarrier", "mlock",
    "mlock2", "mmap", "mprotect", "mremap", "munlock", "munmap", "nanosleep", "newfstatat",
    "open", "openat", "openat2", "pipe", "pipe2", "poll", "ppoll", "prctl", "pread64", "preadv",
    "prlimit64", "pselect6", "read", "readlink", "readlinkat", "readv", "recvfrom",
    "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_yield", "select", "sendto", "set_robust_list",
    "set_tid_address", "setsockopt", "shutdown", "sigaltstack", "stat", "statfs", "statx",
    "sysinfo", "tgkill", "time", "times", "umask", "uname", "write", "writev",
]  # fmt: skip
ALLOWED_WRITING = [
    "fallocate", "fdatasync", "fsync", "ftruncate", "pwrite64", "pwritev", "truncate", "unlink",
    "unlinkat", "utimensat",
]  # fmt: skip
ALLOWED_EXECUTING = ["execve", "fork", "kill", "vfork", "wait4", "waitid"]
ALLOWED_RECEIVING = ["recvmsg", "wait4"]
# More than any kernel has, and one that is made up.
NUMBERS = (*range(601), 9_999)
# The kernel lets these two pass by every filter: they are its own, and end a program that calls
# them.
NOBODYS = (335, 336)
# What would not come back or not be harmless in an unlocked process, whatever its arguments.
HARMFUL = ("fork", "vfork", "pause", "vhangup", "sync", "msgget")
# The kinds of namespaces that a child could be started in.
NAMESPACES = {
    "control groups": 0x02000000,
    "host name": 0x04000000,
    "messages": 0x08000000,
    "users": 0x10000000,
    "processes": 0x20000000,
    "network": 0x40000000,
    "mounts": 0x00020000,
    "time": 0x00000080,
}
FAMILIES = {
    "IPv4": socket.AF_INET,
    "IPv6": socket.AF_INET6,
    "the kernel": socket.AF_NETLINK,
    "packets": socket.AF_PACKET,
    "virtual machines": socket.AF_VSOCK,
    "the kernel's ciphers": socket.AF_ALG,
}


def tried(call: str, *arguments: int) -> str:
    """The name of the error that *call* gives, or "done"."""
    number = NUMBERED[call][0] if call in NUMBERED else _number(call)
    return _called(number, *arguments, closed=call == "socket")


def _called(number: int, *arguments: int, closed: bool = False) -> str:
    ctypes.set_errno(0)
    given = [ctypes.c_long(one) for one in (*arguments, *[0] * (6 - len(arguments)))]
    came = LIBC.syscall(ctypes.c_long(number), *given)
    if came >= 0:
        if closed:
            os.close(came)
        return "done"
    return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def _number(call: str) -> int:
    number = _resolved(call)
    assert number >= 0, call
    return number


def _resolved(call: str) -> int:
    number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call)
    assert isinstance(number, int) and number != -1, call
    return number


def in_a_child(act: Callable[[], str]) -> str:
    """What *act* returns in a child of this process, which has no terminal; in this process, if it
    can have no children.
    """
    reader, writer = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return act()
    if child == 0:
        with suppress(OSError):
            os.setsid()
        os.write(writer, act().encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        found = said.read()
    os.waitpid(child, 0)
    return found


def started_in(flags: int) -> str:
    """Start a child in its own namespaces with clone(); it ends at once."""
    number = _number("clone")
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(one) for one in (number, flags | signal.SIGCHLD, 0, 0, 0, 0)]
    child = LIBC.syscall(*arguments)
    if child == 0:
        os._exit(0)
    if child < 0:
        return errno.errorcode[ctypes.get_errno()]
    os.waitpid(child, 0x40000000)  # __WALL: also a child whose end is reported by another signal
    return "done"


def all_tried() -> dict[str, str]:
    """What comes of every one of these calls in this process."""
    found = {
        # It hangs up the caller's terminal: without a terminal, nothing is lost.
        call: in_a_child(lambda: tried("vhangup")) if call == "vhangup" else tried(call, *arguments)
        for call, arguments in {**CALLS, **WRITING, **EXECUTING, **SIGNALLING}.items()
    }
    for call, (_, arguments) in NUMBERED.items():
        found[call] = tried(call, *arguments)
    found["clone3"] = tried("clone3", 0, 0)
    found[TIMES] = tried("utimensat", -1, _at(_PATH), 0, 0)
    found["sendto with an address"] = tried("sendto", -1, 0, 0, 0, _at(_PATH), 8)
    found["sendto with an address of no length"] = tried("sendto", -1, 0, 0, 0, _at(_PATH), 0)
    # FS_IOC_SETFLAGS, and PR_SET_DUMPABLE.
    found["ioctl that writes an attribute"] = tried("ioctl", -1, 0x40086602, 0)
    found["prctl that opens its memory"] = tried("prctl", 4, 1, 0, 0, 0)
    # Asks for the limits, as a program does for its own: of its parent.
    limits = ctypes.create_string_buffer(16)
    found["prlimit64 of another process"] = tried("prlimit64", os.getppid(), 4, 0, _at(limits))
    found[FOREIGN_SIGNAL] = tried("tgkill", os.getppid(), os.getppid(), 0)
    for name, flag in NAMESPACES.items():
        found[f"clone into a namespace of {name}"] = started_in(flag)
    for name, family in FAMILIES.items():
        found[f"socket of {name}"] = tried("socket", family, socket.SOCK_DGRAM, 0xFF)
        found[f"socketpair of {name}"] = tried("socketpair", family, socket.SOCK_DGRAM, 0xFF, 0)
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    # The kernel makes a socket of datagrams of this one, too.
    found["socket of raw messages"] = tried("socket", socket.AF_UNIX, socket.SOCK_RAW, 0xFF)
    found["socket of datagrams"] = tried("socket", socket.AF_UNIX, kind, 0xFF)
    found["socketpair of datagrams"] = tried("socketpair", socket.AF_UNIX, kind, 0xFF, 0)
    return found


def refused(*, writing: bool, executing: bool) -> dict[str, str]:
    """What a room is refused, and how, by the names of ``all_tried``."""
    calls = [*CALLS, *([] if writing else WRITING), *([] if executing else EXECUTING)]
    calls += [] if executing else SIGNALLING
    calls += [] if writing else [TIMES]
    calls += [f"clone into a namespace of {name}" for name in NAMESPACES]
    calls += [f"{call} of {name}" for name in FAMILIES for call in ("socket", "socketpair")]
    calls += ["socket of datagrams", "socketpair of datagrams", "prlimit64 of another process"]
    calls += ["socket of raw messages"]
    calls += ["sendto with an address", "sendto with an address of no length"]
    unknown = [*NUMBERED, "clone3", "ioctl that writes an attribute", "prctl that opens its memory"]
    unknown += [] if executing else [FOREIGN_SIGNAL]
    return {**dict.fromkeys(calls, "EPERM"), **dict.fromkeys(unknown, "ENOSYS")}


def numbers_tried(
    *, writing: bool, executing: bool, receiving: bool, locked: bool
) -> dict[int, str]:
    """What comes of every number that a room must not call, with -1 for all arguments.

    *locked*: the harmful ones, too. In a child, if there can be one.
    """
    allowed = [*ALLOWED, *(ALLOWED_WRITING if writing else ())]
    allowed += [
        *(ALLOWED_EXECUTING if executing else ()),
        *(ALLOWED_RECEIVING if receiving else ()),
    ]
    left_out = {_resolved(call) for call in (*allowed, *(() if locked else HARMFUL))}

    def act() -> str:
        return json.dumps(
            {
                number: _called(number, -1, -1, -1, -1, -1, -1)
                for number in NUMBERS
                if number not in left_out and number not in NOBODYS
            }
        )

    return {int(number): came for number, came in json.loads(in_a_child(act)).items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(all_tried()))
