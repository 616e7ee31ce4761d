"""A campaign's ready answers: written once, with care, in each language, for many claimants."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dropbox.label import LANGUAGES, Label, is_printable
from dropbox.sizes import REPLY_BYTES

# Any ready answer fits in one reply: 256 bytes are left for sealing and the JSON field names.
TEXT_BYTES = REPLY_BYTES - 256


@dataclass(frozen=True)
class Template(Label):
    """A ready answer. Reviewers choose it by its label; claimants read ``body``, by language.

    It exists in LANGUAGES, and perhaps in other languages of the campaign.
    """

    body: Mapping[str, str]


def fault(text: object) -> str | None:
    """What is wrong with *text* in a campaign file, as the end of a sentence, or None."""
    if not isinstance(text, str) or not text.strip():
        return "is missing or empty"
    if not is_printable(text.replace("\n", "")):
        return "contains an invisible character; only line breaks are allowed"
    over = len(json.dumps(text.strip(), ensure_ascii=False).encode("utf-8")) - TEXT_BYTES
    return f"is too long for one reply by {over} bytes" if over > 0 else None


def bodies(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts as they will be sent, those in LANGUAGES first, in their order."""
    return {language: texts[language].strip() for language in (*LANGUAGES, *texts)}
