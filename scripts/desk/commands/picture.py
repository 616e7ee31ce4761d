"""`picture`: draws a case's files as pixels in a closed room, without opening them."""

import argparse
import re
from contextlib import ExitStack
from pathlib import Path

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import EvidenceError
from scripts.desk.file_access import FIRST_PAGES, drawing_seconds, looked_at, write_page
from scripts.desk.identity import DeskError, own_case, working
from scripts.desk.options import add_case, add_json
from scripts.desk.pictures import drawing_room as rooms
from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls, Room
from scripts.desk.pictures.frames import MOST_PAGES, Page
from scripts.desk.pictures.look import look
from scripts.desk.screen.looks import Look, look_text, look_values
from scripts.desk.screen.output import print_json, progress_bar, stages
from scripts.desk.screen.terminal_pictures import (
    ENDS,
    Pictures,
    Protocol,
    at_terminal,
    pictures_here,
)

HELP = "draw a case's files as pictures, without opening them"
_WITHOUT = (
    " With --without-bubblewrap, files are drawn by a process that can reach no file, network or "
    "other process either, but with fewer walls around it; Office documents and recordings are not."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    parser.add_argument(
        "files", nargs="*", type=int, metavar="N", help="the files' numbers; by default all"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the pictures here as PNG files"
    )
    parser.add_argument(
        "--pages",
        type=_pages,
        default=FIRST_PAGES,
        metavar="A-B",
        help=f"these pages, at most {MOST_PAGES}; by default the first {len(FIRST_PAGES)}",
    )
    parser.add_argument(
        "--without-bubblewrap",
        action="store_true",
        help="draw without bubblewrap's room, behind fewer walls",
    )
    parser.add_argument(
        "--show",
        action="store_true",
        help="show page after page in this terminal, if it can (by kitty's protocol or sixels)",
    )
    parser.add_argument(
        "--show-as",
        choices=[*Protocol],
        default="",
        help="show them in this way, whatever the terminal says of itself",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Look at them one by one; each look and each picture is logged."""
    room: Room = OwnWalls() if asked.without_bubblewrap else Bubblewrap()
    if not asked.without_bubblewrap and not rooms.available():
        raise NoRoom(f"{rooms.MISSING}{_WITHOUT}")
    pictures = _terminal(asked)
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        looks = []
        for number in asked.files or range(1, len(case.files) + 1):
            if not 1 <= number <= len(case.files):
                raise DeskError(f"{case.name} has no file {number}; see `files`.")
            one = _looked_at(casebook, case, number, room, asked, pictures)
            looks.append(one)
            if not asked.json:
                print(look_text(one), end="")
    if asked.json:
        print_json([look_values(one) for one in looks])
    elif asked.out is None and not pictures and any(one.shown and one.shown.total for one in looks):
        print("With --out DIR, pages are written there as PNG files.")


class _Enough(Exception):
    """The reviewer has seen enough of the file."""


def _terminal(asked: argparse.Namespace) -> Pictures | None:
    """The terminal that is to show the pictures, if any. Raises DeskError."""
    if not (asked.show or asked.show_as):
        return None
    if asked.json:
        raise DeskError("--show is for people and --json for programs; name one of them.")
    pictures = pictures_here(asked.show_as) if at_terminal() else None
    if pictures is None:
        raise DeskError(
            "This terminal does not say that it shows pictures; write them with --out, or name its "
            "way with --show-as."
        )
    return pictures


def _looked_at(
    casebook: Casebook,
    case: Case,
    number: int,
    room: Room,
    asked: argparse.Namespace,
    terminal: Pictures | None,
) -> Look:
    one = case.files[number - 1]
    # If pictures go nowhere, none is drawn.
    pages = asked.pages if asked.out is not None or terminal else range(1, 1)
    pictures: list[Path] = []
    with ExitStack() as stack:
        try:
            content = stack.enter_context(looked_at(casebook, case, number))
        except EvidenceError as why:
            return Look(number, one.attachment.name, None, reason=str(why))
        # A progress display would write over the picture.
        advance = stages(stack.enter_context(progress_bar())) if terminal is None else _quietly

        def write(page: Page) -> None:
            # Loaded only when there is a page.
            from scripts.desk.pictures.png import png_of  # noqa: PLC0415

            if asked.out is not None:
                png = png_of(page)
                pictures.append(write_page(casebook, case, number, page.number, png, asked.out))
            if terminal is not None and terminal.look(page, f"file {number}") in ENDS:
                raise _Enough
            advance(f"file {number}", page.number - pages.start + 1, len(pages))

        try:
            shown = look(content, pages, room, write, seconds=drawing_seconds(pages))
        except _Enough:
            return Look(number, one.attachment.name, None, pictures, "shown until you ended it.")
        except NoRoom as why:
            if asked.without_bubblewrap:
                raise
            raise NoRoom(f"{why}{_WITHOUT}") from None
    return Look(number, one.attachment.name, shown, pictures)


def _quietly(_stage: str, _done: int, _total: int) -> None:
    """Show no progress: the pages themselves do."""


def _pages(text: str) -> range:
    """ "5" or "21-40"."""
    found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text)
    pages = range(int(found[1]), int(found[2] or found[1]) + 1) if found else range(0)
    if not found or pages.start < 1 or not 1 <= len(pages) <= MOST_PAGES:
        raise argparse.ArgumentTypeError(f"pages are such as 5 or 21-40, at most {MOST_PAGES}")
    return pages
