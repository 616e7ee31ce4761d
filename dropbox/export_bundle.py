"""Export bundles, from the vault to the desk: everything that is not acknowledged yet.

A bundle is a head and any number of volumes, each a file of its own, so that a pull can go on where
it broke off and no file outgrows a stick. The head is signed by the server and names all the rest:
the vault, the heads before it, the days and their slots, the sealed day keys, and the SHA-256 of
each volume's index. A volume holds its index, the blocks, and a signed trailer with those blocks
that were deleted while they were being read. All blocks have BLOCK_BYTES and look random, so a
bundle shows whoever carries it whole quanta of slots a day and nothing else.

Reads are bounded: no part can be larger than the limits below, whatever a file says.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from dropbox import canonical_json
from dropbox.canonical_json import hex_bytes, whole_number
from dropbox.errors import BadBundle
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.tar_members import END, Members, member, member_header

VERSION = 2
_HEAD, _TRAILER = "casedrop-export-head", "casedrop-export-trailer"
# 256 MiB of blocks: any file system takes such a file, and over Tor at most a minute's work is
# lost.
VOLUME_BLOCKS = 4_096
VAULT_BYTES = SALT_BYTES = 16
# Pulls without an acknowledgement: enough for years of weekly ones. Older heads are no longer
# listed.
MAX_HISTORY = 1_000
# The day keys make up nearly all of a head: 16 reviewers, 90 days, ten starts of the front a day
# are 17 MB.
HEAD_BYTES = 64 * 2**20
BUNDLE_PREFIX, HEAD_NAME = "casedrop-export-", "head.tar"
_SIGNATURE_BYTES = 64
_DIGEST_BYTES = 32
_DAY_BYTES = 4
_RECORD_BYTES = ID_BYTES + _DIGEST_BYTES + _DAY_BYTES
# A block takes 104 characters in the trailer; the rest are the names and headers of four members.
_TRAILER_RECORD_BYTES, _REST_BYTES = 128, 16_384
_EPOCH = date(1970, 1, 1)
# Reply bundles listed for each desk and reviewer, so that a desk sees what arrived: a year of
# weekly ones.
MAX_TAKEN = 64
# Why a day left the vault.
ACKNOWLEDGED, EXPIRED = "acknowledged", "expired"
# What the operator says about a lost vault is shown to the reviewers.
LOST_CHARACTERS = 2_000


class ListedBlock(NamedTuple):
    """An index's entry for a slot: its id, the SHA-256 of its bytes, and its UTC day."""

    id: bytes
    sha256: bytes
    day: date


class HeldDay(NamedTuple):
    """A day in the bundle and its number of slots. A closed day takes no more reports."""

    day: date
    slots: int
    closed: bool


class GoneDay(NamedTuple):
    """A day that left the vault as a whole: how many slots it had, and why it left."""

    day: date
    slots: int
    reason: str  # ACKNOWLEDGED or EXPIRED


class Volume(NamedTuple):
    """A volume's number of blocks and the SHA-256 of its index."""

    blocks: int
    sha256: bytes


class Successor(NamedTuple):
    """The operator's statement that this vault takes the place of a lost one.

    *vault* and *number*: the lost vault's id and the number of its last bundle that was pulled.
    *lost*: what was lost, in the operator's words, at most LOST_CHARACTERS.
    """

    vault: bytes
    number: int
    lost: str


class AcceptedReplies(NamedTuple):
    """A reply bundle that the vault took from a desk and reviewer."""

    desk: int
    reviewer: str  # 40 upper-case hex digits
    number: int


