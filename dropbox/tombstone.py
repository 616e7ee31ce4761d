"""Tombstones: blocks in the place of deleted ones, which tell the desk what was here and why.

The vault seals them under a key that it makes, seals and forgets like a front's day key, so on the
disk a tombstone looks like everything else.

    content = reason (1) | id of the block (16) | SHA-256 of what it replaces (32)
"""

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Self

from dropbox.block import Kind, seal_block
from dropbox.errors import CannotOpen
from dropbox.sizes import ID_BYTES

_DIGEST_BYTES = 32


@unique
class Reason(IntEnum):
    """Why a block was deleted."""

    WITHDRAWN = 1  # its claimant took it back
    ABANDONED = 2  # a file that never became part of a report


@dataclass(frozen=True)
class Tombstone:
    """Stands for block ``id``, whose bytes had the SHA-256 ``replaces``."""

    reason: Reason
    id: bytes
    replaces: bytes

    def __post_init__(self) -> None:
        if len(self.id) != ID_BYTES or len(self.replaces) != _DIGEST_BYTES:
            raise CannotOpen("A tombstone is damaged.")

    def seal(self, key: bytes) -> bytes:
        """This tombstone as a block under *key* (32 bytes)."""
        content = bytes([self.reason]) + self.id + self.replaces
        return seal_block(Kind.TOMBSTONE, content, key)

    @classmethod
    def from_content(cls, content: bytes) -> Self:
        """The tombstone in an opened block's content. Raises CannotOpen."""
        try:
            return cls(Reason(content[0]), content[1 : 1 + ID_BYTES], content[1 + ID_BYTES :])
        except (ValueError, IndexError):
            raise CannotOpen("A tombstone is damaged.") from None
