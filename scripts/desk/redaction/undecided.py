"""Files of a case with blacked-out words in its texts: somebody decides on each before it leaves.

Nothing here looks into a document or a recording, where the same words may be. So a reviewer
withholds such a file, blacks something out in it, or says that it may leave as it was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dropbox import canonical_json
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.productions import APPROVE
from scripts.desk.casebook.redactions import BOX, TEXT
from scripts.desk.redaction.copies import RedactionError
from scripts.desk.redaction.leaving_texts import texts_of_case
from scripts.desk.redaction.redacted_words import redacted_words
from scripts.desk.redaction.seen_words import Seen, readings, seen_in, uncovered
from scripts.desk.redaction.standing import Standing, sha256_of, standing

_LABEL = "a file as it was seen 1"


@dataclass(frozen=True, repr=False)
class Undecided:
    """File ``number`` (from 1), and where a machine read words in it that are blacked out.

    ``state`` is the hash of everything that the reviewer who lets it leave has to know. No repr: it
    is plaintext.
    """

    number: int
    sha256: str
    seen: tuple[Seen, ...]
    state: str


def undecided(casebook: Casebook, case: Case, counted: Standing) -> list[Undecided]:
    """The files of *case*, each once, on which nobody has decided in their present state."""
    hidden = _hidden(casebook, case, counted)
    if not hidden or not case.files:
        return []
    seen = _seen(casebook, case, counted)
    whole = casebook.names.characters(case.number)
    found = dict[str, Undecided]()
    for number, file in enumerate(case.files, 1):
        sha256 = file.attachment.sha256
        here = tuple(one for one in seen if one.sha256 == sha256)
        if sha256 not in found and not _is_decided(sha256, here, counted):
            boxes = sorted(one.key for one in counted.of(sha256))
            places = sorted([one.page, sha256_of(one.text), *one.span] for one in here)
            state = [_LABEL, whole, sha256, hidden, boxes, places]
            of = digest(canonical_json.encode(state, ascii_only=True))
            found[sha256] = Undecided(number, sha256, here, of)
    allowed = casebook.productions.approvals()
    return [one for one in found.values() if one.state not in allowed]


def let_leave(casebook: Casebook, case: Case, one: Undecided) -> None:
    """Record for the reviewer at work that a file may leave as it was seen.

    That holds until other words are blacked out in the case, a box is drawn in the file or taken
    back, or a machine reads such words in it.
    """
    casebook.note(APPROVE, case.name, plain=one.state)


def to_decide(casebook: Casebook, case: Case, number: int) -> Undecided:
    """File *number* (from 1), or the one that it is a copy of.

    Raises RedactionError if nobody has to decide on it.
    """
    sha256 = case.files[number - 1].attachment.sha256 if 1 <= number <= len(case.files) else ""
    for one in undecided(casebook, case, standing(casebook)):
        if one.sha256 == sha256:
            return one
    raise RedactionError(f"There is nothing to decide on file {number} of {case.name}.")


def _hidden(casebook: Casebook, case: Case, counted: Standing) -> list[tuple[str, int, int]]:
    """The redactions in texts of *case*: the texts by their hashes, and the spans."""
    if not counted:
        return []
    hashes = {sha256_of(one.text) for one in texts_of_case(casebook, case)}
    found = (one for sha256 in hashes for one in counted.of(sha256))
    return sorted({(one.sha256, one.start, one.stop) for one in found})


def _seen(casebook: Casebook, case: Case, counted: Standing) -> list[Seen]:
    """Where a machine read words that are blacked out in texts, and no box covers them."""
    read = readings(casebook, case)
    if not read:
        return []
    words = {one.words for one in redacted_words(casebook, case, counted)}
    return uncovered([one for each in sorted(words) for one in seen_in(read, each)], counted)


def _is_decided(sha256: str, seen: Sequence[Seen], counted: Standing) -> bool:
    """Whether the file is withheld, or has boxes that cover whatever a machine read in it."""
    kinds = {one.kind for one in counted.of(sha256)}
    return bool(kinds - {BOX, TEXT}) or (kinds == {BOX} and not seen)
