"""Passing on gpg's output as it comes: to a sink that can fail, once its recipients are checked."""

from collections.abc import Callable
from typing import Any

from dropbox.errors import BadPacket, CannotSeal, CasedropError
from dropbox.packets import SealedMessage

_NOT_EXACT = "The ciphertext is not one message to exactly the pinned reviewers."


class Drain:
    """Passes gpg's output to *sink*; once that fails, discards the rest instead of storing it."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._failure: CasedropError | OSError | None = None

    def on_data(self, data: bytes) -> bool:
        """python-gnupg's callback; returning False stops it from collecting *data* itself."""
        if data and self._failure is None:
            try:
                self._sink(data)
            except (CasedropError, OSError) as failure:
                # Not raised here: python-gnupg would then keep all further output in memory.
                self._failure = failure
        return False

    def check(self, result: Any) -> None:
        """Raise what the sink raised, if it did."""
        if failure := self._failure or getattr(result, "on_data_failure", None):
            raise failure


class CheckedOutput:
    """Passes on a ciphertext once its recipients are known to be exactly the expected ones.

    *expected*: their key ids, sorted, as dropbox.packets.SealedMessage gives them.
    """

    def __init__(self, expected: list[str], sink: Callable[[bytes], None]) -> None:
        self._expected = expected
        self._sink = sink
        self._message = SealedMessage()
        # Held back until the recipients have been checked: their packets, and one piece of output.
        self._head: bytearray | None = bytearray()

    def write(self, data: bytes) -> None:
        """Take gpg's next output.

        Raises CannotSeal if the recipients are wrong, or if anything but one message comes.
        """
        try:
            taken = self._message.take(data)
        except BadPacket:
            raise CannotSeal(_NOT_EXACT) from None
        if taken < len(data):
            raise CannotSeal(_NOT_EXACT)
        if self._head is None:
            self._sink(data)
            return
        self._head += data
        if self._message.sealed:
            if sorted(self._message.recipients) != self._expected:
                raise CannotSeal(_NOT_EXACT)
            data, self._head = bytes(self._head), None
            self._sink(data)

    def finish(self) -> int:
        """The ciphertext's length in bytes. Call this after gpg has succeeded.

        Raises CannotSeal if the message has not ended.
        """
        if not self._message.ended:
            raise CannotSeal("gpg's output is not a whole message.")
        return self._message.length
