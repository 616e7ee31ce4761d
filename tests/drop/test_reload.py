"""A reviewer is removed from a running drop: checked first, and nothing that is open is lost."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.desk_side import Desk
from support.front import ONION
from support.rooms import wait

from dropbox.openpgp import Opener
from dropbox.sealed_message import recipients
from dropbox.sizes import BLOCK_BYTES
from dropbox.week_secrets import WeekSecrets
from onion.launch import Drop
from scripts import casedrop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Page


class Watching(Opener):
    """An Opener that notes to how many each message was sealed, and what was in it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.seen: list[tuple[int, bytes]] = []

    def open(self, ciphertext: bytes | memoryview, most_bytes: int = BLOCK_BYTES) -> bytes:
        plain = super().open(ciphertext, most_bytes)
        self.seen.append((len(recipients(bytes(ciphertext[:4_096]))), plain))
        return plain


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path) -> Site:
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    return make_site(tmp_path / "site", onion=ONION, keys=keys)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def drop(site: Site, said: list[str]) -> Iterator[Drop]:
    with Drop(site.settings_file, site.front_socket, os.environ, log=said.append) as running:
        yield running


@pytest.fixture
def browser(site: Site, drop: Drop) -> Iterator[Browser]:
    transport = httpx.HTTPTransport(uds=str(site.front_socket), retries=1)
    with Browser(ONION, transport=transport) as made:
        yield made


def reload(site: Site) -> int:
    return casedrop.main(["reload", "--settings", str(site.settings_file)])


def remove_second(keys: Path) -> None:
    for file in keys.glob("reviewer-2.*"):
        file.unlink()
    pins = (keys / "FINGERPRINTS").read_text().splitlines(keepends=True)
    (keys / "FINGERPRINTS").write_text("".join(pin for pin in pins if "reviewer-2" not in pin))


def report(browser: Browser, page: Page, text: str) -> Page:
    done = browser.send(page.form(), {"category": "c1", "text": text})
    assert done.status == 200, done.text
    return done


def test_a_removed_reviewer_is_not_sealed_to_and_no_open_form_is_lost(
    site: Site,
    drop: Drop,
    browser: Browser,
    said: list[str],
    tmp_path: Path,
    first_home: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keys = tmp_path / "keys"
    report(browser, browser.get("/en/report"), "Before the reload.")
    page = browser.get("/en/report")
    # A form with a file that the front has sealed already.
    page = browser.send(
        page.form(), {"text": "kept"}, files=[File("a.txt", "text/plain", b"x" * 1000)],
        button=("act", "language"),
    )  # fmt: skip

    # Wrong keys: the command stops before it tells anybody, and a room that is told keeps its own.
    broken = (keys / "FINGERPRINTS").read_text()
    (keys / "FINGERPRINTS").write_text("nonsense\n")
    assert reload(site) == 2 and "FINGERPRINTS, line 1" in capfd.readouterr().err
    for pid in (drop.vault_pid, drop.front_pid):
        os.kill(pid, signal.SIGHUP)
    wait(lambda: sum("Nothing was reloaded" in line for line in said) == 2)
    assert drop.running and browser.get("/en/keys").status == 200
    (keys / "FINGERPRINTS").write_text(broken)

    remove_second(keys)
    pids = (drop.vault_pid, drop.front_pid)
    assert reload(site) == 0, capfd.readouterr().err
    assert "from now on: 1." in capfd.readouterr().out
    assert (drop.vault_pid, drop.front_pid) == pids and drop.running

    done = report(browser, page, "After the reload.")
    assert done.codename() == page.codename()

    opener = Watching(first_home)
    desk = Desk.create(site, tmp_path / "casebook", first_home)
    desk.opener, desk.secrets = opener, WeekSecrets(first_home, opener)
    desk.carry(tmp_path)
    with desk.open() as casebook:
        reports = {part.report.text: part.report for part in casebook.parts()}
    assert set(reports) == {"Before the reload.", "After the reload."}
    # The file of the open form was sealed before, and came along.
    assert [one.name for one in reports["After the reload."].attachments] == ["a.txt"]
    assert {one for one, plain in opener.seen if b"Before the reload." in plain} == {2}
    assert {one for one, plain in opener.seen if b"After the reload." in plain} == {1}
