"""Reading OpenPGP packets (RFC 9580 and gpg's older forms): recipients, keys, signatures.

Nothing here encrypts or decrypts. The front checks whom a fresh ciphertext is really addressed to,
and the desk finds the end of a message in its block, with the same reader; the vault, which has no
gpg, verifies a reviewer's signature with libsodium. Input is untrusted; no loop runs longer than
the input.
"""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dropbox.errors import BadPacket, KeysError
from dropbox.sizes import MAX_REVIEWERS

PKESK, SIGNATURE, PUBLIC_KEY, USER_ID, PUBLIC_SUBKEY, SEALED_DATA = 1, 2, 6, 13, 14, 18
# Tags above 15 exist only in the new header format, so sealed data always begins with this byte.
_SEALED_DATA_HEADER = 0xC0 | SEALED_DATA
# A PKESK packet is accepted with a length of one byte, in the old and the new format: for a cv25519
# key and AES-256 it has 94 bytes. Its version is the one that gpg writes for keys of version 4.
_PKESK_HEADERS = (0x84, 0xC0 | PKESK)
_PKESK_3, _SEIPD_1 = 3, 1
_LEAST_RECIPIENT_BYTES, _MAX_RECIPIENT_BYTES = 10, 94
# A new-format length begins with one of these if it is that of a part, or has four bytes.
_PARTIAL, _FOUR_BYTES = 224, 255
_HIDDEN = "0" * 16  # the key id of a recipient who is not named
_NO_RECIPIENTS = "The ciphertext does not start with its recipients."
_ED25519_LEGACY, _ECDH = 22, 18
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


def _length(data: bytes, at: int) -> tuple[int, int, bool]:
    """A new-format length at *at*: (body length, offset after it, whether more parts follow)."""
    first = data[at]
    if first < 192:
        return first, at + 1, False
    if first < _PARTIAL:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2, False
    if first < _FOUR_BYTES:
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
        length, at, more = _length(data, at)
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


class SealedMessage:
    """A sealed message, read piece by piece as it arrives.

    Accepts exactly this: one PKESK packet of version 3 for each recipient, then one packet of
    sealed data with integrity protection (SEIPD of version 1), and nothing before, between or
    behind them. ``recipients`` are key ids (16 upper-case hex digits) in order; they are complete
    once ``sealed`` is true. ``length`` counts the bytes of the message read so far; it is the
    message's length once ``ended`` is true.
    """

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.sealed = self.ended = False
        self.length = 0
        # A packet's header and what is checked behind it: at most one recipient's packet.
        self._head = bytearray()
        self._left = 0  # bytes of sealed data up to the next length
        self._last_part = self._versioned = False

    def take(self, data: bytes | memoryview) -> int:
        """Read on, and return how many bytes of *data* belong to the message. Raises BadPacket."""
        at = 0
        while at < len(data) and not self.ended:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                self.ended = self._last_part and not self._left
            elif self._versioned and not self._head and _PARTIAL <= data[at] < _FOUR_BYTES:
                # What _begin_part would do, only faster: a large message has thousands of parts.
                self._left = 1 << (data[at] & 0x1F)
                at += 1
            else:
                step = min(self._wanted(), len(data) - at)
                self._head += data[at : at + step]
                at += step
                self._read_head()
        self.length += at
        return at

    def _wanted(self) -> int:
        """How many bytes to read before :meth:`_read_head`: a recipient's packet is read whole."""
        if self.sealed or len(self._head) < 2:
            return 1
        # Its length was checked when it was read.
        return 2 + self._head[1] - len(self._head)

    def _read_head(self) -> None:
        if self._versioned:
            self._begin_part(self._head)
        elif self.sealed:
            self._begin_sealed_data()
        elif len(self._head) == 1 and self._head[0] == _SEALED_DATA_HEADER and self.recipients:
            self.sealed = True
            self._head.clear()
        else:
            self._read_recipient()

    def _read_recipient(self) -> None:
        head = self._head
        if head[0] not in _PKESK_HEADERS or len(self.recipients) == MAX_REVIEWERS:
            # A passphrase, or a key of a later version, would otherwise open the message unseen.
            raise BadPacket(_NO_RECIPIENTS)
        if len(head) < 2:
            return
        if not _LEAST_RECIPIENT_BYTES <= head[1] <= _MAX_RECIPIENT_BYTES:
            raise BadPacket(_NO_RECIPIENTS)
        if len(head) < 2 + head[1]:
            return
        key_id = head[3:11].hex().upper()
        if (
            head[2] != _PKESK_3
            or head[11] != _ECDH
            or key_id == _HIDDEN
            or key_id in self.recipients
        ):
            raise BadPacket(_NO_RECIPIENTS)
        self.recipients.append(key_id)
        head.clear()

    def _begin_sealed_data(self) -> None:
        # The first length, then the version, which is the first byte of the data.
        body = _complete_length(self._head)
        if body is None or len(self._head) == body[1]:
            return
        if body[0] < 1 or self._head[body[1]] != _SEIPD_1:
            raise BadPacket("The sealed data has no integrity protection.")
        self._versioned = True
        self._begin_part(self._head)
        self._left -= 1
        self.ended = self._last_part and not self._left

    def _begin_part(self, head: bytearray) -> None:
        body = _complete_length(head)
        if body is None:
            return
        self._left, _, more = body
        self._last_part = not more
        self.ended = self._last_part and not self._left
        self._head.clear()


