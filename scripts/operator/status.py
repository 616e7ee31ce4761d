"""Shows the state of a running drop, part by part.

    casedrop status --settings FILE [--json] [--prometheus FILE]

Exit codes: 0 when all is well, 1 for an alarm, 2 when a part could not be checked and there is no
alarm.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from scripts.command_line import CannotRun
from scripts.operator import site

HELP = "say how the running drop is: tor, front, vault, keys, disk"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    site.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--prometheus",
        type=Path,
        metavar="FILE",
        help="also write a text file for node_exporter, such as .../casedrop.prom",
    )


def run(asked: argparse.Namespace) -> int:
    """Show it. Returns the exit code. Raises CannotRun, SettingsError or OSError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.durable_file import replace_file  # noqa: PLC0415
    from scripts.operator.health import examine  # noqa: PLC0415
    from scripts.operator.health_finding import (  # noqa: PLC0415
        as_json,
        as_lines,
        as_prometheus,
        exit_code,
    )

    if asked.prometheus and asked.prometheus.is_dir():
        raise CannotRun(f"{asked.prometheus} is a folder: name a file in it, casedrop.prom.")
    findings = examine(site.Site.of(asked), datetime.now(UTC))
    print(as_json(findings) if asked.json else "\n".join(as_lines(findings)))
    if asked.prometheus:
        # Every user may read it: node_exporter runs as one of its own.
        replace_file(asked.prometheus, as_prometheus(findings).encode("utf-8"), 0o644)
    return exit_code(findings)
