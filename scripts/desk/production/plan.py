"""What may be handed over, and why the rest is held back: case by case, before anything leaves.

A second reviewer approves exactly this plan; any later change in a case changes the plan.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from dropbox import canonical_json
from dropbox.codename import WordLists
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.production.records import answers
from scripts.desk.redaction.leaving_texts import texts_of_case
from scripts.desk.redaction.leaving_transcripts import leaving_transcripts
from scripts.desk.redaction.standing import Standing, counting, standing
from scripts.desk.redaction.undecided import undecided
from scripts.desk.review.judgement import Reviews

# Flags, if the campaign has them, that hold a case back until somebody says otherwise.
HOLDING = ("privileged", "minor")


@dataclass(frozen=True)
class Held:
    """A case that is not handed over, and why: a code of REASONS, or the flag that holds it
    back.
    """

    number: int
    name: str
    reason: str


REASONS = {
    "withdrawn": "its claimant took everything back",
    "disagree": "reviewers disagree, and nobody has decided",
    "open": "its reviews are not done",
    "reopened": "something came since it was decided",
    "unopened": "a file of it could not be opened",
    "files": "words are blacked out in it, and nobody has decided on a file of it; see `redact`",
    "codename": "its text has what could be a codename",
}


@dataclass(frozen=True)
class Plan:
    """The cases that may leave, by number, those that are held, and what an approval names.

    ``allowed``: flags that do not hold cases back this time. ``content`` is the hash of everything
    in these cases; labels are in ``language``, and files are drawn if ``pictures`` is set.
    """

    ready: tuple[int, ...]
    held: tuple[Held, ...]
    allowed: tuple[str, ...]
    content: str
    language: str = "en"
    pictures: bool = True

    @property
    def sha256(self) -> str:
        """What an approval names: the content, and how it is written."""
        return digest(_canonical([self.content, self.language, self.pictures]))

    def written(self, language: str, *, pictures: bool) -> "Plan":
        """The same cases with labels in another *language*, or with or without *pictures*."""
        return replace(self, language=language, pictures=pictures)


def planned(
    casebook: Casebook,
    numbers: Sequence[int],
    allowed: Collection[str],
    words: WordLists,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Plan:
    """The plan for the cases with these *numbers*, which must not have been given away.

    It has English labels, and pictures.
    """
    redactions = standing(casebook)
    ready, held, state = list[int](), list[Held](), list[object]()
    for done, number in enumerate(numbers):
        progress(done, len(numbers))
        case = casebook.case(number)
        reviews = casebook.layers.of(case)
        reason = next(_reasons(casebook, case, reviews, allowed, words, redactions), "")
        if reason:
            held.append(Held(number, case.name, reason))
            continue
        ready.append(number)
        assert reviews.deciding is not None and reviews.agreed is not None
        parts = sorted(part.block_id.hex() for part in case.parts)
        # Flags and unions come from all reviewers, not only from the one who decided.
        counts = [reviews.deciding.judgement.to_json(), reviews.agreed.to_json()]
        hidden = counting(casebook, case, redactions)
        state.append(
            [case.name, parts, digest(_canonical(counts)), _beside(casebook, case), hidden]
        )
    plan = {
        "cases": sorted(map(_canonical, state)),
        "allowed": sorted(allowed),
        # Withheld cases leave only by name, in lists of their own.
        "held": sorted([one.name, one.reason, *size(casebook, one)] for one in held),
    }
    return Plan(tuple(ready), tuple(held), tuple(sorted(allowed)), digest(_canonical(plan)))


def _beside(casebook: Casebook, case: Case) -> str:
    """The hash of what leaves besides documents and decisions: translations, transcripts, facts."""
    current = casebook.translations.current(case.number)
    given = [{**vars(one), "day": one.day.isoformat()} for one in current]
    facts = [
        {**one.row(), "table": type(one).__name__}
        for one in (*casebook.events.of(case.number), *casebook.parties.of(case.number))
    ]
    read = [
        [one.source, one.machine, one.reviewer, one.day.isoformat(), digest(one.text.encode())]
        for one in casebook.translations.transcripts(case.number).values()
    ]
    return digest(_canonical([given, answers(casebook, case), facts, sorted(read)]))


def size(casebook: Casebook, one: Held) -> tuple[str, int]:
    """What the lists say about a withheld case: the day it came, and how many documents it has."""
    case = casebook.case(one.number)
    texts = sum(bool(part.report.text) for part in case.parts)
    return case.day.isoformat(), len(case.files) + texts


def _canonical(value: object) -> bytes:
    return canonical_json.encode(value, ascii_only=True, bytes_as_hex=True)


def _reasons(
    casebook: Casebook,
    case: Case,
    reviews: Reviews,
    allowed: Collection[str],
    words: WordLists,
    redactions: Standing,
) -> Iterator[str]:
    """What holds *case* back, the weightiest reason first."""
    status = casebook.layers.standing(case)["status"]
    if case.withdrawn is not None:
        yield "withdrawn"
    yield from (flag for flag in HOLDING if flag in reviews.flags and flag not in allowed)
    if status == "st.adjudicate":
        yield "disagree"
    if reviews.deciding is None:
        yield "open"
    if status == "st.reopened":
        yield "reopened"
    leaving = [redactions.text(one.text) for one in texts_of_case(casebook, case)]
    leaving += [one.text for _, one in leaving_transcripts(casebook, case, redactions)]
    if any(map(words.contains_codename, leaving)):
        yield "codename"
    if undecided(casebook, case, redactions):
        yield "files"
    if not all(casebook.has_file(one.part, one.place) for one in case.files):
        yield "unopened"
