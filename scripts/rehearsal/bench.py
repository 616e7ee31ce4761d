"""Speed and memory of a whole drop on loopback, compared with bare gpg and Argon2id.

    python -m scripts.rehearsal.bench [--seconds N]

Vault and front run under gunicorn as in production; the clients speak HTTP to the front's socket.
Nothing leaves this computer. Each figure is for one operation: wall-clock and CPU seconds of all
processes of the drop.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from dropbox.codename import COST, Codename, derive_keys
from dropbox.gpg_agent import stop_agent
from dropbox.lockdown import lacking
from onion.launch import Drop
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File
from scripts.rehearsal.memory_folder import own_memory_folder

ONION = "casedrop" * 7 + ".onion"
TEXT = "这是一段虚构的报告文字，只用来测量速度。" * 34  # 2 KB in UTF-8
FILE_BYTES = 10 * 2**20
CLIENTS = (1, 8)
REPORT, LOGIN, BIG_FILE = "new report, 2 KB", "return with a codename", "report with a 10 MB file"
# The files of this drop are removed afterwards, and their access times with them.
WAIVED = {"CASEDROP_LOCKDOWN_WAIVED": " ".join(("access", *lacking()))}
IDLE_SECONDS = 20.0
# Time for what a start does once: the first slots, and the journal.
SETTLE_SECONDS = 3.0
# A front that leaves freed memory as it is, to measure what overwriting it costs.
STOCK_MEMORY = {
    "PYTHONMALLOC": "default",
    "MALLOC_PERTURB_": "0",
    "GLIBC_TUNABLES": "",
    "CASEDROP_LOCKDOWN_WAIVED": " ".join(("allocator", "access", *lacking())),
}
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """Operations a second, and the drop's CPU seconds for one operation."""

    name: str
    clients: int
    rate: float
    cpu: float

    @property
    def seconds(self) -> float:
        """How long a client waits for one operation."""
        return self.clients / self.rate


def family(pids: Sequence[int]) -> list[int]:
    """*pids* and all their descendants."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = list(pids)
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time of *pids* and their descendants, including those that have ended (gpg)."""
    total = 0
    for pid in family(pids):
        try:
            total += sum(
                map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])
            )
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / _TICKS


def idle_share(pids: Sequence[int], seconds: float) -> float:
    """The share of a core that *pids* and their descendants use in *seconds* without a request."""
    before = _scheduled_seconds(pids)
    time.sleep(seconds)
    return (_scheduled_seconds(pids) - before) / seconds


def _scheduled_seconds(pids: Sequence[int]) -> float:
    """CPU time of all their threads, to the nanosecond; a clock tick of 10 ms is too coarse."""
    total = 0
    for pid in family(pids):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                total += int(thread.read_text().split()[0])
    return total / 1e9


def resident_megabytes(pids: Sequence[int]) -> float:
    """Resident memory of *pids* and all their descendants together."""
    total = 0
    for pid in family(pids):
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * _PAGE / 2**20


class Bench:
    """Measures operations on a running drop."""

    def __init__(self, socket: Path, pids: Sequence[int], seconds: float) -> None:
        self._socket = socket
        self._pids = pids
        self._seconds = seconds
        self.most_memory = 0.0
        self.codename = ""

    @contextmanager
    def _browser(self) -> Iterator[Browser]:
        with Browser(ONION, transport=httpx.HTTPTransport(uds=str(self._socket))) as browser:
            yield browser

    def report(self) -> None:
        """GET the form, POST 2 KB of Chinese, read the page that confirms it."""
        self._file([])

    def big_file(self) -> None:
        """The same with a 10 MB file."""
        self._file([File("video.mp4", "video/mp4", bytes(FILE_BYTES))])

    def _file(self, files: list[File]) -> None:
        with self._browser() as browser:
            page = browser.get("/zh-hans/report")
            done = browser.send(page.form(), {"category": "c1", "text": TEXT}, files=files)
            if done.status != 200:
                raise SystemExit(f"The front answered {done.status}: {done.text[:200]}")
            self.codename = done.codename()

    def login(self) -> None:
        """GET the inbox, POST a codename, read the answers."""
        with self._browser() as browser:
            answers = browser.send(
                browser.get("/zh-hans/inbox").form(), {"codename": self.codename}
            )
            if answers.status != 200:
                raise SystemExit(f"The front answered {answers.status}: {answers.text[:200]}")

    def all(self) -> list[Measured]:
        """Measure each operation with one client and with many."""
        operations = ((REPORT, self.report), (LOGIN, self.login), (BIG_FILE, self.big_file))
        return [
            self.measure(name, operation, clients)
            for name, operation in operations
            for clients in CLIENTS
        ]

    def measure(self, name: str, operation: Callable[[], None], clients: int) -> Measured:
        """Run *operation* in *clients* threads for the given time."""
        operation()
        begun, cpu, done = time.monotonic(), cpu_seconds(self._pids), [0] * clients

        def work(number: int) -> None:
            while time.monotonic() - begun < self._seconds:
                operation()
                done[number] += 1
                self.most_memory = max(self.most_memory, resident_megabytes(self._pids))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begun
        return Measured(
            name, clients, sum(done) / took, (cpu_seconds(self._pids) - cpu) / sum(done)
        )


