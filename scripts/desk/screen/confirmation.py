"""Asking the reviewer to confirm before something is done that others will see."""

import sys
from collections.abc import Iterable, Sequence

from scripts.desk.outbox.outbox import Letter, OutboxError
from scripts.desk.outbox.quotation import claimants_words, quotation


def confirm(question: str, warnings: Sequence[str], *, yes: bool) -> None:
    """Show the *warnings* and ask the *question*, unless *yes*.

    Raises OutboxError unless confirmed.
    """
    if not yes and not sys.stdin.isatty():
        raise OutboxError(
            "Nobody is here to confirm this, so nothing was done; programs use --yes."
        )
    for warning in warnings:
        print(warning, file=sys.stderr)
    if yes:
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OutboxError("Nothing was done.")


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
