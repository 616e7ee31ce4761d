"""Makes a virtual environment from a lock, unless the existing one is still right.

    environment.py .venv requirements/dev.txt                   (`make install`)
    environment.py --bare .venv-server requirements/server.txt  (`make up`)

An environment depends on the paths and the Python it was made with. So it is built where it will be
used, its stamp is written last, and an environment without a matching stamp is removed and rebuilt:
after a change of the lock, after an upgrade of Debian, in a folder that was moved, or after a build
that was killed. A second run waits until the first has finished.

It runs with the computer's own Python and only the standard library, and every Python since 3.7 can
read it, so that an older one gets a sentence instead of a syntax error.
"""

from __future__ import annotations

import argparse
import configparser
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

if False:  # typing's names, for mypy alone
    from collections.abc import Iterator, Sequence
    from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
# What builds the requirements that PyPI has only as sources. It is installed first, because pip
# would otherwise fetch any version of it for each of them, without a hash.
BUILD = ROOT / "requirements" / "build.txt"
# The Python of Debian 12, the first with tomllib, hashlib.file_digest and exception groups.
OLDEST_PYTHON = (3, 11)
# For each program: the oldest usable version, the pattern of its --version, its Debian package, and
# what is wrong with older versions.
PROGRAMS = {
    "gpg": (
        (2, 2, 36),
        r"gpg \(GnuPG[^)]*\) (\d+)\.(\d+)\.(\d+)",
        "gnupg",
        "an older one can be made to report a signature that nobody made (CVE-2022-34903)",
    ),
    "tor": (
        (0, 4, 8),
        r"Tor version (\d+)\.(\d+)\.(\d+)",
        "tor",
        "an older one does not know proof of work for onion services",
    ),
}
STAMP = ".made-from.json"
# The commands of a bare environment, which lacks what the desk and the ceremony need.
SERVER_COMMANDS = ("casedrop", "casedrop-courier")
# Removed from a bare environment, so that nothing in it can install anything.
INSTALLERS = ("pip", "setuptools", "wheel")
# Bytes; with less, a disk is full for whoever installs. pip alone takes more.
LEAST_ROOM = 32 * 1024 * 1024
# A kernel before 5.1 reads as much of a script's first line.
_FIRST_LINE_BYTES = 127
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What pip reports for a failed attempt; without retries it reports only that the index names no
# version.
_NO_NETWORK = re.compile(
    rb"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|from versions: none"
)


class CannotInstall(Exception):
    """The environment could not be made; nothing of it is left."""


class _Ended(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP."""


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Raise CannotInstall when this Python is too old."""
    if version[:2] < OLDEST_PYTHON:
        raise CannotInstall(
            f"Casedrop needs Python {dotted(OLDEST_PYTHON)} or later; {sys.executable} is "
            f"{dotted(version)}. Debian 12 and 13 have one; or name another: make "
            "PYTHON=/path/to/python3"
        )


def check_programs() -> None:
    """Raise CannotInstall when gpg or tor is missing or too old."""
    for program, (oldest, pattern, package, why) in PROGRAMS.items():
        if shutil.which(program) is None:
            raise CannotInstall(
                f"{program} is not on this computer; it is in the Debian package {package}."
            )
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        found = re.search(pattern, done.stdout.decode("utf-8", "replace"))
        if found is None:
            raise CannotInstall(
                f"`{program} --version` names no version; reinstall the package {package}."
            )
        version = tuple(map(int, found.groups()))
        if version < oldest:
            raise CannotInstall(
                f"The installed {program} is {dotted(version)}; {dotted(oldest)} or later is "
                f"needed, because {why}. Upgrade the package {package}."
            )


def dotted(version: Sequence[int]) -> str:
    """A version as people write it: (3, 11) is 3.11."""
    return ".".join(map(str, version))


def facts(directory: Path, lock: Path, *, bare: bool) -> dict[str, str]:
    """Everything that an environment depends on, in words with which to explain a stale one."""
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (lock, BUILD)]
    return {
        "Python": dotted(sys.version_info[:3]),
        "interpreter": str(Path(sys.executable).resolve()),
        "directory": str(directory.resolve()),
        "lock": " ".join(hashes),
        "kind": "bare" if bare else "whole",
    }


