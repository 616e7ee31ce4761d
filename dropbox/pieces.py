"""Reports and files in blocks of format 2: sealed under a day key as well.

The OpenPGP message inside is whole and unchanged. See :mod:`dropbox.block`.
"""

from collections.abc import Callable, Sequence

from dropbox.block import CONTENT_BYTES, Kind, open_block, piece_id, piece_key, seal_block
from dropbox.errors import CannotOpen
from dropbox.openpgp import Reviewers
from dropbox.report import Attachment, Report
from dropbox.sealing import seal_message


def seal_report_block(report: Report, reviewers: Reviewers, day_key: bytes) -> bytes:
    """*report* as one block. Raises BadReport if it is too long, and CannotSeal."""
    return seal_block(Kind.REPORT, seal_message(report, reviewers), day_key)


def piece_ids(attachment: Attachment) -> list[bytes]:
    """The ids of all blocks of *attachment*, in order."""
    return [piece_id(attachment.block_key, number) for number in range(attachment.blocks)]


class Pieces:
    """The blocks of files; see :class:`dropbox.sealing.BlockFormat`.

    *day_keys* gives the keys of 32 bytes that a block with this id may be sealed under, the
    likeliest first. A front, which seals, gives today's.
    """

    chunk_bytes = CONTENT_BYTES

    def __init__(self, day_keys: Callable[[bytes], Sequence[bytes]]) -> None:
        self._day_keys = day_keys

    def id(self, block_key: bytes, number: int) -> bytes:
        """See BlockFormat."""
        return piece_id(block_key, number)

    def seal(self, chunk: bytes | memoryview, block_key: bytes, number: int) -> bytes:
        """See BlockFormat. Asks for the day key each time: an upload may pass midnight."""
        day_key = self._day_keys(piece_id(block_key, number))[0]
        return seal_block(Kind.PIECE, chunk, piece_key(day_key, block_key, number))

    def open(self, block: bytes, block_key: bytes, number: int) -> bytes:
        """See BlockFormat."""
        keys = self._day_keys(piece_id(block_key, number))
        opened = open_block(block, (piece_key(key, block_key, number) for key in keys))
        if opened.kind is not Kind.PIECE:
            raise CannotOpen("This block is no piece of a file.")
        return opened.content
