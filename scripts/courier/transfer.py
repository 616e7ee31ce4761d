"""Carrying bundles over the vault's courier socket: an export bundle out of it, a reply bundle into it.

Sees ciphertext only and keeps nothing. What the vault says is untrusted: bounded, and neutralised before it is shown.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dropbox.bundle import MANIFEST_BYTES, MAX_REPLIES, ExportManifest, Members
from dropbox.durable_file import NewFile
from dropbox.errors import CasedropError
from dropbox.sizes import ID_BYTES, REPLY_BYTES
from scripts.terminal import one_line

# A vault with gigabytes lists and hashes them all before the first byte.
TIMEOUT_SECONDS = 600.0
# The replies, their manifest and signature, and tar's own blocks.
MOST_REPLY_BUNDLE_BYTES = MAX_REPLIES * (ID_BYTES + REPLY_BYTES) + 65_536
_REASON_CHARACTERS = 300
_MOST_STATUS_BYTES = 65_536


class CourierError(CasedropError):
    """The vault did not give or take the bundle."""


@contextmanager
def _vault(socket: Path) -> Iterator[httpx.Client]:
    # Asked before, since httpcore leaves its own socket open when it cannot connect.
    if not socket.is_socket():
        raise CourierError(f"There is no socket at {socket}: the vault does not answer there.")
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(
        base_url="http://vault", transport=transport, timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        try:
            yield client
        except httpx.TransportError:
            raise CourierError(
                f"The vault does not answer at {socket}, or broke off; nothing was kept."
            ) from None


def pull(socket: Path, to: Path) -> Path:
    """Fetch an export bundle into the directory *to* as ``export-NUMBER.tar``. Returns its path.

    Durable and whole, or not there; one that is there already is never overwritten. Raises CourierError, BadBundle or
    CannotWrite. The desk verifies it; here only its number is read, so that two bundles never have one name.
    """
    with NewFile(to / "export.tar") as file:
        with _vault(socket) as client, client.stream("GET", "/export") as answer:
            if answer.status_code != httpx.codes.OK:
                raise CourierError(
                    f"The vault gives no bundle now (it answers {answer.status_code})."
                )
            for piece in answer.iter_raw():
                file.write(piece)
        with file.part.open("rb") as whole:
            manifest = ExportManifest.from_bytes(
                Members(whole).read("manifest.json", MANIFEST_BYTES)
            )
        return file.set_name(f"export-{manifest.number:06d}.tar")


def push(socket: Path, bundle: Path) -> None:
    """Bring the reply bundle to the vault. Raises CourierError with the vault's own sentence when it is refused."""
    with bundle.open("rb") as file:
        data = file.read(MOST_REPLY_BUNDLE_BYTES + 1)
    if len(data) > MOST_REPLY_BUNDLE_BYTES:
        raise CourierError(f"{bundle} is larger than any reply bundle.")
    with _vault(socket) as client:
        answer = client.post(
            "/replies", content=data, headers={"Content-Type": "application/octet-stream"}
        )
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise CourierError(
                f"The vault refuses the bundle: {one_line(answer.text, _REASON_CHARACTERS)}"
            )
        if answer.status_code != httpx.codes.NO_CONTENT:
            raise CourierError(
                f"The vault did not take the bundle (it answers {answer.status_code}); try again later."
            )


def keys_notice(socket: Path) -> str:
    """What the vault says of the end of the reviewers' keys, in one line; nothing when it is far, or the vault is silent.

    Never an error: the bundle that was carried before this counts.
    """
    try:
        with _vault(socket) as client, client.stream("GET", "/status") as answer:
            untrusted = json.loads(next(answer.iter_raw(_MOST_STATUS_BYTES), b""))
            said = untrusted.get("notice") if isinstance(untrusted, dict) else None
            return one_line(said, _REASON_CHARACTERS) if isinstance(said, str) else ""
    except (CourierError, ValueError, RecursionError):
        return ""
