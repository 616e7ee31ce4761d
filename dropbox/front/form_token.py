"""The form token: what a page carries until it is sent, encrypted with a key only in memory.

There is no cookie and no session. The keys are in memory only and end two hours after their day, so
nobody can open a page that was saved by accident, not even this server on the next day.
"""

import base64
import json
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from dropbox.codename import Codename, new_codename
from dropbox.errors import BadCodename, BadReport, CasedropError
from dropbox.front.file_entry import bytes_of, packed, text_of, unpacked
from dropbox.front.photo_sealing import Photo
from dropbox.front.shared_keys import DayKey, SharedKeys
from dropbox.report import FILES, Attachment
from dropbox.sealing import NONCE_BYTES
from dropbox.split_name import nameless, nameless_whole

_CONTEXT = b"cd1:form-token:"
# The leave button carries a token that is valid for no page.
_LEAVING = b"cd1:leave"
_ARRIVAL = b"cd2:arrival"
VISIT_BYTES = 16
MISSING_CHARACTERS = 60
# The part of a file's name that stays when its writer leaves names out: it tells a picture from a
# recording.
_ENDING = re.compile(r"[^.].*(\.[a-z0-9]{1,5})", re.DOTALL)
# Ten files with long names take 20 kB; a longer token cannot be ours.
_MAX_CHARACTERS = 65_536


class StaleToken(CasedropError):
    """The page was open too long."""

    def __init__(self, state: "FormState") -> None:
        super().__init__()
        self.state = state


class ForgedToken(CasedropError):
    """No key that is still accepted made the token."""


class LeftToken(ForgedToken):
    """The claimant has left since this page was made."""


@dataclass(frozen=True, repr=False)
class FormState:
    """The state that a form page carries: its codename, its nonce, and the files already sealed.

    ``asked``: whether its writer has been asked about personal data in the text. ``visit``: the
    pages that follow from one another have the same, and are left together. ``missing``: the names,
    cut to MISSING_CHARACTERS, of files that were chosen or sealed and are not there any more; at
    most FILES of them. ``maybe_sent``: whether the same may be stored already, from a page that was
    no longer good when it came again. ``nameless``: whether the names of the files are left out.
    ``photos``: those of its files for which it is not yet decided how they will be sent.
    """

    codename: Codename
    nonce: bytes
    attachments: tuple[Attachment, ...] = field(default=())
    asked: bool = False
    visit: bytes = field(default_factory=lambda: secrets.token_bytes(VISIT_BYTES))
    missing: tuple[str, ...] = field(default=())
    maybe_sent: bool = False
    nameless: bool = False
    photos: tuple[Photo, ...] = field(default=())

    @classmethod
    def new(cls) -> Self:
        """A page with a fresh codename."""
        return cls.of(new_codename())

    @classmethod
    def of(cls, codename: Codename) -> Self:
        """A page for *codename*, with a fresh nonce."""
        return cls(codename, secrets.token_bytes(NONCE_BYTES))

    def with_files(self, attachments: tuple[Attachment, ...]) -> "FormState":
        """The same page with other files."""
        keys = {file.block_key for file in attachments}
        photos = tuple(photo for photo in self.photos if photo.of in keys)
        return replace(self, attachments=attachments, photos=photos)

    def with_photos(self, photos: Sequence[Photo]) -> "FormState":
        """The same page, with more *photos* among its files."""
        return replace(self, photos=(*self.photos, *photos))

    @property
    def sealed(self) -> tuple[Attachment, ...]:
        """Everything sealed for the page: its files, and photographs without their traces."""
        copies = (photo.stripped for photo in self.photos)
        return (*self.attachments, *(copy for copy in copies if copy is not None))

    def with_stripped_photos(self) -> "FormState":
        """The same page with each photograph that can be stripped in its stripped form."""
        stripped = {photo.of: photo.stripped for photo in self.photos}
        attachments = []
        for file in self.attachments:
            copy = stripped.get(file.block_key)
            attachments.append(file if copy is None else replace(copy, name=file.name))
        return self.with_files(tuple(attachments))

    def with_photos_as_they_are(self) -> "FormState":
        """The same page, whose photographs are sent as they were added."""
        return replace(self, photos=())

    def after_arrival(self, arrived: Sequence[Attachment], lost: Sequence[str]) -> "FormState":
        """The same page with *arrived* files, and with files of the names *lost* missing.

        A file that has arrived is no longer missing.
        """
        there = {file.name[:MISSING_CHARACTERS] for file in arrived}
        names = [name for name in self.missing if name not in there]
        names += [name[:MISSING_CHARACTERS] for name in lost]
        missing = tuple(dict.fromkeys(names))[:FILES]
        return replace(self, attachments=(*self.attachments, *arrived), missing=missing)

    def without_files(self) -> "FormState":
        """The same page, all of whose files are missing."""
        names = [file.name for file in self.attachments]
        return self.with_files(()).after_arrival((), names)

    def without_missing(self) -> "FormState":
        """The same page, whose writer gives up the files that are missing."""
        return replace(self, missing=())

    def after_sending(self) -> "FormState":
        """The page for the same codename's next message."""
        return replace(FormState.of(self.codename), visit=self.visit)

    def with_another_codename(self) -> "FormState":
        """The same page with a fresh codename."""
        return replace(self, codename=new_codename())

    def after_asking(self) -> "FormState":
        """The same page, whose writer will not be asked again."""
        photos = tuple(photo.after_asking() for photo in self.photos)
        return replace(self, asked=True, photos=photos)

    def as_sent_before(self, maybe: bool = True) -> "FormState":
        """The same page, all of which is *maybe* stored already."""
        return replace(self, maybe_sent=maybe)

    def with_names_left_away(self, nameless: bool) -> "FormState":
        """The same page, whose writer leaves the names of the files out, or not."""
        return replace(self, nameless=nameless)

    def to_send(self) -> "FormState":
        """The same page with its files named as the reviewers will see them."""
        if not self.nameless:
            return self
        names = [file.name for file in self.attachments]
        secret = self.codename.packed()
        files = (
            # Parts of one file can still be joined, in later reports under this codename, too.
            replace(file, name=_without_name(file.name, at, names, secret))
            for at, file in enumerate(self.attachments, 1)
        )
        return self.with_files(tuple(files))

    def to_json(self) -> list[Any]:
        """The form it has inside a token."""
        return [
            text_of(self.codename.packed()),
            text_of(self.nonce),
            text_of(self.visit),
            [int(self.asked), int(self.maybe_sent), int(self.nameless)],
            [packed(file) for file in self.attachments],
            list(self.missing),
            [photo.to_json() for photo in self.photos],
        ]

    @classmethod
    def from_json(cls, body: list[Any]) -> Self:
        """The state of :meth:`to_json`."""
        codename, nonce, visit, flags, attachments, missing, photos = body
        asked, maybe_sent, nameless = map(bool, flags)
        return cls(
            codename=Codename.unpack(bytes_of(codename)),
            nonce=bytes_of(nonce),
            attachments=tuple(map(unpacked, attachments)),
            asked=asked,
            visit=bytes_of(visit),
            missing=tuple(map(str, missing)),
            maybe_sent=maybe_sent,
            nameless=nameless,
            photos=tuple(map(Photo.from_json, photos)),
        )


