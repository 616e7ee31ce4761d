"""A file of 100 MB is sealed, fetched, opened and written out, and is never whole in memory."""

import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import family
from support.running_drop import RunningDrop, running_drop, send

from scripts.desk.evidence import write_out
from scripts.rehearsal.claimant import File

MEBIBYTE = 2**20
BIG = 100 * MEBIBYTE  # the largest file that the settings allow by default


@pytest.fixture
def running(tmp_path: Path, keys_dir: Path, first_home: Path) -> Iterator[RunningDrop]:
    with running_drop(tmp_path, keys_dir, first_home) as running:
        yield running


def front_and_gpg(pid: int) -> tuple[list[int], int]:
    """The front's master, its workers, and all gpg processes; and how many of these are gpg.

    A worker's child that has not yet executed gpg shares its parent's memory, which would count
    twice.
    """
    found, gpgs = [], 0
    for one in family(pid):
        try:
            parent = int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1])
            is_gpg = Path(f"/proc/{one}/comm").read_text().strip() == "gpg"
        except (FileNotFoundError, ProcessLookupError):
            continue
        if pid in {one, parent} or is_gpg:
            found.append(one)
            gpgs += is_gpg
    return found, gpgs


def resident(pids: list[int]) -> int:
    """The resident bytes of all *pids* together; shared memory counts for each of them."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf(
                "SC_PAGE_SIZE"
            )
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


class Watch:
    """Samples the memory of a process and its children, as a context manager."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.before = resident(front_and_gpg(pid)[0])
        self.most = self.before
        self.gpgs = 0

    def _sample(self) -> None:
        while not self._ended.wait(0.005):
            pids, gpgs = front_and_gpg(self._pid)
            self.gpgs = max(self.gpgs, gpgs)
            self.most = max(self.most, resident(pids))

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class Zeros:
    """A file of BIG bytes that is never in the test's own memory."""

    def __init__(self) -> None:
        self._left = BIG

    def read(self, size: int = -1) -> bytes:
        taken = min(self._left, size if size >= 0 else self._left, MEBIBYTE)
        self._left -= taken
        return bytes(taken)

    def tell(self) -> int:
        return BIG - self._left

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._left = 0 if whence == os.SEEK_END else BIG - offset
        return self.tell()

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(65_536):
            yield piece


def test_the_front_and_gpg_grow_by_less_than_64_mb_while_a_100_mb_file_is_sealed(
    running: RunningDrop, tmp_path: Path
) -> None:
    """Neither do the courier and the desk that fetch, open and write it out."""
    with running.browser() as browser:
        assert len(running.wait_for_workers()) == 2
        for _ in range(6):  # what every worker loads once does not belong to this file
            send(browser, browser.get("/zh-hans/report"))
        page = browser.get("/zh-hans/report")
        with Watch(running.drop.front_pid) as watch, Watch(running.drop.vault_pid) as vault:
            done = send(browser, page, files=[File("big.bin", "", Zeros())])  # type: ignore[arg-type]
    grown = (watch.most - watch.before) / MEBIBYTE
    print(
        f"front and gpg: {watch.before / MEBIBYTE:.0f} MB before, grown by {grown:.1f} MB at most; "
        f"vault: {vault.before / MEBIBYTE:.0f} MB, {(vault.most - vault.before) / MEBIBYTE:.1f} MB"
    )

    assert done.status == 200
    assert watch.gpgs == 1  # it was really seen
    assert grown < 64
    # 64 MiB of blocks wait for a tick at most, however large the file is.
    assert (vault.most - vault.before) / MEBIBYTE < 128

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert running.filed(tmp_path)[1] == 1
    with running.desk.open() as casebook:
        case = next(case for case in casebook.cases() if case.files)
        (written,) = write_out(casebook, case, tmp_path / "out")
        assert list(write_out(casebook, case, tmp_path / "out")) == [written]
    assert written.stat().st_size == BIG
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"courier and desk: grown by {grown:.1f} MB at most")
    assert grown < 64
