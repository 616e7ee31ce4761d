"""Remarks beside the pixels, sent as numbers: the sentences are the desk's own."""

from enum import IntEnum, unique


@unique
class Note(IntEnum):
    """What the renderer found; each with at most one number."""

    DAMAGED = 1
    ENCRYPTED = 2
    TOO_LARGE = 3
    SMALLER = 4
    SCRIPTS = 5
    LAUNCHES = 6
    CARRIES = 7
    TWO_IN_ONE = 8
    NO_TEXT = 9
    CUT_TEXT = 10
    CUT_LISTING = 11
    UNPACKS = 12
    LOCKED_ENTRIES = 13
    LINKS = 14
    IS_OFFICE = 15
    NOT_CONVERTED = 16
    SECONDS = 17
    NO_MEMORY = 18
    STOPPED_UNPACKING = 19
    NOT_OPENED = 20
    DAMAGED_PAGE = 21
    NO_STILLS = 22
    HEIC = 23


SENTENCES = {
    Note.DAMAGED: "It is damaged, or not what its first bytes say, and could not be drawn.",
    Note.ENCRYPTED: "It is encrypted with a password, without which nothing of it can be drawn.",
    Note.TOO_LARGE: "It says that it has {:,} megapixels, which is too many; it was not unpacked.",
    Note.SMALLER: "It was drawn smaller than it is: {:,} of its pages had too many pixels.",
    Note.SCRIPTS: "It holds JavaScript, which was not run.",
    Note.LAUNCHES: "It asks to start a program or to open a file; nothing was started.",
    Note.CARRIES: "It carries {:,} other files inside, which were not opened.",
    Note.TWO_IN_ONE: "It is two files in one: it also ends as a ZIP archive, which was not opened.",
    Note.NO_TEXT: "Nothing of it can be shown here.",
    Note.CUT_TEXT: "Only its beginning is shown; it has {:,} lines.",
    Note.CUT_LISTING: "Only the first entries are listed, of {:,}.",
    Note.UNPACKS: "Unpacked it would be {:,} times as large: it is made to fill a disk.",
    Note.LOCKED_ENTRIES: "{:,} of its entries are encrypted with a password.",
    Note.LINKS: "{:,} of its entries are links, which can lead anywhere once they are unpacked.",
    Note.NOT_CONVERTED: "LibreOffice could not convert it.",
    Note.SECONDS: "It says that it lasts {}.",
    Note.NO_MEMORY: "It asked for more memory than one file may have.",
    Note.STOPPED_UNPACKING: "It was listed no further than {:,} MiB of its unpacked bytes.",
    Note.NOT_OPENED: "Nothing in it was opened.",
    Note.DAMAGED_PAGE: "{:,} of its pages could not be drawn.",
    Note.HEIC: "HEIC pictures, as some telephones make them, cannot be drawn here.",
    Note.NO_STILLS: "It has no pictures, or none that could be drawn.",
}


def sentence(note: Note, value: int) -> str:
    """The sentence that the reviewer reads."""
    shown = lasting(value) if note is Note.SECONDS else value
    return SENTENCES[note].format(shown)


def lasting(seconds: int) -> str:
    """A length: "0:07", "12:30" or "1:02:03"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
