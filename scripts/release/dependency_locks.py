"""Writes the locks: an environment's packages, their versions and the hashes of their files.

    python -m scripts.release.dependency_locks [--upgrade]     (`make lock`, when setup.cfg changed)

One lock serves every Python and computer; pip picks what fits. Versions that a lock already names
are kept unless it is to be upgraded, and all locks agree with the development one.
"""

import argparse
import configparser
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dropbox.errors import CasedropError

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
# For each lock, the extras of setup.cfg that it covers; "" means what the package itself requires.
# The first lock constrains the later ones.
CONTENTS = {
    "dev": ("", "build", "courier", "desk", "ocr", "dev"),
    "server": ("",),
    "desk": ("desk",),
    "ocr": ("ocr",),
    "build": ("build",),
}
# sqlite-utils requires pip for a command that is not used here. Only development tools need it.
WITHOUT_PIP = ("server", "desk", "ocr", "build")
INDEX = "https://pypi.org/simple"


class CannotLock(CasedropError):
    """A lock could not be written."""


def wanted(name: str) -> list[str]:
    """What setup.cfg names for the lock *name*, sorted."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    extras = settings["options.extras_require"]
    return sorted(
        {
            requirement
            for extra in CONTENTS[name]
            for requirement in (
                extras[extra] if extra else settings["options"]["install_requires"]
            ).split()
        }
    )


def write_lock(name: str, *, upgrade: bool = False) -> None:
    """Write the lock *name* as a whole, or leave it as it was. Raises CannotLock."""
    path = LOCKS / f"{name}.txt"
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
        *("--default-index", INDEX, "--output-file", str(path)),
    ]
    if name in WITHOUT_PIP:
        command += ["--no-emit-package", "pip"]
    if upgrade:
        command += ["--upgrade"]
    if name != "dev":
        command += ["--constraint", str(LOCKS / "dev.txt")]
    # Another index, named in the environment or in a user's settings, may have other hashes.
    environ = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    environ["XDG_CONFIG_HOME"] = environ["XDG_CONFIG_DIRS"] = os.devnull
    done = subprocess.run(
        [*command, "-"],
        input="\n".join(wanted(name)).encode(),
        env=environ,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip()
        raise CannotLock(f"{path.relative_to(ROOT)} could not be written: {reason}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all locks.

    Returns the exit code: 2 after an error, which is a sentence on standard error.
    """
    parser = argparse.ArgumentParser(prog="lock", description="Writes the locks again.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    asked = parser.parse_args(arguments)
    LOCKS.mkdir(exist_ok=True)
    try:
        for name in CONTENTS:
            write_lock(name, upgrade=asked.upgrade)
    except CannotLock as why:
        print(why, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
