"""The name of a campaign's code in each language of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass

# The languages of the pages, in the order they are offered. BCP 47 tags, as in <html lang>.
LANGUAGES = ("zh-Hans", "zh-Hant", "en")


@dataclass(frozen=True)
class Label:
    """A code and its name in each of LANGUAGES."""

    code: str
    text: Mapping[str, str]

    def in_(self, language: str) -> str:
        """The label in *language*, one of LANGUAGES."""
        return self.text[language]
