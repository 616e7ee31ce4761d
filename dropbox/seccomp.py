"""The only system calls that a process and its children can still make, through libseccomp.

An allow list. A call that is not on it fails as on a kernel that does not have it (ENOSYS), so that
glibc, Python, SQLite and gpg fall back to an older one as they do on older kernels; whatever newer
kernels add is refused automatically. Calls that are ways around the other parts of the lockdown are
also named, and fail as forbidden (EPERM), for which no program tries something else.

The list was made from traces on Debian 12 (glibc 2.36, Python 3.11, gpg 2.2) and from what newer
ones prefer where they find it (Debian 13: glibc 2.41, Python 3.13, gpg 2.4), on x86-64 and arm64,
whose kernels have fewer of these calls. Files are Landlock's task.
"""

import errno
import os

import pyseccomp

from dropbox.errors import CannotLockDown

# What Python, glibc and gpg need to run at all.
_RUNNING = (
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "mlock", "mlock2", "munlock",
    "membarrier", "futex", "futex_waitv", "set_robust_list", "set_tid_address", "rseq",
    "arch_prctl", "exit", "exit_group", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "restart_syscall", "sched_yield",
    "getrandom",
)  # fmt: skip
# Asking about this process, the machine and the clock.
_ASKING = (
    "getpid", "getppid", "gettid", "getpgrp", "getpgid", "getuid", "geteuid", "getgid", "getegid",
    "getresuid", "getresgid", "getgroups", "getrusage", "times", "umask", "uname", "sysinfo",
    "getcpu", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "clock_gettime",
    "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep",
)  # fmt: skip
# Opening and reading, which Landlock limits to some files.
_READING = (
    "open", "openat", "openat2", "close", "close_range", "read", "readv", "pread64", "preadv",
    "lseek", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd",
    "dup", "dup2", "dup3", "fcntl", "fadvise64",
)  # fmt: skip
# Pipes and the sockets that are open. Only _WRITING lets anything be written to a file.
_PASSING_ON = (
    "write", "writev", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "epoll_create",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "accept", "accept4",
    "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown", "recvfrom",
)  # fmt: skip
# What SQLite needs in the one folder that Landlock leaves to the vault.
_WRITING = (
    "pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "truncate", "fallocate", "unlink",
    "unlinkat", "utimensat",
)  # fmt: skip
_EXECUTING = ("execve", "fork", "vfork", "wait4", "waitid", "kill", "tgkill")
# Taking over a connection that another process made.
_RECEIVING = ("recvmsg", "wait4")
# Making a connection and handing it over.
_CONNECTING = ("connect", "sendmsg")

# Refused by name, unless a room needs them.
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
# Making, naming and removing files, which Landlock limits to one folder.
_NAMES = (
    "creat", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat", "rename",
    "renameat", "renameat2", "unlink", "unlinkat",
)  # fmt: skip
# Bytes kept beside a file, or in its times: Landlock sees none of these.
_ATTRIBUTES = (
    "setxattr", "fsetxattr", "lsetxattr", "removexattr", "fremovexattr", "lremovexattr",
    "utime", "utimes", "futimesat", "utimensat",
)  # fmt: skip
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
# A room opens its sockets before it is locked, and needs no others. sendmsg() passes an address by
# a pointer, which no filter can follow; a connected socket needs no address.
_SOCKETS = ("socket", "socketpair", "bind", "listen", "connect", "sendmsg", "sendmmsg")
# Landlock sees these only from ABI version 3 on.
_RESIZING = ("truncate", "ftruncate", "fallocate")
# Those of these that LibreOffice and ffmpeg use on their own files and memory.
_CONVERTING = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
    "personality", "memfd_create", "shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget",
)  # fmt: skip
_WAYS_OUT = (
    *_OTHER_PROCESSES, *_OTHER_VIEWS, *_NAMES, *_ATTRIBUTES, *_UNSEEN_MEMORY, *_ADMINISTRATION,
    *_SOCKETS, *_RESIZING, "execve", "fork", "vfork", "kill",
)  # fmt: skip
# CLONE_THREAD of <linux/sched.h>: no new process.
_THREAD = 0x00010000
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

# AF_UNIX, SOCK_STREAM and SOCK_CLOEXEC of <sys/socket.h>; the desk imports
# nothing that opens a network.
_AF_UNIX, _SOCK_STREAM, _SOCK_CLOEXEC = 1, 1, 0o2000000

# The terminal's mode and size, how much waits to be read, blocking and inheriting, of
# <asm-generic/ioctls.h>. Others write to a file's attributes, even through a descriptor that only
# reads.
_CONTROLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS of <sys/prctl.h>.
_OWN_STATE = (3, 15, 16, 21, 39)
_PR_SET_DUMPABLE = 4

_REFUSED = pyseccomp.ERRNO(errno.EPERM)
_UNKNOWN = pyseccomp.ERRNO(errno.ENOSYS)
# Calls in another processor mode, such as 32-bit ones, are not a mistake by one of our programs.
_OTHER_MODE = pyseccomp.KILL_PROCESS
# A binary tree of the numbers instead of a list: libseccomp's highest level of optimization.
_TREE = 2
_NO_SUCH_NAME = -1  # __NR_SCMP_ERROR of <seccomp.h>


