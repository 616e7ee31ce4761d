"""Builds the desk's one file: a zipapp with everything it needs, for each Python that it may meet.

    python -m scripts.release.pyz build/casedrop-desk.pyz     (`make desk`)

Packages come from PyPI as wheels, each checked against its hash in requirements/desk.txt. The same
sources give the same bytes wherever and whenever they are built: the file depends on no time, path
or compression of this computer.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence, Set
from pathlib import Path, PurePosixPath

from dropbox.errors import CasedropError
from scripts.command_line import new_parser, run
from scripts.version import BUILT_IN, revision

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "desk.txt"
SECOND_LOCK = ROOT / "requirements" / "ocr.txt"
WHEELS = ROOT / "build" / "desk-wheels"
# The entry points. Only what they import goes into the file; the courier, which uses a network,
# does not.
ENTRIES = (
    "scripts.desk.__main__",
    "scripts.ceremony.__main__",
    "scripts.desk.pictures.drawing",
    "scripts.desk.transcripts.recognition",
)
DATA = (
    "dropbox/campaign.toml",
    "dropbox/review.toml",
    "dropbox/words/en.txt",
    "dropbox/words/variants.txt",
    "dropbox/words/zh.txt",
    "scripts/desk/casebook/schema.sql",
    "scripts/desk/production/case.schema.json",
    "scripts/desk/production/fonts/DejaVuSans.ttf",
    "scripts/desk/production/fonts/DroidSansFallbackFull.ttf",
    "scripts/desk/production/fonts/LICENSE-DejaVuSans.txt",
    "scripts/desk/production/fonts/LICENSE-DroidSansFallback.txt",
    "scripts/desk/search/derived.sql",
)
_OWN = ("dropbox", "scripts", "onion")
# The code that reads text out of pictures is in a file beside this one, and loaded only from there.
_BESIDE = frozenset({"cv2", "numpy", "rapidocr"})
# Those of Debian 12, Tails and Debian 13; each needs its own compiled part of cffi.
PYTHONS = ("3.11", "3.12", "3.13")
# PyPI's names for the C libraries since Debian 10.
_PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_26_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
)
# These differ between a package's wheels for different Pythons, which does not matter here: the
# last one lists, under the wheel's own name, the libraries in it, which are compared themselves.
_TAGGED = ("WHEEL", "RECORD", "auditwheel.cdx.json")
_START = "casedrop_start"
_MAIN = f"import {_START}\n\n{_START}.start()\n"
# The oldest time that a zip file can hold.
NO_TIME = (1980, 1, 1, 0, 0, 0)


class CannotBuild(CasedropError):
    """The file cannot be built."""


def build(out: Path, wheels: Path = WHEELS) -> str:
    """Write the file to *out*, and its SHA-256 to ``.sha256`` beside it. Returns the SHA-256.

    *wheels* keeps the fetched wheels for the next time. Raises CannotBuild.
    """
    with tempfile.TemporaryDirectory() as made:
        site, packed = Path(made) / "site", Path(made) / "packed.pyz"
        site.mkdir()
        unpacked = set[str]()
        for wheel in (wheel for python in PYTHONS for wheel in fetched(python, wheels)):
            # Most are the same for every Python.
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            if digest not in unpacked:
                unpack(wheel, site)
                unpacked.add(digest)
        own = modules(ENTRIES)
        _check_packages(own, site)
        for path in (*own.values(), *(ROOT / name for name in DATA)):
            _write(site / path.relative_to(ROOT), path.read_bytes())
        # The hashes of the wheels in the second file, which is built from the same lock.
        _write(site / "scripts/desk/transcripts/ocr.txt", SECOND_LOCK.read_bytes())
        if commit := revision():
            _write(site / BUILT_IN.relative_to(ROOT), f"{commit}\n".encode())
        _pack(site, packed)
        data = _rewritten(packed)
    _replace(out, data, 0o755)
    digest = hashlib.sha256(data).hexdigest()
    _replace(out.with_name(out.name + ".sha256"), f"{digest}  {out.name}\n".encode(), 0o644)
    return digest


def _replace(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.chmod(mode)
    part.replace(path)


def fetched(python: str, wheels: Path = WHEELS, lock: Path = LOCK) -> list[Path]:
    """The wheels of *lock* for *python* ("3.12"), fetched from PyPI unless *wheels* has them.

    Raises CannotBuild.
    """
    directory = wheels / python
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock.read_text("utf-8")))
    names = set(re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.MULTILINE))
    found = _matching(directory, hashes)
    if len(found) != len(names):
        _download(python, directory, lock)
        found = _matching(directory, hashes)
    if len(found) != len(names):
        raise CannotBuild(
            f"{lock.relative_to(ROOT)} names {len(names)} packages; "
            f"{len(found)} were found for Python {python}."
        )
    return found


def _matching(directory: Path, hashes: set[str]) -> list[Path]:
    return [
        path
        for path in sorted(directory.glob("*.whl"))
        if hashlib.sha256(path.read_bytes()).hexdigest() in hashes
    ]


def _download(python: str, directory: Path, lock: Path) -> None:
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    target = [
        "--only-binary=:all:",
        "--implementation",
        "cp",
        "--python-version",
        python,
        *platforms,
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "download",
        "-qq",
        "--dest",
        str(directory),
    ]
    locked = ["--no-deps", "--require-hashes", "--requirement", str(lock)]
    if subprocess.run([*command, *target, *locked], check=False).returncode != 0:
        raise CannotBuild(f"pip could not fetch the packages for Python {python}.")


def unpack(wheel: Path, site: Path) -> None:
    """Put the files of *wheel* into *site*, together with those for other Pythons.

    What `needless` names stays out. Raises CannotBuild.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        for name in sorted(names - needless(names)):
            inner, data = PurePosixPath(name), archive.read(name)
            if inner.is_absolute() or ".." in inner.parts or inner.parts[0].endswith(".data"):
                raise CannotBuild(f"{wheel.name} puts {name} where this file cannot hold it.")
            path = site / inner
            if not path.exists():
                _write(path, data)
            elif path.read_bytes() != data and inner.name not in _TAGGED:
                raise CannotBuild(f"{wheel.name} has another {name} than the wheels before it.")


