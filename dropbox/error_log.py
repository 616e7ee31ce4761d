"""What the log learns of an error that nobody foresaw: its kind, and how many of it this process has had.

Never its text, its stack or the request, in which a report could stand.
"""

import sys
from collections import Counter

_counts: Counter[str] = Counter()


def log_kind(kind: type[BaseException]) -> None:
    """Write one line to standard error: A request ended in KeyError, number 2."""
    # Threads may at worst tell one number twice.
    _counts[kind.__name__] += 1
    sys.stderr.write(f"A request ended in {kind.__name__}, number {_counts[kind.__name__]}.\n")
