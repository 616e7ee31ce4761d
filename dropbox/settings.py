"""Everything an operator can set, read once at the start from a TOML file and the environment.

No secret has a default. If a value is missing or wrong the program stops with a sentence that names
it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from dropbox.errors import SettingsError
from dropbox.label import LANGUAGES
from dropbox.setting_values import (
    Invalid,
    LanguageSettings,
    Parser,
    to_languages,
    to_lockdown_parts,
    to_mail,
    to_number,
    to_onion,
    to_own_language,
    to_path,
    to_salt,
    to_salt_file,
    to_store_url,
    to_user,
    to_users,
)
from dropbox.sizes import PAGE_BYTES, REPORT_FILES_BYTES
from dropbox.system_error import explained

# The environment variable with the file's path; CASEDROP_<SECTION>_<NAME> overrides each setting.
FILE_VARIABLE = "CASEDROP_SETTINGS"
# systemd.exec(5), LoadCredential=
_CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
_PREFIX = "CASEDROP_"

PACKAGED_CAMPAIGN = Path(__file__).with_name("campaign.toml")


@dataclass(frozen=True)
class Settings:
    """The settings of one drop. Sizes in bytes, times in minutes, paths absolute."""

    # [site]
    onion: str  # requests for any other Host are refused
    salt: bytes  # for Argon2id: 16 random bytes per drop, as codenames have no user name
    keys: Path  # the reviewers' pinned public keys
    campaign: Path
    # [front]
    gnupg_home: Path  # filled from `keys` at each start, never written to afterwards
    # [vault]
    intake_socket: Path
    courier_socket: Path
    store: str  # its URL: sqlite:/// and an absolute path
    export_key: Path  # only the vault reads this file
    quantum: int = 256  # slots that a day begins with and grows by; a slot takes 66,570 bytes
    tick_milliseconds: int = 1_000  # from one writing of the store to the next
    # A flood of files leaves room for reports: see dropbox.vault.store_limits. 4 GiB and 137 MiB.
    file_slots: int = 65_536
    kept_slots: int = 2_048
    grace_days: int = 7  # how long a day's slots stay after the desk acknowledged them
    limit_days: int = 90  # how long they stay at most
    front_user: str | None = None  # whom the intake socket answers beside the vault's own user
    courier_users: tuple[str, ...] = ()  # whom the courier socket answers beside that and root
    # [site], optional
    next_address: Path | None = None  # the signed statement about it, see dropbox.next_address
    languages: tuple[str, ...] = LANGUAGES  # of the pages, in the order they are offered
    catalogs: Path | None = None  # the folder of the catalogs of languages other than LANGUAGES
    # [language.TAG], optional
    own_languages: Mapping[str, LanguageSettings] = field(default_factory=dict)
    # [front], optional: a file on a file system in memory; None: dropbox.front.shared_keys chooses
    key_memory: Path | None = None
    # [alarms], optional
    mail_to: str | None = None  # the address that `casedrop watch` tells alarms to
    sendmail: Path = Path("/usr/sbin/sendmail")  # the program that sends them
    # The folder in which systemd hands secrets to this service; None: it was started otherwise.
    credentials: Path | None = None
    # [lockdown]
    waived: frozenset[str] = frozenset()  # parts of dropbox.lockdown that are not enforced
    # [limits]
    page_bytes: int = PAGE_BYTES  # of every response
    file_bytes: int = 100 * 2**20  # takes an hour and a half over a slow bridge (20 kB/s)
    files: int = 10
    post_bytes: int = 101 * 2**20  # all files that are sent at once, 100 MiB, and the text
    token_minutes: int = 120  # how long a form page can stay open
    # Uploads that a worker seals at once: each runs a gpg of 8 MB, over a slow bridge for minutes.
    sealings: int = 16
    # Codenames that a worker turns into keys at once: each takes one core and 19 MiB for 30 ms.
    derivations: int = 2
    # What a worker waits for: see onion.request_arrival.ArrivalLimits.
    head_seconds: int = 60  # until the head of a request has arrived
    slow_seconds: int = 120  # how long an upload can arrive as slowly as it likes
    slowest_bytes: int = 1_024  # a second on average, from then on
    # Uploads that have one of a worker's 32 threads at once. Fewer than sealings: every upload with
    # a place can be sealed, and so can small files, which need no place.
    uploads: int = 14
    # What one Tor circuit can ask for at once, and again over ten minutes: see
    # dropbox.front.circuit_limits. Everybody's browser uses one circuit for a whole visit.
    circuit_pages: int = 240
    circuit_derivations: int = 40  # one to look at the answers, three to delete one
    circuit_forms: int = 10  # reports and additions that are filed
    circuit_bytes: int = 512 * 2**20

    @property
    def large_uploads(self) -> int:
        """How many of a worker's uploads can be large: some sealings are left for others."""
        return max(1, min(self.uploads, self.sealings) * 3 // 4)

    @property
    def store_file(self) -> Path:
        """The file that the store is in."""
        return Path(unquote(self.store.removeprefix("sqlite://")))

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the file that CASEDROP_SETTINGS names; other variables in *environ* override it.

        Raises SettingsError naming the file, section and setting that is missing, unknown or wrong.
        """
        name = environ.get(FILE_VARIABLE)
        if not name:
            raise SettingsError(
                f"The environment variable {FILE_VARIABLE} has to name the settings file."
            )
        file = Path(name).absolute()
        from_file = _from_file(file)
        is_first = from_file.pop(_FIRST_FORMAT, None) is not None
        from_file.update(_from_environment(environ))
        if is_first and ("vault", "store") not in from_file:
            raise SettingsError(
                f"The settings file {file} names a vault's file of format 1 ([vault] database); "
                f"run `casedrop migrate --settings {file}`."
            )
        values = {
            setting: _parse(file, section, setting, from_file[section, setting], parse)
            for (section, setting), parse in _SETTINGS.items()
            if (section, setting) in from_file
        }
        _choose_salt(values, file)
        for section, setting in _SETTINGS:
            if setting not in values and section not in _OPTIONAL and setting not in _DEFAULTED:
                raise SettingsError(f"The setting [{section}] {setting} is missing in {file}.")
        values.setdefault("campaign", PACKAGED_CAMPAIGN)
        values["own_languages"] = {
            tag: _parse(file, _LANGUAGE, tag, value, to_own_language)
            for (section, tag), value in from_file.items()
            if section == _LANGUAGE
        }
        if environ.get(_CREDENTIALS_VARIABLE):
            values["credentials"] = Path(environ[_CREDENTIALS_VARIABLE])
        settings = cls(**values)
        _check_languages(settings, file)
        _check_files(settings, file)
        return settings


def _from_file(file: Path) -> dict[tuple[str, str], Any]:
    """The values in the file by section and name. Raises SettingsError, even for unknown names."""
    try:
        body = tomllib.loads(file.read_text("utf-8"))
    except OSError as why:
        raise SettingsError(f"The settings file {file} cannot be read: {explained(why)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The settings file {file} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as why:
        raise SettingsError(f"The settings file {file} is not TOML: {why}.") from None
    from_file = {}
    for section, values in body.items():
        if section not in (*_SECTIONS, _LANGUAGE) or not isinstance(values, dict):
            raise SettingsError(
                f"The settings file {file} has an unknown section or setting, {section}."
            )
        for setting, value in values.items():
            if section != _LANGUAGE and (section, setting) not in (*_SETTINGS, _FIRST_FORMAT):
                raise SettingsError(
                    f"The settings file {file} has an unknown setting, [{section}] {setting}."
                )
            from_file[section, setting] = value
    return from_file


def _choose_salt(values: dict[str, Any], file: Path) -> None:
    """Use the salt from a separate file as the one in *values*. Raises SettingsError for two."""
    from_its_file = values.pop("salt_file", None)
    if from_its_file is None:
        return
    if "salt" in values:
        raise SettingsError(f"Only one of [site] salt and [site] salt_file can be set in {file}.")
    values["salt"] = from_its_file


def _check_languages(settings: Settings, file: Path) -> None:
    """Raise SettingsError for settings of a language that is not offered or needs none."""
    for tag in settings.own_languages:
        if tag not in settings.languages:
            raise SettingsError(
                f"The settings file {file} has a [language.{tag}], but [site] languages does not "
                "name it."
            )
        if tag in LANGUAGES:
            raise SettingsError(
                f"The settings file {file} has a [language.{tag}], but Casedrop comes with it."
            )
    others = [tag for tag in settings.languages if tag not in LANGUAGES]
    if others and settings.catalogs is None:
        raise SettingsError(
            f"The setting [site] catalogs is missing in {file}: the folder with the catalog of "
            f"{others[0]}."
        )


def _check_files(settings: Settings, file: Path) -> None:
    """Raise SettingsError if a report could have more files than the vault files at once."""
    if settings.files * settings.file_bytes > REPORT_FILES_BYTES:
        raise SettingsError(
            f"The settings [limits] files and file_bytes (file {file} or the environment) allow "
            f"{settings.files * settings.file_bytes:,} bytes of files in one report; at most "
            f"{REPORT_FILES_BYTES:,} can be filed at once."
        )


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    """The values in the environment by section and name. Raises SettingsError for unknown names."""
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


def _parse(file: Path, section: str, setting: str, value: object, parse: Parser) -> Any:
    try:
        return parse(value, file.parent)
    except Invalid as why:
        # Without the value itself, which may be a secret entered in the wrong place.
        raise SettingsError(
            f"The setting [{section}] {setting} (file {file} or the environment) has to be {why}."
        ) from None


_SETTINGS: dict[tuple[str, str], Parser] = {
    ("site", "onion"): to_onion,
    ("site", "salt"): to_salt,
    ("site", "salt_file"): to_salt_file,
    ("site", "keys"): to_path,
    ("site", "campaign"): to_path,
    ("site", "next_address"): to_path,
    ("site", "languages"): to_languages,
    ("site", "catalogs"): to_path,
    ("front", "gnupg_home"): to_path,
    ("front", "key_memory"): to_path,
    ("vault", "intake_socket"): to_path,
    ("vault", "courier_socket"): to_path,
    ("vault", "store"): to_store_url,
    ("vault", "quantum"): to_number(16, 1_024),  # the journal has room for more than three of them
    ("vault", "tick_milliseconds"): to_number(100, 10_000),  # every report waits for a tick
    ("vault", "file_slots"): to_number(1_024, 2**24),
    ("vault", "kept_slots"): to_number(0, 2**20),
    ("vault", "grace_days"): to_number(1, 90),
    ("vault", "limit_days"): to_number(14, 180),  # the day keys of so many days go into one head
    ("vault", "export_key"): to_path,
    ("vault", "front_user"): to_user,
    ("vault", "courier_users"): to_users,
    ("alarms", "mail_to"): to_mail,
    ("alarms", "sendmail"): to_path,
    ("lockdown", "waived"): to_lockdown_parts,
    ("limits", "page_bytes"): to_number(PAGE_BYTES, 2**17),  # a slow bridge takes 6 s for that
    ("limits", "file_bytes"): to_number(2**16, 2**30),
    ("limits", "files"): to_number(1, 10),  # a report of one block has room for ten
    ("limits", "post_bytes"): to_number(2**18, 2**31),
    ("limits", "token_minutes"): to_number(1, 2 * 60),  # a day's key is accepted for so long
    ("limits", "sealings"): to_number(1, 64),
    ("limits", "derivations"): to_number(1, 64),
    ("limits", "head_seconds"): to_number(1, 600),
    ("limits", "slow_seconds"): to_number(1, 3_600),
    ("limits", "slowest_bytes"): to_number(1, 10_000),  # a slow bridge brings more than these
    ("limits", "uploads"): to_number(1, 28),  # so that threads are left for all other requests
    ("limits", "circuit_pages"): to_number(20, 100_000),
    ("limits", "circuit_derivations"): to_number(10, 100_000),
    ("limits", "circuit_forms"): to_number(2, 100_000),
    ("limits", "circuit_bytes"): to_number(2**20, 2**40),
}
_OPTIONAL = ("alarms", "limits", "lockdown")
_DEFAULTED = frozenset(
    (
        "campaign",
        "salt_file",
        "next_address",
        "languages",
        "catalogs",
        "key_memory",
        "quantum",
        "tick_milliseconds",
        "file_slots",
        "kept_slots",
        "grace_days",
        "limit_days",
        "front_user",
        "courier_users",
    )
)
# What a settings file of format 1 has instead of the store.
_FIRST_FORMAT = ("vault", "database")
# The section with one table for each language that Babel does not know, or not well enough.
_LANGUAGE = "language"
_SECTIONS = frozenset(section for section, _ in _SETTINGS)
# Where gunicorn listens for tor: this variable is for the launcher, not the application.
_NOT_OURS = frozenset({"CASEDROP_FRONT_SOCKET"})
