"""Ctrl-C while a bar is shown: the command ends with a sentence, and the casebook is as it was."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import add, report
from support.team import Team

from scripts.command_line import INTERRUPTED
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import SESSION, Line


def interrupts(_bar: object) -> Callable[[str, int, int], None]:
    """Stands for the bars of a command, and for somebody who presses Ctrl-C at their first step."""

    def show(_stage: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    return show


@pytest.mark.slow
def test_a_command_that_is_interrupted_leaves_nothing_half_done(
    team: Team, desk_keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, *(report(f"【虚构】{number}", number) for number in range(1, 5)))
    words = tmp_path / "words"
    words.write_text("虚构", "utf-8")
    page, work = tmp_path / "charts.html", tmp_path / "mine.work"
    team.judge(0, team.case(1), category="c1", merit="m3", urgency="normal")
    # Each has something to do that takes long in many cases, the first of them to catch up.
    commands: dict[str, tuple[object, ...]] = {
        "queues": (),
        "find": ("--query-file", words),
        "charts": ("--out", page),
        "quality": (),
        "export-work": ("--to", work, "--keys", desk_keys),
    }
    for name, options in commands.items():
        module = importlib.import_module(f"scripts.desk.commands.{name.replace('-', '_')}")
        before = acts(team)
        with monkeypatch.context() as patch:
            patch.setattr(module, "stages", interrupts)
            code, out, error = team.run(0, name, *options)
        assert (code, out) == (INTERRUPTED, "") and error, name
        assert acts(team) == before and not (page.exists() or work.exists())
        team(0, name, *options)
        assert len(acts(team)) == len(before) + 1
        page.unlink(missing_ok=True)
        work.unlink(missing_ok=True)


def acts(team: Team) -> list[str]:
    """What the custody log records, without the sessions in which it was done."""
    with Casebook.open(team.casebook) as casebook:
        lines = [Line.from_bytes(one.line) for one in casebook.desks.own_lines()]
    return [line.act for line in lines if line is not None and line.act != SESSION]
