"""How all programs of Casedrop begin and end: shared options, missing parts, errors and exit codes.

It imports only the standard library and the errors, because the Python that runs it may have
nothing else. Older Pythons than Casedrop needs can read it too, so that they get a sentence.
"""

from __future__ import annotations

import argparse
import gc
import os
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dropbox import __version__
from dropbox.errors import CasedropError
from dropbox.system_error import explained, told

DONE = 0
# A check found something: `verify`.
FOUND = 1
# It could not be done, and a sentence on standard error says why; argparse uses the same code for a
# wrong command line.
FAILED = 2
# As in shells, 128 plus the number of the signal: SIGINT for Ctrl-C, and SIGPIPE when nobody reads
# the output any longer.
INTERRUPTED = 130
UNREAD = 141

ROOT = Path(__file__).resolve().parents[1]
_OLDEST_PYTHON = (3, 11)
_OWN = ("dropbox", "onion", "scripts")
# Packages whose names for importing and installing differ.
_DISTRIBUTIONS = {
    "gnupg": "python-gnupg",
    "nacl": "pynacl",
    "opencc": "opencc-python-reimplemented",
    "shamir_mnemonic": "shamir-mnemonic",
    "sqlite_utils": "sqlite-utils",
}
# Where `make` installs what Casedrop needs; the first one that exists counts.
_ENVIRONMENTS = (".venv", ".venv-server")


class CannotRun(CasedropError):
    """This program cannot run here."""


def run(
    parser: Callable[[], argparse.ArgumentParser],
    arguments: Sequence[str] | None = None,
    *,
    interrupted: str = "Stopped.",
    errors: tuple[type[Exception], ...] = (CasedropError,),
) -> int:
    """Run what the command line asks for, and return the exit code.

    Errors become one sentence on standard error.

    *parser* makes the command line, and imports what the program needs only when it is called. The
    parsed namespace's ``run`` is called with the namespace, and returns an exit code, or None for
    DONE. *arguments* are by default those of this process. *interrupted* is printed after Ctrl-C.
    *errors* are those whose text is a sentence for people.
    """
    code = _ended(parser, arguments, interrupted, errors)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        code = code or UNREAD
        _discard_output()
    except OSError as why:
        print(_sentence(why), file=sys.stderr)
        code = FAILED
        _discard_output()
    return code


def _ended(
    parser: Callable[[], argparse.ArgumentParser],
    arguments: Sequence[str] | None,
    interrupted: str,
    errors: tuple[type[Exception], ...],
) -> int:
    known: tuple[type[Exception], ...] = (OSError, UnicodeError, CannotRun, *errors)
    try:
        asked = _loaded(parser, alone=arguments is None).parse_args(arguments)
        _refuse_missing(asked)
        code: int | None = asked.run(asked)
    except SystemExit as ended:
        # argparse, after --help and --version or a wrong command line.
        return ended.code if isinstance(ended.code, int) else DONE
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package in _OWN:
            raise
        print(_missing(_DISTRIBUTIONS.get(package, package)), file=sys.stderr)
        return FAILED
    except known as why:
        if isinstance(why, BrokenPipeError) and _unread():
            return UNREAD
        print(_sentence(why), file=sys.stderr)
        return FAILED
    return code or DONE


def _sentence(why: Exception) -> str:
    if isinstance(why, UnicodeEncodeError):
        return "This terminal cannot show all characters; set LC_ALL=C.UTF-8 and try again."
    if isinstance(why, UnicodeError):
        # The exception's own text would show a byte of what was read.
        return "A text that had to be read is not UTF-8."
    if isinstance(why, OSError):
        return told(why) if why.filename else f"The output: {explained(why)}"
    return str(why)


def _unread() -> bool:
    """Whether nobody reads the output any longer; any other broken pipe is an ordinary error."""
    try:
        watch = select.poll()
        watch.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in watch.poll(0))
    except (AttributeError, OSError, ValueError):
        return False


def _discard_output() -> None:
    """Make Python discard the rest of the output when it ends; otherwise it would complain
    again.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _loaded(
    parser: Callable[[], argparse.ArgumentParser], *, alone: bool
) -> argparse.ArgumentParser:
    """The command line, with everything that it imports. Raises CannotRun if this Python is too
    old.

    A program that is *alone* in its process starts in a third of the time.
    """
    if sys.version_info[:2] < _OLDEST_PYTHON:
        needed, here = (".".join(map(str, one)) for one in (_OLDEST_PYTHON, sys.version_info[:3]))
        raise CannotRun(f"Python {needed} or later is needed; {sys.executable} is {here}.")
    if not alone:
        return parser()
    # What is loaded stays until the end; searching it for garbage takes as long as many commands
    # do.
    gc.disable()
    # sqlite-utils would load numpy where it is installed, which takes longer than most commands.
    # None is Python's own entry for a module that cannot be found.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    try:
        return parser()
    finally:
        del sys.modules["numpy"]
        gc.freeze()
        gc.enable()


def _missing(package: str) -> str:
    sentence = f"The Python package {package} is missing in {sys.executable}"
    if not (ROOT / "Makefile").is_file():
        # The file, not the name: at PyPI that name may be anybody's.
        return (
            f"{sentence}. In the folder of the wheel that you installed, run: "
            f"pip install './casedrop-{__version__}-py3-none-any.whl[desk,courier]'"
        )
    python, spec = sys.executable, getattr(sys.modules["__main__"], "__spec__", None)
    # The program as it was called: a module, or one of the environment's commands.
    again = f"python -m {spec.name.replace('.__main__', '')}" if spec else Path(sys.argv[0]).name
    for name in _ENVIRONMENTS:
        other = ROOT / name / "bin"
        # An environment without the desk has none of its commands.
        if (other / again.partition(" ")[0]).is_file() and other != Path(python).parent:
            return f"{sentence}; it is in {ROOT / name}: {other}/{again}"
    made = ROOT / _ENVIRONMENTS[0] / "bin"
    return f"{sentence}: run 'make install' in {ROOT}, then {made}/{again}"


def new_parser(program: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """A program's command line, with the option --version."""
    parser = argparse.ArgumentParser(
        prog=program, description=description, epilog=epilog or None, allow_abbrev=False
    )
    parser.add_argument(
        "--version", action=_Version, help="show which version this is, from which source, and exit"
    )
    return parser


class _Version(argparse.Action):
    """Shows the version; git is called only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        from scripts.version import version  # noqa: PLC0415 - not loaded for each start

        print(f"{parser.prog} {version()}")
        parser.exit()


def add_directory(
    parser: argparse.ArgumentParser, option: str, variable: str, text: str, *, needed: bool
) -> None:
    """Add an *option* for a directory, whose default is the environment's *variable*.

    If it is *needed* and neither is given, :func:`run` says so.
    """
    parser.add_argument(
        option,
        type=Path,
        default=os.environ.get(variable) or None,
        metavar="DIR",
        help=f"{text}; by default the environment variable {variable}",
    )
    if needed:
        parser.set_defaults(directory_needed=(option, variable, text))


def _refuse_missing(asked: argparse.Namespace) -> None:
    option, variable, text = getattr(asked, "directory_needed", ("", "", ""))
    if option and getattr(asked, option.strip("-")) is None:
        raise CannotRun(
            f"Name {text} with {option} DIR, or in the environment variable {variable}."
        )
