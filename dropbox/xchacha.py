"""Sealing with XChaCha20-Poly1305 by OpenSSL: the bytes that libsodium makes, in half of its time.

For blocks, of which a file has hundreds. OpenSSL has only ChaCha20-Poly1305, with a nonce of 12
bytes. XChaCha20 is that under another key, HChaCha20 of the key and the first 16 of the nonce's 24
bytes (draft-irtf-cfrg-xchacha-03, section 2). HChaCha20 is a block of ChaCha20's keystream without
its last step, the addition of what the block was made from, and takes of it the four words that
begin as constants and the four that begin as the nonce. So they are subtracted here again.
"""

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

NONCE_BYTES = 24
# Of the nonce, what goes into the key; ChaCha20 gets the rest, behind four zeros.
_KEY_NONCE_BYTES = 16
_PREFIX = bytes(4)
_WORDS = struct.Struct("<4I")
_CONSTANTS = _WORDS.unpack(b"expand 32-byte k")
_ONE_BLOCK = bytes(64)


def seal(payload: bytes, context: bytes, nonce: bytes, key: bytes) -> bytes:
    """*payload*, sealed with its *context*, and the tag of 16 bytes.

    *nonce* has NONCE_BYTES, *key* 32 bytes.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"A nonce has {NONCE_BYTES} bytes.")
    subkey = _hchacha20(key, nonce[:_KEY_NONCE_BYTES])
    return ChaCha20Poly1305(subkey).encrypt(_PREFIX + nonce[_KEY_NONCE_BYTES:], payload, context)


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    cipher = Cipher(algorithms.ChaCha20(key, nonce), mode=None)
    block = cipher.encryptor().update(_ONE_BLOCK)
    first, last = _WORDS.unpack(block[: _WORDS.size]), _WORDS.unpack(block[-_WORDS.size :])
    return _less(first, _CONSTANTS) + _less(last, _WORDS.unpack(nonce))


def _less(words: tuple[int, ...], begun_as: tuple[int, ...]) -> bytes:
    return _WORDS.pack(*((one - two) % 2**32 for one, two in zip(words, begun_as, strict=True)))
