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
    """The SQL file *name* of *package*, also when both are inside the desk's one file."""
    return files(package).joinpath(name).read_text("utf-8")


@cache
def entries(package: str, name: str) -> tuple[Entry, ...]:
    """Everything that the SQL file *name* of *package* makes, in its order, as SQLite reads it."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(script(package, name))
        made = database.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        )
        return tuple(Entry(*row) for row in made)


def guards() -> dict[str, str]:
    """The triggers with which the casebook's file refuses changes: their statements by name."""
    return {entry.name: entry.sql for entry in entries(*CASEBOOK) if entry.type == "trigger"}
