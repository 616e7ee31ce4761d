"""A text in the encodings that Chinese computers use; the desk spells out control characters."""

from scripts.desk.pictures.frames import Sender
from scripts.desk.pictures.notes import Note

_MOST_LINES = 400
_MOST_CHARACTERS = 30_000
_ENCODINGS = ("utf-8-sig", "gb18030", "big5")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# Control characters of texts: tab, line feed, form feed, carriage return, escape.
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}


def read(data: bytes, _wanted: range, sender: Sender) -> None:
    """Send the beginning of the text in *data*, if it is one."""
    text = _decoded(data)
    if text is None:
        sender.note(Note.NO_TEXT)
        return
    lines = text.splitlines()
    shown = "\n".join(lines[:_MOST_LINES])[:_MOST_CHARACTERS]
    if len(lines) > _MOST_LINES or len(shown) == _MOST_CHARACTERS:
        sender.note(Note.CUT_TEXT, len(lines))
    sender.text(shown)


def _decoded(data: bytes) -> str | None:
    if encoding := _MARKS.get(data[:2]):
        return data.decode(encoding, "replace")
    if _CONTROLS & set(data):
        return None
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
