"""Checks the health of a running drop, part by part; a part that cannot be checked says why."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dropbox.errors import CasedropError
from dropbox.key_expiry import WARN_DAYS
from dropbox.packets import dearmor, last_second
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.system_error import reason_of, told
from dropbox.weekly_hpke import VALID, ReviewerWeeks, file_name
from onion.errors import OnionError
from onion.service_health import TorState, front_page, front_status, tor_state
from scripts.courier.transfer import status
from scripts.operator.health_finding import Finding, State
from scripts.operator.probe_record import BadProbeRecord, ProbeRecord
from scripts.operator.site import Site

PULL_DAYS = 14
DISK_DAYS = 14
# Tor uploads a descriptor at least every two hours; one hour more, for a busy network.
DESCRIPTOR_AGE = timedelta(hours=3)
# With fewer, losing two would cut the drop off; tor is told to use five.
LEAST_INTRODUCTION_POINTS = 2
_SWAPS = Path("/proc/swaps")
_GOOD_STATUS = 200
_MARKUP = re.compile(rb"<[^>]*>|\s")
_FINGERPRINT = re.compile(rb"[0-9A-F]{40}")


def examine(site: Site, now: datetime) -> list[Finding]:
    """All findings, in the order in which an operator needs them. *now* is UTC time."""
    said = _asked_vault(site)
    return [
        *_tor(site, now),
        _front(site),
        *_vault(said, site, now),
        _probe(site.probe, said, now.date()),
        *_keys(site, now.date()),
        _swap(_SWAPS),
    ]


def _of(alarm: bool) -> State:
    return State.ALARM if alarm else State.GOOD


def _unreachable(part: str, path: Path, who: str) -> Finding | None:
    """What is wrong with the socket *path* of *who*, None if it can be used."""
    try:
        there = path.is_socket()
    except OSError:
        there = True
    if not there:
        return Finding(part, State.ALARM, f"{who} does not run: there is no socket at {path}.")
    if not os.access(path, os.W_OK):
        return Finding(part, State.UNKNOWN, f"This user may not use {path}; ask as its owner.")
    return None


def _tor(site: Site, now: datetime) -> Iterator[Finding]:
    if wrong := _unreachable("tor", site.tor_control, "tor"):
        yield wrong
        return
    try:
        tor = tor_state(site.tor_control, site.settings.onion)
    except OnionError as why:
        yield Finding("tor", State.ALARM, str(why))
        return
    joined = tor.phase.percent == 100 and tor.has_circuits
    circuits = "circuits can be built" if tor.has_circuits else "no circuit can be built"
    yield Finding(
        "tor",
        _of(not joined),
        f"tor {tor.version}: {tor.phase}; {circuits}.",
        values={"bootstrapped_percent": tor.phase.percent, "circuits": int(tor.has_circuits)},
    )
    yield _descriptor(tor, now)


def _descriptor(tor: TorState, now: datetime) -> Finding:
    found = tor.descriptor
    if found is None:
        return Finding(
            "descriptor", State.ALARM, "No directory gives the descriptor: nobody finds the drop."
        )
    age = now - found.made
    few = found.introduction_points < LEAST_INTRODUCTION_POINTS
    old = age > DESCRIPTOR_AGE if found.effort is not None else age > timedelta(hours=54)
    effort = "no proof of work" if found.effort is None else f"suggested effort {found.effort}"
    minutes = max(0, int(age.total_seconds()) // 60)
    return Finding(
        "descriptor",
        _of(old or few),
        f"{'Too old: p' if old else 'P'}ublished at most {minutes} minutes ago, "
        f"{found.introduction_points} introduction points, {effort}.",
        values={
            "age_minutes": minutes,
            "introduction_points": found.introduction_points,
            "effort": found.effort,
        },
    )


def _front(site: Site) -> Finding:
    if wrong := _unreachable("front", site.front_socket, "The front"):
        return wrong
    code = front_status(site.front_socket, site.settings.onion)
    answer = f"The first page is answered with {code}." if code else "It does not answer."
    return Finding("front", _of(code != _GOOD_STATUS), answer, values={"status": code})


def _asked_vault(site: Site) -> dict[str, object] | Finding:
    """The vault's status, or the finding why there is none."""
    socket = site.settings.courier_socket
    if wrong := _unreachable("vault", socket, "The vault"):
        return wrong
    try:
        return status(socket)
    except CasedropError as why:
        return Finding("vault", State.ALARM, str(why))


def _vault(untrusted: dict[str, object] | Finding, site: Site, now: datetime) -> Iterator[Finding]:
    if isinstance(untrusted, Finding):
        yield untrusted
        return
    trouble, note = untrusted.get("trouble"), untrusted.get("tombstones")
    wrong_texts = [text for text in (trouble, note) if isinstance(text, str) and text]
    yield Finding(
        "vault", _of(bool(wrong_texts)), " ".join(wrong_texts) or "It answers and takes reports."
    )
    yield _clock(untrusted, now.date())
    yield _pull(untrusted, now.date())
    yield _acknowledgement(untrusted, now.date())
    yield _disk(untrusted)
    yield _loaded_keys(untrusted, site)


def _day(untrusted: object) -> date | None:
    try:
        return date.fromisoformat(untrusted) if isinstance(untrusted, str) else None
    except ValueError:
        return None


def _number(untrusted: object) -> int | None:
    return untrusted if type(untrusted) is int else None


def _clock(untrusted: dict[str, object], today: date) -> Finding:
    theirs = _day(untrusted.get("today"))
    if theirs is None:
        return Finding("clock", State.UNKNOWN, "The vault does not say which day it is.")
    return Finding(
        "clock",
        # Midnight may have passed since its answer.
        _of(abs(theirs - today) > timedelta(days=1)),
        f"By the vault's clock it is {theirs} (UTC).",
    )


