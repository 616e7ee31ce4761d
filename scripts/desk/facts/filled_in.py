"""The fields of a filled-in form, checked against the case and the campaign."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from dropbox.review_codes import Reviewing
from scripts.desk.casebook.facts import CONTACT, PARTY, Contact, Event, Fact, Party
from scripts.desk.facts import dates, toml_forms
from scripts.desk.facts.dates import BadDate, Certainty, FactDate
from scripts.desk.facts.entities import entry_in
from scripts.desk.facts.extent import Extent
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.facts.sources import Sources
from scripts.desk.facts.toml_forms import Fields, Form

TO_COME = "Its date is still to come."


class Known(NamedTuple):
    """What a form is checked against: the campaign's lists, and what is in the case.

    ``extent`` gives the extent of a source by its kind and number; ``parties`` are entries.
    """

    reviewing: Reviewing
    sources: Sources
    extent: Callable[[str, int], Extent]
    parties: Sequence[str]


def fact_said(
    form: Form, kind: str, known: Known, *, entry: str, reviewer: str, today: date
) -> tuple[Fact, tuple[str, ...]]:
    """The fact of this *kind* that *form* says, and remarks. Raises FactError with all faults."""
    fields, lists = Fields(form.fields), known.reviewing.codes
    remarks: tuple[str, ...] = ()
    made: Fact
    text = fields.text("text", toml_forms.TEXT_CHARACTERS)
    who = {"entry": entry, "text": text, "reviewer": reviewer, "day": today}
    if kind == PARTY:
        made = Party(
            kind=fields.code("kind", lists("party_kind")),
            role=fields.code("role", lists("party_role")),
            names=fields.names(),
            source=fields.source(known.sources, known.extent),
            **who,  # type: ignore[arg-type]
        )
        fields.text("same_as", toml_forms.NAME_CHARACTERS)
    elif kind == CONTACT:
        made = Contact(
            date=_contact_date(fields, today),
            channel=fields.code("channel", lists("contact_channel")),
            team=fields.text("team", toml_forms.NAME_CHARACTERS),
            contact=fields.text("contact", toml_forms.NAME_CHARACTERS),
            **who,  # type: ignore[arg-type]
        )
        if not made.team:
            fields.fault("team", "say who of the team had the contact.")
    else:
        when = _date(fields)
        remarks = (TO_COME,) if when.first and when.first > today else ()
        made = Event(
            date=when.written,
            kind=fields.code("kind", lists("event_kind")),
            source=fields.source(known.sources, known.extent),
            parties=" ".join(_parties(fields, known.parties)),
            **who,  # type: ignore[arg-type]
        )
        if not text:
            fields.fault("text", "say what happened.")
    fields.check()
    return made, remarks


def _date(fields: Fields) -> FactDate:
    try:
        typed = fields.text("when", toml_forms.NAME_CHARACTERS)
        if not typed:
            fields.fault("when", 'this is required; "unknown" if nobody knows.')
        return dates.parse(typed)
    except BadDate as why:
        fields.fault("when", str(why))
        return dates.UNKNOWN


def _contact_date(fields: Fields, today: date) -> str:
    when = _date(fields)
    if when.certainty is Certainty.UNKNOWN:
        fields.fault("when", "a contact needs a date, if only about when.")
    elif when.first and when.first > today:
        fields.fault("when", "this is still to come; a contact is entered when it was.")
    return when.written


def _parties(fields: Fields, entries: Sequence[str]) -> list[str]:
    found = []
    for typed in fields.parties():
        try:
            found.append(entry_in(entries, typed))
        except FactError as why:
            fields.fault("parties", str(why))
    return sorted(set(found))
