"""Findings about the parts of a drop, and how they are shown to people, programs and Prometheus.

Nothing here is about claimants: only days, slots in quanta, and keys, as the vault shows them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, unique

from scripts.command_line import DONE, FAILED, FOUND
from scripts.terminal import one_line

_CHARACTERS = 300


@unique
class State(Enum):
    """The state of a part."""

    GOOD = "good"
    ALARM = "alarm"
    UNKNOWN = "cannot be asked"


@dataclass(frozen=True)
class Finding:
    """A part, its state, and a sentence.

    ``of``: which one if there are several, such as a reviewer's file. ``values``: measurements by
    name; None if unknown.
    """

    part: str
    state: State
    sentence: str
    of: str = ""
    values: Mapping[str, int | str | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The part's name, and which one it is."""
        return f"{self.part} {self.of}" if self.of else self.part


def exit_code(findings: Sequence[Finding]) -> int:
    """FOUND for an alarm, else FAILED if something could not be checked, else DONE."""
    states = {finding.state for finding in findings}
    if State.ALARM in states:
        return FOUND
    return FAILED if State.UNKNOWN in states else DONE


def as_lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding, alarms marked."""
    marks = {State.GOOD: " ", State.ALARM: "!", State.UNKNOWN: "?"}
    width = max((len(one_line(one.name, _CHARACTERS)) for one in findings), default=0)
    return [
        f"{marks[one.state]} {one_line(one.name, _CHARACTERS):{width}}  "
        f"{one_line(one.sentence, _CHARACTERS)}"
        for one in findings
    ]


def as_json(findings: Sequence[Finding]) -> str:
    """One object with a list of parts."""
    parts = [
        {
            "part": one.part,
            "of": one.of,
            "state": one.state.value,
            "sentence": one.sentence,
            "values": dict(one.values),
        }
        for one in findings
    ]
    return json.dumps({"exit_code": exit_code(findings), "parts": parts}, indent=2)


def as_prometheus(findings: Sequence[Finding]) -> str:
    """Gauges in Prometheus' text format: casedrop_good for each part, and its numbers.

    A part that could not be checked is NaN, so that a rule for 0 does not mistake it for an alarm.
    """
    good = {State.GOOD: "1", State.ALARM: "0", State.UNKNOWN: "NaN"}
    gauges: dict[str, list[str]] = {}
    for one in findings:
        labels = f'{{part="{one.part}",of="{_escaped(one.of)}"}}'
        gauges.setdefault("casedrop_good", []).append(f"{labels} {good[one.state]}")
        for name, value in one.values.items():
            if isinstance(value, int):
                gauge = f"casedrop_{one.part.replace(' ', '_')}_{name}"
                of = f'{{of="{_escaped(one.of)}"}}' if one.of else ""
                gauges.setdefault(gauge, []).append(f"{of} {value}")
    return "".join(
        f"# TYPE {name} gauge\n" + "".join(f"{name}{sample}\n" for sample in samples)
        for name, samples in gauges.items()
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
