"""Cases that may be about the same thing, and what reviewers say about that."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from scripts.desk.case import Case, Keyed
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.link_decisions import LinkDecision
from scripts.desk.identity import DeskError, at_desk
from scripts.desk.search.alike_files import AlikeFile, alike_files
from scripts.desk.search.similar import Link, links_of


class Alike(NamedTuple):
    """What links one case with others, what was *said* about it, and the names of those cases.

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


class AlikeFiles(NamedTuple):
    """By a file's SHA-256: other files with nearly the same text."""

    found: Mapping[str, list[AlikeFile]]
    names: Mapping[tuple[int, str], str]

    def sentences(self, sha256: str) -> list[str]:
        """One sentence for each file whose text is nearly the same as this one's."""
        return [
            f"nearly the same text as {self.names[one.case, one.sha256]}, {one.percent} %"
            for one in self.found.get(sha256, ())
        ]


def files_alike(casebook: Casebook, case: Case) -> AlikeFiles:
    """Files with nearly the same text as those of *case*, in cases that the reviewer may see."""
    given_away = casebook.layers.given_away(at_desk(casebook))
    found = alike_files(casebook, case.number, without=given_away)
    cases = {one.case: casebook.case(one.case) for some in found.values() for one in some}
    names: dict[tuple[int, str], str] = {}
    for number, other in cases.items():
        for place, one in enumerate(other.files, 1):
            whose = "" if number == case.number else f" of {other.name}"
            names.setdefault((number, one.attachment.sha256), f"file {place}{whose}")
    there = {
        sha256: [one for one in some if (one.case, one.sha256) in names]
        for sha256, some in found.items()
    }
    return AlikeFiles(there, names)


def decide(casebook: Casebook, case: Keyed, other: Keyed, decision: str, *, today: date) -> None:
    """Record, for the reviewer at work, that the link of two cases is CONFIRMED or DENIED.

    Raises DeskError if they are one and the same.
    """
    if other.number == case.number:
        raise DeskError("These are one and the same case.")
    with casebook.together():
        casebook.link_decisions.add(case, other, decision, reviewer=at_desk(casebook), day=today)
