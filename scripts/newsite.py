"""Makes what a new drop needs before its first start: its settings file with a fresh salt, and its export key.

    python -m scripts.newsite --onion ADDRESS.onion [--keys DIR] DIR

Nothing that is there already is overwritten: another salt would lock every codename out, another export key every desk.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

from dropbox.durable_file import NewFile
from dropbox.errors import CasedropError
from dropbox.settings import FILE_VARIABLE, SALT_BYTES, Settings

_TEMPLATE = """\
# The settings of this drop. Relative paths are relative to this file. Each value can be overridden in the environment:
# CASEDROP_SITE_ONION, CASEDROP_LIMITS_FILES and so on.

[site]
onion = "{onion}"
# Part of every codename's keys. Never change it: all codenames given so far would stop working. Keep a copy.
salt = "{salt}"
# The reviewers' public keys and FINGERPRINTS.
keys = {keys}

[front]
gnupg_home = "front-gnupg"

[vault]
intake_socket = "intake.sock"
courier_socket = "courier.sock"
# In a folder of its own: the only one in which the vault may write.
database = "vault/vault.sqlite"
export_key = "export.key"
"""


class SiteExists(CasedropError):
    """There is a site already; nothing was changed."""


@dataclass(frozen=True)
class Site:
    """What was made. ``export_public`` is the 32-byte Ed25519 key that the desk is told when it is set up."""

    settings_file: Path
    front_socket: Path
    export_public: bytes


def make_site(directory: Path, *, onion: str, keys: Path) -> Site:
    """Make ``settings.toml``, ``export.key`` and ``export.pub`` in *directory* (made with mode 0700 if absent).

    Raises SiteExists, SettingsError when *onion* is not an onion address, or OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings_file = directory / "settings.toml"
    for path in (settings_file, directory / "export.key", directory / "export.pub"):
        if path.exists():
            raise SiteExists(f"{path} is there already; nothing was changed.")
    signing_key = SigningKey.generate()
    text = _TEMPLATE.format(
        onion=onion,
        salt=secrets.token_hex(SALT_BYTES),
        keys=json.dumps(str(keys.absolute()), ensure_ascii=False),
    )
    _write(directory / "export.key", signing_key.encode())
    _write(directory / "export.pub", signing_key.verify_key.encode().hex().encode() + b"\n")
    _write(settings_file, text.encode("utf-8"))
    try:
        Settings.load({FILE_VARIABLE: str(settings_file)})
    except CasedropError:
        for name in ("export.key", "export.pub", "settings.toml"):
            (directory / name).unlink()
        raise
    (directory / "vault").mkdir(mode=0o700, exist_ok=True)
    return Site(settings_file, directory / "front.sock", bytes(signing_key.verify_key))


def _write(path: Path, data: bytes) -> None:
    with NewFile(path) as file:
        file.write(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="newsite", description="Makes a new drop's settings file and export key."
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="the site's directory")
    parser.add_argument(
        "--onion", required=True, metavar="ADDRESS", help="the onion address, with .onion"
    )
    parser.add_argument(
        "--keys", type=Path, default=Path("keys"), metavar="DIR", help="the reviewers' public keys"
    )
    asked = parser.parse_args(arguments)
    try:
        site = make_site(asked.directory, onion=asked.onion, keys=asked.keys)
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename}: {why.strerror}.", file=sys.stderr)
        return 1
    print(f"The settings are in {site.settings_file}.")
    print(f"The desk has to be told this key of the server: {site.export_public.hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
