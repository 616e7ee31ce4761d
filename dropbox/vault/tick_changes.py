"""What one tick writes into the vault's file, and how many of its pages that replaces."""

from dataclasses import dataclass, field
from typing import NamedTuple

from dropbox.vault.block_store import Content

# A slot's row fills one part of a leaf page and eight overflow pages, a reply's row one page.
_SLOT_PAGES, _HEAD_PAGES, _REPLY_PAGES = 9, 1, 1
# The ledger's, and in the first tick the file's first one.
_TICK_PAGES = 2
# Rows that are appended change the last leaf, the pages above it and the first page. A statement
# on a small table changes a leaf or two, a record's overflow pages and the list of free pages.
_GROWTH_PAGES = 12
_STATEMENT_PAGES = 16


class Row(NamedTuple):
    """A row to write: its head and its bytes, or None to leave those as they are."""

    head: bytes
    data: Content | None


Statement = tuple[str, tuple[int | str | bytes, ...]]


@dataclass
class Changes:
    """What one tick writes. Places below the table's length are overwritten, others appended."""

    slots: dict[int, Row] = field(default_factory=dict)
    replies: dict[int, Row] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)

    def any(self) -> bool:
        """Whether there are any, besides the ledger."""
        return bool(self.slots or self.replies or self.statements)

    def pages(self, slots: int, replies: int) -> int:
        """The most pages that are replaced, in tables of *slots* and *replies* rows."""
        in_place = (
            sum(
                _HEAD_PAGES if row.data is None else _SLOT_PAGES
                for place, row in self.slots.items()
                if place < slots
            ),
            sum(_REPLY_PAGES for place in self.replies if place < replies),
            _STATEMENT_PAGES * len(self.statements),
        )
        grows = any(place >= slots for place in self.slots) or any(
            place >= replies for place in self.replies
        )
        return _TICK_PAGES + sum(in_place) + (_GROWTH_PAGES if grows else 0)


def largest_tick_pages(*, slots: int, replies: int) -> int:
    """The pages replaced by a tick that writes this many slots and replies, and some statements."""
    statements = 8
    return (
        _TICK_PAGES
        + _GROWTH_PAGES
        + slots * _SLOT_PAGES
        + replies * _REPLY_PAGES
        + statements * _STATEMENT_PAGES
    )
