"""Canonical JSON: the same value always gives the same bytes, which can be hashed and signed.

Keys are sorted, there is no white space between tokens, and every format that is signed or hashed
uses this one function. The options belong to a format: they never change once bytes are stored.
"""

import json
from functools import cache
from typing import Any


def encode(
    value: object, *, ascii_only: bool, bytes_as_hex: bool = False, not_a_number: bool = False
) -> bytes:
    r"""*value* as canonical JSON, in UTF-8.

    With *ascii_only*, non-ASCII characters are escaped as ``\uXXXX``. Raises TypeError for
    ``bytes`` unless *bytes_as_hex*, ValueError for infinities and NaN unless *not_a_number*, and
    UnicodeEncodeError for lone surrogates, which UTF-8 cannot encode, unless *ascii_only*.
    """
    return _encoder(ascii_only, bytes_as_hex, not_a_number).encode(value).encode("utf-8")


@cache
def _encoder(ascii_only: bool, bytes_as_hex: bool, not_a_number: bool) -> json.JSONEncoder:
    # Cached: json.dumps would build one for each of the thousands of lines that an import logs.
    return json.JSONEncoder(
        ensure_ascii=ascii_only,
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=not_a_number,
        default=bytes.hex if bytes_as_hex else None,
    )


# The largest integer that SQLite can store.
LARGEST_NUMBER = 2**63 - 1


def whole_number(untrusted: Any, *, least: int = 1) -> int:
    """*untrusted* as it was read from JSON, if it is an integer from *least* to LARGEST_NUMBER.

    Raises ValueError for anything else: true and 1.0 are other bytes than 1.
    """
    if type(untrusted) is not int or not least <= untrusted <= LARGEST_NUMBER:
        raise ValueError
    return untrusted


def hex_bytes(untrusted: Any, size: int) -> bytes:
    """The *size* bytes that *untrusted*, read from JSON, gives in hex.

    Raises ValueError or TypeError.
    """
    value = bytes.fromhex(untrusted)
    if len(value) != size:
        raise ValueError
    return value
