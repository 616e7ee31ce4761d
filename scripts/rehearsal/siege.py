"""The siege: an honest claimant files through a private Tor network, quietly and beside attacks.

    python -m scripts.rehearsal.siege [--seconds N] [--scale X] [--attack NAME ...]
        [--stand-in] [--json FILE]

The drop, its onion service and all attackers are on this computer; nothing leaves it. The attackers
have a tor of their own, and each of their visitors a circuit. Each attack gathers for at most
GATHER_SECONDS, and ends after --seconds plus what the claimant has begun by then, at most
GRACE_SECONDS later. With --stand-in it besieges a front that answers at once, which shows how much
of the claimant's wait is due to the drop. The exit code is 0 if every honest filing succeeded, 1 if
one did not, 2 if the siege could not be laid.
"""

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from dropbox.codename import WordLists, new_codename
from dropbox.errors import CasedropError
from dropbox.gpg_agent import stop_agent
from dropbox.lockdown import lacking
from onion.errors import OnionError
from onion.launch import Drop
from onion.private_net import PrivateNet
from onion.service_health import tor_state
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File, Page
from scripts.rehearsal.memory_folder import own_memory_folder
from scripts.rehearsal.processors import Processors
from scripts.rehearsal.siege_attacks import GATHERED, TEXT
from scripts.rehearsal.siege_table import Measured, Step, processor_table, table
from scripts.rehearsal.siege_trials import INFLATION_SECONDS, TRIALS, Trial

ROOT = Path(__file__).resolve().parents[2]
FILE_BYTES = 2 * 2**20
# How long a claimant waits for one answer; an action already begun may outlast the attack by this.
PATIENCE_SECONDS = 60.0
GRACE_SECONDS = 60.0
# How long an attack may take to build all its circuits; then it goes on with those that it has.
GATHER_SECONDS = 120.0
# The pause between two attacks.
REST_SECONDS = 10.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05
EFFORT_SECONDS = 5.0


class Claimant:
    """An honest claimant: each visit is new, through *browser* with a name for its circuit."""

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
    """One visit after another, started within *seconds*; at least one."""
    end = time.monotonic() + seconds
    steps = claimant.visit()
    while time.monotonic() < end:
        steps += claimant.visit()
    return steps


@dataclass(frozen=True)
class Attackers:
    """The process of an attack; ``tally`` is filled when it has ended."""

    pid: int
    tally: dict[str, Any] = field(default_factory=dict)


