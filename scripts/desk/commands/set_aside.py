"""`set-aside`: shows what is kept sealed because it could not be opened, and tries it again."""

import argparse
from dataclasses import asdict

from dropbox.week_secrets import WeekSecrets
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.unopened import BLOCK, DAY_KEY
from scripts.desk.identity import opener, today, working
from scripts.desk.importing.reopening import reopen
from scripts.desk.options import add_json
from scripts.desk.screen.cases import unopened_values
from scripts.desk.screen.output import counted, print_json, progress_bar, stages

HELP = "show what is kept sealed, or try once more to open it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--open", action="store_true", help="try again, with the keys that are here now"
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show it, or open what opens. What is kept stays in the casebook as it came."""
    if asked.open:
        _open(asked)
        return
    with Casebook.open(asked.casebook) as casebook:
        marked = casebook.set_aside.marked()
        unopened = [one for one in casebook.unopened() if marked.get((one.block_id, one.place))]
        counts, size = casebook.set_aside.counts(), casebook.set_aside.total_bytes()
    if asked.json:
        print_json({"unopened": unopened_values(unopened), "kept": counts, "bytes": size})
        return
    for one in unopened_values(unopened):
        print(f"Set aside, block {one['block']}: {one['reason']}")
    print(
        f"{counted(counts[BLOCK], 'block')} and {counted(counts[DAY_KEY], 'day key')} "
        f"({size / 2**20:.1f} MiB) are kept sealed."
    )


def _open(asked: argparse.Namespace) -> None:
    with working(asked) as casebook, progress_bar() as bar:
        secret = opener(asked)
        find = WeekSecrets(asked.home, secret).find
        opened = reopen(casebook, secret, find, today=today(), progress=stages(bar))
        left = len(casebook.unopened())
    if asked.json:
        print_json({**asdict(opened), "unopened": unopened_values(opened.unopened)})
        return
    print(
        f"{counted(opened.parts, 'new part')}, {counted(opened.cases, 'new case')} and "
        f"{counted(opened.files, 'file')} opened; {left} could not be opened so far."
    )
