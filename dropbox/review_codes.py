"""How reviewers can classify a case: the campaign's code lists, and who needs two reviews."""

from collections.abc import Mapping
from dataclasses import dataclass

from dropbox.label import Label

LISTS = (
    "merit",
    "status",
    "harm_status",
    "us",
    "urgency",
    "flag",
    "evidence",
    "actor",
    "account",
    "phone",
    "currency",
)
# The desk's rules depend on exactly these codes; a campaign only labels them.
FIXED = {
    "status": (
        "st.new",
        "st.triaged",
        "st.first_review",
        "st.second_review",
        "st.adjudicate",
        "st.awaiting_claimant",
        "st.counsel",
        "st.plaintiff",
        "st.closed",
        "st.withdrawn",
    ),
    "evidence": ("0", "1", "2", "3", "4"),
}


@dataclass(frozen=True)
class Reviewing:
    """The lists by their names in LISTS, and who gets a second review.

    Cases in the merit tiers of ``always_second`` always get one, of all others ``sample_percent``.
    """

    lists: Mapping[str, tuple[Label, ...]]
    always_second: frozenset[str]
    sample_percent: int

    def codes(self, name: str) -> tuple[str, ...]:
        """The codes of list *name*, in the order of the campaign file."""
        return tuple(label.code for label in self.lists[name])

    def label(self, name: str, code: str, language: str) -> str:
        """The label of *code* in list *name*, or the code itself if the list does not have it."""
        return next((label.in_(language) for label in self.lists[name] if label.code == code), code)
