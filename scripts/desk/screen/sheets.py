"""`review` and `adjudicate`: a sheet is printed, taken from a file, or edited and taken back."""

import argparse
import sys
from contextlib import suppress

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.form_file import FormFile
from scripts.desk.identity import at_desk, own_case, today, working
from scripts.desk.review.sheet import BadSheet, issued
from scripts.desk.reviewing import Kept, blank_sheet, hand_in, read_sheet, version_of
from scripts.desk.screen.reviews import print_kept, print_sheet
from scripts.terminal import isolated


def run_sheet(asked: argparse.Namespace, role: str) -> None:
    """Do what the options of :func:`scripts.desk.options.add_sheet` ask for, as *role*."""
    if asked.blank:
        with working(asked) as casebook:
            sheet = blank_sheet(casebook, own_case(casebook, asked.case), role)
        print_sheet(sheet, json=asked.json)
    elif asked.edit:
        _edit(asked, role)
    else:
        # Read before the casebook is locked, because somebody may still be typing it.
        filled_in = read_sheet(asked.form)
        with working(asked) as casebook:
            _print(casebook, _taken(casebook, asked, filled_in, role), asked)


def _taken(casebook: Casebook, asked: argparse.Namespace, sheet: bytes, role: str) -> Kept:
    return hand_in(casebook, own_case(casebook, asked.case), sheet, role, today=today())


def _print(casebook: Casebook, kept: Kept, asked: argparse.Namespace) -> None:
    print_kept(kept, casebook.campaign, json=asked.json)


def _edit(asked: argparse.Namespace, role: str) -> None:
    """Have the sheet edited and take it, with another edit for each time that it is wrong.

    The casebook is not locked meanwhile. Nothing that was typed is lost: until the sheet is taken,
    the form stays, and the same command goes on with it.
    """
    with working(asked) as casebook:
        form, before = _begun(casebook, asked, role)
    while True:
        form.edit()
        filled_in = form.read()
        if filled_in == before:
            form.erase()
            print("Nothing was changed, so nothing was kept.")
            return
        try:
            with working(asked) as casebook:
                _print(casebook, _taken(casebook, asked, filled_in, role), asked)
        except BadSheet as why:
            _ask_again(str(why), form)
        else:
            form.erase()
            return


def _begun(casebook: Casebook, asked: argparse.Namespace, role: str) -> tuple[FormFile, bytes]:
    """The form to edit, and the blank sheet of which it is."""
    case = own_case(casebook, asked.case)
    form = FormFile(casebook.directory, case, role)
    sheet = blank_sheet(casebook, case, role)
    left = form.left()
    if left is not None and _fits(casebook, asked, left, role):
        print(f"Going on with what you typed before, in {form.path}.", file=sys.stderr)
        return form, sheet.encode()
    if before := form.begin(sheet):
        print(
            f"The case has changed since you last edited its form, which is now {before}: copy "
            "what still holds. Both are erased once the new one is taken.",
            file=sys.stderr,
        )
    return form, sheet.encode()


def _fits(casebook: Casebook, asked: argparse.Namespace, left: bytes, role: str) -> bool:
    """Whether a form that was left is for the case as it is now, as far as it can be read."""
    case, reviewer = own_case(casebook, asked.case), at_desk(casebook)
    now = version_of(case, casebook.layers.of(case), reviewer, role)
    with suppress(BadSheet):
        return issued(left).version == now
    return True


def _ask_again(why: str, form: FormFile) -> None:
    """Show what is wrong, and wait. Raises BadSheet where nobody is there."""
    stays = f"The form stays in {form.path}; the same command goes on with it."
    if not sys.stdin.isatty():
        raise BadSheet(f"{why}\n{stays}")
    print(isolated(why), stays, sep="\n", file=sys.stderr)
    print("Enter opens it once more, Ctrl-C stops: ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline():
        raise BadSheet(stays)
