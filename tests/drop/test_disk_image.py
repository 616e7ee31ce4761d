"""A raw image of the disk: no time of a report, and no piece of what was withdrawn.

Front and vault work on a file system of their own in an image, which is then read as bytes: all
copies of all inodes in the file system's journal, and all blocks, free ones too.
"""

import filecmp
import math
import os
import random
import secrets
import shutil
import sqlite3
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from scipy import stats
from support.desk_side import Desk, store_of
from support.disk_image import Times, make_image, mounted, repair, words_found
from support.front import ONION
from support.processes import standing_still

from dropbox.sizes import BLOCK_BYTES
from dropbox.vault.store_limits import StoreLimits
from onion.errors import DropStopped
from onion.launch import Drop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MEGABYTES = 256
# In each of the two parts of the run, before and after the vault is killed.
REPORTS = 12
WITHDRAWN = (3, 5, 11)
# Together less than a day's slots at the start: the store does not grow.
WITH_FILE = (1, 5, 9)
FILE_BYTES = 3_000_000
# What a start does, such as filling the journal, is over.
SETTLED_SECONDS = 4.0
# What a tick has overwritten in SQLite's journal is on the disk with the next.
TWO_TICKS = 2.2
TWO_DAYS = 172_800
# How often the image is copied at most until a copy is one of one moment.
COPIES = 20
# As exact as the times that a table with a row for each report gives away.
EXACT_SECONDS = 0.03
# Chance explains what is likelier than this.
CHANCE = 1e-4


@pytest.fixture(autouse=True)
def a_day_has_room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in earnest: a file that grows would show on the disk when many arrive."""
    monkeypatch.setenv("CASEDROP_VAULT_QUANTUM", str(StoreLimits.quantum))
    # The image is smaller than what is kept for reports on a disk of common size.
    monkeypatch.setenv("CASEDROP_VAULT_KEPT_SLOTS", "0")


class Filed(NamedTuple):
    """When a form was sent, when its page came, and whether it had a file."""

    sent: float
    confirmed: float
    has_file: bool = False


class Gone(NamedTuple):
    """The blocks that a claimant has withdrawn, and when the page said so."""

    at: float
    blocks: list[bytes]


@dataclass
class Part:
    """A part of the run: from when to when, and what was filed."""

    begin: float
    end: float = 0.0
    filed: list[Filed] = field(default_factory=list)


@dataclass
class Run:
    """A drop with all its files on a mounted image, and what was really done there."""

    site: Site
    choose: random.Random
    parts: list[Part] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)

    def browser(self) -> Browser:
        return Browser(ONION, transport=httpx.HTTPTransport(uds=str(self.site.front_socket)))

    def part(self) -> None:
        """Reports at random moments, some of them with files; some are withdrawn."""
        time.sleep(SETTLED_SECONDS)
        age(self.site)
        self.parts.append(Part(time.time()))
        with self.browser() as browser:
            for number in range(REPORTS):
                time.sleep(0.2 + 2.5 * self.choose.random())
                codename = self.file(browser, with_file=number in WITH_FILE)
                if number in WITHDRAWN:
                    self.withdraw(browser, codename)
        self.parts[-1].end = time.time()

    def file(self, browser: Browser, *, with_file: bool = False) -> str:
        page = browser.get("/en/report")
        files = [File("a.jpg", "image/jpeg", os.urandom(FILE_BYTES))] if with_file else []
        sent = time.time()
        done = browser.send(page.form(), {"category": "c1", "text": "【虚构】"}, files=files)
        assert done.status == 200, done.text
        self.parts[-1].filed.append(Filed(sent, time.time(), with_file))
        return done.codename()

    def withdraw(self, browser: Browser, codename: str) -> None:
        case = browser.send(browser.get("/en/inbox").form(), {"codename": codename})
        before, sent = blocks(self.site), time.time()
        assert browser.send(case.form(), {}, button=("act", "withdraw")).status == 200
        said = time.time()
        self.parts[-1].filed.append(Filed(sent, said))
        after = blocks(self.site)
        # A tombstone has the id of what it replaces.
        erased = [data for one, data in before.items() if after.get(one, data) != data]
        assert erased
        self.gone.append(Gone(said, erased))

    def gone_before(self, moment: float) -> list[bytes]:
        """The blocks that had been withdrawn for two ticks."""
        return [data for one in self.gone if one.at < moment - TWO_TICKS for data in one.blocks]

    def there_at(self, moment: float) -> int:
        """How many reports and notices had been confirmed, and were not withdrawn."""
        confirmed = sum(one.confirmed < moment for part in self.parts for one in part.filed)
        return confirmed - sum(one.at < moment for one in self.gone)


def age(site: Site) -> None:
    """Have all files read last two days ago, so that the next reading would be noted."""
    root = site.settings_file.parent
    for path in root.rglob("*"):
        if not path.is_relative_to(root / "vault"):
            found = path.stat()
            os.utime(path, (found.st_atime - TWO_DAYS, found.st_mtime))


def blocks(site: Site) -> dict[bytes, bytes]:
    """Every block by its id, from a copy of the store's file; in a tick it is copied again."""
    for _ in range(20):
        with closing(sqlite3.connect(":memory:")) as copy, suppress(sqlite3.Error):
            copy.deserialize(store_of(site).read_bytes())
            if copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]:
                rows = copy.execute("SELECT head, bytes FROM slot").fetchall()
                return {head[4:20]: data for head, data in rows}
        time.sleep(0.1)
    raise AssertionError("no whole copy of the store's file")


