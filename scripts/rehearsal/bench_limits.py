"""The cost of the limits on slow clients and on circuits, and their effect.

    python -m scripts.rehearsal.bench_limits [--reports N] [--pages N] [--flooded N] [--attack NAME]

One run files reports in turn through a drop with its limits, each from a Tor circuit of its own,
and through one whose front has gunicorn's own worker and sees no circuits. The second part asks for
pages, with and without uploads that trickle; the third is the siege's claimant beside its attacks
(by default a flood of forms), without tor in between. Nothing leaves this computer.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from dropbox.gpg_agent import stop_agent
from onion.launch import Drop
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.newsite import make_site
from scripts.rehearsal.bench import ONION, TEXT, WAIVED, cpu_seconds
from scripts.rehearsal.claimant import Browser, Form
from scripts.rehearsal.memory_folder import own_memory_folder
from scripts.rehearsal.processors import Processors
from scripts.rehearsal.siege import PATIENCE_SECONDS, Claimant
from scripts.rehearsal.siege_attacks import ATTACKS, proxy_line
from scripts.rehearsal.siege_table import Step

# gunicorn's own threaded worker, restarted as often.
PLAIN = {"GUNICORN_CMD_ARGS": "--worker-class gthread --max-requests 25"}
UPLOADS = 32
# In turn, so that other load on the machine affects both alike.
REPORTS_IN_A_TURN = 10
# How long after the attackers' start the flood is at its height.
SETTLE_SECONDS = 5.0
# A request, with its beginning, that announces a file of a size that may take any place.
BEGUN_UPLOAD = (
    f"POST /zh-hans/report/send HTTP/1.1\r\nHost: {ONION}\r\n"
    "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 8000000\r\n\r\n"
    '--B\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
).encode() + bytes(150_000)


class Visitor:
    """Asks a front's socket, over a Tor circuit of its own for each visit if *circuits*."""

    def __init__(self, front_socket: Path, *, circuits: bool) -> None:
        self._socket = front_socket
        self._circuits = circuits
        self._number = 0

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """A connection, as tor begins it."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(self._socket))
            if self._circuits:
                high, low = divmod(self._number, 2**16)
                line = f"PROXY TCP6 fc00:dead:beef:4dad::{high:x}:{low:x} ::1 {low} 42\r\n"
                client.sendall(line.encode())
            yield client

    def visit(self) -> None:
        """Start a visit over another circuit."""
        self._number += 1

    def ask(self, request: bytes) -> str:
        """The page that answers *request*."""
        with self.connected() as client:
            client.sendall(request)
            head, _, page = client.makefile("rb").read().partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"The front answered {head[:80]!r}.")
        return page.decode()

    def page(self) -> str:
        """The report page."""
        return self.ask(f"GET /zh-hans/report HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode())

    def report(self) -> None:
        """File a short report."""
        self.visit()
        form = Form.of(self.page(), "/zh-hans/report")
        if form is None:
            raise SystemExit("The report page has no form.")
        parts = [
            (name, (None, text)) for name, text in form.filled({"category": "c1", "text": TEXT})
        ]
        sent = httpx.Request("POST", f"http://{ONION}{form.action}", files=parts)
        body = sent.read()
        kind = sent.headers["Content-Type"]
        head = f"POST {form.action} HTTP/1.1\r\nHost: {ONION}\r\nContent-Type: {kind}\r\n"
        self.ask(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


class CircuitTransport(httpx.BaseTransport):
    """A browser's transport to a front's socket, over the Tor circuit of that name."""

    def __init__(self, front_socket: Path, circuit: str, seconds: float) -> None:
        self._socket = front_socket
        self._line = proxy_line(circuit)
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask over a connection of its own, and read to its end. Raises httpx.TransportError."""
        head = b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
        head += b"".join(b"%s: %s\r\n" % one for one in request.headers.raw)
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(self._seconds)
                client.connect(str(self._socket))
                client.sendall(self._line + head + b"\r\n" + request.read())
                raw = client.makefile("rb").read()
        except OSError as why:
            raise httpx.ReadError(str(why)) from why
        head, _, body = raw.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 "):
            raise httpx.ReadError("There was no answer.")
        return httpx.Response(int(head[9:12]), content=body)


@own_memory_folder()
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench_limits", description="What the limits cost.")
    parser.add_argument("--reports", type=int, default=200, help="with and without (default 200)")
    parser.add_argument("--pages", type=int, default=100, help="with and without (default 100)")
    parser.add_argument(
        "--flooded", type=int, default=15, help="visits beside an attack (default 15)"
    )
    parser.add_argument(
        "--attack", action="append", choices=ATTACKS, help="beside this one; can be given again"
    )
    asked = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    try:
        run(directory, asked.reports, asked.pages)
        beside_attacks(directory, asked.flooded, asked.attack or ["forms"])
    finally:
        stop_agent(directory / "first")
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def make_keys(directory: Path) -> Path:
    """The folder of a new reviewer's public keys."""
    keys = directory / "keys"
    keys.mkdir()
    weeks = Weeks(datetime.now(UTC).date() - timedelta(days=7), 3)
    new_reviewer(directory / "first", name="first", out=keys, weeks=weeks, choose=unprotected)
    return keys


