"""Writes the manual pages and shell completions of all programs from their command lines.

    python -m scripts.release.manual build        (`make manual`)

They are made here, never when a command runs, so that no command needs the two packages for it. The
same source gives the same files.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from dropbox import __version__
from scripts import casedrop
from scripts.ceremony import __main__ as ceremony
from scripts.command_line import new_parser, run
from scripts.courier import __main__ as courier
from scripts.desk import __main__ as desk

PROGRAMS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    one.PROGRAM: one.parser for one in (casedrop, ceremony, courier, desk)
}
# Independent of the width of the terminal in which they are made.
_COLUMNS = 80
# How shells complete an argument that is a path, by its metavar.
_PATHS = {"DIR": shtab.DIRECTORY, "FILE": shtab.FILE, "PATH": shtab.FILE}
_EXIT_STATUS = """\
.TP
0
Success.
.TP
1
A check found something: \\fBcasedrop-desk verify\\fR.
.TP
2
It could not be done, or the command line is wrong; a sentence on standard error says why.
.TP
130
Interrupted with Ctrl-C.
.TP
141
The reader of the output, such as \\fBhead\\fR(1), stopped reading.
"""
_ENVIRONMENT = {
    "CASEDROP_CASEBOOK": "The casebook's directory, if \\fB\\-\\-casebook\\fR is not given.",
    "GNUPGHOME": "gpg's directory with the secret keys, if \\fB\\-\\-home\\fR is not given.",
}


def write(out: Path) -> list[Path]:
    """Write all files into *out*, and return their paths.

    They are ``man/PROGRAM.1``, ``completion/bash/PROGRAM`` and ``completion/zsh/_PROGRAM``.
    """
    written = []
    for name, parser in PROGRAMS.items():
        texts = {
            out / "man" / f"{name}.1": page(parser()),
            out / "completion" / "bash" / name: completion(parser(), "bash"),
            out / "completion" / "zsh" / f"_{name}": completion(parser(), "zsh"),
        }
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            written.append(path)
    return written


def page(parser: argparse.ArgumentParser) -> str:
    """The manual page of *parser*."""
    for one in _all(parser):
        one.formatter_class = partial(argparse.HelpFormatter, width=_COLUMNS)
    data = {"project_name": f"Casedrop {__version__}", "manual_title": "Casedrop"}
    made = Manpage(parser, _data=data, format="single-commands-section")
    # It would otherwise hold the day on which it was made.
    made.date = ""
    # One line that says what the program does: `whatis` shows it.
    made.description = (parser.description or "").rstrip(".")
    made.add_section("exit status", "=", _EXIT_STATUS)
    options = {option for one in _all(parser) for option in one._option_string_actions}
    used = [
        name
        for name, option in (("CASEDROP_CASEBOOK", "--casebook"), ("GNUPGHOME", "--home"))
        if option in options
    ]
    if used:
        text = "\n".join(f".TP\n.B {name}\n{_ENVIRONMENT[name]}" for name in used)
        made.add_section("environment", "=", text)
    return str(made)


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion of *parser* in *shell*, "bash" or "zsh"."""
    for one in _all(parser):
        for action in one._actions:
            path = _PATHS.get(str(action.metavar)) or (shtab.FILE if action.type is Path else None)
            if path is not None:
                action.complete = path  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell=shell))


def _all(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """*parser* and the parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from _all(one)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write them. Returns the exit code."""
    return run(_parser, arguments)


def _parser() -> argparse.ArgumentParser:
    made = new_parser("manual", "Writes manual pages and completions.")
    made.add_argument("out", type=Path, metavar="DIR", help="where they go")
    made.set_defaults(run=lambda asked: print("\n".join(map(str, write(asked.out)))))
    return made


if __name__ == "__main__":
    sys.exit(main())
