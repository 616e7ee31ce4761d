"""Random bytes in large amounts: what fills slots that hold nothing, and the journal.

The system's generator makes about 300 MB a second, and a start and a new quantum need up to
130 MB. These bytes come from ChaCha20 under a key of the system's that is used once and kept
nowhere: nobody tells them from the system's own, nor from a sealed block, which is XChaCha20.
"""

import os

from nacl.bindings import randombytes_buf_deterministic

_KEY_BYTES = 32


def random_fill(size: int) -> bytes:
    """So many random bytes that nobody can make again."""
    return randombytes_buf_deterministic(size, os.urandom(_KEY_BYTES))
