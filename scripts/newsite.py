"""Makes what a new drop needs before its first start: settings with a new salt, an export key.

    casedrop newsite --onion ADDRESS.onion [--keys DIR] DIR        (or python -m scripts.newsite)

It overwrites nothing: another salt would make all codenames useless, and another export key all
casebooks.
"""

from __future__ import annotations

if not __package__:
    # Python then looks for packages beside this file: it does not find Casedrop's, and mistakes
    # some of these files for its own modules. These two modules are already loaded.
    import os
    import sys

    print(
        f"Run it from {os.path.abspath(f'{__file__}/../..')} as python -m "  # noqa: PTH100
        "scripts.newsite, or as casedrop newsite where Casedrop is installed.",
        file=sys.stderr,
    )
    sys.exit(2)

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dropbox.errors import CasedropError
from scripts import command_line

HELP = "make a new drop's settings file and export key"

_TEMPLATE = """\
# The settings of this drop. Relative paths are relative to this file. Each value can be overridden
# in the environment: CASEDROP_SITE_ONION, CASEDROP_LIMITS_FILES and so on.

[site]
onion = "{onion}"
# Part of every codename's keys. Never change it: all codenames given so far would stop working.
# Keep a copy.
salt = "{salt}"
# The reviewers' public keys and FINGERPRINTS.
keys = {keys}
# The languages of the pages, in the order they are offered. Another one needs its catalog in this
# folder, labels in the campaign file, and no code: docs/texts.md.
# languages = ["zh-Hans", "zh-Hant", "en"]
# catalogs = "catalogs"

[front]
gnupg_home = "front-gnupg"

[vault]
intake_socket = "intake.sock"
courier_socket = "courier.sock"
# In a folder of its own: the only one in which the vault may write.
store = "sqlite:vault/store.sqlite"
export_key = "export.key"
"""


class SiteExists(CasedropError):
    """There is a site already; nothing was changed."""


@dataclass(frozen=True)
class Site:
    """The new site.

    ``export_public`` (32 bytes, Ed25519) is the key that each new casebook needs.
    """

    settings_file: Path
    front_socket: Path
    export_public: bytes


def make_site(directory: Path, *, onion: str, keys: Path) -> Site:
    """Make settings, ``export.key``, ``export.pub`` and ``probe.key`` in *directory*, or nothing.

    *directory* is made (0700) if absent. A relative path *keys*, or an absolute one below
    *directory*, is written relative to *directory*, so that both can be moved together. Raises
    SiteExists, CannotWrite, OSError, or SettingsError if *onion* is not an onion address.
    """
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from nacl.signing import SigningKey  # noqa: PLC0415

    from dropbox.durable_file import write_new  # noqa: PLC0415
    from dropbox.probe_mark import KEY_FILE, ProbeKey  # noqa: PLC0415
    from dropbox.setting_values import SALT_BYTES  # noqa: PLC0415
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

    settings_file, vault = directory / "settings.toml", directory / "vault"
    export_key, export_pub = directory / "export.key", directory / "export.pub"
    probe_key = directory / KEY_FILE
    for path in (settings_file, export_key, export_pub, probe_key):
        if path.exists():
            raise SiteExists(f"{path} exists already; nothing was changed.")
    signing_key = SigningKey.generate()
    text = _TEMPLATE.format(
        onion=onion,
        salt=secrets.token_hex(SALT_BYTES),
        keys=json.dumps(_from(directory, keys), ensure_ascii=False),
    )
    contents = {
        export_key: signing_key.encode(),
        export_pub: signing_key.verify_key.encode().hex().encode() + b"\n",
        probe_key: ProbeKey.make(signing_key).to_bytes(),
        settings_file: text.encode("utf-8"),
    }
    with ExitStack() as undo:
        for folder in (directory, vault):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True)
                undo.callback(folder.rmdir)
        for path, data in contents.items():
            write_new(path, data)
            undo.callback(path.unlink)
        Settings.load({FILE_VARIABLE: str(settings_file)})
        undo.pop_all()
    return Site(settings_file, directory / "front.sock", bytes(signing_key.verify_key))


def _from(directory: Path, keys: Path) -> str:
    # Links are resolved, since the kernel follows ".." from a link's target.
    here, there = directory.resolve(), keys.resolve()
    if keys.is_absolute() and not there.is_relative_to(here):
        return str(keys)
    return os.path.relpath(there, here)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="the site's directory")
    parser.add_argument(
        "--onion", required=True, metavar="ADDRESS", help="the onion address, with .onion"
    )
    parser.add_argument(
        "--keys", type=Path, default=Path("keys"), metavar="DIR", help="the reviewers' public keys"
    )


def run(asked: argparse.Namespace) -> None:
    """Make it, and print the key that the desk needs."""
    site = make_site(asked.directory, onion=asked.onion, keys=asked.keys)
    print(f"The settings are in {site.settings_file}.")
    print(f"The desk needs this key of the server: {site.export_public.hex()}")


def parser() -> argparse.ArgumentParser:
    """This command alone."""
    made = command_line.new_parser("newsite", HELP)
    add_arguments(made)
    made.set_defaults(run=run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it. Returns the exit code."""
    return command_line.run(parser, arguments, interrupted="Stopped; nothing was made.")


if __name__ == "__main__":
    sys.exit(main())
