"""The room in which a file is drawn: bubblewrap's, or a process with only its own walls.

bubblewrap gives it namespaces of its own for users, processes, messages, network and mounts, no
capability, and a view of Python, shared libraries and fonts that can only be read: no home, no
device, no /proc. Nothing of the reviewer's environment goes in.
"""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dropbox.errors import CasedropError
from scripts.desk.pictures.kinds import Kind

PROGRAM = "bwrap"
MISSING = "bubblewrap is not on this computer; it is in the Debian package bubblewrap."
# Runs in the room before any byte of a file is there.
BOOT = "from scripts.desk.pictures.drawing import main; main()"
_PATH = "import sys; sys.path.extend(sys.argv.pop(1).split(chr(0x1f))); "
_SEPARATOR = "\x1f"
# What the renderer imports: our own code, and packages, of which some are single files.
_PACKAGES = (
    "dropbox",
    "scripts",
    "PIL",
    "pypdfium2",
    "pypdfium2_raw",
    "pypdfium2_cfg",
    "pyseccomp",
)
# Libraries that came with a package are beside it.
_BESIDE = {"PIL": "pillow.libs"}
_CODE = Path("/code")
_LIBRARIES = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"))
_LINKED = (Path("/lib"), Path("/lib64"))
_ALSO = (Path("/etc/ld.so.cache"), Path("/usr/share/fonts"))
# What a converter needs in addition: its own files are all over /usr.
_HELPED_FILES = (Path("/etc/fonts"), Path("/etc/libreoffice"), Path("/etc/alternatives"))
_HELPED_DEVICES = (Path("/dev/null"), Path("/dev/urandom"))
_HELPED_MEMORY_BYTES = 1_536 * 2**20
_NOBODY = "65534"


class NoRoom(CasedropError):
    """bubblewrap cannot make its room here."""


class Room(Protocol):
    """Where a file can be drawn."""

    def command(self, kind: Kind, wanted: range) -> list[str]:
        """The command that draws pages *wanted* of a file of *kind*."""

    def converts(self) -> bool:
        """Whether it may start other programs."""


def available() -> bool:
    """Whether bubblewrap is on this computer; whether it works here shows only when it is used."""
    return shutil.which(PROGRAM) is not None


@dataclass(frozen=True)
class Bubblewrap:
    """A room by bubblewrap; *boot* runs in it: the renderer, except in tests."""

    boot: str = BOOT

    def converts(self) -> bool:
        """Yes: there is nothing in it that a converter could reach."""
        return True

    def command(self, kind: Kind, wanted: range) -> list[str]:
        """Raises NoRoom if bubblewrap is not on this computer."""
        helped = kind in (Kind.OFFICE, Kind.RECORDING)
        places = places_of(_PACKAGES, _BESIDE)
        return closed_room(self.boot, places, _asked(kind, wanted), helped=helped)


@dataclass(frozen=True)
class OwnWalls:
    """No room: an ordinary process, behind Landlock, seccomp and limits alone."""

    boot: str = BOOT

    def converts(self) -> bool:
        """No: converters are too large for these walls."""
        return False

    def command(self, kind: Kind, wanted: range) -> list[str]:
        """The command."""
        return own_process(self.boot, places_of(_PACKAGES, _BESIDE), _asked(kind, wanted))


