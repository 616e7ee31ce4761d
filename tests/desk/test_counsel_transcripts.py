"""Transcripts in what is handed over: marked as a machine's, and without what was blacked out."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from support.decided_cases import at_work, held, plan_of, written
from support.redactions import box, let_all_leave, redact, span, whole
from support.team import Team
from support.transcripts import line, transcribe, transcript, turn
from support.unpacked import pdf_text

from dropbox.codename import WordLists, new_codename
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import WHOLE, Box, Redaction
from scripts.desk.production.handing_over import SCHEMA
from scripts.desk.redaction.leaving_transcripts import LeavingTranscript, leaving
from scripts.desk.redaction.redacted_words import Blacked
from scripts.desk.redaction.standing import Standing
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Who

# The first case's file.
FILE = b"abc"
SHA256 = hashlib.sha256(FILE).hexdigest()
NOTE = "Page 1 was turned by 90 degrees to be read."
READ = transcript(
    turn(Who.LEFT, line("我是张三，", 40), line("你好", 70, certain=70), name="张三"),
    turn(Who.RIGHT, line("hello", 120, 250), line("there", 150, 250)),
    turn(Who.SYSTEM, line("10:32", 200, 150)),
    turn(Who.TEXT, line("a paragraph", 40), page=2),
    pages=2,
    sentences=(NOTE,),
)
MARKER = "[redacted: privilege]"


# --- What leaves of one ---


def left(read: Transcript, *redactions: Redaction, blacked: tuple[Blacked, ...] = ()) -> Any:
    return leaving(read, SHA256, blacked, Standing(redactions))


def texts(read: LeavingTranscript) -> list[tuple[str, str, str]]:
    return [(one.who, one.name, one.text) for one in read.turns]


def on_page(x: int, y: int, width: int, height: int) -> Box:
    """A box in the pixels of a page of 400 by 300."""
    return Box(x * WHOLE // 400, y * WHOLE // 300, width * WHOLE // 400, height * WHOLE // 300)


def test_without_redactions_all_of_it_leaves() -> None:
    found = left(READ)

    assert texts(found) == [
        ("left", "张三", "我是张三，你好"),
        ("right", "", "hello there"),
        ("system", "", "10:32"),
        ("text", "", "a paragraph"),
    ]
    assert found.turns[0].lines[1].box == (40, 70, 140, 90)
    assert (found.turns[0].confidence, found.sentences) == (70, (NOTE,))


def test_a_line_that_a_box_touches_goes_with_its_place_and_so_does_each_name_of_the_page() -> None:
    # A corner of the second line, and no more than the edge of the first one.
    found = left(READ, box(FILE, 1, on_page(139, 60, 20, 11)))

    assert texts(found) == [
        ("left", MARKER, f"我是张三，{MARKER}"),
        ("right", "", "hello there"),
        ("system", "", "10:32"),
        ("text", "", "a paragraph"),
    ]
    gone = found.turns[0].lines[1]
    assert (gone.box, gone.confidence) == (None, None)
    assert texts(left(READ, box(FILE, 2, Box(0, 0, WHOLE, WHOLE))))[3] == ("", "", MARKER)
    assert texts(left(READ, box(b"other", 1, Box(0, 0, WHOLE, WHOLE)))) == texts(left(READ))


@pytest.mark.parametrize("where", [Box(0, 0, 0, 0), Box(WHOLE, 0, 5, 5), Box(5, 5, -9, 9)])
def test_a_box_that_is_none_blacks_out_its_page(where: Box) -> None:
    assert [one[2] for one in texts(left(READ, box(FILE, 1, where)))] == [MARKER, "a paragraph"]


def test_a_line_without_a_place_goes_with_any_box_of_its_page() -> None:
    small = box(FILE, 1, on_page(390, 290, 2, 2))
    nowhere = transcript(turn(Who.TEXT, Line("secret", (9, 9, 9, 9), 90), line("clear", 40)))
    unknown = Transcript((ReadPage(2, 400, 300, 0),), nowhere.turns, ())

    assert texts(left(nowhere, small)) == [("text", "", f"{MARKER} clear")]
    assert texts(left(unknown, small)) == [("", "", MARKER)]


def test_of_a_file_that_is_withheld_nothing_that_was_read_leaves() -> None:
    assert left(READ, whole(FILE)) is None
    # Neither kind fits a file: more is hidden then, not less.
    assert left(READ, box(FILE, 1, Box(0, 0, 9, 9))._replace(kind="later")) is None
    assert left(READ, box(FILE, 1, Box(0, 0, 9, 9))._replace(kind="text")) is None
    assert left(READ, box(FILE, 0, Box(0, 0, 9, 9))) is None


def test_words_that_are_blacked_out_in_a_text_go_wherever_they_were_read() -> None:
    read = transcript(
        turn(Who.LEFT, line("我是張 三", 40), line("你好", 70), name="张三"),
        turn(Who.RIGHT, line("叫李", 120, 250)),
        turn(Who.LEFT, line("四的人", 150), name="other"),
        sentences=("Of 张三 nothing.",),
    )
    blacked = Blacked("张三", "privilege"), Blacked("李四", "privilege")
    found = left(read, blacked=blacked)

    assert texts(found) == [("left", MARKER, f"{MARKER}你好"), ("", "", MARKER)]
    assert found.sentences == (MARKER,)
    assert "张" not in repr(blacked) and "你" not in repr(found) + repr(found.turns[0].lines)


def test_nothing_says_how_much_is_blacked_out() -> None:
    """A longer secret is in more lines, which may be in more bubbles."""
    upper = box(FILE, 1, on_page(0, 0, 400, 100))
    clear = turn(Who.RIGHT, line("ok", 120, 250)), turn(Who.LEFT, line("ok", 200))
    one = left(transcript(turn(Who.LEFT, line("secret", 10)), *clear), upper)
    for turns in (
        [turn(Who.LEFT, line("a longer", 10), line("secret", 40))],
        [turn(Who.LEFT, line("a longer", 10)), turn(Who.RIGHT, line("secret", 40), name="A B")],
        [turn(Who.SYSTEM, line(str(at), 10 + 5 * at)) for at in range(9)],
    ):
        assert left(transcript(*turns, *clear), upper) == one
    # At the end of what is clear, and at its beginning.
    after = turn(Who.LEFT, line("clear", 110), line("a", 20)), turn(Who.RIGHT, line("b", 30))
    found = left(transcript(*after, turn(Who.LEFT, line("b", 40), line("clear", 200))), upper)
    assert texts(found) == [("left", "", f"clear {MARKER}"), ("left", "", f"{MARKER} clear")]
    # Of what is blacked out before and behind what is clear, two markers say so.
    around = turn(Who.LEFT, line("a", 10)), turn(Who.RIGHT, line("ok", 120), line("b", 20))
    assert texts(left(transcript(*around), upper)) == [
        ("", "", MARKER),
        ("right", "", f"ok {MARKER}"),
    ]
    # On another page it is another place.
    pages = turn(Who.LEFT, line("a", 10)), turn(Who.LEFT, line("b", 10), page=2)
    both = upper, box(FILE, 2, on_page(0, 0, 400, 100))
    assert texts(left(transcript(*pages, pages=2), *both)) == [("", "", MARKER)] * 2


def test_reasons_of_what_is_next_to_each_other_are_named_together() -> None:
    first = box(FILE, 1, on_page(0, 0, 400, 35))
    other = box(FILE, 1, on_page(0, 38, 400, 30), reason="minor")
    read = transcript(turn(Who.LEFT, line("a", 10)), turn(Who.RIGHT, line("b", 40)))

    assert texts(left(read, first, other)) == [("", "", "[redacted: minor, privilege]")]


# --- What is handed over ---


def load_file(out: Path) -> list[dict[str, str]]:
    text = (out / "load.dat").read_bytes().decode("utf-8-sig")
    heads, *lines = (line[1:-1].split("þ\x14þ") for line in text.split("\r\n")[:-1])
    return [dict(zip(heads, line, strict=True)) for line in lines]


def test_a_transcript_is_with_its_file_everywhere_and_marked_as_a_machines(
    ready: Team, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        transcribe(casebook, FILE, READ)
        written(casebook, out)
        log = [one.plain for one in casebook.productions.acts().of(
            casebook.names.characters(1)) if one.act == "export"]  # fmt: skip

    text = (out / "transcripts" / "D0-000002.txt").read_text("utf-8").splitlines()
    assert text[0].startswith("[Read by a machine; nobody has compared it with the picture (")
    assert text[2:] == [
        "← is the other side, → whose telephone it was, · a time or a notice; (?) is uncertain",
        "Page 1",
        "← 张三: 我是张三，你好 (?)",
        "→ hello there",
        "· 10:32",
        "Page 2",
        "  a paragraph",
        f"({NOTE})",
    ]
    told = json.loads((out / "cases.jsonl").read_text("utf-8").splitlines()[0])
    (one,) = told["transcripts"]
    assert (one["of"], one["machine"], one["notes"]) == ("D0-000002", "machine 1", [NOTE])
    data = (out / one["path"]).read_bytes()
    assert one["sha256"] == hashlib.sha256(data).hexdigest() and one["sha256"] in log
    assert one["turns"][1]["lines"][0] == {
        "text": "hello", "redacted": False, "box": [250, 120, 350, 140], "confidence": 90
    }  # fmt: skip
    fits(told, json.loads(SCHEMA.read_text("utf-8")))
    rows = {row["BEGBATES"]: row for row in load_file(out)}
    assert rows["D0-000002"]["TEXTPATH"] == "transcripts/D0-000002.txt"
    assert rows["D0-000002"]["TRANSCRIPTBY"].endswith("by machine: machine 1")
    assert (rows["D0-000001"]["TEXTPATH"], rows["D0-000001"]["TRANSCRIPTBY"]) == (
        "texts/D0-000001.txt", ""
    )  # fmt: skip
    pages = pdf_text((out / "dossiers" / "C0-000001.pdf").read_bytes())
    (after,) = [at for at, page in enumerate(pages) if "Read by a machine" in page]
    # On the page after its picture, which has the number alone.
    assert "D0-000002" in pages[after - 1] and "张三" not in pages[after - 1]
    assert "← 张三: 我是张三，你好 (?)" in pages[after] and "Custody" not in pages[after - 1]
    assert "transcripts/D0-000002.txt" in "".join(pages[after:])


def fits(value: Any, schema: dict[str, Any]) -> None:
    """What a value has is what the schema says: names of fields, and kinds of values."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
        "null": type(None),
    }  # fmt: skip
    if named := schema.get("type"):
        assert isinstance(value, tuple(kinds[one] for one in [named] * isinstance(named, str)
                                       or named))  # fmt: skip
    if "enum" in schema:
        assert value in schema["enum"]
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        assert set(schema["required"]) == set(value) == set(schema["properties"])
        for name, one in value.items():
            fits(one, schema["properties"][name])
    if isinstance(value, list):
        for one in value:
            fits(one, schema.get("items", {}))


