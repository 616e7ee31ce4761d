"""Where the parts of a running drop are: its settings, the front's socket, tor's control socket."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dropbox.settings import Settings

# Where the Debian package and Debian's tor have them.
DEBIAN_SETTINGS = Path("/etc/casedrop")
_DEBIAN_FRONT = Path("/run/casedrop/front.sock")
DEBIAN_CONTROL = Path("/run/tor/control")
DEBIAN_SERVICE = Path("/var/lib/tor/casedrop")
DEBIAN_PROBE = Path("/var/lib/casedrop-probe")


@dataclass(frozen=True)
class Site:
    """A drop on this machine."""

    file: Path
    settings: Settings
    front_socket: Path
    tor_control: Path
    tor_service: Path
    probe: Path

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Site:
        """From the arguments of :func:`add_arguments`. Raises SettingsError."""
        # Imported only when a command runs, so that a missing package becomes a sentence.
        from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

        file: Path = asked.settings.absolute()
        settings = Settings.load({**os.environ, FILE_VARIABLE: str(file)})
        state = file.parent
        front = asked.front_socket or os.environ.get("CASEDROP_FRONT_SOCKET")
        return cls(
            file,
            settings,
            Path(front) if front else _present(state / "front.sock", _DEBIAN_FRONT),
            asked.tor_control or _present(state / "tor" / "control", DEBIAN_CONTROL),
            asked.tor_service or _present(state / "tor" / "drop", DEBIAN_SERVICE),
            probe_folder(asked, file),
        )


def _present(beside: Path, debian: Path) -> Path:
    """The path beside the settings, or the Debian package's if only that exists.

    If neither exists, it is the package's if the settings are.
    """
    if os.path.lexists(beside):
        return beside
    packaged = beside.is_relative_to(DEBIAN_SETTINGS)
    return debian if packaged or os.path.lexists(debian) else beside


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The argument for the settings only."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


def probe_folder(asked: argparse.Namespace, file: Path) -> Path:
    """Where the probe for the drop of the settings *file* keeps its record."""
    named: Path | None = asked.probe_folder
    return named or _present(file.parent / "probe", DEBIAN_PROBE)


def add_probe_folder(parser: argparse.ArgumentParser) -> None:
    """The argument that :func:`probe_folder` reads."""
    parser.add_argument(
        "--probe-folder",
        type=Path,
        metavar="DIR",
        help="where `casedrop probe` keeps how it went; by default probe beside FILE, else "
        f"{DEBIAN_PROBE}",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that :meth:`Site.of` reads."""
    add_settings(parser)
    parser.add_argument(
        "--front-socket",
        type=Path,
        metavar="PATH",
        help="the front's socket; by default CASEDROP_FRONT_SOCKET, else front.sock beside FILE, "
        f"else {_DEBIAN_FRONT}",
    )
    parser.add_argument(
        "--tor-control",
        type=Path,
        metavar="PATH",
        help=f"tor's control socket; by default tor/control beside FILE, else {DEBIAN_CONTROL}",
    )
    parser.add_argument(
        "--tor-service",
        type=Path,
        metavar="DIR",
        help="tor's directory with the onion's key; by default tor/drop beside FILE, else "
        f"{DEBIAN_SERVICE}",
    )
    add_probe_folder(parser)
