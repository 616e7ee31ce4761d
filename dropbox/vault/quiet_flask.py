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
        """Log the class only."""
        error_log.log_kind(exc_info[0])


def empty_response(status: int) -> Callable[[Exception], Response]:
    """An error handler that responds with *status* and no body."""

    def handle(_: Exception) -> Response:
        return Response(status=status)

    return handle


def bounded_body(most: int) -> bytes:
    """The whole body of the request; 413 if it has more than *most* bytes, mostly unread."""
    return bytes(body_in_place(most))


def body_in_place(most: int) -> memoryview:
    """As bounded_body, and received straight into its memory.

    A batch of blocks is a megabyte, and each copy of it costs as much as to write it.
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
    # Werkzeug cuts a body in chunks off at its limit without a word, so one more byte is let in.
    request.max_content_length = most + 1
    body = request.get_data()
    if len(body) > most:
        raise RequestEntityTooLarge
    return body
