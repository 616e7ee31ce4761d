"""What deletes a block: the store keeps a hash, and only its preimage deletes.

A block's preimage is derived from a secret and the block's id, so one secret deletes any number of
blocks, and the hash of one block says nothing about another.
"""

import hashlib
import hmac

_FIRST_TAG = b"cd1:wtag"
ERASE_BYTES = 16  # 128 bits, of the preimage and of its hash: nobody finds one by trying


def erase_preimage(secret: bytes, block_id: bytes) -> bytes:
    """What deletes the block *block_id*, for whoever knows *secret* (at most 64 bytes)."""
    return hashlib.blake2b(
        block_id, digest_size=ERASE_BYTES, key=secret, person=b"cd2:erase-key"
    ).digest()


def first_preimage(secret: bytes, block_id: bytes) -> bytes:
    """The same for a block that was filed in a vault of format 1: its withdraw tag."""
    return hashlib.blake2b(
        block_id, digest_size=ERASE_BYTES, key=secret, person=_FIRST_TAG
    ).digest()


def erase_hash(preimage: bytes) -> bytes:
    """The hash of *preimage*, which the store keeps."""
    return hashlib.blake2b(preimage, digest_size=ERASE_BYTES, person=b"cd2:erase").digest()


def erases(preimage: bytes, kept: bytes) -> bool:
    """Whether *preimage* belongs to the hash *kept*; takes the same time for each."""
    return hmac.compare_digest(erase_hash(preimage), kept)
