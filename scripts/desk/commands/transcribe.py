"""`transcribe`: reads the text in pictures and PDFs of cases by machine, in a closed room."""

import argparse
from collections.abc import Iterator
from typing import Any

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import EvidenceError
from scripts.desk.identity import DeskError, at_desk, own_case, today, viewer, working
from scripts.desk.linking import files_alike
from scripts.desk.options import add_json, add_where
from scripts.desk.pictures import drawing_room as rooms
from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls
from scripts.desk.screen.output import counted, print_json, progress_bar, stages
from scripts.desk.screen.transcripts import summary_of, transcript_values
from scripts.desk.search.selection import Condition, Selection
from scripts.desk.transcribing import Rooms, transcribe, unread, why_unread
from scripts.desk.transcripts.recognition_room import ClosedRoom, OwnProcess
from scripts.desk.transcripts.recognizer_site import recognizer_site

HELP = "read the text in pictures and PDFs of cases by machine, and keep it beside them"
_WITHOUT = (
    " With --without-bubblewrap, files are drawn and read by processes that can reach no file, "
    "network or other process either, but with fewer walls around them."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("case", nargs="?", help="a case's name, such as K7-QX4M")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        type=int,
        metavar="N",
        help="only file number N of the case; can be given several times",
    )
    parser.add_argument("--all", action="store_true", help="of all cases")
    add_where(parser)
    parser.add_argument(
        "--again", action="store_true", help="also what the same machine has read before"
    )
    parser.add_argument(
        "--without-bubblewrap",
        action="store_true",
        help="draw and read without bubblewrap's room, behind fewer walls",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Read one file after another; each transcript is kept as soon as it is complete."""
    if sum((asked.case is not None, asked.all, bool(asked.queue or asked.where))) != 1:
        raise DeskError("Name a case, or --queue and --where, or --all.")
    if asked.file and asked.case is None:
        raise DeskError("--file is about the files of one case; name the case.")
    with progress_bar() as bar:
        show = stages(bar)
        site = recognizer_site(lambda done, total: show("unpacking", done, total))
    if asked.without_bubblewrap:
        places = Rooms(OwnWalls(), OwnProcess(site), site.machine)
    elif rooms.available():
        places = Rooms(Bubblewrap(), ClosedRoom(site), site.machine)
    else:
        raise NoRoom(f"{rooms.MISSING}{_WITHOUT}")
    with working(asked) as casebook:
        try:
            cases = _Cases(casebook, asked)
            read = cases.read(places)
        except NoRoom as why:
            if asked.without_bubblewrap:
                raise
            raise NoRoom(f"{why}{_WITHOUT}") from None
        if asked.json:
            print_json([{"case": case.name, "transcripts": cases.values(case)} for case in cases])
    if not asked.json:
        print(f"{counted(read, 'file')} read." + ("" if read else " All else was read before."))


class _Cases:
    """The selected cases."""

    def __init__(self, casebook: Casebook, asked: argparse.Namespace) -> None:
        self._casebook, self._asked = casebook, asked
        if asked.case is not None:
            self._numbers = [own_case(casebook, asked.case).number]
        else:
            reviewer = at_desk(casebook)
            given_away = casebook.layers.given_away(reviewer)
            selection = Selection(asked.queue, tuple(map(Condition.read, asked.where)))
            numbers = selection.numbers(casebook, reviewer)
            self._numbers = [number for number in numbers if number not in given_away]

    def __iter__(self) -> Iterator[Case]:
        return (self._casebook.case(number) for number in self._numbers)

    def values(self, case: Case) -> list[dict[str, Any]]:
        """The transcripts of *case*, for programs."""
        given = self._casebook.translations.transcripts(case.number)
        same = files_alike(self._casebook, case)
        return transcript_values(case, given, viewer(self._casebook, "en"), same)

    def read(self, places: Rooms) -> int:
        """Read what is still unread. Returns how many files were read. Raises NoRoom."""
        waiting = [
            (number, file)
            for number, case in zip(self._numbers, self, strict=True)
            for file in self._wanted(case, places.machine)
        ]
        read = 0
        with progress_bar() as bar:
            show = stages(bar)
            for done, (number, file) in enumerate(waiting):
                show("files", done, len(waiting))
                read += self._read(self._casebook.case(number), file, places)
            show("files", len(waiting), len(waiting))
        return read

    def _wanted(self, case: Case, machine: str) -> list[int]:
        files = self._asked.file
        for number in files:
            if not 1 <= number <= len(case.files):
                raise DeskError(f"{case.name} has no file {number}; see `files`.")
            if reason := why_unread(self._casebook, case, number):
                self._say(case, number, reason)
        found = unread(self._casebook, case, machine, again=self._asked.again)
        return [number for number in found if not files or number in files]

    def _read(self, case: Case, number: int, places: Rooms) -> bool:
        try:
            transcript = transcribe(self._casebook, case, number, places, today=today())
        except EvidenceError as why:
            self._say(case, number, str(why))
            return False
        self._say(case, number, summary_of(transcript))
        same = files_alike(self._casebook, case)
        for sentence in same.sentences(case.files[number - 1].attachment.sha256):
            self._say(case, number, f"It has {sentence}.")
        return True

    def _say(self, case: Case, number: int, sentence: str) -> None:
        if not self._asked.json:
            print(f"{case.name}, file {number}: {sentence}", flush=True)
