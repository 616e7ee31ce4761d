"""The siege: an honest claimant files through a private Tor network, quietly and beside attacks.

    python -m scripts.rehearsal.siege [--seconds N] [--scale X] [--attack NAME ...] [--json FILE]

The drop, its onion service and all attackers are on this computer; nothing leaves it. The attackers
have a tor of their own, and each of their visitors a circuit. Each attack gathers, at most
GATHER_SECONDS, and ends after --seconds and what the claimant has begun by then, at most
GRACE_SECONDS later. The exit code is 0 if every honest
filing succeeded, 1 if one did not, 2 if the siege could not be laid.
"""

import argparse
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from dropbox.codename import WordLists, new_codename
from dropbox.errors import CasedropError
from dropbox.gpg_agent import stop_agent
from dropbox.lockdown import lacking
from onion.errors import OnionError
from onion.health import tor_state
from onion.launch import Drop
from onion.private_net import PrivateNet
from onion.torrc import POW_QUEUE_BURST, POW_QUEUE_RATE
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File, Page
from scripts.rehearsal.siege_attacks import GATHERED, TEXT, visitors

ROOT = Path(__file__).resolve().parents[2]
FILE_BYTES = 2 * 2**20
# How long a claimant waits for one answer; what it has begun lasts so much longer than the attack.
PATIENCE_SECONDS = 60.0
GRACE_SECONDS = 60.0
# How long an attack has until all its circuits are built; it goes on with those that it has.
GATHER_SECONDS = 45.0
# Between two attacks.
REST_SECONDS = 3.0
STOP_SECONDS = 10.0
EFFORT_SECONDS = 5.0
# Tor changes the effort that it suggests each 300 seconds (HS_UPDATE_PERIOD).
INFLATION_SECONDS = 330.0
# What is filed, as against pages and logins, which are measured as well.
FILINGS = ("report", "file")


@dataclass(frozen=True)
class Trial:
    """An attack as it is made here: its visitors, for how long, whether tor asks for work.

    ``differs``: what it leaves out of the attack that is meant, "" if nothing. ``queue``: how many
    introductions a second, and at once, tor takes before it asks for more work.
    """

    name: str
    title: str
    attack: str
    differs: str = ""
    proof_of_work: bool = True
    seconds: float = 0.0
    queue: tuple[int, int] = (POW_QUEUE_RATE, POW_QUEUE_BURST)

    @property
    def network(self) -> tuple[bool, tuple[int, int]]:
        """Trials of which this is the same share a network."""
        return self.proof_of_work, self.queue


# At two a second this computer's attackers fill tor's queue many times over. Its effort then
# climbs as an attacker would have it, though from one change to the next by little.
_SHORT_QUEUE = (2, 10)


_NEAREST = "whole circuits through tor instead of bare INTRODUCE cells"
TRIALS = (
    Trial("slow-heads", "500 slow headers", "slow-heads"),
    Trial("slow-bodies", "500 trickling bodies", "slow-bodies"),
    # Before what leaves tor with much to carry.
    Trial("introductions", "introductions, with proof of work", "introductions", _NEAREST),
    Trial("guesses", "200 circuits of codename guesses", "guesses"),
    Trial("forms", "a flood of forms, 50 at once", "forms"),
    Trial("files", "64 MB of files from each of 50 circuits", "files"),
    Trial(
        "effort",
        "effort inflation",
        "introductions",
        "a queue of 2 a second; visitors offer only the effort that the service suggests",
        seconds=INFLATION_SECONDS,
        queue=_SHORT_QUEUE,
    ),
    Trial(
        "introductions-free",
        "introductions, without proof of work",
        "introductions",
        _NEAREST,
        proof_of_work=False,
    ),
)


@dataclass(frozen=True)
class Step:
    """One thing that a claimant did; ``status``: of the page, 0 if none came."""

    name: str
    seconds: float
    succeeded: bool
    status: int


