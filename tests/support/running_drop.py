"""A drop under gunicorn that tests file reports with, and the reviewer who opens them."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from onion.launch import Drop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Page
from support.desk_side import QUANTUM, Desk
from support.front import ONION
from support.processes import children
from support.waived import is_told


@dataclass
class RunningDrop:
    """A running drop, its output, and the desk's side of it."""

    site: Site
    drop: Drop
    desk: Desk
    said: list[str] = field(default_factory=list)

    def browser(self) -> Browser:
        """A browser that reaches the front by its socket."""
        return Browser(ONION, transport=httpx.HTTPTransport(uds=str(self.site.front_socket)))

    def filed(self, to: Path) -> tuple[int, int]:
        """How many parts and files the desk finds new in the next export; nothing in it is amiss.

        However many there are, the export has whole quanta of blocks.
        """
        imported = self.desk.carry(to)
        assert (imported.findings, imported.opened.unopened) == ((), ())
        assert imported.opened.blocks % QUANTUM == 0
        return imported.opened.parts, imported.opened.files

    def wait_for_workers(self) -> list[int]:
        """Wait until both workers are locked: only then do they serve, and the second may still be
        starting.
        """
        deadline = time.monotonic() + 20
        while True:
            workers = [pid for pid in children(self.drop.front_pid) if is_locked(pid)]
            if len(workers) == 2 or time.monotonic() > deadline:
                return workers
            time.sleep(0.05)


@contextmanager
def running_drop(directory: Path, keys: Path, home: Path) -> Iterator[RunningDrop]:
    """A drop in *directory*, whose path is short, with the reviewers' *keys*; the desk has those of
    the reviewer in *home*.
    """
    site = make_site(directory / "site", onion=ONION, keys=keys)
    desk = Desk.create(site, directory / "casebook", home)
    said: list[str] = []

    def log(line: str) -> None:
        # Every start in tests says so.
        if not is_told(line):
            said.append(line)

    with Drop(site.settings_file, site.front_socket, os.environ, log=log) as drop:
        yield RunningDrop(site, drop, desk, said)


def send(
    browser: Browser, page: Page, text: str = "【虚构】测试", files: Sequence[File] = ()
) -> Page:
    """Send the report form on *page*."""
    return browser.send(page.form(), {"category": "c1", "text": text}, files=list(files))


def is_locked(pid: int) -> bool:
    """Whether the kernel forbids this process to write to files, dump core, and gain privileges."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    privileges = Path(f"/proc/{pid}/status").read_text()
    no_files, no_core = (
        re.search(rf"Max {what} file size\s+0\s+0\s", limits.replace("Max file", "Max data file"))
        for what in ("data", "core")
    )
    return bool(no_files and no_core and "NoNewPrivs:\t1" in privileges)
