"""Tries Casedrop on a bare Debian of one release: `make quick`, `make demo` and its package.

    debian_root.py trixie build/debian     (`make debian RELEASE=trixie`, as root)

The root holds debootstrap's minimal system, make, git and a copy of the checkout's files; the
checkout's own Makefile must install everything else. What runs in it has its own processes and
mounts: they end with the one process that this one starts, however either ends.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

CHECKOUT = Path(__file__).resolve().parents[2]
# The newest first.
RELEASES = ("trixie", "bookworm")
MIRROR, SECURITY = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
# ca-certificates for PyPI; everybody who has a checkout also has git and make.
PACKAGES = ("ca-certificates", "git", "make")
STEPS = (("make", "quick"), ("make", "demo"), ("make", "try-deb"))
STEP_SECONDS = 3600.0
# The checkout's path inside the root.
INSIDE = "/srv/casedrop"
# Certificates that this computer trusts besides Debian's own, such as that of a proxy before PyPI.
CERTIFICATES = Path("/usr/local/share/ca-certificates")
# What a computer may need to reach PyPI.
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The root itself is changed, because the kernel makes no user namespace for a process that was only
# put into another root by chroot. Not `exec`: this shell is the first process inside, and reaps
# those that lose their parent.
_ENTER = """
mount --rbind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t sysfs -o ro sysfs "$1/sys" 2>/dev/null || true
cd "$1"; shift
pivot_root . .
umount --lazy .
cd /
"$@"
exit $?
"""


class CannotTry(Exception):
    """The root could not be made, or something failed in it."""


class _Ended(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP."""


def check() -> None:
    """Raise CannotTry if this is not root, or a program is missing."""
    if os.geteuid() != 0:
        raise CannotTry("Only root can make a bare Debian root: sudo make debian RELEASE=...")
    for program, package in (("debootstrap", "debootstrap"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            raise CannotTry(
                f"{program} is not on this computer; it is in the Debian package {package}."
            )


def try_release(release: str, place: Path) -> None:
    """Make the root of *release* in *place*, run STEPS in it, and remove it. Raises CannotTry."""
    root = place / release
    _remove(root)
    with ExitStack() as undo:
        undo.callback(_remove, root)
        root.mkdir(parents=True)
        _timed(
            f"a bare {release}",
            *("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
            *(release, str(root), MIRROR),
            quiet=True,
        )
        _equip(release, root)
        _inside(root, "its certificates", "update-ca-certificates", quiet=True)
        for step in STEPS:
            _inside(root, " ".join(step), *step)


def _equip(release: str, root: Path) -> None:
    sources = [
        f"deb {MIRROR} {release} main",
        f"deb {MIRROR} {release}-updates main",
        f"deb {SECURITY} {release}-security main",
    ]
    (root / "etc" / "apt" / "sources.list").write_text("\n".join(sources) + "\n", "utf-8")
    shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
    for certificate in CERTIFICATES.glob("*.crt"):
        shutil.copy(certificate, root / CERTIFICATES.relative_to("/"))
    target = root / INSIDE[1:]
    clone = ("git", "clone", "--quiet", "--depth", "1", f"file://{CHECKOUT}", str(target))
    subprocess.run(clone, check=True)
    # What has not been committed yet is to be tried too.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copy = CHECKOUT / name, target / name
        # Links to environments are left out.
        if source.is_file() and not source.is_symlink():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
        elif not source.exists():
            copy.unlink(missing_ok=True)


def _inside(root: Path, name: str, *command: str, quiet: bool = False) -> None:
    environ = {"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    environ |= {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    settings = [f"{key}={value}" for key, value in environ.items()]
    _timed(
        name,
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
        *("sh", "-ec", _ENTER, "sh", str(root), "env", "-i", "-C", INSIDE, *settings, *command),
        quiet=quiet,
    )


def _timed(name: str, *command: str, quiet: bool = False) -> None:
    print(f"=== {name}", flush=True)
    begun = time.monotonic()
    # A signal between its start and `try` would leave it running.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    # In its own session: Ctrl-C reaches only this process, which then ends that one and its
    # children.
    running = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        start_new_session=True,
        preexec_fn=_heed_signals,  # noqa: PLW1509 - there are no threads
    )
    try:
        _heed_signals()
        output, _ = running.communicate(timeout=STEP_SECONDS)
    except subprocess.TimeoutExpired:
        raise CannotTry(f"{name} took more than {STEP_SECONDS:.0f} s and was ended.") from None
    finally:
        if running.returncode is None:
            _end_all(running)
    if running.returncode != 0:
        last = output.decode("utf-8", "replace").strip().splitlines()[-1:] if output else []
        raise CannotTry(" ".join([f"{name} failed with exit code {running.returncode}.", *last]))
    print(f"=== {name}: {time.monotonic() - begun:.0f} s", flush=True)


def _heed_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _end_all(running: subprocess.Popen[bytes]) -> None:
    # debootstrap's children are in its session, and those of unshare die with it.
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def _remove(root: Path) -> None:
    if not root.exists():
        return
    # debootstrap mounts things of its own, and cannot unmount them when it is killed.
    mounted = [
        line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()
    ]
    for path in sorted(
        (path for path in mounted if path.startswith(f"{root.resolve()}/")), reverse=True
    ):
        subprocess.run(["umount", "--lazy", path], check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)


def _end(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise _Ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Try one release. Returns the exit code: 2 after an error, 130 after a signal."""
    parser = argparse.ArgumentParser(prog="debian_root", description="Tries a bare Debian.")
    parser.add_argument("release", choices=RELEASES)
    parser.add_argument("place", type=Path, help="the folder in which the root is made")
    asked = parser.parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _end)
    try:
        check()
        try_release(asked.release, asked.place.resolve())
    except CannotTry as why:
        print(why, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as why:
        print(
            f"{' '.join(map(str, why.cmd))} failed with exit code {why.returncode}.",
            file=sys.stderr,
        )
        return 2
    except _Ended:
        print("Stopped; the root was removed.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
