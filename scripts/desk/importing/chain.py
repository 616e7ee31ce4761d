"""Comparing an export bundle with the one before it: what is missing, altered, added or repeated.

The server signs what it holds and what it deleted, so whatever disagrees with an earlier bundle was
done by the server, its vault or its disk, and not by the courier, whose changes the signatures
would reveal. A block may leave in only two ways: with its whole day, which the head names, or by a
tombstone in its slot, a sealed block that says why.
"""

from collections.abc import Iterable
from typing import NamedTuple

from dropbox.errors import BadBundle
from dropbox.export_bundle import Head, ListedBlock
from scripts.desk.casebook.bundles import LastBundle, Seen


class Finding(NamedTuple):
    """Something that disagrees with the previous bundle: a kind of FINDINGS, and the block."""

    kind: str
    block_id: bytes

    def __str__(self) -> str:
        return f"Block {self.block_id.hex()} {FINDINGS[self.kind]}."


# Each is the end of a sentence that begins with "Block" and its id.
FINDINGS = {
    "missing": "is missing, and nothing says why",
    "altered": "was altered, and nothing says why",
    "added": "was added to a day that was over",
    "moved": "is on another day than before",
    "repeated": "has the same content as another one",
}


def check_order(head: Head, last: LastBundle | None) -> None:
    """Raise BadBundle, saying which, if *head* is replayed, forked, or from a vault not known here.

    A skipped bundle is no error: whatever it held that nobody acknowledged is in this one.
    """
    if last is None:
        return
    if head.vault != last.vault:
        raise BadBundle(
            "This bundle is of another vault than the bundles before it. If the server lost its "
            "disk, its operator has to say so."
        )
    if head.number == last.number and head.digest == last.digest:
        raise BadBundle(f"Bundle {head.number} was imported already.")
    if head.number < last.number:
        raise BadBundle(
            f"This is bundle {head.number}; bundle {last.number}, which is newer, was imported "
            "already."
        )
    if head.number == last.number or dict(head.history).get(last.number) != last.digest:
        raise BadBundle(
            f"The server's series of bundles has forked: bundle {head.number} does not follow the "
            f"bundle {last.number} that was imported here."
        )


def check_successor(head: Head, last: LastBundle) -> None:
    """Raise BadBundle unless *head*, of a new vault, says that it follows the one known here."""
    successor = head.successor
    if successor is None or successor.vault != last.vault or successor.number < last.number:
        raise BadBundle(
            "The operator has not said that this vault takes the place of the one known here, as "
            f"of bundle {last.number} or later."
        )


def skipped(head: Head, last: LastBundle | None) -> list[int]:
    """The numbers of bundles between *last* and *head* that were never imported here."""
    first = 1 if last is None else last.number + 1
    return [number for number, _digest in head.history if number >= first]


class Comparison:
    """Compares a bundle with *last* while its blocks are read: both are sorted by id.

    *slots*: what the last bundle held, by ascending id. Memory holds one slot of each side, and the
    findings.
    """

    def __init__(
        self, head: Head, last: LastBundle | None, slots: Iterable[tuple[bytes, Seen]]
    ) -> None:
        self._last = last
        self._gone = {one.day for one in head.gone}
        self._slots = iter(slots if last is not None else ())
        self._next = next(self._slots, None)
        self._found: list[Finding] = []

    def before(self, block_id: bytes) -> Seen | None:
        """What the last bundle held in the slot with this id. Ask for all in ascending order."""
        while self._next is not None and self._next[0] < block_id:
            self._note_missing()
        if self._next is None or self._next[0] != block_id:
            return None
        seen = self._next[1]
        self._next = next(self._slots, None)
        return seen

    def _note_missing(self) -> None:
        assert self._next is not None and self._last is not None
        block_id, seen = self._next
        # A newly filed block takes over a free slot, including its id.
        if seen.day not in self._gone and not was_free(seen, self._last):
            self._found.append(Finding("missing", block_id))
        self._next = next(self._slots, None)

    def judge(self, block: ListedBlock, seen: Seen | None, replaced: bytes | None) -> None:
        """Compare *block*, with the SHA-256 of what really came, with the result of :meth:`before`.

        *replaced*: if it opened as a tombstone, the SHA-256 of what it says it replaced.
        """
        if self._last is None:
            return
        if seen is None:
            if block.day in self._last.closed:
                self._found.append(Finding("added", block.id))
        elif block.day != seen.day:
            self._found.append(Finding("moved", block.id))
        elif block.sha256 != seen.sha256 and not _may_change(seen, self._last, replaced):
            self._found.append(Finding("altered", block.id))

    def findings(self, repeated: Iterable[bytes]) -> list[Finding]:
        """The findings, by block, once all blocks were judged.

        *repeated*: the ids of those whose content another one has too.
        """
        while self._next is not None:
            self._note_missing()
        return sorted([*self._found, *(Finding("repeated", one) for one in repeated)])


def _may_change(seen: Seen, last: LastBundle, replaced: bytes | None) -> bool:
    """Whether a slot may hold something else now.

    A tombstone names what it replaced. That must be what was seen here, unless the slot was free
    then and a report came and went between the two bundles.
    """
    return replaced == seen.sha256 or was_free(seen, last)


def was_free(seen: Seen, last: LastBundle) -> bool:
    """Whether something could still be filed in a slot after *last* was exported."""
    return not seen.opened and seen.day not in last.closed
