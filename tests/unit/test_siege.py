"""The siege's attackers against stand-ins on a unix socket and on loopback, and its table."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from dropbox.codename import WordLists
from onion.errors import OnionError
from scripts.rehearsal import siege, siege_attacks, siege_table
from scripts.rehearsal.claimant import Browser
from scripts.rehearsal.siege import Claimant
from scripts.rehearsal.siege_attacks import ATTACKS, SocketDoor, Tally, TorDoor, Visit, besiege
from scripts.rehearsal.siege_table import Measured, Step
from scripts.rehearsal.siege_trials import TRIALS

ONION = "casedrop" * 7 + ".onion"
FORM = (
    "<form id=form action=/zh-hans/report/send><input type=hidden name=token value=t>"
    "<textarea name=text></textarea><input type=hidden name=end value=e></form>"
)
PAGE = f"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{FORM}".encode()

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class StandIn:
    """A front that answers each whole request with a form, and notes circuits and what came."""

    def __init__(self) -> None:
        self.circuits: Counter[bytes] = Counter()
        self.received: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raw = bytearray()
        self.received.append(b"")
        place = len(self.received) - 1
        try:
            self.circuits[(await reader.readline()).split()[2]] += 1
            while piece := await reader.read(65_536):
                raw += piece
                self.received[place] = bytes(raw[:200_000])
                head, end, body = raw.partition(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].split(b"\r")[0] or 0)
                if end and len(body) >= length:
                    writer.write(PAGE)
                    await writer.drain()
                    break
        finally:
            writer.close()


@asynccontextmanager
async def standing(serve: Serve, path: Path) -> AsyncIterator[None]:
    async with await asyncio.start_unix_server(serve, str(path)):
        yield


def attacked(
    attack: str, folder: Path, *, until: Callable[[StandIn], bool]
) -> tuple[StandIn, Tally]:
    """Run *attack* with a hundredth of its visitors until the stand-in has seen enough."""

    async def run() -> tuple[StandIn, Tally]:
        front, tally = StandIn(), Tally()
        async with standing(front.serve, folder / "s"):
            visit = Visit(SocketDoor(folder / "s"), tally, ONION)
            task = asyncio.ensure_future(besiege(attack, visit, scale=0.01, seconds=20))
            while not until(front) and not task.done():
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return front, tally

    return asyncio.run(run())


@pytest.mark.parametrize("attack", ["slow-heads", "slow-bodies"])
def test_a_slow_attack_sends_a_byte_now_and_then_over_a_circuit_each(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siege_attacks, "TRICKLE_SECONDS", 0.005)
    front, tally = attacked(
        attack,
        tmp_path,
        until=lambda front: (
            len(front.received) == 5 and all(raw.endswith(b"xxx") for raw in front.received)
        ),
    )

    assert len(front.circuits) == tally.most_open == 5 and tally.now_open == 0
    announced = b"Content-Length: 2000000\r\n\r\n"
    for raw in front.received:
        assert (announced in raw) is (attack == "slow-bodies")
        assert (b"\r\n\r\n" in raw) is (attack == "slow-bodies")
    if attack == "slow-bodies":
        # So many of them have a thread.
        long = sum(len(raw) > siege_attacks.BEGUN_BYTES for raw in front.received)
        assert long == 2


def test_guesses_are_codenames_and_all_go_over_a_visitors_own_circuit(tmp_path: Path) -> None:
    front, tally = attacked("guesses", tmp_path, until=lambda front: len(front.received) > 12)

    posted = [raw for raw in front.received if raw.startswith(b"POST ")]
    words = [raw.partition(b'name="codename"\r\n\r\n')[2].split(b"\r\n")[0] for raw in posted]
    lists = WordLists.read()
    # The last connection may have been broken off.
    guessed = {lists.read_codename(word.decode()).packed() for word in words if word}
    assert len(front.circuits) == 2 and len(guessed) >= 9
    assert tally.answers["200"] >= 10


def test_a_flood_of_forms_changes_its_circuit_before_the_circuit_has_no_more_reports(
    tmp_path: Path,
) -> None:
    front, _ = attacked("forms", tmp_path, until=lambda front: len(front.received) > 20)

    assert max(front.circuits.values()) == 2 * siege_attacks.REPORTS_OF_A_CIRCUIT
    # In a form's order: the field at the end comes after all others.
    post = next(raw for raw in front.received if raw.startswith(b"POST "))
    places = [post.index(f'name="{name}"'.encode()) for name in ("token", "text", "end", "act")]
    assert places == sorted(places)


def test_files_are_sent_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siege_attacks, "FILE_BYTES", 100_001)
    _, tally = attacked("files", tmp_path, until=lambda front: len(front.received) > 2)

    assert tally.answers["200"] >= 2 and tally.counts["bytes"] > 100_001


def test_an_introduction_is_a_new_circuit_each_time(tmp_path: Path) -> None:
    front, tally = attacked("introductions", tmp_path, until=lambda front: len(front.circuits) > 9)

    assert set(front.circuits.values()) == {1} and tally.counts["opened"] >= 9


def test_an_attack_ends_by_itself_and_counts_what_fails(tmp_path: Path) -> None:
    tally = Tally()
    visit = Visit(SocketDoor(tmp_path / "nobody"), tally, ONION)
    asyncio.run(besiege("forms", visit, scale=0.01, seconds=0.02))

    assert tally.as_json() == {
        "opened": 0, "failed": 1, "bytes": 0, "most_open": 0, "answers": {}
    }  # fmt: skip


def test_through_tor_each_circuit_has_a_name_of_its_own(tmp_path: Path) -> None:
    names: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(3) == b"\x05\x01\x02"
        writer.write(b"\x05\x02")
        name = await reader.readexactly((await reader.readexactly(2))[1])
        assert await reader.readexactly(2) == b"\x01-"
        writer.write(b"\x01\x00")
        length = (await reader.readexactly(5))[4]
        assert await reader.readexactly(length + 2) == ONION.encode() + b"\x00\x50"
        names.append(name)
        refused = name == b"refused"
        writer.write(b"\x05" + bytes([refused]) + b"\x00\x01" + bytes(6))
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
            door = TorDoor(server.sockets[0].getsockname()[1], ONION)
            for name in ("one", "two"):
                (await door.open(name))[1].close()
            with pytest.raises(siege_attacks.Refused):
                await door.open("refused")

    asyncio.run(run())
    assert names == [b"one", b"two", b"refused"]


@pytest.mark.slow
def test_a_process_of_an_attack_tells_what_it_did(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["introductions", "--socks", "1", "--onion", ONION, "--scale", "0.01"]
    assert siege_attacks.main([*asked, "--seconds", "1"]) == 0

    gathered, line = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert gathered == siege_attacks.GATHERED
    assert told["opened"] == 0 and told["failed"] >= 1


def test_each_trial_is_an_attack_that_there_is_and_the_nearest_is_called_so() -> None:
    assert {trial.attack for trial in TRIALS} == set(ATTACKS)
    # What is made with a whole circuit is not an introduction alone.
    assert all(trial.differs for trial in TRIALS if trial.attack == "introductions")
    assert {trial.proof_of_work for trial in TRIALS if trial.attack == "introductions"} == {
        True,
        False,
    }


@pytest.mark.parametrize(
    "wrong", [["--seconds", "0"], ["--seconds", "4000"], ["--scale", "2"], ["--attack", "x"]]
)
def test_options_are_bounded(wrong: list[str]) -> None:
    assert siege.parser().parse_args(["--seconds", "5", "--scale", "0.1"]).scale == 0.1
    with pytest.raises(SystemExit):
        siege.parser().parse_args(wrong)


def measured(name: str | None, *times: tuple[str, float, int]) -> Measured:
    trial = next((one for one in TRIALS if one.name == name), None)
    steps = [Step(kind, seconds, status == 200, status) for kind, seconds, status in times]
    return Measured(trial, steps)


def test_the_table_names_what_failed_and_how_much_longer_it_took() -> None:
    quiet = measured(None, ("report", 1.0, 200), ("file", 2.0, 200), ("login", 1.5, 200))
    beside = measured(
        "introductions",
        *(("report", 1.5, 200), ("report", 9.0, 503), ("file", 8.0, 200), ("file", 60.0, 0)),
        *(("page", 0.5, 200), ("login", 2.0, 429)),
    )
    beside.tally = {
        **Tally().as_json(), "opened": 80, "seconds": 40.0, "answers": {"503": 7}
    }  # fmt: skip
    beside.efforts = (0, 3)
    assert beside.filed() == (2, 4)
    # The kind that suffers most, and only what succeeded.
    assert beside.ratio(quiet, max) == 4.0
    console = Console(width=200)
    with console.capture() as drawn:
        console.print(siege_table.table([(quiet, quiet), (beside, quiet)], 1.0))

    text = " ".join(drawn.get().replace("│", " ").split())
    for said in ("2 of 4", "4.0 x", "8.0 s", "0 of 1, -", "1 of 1, 0.5 s", "2.0 connections/s"):
        assert said in text
    figures = beside.as_json(quiet)
    assert figures["steps"]["file"]["failures"] == [0] and figures["efforts"] == [0, 3]
    assert json.loads(json.dumps(figures))["worst_ratio"] == 4.0


def test_beside_an_attack_that_nobody_survives_there_is_no_time_to_compare() -> None:
    quiet = measured(None, ("report", 1.0, 200))
    assert measured("forms", ("report", 9.0, 503)).ratio(quiet, max) is None


def test_a_filing_counts_only_if_the_page_confirms_its_codename() -> None:
    confirms = True

    def answer(asked: httpx.Request) -> httpx.Response:
        asked.read()
        sent = asked.method == "POST"
        words = "b" if sent and not confirms else "a"
        return httpx.Response(200, text=f"<b class=typed x>{words}</b>codename{FORM}")

    claimant = Claimant(lambda _: Browser(ONION, transport=httpx.MockTransport(answer)))
    first = claimant.visit()
    confirms = False
    second = claimant.visit()

    assert [step.name for step in first] == ["page", "report", "file", "login"]
    assert [step.succeeded for step in first] == [True] * 4
    assert [step.succeeded for step in second] == [True, False, False, True]


def test_a_connection_that_breaks_is_a_filing_that_failed() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("")

    steps = Claimant(lambda _: Browser(ONION, transport=httpx.MockTransport(broken))).visit()

    assert {(step.succeeded, step.status) for step in steps} == {(False, 0)}


def test_the_attackers_end_with_the_claimants_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def noted(command: list[str], **how: Any) -> subprocess.Popen[bytes]:
        started.append(start(command, **how))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    trial = replace(TRIALS[0], attack="introductions")
    monkeypatch.setattr(siege, "GATHER_SECONDS", 0.01)
    with siege.attackers(trial, socks_port=1, onion=ONION, scale=0.01, seconds=60):
        assert started[0].poll() is None

    assert started[0].returncode is not None


def test_what_was_measured_before_a_siege_broke_off_is_shown_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = measured(None, ("report", 1.0, 200))

    def laid(*_: object) -> Generator[tuple[Measured, Measured]]:
        yield quiet, quiet
        raise OnionError("The relay stopped.")

    monkeypatch.setattr(siege, "lay", laid)
    assert siege.main(["--json", str(tmp_path / "figures")]) == 2

    told = capsys.readouterr()
    assert "1 of 1" in told.out and "The relay stopped." in told.err
    assert [one["name"] for one in json.loads((tmp_path / "figures").read_text())] == ["quiet"]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_one_honest_filing_that_fails_fails_the_siege(
    status: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = measured(None, ("report", 1.0, 200))
    beside = measured("forms", ("report", 1.0, status), ("login", 1.0, 503))
    monkeypatch.setattr(siege, "lay", lambda *_: (one for one in [(quiet, quiet), (beside, quiet)]))

    assert siege.main([]) == code
