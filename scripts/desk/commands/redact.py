"""`redact`: blacks something out in everything that leaves, takes it back, or lists it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.given_text import read_text
from scripts.desk.identity import DeskError, own_case, today, viewer, working
from scripts.desk.options import add_case, add_json, add_lang, add_yes
from scripts.desk.pictures import drawing_room as rooms
from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls, Room
from scripts.desk.redaction.leaving_texts import ANSWER, BESIDE, PART, CaseText, texts_of_case
from scripts.desk.redaction.preview import preview
from scripts.desk.redaction.redacting import (
    black_out,
    black_out_box,
    black_out_seen,
    check_reason,
    find_words,
    left_over,
    listed,
    take_back,
    withhold,
)
from scripts.desk.redaction.seen_words import seen_words, uncovered
from scripts.desk.redaction.standing import standing
from scripts.desk.redaction.undecided import let_leave, to_decide, undecided
from scripts.desk.screen.confirmation import confirm
from scripts.desk.screen.output import counted, print_json, print_rich, progress_bar, stages
from scripts.desk.screen.redaction_tables import (
    elsewhere_lines,
    found_lines,
    redaction_values,
    redactions_table,
    seen_lines,
    still_read_lines,
    undecided_lines,
    what,
)
from scripts.terminal import isolated

HELP = "black something of a case out in everything that leaves; the originals stay"
_WORDS_BYTES = 64 * 2**10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    texts = parser.add_argument_group("words in a text")
    texts.add_argument(
        "--words", metavar="FILE", help="a file with the words, or - to type them: each occurrence"
    )
    where = texts.add_mutually_exclusive_group()
    where.add_argument("--part", type=int, metavar="N", help="in which part; by default the first")
    where.add_argument("--answer", type=int, metavar="N", help="or in which answer")
    where.add_argument("--translation", type=int, metavar="N", help="or in which translation")
    where.add_argument(
        "--everywhere",
        action="store_true",
        help="or in all texts of the case, names of files and what a machine read in pictures too",
    )
    texts.add_argument("--whole-words", action="store_true", help="not inside longer words")
    files = parser.add_argument_group("a file")
    files.add_argument(
        "--file",
        type=int,
        metavar="F",
        help="its number; it is withheld whole, or with --page on it, or with --words the lines of "
        "its pictures in which a machine read them",
    )
    files.add_argument("--page", type=int, metavar="P", help="the page of --box, from 1")
    files.add_argument(
        "--box",
        metavar="X,Y,W,H",
        help="in pixels of the picture that `picture` writes, or in percent: 10,5,30,4%%",
    )
    files.add_argument(
        "--as-seen",
        action="store_true",
        help="let a file leave as it was seen, though words are blacked out in texts of the case",
    )
    parser.add_argument("--reason", default="", metavar="CODE", help="why, a code of the campaign")
    parser.add_argument(
        "--take-back", metavar="N", help="the number in the list of the redaction to take back"
    )
    parser.add_argument("--because", metavar="FILE", help="a file that says why, or - to type it")
    parser.add_argument("--list", action="store_true", help="show what is blacked out (default)")
    parser.add_argument(
        "--preview", type=Path, metavar="DIR", help="write the files' copies as they would leave"
    )
    parser.add_argument(
        "--without-bubblewrap", action="store_true", help="draw behind fewer walls; see `picture`"
    )
    add_yes(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Do one of these, and show the redactions afterwards."""
    _check(asked)
    # Asked for before the casebook is locked, because somebody may still be typing.
    words = _given(asked.words, "Words to black out: ") if asked.words is not None else ""
    because = _given(asked.because, "Because: ") if asked.because is not None else ""
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        if asked.words is not None:
            _black_out_words(casebook, case, words, asked)
        elif asked.file is not None:
            _black_out_file(casebook, case, asked)
        elif asked.take_back is not None:
            _take_back(casebook, case, because, asked)
        elif asked.preview is not None:
            _preview(casebook, case, asked)
        else:
            casebook.note("view", case.name)
        there = listed(casebook, case)
        waiting = undecided(casebook, case, standing(casebook))
        reader = viewer(casebook, asked.lang)
    if asked.json:
        print_json(redaction_values(there, reader))
    elif not there:
        print(f"Nothing of {case.name} is blacked out.")
    elif asked.words is None and asked.file is None and asked.preview is None:
        print_rich(redactions_table(there, reader))
    if not asked.json:
        for line in undecided_lines(waiting):
            print(line)


def _check(asked: argparse.Namespace) -> None:
    """Raise DeskError if options are missing or do not go together."""
    file = asked.file if asked.words is None else None
    acts = (asked.words, file, asked.take_back, asked.preview, asked.list or None)
    if sum(one is not None for one in acts) > 1:
        raise DeskError("Name one of --words, --file, --take-back, --list and --preview.")
    if (asked.page is None) != (asked.box is None):
        raise DeskError("A box is on a page: name both --page and --box.")
    if asked.box is not None and (asked.file is None or asked.words is not None):
        raise DeskError("A box is on a page of a file: name it with --file.")
    if asked.as_seen and (asked.file is None or asked.words is not None or asked.box is not None):
        raise DeskError("With --as-seen, name only the file, with --file.")
    if (asked.take_back is None) != (asked.because is None):
        raise DeskError("Name with --take-back a number of the list, and with --because the why.")


