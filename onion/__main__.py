"""The service on the real Tor network, on its own; `casedrop up` does the same.

    python -m onion up --state DIR

Exit codes: 0 after Ctrl-C or SIGTERM; 2, with a sentence on standard error, if it cannot run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from onion.errors import OnionError

FAILED = 2
HELP = "start the service and stay until Ctrl-C"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m onion", description="The drop on the real Tor network."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help=HELP, description=HELP)
    add_arguments(up)
    asked = parser.parse_args(arguments)
    try:
        run(asked)
    except OnionError as sentence:
        print(sentence, file=sys.stderr)
        return FAILED
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.partition(".")[0] == "onion":
            raise
        print(
            f"The Python package {missing.name} is missing in {sys.executable}: "
            "start with 'make up'.",
            file=sys.stderr,
        )
        return FAILED
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `up`."""
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="DIR",
        help="the directory that keeps the onion's key, the sockets and settings.toml",
    )
    parser.add_argument(
        "--as-root", action="store_true", help="serve even though this is root, as in a container"
    )


def run(asked: argparse.Namespace) -> None:
    """Serve until Ctrl-C. Raises OnionError."""
    # Imported here because it needs stem: the caller explains which package is missing.
    from onion.service import serve  # noqa: PLC0415

    serve(asked.state, as_root=asked.as_root)


if __name__ == "__main__":
    sys.exit(main())
