"""Answers on their way out: queued, sealed to their cases, and sent in signed bundles."""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

from nacl.public import PrivateKey

from dropbox.durable_file import write_new
from dropbox.errors import CasedropError
from dropbox.label import ENGLISH, LANGUAGES, is_tag
from dropbox.openpgp import Opener
from dropbox.ready_answer import Template
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
from scripts.desk.casebook.bundles import Source
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.summary import withdrawn

# Long enough for a courier who comes once a week and misses a week.
BUNDLE_LIFE = timedelta(days=14)
# Claimants come back rarely, and not always when they meant to.
REPLY_LIFE = timedelta(days=90)
# The campaign's question about the language in which a claimant wants to be answered.
_LANGUAGE_QUESTION = "reply_language"


class OutboxError(CasedropError):
    """The answer cannot leave."""


@dataclass(frozen=True, repr=False)
class Letter:
    """A text for one case, written on ``day`` and not queued yet.

    ``language`` is one of the campaign's. ``instead_of``: the language that was wanted, where this
    is another one.
    """

    case: Case
    language: str
    day: date
    text: str
    instead_of: str = ""


@dataclass(frozen=True)
class Left:
    """A reply bundle that was written: its number, how many answers, replies and answers waiting.

    ``replies`` counts decoys too; ``waiting`` is what did not fit. ``acknowledged`` is the number
    of the export bundle that the vault may now delete, 0 for none. ``withheld`` are the cases whose
    answers never leave; see :func:`withheld`.
    """

    bundle: int
    answers: int
    replies: int
    waiting: int
    acknowledged: int = 0
    withheld: tuple[str, ...] = ()


def language_of(case: Case, languages: Collection[str] = LANGUAGES) -> str:
    """The language in which the claimant of *case* asked to be answered, or else wrote last.

    It is one of *languages*; the first of LANGUAGES where all of them are others.
    """
    asked = [part.report.facts.get(_LANGUAGE_QUESTION) for part in case.parts]
    written = [part.report.language for part in case.parts]
    # Only the languages of the pages: a report may hold anything.
    known = [language for language in (*written, *asked) if language in languages]
    return str(known[-1]) if known else LANGUAGES[0]


def check_language(casebook: Casebook, language: str) -> None:
    """Raise OutboxError unless *language* is one of the campaign's, or "" for the claimant's."""
    languages = casebook.campaign.languages
    if language and language not in languages:
        raise OutboxError(f"An answer is in one of {', '.join(languages)}.")


class Skipped(StrEnum):
    """Why one of several cases gets no answer."""

    WITHDRAWN = "took everything back; nothing is sent to them any more"
    REFUSED = "asked not to be answered; --force answers all the same"
    REPEATED = "have this very answer already; --repeat sends it once more"
    CONFLICT = "you declared a conflict of interest"


def addressees(
    casebook: Casebook,
    numbers: Iterable[int],
    wording: str | Template,
    *,
    without: Collection[int] = (),
    although: bool = False,
    repeat: bool = False,
) -> tuple[list[int], dict[Skipped, list[str]]]:
    """Those of the cases *numbers* that an answer is for, and the names of all others, by why not.

    *without* are the cases that the reviewer at work gave away. *although* keeps those who asked
    not to be answered, *repeat* those who have the same answer already.
    """
    texts = {wording} if isinstance(wording, str) else set(wording.body.values())
    kept, skipped = list[int](), dict[Skipped, list[str]]()
    for number in dict.fromkeys(numbers):
        case = casebook.case(number)
        had = {one.text for one in casebook.answers_to(case) if one.kind == "answer"}
        reasons = {
            Skipped.CONFLICT: number in without,
            Skipped.WITHDRAWN: case.withdrawn is not None,
            Skipped.REFUSED: case.wants_no_answer and not although,
            Skipped.REPEATED: bool(had & texts) and not repeat,
        }
        reason = next((why for why, holds in reasons.items() if holds), None)
        if reason is None:
            kept.append(number)
        else:
            skipped.setdefault(reason, []).append(case.name)
    return kept, skipped


