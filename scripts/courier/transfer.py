"""Talking to the vault over its courier socket: delivering a reply bundle, asking for its status.

The courier sees only ciphertext and keeps nothing. It does not trust what the vault says: it reads
a bounded amount, and neutralises it before showing it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dropbox.errors import CasedropError
from dropbox.reply_bundle import MAX_BYTES
from scripts.terminal import one_line

# A vault lists everything that it holds, maybe gigabytes, before it sends the first byte.
TIMEOUT_SECONDS = 600.0
_REASON_CHARACTERS = 300
_MOST_STATUS_BYTES = 65_536


class CourierError(CasedropError):
    """The vault did not give or take the bundle."""


@contextmanager
def vault_at(socket: Path) -> Iterator[httpx.Client]:
    """A client of the vault at *socket*; transport errors are raised as CourierError."""
    # Checked first, because httpcore leaves its own socket open when it cannot connect.
    if not socket.is_socket():
        raise CourierError(f"There is no socket at {socket}: the vault does not answer there.")
    if not os.access(socket, os.W_OK):
        raise CourierError(
            f"This user may not use {socket}. Where the Debian package is installed, run this as "
            "root, or as a user in the group casedrop-courier whom [vault] courier_users names."
        )
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(
        base_url="http://vault", transport=transport, timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        try:
            yield client
        except httpx.TransportError:
            raise CourierError(
                f"The vault does not answer at {socket}, or broke off the transfer; nothing was "
                "kept. If it runs, its log says whether it refuses this user: then name them in "
                "[vault] courier_users, and restart it."
            ) from None


def push(socket: Path, bundle: Path) -> None:
    """Deliver the reply bundle to the vault.

    Raises CourierError with the vault's reason for a refusal.
    """
    with bundle.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CourierError(f"{bundle} is larger than any reply bundle.")
    with vault_at(socket) as client:
        answer = client.post(
            "/replies", content=data, headers={"Content-Type": "application/octet-stream"}
        )
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise CourierError(
                f"The vault refuses the bundle: {one_line(answer.text, _REASON_CHARACTERS)}"
            )
        if answer.status_code != httpx.codes.NO_CONTENT:
            raise CourierError(
                f"The vault did not take the bundle (it answers {answer.status_code}); try again "
                "later."
            )


def status(socket: Path) -> dict[str, object]:
    """The vault's status, untrusted. Raises CourierError."""
    with vault_at(socket) as client, client.stream("GET", "/status") as answer:
        untrusted = next(answer.iter_raw(_MOST_STATUS_BYTES), b"")
    try:
        said = json.loads(untrusted)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise CourierError("The vault does not say how it is.")
    return said


def keys_notice(socket: Path) -> str:
    """The vault's notice that reviewers' keys end soon, in one line; "" if there is none.

    A vault that is silent is no error here: the bundle has been carried already.
    """
    try:
        notice = status(socket).get("notice")
        return one_line(notice, _REASON_CHARACTERS) if isinstance(notice, str) else ""
    except CourierError:
        return ""