@dataclass(frozen=True)
class Head:
    """Everything that the server says and signs about bundle *number* (from 1) of a vault.

    ``history``: (number, SHA-256) of the heads before this one, oldest first; those that the desk
    acknowledged before its newest acknowledgement are left out. ``salt``: random SALT_BYTES;
    without them somebody with the disk could compute the head's hash, which the vault keeps, and so
    find out whether anything has changed since. ``day_keys``: sealed records of dropbox.day_key.
    ``replies``: the newest MAX_TAKEN reply bundles of each desk and reviewer that the vault took;
    vaults whose file is older than version 4 name only the newest one.
    """

    vault: bytes
    onion: str
    campaign: str
    number: int
    salt: bytes
    history: tuple[tuple[int, bytes], ...]
    days: tuple[HeldDay, ...]
    gone: tuple[GoneDay, ...]
    day_keys: tuple[bytes, ...]
    replies: tuple[AcceptedReplies, ...]
    volumes: tuple[Volume, ...]
    successor: Successor | None = None

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical_json.encode(
            {
                "format": _HEAD,
                "version": VERSION,
                "vault": self.vault.hex(),
                "onion": self.onion,
                "campaign": self.campaign,
                "number": self.number,
                "salt": self.salt.hex(),
                "history": [[number, digest.hex()] for number, digest in self.history],
                "days": [[held.day.isoformat(), held.slots, held.closed] for held in self.days],
                "gone": [[gone.day.isoformat(), gone.slots, gone.reason] for gone in self.gone],
                "day_keys": [b64encode(record).decode("ascii") for record in self.day_keys],
                "replies": [list(accepted) for accepted in self.replies],
                "volumes": [[volume.blocks, volume.sha256.hex()] for volume in self.volumes],
                "successor": None
                if self.successor is None
                else [self.successor.vault.hex(), self.successor.number, self.successor.lost],
            },
            ascii_only=True,
        )

    @property
    def digest(self) -> bytes:
        """The SHA-256 by which later heads and acknowledgements name this one."""
        return hashlib.sha256(self.to_bytes()).digest()

    @property
    def blocks(self) -> int:
        """How many blocks the volumes hold."""
        return sum(volume.blocks for volume in self.volumes)

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> "Head":
        """The head of :meth:`to_bytes`. Raises BadBundle for anything else."""
        body = _body(untrusted, _HEAD)
        try:
            successor = body["successor"]
            head = cls(
                vault=hex_bytes(body["vault"], VAULT_BYTES),
                onion=str(body["onion"]),
                campaign=str(body["campaign"]),
                number=whole_number(body["number"]),
                salt=hex_bytes(body["salt"], SALT_BYTES),
                history=tuple(
                    (whole_number(number), hex_bytes(digest, _DIGEST_BYTES))
                    for number, digest in body["history"]
                ),
                days=tuple(
                    HeldDay(date.fromisoformat(day), whole_number(slots), bool(closed))
                    for day, slots, closed in body["days"]
                ),
                gone=tuple(
                    GoneDay(date.fromisoformat(day), whole_number(slots), str(reason))
                    for day, slots, reason in body["gone"]
                ),
                day_keys=tuple(b64decode(record, validate=True) for record in body["day_keys"]),
                replies=tuple(
                    AcceptedReplies(
                        whole_number(desk, least=0), str(reviewer), whole_number(number)
                    )
                    for desk, reviewer, number in body["replies"]
                ),
                volumes=tuple(
                    Volume(whole_number(blocks), hex_bytes(digest, _DIGEST_BYTES))
                    for blocks, digest in body["volumes"]
                ),
                successor=None
                if successor is None
                else Successor(
                    hex_bytes(successor[0], VAULT_BYTES),
                    whole_number(successor[1], least=0),
                    str(successor[2]),
                ),
            )
            head._check()
            same = head.to_bytes() == untrusted
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise BadBundle("The bundle's head is damaged.") from None
        if not same:
            raise BadBundle("The bundle's head is not one that this version writes.")
        return head

    def _check(self) -> None:
        """Raise ValueError unless all lists are sorted, without repeats, and fit each other."""
        numbers = [number for number, _ in self.history]
        days = [held.day for held in self.days]
        gone = [one.day for one in self.gone]
        if (
            not (_ascending(numbers) and _ascending(days) and _ascending(gone))
            or len(numbers) > MAX_HISTORY
            or (numbers and numbers[-1] >= self.number)
            or set(days) & set(gone)
            or any(one.reason not in (ACKNOWLEDGED, EXPIRED) for one in self.gone)
            or any(volume.blocks > VOLUME_BLOCKS for volume in self.volumes)
            or self.blocks != sum(held.slots for held in self.days)
            or (self.successor and len(self.successor.lost) > LOST_CHARACTERS)
        ):
            raise ValueError


