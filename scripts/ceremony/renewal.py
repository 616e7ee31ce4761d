"""Renewal: adding weekly subkeys to a reviewer's key, so that no week is missing or doubled."""

from datetime import date, timedelta
from pathlib import Path

from dropbox import week_secrets
from dropbox.gpg_agent import ask_passphrase, is_protected
from dropbox.reviewer_key import Progress, ReviewerKey, add_weeks, reviewer_key
from scripts.ceremony.weeks import CeremonyError, Epoch, epochs

# Two months before the last day: enough for the courier's trips and a holiday.
NEAR_DAYS = 60
_WEEK = timedelta(weeks=1)


def renewal_starts(
    last: Epoch, *, weeks: int, today: date, early: bool, after_gap: bool
) -> list[date]:
    """The first days of the *weeks* subkeys after *last*: seven days apart, as those before.

    Raises CeremonyError if *last* ends more than NEAR_DAYS from now and *early* is not given, or if
    it has ended and *after_gap* is not given; after a gap, the first new week is that of *today*.
    """
    start = last.first + _WEEK
    if (last.last - today).days > NEAR_DAYS and not early:
        raise CeremonyError(
            f"The weekly keys last until {last.last}; a renewal is held in the {NEAR_DAYS} days "
            "before that. To add weeks now, use --early. Nothing was added."
        )
    if last.last < today:
        if not after_gap:
            raise CeremonyError(
                f"The weekly keys ended on {last.last}, and since then no report could be sealed "
                "to this key. To go on from today's week, with that gap, use --after-gap. Nothing "
                "was added."
            )
        start += _WEEK * ((today - start).days // 7)
    return [start + _WEEK * number for number in range(weeks)]


def renew(
    home: Path,
    *,
    weeks: int,
    today: date,
    early: bool = False,
    after_gap: bool = False,
    progress: Progress = lambda done, total: None,
) -> tuple[Epoch, ...]:
    """Add *weeks* weekly subkeys and their HPKE keys to the key in *home*; return the new weeks.

    gpg asks for the passphrase if the key has one. Raises CeremonyError as :func:`renewal_starts`
    does, or KeysError when gpg refuses, which says how many were made.
    """
    key = reviewer_key(home)
    before = epochs(key)
    if not before:
        raise CeremonyError("This key has no weekly keys to go on from.")
    starts = renewal_starts(before[-1], weeks=weeks, today=today, early=early, after_gap=after_gap)
    passphrase = _passphrase(home, key)
    add_weeks(home, key.fingerprint, starts, passphrase=passphrase, progress=progress)
    added = tuple(epoch for epoch in epochs(reviewer_key(home)) if epoch not in before)
    if [epoch.first for epoch in added] != starts:
        raise CeremonyError(
            "The new weeks are not those that were asked for; check with `weeks` before you use "
            "anything."
        )
    week_secrets.add_missing(home, today=today, passphrase=passphrase)
    return added


def add_hpke(home: Path, *, today: date) -> None:
    """Make the HPKE keys that weeks in *home* lack, if any.

    They lack them if they are older than Casedrop's HPKE keys, or if a ceremony was interrupted.
    gpg asks for the passphrase if the key has one. Raises KeysError.
    """
    key = reviewer_key(home)
    if week_secrets.missing(home, key):
        week_secrets.add_missing(home, today=today, passphrase=_passphrase(home, key))


def _passphrase(home: Path, key: ReviewerKey) -> str:
    return ask_passphrase(home, new=False) if is_protected(home, key.keygrip) else ""
