"""A pull of some thousand blocks from a vault under gunicorn, locked as in earnest."""

import os
import signal
import threading
import time
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from nacl.signing import VerifyKey
from support.day_stores import report
from support.front import ONION
from support.rooms import serving, socket_of, started, wait

from dropbox.export_bundle import HEAD_NAME, ListedBlock, read_head, read_volume
from onion.child_process import Child
from scripts.courier.pull import pull
from scripts.courier.transfer import CourierError
from scripts.newsite import Site, make_site

QUANTUM, TICK_SECONDS = 1_024, 0.5
LARGE = {
    "CASEDROP_VAULT_QUANTUM": str(QUANTUM),
    "CASEDROP_VAULT_TICK_MILLISECONDS": f"{1_000 * TICK_SECONDS:.0f}",
}
# What a loaded machine adds to a request.
MARGIN_SECONDS = 0.5


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, keys_dir: Path) -> Site:
    # Unix socket paths are short.
    return make_site(tmp_path_factory.mktemp("v") / "s", onion=ONION, keys=keys_dir)


def vault(site: Site) -> Child:
    return started(site, "vault", LARGE)


def courier_socket(site: Site) -> Path:
    return site.settings_file.parent / "courier.sock"


class Fronts:
    """Four clients that file and withdraw; how long each report and each withdrawal waited."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in range(4)]
        self.waits: list[float] = []
        self.failures: list[int] = []

    def __enter__(self) -> "Fronts":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        transport = httpx.HTTPTransport(uds=str(self._socket))
        with httpx.Client(transport=transport, base_url="http://vault", timeout=60) as client:
            while not self._stopped.is_set():
                secret = bytes([number]) * 32
                one = report(secret)
                body = one.id + one.erase_hash + one.data
                for path, content in (("/commit", body), ("/withdraw", secret)):
                    begun = time.monotonic()
                    status = client.post(path, content=content).status_code
                    self.waits.append(time.monotonic() - begun)
                    if status != 204:
                        self.failures.append(status)


def checked(site: Site, directory: Path) -> tuple[int, int]:
    """The number of blocks of a bundle, and of those that changed while it was pulled."""
    key = VerifyKey(site.export_public)
    head = read_head(BytesIO((directory / HEAD_NAME).read_bytes()), key, campaign="wechat-2020")
    found: list[ListedBlock] = []
    changed = 0
    for position, path in enumerate(sorted(directory.glob("volume-*.tar")), 1):
        with path.open("rb") as stream:
            read_volume(stream, head, position, key, lambda block, _: found.append(block))
        changed += path.read_bytes()[-100_000:].split(b'"changed":')[-1].count(b'["')
    assert len(found) == head.blocks
    return len(found), changed


def test_a_pull_and_four_fronts_do_not_stop_each_other(site: Site, tmp_path: Path) -> None:
    # Each start adds a quantum.
    with serving(vault(site), socket_of(site, "vault")):
        pass
    with serving(vault(site), socket_of(site, "vault")):
        with Fronts(socket_of(site, "vault")) as quiet:
            wait(lambda: len(quiet.waits) >= 24)
        with Fronts(socket_of(site, "vault")) as fronts:
            wait(lambda: len(fronts.waits) >= 4)
            begun = time.monotonic()
            directories = [pull(courier_socket(site), tmp_path) for _ in range(2)]
            seconds = time.monotonic() - begun
            wait(lambda: len(fronts.waits) >= 24)
        bundles = [checked(site, directory) for directory in directories]
    print(
        f"two pulls of {bundles} (blocks, changed) in {seconds:.1f} s; waits of at most "
        f"{max(quiet.waits):.2f} s before and {max(fronts.waits):.2f} s meanwhile"
    )

    assert fronts.failures == quiet.failures == []
    assert all(blocks >= 2 * QUANTUM and changed for blocks, changed in bundles)
    assert max(fronts.waits) <= max(quiet.waits) + TICK_SECONDS + MARGIN_SECONDS


def test_a_pull_from_a_vault_that_is_killed_is_not_whole_and_begins_anew(
    site: Site, tmp_path: Path
) -> None:
    child, part = vault(site), tmp_path / "casedrop-export-000001.part"
    with serving(child, socket_of(site, "vault")):

        def kill() -> None:
            wait(lambda: any(path.stat().st_size > 2**20 for path in part.glob("*.part")))
            os.killpg(child.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(CourierError, match="broke off"):
            pull(courier_socket(site), tmp_path)
        killer.join()
    assert [path.name for path in part.iterdir()] == [HEAD_NAME]

    with serving(vault(site), socket_of(site, "vault")):
        directory = pull(courier_socket(site), tmp_path)
    assert directory.name == "casedrop-export-000002" and not part.exists()
    # After a restart all slots of the day count as taken.
    assert checked(site, directory)[0] == 2 * QUANTUM