def _body(untrusted: bytes, kind: str) -> dict[str, Any]:
    try:
        body = json.loads(untrusted)
    except (ValueError, RecursionError):
        raise BadBundle("The bundle's head is damaged.") from None
    if not isinstance(body, dict) or body.get("format") != kind:
        raise BadBundle(f"This is not a {kind}.")
    if body.get("version") != VERSION:
        raise BadBundle("The bundle was written by another version of Casedrop.")
    return body


def _ascending(values: Sequence[Any]) -> bool:
    """Whether each value is greater than the one before."""
    return all(first < second for first, second in pairwise(values))


def _signed(kind: str, body: bytes) -> bytes:
    """What the export key signs: the kind first, so that no other signature of it can match."""
    return kind.encode("ascii") + b"\0" + body


def _verify(key: VerifyKey, kind: str, body: bytes, signature: bytes) -> None:
    try:
        key.verify(_signed(kind, body), signature)
    except (BadSignatureError, ValueError):
        raise BadBundle(
            "The bundle's signature is not by this drop's server, or the bundle was altered."
        ) from None


def in_volumes(blocks: Iterable[ListedBlock]) -> list[tuple[ListedBlock, ...]]:
    """*blocks* by id, cut into volumes. Ids are random, so the order reveals nothing."""
    ordered = sorted(blocks)
    return [tuple(ordered[at : at + VOLUME_BLOCKS]) for at in range(0, len(ordered), VOLUME_BLOCKS)]


def index_of(blocks: Sequence[ListedBlock]) -> bytes:
    """The index of a volume: for each block its id, SHA-256 and day, 52 bytes."""
    return b"".join(
        block.id + block.sha256 + (block.day - _EPOCH).days.to_bytes(_DAY_BYTES, "big")
        for block in blocks
    )


def volume_of(blocks: Sequence[ListedBlock]) -> Volume:
    """The head's entry for a volume of *blocks*."""
    return volume_with(index_of(blocks))


