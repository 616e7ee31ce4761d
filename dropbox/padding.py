"""Bringing a text to one fixed length before it is sealed, and back (libsodium's ISO/IEC 7816-4 padding)."""

from nacl.bindings import sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError

from dropbox.errors import CasedropError


class BadPadding(CasedropError):
    """The padding of a sealed text is damaged, or the text is too long to be padded."""


def pad(data: bytes, size: int) -> bytes:
    """*data* brought to exactly *size* bytes; at least one byte is added. Raises BadPadding when it does not fit."""
    if len(data) >= size:
        raise BadPadding(f"{len(data)} bytes cannot be padded to {size}.")
    return sodium_pad(data, size)


def unpad_offline(padded: bytes, size: int) -> bytes:
    """The same as :func:`unpad`, where nobody measures how long it takes, in a hundredth of the time."""
    end = padded.rfind(b"\x80")
    if len(padded) != size or end < 0 or padded[end + 1 :] != bytes(size - end - 1):
        raise BadPadding
    return padded[:end]


def unpad(padded: bytes, size: int) -> bytes:
    """The bytes that were given to :func:`pad`. Raises BadPadding unless *padded* is exactly one padded text."""
    if len(padded) != size:
        raise BadPadding
    try:
        return sodium_unpad(padded, size)
    except CryptoError:
        raise BadPadding from None
