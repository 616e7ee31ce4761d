"""The turn of a request: while it only waits, the front's worker lets another one work."""

from flask import request

# Under these names the worker gives the function in the WSGI environment, and says that a request
# has waited too long; no header can set them.
RESTS, NO_TURN = "casedrop.rests", "casedrop.late"


def rest() -> None:
    """Say that the current request only waits from now on."""
    say = request.environ.get(RESTS)
    if say is not None:
        say()


def came_too_late() -> bool:
    """Whether the current request has waited so long that it can only get its text back."""
    return bool(request.environ.get(NO_TURN, False))
