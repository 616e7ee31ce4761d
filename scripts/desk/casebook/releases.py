"""Answers that a second reviewer released, and reply bundles that the vault confirmed."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.shared_rows import Note, SharedRows

# Lines of custody logs are JSON: the one that records an answer names the reviewer at work.
_AUTHORS = """
    WITH lines (line) AS (
        SELECT CAST(line AS TEXT) FROM custody UNION ALL SELECT CAST(line AS TEXT) FROM desk_line
    )
    SELECT json_extract(line, '$.row_sha256'), json_extract(line, '$.reviewer') FROM lines
    WHERE json_extract(line, '$.act') = 'answer' AND json_extract(line, '$.row') LIKE 'answer/%'
"""


class Release(NamedTuple):
    """*reviewer* (a fingerprint) let answer number *answer* of desk number *desk* leave.

    ``answer_sha256`` is the hash of the answer's row in that desk's custody log; see
    :meth:`scripts.desk.casebook.desks.Desks.hashes_of_answers`.
    """

    desk: int
    answer: int
    answer_sha256: str
    reviewer: str
    day: date


class Releases:
    """The table ``release``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._database = database
        self._rows = SharedRows(database, desks, "release", act="release", note=note)

    def authors(self) -> dict[str, str]:
        """Who wrote each answer, by the hash of its row in the custody log of its desk."""
        return dict(self._database.execute(_AUTHORS).fetchall())

    def of(self, case: int) -> tuple[Release, ...]:
        """All releases of answers to *case*."""
        return tuple(
            Release(**{**row, "day": date.fromisoformat(row["day"])}) for row in self._rows.of(case)
        )

    def add(self, case: Keyed, release: Release) -> None:
        """Record *release* of an answer to *case*, in the current transaction."""
        self._rows.add(case, {**release._asdict(), "day": release.day.isoformat()})


class Confirmation(NamedTuple):
    """Vault *vault* (its id in hex) took reply bundle *reply_bundle*.

    That bundle is from desk number *desk*, signed by *signer* (a fingerprint). Export bundle number
    *bundle* says so.
    """

    vault: str
    desk: int
    signer: str
    reply_bundle: int
    bundle: int
    day: date


class Confirmations:
    """The table ``confirmation``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._database = database
        self._desks = desks
        self._note = note

    def all(self) -> list[Confirmation]:
        """All of them, each once, in a fixed order."""
        rows = [*self._database.table("confirmation").rows, *self._desks.of_kind("confirmation")]
        return sorted(
            {Confirmation(**{**row, "day": date.fromisoformat(row["day"])}) for row in rows}
        )

    def last(self, desk: int) -> int:
        """The highest reply bundle of *desk* that a vault confirmed, 0 before the first."""
        return max((one.reply_bundle for one in self.all() if one.desk == desk), default=0)

    def add(self, confirmations: Iterable[Confirmation]) -> list[Confirmation]:
        """Record those that are new here, in the current transaction. Returns them."""
        known = {one[:4] for one in self.all()}
        new = [one for one in confirmations if one[:4] not in known]
        for one in new:
            row = {**one._asdict(), "day": one.day.isoformat()}
            self._database.table("confirmation").insert(row)
            self._note("import", f"R-{one.reply_bundle}", "confirmation", row)
        return new
