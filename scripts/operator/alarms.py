"""Alarms that have begun and not ended, kept in a file so that each is reported once."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from dropbox.durable_file import naming, replace_file
from dropbox.errors import CasedropError
from dropbox.system_error import explained
from scripts.operator.health_finding import Finding, State
from scripts.terminal import one_line

_NAME, _LOG = "alarms.json", "alarms.log"
_MAX_BYTES = 2**20
_CHARACTERS = 300
_SENDMAIL_SECONDS = 60.0
# A fetch over the network can fail without meaning anything: twice in a row is an alarm.
_PATIENT = ("descriptor",)


class AlarmsError(CasedropError):
    """An alarm cannot be reported."""


@dataclass(frozen=True)
class Alarms:
    """``told``: the alarms that have begun, by name. ``seen``: those seen once, which count if they
    are seen again. ``unsent``: lines that could not be mailed yet.
    """

    told: dict[str, str] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()
    unsent: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The alarms in *folder*; none if nothing was written yet. Raises AlarmsError."""
        path = folder / _NAME
        try:
            with path.open("rb") as file:
                body = json.loads(file.read(_MAX_BYTES))
            told, seen, unsent = body["told"], body["seen"], body["unsent"]
            if not all(isinstance(one, str) for one in (*told.values(), *seen, *unsent)):
                raise ValueError
            return cls(dict(told), frozenset(seen), tuple(unsent))
        except FileNotFoundError:
            return cls()
        except (AttributeError, KeyError, TypeError, ValueError):
            raise AlarmsError(
                f"{path} is damaged; remove it, and all alarms are told again."
            ) from None

    def write(self, folder: Path) -> None:
        """Replace what is in *folder*. Raises OSError."""
        body = {"told": self.told, "seen": sorted(self.seen), "unsent": list(self.unsent)}
        replace_file(folder / _NAME, json.dumps(body, indent=1).encode("utf-8"))

    def compared(self, findings: Sequence[Finding]) -> tuple[Self, list[str], list[str]]:
        """The alarms after *findings*, and a line for each alarm that begins or ends with them.

        A part that could not be checked keeps its state, and so does one that was not looked at
        because its room is silent; only a reviewer who is no longer there takes their alarm with
        them.
        """
        told, seen = dict(self.told), set[str]()
        begun, ended = list[str](), list[str]()
        for finding in findings:
            name = finding.name
            if finding.state is State.ALARM and name not in told:
                if finding.part in _PATIENT and name not in self.seen:
                    seen.add(name)
                    continue
                told[name] = finding.sentence
                begun.append(_line(finding))
            elif finding.state is State.GOOD and told.pop(name, None) is not None:
                ended.append(_line(finding))
        names = {finding.name for finding in findings}
        for name in [name for name in told if name.startswith("keys ") and name not in names]:
            del told[name]
            ended.append(f"{name}: no longer pinned.")
        return replace(self, told=told, seen=frozenset(seen)), begun, ended

    def with_unsent(self, lines: Sequence[str]) -> Self:
        """The same with *lines* that wait to be mailed."""
        return replace(self, unsent=(*self.unsent, *lines))

    def sent(self) -> Self:
        """The same with nothing waiting."""
        return replace(self, unsent=())


def _line(finding: Finding) -> str:
    return f"{one_line(finding.name, _CHARACTERS)}: {one_line(finding.sentence, _CHARACTERS)}"


def append(folder: Path, lines: Sequence[str], now: datetime) -> None:
    """Append *lines* with the day and minute to the log in *folder* (0600). Raises OSError."""
    if not lines:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    opened = os.open(folder / _LOG, flags, 0o600)
    with naming(folder / _LOG), os.fdopen(opened, "w", encoding="utf-8") as log:
        log.write("".join(f"{now:%Y-%m-%d %H:%M} {line}\n" for line in lines))


def mail(sendmail: Path, to: str, lines: Sequence[str]) -> None:
    """Hand *lines* to the program *sendmail* for the address *to*. Raises AlarmsError.

    They hold days and the parts of the drop, not its address, and nothing about claimants.
    """
    message = EmailMessage()
    message["To"], message["Subject"] = to, "Alarm"
    message.set_content("".join(f"{line}\n" for line in lines))
    try:
        done = subprocess.run(
            [sendmail, "-i", "--", to],
            input=message.as_bytes(),
            check=False,
            capture_output=True,
            timeout=_SENDMAIL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise AlarmsError(
            f"The alarm is in the log, but {sendmail} did not end in {_SENDMAIL_SECONDS:.0f} s. "
            "The next run tries again."
        ) from None
    except OSError as why:
        raise AlarmsError(
            f"The alarm is in the log, but {sendmail} does not run: {explained(why)} The next run "
            "tries again."
        ) from None
    if done.returncode:
        raise AlarmsError(
            f"The alarm is in the log, but {sendmail} did not take the mail (exit code "
            f"{done.returncode}); the next run tries again."
        )
