"""The custody log: who did what with which case, as a chain of signed lines in the casebook's file.

A line holds case numbers, codes and hashes, nothing that a claimant wrote. A session key, which
lives in memory while one command runs, signs the lines; the session's first line carries the
reviewer's OpenPGP signature over that key. A line is added in the same transaction as the rows it
records, so neither ever exists without the other.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlite_utils
from nacl.signing import SigningKey

from dropbox import canonical_json
from dropbox.errors import CasedropError
from dropbox.packets import PublicKey

SESSION = "session"
ACTS = (
    SESSION,
    "import",
    "view",
    "export",
    "label",
    "answer",
    "reviewer",
    "translate",
    "transcribe",
    "assign",
    "draw",
    "link",
    "release",
    "approve",
    "number",
    "event",
    "party",
    "contact",
    "redact",
)
_CERTIFIED = b"casedrop custody session 1\n"
# The columns of each version of a fact; see facts.py.
_VERSION = ("text", "state", "reason", "reviewer", "rank", "day")
# The columns of a row that never change, so that a line can hold their hash.
ROWS: Mapping[str, tuple[str, ...]] = {
    "part": ("number", "case", "block_id", "block_sha256", "day", "bundle", "report"),
    "attachment": ("part", "place", "sha256"),
    "export": ("number", "day", "manifest_sha256"),
    "bundle": ("vault", "number", "day", "head", "onion"),
    "acknowledgement": ("vault", "number", "reply_bundle"),
    "sealed": ("number", "id", "kind", "day", "sha256", "bundle"),
    "layer": ("number", "case", "reviewer", "role", "version", "day", "blind", "judgement"),
    "answer": ("id", "case", "kind", "language", "day", "text"),
    "taken_back": ("answer", "day"),
    "departure": ("answer", "number", "bundle", "part"),
    "sent_again": ("answer", "bundle"),
    "reply_bundle": ("number", "day", "sha256"),
    "reviewer": ("fingerprint", "name", "ed25519"),
    "translation": (
        "number",
        "case",
        "source",
        "kind",
        "language",
        "machine",
        "text",
        "reviewer",
        "rank",
        "day",
    ),
    "assignment": ("number", "case", "assignee", "reviewer", "rank", "day"),
    "draw": ("number", "case", "key", "percent", "reviewer", "day"),
    "link_decision": ("number", "case", "other", "decision", "reviewer", "rank", "day"),
    "release": ("number", "case", "desk", "answer", "answer_sha256", "reviewer", "day"),
    "confirmation": ("vault", "desk", "signer", "reply_bundle", "bundle", "day"),
    "event": ("number", "case", "entry", "kind", "date", "source", "parties", *_VERSION),
    "party": ("number", "case", "entry", "kind", "role", "names", "source", *_VERSION),
    "same_party": (
        "number",
        "case",
        "one",
        "other",
        "decision",
        "reason",
        "reviewer",
        "rank",
        "day",
    ),
    "contact": ("number", "case", "entry", "date", "channel", "team", "contact", *_VERSION),
    "redaction": (
        *("number", "case", "key", "kind", "sha256", "page", "x", "y", "width", "height"),
        *("start", "stop", "reason", "reviewer", "rank", "day"),
    ),
    "redaction_end": ("number", "case", "key", "because", "reviewer", "rank", "day"),
}
# How many of a row's first columns are its key, where it is not one.
_KEYS = {"attachment": 2, "sent_again": 2, "bundle": 2, "acknowledgement": 2, "confirmation": 4}


class CustodyError(CasedropError):
    """The custody log cannot take this."""


def _canonical(value: object) -> bytes:
    # An altered row may hold an infinity: its hash differs then, and `verify` names it.
    return canonical_json.encode(value, ascii_only=True, bytes_as_hex=True, not_a_number=True)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def row_name(table: str, values: Mapping[str, Any]) -> str:
    """What lines call a row of *table*: "part/3"."""
    key = ROWS[table][: _KEYS.get(table, 1)]
    return "/".join((table, *(str(values[column]) for column in key)))


class Row(NamedTuple):
    """A row that a line records: its table and key, and the hash of its unchanging columns."""

    name: str
    sha256: str

    @classmethod
    def of(cls, table: str, values: Mapping[str, Any]) -> "Row":
        """The row of *table* with *values*, which have at least the columns in ROWS."""
        columns = ROWS[table]
        return cls(
            row_name(table, values),
            digest(_canonical({column: values[column] for column in columns})),
        )


def origin(meta: Mapping[str, Any], reviewers: Sequence[Mapping[str, Any]]) -> str:
    """The hash that the first line follows, of the casebook's settings and first pinned keys."""
    return digest(settings_of(meta, reviewers))


def settings_of(meta: Mapping[str, Any], reviewers: Sequence[Mapping[str, Any]]) -> bytes:
    """The bytes whose hash :func:`origin` is."""
    pinned = [{column: one[column] for column in ROWS["reviewer"]} for one in reviewers]
    pinned.sort(key=lambda one: str(one["fingerprint"]))
    return _canonical([dict(meta), pinned])


