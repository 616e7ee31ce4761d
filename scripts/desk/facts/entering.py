"""Adding facts in the name of the reviewer at work, correcting them and taking them back."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import NamedTuple

from scripts.desk.case import Case
from scripts.desk.case_name import BadCaseName
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import (
    CONTACT,
    EVENT,
    PARTY,
    TAKEN_BACK,
    Contact,
    Event,
    Fact,
    Facts,
    Party,
    SameParty,
    new_entry,
)
from scripts.desk.casebook.link_decisions import CONFIRMED, DENIED
from scripts.desk.facts import sources, toml_forms
from scripts.desk.facts.case_facts import CaseFacts, facts_of
from scripts.desk.facts.entities import Placed, alike, entities, entity_of, entry_in
from scripts.desk.facts.extent import extent
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.facts.filled_in import Known, fact_said
from scripts.desk.facts.toml_forms import Form, Printed
from scripts.desk.identity import at_desk, names

# Writing a fact may be interrupted by a merge; this many versions of one are still read.
_MOST_FACTS = 2_000


class Entered(NamedTuple):
    """A fact that was kept, and what its reviewer should know: remarks, and similar parties."""

    fact: Fact
    remarks: tuple[str, ...]
    alike: tuple[Placed, ...] = ()


def blank_form(casebook: Casebook, case: Case, kind: str, language: str, entry: str = "") -> str:
    """The form for a new fact of *case*, or for correcting *entry*. Raises FactError."""
    casebook.viewed(case)
    found, printed = facts_of(casebook, case), Printed(case.name)
    if entry:
        versions = versions_of(casebook, case, kind)
        last = versions[entry_in(versions, entry)]
        printed = Printed(case.name, last[-1], len(last), found.contested.get(last[-1].entry, ()))
    team = names(casebook).get(at_desk(casebook), "")
    return toml_forms.blank(kind, printed, casebook.campaign, language, found.sources, team)


def hand_in(casebook: Casebook, case: Case, kind: str, untrusted: bytes, today: date) -> Entered:
    """Keep the filled-in form as a fact of *case*, or as a version of one. Raises FactError."""
    form = toml_forms.read(untrusted, kind)
    _refuse_other(casebook, case, form)
    versions = versions_of(casebook, case, kind)
    before = _before(versions, form)
    if before is None and len(versions) >= _MOST_FACTS:
        raise FactError(f"{case.name} has {_MOST_FACTS:,} of them; no more are kept.")
    found = facts_of(casebook, case)
    entry = before.entry if before else new_entry(kind)
    remarks: tuple[str, ...] = ()
    if form.take_back and before is not None:
        fact = _said_by(casebook, replace(before, state=TAKEN_BACK), form, today)
    else:
        known = _known(casebook, found)
        reviewer = at_desk(casebook)
        read, remarks = fact_said(form, kind, known, entry=entry, reviewer=reviewer, today=today)
        fact = _said_by(casebook, _with_source(read, before, found), form, today)
    if before is not None and fact.said == before.said and entry not in found.contested:
        raise FactError("Nothing was changed, so nothing was kept.")
    with casebook.together():
        _add(casebook, case, fact)
        near = _join(casebook, case, fact, form, today) if isinstance(fact, Party) else ()
        casebook.layers.settle(case)
    return Entered(fact, remarks, near)


def versions_of(casebook: Casebook, case: Case, kind: str) -> dict[str, list[Fact]]:
    """All versions of the facts of this *kind*, by entry."""
    tables: dict[str, Facts[Event] | Facts[Party] | Facts[Contact]] = {
        EVENT: casebook.events,
        PARTY: casebook.parties,
        CONTACT: casebook.contacts,
    }
    return {entry: list(found) for entry, found in tables[kind].versions(case.number).items()}


def _known(casebook: Casebook, found: CaseFacts) -> Known:
    answers = casebook.answers.to(found.case)
    return Known(
        casebook.campaign.reviewing,
        found.sources,
        partial(extent, casebook, found.case, answers),
        [one.entry for one in found.parties],
    )


def _with_source(fact: Fact, before: Fact | None, found: CaseFacts) -> Fact:
    """The fact with its former source, if a form cannot name that because it is not at this
    desk.
    """
    if not isinstance(fact, Event | Party) or not isinstance(before, Event | Party):
        return fact
    known = sources.read(before.source)
    lost = bool(before.source) and (known is None or not found.sources.number(known))
    return replace(fact, source=before.source) if lost and not fact.source else fact


def _refuse_other(casebook: Casebook, case: Case, form: Form) -> None:
    try:
        number = casebook.names.find(form.case)
    except BadCaseName as why:
        raise FactError(f"case: {why}") from None
    if number != case.number:
        raise FactError(f"case: this form is for another case than {case.name}.")


def _before(versions: dict[str, list[Fact]], form: Form) -> Fact | None:
    """The version that *form* replaces. Raises FactError."""
    if not form.entry:
        if form.take_back or form.version:
            raise FactError("entry: this is missing; print the form with --correct.")
        return None
    found = versions[entry_in(versions, form.entry)]
    if len(found) != form.version:
        raise FactError(
            "version: it was corrected since the form was printed. Nothing was kept; print another."
        )
    if not form.reason:
        raise FactError("reason: say why this replaces what was entered.")
    return found[-1]


def _said_by(casebook: Casebook, fact: Fact, form: Form, today: date) -> Fact:
    reason = form.reason if form.entry else ""
    return replace(fact, reason=reason, reviewer=at_desk(casebook), day=today)


def _add(casebook: Casebook, case: Case, fact: Fact) -> None:
    if isinstance(fact, Event):
        casebook.events.add(case, fact)
    elif isinstance(fact, Party):
        casebook.parties.add(case, fact)
    else:
        assert isinstance(fact, Contact)
        casebook.contacts.add(case, fact)


def _join(
    casebook: Casebook, case: Case, fact: Party, form: Form, today: date
) -> tuple[Placed, ...]:
    """Join the party with the one its form names; otherwise return parties with the same name."""
    if not fact.counts:
        return ()
    known = entities(casebook, casebook.layers.given_away(at_desk(casebook)))
    if typed := str(form.fields.get("same_as", "")).strip():
        _entity, other = entity_of(known, typed)
        if other.party.entry == fact.entry:
            raise FactError("same_as: this is the entry itself.")
        _say(casebook, case, (fact.entry, other.party.entry), CONFIRMED, "", today)
        return ()
    return tuple(alike(known, fact))


def say_same(
    casebook: Casebook, typed: tuple[str, str], decision: str, reason: str, *, today: date
) -> tuple[Placed, Placed]:
    """Record that two parties, as people call them, are one (CONFIRMED) or not (DENIED).

    Raises FactError.
    """
    known = entities(casebook, casebook.layers.given_away(at_desk(casebook)))
    (first, one), (second, other) = (entity_of(known, each) for each in typed)
    pair = (one.party.entry, other.party.entry)
    if pair[0] == pair[1]:
        raise FactError("These are one and the same entry.")
    if decision == DENIED and tuple(sorted(pair)) not in casebook.same_parties.confirmed():
        sentence = "Nobody said that these two are one."
        if first is second:
            sentence += " They are joined through another entry: deny that one with either."
        raise FactError(sentence)
    if decision == CONFIRMED and first is second:
        raise FactError("These two are one already.")
    with casebook.together():
        _say(casebook, casebook.case(one.case), pair, decision, reason, today)
    return one, other


def _say(
    casebook: Casebook, case: Case, pair: tuple[str, str], decision: str, reason: str, today: date
) -> None:
    word = SameParty(*pair, decision, reason, at_desk(casebook), today)
    casebook.same_parties.add(case, word)
