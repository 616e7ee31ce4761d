"""Files that arrived for a page whose answer its browser never saw, in shared memory only.

A page carries its files in its token. When the connection dies, no answer and no new token reach
the browser, which sends the old page again: what had arrived is kept here for it. An entry opens
with the page's nonce alone, which only that page carries, and is overwritten after two hours.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NamedTuple

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from dropbox.errors import BadReport
from dropbox.front.file_entry import packed, unpacked
from dropbox.front.photo_sealing import Photo
from dropbox.front.shared_keys import OVERLAP_SECONDS, SharedKeys
from dropbox.report import Attachment

_ID_BYTES, _UNTIL_BYTES = 16, 8
_SLOT_BYTES = 2_560
_HEAD_BYTES = _ID_BYTES + _UNTIL_BYTES
_SEALED_BYTES = _SLOT_BYTES - _HEAD_BYTES
# XChaCha20-Poly1305's nonce and tag.
_PLAIN_BYTES = _SEALED_BYTES - 24 - 16
_EMPTY = bytes(_SLOT_BYTES)
# A slot's page and its end in milliseconds; the sealed part is skipped.
_HEAD = struct.Struct(f">{_ID_BYTES}sQ{_SEALED_BYTES}x")
_ID, _KEY = b"cd2:arrived-id", b"cd2:arrived-key"


class ArrivedFile(NamedTuple):
    """A file that has arrived, and what to ask about it if it is a photograph."""

    file: Attachment
    photo: Photo | None

    @property
    def block_keys(self) -> set[bytes]:
        """The keys of everything that was sealed for it."""
        stripped = None if self.photo is None else self.photo.stripped
        return {self.file.block_key} | ({stripped.block_key} if stripped else set())

    def is_same(self, other: Attachment) -> bool:
        """Whether *other* is the same file, sealed again."""
        mine, theirs = ((one.name, one.type, one.size, one.sha256) for one in (self.file, other))
        return mine == theirs


class ArrivedFiles:
    """The files by the 16-byte nonce of their page. *clock* is in Unix seconds.

    Safe to call from several threads and processes. When all slots are taken, the oldest gives way:
    its file is then sent once more.
    """

    def __init__(self, keys: SharedKeys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._slots = range(0, len(keys.spare) // _SLOT_BYTES * _SLOT_BYTES, _SLOT_BYTES)

    def keep(self, page: bytes, arrived: ArrivedFile) -> None:
        """Keep a file for *page*, unless its name is too long."""
        photo = None if arrived.photo is None else arrived.photo.to_json()
        body = [packed(arrived.file), photo]
        plain = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        if len(plain) > _PLAIN_BYTES:
            return
        page_id = _page_id(page)
        sealed = _box(page).encrypt(plain.ljust(_PLAIN_BYTES), aad=page_id)
        with self._keys.locked():
            # Later than all others of its page, so that they come back in their order.
            until = int(self._clock() * 1_000) + OVERLAP_SECONDS * 1_000
            heads = self._heads()
            until = max([until, *(other + 1 for owner, other in heads if owner == page_id)])
            at = self._slots[min(range(len(heads)), key=lambda number: heads[number][1])]
            entry = page_id + until.to_bytes(_UNTIL_BYTES, "big") + bytes(sealed)
            self._keys.spare[at : at + _SLOT_BYTES] = entry

    def kept(self, page: bytes) -> list[ArrivedFile]:
        """The files of *page*, in the order in which they arrived."""
        page_id = _page_id(page)
        now = int(self._clock() * 1_000)
        with self._keys.locked():
            found = [
                bytes(self._keys.spare[at : at + _SLOT_BYTES]) for at in self._of(page_id, now)
            ]
        return [one for slot in found if (one := _opened(page, slot)) is not None]

    def forget(self, page: bytes, block_keys: Collection[bytes] | None = None) -> None:
        """Overwrite what is kept for *page*, or only those files of it that have *block_keys*."""
        with self._keys.locked():
            for at in self._of(_page_id(page)):
                one = _opened(page, bytes(self._keys.spare[at : at + _SLOT_BYTES]))
                if block_keys is None or one is None or one.block_keys & set(block_keys):
                    self._keys.spare[at : at + _SLOT_BYTES] = _EMPTY

    def sweep(self) -> None:
        """Overwrite what is older than two hours."""
        now = int(self._clock() * 1_000)
        with self._keys.locked():
            for at, (_, until) in zip(self._slots, self._heads(), strict=True):
                if 0 < until <= now:
                    self._keys.spare[at : at + _SLOT_BYTES] = _EMPTY

    def _of(self, page_id: bytes, now: int = 0) -> list[int]:
        """Where those files of a page are that end after *now*, in the order of their arrival."""
        heads = zip(self._slots, self._heads(), strict=True)
        mine = [(until, at) for at, (owner, until) in heads if owner == page_id and until > now]
        return [at for _, at in sorted(mine)]

    def _heads(self) -> list[tuple[bytes, int]]:
        """The page's id and the end of each slot."""
        # One call for all: a page with files looks at a thousand slots for each of them.
        with self._keys.spare[: self._slots.stop] as slots:
            return list(_HEAD.iter_unpack(slots))


def _page_id(page: bytes) -> bytes:
    return hashlib.blake2b(page, person=_ID, digest_size=_ID_BYTES).digest()


def _box(page: bytes) -> Aead:
    return Aead(hashlib.blake2b(page, person=_KEY, digest_size=32).digest())


def _opened(page: bytes, slot: bytes) -> ArrivedFile | None:
    """The contents of a slot; None if it was damaged."""
    with suppress(CryptoError, ValueError, KeyError, TypeError, BadReport):
        plain = _box(page).decrypt(slot[_HEAD_BYTES:], aad=slot[:_ID_BYTES])
        file, photo = json.loads(plain)
        return ArrivedFile(unpacked(file), None if photo is None else Photo.from_json(photo))
    return None
