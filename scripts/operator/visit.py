"""A visit to the drop as a claimant makes it: through tor, by the forms of its pages, no scripts.

Errors never contain what is sent or read.
"""

import http.client
import secrets
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Protocol, Self

from dropbox.errors import CasedropError
from dropbox.system_error import explained

# A slow circuit takes up to a minute for its first byte.
SECONDS = 120.0
# More than any page has.
_PAGE_BYTES = 2**20
_HTTP_PORT = 80
_FORM = "form"

# SOCKS 5 (RFC 1928) with a user name and password (RFC 1929), by which tor knows which connections
# may share a circuit.
_GREETING, _WANTS_PASSWORD = b"\x05\x01\x02", b"\x05\x02"
_PASSWORD_TAKEN = b"\x01\x00"
_CONNECT_TO_NAME = b"\x05\x01\x00\x03"
_ADDRESS_BYTES = {1: 4, 4: 16}
_FAILURES = {
    1: "tor cannot connect",
    2: "tor's SocksPort refuses this connection",
    4: "tor does not find the drop's descriptor",
    5: "the drop refuses the connection",
    6: "tor gave up waiting",
}

Fields = Sequence[tuple[str, str]]


class VisitFailed(CasedropError):
    """The drop cannot be visited."""


@dataclass(frozen=True, repr=False)
class Page:
    """An answer: its HTTP status and its HTML."""

    status: int
    html: str


class Visit(Protocol):
    """Fetches pages and sends forms."""

    def get(self, path: str) -> Page:
        """Fetch a page. Raises VisitFailed."""

    def send(self, path: str, fields: Fields) -> Page:
        """Send a form as multipart/form-data. Raises VisitFailed."""


@dataclass(repr=False)
class Form:
    """A page's main form: its target, "" if there is no form, and its hidden fields in order.

    ``typed``: the words of the codename on the page.
    """

    action: str = ""
    hidden: list[tuple[str, str]] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, page: Page) -> Self:
        """Read it from *page*."""
        form = cls()
        _Reader(form).feed(page.html)
        return form

    def filled(self, **values: str) -> Fields:
        """The fields as a browser sends them, with *values* before the last hidden field.

        The button is the last of *values*.
        """
        *chosen, button = values.items()
        before = [one for one in self.hidden if one[0] != "end"]
        after = [one for one in self.hidden if one[0] == "end"]
        return [*before, *chosen, *after, button]


class _Reader(HTMLParser):
    """Fills in a Form."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form
        self._inside = self._typed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == _FORM
            if self._inside:
                self._form.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            if self._inside or given.get("form") == _FORM:
                self._form.hidden.append((given.get("name", ""), given.get("value", "")))
        elif tag == "b":
            self._typed = given.get("class") == "typed"

    def handle_endtag(self, tag: str) -> None:
        """See HTMLParser."""
        if tag == "form":
            self._inside = False
        elif tag == "b":
            self._typed = False

    def handle_data(self, data: str) -> None:
        """See HTMLParser."""
        if self._typed:
            self._form.typed.append(data.strip())


def multipart(fields: Fields) -> tuple[str, bytes]:
    """The content type and the body of *fields* as multipart/form-data."""
    boundary = secrets.token_hex(16)
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    body = f"{''.join(parts)}--{boundary}--\r\n"
    return f"multipart/form-data; boundary={boundary}", body.encode("utf-8")


class TorVisit:
    """A visit to *onion* through tor's SocksPort *socks*: a unix socket, or a port of 127.0.0.1.

    It uses circuits of its own, which no other visit shares.
    """

    def __init__(self, onion: str, socks: Path | int, *, seconds: float = SECONDS) -> None:
        self._onion = onion
        self._socks = socks
        self._seconds = seconds
        self._isolation = secrets.token_hex(16).encode("ascii")

    def get(self, path: str) -> Page:
        """See Visit."""
        return self._ask("GET", path, None, {})

    def send(self, path: str, fields: Fields) -> Page:
        """See Visit."""
        kind, body = multipart(fields)
        return self._ask("POST", path, body, {"Content-Type": kind})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Page:
        connection = http.client.HTTPConnection(self._onion, timeout=self._seconds)
        try:
            connection.sock = self._connected()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Page(answer.status, answer.read(_PAGE_BYTES).decode("utf-8", "replace"))
        except TimeoutError:
            raise VisitFailed(f"Nothing came for {self._seconds:.0f} s.") from None
        except (OSError, http.client.HTTPException) as why:
            # Its text could quote what was sent or read.
            raise VisitFailed(f"The connection broke off: {type(why).__name__}.") from None
        finally:
            connection.close()

    def _connected(self) -> socket.socket:
        """A connection to the drop, through tor. Raises VisitFailed or OSError."""
        unix = isinstance(self._socks, Path)
        with ExitStack() as undo:
            opened = undo.enter_context(socket.socket(socket.AF_UNIX if unix else socket.AF_INET))
            opened.settimeout(self._seconds)
            try:
                opened.connect(str(self._socks) if unix else ("127.0.0.1", self._socks))
            except OSError as why:
                raise VisitFailed(
                    f"No tor takes connections at {self._socks}: {explained(why)}"
                ) from None
            self._ask_tor(opened)
            undo.pop_all()
        return opened

    def _ask_tor(self, opened: socket.socket) -> None:
        name, secret = self._onion.encode("ascii"), self._isolation
        opened.sendall(_GREETING)
        if _exactly(opened, 2) != _WANTS_PASSWORD:
            raise VisitFailed(f"What listens at {self._socks} is no SocksPort of tor.")
        opened.sendall(b"\x01" + 2 * (bytes([len(secret)]) + secret))
        if _exactly(opened, 2) != _PASSWORD_TAKEN:
            raise VisitFailed(f"What listens at {self._socks} is no SocksPort of tor.")
        opened.sendall(_CONNECT_TO_NAME + bytes([len(name)]) + name + _HTTP_PORT.to_bytes(2, "big"))
        _version, code, _reserved, kind = _exactly(opened, 4)
        if code:
            raise VisitFailed(f"{_FAILURES.get(code, f'tor says code {code}')}.".capitalize())
        _exactly(opened, _ADDRESS_BYTES.get(kind, 4) + 2)


def _exactly(opened: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = opened.recv(size - len(data))
        if not more:
            raise VisitFailed("tor closed the connection.")
        data += more
    return data
