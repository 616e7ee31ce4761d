"""Opening an export bundle of format 2: verified, compared with the last one, and then filed.

Nothing is added before all of the bundle has been verified. Whatever disagrees with the previous
bundle is named block by block; the reviewer decides whether the rest is imported all the same.

What a server that was taken over can cost here, in seconds of one core: a new slot 0.02 s (tried
with 672 day keys); one that the last import knew 0.0002 s and 53 bytes; 20,832 day keys, the most
that fit on 93 days for one reviewer, 7 s and 190 MB; a report that does not open, the time that gpg
takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from nacl.signing import VerifyKey

from dropbox.errors import BadBundle
from dropbox.export_bundle import Head, ListedBlock
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.report import Report
from scripts.desk.case import Unopened
from scripts.desk.casebook.bundles import LastBundle
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.numbers import SKIPPED_BUNDLES
from scripts.desk.casebook.releases import Confirmation
from scripts.desk.importing.chain import (
    Comparison,
    Finding,
    check_order,
    check_successor,
    skipped,
    was_free,
)
from scripts.desk.importing.content import Content, content_of
from scripts.desk.importing.filing import BATCH, Filing, Opened, Progress, Sealed, early_worker
from scripts.desk.importing.listing import Found
from scripts.desk.importing.opened_blocks import DayKeys
from scripts.desk.importing.received_bundle import ReceivedBundle
from scripts.desk.importing.setting_aside import Keeping, Kept, Wanted
from scripts.desk.importing.workers import EarlyWorker
from scripts.desk.search import summary

# Findings named in one message; there can be as many as blocks.
_NAMED = 20


class Disagrees(BadBundle):
    """A bundle does not fit the one before it; ``findings`` has all that disagrees."""

    def __init__(self, findings: Sequence[Finding], advice: str = "") -> None:
        named = " ".join(map(str, findings[:_NAMED]))
        more = f" And {len(findings) - _NAMED} more." if len(findings) > _NAMED else ""
        super().__init__(
            f"The bundle disagrees with the one before it; nothing was imported. {named}{more}"
            + (f" {advice}" if advice else "")
        )
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Accepted:
    """What the reviewer accepts, after a first import has named it.

    *findings*: whatever disagrees with the bundle before. *new_vault*: a vault that takes the place
    of a lost one, as the operator states. *set_aside*: what cannot be opened and is kept sealed.
    """

    findings: bool = False
    new_vault: bool = False
    set_aside: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True)
class Imported:
    """The result of an import: what was filed, what disagreed, and bundles never imported here.

    ``withdrawn``: the numbers of cases from which something was taken back without a notice,
    because the server had no room for one. ``crowded``: the days with more day keys than an honest
    front makes. ``waiting``: what could not be opened and holds back the acknowledgement.
    ``confirmed``: the reply bundles that arrived since the last import.
    """

    opened: Opened
    findings: tuple[Finding, ...]
    skipped: tuple[int, ...]
    withdrawn: tuple[int, ...] = ()
    kept: Kept = field(default_factory=Kept)
    crowded: tuple[date, ...] = ()
    waiting: tuple[Unopened, ...] = ()
    confirmed: tuple[int, ...] = ()


def open_export(
    casebook: Casebook,
    directory: Path,
    opener: Opener,
    find_secret: Callable[[bytes], SecretKey | None],
    *,
    today: date,
    progress: Progress | None = None,
    batch: int = BATCH,
    accepted: Accepted = Accepted(),
) -> Imported:
    """Verify the export bundle in *directory* and add what is new in it to *casebook*.

    *find_secret* gives the reviewer's HPKE secrets; see dropbox.week_secrets.WeekSecrets. Raises
    BadBundle, or its subclass Disagrees, before anything was added.
    """
    received = ReceivedBundle(
        directory, VerifyKey(casebook.server_key), campaign=casebook.campaign.code
    )
    last = _last(casebook, received.head, accepted)
    show = progress or (lambda _stage, _done, _total: None)
    keys = DayKeys.open(received.head.day_keys, find_secret, casebook.bundles.tried())
    with (
        early_worker(opener) as early,
        content_of(casebook, keys, lambda _id: received.head.number) as content,
    ):
        run = _Import(casebook, received.head, last, content)
        findings = run.verify(received, early, show)
        if findings and not accepted.findings:
            raise Disagrees(findings)
        filing = Filing(casebook, content, opener=opener, early=early, batch=batch)
        filing.open_reports(show)
        filing.open_files(show)
        opened = run.close(filing, today, accepted.set_aside)
    return Imported(
        opened,
        tuple(findings),
        tuple(skipped(received.head, last)),
        tuple(summary.taken_back_unsaid(casebook, run.taken_back())),
        run.kept,
        tuple(content.keys.crowded()),
        tuple(run.waiting(opened)),
        tuple(one.reply_bundle for one in run.confirmed),
    )


class _Import:
    """One import: the bundle of *head* beside the *last* one."""

    def __init__(
        self, casebook: Casebook, head: Head, last: LastBundle | None, content: Content
    ) -> None:
        self._casebook = casebook
        self._head = head
        self._last = last
        self._content = content
        self.kept = Kept()
        self.confirmed: list[Confirmation] = []

    def verify(
        self, received: ReceivedBundle, early: EarlyWorker[Sealed, Report], show: Progress
    ) -> list[Finding]:
        """Read and verify all blocks, in order. Returns what disagrees with the last bundle.

        The first reports are opened meanwhile. Raises BadBundle.
        """
        comparison = Comparison(self._head, self._last, self._casebook.bundles.slots())

        def take(block: ListedBlock, data: bytes) -> None:
            seen = comparison.before(block.id)
            free = seen is not None and self._last is not None and was_free(seen, self._last)
            message, replaced = self._content.take(block, data, seen, was_free=free)
            comparison.judge(block, seen, replaced)
            if message is not None and early.free and not self._casebook.has_block(block.id):
                early.begin(block.id, message)
            show("blocks", len(self._content), self._head.blocks)

        received.read(take)
        early.stop()
        return comparison.findings(self._content.listing.repeated())

    def close(self, filing: Filing, today: date, wanted: Wanted) -> Opened:
        """Record the bundle as imported, with what could not be opened and what is set aside."""
        content, head = self._content, self._head

        def record(unopened: Sequence[Unopened]) -> None:
            for record_id in content.keys.ids:
                self._casebook.forget_unopened(record_id)
            self._casebook.close_bundle(
                LastBundle(head.vault, head.number, head.digest, head.onion, _closed(head)),
                today,
                unopened,
                content.remembered(),
                content.keys.ids,
            )
            self.kept = Keeping(self._casebook, content, head).keep(unopened, wanted)
            self.confirmed = self._confirm(today)

        return filing.close(head.number, today, record, content.unopened_keys())

    def _confirm(self, today: date) -> list[Confirmation]:
        """Record which reply bundles of this desk the vault has taken. Returns what is new."""
        desk, head = self._casebook.desk, self._head
        # A number that nobody at this desk can have written would use up all that follow.
        most = self._casebook.numbers.last_given() + SKIPPED_BUNDLES
        return self._casebook.confirmations.add(
            Confirmation(head.vault.hex(), desk, one.reviewer, one.number, head.number, today)
            for one in head.replies
            if one.desk == desk and one.number <= most
        )

    def waiting(self, opened: Opened) -> list[Unopened]:
        """What could not be opened and was not set aside."""
        marked = self._casebook.set_aside.marked()
        return [one for one in opened.unopened if (one.block_id, one.place) not in marked]

    def taken_back(self) -> list[bytes]:
        """The blocks that a claimant's tombstone has replaced."""
        listing = self._content.listing
        return [listing.id(position) for position in listing.having(Found.WITHDRAWN)]


def _closed(head: Head) -> frozenset[date]:
    return frozenset(held.day for held in head.days if held.closed)


def _last(casebook: Casebook, head: Head, accepted: Accepted) -> LastBundle | None:
    """What to compare *head* with. Raises BadBundle if it may not follow."""
    last = casebook.bundles.last()
    if last is None:
        return None
    if head.vault != last.vault and accepted.new_vault:
        check_successor(head, last)
        return None
    if head.number == last.number and head.digest == last.digest and casebook.unopened():
        # Imported again for what could not be opened, because of a mistyped passphrase or a missing
        # key.
        return last
    check_order(head, last)
    return last
