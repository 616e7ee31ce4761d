"""Answers that leave at whole steps of time, so that a watcher's clock does not tell an empty inbox from a full one."""

import functools
import time
from collections.abc import Callable
from typing import Any

from flask import g

# Twice what the work takes, most of it the codename's derivation, which is the same for all; and little beside the
# seconds of a Tor circuit.
STEP_SECONDS = 0.1


def paced(view: Callable[..., Any]) -> Callable[..., Any]:
    """*view*, whose answers are held back by wait()."""

    @functools.wraps(view)
    def run() -> Any:
        g.begun = time.monotonic()
        return view()

    return run


def wait(step_seconds: float) -> None:
    """Hold a paced view's answer, now that all of it is made, until the next whole step since its request began."""
    if "begun" in g:
        time.sleep((g.begun - time.monotonic()) % step_seconds)
