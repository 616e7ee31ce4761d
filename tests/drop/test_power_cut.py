"""Power cuts at any moment: what was said to be stored is there, what was erased stays erased."""

import os
import random
import secrets
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest
from support import power
from support.day_stores import START, TickClock, held, open_days, rows_of
from support.filing import LIMITS, make_steps, run_steps

from dropbox.errors import StoreError
from dropbox.vault.journal import journal_path

pytestmark = pytest.mark.strace

ROOT = Path(__file__).parents[2]
TRIES = 2  # possible outcomes tried for each cut between two syncs

# The blocks, by id, that are not random: what every process files.
Kept = dict[bytes, tuple[bytes, bytes]]


def known() -> dict[bytes, int]:
    """The ids of all blocks and tags in the steps; quanta have other ones."""
    make = random.Random(11).randbytes
    ids = {}
    for number in range(21):
        ids[make(16)] = number
        make(65_536)
    return ids


def kept(path: Path) -> Kept | None:
    """Of every slot that a step filed, its erase hash and SHA-256; None if the file is damaged.

    A tombstone's erase hash is random.
    """
    try:
        slots = held(path)
    except AssertionError:
        return None
    return {
        block_id: (
            b"gone" if slot.data.startswith(b"tombstone") else slot.erase_hash,
            slot.sha256,
        )
        for block_id, slot in slots.items()
        if block_id in IDS
    }


IDS = known()


def others(path: Path) -> list[object]:
    """What the other tables say."""
    return [
        rows_of(path, query)
        for query in ("SELECT day FROM day_key", "SELECT * FROM accepted", "SELECT day FROM day")
    ]


def after_restart(path: Path) -> tuple[Kept, list[object]] | None:
    """What the file holds after a vault was started on it, which puts back what was interrupted."""
    try:
        open_days(path, TickClock(START), limits=LIMITS).close()
    except StoreError:
        return None
    found = kept(path)
    return None if found is None else (found, others(path)[:2])


def traced(directory: Path, path: Path, synchronous: str, strace: list[str]) -> None:
    start = "from pathlib import Path; from support.filing import run_all"
    program = f"{start}; run_all(Path({str(path)!r}), {synchronous!r})"
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    subprocess.run(
        [*strace, sys.executable, "-c", program],
        check=True,
        env=environ,
        stdout=subprocess.DEVNULL,
    )


def wrong_after_cuts(directory: Path, synchronous: str, seed: int) -> tuple[int, list[str]]:
    """How many cuts were tried, and after which of them the file was not as acknowledged."""
    path, trace = directory / "vault.sqlite", directory / "trace"
    open_days(path, TickClock(START), limits=LIMITS).close()
    before = {file.name: file.read_bytes() for file in (path, journal_path(path))}
    # A run without cuts, in this process: what the file holds after each step.
    plain = directory / "plain.sqlite"
    plain.write_bytes(before[path.name])
    expected: list[tuple[Kept, list[object]] | None] = []

    def look() -> None:
        copy = directory / "copy.sqlite"
        copy.write_bytes(plain.read_bytes())
        found = kept(copy)
        assert found is not None
        expected.append((found, others(copy)[:2]))

    look()
    run_steps(plain, "FULL", look)
    traced(directory, path, synchronous, power.command(trace))
    left, wrong, count, last = directory / "left", [], 0, -1
    left.mkdir()
    allowed: list[tuple[Kept, list[object]] | None] = []
    # Half of the cuts leave what one shortly before has left: no vault is started on it again.
    lately: deque[tuple[dict[str, bytes], tuple[Kept, list[object]] | None]] = deque(maxlen=8)
    for count, state in enumerate(power.cuts(trace, before, random.Random(seed), TRIES), 1):
        same = [result for files, result in lately if files == state.files]
        if not same:
            for name, content in state.files.items():
                (left / name).write_bytes(content)
            same = [after_restart(left / path.name)]
            lately.append((state.files, same[0]))
        allowed, found = expected[state.said : state.said + 2], same[0]
        if found is None or not _is_between(found, *allowed):
            wrong.append(f"cut {count}, after {state.said} steps")
        last = state.said
    assert last == len(make_steps())
    return count, wrong


def _is_between(
    found: tuple[Kept, list[object]], *allowed: tuple[Kept, list[object]] | None
) -> bool:
    """Whether a file is one of those allowed, or what a step of several ticks has in between."""
    first, last = allowed[0], allowed[-1]
    assert first is not None and last is not None
    blocks = found[0]
    # Every block is as before the step or as after it; one that the step brings may be missing,
    # or be there unclaimed or whole, when the step puts it first.
    for block_id in {*first[0], *last[0], *blocks}:
        old, new, is_now = first[0].get(block_id), last[0].get(block_id), blocks.get(block_id)
        if is_now in (old, new) or (old is None and is_now is not None):
            continue
        return False
    return found[1] in (first[1], last[1])


def test_whenever_the_power_is_cut_all_that_was_said_to_be_stored_is_there(
    tmp_path: Path,
) -> None:
    seed = secrets.randbelow(2**32)
    count, wrong = wrong_after_cuts(tmp_path, "FULL", seed)
    print(f"seed {seed}: {count} cuts")

    assert count > 200
    assert wrong == []


def test_with_less_care_for_the_disk_something_is_lost(tmp_path: Path) -> None:
    """The control: without syncs, the check above fails."""
    count, wrong = wrong_after_cuts(tmp_path, "OFF", 1)
    print(f"{len(wrong)} of {count} cuts lost something")

    assert wrong


def test_the_store_changes_its_files_in_no_way_that_is_not_seen(tmp_path: Path) -> None:
    """Otherwise the cuts above would prove nothing."""
    path, trace = tmp_path / "vault.sqlite", tmp_path / "trace"
    open_days(path, TickClock(START), limits=LIMITS).close()
    watch = ["strace", "-f", "-y", "-e", f"trace={','.join(power.UNSEEN)}", "-o", str(trace)]
    traced(tmp_path, path, "FULL", watch)

    assert [line for line in trace.read_text("utf-8").splitlines() if "vault.sqlite" in line] == []
