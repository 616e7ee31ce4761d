"""A hand-over takes two: one reviewer writes it after another has approved exactly this plan."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

from dropbox.label import LANGUAGES
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.productions import APPROVE, HAND_OVER
from scripts.desk.identity import DeskError, at_desk
from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom
from scripts.desk.production.handing_over import HandedOver, hand_over
from scripts.desk.production.plan import Plan

_CODE_DIGITS, _GROUP = 16, 4
_WITHOUT = "Without pictures of files (--without-pictures) it needs an approval of its own."


class NotApproved(DeskError):
    """This cannot be handed over, or not yet."""


def code_of(plan: Plan) -> str:
    """The plan's code, which two reviewers compare: the beginning of its hash, in groups."""
    digits = plan.sha256[:_CODE_DIGITS]
    return "-".join(digits[at : at + _GROUP] for at in range(0, _CODE_DIGITS, _GROUP))


def manner_of(plan: Plan) -> str:
    """How the plan is written: the language of its labels, and whether files are drawn."""
    return f"labels in {plan.language}, {'with' if plan.pictures else 'without'} pictures of files"


def approve(casebook: Casebook, plan: Plan, code: str) -> None:
    """Approve *plan* for the reviewer at work, if *code* is its own. Raises NotApproved."""
    wanted = code.replace("-", "").lower()
    if wanted != code_of(plan).replace("-", ""):
        for language, pictures in product(LANGUAGES, (True, False)):
            other = plan.written(language, pictures=pictures)
            if wanted == code_of(other).replace("-", ""):
                raise NotApproved(
                    f"That code is for these cases with {manner_of(other)}. Choose the same, and "
                    "approve that. Nothing was approved."
                )
        raise NotApproved(
            "This is not what that code stands for: the selection is another one, or a case has "
            "changed since. Nothing was approved."
        )
    casebook.note(APPROVE, HAND_OVER, plain=plan.sha256)


def hand_over_approved(
    casebook: Casebook,
    plan: Plan,
    out: Path,
    sign: Callable[[bytes], bytes],
    progress: Callable[[int, int], None],
) -> HandedOver:
    """Write what another reviewer approved into the new folder *out*, which the log notes.

    *sign* makes the OpenPGP signature of the reviewer at work. Raises NotApproved, even if files
    cannot be drawn though they should be, or what :func:`hand_over` raises.
    """
    if not casebook.productions.approved_by(plan.sha256) - {at_desk(casebook)}:
        raise NotApproved(
            "Another reviewer has to approve this first: with the same options and "
            f"--approve {code_of(plan)}"
        )
    if not plan.ready:
        raise NotApproved("None of these cases can be handed over.")
    room = Bubblewrap() if plan.pictures else None
    try:
        done = hand_over(casebook, plan, out, sign, progress, room=room)
    except NoRoom as why:
        # Slip sheets instead would not be what was approved.
        raise NotApproved(f"{why} {_WITHOUT}") from None
    casebook.note("export", HAND_OVER, plain=done.sha256)
    return done
