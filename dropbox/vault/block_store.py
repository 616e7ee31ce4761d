"""What the vault asks of its store of blocks: the types, the errors and the interface.

A store keeps blocks of one size under random ids. It does not know which block is a report, a piece
of a file or nothing; a block is real if a sealed report names it.
"""

from collections.abc import Callable, Sequence
from datetime import date
from enum import Enum, unique
from typing import NamedTuple, Protocol

from dropbox.errors import CannotStore, CasedropError
from dropbox.export_bundle import AcceptedReplies, ListedBlock
from dropbox.reply_bundle import ReplyBundle
from dropbox.tombstone import Reason


class StoredTwice(CasedropError):
    """A block or a reply with this name already exists; nothing was stored."""


class Busy(CannotStore):
    """More is arriving than the vault can write; nothing was stored."""


class NoRoom(CannotStore):
    """The disk has no room for new reports; what is stored can be read and withdrawn."""


class ClockJumped(CannotStore):
    """The clock jumped by more than a day; nothing is accepted until the operator confirms it."""


# The content of a block: while it arrives, a part of the request's body, which is not copied.
Content = bytes | memoryview


class Block(NamedTuple):
    """A block that arrives: its id, the hash of what deletes it, and its BLOCK_BYTES."""

    id: bytes
    erase_hash: bytes
    data: Content


class Claim(NamedTuple):
    """A piece that a report takes over: what has deleted it so far, and the hash of what will."""

    id: bytes
    preimage: bytes
    erase_hash: bytes


@unique
class DayState(Enum):
    """What is happening to a day's slots."""

    OPEN = "open"  # today
    CLOSED = "closed"  # waits for the desk's acknowledgement
    KEPT = "kept"  # acknowledged, in its grace period
    LEAVING = "leaving"  # being overwritten
    GONE = "gone"  # overwritten; remembered for the exports


class Day(NamedTuple):
    """A UTC day, how many slots it has or had, its state, and whether the desk acknowledged it."""

    day: date
    slots: int
    state: DayState
    acknowledged: bool


class Export(NamedTuple):
    """An export bundle: its number (from 1) and the SHA-256 of its head."""

    number: int
    head: bytes


class Condition(NamedTuple):
    """What the operator has to know about a store; days are UTC.

    ``free_bytes``: on the file system. ``days_left``: see disk_forecast. ``exported``: the day of
    the newest export. ``acknowledged``: when the desk last acknowledged a day that is remembered.
    """

    free_bytes: int
    days_left: int | None
    exported: date | None
    acknowledged: date | None


# seal(id, reason, SHA-256 of what was there) -> BLOCK_BYTES that look like any other block
SealTombstone = Callable[[bytes, Reason, bytes], bytes]


class BlockStore(Protocol):
    """A store of blocks, replies and the few numbers that the vault has to remember.

    Safe to share between threads. Whatever returned without an error is on the disk, except what
    ``put`` took: that is on the disk once the report that claims it is. All methods raise
    CannotStore if the disk fails; nothing of that call is then kept.
    """

    def put(self, blocks: Sequence[Block]) -> None:
        """Take the pieces of a file, all or none.

        Raises StoredTwice if an id exists, Busy, NoRoomForFiles, NoRoom or ClockJumped.
        """

    def commit(self, report: Block, claims: Sequence[Claim]) -> None:
        """Store *report* and give it the pieces that it claims, all or nothing.

        A report that exists is not stored twice: the claimed pieces, second copies, are erased.
        Raises PendingGone if a piece does not exist or its preimage is wrong, and what ``put``
        raises.
        """

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Erase each block of *owned* (id, preimage) whose preimage is right."""

    def withdraw(self, secret: bytes) -> None:
        """Erase every block whose preimage comes from *secret*; same work for every secret."""

    def read(self, block_id: bytes) -> bytes | None:
        """The present bytes of a slot; None if it has left with its day."""

    def snapshot(self) -> list[ListedBlock]:
        """All slots of days that are open or closed, by id."""

    def days(self) -> list[Day]:
        """Every day that has slots, or had them not long ago, in order."""

    def keep_key(self, day: date, record: bytes) -> None:
        """Keep the sealed record of a day key of *day*."""

    def day_keys(self) -> list[tuple[date, bytes]]:
        """All sealed records of day keys, by day."""

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(index in *tags*, sealed reply) for each that exists; same work for every tag."""

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Overwrite the replies under *tags*."""

    def accept(self, bundle: ReplyBundle) -> None:
        """Take a whole, verified *bundle*: replies, number, and acknowledgements.

        Acknowledging an export means having all slots of the days that were closed when it was
        made. Raises BadBundle if its number does not follow, a tag exists, or it acknowledges an
        export that this vault did not make.
        """

    def accepted(self) -> list[AcceptedReplies]:
        """The newest MAX_TAKEN bundles of each desk and reviewer, the oldest first."""

    def vault_id(self) -> bytes:
        """ID_BYTES at random, made with the store."""

    def exports(self) -> list[Export]:
        """The export bundles, except those older than the newest acknowledged one."""

    def note_export(self, export: Export) -> None:
        """Remember an export of what is listed today. Raises CannotStore unless it is the next."""

    def trouble(self) -> str | None:
        """A sentence for the operator if nothing new is accepted, or None."""

    def condition(self) -> Condition:
        """The disk, and when the courier last came and the desk last acknowledged."""

    def confirm_clock(self) -> None:
        """The operator says that the clock is right: accept reports again."""

    def start(self) -> None:
        """Start ticking, in a thread. Lock the room first."""

    def check(self) -> None:
        """Raise CannotStore unless the store can be read."""

    def close(self) -> None:
        """Write what waits, then close."""
