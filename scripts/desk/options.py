"""Options that several of the desk's commands share, each described once."""

import argparse
from pathlib import Path

from dropbox.label import LANGUAGES
from scripts.desk.screen.paging import MOST_LISTED


def add_case(parser: argparse.ArgumentParser) -> None:
    """The case that the command is about."""
    parser.add_argument("case", help="its name, such as K7-QX4M")


def add_lang(parser: argparse.ArgumentParser) -> None:
    """The language of the labels; claimants' texts are always shown as they wrote them."""
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="the language of the labels"
    )


def add_page(parser: argparse.ArgumentParser) -> None:
    """The part of a long list that is shown; read by :meth:`scripts.desk.screen.paging.Page.of`."""
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help=f"cases on a page, by default {MOST_LISTED}; 0 for all",
    )
    parser.add_argument(
        "--page", type=int, default=1, metavar="N", help="the number of the page, from 1"
    )


def add_where(parser: argparse.ArgumentParser) -> None:
    """A queue, and conditions; see :mod:`scripts.desk.search.selection`."""
    parser.add_argument(
        "--queue", default="", metavar="NAME", help="only cases of this queue; see `queues`"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only cases that have this; also !=, <, >, <= and >=, and several of them; "
        "`list --fields` names all fields",
    )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """The reviewers' public keys; read by :func:`scripts.desk.identity.named_reviewers`."""
    parser.add_argument(
        "--keys", type=Path, metavar="DIR", help="the reviewers' public keys, with FINGERPRINTS"
    )


def add_sheet(parser: argparse.ArgumentParser) -> None:
    """A blank sheet, a filled-in one or one to edit; see :mod:`scripts.desk.screen.sheets`."""
    sheet = parser.add_mutually_exclusive_group(required=True)
    sheet.add_argument(
        "--blank",
        action="store_true",
        help="write the sheet, with what the claimant said filled in, into the casebook's "
        "directory, and print its path",
    )
    sheet.add_argument(
        "--print", action="store_true", help="print the sheet itself instead, for programs"
    )
    sheet.add_argument(
        "--edit",
        action="store_true",
        help="edit the sheet with $EDITOR, and add it; a wrong one is edited once more",
    )
    sheet.add_argument(
        "--form",
        metavar="FILE",
        help="add a filled-in sheet, or - for standard input; one in the casebook's directory is "
        "erased then",
    )


def add_fact_form(parser: argparse.ArgumentParser) -> None:
    """A fact's form, or none, to list facts; see :mod:`scripts.desk.screen.fact_forms`."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--edit", action="store_true", help="edit a form with $EDITOR, and keep what it says"
    )
    form.add_argument(
        "--blank",
        action="store_true",
        help="write a form into the casebook's directory, and print its path",
    )
    form.add_argument(
        "--print", action="store_true", help="print the form itself instead, for programs"
    )
    form.add_argument(
        "--form",
        metavar="FILE",
        help="keep what a filled-in form says, or - for standard input; one in the casebook's "
        "directory is erased then",
    )
    parser.add_argument(
        "--correct",
        default="",
        metavar="ENTRY",
        help="with --edit, --blank or --print: to replace this entry or take it back, with a "
        "reason",
    )
    parser.add_argument(
        "--history", action="store_true", help="show all versions, also what was taken back"
    )


def add_yes(parser: argparse.ArgumentParser) -> None:
    """No confirmation; read by :func:`scripts.desk.screen.confirmation.confirm`."""
    parser.add_argument(
        "--yes", action="store_true", help="do not ask for confirmation: for programs"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """JSON for programs instead of text for people."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
