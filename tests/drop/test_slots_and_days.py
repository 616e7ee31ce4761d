"""One case's whole way, with front and vault as in production, without tor."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.desk_side import QUANTUM, Desk, store_of
from support.front import ONION
from support.processes import standing_still
from support.running_drop import RunningDrop

from onion.launch import Drop
from scripts.newsite import make_site
from scripts.rehearsal.claimant import File

REPORT, ADDITION, ANSWER = "【虚构】账号被永久封禁。", "【虚构】补充。", "【虚构】我们读了。"
PHOTO = os.urandom(150_000)


@pytest.fixture
def running(tmp_path: Path, keys_dir: Path, first_home: Path) -> Iterator[RunningDrop]:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    desk = Desk.create(site, tmp_path / "casebook", first_home)
    said: list[str] = []
    with Drop(site.settings_file, site.front_socket, os.environ, log=said.append) as drop:
        yield RunningDrop(site, drop, desk, said)


def test_nobody_else_can_open_the_store_of_a_vault_that_runs(running: RunningDrop) -> None:
    """Not even to read: what one process files, another would not know and overwrite."""
    path = store_of(running.site)
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", timeout=0, uri=True)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("SELECT count(*) FROM slot").fetchone()
    running.drop.kill_vault()
    with closing(sqlite3.connect(path, timeout=0)) as other:
        assert other.execute("SELECT count(*) FROM slot").fetchone() == (QUANTUM,)


def test_a_case_is_filed_read_answered_and_taken_back(running: RunningDrop, tmp_path: Path) -> None:
    with running.browser() as browser:
        page = browser.get("/zh-hans/report")
        codename = page.codename()
        files = [File("照片.jpg", "image/jpeg", PHOTO)]
        done = browser.send(page.form(), {"category": "c1", "text": REPORT}, files=files)
        assert done.status == 200, (done.text, running.said)
        # Sent twice by a browser: stored once.
        again = browser.send(page.form(), {"category": "c1", "text": REPORT}, files=files)
        assert again.status == 200

        first = running.desk.carry(tmp_path)
        assert (first.opened.cases, first.opened.parts, first.opened.files) == (1, 1, 1)
        assert (first.findings, first.opened.unopened) == ((), ())
        assert first.opened.blocks % QUANTUM == 0
        running.desk.bring_answers(tmp_path / "1.tar", ANSWER)

        inbox = browser.get("/zh-hans/inbox").form()
        case = browser.send(inbox, {"codename": codename})
        assert ANSWER in case.text
        added = browser.send(case.form(), {"text": ADDITION})
        assert added.status == 200
        second = running.desk.carry(tmp_path)
        assert (second.opened.cases, second.opened.parts, second.findings) == (0, 1, ())

        case = browser.send(inbox, {"codename": codename})
        assert browser.send(case.form(), {}, button=("act", "withdraw")).status == 200
        third = running.desk.carry(tmp_path)
        assert (third.opened.parts, third.findings, third.opened.unopened) == (1, (), ())
        # Nothing is left on the server, the answer neither.
        case = browser.send(inbox, {"codename": codename})
        assert ANSWER not in case.text

    with running.desk.open() as casebook:
        kinds = [part.report.kind for part in casebook.case(1).parts]
        assert sorted(kinds) == ["message", "report", "withdrawal"]
        entry = casebook.case(1).parts[0].report.attachments[0]
        assert casebook.file_path(entry.sha256).read_bytes() == PHOTO
    assert [line for line in running.said if "Traceback" in line] == []


def test_the_file_of_a_drop_shows_whole_quanta_and_keys_of_the_start_alone(
    running: RunningDrop, tmp_path: Path
) -> None:
    with running.browser() as browser:
        for number in range(3):
            page = browser.get("/en/report")
            assert browser.send(page.form(), {"category": "c1", "text": str(number)}).status == 200
    assert running.desk.carry(tmp_path).opened.parts == 3
    running.drop.stop()

    with closing(sqlite3.connect(store_of(running.site))) as database:
        (slots,) = database.execute("SELECT count(*) FROM slot").fetchone()
        (keys,) = database.execute("SELECT count(*) FROM day_key").fetchone()
    assert slots == QUANTUM
    # One of the front and one of the vault, made at the start.
    assert keys == 2


def test_reports_wait_for_the_vault_and_are_filed_when_it_is_back(running: RunningDrop) -> None:
    """A vault that is gone is no loss: the page keeps everything."""
    with running.browser() as browser:
        page = browser.get("/en/report")
        with standing_still(running.drop.vault_pid):
            refused = browser.send(page.form(), {"category": "c1", "text": REPORT})
        assert refused.status == 503 and refused.form().value("text") == REPORT
        deadline = time.monotonic() + 30
        while browser.send(refused.form(), {"category": "c1", "text": REPORT}).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.5)
