"""The soak: a drop at half load for an hour, and the resources it holds meanwhile.

    python -m scripts.rehearsal.soak [--minutes N] [--clients N] [--a-second RATE] [--samples FILE]

Half load means that each visitor pauses after every visit for as long as it took, or for longer if
a rate is given. Visitors file, file with a file, and log in. What front and vault hold is sampled
all the time; the program prints the medians of the first quarter, the middle half and the last
quarter, which should be alike. The exit code is 2 if a visit was not answered.
"""

import argparse
import csv
import math
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from dropbox.gpg_agent import stop_agent
from onion.launch import Drop
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.newsite import make_site
from scripts.rehearsal.bench import (
    ONION,
    WAIVED,
    Bench,
    cpu_seconds,
    family,
    resident_megabytes,
)
from scripts.rehearsal.memory_folder import own_memory_folder

CLIENTS = 4
# Of ten visits; most are short ones.
VISITS_IN_TEN = {"report": 5, "login": 4, "file": 1}
LOOK_SECONDS = 2.0
# An hour brings more files than a day allows: this drop accepts 64 GiB of them.
PLENTY = {"CASEDROP_VAULT_FILE_SLOTS": str(2**20)}
PARTS = ("first quarter", "middle half", "last quarter")


@dataclass(frozen=True)
class Sample:
    """What a room and its descendants hold at one moment; *at*: the elapsed share of the time."""

    at: float
    megabytes: float
    descriptors: int
    processes: int
    threads: int


def sample(pid: int, at: float) -> Sample:
    """A sample of the room whose first process is *pid*."""
    descriptors = threads = 0
    members = family([pid])
    for member in members:
        with suppress(FileNotFoundError, ProcessLookupError):
            descriptors += len(list(Path(f"/proc/{member}/fd").iterdir()))
            threads += len(list(Path(f"/proc/{member}/task").iterdir()))
    return Sample(at, resident_megabytes([pid]), descriptors, len(members), threads)


def medians(samples: Sequence[Sample], name: str) -> tuple[float, ...]:
    """The median of a figure in each of PARTS; nan if there are no samples."""
    parts: tuple[list[float], ...] = ([], [], [])
    for one in samples:
        parts[0 if one.at < 0.25 else 1 if one.at < 0.75 else 2].append(getattr(one, name))
    return tuple(statistics.median(part) if part else float("nan") for part in parts)


def visit_until(
    end: float, visits: Sequence[Callable[[], None]], done: list[int], *, apart: float = 0.0
) -> None:
    """Make *visits* one after another until *end*, and pause after each for as long as it took.

    Visits begin at least *apart* seconds after one another.
    """
    number = 0
    while (begun := time.monotonic()) < end:
        visits[number % len(visits)]()
        number += 1
        done.append(number)
        took = time.monotonic() - begun
        time.sleep(max(0.0, min(max(took, apart - took), end - time.monotonic())))


def soak(
    drop: Drop, socket: Path, seconds: float, *, clients: int, rate: float
) -> tuple[int, float, dict[str, list[Sample]]]:
    """Load *drop* with *clients* visitors who make at most *rate* visits a second.

    Returns the number of visits, the share of a core that it used, and the samples.
    """
    rooms = {"front": drop.front_pid, "vault": drop.vault_pid}
    bench = Bench(socket, list(rooms.values()), seconds)
    bench.report()
    operations = {"report": bench.report, "login": bench.login, "file": bench.big_file}
    visits = [operations[name] for name, times in VISITS_IN_TEN.items() for _ in range(times)]
    begun, cpu = time.monotonic(), cpu_seconds(list(rooms.values()))
    done: list[int] = []
    failed: list[SystemExit | Exception] = []

    def work(first: int) -> None:
        try:
            # Not all the same at the same time.
            order = visits[first:] + visits[:first]
            visit_until(begun + seconds, order, done, apart=clients / rate)
        except (SystemExit, OSError, httpx.HTTPError) as why:
            failed.append(why)

    threads = [
        threading.Thread(target=work, args=(3 * number % len(visits),)) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    samples: dict[str, list[Sample]] = {name: [] for name in rooms}
    while any(thread.is_alive() for thread in threads):
        for name, pid in rooms.items():
            samples[name].append(sample(pid, min(1.0, (time.monotonic() - begun) / seconds)))
        time.sleep(LOOK_SECONDS)
    for why in failed:
        raise why
    share = (cpu_seconds(list(rooms.values())) - cpu) / (time.monotonic() - begun)
    return len(done), share, samples


def write(samples: dict[str, list[Sample]], path: Path) -> None:
    """Write every sample to *path*, a new CSV file, to see when something grew."""
    with path.open("x", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["room", *asdict(Sample(0, 0, 0, 0, 0))])
        for room, of_room in samples.items():
            rows.writerows([room, *asdict(one).values()] for one in of_room)


def show(samples: dict[str, list[Sample]]) -> None:
    """Print a row for each figure of each room."""
    table = Table("room", "figure", *PARTS, "last / first")
    for room, of_room in samples.items():
        for name in ("megabytes", "descriptors", "processes", "threads"):
            found = medians(of_room, name)
            ratio = found[2] / found[0] if found[0] else float("nan")
            table.add_row(room, name, *(f"{one:,.0f}" for one in found), f"{ratio:.2f}")
    Console().print(table)


@own_memory_folder()
def main(arguments: Sequence[str] | None = None) -> int:
    """Soak and print. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description="A drop at half load, for long.")
    parser.add_argument("--minutes", type=float, default=60.0, help="for how long (default 60)")
    parser.add_argument(
        "--clients", type=int, default=CLIENTS, help=f"how many visitors (default {CLIENTS})"
    )
    parser.add_argument(
        "--a-second", type=float, default=math.inf, help="at most so many visits a second"
    )
    parser.add_argument("--samples", type=Path, help="a new CSV file for all that was seen")
    asked = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    try:
        keys = directory / "keys"
        keys.mkdir()
        weeks = Weeks(datetime.now(UTC).date() - timedelta(days=7), 3)
        new_reviewer(directory / "first", name="first", out=keys, weeks=weeks, choose=unprotected)
        site = make_site(directory / "site", onion=ONION, keys=keys)
        environ = {**os.environ, **WAIVED, **PLENTY}
        with Drop(site.settings_file, site.front_socket, environ) as drop:
            visits, share, samples = soak(
                drop,
                site.front_socket,
                asked.minutes * 60,
                clients=asked.clients,
                rate=asked.a_second,
            )
    except SystemExit as why:
        print(why, file=sys.stderr)
        return 2
    finally:
        stop_agent(directory / "first")
        shutil.rmtree(directory, ignore_errors=True)
    show(samples)
    if asked.samples is not None:
        write(samples, asked.samples)
    print(f"{visits:,} visits in {asked.minutes:g} minutes; the drop used {share:.2f} cores.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
