"""Texts brought to one spelling, so that they can be found and compared: never for showing, never for keeping.

Sign by sign and without regard to what stands beside it, so that a text and a query are always folded alike: NFKD, case,
traditional characters to simplified ones by OpenCC; signs that show nothing (zero-width ones, variation selectors) are left
out, and whatever is neither letter, digit nor picture parts words.
"""

import unicodedata
from functools import cache
from importlib.resources import files

# Written without spaces between words: each sign is a word of its own, as in Chinese.
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
    (
        0x20000,
        0x3FFFF,
    ),  # every ideograph outside the BMP, also those that this Python does not know yet
)
_SELECTORS = frozenset([*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
_SKIN_TONES = range(0x1F3FB, 0x1F400)
# One word in two spellings, both common in simplified texts (account); OpenCC turns 帳號 into the first.
_ONE_WORD = {"帐": "账"}
# Parts what must not be read as one run of words, such as two files' names.
APART = "__"


@cache
def _simplified() -> dict[str, str]:
    """OpenCC's own table of single characters: its converter would look up each as a phrase first, and costs as many times."""
    table = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8")
    lines = (line.partition("\t") for line in table.splitlines())
    return {sign: simple.split(" ")[0] for sign, _, simple in lines}


def _alone(sign: str) -> bool:
    code = ord(sign)
    return any(first <= code <= last for first, last in _ALONE)


@cache
def _fold(sign: str) -> str:
    """What stands for *sign*: nothing, a space, or one or more signs."""
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold())
    return "".join(map(_fold_plain, spelled))


def _fold_plain(sign: str) -> str:
    code, kind = ord(sign), unicodedata.category(sign)
    if kind == "Cf" or code in _SELECTORS:
        return ""
    if _alone(sign):
        simple = _simplified().get(sign, sign)
        return _ONE_WORD.get(simple, simple)
    return sign if kind[0] in "LMN" or kind == "So" or code in _SKIN_TONES else " "


def _word(sign: str) -> str:
    """How a folded sign stands in a word of the index: in ASCII, so that no tokenizer needs to know it."""
    if sign == " " or (sign.isascii() and sign.isalnum()):
        return sign
    spelled = f"_{ord(sign):x}"
    return f" {spelled} " if _alone(sign) or unicodedata.category(sign)[0] == "S" else spelled


class _Table(dict[int, str]):
    """A table for str.translate that fills itself as signs come."""

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
    code = _only_sign(word)
    return code is not None and _alone(chr(code))


def is_picture(word: str) -> bool:
    """Whether a word of the index is one picture."""
    code = _only_sign(word)
    return code is not None and unicodedata.category(chr(code))[0] == "S"


def _only_sign(word: str) -> int | None:
    """The code of the sign that is all of a word, as :func:`_word` spells it; None of a word of ASCII or of several signs."""
    return (
        int(word[1:], 16)
        if word.startswith("_") and word.isascii() and "_" not in word[1:] and word[1:]
        else None
    )


def letters(text: str) -> str:
    """The folded letters, digits and pictures of *text*, without anything between them."""
    return text.translate(_LETTERS)


def spelled(text: str) -> str:
    """The words of *text* as they stand in the index, with spaces between; a Chinese character is a word of its own.

    It is the sum of what each of its signs gives, so that a place in it can be traced back to the text.
    """
    return text.translate(_WORDS)


def words(text: str) -> list[str]:
    """The words of :func:`spelled`: each of ``a``-``z``, digits and ``_`` only."""
    return spelled(text).split()