def _given(name: str, question: str) -> str:
    """The text in the file *name*, or for ``-`` what is typed. Raises BadText or OSError."""
    if name == "-" and sys.stdin.isatty():
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()
    return read_text(name, _WORDS_BYTES, "The list of words")


def _black_out_words(casebook: Casebook, case: Case, words: str, asked: argparse.Namespace) -> None:
    check_reason(casebook, asked.reason)
    texts = texts_of_case(casebook, case)
    chosen = [] if asked.file is not None else _chosen(texts, case, asked)
    found = find_words(chosen, words, whole_words=asked.whole_words)
    seen = [
        one
        for one in seen_words(casebook, case, words, whole_words=asked.whole_words)
        if asked.everywhere or one.number == asked.file
    ]
    if places := sum(len(one.spans) for one in found) + sum(bool(one.boxes) for one in seen):
        question = f"Black out {counted(places, 'place')}?"
        confirm(question, (), yes=asked.yes, shown=[*found_lines(found), *seen_lines(seen)])
    day = today()
    new = black_out(casebook, case, found, reason=asked.reason, today=day)
    new += black_out_seen(casebook, case, seen, reason=asked.reason, today=day)
    casebook.note("view", case.name)
    if asked.json:
        return
    print(f"{counted(new, 'place')} blacked out." if places else "These words are not there.")
    now = standing(casebook)
    left = uncovered(seen_words(casebook, case, words), now)
    for line in elsewhere_lines(left_over(casebook, case, words, now), left):
        print(line)


def _chosen(texts: Sequence[CaseText], case: Case, asked: argparse.Namespace) -> list[CaseText]:
    """The texts in which to look for words. Raises DeskError."""
    if asked.everywhere:
        return list(texts)
    kind, number = next(
        (
            (kind, number)
            for kind, number in (
                (ANSWER, asked.answer),
                (BESIDE, asked.translation),
                (PART, asked.part),
            )
            if number is not None
        ),
        (PART, 1),
    )
    found = [one for one in texts if (one.kind, one.number) == (kind, number)]
    if not found:
        raise DeskError(f"{case.name} has no {kind} {number} with a text.")
    return found


def _black_out_file(casebook: Casebook, case: Case, asked: argparse.Namespace) -> None:
    number, day = asked.file, today()
    if asked.as_seen:
        one = to_decide(casebook, case, number)
        question = f"May file {number} of {case.name} leave as it was seen?"
        confirm(question, (), yes=asked.yes, shown=still_read_lines([one]))
        let_leave(casebook, case, one)
        done = f"File {number} may leave as it was seen."
    elif asked.box is None:
        check_reason(casebook, asked.reason)
        question = f"Withhold file {number} of {case.name} whole?"
        confirm(question, (), yes=asked.yes)
        withhold(casebook, case, number, reason=asked.reason, today=day)
        done = f"File {number} is withheld: a slip sheet takes its place."
    else:
        black_out_box(
            casebook,
            case,
            number,
            asked.page,
            asked.box,
            _room(asked),
            reason=asked.reason,
            today=day,
        )
        done = (
            f"A box on page {asked.page} of file {number} is blacked out; only pictures of this "
            "file leave now."
        )
    if not asked.json:
        print(done)


def _take_back(casebook: Casebook, case: Case, because: str, asked: argparse.Namespace) -> None:
    there = [
        one
        for one in listed(casebook, case)
        if asked.take_back in (str(one.number), one.redaction.key)
    ]
    if not there:
        raise DeskError(f"{case.name} has no redaction {asked.take_back}; see --list.")
    (one,) = there
    confirm(f"Take back redaction {one.number}, of {what(one)}?", (), yes=asked.yes)
    take_back(casebook, case, one.redaction.key, because=because, today=today())


def _preview(casebook: Casebook, case: Case, asked: argparse.Namespace) -> None:
    with progress_bar() as bar:
        show = stages(bar)
        written = []
        for one in preview(casebook, case, asked.preview, _room(asked)):
            written.append(one)
            show("copies", len(written), len(written) + 1)
    if asked.json:
        return
    for one in written:
        print(f"{one.path}: a slip sheet, {one.withheld}" if one.withheld else one.path)
    counted_now = standing(casebook)
    for text in texts_of_case(casebook, case):
        if (shown := counted_now.shown(text)) != text.text:
            print(f"── {text.place}\n\n{isolated(shown)}\n")


def _room(asked: argparse.Namespace) -> Room:
    """Where pages are drawn. Raises NoRoom."""
    if asked.without_bubblewrap:
        return OwnWalls()
    if not rooms.available():
        raise NoRoom(f"{rooms.MISSING} --without-bubblewrap draws behind fewer walls.")
    return Bubblewrap()
