"""How reviewers can classify a case: the campaign's code lists, rules, and who needs two reviews.

Each field of a review has a rule, which says what counts when several reviewers have filled it in.
An empty field means "not said", never "no".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dropbox.label import Label

LISTS = (
    "merit",
    "status",
    "correspondence",
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
        "st.reopened",
        "st.counsel",
        "st.plaintiff",
        "st.closed",
        "st.withdrawn",
    ),
    "correspondence": ("co.none", "co.awaiting", "co.more"),
    "evidence": ("0", "1", "2", "3", "4"),
}
# Codes that a campaign file may leave out, since they came later: their labels then.
LATER: Mapping[str, tuple[Label, ...]] = {
    "status": (
        Label(
            "st.reopened",
            {
                "zh-Hans": "决定后有新材料",
                "zh-Hant": "決定後有新材料",
                "en": "New material after the decision",
            },
        ),
    ),
    "correspondence": (
        Label("co.none", {"zh-Hans": "未回复", "zh-Hant": "未回覆", "en": "Not answered"}),
        Label(
            "co.awaiting",
            {
                "zh-Hans": "等待当事人回复",
                "zh-Hant": "等待當事人回覆",
                "en": "Waiting for claimant",
            },
        ),
        Label(
            "co.more",
            {
                "zh-Hans": "回复后又有新内容",
                "zh-Hant": "回覆後又有新內容",
                "en": "More came since the answer",
            },
        ),
    ),
}
# Codes that older campaign files have and nothing uses any more.
RETIRED = {"status": frozenset({"st.awaiting_claimant"})}

# What counts of a field that several reviewers filled in:
#   must agree    what all say; where two say different things, a third decides
#   union         all that anybody says; on a scale, the most
#   strictest     all that anybody ever said, until somebody removes it with a reason
#   side by side  each reviewer's own, beside the others'
AGREE, UNION, STRICTEST, BESIDE = "must agree", "union", "strictest", "side by side"
# The rules that each field can have, its usual one first.
RULES: Mapping[str, tuple[str, ...]] = {
    "category": (AGREE,),
    "merit": (AGREE,),
    "harms": (AGREE, BESIDE),
    "us": (AGREE, BESIDE),
    "account_types": (AGREE, UNION, BESIDE),
    "phone_region": (AGREE, BESIDE),
    "account_opened": (AGREE, BESIDE),
    "outcome": (AGREE,),
    "actors": (UNION, AGREE, BESIDE),
    "evidence": (UNION, AGREE, BESIDE),
    "tags": (UNION, BESIDE),
    "flags": (STRICTEST, UNION),
    "urgency": (STRICTEST,),
    "period_from": (BESIDE, AGREE),
    "period_to": (BESIDE, AGREE),
    "amounts": (BESIDE,),
    "credibility": (BESIDE,),
    "note": (BESIDE,),
}
USUAL: Mapping[str, str] = {field: rules[0] for field, rules in RULES.items()}


@dataclass(frozen=True)
class Reviewing:
    """The lists by their names in LISTS, and who gets a second review.

    Cases in the merit tiers of ``always_second`` always get one, of all others ``sample_percent``.
    ``rules`` has one of RULES for each field.
    """

    lists: Mapping[str, tuple[Label, ...]]
    always_second: frozenset[str]
    sample_percent: int
    rules: Mapping[str, str] = field(default_factory=lambda: USUAL)

    def codes(self, name: str) -> tuple[str, ...]:
        """The codes of list *name*, in the order of the campaign file."""
        return tuple(label.code for label in self.lists[name])

    def label(self, name: str, code: str, language: str) -> str:
        """The label of *code* in list *name*, or the code itself if the list does not have it."""
        return next((label.in_(language) for label in self.lists[name] if label.code == code), code)
