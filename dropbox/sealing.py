"""Turning reports and files into blocks, and back.

The front uses the first half, the desk the second. Only the file's block key, which is in the
sealed report, reveals which file a block belongs to, and its position there: ids are keyed hashes
of the block number, and each block is encrypted once more under that key. This also hides gpg's
packet framing and the filling of the last block.
"""

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO, RawIOBase
from typing import BinaryIO, NamedTuple, Protocol

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as _aead_open
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as _aead_seal
from nacl.exceptions import CryptoError

from dropbox import gpg_process
from dropbox.errors import (
    BadPacket,
    BadReport,
    CannotOpen,
    CannotSeal,
    CasedropError,
    Damaged,
    OpensLarger,
    TooLarge,
)
from dropbox.openpgp import Opener, Reviewers
from dropbox.padding import BadPadding, pad, unpad_offline
from dropbox.report import Attachment, Report
from dropbox.sealed_message import SealedMessage, message_length
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, MAX_REVIEWERS, PENDING_BATCH

# The room for gpg's ciphertext in a block, after the authentication tag of the outer encryption.
_AEAD_TAG_BYTES = 16
CHUNK_BYTES = BLOCK_BYTES - _AEAD_TAG_BYTES
# A report before sealing. The rest of the block has room for MAX_REVIEWERS recipient packets of
# 96 bytes and 512 bytes of framing.
PADDED_REPORT_BYTES = BLOCK_BYTES - MAX_REVIEWERS * 96 - 512
BLOCK_KEY_BYTES = 32
NONCE_BYTES = 16

_BLOCK_ID = b"cd1:block-id"
_REPORT_ID = b"cd1:report-id"
_ANOTHER_FILE = "The file is not the one described in the report."


class Block(NamedTuple):
    """What the vault stores: an id of ID_BYTES and BLOCK_BYTES of data."""

    id: bytes
    data: bytes


class MissingBlock(CasedropError):
    """A block that the report names is not in the bundle."""


def block_id(block_key: bytes, number: int) -> bytes:
    """The id of block *number* (from 0) of the file with *block_key*."""
    return hashlib.blake2b(
        number.to_bytes(8, "big"), key=block_key, person=_BLOCK_ID, digest_size=ID_BYTES
    ).digest()


def attachment_block_ids(attachment: Attachment) -> list[bytes]:
    """The ids of all blocks of *attachment*, in order."""
    return [block_id(attachment.block_key, number) for number in range(attachment.blocks)]


def report_block_id(nonce: bytes, report: Report) -> bytes:
    """The id of *report*'s block, from its form's secret nonce (NONCE_BYTES) and its content.

    The same form sent twice has the same id and is stored once, even though its files were sealed
    under different keys each time. A form changed after "Back" has another id, so the change is not
    lost. Without the nonce, the id reveals nothing about the content. Raises BadReport for a nonce
    of another length.
    """
    if len(nonce) != NONCE_BYTES:
        raise BadReport("The form's nonce is damaged.")
    unsealed = [
        replace(file, block_key=bytes(BLOCK_KEY_BYTES), blocks=0, sealed_bytes=0)
        for file in report.attachments
    ]
    content = hashlib.sha256(replace(report, attachments=unsealed).to_bytes()).digest()
    return hashlib.blake2b(content, key=nonce, person=_REPORT_ID, digest_size=ID_BYTES).digest()


def seal_message(report: Report, reviewers: Reviewers) -> bytes:
    """*report* padded and sealed to all reviewers: one OpenPGP message.

    Raises BadReport if it is too long, and CannotSeal.
    """
    sealed: list[bytes] = []
    try:
        padded = pad(report.to_bytes(), PADDED_REPORT_BYTES)
    except BadPadding:
        raise BadReport("The report does not fit into one block.") from None
    reviewers.seal(BytesIO(padded), sealed.append)
    return b"".join(sealed)


class BlockFormat(Protocol):
    """How a format cuts a file's OpenPGP message into blocks.

    *number* counts a file's blocks from 0, *block_key* has BLOCK_KEY_BYTES.
    """

    @property
    def chunk_bytes(self) -> int:
        """How much of the message a block holds."""

    def id(self, block_key: bytes, number: int) -> bytes:
        """The block's id, which only the file's key reveals."""

    def seal(self, chunk: bytes | memoryview, block_key: bytes, number: int) -> bytes:
        """A block of BLOCK_BYTES. *chunk* is shorter than chunk_bytes in the last one only."""

    def open(self, block: bytes, block_key: bytes, number: int) -> bytes:
        """The chunk in *block*, with the filling if it is the last one. Raises CannotOpen."""


