"""Today's day key: one for all workers of a front, kept before use, and never yesterday's."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import BadDayKey, CannotSeal, CasedropError, KeysError, VaultUnavailable
from dropbox.front import day_keys
from dropbox.front.day_keys import DAY_SECONDS, TodaysKey
from dropbox.hpke import PublicKey, SecretKey

ROOT = Path(__file__).parents[2]
REVIEWERS = [SecretKey.generate() for _ in range(3)]
MIDNIGHT = 20_700 * DAY_SECONDS
TODAY = date(1970, 1, 1) + timedelta(days=20_699)
EVE = MIDNIGHT - 3_600.0


class Site:
    """The vault, the reviewers and the clock of a front."""

    def __init__(self) -> None:
        self.now = EVE
        self.kept: list[DayKeyRecord] = []
        self.failure: CasedropError | None = None
        self.slow: Callable[[], object] = lambda: None
        self.todays = self.front()

    def front(self) -> TodaysKey:
        """Another front of this site."""
        return TodaysKey(reviewers=self.reviewers, keep=self.keep, clock=lambda: self.now)

    def reviewers(self, _day: date) -> Sequence[PublicKey]:
        return [one.public for one in REVIEWERS]

    def keep(self, record: DayKeyRecord) -> None:
        self.slow()
        self.kept.append(record)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.todays.stop()


def opened(record: DayKeyRecord, reviewer: SecretKey) -> DayKey:
    return record.open({reviewer.public.key_id: reviewer}.get)


def in_memory(todays: TodaysKey) -> bytes:
    return todays._region[:]


def test_the_key_is_what_each_reviewer_opens_and_is_kept_before_it_is_used(site: Site) -> None:
    def look() -> None:
        with pytest.raises(CannotSeal):
            site.todays.current()

    site.slow = look
    site.todays.renew()
    key = site.todays.current()
    site.todays.renew()

    assert len(site.kept) == 1 and site.todays.current() == key
    for reviewer in REVIEWERS:
        found = opened(site.kept[0], reviewer)
        assert (found.key, found.day) == (key, TODAY)


def test_without_a_key_nothing_can_be_sealed_and_asking_makes_none(site: Site) -> None:
    with pytest.raises(CannotSeal, match="no day key for today"):
        site.todays.current()

    assert site.kept == []


def test_after_midnight_the_key_of_the_day_before_seals_nothing(site: Site) -> None:
    """Even in a worker that forgets to make a new one."""
    site.todays.renew()
    before = site.todays.current()
    site.now = MIDNIGHT - 0.001
    assert site.todays.current() == before
    for site.now in (MIDNIGHT, MIDNIGHT + DAY_SECONDS, MIDNIGHT - DAY_SECONDS - 1):
        with pytest.raises(CannotSeal):
            site.todays.current()
    site.now = MIDNIGHT
    site.todays.renew()

    assert site.todays.current() != before and before not in in_memory(site.todays)
    assert [record.day for record in site.kept] == [TODAY, TODAY + timedelta(days=1)]


def test_yesterdays_key_is_overwritten_even_if_today_can_have_none(site: Site) -> None:
    site.todays.renew()
    before = site.todays.current()
    assert before in in_memory(site.todays), "the control"
    site.now, site.failure = MIDNIGHT, VaultUnavailable()
    with pytest.raises(VaultUnavailable):
        site.todays.renew()

    assert before not in in_memory(site.todays)


def test_a_vault_that_fails_first_is_asked_to_keep_the_same_record_again(site: Site) -> None:
    site.failure = VaultUnavailable()
    for _ in range(3):
        with pytest.raises(VaultUnavailable):
            site.todays.renew()
        with pytest.raises(CannotSeal):
            site.todays.current()
    site.failure = None
    site.todays.renew()

    assert opened(site.kept[0], REVIEWERS[0]).key == site.todays.current()
    assert len(site.kept) == 4 and len({record.to_bytes() for record in site.kept}) == 1


def test_a_key_that_was_not_kept_before_midnight_is_not_that_of_the_next_day(site: Site) -> None:
    site.failure = VaultUnavailable()
    with pytest.raises(VaultUnavailable):
        site.todays.renew()
    site.now, site.failure = MIDNIGHT, None
    site.todays.renew()

    first, second = site.kept
    assert (first.day, second.day) == (TODAY, TODAY + timedelta(days=1))
    assert opened(second, REVIEWERS[0]).key == site.todays.current()
    assert opened(first, REVIEWERS[0]).key != site.todays.current()


def test_a_day_key_that_a_reviewer_could_not_open_is_never_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = DayKey.seal
    monkeypatch.setattr(DayKey, "seal", lambda key, reviewers: seal(key, reviewers[:-1]))

    with pytest.raises(BadDayKey, match="exactly the expected reviewers"):
        site.todays.renew()
    with pytest.raises(CannotSeal):
        site.todays.current()
    assert site.kept == []


def test_a_reviewer_whose_keys_have_ended_stops_the_sealing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(day: date) -> Sequence[PublicKey]:
        raise KeysError(f"A reviewer has no HPKE key valid on {day}.")

    site.todays = TodaysKey(reviewers=ended, keep=site.keep, clock=lambda: site.now)
    with pytest.raises(KeysError):
        site.todays.renew()
    with pytest.raises(CannotSeal):
        site.todays.current()


@pytest.mark.parametrize("at", [0, 7, 8, 39, 40, 55])
def test_a_damaged_slot_holds_no_key(at: int, site: Site) -> None:
    site.todays.renew()
    damaged = site.todays.current()
    site.todays._region[at] ^= 1

    with pytest.raises(CannotSeal):
        site.todays.current()
    site.todays.renew()
    assert site.todays.current() != damaged


# --- Several processes ---


@pytest.mark.slow
def test_forked_workers_share_one_key_and_two_fronts_do_not(site: Site) -> None:
    reader, writer = os.pipe()
    for _ in range(4):
        if (child := os.fork()) == 0:
            site.todays.renew()
            os.write(writer, site.todays.current() + bytes([len(site.kept)]))
            os._exit(0)
        os.waitpid(child, 0)
    told = os.read(reader, 1_000)
    other = site.front()
    other.renew()

    assert told == b"".join(site.todays.current() + bytes([kept]) for kept in (1, 0, 0, 0))
    assert other.current() != site.todays.current()


def test_workers_that_find_no_key_at_the_same_time_make_one(site: Site) -> None:
    site.slow = lambda: time.sleep(0.05)
    reader, writer = os.pipe()
    children = []
    for _ in range(4):
        if (child := os.fork()) == 0:
            site.todays.renew()
            os.write(writer, bytes([len(site.kept)]))
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)

    assert sorted(os.read(reader, 10)) == [0, 0, 0, 1]


def hang(writer: int) -> None:
    os.write(writer, b"x")
    time.sleep(60)


def test_a_worker_killed_while_it_makes_a_key_stops_no_other(site: Site) -> None:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        site.slow = lambda: hang(writer)
        site.todays.renew()
    os.read(reader, 1)
    made = threading.Event()

    def come() -> None:
        site.todays.renew()
        made.set()

    threading.Thread(target=come, daemon=True).start()
    assert not made.wait(0.3), "the control: the lock holds"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert made.wait(10) and len(site.kept) == 1


LOCKED_WORKERS = """
import ctypes, os, sys, time
from pathlib import Path
from dropbox.front.day_keys import TodaysKey
from dropbox.hpke import SecretKey
from dropbox.lockdown import Room, lacking, lock
reviewer = SecretKey.generate()
kept = []
todays = TodaysKey(reviewers=lambda _day: [reviewer.public], keep=kept.append, clock=time.time)
for _ in range(2):
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        lock(Room("front", programs=(Path("/bin/true"),)), ["access", "allocator", *lacking()])
        refused = ctypes.CDLL(None).memfd_create(b"x", 0)
        todays.start()
        os.write(writer, todays.current().hex().encode() + b" %d %d" % (len(kept), refused))
        os._exit(0)
    os.waitpid(child, 0)
    print(os.read(reader, 100).decode())
