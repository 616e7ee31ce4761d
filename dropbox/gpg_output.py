"""Where gpg's output goes while it is still running: to a sink that may fail, and not before its recipients are known."""

from collections.abc import Callable
from typing import Any

from dropbox.errors import BadPacket, CannotSeal, CasedropError
from dropbox.packets import recipients

# Room for forty PKESK packets of 94 bytes; the head is kept until the recipients have been checked.
_HEAD_BYTES = 4_096


class Drain:
    """Gives gpg's output to *sink* until it fails; what follows is thrown away instead of collected in memory."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._failure: CasedropError | OSError | None = None

    def on_data(self, data: bytes) -> bool:
        """python-gnupg's callback; False keeps it from collecting *data* itself."""
        if data and self._failure is None:
            try:
                self._sink(data)
            except (CasedropError, OSError) as failure:
                # Raised here, python-gnupg would keep all that follows in memory until gpg ends.
                self._failure = failure
        return False

    def check(self, result: Any) -> None:
        """Raise what the sink raised."""
        if failure := self._failure or getattr(result, "on_data_failure", None):
            raise failure


class CheckedOutput:
    """Holds back the first bytes of a ciphertext until its recipients are known to be exactly the expected ones."""

    def __init__(self, expected: list[str], sink: Callable[[bytes], None]) -> None:
        self._expected = expected
        self._sink = sink
        self._head = bytearray()
        self._passed = False
        self._count = 0

    def write(self, data: bytes) -> None:
        """gpg's next output. Raises CannotSeal on wrong recipients."""
        if self._passed:
            self._pass_on(data)
            return
        self._head += data
        if len(self._head) >= _HEAD_BYTES:
            self._check()

    def finish(self) -> int:
        """Called after gpg ended well: passes on a short message's bytes. Returns the ciphertext's length."""
        if not self._passed:
            self._check()
        return self._count

    def _check(self) -> None:
        try:
            named = sorted(recipients(bytes(self._head)))
        except BadPacket:
            raise CannotSeal("What gpg wrote is not a sealed message.") from None
        if named != self._expected:
            raise CannotSeal("The ciphertext does not name exactly the pinned reviewers.")
        self._passed = True
        self._pass_on(bytes(self._head))
        self._head.clear()

    def _pass_on(self, data: bytes) -> None:
        self._count += len(data)
        self._sink(data)
