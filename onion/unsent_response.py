"""What of a response its client has not taken yet: it waits here instead of in a thread.

The kernel and tor take a page at once, whatever its client does. A form that brings a long text
gets it back on a longer page, and whoever reads none of that could keep a thread for minutes.
"""

import socket
from typing import Any


class UnsentResponse:
    """A response on its way into *sock*, which must not block.

    It is in the socket's place where a thread sends. What the kernel does not take waits here.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._left = bytearray()

    def __len__(self) -> int:
        """How many bytes are left."""
        return len(self._left)

    def __getattr__(self, name: str) -> Any:
        """See socket."""
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send *data*, behind all that is left. Raises OSError if the connection is lost."""
        self._left += data
        self.go_on()

    def send(self, data: bytes) -> int:
        """See ``sendall``."""
        self.sendall(data)
        return len(data)

    def go_on(self) -> None:
        """Send as much as the kernel takes now. Raises OSError if the connection is lost."""
        try:
            while self._left:
                del self._left[: self._sock.send(self._left)]
        except BlockingIOError:
            return
