"""Pictures of pages that are handed over, the files that list them, and what is redacted."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image
from support.cases import DAY, add, attachment, report
from support.decided_cases import at_work, decided, plan_of, put, rows, written
from support.redactions import let_all_leave
from support.team import Team
from support.unpacked import pdf_text, png_chunks, unpacked

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.productions import Number
from scripts.desk.casebook.redactions import BOX, FILE, TEXT, WHOLE, Box, Redaction
from scripts.desk.pictures.drawing_room import Bubblewrap
from scripts.desk.production import page_pictures
from scripts.desk.production.dossier_words import words
from scripts.desk.production.handing_over import hand_over
from scripts.desk.production.imaging import _slip
from scripts.desk.production.records import Document
from scripts.desk.redaction.copies import Copy

SECRET = "张三和李四"


def picture(colour: str = "red", size: tuple[int, int] = (200, 100)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def seen(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def load_file(out: Path) -> list[dict[str, str]]:
    text = (out / "load.dat").read_bytes().decode("utf-8-sig")
    heads, *lines = (line[1:-1].split("þ\x14þ") for line in text.split("\r\n")[:-1])
    return [dict(zip(heads, line, strict=True)) for line in lines]


def option_file(out: Path) -> list[list[str]]:
    return [line.split(",") for line in (out / "load.opt").read_text("ascii").splitlines()]


def redact(casebook: Casebook, case: int, sha256: str, kind: str, **changes: Any) -> None:
    fields: dict[str, Any] = dict.fromkeys(
        ("page", "x", "y", "width", "height", "start", "stop"), 0
    )
    key = hashlib.sha256(sha256.encode()).hexdigest()[:32]
    one = {**fields, "key": key, "kind": kind, "sha256": sha256, "reason": "third_party"}
    one |= {"reviewer": "F" * 40, "day": DAY, **changes}
    casebook.redactions.add(casebook.case(case), Redaction(**one))


def sha256(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


@pytest.mark.slow
def test_pictures_lists_and_numbers_agree_page_by_page(ready: Team, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        long = "很长的陈述。" * 900
        add(casebook, report(long, 3, kind="message"))
        decided(casebook, 3)
        written(casebook, out)

    documents = load_file(out)
    pages = option_file(out)
    by_first = {page[0]: page for page in pages if page[3] == "Y"}
    assert set(by_first) == {one["BEGBATES"] for one in documents}
    assert [one["ENDBATES"] for one in documents][:3] == ["D0-000001", "D0-000002", "D0-000003"]
    last = documents[-1]
    count = int(last["PAGECOUNT"])
    assert count > 1 and last["ENDBATES"] == f"D0-000005.{count:04d}"
    for one in documents:
        assert by_first[one["BEGBATES"]][6] == one["PAGECOUNT"]
        family = [each for each in documents if each["CASE"] == one["CASE"]]
        assert one["BEGATTACH"] == family[0]["BEGBATES"]
        assert one["ENDATTACH"] == family[-1]["ENDBATES"]
    assert [page[0] for page in pages][-count:] == [
        "D0-000005", *(f"D0-000005.{at:04d}" for at in range(2, count + 1))
    ]  # fmt: skip
    assert all(len(page) == 7 for page in pages)
    # One picture for each line, and nothing else is there.
    listed = {page[2].replace("\\", "/") for page in pages}
    assert listed == {f"images/{path.name}" for path in (out / "images").iterdir()}


def test_a_number_that_was_given_before_there_were_pictures_stays(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        whole = casebook.names.characters(2)
        casebook.note("number", f"D0-000007 {whole}", plain=sha256("=1+1\r\nsecond line"))
        written(casebook, tmp_path / "out")
        assert casebook.productions.next() == Number(0, 10)

    assert [one["BEGBATES"] for one in load_file(tmp_path / "out")] == [
        *("D0-000008", "D0-000009", "D0-000007")
    ]


def test_a_picture_is_pixels_alone_with_its_number_below_the_page() -> None:
    page = Image.open(io.BytesIO(picture()))
    png = page_pictures.numbered(page, "D0-000001")

    assert [kind for kind, _ in png_chunks(png)] == [b"IHDR", b"IDAT", b"IEND"]
    made = Image.open(io.BytesIO(png))
    assert made.size[0] == 200 and made.size[1] > 100
    assert made.crop((0, 0, 200, 100)).getcolors() == [(20_000, (255, 0, 0))]
    assert len(made.crop((0, 100, *made.size)).getcolors(10**6) or ()) > 1
    assert page_pictures.numbered(page, "D0-000001") == png
    jpeg, pixels = page_pictures.small(Image.new("RGB", (4_000, 2_000)))
    assert pixels == (1_100, 550) and Image.open(io.BytesIO(jpeg)).size == pixels


@pytest.mark.slow
def test_without_a_room_a_slip_sheet_is_there_for_each_file(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        written(casebook, tmp_path / "out")

    assert (tmp_path / "out" / "natives" / "D0-000002.bin").read_bytes() == b"abc"
    slip = seen(tmp_path / "out" / "images" / "D0-000002.png")
    assert slip.mode == "L" and slip.getextrema() == (0, 255)


@pytest.mark.bubblewrap
def test_a_file_is_pictured_and_its_picture_is_in_the_dossier_as_well(
    ready: Team, tmp_path: Path
) -> None:
    red = picture()
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        put(casebook, red)
        add(casebook, report("【虚构】丁", 4, attachments=(attachment("a.png", red),)))
        decided(casebook, 4)
        plan = plan_of(casebook, cases=(4,))
        hand_over(casebook, plan, tmp_path / "out", lambda _: b"s", room=Bubblewrap())

    (one,) = (line for line in load_file(tmp_path / "out") if line["DOCTYPE"] == "file")
    made = seen(tmp_path / "out" / "images" / f"{one['BEGBATES']}.png")
    assert made.crop((0, 0, 200, 100)).getcolors() == [(20_000, (255, 0, 0))]
    dossier = next((tmp_path / "out" / "dossiers").iterdir()).read_bytes()
    assert b"/DCTDecode" in dossier and one["BEGBATES"] in "".join(pdf_text(dossier))


# --- Redaction ---


def secret_case(casebook: Casebook, red: bytes) -> None:
    """Case 4, with a name in its text, in a translation and in a file's name."""
    at_work(casebook)
    put(casebook, red)
    text = f"【虚构】{SECRET}被拘留"
    add(casebook, report(text, 4, attachments=(attachment(f"{SECRET}.png", red),)))
    decided(casebook, 4)
    redact(casebook, 4, sha256(text), TEXT, start=4, stop=4 + len(SECRET))
    redact(casebook, 4, sha256(f"{SECRET}.png"), TEXT, start=0, stop=len(SECRET))


