"""Imports that are killed at the n-th call of one of their steps.

Each line of standard input is one as JSON, [CASEBOOK, BUNDLE, HOME, STEP, N, BEFORE or BEHIND]; its
exit code is printed. Each runs in a process of its own, forked from one that is loaded already.
"""

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from dropbox.durable_file import NewFile
from dropbox.openpgp import Opener
from scripts.desk.casebook.answers import Answers
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing import open_bundle
from scripts.desk.search import similar

STEPS: dict[str, tuple[Any, str]] = {
    "part": (Casebook, "add_part"),
    "link": (similar.Links, "take_parts"),
    "landing": (NewFile, "_finish"),
    "file": (Casebook, "add_file"),
    "answer": (Answers, "queue"),
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


def run(casebook_path: str, bundle: str, home: str, step: str, number: int, side: str) -> None:
    """The import. It does not return, unless the step is never called so often."""
    owner, name = STEPS[step]
    setattr(owner, name, killing(getattr(owner, name), number, side == "BEHIND"))
    with Casebook.open(Path(casebook_path)) as casebook:
        open_bundle.open_bundle(
            casebook, Path(bundle), Opener(Path(home)), today=date(2026, 11, 23), batch=3
        )


if __name__ == "__main__":
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            try:
                run(*json.loads(line))
            finally:
                os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
