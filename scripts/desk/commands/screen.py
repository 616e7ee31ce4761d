"""`screen`: the desk in the whole terminal, by single keys."""

import argparse
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from dropbox.errors import KeysError
from dropbox.gpg_agent import stop_agent
from dropbox.reviewer_key import reviewer_keys, seal_to_week
from scripts.desk.identity import DeskError, opener, today, working
from scripts.desk.options import add_lang
from scripts.desk.screen.output import progress_bar, stages
from scripts.desk.screen.terminal_pictures import Protocol, at_terminal, pictures_here
from scripts.desk.search.upkeep import catch_up

# The names of terminals that can only print one line after another.
_WITHOUT_CURSOR = frozenset({"", "dumb", "unknown"})

_OFF = "off"

HELP = "read and review cases in the whole terminal, by single keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_lang(parser)
    parser.add_argument(
        "--show-as",
        choices=[*Protocol, _OFF],
        default="",
        help="how this terminal shows pictures, whatever it says of itself; off for not at all",
    )


def run(asked: argparse.Namespace) -> None:
    """Open the casebook, show it until the reviewer leaves, and close it."""
    if not at_terminal():
        raise DeskError("The full screen needs a terminal; programs use the other commands.")
    if os.environ.get("TERM", "") in _WITHOUT_CURSOR:
        raise DeskError(
            "This terminal says that it cannot place characters (TERM is "
            f"{os.environ.get('TERM') or 'not set'}); the other commands work in it."
        )
    # These name files into which Textual would write what it shows.
    for name in [name for name in os.environ if name.startswith("TEXTUAL")]:
        del os.environ[name]
    # Only here: no other command needs Textual, which takes a while to load.
    from scripts.desk.full_screen.app import FullScreen  # noqa: PLC0415
    from scripts.desk.full_screen.sitting import Sitting  # noqa: PLC0415
    from scripts.desk.full_screen.unfinished import MOST_BYTES, OwnKeys  # noqa: PLC0415

    sitting = Sitting(
        lambda: working(asked),
        lambda: stop_agent(asked.home),
        keys=OwnKeys(
            lambda data, reviewer: opener(asked).sign(data, reviewer),
            lambda data, reviewer: seal_to_own(asked.home, reviewer, data),
            lambda sealed: opener(asked).open(sealed, MOST_BYTES),
        ),
        language=asked.lang,
        today=today,
    )
    sitting.open()
    try:
        with progress_bar() as bar:
            catch_up(sitting.casebook, stages(bar))
        app = FullScreen(
            sitting,
            hint=hint(os.environ),
            pictures=lambda: None if asked.show_as == _OFF else pictures_here(asked.show_as),
        )
        app.run(mouse=False)
    finally:
        sitting.close()
    if app.failure is not None:
        raise app.failure
    if app.ended_by is not None:
        # End as without a screen to clear.
        signal.signal(app.ended_by, signal.SIG_DFL)
        signal.raise_signal(app.ended_by)


def hint(environ: Mapping[str, str]) -> str:
    """A remark about a terminal in which characters may look wrong, "" for any other."""
    if environ.get("TERM") == "linux":
        return "This console has no Chinese characters; open a terminal window for them."
    named = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG", "")
    # Python itself assumes C.UTF-8 where no language is set.
    unnamed = environ.get("LANG", "") in ("", "C", "POSIX") and not environ.get("LC_ALL")
    if unnamed or "UTF8" not in named.upper().replace("-", ""):
        return "If characters look wrong: the terminal has to be set to UTF-8, LANG=C.UTF-8."
    return ""


def seal_to_own(home: Path, reviewer: str, data: bytes) -> bytes:
    """*data* sealed to the newest weekly key of *reviewer* whose secret is in *home*.

    Raises CannotSeal, or KeysError if there is none.
    """
    keys = (one for key in reviewer_keys(home) if key.fingerprint == reviewer for one in key.weeks)
    weeks = [one for one in keys if one.secret]
    if not weeks:
        raise KeysError("There is no weekly key here to seal to.")
    return seal_to_week(home, max(weeks, key=lambda one: one.made), data)
