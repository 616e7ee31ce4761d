"""A WSGI application on a unix socket in this process, over real HTTP and in chunks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "unix"


@contextmanager
def served(app: Flask, socket: Path) -> Iterator[Path]:
    """*app* on *socket*, a thread for each connection. What breaks in the middle breaks off."""
    server = make_server(f"unix://{socket}", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield socket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        socket.unlink(missing_ok=True)
