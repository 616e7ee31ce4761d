"""The files of a ceremony: public key and pin, fingerprint sheet, revocation certificate."""

import os
import re
from pathlib import Path

from dropbox.durable_file import erase, sync_folder, write_new
from dropbox.gpg_agent import refuse_closed
from dropbox.packets import PublicKey, dearmor
from dropbox.pinned_keys import read_pins
from dropbox.reviewer_key import ReviewerKey, export_public
from dropbox.week_secrets import signed_weeks
from scripts.ceremony.paper import fingerprint_sheet
from scripts.ceremony.weeks import CeremonyError, epochs


def write_public(home: Path, fingerprint: str, *, name: str, out: Path) -> None:
    """Export the public key to *out* as ``NAME.asc``, its HPKE keys beside it, and pin it there.

    Raises CeremonyError if one of them exists, and KeysError if there are no HPKE keys.
    """
    refuse_in_the_way(out, name)
    out.mkdir(parents=True, exist_ok=True)
    armored = export_public(home, fingerprint)
    # Read as the server will read it: it must be this one key, and not a secret one.
    if PublicKey.read(dearmor(armored)).fingerprint != fingerprint:
        raise CeremonyError("gpg exported a key other than the one that was made.")
    hpke = signed_weeks(home, fingerprint)
    write_new(out / f"{name}.asc", armored)
    write_new(out / f"{name}.hpke", hpke.data)
    write_new(out / f"{name}.hpke.sig", hpke.signature)
    _pin(out / "FINGERPRINTS", f"{fingerprint}  {name}.asc\n")


def check_name(name: str) -> None:
    """Raise CeremonyError unless *name* can be a reviewer's public name, which is also in file
    names.
    """
    if not re.fullmatch("[a-z][a-z0-9-]{1,30}", name, re.ASCII):
        raise CeremonyError(
            "A reviewer's name here is public: a word of the letters a-z, digits and hyphens, and "
            "not the name of a person."
        )


def refuse_open(home: Path) -> None:
    """Raise CeremonyError if others on this computer can read *home*, OSError if we cannot."""
    refuse_closed(home)
    if home.stat().st_mode & 0o077:
        raise CeremonyError(
            f"Others on this computer can read {home}; close it with chmod 700 first."
        )


def refuse_in_the_way(out: Path, name: str) -> None:
    """Raise CeremonyError unless the public files and the pin of *name* can go into *out*."""
    nearest = next(folder for folder in (out, *out.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise CeremonyError(f"Nothing can be written into {nearest}; nothing was done.")
    pins = read_pins(out) if (out / "FINGERPRINTS").exists() else {}
    for file in (out / f"{name}{end}" for end in (".asc", ".hpke", ".hpke.sig")):
        if file.exists() or file.name in pins.values():
            raise CeremonyError(
                f"{file} exists already or is pinned; choose another name or another directory."
            )


def _pin(path: Path, line: str) -> None:
    """Append *line* to the pin file, durably; existing lines stay."""
    with path.open("a+", encoding="utf-8") as pins:
        pins.seek(0)
        before = pins.read()
        pins.write(line if not before or before.endswith("\n") else "\n" + line)
        pins.flush()
        os.fsync(pins.fileno())
    sync_folder(path.parent)


def write_sheet(key: ReviewerKey, out: Path) -> Path:
    """Write the fingerprint sheet, for printing. Raises CannotWrite if it exists."""
    found = epochs(key)
    if not found:
        raise CeremonyError("This key has no weekly keys.")
    text = fingerprint_sheet(name=key.name, fingerprint=key.fingerprint, last_day=found[-1].last)
    return _new_file(out / f"{key.name}-fingerprint.txt", text.encode("utf-8"))


def take_revocation(home: Path, key: ReviewerKey, out: Path) -> Path:
    """Move the revocation certificate, which gpg made with the key, out of *home*.

    Then somebody who steals the workstation cannot revoke the key, but its owner can without the
    workstation. Raises CeremonyError if it is not there.
    """
    made = home / "openpgp-revocs.d" / f"{key.fingerprint}.rev"
    if not made.exists():
        raise CeremonyError(
            f"There is no revocation certificate in {home}: it has been moved out before."
        )
    path = _new_file(out / f"{key.name}-revocation.asc", made.read_bytes())
    erase(made)
    return path


def _new_file(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, content)
    return path
