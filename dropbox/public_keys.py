"""The reviewers' public keys as one file, for somebody who seals a file at home.

It holds only what such a person needs: each reviewer's key with its name, and the one weekly subkey
that the front would use now. Nothing is signed or checked here: gpg at home checks what it imports,
and the person compares the fingerprints.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dropbox.errors import BadPacket, KeysError
from dropbox.packets import PUBLIC_KEY, PUBLIC_SUBKEY, USER_ID, dearmor, parts, subkey_ends
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.system_error import reason_of

# RFC 9580, 6.1: the checksum of an armored block.
_CRC24_START, _CRC24_POLYNOMIAL = 0xB704CE, 0x1864CFB
_LINE_CHARACTERS = 64


@dataclass(frozen=True)
class _Subkey:
    """A subkey with its signatures, and the Unix times between which it is valid."""

    data: bytes
    made: int
    ends: int


@dataclass(frozen=True)
class _Key:
    fingerprint: str
    head: bytes
    subkeys: Sequence[_Subkey]

    def at(self, now: float) -> bytes:
        """The key with the newest of the subkeys that are valid *now*, if there is one."""
        valid = [subkey for subkey in self.subkeys if subkey.made <= now < subkey.ends]
        newest = max(valid, key=lambda subkey: subkey.made, default=None)
        return self.head + (newest.data if newest else b"")


class PublicKeys:
    """The pinned keys in the order of their pins."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys = keys

    @classmethod
    def load(cls, folder: Path) -> "PublicKeys":
        """The keys in *folder*. Raises KeysError naming the file."""
        names = read_pins(folder)
        found = []
        for key in read_pinned_keys(folder):
            name = names[key.fingerprint]
            try:
                found.append(_key(key.fingerprint, dearmor((folder / name).read_bytes())))
            except (OSError, BadPacket) as why:
                raise KeysError(f"{name} in {folder} cannot be used: {reason_of(why)}") from None
        return cls(found)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprints of the primary keys, 40 capital hex digits each."""
        return tuple(key.fingerprint for key in self._keys)

    def armored(self, now: float) -> bytes:
        """The file as it is at the Unix time *now*."""
        return _armored(b"".join(key.at(now) for key in self._keys))


def _key(fingerprint: str, data: bytes) -> _Key:
    head, subkeys = bytearray(), list[_Subkey]()
    for part in parts(data):
        raw = data[part[0].start : part[-1].end]
        if part[0].tag in (PUBLIC_KEY, USER_ID):
            head += raw
        elif part[0].tag == PUBLIC_SUBKEY:
            made = int.from_bytes(part[0].body[1:5], "big")
            subkeys.append(_Subkey(raw, made, subkey_ends(part)))
    return _Key(fingerprint, bytes(head), tuple(subkeys))


def _armored(data: bytes) -> bytes:
    text = b64encode(data)
    lines = [text[at : at + _LINE_CHARACTERS] for at in range(0, len(text), _LINE_CHARACTERS)]
    kind = b"PGP PUBLIC KEY BLOCK-----"
    checksum = b"=" + b64encode(_crc24(data).to_bytes(3, "big"))
    return b"\n".join((b"-----BEGIN " + kind, b"", *lines, checksum, b"-----END " + kind, b""))


def _crc24(data: bytes) -> int:
    crc = _CRC24_START
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= _CRC24_POLYNOMIAL
    return crc
