"""The desk's second file: it is built the same everywhere, and only what the desk knows is used."""

import hashlib
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.desk.transcripts import recognizer_site, second_file
from scripts.desk.transcripts.second_file import BadSecondFile, unpacked
from scripts.release import ocr_pyz, pyz

HERE = "{}.{}".format(*sys.version_info[:2])
FILES = {"rapidocr/main.py": b"1", "rapidocr-9.1.dist-info/METADATA": b"2", "numpy.libs/a.so": b"3"}


def wheel(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second file with one wheel, which the desk knows."""
    one = wheel(tmp_path / "rapidocr-9.1-py3-none-any.whl", FILES)
    know(monkeypatch, one)
    ocr_pyz.pack({HERE: [one]}, tmp_path / second_file.NAME)
    return tmp_path / second_file.NAME


def know(monkeypatch: pytest.MonkeyPatch, *wheels: Path) -> None:
    known = frozenset(hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels)
    monkeypatch.setattr(second_file, "_known_hashes", lambda: known)


def test_it_is_unpacked_once_for_this_user_alone(made: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    cache = tmp_path / "cache"

    place = unpacked(made, cache, lambda *one: told.append(one))
    (place / "numpy.libs" / "a.so").write_bytes(b"as it was")
    again = unpacked(made, cache)

    assert (again, told) == (place, [(0, 1), (1, 1)]) and list(cache.iterdir()) == [place]
    assert (place / "rapidocr" / "main.py").read_bytes() == b"1"
    assert (place / "numpy.libs" / "a.so").read_bytes() == b"as it was"
    assert not [path for path in (place, *place.rglob("*")) if path.stat().st_mode & 0o077]


def test_the_same_wheels_give_the_same_file_and_one_for_several_pythons_is_there_once(
    made: Path, tmp_path: Path
) -> None:
    one = tmp_path / "rapidocr-9.1-py3-none-any.whl"
    os.utime(one, (1, 1))
    twice = tmp_path / "twice.pyz"
    ocr_pyz.pack({HERE: [one]}, twice)
    assert twice.read_bytes() == made.read_bytes()

    ocr_pyz.pack({"3.11": [one], "3.12": [one]}, twice)
    with zipfile.ZipFile(twice) as archive:
        assert archive.namelist().count(one.name) == 1


def test_of_the_lock_it_holds_what_reads_text_and_nothing_that_downloads() -> None:
    names = ["rapidocr-1.whl", "requests-2.whl", "tqdm-1.whl", "PyYAML-6.whl", "urllib3-2.whl"]

    assert [one.name for one in ocr_pyz.carried(map(Path, names))] == [
        "rapidocr-1.whl",
        "PyYAML-6.whl",
    ]


def test_a_wheel_that_the_desk_does_not_know_is_not_unpacked(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch)

    with pytest.raises(BadSecondFile, match="not of the same source as this desk, or was changed"):
        unpacked(made, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_whoever_stops_the_unpacking_leaves_nothing_half(made: Path, tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpacked(made, tmp_path / "cache", stop)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_name_that_leads_elsewhere_is_not_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = wheel(tmp_path / "a.whl", {name: b"1"})
    know(monkeypatch, one)
    ocr_pyz.pack({HERE: [one]}, tmp_path / "x.pyz")

    with pytest.raises(BadSecondFile, match="is damaged"):
        unpacked(tmp_path / "x.pyz", tmp_path / "cache")
    assert not (tmp_path / "outside").exists()


def test_another_python_a_cut_file_and_a_full_disk_end_in_a_sentence(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    ocr_pyz.pack({"3.9": []}, tmp_path / "old.pyz")
    with pytest.raises(BadSecondFile, match=f"serves Python 3.9; this is Python {HERE}"):
        unpacked(tmp_path / "old.pyz", cache)

    (tmp_path / "cut.pyz").write_bytes(made.read_bytes()[:-30])
    with pytest.raises(BadSecondFile, match=r"is damaged .*; copy it again"):
        unpacked(tmp_path / "cut.pyz", cache)

    monkeypatch.setattr(second_file, "_LEFT_BYTES", 2**62)
    with pytest.raises(BadSecondFile, match="no room to unpack"):
        unpacked(made, cache)


def test_it_is_used_where_it_lies_beside_the_first_file(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(made.with_name("casedrop-desk.pyz")), "transcribe"])
    monkeypatch.setenv("SHIV_ROOT", str(tmp_path / "cache"))

    site = recognizer_site.recognizer_site()

    assert re.fullmatch("ocr-[0-9a-f]{16}", site.path.name)
    assert site.path.parent == tmp_path / "cache" and site.machine.startswith("RapidOCR 9.1, ")


def test_the_first_file_is_built_with_the_lock_of_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert pyz.SECOND_LOCK == second_file._IN_CHECKOUT
    # Each package has a hash for each of its wheels.
    assert len(second_file._known_hashes()) > 100
