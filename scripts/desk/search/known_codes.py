"""The codes by which cases can be found, and what to say about an unknown one."""

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from dropbox.campaign import Campaign
from dropbox.errors import CasedropError
from dropbox.label import Label
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import said, summary
from scripts.terminal import one_line

# Up to this many codes are all named; from longer lists, those that resemble the one asked for.
_ALL_NAMED, _NAMED = 16, 8
_CODE_CHARACTERS = 40
# The campaign's list that has the codes of each filter.
_LISTS = {
    "status": "status",
    "correspondence": "correspondence",
    "merit": "merit",
    "urgency": "urgency",
    "flag": "flag",
}
# Other sources of the codes of a filter.
_OTHERS: Mapping[str, Callable[[Campaign], Iterable[Label]]] = {
    "category": lambda campaign: campaign.categories,
    "harm": lambda campaign: (harm for one in campaign.categories for harm in one.harms),
}


class WrongCode(CasedropError):
    """There is no such code."""


def check_codes(
    casebook: Casebook,
    asked: Mapping[str, str],
    reviewers: Mapping[str, str] = MappingProxyType({}),
    reader: str = "",
) -> None:
    """Raise WrongCode, which names the right ones, unless each code *asked* for can be found.

    *asked* has a code for each filter; "" is none. *reviewers* are the names by fingerprint. A tag
    is right if *reader* may see that somebody gave it; any period is right. A code in a report can
    be found even if the campaign does not have it.
    """
    for name, code in asked.items():
        if name == "tag":
            _check_tag(code, said.tags(casebook, reader) if code else [])
            continue
        known = _known(casebook, name, reviewers)
        if (
            code
            and known is not None
            and code not in known
            and not _occurs(casebook, name, code, reviewers)
        ):
            raise wrong_code(name, code, known)


def _check_tag(tag: str, known: Collection[str]) -> None:
    if tag and tag not in known:
        none = "no case that you may see has one that counts"
        raise wrong_code("tag", tag, known, all_of="", none=none)


def _known(casebook: Casebook, name: str, reviewers: Mapping[str, str]) -> Collection[str] | None:
    """The codes of a filter, None if it takes any."""
    campaign = casebook.campaign
    if name in _LISTS:
        return campaign.reviewing.codes(_LISTS[name])
    if name == "reviewer":
        return list(reviewers.values())
    if name in _OTHERS:
        return [one.code for one in _OTHERS[name](campaign)]
    return None


def _occurs(casebook: Casebook, name: str, code: str, reviewers: Mapping[str, str]) -> bool:
    """Whether a report has this code, or it is a reviewer's key, although no list has it."""
    if name == "reviewer":
        return code.upper() in reviewers
    return name in summary.HOLDING and summary.holds(casebook, name, code)


def wrong_code(
    name: str,
    code: str,
    known: Collection[str],
    *,
    all_of: str = "`review --blank`",
    none: str = "this campaign has none",
) -> WrongCode:
    """The error for a *name* that has no *code*; it names all *known* ones or, if many, similar
    ones.

    *all_of* is the command that shows them all, if there is one; *none* is said if there are none.
    """
    begin = f"There is no {name} {one_line(code, _CODE_CHARACTERS)};"
    if not known:
        return WrongCode(f"{begin} {none}.")
    shown = [one_line(one, _CODE_CHARACTERS) for one in known]
    if len(known) <= _ALL_NAMED:
        return WrongCode(f"{begin} there are {', '.join(shown)}.")
    folded = code.casefold()
    alike = [one for one in shown if folded in one.casefold()]
    alike += get_close_matches(code, shown, n=_NAMED, cutoff=0.4)
    named = list(dict.fromkeys(alike))[:_NAMED] or shown[:_NAMED]
    others = f" and others, all of them in {all_of}." if all_of else " and others."
    return WrongCode(f"{begin} there are {', '.join(named)}{others}")
