"""A full, read-only or damaged disk: what cannot be stored is refused, and afterwards filing works
again.
"""

import os
import random
import resource
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support.filing import TAG, open_store, report_blocks
from support.front import ONION

from dropbox.errors import CannotStore, StoreError
from onion.launch import Drop
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File

ROOT = Path(__file__).parents[2]
PAGE = 4_096


def under_fault(path: Path, fault: str, call: str, *filters: str) -> list[list[str]]:
    """What *call* (Python, with all names of support.filing) prints while strace makes a system
    call fail as *fault* says.
    """
    (name, _, rest) = fault.partition(":")
    watched = [
        "strace",
        "-o",
        str(path.parent / "trace"),
        *filters,
        "-e",
        f"trace={name}",
        "-e",
        f"inject={name}:{rest}",
    ]
    start = "from pathlib import Path; from support.filing import *"
    program = f"{start}; path = Path({str(path)!r}); {call}"
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(
        [*watched, sys.executable, "-c", program],
        check=False,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return [line.split(maxsplit=1) for line in done.stdout.splitlines()]


def reports_in(path: Path, among: int) -> set[int]:
    """The numbers of the reports that are final in the file; checks that their files are whole."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    rows = dict(
        connection.execute("SELECT id, bytes FROM slot WHERE expires = zeroblob(8)").fetchall()
    )
    connection.close()
    found = {number for number in range(among) if report_blocks(number)[0].id in rows}
    assert rows == dict(block for number in found for block in report_blocks(number))
    return found


@pytest.mark.strace
@pytest.mark.parametrize(
    "fault",
    [
        "pwrite64:error=ENOSPC:when=230..236",
        "pwrite64:error=EROFS:when=300..302",
        "pwrite64:error=EIO:when=203..240+9",
        "ftruncate:error=EIO:when=3..5",
        "pread64:error=EIO:when=20..24",
        "fdatasync:error=EIO:when=9",
        "fdatasync:error=EIO:when=10",
        "fdatasync:error=EIO:when=11..14",
    ],
)
def test_while_the_disk_fails_reports_are_refused_whole_and_afterwards_they_are_stored(
    tmp_path: Path, fault: str
) -> None:
    path, reports = tmp_path / "vault.sqlite", 12
    open_store(path).close()
    said = under_fault(path, fault, f"file_some(path, {reports})")
    print(said)
    stored, refused = (
        {int(number) for what, number in said if what == wanted} for wanted in ("stored", "refused")
    )
    assert refused and max(stored, default=0) > max(refused), "the fault did not come and go"
    store = open_store(path)
    held = reports_in(path, reports)
    store.close()

    if fault.startswith("fdatasync"):
        # A sync can fail after everything was written: the report is not acknowledged, but it is
        # there.
        assert stored <= held
    else:
        assert stored == held


@pytest.mark.strace
@pytest.mark.parametrize(
    ("error", "sentence"), [("EROFS", "Read-only file system"), ("EIO", "Input/output error")]
)
def test_a_disk_that_is_read_only_from_the_start_stops_the_start_with_a_sentence(
    tmp_path: Path, error: str, sentence: str
) -> None:
    path = tmp_path / "vault.sqlite"
    open_store(path).close()
    call = "\ntry:\n    open_store(path)\nexcept StoreError as why:\n    print('refused', why)"
    said = under_fault(path, f"openat:error={error}:when=1", call, "-P", str(path))

    assert [line[0] for line in said] == ["refused"]
    assert "cannot be opened" in said[0][1] and sentence in said[0][1]


def test_whichever_page_is_damaged_nothing_is_said_to_be_stored_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    """Overwrite each page in turn, try to file, and restore the page."""
    path, seed = tmp_path / "vault.sqlite", secrets.randbelow(2**32)
    print(f"seed {seed}")
    choose, outcomes = random.Random(seed), {"not opened": 0, "refused": 0, "stored": 0}
    store = open_store(path)
    for number in range(4):
        report, *files = report_blocks(number)
        store.add_pending(files)
        store.commit(report, TAG, [(file.id, TAG) for file in files])
    store.close()
    whole = path.read_bytes()
    for page in range(len(whole) // PAGE):
        junk = choose.choice(
            (
                bytes(PAGE),
                choose.randbytes(PAGE),
                whole[:PAGE],
                bytes([13]) + choose.randbytes(PAGE - 1),
            )
        )
        path.write_bytes(whole[: page * PAGE] + junk + whole[(page + 1) * PAGE :])
        outcomes[file_one(path)] += 1
        Path(f"{path}-journal").write_bytes(b"")
    path.write_bytes(whole)
    print(outcomes)

    assert all(outcomes.values())
    assert file_one(path) == "stored" and reports_in(path, 5) == set(range(5))


def file_one(path: Path) -> str:
    """File report 4 with its files."""
    report, *files = report_blocks(4)
    try:
        store = open_store(path)
    except StoreError as why:
        assert "Traceback" not in str(why)
        return "not opened"
    try:
        store.add_pending(files)
        store.commit(report, TAG, [(file.id, TAG) for file in files])
        assert [store.block(one.id) for one in report_blocks(4)] == [
            one.data for one in report_blocks(4)
        ]
        return "stored"
    except CannotStore:
        return "refused"
    finally:
        store.close()


def test_a_claimant_is_told_of_a_full_disk_and_can_send_the_same_page_once_there_is_room(
    tmp_path: Path, keys_dir: Path
) -> None:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    # A store of slots needs no room for a report: this is the first format's file.
    text = site.settings_file.read_text("utf-8")
    first = text.replace('store = "sqlite:vault/store.sqlite"', 'database = "vault/vault.sqlite"')
    site.settings_file.write_text(first, "utf-8")
    path = site.settings_file.parent / "vault" / "vault.sqlite"
    files = [File("a.bin", "", b"a" * 200_000)]
    with Drop(site.settings_file, site.front_socket, os.environ) as drop:
        (worker,) = map(
            int, Path(f"/proc/{drop.vault_pid}/task/{drop.vault_pid}/children").read_text().split()
        )
        with Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser:
            page = browser.get("/en/report")
            usual = resource.prlimit(worker, resource.RLIMIT_FSIZE)
            resource.prlimit(
                worker, resource.RLIMIT_FSIZE, (path.stat().st_size + 100_000, usual[1])
            )
            refused = browser.send(
                page.form(), {"category": "c1", "text": "while it is full"}, files=files
            )
            assert refused.status == 503 and "NOT accepted" in refused.text
            assert refused.form().value("text") == "while it is full"
            assert final_blocks(path) == 0
            resource.prlimit(worker, resource.RLIMIT_FSIZE, usual)
            assert (
                browser.send(
                    refused.form(), {"category": "c1", "text": "while it is full"}, files=files
                ).status
                == 200
            )

    assert final_blocks(path) == 5


def final_blocks(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute(
        "SELECT count(*) FROM slot WHERE expires = zeroblob(8)"
    ).fetchone()
    connection.close()
    return int(found)
