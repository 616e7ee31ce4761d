"""The scanner for known texts finds each of them in every form, and nothing in random data."""

import base64
import binascii
import gzip
import os
import random
import re
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from support.canary import encodings, found

TEXT = "【虚构】鸟 in the mine / 一二三"
CANARY = TEXT.encode()
OTHER = "another text 他".encode()

PLANTED: dict[str, Callable[[bytes], bytes]] = {
    "utf-8": lambda text: text,
    "utf-16-le": lambda text: text.decode().encode("utf-16-le"),
    "utf-16-be": lambda text: text.decode().encode("utf-16-be"),
    "gb18030": lambda text: text.decode().encode("gb18030"),
    "base64 from the first byte": lambda text: base64.b64encode(text + b"end"),
    "base64 from the second byte": lambda text: base64.b64encode(b"?" + text + b"end"),
    "base64 from the third byte": lambda text: base64.b64encode(b"?\xff" + text + b"en"),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(b"before" + text),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 50 + text),
    "hex": lambda text: text.hex().encode(),
    "hex in capitals": lambda text: text.hex().upper().encode(),
    "hex in lines": lambda text: b"\r\n".join(
        binascii.hexlify(text[at : at + 10]) for at in range(0, len(text), 10)
    ),
    "percent": lambda text: quote(text.decode(), safe="").encode(),
    "percent, spaces as plus": lambda text: quote_plus(text.decode()).encode(),
    "percent in small letters": lambda text: re.sub(
        "%..", lambda one: one[0].lower(), quote(text.decode(), safe="")
    ).encode(),
    "every byte in percent": lambda text: "".join(f"%{byte:02X}" for byte in text).encode(),
    "JSON": lambda text: "".join(
        c if c.isascii() else f"\\u{ord(c):04x}" for c in text.decode()
    ).encode(),
    "gzip": lambda text: gzip.compress(b"before " + text + b" behind"),
    "zlib, fast": lambda text: zlib.compress(text * 3, 1),
    "zlib, best": lambda text: zlib.compress(text * 3, 9),
    "zlib, stored": lambda text: zlib.compress(text, 0),
    "gzip, cut off": lambda text: gzip.compress(text + os.urandom(9_000))[:4_000],
    "gzip, damaged behind it": lambda text: (
        gzip.compress(text + os.urandom(9_000))[:2_000] + bytes(2_000)
    ),
    "gzip of base64": lambda text: gzip.compress(base64.b64encode(b"1" + text)),
    "gzip within zlib": lambda text: zlib.compress(b"before" + gzip.compress(text)),
}


def noise(seed: int, size: int = 200_001) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.slow
def test_a_text_is_found_however_it_was_left(planted: str) -> None:
    for seed in range(3):
        assert found(
            noise(seed) + PLANTED[planted](CANARY) + noise(seed + 9, 5_000), [CANARY, OTHER]
        ) == {CANARY}


@pytest.mark.slow
def test_every_encoding_of_the_scanner_is_found() -> None:
    for name, forms in encodings(CANARY).items():
        for form in forms:
            assert found(noise(1) + form + noise(2), [OTHER, CANARY]) == {CANARY}, name


def test_nothing_is_found_where_nothing_is() -> None:
    assert found(noise(4, 3_000_000), [CANARY, OTHER]) == set()
    assert (
        found(gzip.compress(noise(5)) + CANARY[:-1] + base64.b64encode(CANARY[1:]), [CANARY])
        == set()
    )
