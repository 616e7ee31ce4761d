"""Why gpg did not open or sign: the key is not here, was not unlocked, or there is damage.

Whoever has taken over a front can leave any number of messages that never open, so each weekly key
is looked up and tried once, and only when it is needed.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from dropbox.errors import (
    CannotOpen,
    Damaged,
    NoKeyHere,
    NoPassphrase,
    NoPinentry,
    NoSigningKey,
    NowhereToAsk,
    SealedToOthers,
    WrongPassphrase,
)

_KEY_ID_CHARACTERS = 16


# libgpg-error's codes, the lower half of the numbers in gpg's status lines.
_CODE_BITS = 0xFFFF
_BY_CODE: Mapping[int, type[CannotOpen]] = {
    11: WrongPassphrase,
    17: NoSigningKey,
    62: NoPassphrase,  # it timed out
    85: NoPinentry,
    99: NoPassphrase,
    # ENOTTY, ENXIO: pinentry found no terminal.
    0x8000 | 102: NowhereToAsk,
    0x8000 | 104: NowhereToAsk,
}


def why_locked(status: Sequence[Sequence[bytes]]) -> CannotOpen | None:
    """What kept a secret key from being used, if the words of gpg's status lines say so."""
    for line in status:
        if line[1:2] in ([b"FAILURE"], [b"ERROR"]) and len(line) > 3 and line[3].isdigit():
            found = _BY_CODE.get(int(line[3]) & _CODE_BITS)
            if found is not None:
                return found()
    return None


class Week(Protocol):
    """A reviewer's weekly subkey; see dropbox.reviewer_key.WeeklyKey."""

    @property
    def fingerprint(self) -> str:
        """40 upper-case hex digits."""

    @property
    def secret(self) -> bool:
        """Whether its secret is here."""


AnyWeek = TypeVar("AnyWeek", bound=Week)


class OwnWeeks(Generic[AnyWeek]):
    """The weekly keys of one gpg home; *list_weeks* lists all of them, even those without their
    secret.

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
            # gpg says the same for a damaged session key as for a passphrase that was not given.
            if all(map(self._usable, here)):
                return Damaged()
            return why_locked(status) or CannotOpen()

    def _usable(self, week: AnyWeek) -> bool:
        if week.fingerprint not in self._works and self._try(week):
            self._works.add(week.fingerprint)
        return week.fingerprint in self._works


def _names_recipient(line: Sequence[bytes]) -> bool:
    return line[1:2] == [b"ENC_TO"] and len(line) > 2