@contextmanager
def attackers(
    trial: Trial, *, socks_port: int, onion: str, scale: float, seconds: float
) -> Iterator[Attackers]:
    """The attack in a process of its own, once its visitors have gathered; ended on exit."""
    command = [sys.executable, "-m", "scripts.rehearsal.siege_attacks", trial.attack]
    command += ["--socks", str(socks_port), "--onion", onion, "--scale", str(scale)]
    command += ["--seconds", str(GATHER_SECONDS + seconds + GRACE_SECONDS)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    begun = Attackers(process.pid)
    assert process.stdout is not None
    try:
        select.select([process.stdout], [], [], GATHER_SECONDS)
        yield begun
    finally:
        process.terminate()
        try:
            told, _ = process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
        lines = [line for line in told.decode().splitlines() if line != GATHERED]
        if lines:
            begun.tally.update(json.loads(lines[-1]))


class Siege:
    """A drop behind a private network with two clients, the claimant's and the attackers'."""

    def __init__(
        self,
        directory: Path,
        keys: Path,
        *,
        proof_of_work: bool,
        queue: tuple[int, int],
        stand_in: bool = False,
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._proof_of_work = proof_of_work
        self._queue = queue
        self._stand_in = stand_in
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
            start = self._start_stand_in if self._stand_in else self._start_drop
            pids = {"the drop": start(site_folder)}
            # This process is the claimant, beside its tor.
            pids["the drop's tor"] = [self.net.pids["service"]]
            pids["the claimant's tor"] = [self.net.pids["client"]]
            pids["attackers"] = [self.net.pids["client1"]]
            pids["relays"] = [
                pid for name, pid in self.net.pids.items() if name[:5] in ("autho", "relay")
            ]
            self.pids = pids
            self.claimant = Claimant(self._honest)
            # What each worker does once.
            self.claimant.visit()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start_drop(self, folder: Path) -> list[int]:
        """Start a drop in *folder*. Returns the pids of its rooms."""
        site = make_site(folder, onion=self.net.onion, keys=self._keys)
        # The files are gone afterwards, and with them their access times.
        waived = " ".join(("access", *lacking()))
        environ = {**os.environ, "CASEDROP_LOCKDOWN_WAIVED": waived}
        drop = self._stack.enter_context(Drop(site.settings_file, site.front_socket, environ))
        return [drop.front_pid, drop.vault_pid]

    def _start_stand_in(self, folder: Path) -> list[int]:
        """Start a front that answers at once in its place."""
        socket = folder / "front.sock"
        command = [sys.executable, "-m", "scripts.rehearsal.stand_in", "--socket", str(socket)]
        process = self._stack.enter_context(subprocess.Popen(command, cwd=ROOT))
        self._stack.callback(process.terminate)
        while not socket.exists() and process.poll() is None:
            time.sleep(LOOK_SECONDS)
        return [process.pid]

    def _honest(self, circuit: str) -> Browser:
        proxy = f"socks5h://{circuit}:-@127.0.0.1:{self.net.socks_ports[0]}"
        return Browser(self.net.onion, proxy=proxy, timeout=PATIENCE_SECONDS)

    def effort(self) -> int | None:
        """The effort that the service suggests; None without proof of work, or if it is silent."""
        try:
            state = tor_state(self.net.service_control, self.net.onion, seconds=EFFORT_SECONDS)
        except OnionError:
            return None
        return state.descriptor.effort if state.descriptor else None

    def quiet(self, seconds: float) -> Measured:
        """The claimant's visits without an attack."""
        begun = Processors.now(self.pids)
        steps = visits(self.claimant, seconds)
        return Measured(None, steps, shares=Processors.now(self.pids).since(begun))

    def beside(self, trial: Trial, *, scale: float, seconds: float) -> Measured:
        """The claimant's visits beside *trial*."""
        before = self.effort()
        with attackers(
            trial,
            socks_port=self.net.socks_ports[1],
            onion=self.net.onion,
            scale=scale,
            seconds=seconds,
        ) as attack:
            pids = {**self.pids, "attackers": [*self.pids["attackers"], attack.pid]}
            begun = Processors.now(pids)
            steps = visits(self.claimant, seconds)
            shares = Processors.now(pids).since(begun)
        measured = Measured(trial, steps, attack.tally, (before, self.effort()), shares)
        time.sleep(REST_SECONDS)
        return measured


def lay(
    directory: Path, trials: Sequence[Trial], asked: argparse.Namespace, console: Console
) -> Generator[tuple[Measured, Measured]]:
    """Run all *trials*. Yields each, including the quiet ones, with its network's quiet one.

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
        with Siege(place, keys, proof_of_work=work, queue=queue, stand_in=asked.stand_in) as siege:
            quiet = siege.quiet(asked.quiet_seconds)
            yield quiet, quiet
            for trial in of_network:
                console.print(f"{trial.title} …")
                seconds = min(trial.seconds, asked.effort_seconds) or asked.seconds
                yield siege.beside(trial, scale=asked.scale, seconds=seconds), quiet


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
    made.add_argument(
        "--stand-in", action="store_true", help="besiege a front that answers at once instead"
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


@own_memory_folder()
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
    # Measurements from before an interruption are shown as well.
    console.print(table(results, asked.scale))
    console.print(processor_table(results, asked.scale))
    if asked.json:
        figures = [measured.as_json(quiet) for measured, quiet in results]
        asked.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return broken_off or _exit_code(results)


def _exit_code(results: Sequence[tuple[Measured, Measured]]) -> int:
    """1 if any honest filing failed."""
    return int(any(succeeded < filings for succeeded, filings in (m.filed() for m, _ in results)))


if __name__ == "__main__":
    sys.exit(main())
