"""A report: what a claimant sends in one go, in the only form it ever has outside a request."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from dropbox import canonical_json
from dropbox.errors import BadReport
from dropbox.sizes import BLOCK_BYTES

# Version 2 carries a symmetric key for replies; reports of version 1 are still read.
VERSIONS = (1, 2)
KINDS = ("report", "message", "withdrawal")

# A whole report fits in one block: 48 KiB of text (16,000 Chinese characters) and ten long file
# names.
TEXT_BYTES = 48 * 1024
# File systems allow names of up to 255 characters; in Chinese that is 765 bytes.
NAME_BYTES = 900
FILES = 10

_KEY_BYTES = 32


def _encoded(value: object) -> bytes:
    """Canonical JSON. Raises BadReport for what UTF-8 cannot encode (lone surrogates)."""
    try:
        return canonical_json.encode(value, ascii_only=False)
    except UnicodeEncodeError:
        raise BadReport("The text contains half a character (a lone surrogate).") from None


def text_bytes(text: str) -> int:
    """How many of a report's TEXT_BYTES *text* takes. Raises BadReport for lone surrogates."""
    return len(_encoded(text)) - 2


@dataclass(frozen=True, repr=False)
class Attachment:
    """A report's entry for one sealed file.

    Sizes in bytes; no repr: the name and key are plaintext. ``size`` and ``sha256`` describe the
    file itself, ``sealed_bytes`` is the length of its OpenPGP message. The message is in ``blocks``
    blocks, whose ids and outer encryption derive from ``block_key``.
    """

    name: str
    type: str
    size: int
    sha256: str
    block_key: bytes
    blocks: int
    sealed_bytes: int

    def __post_init__(self) -> None:
        whole = all(isinstance(value, str) for value in (self.name, self.type, self.sha256))
        counts = all(
            type(value) is int and value >= 0
            for value in (self.size, self.blocks, self.sealed_bytes)
        )
        if not whole or not counts or len(self.sha256) != 64 or len(self.block_key) != _KEY_BYTES:
            raise BadReport("An attachment's entry is damaged.")
        if not self.sealed_bytes <= self.blocks * BLOCK_BYTES:
            raise BadReport("An attachment's entry names too few blocks.")
        if text_bytes(self.name) > NAME_BYTES:
            raise BadReport("A file's name is too long.")

    def to_json(self) -> dict[str, Any]:
        """The entry as it appears in a report's JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "size": self.size,
            "sha256": self.sha256,
            "block_key": self.block_key.hex(),
            "blocks": self.blocks,
            "sealed_bytes": self.sealed_bytes,
        }

    @classmethod
    def from_json(cls, untrusted: Any) -> Self:
        """The entry of :meth:`to_json`. Raises BadReport on anything else."""
        try:
            return cls(**{**untrusted, "block_key": bytes.fromhex(untrusted["block_key"])})
        except (KeyError, TypeError, ValueError):
            raise BadReport("An attachment's entry is damaged.") from None


@dataclass(frozen=True, repr=False)
class Report:
    """One report, follow-up message or withdrawal.

    ``reply_public``, ``tag_key`` and ``reply_symmetric``, 32 bytes each, come from the codename;
    without the last one it is a report of version 1.
    """

    kind: str
    campaign: str
    language: str
    category: str
    harms: Sequence[str]
    text: str
    attachments: Sequence[Attachment]
    reply_public: bytes
    tag_key: bytes
    facts: Mapping[str, Any] = field(default_factory=dict)
    reply_symmetric: bytes | None = None

    @property
    def version(self) -> int:
        """The version in which it is written."""
        return 1 if self.reply_symmetric is None else 2

    def __post_init__(self) -> None:
        words = (self.kind, self.campaign, self.language, self.category, self.text, *self.harms)
        if (
            not all(isinstance(word, str) for word in words)
            or self.kind not in KINDS
            or not isinstance(self.facts, Mapping)
        ):
            raise BadReport
        keys = [self.reply_public, self.tag_key]
        keys += [] if self.reply_symmetric is None else [self.reply_symmetric]
        if any(len(key) != _KEY_BYTES for key in keys):
            raise BadReport("The report's reply keys are damaged.")
        if text_bytes(self.text) > TEXT_BYTES or len(self.attachments) > FILES:
            raise BadReport("The report is longer than this version writes.")

    def to_bytes(self) -> bytes:
        """Canonical JSON in UTF-8: the same report always gives the same bytes.

        Raises BadReport for lone surrogates.
        """
        body: dict[str, Any] = {
            "version": 1,
            "kind": self.kind,
            "campaign": self.campaign,
            "language": self.language,
            "category": self.category,
            "harms": list(self.harms),
            "facts": dict(self.facts),
            "text": self.text,
            "attachments": [attachment.to_json() for attachment in self.attachments],
            "reply_public": self.reply_public.hex(),
            "tag_key": self.tag_key.hex(),
        }
        if self.reply_symmetric is not None:
            body |= {"version": 2, "reply_symmetric": self.reply_symmetric.hex()}
        return _encoded(body)

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> Self:
        """The report of :meth:`to_bytes`.

        Raises BadReport for anything else; it names another version.
        """
        try:
            body = json.loads(untrusted.decode("utf-8"))
            version = body.pop("version")
            if version not in VERSIONS:
                raise BadReport(
                    f"This report has version {version}; this desk reads versions 1 and 2."
                )
            harms, attachments = body.pop("harms"), body.pop("attachments")
            names = ["reply_public", "tag_key", *(["reply_symmetric"] if version == 2 else [])]
            keys: dict[str, Any] = {name: bytes.fromhex(body.pop(name)) for name in names}
            entries = tuple(Attachment.from_json(entry) for entry in attachments)
            report = cls(**body, **keys, harms=tuple(harms), attachments=entries)
            # JSON allows more (a repeated key, NaN, a text in place of a list); none of it is a
            # report.
            if report.to_bytes() != untrusted:
                raise BadReport
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadReport from None
        return report