def _without_name(name: str, number: int, names: Sequence[str], secret: bytes) -> str:
    part = nameless(name, secret) or nameless_whole(name, names, secret)
    return part or without_name(name, number)


def without_name(name: str, number: int) -> str:
    """What a report has in place of the *name* of its file *number*: "1.png"."""
    ending = _ENDING.fullmatch(name.lower())
    return f"{number}{ending.group(1) if ending else ''}"


class FormTokens:
    """Seals and opens tokens. *clock* is in Unix seconds."""

    def __init__(
        self, keys: SharedKeys, *, lifetime_seconds: int, clock: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._lifetime = lifetime_seconds
        self._clock = clock

    def seal(self, page: str, state: FormState) -> str:
        """The token of *page* for *state*, in URL-safe base64. No other page accepts it."""
        body = [int(self._clock()), state.to_json()]
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return self._sealed(text.encode("utf-8", "surrogatepass"), _CONTEXT + page.encode("ascii"))

    def open(self, page: str, untrusted: str) -> FormState:
        """The state in a token of *page*.

        Raises ForgedToken, as LeftToken if its visit was left, or StaleToken, which carries the
        state.
        """
        key, opened = self._opened(untrusted, _CONTEXT + page.encode("ascii"))
        try:
            issued, body = json.loads(opened.decode("utf-8", "surrogatepass"))
            issued, state = int(issued), FormState.from_json(body)
        except (ValueError, TypeError, KeyError, BadReport, BadCodename):
            raise ForgedToken from None
        if self._keys.left(key, state.visit):
            raise LeftToken
        if not 0 <= self._clock() - issued <= self._lifetime:
            raise StaleToken(state)
        return state

    def was_left(self, state: FormState) -> bool:
        """Whether the visit of a page with *state* has been left."""
        return any(self._keys.left(key, state.visit) for key in self._keys.now())

    def leaving(self, state: FormState) -> str:
        """What the button for leaving carries on a page with *state*."""
        return self._sealed(state.visit, _LEAVING)

    def leave(self, untrusted: str) -> None:
        """End the visit of the page whose button this is; anything else changes nothing."""
        with suppress(ForgedToken):
            self._keys.leave(self._opened(untrusted, _LEAVING)[1])

    def arrival(self, state: FormState) -> str:
        """What the button that asks for arrived files carries on a page with *state*."""
        return self._sealed(state.nonce + state.visit, _ARRIVAL)

    def nonce_of(self, untrusted: str) -> bytes:
        """The nonce of a page's button for arrived files.

        Raises ForgedToken, as LeftToken if its visit was left.
        """
        key, opened = self._opened(untrusted, _ARRIVAL)
        nonce, visit = opened[:NONCE_BYTES], opened[NONCE_BYTES:]
        if self._keys.left(key, visit):
            raise LeftToken
        return nonce

    def end(self, state: FormState) -> None:
        """End the visit of a page with *state*."""
        self._keys.leave(state.visit)

    def _sealed(self, plain: bytes, context: bytes) -> str:
        sealed = Aead(self._keys.now()[0].key).encrypt(plain, aad=context)
        return base64.urlsafe_b64encode(bytes(sealed)).decode("ascii")

    def _opened(self, untrusted: str, context: bytes) -> tuple[DayKey, bytes]:
        try:
            sealed = base64.urlsafe_b64decode(untrusted[:_MAX_CHARACTERS].encode("ascii"))
        except ValueError:
            raise ForgedToken from None
        for key in self._keys.now():
            with suppress(ValueError, TypeError, CryptoError):
                return key, Aead(key.key).decrypt(sealed, aad=context)
        raise ForgedToken
