"""Passing on gpg's output as it comes, once its recipients are checked."""

from collections.abc import Callable

from dropbox.errors import BadPacket, CannotSeal
from dropbox.sealed_message import SealedMessage

_NOT_EXACT = "The ciphertext is not one message to exactly the pinned reviewers."


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

        Raises CannotSeal if the recipients are wrong, or if anything but one message arrives.
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
