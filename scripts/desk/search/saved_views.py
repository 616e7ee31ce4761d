"""Views of the list that somebody saved under a name, in a file beside the casebook's.

A view says which cases are wanted and holds nothing of any case. Whoever works with this casebook
can use it, and each finds by it only what they may see.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropbox.durable_file import replace_file
from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import VIEWS
from scripts.desk.search.known_codes import wrong_code
from scripts.terminal import one_line

_FILE_BYTES, _MOST_VIEWS = 256 * 1024, 200
_NAME = re.compile(r"[\w][\w.-]{0,39}")
_SHOWN_CHARACTERS = 40


class ViewError(CasedropError):
    """This cannot be saved as a view."""


@dataclass(frozen=True)
class View:
    """A query of `list`: the options by name, each one word, and the conditions as typed."""

    options: Mapping[str, str]
    where: tuple[str, ...] = ()
    descending: bool = False

    @property
    def command(self) -> str:
        """The options as they are typed; conditions are quoted because < and > need it."""
        options = [f"--{name} {value}" for name, value in self.options.items() if value]
        where = [f'--where "{one}"' for one in self.where]
        return " ".join([*options, *where, *(["--descending"] if self.descending else [])])


class Views:
    """The views saved with the casebook in *directory*. Every method may raise ViewError."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / VIEWS

    def all(self) -> dict[str, View]:
        """All views by name."""
        try:
            with self._path.open("rb") as file:
                # A larger file is cut off, and then is no longer JSON.
                untrusted = file.read(_FILE_BYTES)
        except FileNotFoundError:
            return {}
        try:
            body = json.loads(untrusted)
            return {str(name): _view(one) for name, one in sorted(body.items())}
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise ViewError(
                f"The saved views in {self._path} cannot be read; move the file away, and save "
                "them again."
            ) from None

    def named(self, name: str) -> View:
        """The view called *name*. Raises WrongCode, which names those that there are."""
        views = self.all()
        if name not in views:
            if not views:
                raise ViewError("No view has been saved; `list` with --save-view NAME saves one.")
            raise wrong_code("view", name, list(views), all_of="`views`")
        return views[name]

    def save(self, name: str, view: View) -> None:
        """Save *view* as *name*, replacing any view of that name."""
        if not _NAME.fullmatch(name):
            given = one_line(name, _SHOWN_CHARACTERS)
            raise ViewError(
                (f"{given} cannot be a view's name" if given else "A view needs a name")
                + ": at most 40 letters and digits, with hyphens, points and underscores between "
                "them."
            )
        views = {**self.all(), name: view}
        if len(views) > _MOST_VIEWS:
            raise ViewError(f"There are {_MOST_VIEWS} views already; delete one first.")
        self._write(views)

    def delete(self, name: str) -> None:
        """Forget the view called *name*. Raises WrongCode if there is none."""
        self.named(name)
        self._write({key: one for key, one in self.all().items() if key != name})

    def _write(self, views: Mapping[str, View]) -> None:
        body = {
            name: {
                "options": dict(view.options),
                "where": list(view.where),
                "descending": view.descending,
            }
            for name, view in views.items()
        }
        data = json.dumps(body, ensure_ascii=True, indent=1).encode()
        if len(data) > _FILE_BYTES:
            raise ViewError("The saved views take too much room; delete one first.")
        replace_file(self._path, data)


def _view(body: Mapping[str, Any]) -> View:
    options, where = body["options"].items(), body["where"]
    if not all(isinstance(one, str) for pair in options for one in pair):
        raise TypeError
    if not isinstance(where, list) or not all(isinstance(one, str) for one in where):
        raise TypeError
    return View(dict(options), tuple(where), body["descending"] is True)
