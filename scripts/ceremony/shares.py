"""Paper shares: a week's secret, encrypted under a random key that exists only as words on sheets.

The words are SLIP-39 shares: k of n sheets bring the secret back; fewer reveal nothing. Shredding
sheets until fewer than k are left destroys the week's secret, even if flash memory still holds old
copies of the encrypted file.
"""

import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import Aead
from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.constants import CUSTOMIZATION_STRING_EXTENDABLE, RADIX_BITS
from shamir_mnemonic.rs1024 import create_checksum
from shamir_mnemonic.wordlist import WORDLIST

from dropbox.durable_file import erase, write_new
from dropbox.gpg_agent import delete_secret, secret_file
from dropbox.reviewer_key import reviewer_key
from scripts.ceremony.paper import share_sheet
from scripts.ceremony.weeks import CeremonyError, Epoch, epochs, is_open

MOST_SHARES = 16  # SLIP-39's own limit
# The length of a SLIP-39 share of 32 bytes, with its header and checksum.
WORDS = 33
_VERSION = 1
_MOST_BYTES = 65_536
_WORD = re.compile(r"(\d+)\.\s+(\S+)")


@dataclass(frozen=True)
class Sealed:
    """A week's encrypted secret (the box): whose it is, and how many sheets open it."""

    name: str
    week: str
    subkey: str
    needed: int
    shares: int
    box: bytes

    def _head(self) -> bytes:
        values = {key: value for key, value in asdict(self).items() if key != "box"}
        return json.dumps({"casedrop_week": _VERSION, **values}, sort_keys=True).encode("ascii")

    @classmethod
    def of(
        cls, secret: bytes, key: bytes, *, name: str, epoch: Epoch, needed: int, shares: int
    ) -> "Sealed":
        """*secret* encrypted under *key*, with the other fields authenticated."""
        head = cls(name, epoch.week, epoch.key.fingerprint, needed, shares, b"")
        return cls(**{**asdict(head), "box": bytes(Aead(key).encrypt(secret, head._head()))})

    def open(self, key: bytes) -> bytes:
        """The secret. Raises CeremonyError."""
        try:
            return bytes(Aead(key).decrypt(self.box, self._head()))
        except CryptoError:
            raise CeremonyError(
                "The sheets do not belong to this sealed file, or it was altered. Nothing was "
                "changed."
            ) from None

    def to_bytes(self) -> bytes:
        """The file: one JSON object."""
        return (
            json.dumps(
                {**json.loads(self._head()), "box": b64encode(self.box).decode("ascii")}, indent=1
            ).encode()
            + b"\n"
        )

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> "Sealed":
        """The file that :meth:`to_bytes` wrote. Raises CeremonyError for anything else."""
        try:
            values = json.loads(untrusted)
            version = values.pop("casedrop_week")
            read = cls(**{**values, "box": b64decode(values["box"], validate=True)})
            if version == _VERSION and read.to_bytes() == untrusted:
                return read
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        raise CeremonyError("This is not a week's sealed file of a version that can be read here.")


def split(
    home: Path,
    epoch: Epoch,
    *,
    name: str,
    needed: int,
    shares: int,
    out: Path,
    show: Callable[[str], None] | None = None,
) -> list[Path]:
    """Put the secret of *epoch* on *shares* sheets, *needed* of which open it; delete it in *home*.

    Writes the sealed file into *out*, and a file for each sheet (0600) unless *show* takes the
    sheets instead. The secret is deleted only after all sheets were read back and have opened the
    sealed file. Returns the files, the sealed one first. Raises CeremonyError, CannotWrite or
    KeysError; the secret is then still in *home*, and no sheet is left.
    """
    if not 2 <= needed <= shares <= MOST_SHARES:
        raise CeremonyError(f"At least 2 sheets are needed, of at most {MOST_SHARES}.")
    if not epoch.secret:
        raise CeremonyError(
            f"The secret of {epoch.week} is not here: it was destroyed, or is on paper already."
        )
    secret = secret_file(home, epoch.key.keygrip).read_bytes()
    key = secrets.token_bytes(Aead.KEY_SIZE)
    sealed = Sealed.of(secret, key, name=name, epoch=epoch, needed=needed, shares=shares)
    sheets = _sheets(key, sealed)
    stem = f"{name}-{epoch.week}"
    with ExitStack() as undo:

        def write(file_name: str, content: bytes) -> Path:
            write_new(out / file_name, content)
            undo.callback(erase, out / file_name)
            return out / file_name

        written = [write(f"{stem}.sealed", sealed.to_bytes())]
        read = sheets
        if show is None:
            names = [f"{stem}-sheet-{number}-of-{shares}.txt" for number in range(1, shares + 1)]
            written += [
                write(one, sheet.encode("utf-8")) for one, sheet in zip(names, sheets, strict=True)
            ]
            read = [path.read_text("utf-8") for path in written[1:]]
        _prove(Sealed.from_bytes(written[0].read_bytes()), read, secret)
        if show is not None:
            for sheet in sheets:
                show(sheet)
        # From here on only these files hold the secret.
        undo.pop_all()
    delete_secret(home, epoch.key.keygrip)
    return written


def _sheets(key: bytes, sealed: Sealed) -> list[str]:
    mnemonics = generate_mnemonics(1, [(sealed.needed, sealed.shares)], key)[0]
    return [
        share_sheet(
            number=number,
            words=one.split(),
            name=sealed.name,
            week=sealed.week,
            shares=sealed.shares,
            needed=sealed.needed,
        )
        for number, one in enumerate(mnemonics, 1)
    ]


