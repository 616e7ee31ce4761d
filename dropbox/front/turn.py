"""The turn of a request: while it only waits, the front's worker lets another one work."""

from flask import request

# Under this name the worker gives the function in the WSGI environment; no header can set it.
RESTS = "casedrop.rests"


def rest() -> None:
    """Say that the current request only waits from now on."""
    say = request.environ.get(RESTS)
    if say is not None:
        say()
