"""The vault's routes on the intake socket, for the front. Bodies are fixed-size binary records.

Their length is limited before they are read. Status 204: done; 400: a body of a wrong length; 409:
an id that already exists, or a pending block that is gone; 507: not stored.
"""

from collections.abc import Iterator

from flask import Flask, Response, request

from dropbox.errors import CannotStore, CasedropError, PendingGone
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, PENDING_BATCH
from dropbox.vault.quiet_flask import QuietFlask, empty_response
from dropbox.vault.store import Pending, Store, StoredTwice

_RECORD = ID_BYTES + BLOCK_BYTES
_PAIR = 2 * ID_BYTES
# The largest body is a batch of blocks. A commit that lists 10 files of 161 blocks is far smaller.
_MAX_BYTES = PENDING_BATCH * _RECORD
_MAX_TAGS = 256


class BadLength(CasedropError):
    """The body is not a whole number of records, or has too many of them."""


def create_intake(store: Store) -> Flask:
    """The application on the intake socket."""
    app = QuietFlask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BYTES
    for error, status in (
        (BadLength, 400),
        (PendingGone, 409),
        (StoredTwice, 409),
        (CannotStore, 507),
    ):
        app.register_error_handler(error, empty_response(status))

    def pending() -> Response:
        blocks = [
            Pending(record[:ID_BYTES], record[ID_BYTES:])
            for record in _records(request.get_data(), _RECORD)
        ]
        if not 1 <= len(blocks) <= PENDING_BATCH:
            raise BadLength
        store.add_pending(blocks)
        return Response(status=204)

    def commit() -> Response:
        body, head = request.get_data(), _PAIR + BLOCK_BYTES
        if len(body) < head:
            raise BadLength
        others = [(pair[:ID_BYTES], pair[ID_BYTES:]) for pair in _records(body[head:], _PAIR)]
        store.commit(Pending(body[:ID_BYTES], body[_PAIR:head]), body[ID_BYTES:_PAIR], others)
        return Response(status=204)

    def abandon() -> Response:
        store.abandon(list(_records(request.get_data(), ID_BYTES)))
        return Response(status=204)

    def replies() -> Response:
        tags = list(_records(request.get_data(), ID_BYTES))
        if len(tags) > _MAX_TAGS:
            raise BadLength
        found = b"".join(index.to_bytes(2, "big") + sealed for index, sealed in store.replies(tags))
        return Response(found, mimetype="application/octet-stream")

    def forget() -> Response:
        store.forget_replies(list(_records(request.get_data(), ID_BYTES)))
        return Response(status=204)

    def withdraw() -> Response:
        store.withdraw(
            [(pair[:ID_BYTES], pair[ID_BYTES:]) for pair in _records(request.get_data(), _PAIR)]
        )
        return Response(status=204)

    def tags() -> Response:
        return Response(
            b"".join(block_id + tag for block_id, tag in store.tags()),
            mimetype="application/octet-stream",
        )

    def health() -> Response:
        store.check()
        return Response(status=204)

    for view in (pending, commit, abandon, replies, forget, withdraw):
        app.add_url_rule(f"/{view.__name__}", view_func=view, methods=["POST"])
    app.add_url_rule("/tags", view_func=tags)
    app.add_url_rule("/health", view_func=health)
    return app


def _records(body: bytes, size: int) -> Iterator[bytes]:
    if len(body) % size:
        raise BadLength
    return (body[at : at + size] for at in range(0, len(body), size))
