"""The locks in requirements/: whole, with hashes, from PyPI alone, in agreement with each other and
with setup.cfg.
"""

import configparser
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.release import dependency_locks

ROOT = Path(__file__).parents[2]
# Debian 12 and 13.
PYTHONS = ({"python_version": "3.11", "python_full_version": "3.11.2"},
           {"python_version": "3.13", "python_full_version": "3.13.5"})  # fmt: skip
# All that runs on the server. A new name here is another party that claimants have to trust.
SERVER = {
    "anyio",
    "babel",
    "blinker",
    "certifi",
    "cffi",
    "click",
    "cryptography",
    "flask",
    "flask-babel",
    "flask-wtf",
    "gunicorn",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "pycparser",
    "pynacl",
    "pyseccomp",
    "python-gnupg",
    "pytz",
    "stem",
    "typing-extensions",
    "werkzeug",
    "wtforms",
}


def locked(name: str) -> dict[str, Requirement]:
    """By canonical name, what the lock *name* holds; each with at least one hash."""
    text = (dependency_locks.LOCKS / f"{name}.txt").read_text("utf-8")
    entries = re.findall(
        r"^([^#\s].*?)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", text, re.MULTILINE
    )
    # Nothing else is in the file: no entry without a hash, no option.
    assert len(entries) == len(re.findall(r"^[^#\s]", text, re.MULTILINE))
    requirements = [Requirement(entry) for entry, _hashes in entries]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


@pytest.mark.parametrize("name", dependency_locks.CONTENTS)
def test_a_lock_gives_each_package_one_version_and_hashes_on_debian_12_and_13(name: str) -> None:
    for requirement in locked(name).values():
        assert [part.operator for part in requirement.specifier] == ["=="]
        assert requirement.url is None
        for python in PYTHONS:
            assert requirement.marker is None or requirement.marker.evaluate(
                {"sys_platform": "linux", "platform_python_implementation": "CPython", **python}
            )


@pytest.mark.parametrize("name", dependency_locks.CONTENTS)
def test_a_lock_holds_what_setup_cfg_names_at_that_version(name: str) -> None:
    held = locked(name)

    for text in dependency_locks.wanted(name):
        requirement = Requirement(text)
        assert held[canonicalize_name(requirement.name)].specifier == requirement.specifier


@pytest.mark.parametrize("name", dependency_locks.CONTENTS)
def test_a_lock_agrees_with_the_development_one_and_names_no_place_of_a_computer(name: str) -> None:
    everything = locked("dev")

    assert {key: str(value.specifier) for key, value in locked(name).items()} == {
        key: str(everything[key].specifier) for key in locked(name)
    }
    assert len(locked("desk")) > 12
    text = (dependency_locks.LOCKS / f"{name}.txt").read_text("utf-8")
    assert not re.search(r"file:|https?:|--(extra-)?index|--find-links|(^|\s)/", text)


def test_the_server_runs_these_packages_and_no_others() -> None:
    assert set(locked("server")) == SERVER and len(SERVER) == 27
    tools = {"pytest", "hypothesis", "atheris", "marionette-driver", "mypy", "setuptools", "pip"}
    tools |= {"numpy", "scipy", "rich"}
    assert not tools & set(locked("server")) and tools <= set(locked("dev"))


def test_what_builds_casedrop_is_named_once_in_two_files() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        named = tomllib.load(file)["build-system"]["requires"]
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")

    assert sorted(named) == settings["options.extras_require"]["build"].split()
    assert sorted(named) == dependency_locks.wanted("build")


def test_a_lock_that_cannot_be_written_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dependency_locks, "ROOT", tmp_path)
    monkeypatch.setattr(dependency_locks, "LOCKS", tmp_path / "requirements")
    monkeypatch.setattr(dependency_locks, "INDEX", f"file://{tmp_path}/nothing")
    monkeypatch.setattr(dependency_locks, "CONTENTS", {"build": ("build",)})
    (tmp_path / "requirements").mkdir()
    (tmp_path / "setup.cfg").write_bytes((ROOT / "setup.cfg").read_bytes())
    (tmp_path / "requirements" / "build.txt").write_text("setuptools==1\n", "utf-8")
    (tmp_path / "requirements" / "dev.txt").write_text("", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    assert dependency_locks.main([]) == 2
    said = capsys.readouterr().err
    assert (
        said.startswith("requirements/build.txt could not be written: ") and "Traceback" not in said
    )
    assert (tmp_path / "requirements" / "build.txt").read_text("utf-8") == "setuptools==1\n"


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))

    [hook] = [hook for repository in settings["repos"] for hook in repository["hooks"]]
    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == (
        "make lint", "system", False,
    )  # fmt: skip
