"""Which processes use this computer's processors, and which wait for one.

Linux counts for each thread how long it ran, and how long it was ready to run while others had all
processors (/proc/PID/task/TID/schedstat). A program that waits long for a processor is slow for
that reason, whatever it does.
"""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scripts.rehearsal.bench import cpu_seconds, family

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of the line "cpu" in /proc/stat: user, nice, system; then idle and waiting for disks;
# interrupts.
_BUSY_FIELDS = (0, 1, 2, 5, 6)
OTHERS = "other programs"


@dataclass(frozen=True)
class Share:
    """On average: how many processors ran the group, and how many of its threads waited."""

    ran: float
    waited: float


@dataclass(frozen=True)
class Processors:
    """What groups of processes have used so far; ``waits``: seconds waited by each live thread."""

    at: float
    ran: Mapping[str, float]
    waits: Mapping[str, Mapping[str, float]]
    machine: float

    @classmethod
    def now(cls, groups: Mapping[str, Sequence[int]]) -> Self:
        """Measure *groups*: pids by name, each with its descendants."""
        return cls(
            time.monotonic(),
            {name: cpu_seconds(pids) for name, pids in groups.items()},
            {name: _waits(pids) for name, pids in groups.items()},
            _machine_seconds(),
        )

    def since(self, before: Self) -> dict[str, Share]:
        """What each group used between *before* and this, and what other programs used.

        For a thread that has ended meanwhile, its running time counts but not its waiting time.
        """
        seconds = max(self.at - before.at, 1e-3)
        shares = {}
        for name, ran in self.ran.items():
            earlier = before.waits.get(name, {})
            waited = sum(now - earlier.get(one, 0.0) for one, now in self.waits[name].items())
            shares[name] = Share((ran - before.ran.get(name, 0.0)) / seconds, waited / seconds)
        machine = (self.machine - before.machine) / seconds
        ours = sum(share.ran for share in shares.values())
        return {**shares, OTHERS: Share(max(0.0, machine - ours), 0.0)}


def _waits(pids: Sequence[int]) -> dict[str, float]:
    found = {}
    for pid in family(pids):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                found[thread.parent.name] = int(thread.read_text().split()[1]) / 1e9
    return found


def _machine_seconds() -> float:
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    return sum(int(fields[one]) for one in _BUSY_FIELDS) / _TICKS