def write(
    casebook: Casebook,
    numbers: Iterable[int],
    wording: str | Template,
    *,
    today: date,
    language: str = "",
    although: bool = False,
) -> list[Letter]:
    """A letter to each of the cases *numbers*, in *language* or else in its claimant's.

    A ready answer that is not there in that language is taken in English.

    Raises OutboxError, BadReply or CasebookError: for an empty or too long text, an unknown case,
    one text for claimants of different languages, for claimants who took everything back, and,
    unless *although*, for claimants who asked not to be answered.
    """
    check_language(casebook, language)
    cases = [casebook.case(number) for number in dict.fromkeys(numbers)]
    if gone := ", ".join(case.name for case in cases if case.withdrawn):
        raise OutboxError(
            f"The claimants of {gone} took everything back; nothing is sent to them any more."
        )
    unwanted = ", ".join(case.name for case in cases if case.wants_no_answer)
    if unwanted and not although:
        raise OutboxError(
            f"The claimants of {unwanted} asked not to be answered; --force answers all the same."
        )
    known = casebook.campaign.languages
    languages = {case.number: language or language_of(case, known) for case in cases}
    if isinstance(wording, str) and len(set(languages.values())) > 1:
        raise OutboxError(
            "These claimants read different languages: use a template, or name the language of the "
            "text with --lang."
        )
    letters = [
        _letter(
            case, wording, languages[case.number], today, "" if language else _unknown(case, known)
        )
        for case in cases
    ]
    for letter in letters:
        if not letter.text.strip():
            raise OutboxError("The answer is empty.")
        # Tried now, while the person who wrote it can still shorten it.
        _sealed(letter.case, Reply("answer", letter.language, today, letter.text))
    return letters


def _letter(
    case: Case, wording: str | Template, language: str, today: date, instead_of: str
) -> Letter:
    if isinstance(wording, str):
        return Letter(case, language, today, wording, instead_of)
    if language in wording.body:
        return Letter(case, language, today, wording.body[language], instead_of)
    return Letter(case, ENGLISH, today, wording.body[ENGLISH], language)


def _unknown(case: Case, languages: Collection[str]) -> str:
    """The language in which the claimant wrote last, if this desk's campaign does not have it."""
    last = case.parts[-1].report.language
    # A report may hold anything; only a tag is worth showing.
    return last if is_tag(last) and last not in languages else ""


def template(casebook: Casebook, code: str) -> Template:
    """The campaign's ready answer *code*. Raises OutboxError."""
    for one in casebook.campaign.answers:
        if one.code == code:
            return one
    raise OutboxError("This campaign has no such template; `answer --templates` lists them.")


def queue(casebook: Casebook, letters: Sequence[Letter]) -> None:
    """Queue all *letters* or none.

    Raises CasebookError if a case has had all that a desk can give.
    """
    with casebook.together():
        for one in letters:
            casebook.queue_answer(
                one.case, kind="answer", language=one.language, day=one.day, text=one.text
            )


def answer(casebook: Casebook, number: int, text: str, *, today: date, language: str = "") -> Case:
    """Queue *text* for case *number*, and return the case.

    The language is the claimant's by default. Raises as :func:`write`.
    """
    letters = write(casebook, [number], text, today=today, language=language)
    queue(casebook, letters)
    return letters[0].case


def take_back(casebook: Casebook, number: int, *, today: date) -> Answer:
    """Keep the queued answer *number* (its id) from leaving. Returns it.

    Raises OutboxError if it is not queued.
    """
    for one in casebook.queued():
        if one.id == number:
            if one.kind != "answer":
                # The next import would queue it again, because its case would have none.
                raise OutboxError(
                    "This is an acknowledgement that the report was opened; the desk queues it on "
                    "its own, and it cannot be taken back."
                )
            casebook.take_back(one, day=today)
            return one
    raise OutboxError(
        f"There is no answer {number} in the outbox; what has left cannot be taken back."
    )


def leaving(casebook: Casebook) -> list[Answer]:
    """The queued answers that leave with the next bundle, in the order they were written.

    When not all fit, reviewers' answers go before acknowledgements. Nothing leaves that is
    :func:`withheld`.
    """
    return sorted(_sendable(casebook)[:REPLIES_IN_A_BUNDLE], key=lambda one: one.id)


def _sendable(casebook: Casebook) -> list[Answer]:
    gone = withdrawn(casebook)
    sendable = [one for one in casebook.queued() if one.case not in gone]
    return sorted(sendable, key=lambda one: (one.kind != "answer", one.id))


def withheld(casebook: Casebook) -> list[Answer]:
    """The queued answers to claimants who took everything back: nothing is sent to them any more.

    Their inbox is empty and stays so: an answer there would show whoever forces the codename from
    them that something had been filed.
    """
    gone = withdrawn(casebook)
    return [one for one in casebook.queued() if one.case in gone]


def acknowledging(casebook: Casebook) -> Source | None:
    """The export bundle that the next reply bundle acknowledges, if there is one.

    The vault deletes what was acknowledged. So nothing is while something of it could not be
    opened and is not kept here as it came: another key, or another try, may still open it.
    """
    return None if casebook.holds_back() else casebook.bundles.unacknowledged()


