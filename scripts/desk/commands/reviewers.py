"""`reviewers`: lists the reviewers whom the casebook knows, and adds those in --keys."""

import argparse

from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import named_reviewers, working
from scripts.desk.options import add_json, add_keys
from scripts.desk.screen.output import print_json

HELP = "list the reviewers whom the casebook knows, or add some"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_keys(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """List them, after adding those in --keys."""
    if asked.keys is None:
        with Casebook.open(asked.casebook) as casebook:
            known = custody.pinned(casebook.database)
    else:
        with working(asked) as casebook:
            for name, key in named_reviewers(asked).items():
                casebook.add_reviewer(name, key)
            known = custody.pinned(casebook.database)
    rows = [{"name": name, "fingerprint": key.fingerprint} for name, key in known.items()]
    if asked.json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']}: {row['fingerprint']}")
