"""The terminal: showing untrusted text so that it cannot move the cursor, reverse or hide anything.

This is only for showing. Stored and written-out text stays exactly as it was sent.
"""

import os
import re
import unicodedata
from contextlib import suppress

# Controls (C0, C1, escape), formats (bidi marks, zero-width characters, tags), lone surrogates,
# line and paragraph separators.
_NEUTRALISED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Invisible, although their category is a letter's: the grapheme joiner, Hangul and Khmer fillers.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


# Joins emoji into one (a family, a flag), which is visible; beside anything else it is invisible.
_JOINER = "\u200d"
_PICTURES = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
# A variation selector or a skin tone (itself an emoji) may follow an emoji.
_JOINED = re.compile(
    f"(?<={_PICTURES}){_JOINER}(?={_PICTURES})|(?<={_PICTURES}\ufe0f){_JOINER}(?={_PICTURES})"
)
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _ISOLATED = "\u2068", "\u2069"


def name_terminal() -> None:
    """Tell gpg the terminal of this process, in which it can ask for a passphrase.

    gpg's standard input is a message, never the terminal, so it cannot find out by itself.
    """
    if os.environ.get("GPG_TTY"):
        return
    for descriptor in range(3):
        with suppress(OSError):
            os.environ["GPG_TTY"] = os.ttyname(descriptor)
            return


def _shown(character: str) -> str:
    if unicodedata.category(character) in _NEUTRALISED or character in _INVISIBLE:
        return f"‹U+{ord(character):04X}›"
    return character


def visible(text: str) -> str:
    """*text* with all characters that act or hide, except line ends, spelled as ‹U+202E›."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(
        _JOINER.join("".join(map(_shown, piece)) for piece in _JOINED.split(line)) for line in lines
    )


def isolated(text: str) -> str:
    """:func:`visible` *text*, with lines isolated that hold right-to-left letters.

    Such a line then reverses nothing beside it. Nothing in *text* can end the isolation, because
    its own marks are spelled out.
    """
    return "\n".join(map(_isolated, visible(text).split("\n")))


def _isolated(line: str) -> str:
    reverses = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in line)
    return f"{_ISOLATE}{line}{_ISOLATED}" if reverses else line


def one_line(text: str, most: int) -> str:
    """The first words of *text*, :func:`isolated`, on one line of at most *most* characters."""
    # Cut both before and after: a text of nothing but control characters grows eightfold.
    line = visible(" ".join(text[: 4 * most].split()))
    return _isolated(
        line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"
    )
