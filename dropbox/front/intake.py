"""The front's work for a claimant apart from pages: sealing, filing, looking up replies.

Each block goes to the vault with the hash of what erases it. The preimage is derived from the
file's block key until a report claims the piece, and from the codename's withdraw key from then on.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from dropbox.block import Kind, seal_block
from dropbox.campaign import Campaign
from dropbox.codename import Codename, CodenameKeys, Cost, derive_keys
from dropbox.erase_hash import ERASE_BYTES, erase_hash, erase_preimage
from dropbox.errors import BadReply, CannotStore, CasedropError
from dropbox.front.circuit_limits import What
from dropbox.front.form_token import FormState
from dropbox.front.uploads import Busy
from dropbox.front.vault_client import Claim, SealedBlock
from dropbox.openpgp import Reviewers
from dropbox.pieces import Pieces, piece_ids
from dropbox.reply import Reply, open_reply, reply_tags
from dropbox.report import Attachment, Report
from dropbox.sealing import (
    BLOCK_KEY_BYTES,
    AttachmentSealer,
    Block,
    report_block_id,
    seal_message,
)
from dropbox.settings import Settings
from dropbox.sizes import ID_BYTES

# How many of a worker's requests are read to the end although no place for sealing was free. Half
# of its 32 threads may be sealing: this leaves a quarter to all other pages.
_DRAINS = 8
# How long a request waits for its turn at deriving keys, which takes 30 ms.
_DERIVATION_WAIT_SECONDS = 10.0


@dataclass(frozen=True, repr=False)
class Draft:
    """What a claimant wrote, validated. Codename, nonce and files come from the form's state."""

    kind: str  # report, message or withdrawal
    language: str
    category: str
    harms: tuple[str, ...]
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Charge(Protocol):
    """Counts what a circuit asks for; see dropbox.front.circuit_limits.CircuitLimits.charge."""

    def __call__(
        self, what: What, amount: int = 1, *, visit: bytes = b"", beyond: bool = False
    ) -> None:
        """Count *amount*. Raises TooMuch."""


def free_of_charge(
    what: What, amount: int = 1, *, visit: bytes = b"", beyond: bool = False
) -> None:
    """Count nothing."""


class Vault(Protocol):
    """What the front needs from the vault; see dropbox.front.vault_client.VaultClient."""

    def put(self, blocks: Sequence[SealedBlock]) -> None:
        """Store pieces of a file for a report that comes later."""

    def commit(self, report: SealedBlock, claims: Sequence[Claim]) -> None:
        """Store a report and give it its pieces."""

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Erase blocks (id, preimage)."""

    def withdraw(self, secret: bytes) -> None:
        """Erase all blocks whose preimages are derived from a secret."""

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(index in *tags*, sealed reply) for each reply that exists."""

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete replies."""


@dataclass(frozen=True, repr=False)
class ReceivedReply:
    """A reply, and the index of its tag among the codename's tags."""

    index: int
    reply: Reply


class BoundedSealer:
    """An AttachmentSealer that takes up a place until it ends; abort also abandons its blocks."""

    def __init__(
        self,
        sealer: AttachmentSealer,
        release: Callable[[], None],
        abandon: Callable[[Sequence[bytes]], None],
    ) -> None:
        self._sealer = sealer
        self._release_place: Callable[[], None] | None = release
        self._abandon = abandon

    def write(self, data: bytes | memoryview) -> int:
        """See AttachmentSealer."""
        return self._sealer.write(data)

    def finish(self, *, name: str, type: str) -> Attachment:
        """See AttachmentSealer."""
        attachment = self._sealer.finish(name=name, type=type)
        self._release()
        return attachment

    def abort(self) -> None:
        """Stop, and have the vault delete its blocks.

        If it cannot be reached, they expire by themselves.
        """
        self._sealer.abort()
        self._release()
        try:
            self._abandon(self._sealer.block_ids)
        except CasedropError:
            return

    def _release(self) -> None:
        if self._release_place is not None:
            self._release_place()
            self._release_place = None