@dataclass
class Measured:
    """What an honest claimant met beside one attack, or quietly."""

    trial: Trial | None
    steps: list[Step] = field(default_factory=list)
    tally: Mapping[str, Any] = field(default_factory=dict)
    efforts: tuple[int | None, int | None] = (None, None)

    def of(self, *names: str) -> list[Step]:
        """The steps of these names."""
        return [step for step in self.steps if step.name in names]

    def filed(self) -> tuple[int, int]:
        """How many filings succeeded, and how many there were."""
        filings = self.of(*FILINGS)
        return sum(step.succeeded for step in filings), len(filings)

    def ratio(self, quiet: "Measured", choose: Callable[[list[float]], float]) -> float | None:
        """A filing's time against its quiet median, by the kind that suffers more.

        None if none succeeded beside the attack, or quietly.
        """
        ratios = []
        for name in FILINGS:
            took, before = _times(self.of(name)), _times(quiet.of(name))
            if took and before:
                ratios.append(choose(took) / statistics.median(before))
        return max(ratios, default=None)

    def as_json(self, quiet: "Measured") -> dict[str, Any]:
        """All that is known, for a program; times of what succeeded."""
        succeeded, filings = self.filed()
        return {
            "name": self.trial.name if self.trial else "quiet",
            "differs": self.trial.differs if self.trial else "",
            "filings": filings,
            "succeeded": succeeded,
            "median_ratio": self.ratio(quiet, statistics.median),
            "worst_ratio": self.ratio(quiet, max),
            "steps": {
                name: {
                    "tried": len(self.of(name)),
                    "succeeded": len(_times(self.of(name))),
                    "median": statistics.median(_times(self.of(name)) or [0.0]),
                    "worst": max(_times(self.of(name)), default=0.0),
                    "failures": sorted(s.status for s in self.of(name) if not s.succeeded),
                }
                for name in ("page", "report", "file", "login")
            },
            "attackers": dict(self.tally),
            "efforts": list(self.efforts),
        }


def _times(steps: Sequence[Step]) -> list[float]:
    return [step.seconds for step in steps if step.succeeded]


class Claimant:
    """An honest one: a new visit each time, through *browser* with a name for its circuit."""

    def __init__(self, browser: Callable[[str], Browser]) -> None:
        self._browser = browser
        self._words = WordLists.read()
        self._number = 0

    def visit(self) -> list[Step]:
        """A page, a report, one with a file of 2 MB, and a login."""
        self._number += 1
        with self._browser(f"honest{self._number}") as browser:
            return [
                _tried("page", lambda: browser.get("/zh-hans/"), lambda _: True),
                self._filed(browser, "report", []),
                self._filed(browser, "file", [File("a.bin", "", os.urandom(FILE_BYTES))]),
                _tried("login", lambda: self._login(browser), lambda page: b"codename" in page.raw),
            ]

    def _filed(self, browser: Browser, name: str, files: Sequence[File]) -> Step:
        codename = ""

        def send() -> Page:
            nonlocal codename
            form = browser.get("/zh-hans/report")
            if form.status != 200:
                return form
            codename = form.codename()
            return browser.send(form.form(), {"category": "c1", "text": TEXT}, files=files)

        return _tried(name, send, lambda done: bool(codename) and done.codename() == codename)

    def _login(self, browser: Browser) -> Page:
        typed = " ".join(one.typed for one in self._words.spell(new_codename(), "zh-Hans"))
        page = browser.get("/zh-hans/inbox")
        return browser.send(page.form(), {"codename": typed}) if page.status == 200 else page


def _tried(name: str, act: Callable[[], Page], accepted: Callable[[Page], bool]) -> Step:
    begun = time.monotonic()
    try:
        page = act()
    except httpx.HTTPError:
        return Step(name, time.monotonic() - begun, False, 0)
    seconds = time.monotonic() - begun
    return Step(name, seconds, page.status == 200 and accepted(page), page.status)


def visits(claimant: Claimant, seconds: float) -> list[Step]:
    """One visit after another, begun within *seconds*; at least one."""
    end = time.monotonic() + seconds
    steps = claimant.visit()
    while time.monotonic() < end:
        steps += claimant.visit()
    return steps


