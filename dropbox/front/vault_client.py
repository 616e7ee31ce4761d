"""The front's side of the intake socket; every failure is a named error.

It asks for nothing that could be listed or read back: the vault gives out sealed replies only.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, Self

import httpx

from dropbox.day_key import DayKeyRecord
from dropbox.errors import CannotStore, NoRoomForFiles, PendingGone, VaultUnavailable
from dropbox.front.unix_transport import Connect, UnixTransport
from dropbox.front.uploads import Busy
from dropbox.sizes import REPLY_BYTES

# The vault lets an arrival wait 20 s for room before it says that it is busy, and then for a tick.
_TIMEOUT_SECONDS = 30.0
# Far less than the largest body that the vault accepts.
_PAIRS_AT_ONCE = 16_384
_MAX_REPLY_BYTES = 256 * (2 + REPLY_BYTES)


class SealedBlock(NamedTuple):
    """A block to store: its id, the hash of what erases it, and its BLOCK_BYTES."""

    id: bytes
    erase_hash: bytes
    data: bytes


class Claim(NamedTuple):
    """A piece that a report takes over: what has erased it so far, and the hash of what will."""

    id: bytes
    preimage: bytes
    erase_hash: bytes


class VaultClient:
    """Talks to the vault over what *connect* gives. Each worker has one, shared by its threads.

    Ids and tags have ID_BYTES, preimages and erase hashes ERASE_BYTES. Every method raises
    VaultUnavailable if the vault does not respond properly, Busy if it has more to write than it
    can, and CannotStore if it reports that it cannot store. In each case nothing counts as stored.
    """

    def __init__(self, connect: Connect) -> None:
        # Without httpx's client, which takes twice as long for each request as all the rest.
        self._transport: httpx.BaseTransport = UnixTransport(connect, _TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def put(self, blocks: Sequence[SealedBlock]) -> None:
        """Store *blocks*, at most PENDING_BATCH, for a report that comes later."""
        self._post("/put", list(chain.from_iterable(blocks)))

    def commit(self, report: SealedBlock, claims: Sequence[Claim]) -> None:
        """Store *report* and give it the pieces that it claims, all or nothing.

        Durable when it returns. If the report is stored already, the claimed pieces are second
        copies and are erased. Raises PendingGone if a piece is gone.
        """
        self._post("/commit", [*report, *chain.from_iterable(claims)], conflict=PendingGone)

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Erase each block of *owned* (id, preimage) whose preimage is right."""
        for at in range(0, len(owned), _PAIRS_AT_ONCE):
            self._post("/erase", [b"".join(map(b"".join, owned[at : at + _PAIRS_AT_ONCE]))])

    def withdraw(self, secret: bytes) -> None:
        """Erase all blocks whose preimages come from *secret*, of 32 bytes."""
        self._post("/withdraw", [secret])

    def keep_day_key(self, record: DayKeyRecord) -> None:
        """Keep the record of a day key, before anything is sealed under it."""
        self._post("/day-key", [record.to_bytes()])

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(index in *tags*, sealed reply of REPLY_BYTES) for each reply that exists."""
        body = self._post("/replies", [b"".join(tags)])
        record = 2 + REPLY_BYTES
        if len(body) % record or len(body) > _MAX_REPLY_BYTES:
            raise VaultUnavailable
        cuts = range(0, len(body), record)
        return [
            (int.from_bytes(body[at : at + 2], "big"), body[at + 2 : at + record]) for at in cuts
        ]

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete the replies under *tags*."""
        self._post("/forget", [b"".join(tags)])

    def _post(
        self,
        path: str,
        body: Sequence[bytes],
        conflict: type[VaultUnavailable | PendingGone] = VaultUnavailable,
    ) -> bytes:
        request = httpx.Request(
            "POST",
            f"http://vault{path}",
            # In pieces, which are not joined on the way.
            content=body,
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Length": str(sum(map(len, body))),
            },
        )
        try:
            answer = self._transport.handle_request(request)
        except httpx.HTTPError:
            raise VaultUnavailable from None
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Busy
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise NoRoomForFiles
        if answer.status_code == httpx.codes.INSUFFICIENT_STORAGE:
            raise CannotStore
        if answer.status_code == httpx.codes.CONFLICT:
            raise conflict
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NO_CONTENT):
            raise VaultUnavailable
        return answer.read()
