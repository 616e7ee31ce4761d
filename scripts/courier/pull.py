"""Fetching an export bundle of version 2: a head and its volumes, each kept as soon as it is whole.

The bundle grows in a directory that ends in ``.part`` and gets its name when it is complete. An
interrupted pull, even by a pulled stick, continues with the first missing volume, as long as the
vault still has the same export; otherwise what came so far is removed and a new one is fetched.
Nothing is verified here: the desk does that, since it has the server's key.
"""

import errno
import os
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx

from dropbox.durable_file import CannotWrite, NewFile, give_name, sync_folder
from dropbox.export_bundle import (
    BUNDLE_PREFIX,
    HEAD_BYTES,
    HEAD_NAME,
    Head,
    bundle_name,
    volume_bytes,
    volume_name,
)
from dropbox.system_error import explained
from dropbox.tar_members import Members
from scripts.courier.transfer import CourierError, vault_at
from scripts.terminal import one_line

_PART = ".part"
# The vault's explanation of why it gives nothing.
_SENTENCE_BYTES = 600
# Called with the current volume, from 1, and the number of volumes.
Progress = Callable[[int, int], None]


class _OtherExport(Exception):
    """The vault has another export by now, or was restarted."""


def pull(socket: Path, to: Path, progress: Progress = lambda _volume, _volumes: None) -> Path:
    """Fetch an export bundle into a directory of its own in *to*. Returns its path.

    Continues an interrupted one. A complete bundle is durable, and never overwritten. Raises
    CourierError, BadBundle or CannotWrite.
    """
    # Checked before the vault makes an export that could not be stored.
    if not (to.is_dir() and os.access(to, os.W_OK | os.X_OK)):
        why = errno.EACCES if to.is_dir() else errno.ENOENT
        refused = explained(OSError(why, os.strerror(why), to / HEAD_NAME))
        raise CannotWrite(f"Nothing can be written into {to}: {refused}")
    with vault_at(socket) as client:
        for begun in sorted(to.glob(f"{BUNDLE_PREFIX}*{_PART}")):
            try:
                return _finish(client, begun, progress)
            except _OtherExport:
                _remove(begun)
        try:
            return _finish(client, _begin(client, to), progress)
        except _OtherExport:
            raise CourierError(
                "The vault made another export meanwhile, or a day of this one has left; run the "
                "command again, and it begins anew."
            ) from None


def _begin(client: httpx.Client, to: Path) -> Path:
    """Make the vault create an export, and store its head. Returns the directory with it."""
    with client.stream("POST", "/export") as answer:
        if answer.status_code != httpx.codes.OK:
            raise CourierError(_no_bundle(answer))
        received = bytearray()
        for piece in answer.iter_raw():
            received += piece
            if len(received) > HEAD_BYTES:
                raise CourierError("The vault's bundle begins with more than any head has.")
    content = bytes(received)
    head = _head(content)
    directory = to / (bundle_name(head.number) + _PART)
    if (to / bundle_name(head.number)).exists():
        raise CannotWrite(f"{to / bundle_name(head.number)} already exists and is not overwritten.")
    try:
        directory.mkdir(mode=0o700)
        with NewFile(directory / HEAD_NAME) as file:
            file.write(content)
        sync_folder(to)
    except OSError as why:
        raise CannotWrite(f"{directory} cannot be made: {explained(why)}") from None
    return directory


def _no_bundle(answer: httpx.Response) -> str:
    """Why there is no bundle, in the vault's words if there are any."""
    if not answer.headers.get("content-type", "").startswith("text/plain"):
        return f"The vault gives no bundle now (it answers {answer.status_code})."
    untrusted = next(answer.iter_raw(_SENTENCE_BYTES), b"").decode("utf-8", "replace")
    return f"The vault gives no bundle now: {one_line(untrusted, _SENTENCE_BYTES)}"


def _head(data: bytes) -> Head:
    return Head.from_bytes(Members(BytesIO(data)).read("head.json", HEAD_BYTES))


def _finish(client: httpx.Client, directory: Path, progress: Progress) -> Path:
    """Fetch the volumes that are missing in *directory*, and give it its name."""
    try:
        head = _head((directory / HEAD_NAME).read_bytes())
    except FileNotFoundError:
        raise _OtherExport from None
    except OSError as why:
        raise CannotWrite(f"{directory / HEAD_NAME} cannot be read: {explained(why)}") from None
    for position in range(1, len(head.volumes) + 1):
        path = directory / volume_name(position)
        if not path.exists():
            progress(position, len(head.volumes))
            _fetch(client, head, position, path)
    whole = directory.with_suffix("")
    give_name(directory, whole)
    return whole


def _fetch(client: httpx.Client, head: Head, position: int, path: Path) -> None:
    """Store one volume at *path*, whole or not at all."""
    # Left by a run that was killed in the middle of this volume.
    path.with_name(path.name + _PART).unlink(missing_ok=True)
    most = volume_bytes(head.volumes[position - 1])
    with (
        NewFile(path) as file,
        client.stream("GET", f"/export/{head.digest.hex()}/{position}") as answer,
    ):
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise _OtherExport
        if answer.status_code != httpx.codes.OK:
            raise CourierError(
                f"The vault does not give volume {position} now (it answers {answer.status_code}); "
                "run the command again later, and it goes on there."
            )
        received = 0
        for piece in answer.iter_raw():
            received += len(piece)
            if received > most:
                raise CourierError(f"Volume {position} is longer than the head says.")
            file.write(piece)


def _remove(begun: Path) -> None:
    """Remove what came of an export that the vault no longer has. It is ciphertext."""
    try:
        shutil.rmtree(begun)
    except OSError as why:
        raise CannotWrite(f"{begun} cannot be removed: {explained(why)}") from None