class Format1:
    """Blocks of format 1: encrypted once, under the file's key."""

    chunk_bytes = CHUNK_BYTES

    def id(self, block_key: bytes, number: int) -> bytes:
        """See BlockFormat."""
        return block_id(block_key, number)

    def seal(self, chunk: bytes | memoryview, block_key: bytes, number: int) -> bytes:
        """See BlockFormat."""
        filled = bytes(chunk).ljust(CHUNK_BYTES, b"\0")
        return _aead_seal(filled, None, _block_nonce(number), block_key)

    def open(self, block: bytes, block_key: bytes, number: int) -> bytes:
        """See BlockFormat."""
        try:
            return _aead_open(block, None, _block_nonce(number), block_key)
        except CryptoError:
            raise CannotOpen("This is no such block of this file.") from None


FORMAT_1 = Format1()


class AttachmentSealer:
    """Seals one file while it arrives: write the file's bytes, then finish or abort.

    The bytes go through a pipe to gpg, and gpg's output goes to *put* in batches of PENDING_BATCH
    blocks. At most one batch, one pipe buffer and one read are in memory; nothing is on disk. After
    an error every write is refused, and the caller abandons the blocks already put (``block_ids``).
    *block_key*, of BLOCK_KEY_BYTES, is fresh for each file.
    """

    def __init__(
        self,
        reviewers: Reviewers,
        put: Callable[[Sequence[Block]], None],
        limit_bytes: int,
        *,
        format: BlockFormat,
        block_key: bytes | None = None,
    ) -> None:
        self._reviewers = reviewers
        self._limit = limit_bytes
        self._size = 0
        self._hash = hashlib.sha256()
        self._blocks = _BlockWriter(put, format, block_key)
        self._failure: CasedropError | None = None
        self._sealed_bytes = 0
        read_end, write_end = gpg_process.large_pipe()
        self._pipe: BinaryIO | None = os.fdopen(write_end, "wb", buffering=0)
        self._thread = threading.Thread(
            target=self._seal, args=(os.fdopen(read_end, "rb", buffering=0),), daemon=True
        )
        self._thread.start()

    @property
    def block_ids(self) -> list[bytes]:
        """The ids of the blocks given to *put* so far."""
        return self._blocks.ids

    def _seal(self, source: BinaryIO) -> None:
        # Always close the reading end, so that a writer blocked on a full pipe wakes up.
        with source:
            try:
                self._sealed_bytes = self._reviewers.seal(source, self._blocks.write)
            except CasedropError as failure:
                self._failure = failure

    def write(self, data: bytes | memoryview) -> int:
        """Take the file's next bytes.

        Raises TooLarge beyond the limit, or the error that ended sealing.
        """
        if self._pipe is None:
            raise CannotSeal("This file's sealing has ended.")
        self._size += len(data)
        if self._size > self._limit:
            self.abort()
            raise TooLarge
        self._hash.update(data)
        view = memoryview(data)
        try:
            while view:
                view = view[self._pipe.write(view) :]
        except BrokenPipeError:
            self.abort()
            raise self._failure or CannotSeal() from None
        return len(data)

    def finish(self, *, name: str, type: str) -> Attachment:
        """The file's entry for its report, once the vault has all its blocks.

        Raises the error that ended sealing, if there was one.
        """
        self._close()
        if self._failure is not None:
            raise self._failure
        self._blocks.finish()
        return Attachment(
            name=name,
            type=type,
            size=self._size,
            sha256=self._hash.hexdigest(),
            block_key=self._blocks.key,
            blocks=len(self._blocks.ids),
            sealed_bytes=self._sealed_bytes,
        )

    def abort(self) -> None:
        """Stop sealing.

        The caller has the vault abandon ``block_ids``; otherwise they expire there.
        """
        self._blocks.stopped = True
        self._close()

    def _close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
            self._thread.join()


