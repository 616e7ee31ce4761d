"""A reviewer's acts: blacking something out, taking it back, and listing redactions.

Nothing here changes what a claimant sent. Each act is a row of the casebook and a line of the log.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from scripts.desk.case import Case, FileOfPart
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import BOX, FILE, KEY_BYTES, TEXT, End, Redaction
from scripts.desk.file_access import drawing_seconds, looked_at
from scripts.desk.identity import at_desk
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.look import look
from scripts.desk.redaction.boxes import box_of
from scripts.desk.redaction.copies import RedactionError
from scripts.desk.redaction.leaving_texts import CaseText, texts_of_case
from scripts.desk.redaction.seen_words import Seen
from scripts.desk.redaction.standing import Standing, sha256_of
from scripts.desk.redaction.word_matches import Span, occurrences

# A reason for taking one back is a sentence or two.
BECAUSE_CHARACTERS = 500


@dataclass(frozen=True, repr=False)
class Found:
    """Words in a text of a case: where, and how often. No repr: it is plaintext."""

    text: CaseText
    spans: tuple[Span, ...]


@dataclass(frozen=True, repr=False)
class Listed:
    """A redaction of a case under the number by which it is taken back, and its end if it has one.

    ``place`` says where it applies: a text or a file of the case, or "" if that is not (or no
    longer) here. ``words`` are those that it blacks out. No repr: it is plaintext.
    """

    number: int
    redaction: Redaction
    end: End | None
    place: str
    words: str


def check_reason(casebook: Casebook, reason: str) -> None:
    """Raise RedactionError unless *reason* is a code of the campaign."""
    codes = casebook.campaign.reviewing.codes("redaction")
    if reason not in codes:
        raise RedactionError(
            f"The reason of a redaction is one of {', '.join(codes)}; name one with --reason."
        )


def find_words(texts: Iterable[CaseText], words: str, *, whole_words: bool = False) -> list[Found]:
    """The *texts* that have *words*, with each place. Raises NoWords."""
    found = (Found(one, tuple(occurrences(one.text, words, whole_words=whole_words)))
             for one in texts)  # fmt: skip
    return [one for one in found if one.spans]


def black_out(
    casebook: Casebook, case: Case, found: Sequence[Found], *, reason: str, today: date
) -> int:
    """Black out everything that was *found*, for the reviewer at work. Returns how many spans are
    new.

    Raises RedactionError.
    """
    check_reason(casebook, reason)
    there = {(one.sha256, one.start, one.stop, one.reason, one.reviewer)
             for one in casebook.redactions.standing(case.number)}  # fmt: skip
    who, count = at_desk(casebook), 0
    with casebook.together():
        for one in found:
            sha256 = sha256_of(one.text.text)
            for span in one.spans:
                if (sha256, *span, reason, who) in there:
                    continue
                there.add((sha256, *span, reason, who))
                _add(casebook, case, TEXT, sha256, reason, today, span=span)
                count += 1
    return count


def black_out_seen(
    casebook: Casebook, case: Case, found: Sequence[Seen], *, reason: str, today: date
) -> int:
    """Black out the lines of pictures in which words were *found*. Returns how many are new.

    Raises RedactionError.
    """
    check_reason(casebook, reason)
    there = {(one.sha256, one.page, one.box, one.reason, one.reviewer)
             for one in casebook.redactions.standing(case.number)}  # fmt: skip
    who, count = at_desk(casebook), 0
    with casebook.together():
        for one in found:
            for box in one.boxes:
                if (one.sha256, one.page, box, reason, who) in there:
                    continue
                there.add((one.sha256, one.page, box, reason, who))
                _add(casebook, case, BOX, one.sha256, reason, today, page=one.page, where=box)
                count += 1
    return count


def black_out_box(
    casebook: Casebook,
    case: Case,
    number: int,
    page: int,
    typed: str,
    room: Room,
    *,
    reason: str,
    today: date,
) -> None:
    """Black out the box *typed* on *page* of file *number* (both from 1), which *room* draws.

    Raises RedactionError, BadBox, NoRoom or EvidenceError.
    """
    check_reason(casebook, reason)
    _file(case, number)
    drawn: list[Page] = []
    wanted = range(page, page + 1)
    with looked_at(casebook, case, number) as content:
        shown = look(content, wanted, room, drawn.append, seconds=drawing_seconds(wanted))
    if not drawn:
        there = f"it has {shown.total} here. " if shown.total else ""
        why = " ".join(shown.sentences)
        raise RedactionError(
            f"Page {page} of file {number} cannot be drawn: {there}{why or 'It has no pages.'} "
            "Without --page and --box, the whole file is withheld."
        )
    keep_box(casebook, case, number, drawn[0], typed, reason=reason, today=today)


def keep_box(
    casebook: Casebook,
    case: Case,
    number: int,
    page: Page,
    typed: str,
    *,
    reason: str,
    today: date,
) -> None:
    """Black out the box *typed* on *page* of file *number*, as it was drawn.

    Raises RedactionError or BadBox.
    """
    check_reason(casebook, reason)
    sha256, where = _file(case, number).attachment.sha256, box_of(typed, page)
    with casebook.together():
        _add(casebook, case, BOX, sha256, reason, today, page=page.number, where=where)


def withhold(casebook: Casebook, case: Case, number: int, *, reason: str, today: date) -> None:
    """Withhold file *number* (from 1) whole. Raises RedactionError."""
    check_reason(casebook, reason)
    one = _file(case, number)
    with casebook.together():
        _add(casebook, case, FILE, one.attachment.sha256, reason, today)


def take_back(casebook: Casebook, case: Case, key: str, *, because: str, today: date) -> None:
    """Take the redaction with this *key* back, for the reviewer at work. Raises RedactionError."""
    words = " ".join(because.split())
    if not words or len(words) > BECAUSE_CHARACTERS or not words.isprintable():
        raise RedactionError(
            f"Say in at most {BECAUSE_CHARACTERS} characters why it is taken back."
        )
    if key not in {one.key for one in casebook.redactions.standing(case.number)}:
        raise RedactionError("It was taken back already.")
    with casebook.together():
        casebook.redactions.end(case, End(key, words, at_desk(casebook), today))


def listed(casebook: Casebook, case: Case) -> list[Listed]:
    """All redactions of *case*, in their order, including those taken back."""
    texts = {sha256_of(one.text): one for one in reversed(texts_of_case(casebook, case))}
    files = {
        one.attachment.sha256: f"file {number}"
        for number, one in reversed(list(enumerate(case.files, 1)))
    }
    ends = casebook.redactions.ends(case.number)
    found = []
    for number, one in enumerate(casebook.redactions.of(case.number), 1):
        text = texts.get(one.sha256) if one.kind == TEXT else None
        place = text.place if text else files.get(one.sha256, "")
        words = text.text[max(one.start, 0) : max(one.stop, 0)] if text else ""
        found.append(Listed(number, one, ends.get(one.key), place, words))
    return found


def left_over(casebook: Casebook, case: Case, words: str, counted: Standing) -> list[Found]:
    """Where the texts of *case*, as they leave now, still have *words*. Raises NoWords."""
    found = []
    for one in texts_of_case(casebook, case):
        shown = counted.shown(one)
        if spans := occurrences(shown, words):
            found.append(Found(one, tuple(spans)))
    return found


def _file(case: Case, number: int) -> FileOfPart:
    if not 1 <= number <= len(case.files):
        raise RedactionError(f"{case.name} has no file {number}; see `files`.")
    return case.files[number - 1]


def _add(
    casebook: Casebook,
    case: Case,
    kind: str,
    sha256: str,
    reason: str,
    today: date,
    *,
    page: int = 0,
    where: tuple[int, int, int, int] = (0, 0, 0, 0),
    span: tuple[int, int] = (0, 0),
) -> None:
    key = secrets.token_hex(KEY_BYTES)
    who = at_desk(casebook)
    redaction = Redaction(key, kind, sha256, page, *where, *span, reason, who, today)
    casebook.redactions.add(case, redaction)
