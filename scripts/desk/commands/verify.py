"""`verify`: checks the custody log, and the casebook against it. It needs no secret key."""

import argparse
import re
from datetime import UTC, datetime

from scripts.command_line import DONE, FOUND
from scripts.desk.audit import findings, forks
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.facts.contested import contested, sentences
from scripts.desk.identity import DeskError, named_reviewers
from scripts.desk.options import add_json, add_keys
from scripts.desk.screen.output import print_json, progress_bar

HELP = "check the custody log, and the casebook against it; needs no secret key"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--head", default="", metavar="HASH", help="a last line's hash that `status` showed earlier"
    )
    add_keys(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> int:
    """Name everything that was altered. Returns FOUND if there is anything."""
    noted_head = _head(asked.head)
    with Casebook.open(asked.casebook) as casebook, progress_bar() as bar:
        keys = (
            named_reviewers(asked) if asked.keys is not None else custody.pinned(casebook.database)
        )
        task = bar.add_task("verifying")
        found = findings(
            casebook,
            keys,
            datetime.now(UTC),
            noted_head=noted_head,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
        forked = forks(casebook)
        open_facts = contested(casebook)
        number, sha256 = custody.head(casebook.database, casebook.origin)
    if asked.json:
        print_json(
            {
                "lines": number,
                "head": sha256,
                "findings": found,
                "forks": forked,
                "contested": [one._asdict() for one in open_facts],
            }
        )
    else:
        own = (
            ""
            if asked.keys
            else " (by the casebook's own keys; a third party names theirs with --keys)"
        )
        print(
            "\n".join(found)
            or f"Nothing was altered{own}: {number} lines of the log, the last with the hash "
            f"{sha256}."
        )
        for sentence in (*forked, *sentences(open_facts)):
            print(sentence)
    return FOUND if found else DONE


def _head(written: str) -> str:
    """The hash that was written down, perhaps in groups. A mistyped one must not alarm anybody."""
    head = "".join(written.split()).lower()
    if written and not re.fullmatch("[0-9a-f]{64}", head):
        raise DeskError(
            "A head is 64 hexadecimal digits, as `status` shows it; nothing was checked."
        )
    return head
