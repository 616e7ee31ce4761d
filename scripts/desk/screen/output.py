"""The output of commands: tables and text for people, JSON for programs, and progress bars."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from scripts.desk.disk import WARNINGS, keeping


def counted(count: int, noun: str) -> str:
    """*count* with its *noun*: "1 answer", "2 answers"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


class _Screen(Console):
    """A console that leaves a broken pipe (``| head``) to the command line."""

    def on_broken_pipe(self) -> None:
        """Called while the error is being handled: raise it again."""
        raise  # noqa: PLE0704


def print_json(values: Any) -> None:
    """Print *values* for programs."""
    # ASCII only, with control characters escaped, so that it is safe on a terminal, too.
    print(json.dumps(values, ensure_ascii=True, indent=1).replace("\x7f", "\\u007f"))


def print_rich(renderable: Any) -> None:
    """Print a table or text for people; nothing in it is read as markup."""
    _Screen(highlight=False, emoji=False, markup=False).print(renderable)


def print_long(*renderables: Any) -> None:
    """Print for people; on a terminal, output longer than the screen goes through a pager."""
    screen = _Screen(highlight=False, emoji=False, markup=False)
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        for one in renderables:
            screen.print(one)
        return
    with screen.capture() as captured:
        for one in renderables:
            screen.print(one)
    text = captured.get()
    command = _pager() if text.count("\n") >= screen.height else []
    if not command:
        print(text, end="")
        return
    # A pipe, not a file. The pager keeps no history, and less starts no program and writes no file.
    environment = {**os.environ, "LESSHISTFILE": "-", "LESSSECURE": "1", "LESS": "R"}
    subprocess.run(command, input=text.encode(), env=environment, check=False)


def _pager() -> list[str]:
    """The reviewer's pager, $PAGER or less; [] if there is none, or it is switched off."""
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return []
    return command if command and shutil.which(command[0]) else []


def screen_width() -> int:
    """How many characters a line of :func:`print_rich` has."""
    return _Screen().width


def print_disk_warning(directory: Path) -> None:
    """Print a warning if the disk under the casebook in *directory* does not look encrypted."""
    if sentence := WARNINGS[keeping(directory)]:
        print(f"Warning: {sentence}")


def table(*columns: str) -> Table:
    """An empty table with these columns, in the style of all commands."""
    return Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def progress_bar() -> Progress:
    """A progress bar for people; a program that reads standard error finds only errors there."""
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def stages(bar: Progress) -> Callable[[str, int, int], None]:
    """A function of (stage, done, total) that shows each stage on a line of *bar*."""
    tasks: dict[str, TaskID] = {}
    if bar.disable:
        return lambda _stage, _done, _total: None

    def show(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage)
        bar.update(tasks[stage], completed=done, total=total)

    return show