def _complete_length(head: bytearray) -> tuple[int, int, bool] | None:
    """The new-format length at the start of *head*, as :func:`_length`; None if more must come."""
    try:
        found = _length(bytes(head), 0)
    except IndexError:
        return None
    return found if found[1] <= len(head) else None


def recipients(head: bytes) -> list[str]:
    """The key ids (16 upper-case hex digits) of the recipients of a sealed message, in order.

    *head* must contain them all; the sealed data after them may be cut off. Raises BadPacket if no
    sealed data follows.
    """
    message = SealedMessage()
    message.take(head)
    if not message.sealed:
        raise BadPacket(_NO_RECIPIENTS)
    return message.recipients


def message_length(block: bytes | memoryview) -> int:
    """The length in bytes of the sealed message at the start of *block*.

    Raises BadPacket unless a whole message is there; whatever follows it is not read.
    """
    message = SealedMessage()
    message.take(block)
    if not message.ended:
        raise BadPacket("This block does not start with a whole sealed message.")
    return message.length


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


def read_pins(keys: Path) -> dict[str, str]:
    """The pin file ``FINGERPRINTS`` in *keys*, as {fingerprint: file name}.

    Raises KeysError with the line.
    """
    pins: dict[str, str] = {}
    try:
        lines = (keys / "FINGERPRINTS").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise KeysError(
            f"There is no readable FINGERPRINTS file in {keys}; the key ceremony creates it."
        ) from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fingerprint, _, name = line.partition(" ")
        if (
            len(fingerprint) != 40
            or set(fingerprint) - set("0123456789ABCDEF")
            or not name.strip()
            or Path(name.strip()).name != name.strip()
        ):
            raise KeysError(
                f"FINGERPRINTS, line {number}: not a fingerprint (40 capital hex digits) "
                "followed by a file name."
            )
        if fingerprint in pins or name.strip() in pins.values():
            raise KeysError(f"FINGERPRINTS, line {number}: this key or file is pinned twice.")
        pins[fingerprint] = name.strip()
    if not pins:
        raise KeysError(f"FINGERPRINTS in {keys} lists no key; nothing could be sealed.")
    return pins


def last_second(data: bytes) -> int:
    """The Unix time when the last encryption subkey in a binary key file expires; 0 if none does.

    Signatures are not verified: this is only for a notice to the operator, and gpg decides which
    keys to use. Raises BadPacket.
    """
    return max(map(subkey_ends, parts(data)), default=0)


def parts(data: bytes) -> Iterator[list[Packet]]:
    """Each key, name or subkey of a binary key file with the signatures behind it.

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
    """The Unix time when an encryption subkey expires, with its signatures, as :func:`parts` gives.

    0 for one that is revoked or never expires, and for what is no such subkey. Raises BadPacket.
    """
    body, ends = part[0].body, 0
    # version 4, creation time, algorithm
    if part[0].tag != PUBLIC_SUBKEY or body[:1] != b"\x04" or body[5:6] != bytes([_ECDH]):
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


def last_day(keys: Path) -> date:
    """The last UTC day on which every pinned key in *keys* has a valid encryption subkey.

    Raises KeysError, naming the file, like :func:`read_pinned_keys`.
    """
    ends = []
    for name in read_pins(keys).values():
        try:
            ends.append(last_second(dearmor((keys / name).read_bytes())))
        except (OSError, BadPacket) as why:
            raise KeysError(f"{name} in {keys} cannot be used: {why}") from None
    return datetime.fromtimestamp(max(min(ends) - 1, 0), UTC).date()


def read_pinned_keys(keys: Path) -> tuple[PublicKey, ...]:
    """The pinned reviewers' signing keys in *keys*.

    Raises KeysError naming the file that does not match.
    """
    pins = read_pins(keys)
    unpinned = sorted({file.name for file in keys.glob("*.asc")} - set(pins.values()))
    if unpinned:
        raise KeysError(f"{unpinned[0]} in {keys} is not pinned in FINGERPRINTS.")
    read = []
    for fingerprint, name in pins.items():
        try:
            key = PublicKey.read(dearmor((keys / name).read_bytes()))
        except (OSError, BadPacket) as why:
            raise KeysError(f"{name} in {keys} cannot be used: {why}") from None
        if key.fingerprint != fingerprint:
            raise KeysError(
                f"{name} in {keys} is not the pinned key: its fingerprint is {key.fingerprint}."
            )
        read.append(key)
    return tuple(read)


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
            length, at, _ = _length(area, at)
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
