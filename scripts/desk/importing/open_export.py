"""Opening an export bundle of format 2: verified, compared with the last one, and then filed.

Nothing is added before all of the bundle has been verified. What disagrees with the bundle before
is named block by block; the reviewer decides whether what is left is imported all the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from nacl.signing import VerifyKey

from dropbox.block import Kind
from dropbox.errors import BadBundle, CannotOpen
from dropbox.export_bundle import Head, ListedBlock
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.pieces import Pieces, piece_ids
from dropbox.report import Attachment, Report
from dropbox.sealing import FORMAT_1, attachment_block_ids, open_attachment, open_message
from dropbox.tombstone import Reason, Tombstone
from scripts.desk.case import Unopened
from scripts.desk.casebook.bundles import LastBundle, Seen
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.blocks import Blocks, kept_in
from scripts.desk.importing.chain import (
    Finding,
    check_order,
    check_successor,
    compare,
    skipped,
)
from scripts.desk.importing.filing import BATCH, Filing, Opened, Progress, Sealed, SealedReport
from scripts.desk.importing.opened_blocks import DayKeys
from scripts.desk.importing.received_bundle import ReceivedBundle
from scripts.desk.importing.workers import EarlyWorker
from scripts.desk.search import summary

# Findings named in one message; there can be as many as blocks.
_NAMED = 20


class Disagrees(BadBundle):
    """A bundle does not fit the one before it; ``findings`` has all of it."""

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
    of a lost one, by the operator's word.
    """

    findings: bool = False
    new_vault: bool = False


