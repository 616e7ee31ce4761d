"""What many tests share: two reviewers with real gpg keys, made once for all tests."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from flask import Flask

from dropbox import openpgp
from dropbox.campaign import Campaign
from dropbox.codename import CHEAPEST, WordLists
from dropbox.errors import CannotOpen, CasedropError, PendingGone
from dropbox.front.factory import create_front
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener, Reviewers
from dropbox.report import Report
from dropbox.sealing import Block, open_report
from dropbox.settings import Settings
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser

PACKAGE = Path(openpgp.__file__).parent


@pytest.fixture(scope="session")
def reviewer_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Two gpg home directories, each with one reviewer's secret keys (no passphrase, four weeks from last week)."""
    start = datetime.now(UTC).date() - timedelta(days=7)
    homes = []
    for name in ("first", "second"):
        home = tmp_path_factory.mktemp(name)
        openpgp.make_reviewer_key(
            home, name=f"Reviewer {name}", weeks=4, start=start, protected=False
        )
        homes.append(home)
    yield homes
    for home in homes:
        stop_agent(home)


@pytest.fixture
def gpg_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a gpg home directory may be made; its agent is ended afterwards."""
    # Short, since gpg-agent's socket is in it.
    place = tmp_path_factory.mktemp("h") / "g"
    yield place
    if place.exists():
        stop_agent(place)


class MovedClock:
    """The day that gpg believes in, for every gpg that is started from here on."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Noon of that day."""
        return datetime.strptime(self._file.read_text("ascii"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)

    def move(self, day: date) -> None:
        """Set it."""
        self._file.write_text(f"{day:%Y%m%d}T120000", "ascii")


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    """gpg's clock, moved by a gpg in front of the real one; one that is told a time itself keeps that."""
    told = tmp_path / "clock"
    script = tmp_path / "clocked" / "gpg"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nexec {shutil.which("gpg")} --faked-system-time "$(cat {told})!" "$@"\n',
        "utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    clock = MovedClock(told)
    clock.move(datetime.now(UTC).date())
    return clock


@pytest.fixture(scope="session")
def keys_dir(reviewer_homes: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keys directory with both reviewers' public files and the pin file. Tests that change it copy it first."""
    keys = tmp_path_factory.mktemp("keys")
    pins = []
    for number, home in enumerate(reviewer_homes, 1):
        fingerprint = Opener(home).secret_fingerprints()[0]
        (keys / f"reviewer-{number}.asc").write_bytes(openpgp.export_public(home, fingerprint))
        pins.append(f"{fingerprint}  reviewer-{number}.asc\n")
    (keys / "FINGERPRINTS").write_text("".join(pins), "utf-8")
    return keys


@pytest.fixture(scope="session")
def third_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The gpg home directory of a third reviewer, to whom nothing is sealed: an adjudicator."""
    home = tmp_path_factory.mktemp("third")
    openpgp.make_reviewer_key(
        home, name="Reviewer third", weeks=1, start=datetime.now(UTC).date(), protected=False
    )
    yield home
    stop_agent(home)


@pytest.fixture(scope="session")
def desk_keys(keys_dir: Path, third_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keys directory with all three."""
    keys = tmp_path_factory.mktemp("desk-keys")
    for file in keys_dir.iterdir():
        (keys / file.name).write_bytes(file.read_bytes())
    fingerprint = Opener(third_home).secret_fingerprints()[0]
    (keys / "reviewer-3.asc").write_bytes(openpgp.export_public(third_home, fingerprint))
    with (keys / "FINGERPRINTS").open("a", encoding="utf-8") as pins:
        pins.write(f"{fingerprint}  reviewer-3.asc\n")
    return keys


@pytest.fixture(scope="session")
def reviewers(keys_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Reviewers:
    """The two pinned reviewers, ready to be sealed to."""
    return Reviewers.load(keys_dir, tmp_path_factory.mktemp("front-gnupg"))


@pytest.fixture(scope="session")
def opener(reviewer_homes: list[Path]) -> Opener:
    """The first reviewer's workstation."""
    return Opener(reviewer_homes[0])


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    """The campaign that comes with Casedrop."""
    return Campaign.read(PACKAGE / "campaign.toml")


@pytest.fixture(scope="session")
def words() -> WordLists:
    """The two word lists that come with Casedrop."""
    return WordLists.read()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


ONION = "casedrop" * 7 + ".onion"


class StandInVault:
    """What the front needs of a vault, in memory; *failure* is raised by every call while it is set."""

    def __init__(self) -> None:
        self.pending: dict[bytes, bytes] = {}
        self.final: dict[bytes, tuple[bytes, bytes]] = {}
        self.sealed: dict[bytes, bytes] = {}
        self.failure: CasedropError | None = None

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def put_pending(self, blocks: Sequence[Block]) -> None:
        """See VaultClient."""
        self._may_fail()
        self.pending.update({block.id: block.data for block in blocks})

    def commit(
        self, report: Block, report_tag: bytes, others: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """See VaultClient."""
        self._may_fail()
        if report.id not in self.final:
            if not all(block_id in self.pending for block_id, _ in others):
                raise PendingGone
            self.final[report.id] = (report.data, report_tag)
            self.final.update({block_id: (self.pending[block_id], tag) for block_id, tag in others})
        self.abandon([block_id for block_id, _ in others])

    def abandon(self, ids: Sequence[bytes]) -> None:
        """See VaultClient."""
        for block_id in ids:
            self.pending.pop(block_id, None)

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """See VaultClient."""
        self._may_fail()
        return [(place, self.sealed[tag]) for place, tag in enumerate(tags) if tag in self.sealed]

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """See VaultClient."""
        self._may_fail()
        for tag in tags:
            self.sealed.pop(tag, None)

    def tags(self) -> list[tuple[bytes, bytes]]:
        """See VaultClient."""
        self._may_fail()
        return [(block_id, tag) for block_id, (_, tag) in self.final.items()]

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """See VaultClient."""
        self._may_fail()
        for block_id, tag in owned:
            if self.final.get(block_id, (b"", b""))[1] == tag:
                del self.final[block_id]


@dataclass
class Front:
    """A front in this process, its stand-in vault, its clock, and the reviewers' side."""

    app: Flask
    vault: StandInVault
    settings: Settings
    opener: Opener
    now: float

    def browser(self) -> Browser:
        """A visit to it, without a network."""
        return Browser(ONION, transport=httpx.WSGITransport(app=self.app.wsgi_app))

    def reports(self) -> list[Report]:
        """Every report that was filed, opened as the desk would."""
        opened = []
        for data, _ in self.vault.final.values():
            try:
                opened.append(open_report(data, self.opener))
            except CannotOpen:
                continue  # a block of a file
        return opened


@pytest.fixture
def front(new_front: Callable[[Path], Front], tmp_path: Path) -> Front:
    """A front with the cheapest derivation and small limits."""
    return new_front(tmp_path)


@pytest.fixture(scope="session")
def new_front(
    keys_dir: Path,
    reviewer_homes: list[Path],
    reviewers: Reviewers,
    campaign: Campaign,
    words: WordLists,
) -> Callable[[Path], Front]:
    """Makes such a front in a directory."""
    return partial(make_front, keys_dir, reviewer_homes, reviewers, campaign, words)


def make_front(
    keys_dir: Path,
    reviewer_homes: list[Path],
    reviewers: Reviewers,
    campaign: Campaign,
    words: WordLists,
    directory: Path,
) -> Front:
    site = make_site(directory / "site", onion=ONION, keys=keys_dir)
    limits = {
        "CASEDROP_LIMITS_FILE_BYTES": str(2**20),
        "CASEDROP_LIMITS_POST_BYTES": str(3 * 2**20),
    }
    settings = Settings.load({"CASEDROP_SETTINGS": str(site.settings_file), **limits})
    made = Front(
        Flask("none"), StandInVault(), settings, Opener(reviewer_homes[0]), 1_790_000_000.0
    )
    made.app = create_front(
        settings,
        reviewers=reviewers,
        vault=made.vault,
        campaign=campaign,
        words=words,
        token_key=bytes(32),
        clock=lambda: made.now,
        cost=CHEAPEST,
        step_seconds=0.001,
    )
    return made
