"""A rehearsal leaves nothing in memory."""

import importlib
import os
from pathlib import Path

import pytest

from scripts.rehearsal.memory_folder import own_memory_folder


@pytest.mark.parametrize("before", [None, "/run/user/1000"])
def test_what_a_front_keeps_in_memory_goes_with_the_rehearsal(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    if before is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", before)
    with pytest.raises(KeyboardInterrupt), own_memory_folder() as folder:
        assert os.environ["XDG_RUNTIME_DIR"] == str(folder) and folder.parent == Path("/dev/shm")
        (folder / "casedrop-keys-1").write_bytes(bytes(8))
        raise KeyboardInterrupt

    assert not folder.exists() and os.environ.get("XDG_RUNTIME_DIR") == before


@pytest.mark.parametrize("name", ["bench", "bench_limits", "demo", "siege", "soak"])
def test_each_rehearsal_that_starts_a_drop_has_a_folder_of_its_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"scripts.rehearsal.{name}")
    seen: list[str] = []

    def parser(*_: object, **__: object) -> None:
        seen.append(os.environ["XDG_RUNTIME_DIR"])
        raise KeyboardInterrupt

    before = os.environ["XDG_RUNTIME_DIR"]
    monkeypatch.setattr("argparse.ArgumentParser", parser)
    with pytest.raises(KeyboardInterrupt):
        module.main([])

    assert seen != [before] and os.environ["XDG_RUNTIME_DIR"] == before
