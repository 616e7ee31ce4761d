"""`list`: lists the cases and the state of their reviews, a page at a time."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import viewer, working
from scripts.desk.options import add_json, add_lang, add_page, add_where
from scripts.desk.screen.chosen import CODES, Chosen
from scripts.desk.screen.output import (
    print_json,
    print_rich,
    progress_bar,
    screen_width,
    stages,
)
from scripts.desk.screen.paging import Page
from scripts.desk.screen.queue_tables import codes_table, field_values, fields_table
from scripts.desk.screen.reviews import list_table, list_values, next_after
from scripts.desk.search.columns import columns_of
from scripts.desk.search.known_codes import check_codes
from scripts.desk.search.saved_views import View, Views
from scripts.desk.search.selection import Condition, Selection, named
from scripts.desk.search.upkeep import catch_up

HELP = "list the cases and the state of their reviews"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    for name in CODES:
        parser.add_argument(
            f"--{name}", default="", metavar="CODE", help=f"only cases with this {name}"
        )
    add_where(parser)
    parser.add_argument(
        "--sort", default="", metavar="FIELD", help="by what a case has in this field"
    )
    parser.add_argument("--descending", action="store_true", help="the last ones first")
    parser.add_argument("--view", default="", metavar="NAME", help="what was saved as a view")
    parser.add_argument(
        "--save-view",
        default="",
        metavar="NAME",
        help="save filters and order as a view",
    )
    parser.add_argument(
        "--fields",
        nargs="?",
        const="",
        metavar="FIELD",
        help="show what cases can be filtered and sorted by, or the codes of one field",
    )
    parser.add_argument(
        "--after", default="", metavar="CASE", help="only cases that are listed after this one"
    )
    add_page(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show what the reviewer at work may see of them."""
    page = Page.of(asked)
    with working(asked) as casebook:
        if asked.fields is not None:
            _show_fields(casebook, asked)
            return
        view = _view(casebook, asked)
        chosen = _chosen(casebook, view, asked, page)
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        reader = viewer(casebook, asked.lang)
        numbers = chosen.numbers(casebook, reader.reviewer)
        shown = chosen.page(numbers)
        rows = list_values(casebook, shown, reader)
        if asked.save_view:
            Views(casebook.directory).save(asked.save_view, view)
        casebook.note("view", "list")
    if asked.json:
        print_json(rows)
        return
    print_rich(list_table(rows, reader, screen_width()))
    print(page.note(len(numbers)), end="")
    if following := next_after(rows, len(numbers) - page.skip - len(shown)):
        print(f"There are more; go on with --after {following}")


def _view(casebook: Casebook, asked: argparse.Namespace) -> View:
    """The query, combined with that of the named view."""
    options = {name: getattr(asked, name) for name in (*CODES, "queue", "sort")}
    given = View(options, tuple(asked.where), asked.descending)
    if not asked.view:
        return given
    saved = Views(casebook.directory).named(asked.view)
    both = {name: value or saved.options.get(name, "") for name, value in options.items()}
    descending = given.descending or (saved.descending and not given.options["sort"])
    return View(both, tuple(dict.fromkeys([*saved.where, *given.where])), descending)


def _chosen(casebook: Casebook, view: View, asked: argparse.Namespace, page: Page) -> Chosen:
    """The cases that *view* asks for. Raises WrongCode or SelectionError."""
    codes = {name: view.options[name] for name in CODES}
    check_codes(casebook, codes)
    selection = Selection(
        view.options["queue"],
        tuple(map(Condition.read, view.where)),
        view.options["sort"],
        view.descending,
    )
    after = casebook.names.find(asked.after) if asked.after else 0
    return Chosen(**codes, selection=selection, after=after, most=page.most, skip=page.skip)


def _show_fields(casebook: Casebook, asked: argparse.Namespace) -> None:
    """Show all fields, or the codes of the named one. Raises WrongCode."""
    columns = columns_of(casebook.campaign)
    chosen = [named(columns, asked.fields)[0]] if asked.fields else list(columns.values())
    if asked.json:
        print_json(field_values(chosen, asked.lang))
    elif asked.fields and chosen[0].codes:
        print_rich(codes_table(chosen[0], asked.lang))
    else:
        print_rich(fields_table(chosen, asked.lang))
