"""What the front does for a claimant apart from pages: sealing, filing, looking up replies."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from dropbox.campaign import Campaign
from dropbox.codename import Codename, CodenameKeys, Cost, derive_keys, withdraw_tag
from dropbox.errors import BadReply, CasedropError
from dropbox.front.form_token import FormState
from dropbox.front.uploads import Busy
from dropbox.openpgp import Reviewers
from dropbox.reply import Reply, open_reply, reply_tags
from dropbox.report import Attachment, Report
from dropbox.sealing import (
    AttachmentSealer,
    Block,
    attachment_block_ids,
    report_block_id,
    seal_report,
)
from dropbox.settings import Settings

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


class Vault(Protocol):
    """What the front needs of the vault; see dropbox.front.vault_client.VaultClient."""

    def put_pending(self, blocks: Sequence[Block]) -> None:
        """Store blocks for a report that comes later."""

    def commit(
        self, report: Block, report_tag: bytes, others: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Make a report and its blocks final."""

    def abandon(self, ids: Sequence[bytes]) -> None:
        """Delete pending blocks."""

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(index in *tags*, sealed reply) for each reply that exists."""

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete replies."""

    def tags(self) -> list[tuple[bytes, bytes]]:
        """Every final block's id and withdraw tag."""

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Delete final blocks."""


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

    def write(self, data: bytes) -> int:
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


class CaseIntake(Protocol):
    """What the pages need: an intake of either format."""

    def open_sealer(self) -> BoundedSealer:
        """See Intake."""

    def abandon(self, attachments: Sequence[Attachment]) -> None:
        """See Intake."""

    def file(self, draft: Draft, state: FormState) -> None:
        """See Intake."""

    def replies(self, codename: Codename) -> list[ReceivedReply]:
        """See Intake."""

    def delete_reply(self, codename: Codename, index: int) -> None:
        """See Intake."""

    def withdraw(self, codename: Codename, language: str) -> None:
        """See Intake."""


class Intake:
    """Files and looks up cases. There is one for each worker process, shared by its threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        reviewers: Reviewers,
        vault: Vault,
        campaign: Campaign,
        cost: Cost,
    ) -> None:
        self._settings = settings
        self._reviewers = reviewers
        self._vault = vault
        self._campaign = campaign.code
        self._unsure = campaign.unsure
        self._cost = cost
        self._sealings = threading.BoundedSemaphore(settings.sealings)
        self._derivations = threading.BoundedSemaphore(settings.derivations)

    def open_sealer(self) -> BoundedSealer:
        """Begin sealing a file.

        Raises Busy at once if too many are in progress: uploads last minutes.
        """
        if not self._sealings.acquire(blocking=False):
            raise Busy
        sealer = AttachmentSealer(
            self._reviewers, self._vault.put_pending, self._settings.file_bytes
        )
        return BoundedSealer(sealer, self._sealings.release, self._vault.abandon)

    def abandon(self, attachments: Sequence[Attachment]) -> None:
        """Have the vault delete files that a claimant removed.

        If it cannot be reached, they expire.
        """
        try:
            self._vault.abandon(
                [block_id for file in attachments for block_id in attachment_block_ids(file)]
            )
        except CasedropError:
            return

    def file(self, draft: Draft, state: FormState) -> None:
        """Seal *draft* and make it final with its files, all or nothing; durable when this returns.

        Raises BadReport if it is too long, Busy, PendingGone, and CannotSeal, CannotStore or
        VaultUnavailable if it was not accepted.
        """
        keys = self._keys(state.codename)
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
        block = Block(report_block_id(state.nonce, report), seal_report(report, self._reviewers))
        others = [block_id for file in state.attachments for block_id in attachment_block_ids(file)]
        tag = withdraw_tag(keys.withdraw_key, block.id)
        self._vault.commit(
            block, tag, [(other, withdraw_tag(keys.withdraw_key, other)) for other in others]
        )

    def replies(self, codename: Codename) -> list[ReceivedReply]:
        """The replies to *codename*, newest first.

        An unused codename has none, and takes the same work. Omits replies that cannot be opened.
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
        tags = reply_tags(self._keys(codename).tag_key)
        self._vault.forget_replies(tags[index : index + 1])

    def withdraw(self, codename: Codename, language: str) -> None:
        """Notify the reviewers, then delete everything filed under *codename* from the server.

        In this order, so that after a failure in between the claimant can try again. Raises the
        same errors as :meth:`file`.
        """
        keys = self._keys(codename)
        owned = [
            (block_id, tag)
            for block_id, tag in self._vault.tags()
            if withdraw_tag(keys.withdraw_key, block_id) == tag
        ]
        notice = Draft("withdrawal", language, self._unsure, (), "")
        self.file(notice, FormState.of(codename))
        self._vault.withdraw(owned)

    def _keys(self, codename: Codename) -> CodenameKeys:
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
