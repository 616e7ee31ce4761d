"""Renewal: more weekly subkeys for a reviewer's key, so that no week is missing and none is double."""

from datetime import date, timedelta
from pathlib import Path

from dropbox import openpgp
from dropbox.gpg_agent import ask_passphrase, is_protected
from scripts.ceremony.weeks import CeremonyError, Epoch, epochs

# Two months before the last day, so that the courier's ways and a holiday lie between.
NEAR_DAYS = 60
_WEEK = timedelta(weeks=1)


def renewal_starts(
    last: Epoch, *, weeks: int, today: date, early: bool, after_gap: bool
) -> list[date]:
    """The first days of the *weeks* subkeys that follow *last*: seven days apart, in step with those before.

    Raises CeremonyError when *last* is further away than NEAR_DAYS and it is not said to be *early*, or when it has ended
    and *after_gap* is not said; after a gap the first new week is the one in which *today* is.
    """
    start = last.first + _WEEK
    if (last.last - today).days > NEAR_DAYS and not early:
        raise CeremonyError(
            f"The weekly keys last until {last.last}: a renewal is held in the {NEAR_DAYS} days before. To add weeks now, say "
            "--early. Nothing was added."
        )
    if last.last < today:
        if not after_gap:
            raise CeremonyError(
                f"The weekly keys ended on {last.last}, and since then no report could be sealed to this key. To go on from "
                "today's week, with that gap, say --after-gap. Nothing was added."
            )
        start += _WEEK * ((today - start).days // 7)
    return [start + _WEEK * number for number in range(weeks)]


def renew(
    home: Path, *, weeks: int, today: date, early: bool = False, after_gap: bool = False
) -> tuple[Epoch, ...]:
    """Add *weeks* weekly subkeys to the key of *home*. Returns the new ones. gpg asks for a passphrase if the key has one.

    Raises CeremonyError as :func:`renewal_starts`, or KeysError when gpg refuses, saying how many were made.
    """
    key = openpgp.reviewer_key(home)
    before = epochs(key)
    if not before:
        raise CeremonyError("This key has no weekly keys that could be continued.")
    starts = renewal_starts(before[-1], weeks=weeks, today=today, early=early, after_gap=after_gap)
    passphrase = ask_passphrase(home, new=False) if is_protected(home, key.keygrip) else ""
    openpgp.add_weeks(home, key.fingerprint, starts, passphrase=passphrase)
    added = tuple(epoch for epoch in epochs(openpgp.reviewer_key(home)) if epoch not in before)
    if [epoch.first for epoch in added] != starts:
        raise CeremonyError(
            "The new weeks are not those that were asked for; look with `weeks` before anything is used."
        )
    return added
