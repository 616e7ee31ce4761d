"""Tells a vault whose clock jumped that its clock is right now.

    casedrop clock --settings FILE

Days leave when their time is over by the vault's clock, so it asks the operator to confirm.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from scripts.command_line import CannotRun

HELP = "tell the vault, after its clock jumped, that the clock is right"
_ISO_DAY = len("2020-01-01")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


def run(asked: argparse.Namespace) -> None:
    """Show the vault's day, ask, and tell it. Raises CannotRun or CourierError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    import httpx  # noqa: PLC0415

    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from scripts.courier.transfer import CourierError, status, vault_at  # noqa: PLC0415
    from scripts.terminal import one_line  # noqa: PLC0415

    settings = Settings.load({**os.environ, FILE_VARIABLE: str(asked.settings)})
    untrusted = status(settings.courier_socket)
    today = untrusted.get("today")
    if not isinstance(today, str) or len(today) != _ISO_DAY or not today.isascii():
        raise CourierError("The vault does not say which day it is.")
    trouble = untrusted.get("trouble")
    print(one_line(trouble, 300) if isinstance(trouble, str) else "The vault reports no trouble.")
    print(f"By the vault's clock it is {one_line(today, 20)} (UTC).")
    if _answer("Type that day if it is right, anything else to stop: ") != today:
        raise CannotRun("Nothing was changed. Set the machine's clock, then run this again.")
    with vault_at(settings.courier_socket) as client:
        answer = client.post("/clock", content=today.encode("ascii"))
    if answer.status_code != httpx.codes.NO_CONTENT:
        raise CourierError(
            f"The vault did not take it (it answers {answer.status_code}); if midnight has just "
            "passed, run this again."
        )
    print("The vault accepts reports again.")


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""
