"""The courier: carries bundles between the vault's socket and a medium for the offline desk.

python -m scripts.courier pull --socket PATH --to DIR
python -m scripts.courier push --socket PATH BUNDLE
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.command_line import new_parser, run

PROGRAM = "casedrop-courier"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    return run(parser, arguments, interrupted="Stopped; the command can be run again.")


def parser() -> argparse.ArgumentParser:
    """Both commands with their arguments."""
    # They import all that the courier needs; `run` reports a package that is missing.
    from scripts.courier import pull, transfer  # noqa: PLC0415

    def fetch(asked: argparse.Namespace) -> None:
        bundle = pull.pull(asked.socket, asked.to, _show_volume)
        print(f"The bundle is in {bundle}.")
        _show_notice(asked.socket)

    def _show_volume(volume: int, volumes: int) -> None:
        print(f"Volume {volume} of {volumes} ...", file=sys.stderr)

    def bring(asked: argparse.Namespace) -> None:
        transfer.push(asked.socket, asked.bundle)
        print("The vault has taken the replies.")
        _show_notice(asked.socket)

    def _show_notice(socket: Path) -> None:
        if notice := transfer.keys_notice(socket):
            print(notice)

    made = new_parser(PROGRAM, "Carries sealed bundles between the vault and a medium.")
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    pulling = commands.add_parser(
        "pull", help="fetch the export bundle", description="Fetch the export bundle."
    )
    pulling.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="the directory it goes to"
    )
    pulling.set_defaults(run=fetch)
    push = commands.add_parser(
        "push", help="bring a reply bundle", description="Bring a reply bundle to the vault."
    )
    push.add_argument("bundle", type=Path)
    push.set_defaults(run=bring)
    for command in (pulling, push):
        command.add_argument(
            "--socket", type=Path, required=True, metavar="PATH", help="the vault's courier socket"
        )
    return made


if __name__ == "__main__":
    sys.exit(main())