def leaving_again(casebook: Casebook, bundle: int) -> list[Answer]:
    """What left in reply bundle number *bundle* and can leave once more, with the same numbers.

    Raises OutboxError if there is nothing.
    """
    gone = withdrawn(casebook)
    found = [one for one in casebook.left_in(bundle) if one.case not in gone]
    if not found and casebook.bundles.acknowledged_in(bundle) is None:
        raise OutboxError(f"Nothing left in reply bundle {bundle} that could leave once more.")
    return found


def export_replies(
    casebook: Casebook, path: Path, opener: Opener, *, today: date, signer: str = "", again: int = 0
) -> Left:
    """Seal the queued answers into a new bundle at *path*, and record them as sent.

    With *again* it holds instead what left in the reply bundle of that number, which the vault
    never got. The answers keep their numbers and tags, so a vault that has one refuses the bundle.

    The reviewer *signer* (a fingerprint; it may be left out when there is only one secret key)
    signs it. A bundle always holds REPLIES_IN_A_BUNDLE replies; answers beyond that wait for the
    next one. It also acknowledges what :func:`acknowledging` gives. Raises OutboxError, CannotOpen
    or CannotWrite; the answers are still queued then.
    """
    acknowledged = acknowledging(casebook)
    if again:
        answers = leaving_again(casebook, again)
        acknowledged = acknowledged or casebook.bundles.acknowledged_in(again)
    else:
        answers = casebook.numbered(leaving(casebook))
    if not answers and acknowledged is None:
        raise OutboxError("No answer is waiting to leave.")
    source = casebook.bundles.newest()
    if source is None:
        raise OutboxError(
            "Import the drop's next bundle first: it names the vault that answers go to, and none "
            "imported so far does."
        )
    signer = signer or _only_key(opener)
    cases = [casebook.case(one.case) for one in answers]
    replies = [_sealed_answer(casebook, *pair) for pair in zip(cases, answers, strict=True)]
    # Among replies of version 1, random bytes would give themselves away as decoys.
    decoy = _random if all(case.reply_symmetric for case in cases) else partial(_boxed, today)
    replies += [
        (secrets.token_bytes(ID_BYTES), decoy()) for _ in range(REPLIES_IN_A_BUNDLE - len(replies))
    ]
    # Tags look random: sorted by them, replies show neither which are answers nor their order.
    replies.sort()
    number = casebook.counts().last_replies + 1
    written = ReplyBundle(
        onion=source.onion,
        campaign=casebook.campaign.code,
        desk=casebook.desk,
        reviewer=signer,
        number=number,
        made=today,
        expires=today + BUNDLE_LIFE,
        keep_until=today + REPLY_LIFE,
        replies=tuple(SealedReply(*one) for one in replies),
        acknowledged=() if acknowledged is None else (Acknowledged(*acknowledged[:3]),),
    )
    data = write_replies(written, lambda manifest: opener.sign(manifest, signer))
    sha256 = hashlib.sha256(data).hexdigest()
    casebook.leave(number, sha256, today, answers, lambda: write_new(path, data), acknowledged)
    return Left(
        number,
        len(answers),
        len(replies),
        len(_sendable(casebook)),
        acknowledged.number if acknowledged else 0,
        tuple(dict.fromkeys(one.case_name for one in withheld(casebook))),
    )


def _only_key(opener: Opener) -> str:
    keys = opener.secret_fingerprints()
    if len(keys) != 1:
        raise OutboxError(
            f"There are {len(keys)} secret keys here; name the one that signs with --signer."
        )
    return keys[0]


def _sealed_answer(casebook: Casebook, case: Case, one: Answer) -> tuple[bytes, bytes]:
    """The answer's tag, and the answer sealed to its case."""
    assert one.number is not None
    tag = reply_tag(case.tag_key, desk=casebook.desk, number=one.number)
    return tag, _sealed(case, Reply(one.kind, one.language, one.day, one.text))


def _sealed(case: Case, reply: Reply) -> bytes:
    return seal_reply(reply, case.reply_public, reply_symmetric=case.reply_symmetric)


def _random() -> bytes:
    """A reply to nobody: a reply of version 2 looks like random bytes to everybody else."""
    return secrets.token_bytes(REPLY_BYTES)


def _boxed(today: date) -> bytes:
    """A reply of version 1 to nobody.

    It is really sealed: the first 32 bytes would give away plain random bytes.
    """
    nobody = PrivateKey.generate().public_key
    return seal_reply(Reply("answer", LANGUAGES[0], today, ""), bytes(nobody))
