"""The acts of answering at the desk: who is answered and how, what gives a person pause, what waits and what has left."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from dropbox.label import LANGUAGES
from dropbox.ready_answer import Template
from scripts.desk.case import Answer, case_name, case_number
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.outbox.outbox import Letter, OutboxError, leaving, queue, template, write
from scripts.desk.outbox.quotation import claimants_words, quotation
from scripts.desk.screen.output import table


def answer_options(parser: ArgumentParser) -> None:
    """The options of `answer`. No text among them: arguments can be read by every user of a computer."""
    parser.add_argument("cases", nargs="*", metavar="case", help="their numbers, such as C-0001")
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
    parser.add_argument("--language", choices=LANGUAGES, help="by default each claimant's")
    parser.add_argument(
        "--although",
        action="store_true",
        help="answer claimants, too, who asked not to be answered",
    )
    _confirmation(parser)


def export_options(parser: ArgumentParser) -> None:
    """The options of `export-replies`."""
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--signer", default="", metavar="FINGERPRINT", help="who signs, by default who works"
    )
    _confirmation(parser)


def outbox_options(parser: ArgumentParser) -> None:
    """The options of `outbox`."""
    parser.add_argument(
        "--left", action="store_true", help="what has left, and whether the claimant came back"
    )
    parser.add_argument(
        "--remove",
        type=int,
        metavar="N",
        help="take back the answer with this number, before it has left",
    )


def _confirmation(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask back: for programs")


def letters(casebook: Casebook, asked: Namespace, text: str, *, today: date) -> list[Letter]:
    """The letters that `answer` was asked to write, once the person at the desk has said yes. Raises as outbox.write.

    *text* is that of :func:`given_text`.
    """
    if not asked.cases:
        raise OutboxError("Name the cases to answer, such as C-0001.")
    wording = template(casebook, asked.template) if asked.template else text
    numbers = [case_number(name) for name in asked.cases]
    written = write(
        casebook,
        numbers,
        wording,
        today=today,
        language=asked.language or "",
        although=asked.although,
    )
    question = f"Queue {_said(len(written), 'answer')}, to {', '.join(f'{one.case.name} ({one.language})' for one in written)}?"
    _ask(question, quoting(written), yes=asked.yes)
    queue(casebook, written)
    return written


def given_text(asked: Namespace) -> str:
    """The text that `answer` was given, "" with a template. Read before the casebook is locked: a person may still type.

    Raises OutboxError or OSError.
    """
    if asked.text_file is None:
        return ""
    data = sys.stdin.buffer.read() if asked.text_file == "-" else Path(asked.text_file).read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise OutboxError("The answer's text is not UTF-8.") from None


def confirm_leaving(casebook: Casebook, *, yes: bool) -> None:
    """Ask back what is about to leave. Raises OutboxError when the person at the desk does not want it to."""
    answers = leaving(casebook)
    if not answers:
        raise OutboxError("No answer is waiting to leave.")
    letters = [
        Letter(casebook.case(one.case), one.language, one.day, one.text)
        for one in answers
        if one.kind == "answer"
    ]
    cases = ", ".join(dict.fromkeys(letter.case.name for letter in letters)) or "none"
    acknowledged = _said(len(answers) - len(letters), "acknowledgement")
    question = f"Let {_said(len(letters), 'answer')} ({cases}) and {acknowledged} leave? What has left cannot be taken back."
    _ask(question, quoting(letters), yes=yes)


def quoting(letters: Iterable[Letter]) -> list[str]:
    """A sentence for each letter that repeats its claimant's words: how long, never what."""
    found = [(one.case.name, quotation(one.text, claimants_words(one.case))) for one in letters]
    return [
        f"Warning: the answer to {name} repeats {length} in a row of what the claimant wrote; "
        "whoever takes the codename from them would read it."
        for name, length in found
        if length
    ]


def _ask(question: str, warnings: Sequence[str], *, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise OutboxError(
            "Nobody is here to be asked back, and nothing was done; programs say --yes."
        )
    for warning in warnings:
        print(warning, file=sys.stderr)
    if yes:
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OutboxError("Nothing was done.")


def _said(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def queued_said(written: Sequence[Letter]) -> str:
    """What `answer` says when it is done."""
    names = ", ".join(f"{one.case.name} ({one.language})" for one in written)
    if len(written) == 1:
        return f"An answer to {names} is queued; it leaves with the next export-replies."
    return (
        f"{len(written)} answers, to {names}, are queued; they leave with the next export-replies."
    )


def templates_table(templates: Iterable[Template], language: str) -> Table:
    """One row a ready answer."""
    listed = table("code", "what it is for")
    for one in templates:
        listed.add_row(Text(one.code), Text(one.in_(language)))
    return listed


def outbox_values(answers: Iterable[Answer], today: date) -> list[dict[str, Any]]:
    """What waits, longest first, without the texts; ``days`` is how long."""
    return [
        {
            "number": one.id,
            "case": case_name(one.case),
            "kind": one.kind,
            "language": one.language,
            "day": one.day.isoformat(),
            "days": (today - one.day).days,
        }
        for one in answers
    ]


def left_values(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """What has left, when, and the day of the first part that the claimant sent after it, None while nothing came."""
    return [
        {
            "case": case_name(one.case),
            "language": one.language,
            "day": one.day.isoformat(),
            "bundle": one.bundle,
            "left": one.left and one.left.isoformat(),
            "returned": one.returned and one.returned.isoformat(),
        }
        for one in answers
    ]


def values_table(values: Sequence[dict[str, Any]]) -> Table:
    """The rows of :func:`outbox_values` or :func:`left_values`."""
    listed = table(*(values[0] if values else ()))
    for row in values:
        listed.add_row(
            *(Text("nothing yet" if cell is None else str(cell)) for cell in row.values())
        )
    return listed


def answered_values(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """For each answered case: how many answers left, the last one when, and when the claimant came back after that."""
    cases: dict[int, list[Answer]] = {}
    for one in answers:
        cases.setdefault(one.case, []).append(one)
    return [
        {"answers": len(ones), **left_values(ones[-1:])[0]} for _, ones in sorted(cases.items())
    ]


def came_back(answered: Iterable[dict[str, Any]]) -> str:
    """The cases of :func:`answered_values` whose claimants came back, each with the day."""
    return ", ".join(f"{one['case']} ({one['returned']})" for one in answered if one["returned"])
