"""The answers written at this desk: queued, taken back, numbered, and sent in a reply bundle."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date

import sqlite_utils

from dropbox.reply import REPLIES_PER_DESK
from scripts.desk.case import Answer, Case, Keyed
from scripts.desk.casebook import answer_rows
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.file import CasebookError
from scripts.desk.casebook.numbers import Numbers


class Answers:
    """The answers of one casebook; each act on one leaves a line in the custody log."""

    def __init__(
        self,
        database: sqlite_utils.Database,
        desks: Desks,
        numbers: Numbers,
        note: Callable[..., None],
        together: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._database = database
        self._desks = desks
        self._numbers = numbers
        self._note = note
        self._together = together

    def queued(self) -> list[Answer]:
        """The answers that have not left yet, in the order they were written."""
        return answer_rows.read_answers(self._database, answer_rows.QUEUED)

    def to(self, case: Case) -> list[Answer]:
        """All answers to *case*, in the order they were written here, then those of other desks."""
        own = answer_rows.read_answers(self._database, 'answer."case" = ?', case.number)
        return own + self._desks.answers_to(case)

    def left(self) -> list[Answer]:
        """The answers that have left, without acknowledgements."""
        return answer_rows.read_answers(self._database, answer_rows.LEFT)

    def left_in(self, bundle: int) -> list[Answer]:
        """What left in this reply bundle, for the first time or again, acknowledgements too."""
        return answer_rows.read_answers(self._database, answer_rows.LEFT_IN, bundle, bundle)

    def queue(self, case: Keyed, *, kind: str, language: str, day: date, text: str) -> None:
        """Queue an answer. Raises CasebookError if its case has had all answers that a desk can
        give.
        """
        if self._numbers.used_up(case.number):
            raise CasebookError(
                f"{case.name} has {REPLIES_PER_DESK} answers; one desk cannot give more to a case."
            )
        row = {
            "case": case.number,
            "kind": kind,
            "language": language,
            "day": day.isoformat(),
            "text": text,
        }
        with self._together():
            number = self._database.execute(
                'INSERT INTO answer ("case", kind, language, day, text) '
                "VALUES (:case, :kind, :language, :day, :text)",
                row,
            ).lastrowid
            self._note(
                "answer", case.name, "answer", {"id": number, **row}, plain=digest(text.encode())
            )

    def take_back(self, answer: Answer, *, day: date) -> None:
        """Record that a queued answer is not to leave; its text stays for the record."""
        row = {"answer": answer.id, "day": day.isoformat()}
        with self._database.atomic():
            self._database.table("taken_back").insert(row)
            self._note(
                "answer",
                answer.case_name,
                "taken_back",
                row,
                plain=digest(answer.text.encode()),
            )

    def numbered(self, answers: Sequence[Answer]) -> list[Answer]:
        """*answers* with the next reply numbers of their cases."""
        taken: dict[int, int] = {}
        result = []
        for answer in answers:
            number = taken.get(answer.case)
            if number is None:
                number = self._numbers.next_reply(answer.case)
            taken[answer.case] = number + 1
            result.append(replace(answer, number=number))
        return result

    def depart(self, answer: Answer, case: Case, bundle: int) -> None:
        """Record that *answer*, which has its number, left in reply bundle *bundle*.

        *case* is its case. Call it in the transaction that writes the bundle.
        """
        self._database.table("answer").update(
            answer.id, {"number": answer.number, "bundle": bundle}
        )
        last = max(part.number for part in case.parts)
        gone = {"answer": answer.id, "number": answer.number, "bundle": bundle, "part": last}
        self._database.table("departure").insert(gone)
        self._note("export", case.name, "departure", gone, plain=digest(answer.text.encode()))

    def send_again(self, answer: Answer, bundle: int) -> None:
        """Record that *answer*, which left before, left once more in reply bundle *bundle*."""
        row = {"answer": answer.id, "bundle": bundle}
        self._database.table("sent_again").insert(row)
        self._note(
            "export", answer.case_name, "sent_again", row, plain=digest(answer.text.encode())
        )
