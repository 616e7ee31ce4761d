"""Killed at any moment, the drop keeps exactly the reports it has acknowledged, each whole and
once.
"""

import hashlib
import os
import random
import secrets
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from support.day_stores import TickClock, open_days
from support.desk_side import QUANTUM, Desk, courier_of, store_of
from support.front import ONION
from support.processes import children, name

from dropbox.front.unix_transport import connecting_to
from dropbox.front.vault_client import SealedBlock, VaultClient
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.vault.block_store import DayState
from dropbox.vault.store_limits import StoreLimits
from onion.launch import Drop
from scripts.courier.pull import pull
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Page

pytestmark = [
    pytest.mark.timeout(1_200),
    # httpcore leaks its socket if nobody listens at a path, which is how these tests begin.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

KILLS = int(os.environ.get("CASEDROP_KILLS", "30"))  # `make crash` has 200
# Makes every choice reproducible, but not the instruction at which a kill hits.
SEED = int(os.environ.get("CASEDROP_SEED") or secrets.randbelow(2**32))
CLAIMANTS = 4
# A claimant sends a form at most this often before giving up.
ATTEMPTS, PATIENCE_SECONDS = 5, 1.0
# What a store keeps a day's slots for, at most.
LIMIT_DAYS = 90

Files = dict[str, str]  # SHA-256 by name


@dataclass
class Load:
    """Claimants who file reports with small files, and what each of them sent and was told."""

    site: Site
    seed: int
    sent: dict[str, Files] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    answers: Counter[object] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)

    def file_on(self, number: int) -> None:
        """File one claimant's reports, one after another, until ``ended``."""
        choose = random.Random(self.seed * CLAIMANTS + number)
        for count in range(1_000_000):
            if self.ended.is_set():
                return
            sizes = [choose.randrange(1_000, 150_000) for _ in range(choose.choice((0, 1, 1, 2)))]
            files = [
                File(f"{place}.bin", "", choose.randbytes(size)) for place, size in enumerate(sizes)
            ]
            self._file(f"report {number}-{count}", files)

    def _file(self, text: str, files: list[File]) -> None:
        """Send the same form repeatedly, like somebody who was not told that it arrived."""
        page = self._answer(lambda browser: browser.get("/en/report"))
        if page is None or page.status != 200:
            return
        self.sent[text] = {file.name: hashlib.sha256(file.content).hexdigest() for file in files}  # type: ignore[arg-type]
        for _ in range(ATTEMPTS):
            done = self._answer(
                lambda browser: browser.send(
                    page.form(), {"category": "c1", "text": text}, files=files
                )
            )
            if done is not None and done.status == 200:
                assert done.codename() == page.codename()
                self.stored.add(text)
                return
            if done is not None and done.status == 503:
                # Nothing is accepted until vault and day key are back: a page asks to try later.
                time.sleep(PATIENCE_SECONDS)
            # What arrives damaged comes back as another form, which nobody sends here.
            if done is not None and done.status == 400:
                return

    def _answer(self, ask: Callable[[Browser], Page]) -> Page | None:
        try:
            with Browser(
                ONION, transport=httpx.HTTPTransport(uds=str(self.site.front_socket))
            ) as browser:
                page = ask(browser)
        except httpx.TransportError as lost:
            self.answers[type(lost).__name__] += 1
            time.sleep(0.05)
            return None
        self.answers[page.status] += 1
        return page

    def __enter__(self) -> "Load":
        self._threads = [
            threading.Thread(target=self.file_on, args=(number,)) for number in range(CLAIMANTS)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()


class Killer:
    """Kills processes of a drop, and restarts those that do not restart by themselves."""

    def __init__(self, drop: Drop, choose: random.Random) -> None:
        self._drop = drop
        self._choose = choose
        self.killed: Counter[str] = Counter()
        self._orphans: list[int] = []

    def kill_one(self) -> None:
        """Kill a random process."""
        ways = [
            (self._front, 2),
            (self._vault, 3),
            (self._front_master, 1),
            (self._vault_master, 1),
        ]
        ways += [(self._front_worker, 3), (self._vault_worker, 4), (self._gpg, 6)]
        (way,) = self._choose.choices([way for way, _ in ways], [weight for _, weight in ways])
        time.sleep(self._choose.uniform(0, 0.3))
        if way():
            self.killed[way.__name__.strip("_")] += 1

    def end_orphans(self) -> None:
        """Workers whose master was killed end by themselves; do not wait for the last ones."""
        for process in self._orphans:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            os.close(process)
        self._orphans.clear()

    def _front(self) -> bool:
        self._drop.kill_front()
        self._drop.start_front()
        return True

    def _vault(self) -> bool:
        self._drop.kill_vault()
        time.sleep(self._choose.uniform(0, 0.2))
        self._drop.start_vault()
        return True

    def _front_master(self) -> bool:
        self._kill_master(self._drop.front_pid)
        self._drop.start_front()
        return True

    def _vault_master(self) -> bool:
        self._kill_master(self._drop.vault_pid)
        self._drop.start_vault()
        return True

    def _kill_master(self, pid: int) -> None:
        for child in children(pid):
            # Its number may be another's by the end.
            with suppress(ProcessLookupError):
                self._orphans.append(os.pidfd_open(child))
        os.kill(pid, signal.SIGKILL)
        # Its own end, whatever the other room does: who starts the next one in its place forgets a
        # process that nobody has waited for.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert not self._drop.running

    def _front_worker(self) -> bool:
        return self._kill_among(lambda: workers(self._drop.front_pid))

    def _vault_worker(self) -> bool:
        return self._kill_among(lambda: workers(self._drop.vault_pid))

    def _gpg(self) -> bool:
        def gpgs() -> list[int]:
            found = [own for worker in workers(self._drop.front_pid) for own in children(worker)]
            return [pid for pid in found if name(pid) == "gpg"]

        return self._kill_among(gpgs)

    def _kill_among(self, living: Callable[[], list[int]]) -> bool:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if pids := living():
                try:
                    os.kill(self._choose.choice(pids), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                return True
            # gpg runs for several of these.
            time.sleep(0.001)
        return False


def workers(master: int) -> list[int]:
    """A master's workers, and not the gpg with which it reads the reviewers' keys."""
    return [pid for pid in children(master) if name(pid) != "gpg"]


@dataclass(frozen=True)
class Outcome:
    """What is left of a stopped drop after all kills: its site, and what its claimants know."""

    site: Site
    bundle: Path
    load: Load
    said: list[str]
    pending: bytes


@pytest.fixture(scope="module")
def outcome(keys_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    directory, said = tmp_path_factory.mktemp("crash"), list[str]()
    site = make_site(directory / "site", onion=ONION, keys=keys_dir)
    environ = os.environ
    pending = SealedBlock(os.urandom(ID_BYTES), os.urandom(ID_BYTES), os.urandom(BLOCK_BYTES))
    print(f"CASEDROP_SEED={SEED} CASEDROP_KILLS={KILLS}")
    begun = time.monotonic()
    with Drop(site.settings_file, site.front_socket, environ, log=said.append) as drop:
        killer = Killer(drop, random.Random(SEED))
        try:
            with Load(site, SEED) as load:
                while killer.killed.total() < KILLS:
                    killer.kill_one()
                # On a slow machine few were stored between the kills: then the load goes on.
                deadline = time.monotonic() + 120
                while len(load.stored) <= KILLS / 4 and time.monotonic() < deadline:
                    time.sleep(0.2)
            assert answers_soon(site)
            with VaultClient(connecting_to(site.settings_file.parent / "intake.sock")) as vault:
                vault.put([pending])
                # It owns nothing, but waits for the tick that everything before it is in.
                vault.withdraw(os.urandom(32))
            drop.kill_vault()
            drop.start_vault()
            bundle = pull(courier_of(site), directory)
        finally:
            killer.end_orphans()
    print(
        f"{killer.killed.total()} kills in {time.monotonic() - begun:.0f} s: {dict(killer.killed)}"
    )
    print(
        f"{len(load.sent)} reports were sent, {len(load.stored)} were said to be stored; "
        f"answers: {dict(load.answers)}"
    )
    yield Outcome(site, bundle, load, said, pending.id)


def answers_soon(site: Site) -> bool:
    """Whether the vault responds; the worker that was killed last may still be restarting."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(courier_of(site)))) as client:
                return client.get("http://vault/status").status_code == 200
        except httpx.TransportError:
            time.sleep(0.1)
    return False


def test_after_many_kills_every_report_that_was_said_to_be_stored_opens_whole_and_once(
    outcome: Outcome, reviewer_homes: list[Path], tmp_path: Path
) -> None:
    desk = Desk.create(outcome.site, tmp_path / "book", reviewer_homes[0])
    imported = desk.open_bundle(outcome.bundle)
    opened = imported.opened
    with desk.open() as casebook:
        parts = list(casebook.parts())
        whole = {
            part.block_id: all(
                casebook.has_file(part, at) for at in range(len(part.report.attachments))
            )
            for part in parts
        }
        slots = dict(casebook.bundles.slots())
    print(opened)
    texts = Counter(part.report.text for part in parts)
    load = outcome.load
    # Otherwise nothing was tested.
    assert len(load.stored) > KILLS / 4

    assert set(texts.values()) == {1}
    assert load.stored <= set(texts) <= set(load.sent)
    # Each day key that was kept opens, however its front or vault ended.
    assert (opened.unopened, imported.findings) == ((), ())
    # What broke off is filling to everybody: it is in whole quanta, one more for each restart.
    assert outcome.pending in slots
    assert opened.blocks % QUANTUM == 0 and opened.unreferenced > 0
    assert all(whole.values())
    for part in parts:
        assert {file.name: file.sha256 for file in part.report.attachments} == load.sent[
            part.report.text
        ]


def slots_of(path: Path) -> dict[bytes, bytes]:
    """The SHA-256 of each slot's bytes by its id; the file is sound, and no write was torn."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for head, data in connection.execute("SELECT head, bytes FROM slot"):
            block_id, sha256 = head[4:20], head[36:]
            assert len(data) == BLOCK_BYTES and hashlib.sha256(data).digest() == sha256
            assert block_id not in found
            found[block_id] = sha256
    return found


def test_after_many_kills_the_file_is_sound_and_what_was_pending_goes_with_its_day(
    outcome: Outcome,
) -> None:
    path = store_of(outcome.site)
    before = slots_of(path)
    assert len(before) % QUANTUM == 0 and outcome.pending in before
    clock = TickClock(datetime.now(UTC) + timedelta(days=LIMIT_DAYS + 1))
    store = open_days(path, clock, limits=StoreLimits())
    # The clock is far ahead: the operator says that it is right.
    store.confirm_clock()
    days = {day.day for day in store.days()}
    for _ in range(2 + 2 * len(before) // StoreLimits().removal_slots):
        store.tick()
    states = {day.state for day in store.days() if day.day in days}
    store.close()
    after = slots_of(path)

    assert states == {DayState.GONE}
    assert before.keys() & after.keys() == set()
    assert set(before.values()) & set(after.values()) == set()


def test_after_many_kills_nothing_of_a_report_was_said_to_the_log(outcome: Outcome) -> None:
    refused = ("report ", "Traceback", "A thread ended")
    assert [line for line in outcome.said if any(word in line for word in refused)] == []