def run(directory: Path, reports: int, pages: int) -> None:
    """Measure both, with all files in *directory*."""
    keys = make_keys(directory)
    cpu = {True: 0.0, False: 0.0}
    with ExitStack() as drops:
        sides = []
        for limited in (True, False):
            site = make_site(directory / f"site-{limited}", onion=ONION, keys=keys)
            environ = {**os.environ, **WAIVED, **({} if limited else PLAIN)}
            drop = drops.enter_context(Drop(site.settings_file, site.front_socket, environ))
            visitor = Visitor(site.front_socket, circuits=limited)
            visitor.report()
            sides.append((limited, [drop.front_pid], visitor))
        for _ in range(max(1, reports // REPORTS_IN_A_TURN)):
            for limited, pids, visitor in sides:
                before = cpu_seconds(pids)
                for _ in range(REPORTS_IN_A_TURN):
                    visitor.report()
                cpu[limited] += cpu_seconds(pids) - before
        Console().print(
            f"CPU of the front for a report: {cpu[True] / reports:.4f} s with the limits, "
            f"{cpu[False] / reports:.4f} s without, {cpu[True] / cpu[False]:.3f} x."
        )
        visitor = sides[0][2]
        quiet = _seconds(visitor, pages)
        slow = []
        for _ in range(UPLOADS):
            visitor.visit()
            slow.append(drops.enter_context(visitor.connected()))
            slow[-1].sendall(BEGUN_UPLOAD)
        behind = _seconds(visitor, pages, slow)
    Console().print(
        f"A page: {quiet * 1_000:.1f} ms, behind {UPLOADS} uploads that trickle "
        f"{behind * 1_000:.1f} ms, {behind / quiet:.2f} x (medians)."
    )


def beside_attacks(directory: Path, visits: int, attacks: Sequence[str]) -> None:
    """Measure visits quietly and beside each of *attacks*, with all files in *directory*."""
    site = make_site(directory / "site-attacked", onion=ONION, keys=directory / "keys")

    def browser(circuit: str) -> Browser:
        way = CircuitTransport(site.front_socket, circuit, PATIENCE_SECONDS)
        return Browser(ONION, transport=way)

    with Drop(site.settings_file, site.front_socket, {**os.environ, **WAIVED}) as drop:
        claimant = Claimant(browser)
        # A first visit, for what each worker does only once.
        claimant.visit()
        rooms = {"the drop": [drop.front_pid, drop.vault_pid]}
        for attack in attacks:
            quiet = _visits(claimant, visits)
            before = Processors.now(rooms)
            beside, tally = _beside(attack, site.front_socket, lambda: _visits(claimant, visits))
            drop_share = Processors.now(rooms).since(before)["the drop"].ran
            Console().print(
                f"Beside {attack} ({tally['most_open']} at once, "
                f"{tally['opened'] / tally['seconds']:.0f} requests a second, {tally['answers']}; "
                f"the drop had {drop_share:.2f} processors):"
            )
            for name in ("page", "report", "file", "login"):
                Console().print(_compared(name, quiet, beside))


def _visits(claimant: Claimant, number: int) -> list[Step]:
    return [step for _ in range(number) for step in claimant.visit()]


def _compared(name: str, quiet: Sequence[Step], beside: Sequence[Step]) -> str:
    """How long the steps called *name* took, and how many succeeded."""
    before = statistics.median(step.seconds for step in quiet if step.name == name)
    steps = [step for step in beside if step.name == name]
    took = [step.seconds for step in steps if step.succeeded]
    if not took:
        return f"  {name}: {before:.2f} s, none of {len(steps)} succeeded."
    median = statistics.median(took)
    return (
        f"  {name}: {before:.2f} s, beside it {median:.2f} s, {median / before:.2f} x, "
        f"at worst {max(took) / before:.2f} x; {len(took)} of {len(steps)} succeeded."
    )


def _beside(
    attack: str, front_socket: Path, measure: Callable[[], list[Step]]
) -> tuple[list[Step], dict[str, Any]]:
    """The result of *measure* while *attack* is at its height, and what the attackers did."""
    command = [sys.executable, "-m", "scripts.rehearsal.siege_attacks", attack]
    command += ["--socket", str(front_socket), "--onion", ONION, "--seconds", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attackers:
        assert attackers.stdout is not None
        try:
            attackers.stdout.readline()
            time.sleep(SETTLE_SECONDS)
            took = measure()
        finally:
            attackers.terminate()
        return took, json.loads(attackers.stdout.read())


def _seconds(visitor: Visitor, pages: int, slow: Sequence[socket.socket] = ()) -> float:
    """The median time of a page, while each of *slow* sends a byte now and then."""
    took = []
    for number in range(pages):
        visitor.visit()
        if number % 10 == 0:
            for client in slow:
                client.sendall(b"x")
        begun = time.monotonic()
        visitor.page()
        took.append(time.monotonic() - begun)
    return statistics.median(took)


if __name__ == "__main__":
    sys.exit(main())