@dataclass(frozen=True)
class Line:
    """One line of the log.

    ``cipher`` and ``plain`` are the SHA-256 of the sealed and of the readable bytes that the act
    read or wrote, "" where there are none. ``before`` is the hash of the previous line with its
    signature. ``certificate`` is only in a session's first line.
    """

    number: int
    time: str
    reviewer: str
    session: str
    act: str
    subject: str
    cipher: str
    plain: str
    row: str
    row_sha256: str
    before: str
    certificate: str = ""

    def to_bytes(self) -> bytes:
        """The bytes that are signed and kept."""
        return _canonical(self._values())

    def _values(self) -> dict[str, Any]:
        # Not asdict, which copies every field: an import adds thousands of lines.
        return vars(self)

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> "Line | None":
        """The line that :meth:`to_bytes` wrote, None for anything else."""
        try:
            line = cls(**json.loads(untrusted))
            return (
                line
                if line.to_bytes() == untrusted and type(line.number) is int and line.act in ACTS
                else None
            )
        except (ValueError, TypeError, RecursionError):
            return None

    def certified(self) -> bytes:
        """The bytes of a session's first line that the reviewer's OpenPGP key signs."""
        return _CERTIFIED + _canonical({**self._values(), "certificate": ""})


def link(line: bytes, signature: bytes) -> str:
    """The hash of a line and its signature that the next line holds as ``before``."""
    return digest(line + signature)


class Head(NamedTuple):
    """The log's last line: its number (0 while there is none) and hash.

    Noted elsewhere, it shows later whether the end of the log was cut off.
    """

    number: int
    sha256: str


def head(database: sqlite_utils.Database, begin: str) -> Head:
    """The head of the log; *begin* is its :func:`origin`."""
    # Plain SQL here and below: an import adds a line for each of thousands of parts.
    last = database.execute(
        "SELECT number, line, signature FROM custody ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return Head(last[0], link(last[1], last[2])) if last else Head(0, begin)


def read_lines(database: sqlite_utils.Database, first: int, last: int) -> dict[int, Line]:
    """The lines numbered *first* to *last*, except any so altered that they are no longer lines."""
    rows = database.execute(
        "SELECT number, line FROM custody WHERE number BETWEEN ? AND ?", [first, last]
    )
    lines = ((number, Line.from_bytes(line)) for number, line in rows)
    return {number: line for number, line in lines if line is not None}


class Session:
    """One reviewer at work: signs lines with its own key, for which the OpenPGP key vouches.

    *certify* makes the reviewer's detached OpenPGP signature. Raises what *certify* raises; no line
    was added then.
    """

    def __init__(
        self,
        database: sqlite_utils.Database,
        begin: str,
        reviewer: str,
        certify: Callable[[bytes], bytes],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.reviewer = reviewer
        self._database = database
        self._begin = begin
        self._clock = clock
        # Only in this process's memory: once it ends, nobody can sign in its name again.
        self._key = SigningKey.generate()
        with database.atomic():
            first = self._line(SESSION, "", "", "", None)
            certified = replace(first, certificate=certify(first.certified()).hex())
            self._add(certified)

    def note(
        self, act: str, subject: str, *, cipher: str = "", plain: str = "", row: Row | None = None
    ) -> None:
        """Add a line, inside the transaction that adds *row* if there is one."""
        assert act in ACTS
        self._add(self._line(act, subject, cipher, plain, row))

    def _line(self, act: str, subject: str, cipher: str, plain: str, row: Row | None) -> Line:
        # Read every time, because a rolled-back transaction takes its lines with it.
        last = head(self._database, self._begin)
        return Line(
            number=last.number + 1,
            time=self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
            reviewer=self.reviewer,
            session=bytes(self._key.verify_key).hex(),
            act=act,
            subject=subject,
            cipher=cipher,
            plain=plain,
            row=row.name if row else "",
            row_sha256=row.sha256 if row else "",
            before=last.sha256,
        )

    def _add(self, line: Line) -> None:
        data = line.to_bytes()
        signature = self._key.sign(data).signature
        self._database.execute(
            "INSERT INTO custody (number, line, signature) VALUES (?, ?, ?)",
            [line.number, data, signature],
        )


def reviewer_rows(reviewers: Mapping[str, PublicKey]) -> list[dict[str, Any]]:
    """The rows of ``reviewer`` for *reviewers*: public keys by name."""
    return [
        {"fingerprint": key.fingerprint, "name": name, "ed25519": key.ed25519}
        for name, key in reviewers.items()
    ]


def add_reviewer(
    database: sqlite_utils.Database, name: str, key: PublicKey
) -> dict[str, Any] | None:
    """Add a reviewer. Returns the row, None if the key is known.

    Raises CustodyError for a used name.
    """
    known = pinned(database)
    if key.fingerprint in {one.fingerprint for one in known.values()}:
        return None
    if name in known:
        raise CustodyError(f"Another reviewer of this casebook is called {name}.")
    (row,) = reviewer_rows({name: key})
    database.table("reviewer").insert(row)
    return row


def pinned(database: sqlite_utils.Database) -> dict[str, PublicKey]:
    """The reviewers' keys that the casebook holds, by name."""
    rows = database.table("reviewer").rows
    return {row["name"]: PublicKey(row["fingerprint"], bytes(row["ed25519"])) for row in rows}
