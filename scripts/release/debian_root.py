"""Tries Casedrop on a bare Debian of one release: `make quick`, `make demo` and its package.

    debian_root.py trixie build/debian     (`make debian RELEASE=trixie`, as root)

The root holds debootstrap's minimal system, make, git and a copy of the checkout's files; the
checkout's own Makefile must install everything else. Commands in it have their own processes and
mounts, which end with the one process that this program starts, however either ends. For the
package the root's own systemd is booted, so that the units run as on a server; tor has no network
there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

CHECKOUT = Path(__file__).resolve().parents[2]
# The newest first.
RELEASES = ("trixie", "bookworm")
MIRROR, SECURITY = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
# ca-certificates for PyPI; everybody who has a checkout also has git and make, and every server has
# systemd.
PACKAGES = ("ca-certificates", "git", "make", "systemd")
STEPS = ("quick", "demo", "try-deb")
# What needs a running systemd.
BOOTED = ("try-deb",)
STEP_SECONDS = 3600.0
BOOT_SECONDS = 90.0
_POLL_SECONDS = 0.2
# Debian's tor in the booted root, whichever configuration it has, gets no network.
ALONE = "[Service]\nPrivateNetwork=yes\n"
# The checkout's path inside the root.
INSIDE = "/srv/casedrop"
# Certificates that this computer trusts besides Debian's own, such as that of a proxy before PyPI.
CERTIFICATES = Path("/usr/local/share/ca-certificates")
# Variables that a computer may need to reach PyPI.
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
# The folders that systemd expects from whatever boots it in a container. Mounts are shared, so that
# its mounts for a service work; its control groups are below the one in which it starts.
_BOOT = """
mount --rbind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$1/run"
mount -t tmpfs -o mode=0755 tmpfs "$1/dev"
for device in null zero full random urandom tty; do
    cp -a "/dev/$device" "$1/dev/$device"
done
ln -s /proc/self/fd "$1/dev/fd"
mkdir "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$1/dev/shm"
cd "$1"
pivot_root . .
umount --lazy .
cd /
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""
# Begins in the control group $1.
_IN_GROUP = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
_OWN_SPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")


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


def try_release(release: str, place: Path, steps: Sequence[str] = STEPS) -> None:
    """Make the root of *release* in *place*, run *steps* in it, and remove it. Raises CannotTry."""
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
        for step in steps:
            if step in BOOTED:
                with _booted(root) as enter:
                    _timed(f"make {step}", *enter, *_settings(), "make", step)
            else:
                _inside(root, f"make {step}", "make", step)


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
    alone = root / "etc/systemd/system/tor@default.service.d/zz-alone.conf"
    alone.parent.mkdir(parents=True)
    alone.write_text(ALONE, "utf-8")
    target = root / INSIDE[1:]
    clone = ("git", "clone", "--quiet", "--depth", "1", f"file://{CHECKOUT}", str(target))
    subprocess.run(clone, check=True)
    # Uncommitted changes are tried, too.
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
    _timed(
        name,
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
        *("sh", "-ec", _ENTER, "sh", str(root), *_settings(), *command),
        quiet=quiet,
    )


def _settings() -> tuple[str, ...]:
    """The program that begins a command with a fresh environment, in the checkout."""
    environ = {"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    environ |= {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    return ("env", "-i", "-C", INSIDE, *(f"{key}={value}" for key, value in environ.items()))


@contextmanager
def _booted(root: Path) -> Iterator[tuple[str, ...]]:
    """Boot the root's own systemd as process 1; yields the command that enters its namespaces."""
    group = _control_group() / f"casedrop-{root.name}-{os.getpid()}"
    group.mkdir()
    with ExitStack() as undo:
        undo.callback(_remove_groups, group)
        spaces = ("unshare", *_OWN_SPACES, "--fork", "--kill-child", "--propagation", "private")
        running = subprocess.Popen(
            ["sh", "-ec", _IN_GROUP, "sh", group, *spaces, "sh", "-ec", _BOOT, "sh", root],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        undo.callback(_end_all, running)
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            enter = _way_in(running.pid, group)
            if enter is not None and _is_up(enter):
                break
            if running.poll() is not None or time.monotonic() > deadline:
                raise CannotTry("The root's systemd does not start.")
            time.sleep(_POLL_SECONDS)
        yield enter


def _control_group() -> Path:
    """The control group of this process in the unified hierarchy. Raises CannotTry."""
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            own = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
            [path] = [one.removeprefix("0::/") for one in own if one.startswith("0::")]
            return Path(place) / path
    raise CannotTry("This computer has no control groups of version 2: systemd cannot be booted.")


def _way_in(pid: int, group: Path) -> tuple[str, ...] | None:
    """The command that enters the namespaces of *pid*'s only child, once that is systemd."""
    try:
        [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        # Until then it sees this computer's files, and might reach this computer's systemd.
        if Path(f"/proc/{child}/comm").read_text("ascii").strip() != "systemd":
            return None
    except (OSError, ValueError):
        return None
    nsenter = ("nsenter", f"--target={child}", *_OWN_SPACES)
    return ("sh", "-ec", _IN_GROUP, "sh", str(group), *nsenter)


def _is_up(enter: Sequence[str]) -> bool:
    asked = [*enter, "systemctl", "is-system-running"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    # Degraded: a unit that a container has no use for.
    return done.stdout.strip() in ("running", "degraded")


def _remove_groups(group: Path) -> None:
    """Remove a control group and its subgroups, whose processes have been killed."""
    deadline = time.monotonic() + BOOT_SECONDS
    while group.exists():
        try:
            for path in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                path.rmdir()
            group.rmdir()
        except OSError:
            # The kernel has not finished ending all of them.
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


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
    parser.add_argument("--only", choices=STEPS, help="only this one of its targets")
    asked = parser.parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _end)
    try:
        check()
        try_release(asked.release, asked.place.resolve(), (asked.only,) if asked.only else STEPS)
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
