"""A reviewer's sheet: handed out with what the claimant said, and read back as a new layer.

A sheet is for one case in one state. It is refused for any other case, and if the case has since
changed in a way that its reviewer should know about.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scripts.desk.case import Case
from scripts.desk.case_name import BadCaseName
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.given_text import read_bytes
from scripts.desk.identity import at_desk
from scripts.desk.review.blank_sheet import blank, from_claimant
from scripts.desk.review.judgement import ADJUDICATION, Layer, Reviews
from scripts.desk.review.sheet import SHEET_BYTES, BadSheet, Issued, issued, read

# Length of the hashes in a sheet's version: they tell two states apart and protect nothing.
_STATE_DIGITS = 12


@dataclass(frozen=True)
class Kept:
    """A layer that was added, and the case's new status (a code)."""

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
    filled = own.judgement if own else from_claimant(case, casebook.campaign)
    return blank(case, casebook.campaign, filled, version_of(case, reviews, reviewer, role))


def version_of(case: Case, reviews: Reviews, reviewer: str, role: str) -> str:
    """The state of *case* for this reviewer: its parts, their own version, what is adjudicated.

    It is the same at every desk that holds the same. What others say does not change the version of
    a review's sheet, since it should not change the review.
    """
    own = reviews.own(reviewer)
    said = [f"{layer.reviewer} {layer.version}" for layer in reviews.layers]
    parts = sorted(part.block_id.hex() for part in case.parts)
    state = [_short(parts), str(own.version if own else 0)]
    if role == ADJUDICATION:
        others = [one for one in said if not one.startswith(f"{reviewer} ")]
        state.append(_short(sorted(others)))
    return "-".join(state)


def _short(values: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(values).encode()).hexdigest()[:_STATE_DIGITS]


def _refuse_other(casebook: Casebook, case: Case, given: Issued, now: str) -> None:
    """Raise BadSheet unless the sheet was handed out for *case* as it is *now*."""
    try:
        number = casebook.names.find(given.case)
    except BadCaseName as why:
        raise BadSheet(f"The sheet's case: {why}") from None
    if number != case.number:
        raise BadSheet(
            f"This sheet is for {casebook.names.of(number)} and not for {case.name}; nothing was "
            "kept."
        )
    if given.version == now:
        return
    parts, own, *others = given.version.split("-") if "-" in given.version else ("", "")
    parts_now, own_now, *others_now = now.split("-")
    if len(others) != len(others_now):
        sentence = (
            "This sheet is for another act: `review` and `adjudicate` have sheets of their own."
        )
    elif parts != parts_now:
        sentence = "What the claimant sent is not what it was when the sheet was printed."
    elif own != own_now:
        sentence = "You handed in another version since the sheet was printed."
    else:
        sentence = "The reviews that are to be decided were changed since the sheet was printed."
    raise BadSheet(
        f"{sentence} Nothing was kept. Read {case.name} again, and copy what still holds into a "
        "new sheet (--blank)."
    )


def read_sheet(name: str) -> bytes:
    """The filled-in sheet in the file *name*, or on standard input for ``-``.

    If the sheet is too large, it returns one byte more than allowed.
    """
    return read_bytes(name, SHEET_BYTES)


def hand_in(casebook: Casebook, case: Case, sheet: bytes, role: str, *, today: date) -> Kept:
    """Add the filled-in *sheet* to *case* as a layer of the reviewer at work.

    Raises ReviewError if the reviewer may not review it in this *role*, or BadSheet, even for a
    good sheet of another case or of another state of this one.
    """
    reviewer = at_desk(casebook)
    reviews = casebook.layers.of(case)
    reviews.refuse(reviewer, role)
    _refuse_other(casebook, case, issued(sheet), version_of(case, reviews, reviewer, role))
    casebook.add_layer(case, read(sheet, casebook.campaign, role=role), role=role, day=today)
    layer = casebook.layers.of(case).own(reviewer)
    assert layer is not None
    return Kept(case, layer, casebook.layers.standing(case)["status"])
