"""The casebook's tables as schema.sql states them, and what SQLite reads in such a file."""

import sqlite3
from contextlib import closing
from functools import cache
from importlib.resources import files
from typing import NamedTuple

CASEBOOK = ("scripts.desk.casebook", "schema.sql")


class Entry(NamedTuple):
    """A table, index or trigger: its type, name and table, and the statement that makes it."""

    type: str
    name: str
    table: str
    sql: str


@cache
def script(package: str, name: str) -> str:
    """The SQL file *name* of *package*, even if both are inside the desk's one file."""
    return files(package).joinpath(name).read_text("utf-8")


@cache
def entries(package: str, name: str, *, upon: tuple[str, str] | None = None) -> tuple[Entry, ...]:
    """Everything that the SQL file *name* of *package* makes, in its order, as SQLite reads it.

    Its triggers may watch tables of the SQL file *upon*.
    """
    with closing(sqlite3.connect(":memory:")) as database:
        if upon is not None:
            database.executescript(script(*upon))
        before = set(database.execute("SELECT type, name FROM sqlite_master"))
        database.executescript(script(package, name))
        made = database.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        )
        return tuple(Entry(*row) for row in made if row[:2] not in before)


def guards() -> dict[str, str]:
    """The triggers with which the casebook's file refuses changes: their statements by name."""
    return {entry.name: entry.sql for entry in entries(*CASEBOOK) if entry.type == "trigger"}


def version(database: sqlite3.Connection) -> int:
    """The version of the casebook in this file, 0 if it is not one.

    Files of version 3 and before have it only in their table ``meta``, which in later files keeps
    the version that a casebook began with: the custody log begins with a hash of it.
    """
    (found,) = database.execute("PRAGMA user_version").fetchone()
    if found:
        return int(found)
    return next((int(began) for (began,) in database.execute("SELECT version FROM meta")), 0)


def set_version(database: sqlite3.Connection, number: int) -> None:
    """Record, in the current transaction, that the file has the tables of version *number*."""
    database.execute(f"PRAGMA user_version = {number}")
