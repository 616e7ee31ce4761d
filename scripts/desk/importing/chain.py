"""Comparing an export bundle with the one before it: what is missing, altered, added or repeated.

The server signs what it holds and what it deleted, so whatever disagrees with an earlier bundle is
the doing of the server, its vault or its disk, not of the courier, whose changes the signatures
show. A block may leave in two ways only: with its whole day, which the head names, or by a
tombstone in its slot, a sealed block that says why.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dropbox.errors import BadBundle
from dropbox.export_bundle import Head, ListedBlock
from scripts.desk.casebook.bundles import LastBundle, Seen


class Finding(NamedTuple):
    """Something that disagrees with the bundle before: a kind of FINDINGS, and the block."""

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
    """Raise BadBundle, saying which, if *head* is replayed, forked, or of a vault not known here.

    A bundle that was skipped is no error: what it held and nobody acknowledged is in this one.
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
    """The numbers of bundles between *last* and *head* that never came here."""
    first = 1 if last is None else last.number + 1
    return [number for number, _digest in head.history if number >= first]


def compare(
    last: LastBundle | None,
    head: Head,
    blocks: Iterable[ListedBlock],
    tombstones: Mapping[bytes, bytes],
) -> list[Finding]:
    """What disagrees with *last*, by block.

    *blocks*: all of the bundle, with the SHA-256 of what really came. *tombstones*: of the blocks
    that opened as one, the id and the SHA-256 of what it says it replaced. Takes time in proportion
    to the number of blocks.
    """
    found: list[Finding] = []
    here = {block.id: block for block in blocks}
    contents = Counter(block.sha256 for block in here.values())
    found += (Finding("repeated", one.id) for one in here.values() if contents[one.sha256] > 1)
    if last is None:
        return sorted(found)
    gone = {one.day for one in head.gone}
    for block_id, seen in last.slots.items():
        block = here.get(block_id)
        if block is None:
            # What is filed takes a free slot, id and all.
            if seen.day not in gone and not _was_free(seen, last):
                found.append(Finding("missing", block_id))
        elif block.day != seen.day:
            found.append(Finding("moved", block_id))
        elif block.sha256 != seen.sha256 and not _may_change(seen, last, tombstones.get(block_id)):
            found.append(Finding("altered", block_id))
    found += (
        Finding("added", one.id)
        for one in here.values()
        if one.id not in last.slots and one.day in last.closed
    )
    return sorted(found)


def _may_change(seen: Seen, last: LastBundle, replaced: bytes | None) -> bool:
    """Whether a slot may hold something else now.

    A tombstone names what it replaced. That is what was seen here, unless the slot was free then
    and a report came and went between the two bundles.
    """
    return replaced == seen.sha256 or _was_free(seen, last)


def _was_free(seen: Seen, last: LastBundle) -> bool:
    """Whether something could still be filed in a slot after *last* was exported."""
    return not seen.opened and seen.day not in last.closed
