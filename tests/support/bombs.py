"""Messages as a hostile claimant can make them: packets of any kind, sealed to a reviewer."""

import subprocess
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from dropbox.reviewer_key import reviewer_key

MEGABYTE = 2**20
ZEROS = bytes(MEGABYTE)


def packed(pieces: Iterable[bytes], times: int = 3) -> bytes:
    """A compressed packet in a compressed packet: each of *times* makes zeros 1,000 times fewer."""
    for _ in range(times):
        compressor = zlib.compressobj(9)
        body = b"".join(map(compressor.compress, pieces)) + compressor.flush()
        pieces = [b"\xa3\x02" + body]
    return b"".join(pieces)


def literal(megabytes: int) -> Iterator[bytes]:
    """A packet with so many zeros."""
    yield b"\xcb\xff" + (6 + megabytes * MEGABYTE).to_bytes(4, "big") + b"b\0" + bytes(4)
    for _ in range(megabytes):
        yield ZEROS


def unknown(megabytes: int) -> Iterator[bytes]:
    """A packet of an unknown kind: gpg reads it and passes nothing on."""
    yield b"\xf9\xff" + (megabytes * MEGABYTE).to_bytes(4, "big")
    for _ in range(megabytes):
        yield ZEROS


def signatures(count: int) -> Iterator[bytes]:
    """Damaged signatures: gpg writes a line about each."""
    for _ in range(count // 1_000):
        yield b"\xc2\x03\x04\0\x16" * 1_000


def sealed_as_it_is(packets: bytes, home: Path) -> bytes:
    """*packets*, without a packet around them, sealed to the reviewer of the gpg home *home*."""
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--trust-model", "always"]
    command += ["--no-literal", "--compress-algo", "none", "--encrypt", "--recipient"]
    return subprocess.run(
        [*command, reviewer_key(home).fingerprint], input=packets, check=True, capture_output=True
    ).stdout
