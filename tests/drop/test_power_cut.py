"""Power cuts at any moment: what was acknowledged is there, each report whole or absent."""

import hashlib
import os
import random
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support import power
from support.filing import NOW, TAG, all_blocks, steps

from dropbox.errors import StoreError
from dropbox.vault.store import Store

pytestmark = pytest.mark.strace

ROOT = Path(__file__).parents[2]
TRIES = 3  # possible outcomes tried for each cut between two syncs

# What a file holds: for every block whether it is final, and the SHA-256 of its bytes.
Held = dict[bytes, tuple[bool, str]]


def held(path: Path) -> Held | None:
    """What the file at *path* holds, read without the store; None if it is damaged."""
    connection = sqlite3.connect(path)
    if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        connection.close()
        return None
    rows = connection.execute("SELECT id, expires, bytes FROM slot").fetchall()
    connection.close()
    found = {
        block_id: (not any(expires), hashlib.sha256(data).hexdigest())
        for block_id, expires, data in rows
    }
    assert len(found) == len(rows)
    return found


def held_after_restart(path: Path) -> Held | None:
    """The same after a vault was restarted on it: it rolls back what was in progress."""
    try:
        Store.open(path, clock=lambda: NOW, pending_minutes=240).close()
    except StoreError:
        return None
    return held(path)


def after_each_step(path: Path) -> list[Held | None]:
    """What the file has to hold after no step, one, two…"""
    store = Store.open(path, clock=lambda: NOW, pending_minutes=240)
    expected = [held(path)]
    for step in steps():
        step(store)
        expected.append(held(path))
    store.close()
    return expected


def wrong_after_cuts(directory: Path, synchronous: str, seed: int) -> tuple[int, list[str]]:
    """How many cuts were tried, and after which of them the file was not as acknowledged."""
    path, trace = directory / "vault.sqlite", directory / "trace"
    store = Store.open(path, clock=lambda: NOW, pending_minutes=240)
    store.commit(all_blocks()[23], TAG, [])
    store.close()
    before = {file.name: file.read_bytes() for file in (path, Path(f"{path}-journal"))}
    (directory / "plain").mkdir()
    (directory / "plain" / "vault.sqlite").write_bytes(before[path.name])
    expected = after_each_step(directory / "plain" / "vault.sqlite")
    start = "from pathlib import Path; from support.filing import run_all"
    program = f"{start}; run_all(Path({str(path)!r}), {synchronous!r})"
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}{os.pathsep}{ROOT / 'tests' / 'unit'}",
    }
    subprocess.run(
        [*power.command(trace), sys.executable, "-c", program],
        check=True,
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    left, wrong, count = directory / "left", [], 0
    left.mkdir()
    for count, state in enumerate(power.cuts(trace, before, random.Random(seed), TRIES), 1):
        for name, content in state.files.items():
            (left / name).write_bytes(content)
        if held_after_restart(left / path.name) not in expected[state.said : state.said + 2]:
            wrong.append(f"cut {count}, after {state.said} steps")
    assert state.said == len(steps())
    assert None not in expected and held(path) == expected[-1]
    return count, wrong


def test_whenever_the_power_is_cut_all_that_was_said_to_be_stored_is_there_and_nothing_by_halves(
    tmp_path: Path,
) -> None:
    seed = secrets.randbelow(2**32)
    count, wrong = wrong_after_cuts(tmp_path, "FULL", seed)
    print(f"seed {seed}: {count} cuts")

    assert count > 200
    assert wrong == []


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_with_less_care_for_the_disk_a_stored_report_is_lost(
    tmp_path: Path, synchronous: str
) -> None:
    """The control: SQLite's default setting, and its fastest, fail the check above."""
    count, wrong = wrong_after_cuts(tmp_path, synchronous, 1)
    print(f"{len(wrong)} of {count} cuts lost something")

    assert wrong


def test_the_store_changes_its_file_in_no_way_that_is_not_seen(tmp_path: Path) -> None:
    """Otherwise the cuts above would prove nothing."""
    path, trace = tmp_path / "vault.sqlite", tmp_path / "trace"
    Store.open(path, clock=lambda: NOW, pending_minutes=240).close()
    start = "from pathlib import Path; from support.filing import run_all"
    program = f"{start}; run_all(Path({str(path)!r}), 'FULL')"
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}{os.pathsep}{ROOT / 'tests' / 'unit'}",
    }
    watched = [
        "strace",
        "-f",
        "-y",
        "-e",
        f"trace={','.join(power.UNSEEN)}",
        "-o",
        str(trace),
        sys.executable,
        "-c",
        program,
    ]
    subprocess.run(watched, check=True, env=environ, stdout=subprocess.DEVNULL)

    assert [line for line in trace.read_text("utf-8").splitlines() if "vault.sqlite" in line] == []
