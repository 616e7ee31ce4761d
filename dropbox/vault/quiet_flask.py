"""Flask that logs an error's class and count, but neither its text nor the request."""

from collections.abc import Callable
from io import RawIOBase
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import LimitedStream

from dropbox import error_log


class QuietFlask(Flask):
    """The application class for both of the vault's sockets."""

    def log_exception(self, exc_info: Any) -> None:
        """Log only the class."""
        error_log.log_kind(exc_info[0])


def empty_response(status: int) -> Callable[[Exception], Response]:
    """An error handler that responds with *status* and no body."""

    def handle(_: Exception) -> Response:
        return Response(status=status)

    return handle


def bounded_body(most: int) -> bytes:
    """The whole body of the request; 413, mostly unread, if it has more than *most* bytes."""
    return bytes(body_in_place(most))


def body_in_place(most: int) -> memoryview:
    """Like bounded_body, but received straight into its memory.

    A batch of blocks is a megabyte, and each copy of it costs as much as writing it.
    """
    length = request.content_length
    if length is None:
        return memoryview(_body_in_chunks(most))
    if length > most:
        raise RequestEntityTooLarge
    body = left = memoryview(bytearray(length))
    stream: RawIOBase = LimitedStream(request.environ["wsgi.input"], length)
    while left:
        # Never 0: a body that ends early raises ClientDisconnected.
        left = left[stream.readinto(left) :]
    return body


def _body_in_chunks(most: int) -> bytes:
    # Werkzeug silently cuts a chunked body off at its limit, so the limit allows one more byte.
    request.max_content_length = most + 1
    body = request.get_data()
    if len(body) > most:
        raise RequestEntityTooLarge
    return body
