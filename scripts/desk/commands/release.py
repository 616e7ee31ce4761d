"""`release`: lets other reviewers' answers leave, where the campaign asks for that."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import at_desk, own_case, today, working
from scripts.desk.options import add_json, add_yes
from scripts.desk.outbox.releasing import Unreleased, others_work, releasable, release
from scripts.desk.outbox.writing import Letter, OutboxError
from scripts.desk.screen.confirmation import confirm, quotations, texts
from scripts.desk.screen.output import counted, print_json

HELP = "let answers of other reviewers leave, where the campaign asks for that"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "answers",
        nargs="+",
        metavar="CASE|N",
        help="cases, such as K7-QX4M, or numbers that `outbox` shows",
    )
    add_yes(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show each text in full, ask, and record who let it leave. Raises OutboxError."""
    with working(asked) as casebook:
        if not casebook.campaign.reviewing.answers_need_release:
            raise OutboxError("This campaign lets answers leave without a release.")
        waiting = [one for word in asked.answers for one in _named(casebook, word)]
        found = others_work(dict.fromkeys(waiting), at_desk(casebook))
        letters = [
            Letter(casebook.case(one.case), one.language, one.day, one.text) for one, _, _ in found
        ]
        names = ", ".join(dict.fromkeys(letter.case.name for letter in letters))
        confirm(
            f"Let {counted(len(letters), 'answer')}, to {names}, leave with the next "
            "export-replies?",
            quotations(letters),
            yes=asked.yes,
            shown=texts(letters),
        )
        release(casebook, found, reviewer=at_desk(casebook), today=today())
    if asked.json:
        print_json([{"case": one.answer.case_name, "day": str(one.answer.day)} for one in found])
        return
    print(f"{counted(len(letters), 'answer')}, to {names}, may leave with the next export-replies.")
    if any(one.answer.desk is not None for one in found):
        print("The desk that wrote it learns of it by your next export-work.")


def _named(casebook: Casebook, word: str) -> list[Unreleased]:
    """The answers waiting for a release that *word*, a case or a number, names."""
    if not word.isdecimal():
        return releasable(casebook, own_case(casebook, word).number)
    for one in casebook.answers.queued():
        if str(one.id) == word:
            own_case(casebook, one.case_name)
            return [found for found in releasable(casebook, one.case) if found.answer == one]
    raise OutboxError(f"There is no answer {word} in the outbox.")
