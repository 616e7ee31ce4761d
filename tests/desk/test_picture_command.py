"""The command that draws a case's files: what is printed, written and logged."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support import hostile_files as made
from support.drawing_rooms import needs_bubblewrap
from support.export_bundles import CAMPAIGN, SERVER, Drop
from support.line import Line

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.commands import picture
from scripts.desk.screen.terminal_pictures import Area, Pictures, Protocol

WITHOUT = "--without-bubblewrap"
Kept = Callable[..., str]


@pytest.fixture
def kept(drop: Drop, line: Line) -> Kept:
    """The name of a case with these files."""

    def make(*files: tuple[str, bytes]) -> str:
        key = bytes(SERVER.verify_key).hex()
        line("init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0)
        drop.report(attachments=tuple(drop.file(data, name) for name, data in files))
        line("open", drop.bundle(1))
        return line.case()

    return make


def logged(casebook: Path) -> list[dict[str, str]]:
    with Casebook.open(casebook) as opened:
        return [json.loads(row["line"]) for row in opened.database.table("custody").rows]


@pytest.mark.slow
def test_each_file_is_drawn_into_the_folder_and_each_look_and_picture_is_logged(
    kept: Kept, line: Line, tmp_path: Path
) -> None:
    contract = made.pdf(pages=3)
    case = kept(
        (f"{made.ESCAPE}合同.jpg", contract),
        ("notes.txt", f"一行{made.ESCAPE}".encode()),
        ("a.zip", made.archive((f"{made.ESCAPE}b", b"1"))),
    )
    out = tmp_path / "out"

    told = line("picture", case, WITHOUT, "--out", out, "--pages", "2-9")
    again = line("picture", case, 1, WITHOUT, "--out", out, "--pages", "2-9")

    names = [f"{case}-01-page-{number:03}.png" for number in (2, 3)]
    assert sorted(path.name for path in out.iterdir()) == names
    assert [path.stat().st_mode & 0o777 for path in (out, *out.iterdir())] == [0o700, 0o600, 0o600]
    assert all(Image.open(path).getpixel((5, 5)) == made.RED for path in out.iterdir())
    assert "合同.jpg: a PDF of 3 pages; 2 of them drawn." in told and str(out / names[0]) in told
    assert "2. notes.txt: a text.\n   一行" in told and "a ZIP archive of 1 entry." in told
    # Nothing of a name or a text acts on the terminal.
    assert "\x1b" not in told and "\u202e" not in told and "‹U+001B›[2J" in told
    assert again == told[: len(again)]
    lines = logged(tmp_path / "casebook")
    looks = [one for one in lines if one["plain"] == hashlib.sha256(contract).hexdigest()]
    assert [one["act"] for one in looks if one["subject"] == case][-2:] == ["view", "view"]
    pictures = {hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}
    assert pictures <= {one["plain"] for one in lines if one["act"] == "export"}


@pytest.mark.slow
def test_without_a_folder_it_says_what_the_files_are_and_draws_none(
    kept: Kept, line: Line, tmp_path: Path
) -> None:
    case = kept(("a.pdf", made.scripted_pdf()))
    before = sorted(tmp_path.iterdir())

    told = line("picture", case, WITHOUT)
    (values,) = json.loads(line("picture", case, 1, WITHOUT, "--json"))

    assert told == (
        "1. a.pdf: a PDF of 1 page; none of them drawn.\n"
        "   It holds JavaScript, which was not run.\n"
        "With --out DIR, pages are written there as PNG files.\n"
    )
    assert values == {
        "file": 1,
        "name": "a.pdf",
        "kind": "pdf",
        "pages": 1,
        "drawn": 0,
        "pictures": [],
        "sentences": ["It holds JavaScript, which was not run."],
        "text": "",
    }
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_what_has_a_pictures_name_is_not_overwritten(
    kept: Kept, line: Line, tmp_path: Path
) -> None:
    case = kept(("a.png", made.image()))
    (other := tmp_path / f"{case}-01-page-001.png").write_bytes(b"other")

    refused = line.refused("picture", case, WITHOUT, "--out", tmp_path)

    assert "is something else; it is not overwritten" in refused
    assert other.read_bytes() == b"other"


def test_an_altered_copy_and_a_number_that_is_none_are_said(
    kept: Kept, line: Line, tmp_path: Path
) -> None:
    case = kept(("a.png", made.image()))
    with Casebook.open(tmp_path / "casebook") as casebook:
        path = casebook.file_path(hashlib.sha256(made.image()).hexdigest())
        path.write_bytes(made.image((9, 9)))

    assert "has been altered since it was opened" in line("picture", case, WITHOUT)
    assert f"{case} has no file 2; see `files`." in line.refused("picture", case, 2, WITHOUT)


def test_a_terminal_that_says_so_is_shown_page_after_page_until_somebody_ends_it(
    kept: Kept, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = kept(("a.png", made.image((300, 300))), ("b.pdf", made.pdf(pages=3)))
    keys, out = iter(" \rq"), io.StringIO()
    asked: list[str] = []
    area = Area(100, 60)

    def here(named: str) -> Pictures | None:
        asked.append(named)
        shows = Pictures(Protocol.KITTY, out, lambda: area, lambda _seconds: next(keys))
        return shows if named else None

    refused = line.refused("picture", case, WITHOUT, "--show")
    monkeypatch.setattr(picture, "pictures_here", here)
    assert line.refused("picture", case, WITHOUT, "--show-as", "kitty") == refused
    monkeypatch.setattr(picture, "at_terminal", lambda: True)
    assert line.refused("picture", case, WITHOUT, "--show") == refused
    told = line("picture", case, WITHOUT, "--show-as", "kitty")

    assert "does not say that it shows pictures; write them with --out" in refused
    assert "name one of them" in line.refused("picture", case, WITHOUT, "--show", "--json")
    assert asked == ["", "kitty"]
    # A picture of one page, and two of the three pages of the other file.
    assert "1. a.png: a PNG picture of 1 page; 1 of them drawn." in told
    assert "2. b.pdf: shown until you ended it." in told and "\x1b" not in told
    said = out.getvalue()
    assert [said.count(one) for one in ("page 1 of file 1", "page 1 of file 2", "page 2")] == [
        1
    ] * 3
    assert said.count("\x1b[?1049h") == said.count("\x1b[?1049l") == 3
    sequences = re.findall(r"\x1b_Ga=T([^;]*);([A-Za-z0-9+/=]*)\x1b\\", said)
    shown = Image.open(io.BytesIO(base64.b64decode(sequences[0][1])))
    assert shown.size == (300, 300) and shown.getpixel((0, 0)) == made.RED
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize("pages", ["0", "0-3", "5-4", "1-201", "x", "1-", "-3"])
def test_pages_that_are_none_are_refused(
    line: Line, capsys: pytest.CaptureFixture[str], pages: str
) -> None:
    assert line.run("picture", "X", f"--pages={pages}")[0] == 2
    assert picture._pages("7") == range(7, 8) and picture._pages("1-200") == range(1, 201)


def test_without_bubblewrap_nothing_is_drawn_before_the_word_for_it(
    kept: Kept, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = kept(("a.png", made.image()))
    monkeypatch.setattr("scripts.desk.pictures.drawing_room.shutil.which", lambda _name: None)

    refused = line.refused("picture", case)

    assert "it is in the Debian package bubblewrap" in refused
    assert "--without-bubblewrap" in refused


@pytest.mark.bubblewrap
def test_with_bubblewrap_the_same_comes_from_its_room(
    kept: Kept, line: Line, tmp_path: Path
) -> None:
    needs_bubblewrap()
    case = kept(("a.pdf", made.pdf()))

    told = line("picture", case, "--out", tmp_path / "out")

    assert "a PDF of 1 page; 1 of them drawn." in told
    assert len(list((tmp_path / "out").iterdir())) == 1