class _BlockWriter:
    """Cuts a ciphertext into blocks, encrypts them under the file's key, puts them in batches."""

    def __init__(
        self,
        put: Callable[[Sequence[Block]], None],
        format: BlockFormat,
        key: bytes | None = None,
    ) -> None:
        self._format = format
        self.key = key or secrets.token_bytes(BLOCK_KEY_BYTES)
        self.ids: list[bytes] = []
        self.stopped = False
        self._put = put
        self._pieces: list[memoryview] = []
        self._length = 0
        self._batch: list[Block] = []

    def write(self, data: bytes) -> None:
        """Take gpg's next output. Raises CannotSeal after a stop, and what *put* raises."""
        if self.stopped:
            raise CannotSeal("The upload was interrupted.")
        # A chunk that lies within one piece is not copied: every copy counts where freed memory is
        # overwritten.
        view = memoryview(data)
        while len(view) >= (lacking := self._format.chunk_bytes - self._length):
            self._cut(view[:lacking])
            view = view[lacking:]
        if view:
            self._pieces.append(view)
            self._length += len(view)

    def finish(self) -> None:
        """Fill up the last block and store what is left."""
        if self._length:
            self._cut(memoryview(b""))
        self._pass_on()

    def _cut(self, end: memoryview) -> None:
        """Seal what waits and *end* as one block."""
        chunk = b"".join((*self._pieces, end)) if self._pieces else end
        self._pieces, self._length = [], 0
        number = len(self.ids) + len(self._batch)
        sealed = self._format.seal(chunk, self.key, number)
        self._batch.append(Block(self._format.id(self.key, number), sealed))
        if len(self._batch) == PENDING_BATCH:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            # Listed even if the vault fails half way, so that they get abandoned.
            self.ids += [block.id for block in batch]
            self._put(batch)


def _block_nonce(number: int) -> bytes:
    """The block number as XChaCha20's nonce: each file has a fresh key, so none repeats."""
    return number.to_bytes(24, "big")


def open_message(message: bytes | memoryview, opener: Opener) -> Report:
    """The report in a sealed *message* that nothing follows.

    Raises CannotOpen, or BadReport if it is damaged.
    """
    try:
        exact = message_length(message) == len(message)
    except BadPacket as why:
        raise Damaged(str(why)) from None
    if not exact:
        raise Damaged("A report is not exactly one sealed message.")
    try:
        opened = opener.open(message, PADDED_REPORT_BYTES)
        return Report.from_bytes(unpad_offline(opened, PADDED_REPORT_BYTES))
    except BadPadding as why:
        raise BadReport(str(why)) from None


class _Ciphertext(RawIOBase):
    """A file's OpenPGP message as a stream over its blocks.

    Every byte of it has to belong to one sealed message. It keeps the error that stopped it
    (``failure``): gpg then only finds its input cut off.
    """

    def __init__(
        self,
        attachment: Attachment,
        get_block: Callable[[bytes], bytes | None],
        format: BlockFormat,
    ) -> None:
        self._format = format
        self._attachment = attachment
        self._get_block = get_block
        self._number = 0
        self._left = attachment.sealed_bytes
        self._message = SealedMessage()
        self._buffer = b""
        self.failure: CasedropError | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most *size* bytes; none at the end, or after a bad block (see ``failure``)."""
        if not self._buffer and self._left and self.failure is None:
            self._next()
        taken = self._buffer if size < 0 else self._buffer[:size]
        self._buffer = self._buffer[len(taken) :]
        return taken

    def _next(self) -> None:
        key = self._attachment.block_key
        data = self._get_block(self._format.id(key, self._number))
        if data is None:
            self.failure = MissingBlock(
                f"Block {self._number + 1} of {self._attachment.blocks} of a file is missing."
            )
            return
        try:
            chunk = self._format.open(data, key, self._number)
        except CannotOpen:
            self.failure = Damaged(
                f"Block {self._number + 1} of {self._attachment.blocks} of a file is altered."
            )
            return
        ciphertext = chunk[: self._left]
        self._left -= len(ciphertext)
        self._number += 1
        try:
            whole = self._message.take(ciphertext) == len(ciphertext)
        except BadPacket as why:
            self.failure = Damaged(str(why))
            return
        if not whole or (not self._left and not self._message.ended):
            self.failure = Damaged("A file is not exactly one sealed message.")
            return
        self._buffer = ciphertext


def open_attachment(
    attachment: Attachment,
    get_block: Callable[[bytes], bytes | None],
    opener: Opener,
    sink: Callable[[bytes], None],
    *,
    format: BlockFormat,
) -> None:
    """Decrypt *attachment* into *sink*, block by block.

    *get_block* returns a block's data by id, or None. Raises MissingBlock, CannotOpen, or BadReport
    if the size or SHA-256 differs from the report's entry; the caller must then destroy what *sink*
    received.
    """
    digest, size = hashlib.sha256(), 0

    def take(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)
        sink(data)

    chunks = _Ciphertext(attachment, get_block, format)
    try:
        opener.open_stream(chunks, take, attachment.size)
    except OpensLarger:
        raise BadReport(_ANOTHER_FILE) from None
    except CannotOpen as why:
        raise chunks.failure or why from None
    if size != attachment.size or digest.hexdigest() != attachment.sha256:
        raise BadReport(_ANOTHER_FILE)
