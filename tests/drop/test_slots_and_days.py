"""One case's whole way over format 2, with front and vault as in production, without tor."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from support.cases import CAMPAIGN
from support.processes import family

from dropbox.openpgp import Opener
from dropbox.packets import read_pinned_keys
from dropbox.week_secrets import WeekSecrets
from onion.launch import Drop
from scripts.courier.pull import pull
from scripts.courier.transfer import push
from scripts.desk.casebook.casebook import Casebook, create
from scripts.desk.importing.open_export import Imported, open_export
from scripts.desk.outbox.outbox import answer, export_replies
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File

ONION = "casedrop" * 7 + ".onion"
STORE = {"CASEDROP_VAULT_STORE": "sqlite:vault/store.sqlite"}
REPORT, ADDITION, ANSWER = "【虚构】账号被永久封禁。", "【虚构】补充。", "【虚构】我们读了。"
PHOTO = os.urandom(150_000)


@dataclass
class Running:
    """A running drop, its output, and the desk's side of it."""

    site: Site
    drop: Drop
    casebook: Path
    opener: Opener
    secrets: WeekSecrets
    said: list[str] = field(default_factory=list)

    def browser(self) -> Browser:
        return Browser(ONION, transport=httpx.HTTPTransport(uds=str(self.site.front_socket)))

    @property
    def courier(self) -> Path:
        return self.site.settings_file.parent / "courier.sock"

    @property
    def store(self) -> Path:
        return self.site.settings_file.parent / "vault" / "store.sqlite"

    def carry(self, to: Path) -> Imported:
        """Pull an export and import it."""
        with Casebook.open(self.casebook) as casebook:
            bundle = pull(self.courier, to)
            today = datetime.now(UTC).date()
            return open_export(casebook, bundle, self.opener, self.secrets.find, today=today)

    def bring_answers(self, path: Path, *texts: str) -> None:
        """Answer the first case, and bring the reply bundle to the vault."""
        today = datetime.now(UTC).date()
        with Casebook.open(self.casebook) as casebook:
            for text in texts:
                answer(casebook, 1, text, today=today)
            export_replies(casebook, path, self.opener, today=today)
        push(self.courier, path)


@pytest.fixture
def running(
    tmp_path: Path, keys_dir: Path, reviewer_homes: list[Path], opener: Opener
) -> Iterator[Running]:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    create(
        tmp_path / "casebook",
        server_key=site.export_public,
        campaign=CAMPAIGN,
        desk=0,
        reviewers={f"reviewer-{n}": key for n, key in enumerate(read_pinned_keys(keys_dir), 1)},
    )
    said: list[str] = []
    with Drop(
        site.settings_file, site.front_socket, {**os.environ, **STORE}, log=said.append
    ) as drop:
        secrets = WeekSecrets(reviewer_homes[0], opener)
        yield Running(site, drop, tmp_path / "casebook", opener, secrets, said)


def test_a_case_is_filed_read_answered_and_taken_back(running: Running, tmp_path: Path) -> None:
    with running.browser() as browser:
        page = browser.get("/zh-hans/report")
        codename = page.codename()
        files = [File("照片.jpg", "image/jpeg", PHOTO)]
        done = browser.send(page.form(), {"category": "c1", "text": REPORT}, files=files)
        assert done.status == 200, (done.text, running.said)
        # Sent twice by a browser: stored once.
        again = browser.send(page.form(), {"category": "c1", "text": REPORT}, files=files)
        assert again.status == 200

        first = running.carry(tmp_path)
        assert (first.opened.cases, first.opened.parts, first.opened.files) == (1, 1, 1)
        assert (first.findings, first.opened.unopened) == ((), ())
        assert first.opened.blocks % 256 == 0
        running.bring_answers(tmp_path / "1.tar", ANSWER)

        inbox = browser.get("/zh-hans/inbox").form()
        case = browser.send(inbox, {"codename": codename})
        assert ANSWER in case.text
        added = browser.send(case.form(), {"text": ADDITION})
        assert added.status == 200
        second = running.carry(tmp_path)
        assert (second.opened.cases, second.opened.parts, second.findings) == (0, 1, ())

        case = browser.send(inbox, {"codename": codename})
        assert browser.send(case.form(), {}, button=("act", "withdraw")).status == 200
        third = running.carry(tmp_path)
        assert (third.opened.parts, third.findings, third.opened.unopened) == (1, (), ())
        # Nothing is left on the server, the answer neither.
        case = browser.send(inbox, {"codename": codename})
        assert ANSWER not in case.text

    with Casebook.open(running.casebook) as casebook:
        kinds = [part.report.kind for part in casebook.case(1).parts]
        assert sorted(kinds) == ["message", "report", "withdrawal"]
        entry = casebook.case(1).parts[0].report.attachments[0]
        assert casebook.file_path(entry.sha256).read_bytes() == PHOTO
    assert [line for line in running.said if "Traceback" in line] == []


def test_the_file_of_a_drop_shows_whole_quanta_and_keys_of_the_start_alone(
    running: Running, tmp_path: Path
) -> None:
    with running.browser() as browser:
        for number in range(3):
            page = browser.get("/en/report")
            assert browser.send(page.form(), {"category": "c1", "text": str(number)}).status == 200
    assert running.carry(tmp_path).opened.parts == 3
    running.drop.stop()

    with closing(sqlite3.connect(running.store)) as database:
        (slots,) = database.execute("SELECT count(*) FROM slot").fetchone()
        (keys,) = database.execute("SELECT count(*) FROM day_key").fetchone()
    assert slots == 256
    # One of the front and one of the vault, made at the start.
    assert keys == 2


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def test_reports_wait_for_the_vault_and_are_filed_when_it_is_back(running: Running) -> None:
    """A vault that is gone is no loss: the page keeps everything."""
    with running.browser() as browser:
        page = browser.get("/en/report")
        vault = family(running.drop.vault_pid)
        signal_all(vault, signal.SIGSTOP)
        try:
            refused = browser.send(page.form(), {"category": "c1", "text": REPORT})
        finally:
            signal_all(vault, signal.SIGCONT)
        assert refused.status == 503 and refused.form().value("text") == REPORT
        deadline = time.monotonic() + 30
        while browser.send(refused.form(), {"category": "c1", "text": REPORT}).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.5)
