"""How long the full screen takes to open, to answer a key, and to open the next case.

    python -m scripts.rehearsal.bench_screen [--cases N] [--few N] [--size COLUMNSxLINES]

Each figure is measured in a casebook of many cases and, in the same run, in one of few. Keys are
pressed by Textual's pilot, which waits until everything that follows from a key has been drawn, and
draws into memory. Nothing leaves this computer, and all texts are random.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from dropbox.gpg_agent import stop_agent
from dropbox.packets import PublicKey
from dropbox.pinned_keys import read_pinned_keys
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.command_line import new_parser, run
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import working
from scripts.desk.screen.output import table
from scripts.rehearsal.bench_desk import fill, new_casebook

_DAY = date(2026, 11, 26)
# The reviewers of the cases that the reviewer at the screen finds.
_OTHERS = {name: PublicKey(name[0] * 40, name[:1].encode() * 32) for name in ("Alice", "Bob")}
# Each screen's usual keys, as often as a reviewer presses them: mostly in a case.
_IN_QUEUE = [*["down"] * 40, *["pagedown"] * 20, "end", "home"]
_IN_CASE = [*["down"] * 20, *"3u3u3u", *["tab"] * 8, *["space"] * 8, *["pageup"] * 8]
_REVIEWS = 20

# CPU milliseconds and wall-clock milliseconds, each time.
Times = list[tuple[float, float]]


class Bench:
    """A casebook of *count* cases in *directory*, at a screen of *size*."""

    def __init__(self, home: Path, count: int, size: tuple[int, int]) -> None:
        self._size = size
        (own,) = read_pinned_keys(home.parent / "keys")
        self._casebook = new_casebook(home.parent / str(count), {"first": own, **_OTHERS})
        # The reviewer at the screen has reviewed nothing.
        with Casebook.open(self._casebook) as casebook:
            fill(casebook, count, [key.fingerprint for key in _OTHERS.values()])
        self._asked = argparse.Namespace(casebook=self._casebook, home=home, reviewer="")
        self.times: dict[str, Times] = {}

    def measure(self) -> None:
        """Open the screen, and work at it."""
        # Imported only here, as in the command: nothing else needs Textual.
        from scripts.desk.full_screen.app import FullScreen  # noqa: PLC0415
        from scripts.desk.full_screen.sitting import Sitting  # noqa: PLC0415
        from scripts.desk.full_screen.unfinished import OwnKeys  # noqa: PLC0415

        sitting = Sitting(
            lambda: working(self._asked),
            lambda: True,
            keys=OwnKeys(lambda _data, _reviewer: b"", lambda data, _reviewer: data, bytes),
            language="en",
            today=lambda: _DAY,
        )

        async def work() -> None:
            app = FullScreen(sitting)
            begun = _now()
            sitting.open()
            async with app.run_test(size=self._size) as pilot:
                await pilot.pause()
                self.times["open the screen"] = [_since(begun)]
                await self._work(pilot)
            assert sitting.changes == _REVIEWS, "Not every review was saved."

        try:
            asyncio.run(work())
        finally:
            sitting.close()

    async def _work(self, pilot: Any) -> None:
        async def press(name: str, *keys: str) -> None:
            for key in keys:
                begun = _now()
                await pilot.press(key)
                self.times.setdefault(name, []).append(_since(begun))

        # Unreviewed cases; the first time something is drawn is not measured.
        for key in ("down", "enter", "tab", "escape", "v", *"never", "enter", "home"):
            await pilot.press(key)
        await press("a key in the queue", *_IN_QUEUE)
        await pilot.press("home")
        await press("open a case", "enter")
        await press("a key in a case", *_IN_CASE)
        await pilot.press("home")
        await press("the next case", *["n"] * _REVIEWS)
        for _ in range(_REVIEWS):
            await press("a key in a case", *"312")
            await press("save, and the next case", "s")
            # Time for reading it.
            await asyncio.sleep(1)
        await press("back to the queue after a save", "escape")


def _now() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def _since(begun: tuple[float, float]) -> tuple[float, float]:
    used, went = _now()
    return 1_000 * (used - begun[0]), 1_000 * (went - begun[1])


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table. Returns the exit code."""
    return run(parser, arguments)


def parser() -> argparse.ArgumentParser:
    """This command's line."""
    made = new_parser("bench_screen", "How fast the full screen answers.")
    made.add_argument(
        "--cases", type=int, default=20_000, metavar="N", help="of the large casebook"
    )
    made.add_argument("--few", type=int, default=200, metavar="N", help="of the small one")
    made.add_argument("--size", default="160x45", metavar="COLUMNSxLINES", help="of the terminal")
    made.set_defaults(run=_measure)
    return made


def _measure(asked: argparse.Namespace) -> None:
    columns, lines = map(int, asked.size.split("x"))
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    try:
        (directory / "keys").mkdir()
        home = directory / "first"
        weeks = Weeks(datetime.now(UTC).date() - timedelta(days=7), 1)
        new_reviewer(home, name="first", out=directory / "keys", weeks=weeks, choose=unprotected)
        few, many = (Bench(home, one, (columns, lines)) for one in (asked.few, asked.cases))
        few.measure()
        many.measure()
    finally:
        stop_agent(directory / "first")
        shutil.rmtree(directory, ignore_errors=True)
    shown = table(
        f"{asked.cases:,} cases, {asked.size}",
        "times",
        "CPU ms, median",
        "CPU ms, p95",
        "ms, p95",
        f"ratio to {asked.few:,} cases",
    )
    for name, times in many.times.items():
        used, went = zip(*times, strict=True)
        ratio = statistics.median(used) / statistics.median(one for one, _ in few.times[name])
        cells = (statistics.median(used), _p95(used), _p95(went))
        shown.add_row(name, f"{len(times)}", *(f"{one:.0f}" for one in cells), f"{ratio:.2f}")
    Console().print(shown)


if __name__ == "__main__":
    sys.exit(main())
