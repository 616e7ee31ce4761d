"""Blocks of format 2: BLOCK_BYTES that look random to anybody without their key.

    block   = nonce (24) | XChaCha20-Poly1305(key, payload, "casedrop block 2")
    payload = kind (1) | content | padding

A report and a tombstone are sealed under the day key itself. The key of a piece of a file is
derived from the day key, the file's block key, which is in the sealed report, and the piece's
position: whoever has only the reviewers' HPKE keys cannot even tell pieces from filling, and a
piece does not open at another position or in another file.
"""

import hashlib
from collections.abc import Iterable
from enum import IntEnum, unique
from typing import NamedTuple

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_ABYTES as _TAG_BYTES
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as _aead_open
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as _aead_seal
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_NPUBBYTES as _NONCE_BYTES
from nacl.exceptions import CryptoError
from nacl.utils import random

from dropbox.errors import CannotOpen, CannotSeal
from dropbox.padding import BadPadding, unpad_offline
from dropbox.sizes import BLOCK_BYTES, ID_BYTES

PAYLOAD_BYTES = BLOCK_BYTES - _NONCE_BYTES - _TAG_BYTES
# After the kind and at least one byte of padding.
CONTENT_BYTES = PAYLOAD_BYTES - 2
_KEY_BYTES = 32

_CONTEXT = b"casedrop block 2"
_PIECE_ID = b"cd2:piece-id"
_PIECE_KEY = b"cd2:piece-key"


@unique
class Kind(IntEnum):
    """What a block is; only its key reveals it."""

    NOTHING = 0
    REPORT = 1  # a whole OpenPGP message
    PIECE = 2  # a cut of a file's OpenPGP message
    TOMBSTONE = 3  # what was here before, and why it is gone


_KINDS = {kind: bytes([kind]) for kind in Kind}


class Opened(NamedTuple):
    """A block's kind and content, and the position of the key that opened it."""

    kind: Kind
    content: bytes
    key: int


def seal_block(kind: Kind, content: bytes | memoryview, key: bytes) -> bytes:
    """*content*, at most CONTENT_BYTES, as a block under *key* (32 bytes). Raises CannotSeal."""
    if len(content) > CONTENT_BYTES:
        raise CannotSeal(
            f"{len(content)} bytes do not fit into a block, which has room for {CONTENT_BYTES}."
        )
    # Padded as libsodium does it, but its binding would cost twice as much for each block. Every
    # copy counts where freed memory is overwritten.
    payload = b"".join((_KINDS[kind], content, b"\x80")).ljust(PAYLOAD_BYTES, b"\0")
    nonce = random(_NONCE_BYTES)
    return nonce + _aead_seal(payload, _CONTEXT, nonce, key)


def open_block(block: bytes, keys: Iterable[bytes]) -> Opened:
    """*block* opened with the first of *keys* that fits.

    Each key is tried at most once, at the price of one Poly1305 over the block; only the one that
    fits decrypts anything. Raises CannotOpen if none fits or the payload is damaged.
    """
    if len(block) != BLOCK_BYTES:
        raise CannotOpen(f"A block has {BLOCK_BYTES} bytes.")
    nonce, sealed = block[:_NONCE_BYTES], block[_NONCE_BYTES:]
    for position, key in enumerate(keys):
        try:
            payload = _aead_open(sealed, _CONTEXT, nonce, key)
        except CryptoError:
            continue
        try:
            return Opened(Kind(payload[0]), unpad_offline(payload[1:], PAYLOAD_BYTES - 1), position)
        except (ValueError, BadPadding):
            raise CannotOpen("A block is damaged, or of a kind unknown here.") from None
    raise CannotOpen("None of the day keys opens this block.")


def piece_id(block_key: bytes, number: int) -> bytes:
    """The id of piece *number* (from 0) of the file with *block_key*."""
    return hashlib.blake2b(
        number.to_bytes(8, "big"), key=block_key, person=_PIECE_ID, digest_size=ID_BYTES
    ).digest()


def piece_key(day_key: bytes, block_key: bytes, number: int) -> bytes:
    """The key of that piece if it was sealed under *day_key*; all three keys have 32 bytes."""
    return hashlib.blake2b(
        day_key + number.to_bytes(8, "big"),
        key=block_key,
        person=_PIECE_KEY,
        digest_size=_KEY_BYTES,
    ).digest()
