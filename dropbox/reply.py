"""Replies: sealed by the desk to one case, stored under a one-time tag, opened by codename."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date

from nacl.bindings import crypto_box_SEALBYTES
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from dropbox import canonical_json
from dropbox.errors import BadReply
from dropbox.padding import BadPadding, pad, unpad
from dropbox.sizes import ID_BYTES, REPLY_BYTES

VERSION = 1
KINDS = ("answer", "acknowledgement")

# Four desks can answer the same case independently, 64 times each; a login always probes all 256
# tags.
DESKS = 4
REPLIES_PER_DESK = 64

_PADDED_BYTES = REPLY_BYTES - crypto_box_SEALBYTES  # an X25519 key and a Poly1305 tag
_TAG = b"cd1:reply-tag"


def reply_tag(tag_key: bytes, *, desk: int, number: int) -> bytes:
    """The tag (ID_BYTES) of reply *number* of *desk* (both from 0) for a *tag_key* (32 bytes).

    Raises BadReply if either is out of range.
    """
    if not (0 <= desk < DESKS and 0 <= number < REPLIES_PER_DESK):
        raise BadReply(
            f"A desk can answer one case {REPLIES_PER_DESK} times, and there are {DESKS} desks."
        )
    position = bytes([desk]) + number.to_bytes(2, "big")
    return hashlib.blake2b(position, key=tag_key, person=_TAG, digest_size=ID_BYTES).digest()


def reply_tags(tag_key: bytes) -> list[bytes]:
    """All DESKS x REPLIES_PER_DESK tags of a case, one desk after another."""
    return [
        reply_tag(tag_key, desk=desk, number=number)
        for desk in range(DESKS)
        for number in range(REPLIES_PER_DESK)
    ]


@dataclass(frozen=True, repr=False)
class Reply:
    """What a claimant reads: an answer's text, or just the acknowledgement of a report."""

    kind: str
    language: str
    day: date
    text: str


def seal_reply(reply: Reply, reply_public: bytes) -> bytes:
    """*reply* sealed to the case's X25519 key: exactly REPLY_BYTES.

    Raises BadReply if it is too long.
    """
    try:
        plain = _plain(reply)
        return bytes(SealedBox(PublicKey(reply_public)).encrypt(pad(plain, _PADDED_BYTES)))
    except UnicodeEncodeError:
        raise BadReply("The answer contains half a character (a lone surrogate).") from None
    except BadPadding:
        raise BadReply(
            f"The answer is too long by {len(plain) - _PADDED_BYTES + 1} bytes; split it in two."
        ) from None


def _plain(reply: Reply) -> bytes:
    """Canonical JSON. Raises UnicodeEncodeError for lone surrogates."""
    body = {
        "version": VERSION,
        "kind": reply.kind,
        "language": reply.language,
        "day": reply.day.isoformat(),
        "text": reply.text,
    }
    return canonical_json.encode(body, ascii_only=False)


def open_reply(sealed: bytes, reply_private: bytes) -> Reply:
    """The reply in *sealed*.

    Raises BadReply if it is for another key, damaged, or of a newer version.
    """
    try:
        plain = unpad(SealedBox(PrivateKey(reply_private)).decrypt(sealed), _PADDED_BYTES)
        body = json.loads(plain)
        reply = Reply(body["kind"], body["language"], date.fromisoformat(body["day"]), body["text"])
        # Anything that this version would not write (half a character, no text) cannot be shown.
        whole = (
            _plain(reply) == plain
            and isinstance(reply.text, str)
            and isinstance(reply.language, str)
        )
    except (CryptoError, BadPadding, ValueError, KeyError, TypeError, RecursionError):
        raise BadReply from None
    if not whole or reply.kind not in KINDS:
        raise BadReply
    return reply
