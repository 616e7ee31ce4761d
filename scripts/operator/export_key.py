"""The key that signs a drop's export bundles, as the operator's commands read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.command_line import CannotRun

if TYPE_CHECKING:
    from nacl.signing import SigningKey

_SEED_BYTES = 32


def read_export_key(path: Path) -> SigningKey:
    """The key in the file *path*. Raises CannotRun for a damaged one, or OSError."""
    # Imported only when a command runs, so that a missing package becomes a sentence.
    from nacl.signing import SigningKey  # noqa: PLC0415

    with path.open("rb") as file:
        seed = file.read(_SEED_BYTES + 1)
    if len(seed) != _SEED_BYTES:
        raise CannotRun(
            f"The export key {path} is damaged: it has to have {_SEED_BYTES} bytes. Restore it "
            "from the backup; with another one every desk refuses the bundles."
        )
    return SigningKey(seed)
