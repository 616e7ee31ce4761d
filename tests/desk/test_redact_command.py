"""`redact`: what is asked for is shown before it is done, listed, and taken back with a reason."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from support import hostile_files as made
from support.cases import add, attachment, report
from support.export_bundles import CAMPAIGN, SERVER
from support.line import Line

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import GIST, TRANSCRIPT, Translation
from scripts.desk.redaction.standing import standing
from scripts.desk.redaction.word_matches import NoWords, Span, occurrences, whole_characters
from scripts.desk.transcripts.transcript import Line as Read
from scripts.desk.transcripts.transcript import ReadPage, Transcript, Turn, Who

STORY = "张三住在某地，電話 138-0000-0000。張三說：没事。"
WITHOUT = "--without-bubblewrap"
WAITING = (
    "Words are blacked out in texts of this case, and nobody has decided on file {}: until then it "
    "is not handed over. --file F --reason CODE withholds a file, with --page and --box only a "
    "part of it, and --file F --as-seen lets it leave as it was seen.\n"
)


@pytest.fixture
def told(line: Line, tmp_path: Path) -> Line:
    """A case of two parts, with a PDF of two pages and a text as its files."""
    line(
        "init", "--server-key", bytes(SERVER.verify_key).hex(), "--campaign", CAMPAIGN, "--desk", 0
    )
    files = {"张三.pdf": made.pdf(pages=2), "notes.txt": "【虚构】".encode()}
    with Casebook.open(tmp_path / "casebook") as casebook:
        for data in files.values():
            path = casebook.file_path(attachment("", data).sha256)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        named = tuple(attachment(name, data) for name, data in files.items())
        add(
            casebook,
            report(STORY, 1, attachments=named),
            report("张三又来了", 1, kind="message", facts={"other": "张 三"}),
        )
        case = casebook.case(1)
        given = Translation(
            case.parts[0].block_id.hex(), GIST, "en", "", "Zhang San", "F" * 40, case.day
        )
        with casebook.together():
            casebook.translations.add(case, given)
    return line


def shown(directory: Path, text: str) -> str:
    with Casebook.open(directory / "casebook") as casebook:
        return standing(casebook).text(text)


def test_each_occurrence_in_either_script_is_shown_then_blacked_out_and_the_rest_is_named(
    told: Line, tmp_path: Path
) -> None:
    code, out, err = told.at_a_terminal(
        "张三\ny\n", "redact", told.case(), "--words", "-", "--reason", "third_person"
    )

    assert code == 0
    assert "part 1: 2 places\n    ▐张三▌ 住在某地" in err
    assert "138-0000-0000。 ▐張三▌ 說：没事。" in err and "Black out 2 places? [y/N]" in err
    assert out == (
        "2 places blacked out.\n"
        "The same words are still in part 2 (1 place), field other of part 2 (1 place), "
        "name of file 1 (1 place). --everywhere blacks them out there too.\n"
    ) + WAITING.format("1, 2")
    hidden = "[redacted: third_person]"
    assert shown(tmp_path, STORY) == f"{hidden}住在某地，電話 138-0000-0000。{hidden}說：没事。"
    assert shown(tmp_path, "张三又来了") == "张三又来了"

    words = tmp_path / "words"
    words.write_text("张三\n", "utf-8")
    everywhere = ("--words", words, "--everywhere", "--reason", "third_person", "--yes")
    code, out, err = told.run("redact", told.case(), *everywhere)
    # What was there already is there once.
    assert (code, out) == (0, "3 places blacked out.\n" + WAITING.format("1, 2"))
    assert shown(tmp_path, "张三.pdf") == f"{hidden}.pdf"


def test_words_that_a_machine_read_in_a_picture_are_blacked_out_there_too(
    told: Line, tmp_path: Path
) -> None:
    case, hidden = told.case(), ("--reason", "third_person", "--yes")
    turns = (
        Turn(Who.LEFT, "", 1, (Read("张三 在吗", (10, 20, 90, 40), 90),)),
        Turn(Who.RIGHT, "张三", 2, (Read("在", (60, 20, 90, 40), 90),)),
    )
    text = Transcript((ReadPage(1, 150, 150, 0), ReadPage(2, 150, 150, 0)), turns, ()).to_text()
    with Casebook.open(tmp_path / "casebook") as casebook:
        one = casebook.case(1)
        sha256 = one.files[0].attachment.sha256
        given = Translation(sha256, TRANSCRIPT, "", "a machine", text, "F" * 40, one.day)
        with casebook.together():
            casebook.translations.add(one, given)

    asked = ("redact", case, "--words", "-")
    code, out, err = told.run(*asked, "--part", 2, *hidden, text="张三")
    assert code == 0 and "the picture of page 1 of file 1" in out
    assert "On page 2 of file 1 they are a name beside a bubble" in out
    code, out, err = told.at_a_terminal("张三\ny\n", *asked, "--file", 1, *hidden[:2])
    assert "picture of file 1, page 1:  ▐张三▌ 在吗" in err and "1 place blacked out." in out
    assert "the picture of page 1" not in out
    code, out, _ = told.run(*asked, "--everywhere", *hidden, text="张三")
    # Two in the first part, a field of the second one, a file's name.
    assert out.startswith("4 places blacked out.\nOn page 2")
    assert [one["page"] for one in json.loads(told("redact", case, "--json"))].count(1) == 1


def test_without_a_yes_nothing_is_blacked_out(told: Line, tmp_path: Path) -> None:
    asked = ("redact", told.case(), "--words", "-", "--reason", "minor")

    code, out, err = told.at_a_terminal("张三\nn\n", *asked)
    assert (code, out) == (2, "") and "Nothing was done." in err
    code, _, err = told.run(*asked, text="张三")
    assert code == 2 and "programs use --yes" in err
    assert shown(tmp_path, STORY) == STORY
    assert told("redact", told.case()) == f"Nothing of {told.case()} is blacked out.\n"


@pytest.mark.slow
def test_the_list_says_who_why_and_what_and_an_end_needs_a_reason(told: Line) -> None:
    case = told.case()
    told.run("redact", case, "--words", "-", "--reason", "contact", "--yes", text="138 0000 0000")
    told("redact", case, "--file", 2, "--reason", "minor", "--yes")

    table = told("redact", case, "--list")
    assert "part 1" in table and "138-0000-0000" in table and "file 2, whole" in table
    assert "contact Address or contact details" in table and "reviewer-" in table
    assert "minor 未成年人" in told("redact", case, "--lang", "zh-Hans")
    first, second = json.loads(told("redact", case, "--json"))
    assert (first["place"], first["words"], first["taken_back"]) == (
        "part 1",
        "138-0000-0000",
        None,
    )
    assert (second["kind"], second["place"], second["box_percent"]) == ("file", "file 2", None)

    assert "--because" in told.refused("redact", case, "--take-back", 1)
    code, _, err = told.run("redact", case, "--take-back", 1, "--because", "-", "--yes", text=" ")
    assert code == 2 and "why it is taken back" in err
    refused = told.at_a_terminal("no need\nn\n", "redact", case, "--take-back", 1, "--because", "-")
    assert refused[0] == 2 and "Take back redaction 1, of part 1? [y/N]" in refused[2]
    told.run("redact", case, "--take-back", 1, "--because", "-", "--yes", text="a public line")
    first, second = json.loads(told("redact", case, "--json"))
    assert first["taken_back"]["because"] == "a public line" and second["taken_back"] is None
    code, _, err = told.run("redact", case, "--take-back", 1, "--because", "-", "--yes", text="a")
    assert code == 2 and "taken back already" in err
    code, _, err = told.run("redact", case, "--take-back", 9, "--because", "-", "--yes", text="a")
    assert code == 2 and f"{case} has no redaction 9" in err


@pytest.mark.slow
def test_a_box_is_typed_as_the_picture_has_it_and_the_preview_is_what_leaves(
    told: Line, tmp_path: Path
) -> None:
    case, out = told.case(), tmp_path / "preview"
    box = ("redact", case, WITHOUT, "--file", 1, "--reason", "privilege")
    told("picture", case, 1, WITHOUT, "--out", tmp_path / "pictures")

    said = told(*box, "--page", 2, "--box", "30,60,100,40")
    # Of the one file that does not leave as it came.
    before = told("redact", case, WITHOUT, "--preview", out)
    told("redact", case, "--file", 2, "--reason", "other", "--yes")
    told.run("redact", case, "--words", "-", "--reason", "minor", "--yes", text="电话")
    printed = told("redact", case, WITHOUT, "--preview", out)

    assert said == (
        "A box on page 2 of file 1 is blacked out; only pictures of this file leave now.\n"
    )
    names = [f"{case}-01-copy-001.png", f"{case}-01-copy-002.png", f"{case}-02-copy-000.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert f"{out / names[2]}: a slip sheet, redacted: other\n" in printed
    assert before == "".join(f"{out / name}\n" for name in names[:2])
    assert "── part 1\n\n张三住在某地，[redacted: minor] 138" in printed
    plain, burnt = (
        Image.open(io.BytesIO((tmp_path / folder / name).read_bytes()))
        for folder, name in (("pictures", f"{case}-01-page-002.png"), ("preview", names[1]))
    )
    assert plain.size == burnt.size == (150, 150)
    for x in range(150):
        for y in range(150):
            grey = burnt.getpixel((x, y)) in {(0, 0, 0), (255, 255, 255)}
            if 30 <= x < 130 and 60 <= y < 100:
                assert grey, (x, y)
            elif not (29 <= x < 131 and 59 <= y < 101):
                # A box is rounded outwards, by a pixel at most.
                assert burnt.getpixel((x, y)) == plain.getpixel((x, y)), (x, y)
    values = json.loads(told("redact", case, "--json"))[0]
    assert (values["page"], values["box_percent"]) == (2, [20.0, 40.0, 66.67, 26.67])


@pytest.mark.slow
def test_a_page_that_is_not_there_or_a_file_that_cannot_be_pictured_is_a_sentence(
    told: Line,
) -> None:
    box = ("redact", told.case(), WITHOUT, "--reason", "minor", "--box", "1,1,5,5")

    gone = told.refused(*box, "--file", 1, "--page", 9)
    assert "Page 9 of file 1 cannot be drawn: it has 2 here." in gone
    assert "Without --page and --box, the whole file is withheld." in gone
    # A text is no picture, and has no page.
    text = told.refused(*box, "--file", 2, "--page", 1)
    assert "Page 1 of file 2 cannot be drawn: It has no pages. Without" in text
    outside = told.refused(*box[:-1], "150,1,5,5", "--file", 1, "--page", 1)
    assert "outside the page, whose picture has 150 × 150 pixels" in outside
    assert json.loads(told("redact", told.case(), "--json")) == []


HALF_ORDERS: list[tuple[tuple[object, ...], str]] = [
    (("--file", 1, "--yes"), "one of privilege, third_person, minor, contact, safety, other"),
    (("--file", 1, "--reason", "x", "--yes"), "one of privilege"),
    (("--file", 3, "--reason", "minor", "--yes"), "no file 3"),
    (("--file", 0, "--reason", "minor", "--yes"), "no file 0"),
    (("--file", 1, "--page", 1), "both --page and --box"),
    (("--page", 1, "--box", "1,1,1,1"), "name it with --file"),
    (("--file", 1, "--list"), "Name one of"),
    (("--words", "-", "--part", 3, "--reason", "minor"), "no part 3 with a text"),
    (("--words", "-", "--answer", 1, "--reason", "minor"), "no answer 1"),
    (("--words", "-", "--reason", "minor"), "neither a letter nor a digit"),
]


def test_half_an_order_is_a_sentence_and_does_nothing(told: Line) -> None:
    case = told.case()
    for options, sentence in HALF_ORDERS:
        assert sentence in told.refused("redact", case, *options), options
    assert json.loads(told("redact", case, "--json")) == []


def test_a_file_beside_redacted_words_waits_until_somebody_has_decided_on_it(told: Line) -> None:
    case, why = told.case(), ("--reason", "third_person")
    for half in ((), ("--file", "1", "--page", "1", "--box", "1,1,1,1"), ("--list",)):
        assert "--as-seen" in told.refused("redact", case, "--as-seen", *half)
    code, out, _ = told.at_a_terminal("张三\ny\n", "redact", case, "--words", "-", *why)
    assert code == 0 and out.endswith(WAITING.format("1, 2"))
    assert "Nobody is here" in told.refused("redact", case, "--file", "2", "--as-seen")

    out = told("redact", case, "--file", "2", "--as-seen", "--yes")

    assert out == "File 2 may leave as it was seen.\n" + WAITING.format("1")
    assert told("redact", case).endswith(WAITING.format("1"))
    told("redact", case, "--file", "1", *why, "--yes")
    assert "nobody has decided" not in told("redact", case)
    again = told.refused("redact", case, "--file", "1", "--as-seen", "--yes")
    assert "There is nothing to decide on file 1" in again


def test_each_act_is_in_the_log_and_none_of_its_words(told: Line, tmp_path: Path) -> None:
    told.run("redact", told.case(), "--words", "-", "--reason", "minor", "--yes", text="张三")
    told.run("redact", told.case(), "--take-back", 1, "--because", "-", "--yes", text="某人公开")
    with Casebook.open(tmp_path / "casebook") as casebook:
        lines = [bytes(row["line"]) for row in casebook.database.table("custody").rows]
    acts = [json.loads(one) for one in lines]

    rows = [one["row"] for one in acts if one["act"] == "redact"]
    assert rows == ["redaction/1", "redaction/2", "redaction_end/1"]
    assert not any("张三" in json.loads(one).values() for one in lines)
    assert all(one["plain"] == "" for one in acts if one["act"] == "redact")
    # The reports were added without anybody at work, and are named for that.
    assert "redaction" not in told.run("verify")[1]


# --- Words ---


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("張三与张三", "张三", ["張三", "张三"]),
        ("张三张三", "张三", ["张三张三"]),
        ("ababa", "aba", ["ababa"]),
        ("微\u200b信\u200c", "微信", ["微\u200b信"]),
        ("１３８－0000", "138 0000", ["１３８－0000"]),
        ("Zhang San, ZHANG\u00a0SAN", "zhangsan", ["Zhang San", "ZHANG\u00a0SAN"]),
        ("e\u0301te\u0301 été", "ete", ["e\u0301te\u0301", "été"]),
        ("e\u0301te\u0301", "été", ["e\u0301te\u0301"]),
        ("a👨\u200d👩\u200d👧b", "👩", ["👨\u200d👩\u200d👧"]),
        ("👮🏽\u200d♀\ufe0f!", "👮🏽", ["👮🏽\u200d♀\ufe0f"]),
        ("𠮷野家", "𠮷野", ["𠮷野"]),
        ("مەن قورقىمەن", "قورق", ["قورق"]),
        ("ﷺ", "صلى", ["ﷺ"]),
        ("Alien", "li", ["li"]),
        ("无", "有", []),
    ],
)
def test_words_are_found_however_they_are_written_and_no_character_is_cut(
    text: str, words: str, found: list[str]
) -> None:
    assert [text[start:stop] for start, stop in occurrences(text, words)] == found


def test_whole_words_leaves_longer_words_alone_but_not_chinese_ones() -> None:
    text = "Li, Alien 李Li明 li2"
    spans = occurrences(text, "li", whole_words=True)

    assert [(one.start, text[one.start : one.stop]) for one in spans] == [(0, "Li"), (11, "Li")]
    assert len(occurrences("张三丰和张三", "张三", whole_words=True)) == 2


@pytest.mark.parametrize("words", ["", " ", "——", "\u200b"])
def test_words_without_a_letter_are_refused(words: str) -> None:
    with pytest.raises(NoWords):
        occurrences("——", words)


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (1, 1), (2, 1), (0, 9)])
def test_a_span_that_is_not_in_the_text_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="not in the text"):
        whole_characters("abc", start, stop)
    assert whole_characters("ae\u0301b", 1, 2) == Span(1, 3)
