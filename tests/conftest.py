"""What many tests share: two reviewers with real gpg keys, made once for all tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dropbox import openpgp
from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.openpgp import Opener, Reviewers

PACKAGE = Path(openpgp.__file__).parent


@pytest.fixture(scope="session")
def reviewer_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Two gpg home directories, each with one reviewer's secret keys (no passphrase, three weeks from last week)."""
    start = datetime.now(UTC).date() - timedelta(days=7)
    homes = []
    for name in ("first", "second"):
        home = tmp_path_factory.mktemp(name)
        openpgp.make_reviewer_key(home, name=f"Reviewer {name}", weeks=3, start=start, protected=False)
        homes.append(home)
    yield homes
    for home in homes:
        openpgp.stop_agent(home)


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
