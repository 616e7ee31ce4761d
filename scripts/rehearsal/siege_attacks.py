"""The attackers of the siege: each attack is many visitors that go on until they are stopped.

    python -m scripts.rehearsal.siege_attacks ATTACK --socks PORT --onion ADDRESS --seconds N

`make siege` starts it beside an honest claimant; with --socket PATH in place of --socks it attacks
a front without tor, as the benchmark of the limits does. It ends by itself after N seconds, or
earlier on SIGTERM, and then prints what it did as one line of JSON; before that it prints a line
once all its visitors have gathered. It only connects to this computer.
"""

import argparse
import asyncio
import json
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dropbox.codename import WordLists, new_codename
from scripts.rehearsal.claimant import Form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

REPORT, SEND, INBOX = "/zh-hans/report", "/zh-hans/report/send", "/zh-hans/inbox"
TEXT = "【虚构】这段文字只用来演练，没有任何人写过它。" * 20
# How long a visitor's tor can take for a circuit, and the front for an answer.
OPEN_SECONDS, ANSWER_SECONDS = 60.0, 60.0
# How many circuits are built at once. Tor drops cells that wait longer than two seconds for a
# relay, and all relays share this computer's cores: of 500 at once none would ever be finished.
OPENINGS = 30
# The pause after a failure, so that a drop that is gone is not asked a thousand times a second.
PAUSE_SECONDS = 0.5
# The interval between bytes: 500 streams then make 250 cells a second, which tor can carry.
TRICKLE_SECONDS = 2.0
# More than a front's main loop reads by itself, so such a body gets a thread.
BEGUN_BYTES = 140_000
# One in this many trickling bodies begins that way; out of 500, these take every upload place
# twice.
BEGUN_EVERY = 4
FILE_BYTES, SMALL_FILE_BYTES = 64 * 2**20, BEGUN_BYTES
# A circuit can file ten reports; a flood switches to another one in time.
REPORTS_OF_A_CIRCUIT = 8
_PIECE = bytes(range(256)) * 256
_BOUNDARY = "casedrop-siege"
_PAGE_BYTES = 2**20


# What the process prints once every visitor could have had a circuit.
GATHERED = "gathered"
LOOK_SECONDS = 0.2


class Refused(OSError):
    """The proxy could not reach the service."""


class Door(Protocol):
    """A way to the front."""

    async def open(self, circuit: str) -> Streams:
        """A connection over the circuit of that name. Raises OSError."""


@dataclass(frozen=True)
class TorDoor:
    """The way through the tor at *socks_port* of this computer; each name gets its own circuit."""

    socks_port: int
    onion: str

    async def open(self, circuit: str) -> Streams:
        """See Door. Raises Refused, OSError."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.socks_port)
        with ExitStack() as undo:
            undo.callback(writer.close)
            # RFC 1928 and RFC 1929: a name and a password, by which tor tells circuits apart.
            user, host = circuit.encode("ascii"), self.onion.encode("ascii")
            writer.write(b"\x05\x01\x02")
            if await reader.readexactly(2) != b"\x05\x02":
                raise Refused
            writer.write(b"\x01" + bytes([len(user)]) + user + b"\x01-")
            await reader.readexactly(2)
            writer.write(b"\x05\x01\x00\x03" + bytes([len(host)]) + host + b"\x00\x50")
            if (await reader.readexactly(10))[1] != 0:
                raise Refused
            undo.pop_all()
        return reader, writer


@dataclass(frozen=True)
class SocketDoor:
    """The way to a unix socket without tor, with the line that tor would send for each circuit."""

    path: Path

    async def open(self, circuit: str) -> Streams:
        """See Door."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(proxy_line(circuit))
        return reader, writer


def proxy_line(circuit: str) -> bytes:
    """The line that tor would send for the circuit of that name."""
    number = blake2b(circuit.encode(), digest_size=4).hexdigest()
    address = f"fc00:dead:beef:4dad::{number[:4]}:{number[4:]}"
    return f"PROXY TCP6 {address} ::1 {int(number[4:], 16)} 42\r\n".encode()


