"""Answers on their way out: queued in the casebook, sealed to their cases, and carried off in a signed bundle."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from nacl.public import PrivateKey

from dropbox.block import ID_BYTES
from dropbox.bundle import MOST_REPLIES, REPLIES_ROUNDED_TO, ReplyBundle, SealedReply, write_replies
from dropbox.errors import CasedropError
from dropbox.label import LANGUAGES
from dropbox.openpgp import Opener
from dropbox.reply import Reply, reply_tag, seal_reply
from scripts.case import Answer, Case
from scripts.casebook import Casebook
from scripts.landing import NewFile

# Long enough for a courier who comes by once a week and misses a week.
BUNDLE_LIFE = timedelta(days=14)
# Claimants come back seldom, and not always when they meant to.
REPLY_LIFE = timedelta(days=90)


class OutboxError(CasedropError):
    """The answer cannot leave."""


@dataclass(frozen=True)
class Left:
    """A reply bundle as it was written: its number, how many answers are in it, and how many with the decoys."""

    bundle: int
    answers: int
    replies: int


def answer(casebook: Casebook, number: int, text: str, *, today: date, language: str = "") -> Case:
    """Queue *text* for case *number*, by default in the claimant's language. Returns the case.

    Raises OutboxError, BadReply or CasebookError when the text is empty or too long or the case takes no more.
    """
    case = casebook.case(number)
    language = language or case.language
    if language not in LANGUAGES:
        raise OutboxError(f"An answer is in one of {', '.join(LANGUAGES)}.")
    if not text.strip():
        raise OutboxError("The answer is empty.")
    # Tried here, while the person who wrote it can still shorten it.
    seal_reply(Reply("answer", language, today, text), case.reply_public)
    casebook.queue_answer(case, kind="answer", language=language, day=today, text=text)
    return case


def export_replies(casebook: Casebook, path: Path, opener: Opener, *, today: date, signer: str = "") -> Left:
    """Seal the queued answers into a new bundle at *path*, signed by the reviewer *signer*, and note them as gone.

    *signer* (a fingerprint) may be left out when one secret key is here. At most MOST_REPLIES answers leave at once.
    Raises OutboxError, CannotOpen or CannotWrite; the answers are then still queued.
    """
    answers = casebook.numbered(casebook.queued()[:MOST_REPLIES])
    if not answers:
        raise OutboxError("No answer is waiting to leave.")
    signer = signer or _only_key(opener)
    replies = [_sealed(casebook, one) for one in answers]
    replies += [_decoy(today) for _ in range(-len(replies) % REPLIES_ROUNDED_TO)]
    bundle = ReplyBundle(
        number=casebook.counts().last_replies + 1,
        campaign=casebook.campaign.code,
        desk=casebook.desk,
        expires=today + BUNDLE_LIFE,
        keep_until=today + REPLY_LIFE,
        # Tags look random: in their order nothing shows which are answers, nor which came first.
        replies=tuple(sorted(replies)),
    )
    data = write_replies(bundle, lambda manifest: opener.sign(manifest, signer))

    def land() -> None:
        with NewFile(path) as file:
            file.write(data)

    casebook.leave(bundle.number, hashlib.sha256(data).hexdigest(), today, answers, land)
    return Left(bundle.number, len(answers), len(replies))


def _only_key(opener: Opener) -> str:
    keys = opener.secret_fingerprints()
    if len(keys) != 1:
        raise OutboxError(f"There are {len(keys)} secret keys here; name the one that signs with --signer.")
    return keys[0]


def _sealed(casebook: Casebook, one: Answer) -> SealedReply:
    case = casebook.case(one.case)
    assert one.number is not None
    tag = reply_tag(case.tag_key, desk=casebook.desk, number=one.number)
    return SealedReply(tag, seal_reply(Reply(one.kind, one.language, one.day, one.text), case.reply_public))


def _decoy(today: date) -> SealedReply:
    """A reply to nobody. Really sealed, since bare random bytes are told from a sealed box by their first 32."""
    nobody = PrivateKey.generate().public_key
    return SealedReply(secrets.token_bytes(ID_BYTES), seal_reply(Reply("answer", LANGUAGES[0], today, ""), bytes(nobody)))
