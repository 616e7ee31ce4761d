"""Folding: bringing texts to one spelling for finding and comparing, never for showing or storing.

Each character is folded on its own, regardless of its neighbours, so that a text and a query always
fold alike: NFKD, case, and traditional characters to simplified ones by OpenCC. Invisible
characters (zero-width ones, variation selectors) are dropped, and whatever is neither letter, digit
nor picture separates words.
"""

import re
import sys
import unicodedata
from functools import cache
from importlib.resources import files

# Scripts without spaces between words, such as Chinese: each character counts as one word.
_ALONE = (
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # 々 〆 〇
    (0x3021, 0x3029),  # Suzhou numerals
    (0x3040, 0x312F),  # kana, bopomofo
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),  # all ideographs outside the BMP, even those unknown to this Python
)
# In the names of all characters that only choose how the one before them looks.
_SELECTOR = "VARIATION SELECTOR"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
# One word (account) in two spellings that are both common in simplified texts; OpenCC
# turns 帳號 into the first.
_ONE_WORD = {"帐": "账"}
# The spelling of a non-ASCII character, or of an ASCII letter beside one.
_SPELLED = re.compile("_([0-9a-f]{1,6})")
# Separates texts that must not match as one run of words, such as two files' names.
SEPARATOR = "__"


@cache
def _simplified() -> dict[str, str]:
    """OpenCC's table of single characters. Its converter tries phrases first, which is far
    slower.
    """
    table = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8")
    lines = (line.partition("\t") for line in table.splitlines())
    return {traditional: simple.split(" ")[0] for traditional, _, simple in lines}


def _alone(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _ALONE)


@cache
def _fold(character: str) -> str:
    """The folded form of *character*: nothing, a space, or one or more characters."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(map(_fold_plain, plain))


def _fold_plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cf" or _SELECTOR in unicodedata.name(character, ""):
        return ""
    if _alone(character):
        simple = _simplified().get(character, character)
        return _ONE_WORD.get(simple, simple)
    return character if kind[0] in "LMN" or kind == "So" or ord(character) in _SKIN_TONES else " "


def _word(character: str) -> str:
    """The spelling of a folded character in the index: in ASCII, which every tokenizer knows."""
    if character == " " or (character.isascii() and character.isalnum()):
        return character
    spelled = f"_{ord(character):x}"
    picture = unicodedata.category(character)[0] == "S"
    return f" {spelled} " if picture or _alone(character) else spelled


class _Table(dict[int, str]):
    """A table for str.translate that fills itself as characters are looked up."""

    def __init__(self, indexed: bool) -> None:
        super().__init__()
        self._indexed = indexed

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        self[code] = "".join(map(_word, folded)) if self._indexed else folded.replace(" ", "")
        return self[code]


_LETTERS, _WORDS = _Table(indexed=False), _Table(indexed=True)


def is_character(word: str) -> bool:
    """Whether a word of the index is one Chinese character."""
    return any(map(_alone, _only_character(word)))


def is_picture(word: str) -> bool:
    """Whether a word of the index is one picture."""
    return any(unicodedata.category(one).startswith("S") for one in _only_character(word))


def _only_character(word: str) -> str:
    """The one character that a word consists of, as :func:`_word` spells it.

    "" for a word of ASCII or of several characters, unless it looks like the spelling of one.
    """
    found = _SPELLED.fullmatch(word)
    code = int(found[1], 16) if found else 0
    return chr(code) if 0 < code <= sys.maxunicode else ""


def letters(text: str) -> str:
    """The folded letters, digits and pictures of *text*, with nothing between them."""
    return text.translate(_LETTERS)


def spelled(text: str) -> str:
    """The words of *text* as the index holds them, with spaces between.

    A Chinese character is one word. The spelling is the concatenation of each character's spelling,
    so that an index into it can be traced back to the text.
    """
    return text.translate(_WORDS)


def words(text: str) -> list[str]:
    """The words of :func:`spelled`, each consisting only of ``a``-``z``, digits and ``_``."""
    return spelled(text).split()
