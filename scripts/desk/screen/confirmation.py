"""Asking the reviewer to confirm before something is done that others will see."""

import sys
from collections.abc import Iterable, Mapping, Sequence

from scripts.desk.outbox.quotation import claimants_words, quotation
from scripts.desk.outbox.writing import Letter, OutboxError, Skipped
from scripts.sealed_archive import words_of
from scripts.terminal import isolated


def confirm(
    question: str, warnings: Sequence[str], *, yes: bool, shown: Sequence[str] = ()
) -> None:
    """Show the *warnings* and ask the *question*, unless *yes*.

    *shown* is the full text that the question is about; it comes first. Raises OutboxError unless
    confirmed.
    """
    if not yes and not sys.stdin.isatty():
        raise OutboxError(
            "Nobody is here to confirm this, so nothing was done; programs use --yes."
        )
    for line in (*(() if yes else shown), *warnings):
        print(line, file=sys.stderr)
    if yes:
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OutboxError("Nothing was done.")


def typed_words(question: str) -> str:
    """Words typed by a person, or given by a program as the first line of standard input."""
    if sys.stdin.isatty():
        print(question, end="", file=sys.stderr, flush=True)
    return words_of(sys.stdin.readline())


def texts(letters: Iterable[Letter]) -> list[str]:
    """Each text of the *letters* in full, once, after the language and the cases it goes to."""
    cases: dict[tuple[str, str], list[str]] = {}
    for one in letters:
        cases.setdefault((one.language, one.text), []).append(one.case.name)
    return [
        f"── {language}, to {', '.join(dict.fromkeys(names))}\n\n{isolated(text).rstrip()}\n"
        for (language, text), names in cases.items()
    ]


def skipped_cases(skipped: Mapping[Skipped, Sequence[str]]) -> list[str]:
    """A warning for each reason for which cases get no answer, with their names."""
    return [f"Skipped: {', '.join(names)}: {why}." for why, names in skipped.items()]


def other_languages(letters: Iterable[Letter]) -> list[str]:
    """A warning for each letter that is not in the language that was wanted."""
    return [
        f"Warning: the answer to {one.case.name} is not in {one.instead_of} but in {one.language}; "
        "--lang names another language."
        for one in letters
        if one.instead_of
    ]


def quotations(letters: Iterable[Letter]) -> list[str]:
    """A warning for each letter that repeats its claimant's words: how many, never which."""
    found = [(one.case.name, quotation(one.text, claimants_words(one.case))) for one in letters]
    return [
        f"Warning: the answer to {name} repeats {length} in a row that the claimant wrote; "
        "anybody who forces the codename from them could read that."
        for name, length in found
        if length
    ]
