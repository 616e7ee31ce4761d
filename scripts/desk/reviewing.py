"""A reviewer's sheet: handed out with what the claimant said, and read back as a new layer."""

import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import at_desk
from scripts.desk.review.judgement import Layer
from scripts.desk.review.sheet import SHEET_BYTES, blank, from_claimant, read


@dataclass(frozen=True)
class Kept:
    """A layer that was added, and the case's status (a code) since then."""

    case: Case
    layer: Layer
    status: str


def blank_sheet(casebook: Casebook, case: Case, role: str) -> str:
    """The sheet of *case*, filled in with what the reviewer at work, or else the claimant, said.

    Raises ReviewError if the reviewer may not review it in this *role*.
    """
    reviews, reviewer = casebook.layers.of(case), at_desk(casebook)
    reviews.refuse(reviewer, role)
    own = reviews.own(reviewer)
    casebook.viewed(case)
    return blank(
        case, casebook.campaign, own.judgement if own else from_claimant(case, casebook.campaign)
    )


def read_sheet(name: str) -> bytes:
    """The filled-in sheet in the file *name*, or on standard input for ``-``.

    Of a sheet that is too large, it returns one byte more than is allowed.
    """
    if name == "-":
        return sys.stdin.buffer.read(SHEET_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(SHEET_BYTES + 1)


def hand_in(casebook: Casebook, case: Case, sheet: bytes, role: str, *, today: date) -> Kept:
    """Add the filled-in *sheet* to *case* as a layer of the reviewer at work.

    Raises ReviewError if the reviewer may not review it in this *role*, or BadSheet.
    """
    reviewer = at_desk(casebook)
    casebook.layers.of(case).refuse(reviewer, role)
    casebook.add_layer(case, read(sheet, casebook.campaign, role=role), role=role, day=today)
    layer = casebook.layers.of(case).own(reviewer)
    assert layer is not None
    return Kept(case, layer, casebook.layers.standing(case)["status"])
