"""What in a text looks like a person's number or address, so that its writer can be asked before it is sent.

Only kinds are told, never what was found. Better to ask once too often than not; nothing is refused for it.
"""

import re
import unicodedata
from collections.abc import Iterator

PHONE, IDENTITY, EMAIL, ACCOUNT = "phone", "identity", "email", "account"

# Digits may stand in groups: 138 0013 8000, 138-0013-8000.
_GAP = r"[ \-‐-―.]?"
_NOT_BEFORE, _NOT_AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
# Mainland mobile numbers begin with 13 to 19; Taiwan's with 09. Others are known by their country's code.
_PHONES = (
    rf"(?:\+?86{_GAP})?1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}",
    rf"09[0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}",
    rf"\+[0-9]{{1,3}}(?:{_GAP}\(?[0-9]{{1,4}}\)?){{2,5}}",
)
# Mainland: 17 digits and a check character, the birth date in the middle. Taiwan: a letter and nine digits.
_IDENTITIES = (
    r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]",
    r"[A-Za-z][12][0-9]{8}",
)
_PATTERNS = {
    PHONE: re.compile("|".join(rf"{_NOT_BEFORE}{one}{_NOT_AFTER}" for one in _PHONES)),
    IDENTITY: re.compile("|".join(rf"{_NOT_BEFORE}{one}{_NOT_AFTER}" for one in _IDENTITIES)),
    EMAIL: re.compile(r"[0-9A-Za-z._%+\-]{1,64}@[0-9A-Za-z\-]{1,63}\.[0-9A-Za-z.\-]{2,63}"),
    # What WeChat gives an account whose owner has not chosen a name.
    ACCOUNT: re.compile(rf"{_NOT_BEFORE}wxid_[0-9A-Za-z]{{6,}}", re.IGNORECASE),
}
_INVISIBLE = {"Cf"}


def find_personal_data(text: str) -> list[str]:
    """Which kinds stand in *text*: PHONE, IDENTITY, EMAIL, ACCOUNT, in this order, each at most once."""
    plain = "".join(_visible(unicodedata.normalize("NFKC", text)))
    return [kind for kind, pattern in _PATTERNS.items() if pattern.search(plain)]


def _visible(text: str) -> Iterator[str]:
    """Without zero-width characters, which word processors leave between digits."""
    return (character for character in text if unicodedata.category(character) not in _INVISIBLE)
