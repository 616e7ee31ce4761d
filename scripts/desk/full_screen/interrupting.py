"""Signals while the screen waits for something in the plain terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupted() -> Iterator[None]:
    """Let signals interrupt at once, not only when the screen is back, and then reach it."""
    asked = list[int]()

    def interrupt(number: int, _frame: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for told in asked:
            if told != signal.SIGINT:
                signal.raise_signal(told)
