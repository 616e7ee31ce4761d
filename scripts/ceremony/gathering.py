"""Gathering the reviewers' public files in one folder, which the operator and the desks copy."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from dropbox.durable_file import sync_folder, write_new
from dropbox.openpgp import Reviewers
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.weekly_hpke import WeeklyHpke
from scripts.ceremony.weeks import CeremonyError

# The folder of a ceremony's output with the public files.
SERVER = "01-server"
_ENDS = (".asc", ".hpke", ".hpke.sig")
_PINS = "FINGERPRINTS"


def gather(folders: Sequence[Path], out: Path, scratch: Path) -> dict[str, str]:
    """Write the public files of all reviewers in *folders* into the new folder *out*, pinned.

    Returns {fingerprint: name}. Raises CasedropError, and leaves no *out*, if a reviewer or a name
    appears twice, a file is missing, or a server would not accept the keys today. *folders* are the
    outputs of ceremonies or their 01-server; *scratch* is an empty folder for gpg.
    """
    if out.exists():
        raise CeremonyError(f"{out} exists already and is not overwritten; nothing was done.")
    found: dict[str, tuple[str, Path]] = {}
    for given in folders:
        folder = given / SERVER if (given / SERVER).is_dir() else given
        read_pinned_keys(folder)
        for fingerprint, file in read_pins(folder).items():
            name = file.removesuffix(".asc")
            _refuse_double(found, fingerprint, name, folder)
            found[fingerprint] = (name, folder)
    out.mkdir(parents=True)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, out)
        for name, folder in found.values():
            for end in _ENDS:
                write_new(out / f"{name}{end}", _read(folder / f"{name}{end}"))
        pins = [f"{fingerprint}  {name}.asc\n" for fingerprint, (name, _) in found.items()]
        write_new(out / _PINS, "".join(pins).encode("ascii"))
        # Read as a server does when it starts.
        Reviewers.load(out, scratch)
        WeeklyHpke.load(out, datetime.now(UTC))
        undo.pop_all()
    sync_folder(out.parent)
    return {fingerprint: name for fingerprint, (name, _) in found.items()}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CeremonyError(
            f"{path} is missing; the step `public` of that reviewer makes it. Nothing was written."
        ) from None


def _refuse_double(
    found: dict[str, tuple[str, Path]], fingerprint: str, name: str, folder: Path
) -> None:
    for known, (other, before) in found.items():
        if known == fingerprint:
            raise CeremonyError(
                f"The same key is in {before} as {other} and in {folder} as {name}. Nothing was "
                "written."
            )
        if other == name:
            raise CeremonyError(
                f"Two reviewers have the name {name}, in {before} and in {folder}; one of them "
                "makes a key with another name. Nothing was written."
            )
