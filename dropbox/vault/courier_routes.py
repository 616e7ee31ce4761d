"""The vault's routes on the courier socket: fetching export bundles, delivering reply bundles."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime

from flask import Flask, Response, jsonify, request
from nacl.signing import SigningKey

from dropbox.bundle import MAX_REPLIES, read_replies, write_export
from dropbox.errors import BadBundle, CannotStore
from dropbox.key_expiry import notice
from dropbox.packets import PublicKey
from dropbox.sizes import ID_BYTES, REPLY_BYTES
from dropbox.vault.quiet_flask import QuietFlask, empty_response
from dropbox.vault.store import Store

# The most replies that a bundle can hold, and room for its manifest, signature and tar headers.
_MAX_BYTES = MAX_REPLIES * (ID_BYTES + REPLY_BYTES) + 65_536


def create_courier(
    store: Store,
    *,
    campaign: str,
    export_key: SigningKey,
    signers: Sequence[PublicKey],
    keys_end: date,
    clock: Callable[[], datetime],
) -> Flask:
    """The application on the courier socket.

    *signers* are the reviewers' pinned keys; *keys_end* is the last UTC day of their weekly keys.
    """
    app = QuietFlask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BYTES
    app.register_error_handler(CannotStore, empty_response(507))

    @app.errorhandler(BadBundle)
    def refused(why: BadBundle) -> Response:
        """One sentence saying what is wrong."""
        return Response(str(why), status=422, mimetype="text/plain")

    @app.get("/export")
    def export() -> Response:
        """Every final block, one after another: the bundle is never completely in memory."""
        manifest = store.next_export(campaign)
        return Response(
            write_export(manifest, store.block, export_key), mimetype="application/x-tar"
        )

    @app.post("/replies")
    def replies() -> Response:
        """The bundle is verified completely before any of it is stored."""
        store.accept(
            read_replies(request.get_data(), tuple(signers), campaign=campaign, now=clock())
        )
        return Response(status=204)

    @app.get("/status")
    def status() -> Response:
        """Counts for the operator, and the notice about the reviewers' keys, if there is one."""
        keys = {"keys_end": keys_end.isoformat(), "notice": notice(keys_end, clock().date())}
        return jsonify(asdict(store.counts()) | keys)

    return app
