"""The system calls that a process and its children can no longer make, through libseccomp.

A deny list, not an allow list: the calls that Python, glibc, SQLite and gpg make change with every
version, and a drop that dies on an update is no safer. Files are Landlock's task; this refuses the
ways around it.
"""

import errno
import socket

import pyseccomp

from dropbox.errors import CannotLockDown

# Inspecting or controlling other processes.
_OTHER_PROCESSES = (
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp",
    "process_madvise",
    "process_mrelease",
    "perf_event_open",
    "bpf",
)
# Changing the view of the file system, the user, or the permissions.
_OTHER_VIEWS = (
    "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "pivot_root", "chroot", "unshare", "setns", "open_by_handle_at",
    "name_to_handle_at", "personality", "keyctl", "add_key", "request_key", "mknod", "mknodat",
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
    "fanotify_init", "fanotify_mark",
)  # fmt: skip
# Bytes kept beside a file, or in its times: Landlock sees none of these.
_ATTRIBUTES = (
    "setxattr", "fsetxattr", "lsetxattr", "removexattr", "fremovexattr", "lremovexattr",
    "utime", "utimes", "futimesat",
)  # fmt: skip
# Calls of newer kernels, which not every libseccomp knows by name; their numbers are the same on
# all processors.
_NUMBERED = {
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}
# Memory that outlives the process or can be executed like a file, and io_uring, which bypasses
# filters.
_UNSEEN_MEMORY = (
    "memfd_create", "memfd_secret", "execveat", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget", "mq_open",
    "mq_unlink",
)  # fmt: skip
# Administering the machine.
_ADMINISTRATION = (
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "syslog", "vhangup",
)  # fmt: skip
# A room opens its sockets before it is locked, and needs no more.
_LISTENING = ("bind", "listen")
# Landlock sees these only from ABI version 3 on.
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

# SOCK_TYPE_MASK of <linux/net.h>: the other bits are flags.
_SOCKET_TYPE = 0xF

_REFUSED = pyseccomp.ERRNO(errno.EPERM)


def refuse(*, writing: bool, executing: bool) -> None:
    """Refuse these calls with EPERM, for good, in all threads of this process and its children.

    *writing*: files can still be resized. *executing*: programs can still be started. Requires "no
    new privileges". Raises CannotLockDown.
    """
    calls: list[str | int] = [*_OTHER_PROCESSES, *_OTHER_VIEWS, *_ATTRIBUTES, *_NUMBERED.values()]
    calls += [*_UNSEEN_MEMORY, *_ADMINISTRATION, *_LISTENING]
    calls += () if writing else _RESIZING
    calls += () if executing else ("execve",)
    try:
        rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
        rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
        for call in calls:
            rules.add_rule(_REFUSED, call)
        # No network at all: the rooms communicate over unix sockets.
        for call in ("socket", "socketpair"):
            rules.add_rule(_REFUSED, call, pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
            # And no datagrams: they need no connection, so any service's socket could take one.
            rules.add_rule(
                _REFUSED,
                call,
                pyseccomp.Arg(0, pyseccomp.EQ, socket.AF_UNIX),
                pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _SOCKET_TYPE, socket.SOCK_DGRAM),
            )
        if not writing:
            # The times of a file by its name. gunicorn's worker sets those of its own open file.
            rules.add_rule(_REFUSED, "utimensat", pyseccomp.Arg(1, pyseccomp.NE, 0))
        # The limits of this process alone. getrlimit() is this call, too.
        rules.add_rule(_REFUSED, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))
        for flag in _NAMESPACES:
            rules.add_rule(_REFUSED, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
        # clone3 passes its flags by pointer, which no filter can follow. If it seems not to exist,
        # glibc falls back to clone().
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
        rules.load()
    except OSError as why:
        raise CannotLockDown(f"seccomp: {why.strerror or why}.") from None