def _prove(sealed: Sealed, sheets: Sequence[str], secret: bytes) -> None:
    """Check that each sheet, as written, helps to open the sealed file, as written."""
    for first in range(len(sheets)):
        some = [sheets[(first + at) % len(sheets)] for at in range(sealed.needed)]
        key = joined_key([(f"Sheet {at}", text) for at, text in enumerate(some, 1)])
        if sealed.open(key) != secret:
            raise CeremonyError("The sheets do not bring back the secret; it stays where it was.")


def join(
    home: Path,
    sealed_file: Path,
    sheets: Sequence[tuple[str, str]] | Callable[[], Sequence[tuple[str, str]]],
) -> Epoch:
    """Bring the secret in *sealed_file* back into *home* with *sheets*: pairs of a name and a text.

    Sheets that are still to be typed are asked for once everything else is right.
    Raises CeremonyError, which names the sheet and the number of the wrong word, says how many
    sheets are missing, or that the secret is not this key's or is here already.
    """
    with sealed_file.open("rb") as file:
        sealed = Sealed.from_bytes(file.read(_MOST_BYTES))
    found = [
        epoch for epoch in epochs(reviewer_key(home)) if epoch.key.fingerprint == sealed.subkey
    ]
    if not found:
        raise CeremonyError(
            f"The key in {home} has no such week: {sealed_file} belongs to another key."
        )
    epoch = found[0]
    if epoch.secret:
        raise CeremonyError(f"The secret of {epoch.week} is here already.")
    secret = sealed.open(joined_key(sheets() if callable(sheets) else sheets))
    # The path comes from gpg's own list of keys, never from the sealed file.
    path = secret_file(home, epoch.key.keygrip)
    write_new(path, secret)
    if not is_open(home, epoch):
        erase(path)
        raise CeremonyError(
            f"The secret that the sheets brought back does not open a message to {epoch.week}; it "
            "was removed again."
        )
    return epoch


def joined_key(sheets: Sequence[tuple[str, str]]) -> bytes:
    """The key that *sheets* (name, text) share.

    Raises CeremonyError with what is wrong or missing.
    """
    read = [(name, *_share(name, text)) for name, text in sheets]
    if not read:
        raise CeremonyError("No sheet was given.")
    first = read[0][2]
    by_number: dict[int, tuple[str, str]] = {}
    for name, words, share in read:
        if (
            share.common_parameters() != first.common_parameters()
            or share.member_threshold != first.member_threshold
        ):
            raise CeremonyError(
                f"{name} belongs to another week, or another split, than {read[0][0]}."
            )
        if share.index in by_number:
            raise CeremonyError(f"{name} is the same sheet as {by_number[share.index][0]}.")
        by_number[share.index] = (name, words)
    needed = first.member_threshold
    if len(by_number) < needed:
        raise CeremonyError(
            f"{len(by_number)} of {needed} needed sheets were given; fewer than that open nothing."
        )
    try:
        return bytes(combine_mnemonics([words for _, words in by_number.values()][:needed]))
    except MnemonicError:
        raise CeremonyError("These sheets do not belong together.") from None


def _share(name: str, text: str) -> tuple[str, Share]:
    """A sheet's words and its share.

    Raises CeremonyError, which gives a word's number, never the word.
    """
    numbered = _WORD.findall(text)
    words = (
        [word for _, word in sorted(numbered, key=lambda found: int(found[0]))]
        if numbered
        else text.split()
    )
    words = [word.lower() for word in words]
    unknown = [str(number) for number, word in enumerate(words, 1) if word not in _KNOWN]
    if unknown:
        raise CeremonyError(
            f"{name}: not in the list of words: word {', '.join(unknown[:5])}. Check it again."
        )
    if len(words) != WORDS:
        raise CeremonyError(f"{name} has {len(words)} words instead of {WORDS}.")
    share = _read(words)
    if share is None:
        number = _mistyped(words)
        raise CeremonyError(
            f"{name}: word {number} is not the one on the sheet. Check it again."
            if number
            else f"{name}: several words are not those on the sheet, or are in another order. "
            "Check all of them again."
        )
    return " ".join(words), share


_KNOWN = frozenset(WORDLIST)


def _read(words: Sequence[str]) -> Share | None:
    try:
        return Share.from_mnemonic(" ".join(words))
    except MnemonicError:
        return None


def _mistyped(words: Sequence[str]) -> int | None:
    """The number of the one word that must be wrong, None if several are.

    With another word in its position the checksum would be right. (Two sheets differ in at least
    four words.) The checksum is linear: how another word changes it depends only on the position
    and the XOR of the two words. So ten bits in each position determine the effect of all 1,024
    words, which would take two seconds to try one by one.
    """
    indices, none = [WORDLIST.index(word) for word in words], [0] * len(words)
    wrong = _checksum(indices, CUSTOMIZATION_STRING_EXTENDABLE) ^ _checksum([])
    for at in range(len(words)):
        changes = [0]
        for bit in range(RADIX_BITS):
            change = _checksum([*none[:at], 1 << bit, *none[at + 1 :]]) ^ _checksum(none)
            changes += [change ^ other for other in changes]
        if wrong in changes:
            other = WORDLIST[indices[at] ^ changes.index(wrong)]
            if _read([*words[:at], other, *words[at + 1 :]]):
                return at + 1
    return None


def _checksum(indices: Sequence[int], custom: bytes = b"") -> int:
    """The checksum that the words need after them, as one number.

    After the words of a whole share with a right checksum, it equals that of no words at all.
    """
    number = 0
    for word in create_checksum(indices, custom):
        number = number << RADIX_BITS | word
    return number