def all_bytes(out: Path) -> list[bytes]:
    """Everything in *out*, unpacked, and all names."""
    files = [path for path in out.rglob("*") if path.is_file()]
    names = "\n".join(str(path.relative_to(out)) for path in files).encode()
    return [names, *(data for path in files for data in unpacked(path.read_bytes()))]


def test_what_is_redacted_is_in_no_output_nor_its_hash_or_length(
    ready: Team, tmp_path: Path
) -> None:
    red, out = picture(), tmp_path / "out"
    with Casebook.open(ready.casebook) as casebook:
        secret_case(casebook, red)
        redact(casebook, 4, sha256(red), BOX, page=1, width=WHOLE // 2, height=WHOLE)
        text = casebook.case(4).parts[0].report.text
        written(casebook, out, cases=(4,))

    found = all_bytes(out)
    for hidden in (SECRET, sha256(text), sha256(red), sha256(f"{SECRET}.png")):
        assert not any(hidden.encode() in data for data in found), hidden
    assert red not in found
    told = json.loads((out / "cases.jsonl").read_text("utf-8"))
    report_, file = told["documents"]
    assert (report_["redacted"], file["redacted"]) == (True, True)
    assert (file["sha256"], file["path"], file["size"]) == ("", "", 0)
    assert not (out / "natives").exists()
    left = (out / report_["path"]).read_bytes()
    assert left.decode() == "【虚构】[redacted: third_party]被拘留"
    assert report_["sha256"] == sha256(left) and report_["size"] == len(left)
    (first, second) = load_file(out)
    assert (first["REDACTED"], second["REDACTED"], second["FILESIZE"]) == ("Yes", "Yes", "")
    dossier = "".join(pdf_text(next((out / "dossiers").iterdir()).read_bytes()))
    assert "[redacted: third_party]" in dossier


@pytest.mark.bubblewrap
@pytest.mark.parametrize("whole", [False, True])
def test_a_redacted_file_leaves_as_pixels_with_the_box_in_black_or_not_at_all(
    ready: Team, tmp_path: Path, *, whole: bool
) -> None:
    red, out = picture(), tmp_path / "out"
    with Casebook.open(ready.casebook) as casebook:
        secret_case(casebook, red)
        box = Box(0, 0, WHOLE // 2, WHOLE)
        kind = FILE if whole else BOX
        redact(casebook, 4, sha256(red), kind, **({} if whole else {"page": 1, **box._asdict()}))
        plan = plan_of(casebook, cases=(4,))
        hand_over(casebook, plan, out, lambda _: b"s", room=Bubblewrap())

    (page,) = [path for path in (out / "images").iterdir() if path.stem.endswith("2")]
    image = seen(page)
    colours = {colour for _, colour in image.convert("RGB").getcolors(10**6) or ()}
    if whole:
        assert (255, 0, 0) not in colours
    else:
        assert {colour for _, colour in image.crop((0, 0, 100, 100)).getcolors() or ()} <= {
            (0, 0, 0),
            (255, 255, 255),
        }
        assert image.crop((100, 0, 200, 100)).getcolors() == [(10_000, (255, 0, 0))]
    assert not (out / "natives").exists()


def test_a_redaction_after_the_approval_ends_it(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        before = plan_of(casebook)
        redact(casebook, 1, sha256("【虚构】甲"), TEXT, start=0, stop=1)
        assert plan_of(casebook).sha256 != before.sha256


@pytest.mark.slow
def test_rows_of_other_cases_are_as_before(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        secret_case(casebook, picture())
        let_all_leave(casebook, 4)
        written(casebook, tmp_path / "out", cases=(1, 2, 4))

    assert len(rows(tmp_path / "out" / "cases.csv")) == 3
    texts = tmp_path / "out" / "texts"
    assert (texts / "D0-000003.txt").read_bytes() == b"=1+1\r\nsecond line"


@pytest.mark.parametrize(
    ("page", "what"), [(3, "Page 3 of D0-000002"), (0, "File of D0-000002")], ids=["page", "file"]
)
@pytest.mark.parametrize(
    ("redacted", "left"),
    [
        (True, "The file itself is not handed over."),
        (False, "The file itself is handed over as it came: natives/D0-000002.bin"),
    ],
    ids=["redacted", "whole"],
)
def test_a_slip_sheet_says_of_what_there_is_no_picture_and_whether_the_file_is_there(
    page: int, what: str, redacted: bool, left: str
) -> None:
    path = "natives/D0-000002.bin"
    one = Document(Number(0, 2), cast(Any, None), "", "", 0, path, redacted=redacted)

    why = "There is no picture of it: it is damaged."
    assert _slip(one, Copy(page, b"", "it is damaged"), words("en")) == [what, why, left]
