"""Each act of blacking out refuses what it cannot do, before a file is drawn or a row is added."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.cases import DAY, add, attachment, report
from support.desks import Desk
from support.transcripts import line, transcribe, transcript, turn

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import Box
from scripts.desk.pictures import blackening
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import Kind
from scripts.desk.redaction import preview as previewing
from scripts.desk.redaction.copies import Copy, RedactionError, slip_sheet
from scripts.desk.redaction.leaving_texts import texts_of_case
from scripts.desk.redaction.preview import Written, preview
from scripts.desk.redaction.redacting import (
    BECAUSE_CHARACTERS,
    black_out,
    black_out_box,
    black_out_seen,
    check_reason,
    find_words,
    keep_box,
    left_over,
    listed,
    take_back,
    withhold,
)
from scripts.desk.redaction.seen_words import Seen, readings, seen_in, seen_words
from scripts.desk.redaction.standing import standing
from scripts.desk.redaction.word_matches import Folded, Span, occurrences, whole_characters
from scripts.desk.transcripts.transcript import Who

CODES = "privilege, third_person, minor, contact, safety, other"
PAGE = Page(3, 80, 40, b"")
# Sent twice: what is blacked out in it is blacked out in both.
TEXT = "Li and Li Ming"


class NoDrawing:
    """Stands in for a room in which nothing may be drawn."""

    def command(self, kind: Kind, wanted: range) -> list[str]:
        raise AssertionError

    def converts(self) -> bool:
        raise AssertionError


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Casebook]:
    """A casebook at work, with a case that has a text and two files, of which none can be read."""
    with Desk.make(tmp_path / "casebook", 0).working() as casebook:
        files = attachment("a.pdf", b"a"), attachment("b.pdf", b"b")
        add(casebook, report(TEXT, 1, attachments=files), report(TEXT, 1, kind="message"))
        yield casebook


Act = Callable[[Casebook, Case, int, str], object]
ACTS: dict[str, Act] = {
    "words": lambda book, case, _number, reason: black_out(
        book, case, find_words(texts_of_case(book, case), "Li"), reason=reason, today=DAY
    ),
    "seen": lambda book, case, _number, reason: black_out_seen(
        book, case, [], reason=reason, today=DAY
    ),
    "box": lambda book, case, number, reason: black_out_box(
        book, case, number, 1, "1,1,5,5", NoDrawing(), reason=reason, today=DAY
    ),
    "page": lambda book, case, number, reason: keep_box(
        book, case, number, PAGE, "1,1,5,5", reason=reason, today=DAY
    ),
    "file": lambda book, case, number, reason: withhold(
        book, case, number, reason=reason, today=DAY
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_reason_that_the_campaign_does_not_have_is_refused(working: Casebook, act: str) -> None:
    case = working.case(1)

    for reason in ("", "privileged", "Privilege"):
        with pytest.raises(RedactionError) as refused:
            ACTS[act](working, case, 1, reason)
        assert str(refused.value) == (
            f"The reason of a redaction is one of {CODES}; name one with --reason."
        )
    assert working.redactions.of(1) == ()
    check_reason(working, "safety")


@pytest.mark.parametrize("act", ["box", "page", "file"])
@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_file_that_the_case_does_not_have_is_refused(
    working: Casebook, act: str, number: int
) -> None:
    case = working.case(1)

    with pytest.raises(RedactionError) as refused:
        ACTS[act](working, case, number, "minor")
    assert str(refused.value) == f"{case.name} has no file {number}; see `files`."
    assert working.redactions.of(1) == ()


def test_each_act_keeps_what_it_was_given_and_the_list_numbers_them(working: Casebook) -> None:
    case = working.case(1)
    assert ACTS["words"](working, case, 0, "privilege") == 2
    ACTS["page"](working, case, 2, "minor")
    ACTS["file"](working, case, 1, "safety")

    found = listed(working, case)
    assert [
        (one.number, one.redaction.kind, one.place, one.words, one.redaction.reason, one.end)
        for one in found
    ] == [
        (1, "text", "part 1", "Li", "privilege", None),
        (2, "text", "part 1", "Li", "privilege", None),
        (3, "box", "file 2", "", "minor", None),
        (4, "file", "file 1", "", "safety", None),
    ]
    assert [(one.redaction.start, one.redaction.stop) for one in found] == [
        *((0, 2), (7, 9), (0, 0), (0, 0))
    ]
    assert [one.redaction.page for one in found] == [0, 0, 3, 0]
    nowhere = (0, 0, 0, 0)
    assert [one.redaction.box for one in found] == [
        *(nowhere, nowhere, (12_500, 25_000, 62_500, 125_000), nowhere)
    ]
    # What is there stays there once; for another reason it is something else.
    assert ACTS["words"](working, case, 0, "privilege") == 0
    assert ACTS["words"](working, case, 0, "minor") == 2
    # Of pictures, too, where one of two lines is new.
    first, second, third = (Box(at, at, 9, 9) for at in (1, 20, 40))
    seen = Seen(1, "ab" * 32, 1, TEXT, Span(0, 2), (first, second))
    for boxes, new in (((first,), 1), ((first, second), 1), ((third, third), 1)):
        lines = [replace(seen, boxes=boxes)]
        assert black_out_seen(working, case, lines, reason="minor", today=DAY) == new
    assert left_over(working, case, "Li", standing(working)) == []
    left = left_over(working, case, "Ming", standing(working))
    assert [(one.text.place, len(one.spans)) for one in left] == [("part 1", 1), ("part 2", 1)]


@pytest.mark.parametrize(
    "because", ["", " \n ", "a" * (BECAUSE_CHARACTERS + 1), "a\x1b[2J", "a\u202eb"]
)
def test_an_end_that_is_no_sentence_or_two_is_refused(working: Casebook, because: str) -> None:
    case = working.case(1)
    ACTS["file"](working, case, 1, "minor")
    (one,) = working.redactions.of(1)

    with pytest.raises(RedactionError) as refused:
        take_back(working, case, one.key, because=because, today=DAY)
    assert str(refused.value) == "Say in at most 500 characters why it is taken back."
    assert working.redactions.standing(1) == (one,)


def test_an_end_is_of_at_most_so_many_characters_and_on_one_line(working: Casebook) -> None:
    case = working.case(1)
    ACTS["file"](working, case, 1, "minor")
    (one,) = working.redactions.of(1)
    longest = "a" * (BECAUSE_CHARACTERS - 2)
    take_back(working, case, one.key, because=f" {longest}\n b ", today=DAY)

    (found,) = listed(working, case)
    assert found.end is not None and found.end.because == f"{longest} b"
    assert working.redactions.standing(1) == ()
    with pytest.raises(RedactionError) as refused:
        take_back(working, case, one.key, because="again", today=DAY)
    assert str(refused.value) == "It was taken back already."


def test_each_page_of_a_preview_is_in_the_log(
    working: Casebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = working.case(1)
    ACTS["file"](working, case, 2, "minor")
    sheets = [Copy(1, b"first"), Copy(2, b"second", "damaged")]
    monkeypatch.setattr(previewing, "pages", lambda *_: iter(sheets))
    noted: list[tuple[str, str]] = []
    monkeypatch.setattr(working, "note", lambda act, _, *, plain: noted.append((act, plain)))
    found = list(preview(working, case, tmp_path / "out", NoDrawing()))

    # The first file leaves as it came: of it there is no copy.
    names = [tmp_path / "out" / f"{case.name}-02-copy-00{number}.png" for number in (1, 2)]
    assert found == [Written(2, names[0], ""), Written(2, names[1], "damaged")]
    assert [path.read_bytes() for path in names] == [b"first", b"second"]
    hashes = [hashlib.sha256(data).hexdigest() for data in (b"b", b"first", b"second")]
    assert noted == [("view", hashes[0]), ("export", hashes[1]), ("export", hashes[2])]


@pytest.mark.parametrize(("number", "of"), [(0, "FILE"), (12, "PAGE 12")])
def test_a_slip_sheet_of_a_preview_says_of_what_it_is(
    number: int, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, tuple[str, ...]]] = []

    def sheet(page: int, lines: tuple[str, ...]) -> Page:
        drawn.append((page, lines))
        return Page(page, 1, 1, b"\0\0\0")

    monkeypatch.setattr(blackening, "sheet", sheet)
    made = slip_sheet(number, "redacted: minor")

    assert (made.number, made.withheld) == (number, "redacted: minor")
    assert made.png.startswith(b"\x89PNG")
    assert drawn == [(number, (f"{of} WITHHELD", "", "Redacted: minor."))]
    assert slip_sheet(number, "已遮盖") == Copy(number, b"", "已遮盖")


# --- Words ---


def test_words_in_pictures_are_found_inside_longer_ones_unless_whole_ones_are_asked_for(
    working: Casebook,
) -> None:
    read = transcript(turn(Who.LEFT, line("Alien", 40), name="Lima"))
    transcribe(working, b"b", read)
    case = working.case(1)
    (reading,) = readings(working, case)
    assert (reading.number, reading.transcript) == (2, read)

    for whole, count in ((False, 2), (True, 0)):
        assert len(seen_words(working, case, "li", whole_words=whole)) == count
        assert len(seen_in([reading], "li", whole_words=whole)) == count
    assert len(seen_words(working, case, "li")) == len(seen_in([reading], "li")) == 2
    assert len(find_words(texts_of_case(working, case), "l")) == 2
    assert find_words(texts_of_case(working, case), "l", whole_words=True) == []
    assert len(Folded("Alien").occurrences("li")) == 1


def test_words_inside_longer_words_are_found_unless_whole_ones_are_asked_for() -> None:
    texts = [("Alien", "li", 1, 0), ("xli", "li", 1, 0), ("lix", "li", 1, 0), ("li", "li", 1, 1)]
    # At the very beginning and the very end there is nothing beside them.
    texts += [("li x", "li", 1, 1), ("x li", "li", 1, 1), ("x-li-x", "li", 1, 1)]
    for text, words, within, alone in texts:
        assert len(occurrences(text, words)) == within, text
        assert len(occurrences(text, words, whole_words=False)) == within, text
        assert len(occurrences(text, words, whole_words=True)) == alone, text


@pytest.mark.parametrize(
    ("text", "words", "spans"),
    [
        # What overlaps or touches is one, what has something between is not.
        ("ababa", "aba", [(0, 5)]),
        ("abab", "ab", [(0, 4)]),
        ("ab ab", "ab", [(0, 2), (3, 5)]),
        ("ab", "ab", [(0, 2)]),
        ("ab", "abc", []),
    ],
)
def test_places_are_in_order_and_joined_where_they_touch(
    text: str, words: str, spans: list[tuple[int, int]]
) -> None:
    assert occurrences(text, words) == [Span(*one) for one in spans]


@pytest.mark.parametrize(
    ("beside", "belongs"),
    [
        *((code, True) for code in (0xFE00, 0xFE0F, 0x1F3FB, 0x1F3FF, 0x0301, 0x0903, 0x20DD)),
        *((code, True) for code in (0x200D,)),
        *((code, False) for code in (0xFDFF, 0xFE10, 0x1F3FA, 0x1F400, ord("b"), 0x200B)),
    ],
)
def test_what_belongs_to_a_character_is_in_its_span(beside: int, belongs: bool) -> None:
    text = f"-a{chr(beside)}-"

    # The joiner also takes what is behind it.
    last = 2 + belongs + (beside == 0x200D)
    assert whole_characters(text, 1, 2) == Span(1, last)
    # And who asks for it alone gets the character before it, too.
    assert whole_characters(text, 2, 3).start == (1 if belongs else 2)


def test_a_span_may_be_all_of_a_text_and_its_first_or_last_character() -> None:
    for span in ((0, 3), (0, 1), (2, 3)):
        assert whole_characters("abc", *span) == Span(*span)
