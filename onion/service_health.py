"""The state of a running service, seen from outside: its tor, its published descriptor, its front.

Only this and onion.control use stem. It only reads and asks; it changes nothing.
"""

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from stem import ControllerError
from stem.connection import AuthenticationFailure
from stem.control import Controller
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3

from onion.control import NOT_STARTED, Phase, connected, phase_of
from onion.errors import TorSilent

# A fetch over a new circuit takes seconds, and longer over a busy network.
FETCH_SECONDS = 40.0
POLL_SECONDS = 0.5
ANSWER_SECONDS = 20.0
# More than any page has.
_PAGE_BYTES = 2**20

# Tor uploads every 60 to 120 minutes, and at once when it changes the seed of the puzzle. A new
# seed expires 105 to 120 minutes later, and says so (tor, hs_service.h).
_SEED_LASTS = timedelta(minutes=120)
# Without the puzzle, only the certificate gives a hint: tor makes one for each descriptor, for 54
# hours from the last full hour (hs_descriptor.h), and a descriptor serves for up to two days.
_CERTIFICATE_LASTS = timedelta(hours=54)
_SEED = re.compile(r"^pow-params v1 \S+ (\d+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", re.MULTILINE)
# The address that tor's PROXY line gives for a circuit; no circuit has this one.
_REQUEST = (
    "PROXY TCP6 fc00:dead:beef:4dad::ffff:ffff ::1 65535 80\r\n"
    "GET /{page} HTTP/1.1\r\nHost: {onion}\r\nConnection: close\r\n\r\n"
)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True)
class Descriptor:
    """What a visitor's tor learns about the service.

    ``made``: not before this UTC time, and at most 15 minutes later, if tor was built with proof of
    work. ``effort``: the effort it suggests to visitors, None without proof of work.
    """

    introduction_points: int
    effort: int | None
    made: datetime

    @classmethod
    def read(cls, text: str, onion: str) -> "Descriptor":
        """From the *text* that tor has for *onion*. Raises ValueError."""
        descriptor = HiddenServiceDescriptorV3.from_str(text, validate=True)
        inner = descriptor.decrypt(onion)
        points = len(inner.introduction_points)
        if found := _SEED.search(str(inner)):
            ends = datetime.fromisoformat(found[2]).replace(tzinfo=UTC)
            return cls(points, int(found[1]), ends - _SEED_LASTS)
        ends = descriptor.signing_cert.expiration.replace(tzinfo=UTC)
        return cls(points, None, ends - _CERTIFICATE_LASTS)


@dataclass(frozen=True)
class TorState:
    """A running tor: its version, how far it has joined, and whether it can build circuits.

    ``descriptor``: as the directories give it to visitors, None if they have none.
    """

    version: str
    phase: Phase
    has_circuits: bool
    descriptor: Descriptor | None


class Answers(Protocol):
    """The part of a control connection that is used here."""

    def get_info(self, name: str) -> str:
        """Tor's value of *name*. Raises ControllerError."""

    def msg(self, message: str) -> object:
        """Send a command."""


def tor_state(control: Path, onion: str, *, seconds: float = FETCH_SECONDS) -> TorState:
    """Ask the tor with the control socket *control* about itself and the service *onion*.

    Fetches the descriptor as a visitor would, for at most *seconds*. Raises TorSilent.
    """
    try:
        controller = connected(control)
    except (ControllerError, AuthenticationFailure) as why:
        raise TorSilent(f"tor does not answer at {control}: {why}") from None
    try:
        return _state(controller, onion, seconds)
    except ControllerError as why:
        raise TorSilent(f"tor broke off at {control}: {why}") from None
    finally:
        controller.close()


def _state(controller: Controller, onion: str, seconds: float) -> TorState:
    return TorState(
        str(controller.get_info("version")).partition(" ")[0],
        phase_of(controller) or NOT_STARTED,
        str(controller.get_info("status/circuit-established")) == "1",
        fetched(controller, onion, seconds),
    )


def fetched(
    tor: Answers, onion: str, seconds: float, *, sleep: Callable[[float], None] = time.sleep
) -> Descriptor | None:
    """The descriptor as a directory gives it, None if none does within *seconds*."""
    address = onion.removesuffix(".onion")
    name = f"hs/client/desc/id/{address}"
    # One that was fetched before stays in tor's memory; the service's own is compared with it.
    before = _newest(tor, name)
    tor.msg(f"HSFETCH {address}")
    text = before
    for _ in range(max(1, int(seconds / POLL_SECONDS))):
        text = _newest(tor, name)
        if text and (text != before or text == _newest(tor, f"hs/service/desc/id/{address}")):
            break
        sleep(POLL_SECONDS)
    try:
        return Descriptor.read(text, onion) if text else None
    except ValueError:
        return None


def _newest(tor: Answers, name: str) -> str:
    try:
        return tor.get_info(name)
    except ControllerError:
        return ""


def front_status(path: Path, onion: str) -> int:
    """The HTTP status of the first page of the front at *path*, 0 if it does not answer."""
    return front_page(path, onion, "")[0]


def front_page(path: Path, onion: str, page: str) -> tuple[int, bytes]:
    """The HTTP status of a *page* of the front at *path*, and its body; 0 if it does not answer.

    It sends the request as tor does for a visitor.
    """
    answer = bytearray()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(path))
            client.sendall(_REQUEST.format(onion=onion, page=page).encode("ascii"))
            # Read to the end: a front that writes into a closed connection counts an error.
            while piece := client.recv(65_536):
                if len(answer) < _PAGE_BYTES:
                    answer += piece
        except OSError:
            return 0, b""
    found = _STATUS.match(answer)
    return (int(found[1]), bytes(answer).partition(b"\r\n\r\n")[2]) if found else (0, b"")
