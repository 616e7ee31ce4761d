"""What a verified bundle of format 2 holds: its blocks, and what the day keys reveal about them."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from dropbox.block import Kind, open_block, piece_id, piece_key
from dropbox.errors import CannotOpen, Damaged, NoKeyHere
from dropbox.export_bundle import ListedBlock
from dropbox.openpgp import Opener
from dropbox.pieces import Pieces
from dropbox.report import Attachment, Report
from dropbox.sealing import FORMAT_1, block_id, open_attachment
from dropbox.tombstone import Reason, Tombstone
from scripts.desk.case import Unopened
from scripts.desk.casebook.bundles import BY_DAY_KEY, PIECE, UNOPENED, WITHDRAWN, Seen
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.blocks import Blocks, kept_in
from scripts.desk.importing.filing import Claim, SealedReport
from scripts.desk.importing.listing import Found, Listing
from scripts.desk.importing.opened_blocks import DayKeys

# A file whose blocks are missing cannot be opened. After this many missing ones the search ends: a
# report may claim any number of blocks for its file.
_MOST_MISSING = 64


@dataclass
class Content:
    """What a bundle holds; see :class:`scripts.desk.importing.filing.Source`.

    Its memory is that of :class:`Listing`, 53 bytes for a slot, and 12 for a report. *filed* says
    whether the casebook has the report in a block, *bundle_of* which bundle brought a block.
    """

    blocks: Blocks
    messages: Blocks
    keys: DayKeys
    filed: Callable[[bytes], bool]
    bundle_of: Callable[[bytes], int]
    listing: Listing = field(default_factory=Listing)
    # For each slot with a message: its position, and where the message ends in ``messages``.
    # Opening its block again would take three times as long as reading it there.
    _holders: "array[int]" = field(default_factory=lambda: array("I"))
    _ends: "array[int]" = field(default_factory=lambda: array("Q"))

    def take(
        self, block: ListedBlock, data: bytes, seen: Seen | None, *, was_free: bool = False
    ) -> tuple[bytes | None, bytes | None]:
        """Keep *block*.

        Gives the sealed message in it, if it holds a report that may not be filed yet, and the
        SHA-256 of what it replaced, if it is a tombstone.

        *seen* is what the last bundle had in this slot. *was_free*: something could be filed in it.
        """
        position = self.listing.add(block)
        self.blocks.add(data)
        same = seen is not None and seen.sha256 == block.sha256
        if same and seen is not None and self._known(block, seen, position):
            return None, None
        opened = self.keys.open_block(
            block.day, data, fresh=same and seen is not None and seen.opened == UNOPENED
        )
        if opened is None and seen is not None and not same and not was_free:
            opened = self.keys.open_tombstone(block.day, data)
        if opened is None:
            return None, None
        self.listing.note(position, Found.OPENED)
        if opened.kind is Kind.TOMBSTONE:
            return None, self._bury(block, opened.content, position)
        if opened.kind is not Kind.REPORT:
            return None, None
        self.listing.note(position, Found.REPORT)
        self.messages.add(opened.content)
        self._holders.append(position)
        self._ends.append(self.messages.end)
        return opened.content, None

    def _known(self, block: ListedBlock, seen: Seen, position: int) -> bool:
        """Whether an earlier import opened all of it."""
        if seen.opened in (PIECE, WITHDRAWN):
            found = Found.PIECE if seen.opened == PIECE else Found.OPENED | Found.WITHDRAWN
            self.listing.note(position, found)
            return True
        if seen.opened != BY_DAY_KEY:
            return False
        # It is under a key that stays shut this time, too.
        self.listing.note(position, Found.OPENED)
        if not self.filed(block.id):
            return False
        self.listing.note(position, Found.REPORT)
        return True

    def _bury(self, block: ListedBlock, content: bytes, position: int) -> bytes | None:
        try:
            tombstone = Tombstone.from_content(content)
        except CannotOpen:
            return None
        # A tombstone for another block vouches for nothing here.
        if tombstone.id != block.id:
            return None
        if tombstone.reason is Reason.WITHDRAWN:
            self.listing.note(position, Found.WITHDRAWN)
        return tombstone.replaces

    def __len__(self) -> int:
        return len(self.listing)

    def __contains__(self, block_id: bytes) -> bool:
        return block_id in self.listing

    def reports(self, known: Callable[[bytes], bool]) -> Iterator[SealedReport]:
        """See Source."""
        for position in self.listing.having(Found.OPENED):
            block = self.listing.block(position)
            if known(block.id) or Found.REPORT not in self.listing.found(position):
                continue
            yield SealedReport(
                position + 1,
                block.id,
                block.sha256.hex(),
                block.day,
                self.bundle_of(block.id),
                self._message(position),
            )

    def _message(self, position: int) -> bytes:
        index = bisect_left(self._holders, position)
        assert self._holders[index] == position
        begin = self._ends[index - 1] if index else 0
        return self.messages.read(begin, self._ends[index] - begin)

    def claim(self, report: Report, attachment: Attachment) -> Claim:
        """See Source."""
        positions = list(self.pieces(report, attachment))
        withdrawn = False
        for position in positions:
            self.listing.note(position, Found.PIECE)
            withdrawn |= bool(self.listing.found(position) & Found.WITHDRAWN)
        return Claim(here=bool(positions), withdrawn=withdrawn)

    def pieces(self, report: Report, attachment: Attachment) -> Iterator[int]:
        """The positions of those slots that belong to *attachment*."""
        one_id = piece_id if report.version > 1 else block_id
        missing = 0
        for number in range(min(attachment.blocks, len(self.listing))):
            position = self.listing.find(one_id(attachment.block_key, number))
            if position is not None:
                missing = 0
                yield position
            elif (missing := missing + 1) > _MOST_MISSING:
                return

    def settle(self, block_id: bytes) -> None:
        """See Source."""
        if (position := self.listing.find(block_id)) is not None:
            self.listing.note(position, Found.SETTLED)

    def unsettled(self) -> int:
        """See Source."""
        return len(self.listing) - self.listing.count(Found.SETTLED | Found.PIECE)

    def is_piece(self, block_id: bytes) -> bool:
        """See Source."""
        position = self.listing.find(block_id)
        return position is not None and Found.PIECE in self.listing.found(position)

    def open_file(
        self,
        report: Report,
        attachment: Attachment,
        opener: Opener,
        sink: Callable[[bytes], None],
    ) -> None:
        """See Source. Files of reports of version 1 were sealed before there were day keys."""
        cut = _Pieces(self._day_of, self.keys) if report.version > 1 else FORMAT_1
        try:
            open_attachment(attachment, self._get, opener, sink, format=cut)
        except Damaged as why:
            days = [self.listing.day(position) for position in self.pieces(report, attachment)]
            if report.version > 1 and any(map(self.keys.shut_near, days)):
                raise NoKeyHere(f"{why} A key of its day is shut.") from None
            raise

    def _get(self, block_id: bytes) -> bytes | None:
        position = self.listing.find(block_id)
        return None if position is None else self.blocks.at(position)

    def _day_of(self, block_id: bytes) -> date | None:
        position = self.listing.find(block_id)
        return None if position is None else self.listing.day(position)

    def unopened_keys(self) -> list[Unopened]:
        """The day keys that stayed shut, as things that could not be opened."""
        return [
            Unopened(key.id, 0, f"The key of what came on {key.day}: {key.why}", key.cause)
            for key in self.keys.unopened
        ]

    def remembered(self) -> Iterator[tuple[bytes, Seen]]:
        """The slots with which the next bundle is compared, by ascending id."""
        for position in range(len(self.listing)):
            block, found = self.listing.block(position), self.listing.found(position)
            yield block.id, Seen(block.sha256, block.day, _remembered(found))


def _remembered(found: Found) -> int:
    if Found.WITHDRAWN in found:
        return WITHDRAWN
    if Found.PIECE in found:
        return PIECE
    return BY_DAY_KEY if found else UNOPENED


@contextmanager
def content_of(
    casebook: Casebook, keys: DayKeys, bundle_of: Callable[[bytes], int]
) -> Iterator[Content]:
    """An empty :class:`Content`, on the disk of *casebook* until the ``with`` block ends.

    Raises CannotWrite.
    """
    with kept_in(casebook.directory) as blocks, kept_in(casebook.directory) as messages:
        yield Content(blocks, messages, keys, filed=casebook.has_block, bundle_of=bundle_of)


class _Pieces(Pieces):
    """Pieces of files; the key that opened one is tried first for the next."""

    def __init__(self, day_of: Callable[[bytes], date | None], keys: DayKeys) -> None:
        super().__init__(lambda _id: [])
        self._day_of = day_of
        self._keys = keys

    def open(self, block: bytes, block_key: bytes, number: int) -> bytes:
        """See BlockFormat."""
        day = self._day_of(self.id(block_key, number))
        keys = [] if day is None else self._keys.of(day)
        opened = open_block(block, (piece_key(key.key, block_key, number) for key in keys))
        if opened.kind is not Kind.PIECE:
            raise CannotOpen("This block is no piece of a file.")
        if day is not None:
            self._keys.prefer(keys[opened.key].key, day)
        return opened.content
