"""A drop that seems to run, for the operator's commands: sockets that exist, a tor and a vault that
say what a test wants.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onion.control import Phase
from onion.service_health import Descriptor, TorState
from scripts.newsite import make_site
from scripts.operator import health
from scripts.operator.site import Site

ONION = "b" * 56 + ".onion"


def healthy_status(fingerprints: list[str], now: datetime) -> dict[str, Any]:
    """What a vault says that is well."""
    today = now.date().isoformat()
    return {
        "vault": "ab" * 16,
        "oldest": today,
        "exported": today,
        "acknowledged": today,
        "pull": today,
        "push": None,
        "free_bytes": 2**31,
        "disk_days": None,
        "trouble": None,
        "tombstones": "",
        "reviewers": fingerprints,
        "today": today,
    }


def healthy_tor(now: datetime) -> TorState:
    """A tor that is well."""
    made = now - timedelta(minutes=30)
    return TorState("0.4.9.11", Phase(100, "Done"), True, Descriptor(5, 0, made))


@dataclass
class RunningSite:
    """What each part says; a test changes it."""

    site: Site
    vault: dict[str, Any]
    tor: TorState | Exception
    front: int = 200
    # Whose keys the front shows; None: those that the vault has.
    shown: set[str] | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> list[str]:
        """For a command: where its parts are."""
        return ["--settings", str(self.site.file), "--front-socket", str(self.site.front_socket)]


@contextmanager
def running_site(
    folder: Path, keys: Path, fingerprints: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSite]:
    """A site in *folder*, whose path is short, with the reviewers' *keys*."""
    now = datetime.now(UTC)
    made = make_site(folder / "site", onion=ONION, keys=keys)
    control = folder / "site" / "tor" / "control"
    (control.parent / "drop").mkdir(parents=True)
    namespace = type("Asked", (), {})()
    namespace.settings, namespace.front_socket = made.settings_file, None
    namespace.tor_control = namespace.tor_service = namespace.probe_folder = None
    site = Site.of(namespace)
    running = RunningSite(site, healthy_status(fingerprints, now), healthy_tor(now))

    def ask_tor(_: Path, onion: str) -> TorState:
        assert onion == ONION
        if isinstance(running.tor, Exception):
            raise running.tor
        return running.tor

    monkeypatch.setattr(health, "tor_state", ask_tor)
    monkeypatch.setattr(health, "status", lambda _: running.vault)
    monkeypatch.setattr(
        health, "front_reviewers", lambda _: running.shown or set(running.vault["reviewers"])
    )
    monkeypatch.setattr(health, "front_status", lambda *_: running.front)
    monkeypatch.setattr(health, "_SWAPS", folder / "swaps")
    (folder / "swaps").write_text("Filename Type Size Used Priority\n")
    with ExitStack() as sockets:
        for path in (control, site.front_socket, site.settings.courier_socket):
            listening = sockets.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(str(path))
        yield running
