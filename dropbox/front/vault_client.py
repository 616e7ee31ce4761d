"""The front's side of the intake socket: requests to the vault; every failure is a named error."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import httpx

from dropbox.errors import CannotStore, PendingGone, VaultUnavailable
from dropbox.sealing import Block
from dropbox.sizes import ID_BYTES, REPLY_BYTES

# A write waits for the disk, and at most for an export to read a block: far less than this.
_TIMEOUT_SECONDS = 20.0
_CONNECTIONS = 64
# Far less than the largest body that the vault accepts.
_PAIRS_AT_ONCE = 16_384
_MAX_REPLY_BYTES = 256 * (2 + REPLY_BYTES)


class VaultClient:
    """Talks to the vault. Each worker has one, shared by its threads. Ids and tags have ID_BYTES.

    Every method raises VaultUnavailable if the vault does not respond properly, and CannotStore if
    it reports that its disk is full or its file damaged. Either way, nothing counts as stored.
    """

    def __init__(self, socket: Path) -> None:
        self._client = httpx.Client(
            base_url="http://vault",
            transport=httpx.HTTPTransport(
                uds=str(socket), limits=httpx.Limits(max_connections=_CONNECTIONS)
            ),
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def put_pending(self, blocks: Sequence[Block]) -> None:
        """Store *blocks*, at most PENDING_BATCH, for a report that comes later."""
        self._post("/pending", b"".join(block.id + block.data for block in blocks))

    def commit(
        self, report: Block, report_tag: bytes, others: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Make *report* and the pending *others* (id, withdraw tag) final, all or nothing.

        Durable when it returns. Raises PendingGone if one of the others has expired.
        """
        listed = b"".join(block_id + tag for block_id, tag in others)
        self._post("/commit", report.id + report_tag + report.data + listed, conflict=PendingGone)

    def abandon(self, ids: Sequence[bytes]) -> None:
        """Delete the blocks among *ids* that are still pending."""
        if ids:
            self._post("/abandon", b"".join(ids))

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(index in *tags*, sealed reply of REPLY_BYTES) for each reply that exists."""
        body = self._post("/replies", b"".join(tags))
        record = 2 + REPLY_BYTES
        if len(body) % record or len(body) > _MAX_REPLY_BYTES:
            raise VaultUnavailable
        cuts = range(0, len(body), record)
        return [
            (int.from_bytes(body[at : at + 2], "big"), body[at + 2 : at + record]) for at in cuts
        ]

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete the replies under *tags*."""
        self._post("/forget", b"".join(tags))

    def tags(self) -> list[tuple[bytes, bytes]]:
        """(id, withdraw tag) of every final block."""
        body = self._ask("GET", "/tags", b"")
        pair = 2 * ID_BYTES
        if len(body) % pair:
            raise VaultUnavailable
        return [
            (body[at : at + ID_BYTES], body[at + ID_BYTES : at + pair])
            for at in range(0, len(body), pair)
        ]

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Delete the blocks in *owned* (id, withdraw tag)."""
        for at in range(0, len(owned), _PAIRS_AT_ONCE):
            self._post(
                "/withdraw",
                b"".join(block_id + tag for block_id, tag in owned[at : at + _PAIRS_AT_ONCE]),
            )

    def _post(
        self,
        path: str,
        body: bytes,
        conflict: type[VaultUnavailable | PendingGone] = VaultUnavailable,
    ) -> bytes:
        return self._ask("POST", path, body, conflict)

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes,
        conflict: type[VaultUnavailable | PendingGone] = VaultUnavailable,
    ) -> bytes:
        try:
            answer = self._client.request(
                method, path, content=body, headers={"Content-Type": "application/octet-stream"}
            )
        except httpx.HTTPError:
            raise VaultUnavailable from None
        if answer.status_code == httpx.codes.INSUFFICIENT_STORAGE:
            raise CannotStore
        if answer.status_code == httpx.codes.CONFLICT:
            raise conflict
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NO_CONTENT):
            raise VaultUnavailable
        return answer.content
