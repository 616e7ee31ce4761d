"""A form in the reviewer's editor: opened again while it is wrong, erased once it is accepted."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dropbox.errors import CasedropError
from scripts.desk.form_file import FormFile
from scripts.terminal import isolated

Taken = TypeVar("Taken")


def edit_until_taken(
    form: FormFile, before: bytes, take: Callable[[bytes], Taken], wrong: type[CasedropError]
) -> tuple[Taken, bool] | None:
    """Have *form* edited until *take* accepts it, once more each time that it raises *wrong*.

    Returns what *take* returned, and whether the form was erased; None if the form is as *before*.
    """
    while True:
        form.edit()
        filled_in = form.read()
        if filled_in == before:
            form.erase(filled_in)
            print("Nothing was changed, so nothing was kept.")
            return None
        try:
            taken = take(filled_in)
        except wrong as why:
            _ask_again(str(why), form, wrong)
        else:
            return taken, form.erase(filled_in)


def _ask_again(why: str, form: FormFile, wrong: type[CasedropError]) -> None:
    """Show what is wrong, and wait. Raises *wrong* if nobody is at the terminal."""
    stays = f"The form stays in {form.path}; the same command goes on with it."
    if not sys.stdin.isatty():
        raise wrong(f"{why}\n{stays}")
    print(isolated(why), stays, sep="\n", file=sys.stderr)
    print("Enter opens it once more, Ctrl-C stops: ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline():
        raise wrong(stays)


def print_left(path: Path | str, *, typed_on: bool) -> None:
    """Say that a form was accepted but not erased: it is elsewhere, or somebody *typed_on* in
    it.
    """
    why = "was changed while it was taken" if typed_on else "is not the casebook's own form"
    print(f"{path} {why}, so it is still there with what you wrote; erase it.")
