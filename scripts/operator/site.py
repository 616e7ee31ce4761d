"""Where the parts of a running drop are: its settings, the front's socket, tor's control socket."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dropbox.settings import Settings

# Where Debian's tor has it.
_DEBIAN_CONTROL = Path("/run/tor/control")


@dataclass(frozen=True)
class Site:
    """A drop on this machine."""

    file: Path
    settings: Settings
    front_socket: Path
    tor_control: Path
    tor_service: Path

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Site:
        """From the arguments of :func:`add_arguments`. Raises SettingsError."""
        # Imported only when a command runs, so that a missing package becomes a sentence.
        from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

        file: Path = asked.settings.absolute()
        settings = Settings.load({**os.environ, FILE_VARIABLE: str(file)})
        state = file.parent
        front = asked.front_socket or os.environ.get("CASEDROP_FRONT_SOCKET")
        control = asked.tor_control or state / "tor" / "control"
        if not asked.tor_control and not control.exists() and _DEBIAN_CONTROL.exists():
            control = _DEBIAN_CONTROL
        return cls(
            file,
            settings,
            Path(front) if front else state / "front.sock",
            control,
            asked.tor_service or state / "tor" / "drop",
        )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The argument for the settings alone."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that :meth:`Site.of` reads."""
    add_settings(parser)
    parser.add_argument(
        "--front-socket",
        type=Path,
        metavar="PATH",
        help="the front's socket; by default CASEDROP_FRONT_SOCKET, else front.sock beside FILE",
    )
    parser.add_argument(
        "--tor-control",
        type=Path,
        metavar="PATH",
        help=f"tor's control socket; by default tor/control beside FILE, else {_DEBIAN_CONTROL}",
    )
    parser.add_argument(
        "--tor-service",
        type=Path,
        metavar="DIR",
        help="tor's directory with the onion's key; by default tor/drop beside FILE",
    )