def closed_room(
    boot: str, places: Iterable[Path], asked: Sequence[str], *, helped: bool = False
) -> list[str]:
    """The command that runs *boot* in bubblewrap's room, with the packages at *places* to import.

    It gets *asked*, "0" for "not alone", and what it may read. Raises NoRoom if bubblewrap is not
    on this computer.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoRoom(MISSING)
    readable = [_CODE, *_LIBRARIES, *_ALSO, _python_prefix() / "lib"]
    return [
        program,
        *_isolated(),
        *(_helped() if helped else _bare()),
        *_code(places),
        *("--remount-ro", "/", "--chdir", "/", "--"),
        *_python(boot, [_CODE]),
        *(*asked, "0", *map(str, readable)),
    ]


def own_process(boot: str, places: Iterable[Path], asked: Sequence[str]) -> list[str]:
    """The command that runs *boot* as an ordinary process; it gets *asked*, "1", and the same."""
    there = list(places)
    readable = [*there, *_stdlib(), *_LIBRARIES, *_LINKED, *_ALSO]
    folders = list(dict.fromkeys(path.parent for path in there))
    return [*_python(boot, folders), *asked, "1", *map(str, readable)]


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start the renderer with nothing but three pipes."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
        bufsize=0,
        start_new_session=True,
    )


def _isolated() -> list[str]:
    return [
        *("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"),
        *("--cap-drop", "ALL", "--clearenv", "--hostname", "room"),
        *("--uid", _NOBODY, "--gid", _NOBODY),
    ]


def _bare() -> list[str]:
    """Python, libraries and fonts."""
    return [
        *_bound([*_LIBRARIES, *_ALSO, _executable()]),
        *_bound_prefix(),
        *_linked(),
    ]


def _helped() -> list[str]:
    """All of /usr, a few files of /etc, two devices that hold nothing, and memory to write to."""
    return [
        *_bound([Path("/usr"), _ALSO[0], *_HELPED_FILES]),
        *_bound_prefix(),
        *_linked(),
        *("--symlink", "usr/bin", "/bin", "--proc", "/proc"),
        *(word for path in _HELPED_DEVICES for word in ("--dev-bind", str(path), str(path))),
        *("--size", str(_HELPED_MEMORY_BYTES), "--tmpfs", "/tmp"),  # noqa: S108 - the room's own
        *("--setenv", "PATH", "/usr/bin", "--setenv", "HOME", "/tmp"),  # noqa: S108
    ]


def _bound(paths: list[Path]) -> list[str]:
    return [word for path in paths for word in ("--ro-bind-try", str(path), str(path))]


def _bound_prefix() -> list[str]:
    """The prefix, for a Python that is not Debian's and has its library elsewhere."""
    prefix = _python_prefix()
    if prefix == Path("/usr"):
        return []
    return _bound([prefix / "lib", _executable()])


def _linked() -> list[str]:
    """Links: /lib is one on Debian, and the dynamic loader is found through it."""
    words: list[str] = []
    for path in _LINKED:
        words += (
            ["--symlink", str(path.readlink()), str(path)]
            if path.is_symlink()
            else ["--ro-bind-try", str(path), str(path)]
        )
    return words


def _code(places: Iterable[Path]) -> list[str]:
    return [word for path in places for word in ("--ro-bind", str(path), str(_CODE / path.name))]


def places_of(packages: Iterable[str], beside: Mapping[str, str]) -> list[Path]:
    """Where each of *packages* is, and the libraries *beside* them (by package).

    Raises ModuleNotFoundError.
    """
    found: list[Path] = []
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(name=name)
        places = spec.submodule_search_locations
        found.append(Path(places[0] if places else str(spec.origin)).resolve())
        libraries = found[-1].parent / beside.get(name, "")
        if name in beside and libraries.is_dir():
            found.append(libraries)
    return found


def _python(boot: str, folders: list[Path]) -> list[str]:
    """Python without a user's or a site's packages, which runs *boot* with *folders* to import."""
    return [
        *(str(_executable()), "-I", "-S", "-B", "-X", "utf8", "-c", _PATH + boot),
        _SEPARATOR.join(map(str, folders)),
    ]


def _executable() -> Path:
    """Python's program itself; a virtual environment only has a link to it."""
    return Path(sys.executable).resolve()


def _python_prefix() -> Path:
    return Path(sys.base_prefix).resolve()


def _stdlib() -> list[Path]:
    return [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]


def _asked(kind: Kind, wanted: range) -> list[str]:
    """What :func:`scripts.desk.pictures.drawing.main` reads first."""
    return [kind.value, str(wanted.start), str(wanted.stop)]
