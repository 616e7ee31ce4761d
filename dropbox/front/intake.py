"""What the front does for a claimant, without pages: sealing files, filing a report, finding replies."""

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

# How long a person waits for a free place among the derivations, which take 30 ms each.
_DERIVATION_WAIT_SECONDS = 10.0


@dataclass(frozen=True, repr=False)
class Draft:
    """What a claimant wrote, checked. The codename, the nonce and the files come from the form's state."""

    kind: str  # report, message or withdrawal
    language: str
    category: str
    harms: tuple[str, ...]
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Vault(Protocol):
    """What is asked of the vault; see dropbox.front.vault_client.VaultClient."""

    def put_pending(self, blocks: Sequence[Block]) -> None:
        """Store blocks for a report that is still to come."""

    def commit(
        self, report: Block, report_tag: bytes, others: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Make a report and its blocks final."""

    def abandon(self, ids: Sequence[bytes]) -> None:
        """Delete pending blocks."""

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """The places of the tags under which there are replies, and these."""

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete replies."""

    def tags(self) -> list[tuple[bytes, bytes]]:
        """Every final block's id and withdraw tag."""

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Delete final blocks."""


@dataclass(frozen=True, repr=False)
class ReceivedReply:
    """An answer, and its index among the codename's tags."""

    index: int
    reply: Reply


class BoundedSealer:
    """An AttachmentSealer that gives its place back when it ends, and abandons its blocks when it is given up."""

    def __init__(
        self,
        sealer: AttachmentSealer,
        leave: Callable[[], None],
        abandon: Callable[[Sequence[bytes]], None],
    ) -> None:
        self._sealer = sealer
        self._leave: Callable[[], None] | None = leave
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
        """Stop, and have the vault forget what it was given; what cannot be reached now expires there by itself."""
        self._sealer.abort()
        self._release()
        try:
            self._abandon(self._sealer.block_ids)
        except CasedropError:
            return

    def _release(self) -> None:
        if self._leave is not None:
            self._leave()
            self._leave = None


class Intake:
    """The front's work. One for each worker process, shared by its threads."""

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
        """Begin to seal one file. Raises Busy when all places are taken: uploads last minutes, so nobody waits for one."""
        if not self._sealings.acquire(blocking=False):
            raise Busy
        sealer = AttachmentSealer(
            self._reviewers, self._vault.put_pending, self._settings.file_bytes
        )
        return BoundedSealer(sealer, self._sealings.release, self._vault.abandon)

    def abandon(self, attachments: Sequence[Attachment]) -> None:
        """Have the vault forget files that a claimant took back. What cannot be reached now expires there by itself."""
        try:
            self._vault.abandon(
                [block_id for file in attachments for block_id in attachment_block_ids(file)]
            )
        except CasedropError:
            return

    def file(self, draft: Draft, state: FormState) -> None:
        """Seal *draft* and make it final with its files, all or nothing: on disk when this returns.

        Raises BadReport when it does not fit, Busy, PendingGone, and CannotSeal, CannotStore or VaultUnavailable when it
        was not accepted.
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
        )
        block = Block(report_block_id(state.nonce, report), seal_report(report, self._reviewers))
        others = [block_id for file in state.attachments for block_id in attachment_block_ids(file)]
        tag = withdraw_tag(keys.withdraw_key, block.id)
        self._vault.commit(
            block, tag, [(other, withdraw_tag(keys.withdraw_key, other)) for other in others]
        )

    def replies(self, codename: Codename) -> list[ReceivedReply]:
        """The answers for *codename*, newest first; none for one that nobody has used, by the same work.

        Raises Busy or VaultUnavailable. A reply of a newer version, or one that does not open, is left out.
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
                yield ReceivedReply(index, open_reply(sealed, keys.reply_private))
            except BadReply:
                continue

    def delete_reply(self, codename: Codename, index: int) -> None:
        """Delete the answer at *index* of *codename*'s, if there is one. Raises Busy, CannotStore or VaultUnavailable."""
        tags = reply_tags(self._keys(codename).tag_key)
        self._vault.forget_replies(tags[index : index + 1])

    def withdraw(self, codename: Codename, language: str) -> None:
        """Tell the reviewers, then delete everything on the server that was filed under *codename*.

        In this order, so that a failure between the two leaves the claimant able to do it again. Raises as :meth:`file`.
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
