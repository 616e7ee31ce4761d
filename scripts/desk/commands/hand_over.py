"""`hand-over`: hands decided cases over to counsel, after a second reviewer has approved it."""

import argparse
from pathlib import Path

from dropbox.codename import WordLists
from scripts.desk.casebook.productions import HAND_OVER
from scripts.desk.identity import at_desk, opener, viewer, working
from scripts.desk.options import add_json, add_lang, add_where
from scripts.desk.production.approval import approve, hand_over_approved, manner_of
from scripts.desk.production.plan import HOLDING, planned
from scripts.desk.screen.output import counted, print_json, print_rich, progress_bar, stages
from scripts.desk.screen.production import plan_text, plan_values
from scripts.desk.search.selection import Condition, Selection
from scripts.desk.search.upkeep import catch_up

HELP = "hand decided cases over to counsel"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_where(parser)
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        choices=HOLDING,
        metavar="FLAG",
        help=f"hand over cases with this flag too ({' or '.join(HOLDING)})",
    )
    parser.add_argument(
        "--approve",
        default="",
        metavar="CODE",
        help="approve what another reviewer is going to hand over, by the code of its plan",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write it into this new folder, once it is approved"
    )
    parser.add_argument(
        "--without-pictures",
        action="store_true",
        help="slip sheets instead of pictures of files, which is quicker",
    )
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show what would be handed over, approve it, or write it out."""
    chosen = Selection(queue=asked.queue, where=tuple(map(Condition.read, asked.where)))
    with working(asked) as casebook, progress_bar() as bar:
        show = stages(bar)
        catch_up(casebook, show)
        reviewer = at_desk(casebook)
        given_away = casebook.layers.given_away(reviewer)
        numbers = [one for one in chosen.numbers(casebook, reviewer) if one not in given_away]
        plan = planned(
            casebook,
            numbers,
            set(asked.allow),
            WordLists.read(),
            lambda done, total: show("looking at cases", done, total),
        ).written(asked.lang, pictures=not asked.without_pictures)
        approved = casebook.productions.approved_by(plan.sha256)
        if asked.approve:
            approve(casebook, plan, asked.approve)
            ready = counted(len(plan.ready), "case")
            print(f"Approved: {ready} may be handed over. Written with {manner_of(plan)}.")
            return
        if asked.out is None:
            casebook.note("view", HAND_OVER)
            reader = viewer(casebook, asked.lang)
            if asked.json:
                print_json(plan_values(plan, approved, reader))
            else:
                print_rich(plan_text(plan, approved, reader))
            return
        secret = opener(asked)
        done = hand_over_approved(
            casebook,
            plan,
            asked.out,
            lambda data: secret.sign(data, reviewer),
            lambda done, total: show("handing over", done, total),
        )
    print(
        f"{counted(done.cases, 'case')} with {counted(done.documents, 'document')} and "
        f"{done.bytes:,} bytes are in {asked.out}. SHA-256 of its list: {done.sha256}"
    )
    if done.removed:
        left = counted(done.removed, "folder")
        print(f"{left} beside it, of a hand-over that was killed, had cases in the clear: removed.")
