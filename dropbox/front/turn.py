"""The turn of a request: the front's worker has few of them work at a time.

While one only waits, another one works. An upload takes its turn once its files have arrived and
the report they belong to is to be filed: how long they take to arrive is up to the sender.
"""

from flask import request

# Under these names the worker passes its functions in the WSGI environment, and says whether a
# request has waited too long; no header can set them.
RESTS, TURN, NO_TURN = "casedrop.rests", "casedrop.turn", "casedrop.late"


def rest() -> None:
    """Say that the current request only waits from now on."""
    say = request.environ.get(RESTS)
    if say is not None:
        say()


def wait_for_turn() -> bool:
    """Wait until the current request may work. Returns False if that took too long."""
    take = request.environ.get(TURN)
    return take is None or bool(take())


def came_too_late() -> bool:
    """Whether the current request has waited so long that it can only get its text back."""
    return bool(request.environ.get(NO_TURN, False))
