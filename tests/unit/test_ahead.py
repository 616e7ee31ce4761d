"""Test modules that are compiled before they are collected."""

import marshal
import os
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from _pytest.assertion import rewrite
from support import ahead


@pytest.fixture
def modules(tmp_path: Path) -> list[Path]:
    """As many as are worth a fork, and one that does not compile."""
    made = []
    for number in range(ahead.LEAST + 1):
        made.append(tmp_path / f"test_{number}.py")
        made[-1].write_text(f"def test_it():\n    assert {number} == 1\n" * (1 + number % 3))
    made[-1].write_text("def test_it(:\n")
    return made


def test_all_modules_are_compiled_as_pytest_does_it_and_only_once(
    modules: list[Path], pytestconfig: pytest.Config
) -> None:
    pytestconfig = _naming(pytestconfig, modules[0].parent)
    assert sorted(ahead.stale(pytestconfig)) == sorted(modules)

    ahead.compile_ahead(pytestconfig, modules, 2)

    assert list(ahead.stale(pytestconfig)) == [modules[-1]]
    code = rewrite._read_pyc(modules[0], ahead.compiled(modules[0]))
    assert code is not None
    # What a failed assertion says comes from there.
    found: dict[str, object] = {}
    exec(code, found)
    with pytest.raises(AssertionError, match=r"assert 0 == 1"):
        found["test_it"]()  # type: ignore[operator]


def test_a_changed_module_is_compiled_again_and_a_few_are_left_to_pytest(
    modules: list[Path], pytestconfig: pytest.Config
) -> None:
    pytestconfig = _naming(pytestconfig, modules[0].parent)
    ahead.compile_ahead(pytestconfig, modules, 2)
    times = modules[1].stat()
    modules[1].write_text("def test_it():\n    assert 5 == 1\n")
    os.utime(modules[1], (times.st_atime, times.st_mtime))
    changed = [modules[1], modules[-1]]
    assert sorted(ahead.stale(pytestconfig)) == changed

    ahead.compile_ahead(pytestconfig, changed, 2)

    assert sorted(ahead.stale(pytestconfig)) == changed


def test_who_may_not_keep_the_result_compiles_nothing_in_vain(
    modules: list[Path], pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != modules[0].parent)

    assert list(ahead.stale(_naming(pytestconfig, modules[0].parent))) == []


def test_our_own_modules_of_a_new_checkout_are_compiled_and_only_once(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    (tmp_path / "dropbox" / "front").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    made = [tmp_path / "dropbox" / f"front/part_{number}.py" for number in range(ahead.LEAST)]
    for path in [*made, tmp_path / "elsewhere" / "other.py"]:
        path.write_text("number = 1\n")
    broken = tmp_path / "dropbox" / "broken.py"
    broken.write_text("number = (\n")
    found = sorted(ahead.never_compiled(tmp_path))
    assert found == sorted([*made, broken])

    ahead.compile_ahead(pytestconfig, found, 2)

    assert list(ahead.never_compiled(tmp_path)) == [broken]
    compiled = Path(cache_from_source(str(made[0]))).read_bytes()
    found_in: dict[str, object] = {}
    exec(marshal.loads(compiled[16:]), found_in)
    assert found_in["number"] == 1


def test_who_may_not_keep_what_is_compiled_of_ours_leaves_it_to_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onion").mkdir()
    (tmp_path / "onion" / "part.py").write_text("number = 1\n")
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / "onion")

    assert list(ahead.never_compiled(tmp_path)) == []


class _Named:
    """A configuration whose command line names one folder."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._config, self.args = config, [str(folder)]

    def __getattr__(self, name: str) -> object:
        return getattr(self._config, name)


def _naming(config: pytest.Config, folder: Path) -> pytest.Config:
    named: object = _Named(config, folder)
    assert isinstance(named, _Named)
    return named  # type: ignore[return-value]
