"""`timeline`: shows what happened, in order, in one case, in many, or with one person."""

import argparse
from collections.abc import Collection

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.facts.chronology import party_names, sources_of, timeline
from scripts.desk.facts.entities import entities, entity_of
from scripts.desk.identity import at_desk, own_case, viewer, working
from scripts.desk.options import add_json, add_lang, add_page, add_where
from scripts.desk.screen.chosen import chosen_by
from scripts.desk.screen.fact_tables import order_notes, timeline_table, timeline_values
from scripts.desk.screen.output import print_json, print_rich, progress_bar, stages
from scripts.desk.screen.paging import Page
from scripts.desk.search.upkeep import catch_up

HELP = "show what happened, in order, in one case, in many, or with one person"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("case", nargs="?", default="", help="its name; all cases without one")
    parser.add_argument(
        "--party",
        default="",
        metavar="ENTRY",
        help="only events in which this person or organisation took part, in all its cases",
    )
    add_where(parser)
    parser.add_argument("--view", default="", metavar="NAME", help="what `list` saved as a view")
    add_page(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show the events of the selected cases that the reviewer may know about."""
    page = Page.of(asked)
    with working(asked) as casebook:
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        numbers, parties = _numbers(casebook, asked), _parties(casebook, asked)
        dated, undated = timeline(casebook, numbers, parties)
        found = [*dated, *undated]
        shown = found[page.skip : page.skip + page.most if page.most else None]
        names = casebook.names.among({one.case for one in shown})
        sources = sources_of(casebook, {one.case for one in shown})
        called = party_names(casebook, {one.case for one in shown})
        reader = viewer(casebook, asked.lang)
        casebook.note("view", names[numbers[0]] if asked.case and names else "timeline")
    if asked.json:
        print_json(timeline_values(shown, names, sources, called, reader))
        return
    if shown:
        print_rich(timeline_table(shown, names, sources, called, reader, one=bool(asked.case)))
    print("\n".join(order_notes(dated, undated)))
    print(page.note(len(found), "events"), end="")


def _numbers(casebook: Casebook, asked: argparse.Namespace) -> list[int]:
    """The selected cases, without those that the reviewer gave away."""
    if asked.case:
        return [own_case(casebook, asked.case).number]
    reviewer = at_desk(casebook)
    given_away = casebook.layers.given_away(reviewer)
    chosen = chosen_by(casebook, asked)
    return [one for one in chosen.numbers(casebook, reviewer) if one not in given_away]


def _parties(casebook: Casebook, asked: argparse.Namespace) -> Collection[str]:
    """The entries of the person or organisation in all cases. Raises FactError."""
    if not asked.party:
        return ()
    known = entities(casebook, casebook.layers.given_away(at_desk(casebook)))
    return entity_of(known, asked.party)[0].entries
