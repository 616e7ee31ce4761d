"""`export-replies`: writes the queued answers as one signed reply bundle."""

import argparse
from dataclasses import asdict
from pathlib import Path

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import at_desk, opener, today, working
from scripts.desk.options import add_json, add_yes
from scripts.desk.outbox.outbox import (
    Letter,
    OutboxError,
    acknowledging,
    export_replies,
    leaving,
    leaving_again,
)
from scripts.desk.screen.confirmation import confirm, quotations, texts
from scripts.desk.screen.output import counted, print_json

HELP = "write the queued answers as a signed bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--signer",
        default="",
        metavar="FINGERPRINT",
        help="the signing key, by default the reviewer's own",
    )
    parser.add_argument(
        "--again",
        type=int,
        default=0,
        metavar="N",
        help="write out once more what left in reply bundle N, which the server never got",
    )
    add_yes(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Ask for confirmation, then write the bundle; what does not fit waits for the next one."""
    with working(asked) as casebook:
        _confirm_leaving(casebook, asked.again, yes=asked.yes)
        signer = asked.signer or at_desk(casebook)
        gone = export_replies(
            casebook, asked.out, opener(asked), today=today(), signer=signer, again=asked.again
        )
    if asked.json:
        print_json(asdict(gone))
        return
    print(
        f"Reply bundle {gone.bundle} is in {asked.out}; {gone.answers} of its {gone.replies} "
        "replies are answers."
    )
    if gone.acknowledged:
        print(f"It acknowledges bundle {gone.acknowledged}: the server may delete what that held.")
    if gone.withheld:
        print(f"Not sent, since their claimants took everything back: {', '.join(gone.withheld)}.")
    if gone.waiting and asked.again:
        print(f"{counted(gone.waiting, 'answer')} that never left still wait.")
    elif gone.waiting:
        print(f"The bundle is full; {gone.waiting} answers wait for the next one.")


def _confirm_leaving(casebook: Casebook, again: int, *, yes: bool) -> None:
    """Ask whether the answers may leave, or those of reply bundle *again* once more.

    Raises OutboxError if there are none or the reviewer says no.
    """
    answers = leaving_again(casebook, again) if again else leaving(casebook)
    source = acknowledging(casebook)
    if again:
        source = source or casebook.bundles.acknowledged_in(again)
    if not answers and source is None:
        raise OutboxError("No answer is waiting to leave.")
    letters = [
        Letter(casebook.case(one.case), one.language, one.day, one.text)
        for one in answers
        if one.kind == "answer"
    ]
    cases = ", ".join(dict.fromkeys(letter.case.name for letter in letters)) or "none"
    opened = counted(len(answers) - len(letters), "acknowledgement")
    stored = f" The server may then delete what bundle {source.number} held." if source else ""
    once_more = f" once more, as in reply bundle {again}" if again else ""
    confirm(
        f"Let {counted(len(letters), 'answer')} ({cases}) and {opened} leave{once_more}? "
        f"What has left cannot be taken back.{stored}",
        quotations(letters),
        yes=yes,
        shown=texts(letters),
    )
