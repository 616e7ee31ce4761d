"""A sitting: one reviewer at an open casebook, from the passphrase until it is locked."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import date

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.full_screen.unfinished import OwnKeys, Unfinished
from scripts.desk.identity import DeskError, Viewer, viewer


class Locked(DeskError):
    """The desk is locked."""


class Sitting:
    """Opens the casebook, keeps it open, and closes it with everything that it gave out.

    *enter* opens it for the reviewer at work, and asks for the passphrase if it is needed. *forget*
    ends gpg's agent, and returns whether it ended. *language* is that of the labels.
    """

    def __init__(
        self,
        enter: Callable[[], AbstractContextManager[Casebook]],
        forget: Callable[[], bool],
        *,
        keys: OwnKeys,
        language: str,
        today: Callable[[], date],
    ) -> None:
        self._enter = enter
        self._forget = forget
        self._keys = keys
        self.language = language
        self.today = today
        # How often something was added to the casebook: what was read earlier may be outdated.
        self.changes = 0
        # What was begun before the desk was locked: in the clear while it is open again, sealed
        # until then.
        self.unfinished: Unfinished | None = None
        self._sealed = b""
        self._open = ExitStack()
        self._casebook: Casebook | None = None
        self._viewer: Viewer | None = None

    def open(self) -> None:
        """Open the casebook. Raises what opening it raises; it is still locked then."""
        with ExitStack() as undo:
            casebook = undo.enter_context(self._enter())
            self._viewer = viewer(casebook, self.language)
            self._casebook = casebook
            self._open = undo.pop_all()

    def close(self) -> None:
        """Close the casebook, if it is open; its session key is gone with it."""
        self._casebook = self._viewer = None
        self._open.close()

    def lock(self, unfinished: Unfinished | None = None) -> bool:
        """Close the casebook, and end the agent that knows the passphrase. Returns whether it
        ended.

        What is *unfinished* is sealed first; if gpg cannot do that, it is lost.
        """
        self.unfinished, self._sealed = None, b""
        if unfinished is not None:
            with suppress(CasedropError, OSError):
                self._sealed = self._keys.seal(unfinished.to_bytes(), self.viewer.reviewer)
        self.close()
        return self._forget()

    @property
    def has_sealed(self) -> bool:
        """Whether something unfinished was sealed when the desk was locked."""
        return bool(self._sealed)

    def unseal(self) -> None:
        """Open what was sealed. Raises CannotOpen; it stays sealed then, until the next lock."""
        if self._sealed:
            self.unfinished = Unfinished.from_bytes(self._keys.unseal(self._sealed))
            self._sealed = b""

    def sign(self, data: bytes) -> bytes:
        """The signature of the reviewer at work. Raises Locked, or CannotOpen."""
        return self._keys.sign(data, self.viewer.reviewer)

    @property
    def is_open(self) -> bool:
        """Whether the casebook is open."""
        return self._casebook is not None

    @property
    def casebook(self) -> Casebook:
        """The open casebook. Raises Locked."""
        if self._casebook is None:
            raise Locked
        return self._casebook

    @property
    def viewer(self) -> Viewer:
        """The reviewer at work. Raises Locked."""
        if self._viewer is None:
            raise Locked
        return self._viewer
