"""The vault's routes on the intake socket, for the front. Bodies are fixed-size binary records.

Their length is limited, and checked if the front names it, before they are read. Status 204: done;
400: a body of a wrong length, or a day key that is not today's; 409: an id that already exists, or
a piece that is gone or is not the front's to claim; 429: files have used up their share; 503: try
again soon; 507: not stored.

Nothing lists blocks or reads one back, and only the preimage of its hash deletes a block. No answer
reveals whether an erasure found something.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, Response, request

from dropbox.day_key import DayKeyRecord, record_bytes
from dropbox.erase_hash import ERASE_BYTES
from dropbox.errors import (
    BadDayKey,
    CannotStore,
    CasedropError,
    NoRoomForFiles,
    PendingGone,
)
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, MAX_REVIEWERS, PENDING_BATCH
from dropbox.vault.block_store import Block, BlockStore, Busy, Claim, StoredTwice
from dropbox.vault.day_calendar import Retention
from dropbox.vault.kept_keys import KeptKeys, of_fronts
from dropbox.vault.quiet_flask import QuietFlask, body_in_place, bounded_body, empty_response

_BLOCK = ID_BYTES + ERASE_BYTES + BLOCK_BYTES
_OWNED = ID_BYTES + ERASE_BYTES
_CLAIM = ID_BYTES + 2 * ERASE_BYTES
SECRET_BYTES = 32
# The largest body is a batch of blocks; a report may claim 20,490 pieces, 1.2 GiB, in a body of
# that size.
_MAX_BYTES = PENDING_BATCH * _BLOCK
_MAX_TAGS = 256


class BadLength(CasedropError):
    """The body is not a whole number of records, or has too few or too many of them."""


def create_intake(
    store: BlockStore,
    *,
    clock: Callable[[], datetime],
    limit_days: int = Retention.limit_days,
) -> Flask:
    """The application on the intake socket. *clock* returns UTC time.

    *limit_days*: how long a day and its keys are kept at most.
    """
    app = QuietFlask(__name__, static_folder=None)
    for error, status in (
        (BadLength, 400),
        (BadDayKey, 400),
        (PendingGone, 409),
        (StoredTwice, 409),
        (NoRoomForFiles, 429),
        (Busy, 503),
        (CannotStore, 507),
    ):
        app.register_error_handler(error, empty_response(status))
    views = _Views(store, KeptKeys(store, of_fronts(limit_days)), clock)
    for view in (
        views.put,
        views.commit,
        views.erase,
        views.withdraw,
        views.replies,
        views.forget,
    ):
        app.add_url_rule(f"/{view.__name__}", view_func=view, methods=["POST"])
    app.add_url_rule("/day-key", view_func=views.day_key, methods=["POST"])
    app.add_url_rule("/health", view_func=views.health)
    return app


@dataclass(frozen=True)
class _Views:
    store: BlockStore
    keys: KeptKeys
    clock: Callable[[], datetime]

    def put(self) -> Response:
        """n x block: the pieces of a file."""
        blocks = [_block(one) for one in _records(_BLOCK, least=1, most=PENDING_BATCH)]
        self.store.put(blocks)
        return _done()

    def commit(self) -> Response:
        """A report's block, and n x claim."""
        report, claims = _headed(_BLOCK, _CLAIM)
        self.store.commit(_block(report), [_claim(one) for one in claims])
        return _done()

    def erase(self) -> Response:
        """n x (id, preimage)."""
        pairs = _records(_OWNED, least=1, most=_MAX_BYTES // _OWNED)
        self.store.erase([_owned(pair) for pair in pairs])
        return _done()

    def withdraw(self) -> Response:
        """The secret of a codename's blocks."""
        (secret,) = _records(SECRET_BYTES, least=1, most=1)
        self.store.withdraw(bytes(secret))
        return _done()

    def day_key(self) -> Response:
        """A day key's record."""
        record = DayKeyRecord.from_bytes(bounded_body(record_bytes(MAX_REVIEWERS)))
        self.keys.keep(record, self.clock().astimezone(UTC).date())
        return _done()

    def replies(self) -> Response:
        """n x tag; the answer is (index in two bytes, reply) for each that exists."""
        tags = _records(ID_BYTES, least=0, most=_MAX_TAGS)
        found = self.store.replies([bytes(tag) for tag in tags])
        body = b"".join(index.to_bytes(2, "big") + sealed for index, sealed in found)
        return Response(body, mimetype="application/octet-stream")

    def forget(self) -> Response:
        """n x tag."""
        tags = _records(ID_BYTES, least=0, most=_MAX_TAGS)
        self.store.forget_replies([bytes(tag) for tag in tags])
        return _done()

    def health(self) -> Response:
        """Whether the store can be read."""
        self.store.check()
        return _done()


def _done() -> Response:
    return Response(status=204)


def _records(size: int, *, least: int, most: int) -> list[memoryview]:
    """The body in records of *size* bytes, none of them copied. Raises BadLength."""
    _refuse(request.content_length, size, least, 0)
    body = body_in_place(most * size)
    # Checked again: a body in chunks does not name its length.
    _refuse(len(body), size, least, 0)
    return [body[at : at + size] for at in range(0, len(body), size)]


def _headed(head: int, size: int) -> tuple[memoryview, list[memoryview]]:
    """The first *head* bytes of the body, and the records after it. Raises BadLength."""
    _refuse(request.content_length, size, 0, head)
    body = body_in_place(_MAX_BYTES)
    _refuse(len(body), size, 0, head)
    return body[:head], [body[at : at + size] for at in range(head, len(body), size)]


def _refuse(length: int | None, size: int, least: int, head: int) -> None:
    """Raise BadLength unless a body of *length*, if that is known, is whole."""
    if length is not None and (length < head + least * size or (length - head) % size):
        raise BadLength


def _block(record: memoryview) -> Block:
    return Block(*_owned(record), record[_OWNED:])


def _owned(record: memoryview) -> tuple[bytes, bytes]:
    return bytes(record[:ID_BYTES]), bytes(record[ID_BYTES:_OWNED])


def _claim(record: memoryview) -> Claim:
    return Claim(*_owned(record), bytes(record[_OWNED:]))
