"""`export-replies`: writes the queued answers as one signed reply bundle."""

import argparse
from dataclasses import asdict
from pathlib import Path

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import at_desk, opener, today, working
from scripts.desk.options import add_json, add_yes
from scripts.desk.outbox.arrivals import carrying_lost
from scripts.desk.outbox.sending import Carried, carrying, carrying_again, export_replies
from scripts.desk.outbox.writing import Letter
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
        nargs="?",
        const=0,
        metavar="N",
        help="write out once more what did not arrive at the drop, or what left in reply bundle N",
    )
    add_yes(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Ask for confirmation, then write the bundle; what does not fit waits for the next one."""
    with working(asked) as casebook:
        carried = _carried(casebook, asked.again)
        _confirm_leaving(casebook, carried, again=asked.again, yes=asked.yes)
        signer = asked.signer or at_desk(casebook)
        gone = export_replies(
            casebook, asked.out, opener(asked), today=today(), signer=signer, carried=carried
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
    if gone.unreleased:
        names = ", ".join(gone.unreleased)
        print(f"Not sent, since another reviewer has to `release` them: answers to {names}.")
    if gone.waiting and asked.again is not None:
        print(f"Not in it, since they never left before: {counted(gone.waiting, 'answer')}.")
    elif gone.waiting:
        print(f"The bundle is full. Waiting for the next one: {counted(gone.waiting, 'answer')}.")


def _carried(casebook: Casebook, again: int | None) -> Carried:
    """What leaves: what waits or, once more, what did not arrive (0) or left in bundle *again*."""
    if again is None:
        return carrying(casebook)
    return carrying_again(casebook, [again]) if again else carrying_lost(casebook, today())


def _confirm_leaving(casebook: Casebook, carried: Carried, *, again: int | None, yes: bool) -> None:
    """Ask whether it may leave. Raises OutboxError if the reviewer says no."""
    answers, source = carried
    letters = [
        Letter(casebook.case(one.case), one.language, one.day, one.text)
        for one in answers
        if one.kind == "answer"
    ]
    cases = ", ".join(dict.fromkeys(letter.case.name for letter in letters)) or "none"
    opened = counted(len(answers) - len(letters), "acknowledgement")
    stored = f" The server may then delete what bundle {source.number} held." if source else ""
    once_more = {None: "", 0: " once more, since it did not arrive"}.get(
        again, f" once more, as in reply bundle {again}"
    )
    confirm(
        f"Let {counted(len(letters), 'answer')} ({cases}) and {opened} leave{once_more}? "
        f"What has left cannot be taken back.{stored}",
        quotations(letters),
        yes=yes,
        shown=texts(letters),
    )
