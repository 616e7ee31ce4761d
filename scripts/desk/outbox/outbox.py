"""Answers on their way out: queued in the casebook, sealed to their cases, and carried off in a signed bundle."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from nacl.public import PrivateKey

from dropbox.bundle import REPLIES_IN_A_BUNDLE, ReplyBundle, SealedReply, write_replies
from dropbox.durable_file import write_new
from dropbox.errors import CasedropError
from dropbox.label import LANGUAGES
from dropbox.openpgp import Opener
from dropbox.ready_answer import Template
from dropbox.reply import Reply, reply_tag, seal_reply
from dropbox.sizes import ID_BYTES
from scripts.desk.case import Answer, Case
from scripts.desk.casebook.casebook import Casebook

# Long enough for a courier who comes by once a week and misses a week.
BUNDLE_LIFE = timedelta(days=14)
# Claimants come back seldom, and not always when they meant to.
REPLY_LIFE = timedelta(days=90)
# The campaign's question by which a claimant says in which language to be answered.
_LANGUAGE_QUESTION = "reply_language"


class OutboxError(CasedropError):
    """The answer cannot leave."""


@dataclass(frozen=True, repr=False)
class Letter:
    """A text for one case, in one of LANGUAGES, of the day on which it was written; it is not queued yet."""

    case: Case
    language: str
    day: date
    text: str


@dataclass(frozen=True)
class Left:
    """A reply bundle as it was written: its number, its answers, its replies with the decoys, and what still waits."""

    bundle: int
    answers: int
    replies: int
    waiting: int


def language_of(case: Case) -> str:
    """The language in which its claimant asked to be answered, or else wrote last."""
    asked = [part.report.facts.get(_LANGUAGE_QUESTION) for part in case.parts]
    written = [part.report.language for part in case.parts]
    # Only what is a language of the pages: what is in a report is the sender's.
    known = [language for language in (*written, *asked) if language in LANGUAGES]
    return str(known[-1]) if known else LANGUAGES[0]


def write(
    casebook: Casebook,
    numbers: Iterable[int],
    wording: str | Template,
    *,
    today: date,
    language: str = "",
    although: bool = False,
) -> list[Letter]:
    """A letter to each of the cases *numbers*, each in its claimant's language unless *language* is given.

    Raises OutboxError, BadReply or CasebookError: for an empty or too long text, an unknown case, one text to claimants of
    different languages, and, unless *although*, for claimants who asked not to be answered.
    """
    if language and language not in LANGUAGES:
        raise OutboxError(f"An answer is in one of {', '.join(LANGUAGES)}.")
    cases = [casebook.case(number) for number in dict.fromkeys(numbers)]
    unwanted = ", ".join(case.name for case in cases if case.wants_no_answer)
    if unwanted and not although:
        raise OutboxError(
            f"Whoever filed {unwanted} asked not to be answered; --force answers all the same."
        )
    languages = {case.number: language or language_of(case) for case in cases}
    if isinstance(wording, str) and len(set(languages.values())) > 1:
        raise OutboxError(
            "These claimants read different languages: take a template, or name the text's with --lang."
        )
    texts = wording.body if isinstance(wording, Template) else dict.fromkeys(LANGUAGES, wording)
    letters = [
        Letter(case, languages[case.number], today, texts[languages[case.number]]) for case in cases
    ]
    for letter in letters:
        if not letter.text.strip():
            raise OutboxError("The answer is empty.")
        # Tried here, while the person who wrote it can still shorten it.
        seal_reply(Reply("answer", letter.language, today, letter.text), letter.case.reply_public)
    return letters


def template(casebook: Casebook, code: str) -> Template:
    """The campaign's ready answer *code*. Raises OutboxError."""
    for one in casebook.campaign.answers:
        if one.code == code:
            return one
    raise OutboxError("This campaign has no such template; `answer --templates` lists them.")


def queue(casebook: Casebook, letters: Sequence[Letter]) -> None:
    """Queue all *letters* or none. Raises CasebookError when a case has had as many answers as one desk can give."""
    with casebook.together():
        for one in letters:
            casebook.queue_answer(
                one.case, kind="answer", language=one.language, day=one.day, text=one.text
            )


def answer(casebook: Casebook, number: int, text: str, *, today: date, language: str = "") -> Case:
    """Queue *text* for case *number*, by default in the claimant's language. Returns the case. Raises as :func:`write`."""
    letters = write(casebook, [number], text, today=today, language=language)
    queue(casebook, letters)
    return letters[0].case


def take_back(casebook: Casebook, number: int, *, today: date) -> Answer:
    """Keep the queued answer *number* (its id) from leaving. Returns it. Raises OutboxError when it is not in the outbox."""
    for one in casebook.queued():
        if one.id == number:
            if one.kind != "answer":
                # It would be queued again with the next bundle, since its case has none.
                raise OutboxError(
                    "This says only that the report was opened; the desk queues it by itself, and it stays."
                )
            casebook.take_back(one, day=today)
            return one
    raise OutboxError(
        f"There is no answer {number} in the outbox; what has left cannot be taken back."
    )


def leaving(casebook: Casebook) -> list[Answer]:
    """The queued answers that leave with the next bundle, as they were written.

    When not all fit, what reviewers wrote goes before bare acknowledgements.
    """
    chosen = sorted(casebook.queued(), key=lambda one: (one.kind != "answer", one.id))[
        :REPLIES_IN_A_BUNDLE
    ]
    return sorted(chosen, key=lambda one: one.id)


def export_replies(
    casebook: Casebook, path: Path, opener: Opener, *, today: date, signer: str = ""
) -> Left:
    """Seal the queued answers into a new bundle at *path*, signed by the reviewer *signer*, and note them as gone.

    *signer* (a fingerprint) may be left out when one secret key is here. Every bundle holds REPLIES_IN_A_BUNDLE replies;
    answers beyond that wait for the next one. Raises OutboxError, CannotOpen or CannotWrite; the answers are then still
    queued.
    """
    answers = casebook.numbered(leaving(casebook))
    if not answers:
        raise OutboxError("No answer is waiting to leave.")
    signer = signer or _only_key(opener)
    replies = [_sealed(casebook, one) for one in answers]
    replies += [_decoy(today) for _ in range(REPLIES_IN_A_BUNDLE - len(replies))]
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

    sha256 = hashlib.sha256(data).hexdigest()
    casebook.leave(bundle.number, sha256, today, answers, lambda: write_new(path, data))
    return Left(bundle.number, len(answers), len(replies), len(casebook.queued()))


def _only_key(opener: Opener) -> str:
    keys = opener.secret_fingerprints()
    if len(keys) != 1:
        raise OutboxError(
            f"There are {len(keys)} secret keys here; name the one that signs with --signer."
        )
    return keys[0]


def _sealed(casebook: Casebook, one: Answer) -> SealedReply:
    case = casebook.case(one.case)
    assert one.number is not None
    tag = reply_tag(case.tag_key, desk=casebook.desk, number=one.number)
    return SealedReply(
        tag, seal_reply(Reply(one.kind, one.language, one.day, one.text), case.reply_public)
    )


def _decoy(today: date) -> SealedReply:
    """A reply to nobody. Really sealed, since bare random bytes are told from a sealed box by their first 32."""
    nobody = PrivateKey.generate().public_key
    return SealedReply(
        secrets.token_bytes(ID_BYTES),
        seal_reply(Reply("answer", LANGUAGES[0], today, ""), bytes(nobody)),
    )
