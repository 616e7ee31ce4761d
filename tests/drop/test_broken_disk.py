"""A full, read-only or damaged disk: nothing is said to be stored that is not.

Afterwards filing works again.
"""

import os
import random
import resource
import secrets
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support.day_stores import claim, held, open_days
from support.desk_side import store_of
from support.filing import known_blocks
from support.front import ONION

from dropbox.errors import CannotStore, StoreError
from dropbox.vault.journal import journal_path
from dropbox.vault.slot_schema import PAGE_BYTES
from onion.launch import Drop
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File

ROOT = Path(__file__).parents[2]
REPORTS = 12


def under_fault(path: Path, fault: str, call: str) -> list[str]:
    """The lines that *call* (Python, with all names of support.filing) prints while a system call
    on the store's files fails as *fault* says.
    """
    name, _, rest = fault.partition(":")
    program = f"from support.filing import *\npath = Path({str(path)!r})\n{call}"
    watched = ["strace", "-f", "-o", os.devnull, "-P", str(path), "-P", f"{path}-journal"]
    done = subprocess.run(
        [
            *watched,
            "-e",
            f"trace={name}",
            "-e",
            f"inject={name}:{rest}",
            sys.executable,
            "-c",
            program,
        ],
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.splitlines()


@pytest.mark.strace
@pytest.mark.parametrize(
    "fault",
    [
        "pwrite64:error=ENOSPC:when=400..406",
        "pwrite64:error=EIO:when=300..420+23",
        "pwrite64:error=EROFS:when=500..503",
        "pread64:error=EIO:when=40..46",
        "fdatasync:error=EIO:when=9",
        "fdatasync:error=EIO:when=10",
        "fdatasync:error=EIO:when=11",
        "fdatasync:error=EIO:when=12..19",
    ],
)
def test_while_the_disk_fails_nothing_is_lost_and_afterwards_reports_are_stored(
    tmp_path: Path, fault: str
) -> None:
    path = tmp_path / "vault.sqlite"
    open_days(path).close()
    said: dict[str, set[int]] = {"stored": set(), "refused": set()}
    for line in under_fault(path, fault, f"file_some(path, {REPORTS})"):
        what, which = line.split()
        said[what].add(int(which))
    print(said)
    store = open_days(path)
    last, *files = known_blocks(REPORTS)
    store.put(files)
    store.close()
    found = held(path)

    assert said["refused"] or "fdatasync" in fault or "pread" in fault
    assert max(said["stored"]) > max(said["refused"], default=0), "the fault did not end"
    for number in said["stored"]:
        for one in known_blocks(number):
            assert found[one.id].data == one.data
    assert all(found[one.id].data == one.data for one in files) and last.id not in found


@pytest.mark.strace
@pytest.mark.parametrize(
    ("error", "sentence"), [("EROFS", "Read-only file system"), ("EIO", "Input/output error")]
)
def test_a_disk_that_is_read_only_from_the_start_stops_the_start_with_a_sentence(
    tmp_path: Path, error: str, sentence: str
) -> None:
    path = tmp_path / "vault.sqlite"
    open_days(path).close()
    call = """
from dropbox.errors import StoreError
try:
    open_days(path)
except StoreError as why:
    print("refused", why)
"""
    (said,) = under_fault(path, f"openat:error={error}:when=1", call)

    assert said.startswith("refused") and sentence in said


def test_whichever_page_is_damaged_nothing_is_said_to_be_stored_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    """Overwrite pages in turn, try to file, and restore the page."""
    path, seed = tmp_path / "vault.sqlite", secrets.randbelow(2**32)
    print(f"seed {seed}")
    choose, outcomes = random.Random(seed), {"not opened": 0, "refused": 0, "stored": 0}
    store = open_days(path)
    for number in range(4):
        one, *files = known_blocks(number)
        store.put(files)
        store.commit(one, [claim(file) for file in files])
    store.close()
    whole, journal = path.read_bytes(), journal_path(path).read_bytes()
    pages = range(len(whole) // PAGE_BYTES)
    for page in [*pages[:10], *choose.sample(pages[10:], 90)]:
        junk = choose.choice(
            (
                bytes(PAGE_BYTES),
                choose.randbytes(PAGE_BYTES),
                whole[:PAGE_BYTES],
                bytes([13]) + choose.randbytes(PAGE_BYTES - 1),
            )
        )
        at = page * PAGE_BYTES
        path.write_bytes(whole[:at] + junk + whole[at + PAGE_BYTES :])
        outcomes[file_one(path)] += 1
        journal_path(path).write_bytes(journal)
    path.write_bytes(whole)
    print(outcomes)

    assert all(outcomes.values())
    assert file_one(path) == "stored"
    found = held(path)
    for number in range(5):
        assert all(found[one.id].data == one.data for one in known_blocks(number))


def file_one(path: Path) -> str:
    """File report 4 with its files."""
    blocks = known_blocks(4)
    one, *files = blocks
    try:
        store = open_days(path)
    except StoreError as why:
        assert "Traceback" not in str(why)
        return "not opened"
    try:
        store.put(files)
        store.commit(one, [claim(file) for file in files])
        assert [store.read(block.id) for block in blocks] == [block.data for block in blocks]
        return "stored"
    except CannotStore as why:
        # Nothing of SQLite's own text, which may contain values.
        assert str(why) == type(why).__doc__
        return "refused"
    finally:
        store.close()


def test_a_claimant_is_told_of_a_full_disk_and_can_send_the_same_page_once_there_is_room(
    tmp_path: Path, keys_dir: Path
) -> None:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    small = {**os.environ, "CASEDROP_VAULT_QUANTUM": "16"}
    fields = {"category": "c1", "text": "while it is full"}
    files = [File("a.bin", "", b"a" * 200_000)]
    with Drop(site.settings_file, site.front_socket, small) as drop:
        (worker,) = map(
            int, Path(f"/proc/{drop.vault_pid}/task/{drop.vault_pid}/children").read_text().split()
        )
        usual = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        # The store has its quantum and cannot grow.
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (store_of(site).stat().st_size, usual[1]))
        with Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser:
            before = 0
            page = browser.get("/en/report")
            while (answer := browser.send(page.form(), fields, files=files)).status == 200:
                before += 1
                page = browser.get("/en/report")
            assert answer.status == 503 and "NOT accepted" in answer.text
            assert answer.form().value("text") == "while it is full"
            resource.prlimit(worker, resource.RLIMIT_FSIZE, usual)
            deadline = time.monotonic() + 30
            while (again := browser.send(answer.form(), fields, files=files)).status != 200:
                assert time.monotonic() < deadline, again.text

    # Three of five blocks each fit into sixteen slots.
    assert before == 3
