"""`import`: verifies an export bundle, and opens what is new in it into the casebook."""

import argparse
from dataclasses import asdict
from pathlib import Path

from scripts.desk.identity import opener, today, working
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.options import add_json
from scripts.desk.screen.cases import unopened_values
from scripts.desk.screen.output import print_disk_warning, print_json, progress_bar, stages

HELP = "verify an export bundle and open what is new in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("bundle", type=Path)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Import it. To repeat it is harmless."""
    with working(asked) as casebook, progress_bar() as bar:
        opened = open_bundle(
            casebook,
            asked.bundle,
            opener(asked),
            today=today(),
            progress=stages(bar),
        )
    if asked.json:
        print_json({**asdict(opened), "unopened": unopened_values(opened.unopened)})
        return
    print(
        f"Bundle {opened.number}: {opened.blocks} blocks; {opened.parts} new parts, "
        f"{opened.cases} new cases and {opened.files} files opened; {opened.known} parts known "
        f"before; {opened.unreferenced} blocks, which no report names, left out."
    )
    for one in unopened_values(opened.unopened):
        print(f"Not opened, block {one['block']}: {one['reason']}")
    print_disk_warning(asked.casebook)
