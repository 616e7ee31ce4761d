"""Bundles of version 2: heads, volumes and reply bundles, also signed with arbitrary content."""

import hashlib
import io
import json
import os
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from nacl.signing import SigningKey

from dropbox.errors import BadBundle, SettingsError
from dropbox.export_bundle import (
    EXPIRED,
    AcceptedReplies,
    GoneDay,
    Head,
    HeldDay,
    ListedBlock,
    Successor,
    read_head,
    read_volume,
    volume_of,
    write_head,
    write_volume,
)
from dropbox.reply_bundle import (
    Acknowledged,
    ReplyBundle,
    SealedReply,
    read_replies,
    write_replies,
)
from dropbox.sizes import BLOCK_BYTES, REPLY_BYTES
from dropbox.successor import read_successor
from dropbox.tar_members import END, member
from fuzz.mutation import mutate_json
from fuzz.openpgp import NOW, REVIEWER, detached
from fuzz.target import Target

_CAMPAIGN, _ONION = "wechat-2020", "a.onion"
_SERVER = SigningKey(b"s" * 32)
_DAY = date(2026, 11, 24)
_BLOCKS = {bytes([n]) * 16: bytes([n]) * BLOCK_BYTES for n in range(2)}
_LISTED = [ListedBlock(one, hashlib.sha256(data).digest(), _DAY) for one, data in _BLOCKS.items()]
_HEAD = Head(
    vault=b"v" * 16,
    onion=_ONION,
    campaign=_CAMPAIGN,
    number=3,
    salt=b"x" * 16,
    history=((1, b"h" * 32),),
    days=(HeldDay(_DAY, 2, closed=False),),
    gone=(GoneDay(date(2026, 8, 1), 256, EXPIRED),),
    day_keys=(b"record",),
    replies=(AcceptedReplies(0, "A" * 40, 1),),
    volumes=(volume_of(_LISTED),),
    successor=Successor(b"o" * 16, 2, "the disk"),
)
_BODY = _HEAD.to_bytes()


def export_head(data: bytes) -> Head:
    """A head's file. BadBundle, or the one head that was signed."""
    head = read_head(io.BytesIO(data), _SERVER.verify_key, campaign=_CAMPAIGN)
    assert head == _HEAD, "a head that was never signed is taken"
    return head


def signed_head(data: bytes) -> Head:
    """A head signed whatever it is. BadBundle, or one that is written again as the same bytes."""
    signature = _SERVER.sign(b"casedrop-export-head\0" + data).signature
    whole = member("head.json", data) + member("head.sig", signature) + END
    with suppress(BadBundle):
        assert read_head(io.BytesIO(whole), _SERVER.verify_key, campaign=_CAMPAIGN) is not None
    head = Head.from_bytes(data)
    assert head.to_bytes() == data and head.number > 0
    return head


def export_volume(data: bytes) -> int:
    """A volume's file. BadBundle, or all blocks as they were."""
    found: dict[bytes, bytes] = {}

    def take(block: ListedBlock, content: bytes) -> None:
        found[block.id] = content

    read_volume(io.BytesIO(data), _HEAD, 1, _SERVER.verify_key, take)
    assert found == _BLOCKS, "a block that was never signed is taken"
    return len(found)


_REPLIES = ReplyBundle(
    onion=_ONION,
    campaign=_CAMPAIGN,
    desk=0,
    reviewer=REVIEWER.fingerprint,
    number=1,
    made=NOW.date(),
    expires=NOW.date() + timedelta(days=7),
    keep_until=NOW.date() + timedelta(days=90),
    replies=tuple(SealedReply(bytes([n]) * 16, bytes([n]) * REPLY_BYTES) for n in range(2)),
    acknowledged=(Acknowledged(b"v" * 16, 2, b"h" * 32),),
)


def _read_replies(data: bytes) -> ReplyBundle:
    return read_replies(data, [REVIEWER], onion=_ONION, campaign=_CAMPAIGN, now=NOW)


def reply_bundle(data: bytes) -> ReplyBundle:
    """A whole reply bundle. BadBundle, or the one bundle that was signed."""
    bundle = _read_replies(data)
    assert bundle == _REPLIES, "a bundle that was never signed is taken"
    return bundle


def signed_replies(data: bytes) -> ReplyBundle:
    """A reply bundle's manifest, signed whatever it is.

    BadBundle, or a bundle that is written again as the same bytes.
    """
    content = b"".join(reply.tag + reply.sealed for reply in _REPLIES.replies)
    whole = member("manifest.json", data) + member("manifest.sig", detached(data))
    bundle = _read_replies(whole + member("replies", content) + END)
    assert bundle.manifest() == data and bundle.reviewer == REVIEWER.fingerprint
    return bundle


_WORDS = [b"Infinity", b"NaN", b"1e400", b"[[[[", b"-1", b"true", b'"2026-W48-2"', b'"days":[[']
EXPORT_HEAD = Target(export_head, (BadBundle,), [write_head(_HEAD, _SERVER)], 8_192)
SIGNED_HEAD = Target(signed_head, (BadBundle,), [_BODY], 4_096, words=_WORDS, mutate=mutate_json)
EXPORT_VOLUME = Target(
    export_volume,
    (BadBundle,),
    [b"".join(write_volume(_HEAD, 1, _LISTED, _BLOCKS.__getitem__, _SERVER))],
    140_000,
)
REPLY_BUNDLE = Target(reply_bundle, (BadBundle,), [write_replies(_REPLIES, detached)], 16_384)
SIGNED_REPLIES = Target(
    signed_replies,
    (BadBundle,),
    [_REPLIES.manifest()],
    2_048,
    words=_WORDS,
    mutate=mutate_json,
)


def successor_statement(data: bytes) -> Successor | None:
    """The file beside a vault. SettingsError, or a statement that is written as the same bytes."""
    descriptor = os.memfd_create("successor")
    try:
        os.write(descriptor, data)
        successor = read_successor(Path(f"/proc/self/fd/{descriptor}"))
    finally:
        os.close(descriptor)
    assert successor is not None and _statement(successor) == data
    return successor


def _statement(one: Successor) -> bytes:
    return json.dumps(
        {
            "format": "casedrop successor",
            "lost": one.lost,
            "number": one.number,
            "vault": one.vault.hex(),
            "version": 1,
        },
        separators=(",", ":"),
    ).encode()


SUCCESSOR_STATEMENT = Target(
    successor_statement,
    (SettingsError,),
    [
        _statement(Successor(b"v" * 16, number, lost))
        for number, lost in ((0, "the disk"), (41, "磁盘坏了:\nall since 20 November"))
    ],
    30_000,
    words=[b'"lost":"', b'"number":', b'"version":1', b"\\n", b"\\u202e"],
    mutate=mutate_json,
)
