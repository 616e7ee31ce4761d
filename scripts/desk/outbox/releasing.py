"""Answers that leave only after a reviewer other than their author has released them.

The campaign file asks for it: ``answers_need_release`` in its section [review]. Acknowledgements,
which the desk queues on its own, need none.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from scripts.desk.case import Answer
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Row
from scripts.desk.casebook.releases import Release
from scripts.desk.outbox.writing import OutboxError


class Unreleased(NamedTuple):
    """An answer that waits, the hash of its row in its desk's log, and who wrote it, or ""."""

    answer: Answer
    sha256: str
    author: str


def unreleased(casebook: Casebook, answers: Iterable[Answer]) -> list[Unreleased]:
    """Those of *answers* that have not left and that nobody but their author has released."""
    if not casebook.campaign.reviewing.answers_need_release:
        return []
    authors = casebook.releases.authors()
    found = [
        Unreleased(one, sha256, authors.get(sha256, ""))
        for one in answers
        if one.kind == "answer" and one.left is None
        for sha256 in _hashes(casebook, one)
    ]
    return [one for one in found if not _is_released(casebook, one)]


def _hashes(casebook: Casebook, answer: Answer) -> Iterator[str]:
    """The hash of this desk's answer; for another desk's, each hash with its number there."""
    if answer.desk is None:
        yield Row.of("answer", {**vars(answer), "day": answer.day.isoformat()}).sha256
        return
    for sha256, desk, number in casebook.desks.hashes_of_answers(answer.case):
        if (desk, number) == (answer.desk, answer.id):
            yield sha256


def _is_released(casebook: Casebook, one: Unreleased) -> bool:
    return any(
        release.answer_sha256 == one.sha256 and release.reviewer != one.author
        for release in casebook.releases.of(one.answer.case)
    )


def releasable(casebook: Casebook, case: int) -> list[Unreleased]:
    """The answers to *case* that wait for a release, here or at another desk."""
    answers = casebook.answers.to(casebook.case(case))
    # One that this desk wrote before it was restored from a backup does not leave by itself.
    return unreleased(casebook, [one for one in answers if one.desk != casebook.desk])


def others_work(waiting: Iterable[Unreleased], reviewer: str) -> list[Unreleased]:
    """Those that *reviewer* may let leave. Raises OutboxError if there are none."""
    listed = list(waiting)
    if not listed:
        raise OutboxError("No answer to them waits for a release.")
    others = [one for one in listed if one.author != reviewer]
    if not others:
        raise OutboxError("You wrote this yourself; another reviewer has to let it leave.")
    return others


def release(
    casebook: Casebook, waiting: Iterable[Unreleased], *, reviewer: str, today: date
) -> None:
    """Release these answers in the name of *reviewer*: all of them or none."""
    with casebook.together():
        for one in waiting:
            desk = casebook.desk if one.answer.desk is None else one.answer.desk
            casebook.releases.add(
                casebook.case(one.answer.case),
                Release(desk, one.answer.id, one.sha256, reviewer, today),
            )
