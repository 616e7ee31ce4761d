"""Everything an operator can set, read once at the start from a TOML file and the environment.

No secret has a default. If a value is missing or wrong the program stops with a sentence that names
it.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote

from dropbox.errors import SettingsError
from dropbox.label import ENGLISH, LANGUAGES, is_tag
from dropbox.lockdown import PARTS
from dropbox.sizes import PAGE_BYTES, REPORT_FILES_BYTES
from dropbox.system_error import explained

# The environment variable with the file's path; CASEDROP_<SECTION>_<NAME> overrides each setting.
FILE_VARIABLE = "CASEDROP_SETTINGS"
# systemd.exec(5), LoadCredential=
_CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
_PREFIX = "CASEDROP_"

SALT_BYTES = 16  # the size of libsodium's Argon2id salts
_SALT_FILE_BYTES = 4 * SALT_BYTES
_ONION = re.compile(r"[a-z2-7]{56}\.onion")
# As useradd(8) takes them on Debian.
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# It becomes an argument of a program and a header of a message.
_MAIL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}(@[A-Za-z0-9.-]{1,190})?")
PACKAGED_CAMPAIGN = Path(__file__).with_name("campaign.toml")


@dataclass(frozen=True)
class LanguageSettings:
    """What an operator says about a language of the pages; None: what Babel knows about it.

    ``name`` is the language's own name, ``direction`` is "ltr" or "rtl", ``codename`` is the one of
    LANGUAGES in which the words of a codename are shown.
    """

    name: str | None = None
    direction: str | None = None
    codename: str = ENGLISH


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
    uploads: int = 24  # that have one of a worker's 32 threads at once
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
            tag: _parse(file, _LANGUAGE, tag, value, _own_language)
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
    """The values in the file by section and name. Raises SettingsError, also for unknown names."""
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
    """Make the salt of a file of its own that of *values*. Raises SettingsError for two salts."""
    from_its_file = values.pop("salt_file", None)
    if from_its_file is None:
        return
    if "salt" in values:
        raise SettingsError(f"Only one of [site] salt and [site] salt_file can be set in {file}.")
    values["salt"] = from_its_file


def _check_languages(settings: Settings, file: Path) -> None:
    """Raise SettingsError for what is said of a language that is not offered, or not needed."""
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


def _parse(file: Path, section: str, setting: str, value: object, parse: "Parser") -> Any:
    try:
        return parse(value, file.parent)
    except _Invalid as why:
        # Without the value itself, which may be a secret entered in the wrong place.
        raise SettingsError(
            f"The setting [{section}] {setting} (file {file} or the environment) has to be {why}."
        ) from None


class _Invalid(Exception):
    """A value is invalid; the text says what it has to be."""


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


def _salt_file(value: object, folder: Path) -> bytes:
    """The salt in the file that *value* names, whose other bytes are white space."""
    path = _path(value, folder)
    try:
        with path.open("rb") as file:
            untrusted = file.read(_SALT_FILE_BYTES)
    except OSError as why:
        raise _Invalid(f"a file that can be read: {explained(why).rstrip('.')}") from None
    try:
        return _salt(untrusted.decode("ascii").strip(), folder)
    except (_Invalid, UnicodeDecodeError):
        raise _Invalid(f"a file with {2 * SALT_BYTES} random hexadecimal digits") from None


def _path(value: object, folder: Path) -> Path:
    if not isinstance(value, str) or not value:
        raise _Invalid("a path")
    return folder / value


def _store(value: object, folder: Path) -> str:
    """The store's URL; a path after ``sqlite:`` is relative to *folder*."""
    scheme, _, path = value.partition(":") if isinstance(value, str) else ("", "", "")
    if scheme != "sqlite" or not path or path.startswith("//") != path.startswith("///"):
        raise _Invalid("sqlite: and a path")
    absolute = folder / unquote(path.removeprefix("//"))
    return f"sqlite://{quote(str(absolute))}"


def _number(lowest: int, highest: int) -> "Parser":
    def parse(value: object, _: Path) -> int:
        # The environment gives text, the file numbers. In Python True is a number, but not here.
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
    # The environment gives all names in one text.
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name in PARTS for name in names
    ):
        raise _Invalid(f"a list of parts of the lockdown: {', '.join(PARTS)}")
    return frozenset(names)


def _user(value: object, _: Path) -> str:
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise _Invalid("the name of a user of this computer")
    return value


def _users(value: object, folder: Path) -> tuple[str, ...]:
    # The environment gives all names in one text.
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list):
        raise _Invalid("a list of names of users of this computer")
    return tuple(_user(name, folder) for name in names)


