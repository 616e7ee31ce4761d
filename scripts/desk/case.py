"""A case as the desk sees it: everything that a claimant sent under one codename, and the
answers.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from dropbox.errors import CannotOpen, CasedropError, Damaged, NoKeyHere
from dropbox.report import Attachment, Report

# The campaign's question in which a claimant asks not to be answered, or not to be told that the
# report was opened: a notice that comes by itself proves that something was filed.
_WANTED_QUESTION = "reply_ok"
_NO_NOTICE = "reply.no_notice"


class Keyed(Protocol):
    """Whatever identifies a case: its number in this casebook, its name, its claimant's keys."""

    @property
    def number(self) -> int:
        """Its number in this casebook, in the order of import; people never see it."""

    @property
    def name(self) -> str:
        """Its name, such as K7-QX4M; see scripts.desk.case_name."""

    @property
    def reply_public(self) -> bytes:
        """The key to which answers are sealed."""

    @property
    def tag_key(self) -> bytes:
        """The key from which the tags of its answers are computed."""


@dataclass(frozen=True, repr=False)
class Part:
    """One opened report, message or withdrawal.

    ``number`` counts all parts of the casebook; ``case`` is its case's number, and ``bundle`` that
    of the export bundle that brought it.
    """

    number: int
    case: int
    block_id: bytes
    day: date
    bundle: int
    report: Report


@dataclass(frozen=True, repr=False)
class Case:
    """All parts under one pair of reply keys, oldest first, at least one.

    No repr: it is plaintext.
    """

    number: int
    name: str
    reply_public: bytes
    tag_key: bytes
    parts: tuple[Part, ...]

    @property
    def reply_symmetric(self) -> bytes | None:
        """The symmetric key of its answers; None if all parts are of version 1, which had none.

        The first one counts: nobody who later files under known keys can make the answers
        unreadable.
        """
        keys = (part.report.reply_symmetric for part in self.parts)
        return next((key for key in keys if key is not None), None)

    @property
    def day(self) -> date:
        """The day on which its first part arrived."""
        return self.parts[0].day

    @property
    def language(self) -> str:
        """The language of the latest part, in which to answer."""
        return self.parts[-1].report.language

    @property
    def wants_no_answer(self) -> bool:
        """Whether its claimant ever asked for no answer: one found on a screen may harm them."""
        return bool(self._refused - {_NO_NOTICE})

    @property
    def wants_no_notice(self) -> bool:
        """Whether its claimant ever asked for no notice, or for no answer at all."""
        return bool(self._refused)

    @property
    def _refused(self) -> set[str]:
        chosen = (part.report.facts.get(_WANTED_QUESTION) or () for part in self.parts)
        return {str(code) for codes in chosen for code in codes}

    @property
    def withdrawn(self) -> date | None:
        """The day on which its claimant took everything back, None if that never happened."""
        return next((part.day for part in self.parts if part.report.kind == "withdrawal"), None)

    @property
    def since_withdrawn(self) -> tuple[Part, ...]:
        """What was added after the notice that everything was taken back.

        Parts of one day that came in the same bundle have no order; they count as earlier.
        """
        kinds = [part.report.kind for part in self.parts]
        after = kinds.index("withdrawal") + 1 if "withdrawal" in kinds else len(kinds)
        return tuple(part for part in self.parts[after:] if part.report.kind != "withdrawal")

    @property
    def category(self) -> str:
        """The category that the claimant chose in the first report, "" when there is none."""
        return next(
            (part.report.category for part in self.parts if part.report.kind == "report"), ""
        )

    @property
    def harms(self) -> tuple[str, ...]:
        """The harms named in any part, each once, in the order in which they appear."""
        return tuple(dict.fromkeys(harm for part in self.parts for harm in part.report.harms))

    @property
    def files(self) -> tuple["FileOfPart", ...]:
        """The attachments of all parts, in order."""
        return tuple(
            FileOfPart(part, place, attachment)
            for part in self.parts
            for place, attachment in enumerate(part.report.attachments)
        )


@dataclass(frozen=True, repr=False)
class FileOfPart:
    """Attachment ``place`` (from 0) of a part."""

    part: Part
    place: int
    attachment: Attachment


@dataclass(frozen=True, repr=False)
class Answer:
    """An answer: queued, or sent in reply bundle ``bundle`` as reply ``number`` (from 0).

    ``left`` is the day on which it left, ``returned`` that of the first part that came after it.
    ``desk`` is the number of the desk that wrote it, if that is another one; ``id`` is then that
    desk's id.
    """

    id: int
    case: int
    case_name: str
    kind: str
    language: str
    day: date
    text: str
    number: int | None
    bundle: int | None
    left: date | None = None
    returned: date | None = None
    desk: int | None = None


class Cause(StrEnum):
    """Why something could not be opened."""

    NO_KEY = "no key"  # its key's secret is not here, and may turn up
    LOCKED = "locked"  # a passphrase was not given, or a key's file cannot be read
    DAMAGED = "damaged"  # its key is here, and no key opens it


def cause_of(why: CasedropError) -> Cause:
    """The cause behind the error that opening a report, a file or a day key raised."""
    if isinstance(why, NoKeyHere):
        return Cause.NO_KEY
    if isinstance(why, CannotOpen) and not isinstance(why, Damaged):
        return Cause.LOCKED
    return Cause.DAMAGED


@dataclass(frozen=True)
class Unopened:
    """What could not be opened, and why: the report in a block, one of its files, or a day key.

    ``place`` is 0 for a report and for a day key, and otherwise the file's number (from 1). Only
    the import that failed knows the ``cause``.
    """

    block_id: bytes
    place: int
    reason: str
    cause: Cause | None = field(default=None, compare=False)


class Export(NamedTuple):
    """An imported export bundle: its number, the day of its import, its manifest's hash."""

    number: int
    day: date
    manifest_sha256: str


@dataclass(frozen=True)
class Counts:
    """How much a casebook holds, and the numbers of its last bundles (0 for none)."""

    cases: int
    parts: int
    files: int
    unopened: int
    last_export: int
    last_replies: int
    queued: int
    left: int
