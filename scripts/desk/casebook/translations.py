"""Gists and translations of what claimants and reviewers wrote, and what machines read in files.

They never touch the original.
"""

from dataclasses import dataclass
from datetime import date

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.shared_rows import Note, SharedRows

GIST, TRANSLATION, TRANSCRIPT = "gist", "translation", "transcript"


@dataclass(frozen=True, repr=False)
class Translation:
    """A GIST or TRANSLATION of one text in *language*, given by *reviewer* (a fingerprint).

    ``source`` is the text: the block id of its part, or the SHA-256 of its answer, in hex.
    ``machine`` is the program that made it, "" if it was made by hand. A TRANSCRIPT belongs to a
    file, by its SHA-256, and has no language; its text is that of
    :meth:`scripts.desk.transcripts.transcript.Transcript.to_text`. No repr: it is plaintext.
    """

    source: str
    kind: str
    language: str
    machine: str
    text: str
    reviewer: str
    day: date


class Translations:
    """The table ``translation``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._database = database
        self._rows = SharedRows(database, desks, "translation", act="translate", note=note)

    def of(self, case: int) -> tuple[Translation, ...]:
        """Everything that was ever given for texts of *case*, including earlier versions, in
        order.
        """
        return tuple(
            Translation(
                **{name: row[name] for name in row if name not in ("rank", "day")},
                day=date.fromisoformat(row["day"]),
            )
            for row in self._rows.of(case)
        )

    def current(self, case: int) -> tuple[Translation, ...]:
        """The latest by each reviewer, by hand and by each machine; those of others stay beside
        them.

        Gists come first, and those by hand come before those by machine. Transcripts are not
        included.
        """
        latest = {
            (one.source, one.kind, one.language, one.machine, one.reviewer): one
            for one in self.of(case)
            if one.kind != TRANSCRIPT
        }
        return tuple(sorted(latest.values(), key=lambda one: (one.kind != GIST, one.machine != "")))

    def transcripts(self, case: int) -> dict[str, Translation]:
        """The latest transcript of each file of *case*, by the file's SHA-256."""
        return {one.source: one for one in self.of(case) if one.kind == TRANSCRIPT}

    def gist(self, case: int, language: str) -> Translation | None:
        """The latest gist in *language* of the first part that has one, by hand if there is one."""
        gists = [one for one in self.of(case) if (one.kind, one.language) == (GIST, language)]
        if not gists:
            return None  # as of nearly all cases of a list
        parts = self._database.execute(
            'SELECT lower(hex(block_id)) FROM part WHERE "case" = ? ORDER BY number', [case]
        )
        sources = [source for (source,) in parts]
        found = [one for one in gists if one.source in sources]
        # The sort is stable: among equals, the latest stays last.
        found.sort(key=lambda one: (-sources.index(one.source), not one.machine))
        return found[-1] if found else None

    def add(self, case: Keyed, given: Translation) -> None:
        """Add *given* to *case*, in the current transaction."""
        row = {**vars(given), "day": given.day.isoformat()}
        act = "transcribe" if given.kind == TRANSCRIPT else ""
        self._rows.add(case, row, act=act, plain=digest(given.text.encode()))


def source_of_answer(text: str) -> str:
    """The source of a translation of an answer with this text."""
    return digest(text.encode())