def verdict(times: Sequence[float], parts: Sequence[Part]) -> dict[str, float]:
    """What *times* tell of the reports: for each question, how likely that would be by chance."""
    inside = [one for one in times if any(part.begin <= one <= part.end for part in parts)]
    filed = [one for part in parts for one in part.filed]
    lengths = sum(part.end - part.begin for part in parts)
    near = sum(any(abs(one.sent - at) < EXACT_SECONDS for at in inside) for one in filed)
    covered = min(0.999, 2 * EXACT_SECONDS * len(set(inside)) / lengths)
    told = {"exactly": stats.binomtest(near, len(filed), covered, "greater").pvalue}

    # Ticks, each with the moment at which its reports are confirmed in its middle.
    phase = stats.circmean([one.confirmed for one in filed], high=1.0)

    def tick(at: float) -> int:
        return math.floor(at - float(phase) + 0.5)

    each = [set(range(tick(part.begin) + 1, tick(part.end))) for part in parts]
    ticks = set().union(*each)
    busy = ticks & {tick(one.confirmed) for one in filed}
    # The pieces of files are written in one or more of these.
    large = ticks & {
        n for one in filed if one.has_file for n in range(tick(one.sent), tick(one.confirmed) + 1)
    }
    idle = ticks - busy - large
    late: dict[int, float] = {}
    for at in inside:
        late[tick(at)] = max(late.get(tick(at), 0.0), at - phase + 0.5 - tick(at))
    # Each start has its own moment for ticks.
    for some in each:
        usual = statistics.median(late[n] for n in some & late.keys()) if some & late.keys() else 0
        late.update({n: late[n] - usual for n in some & late.keys()})
    table = [[len(some & late.keys()), len(some - late.keys())] for some in (busy, idle)]
    told["which second"] = stats.fisher_exact(table).pvalue
    print("ticks with and without a report, in the journal and not:", table)
    quiet = [late[n] for n in sorted(idle & late.keys())]
    for name, some in (("how late", busy), ("how late with a file", large)):
        found = [late[n] for n in sorted(some & late.keys())]
        told[name] = stats.mannwhitneyu(found, quiet).pvalue if found and quiet else 1.0
        print(name, *(f"{one:.3f}" for one in found), "otherwise", *(f"{one:.3f}" for one in quiet))
    return told


def seen_in(raw: bytes, parts: Sequence[Part]) -> dict[str, float]:
    """Check all that must hold for the bytes of a disk; returns the verdict on its times."""
    times = Times(raw, parts[0].begin, parts[-1].end)
    inside = [
        one for one in times.stamps if any(part.begin <= one.at <= part.end for part in parts)
    ]
    # Of files, the store and its journal alone; and nothing is noted when it is read.
    assert {one.what for one in inside} <= {"changed", "modified", "commit"}
    assert len({one.file for one in inside if one.what != "commit"}) <= 2
    assert times.others <= times.expected + 6 * math.sqrt(times.expected) + 3
    told = verdict([one.at for one in inside], parts)
    print(f"{len(inside)} times, {told}, {times.others} other words of {times.expected:.1f}")
    return told


def test_no_time_of_a_report_and_no_piece_of_a_withdrawn_block_is_on_the_raw_disk(
    keys_dir: Path, first_home: Path, tmp_path: Path
) -> None:
    seed = secrets.randbelow(2**32)
    print("seed", seed)
    image, place = make_image(tmp_path / "image", MEGABYTES), tmp_path / "place"
    cuts: list[tuple[float, Path]] = []

    def cut() -> None:
        """What is on the disk now, in the middle of whatever the vault does, with nothing that it
        has not written yet.

        Copying takes longer than a write. What was written meanwhile would be in one part of the
        copy and not in another, as no power cut leaves it. So the vault stands still, and a copy is
        taken again if the file system wrote of its own accord.
        """
        with standing_still(drop.vault_pid):
            moment, copy = time.time(), tmp_path / f"cut-{len(cuts)}"
            for _ in range(COPIES):
                shutil.copyfile(image, copy)
                if filecmp.cmp(image, copy, shallow=False):
                    cuts.append((moment, copy))
                    return

    # Five times as many copies of the inodes as usual: nearly every tick is in the journal.
    with mounted(image, place, "noatime,commit=1"):
        site = make_site(place / "site", onion=ONION, keys=keys_dir)
        run = Run(site, random.Random(seed))
        timers = [
            threading.Timer(SETTLED_SECONDS + 12 + 8 * run.choose.random(), cut) for _ in "12"
        ]
        with Drop(site.settings_file, site.front_socket, os.environ) as drop:
            timers[0].start()
            run.part()
            drop.kill_vault()
            killed, now = time.time(), image.read_bytes()
            subprocess.run(["sync", "-f", place], check=True)
            for raw in (now, image.read_bytes()):
                assert words_found(raw, run.gone_before(killed)) == 0
                assert min(seen_in(raw, run.parts).values()) > CHANCE
            drop.start_vault()
            timers[1].start()
            run.part()
            time.sleep(TWO_TICKS)
        for timer in timers:
            timer.join()
        written = store_of(site).stat().st_mtime
    raw = image.read_bytes()
    assert words_found(raw, run.gone_before(math.inf)) == 0
    assert min(seen_in(raw, run.parts).values()) > CHANCE
    # That which was searched is the disk: the last write is found there.
    assert any(abs(one.at - written) < 1e-6 for one in Times(raw, written - 1, written + 1).stamps)

    assert len(cuts) == len(timers)
    for moment, copy in cuts:
        assert words_found(copy.read_bytes(), run.gone_before(moment)) == 0
        repair(copy)
        with mounted(copy, place, "noatime"):
            assert_all_there(
                site, run, moment, tmp_path / copy.name.replace("cut", "desk"), first_home
            )


