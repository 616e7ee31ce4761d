"""The keys of form pages between real, locked fronts: shared, changed at midnight, and ended."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.clocks import AheadClock
from support.front import ONION
from support.rooms import serving, socket_of, started

from dropbox.front.shared_keys import DAY_SECONDS, REGION_BYTES
from onion.errors import DropStopped
from onion.launch import Drop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, Form, Page


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path) -> Site:
    return make_site(tmp_path / "site", onion=ONION, keys=keys_dir)


@contextmanager
def front(site: Site, socket: Path, clock: AheadClock, said: list[str]) -> Iterator[Browser]:
    more = {**clock.environ, "CASEDROP_FRONT_SOCKET": str(socket)}
    with (
        serving(started(site, "front", more, log=said.append), socket),
        Browser(ONION, transport=httpx.HTTPTransport(uds=str(socket), retries=1)) as browser,
    ):
        yield browser


def shown_again(browser: Browser, page: Page) -> Page:
    """*page* posted, to see it once more; no vault is asked."""
    return browser.send(page.form(), {"text": "kept"}, button=("act", "language"))


def regions(site: Site, memory_folder: Path) -> list[Path]:
    """Where fronts may have put their keys: beside the intake socket, if that is in memory, too."""
    folders = (site.settings_file.parent, memory_folder)
    return [found for folder in folders for found in folder.glob("casedrop-keys-*")]


def region(site: Site, memory_folder: Path) -> Path:
    (found,) = regions(site, memory_folder)
    return found


def test_two_fronts_share_keys_a_new_day_has_a_new_one_and_what_was_left_stays_left(
    site: Site, tmp_path: Path, memory_folder: Path
) -> None:
    clock, said = AheadClock(tmp_path / "clock"), list[str]()
    for old in regions(site, memory_folder):
        old.unlink()
    midnight = DAY_SECONDS - time.time() % DAY_SECONDS
    with (
        front(site, socket_of(site, "front"), clock, said) as one,
        front(site, tmp_path / "second.sock", clock, said) as other,
    ):
        with clock.ahead(midnight - 60):
            page = one.get("/en/report")
            before = region(site, memory_folder).read_bytes()[:112]
            assert shown_again(other, page).codename() == page.codename()
        with clock.ahead(midnight + 60):
            assert [shown_again(browser, page).codename() for browser in (one, other) * 3] == [
                page.codename()
            ] * 6
            fresh = other.get("/en/report")
            assert shown_again(one, fresh).codename() == fresh.codename()
            assert region(site, memory_folder).read_bytes()[:112] != before
            button = fresh.html.select_one("nav button[name=leaving]")
            assert button is not None
            one.send(Form("/en/leave", []), {"leaving": str(button["value"])})
            left = shown_again(other, fresh)
            assert left.status == 400 and "You left this page before" in left.text
            assert left.form().value("text") == "kept"
        with clock.ahead(midnight + 7_260):
            again = shown_again(one, page)
            assert again.status == 400 and "too old" in again.text
            assert again.codename() != page.codename()
            assert again.form().value("text") == "kept"
    place = region(site, memory_folder)
    assert (place.stat().st_size, place.stat().st_uid) == (REGION_BYTES, os.geteuid())
    assert [line for line in said if "damaged" in line] == []

    with place.open("r+b") as file:
        file.write(b"x")
        file.seek(56)
        file.write(b"x")
    with front(site, socket_of(site, "front"), clock, said) as one:
        assert one.get("/en/report").status == 200
    assert [line for line in said if "damaged and are made anew" in line]


def test_a_front_whose_keys_would_be_on_a_disk_does_not_start(site: Site, tmp_path: Path) -> None:
    place = Path(__file__).with_name("keys-on-a-disk")
    on_disk = {"CASEDROP_FRONT_KEY_MEMORY": str(place)}
    with (
        pytest.raises(DropStopped, match=r"is on a disk.*\[front\] key_memory"),
        Drop(site.settings_file, site.front_socket, {**os.environ, **on_disk}),
    ):
        pass

    assert not place.exists()
