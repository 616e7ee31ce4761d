"""What a code of a campaign is called in each language of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass

# The languages of the pages, in the order in which they are offered. BCP 47 tags, as in <html lang>.
LANGUAGES = ("zh-Hans", "zh-Hant", "en")


@dataclass(frozen=True)
class Label:
    """A code and what it is called in each of LANGUAGES."""

    code: str
    text: Mapping[str, str]

    def in_(self, language: str) -> str:
        """The label in *language*, one of LANGUAGES."""
        return self.text[language]
