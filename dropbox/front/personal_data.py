"""Finding what looks like a personal number or address in a text, to ask its writer about it.

Only the kind is reported, never what was found. A false alarm is better than a miss, since nothing
is refused because of it.
"""

import re
import unicodedata

PHONE, IDENTITY, EMAIL, ACCOUNT = "phone", "identity", "email", "account"

# Digits can be in groups: 138 0013 8000, 138-0013-8000.
_GAP = r"[ \-‐-―.]?"
_NOT_BEFORE, _NOT_AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
# Mobile numbers: in mainland China they start with 13 to 19, in Taiwan with 09. Others are
# recognised by their country code.
_PHONES = (
    rf"(?:\+?86{_GAP})?1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}",
    rf"09[0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}",
    rf"\+[0-9]{{1,3}}(?:{_GAP}\(?[0-9]{{1,4}}\)?){{2,5}}",
)
# Identity cards: in mainland China 17 digits, with a date of birth in the middle, and a check
# character; in Taiwan a letter and nine digits.
_IDENTITIES = (
    r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]",
    r"[A-Za-z][12][0-9]{8}",
)
_PATTERNS = {
    PHONE: re.compile("|".join(rf"{_NOT_BEFORE}{form}{_NOT_AFTER}" for form in _PHONES)),
    IDENTITY: re.compile("|".join(rf"{_NOT_BEFORE}{form}{_NOT_AFTER}" for form in _IDENTITIES)),
    EMAIL: re.compile(r"[0-9A-Za-z._%+\-]{1,64}@[0-9A-Za-z\-]{1,63}\.[0-9A-Za-z.\-]{2,63}"),
    # The name WeChat gives to an account until its owner chooses one.
    ACCOUNT: re.compile(rf"{_NOT_BEFORE}wxid_[0-9A-Za-z]{{6,}}", re.IGNORECASE),
}
_INVISIBLE = {"Cf"}


def find_personal_data(text: str) -> list[str]:
    """The kinds found in *text*: PHONE, IDENTITY, EMAIL, ACCOUNT, in this order, no repeats."""
    plain = _visible(unicodedata.normalize("NFKC", text))
    return [kind for kind, pattern in _PATTERNS.items() if pattern.search(plain)]


def _visible(text: str) -> str:
    """*text* without zero-width characters, which word processors leave between digits."""
    invisible = [one for one in set(text) if unicodedata.category(one) in _INVISIBLE]
    return text.translate(dict.fromkeys(map(ord, invisible))) if invisible else text
