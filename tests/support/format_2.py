"""Writes the vectors of format 2: `python -m support.format_2 DIRECTORY`, into an empty directory.

What chance decides anew each time (HPKE, nonces of sealed boxes, OpenPGP) is in the vector, and has
to be opened; the rest is fixed. The files under tests/vectors/ were written once and are never
written again: a later version of a format gets further files.
"""

import hashlib
import json
import sys
from datetime import date
from pathlib import Path

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as aead_seal

from dropbox.block import PAYLOAD_BYTES, Kind
from dropbox.day_key import DayKey
from dropbox.gpg_agent import stop_agent
from dropbox.hpke import SecretKey
from scripts.ceremony.new_key import Weeks, new_reviewer

DAY = date(2026, 11, 25)
KEY, NONCE = bytes(range(32)), bytes(range(100, 124))


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


def blocks(directory: Path) -> None:
    """A block of each kind: everything it is made of, and its hash."""
    contents = {
        Kind.NOTHING: (b"", 1),
        Kind.REPORT: (bytes(range(256)), 249),
        Kind.PIECE: (b"\x80", 65_494),
        Kind.TOMBSTONE: (b"\x01" + b"i" * 16 + b"h" * 32, 1),
    }
    for kind, (content, times) in contents.items():
        padded = (content * times + b"\x80").ljust(PAYLOAD_BYTES - 1, b"\0")
        sealed = NONCE + aead_seal(bytes([kind]) + padded, b"casedrop block 2", NONCE, KEY)
        vector = {
            "kind": kind,
            "key": KEY.hex(),
            "nonce": NONCE.hex(),
            "content": content.hex(),
            "times": times,
            "sha256": hashlib.sha256(sealed).hexdigest(),
        }
        write(directory / "block" / f"{kind + 1:02d}_{kind.name.lower()}.json", vector)


def day_keys(directory: Path) -> None:
    """Records for one reviewer and for three, with the secrets that open them."""
    for number, count in enumerate((1, 3), 1):
        secrets = [SecretKey(bytes([value]) * 96) for value in range(1, count + 1)]
        key = DayKey(bytes(range(16)), DAY, KEY)
        record = key.seal([one.public for one in secrets]).to_bytes()
        vector = {
            "id": key.id.hex(),
            "day": DAY.isoformat(),
            "key": KEY.hex(),
            "secrets": [one.raw.hex() for one in secrets],
            "record": record.hex(),
        }
        write(directory / "day_key" / f"{number:02d}_of_{count}.json", vector)


def weekly_keys(directory: Path) -> None:
    """Two reviewers' public files with two weeks each, as they are in a server's keys/."""
    for name in ("first", "second"):
        home = directory / f"home-{name}"
        try:
            weeks = Weeks(date(2026, 11, 16), 2)
            keys = directory / "weekly_hpke"
            new_reviewer(home, name=name, out=keys, weeks=weeks, protected=False)
        finally:
            stop_agent(home)


def main() -> None:
    directory = Path(sys.argv[1])
    blocks(directory)
    day_keys(directory)
    weekly_keys(directory)


if __name__ == "__main__":
    main()
