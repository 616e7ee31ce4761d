"""Flask without a voice: an error's kind goes to the log, its text and the request do not."""

import sys
from collections.abc import Callable
from typing import Any

from flask import Flask, Response


class QuietFlask(Flask):
    """For both of the vault's sockets."""

    def log_exception(self, exc_info: Any) -> None:
        """The kind alone."""
        sys.stderr.write(f"A request ended in {exc_info[0].__name__}.\n")


def answer(status: int) -> Callable[[Exception], Response]:
    """An error handler that answers *status* without a body."""

    def handle(_: Exception) -> Response:
        return Response(status=status)

    return handle
