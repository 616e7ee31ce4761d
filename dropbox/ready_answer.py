"""Ready answers of a campaign: what reviewers have to say to many claimants, once and with care, in every language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dropbox.label import LANGUAGES, Label
from dropbox.sizes import REPLY_BYTES

# One reply holds any ready answer: what its sealing and the names of its fields take stays free.
TEXT_BYTES = REPLY_BYTES - 256


@dataclass(frozen=True)
class Template(Label):
    """A ready answer. The label is what reviewers choose it by, ``body`` what claimants read, by language."""

    body: Mapping[str, str]


def fault(text: object) -> str | None:
    """What is wrong with an answer's *text* out of a campaign file, as the end of a sentence; None when nothing is."""
    if not isinstance(text, str) or not text.strip():
        return "is missing or empty"
    if not text.replace("\n", "").isprintable():
        return "holds a sign that nobody would see; only line ends are allowed"
    over = len(json.dumps(text.strip(), ensure_ascii=False).encode("utf-8")) - TEXT_BYTES
    return f"is too long for one reply by {over} bytes" if over > 0 else None


def bodies(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts as they are sent, in the order of LANGUAGES."""
    return {language: texts[language].strip() for language in LANGUAGES}
