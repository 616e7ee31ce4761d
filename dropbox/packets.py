"""Reading OpenPGP packets (RFC 9580 and gpg's older forms): keys and signatures.

Nothing here encrypts or decrypts. The vault, which has no gpg, verifies a reviewer's signature with
libsodium. Input is untrusted; no loop runs longer than the input.
"""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dropbox.errors import BadPacket

PKESK, SIGNATURE, PUBLIC_KEY, USER_ID, PUBLIC_SUBKEY, SEALED_DATA = 1, 2, 6, 13, 14, 18
# A new-format length begins with one of these if it is the length of a part, or has four bytes.
PARTIAL, FOUR_BYTES = 224, 255
_ED25519_LEGACY, ECDH = 22, 18
_ED25519_OID = bytes.fromhex("2b06010401da470f01")
_HASHES = {8: hashlib.sha256, 9: hashlib.sha384, 10: hashlib.sha512}
_ISSUER_FINGERPRINT, _CREATED, _KEY_LASTS = 33, 2, 9
_BINDS_SUBKEY, _REVOKES_SUBKEY = 0x18, 0x28
_TIME_BYTES = 4
_CLOCK_SKEW = timedelta(days=1)  # the clock of the offline workstation is set by hand


@dataclass(frozen=True)
class Packet:
    """One packet: tag, start and end in the buffer, and body (joined if it was in parts)."""

    tag: int
    start: int
    end: int
    body: bytes


def length_at(data: bytes, at: int) -> tuple[int, int, bool]:
    """A new-format length at *at*: (body length, offset after it, whether more parts follow)."""
    first = data[at]
    if first < 192:
        return first, at + 1, False
    if first < PARTIAL:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2, False
    if first < FOUR_BYTES:
        return 1 << (first & 0x1F), at + 1, True
    return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5, False


def _old_packet(data: bytes, start: int) -> Packet:
    kind = data[start] & 3
    if kind == 3:
        raise BadPacket("A packet of indeterminate length is not accepted.")
    width = 1 << kind
    body = start + 1 + width
    end = body + int.from_bytes(data[start + 1 : body], "big")
    return Packet((data[start] >> 2) & 0x0F, start, end, data[body:end])


def _new_packet(data: bytes, start: int) -> Packet:
    at, more, pieces = start + 1, True, []
    while more:
        length, at, more = length_at(data, at)
        pieces.append(data[at : at + length])
        at += length
    return Packet(data[start] & 0x3F, start, at, b"".join(pieces))


def packets(data: bytes) -> Iterator[Packet]:
    """The packets of *data*, in order; the last may extend past the end. Raises BadPacket."""
    at = 0
    while at < len(data):
        if not data[at] & 0x80:
            raise BadPacket
        try:
            packet = (_new_packet if data[at] & 0x40 else _old_packet)(data, at)
        except IndexError:
            raise BadPacket("A packet is cut off.") from None
        yield packet
        at = packet.end


@dataclass(frozen=True)
class PublicKey:
    """A reviewer's certifying and signing key: 40 upper-case hex digits, and the raw key."""

    fingerprint: str
    ed25519: bytes

    @classmethod
    def read(cls, data: bytes) -> "PublicKey":
        """The primary key of a binary key file.

        Raises BadPacket unless it is a single Ed25519 v4 key.
        """
        found = [packet.body for packet in packets(data) if packet.tag == PUBLIC_KEY]
        if len(found) != 1:
            raise BadPacket(f"The file holds {len(found)} keys instead of one.")
        body = found[0]
        oid = bytes([len(_ED25519_OID)]) + _ED25519_OID
        # version 4, creation time, algorithm, curve, then a 263-bit number: 0x40 and the 32 bytes
        # of the key.
        if (
            body[:1] != b"\x04"
            or body[5:6] != bytes([_ED25519_LEGACY])
            or body[6 : 6 + len(oid)] != oid
        ):
            raise BadPacket("The key is not an Ed25519 key of version 4.")
        number = body[6 + len(oid) :]
        if len(number) != 35 or number[:3] != b"\x01\x07\x40":
            raise BadPacket("The key is not an Ed25519 key of version 4.")
        framed = b"\x99" + len(body).to_bytes(2, "big") + body
        return cls(hashlib.sha1(framed, usedforsecurity=False).hexdigest().upper(), number[3:])


def dearmor(text: bytes) -> bytes:
    """The bytes of an ASCII-armored block. Its checksum is ignored: callers compare fingerprints.

    Raises BadPacket.
    """
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    try:
        start = next(n for n, line in enumerate(lines) if line.startswith(b"-----BEGIN PGP"))
        blank = lines.index(b"", start)
        end = next(
            n for n, line in enumerate(lines) if n > blank and line.startswith(b"-----END PGP")
        )
        body = [line for line in lines[blank + 1 : end] if not line.startswith(b"=")]
        return b64decode(b"".join(body), validate=True)
    except (StopIteration, ValueError, Base64Error):
        raise BadPacket("The file is not an ASCII-armored OpenPGP key.") from None


