"""Showing untrusted text on a terminal: nothing in it may move the cursor, turn the line round or hide.

For showing only. What is kept and what is written out stays exactly as it was sent.
"""

import re
import unicodedata

# Controls (C0, C1, escape), formats (bidi marks, zero-width signs, tags), half characters, line and paragraph marks.
_NEUTRALISED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Letters by category, but nothing is seen of them: the joiner of graphemes and the Hangul and Khmer fillers.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


# Joins pictures to one (a family, a flag), and does so visibly; beside anything else it hides.
_JOINER = "\u200d"
_PICTURES = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
# A picture may have a variation selector or a skin tone (which is a picture's own sign) behind it.
_JOINED = re.compile(
    f"(?<={_PICTURES}){_JOINER}(?={_PICTURES})|(?<={_PICTURES}\ufe0f){_JOINER}(?={_PICTURES})"
)
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _ISOLATED = "\u2068", "\u2069"


def _shown(sign: str) -> str:
    if unicodedata.category(sign) in _NEUTRALISED or sign in _INVISIBLE:
        return f"‹U+{ord(sign):04X}›"
    return sign


def visible(text: str) -> str:
    """*text* with line ends kept and every other sign that acts instead of showing spelled as ‹U+202E›."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(
        _JOINER.join("".join(map(_shown, piece)) for piece in _JOINED.split(line)) for line in lines
    )


def isolated(text: str) -> str:
    """:func:`visible`, and each line with right-to-left letters in it isolated, so that it turns nothing round beside it.

    Nothing in *text* ends the isolation, since its own marks are spelled out.
    """
    return "\n".join(map(_isolated, visible(text).split("\n")))


def _isolated(line: str) -> str:
    turns = any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in line)
    return f"{_ISOLATE}{line}{_ISOLATED}" if turns else line


def one_line(text: str, most: int) -> str:
    """The first words of *text* in one line of at most *most* characters, shown as by :func:`isolated`."""
    # Cut before and after: a text of nothing but controls grows eightfold.
    line = visible(" ".join(text[: 4 * most].split()))
    return _isolated(
        line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"
    )
