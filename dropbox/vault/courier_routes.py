"""The vault's routes on the courier socket: fetching exports, delivering reply bundles, status.

    POST /export                   make the next export; returns its head
    GET  /export/<head>/<volume>   a volume of the newest export; 404 if there is another by now
    POST /replies                  a reply bundle; 422 and a sentence if it is refused
    GET  /status                   counts, the disk, the last visits and notices for the operator
    POST /clock                    the operator says that it is this UTC day; 409 if the vault
                                   disagrees

Status 507: the disk, the store or the memory does not allow it at present.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from flask import Flask, Response, jsonify
from nacl.signing import SigningKey

from dropbox.errors import BadBundle, CannotStore
from dropbox.export_bundle import Successor
from dropbox.key_expiry import notice
from dropbox.packets import PublicKey
from dropbox.reply_bundle import MAX_BYTES, read_replies
from dropbox.vault.block_store import BlockStore, DayState
from dropbox.vault.exports import Exports, NoSuchVolume, TooManySlots
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
    memory_bytes: int | None = None,
) -> Flask:
    """The application on the courier socket.

    *signers* are the reviewers' pinned keys; *keys_end* is the last UTC day of their weekly keys.
    *successor* and *memory_bytes*: see :class:`Exports`. *clock* returns UTC time. Raises
    SettingsError.
    """
    views = _Views(
        store,
        exports=Exports(
            store,
            onion=onion,
            campaign=campaign,
            key=export_key,
            successor=successor,
            memory_bytes=memory_bytes,
        ),
        onion=onion,
        campaign=campaign,
        signers=tuple(signers),
        keys_end=keys_end,
        tombstones=tombstones,
        clock=clock,
    )
    app = QuietFlask(__name__, static_folder=None)
    app.register_error_handler(CannotStore, empty_response(507))
    app.register_error_handler(TooManySlots, _too_many)
    app.register_error_handler(NoSuchVolume, empty_response(404))
    app.register_error_handler(BadBundle, _refused)
    app.post("/export")(views.export)
    app.get("/export/<digest>/<int:position>")(views.volume)
    app.post("/replies")(views.replies)
    app.get("/status")(views.status)
    app.post("/clock")(views.confirm_clock)
    return app


def _refused(why: BadBundle) -> Response:
    """One sentence saying what is wrong."""
    return Response(str(why), status=422, mimetype="text/plain")


def _too_many(why: TooManySlots) -> Response:
    """One sentence saying what to do."""
    return Response(str(why), status=507, mimetype="text/plain")


@dataclass(frozen=True)
class _Views:
    store: BlockStore
    exports: Exports
    onion: str
    campaign: str
    signers: tuple[PublicKey, ...]
    keys_end: date
    tombstones: Tombstones
    clock: Callable[[], datetime]
    # The day on which the courier last finished, since this vault was started.
    visits: dict[str, date] = field(default_factory=dict)

    def export(self) -> Response:
        """Make another export each time: an interrupted courier continues with volumes instead."""
        return Response(self.exports.make(), mimetype="application/x-tar")

    def volume(self, digest: str, position: int) -> Response:
        """Send one block after another: no lock is held for longer than one, and none is kept."""
        volume = self.exports.volume(digest, position)
        if position == self.exports.volumes:
            volume = self._noted(volume)
        return Response(volume, mimetype="application/x-tar")

    def _noted(self, last_volume: Iterator[bytes]) -> Iterator[bytes]:
        """A courier fetches the volumes in order: whoever has the last one has the bundle."""
        yield from last_volume
        self.visits["pull"] = self._today()

    def replies(self) -> Response:
        """The bundle is verified completely before any of it is stored."""
        bundle = read_replies(
            bounded_body(MAX_BYTES),
            self.signers,
            onion=self.onion,
            campaign=self.campaign,
            now=self.clock(),
        )
        self.store.accept(bundle)
        self.visits["push"] = self._today()
        return Response(status=204)

    def status(self) -> Response:
        """Only what every export's head reveals as well, and what the operator has to do."""
        today = self._today()
        condition = self.store.condition()
        return jsonify(
            {
                **_counts(self.store),
                "free_bytes": condition.free_bytes,
                "disk_days": condition.days_left,
                "exported": _iso(condition.exported),
                "acknowledged": _iso(condition.acknowledged),
                "pull": _iso(self.visits.get("pull")),
                "push": _iso(self.visits.get("push")),
                "trouble": self.store.trouble() or self.exports.trouble(),
                "tombstones": self.tombstones.note(),
                "reviewers": sorted(signer.fingerprint for signer in self.signers),
                "today": today.isoformat(),
                "keys_end": self.keys_end.isoformat(),
                "notice": notice(self.keys_end, today),
            }
        )

    def confirm_clock(self) -> Response:
        """Somebody who knows the day cannot confirm a wrong clock, nor a right one by accident.

        It would matter: days leave when their time is over by the vault's clock.
        """
        if bounded_body(len("2020-01-01")) != self._today().isoformat().encode("ascii"):
            return Response(status=409)
        self.store.confirm_clock()
        self.tombstones.renew(self.store)
        return Response(status=204)

    def _today(self) -> date:
        return self.clock().astimezone(UTC).date()


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


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
