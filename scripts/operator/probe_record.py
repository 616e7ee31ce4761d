"""The record of test reports between two runs, in a file that only their program reads (0600)."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Self

from dropbox.codename import Codename
from dropbox.durable_file import replace_file
from dropbox.errors import BadCodename, CasedropError
from scripts.operator.health_finding import Finding, State

_NAME = "probe.json"
_MAX_BYTES = 2**16
# A single failure may be the network's.
ALARMING_FAILURES = 2
# A day, plus the timer's random delay, plus a day for a machine that was off.
MOST_DAYS = 3
# The vault keeps no day for longer than its hard limit of 90 days.
_KEPT_DAYS = 90


class BadProbeRecord(CasedropError):
    """The record of test reports is damaged."""


@dataclass(frozen=True, repr=False)
class ProbeRecord:
    """``codename``: that of the newest test report, until somebody has logged in with it.

    ``accepted``: the days (UTC) of those that the drop accepted, ascending. ``failures``: how often
    it has failed since, last on ``failed``, for the reason ``sentence``.
    """

    codename: Codename | None = None
    accepted: tuple[date, ...] = ()
    failures: int = 0
    failed: date | None = None
    sentence: str = ""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record in *folder*; an empty one if there is none. Raises BadProbeRecord or
        OSError.
        """
        path = folder / _NAME
        try:
            with path.open("rb") as file:
                body = json.loads(file.read(_MAX_BYTES))
            packed, failed = body["codename"], body["failed"]
            return cls(
                None if packed is None else Codename.unpack(bytes.fromhex(packed)),
                tuple(map(date.fromisoformat, body["accepted"])),
                int(body["failures"]),
                None if failed is None else date.fromisoformat(failed),
                str(body["sentence"]),
            )
        except FileNotFoundError:
            return cls()
        except (AttributeError, BadCodename, KeyError, TypeError, ValueError):
            raise BadProbeRecord(f"{path} is damaged; remove it.") from None

    def write(self, folder: Path) -> None:
        """Replace what is in *folder*. Raises OSError."""
        body = {
            "codename": None if self.codename is None else self.codename.packed().hex(),
            "accepted": [day.isoformat() for day in self.accepted],
            "failures": self.failures,
            "failed": None if self.failed is None else self.failed.isoformat(),
            "sentence": self.sentence,
        }
        replace_file(folder / _NAME, json.dumps(body, indent=1).encode("utf-8"))

    def after_success(self, codename: Codename, today: date) -> Self:
        """The record after a test report under *codename* was accepted, and the previous one logged
        in.
        """
        first = today - timedelta(days=_KEPT_DAYS)
        days = sorted({*(day for day in self.accepted if day >= first), today})
        return replace(
            self, codename=codename, accepted=tuple(days), failures=0, failed=None, sentence=""
        )

    def after_login(self) -> Self:
        """The record without the codename, which is no longer needed."""
        return replace(self, codename=None)

    def after_failure(self, sentence: str, today: date) -> Self:
        """The record after a failed attempt, for the reason *sentence*."""
        return replace(self, failures=self.failures + 1, failed=today, sentence=sentence)

    def finding(self, today: date, pulled: date | None) -> Finding:
        """The finding. *pulled*: the day of the last complete pull."""
        last = self.accepted[-1] if self.accepted else None
        days = None if last is None else (today - last).days
        alarm = self.failures >= ALARMING_FAILURES or (days is not None and days > MOST_DAYS)
        return Finding(
            "probe",
            State.ALARM if alarm else State.GOOD,
            " ".join([self._failures(), _accepted(last), self._pulled(pulled)]).strip(),
            values={"failures": self.failures, "days_ago": days},
        )

    def _failures(self) -> str:
        if not self.failures:
            return ""
        times = "once" if self.failures == 1 else f"{self.failures} times in a row"
        return f"It failed {times}, last on {self.failed}: {self.sentence}"

    def _pulled(self, pulled: date | None) -> str:
        # A report filed on the day of a pull may have come after it.
        held = [day for day in self.accepted if pulled is not None and day < pulled]
        return f"The bundle of {pulled} lists that of {held[-1]}." if held else ""


def _accepted(last: date | None) -> str:
    if last is None:
        return "No test report was accepted yet; `casedrop probe` files one."
    return f"The last test report was accepted on {last}."
