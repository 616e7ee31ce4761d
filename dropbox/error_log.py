"""The log line for an unexpected error: its class, and how often this process has seen it.

Never its text, its traceback or the request: any of them could contain part of a report.
"""

import sys
from collections import Counter

_counts: Counter[str] = Counter()


def log_kind(kind: type[BaseException]) -> None:
    """Write one line to standard error, such as "A request ended in KeyError, number 2."."""
    # Not locked: at worst two threads log the same number.
    _counts[kind.__name__] += 1
    sys.stderr.write(f"A request ended in {kind.__name__}, number {_counts[kind.__name__]}.\n")
