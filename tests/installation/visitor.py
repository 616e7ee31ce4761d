"""Whoever comes through tor: each request on a connection of its own, with tor's line first."""

import http.client
import socket
from pathlib import Path

import httpx

from scripts.rehearsal.claimant import Browser

FRONT = Path("/run/casedrop/front.sock")


class _Circuit(httpx.BaseTransport):
    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._line = f"PROXY TCP6 fc00:dead:beef:4dad::0:{number:x} ::1 {number} 80\r\n"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.BaseTransport."""
        lines = [f"{request.method} {request.url.raw_path.decode('ascii')} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        head = self._line + "\r\n".join(lines) + "\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(str(self._path))
            client.sendall(head.encode("ascii") + request.read())
            answer = http.client.HTTPResponse(client)
            answer.begin()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


class Visitor:
    """A claimant who comes over another circuit each time."""

    def __init__(self, onion: str) -> None:
        self._onion = onion
        self._number = 66

    def browser(self) -> Browser:
        """Another visit."""
        self._number += 1
        return Browser(self._onion, transport=_Circuit(FRONT, self._number))

    def is_answered(self) -> bool:
        """Whether the first page comes."""
        try:
            with self.browser() as browser:
                return browser.get("/en/").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def file(self, text: str) -> None:
        """A report, which has to be accepted."""
        with self.browser() as browser:
            form = browser.get("/en/report")
            done = browser.send(form.form(), {"category": "c1", "text": text})
        assert done.status == 200 and done.codename() == form.codename(), done.text
