"""The numbers that this desk gives: of its reply bundles, and of the replies to each case.

No number is ever used twice, since the vault accepts each only once. After the casebook was
restored from a backup it may be unknown which were used meanwhile, so some are skipped.
"""

from datetime import date
from typing import Any

import sqlite_utils

from dropbox.reply import REPLIES_PER_DESK
from scripts.desk.casebook.answer_rows import GIVEN, VALID
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.releases import Confirmations

# More than a desk writes between two backups; the vault accepts gaps ten times as large.
SKIPPED_BUNDLES = 100
# More than one case gets between two backups, and an eighth of what it can get at all.
SKIPPED_REPLIES = 8
_LAST = (
    'SELECT number, bundle FROM answer WHERE "case" = ? AND number IS NOT NULL '
    "ORDER BY number DESC LIMIT 1"
)
# After the answer that left last, or, without one, since its first report was filed: the vault's
# clock and the desk's may be a day apart.
_RESTORED = """
    SELECT count(*) FROM reply_bundle WHERE sha256 = '' AND CASE WHEN ?2
    THEN number > ?2 ELSE date(day, '+1 day') >= (SELECT min(day) FROM part WHERE "case" = ?1) END
"""
_QUEUED = f'SELECT count(*) FROM answer WHERE "case" = ? AND number IS NULL AND {VALID}'  # noqa: S608


class Numbers:
    """The numbers that this *desk* has used, as its casebook, other desks and the vault know
    them.
    """

    def __init__(
        self,
        database: sqlite_utils.Database,
        desks: Desks,
        confirmations: Confirmations,
        desk: int,
    ) -> None:
        self._database = database
        self._desks = desks
        self._confirmations = confirmations
        self._desk = desk

    def last_bundle(self) -> int:
        """The number of the last reply bundle of this desk, 0 before the first.

        The vault may know of one that left before the casebook was restored from a backup.
        """
        return max(self.last_given(), self._confirmations.last(self._desk))

    def last_given(self) -> int:
        """The same, as this casebook and other desks know it."""
        (own,) = self._database.execute("SELECT max(number) FROM reply_bundle").fetchone()
        elsewhere = self._desks.last_number("reply_bundle", "")
        return max(filter(None, (own, elsewhere)), default=0)

    def next_reply(self, case: int) -> int:
        """The next reply number of *case*, from 0."""
        last = self._database.execute(_LAST, [case]).fetchone()
        used, bundle = (int(last[0]), int(last[1])) if last else (-1, 0)
        (times,) = self._database.execute(_RESTORED, [case, bundle]).fetchone()
        # Near the end, the last ones are too few to skip.
        skipped = min(used + 1 + SKIPPED_REPLIES * int(times), REPLIES_PER_DESK - 1)
        (characters,) = self._database.execute(
            'SELECT characters FROM case_name WHERE "case" = ?', [case]
        ).fetchone()
        before = self._desks.last_number("departure", str(characters))
        return max(used + 1, skipped, -1 if before is None else before + 1)

    def used_up(self, case: int) -> bool:
        """Whether *case* has had all answers that one desk can give, including those that wait."""
        (given,) = self._database.execute(GIVEN, [case]).fetchone()
        if not given:
            return False
        (queued,) = self._database.execute(_QUEUED, [case]).fetchone()
        return self.next_reply(case) + int(queued) >= REPLIES_PER_DESK

    def skip(self, day: date) -> dict[str, Any]:
        """Skip numbers that may have been used before *day*. Returns the row that records this."""
        row = {"number": self.last_bundle() + SKIPPED_BUNDLES, "day": day.isoformat(), "sha256": ""}
        self._database.table("reply_bundle").insert(row)
        return row
