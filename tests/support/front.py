"""A front in this process with a stand-in for the vault, and the reviewers' side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from dropbox import openpgp
from dropbox.block import Kind, open_block
from dropbox.campaign import Campaign
from dropbox.codename import CHEAPEST, WordLists
from dropbox.erase_hash import erase_preimage, erases
from dropbox.errors import CannotOpen, CasedropError, PendingGone
from dropbox.front.factory import create_front
from dropbox.front.intake import Charge, Intake, free_of_charge
from dropbox.front.shared_keys import SharedKeys
from dropbox.front.turn import wait_for_turn
from dropbox.front.vault_client import Claim, SealedBlock
from dropbox.next_address import NextAddress
from dropbox.openpgp import Opener, Reviewers
from dropbox.pieces import Pieces
from dropbox.public_keys import PublicKeys
from dropbox.report import Attachment, Report
from dropbox.sealing import open_attachment, open_message
from dropbox.settings import Settings
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser

PACKAGE = Path(openpgp.__file__).parent


ONION = "casedrop" * 7 + ".onion"
# A day key that does not end, for fronts without a vault that keeps its record.
DAY_KEY = bytes(range(32))


class StandInVault:
    """What the front needs of a vault, in memory.

    *failure* is raised by every call while it is set; ``fail_at`` chooses a single one. The names
    of all calls are in *asked*, in their order, the failing ones too. ``pending``: pieces whose
    report has not come; ``final``: reports and the pieces that they claimed.
    """

    def __init__(self) -> None:
        self.pending: dict[bytes, SealedBlock] = {}
        self.final: dict[bytes, SealedBlock] = {}
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

    def put(self, blocks: Sequence[SealedBlock]) -> None:
        """See VaultClient."""
        self._may_fail("put")
        self.pending.update({block.id: block for block in blocks})

    def commit(self, report: SealedBlock, claims: Sequence[Claim]) -> None:
        """See VaultClient."""
        self._may_fail("commit")
        if report.id not in self.final:
            if not all(
                claim.id in self.pending
                and erases(claim.preimage, self.pending[claim.id].erase_hash)
                for claim in claims
            ):
                raise PendingGone
            self.final[report.id] = report
            self.final.update(
                {
                    claim.id: self.pending[claim.id]._replace(erase_hash=claim.erase_hash)
                    for claim in claims
                }
            )
        for claim in claims:
            self.pending.pop(claim.id, None)

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """See VaultClient."""
        self._may_fail("erase")
        for held in (self.pending, self.final):
            for block_id, preimage in owned:
                if block_id in held and erases(preimage, held[block_id].erase_hash):
                    del held[block_id]

    def withdraw(self, secret: bytes) -> None:
        """See VaultClient."""
        self._may_fail("withdraw")
        for block_id, block in list(self.final.items()):
            if erases(erase_preimage(secret, block_id), block.erase_hash):
                del self.final[block_id]

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """See VaultClient."""
        self._may_fail("replies")
        return [(place, self.sealed[tag]) for place, tag in enumerate(tags) if tag in self.sealed]

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """See VaultClient."""
        self._may_fail("forget_replies")
        for tag in tags:
            self.sealed.pop(tag, None)


@dataclass
class Front:
    """A front in this process, its stand-in vault, its clock, and the reviewers' side."""

    app: Flask
    vault: StandInVault
    settings: Settings
    opener: Opener
    now: float
    restart: Callable[[], None] = lambda: None
    charge: Charge = free_of_charge
    next_address: NextAddress | None = None

    def browser(self) -> Browser:
        """A browser for this front, without a network."""
        return Browser(ONION, transport=httpx.WSGITransport(app=self.app.wsgi_app))

    def reports(self) -> list[Report]:
        """Every report that was filed, opened as the desk would."""
        opened = []
        for block in self.vault.final.values():
            try:
                found = open_block(block.data, [DAY_KEY])
            except CannotOpen:
                continue  # a piece of a file, which needs the file's key as well
            assert found.kind is Kind.REPORT
            opened.append(open_message(found.content, self.opener))
        return opened

    def file(self, attachment: Attachment) -> bytes:
        """A file that was filed, opened as the desk would."""
        taken: list[bytes] = []
        open_attachment(
            attachment,
            lambda block_id: self.vault.final[block_id].data,
            self.opener,
            taken.append,
            format=Pieces(lambda _id: [DAY_KEY]),
        )
        return b"".join(taken)


def make_settings(
    directory: Path, keys: Path, change: Callable[[Path], object] | None = None
) -> Settings:
    """Those of a new site in *directory*, with small limits.

    *change* is called with their file before it is read.
    """
    site = make_site(directory, onion=ONION, keys=keys)
    if change is not None:
        change(site.settings_file)
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
                day_key=lambda: DAY_KEY,
                campaign=campaign,
                cost=CHEAPEST,
                charge=made.charge,
                turn=wait_for_turn,
            ),
            public_keys=PublicKeys.load(settings.keys),
            campaign=campaign,
            words=words,
            keys=keys,
            clock=lambda: made.now,
            step_seconds=0.001,
            next_address=made.next_address,
        )
        made.app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(templates))

    made.restart = restart
    restart()
    return made
