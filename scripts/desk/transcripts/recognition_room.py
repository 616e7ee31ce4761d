"""The room for reading text: like that for pictures, with the recognizer's packages instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.desk.pictures.drawing_room import closed_room, own_process, places_of
from scripts.desk.transcripts.recognizer_site import Site

# Runs in the room before any pixel is there.
BOOT = "from scripts.desk.transcripts.recognition import main; main()"
# What the desk has itself, with the libraries beside it.
_OWN = ("dropbox", "scripts", "PIL", "pyseccomp")
_BESIDE = {"PIL": "pillow.libs"}


class ReadingRoom(Protocol):
    """Where text can be read."""

    def command(self) -> list[str]:
        """The command that reads text. Raises NoRoom."""


@dataclass(frozen=True)
class ClosedRoom:
    """A room by bubblewrap, with the packages of *site*; *boot* is what runs, except in tests."""

    site: Site
    boot: str = BOOT

    def command(self) -> list[str]:
        """Raises NoRoom if bubblewrap is not on this computer."""
        return closed_room(self.boot, _places(self.site), [])


@dataclass(frozen=True)
class OwnProcess:
    """No room: an ordinary process, behind Landlock, seccomp and limits alone."""

    site: Site
    boot: str = BOOT

    def command(self) -> list[str]:
        """The command."""
        return own_process(self.boot, _places(self.site), [])


def _places(site: Site) -> Iterable[Path]:
    return [*places_of(_OWN, _BESIDE), *site.places()]
