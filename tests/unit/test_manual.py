"""Manual pages and completions: every command and every option is in them, and they are the same
wherever they are made.
"""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.release import manual


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of *parser* by name."""
    (added,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return dict(added.choices)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("manual")
    assert manual.main([str(place)]) == 0
    return place


@pytest.mark.parametrize("program", manual.PROGRAMS)
def test_every_command_and_every_option_is_in_its_manual_page(made: Path, program: str) -> None:
    text = (made / "man" / f"{program}.1").read_text("utf-8").replace("\\", "")

    for name, parser in commands(manual.PROGRAMS[program]()).items():
        assert re.search(rf"\b{name}\b", text), name
        for option in set(parser._option_string_actions) - {"-h", "--help"}:
            assert option in text, (name, option)
    assert "EXIT STATUS" in text and "141" in text
    assert ("GNUPGHOME" in text) == (program in ("casedrop-desk", "casedrop-ceremony"))
    assert re.search(rf"^{program} - \w+", text, re.MULTILINE)


@pytest.mark.parametrize("program", manual.PROGRAMS)
def test_every_command_and_every_option_is_completed(made: Path, program: str) -> None:
    for path in ("completion/bash/" + program, "completion/zsh/_" + program):
        text = (made / path).read_text("utf-8")
        for name, parser in commands(manual.PROGRAMS[program]()).items():
            assert name in text, (path, name)
            for option in parser._option_string_actions:
                assert option in text, (path, name, option)


def completed(script: Path, program: str, *typed: str) -> list[str]:
    """What bash offers for the last of the words *typed*."""
    words = " ".join(f"'{one}'" for one in (program, *typed))
    function = f"_shtab_{program.replace('-', '_')}"
    asked = f"COMP_WORDS=({words}); COMP_CWORD={len(typed)}; {function}"
    line = f"source {script}; {asked}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


def test_bash_completes_commands_options_and_languages(made: Path) -> None:
    script = made / "completion" / "bash" / "casedrop-desk"

    assert completed(script, "casedrop-desk", "rev") == ["review", "reviewers"]
    assert completed(script, "casedrop-desk", "list", "--l") == ["--lang", "--limit"]
    assert completed(script, "casedrop-desk", "show", "--lang", "zh") == ["zh-Hans", "zh-Hant"]


@pytest.mark.skipif(shutil.which("man") is None, reason="no man on this computer")
def test_man_shows_a_page_without_a_warning(made: Path) -> None:
    page = made / "man" / "casedrop-desk.1"
    done = subprocess.run(
        ["man", "--warnings", "--local-file", str(page)], capture_output=True, check=False
    )

    assert done.returncode == 0 and done.stderr == b"" and b"export-replies" in done.stdout


@pytest.mark.slow
def test_they_are_the_same_in_any_terminal_and_on_any_day(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    monkeypatch.setenv("CASEDROP_CASEBOOK", "/somebodys/casebook")
    monkeypatch.setenv("GNUPGHOME", "/somebodys/keys")

    for path in manual.write(tmp_path):
        assert path.read_bytes() == (made / path.relative_to(tmp_path)).read_bytes(), path
        assert b"somebody" not in path.read_bytes()
