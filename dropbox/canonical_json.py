"""Canonical JSON: the same value always gives the same bytes, which can be hashed and signed.

Keys are sorted, there is no white space between tokens, and every format that is signed or hashed
uses this one function. The options belong to a format: they never change once bytes are stored.
"""

import json
from functools import cache


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
