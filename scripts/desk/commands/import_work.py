"""`import-work`: adds what another desk's `export-work` wrote."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dropbox.errors import CannotOpen
from scripts.desk.exchange.merging import merge
from scripts.desk.exchange.work_bundle import SEALED_BYTES, read_work
from scripts.desk.facts.contested import contested, sentences
from scripts.desk.identity import DeskError, unsigned
from scripts.desk.options import add_json
from scripts.desk.screen.output import counted, print_json, progress_bar, stages

HELP = "add what another desk's reviewers did"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("bundle", type=Path, metavar="FILE", help="what `export-work` wrote")
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Check all of it, then add what is new; repeating it changes nothing."""
    now = datetime.now(UTC)
    with unsigned(asked) as (casebook, secret, reviewer):
        with asked.bundle.open("rb") as file:
            untrusted = file.read(SEALED_BYTES + 1)
        if len(untrusted) > SEALED_BYTES:
            raise DeskError("The file is larger than any work bundle; nothing was added.")
        try:
            opened = secret.open(untrusted, SEALED_BYTES)
        except CannotOpen as why:
            if type(why) is not CannotOpen:
                raise
            raise DeskError(
                f"{asked.bundle} is no work bundle, or only the beginning of one; nothing was "
                "added. Name the file that `export-work` wrote, or copy it again."
            ) from None
        work = read_work(
            opened,
            tuple(casebook.pinned().values()),
            campaign=casebook.campaign.code,
            server_key=casebook.server_key,
            now=now,
        )
        with progress_bar() as bar:
            merged = merge(
                casebook,
                work,
                now,
                reviewer=reviewer,
                open_closed=lambda sealed: secret.open(sealed, SEALED_BYTES),
                progress=partial(stages(bar), "cases"),
            )
        open_facts = contested(casebook)
    if asked.json:
        named = [one._asdict() for one in open_facts]
        print_json({**asdict(merged), "contested": named})
        return
    print(
        f"New: {counted(merged.layers, 'review')}, {counted(merged.answers, 'answer')}, "
        f"{counted(merged.others, 'other addition')} such as translations, and "
        f"{counted(merged.lines, 'line')} of custody logs."
    )
    if merged.notices:
        print(f"{counted(merged.notices, 'acknowledgement')} of opened reports came with them.")
    if merged.waiting:
        print(
            f"The reports of {counted(merged.waiting, 'case')} are not here yet; import the drop's "
            "bundle, and what was said of them appears."
        )
    for sentence in sentences(open_facts):
        print(sentence)
    if merged.closed:
        print("Reviews that are sealed to you alone could not be opened: their week's key is gone.")
