"""Resuming what was begun in a case before the desk was locked."""

from collections.abc import Callable

from scripts.desk.case import Case
from scripts.desk.full_screen.answering import Answering
from scripts.desk.full_screen.coding import Coding
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.fact_screen import EnteringFacts
from scripts.desk.full_screen.filling_in import fill_in
from scripts.desk.full_screen.translating_texts import Translating
from scripts.desk.full_screen.unfinished import ANSWER, FACT, FIELD, Unfinished


def take_up(
    screen: DeskScreen,
    case: Case,
    coding: Coding,
    resumed: Unfinished,
    changed: Callable[[], None],
) -> None:
    """Restore the filled-in fields, and reopen the text that was being written, on *screen*.

    *changed* is called once a translation or a fact is kept.
    """
    draft, (what, text) = coding.draft, resumed.begun
    if resumed.sheet and (draft is None or not draft.take_up(resumed.sheet)):
        screen.remark(f"{case.name} has changed; what was filled in for it is gone.", "warning")
    coding.renew()
    if what == ANSWER:
        Answering(screen, case).resume(text)
    elif draft is not None and what.startswith(FIELD):
        field = next(one for one in draft.fields if one.name == what.removeprefix(FIELD))
        coding.select(field)
        fill_in(screen, case.name, draft, field, coding.renew, begun=text)
    elif what.startswith(FACT):
        EnteringFacts(screen, case, changed).open(what.removeprefix(FACT), text)
    elif what:
        Translating(screen, case, changed).write(what, text)