def last_second(data: bytes) -> int:
    """The Unix time when the last encryption subkey in a binary key file expires; 0 if none does.

    Signatures are not verified: this is only for a notice to the operator, and gpg decides which
    keys to use. Raises BadPacket.
    """
    return max(map(subkey_ends, parts(data)), default=0)


def parts(data: bytes) -> Iterator[list[Packet]]:
    """Each key, name or subkey of a binary key file with the signatures that follow it.

    Raises BadPacket.
    """
    part: list[Packet] = []
    for packet in packets(data):
        if part and packet.tag != SIGNATURE:
            yield part
            part = []
        part.append(packet)
    if part:
        yield part


def subkey_ends(part: Sequence[Packet]) -> int:
    """The Unix time when an encryption subkey expires; *part* is the subkey as :func:`parts` gives
    it.

    0 if it is revoked or never expires, and for anything that is not such a subkey. Raises
    BadPacket.
    """
    body, ends = part[0].body, 0
    # version 4, creation time, algorithm
    if part[0].tag != PUBLIC_SUBKEY or body[:1] != b"\x04" or body[5:6] != bytes([ECDH]):
        return 0
    made = int.from_bytes(body[1:5], "big")
    for signature in (packet.body for packet in part[1:]):
        if signature[:2] == bytes([4, _REVOKES_SUBKEY]):
            return 0
        if signature[:2] == bytes([4, _BINDS_SUBKEY]):
            lasts = _subpackets(signature[6 : 6 + int.from_bytes(signature[4:6], "big")]).get(
                _KEY_LASTS, bytes(_TIME_BYTES)
            )
            if len(lasts) != _TIME_BYTES:
                raise BadPacket("A subkey has no valid expiration time.")
            seconds = int.from_bytes(lasts, "big")
            ends = made + seconds if seconds else 0
    return ends


def verify_detached(
    data: bytes, signature: bytes, keys: tuple[PublicKey, ...], now: datetime
) -> PublicKey:
    """The key in *keys* that made the detached *signature* over *data*.

    Raises BadPacket with the reason. Accepts only what gpg makes with an Ed25519 primary key:
    version 4, type "binary", SHA-2, issuer fingerprint and creation time in the signed part.
    Refuses a signature dated more than a day after *now*.
    """
    body = _only_signature(signature)
    hash_name, hashed, rest = body[3], body[4 : 6 + int.from_bytes(body[4:6], "big")], b""
    rest = body[4 + len(hashed) :]
    fields = _subpackets(hashed[2:])
    key = next(
        (
            k
            for k in keys
            if b"\x04" + bytes.fromhex(k.fingerprint) == fields.get(_ISSUER_FINGERPRINT)
        ),
        None,
    )
    if key is None:
        raise BadPacket("The signature is not by a pinned reviewer.")
    made = fields.get(_CREATED, b"")
    if len(made) != _TIME_BYTES:
        raise BadPacket("The signature does not say when it was made.")
    if datetime.fromtimestamp(int.from_bytes(made, "big"), UTC) > now + _CLOCK_SKEW:
        raise BadPacket("The signature is dated in the future.")
    if hash_name not in _HASHES:
        raise BadPacket("The signature does not use SHA-2.")
    signed = body[:4] + hashed
    digest = _HASHES[hash_name](
        data + signed + b"\x04\xff" + len(signed).to_bytes(4, "big")
    ).digest()
    try:
        VerifyKey(key.ed25519).verify(digest, _ed25519_signature(rest))
    except BadSignatureError:
        raise BadPacket("The signature does not fit the content.") from None
    return key


def _only_signature(signature: bytes) -> bytes:
    found = list(packets(signature))
    if len(found) != 1 or found[0].tag != SIGNATURE or found[0].end != len(signature):
        raise BadPacket("This is not one detached signature.")
    body = found[0].body
    if len(body) < 10 or body[:3] != bytes([4, 0, _ED25519_LEGACY]):
        raise BadPacket("The signature is not of version 4, over binary data, by an Ed25519 key.")
    return body


def _subpackets(area: bytes) -> dict[int, bytes]:
    """The hashed subpackets by type.

    A repeated type is refused: no second value can shadow the first. Raises BadPacket.
    """
    fields: dict[int, bytes] = {}
    at = 0
    try:
        while at < len(area):
            length, at, _ = length_at(area, at)
            kind, value = area[at] & 0x7F, area[at + 1 : at + length]
            if length < 1 or kind in fields or at + length > len(area):
                raise BadPacket("The signature's fields are damaged.")
            fields[kind] = value
            at += length
    except IndexError:
        raise BadPacket("The signature's fields are damaged.") from None
    return fields


def _ed25519_signature(rest: bytes) -> bytes:
    """R and S, 32 bytes each, which follow the unhashed fields and two check bytes.

    Raises BadPacket.
    """
    at = 2 + int.from_bytes(rest[:2], "big") + 2
    numbers = b""
    for _ in range(2):
        size = (int.from_bytes(rest[at : at + 2], "big") + 7) // 8
        number = rest[at + 2 : at + 2 + size]
        if size > 32 or len(number) != size:
            raise BadPacket("The signature's numbers are damaged.")
        numbers += number.rjust(32, b"\0")
        at += 2 + size
    return numbers