def _pull(untrusted: dict[str, object], today: date) -> Finding:
    last = _day(untrusted.get("exported"))
    # Before the first pull, what waits for it counts.
    waits = last or _day(untrusted.get("oldest"))
    if waits is None:
        return Finding("pull", State.UNKNOWN, "The vault does not say when it was pulled last.")
    days = (today - waits).days
    sentence = (
        f"The last pull was on {last}, {days} days ago."
        if last
        else f"Nobody has pulled yet; the oldest day is {waits}, {days} days ago."
    )
    whole = _day(untrusted.get("pull"))
    if last and whole and whole < last:
        sentence += f" It was not finished; the last whole one was on {whole}."
    return Finding("pull", _of(days >= PULL_DAYS), sentence, values={"days_ago": days})


def _acknowledgement(untrusted: dict[str, object], today: date) -> Finding:
    last, push = _day(untrusted.get("acknowledged")), _day(untrusted.get("push"))
    told = (
        f"The desk last acknowledged on {last}." if last else "The desk has acknowledged nothing."
    )
    if push:
        told += f" The last reply bundle came on {push}."
    days = (today - last).days if last else None
    return Finding("acknowledgement", State.GOOD, told, values={"days_ago": days})


def _disk(untrusted: dict[str, object]) -> Finding:
    free, days = _number(untrusted.get("free_bytes")), _number(untrusted.get("disk_days"))
    if free is None:
        return Finding("disk", State.UNKNOWN, "The vault does not say how much is free.")
    lasts = "for over a year" if days is None else f"for {days} days"
    return Finding(
        "disk",
        _of(days is not None and days < DISK_DAYS),
        f"{free / 2**30:,.1f} GiB free, {lasts} if as much arrives as in the last week.",
        values={"free_bytes": free, "days": days},
    )


def _probe(folder: Path, untrusted: dict[str, object] | Finding, today: date) -> Finding:
    pulled = None if isinstance(untrusted, Finding) else _day(untrusted.get("pull"))
    try:
        return ProbeRecord.read(folder).finding(today, pulled)
    except PermissionError:
        return Finding("probe", State.UNKNOWN, f"This user may not read {folder}.")
    except (OSError, BadProbeRecord) as why:
        sentence = told(why) if isinstance(why, OSError) else str(why)
        return Finding("probe", State.ALARM, sentence)


def front_reviewers(site: Site) -> set[str] | None:
    """The fingerprints on the front's page of the reviewers' keys, None if there is no such
    page.
    """
    page = f"{site.settings.languages[0].lower()}/keys"
    code, body = front_page(site.front_socket, site.settings.onion, page)
    if code != _GOOD_STATUS:
        return None
    return {one.decode("ascii") for one in _FINGERPRINT.findall(_MARKUP.sub(b"", body))}


def _loaded_keys(untrusted: dict[str, object], site: Site) -> Finding:
    """Whether the running drop seals to the reviewers whose keys are in the folder."""
    keys = site.settings.keys
    said = untrusted.get("reviewers")
    if not isinstance(said, list):
        return Finding("reviewers", State.UNKNOWN, "The vault does not say whose keys it has.")
    try:
        pinned = {key.fingerprint for key in read_pinned_keys(keys)}
    except CasedropError as why:
        return Finding("reviewers", State.ALARM, f"The next start would fail: {why}")
    if set(map(str, said)) != pinned:
        return Finding(
            "reviewers",
            State.ALARM,
            f"The running drop has other reviewers than {keys}: `casedrop reload` takes them.",
        )
    # An interrupted reload may have told only the vault, but it is the front that seals.
    shown = front_reviewers(site)
    if shown is not None and shown != pinned:
        return Finding(
            "reviewers",
            State.ALARM,
            f"The front seals to others than {keys}: `casedrop reload` has it take them.",
        )
    return Finding("reviewers", State.GOOD, f"It seals to all {len(pinned)} in {keys}.")


def _keys(site: Site, today: date) -> Iterator[Finding]:
    keys = site.settings.keys
    try:
        names = sorted(read_pins(keys).values())
    except CasedropError as why:
        yield Finding("keys", State.ALARM, str(why))
        return
    for name in names:
        try:
            last = min(_openpgp_end(keys / name), _hpke_end(keys / file_name(name)))
        except PermissionError:
            yield Finding("keys", State.UNKNOWN, "This user may not read them.", of=name)
            continue
        except (OSError, CasedropError) as why:
            yield Finding("keys", State.ALARM, f"They cannot be read: {reason_of(why)}", of=name)
            continue
        days = (last - today).days
        sentence = f"They end on {last}, in {days} days." if days >= 0 else f"They ended on {last}."
        yield Finding("keys", _of(days <= WARN_DAYS), sentence, of=name, values={"days_left": days})


def _openpgp_end(path: Path) -> date:
    return datetime.fromtimestamp(max(last_second(dearmor(path.read_bytes())) - 1, 0), UTC).date()


def _hpke_end(path: Path) -> date:
    # The code that seals checks signatures; this only reads a date.
    weeks = ReviewerWeeks.from_bytes(path.read_bytes()).weeks
    return weeks[-1].start + VALID - timedelta(days=1)


def _swap(swaps: Path) -> Finding:
    try:
        active = swaps.read_text("ascii", errors="replace").splitlines()[1:]
    except OSError:
        return Finding("swap", State.UNKNOWN, f"{swaps} cannot be read.")
    sentence = "Active: what is in memory is written to it." if active else "There is none."
    return Finding("swap", _of(bool(active)), sentence)