@contextmanager
def attackers(
    trial: Trial, *, socks_port: int, onion: str, scale: float, seconds: float
) -> Iterator[dict[str, Any]]:
    """The attack in a process of its own, from when its visitors are there; ended on exit.

    Then the dict holds its tally.
    """
    command = [sys.executable, "-m", "scripts.rehearsal.siege_attacks", trial.attack]
    command += ["--socks", str(socks_port), "--onion", onion, "--scale", str(scale)]
    command += ["--seconds", str(GATHER_SECONDS + seconds + GRACE_SECONDS)]
    tally: dict[str, Any] = {}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        select.select([process.stdout], [], [], GATHER_SECONDS)
        yield tally
    finally:
        process.terminate()
        try:
            told, _ = process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
        lines = [line for line in told.decode().splitlines() if line != GATHERED]
        if lines:
            tally.update(json.loads(lines[-1]))


class Siege:
    """A drop behind a private network with two clients, the claimant's and the attackers'."""

    def __init__(
        self, directory: Path, keys: Path, *, proof_of_work: bool, queue: tuple[int, int]
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._proof_of_work = proof_of_work
        self._queue = queue
        self._stack = ExitStack()

    def __enter__(self) -> "Siege":
        with self._stack:
            site_folder = self._directory / "site"
            site_folder.mkdir(parents=True)
            self.net = self._stack.enter_context(
                PrivateNet(
                    self._directory / "net",
                    site_folder / "front.sock",
                    clients=2,
                    proof_of_work=self._proof_of_work,
                    queue=self._queue,
                )
            )
            site = make_site(site_folder, onion=self.net.onion, keys=self._keys)
            # The files are gone afterwards, and with them their access times.
            waived = " ".join(("access", *lacking()))
            environ = {**os.environ, "CASEDROP_LOCKDOWN_WAIVED": waived}
            self._stack.enter_context(Drop(site.settings_file, site.front_socket, environ))
            self.claimant = Claimant(self._honest)
            # What each worker does once.
            self.claimant.visit()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _honest(self, circuit: str) -> Browser:
        proxy = f"socks5h://{circuit}:-@127.0.0.1:{self.net.socks_ports[0]}"
        return Browser(self.net.onion, proxy=proxy, timeout=PATIENCE_SECONDS)

    def effort(self) -> int | None:
        """What the service suggests to visitors; None without proof of work, or if it is silent."""
        try:
            state = tor_state(self.net.service_control, self.net.onion, seconds=EFFORT_SECONDS)
        except OnionError:
            return None
        return state.descriptor.effort if state.descriptor else None

    def beside(self, trial: Trial, *, scale: float, seconds: float) -> Measured:
        """The claimant's visits beside *trial*."""
        before = self.effort()
        with attackers(
            trial,
            socks_port=self.net.socks_ports[1],
            onion=self.net.onion,
            scale=scale,
            seconds=seconds,
        ) as tally:
            steps = visits(self.claimant, seconds)
        measured = Measured(trial, steps, tally, (before, self.effort()))
        time.sleep(REST_SECONDS)
        return measured


def lay(
    directory: Path, trials: Sequence[Trial], asked: argparse.Namespace, console: Console
) -> Generator[tuple[Measured, Measured]]:
    """Make all *trials*. Yields each, the quiet ones too, with the quiet one of its network.

    Raises OnionError, CasedropError.
    """
    keys = directory / "keys"
    keys.mkdir()
    weeks = Weeks(datetime.now(UTC).date() - timedelta(days=7), 3)
    new_reviewer(directory / "first", name="first", out=keys, weeks=weeks, choose=unprotected)
    networks = list(dict.fromkeys(trial.network for trial in trials))
    for number, (work, queue) in enumerate(networks):
        of_network = [trial for trial in trials if trial.network == (work, queue)]
        place = directory / f"net-{number}"
        with Siege(place, keys, proof_of_work=work, queue=queue) as siege:
            quiet = Measured(None, visits(siege.claimant, asked.quiet_seconds))
            yield quiet, quiet
            for trial in of_network:
                console.print(f"{trial.title} …")
                seconds = min(trial.seconds, asked.effort_seconds) or asked.seconds
                yield siege.beside(trial, scale=asked.scale, seconds=seconds), quiet


def table(results: Sequence[tuple[Measured, Measured]], scale: float) -> Table:
    """The results for people."""
    drawn = Table("attack", "reached", "honest filings", "median", "worst", "page", "login")
    for measured, quiet in results:
        succeeded, filings = measured.filed()
        times = _times(measured.of(*FILINGS))
        drawn.add_row(
            _title(measured, scale),
            _reached(measured),
            f"{succeeded} of {filings}",
            _figure(statistics.median(times) if times else None, "s")
            + _figure(measured.ratio(quiet, statistics.median), "x", before=", "),
            _figure(max(times, default=None), "s")
            + _figure(measured.ratio(quiet, max), "x", before=", "),
            _both(measured, "page"),
            _both(measured, "login"),
        )
    return drawn


def _title(measured: Measured, scale: float) -> str:
    if measured.trial is None:
        return "quiet"
    trial = measured.trial
    scaled = "" if scale == 1 else f" ({visitors(trial.attack, scale)} visitors)"
    return f"{trial.title}{scaled}" + (f"; {trial.differs}" if trial.differs else "")


def _reached(measured: Measured) -> str:
    if measured.trial is None:
        return ""
    tally = measured.tally
    if not tally:
        return "its process told nothing"
    seconds = max(tally["seconds"], 0.1)
    answers = ", ".join(f"{count} x {status}" for status, count in tally["answers"].items())
    parts = [
        f"{tally['most_open']} at once, {tally['opened'] / seconds:.1f} connections/s",
        f"{tally['failed']} failed",
        f"{tally['bytes'] / 1e6:.1f} MB sent" if tally["bytes"] > 1e5 else "",
        f"answers: {answers}" if answers else "",
    ]
    before, after = measured.efforts
    if after is not None and measured.trial.attack == "introductions":
        parts.append(f"effort {before} before, {after} after")
    return "; ".join(part for part in parts if part)


def _both(measured: Measured, name: str) -> str:
    steps = measured.of(name)
    took = _times(steps)
    median = _figure(statistics.median(took) if took else None, "s")
    return f"{len(took)} of {len(steps)}, {median}"


def _figure(value: float | None, unit: str, *, before: str = "") -> str:
    return f"{before}{value:.1f} {unit}" if value is not None else f"{before}-"


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="siege", description="A drop under attack, measured.")
    made.add_argument(
        "--seconds", type=_positive, default=45.0, help="how long each attack lasts (default 45)"
    )
    made.add_argument(
        "--quiet-seconds", type=_positive, default=25.0, help="without an attack (default 25)"
    )
    made.add_argument(
        "--effort-seconds",
        type=_positive,
        default=INFLATION_SECONDS,
        help=f"how long effort inflation lasts, at most {INFLATION_SECONDS:.0f}, in which tor "
        "changes the effort once",
    )
    made.add_argument(
        "--scale", type=_share, default=1.0, help="how many of the attackers come, 0.01 to 1"
    )
    made.add_argument(
        "--attack",
        action="append",
        choices=[trial.name for trial in TRIALS],
        help="only this one; can be given again",
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return made


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 3_600:
        raise argparse.ArgumentTypeError("from 0 to 3600 seconds")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0.01 <= number <= 1:
        raise argparse.ArgumentTypeError("from 0.01 to 1")
    return number


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay the siege and print its table."""
    asked = parser().parse_args(arguments)
    trials = [trial for trial in TRIALS if not asked.attack or trial.name in asked.attack]
    before = signal.signal(signal.SIGTERM, _interrupt)
    console = Console(width=None if sys.stdout.isatty() else 160)
    # A short path, because the path of a unix socket has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    results: list[tuple[Measured, Measured]] = []
    broken_off = 0
    try:
        with closing(lay(directory, trials, asked, console)) as made:
            for one in made:
                results.append(one)
    except (CasedropError, OnionError) as why:
        print(f"The siege could not be laid: {why}", file=sys.stderr)
        broken_off = 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        broken_off = 130
    finally:
        stop_agent(directory / "first")
        shutil.rmtree(directory, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)
    # What was measured before it broke off is shown as well.
    console.print(table(results, asked.scale))
    if asked.json:
        figures = [measured.as_json(quiet) for measured, quiet in results]
        asked.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return broken_off or _exit_code(results)


def _exit_code(results: Sequence[tuple[Measured, Measured]]) -> int:
    """1 if any honest filing failed."""
    return int(any(succeeded < filings for succeeded, filings in (m.filed() for m, _ in results)))


if __name__ == "__main__":
    sys.exit(main())
