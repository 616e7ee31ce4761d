"""What is handed over about a case: its record, and its documents with their numbers.

Nothing in it leads back to the claimant: reply keys, tags and codenames stay in the casebook, and
so do the reviewers' notes and who among them said what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropbox.campaign import Campaign
from scripts.desk.case import Case, FileOfPart, Part
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.productions import (
    DOCUMENT,
    DOSSIER,
    NUMBER,
    Number,
    page_number,
    subject,
)
from scripts.desk.production.translated import Translated, gist_of, sent
from scripts.desk.redaction.standing import Standing, sha256_of
from scripts.desk.review.judgement import Reviews

# Endings that counsel's programs may safely open; any other becomes .bin.
_ENDINGS = frozenset(
    {
        *("pdf", "txt", "csv", "jpg", "jpeg", "png", "gif", "webp", "heic", "bmp", "tif", "tiff"),
        *("mp3", "m4a", "wav", "amr", "ogg", "mp4", "mov", "webm", "docx", "xlsx", "pptx", "zip"),
    }
)
TEXTS, NATIVES = "texts", "natives"
NOTHING_REDACTED = Standing(())


@dataclass(frozen=True, repr=False)
class Document:
    """A text or a file of a case as it leaves, under the number that it keeps for ever.

    ``source`` is the SHA-256 of what was sent, which does not leave; ``sha256`` and ``size`` are of
    what does, which is at ``path``. Only pictures leave of a ``redacted`` file, so all three are
    empty. ``pages`` is how many pictures there are. Exactly one of ``text`` and ``file`` is set.
    """

    number: Number
    part: Part
    source: str
    sha256: str
    size: int
    path: str
    name: str = ""
    redacted: bool = False
    text: bytes | None = None
    file: FileOfPart | None = None
    pages: int = 1

    @property
    def kind(self) -> str:
        """ "report", "message" or "file"."""
        return "file" if self.file is not None else self.part.report.kind

    @property
    def last(self) -> str:
        """The number of its last page."""
        return page_number(self.number, self.pages)


class Numbering:
    """Gives documents their numbers: those that they already have, or this desk's next ones."""

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook
        self._known = casebook.productions.numbers()
        self._next = {one: casebook.productions.next(one) for one in (DOCUMENT, DOSSIER)}

    def of(self, case: Case, sha256: str, series: str = DOCUMENT) -> Number:
        """The number of a document, recorded in the custody log when it is new."""
        # A case's whole name never changes, whatever other cases come.
        whole = self._casebook.names.characters(case.number)
        key = whole, sha256
        if key not in self._known:
            number = self._known[key] = self._next[series]
            self._casebook.note(NUMBER, subject(number, whole), plain=sha256)
            self._next[series] = number._replace(number=number.number + 1)
        return self._known[key]


def documents(
    case: Case, numbering: Numbering, redactions: Standing = NOTHING_REDACTED
) -> list[Document]:
    """The texts and files of *case*, each once, in the order in which they came."""
    found: dict[Number, Document] = {}
    for part in case.parts:
        if text := part.report.text:
            number = numbering.of(case, sha256_of(text))
            found.setdefault(number, _text(part, number, redactions))
        for one in (one for one in case.files if one.part is part):
            number = numbering.of(case, one.attachment.sha256)
            found.setdefault(number, _file(one, number, redactions))
    return list(found.values())


def _text(part: Part, number: Number, redactions: Standing) -> Document:
    """The text of *part* as it leaves."""
    leaving = redactions.text(part.report.text)
    data = leaving.encode()
    return Document(
        number,
        part,
        source=sha256_of(part.report.text),
        sha256=digest(data),
        size=len(data),
        path=f"{TEXTS}/{number}.txt",
        redacted=leaving != part.report.text,
        text=data,
    )


def _file(one: FileOfPart, number: Number, redactions: Standing) -> Document:
    """A file as it leaves: byte for byte, or only as pictures."""
    sent, redacted = one.attachment, redactions.must_not_leave_natively(one)
    return Document(
        number,
        one.part,
        source=sent.sha256,
        sha256="" if redacted else sent.sha256,
        size=0 if redacted else sent.size,
        path="" if redacted else f"{NATIVES}/{number}.{_ending(sent.name)}",
        name=redactions.text(sent.name),
        redacted=redacted,
        file=one,
    )


def _ending(untrusted: str) -> str:
    ending = untrusted.rpartition(".")[2].lower()
    return ending if ending in _ENDINGS else "bin"


def text_numbers(found: Sequence[Document]) -> dict[str, str]:
    """The numbers of those documents that are texts, by the SHA-256 of what was written."""
    return {one.source: str(one.number) for one in found if one.file is None}


def file_numbers(found: Sequence[Document]) -> dict[str, str]:
    """The numbers of those documents that are files, by the SHA-256 of what was sent."""
    return {one.source: str(one.number) for one in found if one.file is not None}


def record(
    casebook: Casebook,
    case: Case,
    reviews: Reviews,
    found: Sequence[Document],
    beside: Sequence[Translated] = (),
    redactions: Standing = NOTHING_REDACTED,
    transcripts: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The case as counsel gets it, in JSON; case.schema.json says what is in it.

    *beside* are the gists and translations of its texts, as they leave; *transcripts* are those of
    its files, in JSON.
    """
    gist = gist_of(beside)
    told: dict[str, Any] = redactions.values(
        {**decided(casebook, case, reviews), "answers": answers(casebook, case)}
    )
    return {
        **told,
        "gist": gist.given.text if gist else "",
        "gist_by": gist.told if gist else "",
        "translations": [one.to_json() for one in beside],
        "transcripts": list(transcripts),
        "documents": [_listed(one) for one in found],
    }


def _listed(one: Document) -> dict[str, Any]:
    return {
        "number": str(one.number),
        "last": one.last,
        "pages": one.pages,
        "redacted": one.redacted,
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
    """What was decided about *case*, and its claimant's answers to questions."""
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