def assert_all_there(site: Site, run: Run, moment: float, to: Path, home: Path) -> None:
    """Start the drop after a power cut: what was confirmed by then is there, and no more."""
    to.mkdir()
    desk = Desk.create(site, to / "casebook", home)
    with Drop(site.settings_file, site.front_socket, os.environ):
        imported = desk.carry(to)
    expected = run.there_at(moment)
    print(f"after a power cut: {imported.opened.parts} of {expected}")
    # One may have been on its way.
    assert imported.opened.parts - expected in (0, 1)
    assert (imported.findings, imported.opened.unopened) == ((), ())


def test_the_same_search_finds_times_and_pieces_of_a_plain_table(tmp_path: Path) -> None:
    """The control: a row for each report, deleted as SQLite does it by itself."""
    choose = random.Random(7)
    image, place = make_image(tmp_path / "image"), tmp_path / "place"
    part, gone = Part(time.time()), list[bytes]()
    with mounted(image, place, "noatime"), closing(sqlite3.connect(place / "plain")) as database:
        for setting in ("secure_delete = OFF", "journal_mode = TRUNCATE"):
            database.execute(f"PRAGMA {setting}")
        database.execute("CREATE TABLE report (id INTEGER PRIMARY KEY, data BLOB)")
        for number in range(20):
            time.sleep(0.2 + 0.6 * choose.random())
            data, sent = os.urandom(BLOCK_BYTES), time.time()
            with database:
                database.execute("INSERT INTO report VALUES (?, ?)", (number, data))
            part.filed.append(Filed(sent, time.time()))
            if number % 5 == 4:
                gone.append(data)
                with database:
                    database.execute("DELETE FROM report WHERE id = ?", (number,))
    part.end = time.time()
    raw = image.read_bytes()
    times = [one.at for one in Times(raw, part.begin, part.end).stamps]
    found = [one for one in part.filed if any(abs(one.sent - at) < EXACT_SECONDS for at in times)]
    print(
        f"{len(found)} of {len(part.filed)} exactly, {words_found(raw, gone)} words of {len(gone)}"
    )

    assert len(found) > len(part.filed) / 2
    assert verdict(times, [part])["exactly"] < CHANCE
    # Later rows have taken some of what became free.
    assert words_found(raw, gone) > BLOCK_BYTES / 8


def test_without_noatime_the_first_sealing_of_a_day_is_stamped_with_its_time(
    keys_dir: Path, tmp_path: Path
) -> None:
    """The other control: what the refusal of such a file system is for."""
    image, place = make_image(tmp_path / "image", MEGABYTES), tmp_path / "place"
    with mounted(image, place, "relatime"):
        run = Run(make_site(place / "site", onion=ONION, keys=keys_dir), random.Random(1))
        site = run.site
        with Drop(site.settings_file, site.front_socket, os.environ):
            age(site)
            time.sleep(1)
            run.parts.append(Part(time.time()))
            with run.browser() as browser:
                run.file(browser)
    (filed,) = run.parts[0].filed
    read = Times(image.read_bytes(), filed.sent, filed.confirmed).of("read")
    print([f"{one.at - filed.sent:.3f} s after it was sent" for one in read])

    # The keyring; and the vault's socket, unless the front was connected already.
    assert read


def test_on_a_disk_that_keeps_what_is_written_the_vault_writes_nothing(
    keys_dir: Path, tmp_path: Path
) -> None:
    image, place = make_image(tmp_path / "image"), tmp_path / "place"
    with mounted(image, place, "noatime,data=journal"):
        site = make_site(place / "site", onion=ONION, keys=keys_dir)
        with (
            pytest.raises(DropStopped, match="cannot be locked down, part journal: "),
            Drop(site.settings_file, site.front_socket, os.environ),
        ):
            pass

        assert list(store_of(site).parent.iterdir()) == []
