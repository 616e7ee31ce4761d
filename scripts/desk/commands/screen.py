"""`screen`: the desk in the whole terminal, by single keys."""

import argparse
import os
import sys

from dropbox.gpg_agent import stop_agent
from scripts.desk.identity import DeskError, opener, today, working
from scripts.desk.options import add_lang
from scripts.desk.screen.output import progress_bar, stages
from scripts.desk.search.upkeep import catch_up

HELP = "read and review cases in the whole terminal, by single keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_lang(parser)


def run(asked: argparse.Namespace) -> None:
    """Open the casebook, show it until the reviewer leaves, and close it."""
    if not at_terminal():
        raise DeskError("The full screen needs a terminal; programs use the other commands.")
    # Textual would write what it shows into files that these name.
    for name in [name for name in os.environ if name.startswith("TEXTUAL")]:
        del os.environ[name]
    # Only here: no other command needs Textual, which takes a while to load.
    from scripts.desk.full_screen.app import FullScreen  # noqa: PLC0415
    from scripts.desk.full_screen.sitting import Sitting  # noqa: PLC0415

    sitting = Sitting(
        lambda: working(asked),
        lambda: stop_agent(asked.home),
        sign=lambda data, reviewer: opener(asked).sign(data, reviewer),
        language=asked.lang,
        today=today,
    )
    sitting.open()
    try:
        with progress_bar() as bar:
            catch_up(sitting.casebook, stages(bar))
        app = FullScreen(sitting)
        app.run(mouse=False)
    finally:
        sitting.close()
    if app.failure is not None:
        raise app.failure


def at_terminal() -> bool:
    """Whether somebody reads and types in a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()
