"""Why gpg did not open a message: no key here, a key that was not unlocked, or damage.

Whoever has taken over a front can leave any number of messages that never open, so each weekly key
is looked up and tried once, and only when it is needed.
"""

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from dropbox.errors import CannotOpen, Damaged, NoKeyHere, SealedToOthers

_KEY_ID_CHARACTERS = 16


class Week(Protocol):
    """A reviewer's weekly subkey; see dropbox.openpgp.WeeklyKey."""

    @property
    def fingerprint(self) -> str:
        """40 upper-case hex digits."""

    @property
    def secret(self) -> bool:
        """Whether its secret is here."""


AnyWeek = TypeVar("AnyWeek", bound=Week)


class OwnWeeks(Generic[AnyWeek]):
    """The weekly keys of one gpg home; *list_weeks* lists all, also those without their secret.

    *try_week* says whether a key opens what is sealed to it. For several threads.
    """

    def __init__(
        self, list_weeks: Callable[[], Sequence[AnyWeek]], try_week: Callable[[AnyWeek], bool]
    ) -> None:
        self._list = list_weeks
        self._try = try_week
        self._works: set[str] = set()
        self._lock = threading.Lock()

    @cached_property
    def _by_key_id(self) -> dict[str, AnyWeek]:
        return {week.fingerprint[-_KEY_ID_CHARACTERS:]: week for week in self._list()}

    def reason(self, status: Sequence[Sequence[bytes]]) -> CannotOpen:
        """What to raise for a message that gpg did not open, by the words of its status lines."""
        if any(line[1:2] == [b"DECRYPTION_KEY"] for line in status):
            # gpg names the key whose secret opened the message's session key.
            return Damaged()
        named = [line[2].decode("ascii", "replace") for line in status if _names_recipient(line)]
        if not named:
            return CannotOpen()
        with self._lock:
            own = [self._by_key_id[one] for one in named if one in self._by_key_id]
            if not own:
                return SealedToOthers()
            here = [week for week in own if week.secret]
            if not here:
                return NoKeyHere()
            # gpg says the same of a damaged session key as of a passphrase that was not given.
            return Damaged() if all(map(self._usable, here)) else CannotOpen()

    def _usable(self, week: AnyWeek) -> bool:
        if week.fingerprint not in self._works and self._try(week):
            self._works.add(week.fingerprint)
        return week.fingerprint in self._works


def _names_recipient(line: Sequence[bytes]) -> bool:
    return line[1:2] == [b"ENC_TO"] and len(line) > 2
