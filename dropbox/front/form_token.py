"""The form token: what a page has to carry until it is sent, encrypted with a key only in memory.

There is no cookie and no session. The key is made at the start and never leaves the front's memory,
so nobody can open a page that was saved by accident, not even this server after a restart.
"""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from dropbox.codename import Codename, new_codename
from dropbox.errors import BadCodename, BadReport, CasedropError
from dropbox.report import Attachment
from dropbox.sealing import NONCE_BYTES

KEY_BYTES = Aead.KEY_SIZE
_CONTEXT = b"cd1:form-token:"
# Ten files with long names take 20 kB; a longer token cannot be ours.
_MAX_CHARACTERS = 65_536


class StaleToken(CasedropError):
    """The page was open too long."""

    def __init__(self, state: "FormState") -> None:
        super().__init__()
        self.state = state


class ForgedToken(CasedropError):
    """This server has not made the token since its last start."""


@dataclass(frozen=True, repr=False)
class FormState:
    """What a form page carries: its codename, its nonce, and the files that are already sealed.

    ``asked``: whether its writer has been asked about personal data in the text.
    """

    codename: Codename
    nonce: bytes
    attachments: tuple[Attachment, ...] = field(default=())
    asked: bool = False

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
        return replace(self, attachments=attachments)

    def with_another_codename(self) -> "FormState":
        """The same page with a fresh codename."""
        return replace(self, codename=new_codename())

    def after_asking(self) -> "FormState":
        """The same page, whose writer will not be asked again."""
        return replace(self, asked=True)

    def to_json(self) -> dict[str, Any]:
        """The form it has inside a token."""
        return {
            "codename": self.codename.packed().hex(),
            "nonce": self.nonce.hex(),
            "attachments": [attachment.to_json() for attachment in self.attachments],
            "asked": self.asked,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Self:
        """The state of :meth:`to_json`."""
        attachments = tuple(Attachment.from_json(entry) for entry in body["attachments"])
        codename = Codename.unpack(bytes.fromhex(body["codename"]))
        return cls(codename, bytes.fromhex(body["nonce"]), attachments, bool(body["asked"]))


class FormTokens:
    """Seals and opens tokens.

    *key* has KEY_BYTES, the same in all workers; *clock* is in Unix seconds.
    """

    def __init__(self, key: bytes, *, lifetime_seconds: int, clock: Callable[[], float]) -> None:
        self._box = Aead(key)
        self._lifetime = lifetime_seconds
        self._clock = clock

    def seal(self, page: str, state: FormState) -> str:
        """The token of *page* for *state*, in URL-safe base64. No other page accepts it."""
        body = {"issued": int(self._clock()), "state": state.to_json()}
        sealed = self._box.encrypt(
            json.dumps(body).encode("ascii"), aad=_CONTEXT + page.encode("ascii")
        )
        return base64.urlsafe_b64encode(bytes(sealed)).decode("ascii")

    def open(self, page: str, untrusted: str) -> FormState:
        """The state in a token of *page*.

        Raises ForgedToken, or StaleToken, which carries the state.
        """
        try:
            sealed = base64.urlsafe_b64decode(untrusted[:_MAX_CHARACTERS].encode("ascii"))
            body = json.loads(self._box.decrypt(sealed, aad=_CONTEXT + page.encode("ascii")))
            issued, state = int(body["issued"]), FormState.from_json(body["state"])
        except (ValueError, TypeError, KeyError, CryptoError, BadReport, BadCodename):
            raise ForgedToken from None
        if not 0 <= self._clock() - issued <= self._lifetime:
            raise StaleToken(state)
        return state
