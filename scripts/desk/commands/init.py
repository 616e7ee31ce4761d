"""`init`: makes an empty casebook for one server, one campaign and one desk."""

import argparse
from pathlib import Path

from dropbox import campaign
from scripts.desk.casebook.creation import create
from scripts.desk.disk import keeping
from scripts.desk.identity import DeskError, named_reviewers
from scripts.desk.options import add_json, add_keys
from scripts.desk.screen.output import counted, print_disk_warning, print_json

HELP = "make an empty casebook"
# The campaign that came with this desk, and with the server.
CAMPAIGN = Path(campaign.__file__).with_name("campaign.toml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--server-key",
        required=True,
        metavar="HEX",
        help="the server's export public key, 64 hex digits",
    )
    parser.add_argument(
        "--campaign", type=Path, default=CAMPAIGN, help="the campaign file that the server uses"
    )
    parser.add_argument(
        "--desk",
        type=int,
        required=True,
        metavar="N",
        help="this desk's number, from 0; no two desks may have the same",
    )
    add_keys(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Make it, for the reviewers in --keys, or else for the one in --home."""
    try:
        server_key = bytes.fromhex(asked.server_key)
    except ValueError:
        raise DeskError("The server's export key is 64 hex digits.") from None
    reviewers = named_reviewers(asked)
    create(
        asked.casebook,
        server_key=server_key,
        campaign=asked.campaign,
        desk=asked.desk,
        reviewers=reviewers,
    )
    if asked.json:
        print_json({"reviewers": list(reviewers), "disk": keeping(asked.casebook)})
        return
    count = counted(len(reviewers), "reviewer")
    print(f"An empty casebook was made in {asked.casebook}, for {count}.")
    print_disk_warning(asked.casebook)
