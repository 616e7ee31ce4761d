"""A case's name, such as K7-QX4M: short, easy to say, and the same at every desk.

It follows from the claimant's keys alone, so neither the order in which bundles were imported nor a
restored copy changes it. A check character after each group catches every single wrong character
and every two that were swapped.

Two cases of one casebook may have the same short name: one pair in 23 million. Then each name gets
as many more groups as it takes to tell it from all others there, K7-QX4M-9TBX, and the short name
alone is refused. Which names a casebook uses thus depends on the cases in it and never on their
order, and the longer name of a case is understood at every desk.
"""

import hashlib
import re
import unicodedata

from dropbox.errors import CasedropError

# Crockford's: without I, L and O, which look like 1 and 0, and without U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# A name begins with a letter, so no program takes it for a number, a date or an option.
_LETTERS = ALPHABET[10:]
_READ_AS = str.maketrans("ILO", "110")
_FIRST, _MORE = 5, 3
# Enough groups for all of the hash: two cases with the same keys are one case.
_GROUPS = 12
CHARACTERS = _FIRST + _MORE * _GROUPS
# Added to each check character, so that the example used in all texts is a valid name.
_OFFSET = 4
_BETWEEN = re.compile(r"[\s._\-‐-―−]+")
_FORMER = re.compile(r"C-([0-9]{4,9})", re.ASCII)


class BadCaseName(CasedropError):
    """This is not a case's name; they look like K7-QX4M."""


def characters_of(reply_public: bytes, tag_key: bytes) -> str:
    """All CHARACTERS of the name of the case with these reply keys, without check characters."""
    # Both keys count: filing with somebody's reply key and another tag key makes another case.
    digest = hashlib.blake2b(reply_public + tag_key, person=b"cd2:case-name").digest()
    value, index = divmod(int.from_bytes(digest, "big"), len(_LETTERS))
    found = [_LETTERS[index]]
    for _ in range(CHARACTERS - 1):
        value, index = divmod(value, len(ALPHABET))
        found.append(ALPHABET[index])
    return "".join(found)


def name_of(characters: str, *others: str) -> str:
    """The shortest name that tells *characters* from *others*, which are other cases'."""
    length = _FIRST
    while any(other[:length] == characters[:length] for other in others):
        length += _MORE
    return _written(characters[:length])


def alike(one: str, other: str) -> bool:
    """Whether two cases with these characters have the same short name."""
    return one[:_FIRST] == other[:_FIRST]


def _written(characters: str) -> str:
    """A name with its check characters and hyphens; the first group has a hyphen inside."""
    written = characters[:_FIRST] + _check(characters[:_FIRST])
    for begin in range(_FIRST, len(characters), _MORE):
        group = written.replace("-", "") + characters[begin : begin + _MORE]
        written += "-" + characters[begin : begin + _MORE] + _check(group)
    return f"{written[:2]}-{written[2:]}"


def _check(characters: str) -> str:
    """The check character: a sum over GF(32) in which each position has a weight of its own."""
    total = 0
    for character in characters:
        total ^= ALPHABET.index(character)
        total = total << 1 ^ (0b100101 if total & 16 else 0)
    return ALPHABET[total ^ _OFFSET]


def read(typed: str) -> str:
    """The characters of a name as people type it, without check characters.

    Small letters, spaces and missing hyphens make no difference, nor do I, L and O for 1 and 0.
    Raises BadCaseName.
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed)).upper().translate(_READ_AS)
    groups = len(plain) - _FIRST - 1
    if groups < 0 or groups % (_MORE + 1) or not set(plain) <= set(ALPHABET):
        raise BadCaseName
    if len(plain) > CHARACTERS or plain[0] not in _LETTERS:
        raise BadCaseName
    characters = plain[:_FIRST]
    for begin in range(_FIRST + 1, len(plain), _MORE + 1):
        characters += plain[begin : begin + _MORE]
    if _written(characters).replace("-", "") != plain:
        raise BadCaseName(
            f"{_spelled(plain)} is no case's name: a character is wrong, or two changed places."
        )
    return characters


def _spelled(plain: str) -> str:
    first, more = plain[: _FIRST + 1], plain[_FIRST + 1 :]
    groups = [more[begin : begin + _MORE + 1] for begin in range(0, len(more), _MORE + 1)]
    return "-".join([first[:2], first[2:], *groups])


def former_name(number: int) -> str:
    """The name of case *number* in casebooks before version 6: C-0001."""
    return f"C-{number:04d}"


def read_former(typed: str) -> str:
    """The former name that somebody typed, "" if it is not one."""
    found = _FORMER.fullmatch(typed.strip().upper())
    return former_name(int(found[1])) if found else ""
