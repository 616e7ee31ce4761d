"""Showing untrusted text on a terminal: nothing in it may move the cursor, turn the line round or hide.

For showing only. What is kept and what is written out stays exactly as it was sent.
"""

import unicodedata

# Controls (C0, C1, escape), formats (bidi marks, zero-width signs, tags), half characters, line and paragraph marks.
_NEUTRALISED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Letters by category, but nothing is seen of them: the joiner of graphemes and the Hangul and Khmer fillers.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def _shown(sign: str) -> str:
    if unicodedata.category(sign) in _NEUTRALISED or sign in _INVISIBLE:
        return f"‹U+{ord(sign):04X}›"
    return sign


def visible(text: str) -> str:
    """*text* with line ends kept and every other sign that acts instead of showing spelled as ‹U+202E›."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join("".join(map(_shown, line)) for line in lines)


def one_line(text: str, most: int) -> str:
    """The first words of *text* in one line of at most *most* characters, neutralised as by :func:`visible`."""
    # Cut before and after: a text of nothing but controls grows eightfold.
    line = visible(" ".join(text[: 4 * most].split()))
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"
