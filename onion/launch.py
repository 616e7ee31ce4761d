"""The processes of a drop: vault and front, each a gunicorn with packaged settings."""

import errno
import json
import os
import shlex
import socket
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from onion.child_process import Child
from onion.errors import (
    BadPath,
    DropStopped,
    DropUnresponsive,
    ReviewersMissing,
    SiteMissing,
    refused,
)
from onion.torrc import check_socket_path

START_SECONDS = 30.0  # to read word lists, gpg's keyring and the store; measured: 1 s
STOP_SECONDS = 10.0  # for requests in progress; a stop in production can wait longer
PROBE_SECONDS = 5.0
POLL_SECONDS = 0.05

# Marks the line in which gunicorn_hardening says why a worker did not start.
START_FAILED = "The start failed: "

# The front's Python gets all its memory from glibc, which overwrites freed memory and caches no
# small pieces, so a report's text does not remain in a worker that has sealed it. The first three
# are needed: measurements without one of them found the text. The next three let glibc keep what
# was freed, already overwritten, at the end of the heap: otherwise sealing a block gives memory
# back to the kernel and asks for it again, which takes longer than the rest of it. Two heaps for
# all threads: with one for each of them a file of 100 MB took 62 MB and not 45, and each more
# upload at once took its own.
FRONT_MEMORY = {
    "PYTHONMALLOC": "malloc",
    "MALLOC_PERTURB_": "165",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "MALLOC_TOP_PAD_": "1048576",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_ARENA_MAX": "2",
}

# A large tick allocates megabytes in pieces and frees them: the vault's glibc keeps them for the
# next one, since new memory costs more than the work done in it. One heap for all threads: with a
# heap for each, every one kept the most that it had ever held.
VAULT_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_TOP_PAD_": "1048576",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_ARENA_MAX": "1",
}

