"""The workers of a front and the vault, all locked under gunicorn, agree on a day key alone."""

import time
from pathlib import Path

import httpx
import pytest
from support.front import ONION
from support.rooms import serving, socket_of, started
from support.waived import is_told

from onion.child_process import Child
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, keys_dir: Path) -> Site:
    # Unix socket paths are short.
    return make_site(tmp_path_factory.mktemp("v") / "s", onion=ONION, keys=keys_dir)


def room(site: Site, name: str) -> Child:
    return started(site, name)


def sent(site: Site) -> int:
    """The status of a report with a file of 2 MB."""
    transport = httpx.HTTPTransport(uds=str(site.front_socket))
    with Browser(ONION, transport=transport) as browser:
        form = browser.get("/en/report").form()
        page = browser.send(
            form,
            {"category": "c2", "text": "some text"},
            files=[File("a.bin", "application/octet-stream", b"x" * 2_000_000)],
        )
    return page.status


def test_a_front_refuses_while_the_vault_is_away_and_heals_by_itself(site: Site) -> None:
    with serving(room(site, "front"), site.front_socket) as front:
        assert sent(site) == 503
        with serving(room(site, "vault"), socket_of(site, "vault")):
            end = time.monotonic() + 60
            while (found := sent(site)) != 200 and time.monotonic() < end:
                time.sleep(1)
            assert found == 200
    assert {line for line in front.last_lines if not is_told(line)} <= {
        "The front has no day key (VaultUnavailable): until it has one, it accepts no report."
    }
