"""Files that are whole or not there."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.durable import steps

from dropbox.durable_file import CannotWrite, NewFile, erase, replace_file, write_new


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


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("call", ["fsync", "fchmod"])
def test_a_replacement_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, call: str
) -> None:
    path = tmp_path / "casedrop.prom"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(failure)):
        replace_file(path, b"new", 0o644)

    assert [one.name for one in tmp_path.iterdir()] == ["casedrop.prom"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_replacement_has_the_mode_that_was_asked_for_from_its_first_moment(
    tmp_path: Path, mode: int
) -> None:
    before = os.umask(0o077)
    replace_file(tmp_path / "file", b"text", mode)
    os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bundle.tar").write_bytes(b"first")

    begun = False
    with pytest.raises(CannotWrite, match="already exists"), NewFile(tmp_path / "bundle.tar"):
        begun = True  # what comes here may take an hour

    assert not begun and (tmp_path / "bundle.tar").read_bytes() == b"first"


def test_a_name_that_is_taken_is_refused_when_it_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "second.tar").write_bytes(b"first")
    chosen = False
    with pytest.raises(CannotWrite, match="already exists"), NewFile(tmp_path / "new") as file:
        file.set_name("second.tar")
        chosen = True

    assert not chosen and [one.name for one in tmp_path.iterdir()] == ["second.tar"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match="already exists"),
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

    with (
        pytest.raises(CannotWrite, match="left over from an interrupted run"),
        NewFile(tmp_path / "bundle.tar"),
    ):
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


def test_a_new_file_in_one_call_overwrites_nothing_either(tmp_path: Path) -> None:
    write_new(tmp_path / "one", b"first")

    with pytest.raises(CannotWrite, match="already exists"):
        write_new(tmp_path / "one", b"second")

    assert (tmp_path / "one").read_bytes() == b"first"


def test_a_file_is_replaced_as_a_whole_and_so_is_a_part_left_behind(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"before")
    (tmp_path / "one.part").write_bytes(b"half of something longer")

    replace_file(tmp_path / "one", b"after")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"after"}
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600


def test_what_is_replaced_stays_when_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("the disk")

    (tmp_path / "one").write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="the disk"):
        replace_file(tmp_path / "one", b"after")

    assert (tmp_path / "one").read_bytes() == b"before"


@pytest.mark.parametrize("make", [write_new, replace_file])
def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(
    make: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = list[tuple[bool, bool]](), os.fsync

    def watched(descriptor: int) -> None:
        folder = Path(f"/proc/self/fd/{descriptor}").readlink() == tmp_path
        synced.append((folder, (tmp_path / "one").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)

    make(tmp_path / "one", b"data")

    assert synced == [(False, False), (True, True)]


@pytest.mark.parametrize("make", [write_new, replace_file])
@pytest.mark.parametrize("size", [0, 4, 100_000])
def test_all_of_the_bytes_are_synced_before_the_file_has_its_name(
    make: Callable[[Path, bytes], None], size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still in Python's own buffer is not on the disk."""
    done = steps(monkeypatch)

    make(tmp_path / "one", b"x" * size)

    assert done == [
        ("fsync", "one.part", size),
        ("rename", "one", size),
        ("fsync", tmp_path.name, None),
    ]


def test_an_erased_file_is_gone_and_its_bytes_are_overwritten_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, sync = tmp_path / "secret", list[tuple[bool, bool]](), os.fsync
    # The disk's own view: the same file by another name.
    view, seen = tmp_path / "view", list[bytes]()
    path.write_bytes(b"secret" * 100)

    def watched(descriptor: int) -> None:
        folder = Path(f"/proc/self/fd/{descriptor}").readlink() == tmp_path
        synced.append((folder, path.exists()))
        seen.append(view.read_bytes())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    view.hardlink_to(path)

    erase(path)

    assert synced == [(False, False), (True, False)]
    # What is still in Python's own buffer when it is synced is not on the disk.
    assert all(len(left) == 600 and b"secret" not in left for left in [*seen, view.read_bytes()])


def test_a_file_whose_name_cannot_be_taken_away_keeps_its_bytes(tmp_path: Path) -> None:
    def refuse(_path: Path) -> None:
        raise CannotWrite("no")

    (tmp_path / "secret").write_bytes(b"secret")

    with pytest.raises(CannotWrite):
        erase(tmp_path / "secret", remove=refuse)

    assert (tmp_path / "secret").read_bytes() == b"secret"
