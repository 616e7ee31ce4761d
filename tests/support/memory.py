"""Searching the memory of a running process through /proc/PID/mem."""

from collections.abc import Iterator, Mapping
from pathlib import Path

# The kernel's own mappings, which cannot be read. Memory that processes share is in /dev/zero.
_NOT_READ = ("[vvar", "[vsyscall]")


def mappings(pid: int) -> Iterator[bytes]:
    """The bytes of every readable mapping of *pid*.

    Needs root, or a process that is dumpable and this one's child.
    """
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            fields = line.split(maxsplit=5)
            if fields[1].startswith("r") and not fields[-1].startswith(_NOT_READ):
                first, end = (int(number, 16) for number in fields[0].split("-"))
                memory.seek(first)
                taken = bytearray()
                while len(taken) < end - first and (data := memory.read(end - first - len(taken))):
                    taken += data
                yield bytes(taken)


def occurrences(pid: int, needles: Mapping[str, bytes]) -> dict[str, int]:
    """How often each of *needles* is in the memory of *pid*; those that are not are left out."""
    found: dict[str, int] = {}
    for data in mappings(pid):
        for name, needle in needles.items():
            if count := data.count(needle):
                found[name] = found.get(name, 0) + count
    return found
