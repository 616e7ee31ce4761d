"""Gists and translations that go to counsel: beside their originals, never mixed with them.

Each says who gave it and whether a person or a named machine made it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scripts.desk.case import Answer, Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.translations import GIST, Translation, source_of_answer
from scripts.desk.identity import names
from scripts.desk.redaction.standing import Standing, sha256_of

TRANSLATIONS = "translations"
# For a reviewer whose name this casebook does not know; the fingerprint of a key does not leave.
NAMELESS = "a reviewer of another desk"


@dataclass(frozen=True, repr=False)
class Translated:
    """A gist or translation of one text of a case. No repr: it is plaintext.

    ``of`` is the number of the text's document, or "answer 1" for an answer. ``path`` is where it
    is in what is handed over; a gist, which is one line, has none.
    """

    of: str
    given: Translation
    by: str
    path: str

    @property
    def made(self) -> str:
        """By hand, or by which machine."""
        return f"by machine: {self.given.machine}" if self.given.machine else "by hand"

    @property
    def told(self) -> str:
        """Who gave it, and how it was made, on one line."""
        return f"{self.by}, {self.made}"

    def to_json(self) -> dict[str, Any]:
        """The JSON that case.schema.json describes."""
        one = self.given
        return {
            "of": self.of,
            "kind": one.kind,
            "language": one.language,
            "by": self.by,
            "machine": one.machine,
            "day": one.day.isoformat(),
            "sha256": digest(one.text.encode()),
            "path": self.path,
            "text": one.text,
        }


def translated(
    casebook: Casebook,
    case: Case,
    numbers: Mapping[str, str],
    redactions: Standing,
) -> list[Translated]:
    """The latest gists and translations of *case* as they leave, grouped by text.

    *numbers* are those of the documents that are the case's texts, by the SHA-256 of what was
    written.
    """
    known = names(casebook)
    originals = {
        **{part.block_id.hex(): part.report.text for part in case.parts},
        **{source_of_answer(one.text): one.text for one in sent(casebook, case)},
    }
    sources = {
        **{
            part.block_id.hex(): numbers.get(sha256_of(part.report.text), "") for part in case.parts
        },
        **{
            source_of_answer(one.text): f"answer {number}"
            for number, one in enumerate(sent(casebook, case), 1)
        },
    }
    current = [one for one in casebook.translations.current(case.number) if sources.get(one.source)]
    order = list(sources.values())
    current.sort(key=lambda one: order.index(sources[one.source]))  # stable: gists stay first
    found, counted = list[Translated](), dict[str, int]()
    for one in current:
        of = sources[one.source]
        path = ""
        if one.kind != GIST:
            counted[of] = counted.get(of, 0) + 1
            path = f"{TRANSLATIONS}/{_stem(case, of)}.{counted[of]}.{one.language}.txt"
        leaving = replace(one, text=redactions.beside(one.text, originals[one.source]))
        found.append(Translated(of, leaving, known.get(one.reviewer, NAMELESS), path))
    return found


def sent(casebook: Casebook, case: Case) -> list[Answer]:
    """The answers to *case* that have left; what is queued may still be taken back."""
    return [one for one in casebook.answers.to(case) if one.left is not None]


def of_document(found: Sequence[Translated], number: str) -> list[Translated]:
    """Those of *found* that belong to the document with this number."""
    return [one for one in found if one.of == number]


def gist_of(found: Sequence[Translated]) -> Translated | None:
    """The first gist of *found*, by hand if there is one."""
    gists = [one for one in found if one.given.kind == GIST]
    return min(gists, key=lambda one: bool(one.given.machine), default=None)


def _stem(case: Case, of: str) -> str:
    return f"{case.name}-{of.replace(' ', '-')}" if of.startswith("answer") else of
