"""Which system calls a process and its children may still make, through libseccomp.

A list of what is refused and not of what is allowed: which calls Python, glibc, SQLite and gpg make changes with every
version, and a drop that dies on an update is no safer. Files are Landlock's; what is refused here are the ways around it.
"""

import errno
import socket

import pyseccomp

from dropbox.errors import CannotLockDown

# Looking into or steering other processes.
_OTHER_PROCESSES = (
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp",
    "process_madvise",
    "perf_event_open",
    "bpf",
)
# Other views of the file system, other users, other rights.
_OTHER_VIEWS = (
    "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root",
    "chroot", "unshare", "setns", "open_by_handle_at", "name_to_handle_at", "personality", "keyctl", "add_key", "request_key",
    "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "setxattr",
    "fsetxattr", "lsetxattr",
)  # fmt: skip
# Memory that outlives the process or can be executed as a file, and rings past all other checks.
_UNSEEN_MEMORY = (
    "memfd_create", "memfd_secret", "execveat", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget", "mq_open", "mq_unlink",
)  # fmt: skip
# The machine itself.
_ADMINISTRATION = (
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct",
    "quotactl", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "syslog", "vhangup",
)  # fmt: skip
# A room's sockets are open before it is locked; it needs no others of its own.
_LISTENING = ("bind", "listen")
# What Landlock before its third interface does not see.
_RESIZING = ("truncate", "ftruncate", "fallocate")
# CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWNS, NEWTIME of <linux/sched.h>.
_NAMESPACES = (
    0x02000000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
    0x00020000,
    0x00000080,
)

_REFUSED = pyseccomp.ERRNO(errno.EPERM)


def refuse(*, writing: bool, executing: bool) -> None:
    """Refuse these calls with EPERM, in all threads of this process and all that they start, for good.

    *writing*: whether files may be shortened and extended; *executing*: whether programs may be started at all. Needs "no
    new privileges". Raises CannotLockDown.
    """
    calls = [*_OTHER_PROCESSES, *_OTHER_VIEWS, *_UNSEEN_MEMORY, *_ADMINISTRATION, *_LISTENING]
    calls += () if writing else _RESIZING
    calls += () if executing else ("execve",)
    try:
        rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
        rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
        for call in calls:
            rules.add_rule(_REFUSED, call)
        # No network at all: the rooms talk over unix sockets.
        for call in ("socket", "socketpair"):
            rules.add_rule(_REFUSED, call, pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
        for flag in _NAMESPACES:
            rules.add_rule(_REFUSED, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
        # Its flags are behind a pointer, where no filter sees them; told that it does not exist, glibc takes clone().
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
        rules.load()
    except OSError as why:
        raise CannotLockDown(f"seccomp: {why.strerror or why}.") from None
