"""Reply bundles, from a desk to the vault: sealed replies, and what the desk has safely stored.

One deterministic tar file, signed by a reviewer's OpenPGP key and bound to one drop, desk and
reviewer. It is accepted whole or not at all. Only an acknowledgement in such a bundle makes the
vault delete what was filed.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any, NamedTuple

from dropbox import canonical_json
from dropbox.canonical_json import hex_bytes, whole_number
from dropbox.errors import BadBundle, BadPacket
from dropbox.packets import PublicKey, verify_detached
from dropbox.sizes import ID_BYTES, REPLY_BYTES
from dropbox.tar_members import END, Members, member

VERSION = 2
_FORMAT = "casedrop-replies"
# Every bundle has a multiple of this many replies (1 MiB), most of them to nobody, to hide the real
# number.
REPLIES_IN_A_BUNDLE = 256
MAX_REPLIES = 4_096
# A desk acknowledges whole bundles, several at once if some were skipped.
MAX_ACKNOWLEDGED = 1_000
# A bundle's number may be at most this much greater than the one before: whoever signs an absurd
# number cannot use up all the numbers that follow. Restored backups skip some hundreds at most.
NUMBER_STEP = 1_000
# How long a bundle can travel, and how long its replies are kept, in days from when it was made.
# The first covers a courier who comes once a quarter, the second a claimant who returns a year on.
MOST_DAYS_TO_EXPIRY, MOST_DAYS_KEPT = 92, 400
# The clock of the offline workstation is set by hand.
CLOCK_SKEW = timedelta(days=1)
_MANIFEST_BYTES = 2**20
_SIGNATURE_BYTES = 4_096
_REPLY_RECORD = ID_BYTES + REPLY_BYTES
# The most that a bundle can have: replies, manifest and signature, and the headers of tar.
MAX_BYTES = MAX_REPLIES * _REPLY_RECORD + _MANIFEST_BYTES + 65_536
_VAULT_BYTES, _DIGEST_BYTES = 16, 32


class SealedReply(NamedTuple):
    """One reply in transit: its tag (ID_BYTES), and REPLY_BYTES that one case can open."""

    tag: bytes
    sealed: bytes


class Acknowledged(NamedTuple):
    """An export bundle from which the desk has stored everything that it could open."""

    vault: bytes
    number: int
    head: bytes  # the SHA-256 of its head


@dataclass(frozen=True)
class ReplyBundle:
    """Bundle *number* (from 1) of a desk and reviewer, for the drop at *onion*.

    ``reviewer`` is the fingerprint of the key that signs. The vault takes the bundle through the
    UTC day ``expires`` and keeps the replies through ``keep_until``.
    """

    onion: str
    campaign: str
    desk: int
    reviewer: str
    number: int
    made: date
    expires: date
    keep_until: date
    replies: tuple[SealedReply, ...]
    acknowledged: tuple[Acknowledged, ...] = ()

    def _content(self) -> bytes:
        return b"".join(reply.tag + reply.sealed for reply in self.replies)

    def manifest(self) -> bytes:
        """What the reviewer signs, in canonical JSON."""
        return canonical_json.encode(
            {
                "format": _FORMAT,
                "version": VERSION,
                "onion": self.onion,
                "campaign": self.campaign,
                "desk": self.desk,
                "reviewer": self.reviewer,
                "number": self.number,
                "made": self.made.isoformat(),
                "expires": self.expires.isoformat(),
                "keep_until": self.keep_until.isoformat(),
                "count": len(self.replies),
                "sha256": hashlib.sha256(self._content()).hexdigest(),
                "acknowledged": [
                    [one.vault.hex(), one.number, one.head.hex()] for one in self.acknowledged
                ],
            },
            ascii_only=True,
        )

    def check_follows(self, last: int | None) -> None:
        """Raise BadBundle unless this can come after bundle *last* of the same desk and reviewer.

        *last* is None before their first.
        """
        if last is not None and self.number <= last:
            raise BadBundle(
                f"Reply bundle {self.number} of desk {self.desk} is not newer than {last}, which "
                "the vault has already accepted."
            )
        if self.number > (last or 0) + NUMBER_STEP:
            raise BadBundle(
                f"Reply bundle {self.number} of desk {self.desk} skips more than {NUMBER_STEP} "
                f"numbers after {last or 0}."
            )


def write_replies(bundle: ReplyBundle, sign: Callable[[bytes], bytes]) -> bytes:
    """The whole bundle. *sign* makes the reviewer's detached OpenPGP signature of its argument."""
    manifest = bundle.manifest()
    return (
        member("manifest.json", manifest)
        + member("manifest.sig", sign(manifest))
        + member("replies", bundle._content())
        + END
    )


