"""Reports and casebooks for tests of the desk, made without gpg."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dropbox.openpgp import Opener
from dropbox.packets import PublicKey
from dropbox.report import Attachment, Report
from scripts.desk.casebook.bundles import LastBundle
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.casebook.custody import Session
from support.export_bundles import CAMPAIGN, DAY, SERVER

__all__ = [
    "CAMPAIGN",
    "DAY",
    "ONION",
    "SAMPLES",
    "add",
    "attachment",
    "know_vault",
    "name",
    "new_casebook",
    "report",
]

ONION = "a" * 56 + ".onion"
SAMPLES = json.loads((Path(__file__).parents[1] / "sample_cases.json").read_text("utf-8"))["cases"]


def attachment(name: str = "证据.txt", content: bytes = b"abc") -> Attachment:
    return Attachment(
        name, "text/plain", len(content), hashlib.sha256(content).hexdigest(), b"k" * 32, 1, 500
    )


def report(text: str = "【虚构】正文", claimant: int = 1, **changes: object) -> Report:
    """A report of claimant number *claimant*, who has one case."""
    fields: dict[str, object] = {
        "kind": "report",
        "campaign": "wechat-2020",
        "language": "zh-Hans",
        "category": "c1",
    }
    fields |= {"harms": (), "text": text, "attachments": ()}
    keys: dict[str, object] = {"reply_public": claimant.to_bytes(32, "big"), "tag_key": b"t" * 32}
    return Report(**{**fields, **keys, **changes})  # type: ignore[arg-type]


def add(casebook: Casebook, *reports: Report) -> list[int]:
    """Add reports with their opened files. Returns the numbers of their cases."""
    numbers = []
    with casebook.together():
        for one in reports:
            block = (casebook.last_part() + 1).to_bytes(16, "big")
            part = casebook.add_part(
                block_id=block, block_sha256="00" * 32, day=DAY, bundle=1, report=one
            )
            for place in range(len(one.attachments)):
                casebook.add_file(part, place)
            numbers.append(part.case)
    return numbers


def name(directory: Path, number: int = 1) -> str:
    """The name of the case that came as number *number* into the closed casebook in *directory*."""
    with Casebook.open(directory) as casebook:
        return casebook.names.of(number)


def know_vault(casebook: Casebook, home: Path | None = None) -> None:
    """Record that an empty bundle of a vault was imported, so that answers have where to go.

    *home*: the gpg home of the reviewer at work; needed where the custody log is looked at.
    """
    if home is not None:
        secret = Opener(home)
        (reviewer,) = secret.secret_fingerprints()
        casebook.session = Session(
            casebook.database, casebook.origin, reviewer, lambda data: secret.sign(data, reviewer)
        )
    empty = LastBundle(b"v" * 16, 1, b"h" * 32, ONION, frozenset())
    casebook.close_bundle(empty, DAY, [])


@contextmanager
def new_casebook(
    directory: Path, reviewers: Mapping[str, PublicKey] | None = None
) -> Iterator[Casebook]:
    """An empty casebook of the drop of export_bundles, open."""
    create(
        directory,
        server_key=bytes(SERVER.verify_key),
        campaign=CAMPAIGN,
        desk=1,
        reviewers=reviewers,
    )
    with Casebook.open(directory) as casebook:
        yield casebook
