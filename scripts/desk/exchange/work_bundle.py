"""Work bundles, from desk to desk: custody lines, and the rows that they record.

Canonical JSON with a reviewer's detached signature, in a tar file that is sealed to all reviewers
as reports are. Outside the signed rows it has no numbers of the casebook that wrote it. It is
accepted whole or not at all.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from dropbox import canonical_json
from dropbox.canonical_json import hex_bytes
from dropbox.errors import BadBundle, BadPacket
from dropbox.packets import PublicKey, verify_detached
from dropbox.tar_members import END, Members, member
from scripts.desk.case_name import CHARACTERS
from scripts.desk.casebook.custody import ROWS
from scripts.desk.casebook.desks import (
    FIRST,
    OTHERS,
    SHARED,
    Closed,
    Desk,
    Promise,
    SignedLine,
    WorkRow,
    encoded,
)

# Each version has kinds of rows that the previous one did not; a bundle has the first version that
# has all of its kinds.
VERSIONS = (1, 2, 3)
# All other columns of rows hold text.
_WHOLE_NUMBERS = frozenset(
    {
        "number",
        "case",
        "id",
        "version",
        "blind",
        "answer",
        "bundle",
        "part",
        "rank",
        "percent",
        "desk",
        "reply_bundle",
        "page",
        "x",
        "y",
        "width",
        "height",
        "start",
        "stop",
    }
)
_FORMAT = "casedrop-work"
# A line is about 700 bytes, so this is some 300,000 acts. Desks exchange everything they know each
# time.
MAX_BYTES = 256 * 2**20
_SIGNATURE_BYTES, _LINE_SIGNATURE_BYTES = 4_096, 64
# Room for tar's headers.
SEALED_BYTES = MAX_BYTES + 65_536
_CHARACTERS = re.compile(rf"(?:[0-9A-Z]{{{CHARACTERS}}})?", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9A-F]{40}", re.ASCII)


@dataclass(frozen=True, repr=False)
class Work:
    """All work by reviewers that a desk knows, for the drop with this campaign and server key.

    ``reviewer`` is the fingerprint of the key that signs. No repr: it is plaintext.
    """

    campaign: str
    server_key: bytes
    reviewer: str
    desks: tuple[Desk, ...]
    lines: tuple[SignedLine, ...]
    rows: tuple[WorkRow, ...]
    promises: tuple[Promise, ...] = ()
    closed: tuple[Closed, ...] = ()

    @property
    def version(self) -> int:
        """The version of the format that this needs."""
        kinds = {row.kind for row in self.rows}
        known = (set(FIRST), {*FIRST, *OTHERS}, set(SHARED))
        return next(number for number, all_ in zip(VERSIONS, known, strict=True) if kinds <= all_)

    def to_bytes(self) -> bytes:
        """What the reviewer signs, in canonical JSON."""
        return canonical_json.encode(
            {
                "format": _FORMAT,
                "version": self.version,
                "campaign": self.campaign,
                "server_key": self.server_key.hex(),
                "reviewer": self.reviewer,
                "desks": [list(desk) for desk in self.desks],
                "lines": [
                    [one.origin, one.line.decode("ascii"), one.signature.hex()]
                    for one in self.lines
                ],
                "rows": [_listed(row) for row in self.rows],
                "promises": [list(one) for one in self.promises],
                "closed": [
                    [one.reviewer, list(one.lines), one.sealed.hex()] for one in self.closed
                ],
            },
            ascii_only=True,
        )

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> "Work":
        """The work of :meth:`to_bytes`. Raises BadBundle for anything else."""
        body = _json(untrusted)
        if not isinstance(body, dict) or body.get("format") != _FORMAT:
            raise BadBundle("This is not a work bundle.")
        if body.get("version") not in VERSIONS:
            raise BadBundle("The work bundle was written by another version of Casedrop.")
        try:
            work = cls(
                campaign=str(body["campaign"]),
                server_key=hex_bytes(body["server_key"], 32),
                reviewer=_matching(_FINGERPRINT, body["reviewer"]),
                desks=tuple(
                    Desk(_matching(_HASH, origin), str(settings))
                    for origin, settings in body["desks"]
                ),
                lines=tuple(
                    SignedLine(
                        _matching(_HASH, origin),
                        line.encode("ascii"),
                        hex_bytes(signature, _LINE_SIGNATURE_BYTES),
                    )
                    for origin, line, signature in body["lines"]
                ),
                rows=tuple(_row(one) for one in body["rows"]),
                promises=tuple(
                    Promise(
                        _matching(_HASH, line),
                        _matching(_CHARACTERS, characters),
                        _matching(_FINGERPRINT, reviewer),
                    )
                    for line, characters, reviewer in body["promises"]
                ),
                closed=tuple(
                    Closed(
                        _matching(_FINGERPRINT, reviewer),
                        tuple(_matching(_HASH, line) for line in lines),
                        bytes.fromhex(sealed),
                    )
                    for reviewer, lines, sealed in body["closed"]
                ),
            )
            same = work.to_bytes() == untrusted
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise BadBundle("The work bundle is damaged.") from None
        if not same:
            raise BadBundle("The work bundle is damaged.")
        return work


def pack(rows: Sequence[WorkRow]) -> bytes:
    """*rows* as bytes, to be sealed to one reviewer alone."""
    return canonical_json.encode([_listed(row) for row in rows], ascii_only=True)


def unpack(untrusted: bytes) -> tuple[WorkRow, ...]:
    """The rows of :func:`pack`. Raises BadBundle."""
    body = _json(untrusted)
    try:
        rows = tuple(_row(one) for one in body)
        same = pack(rows) == untrusted
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        same = False
    if not same:
        raise BadBundle("What is sealed to one reviewer in the work bundle is damaged.")
    return rows


def _listed(row: WorkRow) -> list[object]:
    return [row.line, row.kind, row.characters, list(row.seen), encoded(row.row)]


def _row(untrusted: Any) -> WorkRow:
    line, kind, characters, seen, text = untrusted
    row = json.loads(text)
    if kind not in SHARED or set(row) != set(ROWS[kind]) or encoded(row) != text:
        raise ValueError
    for column, value in row.items():
        if type(value) is not (int if column in _WHOLE_NUMBERS else str):
            raise ValueError
        if column == "day":
            date.fromisoformat(str(value))
        str(value).encode()  # half a character (a surrogate) cannot be kept
    if seen and kind != "departure":
        raise ValueError
    return WorkRow(
        _matching(_HASH, line),
        kind,
        _matching(_CHARACTERS, characters),
        tuple(hex_bytes(one, 16).hex() for one in seen),
        row,
    )


def _matching(pattern: re.Pattern[str], untrusted: Any) -> str:
    if not isinstance(untrusted, str) or not pattern.fullmatch(untrusted):
        raise ValueError
    return untrusted


def _json(untrusted: bytes) -> Any:
    try:
        return json.loads(untrusted)
    except (ValueError, RecursionError):
        raise BadBundle("The work bundle is damaged.") from None


def write_work(work: Work, sign: Callable[[bytes], bytes]) -> bytes:
    """The whole bundle, before it is sealed. *sign* makes the reviewer's detached signature.

    Raises BadBundle if it is larger than a desk will read.
    """
    body = work.to_bytes()
    if len(body) > MAX_BYTES:
        raise BadBundle("There is more work here than one bundle can carry.")
    return member("work.json", body) + member("work.sig", sign(body)) + END


def read_work(
    data: bytes, signers: Sequence[PublicKey], *, campaign: str, server_key: bytes, now: datetime
) -> Work:
    """Check an opened bundle against the pinned *signers*. Raises BadBundle with what is wrong.

    Merging then checks whether its lines and rows are as they should be.
    """
    members = Members(BytesIO(data))
    body = members.read("work.json", MAX_BYTES)
    signature = members.read("work.sig", _SIGNATURE_BYTES)
    members.end()
    try:
        signer = verify_detached(body, signature, tuple(signers), now)
    except BadPacket as why:
        raise BadBundle(f"The work bundle is refused: {why}") from None
    work = Work.from_bytes(body)
    if work.reviewer != signer.fingerprint:
        raise BadBundle("The work bundle is signed by another reviewer than it names.")
    if (work.campaign, work.server_key) != (campaign, server_key):
        raise BadBundle("The work bundle belongs to another drop.")
    return work
