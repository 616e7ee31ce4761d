"""The names of the casebook's cases: see scripts.desk.case_name."""

import json
from collections.abc import Iterable

import sqlite_utils

from scripts.desk.case_name import (
    BadCaseName,
    alike,
    characters_of,
    name_of,
    read,
    read_former,
)

# Sorts after every character of a name.
_BEHIND = "~"


class Names:
    """The table ``case_name``."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database

    def add(self, case: int, reply_public: bytes, tag_key: bytes, *, former: str = "") -> None:
        """Name the new *case*, in the transaction that adds it.

        A case that has had the same name so far gets a longer one, too. *former* is its name in an
        earlier version of the casebook.
        """
        characters = characters_of(reply_public, tag_key)
        beside = self._beside(characters)
        self._database.execute(
            'INSERT INTO case_name ("case", characters, name, former) VALUES (?, ?, ?, ?)',
            [case, characters, name_of(characters, *beside), former],
        )
        for one in beside:
            self._database.execute(
                "UPDATE case_name SET name = ? WHERE characters = ?",
                [name_of(one, *self._beside(one)), one],
            )

    def _beside(self, characters: str) -> list[str]:
        """The names that share the most with *characters*: the one before and the one after it.

        Names that do not even share a short name are left out.
        """
        found = self._database.execute(
            "SELECT (SELECT max(characters) FROM case_name WHERE characters < ?1), "
            "(SELECT min(characters) FROM case_name WHERE characters > ?1)",
            [characters],
        ).fetchone()
        return [one for one in found if one is not None and alike(one, characters)]

    def of(self, case: int) -> str:
        """The name of *case*, "" if there is no such case."""
        return self.among([case]).get(case, "")

    def former(self, case: int) -> str:
        """The name of *case* in an earlier version of this casebook, "" if it had none."""
        found = self._database.execute('SELECT former FROM case_name WHERE "case" = ?', [case])
        return next((former for (former,) in found), "")

    def characters(self, case: int) -> str:
        """The whole name of *case*, the same at every desk; "" if there is no such case."""
        found = self._database.execute('SELECT characters FROM case_name WHERE "case" = ?', [case])
        return next((characters for (characters,) in found), "")

    def with_characters(self, characters: str) -> int:
        """The case with this whole name, 0 if it is not here."""
        found = self._database.execute(
            'SELECT "case" FROM case_name WHERE characters = ?', [characters]
        )
        return next((case for (case,) in found), 0)

    def among(self, cases: Iterable[int]) -> dict[int, str]:
        """The names of those *cases* that exist."""
        found = self._database.execute(
            'SELECT "case", name FROM case_name WHERE "case" IN (SELECT value FROM json_each(?))',
            [json.dumps(list(cases))],
        )
        return dict(found.fetchall())

    def find(self, typed: str) -> int:
        """The number of the case with this name, as people type it. Raises BadCaseName."""
        if former := read_former(typed):
            return self._formerly(former)
        characters = read(typed)
        found = self._database.execute(
            'SELECT "case", name FROM case_name WHERE characters >= ? AND characters < ? '
            "ORDER BY characters",
            [characters, characters + _BEHIND],
        ).fetchall()
        if not found:
            raise BadCaseName(f"There is no case {name_of(characters)} in this casebook.")
        if len(found) > 1:
            raise BadCaseName(
                f"{name_of(characters)} is the beginning of several cases' names here: "
                f"{', '.join(name for _, name in found)}. Name one of them."
            )
        ((case, _),) = found
        return int(case)

    def _formerly(self, former: str) -> int:
        found = self._database.execute('SELECT "case" FROM case_name WHERE former = ?', [former])
        for (case,) in found:
            return int(case)
        raise BadCaseName(
            f"No case of this casebook was ever called {former}; cases have names like K7-QX4M."
        )