def bare(operation: Callable[[], None], times: int) -> tuple[float, float]:
    """(wall-clock, CPU) seconds of one *operation*, including its children's CPU time."""
    operation()
    begun, before = time.monotonic(), os.times()
    for _ in range(times):
        operation()
    after = os.times()
    return (time.monotonic() - begun) / times, sum(after[:4]) / times - sum(before[:4]) / times


def gpg(home: Path, fingerprints: Sequence[str], data: bytes) -> Callable[[], None]:
    """Bare ``gpg --encrypt`` of *data* to the same reviewers."""
    recipients = [word for fingerprint in fingerprints for word in ("--recipient", fingerprint)]
    command = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--no-autostart",
        "--trust-model",
        "always",
        "--compress-algo",
        "none",
    ]

    def run() -> None:
        subprocess.run(
            [*command, *recipients, "--encrypt"], input=data, check=True, capture_output=True
        )

    return run


@own_memory_folder()
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="bench", description="Speed and memory of a whole drop on loopback."
    )
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="for each of the measurements (default 8)"
    )
    asked = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    try:
        run(directory, asked.seconds)
    finally:
        for name in ("first", "second"):
            stop_agent(directory / name)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def run(directory: Path, seconds: float) -> None:
    """Measure everything, with all files in *directory*."""
    keys = directory / "keys"
    keys.mkdir()
    weeks = Weeks(datetime.now(UTC).date() - timedelta(days=7), 3)
    fingerprints = [
        new_reviewer(directory / name, name=name, out=keys, weeks=weeks, choose=unprotected)
        for name in ("first", "second")
    ]
    site = make_site(directory / "site", onion=ONION, keys=keys)
    home = directory / "site" / "front-gnupg"
    with Drop(site.settings_file, site.front_socket, {**os.environ, **WAIVED}) as drop:
        small = bare(gpg(home, fingerprints, TEXT.encode()), 30)
        large = bare(gpg(home, fingerprints, bytes(FILE_BYTES)), 5)
        argon = bare(_derive, 20)
        resting = resident_megabytes([drop.front_pid, drop.vault_pid])
        time.sleep(SETTLE_SECONDS)
        idle = idle_share([drop.vault_pid], IDLE_SECONDS)
        bench = Bench(site.front_socket, [drop.front_pid, drop.vault_pid], seconds)
        found = bench.all()
    with Drop(site.settings_file, site.front_socket, {**os.environ, **STOCK_MEMORY}) as drop:
        stock = Bench(site.front_socket, [drop.front_pid, drop.vault_pid], seconds).all()
    against = {
        REPORT: (small[0] + argon[0], small[1] + argon[1]),
        LOGIN: argon,
        BIG_FILE: (large[0] + argon[0], large[1] + argon[1]),
    }
    show(found, stock, against)
    show_references(
        {"gpg, 2 KB": small, "gpg, 10 MB": large, "Argon2id": argon}, resting, bench.most_memory
    )
    Console().print(f"A vault without a request uses {idle:.3%} of a core.")


def _derive() -> None:
    derive_keys(Codename((1, 2, 3, 4, 5, 6, 7)), salt=bytes(range(16)), cost=COST)


def show(
    found: Sequence[Measured],
    stock: Sequence[Measured],
    against: dict[str, tuple[float, float]],
) -> None:
    """Print a row for each operation: its cost, and ratios to other costs.

    *stock*: the same on stock malloc.
    """
    table = Table(
        "operation",
        "clients",
        "a second",
        "s each",
        "CPU s each",
        "against bare gpg + Argon2id",
        "against stock malloc",
    )
    for measured, plain in zip(found, stock, strict=True):
        ratios = (
            measured.cpu / reference if reference else float("nan")
            for reference in (against[measured.name][1], plain.cpu)
        )
        figures = (
            f"{measured.rate:.1f}",
            f"{measured.seconds:.2f}",
            f"{measured.cpu:.3f}",
            *(f"{ratio:.2f} x" for ratio in ratios),
        )
        table.add_row(measured.name, str(measured.clients), *figures)
    Console().print(table)


def show_references(references: dict[str, tuple[float, float]], idle: float, most: float) -> None:
    """Print what the drop is compared with, and its memory."""
    console = Console()
    bare_table = Table("bare, one after another", "wall s", "CPU s")
    for name, (wall, cpu) in references.items():
        bare_table.add_row(name, f"{wall:.4f}", f"{cpu:.4f}")
    console.print(bare_table)
    console.print(
        f"Memory of all processes of the drop: {idle:.0f} MB at rest, {most:.0f} MB at most "
        f"({os.cpu_count()} cores)."
    )
    console.print("A login is compared with Argon2id alone. The clients run on the same cores.")


if __name__ == "__main__":
    sys.exit(main())