class Tally:
    """What an attack did: connections opened, failed, most at once; answers by status; bytes."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.now_open = self.most_open = 0

    def opened(self) -> None:
        """Count a connection."""
        self.counts["opened"] += 1
        self.now_open += 1
        self.most_open = max(self.most_open, self.now_open)

    def as_json(self) -> dict[str, object]:
        """The whole tally."""
        return {
            **{name: self.counts[name] for name in ("opened", "failed", "bytes")},
            "most_open": self.most_open,
            "answers": dict(sorted(self.answers.items())),
        }


@dataclass(frozen=True)
class Visit:
    """What a visitor needs: the way in, the tally, and the host."""

    door: Door
    tally: Tally
    onion: str
    openings: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OPENINGS))

    @asynccontextmanager
    async def connected(self, circuit: str) -> "AsyncIterator[Streams]":
        """A connection that is counted, and closed at once at the end."""
        async with self.openings, asyncio.timeout(OPEN_SECONDS):
            streams = await self.door.open(circuit)
        self.tally.opened()
        try:
            yield streams
        finally:
            self.tally.now_open -= 1
            streams[1].transport.abort()

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send *data* and count it."""
        writer.write(data)
        await writer.drain()
        self.tally.counts["bytes"] += len(data)

    def head(self, method: str, path: str, length: int | None = None) -> bytes:
        """The head of a request, which has a form if there is a *length*."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.onion}"]
        if length is not None:
            lines.append(f"Content-Type: multipart/form-data; boundary={_BOUNDARY}")
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    async def ask(self, circuit: str, request: Iterable[bytes]) -> str:
        """Send *request* over a connection of its own; the page, "" if none came."""
        async with self.connected(circuit) as (reader, writer):
            # A front that refuses a body answers before all of it has been sent.
            answer = asyncio.ensure_future(_answer(reader))
            try:
                for piece in request:
                    if answer.done():
                        break
                    await self.write(writer, piece)
                raw = await answer
            finally:
                answer.cancel()
        head, _, page = raw.partition(b"\r\n\r\n")
        self.tally.answers[head[9:12].decode("ascii", "replace") or "none"] += 1
        return page.decode("utf-8", "replace")

    async def form(self, circuit: str, path: str) -> Form:
        """The form of a page. Raises Refused if there is none."""
        found = Form.of(await self.ask(circuit, [self.head("GET", path)]), path)
        if found is None:
            raise Refused
        return found

    async def send(
        self, circuit: str, form: Form, values: dict[str, str], *, file_bytes: int = 0
    ) -> str:
        """Send *form* with *values* and a file of the given size. Returns the page that answers."""
        fields = form.filled(values)
        begin = b"".join(_part(name, value) for name, value in fields if name != "end")
        if file_bytes:
            begin += _file_part()
        end = b"\r\n" if file_bytes else b""
        end += b"".join(_part(name, value) for name, value in fields if name == "end")
        end += _part("act", "send") + f"--{_BOUNDARY}--\r\n".encode()
        head = self.head("POST", form.action, len(begin) + file_bytes + len(end))
        whole, rest = divmod(file_bytes, len(_PIECE))
        return await self.ask(circuit, [head + begin, *[_PIECE] * whole, _PIECE[:rest] + end])


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Everything that arrives, at most one page; an interrupted answer counts as far as it came."""
    raw = bytearray()
    with suppress(OSError, TimeoutError):
        while len(raw) < _PAGE_BYTES:
            async with asyncio.timeout(ANSWER_SECONDS):
                piece = await reader.read(65_536)
            if not piece:
                break
            raw += piece
    return bytes(raw)


def _part(name: str, value: str) -> bytes:
    return (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    ).encode()


