"""Flask that logs an error's class and count, but neither its text nor the request."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response

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
