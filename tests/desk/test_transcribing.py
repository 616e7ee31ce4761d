"""Reading text in files: who is believed, what is kept, shown and found, and what is left alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import hostile_files as made
from support.export_bundles import CAMPAIGN, SERVER, Drop
from support.line import Line
from support.readers import BEGUN, HONEST, NoPackages, hidden, stand_in

from scripts.desk import transcribing
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.commands import transcribe
from scripts.desk.pictures.drawing_room import NoRoom
from scripts.desk.pictures.frames import Page
from scripts.desk.transcripts import layout
from scripts.desk.transcripts.lines import SeenPage
from scripts.desk.transcripts.reader import ReadingFailure, reading
from scripts.desk.transcripts.recognition_room import OwnProcess
from scripts.desk.transcripts.recognizer_site import NoRecognizer, Site
from scripts.desk.transcripts.transcript import Turn

WITHOUT = "--without-bubblewrap"
Kept = Callable[..., str]


def page_of(text: str, number: int = 1) -> Page:
    data = text.encode().ljust(60, b"\0")
    return Page(number, 20, 1, data)


def test_a_reader_reads_page_after_page() -> None:
    with reading(stand_in()) as reader:
        found = [reader.read(page_of(text, number)) for number, text in ((1, "一"), (5, "二"))]

    assert [(page.number, [line.text for line in page.lines]) for page in found] == [
        (1, ["一"]),
        (5, ["二"]),
    ]


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ("sender.payload(LINES, 2, written(0, []))", "Page 1: .*broke its limits"),
        ("sender.payload(b'P', 1, written(0, []))", "broke its limits"),
        ("sender._send(LINES, 1, 2**19 + 1)", "broke its limits"),
        ("sender.payload(LINES, 1, b'{}')", "broke its limits"),
        ("sender.end()", "broke its limits"),
        ("os._exit(1)", "ended before it was done"),
        ("open('/etc/passwd'); sender.payload(LINES, 1, written(0, []))", "ended before"),
        ("os.fork(); sender.payload(LINES, 1, written(0, []))", "ended before"),
    ],
)
def test_a_recognizer_that_was_taken_over_ends_in_a_sentence(says: str, sentence: str) -> None:
    taken_over = stand_in(f"{BEGUN}\n_page(content); {says}")
    with reading(taken_over) as reader, pytest.raises(ReadingFailure, match=sentence):
        reader.read(page_of("一"))


def test_whoever_stops_it_has_stopped_it() -> None:
    stopped: list[bool] = []
    with reading(stand_in(f"{BEGUN}\nwhile True: pass"), lambda: bool(stopped)) as reader:
        stopped.append(True)
        with pytest.raises(ReadingFailure, match="was stopped"):
            reader.read(page_of("一"))


def test_without_walls_no_pixel_leaves_the_desk() -> None:
    without = stand_in("raise SystemExit('no walls')")
    with (
        pytest.raises(NoRoom, match=r"could not be closed off\. It says: no walls"),
        reading(without),
    ):
        pass


def test_a_recognizer_of_which_a_part_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "rapidocr").mkdir()

    with pytest.raises(NoRecognizer, match=r"onnxruntime is missing .*All else works without it"):
        OwnProcess(Site(tmp_path)).command()


def test_what_is_read_is_marked_with_the_engine_and_its_models(tmp_path: Path) -> None:
    (tmp_path / "rapidocr-3.10.0.dist-info").mkdir()

    assert Site(tmp_path).machine == "RapidOCR 3.10.0, PP-OCRv6 small"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Reads instead of the recognizer."""

    def become(name: str = "stand-in 1", boot: str = HONEST) -> None:
        monkeypatch.setattr(transcribe, "recognizer_site", lambda _progress: NoPackages(Path(name)))
        monkeypatch.setattr(transcribe, "OwnProcess", lambda site: OwnProcess(site, boot))

    become()
    return become