def _file_part() -> bytes:
    return (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()


# --- What one visitor of each attack does once; *circuit* is new each time ---


async def slow_head(visit: Visit, circuit: str, _number: int) -> None:
    """Send a head that never ends, a byte now and then."""
    async with visit.connected(circuit) as (reader, writer):
        await _trickle(visit, reader, writer, visit.head("GET", "/")[:-2] + b"X: ")


async def slow_body(visit: Visit, circuit: str, number: int) -> None:
    """Announce a file of 2 MB and send a byte of it now and then; some begin faster."""
    begin = _file_part()
    if number % BEGUN_EVERY == 0:
        begin += bytes(BEGUN_BYTES)
    async with visit.connected(circuit) as (reader, writer):
        await _trickle(visit, reader, writer, visit.head("POST", SEND, 2_000_000) + begin)


async def _trickle(
    visit: Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begin: bytes
) -> None:
    await visit.write(writer, begin)
    ended = asyncio.ensure_future(_answer(reader))
    try:
        while not (await asyncio.wait([ended], timeout=TRICKLE_SECONDS))[0]:
            await visit.write(writer, b"x")
        head = ended.result()
        visit.tally.answers[head[9:12].decode("ascii", "replace") or "none"] += 1
    finally:
        ended.cancel()


async def guess(visit: Visit, circuit: str, _number: int) -> None:
    """Try codenames over one circuit, as fast as answers come, until one is refused."""
    words = _words()
    form = await visit.form(circuit, INBOX)
    while True:
        spelled = words.spell(new_codename(), "zh-Hans")
        page = await visit.send(circuit, form, {"codename": " ".join(one.typed for one in spelled)})
        if Form.of(page, INBOX) is None:
            return


async def fill_in(visit: Visit, circuit: str, _number: int) -> None:
    """File reports over one circuit, as fast as answers come."""
    for _ in range(REPORTS_OF_A_CIRCUIT):
        form = await visit.form(circuit, REPORT)
        await visit.send(circuit, form, {"category": "c1", "text": TEXT})


async def send_files(visit: Visit, circuit: str, _number: int) -> None:
    """Send a report with a file of 64 MB."""
    form = await visit.form(circuit, REPORT)
    await visit.send(circuit, form, {"category": "c1", "text": TEXT}, file_bytes=FILE_BYTES)


async def send_small_files(visit: Visit, circuit: str, _number: int) -> None:
    """File reports over one circuit, each with a file that is just large enough for an upload."""
    for _ in range(REPORTS_OF_A_CIRCUIT):
        form = await visit.form(circuit, REPORT)
        await visit.send(
            circuit, form, {"category": "c1", "text": TEXT}, file_bytes=SMALL_FILE_BYTES
        )


async def introduce(visit: Visit, circuit: str, _number: int) -> None:
    """Have the service build a circuit, and leave."""
    async with visit.connected(circuit):
        return


_lists: list[WordLists] = []


def _words() -> WordLists:
    if not _lists:
        _lists.append(WordLists.read())
    return _lists[0]


@dataclass(frozen=True)
class Attack:
    """*visitors* at once, each of whom does *act* again and again."""

    visitors: int
    act: Callable[[Visit, str, int], Awaitable[None]]


ATTACKS = {
    "slow-heads": Attack(500, slow_head),
    "slow-bodies": Attack(500, slow_body),
    "guesses": Attack(200, guess),
    "forms": Attack(50, fill_in),
    "files": Attack(50, send_files),
    "small-files": Attack(50, send_small_files),
    "introductions": Attack(100, introduce),
}


def visitors(attack: str, scale: float) -> int:
    """How many visitors *attack* has at *scale*."""
    return max(1, round(ATTACKS[attack].visitors * scale))


async def besiege(attack: str, visit: Visit, *, scale: float, seconds: float) -> None:
    """Run *attack* for *seconds*, or until this is cancelled. ``visit.tally`` has what it did."""
    act = ATTACKS[attack].act

    async def one(number: int) -> None:
        turn = 0
        while True:
            try:
                await act(visit, f"{attack}-{number}-{turn}", number)
            except (OSError, asyncio.IncompleteReadError, UnicodeError):
                visit.tally.counts["failed"] += 1
                await asyncio.sleep(PAUSE_SECONDS)
            turn += 1

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*map(one, range(visitors(attack, scale))))


async def _until_stopped(asked: argparse.Namespace) -> Tally:
    tally = Tally()
    door: Door = TorDoor(asked.socks, asked.onion)
    if asked.socket:
        door = SocketDoor(asked.socket)
    visit = Visit(door, tally, asked.onion)
    task = asyncio.ensure_future(
        besiege(asked.attack, visit, scale=asked.scale, seconds=asked.seconds)
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    while not task.done() and tally.counts["opened"] < visitors(asked.attack, asked.scale):
        await asyncio.wait([task], timeout=LOOK_SECONDS)
    print(GATHERED, flush=True)
    with suppress(asyncio.CancelledError):
        await task
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one attack, and print its tally."""
    parser = argparse.ArgumentParser(prog="siege_attacks", description="One attack of the siege.")
    parser.add_argument("attack", choices=ATTACKS)
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument("--socks", type=int, help="tor's port on this computer")
    ways.add_argument("--socket", type=Path, help="a front's socket")
    parser.add_argument("--onion", required=True, help="the drop's address")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the whole attack")
    parser.add_argument("--seconds", type=float, default=60.0, help="ends after these")
    asked = parser.parse_args(arguments)
    # Each stream is a socket.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192) if most > 0 else 8_192, most))
    begun = time.monotonic()
    tally = asyncio.run(_until_stopped(asked))
    print(json.dumps({**tally.as_json(), "seconds": round(time.monotonic() - begun, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
