"""How the desk shows transcripts: below their file, and never as if they had been sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripts.desk.case import Case
from scripts.desk.casebook.translations import Translation
from scripts.desk.identity import Viewer
from scripts.desk.linking import AlikeFiles
from scripts.desk.screen.output import counted
from scripts.desk.screen.translation_tables import MARGIN
from scripts.desk.transcripts.transcript import Transcript, Turn, Who
from scripts.terminal import isolated, one_line

# Left of each turn: whose it is.
_SIGNS = {Who.LEFT: "← ", Who.RIGHT: "→ ", Who.SYSTEM: "· ", Who.TEXT: "  "}
LEGEND = "← is the other side, → whose telephone it was, · a notice; (?) is uncertain"
_UNCERTAIN = 80
_MACHINE_CHARACTERS = 60
_OTHER_FORMAT = "(This transcript is of a format that this desk does not know.)"


def transcript_lines(
    given: Mapping[str, Translation], viewer: Viewer, alike: AlikeFiles | None = None
) -> dict[str, Sequence[str]]:
    """By the SHA-256 of a file: the lines that are shown below it."""
    return {
        sha256: [
            *_lines(one, viewer),
            *(f"{MARGIN}({text})" for text in (alike.sentences(sha256) if alike else ())),
        ]
        for sha256, one in given.items()
    }


def _lines(one: Translation, viewer: Viewer) -> Iterator[str]:
    machine = one_line(one.machine, _MACHINE_CHARACTERS)
    yield f"  ┌ read by machine ({machine}) for {viewer.name(one.reviewer)}, {one.day}"
    transcript = Transcript.from_text(one.text)
    if transcript is None:
        yield MARGIN + _OTHER_FORMAT
        return
    if any(turn.who in (Who.LEFT, Who.RIGHT) for turn in transcript.turns):
        yield MARGIN + LEGEND
    page = 0
    for turn in transcript.turns:
        if turn.page != page and len(transcript.pages) > 1:
            yield f"{MARGIN}page {turn.page}"
        page = turn.page
        yield from (MARGIN + line for line in _turn(turn).split("\n"))
    if not transcript.turns:
        yield f"{MARGIN}(no text was found)"
    yield from (f"{MARGIN}({one_line(sentence, 200)})" for sentence in transcript.sentences)


def _turn(turn: Turn) -> str:
    name = f"{isolated(turn.name)}: " if turn.name else ""
    uncertain = " (?)" if turn.confidence < _UNCERTAIN else ""
    return f"{_SIGNS[turn.who]}{name}{isolated(turn.text)}{uncertain}"


def summary_of(transcript: Transcript) -> str:
    """The result of reading a file, in one sentence or several."""
    characters = sum(len(turn.text) for turn in transcript.turns)
    pages = counted(len(transcript.pages), "page")
    read = f"{pages}, {counted(characters, 'character')} read."
    return " ".join([read if transcript.pages else "Nothing was read.", *transcript.sentences])


def transcript_values(
    case: Case, given: Mapping[str, Translation], viewer: Viewer, alike: AlikeFiles
) -> list[dict[str, Any]]:
    """All transcripts of a case, for programs, each with the number of its file."""
    found = []
    for number, one in enumerate(case.files, 1):
        kept = given.get(one.attachment.sha256)
        if kept is not None:
            said = {"alike": alike.sentences(one.attachment.sha256)}
            found.append({"file": number, **_values(kept, viewer), **said})
    return found


def _values(one: Translation, viewer: Viewer) -> dict[str, Any]:
    transcript = Transcript.from_text(one.text)
    return {
        "machine": one.machine,
        "reviewer": viewer.name(one.reviewer),
        "day": one.day.isoformat(),
        "pages": [vars(page) for page in transcript.pages] if transcript else [],
        "sentences": list(transcript.sentences) if transcript else [_OTHER_FORMAT],
        "turns": [_turn_values(turn) for turn in transcript.turns] if transcript else [],
    }


def _turn_values(turn: Turn) -> dict[str, Any]:
    return {
        "who": turn.who.value,
        "name": turn.name or None,
        "page": turn.page,
        "text": turn.text,
        "confidence": turn.confidence,
        "lines": [
            {"text": line.text, "box": list(line.box), "confidence": line.confidence}
            for line in turn.lines
        ],
    }