@pytest.fixture
def kept(drop: Drop, line: Line, machine: Callable[..., None]) -> Kept:
    """The name of a case with these files."""

    def make(*files: tuple[str, bytes]) -> str:
        key = bytes(SERVER.verify_key).hex()
        line("init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0)
        drop.report(attachments=tuple(drop.file(data, name) for name, data in files))
        line("open", drop.bundle(1))
        return line.case()

    return make


@pytest.mark.slow
def test_what_is_read_is_kept_shown_as_machine_read_and_found_in_either_script(
    kept: Kept, line: Line, tmp_path: Path
) -> None:
    picture = hidden("帳號被封", f"{made.ESCAPE}餘額")
    case = kept(("a.png", picture), ("same.png", picture), ("n.txt", b"text"))

    told = line("transcribe", case, WITHOUT)
    again = line("transcribe", case, WITHOUT)
    shown = line("show", case)
    values = json.loads(line("show", case, "--json"))["transcripts"]

    assert f"{case}, file 1: 1 page, " in told and "1 file read." in told
    assert again == "0 files read. All else was read before.\n"
    # The second file is the same.
    assert shown.count("┌ read by machine (stand-in 1) for reviewer-1, ") == 2
    assert "  │ ← 帳號被封" in shown and "\x1b" not in shown
    assert [one["file"] for one in values] == [1, 2]
    (turn, *_) = values[0]["turns"]
    assert (turn["who"], turn["page"], turn["lines"][0]["confidence"]) == ("left", 1, 99)
    assert len(turn["lines"][0]["box"]) == 4
    for words in ("帐号被封", "帳號被封"):
        (found,) = json.loads(line("find", "--query-file", "-", "--json", text=words))["cases"]
        assert (found["case"], found["in"]) == (case, "transcript")
    line("verify")
    with Casebook.open(tmp_path / "casebook") as casebook:
        lines = [json.loads(row["line"]) for row in casebook.database.table("custody").rows]
    assert [one["subject"] for one in lines if one["act"] == "transcribe"] == [case]


@pytest.mark.slow
def test_a_newer_machine_reads_again_and_what_the_older_one_read_stays_beside(
    kept: Kept, line: Line, machine: Callable[..., None], tmp_path: Path
) -> None:
    case = kept(("a.png", hidden("一")))
    line("transcribe", case, WITHOUT)
    machine("stand-in 2")

    assert "1 file read." in line("transcribe", "--all", WITHOUT)
    assert "1 file read." in line("transcribe", case, "--again", WITHOUT)
    shown = line("show", case)
    assert "stand-in 2" in shown and "stand-in 1" not in shown
    with Casebook.open(tmp_path / "casebook") as casebook:
        machines = [one.machine for one in casebook.translations.of(1)]
    assert machines == ["stand-in 1", "stand-in 2", "stand-in 2"]


@pytest.mark.slow
def test_files_that_are_damaged_or_hold_no_text_end_in_a_sentence_and_are_not_tried_again(
    kept: Kept, line: Line
) -> None:
    case = kept(("broken.png", hidden("一")[:40]), ("none.png", hidden("")), ("n.txt", b"text"))

    told = line("transcribe", case, WITHOUT)

    assert "file 1: Nothing was read. It is damaged" in told
    assert "file 2: 1 page, 0 characters read." in told and "file 3" not in told
    assert "(no text was found)" in line("show", case)
    assert "0 files read." in line("transcribe", case, WITHOUT)
    assert "file 3: It is neither a picture nor a PDF." in line(
        "transcribe", case, "--file", "3", WITHOUT
    )
    assert "has no file 4" in line.refused("transcribe", case, "--file", "4", WITHOUT)


@pytest.mark.slow
def test_whoever_stops_it_keeps_what_was_read_and_nothing_half(
    kept: Kept, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = kept(("a.png", hidden("一")), ("b.png", hidden("二")))
    joined, read = layout.joined, list[object]()

    def interrupted(pages: list[SeenPage]) -> list[Turn]:
        read.append(pages)
        if len(read) == 2:
            raise KeyboardInterrupt
        return joined(pages)

    monkeypatch.setattr(transcribing, "joined", interrupted)
    code, _, said = line.run("transcribe", case, WITHOUT)
    monkeypatch.setattr(transcribing, "joined", joined)

    assert code == 130 and "what was done is kept" in said
    assert [one["file"] for one in json.loads(line("show", case, "--json"))["transcripts"]] == [1]
    assert "file 2: 1 page, 1 character read.\n1 file read." in line("transcribe", case, WITHOUT)


def test_without_the_recognizer_it_says_what_is_missing_and_what_works(
    kept: Kept, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = kept(("a.png", hidden("一")))

    def missing(_progress: object) -> Site:
        raise NoRecognizer("casedrop-desk-ocr.pyz is not here.")

    monkeypatch.setattr(transcribe, "recognizer_site", missing)

    assert "casedrop-desk-ocr.pyz" in line.refused("transcribe", case)
    assert "Name a case, or" in line.refused("transcribe")
    assert "Name a case, or" in line.refused("transcribe", case, "--all")
    assert "--file is about" in line.refused("transcribe", "--all", "--file", "1")
