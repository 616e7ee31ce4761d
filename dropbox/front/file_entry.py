"""A sealed file's entry as a form page carries it: short, since each byte displaces padding."""

from base64 import b64decode, b64encode
from typing import Any

from dropbox.report import Attachment


def packed(file: Attachment) -> list[Any]:
    """*file* as JSON in as few characters as possible."""
    return [
        file.name,
        file.type,
        file.size,
        text_of(bytes.fromhex(file.sha256)),
        text_of(file.block_key),
        file.blocks,
        file.sealed_bytes,
    ]


def unpacked(entry: list[Any]) -> Attachment:
    """The file of :func:`packed`. Raises ValueError, TypeError or BadReport for anything else."""
    name, declared, size, sha256, block_key, blocks, sealed_bytes = entry
    return Attachment(
        name=name,
        type=declared,
        size=size,
        sha256=bytes_of(sha256).hex(),
        block_key=bytes_of(block_key),
        blocks=blocks,
        sealed_bytes=sealed_bytes,
    )


def text_of(data: bytes) -> str:
    """Bytes in base64."""
    return b64encode(data).decode("ascii")


def bytes_of(text: str) -> bytes:
    """The bytes of :func:`text_of`. Raises ValueError or TypeError for anything else."""
    return b64decode(text, validate=True)
