"""The name of a campaign's code in each language of the pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The languages that Casedrop comes with, in the order they are offered. BCP 47 tags, as in
# <html lang>.
LANGUAGES = ("zh-Hans", "zh-Hant", "en")
# Every sentence and every label exists in this one.
ENGLISH = "en"

# A BCP 47 language tag, perhaps with a script and a region, in its usual spelling.
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
# Joiners and direction marks: some scripts need them inside a word or beside a number.
_JOINERS = str.maketrans("", "", "\u200c\u200d\u200e\u200f\u061c")


@dataclass(frozen=True)
class Label:
    """A code and its name in each language of its campaign, by tag.

    A name that only reviewers see may exist in LANGUAGES only.
    """

    code: str
    text: Mapping[str, str]

    def in_(self, language: str) -> str:
        """The label in *language*, in English if it has none."""
        return self.text.get(language) or self.text[ENGLISH]


def trilingual(hans: str, hant: str, english: str) -> Label:
    """A text that reviewers read, in each of LANGUAGES; it has no code."""
    return Label("", dict(zip(LANGUAGES, (hans, hant, english), strict=True)))


def is_tag(value: object) -> bool:
    """Whether *value* is the tag of a language, such as "fa", "zh-Hans" or "kk-Arab-CN"."""
    return isinstance(value, str) and _TAG.fullmatch(value) is not None


def is_printable(text: str) -> bool:
    """Whether all of *text* can be shown, in any script, in the order in which it is written."""
    return text.translate(_JOINERS).isprintable()