def test_words_blacked_out_in_the_story_are_in_nothing_that_was_read(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        transcribe(casebook, FILE, transcript(turn(Who.LEFT, line("是甲", 40), line("b", 70))))
        text = casebook.case(1).parts[0].report.text
        redact(casebook, span(text, text.index("甲"), len(text)))
        redact(casebook, box(FILE, 1, on_page(0, 0, 9, 9)))
        # A machine may have misread it, says whoever looked at the picture.
        assert let_all_leave(casebook) == [1]
        written(casebook, tmp_path / "out")

    told = json.loads((tmp_path / "out" / "cases.jsonl").read_text("utf-8").splitlines()[0])
    assert [one["text"] for one in told["transcripts"][0]["turns"]] == [f"{MARKER} b"]
    assert "甲" not in (tmp_path / "out" / "transcripts" / "D0-000002.txt").read_text("utf-8")


def test_a_transcript_that_is_added_or_changed_after_the_approval_ends_it(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        codes = [plan_of(casebook).sha256]
        for read, machine in ((READ, "one"), (READ, "two"), (transcript(), "two")):
            transcribe(casebook, FILE, read, machine=machine)
            codes.append(plan_of(casebook).sha256)

    assert len(set(codes)) == 4


def test_a_codename_that_was_read_holds_its_case_back_until_it_is_blacked_out(ready: Team) -> None:
    spelled = " ".join(one.typed for one in WordLists.read().spell(new_codename(), "en"))
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        transcribe(casebook, FILE, transcript(turn(Who.TEXT, line(spelled, 40))))
        assert held(casebook)[1] == "codename"
        redact(casebook, box(FILE, 1, on_page(0, 0, 400, 100)))
        assert 1 not in held(casebook)
