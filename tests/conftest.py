"""What many tests share: two reviewers with real gpg keys, made once for all tests."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from support import collected
from support.clocks import MovedClock
from support.front import PACKAGE, Front, make_front

from dropbox import openpgp
from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener, Reviewers

pytest_plugins = ["support.alone", "pytester"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before anything is left out: a document's promises are compared with what pytest really collects."""
    collected.note(config, items)


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