@dataclass(frozen=True)
class Imported:
    """What came of an import: what was filed, what disagreed, and bundles that never came here.

    ``withdrawn``: the numbers of cases of which something was taken back without a notice, since
    the server had no room for one.
    """

    opened: Opened
    findings: tuple[Finding, ...]
    skipped: tuple[int, ...]
    withdrawn: tuple[int, ...] = ()


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
    BadBundle, and of that Disagrees, before anything was added.
    """
    show = progress or (lambda _stage, _done, _total: None)
    received = ReceivedBundle(
        directory, VerifyKey(casebook.server_key), campaign=casebook.campaign.code
    )
    head, last = received.head, _last(casebook, received.head, accepted)
    with ExitStack() as stack:
        early: EarlyWorker[Sealed, Report] = stack.enter_context(
            EarlyWorker(lambda message: open_message(message, opener))
        )
        content = _Content(
            stack.enter_context(kept_in(casebook.directory)),
            DayKeys.open(head.day_keys, find_secret),
            last.slots if last else {},
        )

        def take(block: ListedBlock, data: bytes) -> None:
            message = content.take(block, data)
            if message is not None and early.free and not casebook.has_block(block.id):
                early.begin(block.id, message)
            show("blocks", len(content.listed), head.blocks)

        received.read(take)
        early.stop()
        findings = compare(last, head, content.listed, content.tombstones)
        if findings and not accepted.findings:
            raise Disagrees(findings)
        filing = Filing(
            casebook, content, number=head.number, opener=opener, early=early, batch=batch
        )
        filing.open_reports(show)
        filing.open_files(show)

        def record(unopened: Sequence[Unopened]) -> None:
            with casebook.together():
                for record_id in content.keys.ids:
                    casebook.forget_unopened(record_id)
                casebook.close_bundle(content.remembered(head, filing.named), today, unopened)

        opened = filing.close(today, record, content.unopened_keys())
        withdrawn = tuple(summary.taken_back_unsaid(casebook, content.withdrawn))
    return Imported(opened, tuple(findings), tuple(skipped(head, last)), withdrawn)


def _last(casebook: Casebook, head: Head, accepted: Accepted) -> LastBundle | None:
    """What to compare *head* with. Raises BadBundle if it may not follow."""
    last = casebook.bundles.last()
    if last is None:
        return None
    if head.vault != last.vault and accepted.new_vault:
        check_successor(head, last)
        return None
    if head.number == last.number and head.digest == last.digest and casebook.unopened():
        # Tried again for what could not be opened: because of a mistyped passphrase, or a key that
        # was missing.
        return last
    check_order(head, last)
    return last


@dataclass
class _Content:
    """What a bundle holds; see :class:`scripts.desk.importing.filing.Source`.

    ``before`` has the slots of the last bundle.
    """

    blocks: Blocks
    keys: DayKeys
    before: Mapping[bytes, Seen]
    listed: list[ListedBlock] = field(default_factory=list)
    tombstones: dict[bytes, bytes] = field(default_factory=dict)
    withdrawn: set[bytes] = field(default_factory=set)
    _reports: list[tuple[int, ListedBlock]] = field(default_factory=list)
    _opened: set[bytes] = field(default_factory=set)

    def take(self, block: ListedBlock, data: bytes) -> bytes | None:
        """Keep *block*. Returns the sealed message in it if it holds a report."""
        self.listed.append(block)
        self.blocks.add(block.id, data)
        opened = self.keys.open_block(block.day, data)
        if opened is None and self._changed(block):
            opened = self.keys.open_tombstone(block.day, data)
        if opened is None:
            return None
        self._opened.add(block.id)
        if opened.kind is Kind.TOMBSTONE:
            self._bury(block, opened.content)
        if opened.kind is not Kind.REPORT:
            return None
        self._reports.append((len(self.listed), block))
        return opened.content

    def _changed(self, block: ListedBlock) -> bool:
        """Whether it holds something else than in the last bundle: it happens to few."""
        before = self.before.get(block.id)
        return before is not None and before.sha256 != block.sha256

    def _bury(self, block: ListedBlock, content: bytes) -> None:
        try:
            tombstone = Tombstone.from_content(content)
        except CannotOpen:
            return
        # One that speaks of another block vouches for nothing here.
        if tombstone.id == block.id:
            self.tombstones[block.id] = tombstone.replaces
            if tombstone.reason is Reason.WITHDRAWN:
                self.withdrawn.add(block.id)

    @cached_property
    def ids(self) -> frozenset[bytes]:
        """See Source."""
        return frozenset(block.id for block in self.listed)

    @cached_property
    def _days(self) -> dict[bytes, date]:
        return {block.id: block.day for block in self.listed}

    def reports(self, known: frozenset[bytes]) -> Iterator[SealedReport]:
        """See Source."""
        for position, block in self._reports:
            if block.id in known:
                continue
            data = self.blocks.get(block.id)
            assert data is not None
            opened = self.keys.open_block(block.day, data)
            assert opened is not None
            yield SealedReport(position, block.id, block.sha256.hex(), block.day, opened.content)

    def blocks_of(self, report: Report, attachment: Attachment) -> frozenset[bytes]:
        """See Source."""
        few = replace(attachment, blocks=min(attachment.blocks, len(self.listed)), sealed_bytes=0)
        ids = piece_ids(few) if report.version > 1 else attachment_block_ids(few)
        return self.ids.intersection(ids)

    def open_file(
        self,
        report: Report,
        attachment: Attachment,
        opener: Opener,
        sink: Callable[[bytes], None],
    ) -> None:
        """See Source. Files of reports of version 1 were sealed before there were day keys."""
        blocks = Pieces(self._keys_of) if report.version > 1 else FORMAT_1
        open_attachment(attachment, self.blocks.get, opener, sink, format=blocks)

    def _keys_of(self, block_id: bytes) -> list[bytes]:
        day = self._days.get(block_id)
        return [] if day is None else self.keys.of(day)

    def unopened_keys(self) -> list[Unopened]:
        """The day keys that stayed shut, as what could not be opened."""
        return [
            Unopened(key.id, 0, f"The key of what came on {key.day}: {key.why}")
            for key in self.keys.unopened
        ]

    def remembered(self, head: Head, named: frozenset[bytes]) -> LastBundle:
        """What to compare the next bundle with. *named*: the blocks of files that were opened."""
        slots = {
            block.id: Seen(block.sha256, block.day, self._was_opened(block, named))
            for block in self.listed
        }
        closed = frozenset(held.day for held in head.days if held.closed)
        return LastBundle(head.vault, head.number, head.digest, head.onion, slots, closed)

    def _was_opened(self, block: ListedBlock, named: frozenset[bytes]) -> bool:
        before = self.before.get(block.id)
        # Under a key that stays shut this time, too.
        same = before is not None and before.opened and before.sha256 == block.sha256
        return same or block.id in self._opened or block.id in named
