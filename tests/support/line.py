"""One person at the desk's command line."""

import io
import os
import pty
from pathlib import Path

import pytest

from scripts.desk import __main__ as desk
from support.cases import name


class Line:
    """The command line of the casebook in *directory*, with the keys in *home*."""

    def __init__(
        self,
        directory: Path,
        home: Path,
        capsys: pytest.CaptureFixture[str],
        patch: pytest.MonkeyPatch,
    ) -> None:
        self._directory = directory
        self._always = ["--casebook", str(directory), "--home", str(home)]
        self._capsys = capsys
        self._patch = patch

    def case(self, number: int = 1) -> str:
        """What the case is called that came as number *number*."""
        return name(self._directory, number)

    def run(self, *arguments: object, text: str | bytes = "") -> tuple[int, str, str]:
        """The exit code and both outputs, with *text* on standard input."""
        given = text if isinstance(text, bytes) else text.encode()
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        return self._run(*arguments)

    def __call__(self, *arguments: object, text: str | bytes = "") -> str:
        """What a command prints that does what it was told."""
        code, out, err = self.run(*arguments, text=text)
        assert (code, err) == (0, "")
        return out

    def refused(self, *arguments: object) -> str:
        """The sentence of a command that cannot be done."""
        code, out, err = self.run(*arguments)
        assert (code, out) == (2, "") and err.count("\n") == 1 and "Traceback" not in err
        return err

    def at_a_terminal(self, typed: str, *arguments: object) -> tuple[int, str, str]:
        """Run with a person at a real terminal who has *typed*."""
        person, terminal = pty.openpty()
        os.write(person, typed.encode())
        with os.fdopen(terminal, encoding="utf-8") as stdin:
            self._patch.setattr("sys.stdin", stdin)
            result = self._run(*arguments)
        os.close(person)
        return result

    def _run(self, *arguments: object) -> tuple[int, str, str]:
        code = desk.main([*self._always, *map(str, arguments)])
        return (code, *self._capsys.readouterr())
