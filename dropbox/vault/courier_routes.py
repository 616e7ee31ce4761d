"""The vault's routes on the courier socket: fetching exports, delivering reply bundles, status.

    POST /export                   make the next export; its head
    GET  /export/<head>/<volume>   a volume of the newest export; 404 if there is another by now
    POST /replies                  a reply bundle; 422 and a sentence if it is refused
    GET  /status                   counts and notices for the operator
    POST /clock                    the operator says that it is this UTC day; 409 if the vault
                                   disagrees

Status 507: the disk or the store does not allow it now.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from flask import Flask, Response, jsonify
from nacl.signing import SigningKey

from dropbox.errors import BadBundle, CannotStore
from dropbox.export_bundle import Successor
from dropbox.key_expiry import notice
from dropbox.packets import PublicKey
from dropbox.reply_bundle import MAX_BYTES, read_replies
from dropbox.vault.block_store import BlockStore, DayState
from dropbox.vault.exports import Exports, NoSuchVolume
from dropbox.vault.quiet_flask import QuietFlask, bounded_body, empty_response
from dropbox.vault.tombstones import Tombstones


def create_courier(
    store: BlockStore,
    *,
    onion: str,
    campaign: str,
    export_key: SigningKey,
    signers: Sequence[PublicKey],
    keys_end: date,
    tombstones: Tombstones,
    clock: Callable[[], datetime],
    successor: Successor | None = None,
) -> Flask:
    """The application on the courier socket.

    *signers* are the reviewers' pinned keys; *keys_end* is the last UTC day of their weekly keys.
    *successor*: see :class:`Exports`. *clock* returns UTC time. Raises SettingsError.
    """
    exports = Exports(store, onion=onion, campaign=campaign, key=export_key, successor=successor)
    app = QuietFlask(__name__, static_folder=None)
    app.register_error_handler(CannotStore, empty_response(507))
    app.register_error_handler(NoSuchVolume, empty_response(404))

    @app.errorhandler(BadBundle)
    def refused(why: BadBundle) -> Response:
        """One sentence saying what is wrong."""
        return Response(str(why), status=422, mimetype="text/plain")

    @app.post("/export")
    def export() -> Response:
        """Each time another export: a courier that breaks off goes on with its volumes instead."""
        return Response(exports.make(), mimetype="application/x-tar")

    @app.get("/export/<digest>/<int:position>")
    def volume(digest: str, position: int) -> Response:
        """One block after another: no lock is held over more than one, and none is kept."""
        return Response(exports.volume(digest, position), mimetype="application/x-tar")

    @app.post("/replies")
    def replies() -> Response:
        """The bundle is verified completely before any of it is stored."""
        bundle = read_replies(
            bounded_body(MAX_BYTES), tuple(signers), onion=onion, campaign=campaign, now=clock()
        )
        store.accept(bundle)
        return Response(status=204)

    @app.get("/status")
    def status() -> Response:
        """Only what every export's head tells as well, and what the operator has to do."""
        return jsonify(
            {
                **_counts(store),
                "trouble": store.trouble(),
                "tombstones": tombstones.note(),
                "today": _today().isoformat(),
                "keys_end": keys_end.isoformat(),
                "notice": notice(keys_end, _today()),
            }
        )

    @app.post("/clock")
    def clock_is_right() -> Response:
        """A wrong clock cannot be confirmed by whoever knows the day, nor a right one by chance.

        It would matter: days whose time is over, by the vault's clock, leave.
        """
        if bounded_body(len("2020-01-01")) != _today().isoformat().encode("ascii"):
            return Response(status=409)
        store.confirm_clock()
        tombstones.renew(store)
        return Response(status=204)

    def _today() -> date:
        return clock().astimezone(UTC).date()

    return app


def _counts(store: BlockStore) -> dict[str, object]:
    days = store.days()
    return {
        "vault": store.vault_id().hex(),
        "slots": sum(day.slots for day in days if day.state is not DayState.GONE),
        "days": dict(Counter(day.state.value for day in days)),
        "oldest": min(
            (day.day.isoformat() for day in days if day.state in (DayState.OPEN, DayState.CLOSED)),
            default=None,
        ),
        "export": max((one.number for one in store.exports()), default=0),
        "replies": [list(one) for one in store.accepted()],
    }
