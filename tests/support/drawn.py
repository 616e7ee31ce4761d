"""What a renderer sends, taken down in the test's own process."""

from scripts.desk.pictures import drawing
from scripts.desk.pictures.frames import Page, Sender
from scripts.desk.pictures.kinds import HEAD_BYTES, kind_of
from scripts.desk.pictures.notes import Note


class Drawn(Sender):
    """The frames of one file."""

    def __init__(self) -> None:
        self.total = 0
        self.pages: list[Page] = []
        self.notes: dict[Note, int] = {}
        self.shown = ""

    def count(self, pages: int) -> None:
        self.total = pages

    def page(self, page: Page) -> None:
        self.pages.append(page)

    def note(self, code: int, value: int = 0) -> None:
        self.notes[Note(code)] = value

    def text(self, text: str) -> None:
        self.shown = text


def drawn(data: bytes, wanted: range = range(1, 6)) -> Drawn:
    """*data* drawn without walls: it is made by the test."""
    taken = Drawn()
    draw, _ = drawing.drawing_of(kind_of(data[:HEAD_BYTES]))
    drawing.drawn(draw, data, wanted, taken)
    return taken
