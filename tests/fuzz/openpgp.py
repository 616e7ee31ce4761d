"""OpenPGP packets: recipients, a message's end, keys, signatures, also odd signed ones."""

import json
from datetime import UTC, datetime
from hashlib import md5, sha1, sha224, sha256, sha384, sha512
from pathlib import Path

from nacl.signing import SigningKey

from dropbox.errors import BadPacket
from dropbox.packets import PublicKey, dearmor, last_second, verify_detached
from dropbox.sealed_message import SealedMessage, message_length, recipients
from dropbox.sizes import MAX_REVIEWERS
from fuzz.target import Target

NOW = datetime(2026, 11, 24, tzinfo=UTC)
_VECTOR = json.loads(
    (Path(__file__).parent.parent / "vectors" / "openpgp" / "signature_01_good.json").read_text(
        "utf-8"
    ),
)
_ED25519 = bytes([9]) + bytes.fromhex("2b06010401da470f01") + b"\x01\x07\x40"

# What gpg writes: old headers for two recipients, then sealed data in parts.
_PKESK = b"\x84\x5e\x03" + bytes(range(8)) + b"\x12" + bytes(84)
_OTHER_PKESK = _PKESK[:3] + bytes(range(8, 16)) + _PKESK[11:]
_DATA = b"\xd2" + b"\xe9\x01" + bytes(511) + b"\x10" + bytes(16)
_MESSAGES = [
    _PKESK + _OTHER_PKESK + _DATA,
    _PKESK + b"\xd2\x20\x01" + bytes(31),
    b"\xc1\x5e" + _PKESK[2:] + b"\xd2\xff\0\0\0\x04\x01" + bytes(3),
]
_HEADERS = [
    b"\x84\x5e\x03",
    b"\x85\x00\x5e",
    b"\x86",
    b"\x87",
    b"\xc1",
    b"\xd2",
    b"\xe0",
    b"\xfe",
    b"\xff\xff\xff\xff\xff",
    b"\xc0\x10",
]


def whom_a_message_is_for(data: bytes) -> list[str]:
    """The head of a ciphertext.

    BadPacket, or key ids of 16 capital hex digits that are in the ciphertext.
    """
    found = recipients(data)
    assert all(
        len(key) == 16 and bytes.fromhex(key) in data and key == key.upper() for key in found
    )
    return found


def where_a_message_ends(data: bytes) -> int:
    """A block. BadPacket, or a length within it, whatever follows after that."""
    length = message_length(data)
    assert 0 < length <= len(data) and message_length(data[:length]) == length
    assert message_length(data[:length] + b"\xd2\x01\0") == length
    return length


def message_in_pieces(data: bytes) -> int:
    """A block, read in pieces whose size is its first byte. BadPacket, or the same as at once."""
    size, block = (data[0] or 1, data[1:]) if data else (1, b"")
    message, at = SealedMessage(), 0
    while at < len(block) and not message.ended:
        taken = message.take(block[at : at + size])
        assert taken == len(block[at : at + size]) or message.ended
        at += taken
    assert message.length == at and len(message.recipients) <= MAX_REVIEWERS
    if not message.ended:
        raise BadPacket
    assert at == message_length(block) and message.recipients == recipients(block)
    return at


WHOM = Target(whom_a_message_is_for, (BadPacket,), _MESSAGES, 4_096, words=_HEADERS)
WHERE = Target(
    where_a_message_ends,
    (BadPacket,),
    [m + b"\xff\0" * 20 for m in _MESSAGES],
    8_192,
    words=_HEADERS,
)


PIECES = Target(
    message_in_pieces,
    (BadPacket,),
    [bytes([size]) + m + b"\xff\0" for m in _MESSAGES for size in (1, 95)],
    8_192,
    words=_HEADERS,
)


def public_key(data: bytes) -> PublicKey:
    """A binary key file.

    BadPacket, or one key with a fingerprint of 40 capital hex digits and 32 bytes, and its end.
    """
    key = PublicKey.read(data)
    assert 0 <= last_second(data) < 2**33
    assert len(key.fingerprint) == 40 and len(key.ed25519) == 32 and key.ed25519 in data
    return key


