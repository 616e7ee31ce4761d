"""The codes by which cases can be found, and what to say about one that there is not."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import summary
from scripts.terminal import one_line

# So many codes are all named; of longer lists, those that resemble what was asked for.
_ALL_NAMED, _NAMED = 16, 8
_CODE_CHARACTERS = 40
# The campaign's list that has the codes of each filter.
_LISTS = {
    "status": "status",
    "correspondence": "correspondence",
    "merit": "merit",
    "urgency": "urgency",
    "us": "us",
    "flag": "flag",
}


class WrongCode(CasedropError):
    """There is no such code."""


def check_codes(
    casebook: Casebook,
    asked: Mapping[str, str],
    reviewers: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Raise WrongCode, which names the right ones, unless each code *asked* for can be found.

    *asked* has a code for each filter; "" is none. *reviewers* are the names by fingerprint. Tags
    and periods are no codes of a list, so any is right. What a report holds although the campaign
    has no such code can be found, too.
    """
    for name, code in asked.items():
        known = _known(casebook, name, reviewers)
        if (
            code
            and known is not None
            and code not in known
            and not _occurs(casebook, name, code, reviewers)
        ):
            raise WrongCode(_sentence(name, code, known))


def _known(casebook: Casebook, name: str, reviewers: Mapping[str, str]) -> Collection[str] | None:
    """The codes of a filter, None if it takes any."""
    campaign = casebook.campaign
    if name in _LISTS:
        return campaign.reviewing.codes(_LISTS[name])
    if name == "category":
        return [category.code for category in campaign.categories]
    if name == "harm":
        return [harm.code for category in campaign.categories for harm in category.harms]
    if name == "province":
        questions = (one for one in campaign.questions if one.code == "province")
        return [choice.code for one in questions for choice in one.choices]
    if name == "reviewer":
        return list(reviewers.values())
    return None


def _occurs(casebook: Casebook, name: str, code: str, reviewers: Mapping[str, str]) -> bool:
    """Whether a report holds this code, or a key is the reviewer's, although no list has it."""
    if name == "reviewer":
        return code.upper() in reviewers
    return name in summary.HOLDING and summary.holds(casebook, name, code)


def _sentence(name: str, code: str, known: Collection[str]) -> str:
    begin = f"There is no {name} {one_line(code, _CODE_CHARACTERS)};"
    if not known:
        return f"{begin} this campaign has none."
    if len(known) <= _ALL_NAMED:
        return f"{begin} there are {', '.join(known)}."
    folded = code.casefold()
    alike = [one for one in known if folded in one.casefold()]
    alike += get_close_matches(code, known, n=_NAMED, cutoff=0.4)
    named = list(dict.fromkeys(alike))[:_NAMED] or list(known)[:_NAMED]
    return f"{begin} there are {', '.join(named)} and others, all of them in `review --blank`."
