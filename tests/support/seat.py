"""A reviewer in front of the full screen, without gpg: keys go in, and what is shown is read."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import TextArea

from dropbox.errors import CannotSeal
from scripts.desk.full_screen.app import FullScreen
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.unfinished import OwnKeys
from scripts.desk.screen.terminal_pictures import Pictures
from support.cases import DAY
from support.desks import Desk

# An old terminal, and the least that shows two and three panes.
SMALL, MIDDLE, WIDE = (80, 24), (101, 30), (160, 45)


# Of a key, an action and a screen that opens then.
_ROUNDS = 4


def _turned(data: bytes) -> bytes:
    """Sealed enough for a test that looks for the text, and opened again by the same."""
    return bytes(one ^ 0xFF for one in data)


@dataclass
class Seat:
    """The full screen of one reviewer's desk; *now* are the seconds that its clock shows."""

    desk: Desk
    size: tuple[int, int] = SMALL
    language: str = "en"
    now: float = 0.0
    agent_ends: bool = True
    seals: bool = True
    pictures: Pictures | None = None
    locked: int = 0
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sitting = Sitting(
            self.desk.working,
            self._forget,
            keys=OwnKeys(
                lambda data, reviewer: f"{reviewer} signed {len(data)} bytes".encode(),
                self._sealed,
                _turned,
            ),
            language=self.language,
            today=lambda: DAY,
        )
        self.app = FullScreen(self.sitting, clock=lambda: self.now, pictures=lambda: self.pictures)
        self.pilot: Pilot[None]

    def _sealed(self, data: bytes, reviewer: str) -> bytes:
        if not self.seals:
            raise CannotSeal
        assert reviewer == self.desk.reviewer
        return _turned(data)

    def _forget(self) -> bool:
        self.locked += 1
        return self.agent_ends

    def work(self, act: "Callable[[Seat], Awaitable[None]]") -> None:
        """Open the desk, do *act*, and close it."""

        async def run() -> None:
            async with self.app.run_test(size=self.size) as self.pilot:
                await self.settle()
                await act(self)

        self.sitting.open()
        try:
            asyncio.run(run())
        finally:
            self.sitting.close()

    async def press(self, *keys: str) -> str:
        """Press *keys*, and return what is on the screen then.

        The pilot's own `press` waits until this computer has nothing else to do.
        """
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            event = Key(key, key if len(key) == 1 else None)
            event.set_sender(self.app)
            driver.send_message(event)
            await self.settle()
        return self.shown

    async def settle(self) -> None:
        """Wait until every message, and every message that followed from one, was dealt with."""
        before, rounds = "", 0
        while rounds < _ROUNDS or before != self.shown:
            before = self.shown
            await self.pilot._wait_for_screen()
            self.app.screen._on_timer_update()
            rounds += 1

    async def type(self, text: str, *then: str) -> str:
        """Type *text* at once, as a paste does, and press *then*."""
        self.app.screen.query_one(TextArea).insert(text)
        return await self.press(*then)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen."""
        strips = self.app.screen._compositor.render_strips(self.app.screen.size)
        return [strip.text for strip in strips]

    @property
    def shown(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)