def volume_with(index: bytes) -> Volume:
    """The head's entry for the volume with that index."""
    return Volume(len(index) // _RECORD_BYTES, hashlib.sha256(index).digest())


def read_index(index: bytes) -> tuple[ListedBlock, ...]:
    """The blocks of :func:`index_of`. Raises BadBundle unless they are in order."""
    blocks = []
    for at in range(0, len(index), _RECORD_BYTES):
        record = index[at : at + _RECORD_BYTES]
        days = int.from_bytes(record[-_DAY_BYTES:], "big")
        try:
            day = _EPOCH + timedelta(days)
        except OverflowError:
            raise BadBundle("The index of a volume is damaged.") from None
        blocks.append(ListedBlock(record[:ID_BYTES], record[ID_BYTES:-_DAY_BYTES], day))
    if not _ascending([block.id for block in blocks]):
        raise BadBundle("The index of a volume lists a block twice, or not in order.")
    return tuple(blocks)


def bundle_name(number: int) -> str:
    """The name of the directory of bundle *number*."""
    return f"{BUNDLE_PREFIX}{number:06d}"


def volume_name(position: int) -> str:
    """The name of the file of volume *position* (from 1), beside HEAD_NAME."""
    return f"volume-{position:05d}.tar"


def volume_bytes(volume: Volume) -> int:
    """The most bytes that the file of *volume* can have."""
    return volume.blocks * (BLOCK_BYTES + _RECORD_BYTES + _TRAILER_RECORD_BYTES) + _REST_BYTES


def write_head(head: Head, key: SigningKey) -> bytes:
    """The file of *head*, signed."""
    body = head.to_bytes()
    signature = key.sign(_signed(_HEAD, body)).signature
    return member("head.json", body) + member("head.sig", signature) + END


def read_head(stream: BinaryIO, key: VerifyKey, *, campaign: str) -> Head:
    """The head in *stream*. Raises BadBundle unless the server with *key* signed all of it."""
    members = Members(stream)
    body = members.read("head.json", HEAD_BYTES)
    signature = members.read("head.sig", _SIGNATURE_BYTES)
    members.end()
    _verify(key, _HEAD, body, signature)
    head = Head.from_bytes(body)
    if head.campaign != campaign:
        raise BadBundle("The bundle belongs to another campaign.")
    return head


def _trailer(head: Head, position: int, changed: Sequence[tuple[bytes, bytes]]) -> bytes:
    return canonical_json.encode(
        {
            "format": _TRAILER,
            "version": VERSION,
            "head": head.digest.hex(),
            "volume": position,
            "changed": [[block_id.hex(), digest.hex()] for block_id, digest in changed],
        },
        ascii_only=True,
    )


def write_volume(
    head: Head,
    position: int,
    blocks: Sequence[ListedBlock],
    get_block: Callable[[bytes], bytes],
    key: SigningKey,
) -> Iterator[bytes]:
    """Volume *position* (from 1) of *head* in pieces of at most a block.

    *get_block* gives a block's bytes by id when they are needed. A block that no longer matches
    *blocks* was deleted meanwhile: what took its place is in the volume, and the trailer says so.
    """
    changed = []
    yield member("index", index_of(blocks))
    yield member_header("blocks", BLOCK_BYTES * len(blocks))
    for block in blocks:
        data = get_block(block.id)
        digest = hashlib.sha256(data).digest()
        if digest != block.sha256:
            changed.append((block.id, digest))
        yield data
    trailer = _trailer(head, position, changed)
    yield member("trailer.json", trailer)
    yield member("trailer.sig", key.sign(_signed(_TRAILER, trailer)).signature)
    yield END


def read_volume(
    stream: BinaryIO,
    head: Head,
    position: int,
    key: VerifyKey,
    sink: Callable[[ListedBlock, bytes], None],
) -> None:
    """Check volume *position* (from 1) of *head* and pass each block to *sink*.

    *sink* receives blocks before the trailer is checked; if this raises BadBundle, which names what
    is wrong, the caller discards them all. A ListedBlock has the SHA-256 of the bytes passed with
    it, which differs from the index if the block was deleted during the export.
    """
    expected = head.volumes[position - 1]
    members = Members(stream)
    index = members.read("index", expected.blocks * _RECORD_BYTES)
    if hashlib.sha256(index).digest() != expected.sha256:
        raise BadBundle(f"The index of volume {position} is not the one that the head names.")
    changed = []
    blocks = read_index(index)
    pieces = members.pieces("blocks", BLOCK_BYTES, len(blocks))
    for block, data in zip(blocks, pieces, strict=True):
        digest = hashlib.sha256(data).digest()
        if digest != block.sha256:
            changed.append((block.id, digest))
        sink(block._replace(sha256=digest), data)
    trailer = members.read("trailer.json", HEAD_BYTES)
    signature = members.read("trailer.sig", _SIGNATURE_BYTES)
    members.end()
    _verify(key, _TRAILER, trailer, signature)
    if trailer != _trailer(head, position, changed):
        raise BadBundle(_altered(head, position, changed, trailer))


def _altered(
    head: Head, position: int, changed: Sequence[tuple[bytes, bytes]], trailer: bytes
) -> str:
    """Which blocks differ from what the server signed."""
    body = _body(trailer, _TRAILER)
    if body.get("head") != head.digest.hex() or body.get("volume") != position:
        return f"Volume {position} belongs to another bundle."
    signed = {entry[0]: entry[1] for entry in body.get("changed", [])}
    found = {block_id.hex(): digest.hex() for block_id, digest in changed}
    names = sorted(
        block_id for block_id in found | signed if found.get(block_id) != signed.get(block_id)
    )
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"Altered in volume {position}: {listed}."
