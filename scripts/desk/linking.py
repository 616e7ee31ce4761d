"""The cases that may be about the same thing as one, and what reviewers say of that."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from scripts.desk.case import Keyed
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.link_decisions import LinkDecision
from scripts.desk.identity import DeskError, at_desk
from scripts.desk.search.similar import Link, links_of


class Alike(NamedTuple):
    """What links one case with others, what was *said* of it, and the names of those cases.

    The reviewer at work gave none of them away.
    """

    links: tuple[Link, ...]
    said: tuple[LinkDecision, ...]
    names: Mapping[int, str]

    @property
    def others(self) -> list[int]:
        """The other cases, by number."""
        return sorted(self.names)


def alike(casebook: Casebook, case: int) -> Alike:
    """What links *case* with others."""
    given_away = casebook.layers.given_away(at_desk(casebook))
    links = tuple(links_of(casebook, case, without=given_away))
    decisions = casebook.link_decisions.of(case)
    said = tuple(one for one in decisions if one.other not in given_away)
    others = {one.other for one in links} | {one.other for one in said}
    return Alike(links, said, dict(casebook.names.among(others)))


def decide(casebook: Casebook, case: Keyed, other: Keyed, decision: str, *, today: date) -> None:
    """Record, for the reviewer at work, that the link of two cases is CONFIRMED or DENIED.

    Raises DeskError if they are one and the same.
    """
    if other.number == case.number:
        raise DeskError("These are one and the same case.")
    with casebook.together():
        casebook.link_decisions.add(case, other, decision, reviewer=at_desk(casebook), day=today)
