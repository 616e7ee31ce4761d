"""Pictures in a terminal that can show them, by kitty's graphics protocol.

Only the desk's own PNG files of pixels go there, in base64: nothing in them can act on a terminal.
"""

import base64
import sys
from collections.abc import Iterator, Mapping

# The protocol's own limit for one escape sequence.
_CHUNK = 4_096
_COLUMNS = 100
_TERMS = frozenset({"xterm-kitty", "xterm-ghostty"})
_PROGRAMS = frozenset({"WezTerm", "ghostty"})


def at_terminal() -> bool:
    """Whether what is printed goes to a terminal."""
    return sys.stdout.isatty()


def shows_pictures(environ: Mapping[str, str]) -> bool:
    """Whether the terminal that *environ* names says that it does; inside tmux none does."""
    named = environ.get("TERM", "") in _TERMS or environ.get("TERM_PROGRAM", "") in _PROGRAMS
    return named and "TMUX" not in environ


def terminal_picture(png: bytes, columns: int) -> str:
    """What draws *png* at the cursor, at most *columns* wide."""
    return "".join(_sequences(png, min(columns, _COLUMNS))) + "\n"


def _sequences(png: bytes, columns: int) -> Iterator[str]:
    # Transmit and show a PNG; the terminal answers nothing, which would be read as typed.
    control = f"a=T,f=100,q=2,c={columns},"
    data = base64.b64encode(png).decode("ascii")
    for at in range(0, len(data), _CHUNK):
        more = int(at + _CHUNK < len(data))
        yield f"\x1b_G{control}m={more};{data[at : at + _CHUNK]}\x1b\\"
        control = ""
