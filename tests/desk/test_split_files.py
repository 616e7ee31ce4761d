"""Files that were sent in parts: joined where there is no doubt, and never lost."""

import hashlib
import os
import re
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.export_bundles import CAMPAIGN, DAY, SERVER, Drop
from support.line import Line

from dropbox.openpgp import Opener
from dropbox.report import Attachment
from dropbox.sealing import attachment_block_ids
from scripts.desk.case import FileOfPart
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import EvidenceError, join_out, write_out
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.split_files import SplitFile, split_files

FILM = b"\0\0\0\x18ftypmp42" + os.urandom(2_488)
A, B, C = FILM[:1_000], FILM[1_000:2_000], FILM[2_000:]


def listed(*files: tuple[str, bytes]) -> list[FileOfPart]:
    """Files as a case lists them."""
    return [
        FileOfPart(
            None,  # type: ignore[arg-type]
            0,
            Attachment(
                name=name,
                type="video/mp4",
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                block_key=bytes(32),
                blocks=1,
                sealed_bytes=1,
            ),
        )
        for name, data in files
    ]


def only(*files: tuple[str, bytes]) -> SplitFile:
    (found,) = split_files(listed(*files))
    return found


def test_parts_belong_together_in_whatever_order_they_came() -> None:
    found = only(
        ("x.mp4.003", C), ("photo.jpg", b"1"), ("X.mp4.001", A), ("x.mp4.002", B), ("x.mp4", b"2")
    )

    assert [member.number for member in found.parts] == [3, 4, 1]
    assert (found.doubt, found.note, found.listed) == ("", "", "files 3, 4 and 1")


def test_a_part_that_came_twice_counts_once() -> None:
    found = only(("x.001", A), ("x.002", B), ("x.001", A), ("x.003", C))

    assert [member.number for member in found.parts] == [1, 2, 4] and not found.doubt
    assert len(found.members) == 4


