"""A review sheet as a file for the reviewer's editor, in the casebook's directory and nowhere else.

A sheet holds a reviewer's words about a case. It is in a folder of its own that only its owner can
read, beside whatever copies the editor makes there, and everything is erased once the sheet has
been handed in.
"""

import itertools
import os
import shlex
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from dropbox.durable_file import erase, replace_file
from dropbox.errors import CasedropError
from scripts.desk.case import Case
from scripts.desk.review.sheet import SHEET_BYTES

FORMS = "forms"
_FORM = "form.toml"
_OF_REVIEWER = 16  # hex digits of the fingerprint, its key id
_EDITORS = ("nano", "vim", "vi")
# These editors must keep no copy, swap file or history anywhere else: anything a reviewer cuts and
# pastes would be in it.
_VIM = ("-n", "-i", "NONE", "-c", "set noswapfile nobackup nowritebackup noundofile")
_OPTIONS = {
    "vim": _VIM,
    "nvim": _VIM,
    "gvim": ("-f", *_VIM),
    "nano": ("--ignorercfiles",),
}


class FormError(CasedropError):
    """The form cannot be edited."""


class FormFile:
    """The form of one *case*, act (review or adjudication) and *reviewer* (a fingerprint).

    *directory* is the casebook's. Reviewers who share it must not continue each other's forms: they
    may not be allowed to see them.
    """

    def __init__(self, directory: Path, case: Case, role: str, reviewer: str) -> None:
        self.case = case.name
        self._forms = directory / FORMS
        self._folder = self._forms / f"{case.name}-{role}-{reviewer[-_OF_REVIEWER:]}"
        self.path = self._folder / _FORM

    def left(self) -> bytes | None:
        """The form that an earlier edit left without handing it in; None if there is none."""
        return self.read() if self.path.exists() else None

    def begin(self, sheet: str) -> Path | None:
        """Write a blank *sheet*. An earlier form is moved aside; returns the path of that one."""
        for folder in (self._forms, self._folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        before = None
        if self.path.exists():
            before = self.path.rename(self._unused())
        replace_file(self.path, sheet.encode())
        return before

    def _unused(self) -> Path:
        names = (f"before-{number}.toml" for number in itertools.count(1))
        return next(path for path in map(self._folder.joinpath, names) if not os.path.lexists(path))

    def is_at(self, path: Path) -> bool:
        """Whether *path* leads to the form, by whatever name."""
        return path.resolve() == self.path.resolve()

    def read(self) -> bytes:
        """The form as it is now; if it is too large, one byte more than allowed."""
        with self.path.open("rb") as file:
            return file.read(SHEET_BYTES + 1)

    def edit(self) -> None:
        """Open it in the reviewer's editor, and wait. Raises FormError."""
        command = editor()
        # A program's temporary files go into the same folder.
        environment = {**os.environ, "TMPDIR": str(self._folder)}
        try:
            done = subprocess.run(
                [*command, str(self.path)], env=environment, cwd=self._folder, check=False
            )
        except OSError:
            raise FormError(f"The editor {command[0]} cannot be started; see $EDITOR.") from None
        if done.returncode != 0:
            raise FormError(
                f"The editor ended with an error. The form stays in {self.path}; the same command "
                "goes on with it."
            )

    def erase(self, taken: bytes) -> bool:
        """Overwrite and remove the form and everything that an editor left beside it.

        Returns False, and removes nothing, if it no longer holds the bytes *taken*: somebody went
        on typing in it, and that must not be lost.
        """
        if self.read() != taken:
            return False
        for path in sorted(self._folder.rglob("*"), reverse=True):
            if path.is_file() and not path.is_symlink():
                erase(path)
            elif path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        self._folder.rmdir()
        with suppress(OSError):
            self._forms.rmdir()  # others are being edited otherwise
        return True


def begun(directory: Path) -> int:
    """How many forms in the casebook in *directory* were begun but not handed in."""
    return len(list((directory / FORMS).glob(f"*/{_FORM}")))


def editor() -> list[str]:
    """The command of the reviewer's editor: $VISUAL, $EDITOR, or one that is installed."""
    typed = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = shlex.split(typed)
    except ValueError:
        raise FormError("$EDITOR is no command: a quotation mark is missing in it.") from None
    if not command:
        command = [next((one for one in _EDITORS if shutil.which(one)), "")]
    found = shutil.which(command[0])
    if not found:
        raise FormError("No editor was found; name one with EDITOR, such as EDITOR=nano.")
    return [*command, *_options(found)]


def _options(program: str) -> tuple[str, ...]:
    """The options that keep an editor's copies in one folder, by its name or its link's target."""
    names = (Path(program).name, Path(os.path.realpath(program)).name)
    # Debian calls vim "vim.basic" and "vim.tiny".
    known = (name.partition(".")[0] for name in names)
    return next((_OPTIONS[name] for name in known if name in _OPTIONS), ())
