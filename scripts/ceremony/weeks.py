"""Epochs: the weekly subkeys of a reviewer's key, named by the ISO week of their first day.

Destroying their secrets is the whole point of weekly keys: what was sealed to a week can never be
opened again once all copies of that week's secret are gone.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from dropbox.errors import CannotOpen, CasedropError
from dropbox.gpg_agent import delete_secret
from dropbox.key_expiry import notice
from dropbox.openpgp import Opener
from dropbox.reviewer_key import ReviewerKey, WeeklyKey, reviewer_key, reviewer_keys, seal_to_week
from dropbox.week_secrets import erase_secret

_PROBE_BYTES = 64


class CeremonyError(CasedropError):
    """The ceremony cannot go on."""


@dataclass(frozen=True)
class Epoch:
    """One week's subkey.

    ``week`` is its name, such as 2026-W48; ``first`` and ``last`` are its valid days (UTC).
    """

    week: str
    first: date
    last: date
    key: WeeklyKey

    @property
    def secret(self) -> bool:
        """Whether its secret is in the gpg home."""
        return self.key.secret

    def __str__(self) -> str:
        return f"{self.week} ({self.first} to {self.last})"


def epochs(key: ReviewerKey) -> tuple[Epoch, ...]:
    """All weeks of *key*, in order, including those with a destroyed secret."""
    return tuple(_epoch(week) for week in key.weeks)


def week_name(first: date) -> str:
    """The ISO week of a subkey's *first* day.

    Subkeys begin seven days apart, so names are unique.
    """
    year, week, _ = first.isocalendar()
    return f"{year}-W{week:02d}"


def _epoch(key: WeeklyKey) -> Epoch:
    first, last = (datetime.fromtimestamp(at, UTC).date() for at in (key.made, key.expires - 1))
    return Epoch(week_name(first), first, last, key)


def epoch_of(key: ReviewerKey, week: str) -> Epoch:
    """The epoch called *week*. Raises CeremonyError if this key has no such week."""
    if not re.fullmatch(r"\d{4}-W\d\d", week, re.ASCII):
        raise CeremonyError("A week is written as 2026-W48; `weeks` lists those of this key.")
    found = [epoch for epoch in epochs(key) if epoch.week == week]
    if not found:
        raise CeremonyError(f"This key has no week {week}; `weeks` lists the weeks it has.")
    return found[0]


def ended_before(key: ReviewerKey, day: date) -> tuple[Epoch, ...]:
    """The epochs whose secret is here and whose last day was before *day*.

    Raises CeremonyError if none.
    """
    found = tuple(epoch for epoch in epochs(key) if epoch.secret and epoch.last < day)
    if not found:
        raise CeremonyError(f"No week whose secret is here ended before {day}.")
    return found


@dataclass(frozen=True)
class Destroyed:
    """What was observed when *epochs* were destroyed.

    ``kept`` is another week whose message could be opened before and after; None if there was none.
    """

    epochs: tuple[Epoch, ...]
    kept: Epoch | None


def destroy(
    home: Path, chosen: Sequence[Epoch], *, today: date, although_valid: bool = False
) -> Destroyed:
    """Delete the secrets of *chosen* from *home*, and prove that they are gone.

    A message is sealed to each of them and to one week that is kept, and all messages are opened.
    Then the secrets are deleted, and the weeks' HPKE keys with them; only the message to the kept
    week may still open. Raises CeremonyError, before anything is deleted, if a secret is not here
    or its week is not over (unless *although_valid*); KeysError or OSError if a deletion fails.
    """
    for epoch in chosen:
        if not epoch.secret:
            raise CeremonyError(
                f"The secret of {epoch.week} is not here: it was destroyed, or it is on paper."
            )
        if epoch.last >= today and not although_valid:
            raise CeremonyError(
                f"{epoch} is not over: reports are still sealed to it. Nothing was destroyed."
            )
    others = [epoch for epoch in epochs(reviewer_key(home)) if epoch.secret and epoch not in chosen]
    # The week in use today if there is one, else the nearest.
    kept = min(
        others,
        key=lambda one: (not one.first <= today <= one.last, abs((one.last - today).days)),
        default=None,
    )
    messages = [
        (epoch, _old_message(home, epoch)) for epoch in (*chosen, *([kept] if kept else []))
    ]
    for epoch, message in messages:
        if not opens(home, *message):
            raise CeremonyError(
                f"A message to {epoch.week} cannot be opened even now. Nothing was destroyed."
            )
    for epoch in chosen:
        # The subkey first: without it nothing opens the HPKE key, even if its file remains.
        delete_secret(home, epoch.key.keygrip)
        erase_secret(home, epoch.first)
    for epoch, message in messages:
        if opens(home, *message) != (epoch is kept):
            raise CeremonyError(
                f"After the destruction, a message to {epoch.week} opens although it should not, "
                "or the other way round: check with `weeks`."
            )
    return Destroyed(tuple(chosen), kept)


def record(key: ReviewerKey, seen: Destroyed, today: date) -> str:
    """The record of a destruction, as text."""
    lines = [f"Destroyed on {today} (UTC), of the key of {key.name}, {key.fingerprint}:", ""]
    lines += [f"  {epoch}, subkey {epoch.key.fingerprint}" for epoch in seen.epochs]
    lines += [
        "",
        "Their HPKE keys were sealed to these subkeys, and were erased with them.",
        "",
        "Before that, a message to each of these weeks was opened; after it, none of them could be "
        "opened.",
    ]
    if seen.kept is not None:
        lines.append(f"A message to {seen.kept.week} could be opened before and after.")
    lines += [
        "",
        "This is true of this workstation only: not of backups, nor of paper sheets with a week's "
        "words.",
    ]
    return "\n".join([*lines, ""])


def _old_message(home: Path, epoch: Epoch) -> tuple[bytes, bytes]:
    content = os.urandom(_PROBE_BYTES)
    return seal_to_week(home, epoch.key, content), content


def opens(home: Path, message: bytes, content: bytes) -> bool:
    """Whether *message* can be opened in *home* and holds *content*."""
    try:
        return Opener(home).open(message) == content
    except CannotOpen:
        return False


def is_open(home: Path, epoch: Epoch) -> bool:
    """Whether a message to *epoch* can be opened in *home*."""
    return opens(home, *_old_message(home, epoch))


def week_lines(key: ReviewerKey, today: date) -> list[str]:
    """For people: each week, its days and whether its secret is here; the last day; a notice."""
    found = epochs(key)
    if not found:
        return ["This key has no weekly keys."]
    lines = [f"{epoch}  {'secret here' if epoch.secret else 'no secret here'}" for epoch in found]
    return [*lines, *_term(found, today)]


def term_lines(home: Path, today: date) -> list[str]:
    """For people, for each key in *home*: the weeks with secrets, the last day, a notice."""
    return [
        line
        for key in reviewer_keys(home)
        for line in (f"key {key.fingerprint}", *_term(epochs(key), today))
    ]


def _term(found: Sequence[Epoch], today: date) -> list[str]:
    here = [epoch for epoch in found if epoch.secret]
    weeks = (
        ", ".join(_runs([epoch.week for epoch in here], [epoch.week for epoch in found])) or "none"
    )
    lines = [f"weekly secrets here: {weeks} ({len(here)} of {len(found)})"]
    if found:
        lines.append(f"last day of the weekly keys: {found[-1].last}")
        lines += [text for text in (notice(found[-1].last, today),) if text]
    return lines


def _runs(some: Iterable[str], weeks: Sequence[str]) -> list[str]:
    """*some* of *weeks*, as ranges."""
    wanted, runs = set(some), list[list[str]]()
    for before, week in zip(("", *weeks), weeks, strict=False):
        if week not in wanted:
            continue
        if runs and runs[-1][-1] == before:
            runs[-1].append(week)
        else:
            runs.append([week])
    return [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]


def term_values(home: Path, today: date) -> list[dict[str, object]]:
    """For programs, for each key in *home*: its weeks, and whether their secrets are there."""
    return [_values(key, today) for key in reviewer_keys(home)]


def _values(key: ReviewerKey, today: date) -> dict[str, object]:
    found = epochs(key)
    last = found[-1].last if found else None
    return {
        "fingerprint": key.fingerprint,
        "weeks": [
            {
                "week": one.week,
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
                "secret": one.secret,
            }
            for one in found
        ],
        "last_day": last.isoformat() if last else None,
        "notice": notice(last, today) if last else "",
    }
