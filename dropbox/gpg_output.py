"""Passing on gpg's output as it comes: to a sink that can fail, once its recipients are checked."""

from collections.abc import Callable
from typing import Any

from dropbox.errors import BadPacket, CannotSeal, CasedropError
from dropbox.packets import recipients

# Room for forty PKESK packets of 94 bytes; the head is kept until the recipients have been checked.
_HEAD_BYTES = 4_096


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
    """Holds back a ciphertext until its recipients are known to be exactly the expected ones.

    *expected*: their key ids, sorted, as :func:`dropbox.packets.recipients` gives them.
    """

    def __init__(self, expected: list[str], sink: Callable[[bytes], None]) -> None:
        self._expected = expected
        self._sink = sink
        self._head = bytearray()
        self._passed = False
        self._count = 0

    def write(self, data: bytes) -> None:
        """Take gpg's next output. Raises CannotSeal if the recipients are wrong."""
        if self._passed:
            self._pass_on(data)
            return
        self._head += data
        if len(self._head) >= _HEAD_BYTES:
            self._check()

    def finish(self) -> int:
        """Pass on a message shorter than the head, and return the ciphertext's length in bytes.

        Call this after gpg has succeeded. Raises CannotSeal if the recipients are wrong.
        """
        if not self._passed:
            self._check()
        return self._count

    def _check(self) -> None:
        try:
            named = sorted(recipients(bytes(self._head)))
        except BadPacket:
            raise CannotSeal("gpg's output is not a sealed message.") from None
        if named != self._expected:
            raise CannotSeal("The ciphertext does not name exactly the pinned reviewers.")
        self._passed = True
        self._pass_on(bytes(self._head))
        self._head.clear()

    def _pass_on(self, data: bytes) -> None:
        self._count += len(data)
        self._sink(data)
