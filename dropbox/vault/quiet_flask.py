"""Flask without a voice: an error's kind and count go to the log, its text and the request do not."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response

from dropbox import error_log


class QuietFlask(Flask):
    """For both of the vault's sockets."""

    def log_exception(self, exc_info: Any) -> None:
        """The kind alone."""
        error_log.log_kind(exc_info[0])


def empty_response(status: int) -> Callable[[Exception], Response]:
    """An error handler that answers *status* without a body."""

    def handle(_: Exception) -> Response:
        return Response(status=status)

    return handle
