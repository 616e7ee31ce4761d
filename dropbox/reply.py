"""Replies: sealed by the desk to one case, stored under a one-time tag, opened by codename.

Version 1 is a sealed box to the case's X25519 key. Version 2 encrypts that box once more under a
symmetric key that only the codename and the sealed report hold: even when X25519 falls it is as
hard to open as the report, and every byte of it looks random to the vault.

    version 2 = nonce (24) | XChaCha20-Poly1305(symmetric key, sealed box, "casedrop reply 2")
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_ABYTES as _TAG_BYTES
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as _aead_open
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as _aead_seal
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_NPUBBYTES as _NONCE_BYTES
from nacl.bindings import crypto_box_SEALBYTES
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.utils import random

from dropbox import canonical_json
from dropbox.errors import BadReply
from dropbox.padding import BadPadding, pad, unpad
from dropbox.sizes import ID_BYTES, REPLY_BYTES

KINDS = ("answer", "acknowledgement")

# Four desks can answer the same case independently, 64 times each; a login always probes all 256
# tags.
DESKS = 4
REPLIES_PER_DESK = 64

# A sealed box adds an X25519 key and a Poly1305 tag.
_PADDED_BYTES = {
    1: REPLY_BYTES - crypto_box_SEALBYTES,
    2: REPLY_BYTES - crypto_box_SEALBYTES - _NONCE_BYTES - _TAG_BYTES,
}
_CONTEXT = b"casedrop reply 2"
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


def seal_reply(reply: Reply, reply_public: bytes, *, reply_symmetric: bytes | None = None) -> bytes:
    """*reply* sealed to the case's X25519 key and its symmetric key: exactly REPLY_BYTES.

    It is of version 1 for a case whose reports name no symmetric key. Raises BadReply if it is too
    long.
    """
    version = 1 if reply_symmetric is None else 2
    room = _PADDED_BYTES[version]
    try:
        plain = _plain(reply, version)
        box = bytes(SealedBox(PublicKey(reply_public)).encrypt(pad(plain, room)))
    except UnicodeEncodeError:
        raise BadReply("The answer contains half a character (a lone surrogate).") from None
    except BadPadding:
        raise BadReply(
            f"The answer is too long by {len(plain) - room + 1} bytes; split it in two."
        ) from None
    if reply_symmetric is None:
        return box
    nonce = random(_NONCE_BYTES)
    return nonce + _aead_seal(box, _CONTEXT, nonce, reply_symmetric)


def _plain(reply: Reply, version: int) -> bytes:
    """Canonical JSON. Raises UnicodeEncodeError for lone surrogates."""
    body = {
        "version": version,
        "kind": reply.kind,
        "language": reply.language,
        "day": reply.day.isoformat(),
        "text": reply.text,
    }
    return canonical_json.encode(body, ascii_only=False)


def open_reply(
    sealed: bytes, reply_private: bytes, *, reply_symmetric: bytes | None = None
) -> Reply:
    """The reply in *sealed*, of version 2 if *reply_symmetric* opens it, else of version 1.

    Raises BadReply if it is for another key, damaged, or of a newer version.
    """
    version, box = 1, sealed
    if reply_symmetric is not None:
        try:
            box = _aead_open(
                sealed[_NONCE_BYTES:], _CONTEXT, sealed[:_NONCE_BYTES], reply_symmetric
            )
            version = 2
        except (CryptoError, ValueError):
            pass
    try:
        plain = unpad(SealedBox(PrivateKey(reply_private)).decrypt(box), _PADDED_BYTES[version])
        body = json.loads(plain)
        reply = Reply(body["kind"], body["language"], date.fromisoformat(body["day"]), body["text"])
        # Anything that this version would not write (half a character, no text) cannot be shown.
        whole = (
            _plain(reply, version) == plain
            and isinstance(reply.text, str)
            and isinstance(reply.language, str)
        )
    except (CryptoError, BadPadding, ValueError, KeyError, TypeError, RecursionError):
        raise BadReply from None
    if not whole or reply.kind not in KINDS:
        raise BadReply
    return reply
