"""The contents of a dossier: what all dossiers of a hand-over share, and what it says about a
case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from dropbox.campaign import Campaign
from scripts.desk.case import Case
from scripts.desk.casebook.productions import Act
from scripts.desk.production.faces import Faces
from scripts.desk.production.records import Document
from scripts.desk.production.transcribed import Transcribed
from scripts.desk.production.translated import Translated

# If a case has more pictures, the others are among the images beside it.
MOST_SHOWN = 60


@dataclass(frozen=True)
class Making:
    """What all dossiers of a hand-over share.

    ``prepared`` and ``approved`` are reviewers' public names, ``names`` those of all reviewers by
    fingerprint; ``language`` is that of the labels.
    """

    campaign: Campaign
    language: str
    day: date
    prepared: str
    approved: Sequence[str]
    names: Mapping[str, str]
    faces: Faces


@dataclass(frozen=True, repr=False)
class Told:
    """What is said about one case; ``told`` is its record. No repr: it is plaintext."""

    case: Case
    told: Mapping[str, Any]
    documents: Sequence[Document]
    beside: Sequence[Translated]
    acts: Sequence[Act]
    read: Sequence[Transcribed] = ()
    shown: Sequence["Shown"] = ()


class Shown(NamedTuple):
    """A picture of a page of a file: the page's number, a JPEG, and its width and height."""

    number: str
    jpeg: bytes
    pixels: tuple[int, int]

    def __repr__(self) -> str:
        """Without the pixels, which are plaintext."""
        return f"Shown({self.number})"
