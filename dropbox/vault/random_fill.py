"""Random bytes in large amounts, for slots that hold nothing and for the journal.

The system's generator makes about 300 MB a second, and a start and a new quantum need up to 130 MB.
These bytes come from ChaCha20 under a key from the system's generator that is used once and kept
nowhere: they cannot be told from the system's own, nor from a sealed block, which is XChaCha20.
OpenSSL's ChaCha20 writes straight into its place, in half the time that libsodium takes.
"""

import os
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

_KEY_BYTES = 32
# Block counter and nonce: any will do, since no key is used twice.
_NONCE = bytes(16)


def random_fill(size: int) -> memoryview:
    """*size* random bytes that nobody can reproduce."""
    filled = bytearray(size)
    cipher = Cipher(algorithms.ChaCha20(os.urandom(_KEY_BYTES), _NONCE), mode=None)
    cipher.encryptor().update_into(_zeros(size), filled)
    return memoryview(filled)


@lru_cache(maxsize=4)
def _zeros(size: int) -> bytes:
    return bytes(size)
