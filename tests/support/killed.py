"""An import that is killed at the n-th call of one of its steps: `killed.py CASEBOOK BUNDLE HOME
STEP N BEFORE|BEHIND`.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from dropbox.durable_file import NewFile
from dropbox.openpgp import Opener
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing import open_bundle
from scripts.desk.search import similar

STEPS: dict[str, tuple[Any, str]] = {
    "part": (Casebook, "add_part"),
    "link": (similar.Links, "take_parts"),
    "landing": (NewFile, "_finish"),
    "file": (Casebook, "add_file"),
    "answer": (Casebook, "queue_answer"),
    "close": (Casebook, "close_export"),
}


def killing(step: Callable[..., Any], number: int, behind: bool) -> Callable[..., Any]:
    """*step*, which ends this process at its call *number* (from 1), as a power cut would."""
    # Threads count one at a time.
    calls = itertools.count(1)

    def call(*arguments: Any, **named: Any) -> Any:
        mine = next(calls)
        if mine == number and not behind:
            os.kill(os.getpid(), signal.SIGKILL)
        result = step(*arguments, **named)
        if mine == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


if __name__ == "__main__":
    casebook_path, bundle, home, step, number, side = sys.argv[1:]
    owner, name = STEPS[step]
    setattr(owner, name, killing(getattr(owner, name), int(number), side == "BEHIND"))
    with Casebook.open(Path(casebook_path)) as casebook:
        open_bundle.open_bundle(
            casebook, Path(bundle), Opener(Path(home)), today=date(2026, 11, 23), batch=3
        )
    sys.exit("It was not killed.")
