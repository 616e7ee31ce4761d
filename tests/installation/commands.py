"""What an operator runs on a machine with the package, and what is found of it."""

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scripts.rehearsal.demo import Desk

CHECKOUT = Path(__file__).parents[2]
SETTINGS = Path("/etc/casedrop/settings.toml")
SECRET = Path("/etc/casedrop/secret")
COURIER = Path("/run/casedrop/courier.sock")


def step(name: str) -> None:
    """Say what comes."""
    print(f"--- {name}", flush=True)


def run(*command: object, code: int | None = 0, user: str | None = None, typed: str = "") -> str:
    """Run *command*, which gets *typed* and has to end with *code*, if it is given; its words."""
    done = subprocess.run(
        [*map(str, command)],
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        user=user,
        group=ids(user)[1] if user else None,
        extra_groups=[] if user else None,
        env={
            "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        },
    )
    assert code in (None, done.returncode), f"{command} ended with {done.returncode}: {done.stdout}"
    return done.stdout


def install(package: Path, *more: str) -> None:
    """As the operator does."""
    options = ("--yes", "--no-install-recommends", *more)
    run("apt-get", "-qq", "install", *options, package)


def new_reviewer(name: str, home: Path, made: Path) -> Path:
    """A reviewer's public files, made by the ceremony; where they are."""
    home.mkdir(mode=0o700)
    os.chdir(CHECKOUT)
    ceremony = (sys.executable, "-m", "scripts.ceremony", "new", "--home", home)
    run(*ceremony, "--name", name, "--weeks", "4", "--unprotected", "--out", made)
    return next(path.parent for path in made.rglob("FINGERPRINTS"))


def ids(name: str) -> tuple[int, int]:
    """The ids of a user and its group."""
    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid


def pulled(desk: Desk, folder: Path, number: int, *more: str) -> tuple[int, int]:
    """How many parts of bundle *number* are new to the desk, and how many it knows."""
    folder.mkdir(exist_ok=True)
    run("casedrop-courier", "pull", "--socket", COURIER, "--to", folder)
    bundle = folder / f"casedrop-export-{number:06d}"
    opened = json.loads(desk.run("import", str(bundle), *more, "--json"))
    assert (opened["number"], opened["findings"]) == (number, []), opened
    return opened["parts"], opened["known"]


def wait_for(what: str, is_so: Callable[[], bool], seconds: float = 90) -> None:
    """Until it is so, or AssertionError with *what*."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(1)
