"""What an honest claimant experienced in the siege, as figures and as a table."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from scripts.rehearsal.processors import Share
from scripts.rehearsal.siege_attacks import visitors
from scripts.rehearsal.siege_trials import Trial

# Steps that file something; pages and logins are measured as well.
FILINGS = ("report", "file")


@dataclass(frozen=True)
class Step:
    """One thing that a claimant did; ``status``: of the page, 0 if none came."""

    name: str
    seconds: float
    succeeded: bool
    status: int


@dataclass
class Measured:
    """What an honest claimant experienced beside one attack, or without one."""

    trial: Trial | None
    steps: list[Step] = field(default_factory=list)
    tally: Mapping[str, Any] = field(default_factory=dict)
    efforts: tuple[int | None, int | None] = (None, None)
    shares: Mapping[str, Share] = field(default_factory=dict)

    def of(self, *names: str) -> list[Step]:
        """The steps of these names."""
        return [step for step in self.steps if step.name in names]

    def filed(self) -> tuple[int, int]:
        """How many filings succeeded, and how many there were."""
        filings = self.of(*FILINGS)
        return sum(step.succeeded for step in filings), len(filings)

    def ratio(self, quiet: "Measured", choose: Callable[[list[float]], float]) -> float | None:
        """A filing's time relative to its quiet median, for the kind that suffers more.

        None if none succeeded beside the attack, or without one.
        """
        ratios = []
        for name in FILINGS:
            took, before = _times(self.of(name)), _times(quiet.of(name))
            if took and before:
                ratios.append(choose(took) / statistics.median(before))
        return max(ratios, default=None)

    def as_json(self, quiet: "Measured") -> dict[str, Any]:
        """Everything that was measured, for programs; times are of steps that succeeded."""
        succeeded, filings = self.filed()
        return {
            "name": self.trial.name if self.trial else "quiet",
            "differs": self.trial.differs if self.trial else "",
            "filings": filings,
            "succeeded": succeeded,
            "median_ratio": self.ratio(quiet, statistics.median),
            "worst_ratio": self.ratio(quiet, max),
            "steps": {
                name: {
                    "tried": len(self.of(name)),
                    "succeeded": len(_times(self.of(name))),
                    "median": statistics.median(_times(self.of(name)) or [0.0]),
                    "worst": max(_times(self.of(name)), default=0.0),
                    "failures": sorted(s.status for s in self.of(name) if not s.succeeded),
                }
                for name in ("page", "report", "file", "login")
            },
            "attackers": dict(self.tally),
            "efforts": list(self.efforts),
            "processors": {name: asdict(share) for name, share in self.shares.items()},
        }


def _times(steps: Sequence[Step]) -> list[float]:
    return [step.seconds for step in steps if step.succeeded]


def table(results: Sequence[tuple[Measured, Measured]], scale: float) -> Table:
    """The results for people."""
    drawn = Table("attack", "reached", "honest filings", "median", "worst", "page", "login")
    for measured, quiet in results:
        succeeded, filings = measured.filed()
        times = _times(measured.of(*FILINGS))
        drawn.add_row(
            _title(measured, scale),
            _reached(measured),
            f"{succeeded} of {filings}",
            _figure(statistics.median(times) if times else None, "s")
            + _figure(measured.ratio(quiet, statistics.median), "x", before=", "),
            _figure(max(times, default=None), "s")
            + _figure(measured.ratio(quiet, max), "x", before=", "),
            _both(measured, "page"),
            _both(measured, "login"),
        )
    return drawn


def processor_table(results: Sequence[tuple[Measured, Measured]], scale: float) -> Table:
    """Who ran on how many processors, and how many of its threads waited for one, on average."""
    names = list(dict.fromkeys(name for measured, _ in results for name in measured.shares))
    drawn = Table("processors: ran + waited for one", *names)
    for measured, _ in results:
        shares = [measured.shares.get(name) for name in names]
        told = [f"{one.ran:.2f} + {one.waited:.2f}" if one else "" for one in shares]
        drawn.add_row(_title(measured, scale), *told)
    return drawn


def _title(measured: Measured, scale: float) -> str:
    if measured.trial is None:
        return "quiet"
    trial = measured.trial
    scaled = "" if scale == 1 else f" ({visitors(trial.attack, scale)} visitors)"
    return f"{trial.title}{scaled}" + (f"; {trial.differs}" if trial.differs else "")


def _reached(measured: Measured) -> str:
    if measured.trial is None:
        return ""
    tally = measured.tally
    if not tally:
        return "its process told nothing"
    seconds = max(tally["seconds"], 0.1)
    answers = ", ".join(f"{count} x {status}" for status, count in tally["answers"].items())
    parts = [
        f"{tally['most_open']} at once, {tally['opened'] / seconds:.1f} connections/s",
        f"{tally['failed']} failed",
        f"{tally['bytes'] / 1e6:.1f} MB sent" if tally["bytes"] > 1e5 else "",
        f"answers: {answers}" if answers else "",
    ]
    before, after = measured.efforts
    if after is not None and measured.trial.attack == "introductions":
        parts.append(f"effort {before} before, {after} after")
    return "; ".join(part for part in parts if part)


def _both(measured: Measured, name: str) -> str:
    steps = measured.of(name)
    took = _times(steps)
    median = _figure(statistics.median(took) if took else None, "s")
    return f"{len(took)} of {len(steps)}, {median}"


def _figure(value: float | None, unit: str, *, before: str = "") -> str:
    return f"{before}{value:.1f} {unit}" if value is not None else f"{before}-"
