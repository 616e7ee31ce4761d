"""Canonical JSON: the same value always gives the same bytes, so that bytes can be hashed, signed and compared.

Keys are sorted, nothing stands between tokens, and every format that is signed or hashed uses this one function. The
options are part of a format: they never change for bytes that are already stored somewhere.
"""

import json
from functools import cache


def encode(
    value: object, *, ascii_only: bool, bytes_as_hex: bool = False, not_a_number: bool = False
) -> bytes:
    r"""*value* as canonical JSON, in UTF-8.

    With *ascii_only* every other character is written as ``\uXXXX``; without it, it is written as itself.
    ``bytes`` are an error unless *bytes_as_hex*, infinities and NaN are one (ValueError) unless *not_a_number*.
    Raises UnicodeEncodeError for lone surrogates, which UTF-8 cannot hold, unless *ascii_only*.
    """
    return _encoder(ascii_only, bytes_as_hex, not_a_number).encode(value).encode("utf-8")


@cache
def _encoder(ascii_only: bool, bytes_as_hex: bool, not_a_number: bool) -> json.JSONEncoder:
    # Kept: json.dumps would make one for each of the thousands of lines that an import adds to the custody log.
    return json.JSONEncoder(
        ensure_ascii=ascii_only,
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=not_a_number,
        default=bytes.hex if bytes_as_hex else None,
    )