def armored_key(data: bytes) -> PublicKey:
    """A key file as reviewers publish it. BadPacket, or one key."""
    return public_key(dearmor(data))


_ARMORED = _VECTOR["public_key"].encode()
PUBLIC_KEY = Target(
    public_key,
    (BadPacket,),
    [dearmor(_ARMORED), dearmor(_ARMORED)[:53]],
    1_024,
    words=[_ED25519, *_HEADERS],
)
ARMORED_KEY = Target(
    armored_key,
    (BadPacket,),
    [_ARMORED, _ARMORED.replace(b"\n", b"\r\n")],
    2_048,
    words=[b"-----END PGP", b"=\n\n"],
)

SIGNER = SigningKey(b"f" * 32)
# By their OpenPGP numbers; those too weak for a signature are here so that only that is a reason to
# refuse.
_HASHES = {1: md5, 2: sha1, 8: sha256, 9: sha384, 10: sha512, 11: sha224}


def _old_packet(tag: int, body: bytes) -> bytes:
    return bytes([0x81 | tag << 2]) + len(body).to_bytes(2, "big") + body


def reviewer_of(signer: SigningKey) -> PublicKey:
    """The reviewer whose primary key is *signer*."""
    return PublicKey.read(
        _old_packet(6, b"\x04" + bytes(4) + b"\x16" + _ED25519 + bytes(signer.verify_key))
    )


def _issuer(reviewer: PublicKey) -> bytes:
    return b"\x16\x21\x04" + bytes.fromhex(reviewer.fingerprint)


REVIEWER = reviewer_of(SIGNER)
_ISSUER = _issuer(REVIEWER)
_MADE = b"\x05\x02" + int(NOW.timestamp() - 60).to_bytes(4, "big")
FIELDS = _ISSUER + _MADE


def signed_by(signer: SigningKey, data: bytes) -> bytes:
    """A signature packet of *signer* over *data*."""
    return detached(data, _issuer(reviewer_of(signer)) + _MADE, signer=signer)


def detached(
    data: bytes, fields: bytes = FIELDS, hash_name: int = 8, signer: SigningKey = SIGNER
) -> bytes:
    """*signer*'s signature packet over *data*, with *fields* in its signed part, in gpg's form."""
    signed = bytes([4, 0, 22, hash_name]) + len(fields).to_bytes(2, "big") + fields
    digest = _HASHES.get(hash_name, sha512)(
        data + signed + b"\x04\xff" + len(signed).to_bytes(4, "big")
    )
    pair = signer.sign(digest.digest()).signature
    numbers = b"".join(_number(pair[at : at + 32]) for at in (0, 32))
    return _old_packet(2, signed + b"\0\0" + digest.digest()[:2] + numbers)


def _number(value: bytes) -> bytes:
    bits = int.from_bytes(value, "big").bit_length()
    return bits.to_bytes(2, "big") + value.lstrip(b"\0")


_SIGNED = b"data"


def signature(data: bytes) -> PublicKey:
    """A detached signature of a text.

    BadPacket, or the reviewer, if its signed part really was signed.
    """
    key = verify_detached(_SIGNED, data, (REVIEWER,), NOW)
    assert key == REVIEWER and FIELDS in data, "a signature that was never made holds"
    return key


def signed_fields(data: bytes) -> PublicKey:
    """The hash number and the signed fields of a valid signature. BadPacket, or the reviewer."""
    key = verify_detached(
        _SIGNED, detached(_SIGNED, data[1:], data[0] if data else 8), (REVIEWER,), NOW
    )
    assert key == REVIEWER and bytes.fromhex(REVIEWER.fingerprint) in data
    return key


SIGNATURE = Target(
    signature,
    (BadPacket,),
    [detached(_SIGNED), detached(_SIGNED, hash_name=10)],
    1_024,
    words=[_ISSUER, *_HEADERS],
)
SIGNED_FIELDS = Target(
    signed_fields,
    (BadPacket,),
    [b"\x08" + FIELDS, b"\x0a" + FIELDS[23:] + _ISSUER, b"\x02" + FIELDS],
    1_024,
    words=[_ISSUER, b"\x05\x02", b"\xff\0\0"],
)
