"""Filling in one field of a review: from a list of its codes, or by typing."""

from collections.abc import Callable

from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Typed
from scripts.desk.full_screen.draft import Draft, Field, Kind
from scripts.desk.full_screen.unfinished import FIELD

_HINTS = {
    Kind.AMOUNTS: "A line each: amount, currency, the month if known, and what it is for, such as "
    "9000.00 CNY 2026-01 monthly salary lost. Currencies: {currencies}.",
    Kind.REASONS: "A line each: what is taken back, and why, such as minor the claimant is 34. "
    "These can be: {codes}.",
    Kind.WORDS: "Words of your own, with spaces between.",
    Kind.TEXT: "{field} of {case}",
}


def fill_in(
    screen: DeskScreen,
    name: str,
    draft: Draft,
    field: Field,
    done: Callable[[], None],
    *,
    begun: str | None = None,
) -> None:
    """Ask on *screen* for *field* of *draft*, a review of the case *name*; then call *done*.

    *begun* is what had already been typed for it.
    """
    title = f"{name}: {field.title}"
    if field.kind in (Kind.ONE, Kind.MANY, Kind.TABLE):

        def chosen(code: str) -> bool:
            draft.choose(field, code)
            return field.kind is Kind.ONE

        entries = [(code, f"{code}  {label}") for code, label in field.codes.items()]
        asking = Chooser(title, entries, mark=lambda code: _mark(draft, field, code), choose=chosen)
        screen.app.push_screen(asking, lambda _result: done())
        return

    def typed(text: str | None) -> None:
        if text is not None:
            draft.type(field, text)
        done()

    hint = _HINTS[field.kind].format(
        currencies=", ".join(draft.currencies),
        codes=", ".join(field.codes),
        field=field.title,
        case=name,
    )
    lines = field.kind is not Kind.WORDS
    text = draft.text(field) if begun is None else begun
    writing = Typed(title, hint, text, lines=lines, what=FIELD + field.name)
    screen.app.push_screen(writing, typed)


def _mark(draft: Draft, field: Field, code: str) -> str:
    status = dict(draft.said(field)).get(code)
    return "" if status is None else draft.statuses.get(status, "●") if status else "●"
