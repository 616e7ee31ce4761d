"""`lock`: ends gpg's agent, the only thing that remembers the passphrase between commands."""

import argparse

from dropbox.gpg_agent import refuse_closed, refuse_missing, stop_agent
from scripts.desk.identity import DeskError

HELP = "forget the passphrase now, not ten minutes after its last use"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own; it needs no casebook either."""
    parser.set_defaults(
        directory_needed=("--home", "GNUPGHOME", "gpg's directory with the reviewer's secret keys")
    )


def run(asked: argparse.Namespace) -> None:
    """End the agent. Raises DeskError if it does not end."""
    if not asked.home.is_dir():
        raise DeskError(f"There is no directory {asked.home}.")
    refuse_missing("gpg-connect-agent")
    refuse_closed(asked.home)
    if not stop_agent(asked.home):
        raise DeskError("gpg's agent does not end; log out, or switch the computer off.")
    print("Locked: the next command that needs the key asks for its passphrase.")