_HERE = Path(__file__).resolve().parent
_STATUS = b"GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n"
_MAX_STATUS_BYTES = 65_536
_PROBE = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def vault_sockets(settings_file: Path, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The vault's intake and courier sockets: environment first, then settings file.

    Raises SiteMissing.
    """
    section = _section(settings_file, "vault")

    def path(name: str) -> Path:
        value = environ.get(f"CASEDROP_VAULT_{name.upper()}") or section.get(name)
        if not isinstance(value, str) or not value:
            raise SiteMissing(f"The setting [vault] {name} is missing in {settings_file}.")
        return settings_file.parent / value

    return path("intake_socket"), path("courier_socket")


def site_onion(settings_file: Path, environ: Mapping[str, str]) -> str:
    """The drop's address, "" if none is set. Raises SiteMissing if the file cannot be read."""
    onion = environ.get("CASEDROP_SITE_ONION") or _section(settings_file, "site").get("onion")
    return onion if isinstance(onion, str) and onion.isascii() and onion.isprintable() else ""


def check_site(settings: Path, onion: str, environ: Mapping[str, str]) -> None:
    """Raise SiteMissing or ReviewersMissing unless settings for *onion* and pinned keys exist.

    As in the application, *environ* overrides the file.
    """
    if not settings.is_file():
        raise SiteMissing(
            f"There are no settings yet: make {settings} with: {_newsite(onion, settings.parent)}"
        )
    site = _section(settings, "site")
    if (environ.get("CASEDROP_SITE_ONION") or site.get("onion")) != onion:
        raise SiteMissing(
            f"The settings file {settings} is for another address: [site] onion has to be {onion}, "
            f"or the onion's key in {settings.parent / 'tor' / 'drop'} is not the one that belongs "
            "here."
        )
    keys = settings.parent / str(environ.get("CASEDROP_SITE_KEYS") or site.get("keys", "keys"))
    if not (keys / "FINGERPRINTS").is_file() or not any(keys.glob("*.asc")):
        raise ReviewersMissing(
            f"No reviewers' public keys are pinned in {keys}: make them offline with "
            "'casedrop-ceremony' and copy the public files and FINGERPRINTS there."
        )


def _newsite(onion: str, directory: Path) -> str:
    """The command that makes the settings, in a form that works in any folder."""
    installed = Path(sys.executable).with_name("casedrop")
    program = (
        [str(installed)] if installed.is_file() else [sys.executable, "-m", "scripts.casedrop"]
    )
    return shlex.join([*program, "newsite", "--onion", onion, str(directory)])


def _section(settings_file: Path, name: str) -> Mapping[str, object]:
    try:
        section = tomllib.loads(settings_file.read_text(encoding="utf-8")).get(name, {})
    except FileNotFoundError as missing:
        raise SiteMissing(f"The settings file {settings_file} does not exist.") from missing
    except OSError as why:
        raise SiteMissing(f"The settings file cannot be read: {refused(why)}") from why
    except ValueError as broken:
        raise SiteMissing(f"The settings file {settings_file} cannot be read: {broken}") from broken
    return section if isinstance(section, dict) else {}


class Drop:
    """Vault and front as a context manager: both respond on entry, and both have ended on exit.

    *environ* is the whole environment of both, plus CASEDROP_SETTINGS and, for the front,
    CASEDROP_FRONT_SOCKET. *log* receives their output line by line; without it, output is
    discarded. Raises SiteMissing, DropStopped, DropUnresponsive, BadPath.

    *vault_alone*: when no front can start because the reviewers' keys have ended, the vault goes on
    by itself, and ``front_refusal`` says why the front does not run.
    """

    def __init__(
        self,
        settings_file: Path,
        front_socket: Path,
        environ: Mapping[str, str],
        log: Callable[[str], None] | None = None,
        *,
        vault_alone: bool = False,
    ) -> None:
        self.front_refusal = ""
        self._vault_alone = vault_alone
        self._front_socket = front_socket.resolve()
        self._environ = {**environ, "CASEDROP_SETTINGS": str(settings_file.resolve())}
        self._log = log
        self._vault_sockets = vault_sockets(settings_file.resolve(), environ)
        self._front: Child | None = None
        self._vault: Child | None = None
        for path in (self._front_socket, *self._vault_sockets):
            check_socket_path(path)

    @property
    def front_pid(self) -> int:
        """The pid of the front's master process. Raises DropStopped if it was not started."""
        return _started(self._front).pid

    @property
    def vault_pid(self) -> int:
        """The pid of the vault's master process. Raises DropStopped if it was not started."""
        return _started(self._vault).pid

    @property
    def running(self) -> bool:
        """Whether both master processes are running, or the vault's where it runs alone."""
        rooms = [self._vault] if self.front_refusal else [self._front, self._vault]
        # All are checked, which also reaps one that ended.
        running = [child is not None and child.running for child in rooms]
        return all(running)

    def notice(self) -> str:
        """One line for the operator if the reviewers' keys expire soon, else ""."""
        return notice(self._vault_sockets[1])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start both and wait until they respond; if one does not, both are stopped."""
        for path in (self._front_socket, *self._vault_sockets):
            _check_folder(path.parent)
        with ExitStack() as undo:
            # Whatever interrupts the start, such as Ctrl-C, must leave nothing running.
            undo.callback(self.stop)
            self._vault = self._run("vault", {**VAULT_MEMORY, **self._environ})
            self._front = self._run("front", self._front_environ())
            self._wait_vault()
            try:
                self._wait_front()
            except DropStopped as why:
                if not (self._vault_alone and keys_ended(self._vault_sockets[1])):
                    raise
                self.front_refusal = str(why)
            undo.pop_all()

    def stop(self) -> None:
        """Stop both, the front first, since its requests in progress can need the vault."""
        with ExitStack() as both:
            # Even if stopping the front fails or is interrupted.
            both.callback(self.stop_vault)
            self.stop_front()

    def start_front(self) -> None:
        """Start only the front, after stop_front() or kill_front()."""
        self._front = self._run("front", self._front_environ())
        self._wait_front()
        self.front_refusal = ""

    def start_vault(self) -> None:
        """Start only the vault, after stop_vault() or kill_vault()."""
        self._vault = self._run("vault", {**VAULT_MEMORY, **self._environ})
        self._wait_vault()

    def stop_front(self) -> None:
        """Stop the front; after STOP_SECONDS, kill it."""
        if self._front is not None:
            self._front.stop(STOP_SECONDS)

    def stop_vault(self) -> None:
        """Stop the vault; after STOP_SECONDS, kill it."""
        if self._vault is not None:
            self._vault.stop(STOP_SECONDS)

    def kill_front(self) -> None:
        """Kill the front and its workers at once, as in a crash."""
        _started(self._front).kill()

    def kill_vault(self) -> None:
        """Kill the vault and its worker at once, as in a crash."""
        _started(self._vault).kill()

    def _front_environ(self) -> Mapping[str, str]:
        return {**FRONT_MEMORY, **self._environ, "CASEDROP_FRONT_SOCKET": str(self._front_socket)}

    def _run(self, name: str, environ: Mapping[str, str]) -> Child:
        argv = [sys.executable, "-m", "gunicorn", "-c", str(_HERE / f"gunicorn_{name}.py")]
        # In the folder that contains this package, so that Python finds it even if not installed.
        return Child(name, argv, environ=environ, cwd=_HERE.parent, log=self._log)

    def _wait_vault(self) -> None:
        for path in self._vault_sockets:
            _wait_answer(_started(self._vault), path)

    def _wait_front(self) -> None:
        _wait_answer(_started(self._front), self._front_socket)


def _check_folder(folder: Path) -> None:
    """Raise BadPath unless a socket can be made in *folder*, which gunicorn would not explain."""
    if not os.access(folder, os.W_OK | os.X_OK):
        why = errno.EACCES if folder.is_dir() else errno.ENOENT
        raise BadPath(f"No socket can be made in {refused(OSError(why, os.strerror(why), folder))}")


def answers(path: Path) -> bool:
    """Whether an HTTP server on the unix socket *path* responds at all."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(str(path))
            probe.sendall(_PROBE)
            return probe.recv(5) == b"HTTP/"
        except OSError:
            return False


def notice(path: Path) -> str:
    """The notice about the reviewers' keys, from the vault's courier socket *path*; else "".

    Never raises: a vault that does not respond is noticed elsewhere.
    """
    text = _status(path).get("notice")
    return text if isinstance(text, str) and text.isprintable() else ""


def keys_ended(path: Path) -> bool:
    """Whether the vault with the courier socket *path* says that the reviewers' keys have ended."""
    try:
        return date.fromisoformat(str(_status(path).get("keys_end"))) < datetime.now(UTC).date()
    except ValueError:
        return False


def _status(path: Path) -> dict[str, object]:
    """The status from the vault's courier socket *path*; empty if it does not respond."""
    response = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PROBE_SECONDS)
        try:
            client.connect(str(path))
            client.sendall(_STATUS)
            while len(response) < _MAX_STATUS_BYTES and (piece := client.recv(4_096)):
                response += piece
            untrusted = json.loads(response.partition(b"\r\n\r\n")[2])
        except (OSError, ValueError):
            return {}
    return untrusted if isinstance(untrusted, dict) else {}


def _started(child: Child | None) -> Child:
    if child is None:
        raise DropStopped("The front or the vault was not started.")
    return child


def _wait_answer(child: Child, path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(path):
        if not child.running:
            raise DropStopped(f"The {child.name} stopped while starting: {_reason(child)}")
        if time.monotonic() > deadline:
            raise DropUnresponsive(
                f"The {child.name} runs but does not respond on {path} after {START_SECONDS:.0f} s."
            )
        time.sleep(POLL_SECONDS)


def _reason(child: Child) -> str:
    for line in child.last_lines:
        if START_FAILED in line:
            return line.partition(START_FAILED)[2]
    return child.last_line or "it gave no reason."
