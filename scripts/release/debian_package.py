"""Builds the Debian package for a server, the same to the byte each time.

    python3 -m scripts.release.debian_package build/deb     (`make deb`)

It is for the release of Debian on which it is built, since it holds compiled packages for that
release's Python. Everything from PyPI is locked by hash in requirements/server.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dropbox import __version__
from scripts.release import debian_files
from scripts.release.debian_files import HOME

CHECKOUT = Path(__file__).resolve().parents[2]
LOCK = CHECKOUT / "requirements" / "server.txt"
BUILD = CHECKOUT / "requirements" / "build.txt"
DOCUMENTS = ("CHANGELOG.md", "LICENSE", "docs/operator.md", "docs/reviewer.md", "docs/security.md")
PYTHON = sys.version_info[:2]
# The installer's notes: where it ran, and files that are not kept.
_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
_EXECUTABLE, _PLAIN = 0o755, 0o644


class CannotBuild(Exception):
    """The package could not be built."""


def check() -> None:
    """Raise CannotBuild when a program is missing."""
    for program, package in (("dpkg-deb", "dpkg"), ("git", "git")):
        if shutil.which(program) is None:
            raise CannotBuild(
                f"{program} is not on this computer; it is in the Debian package {package}."
            )


def make_tools(place: Path) -> Path:
    """The Python of a new environment in *place*, with what builds requirements and Casedrop."""
    _run(sys.executable, "-m", "venv", place)
    python = place / "bin" / "python"
    _pip(python, "--require-hashes", "--no-deps", "--no-build-isolation", "-r", BUILD)
    return python


def build(python: Path, folder: Path, epoch: int, *, compression: str = "xz") -> Path:
    """The package, built into *folder* by *python* of :func:`make_tools`.

    *epoch*: the time of all files in it, in Unix seconds. *compression*: as dpkg-deb names it.
    """
    with tempfile.TemporaryDirectory(prefix="casedrop-deb-") as work:
        root = Path(work) / "root"
        _install(python, root / _packages(), Path(work) / "source")
        _write_environment(root)
        for path, text in debian_files.files().items():
            _write(root / path, text, _PLAIN)
        for path, text in debian_files.commands().items():
            _write(root / path, text, _EXECUTABLE)
        for name in DOCUMENTS:
            _write(
                root / "usr/share/doc/casedrop" / Path(name).name,
                (CHECKOUT / name).read_text("utf-8"),
                _PLAIN,
            )
        architecture = _output("dpkg", "--print-architecture")
        version = f"{__version__}+py{PYTHON[0]}{PYTHON[1]}"
        _write_control(root, {"VERSION": version, "ARCHITECTURE": architecture})
        _even(root, epoch)
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f"casedrop_{version}_{architecture}.deb"
        _run(
            *("dpkg-deb", "--root-owner-group", f"-Z{compression}", "-z1", "--threads-max=1"),
            *("--build", root, made),
            environ={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C"},
        )
    return made


def _packages() -> str:
    return f"{HOME}/lib/python{PYTHON[0]}.{PYTHON[1]}/site-packages"


def _install(python: Path, site: Path, source: Path) -> None:
    """Install the locked requirements and Casedrop into *site*, without a trace of where."""
    target = ("--no-deps", "--no-build-isolation", "--no-compile", "--target", site)
    _pip(python, "--require-hashes", *target, "-r", LOCK)
    # A copy of what git knows: what was built in the checkout does not get into the package.
    listed = _output("git", "-C", CHECKOUT, "ls-files", "-z", "--cached")
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, source / name)
    _pip(python, "--no-index", *target, source)
    # Removes programs that name this environment's Python; the package has its own.
    shutil.rmtree(site / "bin", ignore_errors=True)
    for notes in site.glob("*.dist-info"):
        for name in _NOTES:
            (notes / name).unlink(missing_ok=True)
    for compiled in [*site.rglob("__pycache__")]:
        shutil.rmtree(compiled)


def _write_environment(root: Path) -> None:
    """Write what makes the folder a virtual environment: see pyvenv.cfg in Python's module site."""
    version = f"{PYTHON[0]}.{PYTHON[1]}"
    _write(
        root / HOME / "pyvenv.cfg",
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n",
        _PLAIN,
    )
    (root / HOME / "bin").mkdir(parents=True)
    (root / HOME / "bin" / "python").symlink_to(f"/usr/bin/python{version}")


def _write_control(root: Path, values: Mapping[str, str]) -> None:
    """Write the folder DEBIAN, which dpkg reads, once all other files are there."""
    listed = [path for path in _sorted(root) if path.is_file() and not path.is_symlink()]
    size = sum(-(-path.stat().st_size // 1_024) for path in listed)
    filled = {
        **values,
        "SIZE": str(size),
        "PYTHON": f"{PYTHON[0]}.{PYTHON[1]}",
        "NEXT_PYTHON": f"{PYTHON[0]}.{PYTHON[1] + 1}",
    }
    sums = "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(root)}\n"
        for path in listed
    )
    for name, text in {**debian_files.control(filled), "md5sums": sums}.items():
        script = name in ("preinst", "postinst", "prerm", "postrm")
        _write(root / "DEBIAN" / name, text, _EXECUTABLE if script else _PLAIN)


def _even(root: Path, epoch: int) -> None:
    """Give all files the same time, and modes that do not depend on this computer."""
    for path in [*_sorted(root), root]:
        if path.is_symlink():
            os.utime(path, (epoch, epoch), follow_symlinks=False)
            continue
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(_EXECUTABLE if executable else _PLAIN)
    for path in [*reversed(_sorted(root)), root]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _sorted(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)


def _pip(python: Path, *arguments: object) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-conflicts")
    _run(python, "-m", "pip", "install", *quiet, *arguments)


def _run(*command: object, environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        [*map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["nothing."]
        raise CannotBuild(f"{command[0]} failed; nothing was built. It said: {lines[-1]}")


def _output(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuild(f"{command[0]} failed: {done.stderr.strip() or 'it said nothing.'}")
    return done.stdout.strip()


def source_epoch(environ: Mapping[str, str]) -> int:
    """SOURCE_DATE_EPOCH, else the time of the last commit."""
    given = environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal():
        return int(given)
    return int(_output("git", "-C", CHECKOUT, "log", "-1", "--format=%ct"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Build it. Returns the exit code: 2 after an error."""
    parser = argparse.ArgumentParser(prog="debian_package", description="Builds the package.")
    parser.add_argument("folder", type=Path, help="where to put it")
    asked = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        check()
        with tempfile.TemporaryDirectory(prefix="casedrop-tools-") as place:
            made = build(make_tools(Path(place)), asked.folder, source_epoch(os.environ))
    except (CannotBuild, OSError) as why:
        print(why, file=sys.stderr)
        return 2
    print(f"{made}: {made.stat().st_size:,} bytes, in {time.monotonic() - begun:.0f} s")
    print(f"SHA-256 {hashlib.sha256(made.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
