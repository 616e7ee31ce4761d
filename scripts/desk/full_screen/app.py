"""The full screen as a program: it begins at the queue, and locks."""

import gc
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Paste
from textual.screen import ModalScreen

from dropbox.errors import CasedropError
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.dialogs import Dialog, Question
from scripts.desk.full_screen.fact_screen import FactScreen
from scripts.desk.full_screen.forgetting import clear_caches
from scripts.desk.full_screen.locked_screen import LockedScreen
from scripts.desk.full_screen.panes import Bar
from scripts.desk.full_screen.queue import Queue
from scripts.desk.full_screen.queue_screen import QueueScreen
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.unfinished import Begun, Unfinished
from scripts.desk.screen.terminal_pictures import Pictures

# The time for which gpg's agent remembers a passphrase after its last use.
IDLE_SECONDS, WARNED_SECONDS = 600.0, 60.0
_LOOK_EVERY = 5.0
# After saving a review, a reviewer reads the next case for longer than this.
_READING = 0.5


class FullScreen(App[None]):
    """The desk in the whole terminal, for one *sitting*.

    Nothing of a case leaves it on its own: not to the window's title, the clipboard, a log, a file
    or a traceback. *clock* counts seconds; *hint* is shown first; *pictures* finds out whether the
    terminal can show any.
    """

    TITLE = "Casedrop"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False
    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "lock", "lock", priority=True),
        Binding("ctrl+q", "leave", "leave"),
        Binding("ctrl+c", "stop", "", priority=True),
    ]

    def __init__(
        self,
        sitting: Sitting,
        clock: Callable[[], float] = time.monotonic,
        *,
        hint: str = "",
        pictures: Callable[[], Pictures | None] = lambda: None,
    ) -> None:
        super().__init__(ansi_color=True)
        self.animation_level = "none"
        self.sitting = sitting
        self.queue = Queue(sitting)
        self.pictures = pictures
        self.failure: Exception | None = None
        # The signal that ended it, if one did.
        self.ended_by: int | None = None
        self._clock = clock
        self._hint = hint
        self._used = clock()

    def compose(self) -> ComposeResult:
        """Nothing here: everything is on separate screens."""
        yield from ()

    def on_mount(self) -> None:
        """Show the queue, and check from time to time whether anybody is here."""
        self.theme = "ansi-dark"
        self.set_interval(_LOOK_EVERY, self.look_idle)
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._end)
        self.begin()
        if self._hint:
            self.call_after_refresh(self.say, self._hint)

    def _end(self, number: int, _frame: object) -> None:
        """End when the system asks for it: the terminal is left empty and in its former mode."""
        self.ended_by = number
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit)

    def begin(self) -> None:
        """Show the queue of the open casebook."""
        self.queue = Queue(self.sitting)
        self.queue.load()
        self.push_screen(QueueScreen(self.sitting, self.queue))
        if not self.is_headless:
            # Code and open objects stay: searching them for garbage takes as long as opening a
            # case, again and again.
            gc.freeze()

    def say(self, remark: str) -> None:
        """Show *remark* on the current screen."""
        for bar in self.screen.query("#remark").results(Bar):
            bar.say(remark, "good")

    def renew_soon(self) -> None:
        """Read the queue again while nobody is waiting for it."""
        self.set_timer(_READING, self._renew)

    def _renew(self) -> None:
        if self.sitting.is_open and self.queue.stale:
            self.queue.load()

    # Who is here

    async def on_event(self, event: Event) -> None:
        """Note every key before anything is done with it."""
        if isinstance(event, Key | Paste):
            self._used = self._clock()
        await super().on_event(event)

    def note_key(self) -> None:
        """Note a key that was pressed in the plain terminal."""
        self._used = self._clock()

    def look_idle(self) -> None:
        """Lock after ten minutes without a key, with a warning a minute before."""
        if isinstance(self.screen, LockedScreen):
            return
        idle = self._clock() - self._used
        if idle >= IDLE_SECONDS:
            self.action_lock()
        elif idle >= IDLE_SECONDS - WARNED_SECONDS:
            self.bell()
            self.say("Locks in a minute; what is not saved is sealed then. Press any key to go on.")

    # Locking

    def action_lock(self) -> None:
        """Close the casebook, end gpg's agent, and clear everything."""
        if isinstance(self.screen, LockedScreen):
            return
        unfinished = self._unfinished()
        ended, kept = self.sitting.lock(unfinished), self.sitting.has_sealed
        self.queue.clear()
        self._clear_screens()
        lost = unfinished is not None and not kept
        self.push_screen(LockedScreen(self._unlock, agent_ended=ended, kept=kept, lost=lost))
        self.call_after_refresh(clear_caches)

    def _unfinished(self) -> Unfinished | None:
        """Anything begun and not saved: on the screens, or offered again but not taken up yet."""
        asking = [one for one in self.screen_stack if isinstance(one, Dialog | FactScreen)]
        begun = next((one.begun for one in reversed(asking) if one.begun.text), Begun())
        for screen in self.screen_stack:
            if isinstance(screen, CaseScreen):
                return screen.unfinished(begun)
        return self.sitting.unfinished

    def _clear_screens(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def _unlock(self) -> str:
        """Ask for the passphrase and show the queue. Returns why that failed, "" if it worked."""
        try:
            with self.at_the_terminal():
                self.sitting.open()
                self.sitting.unseal()
        except (CasedropError, OSError) as why:
            self.sitting.close()
            return str(why)
        self._used = self._clock()
        self._clear_screens()
        self.begin()
        self._offer()
        return ""

    def _offer(self) -> None:
        """Offer what was begun before the desk was locked."""
        unfinished = self.sitting.unfinished
        if unfinished is None:
            return
        name = self.sitting.casebook.names.of(unfinished.case)

        def asked(yes: bool | None) -> None:
            self.sitting.unfinished = None
            if yes:
                for screen in self.screen_stack:
                    if isinstance(screen, QueueScreen):
                        screen.open_case(unfinished.case, unfinished)

        text = (
            f"What you filled in for {name} was not saved when the desk was locked. Go on with it? "
            "No throws it away."
        )
        self.push_screen(Question(name, text), asked)

    @contextmanager
    def at_the_terminal(self) -> Iterator[None]:
        """Lend the terminal to another program: gpg, which asks for the passphrase."""
        if self.is_headless:
            yield
            return
        failed: CasedropError | OSError | KeyboardInterrupt | None = None
        with self.suspend():
            try:
                yield
            except (CasedropError, OSError, KeyboardInterrupt) as why:
                # Textual takes the terminal back only after a normal end.
                failed = why
        if failed is not None:
            raise failed

    def action_stop(self) -> None:
        """Cancel what is being asked, as Escape does; if nothing is, end."""
        if isinstance(self.screen, ModalScreen):
            self.screen.dismiss(None)
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """End; if something is not saved, only after a yes."""
        if not any(getattr(screen, "unsaved", False) for screen in self.screen_stack):
            self.exit()
            return

        def asked(yes: bool | None) -> None:
            if yes:
                self.exit()

        text = "What you filled in is not saved. Leave all the same?"
        self.push_screen(Question("Leave", text), asked)

    # What must not leave

    def copy_to_clipboard(self, text: str) -> None:
        """Copy only within this program; the terminal's clipboard gets nothing."""
        self._clipboard = text

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Take none: it would be a file with a case in it."""

    def _handle_exception(self, error: Exception) -> None:
        # Textual's own way prints a traceback with the values of variables onto the terminal.
        if self.failure is None:
            self.failure = error
        self._exception = self._exception or error
        self._exception_event.set()
        self._return_code = 1
        self._close_messages_no_wait()