def allow_only(*, writing: bool, executing: bool, receiving: bool, connecting: bool) -> None:
    """Allow what a room needs, for good, to all threads of this process and to its children.

    *writing*: files can still be written. *executing*: programs can still be started.
    *receiving*: another process can hand over connections. *connecting*: unix sockets can still be
    made, connected and handed over. Requires "no new privileges". Raises CannotLockDown.
    """
    allowed = {*_RUNNING, *_ASKING, *_READING, *_PASSING_ON}
    allowed.update(_WRITING if writing else (), _EXECUTING if executing else ())
    allowed.update(_RECEIVING if receiving else (), _CONNECTING if connecting else ())
    # Which sockets can be made depends on the arguments.
    by_arguments = {"socket"} if connecting else set()
    try:
        rules = _filter(_UNKNOWN)
        _add(rules, pyseccomp.ALLOW, allowed)
        _add(rules, _REFUSED, {*_WAYS_OUT} - allowed - by_arguments)
        _allow_by_arguments(rules, executing=executing, connecting=connecting)
        rules.load()
    except OSError as why:
        raise CannotLockDown(f"seccomp: {why.strerror or why}.") from None


def refuse_ways_out() -> None:
    """Refuse, for good, what no converter of documents needs and what leads out of its room.

    This is for programs too large for a list of what they need; it is not a wall of its own. Other
    processes, namespaces, mounts, keys, io_uring and all sockets but unix ones are refused.
    Requires "no new privileges". Raises CannotLockDown.
    """
    refused = {*_OTHER_PROCESSES, *_OTHER_VIEWS, *_UNSEEN_MEMORY, *_ADMINISTRATION} - {*_CONVERTING}
    try:
        rules = _filter(pyseccomp.ALLOW)
        _add(rules, _REFUSED, refused)
        _add(rules, _UNKNOWN, {"clone3"})
        for flag in _NAMESPACES:
            rules.add_rule(_REFUSED, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
        rules.add_rule(_REFUSED, "socket", pyseccomp.Arg(0, pyseccomp.NE, _AF_UNIX))
        rules.load()
    except OSError as why:
        raise CannotLockDown(f"seccomp: {why.strerror or why}.") from None


def _filter(default: int) -> pyseccomp.SyscallFilter:
    """A filter without rules, for all threads of this process, with *default* as its action."""
    rules = pyseccomp.SyscallFilter(defaction=default)
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _TREE)
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, _OTHER_MODE)
    return rules


def _add(rules: pyseccomp.SyscallFilter, action: int, calls: set[str]) -> None:
    for call in sorted(calls):
        # A call that this libseccomp does not know by name is refused as an unknown one.
        if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call) != _NO_SUCH_NAME:
            rules.add_rule(action, call)


def _allow_by_arguments(
    rules: pyseccomp.SyscallFilter, *, executing: bool, connecting: bool
) -> None:
    def argument(position: int, value: int) -> pyseccomp.Arg:
        return pyseccomp.Arg(position, pyseccomp.EQ, value)

    # Threads, or also programs, in the namespaces of this process.
    looked_at = sum(_NAMESPACES) | (0 if executing else _THREAD)
    started = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, looked_at, 0 if executing else _THREAD)
    rules.add_rule(pyseccomp.ALLOW, "clone", started)
    if not executing:
        rules.add_rule(_REFUSED, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _THREAD, 0))
        # Signals to its own threads, as abort() sends them. Another program would have another
        # number.
        rules.add_rule(pyseccomp.ALLOW, "tgkill", argument(0, os.getpid()))
    for flag in _NAMESPACES:
        rules.add_rule(_REFUSED, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    # clone3 passes its flags by a pointer. It is not on the list, so glibc falls back to clone.

    # Bytes through a socket that is connected, to no address.
    rules.add_rule(pyseccomp.ALLOW, "sendto", argument(4, 0))
    rules.add_rule(_REFUSED, "sendto", pyseccomp.Arg(4, pyseccomp.NE, 0))
    # The limits of this process only. getrlimit() is this call, too.
    rules.add_rule(pyseccomp.ALLOW, "prlimit64", argument(0, 0))
    rules.add_rule(_REFUSED, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))
    for control in _CONTROLS:
        rules.add_rule(pyseccomp.ALLOW, "ioctl", argument(1, control))
    for option in _OWN_STATE:
        rules.add_rule(pyseccomp.ALLOW, "prctl", argument(0, option))
    # It can be given up, and not taken back.
    rules.add_rule(pyseccomp.ALLOW, "prctl", argument(0, _PR_SET_DUMPABLE), argument(1, 0))
    if connecting:
        for kind in (_SOCK_STREAM, _SOCK_STREAM | _SOCK_CLOEXEC):
            rules.add_rule(pyseccomp.ALLOW, "socket", argument(0, _AF_UNIX), argument(1, kind))
