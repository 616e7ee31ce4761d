"""What reviewers may say of a case: a campaign's lists of codes for it, and which cases two reviewers look at."""

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
# The rules of the desk work with these codes themselves; a campaign gives them labels.
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
    """The lists by their names of LISTS, the merit tiers that always need a second review, and how many percent of the
    other cases get one.
    """

    lists: Mapping[str, tuple[Label, ...]]
    always_second: frozenset[str]
    sample_percent: int

    def codes(self, name: str) -> tuple[str, ...]:
        """The codes of list *name*, in the file's order."""
        return tuple(label.code for label in self.lists[name])

    def label(self, name: str, code: str, language: str) -> str:
        """What *code* of list *name* is called, or the code itself when the list has none such."""
        return next((label.in_(language) for label in self.lists[name] if label.code == code), code)
