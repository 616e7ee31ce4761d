"""Files that are whole or not there."""

import os
from pathlib import Path

import pytest

from dropbox.durable_file import CannotWrite, NewFile


def test_a_file_lands_whole_and_private(tmp_path: Path) -> None:
    with NewFile(tmp_path / "bundle.tar") as file:
        file.write(b"one")
        assert not (tmp_path / "bundle.tar").exists()
        file.write(b"two")

    assert (tmp_path / "bundle.tar").read_bytes() == b"onetwo"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.tar"]
    assert (tmp_path / "bundle.tar").stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half way"), NewFile(tmp_path / "bundle.tar") as file:
        file.write(b"one")
        raise ValueError("half way")

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bundle.tar").write_bytes(b"first")

    with pytest.raises(CannotWrite, match="exists already"), NewFile(tmp_path / "bundle.tar"):
        pass

    assert (tmp_path / "bundle.tar").read_bytes() == b"first"


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match="exists already"),
        NewFile(tmp_path / "bundle.tar") as file,
    ):
        file.write(b"second")
        (tmp_path / "bundle.tar").write_bytes(b"first")

    assert (tmp_path / "bundle.tar").read_bytes() == b"first"
    assert not file.part.exists()


def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "bundle.tar").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(CannotWrite), NewFile(tmp_path / "bundle.tar"):
        pass

    assert not (tmp_path / "elsewhere").exists()


def test_a_part_of_another_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bundle.tar.part").write_bytes(b"half")

    with pytest.raises(CannotWrite, match="broke off"), NewFile(tmp_path / "bundle.tar"):
        pass

    assert (tmp_path / "bundle.tar.part").read_bytes() == b"half"


def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match="No such file"),
        NewFile(tmp_path / "stick" / "bundle.tar"),
    ):
        pass


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    no_space, file = (
        pytest.raises(CannotWrite, match="No space left"),
        NewFile(tmp_path / "bundle.tar"),
    )
    with Path("/dev/full").open("wb") as full, no_space, file:
        os.dup2(full.fileno(), file._descriptor)
        file.write(b"x")

    assert list(tmp_path.iterdir()) == []
