"""Delaying responses to whole steps, so that timing cannot tell an empty inbox from a full one."""

import functools
import time
from collections.abc import Callable
from typing import Any

from flask import g

from dropbox.front.turn import rest

# Twice as long as the work takes. Most of that is deriving the codename's keys, which takes the
# same time for everybody. It is little compared with the seconds that a Tor circuit takes.
STEP_SECONDS = 0.1


def paced(view: Callable[..., Any]) -> Callable[..., Any]:
    """*view*, with its responses delayed by wait()."""

    @functools.wraps(view)
    def run() -> Any:
        g.started = time.monotonic()
        return view()

    return run


def wait(step_seconds: float) -> None:
    """Delay a paced view's finished response until the next whole step since its request began."""
    if "started" in g:
        rest()
        time.sleep((g.started - time.monotonic()) % step_seconds)
