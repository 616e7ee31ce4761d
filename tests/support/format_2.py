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
from nacl.public import PrivateKey

from dropbox.block import PAYLOAD_BYTES, Kind
from dropbox.codename import CHEAPEST, Codename, derive_keys
from dropbox.day_key import DayKey
from dropbox.erase_hash import first_preimage
from dropbox.gpg_agent import stop_agent
from dropbox.hpke import SecretKey
from dropbox.reply import Reply, seal_reply
from dropbox.report import Attachment, Report
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected

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
            new_reviewer(home, name=name, out=keys, weeks=weeks, choose=unprotected)
        finally:
            stop_agent(home)


def codenames(directory: Path) -> None:
    """A codename's keys, the symmetric one among them."""
    codename, salt = Codename((5, 77, 2_047, 0, 1_024, 300, 9)), bytes(range(16))
    keys = derive_keys(codename, salt=salt, cost=CHEAPEST)
    vector = {
        "indexes": list(codename.indexes),
        "salt": salt.hex(),
        "memory": CHEAPEST.memory,
        "operations": CHEAPEST.operations,
        "packed": codename.packed().hex(),
        "check": codename.check,
        **{name: key.hex() for name, key in vars(keys).items()},
        "withdraw_tag_of_zero_block": first_preimage(keys.withdraw_key, bytes(16)).hex(),
    }
    write(directory / "codename" / "05_symmetric_reply_key.json", vector)


def reports(directory: Path) -> None:
    """Reports with a symmetric key for replies."""
    (directory / "report").mkdir()
    file = Attachment("训诫书.jpg", "image/jpeg", 3, "ab" * 32, b"k" * 32, 1, 400)
    for number, (name, files) in enumerate((("text", ()), ("file", (file,))), 4):
        report = Report(
            *("report", "wechat-2020", "zh-Hans", "c1", ("c1.harassed",), "【虚构】正文", files),
            reply_public=b"r" * 32,
            tag_key=b"t" * 32,
            reply_symmetric=b"s" * 32,
        )
        path = directory / "report" / f"{number:02d}_version_2_{name}.json"
        path.write_bytes(report.to_bytes())


def replies(directory: Path) -> None:
    """A reply of each version, to a claimant who has both keys."""
    private, symmetric = PrivateKey(b"k" * 32), b"s" * 32
    reply = Reply("answer", "zh-Hans", DAY, "谢谢您的报告。\n请问具体月份？")
    for version in (1, 2):
        sealed = seal_reply(
            reply,
            bytes(private.public_key),
            reply_symmetric=symmetric if version == 2 else None,
        )
        vector = {
            "kind": reply.kind,
            "language": reply.language,
            "day": reply.day.isoformat(),
            "text": reply.text,
            "reply_private": bytes(private).hex(),
            "reply_symmetric": symmetric.hex(),
            "sealed": sealed.hex(),
        }
        write(directory / "reply" / f"{version:02d}_version_{version}.json", vector)


def main() -> None:
    directory = Path(sys.argv[1])
    codenames(directory)
    reports(directory)
    replies(directory)
    blocks(directory)
    day_keys(directory)
    weekly_keys(directory)


if __name__ == "__main__":
    main()
