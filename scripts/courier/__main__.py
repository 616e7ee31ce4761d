"""The courier: carries bundles between the vault's courier socket and the medium that goes to the offline desk.

python -m scripts.courier pull --socket PATH --to DIR
python -m scripts.courier push --socket PATH BUNDLE
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dropbox.errors import CasedropError
from scripts.courier.transfer import keys_notice, pull, push


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "pull":
            print(f"The bundle is in {pull(asked.socket, asked.to)}.")
        else:
            push(asked.socket, asked.bundle)
            print("The vault has taken the replies.")
        if said := keys_notice(asked.socket):
            print(said)
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename or 'The output'}: {why.strerror}.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="courier", description="Carries sealed bundles between the vault and a medium."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fetch = commands.add_parser(
        "pull", help="fetch the export bundle", description="Fetch the export bundle."
    )
    fetch.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="the directory it goes to"
    )
    bring = commands.add_parser(
        "push", help="bring a reply bundle", description="Bring a reply bundle to the vault."
    )
    bring.add_argument("bundle", type=Path)
    for command in (fetch, bring):
        command.add_argument(
            "--socket", type=Path, required=True, metavar="PATH", help="the vault's courier socket"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
