"""A front in this process with a stand-in for the vault, and the reviewers' side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from dropbox import openpgp
from dropbox.campaign import Campaign
from dropbox.codename import CHEAPEST, WordLists
from dropbox.errors import CannotOpen, CasedropError, PendingGone
from dropbox.front.factory import create_front
from dropbox.front.intake import Intake
from dropbox.front.shared_keys import SharedKeys
from dropbox.openpgp import Opener, Reviewers
from dropbox.report import Report
from dropbox.sealing import Block, open_report
from dropbox.settings import Settings
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser

PACKAGE = Path(openpgp.__file__).parent


ONION = "casedrop" * 7 + ".onion"


class StandInVault:
    """What the front needs of a vault, in memory.

    *failure* is raised by every call while it is set; ``fail_at`` chooses a single one. The names
    of all calls are in *asked*, in their order, the failing ones too.
    """

    def __init__(self) -> None:
        self.pending: dict[bytes, bytes] = {}
        self.final: dict[bytes, tuple[bytes, bytes]] = {}
        self.sealed: dict[bytes, bytes] = {}
        self.failure: CasedropError | None = None
        self.asked: list[str] = []
        self._chosen: dict[str, tuple[int, CasedropError]] = {}

    def fail_at(self, call: str, failure: CasedropError, *, count: int = 1) -> None:
        """Make the *count*-th call named *call*, from now on, raise *failure*; all other calls
        succeed.
        """
        assert callable(getattr(self, call))
        self._chosen[call] = (self.asked.count(call) + count, failure)

    def _may_fail(self, call: str) -> None:
        self.asked.append(call)
        if self.failure is not None:
            raise self.failure
        number, failure = self._chosen.get(call, (0, None))
        if failure is not None and self.asked.count(call) == number:
            raise failure

    def _forget(self, ids: Sequence[bytes]) -> None:
        for block_id in ids:
            self.pending.pop(block_id, None)

    def put_pending(self, blocks: Sequence[Block]) -> None:
        """See VaultClient."""
        self._may_fail("put_pending")
        self.pending.update({block.id: block.data for block in blocks})

    def commit(
        self, report: Block, report_tag: bytes, others: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """See VaultClient."""
        self._may_fail("commit")
        if report.id not in self.final:
            if not all(block_id in self.pending for block_id, _ in others):
                raise PendingGone
            self.final[report.id] = (report.data, report_tag)
            self.final.update({block_id: (self.pending[block_id], tag) for block_id, tag in others})
        self._forget([block_id for block_id, _ in others])

    def abandon(self, ids: Sequence[bytes]) -> None:
        """See VaultClient."""
        self._may_fail("abandon")
        self._forget(ids)

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """See VaultClient."""
        self._may_fail("replies")
        return [(place, self.sealed[tag]) for place, tag in enumerate(tags) if tag in self.sealed]

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """See VaultClient."""
        self._may_fail("forget_replies")
        for tag in tags:
            self.sealed.pop(tag, None)

    def tags(self) -> list[tuple[bytes, bytes]]:
        """See VaultClient."""
        self._may_fail("tags")
        return [(block_id, tag) for block_id, (_, tag) in self.final.items()]

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """See VaultClient."""
        self._may_fail("withdraw")
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
    restart: Callable[[], None] = lambda: None

    def browser(self) -> Browser:
        """A browser for this front, without a network."""
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


def make_settings(directory: Path, keys: Path) -> Settings:
    """Those of a new site in *directory*, with small limits."""
    site = make_site(directory, onion=ONION, keys=keys)
    limits = {
        "CASEDROP_LIMITS_FILE_BYTES": str(2**20),
        "CASEDROP_LIMITS_POST_BYTES": str(3 * 2**20),
    }
    return Settings.load({"CASEDROP_SETTINGS": str(site.settings_file), **limits})


def make_front(
    settings: Settings,
    reviewer_homes: list[Path],
    reviewers: Reviewers,
    campaign: Campaign,
    words: WordLists,
    templates: Path,
) -> Front:
    """A front that writes to no disk. Fronts that share *templates* compile each of theirs once."""
    made = Front(
        Flask("none"), StandInVault(), settings, Opener(reviewer_homes[0]), 1_790_000_000.0
    )
    keys = SharedKeys.private(lambda: made.now)

    def restart() -> None:
        made.app = create_front(
            settings,
            intake=Intake(
                settings,
                reviewers=reviewers,
                vault=made.vault,
                campaign=campaign,
                cost=CHEAPEST,
            ),
            fingerprints=reviewers.fingerprints,
            campaign=campaign,
            words=words,
            keys=keys,
            clock=lambda: made.now,
            step_seconds=0.001,
        )
        made.app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(templates))

    made.restart = restart
    restart()
    return made
