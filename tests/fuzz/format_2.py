"""Targets: the payload of a block, a day key's record, weekly HPKE keys, replies of version 2."""

from base64 import b64encode
from datetime import date, timedelta

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as aead_seal
from nacl.public import PrivateKey, PublicKey, SealedBox

from dropbox.block import PAYLOAD_BYTES, Opened, open_block, seal_block
from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import BadDayKey, BadReply, CannotOpen, KeysError
from dropbox.hpke import SecretKey
from dropbox.padding import pad
from dropbox.reply import Reply, open_reply, seal_reply
from dropbox.sizes import REPLY_BYTES
from dropbox.weekly_hpke import ReviewerWeeks, Week
from fuzz.mutation import mutate_json
from fuzz.target import Target

_DAY = date(2026, 11, 25)
_SECRETS = [SecretKey(bytes([number]) * 96) for number in range(3)]
_KEY, _NONCE, _SYMMETRIC = PrivateKey(b"k" * 32), b"n" * 24, b"s" * 32


def block_payload(data: bytes) -> Opened:
    """What a block's payload begins and ends with, sealed.

    CannotOpen, or what this version would seal.
    """
    start, _, end = data.partition(b"|")
    payload = start[:PAYLOAD_BYTES] + end.rjust(PAYLOAD_BYTES - len(start), b"\0")
    sealed = aead_seal(payload[:PAYLOAD_BYTES], b"casedrop block 2", _NONCE, bytes(32))
    opened = open_block(_NONCE + sealed, [bytes(32)])
    assert open_block(seal_block(opened.kind, opened.content, bytes(32)), [bytes(32)]) == opened
    return opened


BLOCK_PAYLOAD = Target(
    block_payload,
    (CannotOpen,),
    [b"\x01message\x80|", b"\x00\x80|", b"\x03\x01" + b"i" * 48 + b"\x80|", b"\x02|cut\x80"],
    400,
)


def day_key_record(data: bytes) -> DayKeyRecord:
    """BadDayKey, or a record that is written as the same bytes."""
    record = DayKeyRecord.from_bytes(data)
    assert record.to_bytes() == data
    return record


DAY_KEY_RECORD = Target(
    day_key_record,
    (BadDayKey,),
    [
        DayKey(bytes(16), _DAY, bytes(32)).seal([one.public for one in some]).to_bytes()
        for some in (_SECRETS[:1], _SECRETS)
    ],
    6_000,
)

_WEEKS = [
    Week(_DAY + timedelta(weeks=number), secret.public) for number, secret in enumerate(_SECRETS)
]


def weekly_file(data: bytes) -> ReviewerWeeks:
    """KeysError, or weeks that are written as the same bytes."""
    weeks = ReviewerWeeks.from_bytes(data)
    assert weeks.to_bytes() == data
    weeks.current(_DAY)
    return weeks


WEEKLY_FILE = Target(
    weekly_file,
    (KeysError,),
    [ReviewerWeeks("A" * 40, tuple(some)).to_bytes() for some in (_WEEKS[:1], _WEEKS, [])],
    8_000,
    words=[
        b'"start":"2026-11-25"',
        b'"key":"' + b64encode(_SECRETS[0].public.raw) + b'"',
        b'"format":',
        b'"version":1',
    ],
    mutate=mutate_json,
)

_ROOM = REPLY_BYTES - 48 - 40
_REPLIES = [
    Reply("answer", "zh-Hans", date(2026, 11, 24), "谢谢您的报告。"),
    Reply("acknowledgement", "en", date(2026, 1, 2), ""),
]
_PLAIN = [
    (
        f'{{"day":"{one.day}","kind":"{one.kind}","language":"{one.language}",'
        f'"text":"{one.text}","version":2}}'
    ).encode()
    for one in _REPLIES
]


def _opened(sealed: bytes) -> Reply:
    return open_reply(sealed, bytes(_KEY), reply_symmetric=_SYMMETRIC)


def reply_of_version_2(data: bytes) -> Reply:
    """A reply's bytes, sealed. BadReply, or a reply that a page can show."""
    box = SealedBox(PublicKey(bytes(_KEY.public_key))).encrypt(pad(data[: _ROOM - 1], _ROOM))
    read = _opened(_NONCE + aead_seal(bytes(box), b"casedrop reply 2", _NONCE, _SYMMETRIC))
    read.text.encode("utf-8")
    return read


def sealed_reply_of_version_2(data: bytes) -> Reply:
    """A reply from the vault. BadReply, or one of those sealed to the case: nothing else opens."""
    read = _opened(data)
    assert read in _REPLIES
    return read


REPLY_OF_VERSION_2 = Target(
    reply_of_version_2,
    (BadReply,),
    _PLAIN,
    4_096,
    words=[b'"day":"', b'"kind":"answer"', b'"version":2'],
    mutate=mutate_json,
)
SEALED_REPLY_OF_VERSION_2 = Target(
    sealed_reply_of_version_2,
    (BadReply,),
    [
        seal_reply(one, bytes(_KEY.public_key), reply_symmetric=symmetric)
        for one in _REPLIES
        for symmetric in (None, _SYMMETRIC)
    ],
    5_000,
)
