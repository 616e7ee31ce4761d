"""The vault's application: two sockets, each with its own routes and no access to the other's."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from nacl.signing import SigningKey

from dropbox.campaign import Campaign
from dropbox.errors import SettingsError
from dropbox.kernel_memory import memory_limit
from dropbox.pinned_keys import last_day, read_pinned_keys
from dropbox.settings import Settings
from dropbox.successor import read_successor, successor_path
from dropbox.system_error import explained
from dropbox.vault.block_store import BlockStore
from dropbox.vault.courier_routes import create_courier
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.tombstones import Tombstones

_SEED_BYTES = 32
# Where the Debian package puts it.
_PACKAGED_KEY = Path("/etc/casedrop/secret/export.key")
_GROUP, _OTHERS = 0o070, 0o007


class Application(Protocol):
    """A WSGI application."""

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""


class SocketDispatcher:
    """Passes each request to the application of its socket; others get an empty 404."""

    def __init__(self, applications: dict[str, Application]) -> None:
        self._applications = applications

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        application = self._applications.get(str(environ["gunicorn.socket"].getsockname()))
        if application is None:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        return application(environ, start_response)


def create_vault(
    settings: Settings,
    *,
    store: BlockStore,
    tombstones: Tombstones,
    clock: Callable[[], datetime],
) -> SocketDispatcher:
    """The vault as a WSGI application for gunicorn.

    Raises SettingsError, CampaignError or KeysError.
    """
    courier = create_courier(
        store,
        onion=settings.onion,
        campaign=Campaign.read(settings.campaign).code,
        export_key=read_export_key(settings.export_key, settings.credentials),
        signers=read_pinned_keys(settings.keys),
        keys_end=last_day(settings.keys),
        tombstones=tombstones,
        clock=clock,
        successor=read_successor(successor_path(settings.store_file)),
        memory_bytes=memory_limit(),
    )
    intake = create_intake(store, clock=clock, limit_days=settings.limit_days)
    return SocketDispatcher(
        {str(settings.intake_socket): intake, str(settings.courier_socket): courier}
    )


def read_export_key(path: Path, credentials: Path | None = None) -> SigningKey:
    """The key that signs export bundles: 32 bytes, readable by its owner only.

    *credentials*: the folder in which systemd hands it over, if it does. Raises SettingsError.
    """
    try:
        mode, seed = path.stat().st_mode, path.read_bytes()
    except OSError as why:
        raise SettingsError(f"The export key {path} cannot be read: {explained(why)}") from None
    # systemd gives a credential to the service's user alone, in a folder that no other user may
    # enter. Where it uses an access list for that, the list's mask appears in place of the group's
    # rights.
    others = _OTHERS if path.parent == credentials else _GROUP | _OTHERS
    if mode & others:
        raise SettingsError(
            f"Others on this computer can read the export key {path}; close it with chmod 600."
        )
    if len(seed) != _SEED_BYTES:
        raise SettingsError(_damaged(path, len(seed), handed_over=path.parent == credentials))
    return SigningKey(seed)


def _damaged(path: Path, size: int, *, handed_over: bool) -> str:
    name, remedy = f"The export key {path}", "`casedrop newsite`, in an empty folder, makes"
    if handed_over:
        name = f"The export key that systemd hands over from {_PACKAGED_KEY}"
        remedy = "remove it, and `casedrop setup` makes"
    return (
        f"{name} has to have {_SEED_BYTES} bytes, and has {size}. Restore it from the backup with "
        f"`casedrop restore`. Without one, {remedy} another, and every desk needs a new casebook "
        "for it."
    )
