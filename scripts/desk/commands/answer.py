"""`answer`: queues an answer to one case or to many; it leaves with the next `export-replies`.

The text is never an argument, where other users of the computer could see it: it comes from a file
or standard input.
"""

import argparse
from collections.abc import Sequence
from datetime import date

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.given_text import read_bytes
from scripts.desk.identity import at_desk, own_case, today, working
from scripts.desk.options import add_json, add_yes
from scripts.desk.outbox.writing import (
    Letter,
    OutboxError,
    Skipped,
    addressees,
    check_language,
    queue,
    template,
    write,
)
from scripts.desk.screen.answer_tables import templates_table
from scripts.desk.screen.confirmation import (
    confirm,
    other_languages,
    quotations,
    skipped_cases,
    texts,
)
from scripts.desk.screen.output import counted, print_json, print_rich

HELP = "queue an answer to one case or to many"
# So that no file fills the memory; the outbox checks how long an answer can be.
_MAX_TEXT_BYTES = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("cases", nargs="*", metavar="case", help="their names, such as K7-QX4M")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--text-file", metavar="FILE", help="a file with the answer, or - for standard input"
    )
    what.add_argument(
        "--template",
        metavar="CODE",
        help="a ready answer of the campaign, in each claimant's language",
    )
    what.add_argument("--templates", action="store_true", help="list the ready answers")
    # One option for both, because a list of ready answers and an answer are never asked for
    # together.
    parser.add_argument(
        "--lang",
        metavar="LANGUAGE",
        help="the answer's language, one of the campaign's, by default each claimant's; or the "
        "language of --templates",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="answer even claimants who asked not to be answered",
    )
    parser.add_argument(
        "--repeat",
        action="store_true",
        help="answer even claimants who have this very answer already",
    )
    add_yes(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """List the ready answers, or queue an answer to the cases and name those that get none."""
    if asked.templates:
        _list_templates(asked)
        return
    # Read before the casebook is locked, because somebody may still be typing it.
    text = _given_text(asked.text_file)
    with working(asked) as casebook:
        written, skipped = _letters(casebook, asked, text, today())
        names = ", ".join(f"{one.case.name} ({one.language})" for one in written)
        question = f"Queue {counted(len(written), 'answer')}, to {names}?"
        warnings = [
            *skipped_cases(skipped),
            *other_languages(written),
            *quotations(written),
        ]
        confirm(question, warnings, yes=asked.yes, shown=texts(written))
        queue(casebook, written)
    if asked.json:
        print_json([{"case": one.case.name, "language": one.language} for one in written])
    else:
        print(_queued(written, names))


def _list_templates(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        check_language(casebook, asked.lang or "")
        templates = casebook.campaign.answers
    if asked.json:
        print_json(
            [{"template": one.code, "label": one.text, "text": one.body} for one in templates]
        )
    else:
        print_rich(templates_table(templates, asked.lang or "en"))


def _given_text(name: str | None) -> str:
    """The text in the file *name* (``-``: standard input), "" for a template.

    Raises OutboxError, OSError.
    """
    if name is None:
        return ""
    data = read_bytes(name, _MAX_TEXT_BYTES)
    if len(data) > _MAX_TEXT_BYTES:
        raise OutboxError("The answer's text is far too long.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise OutboxError("The answer's text is not UTF-8.") from None


def _letters(
    casebook: Casebook, asked: argparse.Namespace, text: str, day: date
) -> tuple[list[Letter], dict[Skipped, list[str]]]:
    """The letters to the cases that are asked for, and the names of those that get none."""
    if not asked.cases:
        raise OutboxError("Name the cases to answer, such as K7-QX4M.")
    numbers = [casebook.names.find(name) for name in asked.cases]
    wording = template(casebook, asked.template) if asked.template else text
    if len(set(numbers)) == 1:
        # Worded as for one case: it is out of the reviewer's hands.
        own_case(casebook, asked.cases[0])
    kept, skipped = addressees(
        casebook,
        numbers,
        wording,
        without=casebook.layers.given_away(at_desk(casebook)),
        although=asked.force,
        repeat=asked.repeat,
    )
    if not kept:
        raise OutboxError(" ".join(["Nobody is left to answer.", *skipped_cases(skipped)]))
    language = asked.lang or ""
    letters = write(casebook, kept, wording, today=day, language=language, although=asked.force)
    return letters, skipped


def _queued(written: Sequence[Letter], names: str) -> str:
    if len(written) == 1:
        return f"An answer to {names} is queued; it leaves with the next export-replies."
    return (
        f"{len(written)} answers, to {names}, are queued; they leave with the next export-replies."
    )
