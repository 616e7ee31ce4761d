"""The reply bundles of this desk: who signed each, and which answers it carried."""

from datetime import date
from typing import NamedTuple

import sqlite_utils

_SIGNERS = (
    "SELECT json_extract(CAST(line AS TEXT), '$.row'), json_extract(CAST(line AS TEXT), "
    "'$.reviewer') FROM custody WHERE json_extract(CAST(line AS TEXT), '$.row') "
    "LIKE 'reply_bundle/%'"
)


class Written(NamedTuple):
    """A reply bundle that was written. *signer* is the reviewer at work, a fingerprint, or ""."""

    number: int
    day: date
    signer: str


class Departures:
    """The tables ``reply_bundle``, ``departure`` and ``sent_again``."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database

    def written(self) -> list[Written]:
        """All bundles, by number."""
        signers = dict(self._database.execute(_SIGNERS).fetchall())
        found = self._database.execute(
            "SELECT number, day FROM reply_bundle WHERE sha256 != '' ORDER BY number"
        )
        return [
            Written(number, date.fromisoformat(day), signers.get(f"reply_bundle/{number}", ""))
            for number, day in found
        ]

    def carried(self) -> list[tuple[int, int, int]]:
        """(answer, case, bundle) for each time an answer or acknowledgement left."""
        return self._database.execute(
            'SELECT answer, "case", gone.bundle FROM (SELECT answer, bundle FROM departure '
            "UNION SELECT answer, bundle FROM sent_again) AS gone "
            "JOIN answer ON answer.id = gone.answer ORDER BY answer, gone.bundle"
        ).fetchall()
