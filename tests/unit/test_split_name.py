"""What the names of parts tell, as the usual splitters write them."""

import re

import pytest

from dropbox.split_name import Kind, SplitName, nameless, nameless_whole, split_name

CUT = {
    "x.7z.001": ("x.7z", 1),
    "X.MP4.002": ("X.MP4", 2),
    "录音 会议.m4a.010": ("录音 会议.m4a", 10),
    "x.001": ("x", 1),
    "x.mp4.0001": ("x.mp4", 1),
    "x.mp4.1": ("x.mp4", 1),
    "x.mp4.00": ("x.mp4", 0),
    "x.mp400": ("x.mp4", 0),
    "x00": ("x", 0),
    "xaa": ("x", 1),
    "xab": ("x", 2),
    "xaaa": ("x", 1),
    "xbz": ("x", 52),
    "x.mp4.aa": ("x.mp4", 1),
    "x.mp4aa": ("x.mp4", 1),
    "x.mp4ad": ("x.mp4", 4),
    "x.part-aa": ("x", 1),
    "x.part-ac": ("x", 3),
    "x.mp4.part1": ("x.mp4", 1),
    "x.mp4.PART_02": ("x.mp4", 2),
    "x.mp4.part003": ("x.mp4", 3),
    "x.mp4_partab": ("x.mp4", 2),
}
VOLUMES = {
    "x.part1.rar": ("x.rar", 1),
    "x.part012.RAR": ("x.rar", 12),
    "x.r00": ("x.rar", 1),
    "x.r01": ("x.rar", 2),
    "x.z01": ("x.zip", 1),
    "x.z10": ("x.zip", 10),
}
UNSURE = {"x.part2.mp4": ("x.mp4", 2), "x_part10.mov": ("x.mov", 10), "x part 3.m4a": ("x.m4a", 3)}
OTHERS = [
    "x.png", "x.mp4", "x.mp3", "x.7z", "x.rar", "x.zip", "part", "x", "1.png", "001", ".001",
    "x.2024", "report 2023.11.2024", "banana", "data", "xls", "x.jpeg", "x.docx", "x.md5",
    "x.sha256", "party.txt", "x.mp4.001.txt", "", "x.mp4.12345", "x.gz", "x.py", "depart.aaa",
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "names"), [(Kind.CUT, CUT), (Kind.VOLUME, VOLUMES), (Kind.UNSURE, UNSURE)]
)
def test_the_names_of_the_usual_splitters_are_recognised(
    kind: Kind, names: dict[str, tuple[str, int]]
) -> None:
    for name, (whole, number) in names.items():
        found = split_name(name)
        assert found is not None, name
        assert (found.kind, found.whole, found.number) == (kind, whole, number), name


@pytest.mark.parametrize("name", OTHERS)
def test_other_names_are_no_parts(name: str) -> None:
    assert split_name(name) is None


def test_parts_of_one_file_have_one_key_whatever_their_case_and_digits() -> None:
    one, other = split_name("a.mp4.001"), split_name("A.MP4.2")

    assert one is not None and other is not None and one.key == other.key
    for name in ("b.mp4.001", "a.mp4.part1", "a.mp4.aa", "a.part1.mp4"):
        found = split_name(name)
        assert found is not None and found.key != one.key, name


def test_a_name_says_whether_digits_number_all_parts() -> None:
    for name, in_digits, numbers_all in (
        ("x.mp4.001", True, True),
        ("x.mp4.aa", False, True),
        ("x.part1.rar", True, True),
        ("x.r00", True, False),
        ("x.z01", True, False),
    ):
        found = split_name(name)
        assert found is not None
        assert (found.in_digits, found.numbers_all) == (in_digits, numbers_all), name


def test_a_name_left_away_leaves_what_is_needed_to_join() -> None:
    secret = bytes(16)
    for name in (*CUT, *VOLUMES, *UNSURE):
        sent, found = split_name(name), None
        left = nameless(name, secret)
        assert left is not None
        found = split_name(left)
        assert isinstance(found, SplitName) and sent is not None, name
        assert (found.kind, found.number) == (sent.kind, sent.number), name
        assert "录音" not in left and "会议" not in left
    assert nameless("王小明.mp4.002", secret) != nameless("李小明.mp4.002", secret)
    assert nameless("王小明.mp4.002", secret) != nameless("王小明.mp4.002", bytes(15) + b"1")
    assert re.fullmatch(r"[0-9a-f]{6}\.mp4\.002", str(nameless("王小明.mp4.002", secret)))
    first, second = (split_name(str(nameless(f"王.mp4.00{n}", secret))) for n in (1, 2))
    assert first is not None and second is not None and first.key == second.key
    assert all(nameless(name, secret) is None for name in OTHERS)


def test_the_volume_with_the_archives_own_name_goes_with_the_others() -> None:
    secret, names = bytes(16), ["张三.z01", "张三.z02", "张三.ZIP", "b.png"]
    own = nameless_whole(names[2], names, secret)
    part = split_name(str(nameless(names[0], secret)))

    assert part is not None and part.whole == own
    assert nameless_whole("b.png", names, secret) is None