def needless(names: Set[str]) -> set[str]:
    """Those of a wheel's files *names* that the one file works without.

    These are manual pages of commands that cannot be called here; C sources; and compiled modules
    whose Python source is beside them: those are only faster, and each serves one Python of three.
    """
    return {
        name
        for name in names
        if re.match(r"[^/]+\.data/data/share/man/", name)
        or name.endswith((".c", ".pyx"))
        or (name.endswith(".so") and re.sub(r"\.[^/]+$", ".py", name) in names)
    }


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def modules(entries: Sequence[str]) -> dict[str, Path]:
    """Casedrop's own modules that *entries* import, directly or not: their files by name."""
    found: dict[str, Path] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name.split(".")[0] in _OWN and name not in found and path is not None:
            found[name] = path
            waiting += [*_imports(path), name.rpartition(".")[0]]
    return found


def _source(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _imports(path: Path) -> Iterator[str]:
    for node in _statements(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _statements(module: ast.Module) -> Iterator[ast.AST]:
    """All statements, including nested ones. Expressions contain no imports, and skipping them
    skips most of a module.
    """
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, part, ())


def _check_packages(own: dict[str, Path], site: Path) -> None:
    for name, path in own.items():
        for package in {imported.split(".")[0] for imported in _imports(path)}:
            known = package in sys.stdlib_module_names or package in _OWN or package in _BESIDE
            if (
                not known
                and not (site / package).is_dir()
                and not (site / f"{package}.py").is_file()
            ):
                raise CannotBuild(
                    f"{name} imports {package}, which is not in {LOCK.relative_to(ROOT)}: "
                    "name its package in setup.cfg's extra `desk`, and run `make lock`."
                )


def _pack(site: Path, packed: Path) -> None:
    options = [
        "--site-packages",
        str(site),
        "--output-file",
        str(packed),
        "--reproducible",
        "--uncompressed",
    ]
    environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [sys.executable, "-m", "shiv.cli", *options], env=environ, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise CannotBuild(
            f"shiv could not pack the file: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}"
        )


def _rewritten(packed: Path) -> bytes:
    """The file that shiv packed, with our own start, and with one order, time and mode for all."""
    with zipfile.ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    files["environment.json"] = json.dumps(
        json.loads(files["environment.json"]), sort_keys=True
    ).encode()
    files["__main__.py"] = _MAIN.encode()
    files[f"{_START}.py"] = (ROOT / "scripts" / "release" / "start.py").read_bytes()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    packed.write_bytes(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, NO_TIME)
            # The mode after unpacking: private to the user.
            info.create_system, info.external_attr = 3, 0o100600 << 16
            archive.writestr(info, files[name])
    return packed.read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the file. Returns the exit code."""
    return run(parser, arguments, interrupted="Stopped; no file was written.")


def parser() -> argparse.ArgumentParser:
    """This command's line."""
    made = new_parser("pyz", "Builds the desk's one file.")
    made.add_argument("out", type=Path, help="where the file goes")
    made.set_defaults(run=lambda asked: print(f"{build(asked.out)}  {asked.out}"))
    return made


if __name__ == "__main__":
    sys.exit(main())
