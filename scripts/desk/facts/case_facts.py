"""The facts of a case that count, for showing them and for handing them over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dropbox.campaign import Campaign
from scripts.desk.case import Answer, Case, Part
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import Contact, Event, Fact, Party
from scripts.desk.facts import dates
from scripts.desk.facts.dates import FactDate
from scripts.desk.facts.sources import Sources

# The channel of messages through the drop, which nobody has to enter.
DROP = "drop"
ANSWERED, WROTE = "answer", "message"


@dataclass(frozen=True)
class Contacted:
    """A contact: one that somebody entered, an answer that left, or a claimant's later part.

    ``through`` is the channel's code. Exactly one of ``entered``, ``answer`` and ``part`` is set.
    """

    when: FactDate
    through: str
    entered: Contact | None = None
    answer: Answer | None = None
    part: Part | None = None


@dataclass(frozen=True, repr=False)
class CaseFacts:
    """The facts of a case that count: events by date, undated last; parties; contacts by day.

    ``contested`` has, by entry, versions that were written at the same time and disagree.
    """

    case: Case
    events: tuple[Event, ...]
    parties: tuple[Party, ...]
    contacts: tuple[Contacted, ...]
    sources: Sources
    contested: Mapping[str, tuple[Fact, ...]]

    @property
    def any(self) -> bool:
        """Whether anybody entered anything."""
        entered = any(one.entered for one in self.contacts)
        return bool(self.events or self.parties or entered)


def facts_of(casebook: Casebook, case: Case) -> CaseFacts:
    """The facts of *case*; whoever asks must not have given it away."""
    answers = casebook.answers.to(case)
    return CaseFacts(
        case,
        in_order(casebook.events.of(case.number)),
        casebook.parties.of(case.number),
        tuple(sorted(_contacts(casebook, case, answers), key=lambda one: one.when.order)),
        Sources(case, answers),
        {
            **casebook.events.contested(case.number),
            **casebook.parties.contested(case.number),
            **casebook.contacts.contested(case.number),
        },
    )


def in_order(events: Sequence[Event]) -> tuple[Event, ...]:
    """*events* by date; those with the same date in the order in which they were entered."""
    return tuple(sorted(events, key=lambda one: dates.read(one.date).order))


def _contacts(casebook: Casebook, case: Case, answers: Sequence[Answer]) -> Iterator[Contacted]:
    for one in casebook.contacts.of(case.number):
        yield Contacted(dates.read(one.date), one.channel, entered=one)
    for answer in answers:
        if answer.kind == ANSWERED and answer.left:
            yield Contacted(_day(answer.left), DROP, answer=answer)
    for part in case.parts[1:]:
        yield Contacted(_day(part.day), DROP, part=part)


def _day(day: date) -> FactDate:
    return dates.parse(day.isoformat())


def fact_values(found: CaseFacts, campaign: Campaign, language: str) -> dict[str, Any]:
    """The facts for programs, without who entered them."""

    def label(listed: str, code: str) -> str:
        return campaign.reviewing.label(listed, code, language)

    def source(fact: Event | Party) -> dict[str, Any]:
        shown = found.sources.shown(fact.source, language)
        return {"source": found.sources.values(fact.source), "source_shown": shown}

    return {
        "events": [
            {
                "entry": one.entry,
                "kind": one.kind,
                "kind_label": label("event_kind", one.kind),
                **date_values(dates.read(one.date)),
                "text": one.text,
                "parties": one.parties.split(),
                **source(one),
            }
            for one in found.events
        ],
        "parties": [
            {
                "entry": one.entry,
                "kind": one.kind,
                "kind_label": label("party_kind", one.kind),
                "role": one.role,
                "role_label": label("party_role", one.role),
                "names": one.names.split("\n"),
                "text": one.text,
                **source(one),
            }
            for one in found.parties
        ],
        "contacts": [
            {
                "entry": one.entered.entry if one.entered else "",
                **date_values(one.when),
                "channel": one.through,
                "channel_label": label("contact_channel", one.through),
                "team": one.entered.team if one.entered else "",
                "contact": one.entered.contact if one.entered else "",
                "text": one.entered.text if one.entered else "",
                "by_itself": "" if one.entered else ANSWERED if one.answer else WROTE,
            }
            for one in found.contacts
        ],
    }


def date_values(when: FactDate) -> dict[str, Any]:
    """A date for programs: as written, how certain, and the days between which it lies, if any."""
    return {
        "date": when.written,
        "certainty": when.certainty.value,
        "first": when.first and when.first.isoformat(),
        "last": when.last and when.last.isoformat(),
    }


def entered_values(fact: Fact, reviewer: str) -> dict[str, str]:
    """Who (by name) entered a version of a fact, when, and why it replaced the previous one."""
    return {
        "reviewer": reviewer,
        "day": fact.day.isoformat(),
        "state": fact.state,
        "reason": fact.reason,
    }