class Intake:
    """Files and looks up cases. Each worker process has one, shared by its threads.

    ``drains``: see dropbox.front.uploads.receive. ``charge`` counts what each circuit asks for:
    Busy can also be TooMuch. *turn* waits until the current request may compute, and returns
    whether it may; *rest* is called when it only waits for the vault's tick. *day_key* returns
    today's day key, or raises CannotSeal: see TodaysKey.current.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        reviewers: Reviewers,
        vault: Vault,
        day_key: Callable[[], bytes],
        campaign: Campaign,
        cost: Cost,
        charge: Charge = free_of_charge,
        turn: Callable[[], bool] = lambda: True,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self.charge = charge
        self._turn = turn
        self._rest = rest
        self._settings = settings
        self._reviewers = reviewers
        self._vault = vault
        self._day_key = day_key
        self._pieces = Pieces(lambda _id: [day_key()])
        self._campaign = campaign.code
        self._unsure = campaign.unsure
        self._cost = cost
        self._sealings = threading.BoundedSemaphore(settings.sealings)
        self._derivations = threading.BoundedSemaphore(settings.derivations)
        self.drains = threading.BoundedSemaphore(_DRAINS)

    def reach_vault(self) -> None:
        """Ask the vault for nothing. Raises VaultUnavailable if it does not answer."""
        self._vault.replies([])

    def open_sealer(self) -> BoundedSealer:
        """Begin sealing a file.

        Raises Busy at once if too many are in progress: uploads last minutes.
        """
        if not self._sealings.acquire(blocking=False):
            raise Busy
        block_key = secrets.token_bytes(BLOCK_KEY_BYTES)

        def put(blocks: Sequence[Block]) -> None:
            self._vault.put(
                [
                    SealedBlock(block.id, _erase_hash(block_key, block.id), block.data)
                    for block in blocks
                ]
            )

        sealer = AttachmentSealer(
            self._reviewers,
            put,
            self._settings.file_bytes,
            format=self._pieces,
            block_key=block_key,
        )
        return BoundedSealer(
            sealer,
            self._sealings.release,
            lambda ids: self._vault.erase([(one, erase_preimage(block_key, one)) for one in ids]),
        )

    def abandon(self, attachments: Sequence[Attachment]) -> None:
        """Have the vault erase files that a claimant removed.

        If it cannot be reached, they are deleted with their day.
        """
        owned = [
            (piece, erase_preimage(file.block_key, piece))
            for file in attachments
            for piece in piece_ids(file)
        ]
        try:
            self._vault.erase(owned)
        except CasedropError:
            return

    def file(self, draft: Draft, state: FormState) -> None:
        """Seal *draft* and file it with its files, all or nothing; durable when this returns.

        Raises BadReport if it is too long, Busy, PendingGone, and CannotSeal, CannotStore or
        VaultUnavailable if it was not accepted.
        """
        self.charge(What.FORMS)
        keys = self._keys(state.codename)
        self._file(draft, state, keys, lambda one: _erase_hash(keys.withdraw_key, one))

    def _file(
        self,
        draft: Draft,
        state: FormState,
        keys: CodenameKeys,
        erased_by: Callable[[bytes], bytes],
    ) -> None:
        """File *draft*; *erased_by* returns the erase hash of a block with this id."""
        report = Report(
            kind=draft.kind,
            campaign=self._campaign,
            language=draft.language,
            category=draft.category,
            harms=draft.harms,
            facts=draft.facts,
            text=draft.text,
            attachments=state.attachments,
            reply_public=keys.reply_public,
            tag_key=keys.tag_key,
            reply_symmetric=keys.reply_symmetric,
        )
        block_id = report_block_id(state.nonce, report)
        message = seal_message(report, self._reviewers)
        # Asked for last: gpg takes a while, and midnight may pass.
        block = seal_block(Kind.REPORT, message, self._day_key())
        claims = [
            Claim(piece, erase_preimage(file.block_key, piece), erased_by(piece))
            for file in state.attachments
            for piece in piece_ids(file)
        ]
        # Everything is computed; others can compute until the vault's next tick.
        self._rest()
        self._vault.commit(SealedBlock(block_id, erased_by(block_id), block), claims)

    def replies(self, codename: Codename) -> list[ReceivedReply]:
        """The replies to *codename*, newest first.

        An unused codename has none, and causes the same work. Omits replies that cannot be opened.
        Raises Busy, CannotStore or VaultUnavailable.
        """
        keys = self._keys(codename)
        return sorted(
            self._opened(keys),
            key=lambda received: (received.reply.day, received.index),
            reverse=True,
        )

    def _opened(self, keys: CodenameKeys) -> Iterator[ReceivedReply]:
        for index, sealed in self._vault.replies(reply_tags(keys.tag_key)):
            try:
                reply = open_reply(sealed, keys.reply_private, reply_symmetric=keys.reply_symmetric)
            except BadReply:
                continue
            yield ReceivedReply(index, reply)

    def delete_reply(self, codename: Codename, index: int) -> None:
        """Delete the reply under *codename*'s tag *index*, if any.

        Raises Busy, CannotStore or VaultUnavailable.
        """
        self.delete_replies(codename, [index])

    def delete_replies(self, codename: Codename, indexes: Sequence[int]) -> None:
        """Delete the replies under *codename*'s tags *indexes*.

        Does the same work if there are none. Raises Busy, CannotStore or VaultUnavailable.
        """
        tags = reply_tags(self._keys(codename).tag_key)
        chosen = [tags[index] for index in indexes if 0 <= index < len(tags)]
        self._rest()
        self._vault.forget_replies(chosen or [secrets.token_bytes(ID_BYTES)])

    def withdraw(self, codename: Codename, language: str) -> None:
        """Notify the reviewers, then erase everything filed under *codename*, and its replies.

        In this order, so that after a failure in between the claimant can try again. A vault that
        has no room for the notice still erases: the tombstones tell the reviewers, too. Raises the
        same errors as :meth:`file`.
        """
        keys = self._keys(codename)
        notice = Draft("withdrawal", language, self._unsure, (), "")
        # Nothing erases the notice: otherwise it would be gone before a reviewer has read it.
        unknown = secrets.token_bytes(ERASE_BYTES)
        with suppress(CannotStore):
            self._file(notice, FormState.of(codename), keys, lambda _one: unknown)
        self._vault.withdraw(keys.withdraw_key)
        self._vault.forget_replies(reply_tags(keys.tag_key))

    def _keys(self, codename: Codename) -> CodenameKeys:
        self.charge(What.DERIVATIONS)
        if not self._turn():
            raise Busy
        with self._derivation():
            return derive_keys(codename, salt=self._settings.salt, cost=self._cost)

    @contextmanager
    def _derivation(self) -> Iterator[None]:
        if not self._derivations.acquire(timeout=_DERIVATION_WAIT_SECONDS):
            raise Busy
        try:
            yield
        finally:
            self._derivations.release()


def _erase_hash(secret: bytes, block_id: bytes) -> bytes:
    return erase_hash(erase_preimage(secret, block_id))
