"""The values that an operator can give a setting, each checked by a parser of its own.

A parser takes the value as the file or the environment gives it, and the folder of the settings
file. It raises Invalid, which never quotes the value: that may be a secret in the wrong place.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from dropbox.label import ENGLISH, LANGUAGES, is_tag
from dropbox.lockdown import PARTS
from dropbox.system_error import explained

SALT_BYTES = 16  # the size of libsodium's Argon2id salts
_SALT_FILE_BYTES = 4 * SALT_BYTES
_ONION = re.compile(r"[a-z2-7]{56}\.onion")
# As useradd(8) takes them on Debian.
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# It becomes an argument of a program and a header of a message.
_MAIL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}(@[A-Za-z0-9.-]{1,190})?")
_NAME_CHARACTERS = 40

Parser = Callable[[object, Path], Any]


@dataclass(frozen=True)
class LanguageSettings:
    """An operator's settings for a language of the pages; None: as Babel has it.

    ``name`` is the language's own name, ``direction`` is "ltr" or "rtl", ``codename`` is the one of
    LANGUAGES in which the words of a codename are shown.
    """

    name: str | None = None
    direction: str | None = None
    codename: str = ENGLISH


class Invalid(Exception):
    """A value is invalid; the text says what it has to be."""


def to_onion(value: object, _: Path) -> str:
    """An onion address of version 3."""
    if not isinstance(value, str) or not _ONION.fullmatch(value):
        raise Invalid("an onion address: 56 letters and digits and .onion")
    return value


def to_salt(value: object, _: Path) -> bytes:
    """Argon2id's salt, from hexadecimal digits."""
    try:
        salt = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        salt = b""
    if len(salt) != SALT_BYTES or len(set(salt)) == 1:
        raise Invalid(f"{2 * SALT_BYTES} random hexadecimal digits")
    return salt


def to_salt_file(value: object, folder: Path) -> bytes:
    """The salt in the file that *value* names, whose other bytes are white space."""
    path = to_path(value, folder)
    try:
        with path.open("rb") as file:
            untrusted = file.read(_SALT_FILE_BYTES)
    except OSError as why:
        raise Invalid(f"a file that can be read: {explained(why).rstrip('.')}") from None
    try:
        return to_salt(untrusted.decode("ascii").strip(), folder)
    except (Invalid, UnicodeDecodeError):
        raise Invalid(f"a file with {2 * SALT_BYTES} random hexadecimal digits") from None


def to_path(value: object, folder: Path) -> Path:
    """A path; a relative one begins at *folder*."""
    if not isinstance(value, str) or not value:
        raise Invalid("a path")
    return folder / value


def to_store_url(value: object, folder: Path) -> str:
    """The store's URL; a path after ``sqlite:`` is relative to *folder*."""
    scheme, _, path = value.partition(":") if isinstance(value, str) else ("", "", "")
    if scheme != "sqlite" or not path or path.startswith("//") != path.startswith("///"):
        raise Invalid("sqlite: and a path")
    absolute = folder / unquote(path.removeprefix("//"))
    return f"sqlite://{quote(str(absolute))}"


def to_number(lowest: int, highest: int) -> Parser:
    """A parser of whole numbers from *lowest* to *highest*."""

    def parse(value: object, _: Path) -> int:
        # The environment gives text, the file numbers. In Python True is a number, but not here.
        number = (
            int(value)
            if isinstance(value, str) and value.isascii() and value.isdecimal()
            else value
        )
        if type(number) is not int or not lowest <= number <= highest:
            raise Invalid(f"a whole number from {lowest} to {highest}")
        return number

    return parse


def to_lockdown_parts(value: object, _: Path) -> frozenset[str]:
    """Names of parts of dropbox.lockdown."""
    # The environment gives all names in one text.
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name in PARTS for name in names
    ):
        raise Invalid(f"a list of parts of the lockdown: {', '.join(PARTS)}")
    return frozenset(names)


def to_user(value: object, _: Path) -> str:
    """The name of a user of this computer."""
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise Invalid("the name of a user of this computer")
    return value


def to_users(value: object, folder: Path) -> tuple[str, ...]:
    """Names of users of this computer."""
    # The environment gives all names in one text.
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list):
        raise Invalid("a list of names of users of this computer")
    return tuple(to_user(name, folder) for name in names)


def to_mail(value: object, _: Path) -> str:
    """A mail address, or the name of a user of this computer."""
    if not isinstance(value, str) or not _MAIL.fullmatch(value):
        raise Invalid("a mail address, or the name of a user of this computer")
    return value


def to_languages(value: object, _: Path) -> tuple[str, ...]:
    """The tags of the pages' languages, in their order."""
    # The environment gives all tags in one text.
    tags = value.split() if isinstance(value, str) else value
    if not isinstance(tags, list) or not tags or not all(map(is_tag, tags)):
        raise Invalid('a list of language tags, such as ["zh-Hans", "en", "fa"]')
    # In the address of a page, capital letters make no difference.
    if len({tag.lower() for tag in tags}) < len(tags):
        raise Invalid("a list in which no language is twice")
    return tuple(tags)


def to_own_language(value: object, _: Path) -> LanguageSettings:
    """An operator's settings for one language."""
    if not isinstance(value, dict) or not set(value) <= {"name", "direction", "codename"}:
        raise Invalid('a table of "name", "direction" and "codename"')
    name = value.get("name")
    if name is not None and not (
        isinstance(name, str) and name.strip() and len(name) <= _NAME_CHARACTERS
    ):
        raise Invalid(f'a table whose "name" has 1 to {_NAME_CHARACTERS} characters')
    if value.get("direction") not in (None, "ltr", "rtl"):
        raise Invalid('a table whose "direction" is "ltr" or "rtl"')
    if value.get("codename", ENGLISH) not in LANGUAGES:
        raise Invalid(f'a table whose "codename" is one of {", ".join(LANGUAGES)}')
    return LanguageSettings(**value)
