"""`export-replies`: what waits in the outbox is written as one signed reply bundle."""

import argparse
from dataclasses import asdict
from pathlib import Path

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import at_desk, opener, today, working
from scripts.desk.options import add_json, add_yes
from scripts.desk.outbox.outbox import Letter, OutboxError, export_replies, leaving
from scripts.desk.screen.confirmation import confirm, counted, quotations
from scripts.desk.screen.output import print_json

HELP = "write the queued answers as a signed bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--signer", default="", metavar="FINGERPRINT", help="who signs, by default who works"
    )
    add_yes(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Ask back, then write the bundle; what it cannot hold waits for the next one."""
    with working(asked) as casebook:
        _confirm_leaving(casebook, yes=asked.yes)
        signer = asked.signer or at_desk(casebook)
        gone = export_replies(casebook, asked.out, opener(asked), today=today(), signer=signer)
    if asked.json:
        print_json(asdict(gone))
        return
    print(
        f"Reply bundle {gone.bundle} with {gone.answers} answers among {gone.replies} replies is in {asked.out}."
    )
    if gone.waiting:
        print(f"A bundle holds no more; {gone.waiting} answers wait for the next one.")


def _confirm_leaving(casebook: Casebook, *, yes: bool) -> None:
    """Ask back what is about to leave. Raises OutboxError when nothing waits, or the person at the desk says no."""
    answers = leaving(casebook)
    if not answers:
        raise OutboxError("No answer is waiting to leave.")
    letters = [
        Letter(casebook.case(one.case), one.language, one.day, one.text)
        for one in answers
        if one.kind == "answer"
    ]
    cases = ", ".join(dict.fromkeys(letter.case.name for letter in letters)) or "none"
    acknowledged = counted(len(answers) - len(letters), "acknowledgement")
    confirm(
        f"Let {counted(len(letters), 'answer')} ({cases}) and {acknowledged} leave? "
        "What has left cannot be taken back.",
        quotations(letters),
        yes=yes,
    )