def read_replies(
    data: bytes, signers: Sequence[PublicKey], *, onion: str, campaign: str, now: datetime
) -> ReplyBundle:
    """Check a reply bundle against the pinned *signers*. Raises BadBundle naming what is wrong.

    Whether its number follows the one before is :meth:`ReplyBundle.check_follows`.
    """
    members = Members(BytesIO(data))
    body = members.read("manifest.json", _MANIFEST_BYTES)
    signature = members.read("manifest.sig", _SIGNATURE_BYTES)
    try:
        signer = verify_detached(body, signature, tuple(signers), now)
    except BadPacket as why:
        raise BadBundle(f"The reply bundle is refused: {why}") from None
    content = members.read("replies", MAX_REPLIES * _REPLY_RECORD)
    members.end()
    bundle = _bundle(_body(body), content)
    if bundle.manifest() != body:
        raise BadBundle("The replies are not those named in the manifest.")
    if bundle.reviewer != signer.fingerprint:
        raise BadBundle("The reply bundle is signed by another reviewer than it names.")
    if bundle.campaign != campaign:
        raise BadBundle("The reply bundle belongs to another campaign.")
    if bundle.onion != onion:
        raise BadBundle("The reply bundle is for a drop at another onion address.")
    _check_days(bundle, now.astimezone(UTC).date())
    return bundle


def _body(untrusted: bytes) -> dict[str, Any]:
    try:
        body = json.loads(untrusted)
    except (ValueError, RecursionError):
        raise BadBundle("The manifest is damaged.") from None
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        raise BadBundle("This is not a reply bundle.")
    if body.get("version") != VERSION:
        raise BadBundle("The reply bundle was written by another version of Casedrop.")
    return body


def _bundle(body: dict[str, Any], content: bytes) -> ReplyBundle:
    cuts = range(0, len(content), _REPLY_RECORD)
    replies = tuple(
        SealedReply(content[at : at + ID_BYTES], content[at + ID_BYTES : at + _REPLY_RECORD])
        for at in cuts
    )
    if len(content) % _REPLY_RECORD or len({reply.tag for reply in replies}) != len(replies):
        raise BadBundle("The replies are cut off, or one is repeated.")
    try:
        acknowledged = tuple(
            Acknowledged(
                hex_bytes(vault, _VAULT_BYTES), whole_number(number), hex_bytes(head, _DIGEST_BYTES)
            )
            for vault, number, head in body["acknowledged"]
        )
        made, expires, keep_until = (
            date.fromisoformat(body[name]) for name in ("made", "expires", "keep_until")
        )
        bundle = ReplyBundle(
            onion=str(body["onion"]),
            campaign=str(body["campaign"]),
            desk=whole_number(body["desk"], least=0),
            reviewer=str(body["reviewer"]),
            number=whole_number(body["number"]),
            made=made,
            expires=expires,
            keep_until=keep_until,
            replies=replies,
            acknowledged=acknowledged,
        )
    except (KeyError, TypeError, ValueError):
        raise BadBundle("The manifest is damaged.") from None
    if len(acknowledged) > MAX_ACKNOWLEDGED or len(set(acknowledged)) != len(acknowledged):
        raise BadBundle("The acknowledgements are too many, or one is repeated.")
    return bundle


def _check_days(bundle: ReplyBundle, today: date) -> None:
    """Raise BadBundle unless the bundle was made recently and its days are within the limits."""
    if bundle.expires < today:
        raise BadBundle(f"The reply bundle expired on {bundle.expires}.")
    if bundle.made > today + CLOCK_SKEW:
        raise BadBundle(f"The reply bundle is dated in the future, {bundle.made}.")
    if bundle.expires > bundle.made + timedelta(days=MOST_DAYS_TO_EXPIRY):
        raise BadBundle(
            f"The reply bundle would be valid until {bundle.expires}, longer than "
            f"{MOST_DAYS_TO_EXPIRY} days."
        )
    if not bundle.made <= bundle.keep_until <= bundle.made + timedelta(days=MOST_DAYS_KEPT):
        raise BadBundle(
            f"The replies would be kept until {bundle.keep_until}; at most {MOST_DAYS_KEPT} days "
            f"after {bundle.made} are allowed."
        )
