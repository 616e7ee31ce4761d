"""The names of parts, as splitters write them: which file a part belongs to, and which part it is.

Whoever cuts a large file uses whatever splitter is at hand. The names alone say how the parts
belong together. The result is a guess: nobody may lose a file because of it.
"""

import hashlib
import re
from collections.abc import Iterable
from enum import Enum, auto, unique
from typing import NamedTuple

_TAG = b"cd2:split-name"
_TAG_BYTES = 3

# What people cut. After any other ending, two letters or one digit do not mark a part.
_CUT_TYPES = (
    "mp4|mov|m4v|avi|mkv|webm|3gp|wmv|flv|ts|mp3|m4a|aac|amr|wav|ogg|opus|flac|zip|7z|rar|tar|gz|"
    "tgz|xz|pdf|docx?|xlsx?|pptx?|jpe?g|png|heic|bak|db|img|iso|bin"
)
# The ending of a file's own name.
_ENDING = re.compile(r"[^.].*(\.[a-z0-9]{1,5})", re.DOTALL)


@unique
class Kind(Enum):
    """The kinds of parts."""

    CUT = auto()  # one behind the other, they are the file
    VOLUME = auto()  # of an archive, which only the archive's program puts together
    UNSURE = auto()  # a cut, or files of their own


class SplitName(NamedTuple):
    """A part's name.

    ``whole``: the name of the whole file. ``number``: as its splitter counts, letters from 1.
    ``key``: the same for all parts of a file, and for nothing else. ``stem``: what comes before
    the number. ``in_digits``: whether that is written in digits. ``numbers_all``: whether the
    splitter numbers all parts, or leaves one with the name of the whole.
    """

    kind: Kind
    whole: str
    number: int
    key: tuple[int, str]
    stem: str
    in_digits: bool
    numbers_all: bool


# Kind, pattern, the ending of the whole, and what is added to the number; the first match counts.
_FORMS: list[tuple[Kind, str, str, int]] = [
    # WinRAR, now and before version 3; WinZip and Info-ZIP.
    (Kind.VOLUME, r"(.+)\.part([0-9]{1,4})\.rar", ".rar", 0),
    (Kind.VOLUME, r"(.+)\.r([0-9]{2,3})", ".rar", 1),
    (Kind.VOLUME, r"(.+)\.z([0-9]{2,3})", ".zip", 0),
    # 7-Zip, HJSplit and most others.
    (Kind.CUT, rf"(.+\.(?:{_CUT_TYPES})|[^.].*)\.([0-9]{{2,3}}|0[0-9]{{3}})", "", 0),
    (Kind.CUT, rf"(.+\.(?:{_CUT_TYPES}))\.([0-9]{{1,4}})", "", 0),
    (Kind.CUT, r"(.+?)[._ -]part[._ -]?([0-9]{1,4}|[a-z]{2,3})", "", 0),
    (Kind.UNSURE, r"(.+?)[._ -]part[._ -]?([0-9]{1,4})(\.[a-z0-9]{1,5})", "", 0),
    # split, with and without a prefix of one's own.
    (Kind.CUT, rf"(.+\.(?:{_CUT_TYPES}))\.([a-d][a-z])", "", 0),
    (Kind.CUT, rf"(.+\.(?:{_CUT_TYPES}))([0-9]{{2,3}}|[a-d][a-z])", "", 0),
    (Kind.CUT, r"(x)([0-9]{2,3}|[a-d][a-z]|a[a-z]{2})", "", 0),
]
_PATTERNS = [
    (kind, re.compile(pattern, re.DOTALL | re.IGNORECASE | re.ASCII), ending, first)
    for kind, pattern, ending, first in _FORMS
]
_WITHOUT_ONE = (1, 2)
_FIRST_CUT = next(at for at, form in enumerate(_FORMS) if form[0] is Kind.CUT)


def split_name(name: str) -> SplitName | None:
    """What *name* says if it is the name of a part, else None."""
    for at, (kind, pattern, ending, first) in enumerate(_PATTERNS):
        found = pattern.fullmatch(name)
        if found is None:
            continue
        stem, number = found[1], found[2].lower()
        whole = stem + (found[3] if kind is Kind.UNSURE else ending)
        # "x.mp4.1" and "x.mp4.002" are counted the same way.
        form = _FIRST_CUT if at == _FIRST_CUT + 1 else at
        counted = int(number) + first if number.isdigit() else _letters(number)
        key = (form, whole.casefold())
        return SplitName(kind, whole, counted, key, stem, number.isdigit(), at not in _WITHOUT_ONE)
    return None


def _letters(text: str) -> int:
    """The position of *text* in aa, ab, … (from 1)."""
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("a")
    return number + 1


def nameless(name: str, secret: bytes) -> str | None:
    """A part's *name* without the name of its file; None if it is not a part's.

    The replacement tells files apart and is the same for all parts of one, in this report and in
    later ones. Only somebody who has *secret*, at most 64 bytes, can test which name it was.
    """
    found = split_name(name)
    if found is None:
        return None
    rest = name[len(found.stem) :].lower()
    if found.stem.lower() == "x":
        return f"x{rest}"
    ending = _ENDING.fullmatch(found.stem.lower())
    return _tag(found.whole, secret) + (ending.group(1) if ending else "") + rest


def nameless_whole(name: str, names: Iterable[str], secret: bytes) -> str | None:
    """The same for a file that is not one of the parts in *names* but is named like the whole file.

    The last volume of an archive can be. None for all other names.
    """
    parts = (split_name(one) for one in names)
    if name.casefold() not in {part.whole.casefold() for part in parts if part is not None}:
        return None
    ending = _ENDING.fullmatch(name.lower())
    return _tag(name, secret) + (ending.group(1) if ending else "")


def _tag(whole: str, secret: bytes) -> str:
    """The replacement for the name of the file *whole*."""
    digest = hashlib.blake2b(
        whole.casefold().encode("utf-8", "surrogatepass"),
        key=secret,
        person=_TAG,
        digest_size=_TAG_BYTES,
    )
    return digest.hexdigest()
