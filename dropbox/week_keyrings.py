"""Small keyrings for opening many messages: each holds only the keys that those messages name.

gpg reads and merges a reviewer's whole key for every message, with a subkey for each week of a
year; that takes nearly half its time. A keyring with only the message's keys takes no such time.
"""

import threading
from collections import Counter

from dropbox.errors import BadPacket
from dropbox.sealed_message import recipients

# The key ids that a message names, in order; empty if they cannot be read.
Named = tuple[str, ...]

# Making one takes as long as it saves on ten messages.
_ENOUGH = 8
# A year's messages name 53 different keys; whoever has taken over a front can name any number.
_MOST = 64
# All recipients of a message are in its first bytes.
_HEAD_BYTES = 4_096


def named_in(message: bytes | memoryview) -> Named:
    """The keys to which *message* is sealed."""
    try:
        return tuple(recipients(bytes(message[:_HEAD_BYTES])))
    except BadPacket:
        return ()


class WeekKeyrings:
    """The keyrings made so far, each for messages that name the same keys. For several threads."""

    def __init__(self) -> None:
        self._opened = Counter[Named]()
        self._made: dict[Named, bytes] = {}
        self._lock = threading.Lock()

    def of(self, named: Named) -> bytes:
        """The keyring for messages that name these keys, b"" if none was made."""
        return self._made.get(named, b"")

    def opened(self, named: Named) -> bool:
        """Count an opened message; returns whether a keyring for more of its kind now pays off.

        True once for each kind, however many threads open messages.
        """
        with self._lock:
            if not named or (named not in self._opened and len(self._opened) >= _MOST):
                return False
            self._opened[named] += 1
            return self._opened[named] == _ENOUGH

    def keep(self, named: Named, keyring: bytes) -> None:
        """Use *keyring* for messages that name these keys; one of them was opened with it."""
        self._made[named] = keyring
