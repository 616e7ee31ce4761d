"""What a claimant's files are called and recognised by when they leave the casebook."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import DAY, add, attachment, report

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import EvidenceError, join_out, safe_name, write_out

CASE = Case(1, "C-1", bytes(32), bytes(32), ())


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a.png", "a.png"),
        ("a-b_c.PNG", "a-b_c.PNG"),
        ("a b/c", "a_b_c"),
        ("", ""),
        (".hidden", "hidden"),
        ("a..b...c", "a_b_.c"),
        ("end.", "end"),
        ("e\u0301", "\u00e9"),
        ("x" * 150, "x" * 150),
        ("x" * 151, "x" * 150),
        ("x" * 146 + ".jpg", "x" * 146 + ".jpg"),
        ("x" * 147 + ".jpg", "x" * 146 + ".jpg"),
        ("x" * 200 + "." + "y" * 10, "x" * 139 + "." + "y" * 10),
        ("x" * 140 + "." + "y" * 11, "x" * 140 + "." + "y" * 9),
        ("封" * 60 + ".jpg", "封" * 48 + ".jpg"),
        ("x.封封封", "x.封封封"),
        ("x" * 148 + ".封封封封", "x" * 148 + "."),
    ],
)
def test_a_name_is_made_harmless_and_short_and_keeps_its_ending(sent: str, name: str) -> None:
    assert safe_name(CASE, 3, sent) == f"C-1-03-{name}"


Kept = Callable[..., Case]


@pytest.fixture
def kept(casebook: Casebook) -> Kept:
    """A case with these files, in the casebook."""

    def make(*files: tuple[str, bytes]) -> Case:
        (number,) = add(casebook, report(attachments=tuple(attachment(*file) for file in files)))
        for _, content in files:
            casebook.file_path(hashlib.sha256(content).hexdigest()).write_bytes(content)
        return casebook.case(number)

    return make


BEGINNINGS = [
    b"\0\0\0\x18ftyp", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1a\x45\xdf\xa3",
    b"RIFF", b"ID3", b"OggS", b"fLaC", b"#!AMR", b"%PDF-", b"\x89PNG\r\n", b"\xff\xd8\xff",
    b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\xd0\xcf\x11\xe0",
]  # fmt: skip


@pytest.mark.parametrize("begins", BEGINNINGS)
def test_what_begins_like_a_file_of_a_usual_type_is_the_first_part_of_one(
    casebook: Casebook, kept: Kept, tmp_path: Path, begins: bytes
) -> None:
    first, last = begins.ljust(20, b"x"), b"-" + begins
    case = kept(("a.part1.mp4", first), ("a.part2.mp4", last), ("b.part1.mp4", last))

    joined = list(join_out(casebook, case, tmp_path))

    assert [one.sentence for one in joined] == ["", "Only part 1 is here."]
    assert joined[0].path is not None and joined[0].path.read_bytes() == first + last


def test_parts_none_of_which_begins_like_a_file_may_be_files_of_their_own(
    casebook: Casebook, kept: Kept, tmp_path: Path
) -> None:
    case = kept(
        ("a.part1.mp4", b"x" * 20),
        ("a.part2.mp4", b"y" * 19),
        ("b.mp4.001", b"v" * 20),
        ("b.mp4.002", b"w" * 19),
        ("c.mp4.001", b"ID3" + b"v" * 20),
        ("c.mp4.002", b"RIFF" + b"w" * 18),
        ("d.mp4.001", b"ID3" + b"1" * 20),
        ("d.mp4.002", b"ID3" + b"2" * 18),
    )

    joined = list(join_out(casebook, case, tmp_path))

    assert [(one.split.whole, one.path is not None, one.sentence) for one in joined] == [
        ("a.mp4", False, "They may be parts, or files of their own."),
        ("b.mp4", True, ""),
        ("c.mp4", True, ""),
        ("d.mp4", False, "Each of them begins like a file of its own."),
    ]


@pytest.mark.parametrize(
    ("length", "sentence"), [(4_096, "It has the MD5 that file 3 names."), (4_097, "")]
)
def test_a_list_of_hashes_is_read_up_to_four_kilobytes(
    casebook: Casebook, kept: Kept, tmp_path: Path, length: int, sentence: str
) -> None:
    digest = hashlib.md5(b"one, two", usedforsecurity=False).hexdigest().encode()
    case = kept(("x.mp4.001", b"one, "), ("x.mp4.002", b"two"), ("x.mp4.md5", digest.ljust(length)))

    (joined,) = join_out(casebook, case, tmp_path)

    assert joined.sentence == sentence and joined.path is not None
    assert joined.path.name == f"{case.name}-01-joined-x.mp4"


def test_a_file_is_written_once_for_its_owner_alone_and_then_only_compared(
    casebook: Casebook, kept: Kept, tmp_path: Path
) -> None:
    case, out = kept(("a", b"one"), ("b", b"two")), tmp_path / "new" / "out"

    paths = list(write_out(casebook, case, out))
    again = list(write_out(casebook, case, out))

    assert [path.read_bytes() for path in again] == [b"one", b"two"] and again == paths
    assert out.stat().st_mode & 0o777 == 0o700
    paths[1].write_bytes(b"other")
    with pytest.raises(EvidenceError, match="is something else; it is not overwritten"):
        list(write_out(casebook, case, out))


def test_the_file_that_was_never_opened_is_named_by_its_number(
    casebook: Casebook, tmp_path: Path
) -> None:
    files = (attachment("a"), attachment("b", b"b"))
    part = casebook.add_part(
        block_id=b"1" * 16,
        block_sha256="00" * 32,
        day=DAY,
        bundle=1,
        report=report(attachments=files),
    )
    casebook.add_file(part, 0)
    casebook.file_path(files[0].sha256).write_bytes(b"abc")
    case = casebook.case(part.case)

    with pytest.raises(EvidenceError, match=f"^File 2 of {case.name} could not be opened"):
        list(write_out(casebook, case, tmp_path))


def test_a_copy_that_was_altered_in_the_casebook_is_not_written_out(
    casebook: Casebook, kept: Kept, tmp_path: Path
) -> None:
    case = kept(("a", b"one"))
    casebook.file_path(case.files[0].attachment.sha256).write_bytes(b"One")

    with pytest.raises(EvidenceError, match="altered since it was opened"):
        list(write_out(casebook, case, tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


def test_one_file_that_is_not_joined_keeps_no_other_from_being_joined(
    casebook: Casebook, kept: Kept, tmp_path: Path
) -> None:
    case = kept(
        ("w.mp4.001", b"1"),
        ("x.mp4.001", b"12"),
        ("x.mp4.002", b"3"),
        ("x.mp4.md5", b"0" * 32),
        ("y.mp4.001", b"45"),
        ("y.mp4.002", b"6"),
        ("y.mp4.md5", b"no hash"),
        ("y.mp4.sha1", hashlib.sha1(b"456", usedforsecurity=False).hexdigest().encode()),
    )

    joined = list(join_out(casebook, case, tmp_path))

    assert [(one.path is not None, one.sentence) for one in joined] == [
        (False, "Only part 1 is here."),
        (False, "Together they do not have the MD5 that file 4 names."),
        (True, "It has the SHA1 that file 8 names."),
    ]


def test_the_first_part_that_was_never_opened_is_named(casebook: Casebook, tmp_path: Path) -> None:
    files = tuple(attachment(f"x.mp4.00{number}", b"%d" % number) for number in (1, 2, 3))
    part = casebook.add_part(
        block_id=b"1" * 16,
        block_sha256="00" * 32,
        day=DAY,
        bundle=1,
        report=report(attachments=files),
    )
    casebook.add_file(part, 0)

    (joined,) = join_out(casebook, casebook.case(part.case), tmp_path)

    assert joined.sentence == "Part 2 could not be opened; see `status` for the reason."
