"""What is handed over of a case: its record, and its documents with their numbers.

Nothing in it leads back to the claimant: reply keys, tags and codenames stay in the casebook, and
so do the reviewers' notes and who among them said what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dropbox.campaign import Campaign
from scripts.desk.case import Case, FileOfPart, Part
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.productions import DOCUMENT, DOSSIER, NUMBER, Number, subject
from scripts.desk.production.translated import Translated, gist_of, sent
from scripts.desk.review.judgement import Reviews

# Endings that counsel's programs may open by themselves; any other is called .bin.
_ENDINGS = frozenset(
    {
        *("pdf", "txt", "csv", "jpg", "jpeg", "png", "gif", "webp", "heic", "bmp", "tif", "tiff"),
        *("mp3", "m4a", "wav", "amr", "ogg", "mp4", "mov", "webm", "docx", "xlsx", "pptx", "zip"),
    }
)
TEXTS, NATIVES = "texts", "natives"


@dataclass(frozen=True, repr=False)
class Document:
    """A text or a file of a case, under the number that it keeps for ever.

    ``path`` is where it lies in what is handed over. Exactly one of ``text`` and ``file`` is there.
    """

    number: Number
    part: Part
    sha256: str
    size: int
    path: str
    text: bytes | None = None
    file: FileOfPart | None = None

    @property
    def kind(self) -> str:
        """report or message, or file."""
        return "file" if self.file is not None else self.part.report.kind

    @property
    def name(self) -> str:
        """The file's name as its claimant sent it, "" for a text."""
        return "" if self.file is None else self.file.attachment.name


class Numbering:
    """Gives documents their numbers: those that they have, or else the next ones of this desk."""

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook
        self._known = casebook.productions.numbers()
        self._next = {one: casebook.productions.next(one) for one in (DOCUMENT, DOSSIER)}

    def of(self, case: Case, sha256: str, series: str = DOCUMENT) -> Number:
        """The number of a document, noted in the custody log when it is new."""
        # Its whole name never changes, whatever other cases come.
        whole = self._casebook.names.characters(case.number)
        key = whole, sha256
        if key not in self._known:
            number = self._known[key] = self._next[series]
            self._casebook.note(NUMBER, subject(number, whole), plain=sha256)
            self._next[series] = number._replace(number=number.number + 1)
        return self._known[key]


def documents(case: Case, numbering: Numbering) -> list[Document]:
    """The texts and files of *case*, each once, in the order in which they came."""
    found: dict[Number, Document] = {}
    for part in case.parts:
        text = part.report.text.encode()
        if text:
            sha256 = digest(text)
            number = numbering.of(case, sha256)
            path = f"{TEXTS}/{number}.txt"
            found.setdefault(number, Document(number, part, sha256, len(text), path, text=text))
        for one in (one for one in case.files if one.part is part):
            sha256 = one.attachment.sha256
            number = numbering.of(case, sha256)
            path = f"{NATIVES}/{number}.{_ending(one.attachment.name)}"
            size = one.attachment.size
            found.setdefault(number, Document(number, part, sha256, size, path, file=one))
    return list(found.values())


def _ending(untrusted: str) -> str:
    ending = untrusted.rpartition(".")[2].lower()
    return ending if ending in _ENDINGS else "bin"


def text_numbers(found: Sequence[Document]) -> dict[str, str]:
    """The numbers of those documents that are texts, by their SHA-256."""
    return {one.sha256: str(one.number) for one in found if one.file is None}


def record(
    casebook: Casebook,
    case: Case,
    reviews: Reviews,
    found: Sequence[Document],
    beside: Sequence[Translated] = (),
) -> dict[str, Any]:
    """The case as counsel gets it, in JSON; case.schema.json says what is in it.

    *beside* are the gists and translations of its texts.
    """
    gist = gist_of(beside)
    return {
        **decided(casebook, case, reviews),
        "gist": gist.given.text if gist else "",
        "gist_by": gist.told if gist else "",
        "translations": [one.to_json() for one in beside],
        "answers": answers(casebook, case),
        "documents": [_listed(one) for one in found],
    }


def _listed(one: Document) -> dict[str, Any]:
    return {
        "number": str(one.number),
        "kind": one.kind,
        "received": one.part.day.isoformat(),
        "name": one.name,
        "size": one.size,
        "sha256": one.sha256,
        "path": one.path,
    }


def answers(casebook: Casebook, case: Case) -> list[dict[str, str]]:
    """What reviewers wrote to the claimant, once it has left."""
    return [
        {
            "day": one.day.isoformat(),
            "left": one.left.isoformat() if one.left else "",
            "kind": one.kind,
            "language": one.language,
            "text": one.text,
        }
        for one in sent(casebook, case)
    ]


def decided(casebook: Casebook, case: Case, reviews: Reviews) -> dict[str, Any]:
    """What was decided of *case*, and the answers that its claimant gave to questions."""
    agreed, deciding = reviews.agreed, reviews.deciding
    assert agreed is not None and deciding is not None
    judgement, campaign = deciding.judgement, casebook.campaign
    facts: dict[str, Any] = {}
    for part in case.parts:
        facts |= part.report.facts
    return {
        "case": case.name,
        "received": case.day.isoformat(),
        "language": case.language,
        "status": casebook.layers.standing(case)["status"],
        "decided": deciding.day.isoformat(),
        "category": agreed.category,
        "category_label": _category(campaign, agreed.category),
        "merit": agreed.merit,
        "urgency": reviews.urgency,
        "evidence": agreed.evidence,
        "period": {"from": judgement.period_from, "to": judgement.period_to},
        "harms": [{"harm": harm, "status": status} for harm, status in agreed.harms.items()],
        "flags": list(reviews.flags),
        "fields": {
            one.code: list(value) if isinstance(value := agreed.said(one.code), tuple) else value
            for one in campaign.reviewing.fields
        },
        "amounts": [dict(amount) for amount in judgement.amounts],
        "claimant_said": facts,
    }


def _category(campaign: Campaign, code: str) -> str:
    return next((one.in_("en") for one in campaign.categories if one.code == code), code)