DOUBTS: dict[str, Sequence[tuple[str, bytes]]] = {
    "Part 2 is missing.": [("x.001", A), ("x.003", C)],
    "Part 1 is missing.": [("x.mp4.ab", B), ("x.mp4.ac", C)],
    "Parts 1 and 3 are missing.": [("x.mp4.part2", A), ("x.mp4.part4", C)],
    "997 parts, the first of them 2, are missing.": [("x.001", A), ("x.999", C)],
    "Parts 2, 3, 4, 5, 6, 7, 8 and 9 are missing.": [("x.001", A), ("x.010", C)],
    "9 parts, the first of them 2, are missing.": [("x.001", A), ("x.011", C)],
    "Only part 1 is here.": [("x.001", A)],
    "Only part 0 is here.": [("x.000", A)],
    "Part 2 is here twice, and not the same: files 2 and 3.": [
        ("x.001", A),
        ("x.002", B),
        ("x.002", A),
        ("x.003", C),
    ],
    "The parts are not of one size, as those of one file are.": [("x.001", A), ("x.002", A + b"1")],
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_in_doubt_a_sentence_says_what_lacks(doubt: str) -> None:
    assert only(*DOUBTS[doubt]).doubt == doubt


@pytest.mark.parametrize(
    "sizes", [(5, 4, 5), (4, 5, 5), (5, 5, 6), (0, 0, 0), (5, 5, 0), (5, 4, 4, 3)]
)
def test_only_the_last_part_may_be_smaller(sizes: Sequence[int]) -> None:
    files = [(f"x.00{number}", bytes(size)) for number, size in enumerate(sizes, 1)]

    assert "not of one size" in only(*files).doubt
    assert not only(("x.001", A), ("x.002", B[:1])).doubt


def test_a_last_part_as_large_as_the_others_is_told() -> None:
    assert "more of them may exist" in only(("x.00", A), ("x.01", B)).note


def test_letters_alone_make_no_part() -> None:
    assert split_files(listed(("x.mp4.ab", A), ("y.mp4.aa", B), ("notes.db", C))) == []


def test_parts_of_several_files_are_told_apart() -> None:
    found = split_files(listed(("x.001", A), ("y.001", A), ("y.002", C), ("x.002", C)))

    assert [split.listed for split in found] == ["files 1 and 4", "files 2 and 3"]


VOLUMES: dict[str, tuple[Sequence[str], Sequence[int]]] = {
    "": (["x.part2.rar", "x.part1.rar"], [2, 1]),
    "Volume 2 is missing. ": (["x.part1.rar", "x.part3.rar"], [1, 2]),
    " ": (["x.z01", "x.zip", "x.z02"], [1, 3, 2]),
    "  ": (["x.r00", "X.RAR"], [2, 1]),
    "The volume with the archive's own name is missing. ": (["x.z01", "x.z02"], [1, 2]),
}


@pytest.mark.parametrize("lacks", VOLUMES)
def test_volumes_of_an_archive_are_not_joined_but_counted(lacks: str) -> None:
    names, order = VOLUMES[lacks]

    found = only(*((name, A) for name in names))

    assert [member.number for member in found.members] == order
    assert found.doubt == lacks.lstrip(" ") * bool(lacks.strip()) + (
        "These are volumes of an archive, which only its own program can put together."
    )


# --- With a real casebook ---

Take = Callable[..., Casebook]


@pytest.fixture
def sent(drop: Drop, casebook: Casebook, opener: Opener) -> Take:
    """A casebook with one case, whose parts each have some files."""

    def take(*parts: Sequence[tuple[str, bytes]]) -> Casebook:
        for number, files in enumerate(parts):
            drop.report(
                kind="message" if number else "report",
                attachments=tuple(drop.file(data, name) for name, data in files),
            )
        open_bundle(casebook, drop.bundle(1), opener, today=DAY)
        return casebook

    return take


def out(casebook: Casebook, directory: Path) -> tuple[list[Path], list[tuple[str, str]]]:
    """The files, and of each that came in parts its joined name and the sentence."""
    case = casebook.case(1)
    files = list(write_out(casebook, case, directory))
    joined = list(join_out(casebook, case, directory))
    for one in joined:
        if one.path is not None:
            assert one.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
            assert one.path.stat().st_mode & 0o777 == 0o600
    return files, [(one.path.name if one.path else "", one.sentence) for one in joined]


def test_parts_from_several_reports_are_joined_byte_for_byte(sent: Take, tmp_path: Path) -> None:
    casebook = sent(
        [("封号.mp4.002", B)], [("a.png", b"1"), ("封号.mp4.003", C)], [("封号.mp4.001", A)]
    )

    files, joined = out(casebook, tmp_path / "out")

    ((name, sentence),) = joined
    assert re.fullmatch(casebook.names.of(1) + r"-0[1-4]-joined-封号\.mp4", name) and sentence == ""
    assert (tmp_path / "out" / name).read_bytes() == FILM
    assert sorted(path.read_bytes() for path in files) == sorted([A, B, C, b"1"])
    assert out(casebook, tmp_path / "out") == (files, joined)


def test_a_joined_name_that_something_else_has_is_not_overwritten(
    sent: Take, tmp_path: Path
) -> None:
    casebook = sent([("x.001", A), ("x.002", C)])
    out(casebook, tmp_path / "out")
    path = tmp_path / "out" / f"{casebook.names.of(1)}-01-joined-x"
    for something in (b"else", A + C + b"1"):
        path.write_bytes(something)
        with pytest.raises(EvidenceError, match="something else"):
            list(join_out(casebook, casebook.case(1), tmp_path / "out"))
    path.unlink()
    path.symlink_to(tmp_path / "target")
    with pytest.raises(EvidenceError, match="something else"):
        list(join_out(casebook, casebook.case(1), tmp_path / "out"))


def test_nothing_is_left_of_a_join_whose_part_was_altered(sent: Take, tmp_path: Path) -> None:
    casebook = sent([("x.001", A), ("x.002", C)])
    casebook.file_path(hashlib.sha256(C).hexdigest()).write_bytes(B)
    (tmp_path / "out").mkdir()

    with pytest.raises(EvidenceError, match="altered"):
        list(join_out(casebook, casebook.case(1), tmp_path / "out"))

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("X.MD5", "{md5} *x\r\n", "It has the MD5 that file {number} names."),
        ("x.sha256sum", "{sha256}  x\n", "It has the SHA256 that file {number} names."),
        ("x.sha1", "{SHA1}", "It has the SHA1 that file {number} names."),
        ("x.md5", "0" * 32, "Together they do not have the MD5 that file {number} names."),
        ("x.md5", "{md5} x.001\n" + "0" * 32 + " x.002", ""),
        ("x.md5", "{sha256}", ""),
        ("x.md5", "{md5}" + " " * 4_096, ""),
        ("y.md5", "0" * 32, ""),
    ],
)
@pytest.mark.slow
def test_a_hash_that_was_sent_with_the_parts_is_compared(
    sent: Take, tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    whole = A + C
    hashes = {one: hashlib.new(one, whole).hexdigest() for one in ("md5", "sha1", "sha256")}
    text = content.format(**hashes, SHA1=hashes["sha1"].upper())
    casebook = sent([("x.001", A), (name, text.encode()), ("x.002", C)])

    _, ((path, told),) = out(casebook, tmp_path / "out")

    number = next(
        number
        for number, one in enumerate(casebook.case(1).files, 1)
        if one.attachment.name == name
    )
    assert told == sentence.format(number=number)
    assert bool(path) != sentence.startswith("Together")


@pytest.mark.slow
def test_a_file_is_never_in_memory_whole(sent: Take, tmp_path: Path) -> None:
    parts = [("x.001", os.urandom(12_000_000)), ("x.002", os.urandom(11_000_000))]
    casebook = sent(parts)
    case = casebook.case(1)

    for _ in ("written", "compared"):
        tracemalloc.start()
        files, joined = (
            list(write_out(casebook, case, tmp_path)),
            list(join_out(casebook, case, tmp_path)),
        )
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(files) == 2 and joined[0].path is not None
        assert most < 6_000_000


def test_files_that_begin_alike_are_files_of_their_own(sent: Take, tmp_path: Path) -> None:
    casebook = sent([("clip.001", FILM), ("clip.002", FILM[:2_000])])

    files, joined = out(casebook, tmp_path / "out")

    assert joined == [("", "Each of them begins like a file of its own.")] and len(files) == 2


def test_a_number_before_the_ending_is_a_part_only_if_the_first_begins_like_a_file(
    sent: Take, tmp_path: Path
) -> None:
    casebook = sent(
        [("x.part1.mp4", A), ("x.part2.mp4", B), ("y.part1.m4a", B), ("y.part2.m4a", C)]
    )

    _, joined = out(casebook, tmp_path / "out")

    assert joined == [
        (
            f"{casebook.names.of(1)}-01-joined-x.mp4",
            "The last part is as large as the others, so more of them may exist.",
        ),
        ("", "They may be parts, or files of their own."),
    ]


@pytest.mark.slow
def test_volumes_keep_names_by_which_their_program_finds_them(sent: Take, tmp_path: Path) -> None:
    casebook = sent(
        [("a.png", b"1"), ("x.part2.rar", B), ("x.part1.rar", A)], [("y.z01", A), ("y.zip", b"3")]
    )

    files, joined = out(casebook, tmp_path / "out")

    names = {path.name for path in files}
    case = casebook.names.of(1)
    assert {f"{case}-02-x.part1.rar", f"{case}-02-x.part2.rar"} <= names
    assert {f"{case}-04-y.z01", f"{case}-04-y.zip"} <= names
    assert [name for name, _ in joined] == ["", ""]


def test_volumes_whose_names_would_be_the_same_keep_their_own_numbers(
    sent: Take, tmp_path: Path
) -> None:
    casebook = sent(
        [("x?.part1.rar", A), ("x!.part1.rar", B), ("x?.part2.rar", C), ("x?.part2.rar", B)]
    )

    files, _ = out(casebook, tmp_path / "out")

    assert len({path.name for path in files}) == 4
    assert [path.read_bytes() for path in files] == [A, B, C, B]


def test_a_part_that_could_not_be_opened_is_named(
    drop: Drop, casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    lost = drop.file(B, "x.002")
    drop.report(attachments=(drop.file(A, "x.001"), lost))
    for block_id in attachment_block_ids(lost):
        del drop.blocks[block_id]
    open_bundle(casebook, drop.bundle(1), opener, today=DAY)

    (joined,) = join_out(casebook, casebook.case(1), tmp_path)

    assert joined.path is None and joined.sentence.startswith("Part 2 could not be opened")


@pytest.mark.slow
def test_the_command_says_what_it_joined_and_logs_it(
    drop: Drop, line: Line, tmp_path: Path
) -> None:
    key = bytes(SERVER.verify_key).hex()
    line("init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0)
    names = ("\x1b[31mx.mp4.001", "\x1b[31mx.mp4.002", "y.001")
    files = tuple(drop.file(data, name) for data, name in zip((A, C, A), names, strict=True))
    drop.report(attachments=files)
    line("open", drop.bundle(1))
    digest = hashlib.sha256(A + C).hexdigest()

    shown = line("files", line.case())
    told = line("files", line.case(), "--out", tmp_path / "out")

    assert "files 1 and 2. `--out` joins them." in shown and "Only part 1 is here." in shown
    assert f"files 1 and 2 joined, SHA-256 {digest}." in told and "file 3, not joined." in told
    assert "\x1b" not in shown + told
    written = sorted((tmp_path / "out").iterdir())
    assert len(written) == 4 and all(f"{path}\n" in told for path in written)
    with Casebook.open(tmp_path / "casebook") as casebook:
        logged = [row["line"] for row in casebook.database.table("custody").rows]
    assert sum(digest.encode() in one for one in logged) == 1
