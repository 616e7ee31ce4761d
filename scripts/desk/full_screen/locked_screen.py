"""The screen of a locked desk, which knows nothing of any case."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from scripts.desk.full_screen.panes import Bar


class LockedScreen(Screen[None], inherit_bindings=False):
    """Locked; *unlock* asks for the passphrase, and returns why it failed, "" if it worked."""

    CSS = "LockedScreen { background: ansi_default; padding: 1 2; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unlock", "unlock"),
        Binding("q,ctrl+q", "app.leave", "leave"),
    ]
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(
        self, unlock: Callable[[], str], *, agent_ended: bool, kept: bool, lost: bool
    ) -> None:
        super().__init__()
        self._unlock, self._agent_ended = unlock, agent_ended
        # Whether something unsaved is sealed, so that leaving asks first.
        self.unsaved = kept
        self._lost = lost

    def compose(self) -> ComposeResult:
        """The message."""
        yield Bar(id="locked")
        yield Bar(id="why")

    def on_mount(self) -> None:
        """Write it."""
        agent = (
            "The passphrase is forgotten."
            if self._agent_ended
            else "gpg's agent does not end; log out, or switch the computer off."
        )
        self.query_one("#locked", Bar).say(
            f"Locked. {agent}{self._about_unsaved()}\n\nEnter asks for the passphrase, q leaves."
        )

    def _about_unsaved(self) -> str:
        if self._lost:
            return " gpg could not seal what was not saved, and it is gone."
        if not self.unsaved:
            return ""
        return (
            " What was not saved is sealed to your own key, in memory alone: it comes back with "
            "the passphrase, and is gone if you leave."
        )

    def action_unlock(self) -> None:
        """Ask for the passphrase."""
        if why := self._unlock():
            self.query_one("#why", Bar).say(f"\n{why}", "warning")
