"""Bringing a casebook of an earlier version to the present one, after making a copy of it."""

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlite_utils

from dropbox.durable_file import sync_folder
from dropbox.system_error import explained
from scripts.desk.case_name import former_name
from scripts.desk.casebook import schema
from scripts.desk.casebook.casebook import FILE, VERSION, Casebook
from scripts.desk.casebook.custody import Line
from scripts.desk.casebook.file import CasebookError, copy_into, locked, opened, refuse_others
from scripts.desk.casebook.layers import considered_before
from scripts.desk.casebook.names import Names

# What each version added to the one before, by the names in schema.sql.
_ADDED: dict[int, Sequence[str]] = {
    4: (
        "bundle",
        "acknowledgement",
        "slot",
        "closed_day",
        "bundle_update",
        "bundle_delete",
        "acknowledgement_update",
        "acknowledgement_delete",
    ),
    5: (
        "tried_key",
        "sealed",
        "idx_sealed_id_sha256",
        "set_aside",
        "sealed_update",
        "sealed_delete",
    ),
    6: (
        "case_name",
        "idx_case_name_characters",
        "sent_again",
        "sent_again_update",
        "sent_again_delete",
        "considered",
        "considered_update",
        "considered_delete",
        "standing",
    ),
    7: (
        "desk",
        "desk_line",
        "desk_row",
        "idx_desk_row_characters_kind",
        "desk_promise",
        "idx_desk_promise_characters",
        "desk_update",
        "desk_delete",
        "desk_line_update",
        "desk_line_delete",
        "desk_row_update",
        "desk_row_delete",
        "desk_promise_update",
        "desk_promise_delete",
        "desk_closed",
        "desk_closed_update",
        "desk_closed_delete",
    ),
    8: (
        "standing",
        "translation",
        "idx_translation_case",
        "translation_update",
        "translation_delete",
        "assignment",
        "idx_assignment_case",
        "assignment_update",
        "assignment_delete",
        "draw",
        "idx_draw_case",
        "draw_update",
        "draw_delete",
        "link_decision",
        "idx_link_decision_case",
        "link_decision_update",
        "link_decision_delete",
        "release",
        "idx_release_case",
        "release_update",
        "release_delete",
        "confirmation",
        "confirmation_update",
        "confirmation_delete",
    ),
    9: (
        "standing",
        "event",
        "idx_event_case",
        "event_update",
        "event_delete",
        "party",
        "idx_party_case",
        "party_update",
        "party_delete",
        "same_party",
        "idx_same_party_case",
        "same_party_update",
        "same_party_delete",
        "contact",
        "idx_contact_case",
        "contact_update",
        "contact_delete",
        "redaction",
        "idx_redaction_case",
        "redaction_update",
        "redaction_delete",
        "redaction_end",
        "idx_redaction_end_case",
        "redaction_end_update",
        "redaction_end_delete",
    ),
}
# Tables whose columns have changed; everything in them follows from other tables.
_REPLACED: dict[int, Sequence[str]] = {6: ("standing",), 8: ("standing",), 9: ("standing",)}
_OLDEST = min(_ADDED) - 1


def migrate(directory: Path) -> Path | None:
    """Bring the casebook in *directory* to VERSION. Returns the path of the copy made before.

    Returns None if there was nothing to do. Either everything is done or nothing; an interrupted
    run can be repeated. Raises CasebookError.
    """
    path = directory / FILE
    if not path.is_file():
        raise CasebookError(f"There is no casebook in {directory}.")
    refuse_others(directory)
    with locked(directory), opened(path) as database:
        found = schema.version(database.conn)
        if found == VERSION:
            return None
        if not _OLDEST <= found < VERSION:
            raise CasebookError(
                f"This casebook is of version {found}; this desk brings versions {_OLDEST} to "
                f"{VERSION - 1} to version {VERSION}."
            )
        copy = path.with_name(f"{path.name}.version-{found}")
        _copy(database.conn, copy)
        with database.atomic():
            for version in range(found + 1, VERSION + 1):
                for table in _REPLACED.get(version, ()):
                    database.execute(f"DROP TABLE {table}")
                for entry in _entries(_ADDED[version]):
                    database.execute(entry.sql)
                if version == 6:
                    _name_cases(database)
                    _note_considered(database)
            schema.set_version(database.conn, VERSION)
            # What follows from the rest is computed again.
            casebook = Casebook(directory, database)
            for case in casebook.cases():
                casebook.layers.settle(case)
        return copy


def _name_cases(database: sqlite_utils.Database) -> None:
    """Name the cases, which had numbers by the order of import; those are still understood."""
    names = Names(database)
    rows = database.execute("SELECT number, reply_public, tag_key FROM cases").fetchall()
    for number, reply_public, tag_key in rows:
        names.add(number, reply_public, tag_key, former=former_name(number))


def _note_considered(database: sqlite_utils.Database) -> None:
    """Record which parts each layer covers: those that the custody log has before it."""
    lines = {}
    for number, data in database.execute("SELECT number, line FROM custody"):
        line = Line.from_bytes(data)
        if line is not None and line.row:
            lines[line.row] = number
    layers = database.execute('SELECT number, "case" FROM layer').fetchall()
    parts = database.execute('SELECT number, "case" FROM part').fetchall()
    for row in sorted(considered_before(lines, layers, parts)):
        database.execute("INSERT INTO considered (layer, part) VALUES (?, ?)", row)


def _entries(names: Sequence[str]) -> list[schema.Entry]:
    made = schema.entries(*schema.CASEBOOK)
    return [entry for name in names for entry in made if entry.name == name]


def _copy(source: sqlite3.Connection, path: Path) -> None:
    """Make a copy of the file, complete and on the disk, or raise and leave none.

    A copy left by a run that was interrupted later is used if it holds the same.
    """
    if path.exists():
        if _content(path) != _digest(source):
            raise CasebookError(
                f"{path} is there and holds something else; move it elsewhere, then try again."
            )
        return
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        copy_into(source, part)
        part.rename(path)
        sync_folder(path.parent)
    except OSError as why:
        raise CasebookError(f"{path} cannot be written: {explained(why)}") from None
    finally:
        part.unlink(missing_ok=True)


def _content(path: Path) -> str:
    """The digest of what is in the file at *path*, "" if it cannot be read."""
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as database:
            return _digest(database)
    except sqlite3.Error:
        return ""


def _digest(database: sqlite3.Connection) -> str:
    """The SHA-256 of everything that SQLite reads in a file."""
    digest = hashlib.sha256(str(schema.version(database)).encode())
    for made in database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name"):
        digest.update(repr(made).encode())
    # A virtual table's rows are in shadow tables of its own.
    tables = database.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') "
        "AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    for (name,) in tables.fetchall():
        for row in database.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a table's name
            digest.update(repr(row).encode())
    return digest.hexdigest()