def prepare(directory: Path, lock: Path, *, bare: bool = False) -> None:
    """Make *directory* an environment with what *lock* names, unless it is one.

    Raises CannotInstall.

    With *bare*, nothing that installs or builds is in it.
    """
    with _alone(directory.parent):
        wanted = facts(directory, lock, bare=bare)
        reason = _stale(directory, wanted)
        if reason is None:
            # The commands may have changed since it was made.
            _connect(directory, bare=bare)
            return
        if directory.is_symlink():
            # It belongs to somebody else, who has to rebuild it.
            print(
                f"{directory} is a link and is used as it is, although {reason}.", file=sys.stderr
            )
            return
        if not os.access(str(directory.parent), os.W_OK):
            raise CannotInstall(
                f"{directory} cannot be made: {directory.parent.resolve()} may not be written by "
                "this user."
            )
        if directory.exists():
            print(f"Making {directory} again: {reason}.", flush=True)
        else:
            print(f"Installing Python packages into {directory}.", flush=True)
        _remove(directory)
        with ExitStack() as undo:
            undo.callback(_remove, directory)
            _build(directory, lock, bare=bare)
            _connect(directory, bare=bare)
            (directory / STAMP).write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")
            undo.pop_all()


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    # The folder itself is locked, so no lock file is left, and the lock ends with this process.
    handle = os.open(str(parent), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another make in {parent.resolve()} to end.", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _stale(directory: Path, wanted: dict[str, str]) -> str | None:
    """Why *directory* cannot be used, or None."""
    if not directory.exists():
        return "it is not there"
    try:
        made = json.loads((directory / STAMP).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return "its installation was not completed"
    for fact, sentence in (
        ("Python", "it was made for Python {}, and this is {}"),
        ("interpreter", "it was made by {}, and this is {}"),
        ("directory", "it was made as {}, and is now {}"),
        ("kind", "it is {}, and should be {}"),
    ):
        if made.get(fact) != wanted[fact]:
            return sentence.format(made.get(fact), wanted[fact])
    if made.get("lock") != wanted["lock"]:
        return "the lock has changed"
    # After an upgrade of Debian its link to Python may be broken.
    if not (directory / "bin" / "python").exists():
        return "its Python is gone"
    return None


def _remove(directory: Path) -> None:
    if directory.exists():
        # A removal that is killed must not leave a stamp that is right again, with an earlier lock.
        with suppress(FileNotFoundError):
            (directory / STAMP).unlink()
        shutil.rmtree(directory)


def _build(directory: Path, lock: Path, *, bare: bool) -> None:
    code, output = _call(sys.executable, "-m", "venv", str(directory))
    if code != 0:
        _refuse_full(directory)
        raise CannotInstall(
            f"{sys.executable} could not make an environment in {directory}: {_last_line(output)} "
            "The Debian package python3-venv has what it takes."
        )
    # --no-deps: a lock is complete, and pip must not fetch what was left out of it on purpose.
    # --no-compile: pip would do it on one processor, which takes a third of its time.
    options = ("--require-hashes", "--no-deps", "--no-build-isolation", "--no-compile")
    for file in (BUILD, lock):
        _pip(directory, "install", "--quiet", *options, "--requirement", str(file))
    if bare:
        _pip(directory, "uninstall", "--quiet", "--yes", *INSTALLERS)
    # What cannot be compiled, such as a template of a module, is not meant to be; and Python
    # compiles what it imports, if it has to.
    python, packages = str(directory / "bin" / "python"), str(_packages(directory))
    _call(python, "-m", "compileall", "-q", "-j", "0", packages)


def _refuse_full(directory: Path) -> None:
    """Raise CannotInstall if it failed because a disk is full, which venv does not say."""
    for place in (directory.parent.resolve(), Path(tempfile.gettempdir())):
        if shutil.disk_usage(str(place)).free < LEAST_ROOM:
            raise CannotInstall(
                f"There is no room left in {place}; nothing was installed. Make room on that disk, "
                "then run it again."
            )


def _pip(directory: Path, *arguments: str) -> None:
    pip = (str(directory / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
    code, output = _call(*pip, "--no-input", *arguments)
    if code == 0:
        return
    _refuse_full(directory)
    if _NO_NETWORK.search(output):
        raise CannotInstall(
            "PyPI, from which the Python packages come, cannot be reached; nothing was installed. "
            "Check this computer's connection, or name a mirror in PIP_INDEX_URL. "
            f"pip said: {_last_line(output)}"
        )
    if b"DO NOT MATCH THE HASHES" in output:
        raise CannotInstall(
            "What was downloaded is not what the lock names; nothing was installed. "
            f"pip said: {_last_line(output)}"
        )
    raise CannotInstall(f"pip failed; nothing was installed. It said: {_last_line(output)}")


def _call(*command: str) -> tuple[int, bytes]:
    """Run *command* to its end, or kill it if this process ends. Returns exit code and output."""
    # A signal between its start and `try` would leave it running in a directory that is then
    # removed.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    running = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=_heed_signals,  # noqa: PLW1509 - there are no threads
    )
    try:
        _heed_signals()
        output, _ = running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
            running.wait()
    return running.returncode, output


def _heed_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _last_line(output: bytes) -> str:
    """The last error among *output*, or else its last line."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line] or ["nothing."]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines)[-1]


def _connect(directory: Path, *, bare: bool) -> None:
    """Let the environment see this checkout, and give it Casedrop's commands.

    An editable installation would do the same, but would write into the checkout, which may belong
    to another user.
    """
    # Python reads this file in the terminal's encoding, before anything could handle its errors.
    root = str(ROOT)
    _put(
        _packages(directory) / "casedrop.pth",
        f"{root}\n" if root.isascii() else f"import sys; sys.path.append({root!a})\n",
    )
    settings = configparser.ConfigParser()
    settings.read(str(ROOT / "setup.cfg"), "utf-8")
    entries = settings.get("options.entry_points", "console_scripts", fallback="")
    for line in filter(None, entries.splitlines()):
        name, _, target = (part.strip() for part in line.partition("="))
        if bare and name not in SERVER_COMMANDS:
            continue
        module, _, function = target.partition(":")
        _put(
            directory / "bin" / name,
            # An environment made for another Python sees neither its packages nor this checkout:
            # the command has to find the checkout by itself to say so.
            f"{_first_lines(directory)}import sys\n\nsys.path.append({root!r})\n"
            f"from {module} import {function}\n\nsys.exit({function}())\n",
        )


def _first_lines(directory: Path) -> str:
    """What has the environment's Python run the rest of a script."""
    python = f"{directory.resolve()}/bin/python"
    line = f"#!{python}\n"
    if " " not in python and len(os.fsencode(line)) <= _FIRST_LINE_BYTES:
        return line
    # The kernel would cut such a path off. To Python the two lines are a string.
    return f"#!/bin/sh\n'''exec' {shlex.quote(python)} \"$0\" \"$@\"\n' '''\n"


def _packages(directory: Path) -> Path:
    return directory / "lib" / f"python{dotted(sys.version_info[:2])}" / "site-packages"


def _put(path: Path, text: str) -> None:
    if path.exists() and path.read_text("utf-8") == text:
        return
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.chmod(0o755)
    part.replace(path)


def _end(number: int, frame: FrameType | None) -> None:
    # A further signal must not cut the removal short.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise _Ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare one environment.

    Returns the exit code: 2 after an error, which is a sentence on standard error.
    """
    parser = argparse.ArgumentParser(
        prog="environment", description="Makes an environment from a lock."
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--bare", action="store_true", help="leave nothing in it that installs")
    asked = parser.parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _end)
    try:
        check_python()
        check_programs()
        prepare(asked.directory, asked.lock, bare=asked.bare)
    except CannotInstall as why:
        print(why, file=sys.stderr)
        return 2
    except OSError as why:
        print(
            f"{asked.directory} could not be made: {why.filename or 'a system call'}: "
            f"{why.strerror}. Mend this, then run make again.",
            file=sys.stderr,
        )
        return 2
    except _Ended:
        # It is there when another make was waited for, or when it was right already.
        left = asked.directory.exists()
        what = "run it again" if left else f"nothing of {asked.directory} is left"
        print(f"Stopped; {what}.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
