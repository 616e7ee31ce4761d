"""What an act says: a table or text for people, JSON for programs, and how far it has come."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from scripts.desk.disk import WARNINGS, keeping


class _Screen(Console):
    """A console that leaves it to the command line what happens when nobody reads its output any more."""

    def on_broken_pipe(self) -> None:
        """Called while the error is handled: let it go on."""
        raise  # noqa: PLE0704


def print_json(values: Any) -> None:
    """*values* for programs."""
    # ASCII only: escapes inside strings are spelled out, so that this too is safe on a terminal.
    print(json.dumps(values, ensure_ascii=True, indent=1).replace("\x7f", "\\u007f"))


def print_rich(renderable: Any) -> None:
    """A table or text for people; nothing in it is read as markup."""
    _Screen(highlight=False, emoji=False, markup=False).print(renderable)


def print_disk_warning(directory: Path) -> None:
    """Say so when the disk under the casebook in *directory* does not look encrypted."""
    if sentence := WARNINGS[keeping(directory)]:
        print(f"Warning: {sentence}")


def table(*columns: str) -> Table:
    """An empty table with these columns, as all acts show them."""
    return Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def progress_bar() -> Progress:
    """For a person only: a program that reads standard error finds nothing there but an error's sentence."""
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def stages(bar: Progress) -> Callable[[str, int, int], None]:
    """A line of *bar* for each thing that is done: call it with that thing's name, how much is done, and all of it."""
    tasks: dict[str, TaskID] = {}
    if bar.disable:
        return lambda _what, _done, _every: None

    def show(what: str, done: int, every: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=every)

    return show