def _mail(value: object, _: Path) -> str:
    if not isinstance(value, str) or not _MAIL.fullmatch(value):
        raise _Invalid("a mail address, or the name of a user of this computer")
    return value


def _languages(value: object, _: Path) -> tuple[str, ...]:
    # The environment gives all tags in one text.
    tags = value.split() if isinstance(value, str) else value
    if not isinstance(tags, list) or not tags or not all(map(is_tag, tags)):
        raise _Invalid('a list of language tags, such as ["zh-Hans", "en", "fa"]')
    # In the address of a page, capital letters make no difference.
    if len({tag.lower() for tag in tags}) < len(tags):
        raise _Invalid("a list in which no language is twice")
    return tuple(tags)


def _own_language(value: object, _: Path) -> LanguageSettings:
    if not isinstance(value, dict) or not set(value) <= {"name", "direction", "codename"}:
        raise _Invalid('a table of "name", "direction" and "codename"')
    name = value.get("name")
    if name is not None and not (
        isinstance(name, str) and name.strip() and len(name) <= _NAME_CHARACTERS
    ):
        raise _Invalid(f'a table whose "name" has 1 to {_NAME_CHARACTERS} characters')
    if value.get("direction") not in (None, "ltr", "rtl"):
        raise _Invalid('a table whose "direction" is "ltr" or "rtl"')
    if value.get("codename", ENGLISH) not in LANGUAGES:
        raise _Invalid(f'a table whose "codename" is one of {", ".join(LANGUAGES)}')
    return LanguageSettings(**value)


Parser = Callable[[object, Path], Any]

_SETTINGS: dict[tuple[str, str], Parser] = {
    ("site", "onion"): _onion,
    ("site", "salt"): _salt,
    ("site", "salt_file"): _salt_file,
    ("site", "keys"): _path,
    ("site", "campaign"): _path,
    ("site", "next_address"): _path,
    ("site", "languages"): _languages,
    ("site", "catalogs"): _path,
    ("front", "gnupg_home"): _path,
    ("front", "key_memory"): _path,
    ("vault", "intake_socket"): _path,
    ("vault", "courier_socket"): _path,
    ("vault", "store"): _store,
    ("vault", "quantum"): _number(16, 1_024),  # the journal has room for more than three of them
    ("vault", "tick_milliseconds"): _number(100, 10_000),  # every report waits for a tick
    ("vault", "file_slots"): _number(1_024, 2**24),
    ("vault", "kept_slots"): _number(0, 2**20),
    ("vault", "grace_days"): _number(1, 90),
    ("vault", "limit_days"): _number(14, 180),  # the day keys of so many days go into one head
    ("vault", "export_key"): _path,
    ("vault", "front_user"): _user,
    ("vault", "courier_users"): _users,
    ("alarms", "mail_to"): _mail,
    ("alarms", "sendmail"): _path,
    ("lockdown", "waived"): _parts,
    ("limits", "page_bytes"): _number(PAGE_BYTES, 2**17),  # a slow bridge takes 6 s for that
    ("limits", "file_bytes"): _number(2**16, 2**30),
    ("limits", "files"): _number(1, 10),  # a report of one block has room for ten
    ("limits", "post_bytes"): _number(2**18, 2**31),
    ("limits", "token_minutes"): _number(1, 2 * 60),  # a day's key is accepted for so long
    ("limits", "sealings"): _number(1, 64),
    ("limits", "derivations"): _number(1, 64),
    ("limits", "head_seconds"): _number(1, 600),
    ("limits", "slow_seconds"): _number(1, 3_600),
    ("limits", "slowest_bytes"): _number(1, 10_000),  # a slow bridge brings more than these
    ("limits", "uploads"): _number(1, 28),  # so that threads are left for all other requests
    ("limits", "circuit_pages"): _number(20, 100_000),
    ("limits", "circuit_derivations"): _number(10, 100_000),
    ("limits", "circuit_forms"): _number(2, 100_000),
    ("limits", "circuit_bytes"): _number(2**20, 2**40),
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
# What a settings file of format 1 has in the place of the store.
_FIRST_FORMAT = ("vault", "database")
# The section with one table for each language that Babel does not know, or not well enough.
_LANGUAGE = "language"
_NAME_CHARACTERS = 40
_SECTIONS = frozenset(section for section, _ in _SETTINGS)
# Where gunicorn listens for tor: this variable is for the launcher, not the application.
_NOT_OURS = frozenset({"CASEDROP_FRONT_SOCKET"})
