"""What happened, in order, in one case or in many, and where that order is uncertain."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import Event
from scripts.desk.facts import dates
from scripts.desk.facts.dates import FactDate
from scripts.desk.facts.sources import Sources


@dataclass(frozen=True)
class Happened:
    """An event of a case, by number. ``unsure``: it may have happened before the one listed before
    it.

    ``contested``: corrections that were made at the same time disagree.
    """

    case: int
    event: Event
    when: FactDate
    unsure: bool = False
    contested: bool = False


def timeline(
    casebook: Casebook, numbers: Iterable[int], parties: Collection[str] = ()
) -> tuple[list[Happened], list[Happened]]:
    """The dated events of the cases with these *numbers* in order, and those without a date.

    With *parties*, entries of parties, only the events in which one of them took part. Whoever asks
    must not have given one of the cases away.
    """
    everything, contested = casebook.events.all(), casebook.events.all_contested()
    found = [
        Happened(case, one, dates.read(one.date), contested=one.entry in contested.get(case, ()))
        for case in numbers
        for one in everything.get(case, ())
        if not parties or not set(one.parties.split()).isdisjoint(parties)
    ]
    found.sort(key=lambda one: (one.when.order, one.case))
    dated = [one for one in found if one.when.dated]
    undated = [one for one in found if not one.when.dated]
    return [_placed(dated, place) for place in range(len(dated))], undated


def _placed(found: list[Happened], place: int) -> Happened:
    one = found[place]
    unsure = place > 0 and one.when.may_be_before(found[place - 1].when)
    return replace(one, unsure=unsure)


def sources_of(casebook: Casebook, numbers: Iterable[int]) -> dict[int, Sources]:
    """The sources that facts of these cases can rest on, by case."""
    cases = map(casebook.case, numbers)
    return {case.number: Sources(case, casebook.answers.to(case)) for case in cases}


def party_names(casebook: Casebook, numbers: Iterable[int]) -> dict[str, str]:
    """The first name of each party of these cases, by its entry."""
    return {one.entry: one.name for number in numbers for one in casebook.parties.of(number)}
