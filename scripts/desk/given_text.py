"""Texts that commands read from a file or standard input, because arguments are visible to all."""

import sys
from pathlib import Path

from dropbox.errors import CasedropError

_KIB, _MIB = 2**10, 2**20


class BadText(CasedropError):
    """This is no text that can be taken."""


def read_bytes(name: str, most: int) -> bytes:
    """The file *name*, or standard input for ``-``; at most *most* bytes and one more."""
    if name == "-":
        return sys.stdin.buffer.read(most + 1)
    with Path(name).open("rb") as file:
        return file.read(most + 1)


def read_text(name: str, most: int, called: str) -> str:
    """The text there, of at most *most* bytes. Raises BadText, which refers to it as *called*."""
    data = read_bytes(name, most)
    if len(data) > most:
        size = f"{most // _KIB} KiB" if most % _MIB else f"{most // _MIB} MiB"
        raise BadText(f"{called} has at most {size}.")
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadText(f"{called} is not UTF-8.") from None
