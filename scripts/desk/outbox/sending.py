"""What leaves with a reply bundle: answers sealed to their cases, decoys, and what may be deleted.

The bundle is signed, and holds the same number of replies however many of them are answers.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nacl.public import PrivateKey

from dropbox.durable_file import write_new
from dropbox.label import ENGLISH
from dropbox.openpgp import Opener
from dropbox.reply import Reply, reply_tag, seal_reply
from dropbox.reply_bundle import (
    REPLIES_IN_A_BUNDLE,
    Acknowledged,
    ReplyBundle,
    SealedReply,
    write_replies,
)
from dropbox.sizes import ID_BYTES, REPLY_BYTES
from scripts.desk.case import Answer, Case
from scripts.desk.casebook.answer_rows import ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS
from scripts.desk.casebook.bundles import Source
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.outbox.releasing import unreleased
from scripts.desk.outbox.writing import OutboxError, sealed
from scripts.desk.search.summary import still_to_tell, withdrawn

# Long enough for a courier who comes once a week and misses a week.
BUNDLE_LIFE = timedelta(days=14)
# Claimants come back rarely, and not always when they meant to.
REPLY_LIFE = timedelta(days=90)


@dataclass(frozen=True)
class Left:
    """A reply bundle that was written: its number, how many answers, replies and answers waiting.

    ``replies`` counts decoys too; ``waiting`` is what did not fit. ``acknowledged`` is the number
    of the export bundle that the vault may now delete, 0 for none. ``withheld`` are the cases whose
    answers never leave; see :func:`withheld`. ``unreleased`` are the cases whose answers wait for
    another reviewer's release.
    """

    bundle: int
    answers: int
    replies: int
    waiting: int
    acknowledged: int = 0
    withheld: tuple[str, ...] = ()
    unreleased: tuple[str, ...] = ()


class Carried(NamedTuple):
    """What a bundle carries: answers, and the export bundle that it acknowledges, if any."""

    answers: list[Answer]
    acknowledged: Source | None


def leaving(casebook: Casebook) -> list[Answer]:
    """The queued answers that leave with the next bundle, in the order they were written.

    When not all fit, reviewers' answers go before acknowledgements. Nothing leaves that is
    :func:`withheld` or waits for a release.
    """
    return sorted(_sendable(casebook)[:REPLIES_IN_A_BUNDLE], key=lambda one: one.id)


def _sendable(casebook: Casebook) -> list[Answer]:
    gone = withdrawn(casebook)
    queued = [one for one in waiting_to_leave(casebook) if one.case not in gone]
    held = {one.answer.id for one in unreleased(casebook, queued)}
    sendable = [one for one in queued if one.id not in held]
    return sorted(sendable, key=lambda one: (one.kind != "answer", one.id))


def withheld(casebook: Casebook) -> list[Answer]:
    """The queued answers to claimants who took everything back: nothing is sent to them any more.

    Their inbox is empty and stays so: an answer there would show whoever forces the codename from
    them that something had been filed.
    """
    gone = withdrawn(casebook)
    return [one for one in casebook.answers.queued() if one.case in gone]


def told_elsewhere(casebook: Casebook) -> list[Answer]:
    """The queued acknowledgements that are no longer needed: another desk's have left.

    Both desks queue one when they import a bundle before they exchange their work.
    """
    queued = [one for one in casebook.answers.queued() if one.kind == ACKNOWLEDGEMENT]
    if not queued:
        # Nothing is looked up then: that may write, and `status` would need room on the disk.
        return []
    room = still_to_tell(casebook, ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS)
    found = []
    for one in queued:
        if one.case in room:
            if not room[one.case]:
                found.append(one)
            room[one.case] = max(0, room[one.case] - 1)
    return found


def waiting_to_leave(casebook: Casebook) -> list[Answer]:
    """The queued answers without what :func:`told_elsewhere` names."""
    told = {one.id for one in told_elsewhere(casebook)}
    return [one for one in casebook.answers.queued() if one.id not in told]


def answers_of(casebook: Casebook, case: Case) -> list[Answer]:
    """All desks' answers to *case*, with each notice that the claimant gets only once.

    Queued acknowledgements for which there is no more room are left out: those of desks that all
    queued one for the same bundle.
    """
    answers = casebook.answers.to(case)
    notices = [one for one in answers if one.kind == ACKNOWLEDGEMENT]
    room = min(len({part.bundle for part in case.parts}), MOST_ACKNOWLEDGEMENTS)
    room = max(0, room - sum(one.left is not None for one in notices))
    needless = [one for one in notices if one.left is None][room:]
    return [one for one in answers if one not in needless]


def acknowledging(casebook: Casebook) -> Source | None:
    """The export bundle that the next reply bundle acknowledges, if there is one.

    The vault deletes what was acknowledged. So nothing is acknowledged while something in it could
    not be opened and is not kept here as it came: another key, or another try, may still open it.
    """
    return None if casebook.holds_back() else casebook.bundles.unacknowledged()


def carrying(casebook: Casebook) -> Carried:
    """What the next reply bundle carries. Raises OutboxError if there is nothing."""
    carried = Carried(leaving(casebook), acknowledging(casebook))
    if not carried.answers and carried.acknowledged is None:
        held = ", ".join(waiting_for_release(casebook))
        raise OutboxError(
            f"The answers to {held} wait for another reviewer's `release`; nothing else is waiting."
            if held
            else "No answer is waiting to leave."
        )
    return carried


def waiting_for_release(casebook: Casebook) -> list[str]:
    """The names of the cases whose answers wait for a release."""
    gone = withdrawn(casebook)
    held = unreleased(casebook, [one for one in casebook.answers.queued() if one.case not in gone])
    return list(dict.fromkeys(one.answer.case_name for one in held))


def carrying_again(casebook: Casebook, bundles: Iterable[int]) -> Carried:
    """What left in these reply *bundles* and can leave once more, with the same numbers.

    Raises OutboxError if there is nothing.
    """
    gone = withdrawn(casebook)
    listed = sorted(bundles)
    found = {
        one.id: one
        for bundle in listed
        for one in casebook.answers.left_in(bundle)
        if one.case not in gone
    }
    before = [casebook.bundles.acknowledged_in(bundle) for bundle in listed]
    if not found and not any(before):
        named = ", ".join(map(str, listed))
        raise OutboxError(f"Nothing left in reply bundle {named} that could leave once more.")
    acknowledged = acknowledging(casebook) or next(filter(None, reversed(before)), None)
    return Carried(list(found.values())[:REPLIES_IN_A_BUNDLE], acknowledged)


def export_replies(
    casebook: Casebook,
    path: Path,
    opener: Opener,
    *,
    today: date,
    signer: str = "",
    carried: Carried | None = None,
) -> Left:
    """Seal the queued answers into a new bundle at *path*, and record them as sent.

    *carried* is what it holds, by default what :func:`carrying` gives. Answers that left before
    keep their numbers and tags, so a vault that has one refuses the bundle.

    The reviewer *signer* (a fingerprint; it may be left out when there is only one secret key)
    signs it. A bundle always holds REPLIES_IN_A_BUNDLE replies; answers beyond that wait for the
    next one. Raises OutboxError, CannotOpen or CannotWrite; the answers are still queued then.
    """
    answers, acknowledged = carried or carrying(casebook)
    new = casebook.answers.numbered([one for one in answers if one.left is None])
    answers = [one for one in answers if one.left is not None] + new
    written = _bundle(
        casebook, Carried(answers, acknowledged), signer=signer or _only_key(opener), today=today
    )
    data = write_replies(written, lambda manifest: opener.sign(manifest, written.reviewer))
    sha256 = hashlib.sha256(data).hexdigest()
    casebook.leave(
        written.number, sha256, today, answers, lambda: write_new(path, data), acknowledged
    )
    return Left(
        written.number,
        len(answers),
        len(written.replies),
        len(_sendable(casebook)),
        acknowledged.number if acknowledged else 0,
        tuple(dict.fromkeys(one.case_name for one in withheld(casebook))),
        tuple(waiting_for_release(casebook)),
    )


def _bundle(casebook: Casebook, carried: Carried, *, signer: str, today: date) -> ReplyBundle:
    """The bundle that carries this; each answer has its reply number. Raises OutboxError."""
    source = casebook.bundles.newest()
    if source is None:
        raise OutboxError(
            "Import the drop's next bundle first: it names the vault that answers go to, and none "
            "imported so far does."
        )
    acknowledged = carried.acknowledged
    return ReplyBundle(
        onion=source.onion,
        campaign=casebook.campaign.code,
        desk=casebook.desk,
        reviewer=signer,
        number=casebook.numbers.last_bundle() + 1,
        made=today,
        expires=today + BUNDLE_LIFE,
        keep_until=today + REPLY_LIFE,
        replies=_replies(casebook, carried.answers, today),
        acknowledged=() if acknowledged is None else (Acknowledged(*acknowledged[:3]),),
    )


def _replies(casebook: Casebook, answers: Sequence[Answer], today: date) -> tuple[SealedReply, ...]:
    """The *answers*, sealed, among decoys."""
    cases = [casebook.case(one.case) for one in answers]
    replies = [_sealed_answer(casebook, *pair) for pair in zip(cases, answers, strict=True)]
    # Among replies of version 1, random bytes would give themselves away as decoys.
    decoy = _random if all(case.reply_symmetric for case in cases) else partial(_boxed, today)
    replies += [
        SealedReply(secrets.token_bytes(ID_BYTES), decoy())
        for _ in range(REPLIES_IN_A_BUNDLE - len(replies))
    ]
    # Tags look random: replies sorted by them show neither which are answers nor their order.
    return tuple(sorted(replies))


def _only_key(opener: Opener) -> str:
    keys = opener.secret_fingerprints()
    if len(keys) != 1:
        raise OutboxError(
            f"There are {len(keys)} secret keys here; name the one that signs with --signer."
        )
    (only,) = keys
    return only


def _sealed_answer(casebook: Casebook, case: Case, one: Answer) -> SealedReply:
    """The answer under its tag, sealed to its case."""
    assert one.number is not None
    tag = reply_tag(case.tag_key, desk=casebook.desk, number=one.number)
    return SealedReply(tag, sealed(case, Reply(one.kind, one.language, one.day, one.text)))


def _random() -> bytes:
    """A reply to nobody: a reply of version 2 looks like random bytes to everybody else."""
    return secrets.token_bytes(REPLY_BYTES)


def _boxed(today: date) -> bytes:
    """A reply of version 1 to nobody.

    It is really sealed: the first 32 bytes would give away plain random bytes.
    """
    nobody = PrivateKey.generate().public_key
    return seal_reply(Reply("answer", ENGLISH, today, ""), bytes(nobody))
