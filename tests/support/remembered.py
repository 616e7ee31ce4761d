"""What each of the desk's commands makes again, since in earnest it is a process, made once in the
process of the tests: the same bytes give the same campaign, and the same environment the same
command line.
"""

import argparse
import os
from pathlib import Path

import pytest

from dropbox.campaign import Campaign
from scripts.desk import __main__ as desk


def campaigns(patch: pytest.MonkeyPatch) -> None:
    """Have each campaign parsed once."""
    read, known = Campaign.read.__func__, dict[bytes, Campaign]()  # type: ignore[attr-defined]

    def remembered(cls: type[Campaign], path: Path) -> Campaign:
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        if content not in known:
            known[content] = read(cls, path)
        return known[content]

    patch.setattr(Campaign, "read", classmethod(remembered))


def command_lines(patch: pytest.MonkeyPatch) -> None:
    """Have the desk's command line made once for each environment."""
    make, made = desk.parser, dict[object, argparse.ArgumentParser]()

    def remembered() -> argparse.ArgumentParser:
        here = frozenset(one for one in os.environ.items() if one[0] != "PYTEST_CURRENT_TEST")
        if here not in made:
            made[here] = make()
        return made[here]

    patch.setattr(desk, "parser", remembered)
