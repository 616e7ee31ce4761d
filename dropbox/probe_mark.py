"""The mark of the operator's test report, by which the desk knows it and leaves it out.

It is inside the sealed text, so server, disk and network cannot tell a test report from another.
Nobody can hide a report with it: it vouches for every field of the report and for the day, and a
text that is not exactly the fixed one has no mark.

    certificate = Ed25519(export key, "casedrop probe key 1\0" | public key)
    signature   = Ed25519(probe key, "casedrop probe 1\0" | day | 0 | the report without a mark)
    text        = TEXT | public key, certificate and signature in letters

A desk knows the export key's public half already, and so needs nothing new.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from dropbox.codename import CodenameKeys
from dropbox.errors import CasedropError
from dropbox.report import Report

TEXT = (
    "This is a test report that the operator's program filed. Nobody was harmed. The desk leaves "
    "it out; if you read it in a case, somebody has changed or repeated it: tell the operator. "
    "Mark: "
)
# The file with the operator's key, beside the export key.
KEY_FILE = "probe.key"
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_MARK_BYTES = _KEY_BYTES + 2 * _SIGNATURE_BYTES
_CERTIFIED, _SIGNED = b"casedrop probe key 1\0", b"casedrop probe 1\0"
# No digits: the front would ask whether they are somebody's personal number.
_DIGITS, _LETTERS = "0123456789abcdef", "abcdefghijklmnop"
_TO_LETTERS, _TO_DIGITS = str.maketrans(_DIGITS, _LETTERS), str.maketrans(_LETTERS, _DIGITS)
# The probe's clock and the vault's may be on either side of midnight.
_DAYS_OFF = (0, -1, 1)


class BadProbeKey(CasedropError):
    """The key for test reports is damaged."""


@dataclass(frozen=True, repr=False)
class ProbeKey:
    """A key for marks, and the export key's signature that vouches for it."""

    key: SigningKey
    certificate: bytes

    @classmethod
    def make(cls, export_key: SigningKey) -> Self:
        """A new key for the drop with this *export_key*."""
        key = SigningKey.generate()
        return cls(key, export_key.sign(_CERTIFIED + bytes(key.verify_key)).signature)

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> Self:
        """The key of :meth:`to_bytes`. Raises BadProbeKey."""
        if len(untrusted) != _KEY_BYTES + _SIGNATURE_BYTES:
            raise BadProbeKey
        return cls(SigningKey(untrusted[:_KEY_BYTES]), untrusted[_KEY_BYTES:])

    def to_bytes(self) -> bytes:
        """The secret key (32 bytes) and its certificate (64)."""
        return bytes(self.key) + self.certificate

    def report(
        self, keys: CodenameKeys, *, campaign: str, category: str, language: str, day: date
    ) -> Report:
        """The test report of *day* (UTC) under the codename of *keys*, as the front has to seal it.

        *campaign* and *category* are codes of the campaign file.
        """
        bare = Report(
            kind="report",
            campaign=campaign,
            language=language,
            category=category,
            harms=(),
            text=TEXT,
            attachments=(),
            reply_public=keys.reply_public,
            tag_key=keys.tag_key,
            reply_symmetric=keys.reply_symmetric,
        )
        signature = self.key.sign(_signed(bare, day.toordinal())).signature
        mark = bytes(self.key.verify_key) + self.certificate + signature
        return replace(bare, text=TEXT + mark.hex().translate(_TO_LETTERS))


def is_probe(report: Report, day: date, server_key: bytes) -> bool:
    """Whether *report*, filed on *day*, is a test report of the drop with this public export key.

    Only the fixed text with a mark over all of the report's fields counts as one.
    """
    mark = _mark_in(report.text)
    if mark is None or report.kind != "report":
        return False
    if report.harms or report.facts or report.attachments:
        return False
    public, certificate = mark[:_KEY_BYTES], mark[_KEY_BYTES:-_SIGNATURE_BYTES]
    if not _verifies(server_key, _CERTIFIED + public, certificate):
        return False
    bare = replace(report, text=TEXT)
    return any(
        _verifies(public, _signed(bare, day.toordinal() + off), mark[-_SIGNATURE_BYTES:])
        for off in _DAYS_OFF
    )


def _mark_in(text: str) -> bytes | None:
    letters = text.removeprefix(TEXT)
    if letters == text or len(letters) != 2 * _MARK_BYTES or not set(letters) <= set(_LETTERS):
        return None
    return bytes.fromhex(letters.translate(_TO_DIGITS))


def _signed(bare: Report, day: int) -> bytes:
    return _SIGNED + str(day).encode("ascii") + b"\0" + bare.to_bytes()


def _verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    with suppress(CryptoError, ValueError):
        VerifyKey(public).verify(message, signature)
        return True
    return False
