"""What this machine's kernel does with memory that held plaintext or keys: it can write it to a
disk, hand it to a program, or give it to the next process as it is. Also how much memory there is.

Except for memory_limit, each function returns a sentence for the operator if it does, else "".
*proc* is where the kernel publishes this. They raise OSError if it does not.
"""

import gzip
import re
from contextlib import suppress
from pathlib import Path

PROC, BOOT, GROUPS = Path("/proc"), Path("/boot"), Path("/sys/fs/cgroup")

# How the kernel reads a boolean parameter, by its first letters: kstrtobool() of <linux/kstrtox.h>.
_ON = re.compile(r"[yt1]|on", re.IGNORECASE)
_BUILT_IN = re.compile(r"^CONFIG_INIT_ON_FREE_DEFAULT_ON=y$", re.MULTILINE)


def memory_limit(proc: Path = PROC, groups: Path = GROUPS) -> int:
    """How many bytes this process may use: what its control groups allow, or all memory."""
    meminfo = (proc / "meminfo").read_text("ascii")
    limits = [int(line.split()[1]) * 1_024 for line in meminfo.splitlines() if "MemTotal" in line]
    for line in (proc / "self/cgroup").read_text("utf-8", "surrogateescape").splitlines():
        place = Path(line.removeprefix("0::/"))
        # Groups of version 1 have a number, and files with other names.
        for folder in (place, *place.parents) if line.startswith("0::/") else ():
            with suppress(OSError, ValueError):
                limits.append(int((groups / folder / "memory.max").read_text("ascii")))
    return min(limits)


def swaps(proc: Path = PROC) -> str:
    """Memory that is not in use for a while is written to a disk, or kept compressed."""
    try:
        # The first line has the columns' names.
        lines = (proc / "swaps").read_text("utf-8", "surrogateescape").splitlines()[1:]
    except FileNotFoundError:
        return ""  # a kernel without swap
    if not lines:
        return ""
    return (
        f"{lines[0].split()[0]} is in use as swap, to which memory with a report can be written; "
        "turn it off with swapoff -a, and remove it from /etc/fstab."
    )


def dumps_to_a_program(proc: Path = PROC) -> str:
    """The memory of a crashed program is given to another one, whatever its limit is."""
    try:
        pattern = (proc / "sys/kernel/core_pattern").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""  # a kernel without core dumps
    if not pattern.startswith(("|", "@")):
        return ""
    return (
        "The kernel hands the memory of a program that crashes, such as gpg with a report, to "
        "another one, since kernel.core_pattern begins with | or @; set it with sysctl -w "
        "kernel.core_pattern=core, and remove what sets it, such as systemd-coredump."
    )


def keeps_freed_memory(proc: Path = PROC, boot: Path = BOOT) -> str:
    """Memory of ended processes, and of pipes and sockets, keeps its contents."""
    given = None
    for word in (proc / "cmdline").read_text("utf-8", "surrogateescape").split():
        name, _, value = word.partition("=")
        if name == "init_on_free":
            # The last one counts. One without a value has no effect.
            given = bool(_ON.match(value))
    if _is_built_in(proc, boot) if given is None else given:
        return ""
    return (
        "The kernel does not overwrite memory that is freed, so what was in pipes, sockets and "
        "ended processes stays in it; boot with init_on_free=1."
    )


def _is_built_in(proc: Path, boot: Path) -> bool:
    """Whether this kernel was built to do it by default."""
    release = (proc / "sys/kernel/osrelease").read_text("utf-8").strip()
    for path in (proc / "config.gz", boot / f"config-{release}"):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        return _BUILT_IN.search(text.decode("utf-8", "replace")) is not None
    return False  # nobody says so