"""


@pytest.mark.slow
def test_locked_workers_make_and_share_a_key() -> None:
    """The control: behind the lock, such a front could not be made any more."""
    done = subprocess.run(
        [sys.executable, "-c", LOCKED_WORKERS],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    one, two = (line.split() for line in done.stdout.splitlines())

    assert one[0] == two[0] and len(one[0]) == 64, done.stderr
    assert (one[1:], two[1:]) == (["1", "-1"], ["0", "-1"])


def test_no_core_dump_holds_the_key(site: Site) -> None:
    start = ctypes.addressof(ctypes.c_char.from_buffer(site.todays._region))
    flags: dict[int, list[str]] = {}
    at = 0
    for line in Path("/proc/self/smaps").read_text("ascii").splitlines():
        first, _, rest = line.partition(" ")
        if first == "VmFlags:":
            flags[at] = rest.split()
        elif not first.endswith(":"):
            at = int(first.partition("-")[0], 16)

    assert "dd" in flags[start] and "sh" in flags[start]


def test_waiting_for_another_worker_is_no_deadlock_to_the_kernel(site: Site) -> None:
    """Locks are a process's: a worker that waits here would be in a circle with one that waits
    for a lock that another of its threads holds for a moment, such as that of the form keys.
    """
    other = os.memfd_create("form-keys", os.MFD_CLOEXEC)
    (said, say), (heard, tell) = os.pipe(), os.pipe()
    if (worker := os.fork()) == 0:
        fcntl.lockf(other, fcntl.LOCK_EX)
        os.write(say, b".")
        os.read(heard, 1)
        thread = threading.Thread(target=lambda: site.todays._alone().__enter__())
        thread.start()
        time.sleep(0.5)
        fcntl.lockf(other, fcntl.LOCK_UN)
        thread.join(20)
        os._exit(thread.is_alive())
    os.read(said, 1)
    with site.todays._alone():
        os.write(tell, b".")
        time.sleep(0.2)
        fcntl.lockf(other, fcntl.LOCK_EX)

    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == 0
    for descriptor in (other, said, say, heard, tell):
        os.close(descriptor)


# --- The thread in each worker ---


def running_clock(site: Site, start: float) -> None:
    began = time.monotonic()
    site.todays = TodaysKey(
        reviewers=site.reviewers,
        keep=site.keep,
        clock=lambda: start + time.monotonic() - began,
    )


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_the_thread_makes_a_key_at_the_start_and_at_midnight_though_nobody_asks(
    site: Site,
) -> None:
    running_clock(site, MIDNIGHT - 1.0)
    site.todays.start()
    wait_for(lambda: len(site.kept) == 2)

    assert [record.day for record in site.kept] == [TODAY, TODAY + timedelta(days=1)]
    assert opened(site.kept[1], REVIEWERS[0]).key == site.todays.current()


def test_sealing_waits_for_a_key_that_is_being_made(site: Site) -> None:
    go_on = threading.Event()
    site.slow = lambda: go_on.wait(20)
    site.todays.start()
    threading.Timer(0.3, go_on.set).start()
    began = time.monotonic()

    assert len(site.todays.current()) == 32 and time.monotonic() - began >= 0.2


def test_sealing_does_not_wait_for_a_key_that_could_not_be_made_and_heals_by_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(day_keys, "_WATCH_SECONDS", 0.05)
    monkeypatch.setattr(day_keys, "_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(day_keys, "_PATIENCE_SECONDS", 20.0)
    site.failure = VaultUnavailable()
    site.todays.start()
    wait_for(lambda: len(site.kept) > day_keys._TRIES)
    began = time.monotonic()
    with pytest.raises(CannotSeal):
        site.todays.current()
    assert time.monotonic() - began < 10
    site.failure = None
    wait_for(lambda: any(in_memory(site.todays)))

    assert opened(site.kept[-1], REVIEWERS[0]).key == site.todays.current()
    assert capsys.readouterr().err == (
        "The front has no day key (VaultUnavailable): until it has one, it accepts no report.\n"
    )


def test_sealing_waits_for_a_vault_that_is_still_starting(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(day_keys, "_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(day_keys, "_PATIENCE_SECONDS", 20.0)
    site.failure = VaultUnavailable()
    site.todays.start()
    wait_for(lambda: len(site.kept) > 0)
    threading.Timer(0.1, lambda: setattr(site, "failure", None)).start()

    assert len(site.todays.current()) == 32
    assert len(site.kept) < day_keys._TRIES and capsys.readouterr().err == ""


def test_sealing_waits_no_longer_than_its_patience(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_keys, "_PATIENCE_SECONDS", 0.05)
    go_on = threading.Event()
    site.slow = lambda: go_on.wait(20)
    site.todays.start()
    with pytest.raises(CannotSeal):
        site.todays.current()
    go_on.set()


def test_a_worker_looks_at_least_every_ten_seconds() -> None:
    assert day_keys._WATCH_SECONDS <= 10
