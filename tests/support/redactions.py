"""Redactions in a casebook, as reviewers of this desk or of another one add them."""

import hashlib

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import BOX, FILE, TEXT, Box, End, Redaction
from scripts.desk.redaction.standing import sha256_of, standing
from scripts.desk.redaction.undecided import let_leave, undecided
from support.cases import DAY

WHO = "F" * 40


def span(text: str, start: int, stop: int, reason: str = "privilege", key: str = "") -> Redaction:
    """Characters *start* to *stop* of *text*."""
    made = key or f"{start:016x}{stop:016x}"
    return _made(made, TEXT, sha256_of(text), reason, span=(start, stop))


def box(data: bytes, page: int, where: Box, reason: str = "privilege", key: str = "") -> Redaction:
    """A box on a page of the file *data*."""
    made = key or f"{page:08x}{where.x:012x}{where.y:012x}"
    return _made(made, BOX, hashlib.sha256(data).hexdigest(), reason, page=page, where=where)


def whole(data: bytes, reason: str = "privilege") -> Redaction:
    """All of the file *data*."""
    return _made("ab" * 16, FILE, hashlib.sha256(data).hexdigest(), reason)


def _made(
    key: str,
    kind: str,
    sha256: str,
    reason: str,
    *,
    page: int = 0,
    where: tuple[int, int, int, int] = (0, 0, 0, 0),
    span: tuple[int, int] = (0, 0),
) -> Redaction:
    return Redaction(key, kind, sha256, page, *where, *span, reason, WHO, DAY)


def redact(casebook: Casebook, *redactions: Redaction, case: int = 1) -> None:
    """Add *redactions* to a case."""
    with casebook.together():
        for one in redactions:
            casebook.redactions.add(casebook.case(case), one)


def let_all_leave(casebook: Casebook, case: int = 1) -> list[int]:
    """Have all files leave on which nobody has decided. Returns their numbers."""
    one = casebook.case(case)
    waiting = undecided(casebook, one, standing(casebook))
    for each in waiting:
        let_leave(casebook, one, each)
    return [each.number for each in waiting]


def take_back(casebook: Casebook, key: str, case: int = 1) -> None:
    with casebook.together():
        casebook.redactions.end(casebook.case(case), End(key, "no need", WHO, DAY))
