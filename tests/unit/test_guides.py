"""The commands that the guides give are commands that the programs know, with those options and
arguments.
"""

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.casedrop import parser as casedrop
from scripts.ceremony.__main__ import parser as ceremony
from scripts.courier.__main__ import parser as courier
from scripts.desk.__main__ import parser as desk

ROOT = Path(__file__).parents[2]
GUIDES = [
    ROOT / "docs" / "operator.md",
    ROOT / "docs" / "reviewer.md",
    *sorted((ROOT / "docs" / "operations").glob("*.md")),
]
# How the guides call each program, the longest first: what is behind it is the command.
PROGRAMS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    r"python3 casedrop-desk\.pyz ceremony": ceremony,
    r"python3 casedrop-desk\.pyz": desk,
    r"\$C": ceremony,
    r"\$D": desk,
    r"(?:\S*/)?python -m scripts\.courier": courier,
    r"(?:\S*/)?python -m scripts\.casedrop": casedrop,
    r"casedrop-desk": desk,
    r"casedrop-ceremony": ceremony,
    r"casedrop-courier": courier,
    r"casedrop": casedrop,
}


def commands(guide: Path) -> list[tuple[str, list[str]]]:
    """(program, command with its arguments) for each that the guide gives between backticks."""
    found = []
    for span in re.findall(r"`([^`]+)`", guide.read_text("utf-8")):
        for program in PROGRAMS:
            if given := re.fullmatch(rf"{program} (.+)", span, re.DOTALL):
                words = shlex.split(given[1].partition(" > ")[0])
                found.append((program, words))
                break
    return found


def known(parser: argparse.ArgumentParser) -> set[str]:
    """The names of a program's commands."""
    groups = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return {name for group in groups for name in group.choices}


GIVEN = [(program, words) for guide in GUIDES for program, words in commands(guide)]


@pytest.mark.parametrize(("program", "words"), GIVEN, ids=" ".join)
def test_a_command_of_a_guide_is_one(program: str, words: list[str]) -> None:
    parser = PROGRAMS[program]()
    # One word alone speaks of the command; with more it is to be typed like this.
    if len(words) > 1:
        assert callable(parser.parse_args(words).run)
    else:
        assert words[0] in known(parser)


def test_the_guides_give_commands_of_every_program() -> None:
    assert {PROGRAMS[program] for program, _ in GIVEN} == set(PROGRAMS.values())
    assert len(GIVEN) > 20


def test_every_command_of_the_desk_is_in_the_reviewers_guide() -> None:
    given = {
        words for program, all_words in GIVEN if PROGRAMS[program] is desk for words in all_words
    }

    assert known(desk()) - given == {"open"}
