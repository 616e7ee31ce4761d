"""`review` and `adjudicate`: writing a sheet, reading it from its file, or having it edited.

A reviewer's text is in the casebook's directory and is erased once it was accepted; see
:mod:`scripts.desk.form_file`. Only programs get a sheet elsewhere.
"""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from dropbox.campaign import Campaign
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.form_file import FormFile
from scripts.desk.identity import at_desk, own_case, today, working
from scripts.desk.review.judgement import ADJUDICATION
from scripts.desk.review.sheet import BadSheet, issued
from scripts.desk.reviewing import Kept, blank_sheet, hand_in, read_sheet, version_of
from scripts.desk.screen.edited_form import edit_until_taken, print_left
from scripts.desk.screen.output import print_json


def run_sheet(asked: argparse.Namespace, role: str) -> None:
    """Do what the options of :func:`scripts.desk.options.add_sheet` ask for, as *role*."""
    if asked.print:
        with working(asked) as casebook:
            sheet = blank_sheet(casebook, own_case(casebook, asked.case), role)
        _print_sheet(sheet, json=asked.json)
    elif asked.blank:
        with working(asked) as casebook:
            form, _ = _begun(casebook, asked, role)
        _print_form(form, role, json=asked.json)
    elif asked.edit:
        _edit(asked, role)
    else:
        _take(asked, role)


def _take(asked: argparse.Namespace, role: str) -> None:
    """Add the sheet in the file --form, and then erase it if it is the casebook's own form."""
    # Read before the casebook is locked, because somebody may still be typing it.
    filled_in = read_sheet(asked.form)
    with working(asked) as casebook:
        kept = _handed_in(casebook, asked, filled_in, role)
        form = FormFile(casebook.directory, kept.case, role, at_desk(casebook))
        campaign = casebook.campaign
    # Only now is the review on the disk.
    own = asked.form != "-" and form.is_at(Path(asked.form))
    erased = own and form.erase(filled_in)
    _print_kept(kept, campaign, json=asked.json, erased=erased)
    if not erased and asked.form != "-" and not asked.json:
        print_left(asked.form, typed_on=own)


def _handed_in(casebook: Casebook, asked: argparse.Namespace, sheet: bytes, role: str) -> Kept:
    return hand_in(casebook, own_case(casebook, asked.case), sheet, role, today=today())


def _edit(asked: argparse.Namespace, role: str) -> None:
    """Have the sheet edited and accept it, with another edit each time that it is wrong.

    The casebook is not locked meanwhile. Nothing that was typed is lost: until the sheet is
    accepted, the form stays, and the same command continues with it.
    """
    with working(asked) as casebook:
        form, before = _begun(casebook, asked, role)

    def take(filled_in: bytes) -> tuple[Kept, Campaign]:
        with working(asked) as casebook:
            return _handed_in(casebook, asked, filled_in, role), casebook.campaign

    taken = edit_until_taken(form, before, take, BadSheet)
    if taken is not None:
        (kept, campaign), erased = taken
        _print_kept(kept, campaign, json=asked.json, erased=erased)
        if not erased and not asked.json:
            print_left(form.path, typed_on=True)


def _begun(casebook: Casebook, asked: argparse.Namespace, role: str) -> tuple[FormFile, bytes]:
    """The form to fill in, and its blank sheet."""
    case = own_case(casebook, asked.case)
    form = FormFile(casebook.directory, case, role, at_desk(casebook))
    sheet = blank_sheet(casebook, case, role)
    left = form.left()
    if left is not None and _fits(casebook, asked, left, role):
        if left != sheet.encode():
            print(f"Going on with what you typed before, in {form.path}.", file=sys.stderr)
        return form, sheet.encode()
    if before := form.begin(sheet):
        print(
            f"The case has changed since you last edited its form, which is now {before}: copy "
            "what still holds. It is erased with the new one, once that was taken.",
            file=sys.stderr,
        )
    return form, sheet.encode()


def _fits(casebook: Casebook, asked: argparse.Namespace, left: bytes, role: str) -> bool:
    """Whether a leftover form is for the case in its present state, as far as it can be read."""
    case, reviewer = own_case(casebook, asked.case), at_desk(casebook)
    now = version_of(case, casebook.layers.of(case), reviewer, role)
    with suppress(BadSheet):
        return issued(left).version == now
    return True


def _print_sheet(sheet: str, *, json: bool) -> None:
    """Print a blank review sheet."""
    print_json({"sheet": sheet}) if json else print(sheet, end="")


def _print_form(form: FormFile, role: str, *, json: bool) -> None:
    """Print where *form* is, and how it is handed in."""
    if json:
        print_json({"case": form.case, "form": str(form.path)})
        return
    act = "adjudicate" if role == ADJUDICATION else "review"
    print(
        f"{form.path}\nFill it in, then hand it in with `{act} {form.case} --form` and this path; "
        "it is erased once it was taken. `--edit` opens it in your editor."
    )


def _print_kept(kept: Kept, campaign: Campaign, *, json: bool, erased: bool) -> None:
    """Print what became of a sheet: the layer's number and version, and the case's status.

    Also whether the form in the casebook's directory was *erased*.
    """
    if json:
        print_json(
            {
                "case": kept.case.name,
                "layer": kept.layer.number,
                "version": kept.layer.version,
                "status": kept.status,
                "erased": erased,
            }
        )
        return
    label = campaign.reviewing.label("status", kept.status, "en")
    print(
        f"{kept.case.name}: version {kept.layer.version} of your {kept.layer.role} was saved. "
        f"Status: {label}."
    )
