"""Everything an operator can set: one frozen object, read once at the start, from one TOML file and the environment.

Nothing has a secret default. A value that is missing or wrong stops the start with a sentence that names it.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dropbox.errors import SettingsError
from dropbox.lockdown import PARTS

# The environment variable that names the file; each setting may be overridden by CASEDROP_<SECTION>_<NAME>.
FILE_VARIABLE = "CASEDROP_SETTINGS"
_PREFIX = "CASEDROP_"

SALT_BYTES = 16  # what libsodium's Argon2id takes
_ONION = re.compile(r"[a-z2-7]{56}\.onion")
_PACKAGED_CAMPAIGN = Path(__file__).with_name("campaign.toml")


@dataclass(frozen=True)
class Settings:
    """The settings of one drop. Sizes in bytes, times in minutes, paths absolute."""

    # [site]
    onion: str  # the only Host that is answered
    salt: bytes  # of the codenames' Argon2id: 16 random bytes, one for each drop, since codenames have no user name
    keys: Path  # the reviewers' pinned public keys
    campaign: Path
    # [front]
    gnupg_home: Path  # filled from `keys` at each start, never written to afterwards
    # [vault]
    intake_socket: Path
    courier_socket: Path
    database: Path
    export_key: Path  # the vault alone reads what is in it
    # [lockdown]
    waived: frozenset[str] = frozenset()  # parts of dropbox.lockdown that this kernel need not have
    # [limits]
    file_bytes: int = 10 * 2**20  # over a slow bridge, 20 kB/s, this takes nine minutes
    files: int = 10
    post_bytes: int = 26 * 2**20  # all files of one page, 25 MiB, and its text
    token_minutes: int = 120  # a form page may stay open this long
    pending_minutes: int = (
        240  # sealed files wait this long for their report: a form page, and the upload it began
    )
    sealings: int = 16  # uploads sealed at once by a worker: each a gpg of 8 MB, and a slow bridge keeps one for minutes
    derivations: int = (
        2  # codenames turned into keys at once: each takes a core and 19 MiB for 30 ms
    )

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """The settings of the file that CASEDROP_SETTINGS in *environ* names, overridden by the rest of *environ*.

        Raises SettingsError naming the file, the section and the setting that is missing, unknown or wrong.
        """
        name = environ.get(FILE_VARIABLE)
        if not name:
            raise SettingsError(
                f"The environment variable {FILE_VARIABLE} has to name the settings file."
            )
        file = Path(name).absolute()
        stated = _from_file(file)
        stated.update(_from_environment(environ))
        values = {
            setting: _parse(file, section, setting, stated[section, setting], parse)
            for (section, setting), parse in _SETTINGS.items()
            if (section, setting) in stated
        }
        for section, setting in _SETTINGS:
            if setting not in values and section not in _OPTIONAL and setting != "campaign":
                raise SettingsError(f"The setting [{section}] {setting} is missing in {file}.")
        values.setdefault("campaign", _PACKAGED_CAMPAIGN)
        return cls(**values)


def _from_file(file: Path) -> dict[tuple[str, str], Any]:
    """What the file says, by section and name. Raises SettingsError, also for names that do not exist."""
    try:
        body = tomllib.loads(file.read_text("utf-8"))
    except OSError as why:
        raise SettingsError(f"The settings file {file} cannot be read: {why.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The settings file {file} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as why:
        raise SettingsError(f"The settings file {file} is not TOML: {why}.") from None
    stated = {}
    for section, values in body.items():
        if section not in _SECTIONS or not isinstance(values, dict):
            raise SettingsError(
                f"The settings file {file} has an unknown section or setting, {section}."
            )
        for setting, value in values.items():
            if (section, setting) not in _SETTINGS:
                raise SettingsError(
                    f"The settings file {file} has an unknown setting, [{section}] {setting}."
                )
            stated[section, setting] = value
    return stated


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    """What the environment says, by section and name. Raises SettingsError for a name that does not exist."""
    known = {
        f"{_PREFIX}{section}_{setting}".upper(): (section, setting)
        for section, setting in _SETTINGS
    }
    overriding = {}
    for variable, value in environ.items():
        if variable in known:
            overriding[known[variable]] = value
        elif (
            variable.startswith(tuple(f"{_PREFIX}{section}_".upper() for section in _SECTIONS))
            and variable not in _NOT_OURS
        ):
            raise SettingsError(f"The environment variable {variable} is not a setting.")
    return overriding


def _parse(file: Path, section: str, setting: str, value: object, parse: "Parser") -> Any:
    try:
        return parse(value, file.parent)
    except _Invalid as why:
        # The value itself is not shown: it may be a secret that was put in the wrong place.
        raise SettingsError(
            f"The setting [{section}] {setting} (file {file} or the environment) has to be {why}."
        ) from None


class _Invalid(Exception):
    """A value is not what the setting has to be; the text says what that is."""


def _onion(value: object, _: Path) -> str:
    if not isinstance(value, str) or not _ONION.fullmatch(value):
        raise _Invalid("an onion address: 56 letters and digits and .onion")
    return value


def _salt(value: object, _: Path) -> bytes:
    try:
        salt = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        salt = b""
    if len(salt) != SALT_BYTES or len(set(salt)) == 1:
        raise _Invalid(f"{2 * SALT_BYTES} random hexadecimal digits")
    return salt


def _path(value: object, folder: Path) -> Path:
    if not isinstance(value, str) or not value:
        raise _Invalid("a path")
    return folder / value


def _number(lowest: int, highest: int) -> "Parser":
    def parse(value: object, _: Path) -> int:
        # From the environment numbers come as text; in the file they are numbers. True is not a number here.
        number = (
            int(value)
            if isinstance(value, str) and value.isascii() and value.isdecimal()
            else value
        )
        if type(number) is not int or not lowest <= number <= highest:
            raise _Invalid(f"a whole number from {lowest} to {highest}")
        return number

    return parse


def _parts(value: object, _: Path) -> frozenset[str]:
    # From the environment they come as one text.
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name in PARTS for name in names
    ):
        raise _Invalid(f"a list of parts of the lockdown: {', '.join(PARTS)}")
    return frozenset(names)


Parser = Callable[[object, Path], Any]

_SETTINGS: dict[tuple[str, str], Parser] = {
    ("site", "onion"): _onion,
    ("site", "salt"): _salt,
    ("site", "keys"): _path,
    ("site", "campaign"): _path,
    ("front", "gnupg_home"): _path,
    ("vault", "intake_socket"): _path,
    ("vault", "courier_socket"): _path,
    ("vault", "database"): _path,
    ("vault", "export_key"): _path,
    ("lockdown", "waived"): _parts,
    ("limits", "file_bytes"): _number(2**16, 2**30),
    ("limits", "files"): _number(1, 10),  # as many as a report's one block has room for
    ("limits", "post_bytes"): _number(2**18, 2**31),
    ("limits", "token_minutes"): _number(1, 24 * 60),
    ("limits", "pending_minutes"): _number(1, 7 * 24 * 60),
    ("limits", "sealings"): _number(1, 64),
    ("limits", "derivations"): _number(1, 64),
}
_OPTIONAL = ("limits", "lockdown")
_SECTIONS = frozenset(section for section, _ in _SETTINGS)
# Where gunicorn listens for tor: the launcher's business, not the application's.
_NOT_OURS = frozenset({"CASEDROP_FRONT_SOCKET"})
