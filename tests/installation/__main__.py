"""Installs the Debian package in the root that this runs in, tries it, and removes it again.

    PYTHONPATH=tests:. .venv/bin/python -m installation --thrown-away build/deb/casedrop_*.deb

Only for a root that is thrown away: `make debian` makes one. No systemd runs there: a stand-in for
systemctl notes what it was asked for, and both rooms are started as their units say, each as its
own user.
"""

import grp
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.service import Service, values

from dropbox.lockdown import lacking
from scripts.release.debian_files import HOME, UNITS, files

CHECKOUT = Path(__file__).parents[2]
SETTINGS = Path("/etc/casedrop/settings.toml")
SECRET = Path("/etc/casedrop/secret")
ONION = f"{'casedrop' * 7}.onion"
# Writes the address when tor starts again, as tor would, and notes all that it was asked for.
SYSTEMCTL = f"""#!/bin/sh
echo "$*" >>/run/systemctl.asked
case "$*" in *restart*tor@default*)
    mkdir -p /var/lib/tor/casedrop
    echo {ONION} >/var/lib/tor/casedrop/hostname;;
esac
"""


def step(name: str) -> None:
    """Say what comes."""
    print(f"--- {name}", flush=True)


def run(*command: object, code: int = 0, user: str | None = None) -> str:
    """Run *command*, which has to end with *code*; what it said."""
    done = subprocess.run(
        [*map(str, command)],
        stdin=subprocess.DEVNULL,
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
    assert done.returncode == code, f"{command} ended with {done.returncode}: {done.stdout}"
    return done.stdout


def install(package: Path) -> None:
    """As the operator does."""
    run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", "--reinstall", package)


def ids(name: str) -> tuple[int, int]:
    """The ids of a user and its group."""
    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid


def check_files() -> None:
    """Users, modes, programs, and what systemd and tor say of what was installed."""
    step("users, folders, programs")
    for name in ("casedrop-front", "casedrop-vault", "casedrop-probe"):
        assert pwd.getpwnam(name).pw_shell == "/usr/sbin/nologin"
    grp.getgrnam("casedrop-courier")
    assert SECRET.stat().st_mode & 0o777 == 0o700 and SECRET.stat().st_uid == 0
    assert run("casedrop", "--version").startswith("casedrop ")
    assert run("casedrop-courier", "--help")
    assert list(Path(f"/{HOME}/lib").rglob("gunicorn/__pycache__/*.pyc")), "It is not compiled."
    assert "systemd does not run here" in run("casedrop", "setup", code=2)

    step("what systemd and tor say of their configuration")
    units = [Path(name).name for name in files() if Path(name).parent.name == "system"]
    said = run("systemd-analyze", "--no-pager", "verify", *units)
    assert "casedrop" not in said, said
    for room in ("front", "vault"):
        path = Path("/") / UNITS / f"casedrop-{room}.service"
        run("systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=10", path)
    tor = ("tor", "--defaults-torrc", "/usr/share/tor/tor-service-defaults-torrc")
    run(*tor, "-f", "/etc/tor/casedrop.torrc", "--RunAsDaemon", "0", "--verify-config")


def make_keys(folder: Path) -> Path:
    """A reviewer's public files, made by the ceremony; where they are."""
    step("a reviewer's keys")
    home, made = folder / "gnupg", folder / "made"
    home.mkdir(mode=0o700)
    ceremony = (sys.executable, "-m", "scripts.ceremony", "new", "--home", home)
    os.chdir(CHECKOUT)
    run(*ceremony, "--name", "blue", "--weeks", "4", "--unprotected", "--out", made)
    return next(path.parent for path in made.rglob("FINGERPRINTS"))


def set_up(keys: Path) -> None:
    """`casedrop setup`, twice."""
    step("casedrop setup, and again")
    Path("/run/systemd/system").mkdir(parents=True)
    stand_in = Path("/usr/local/sbin/systemctl")
    stand_in.write_text(SYSTEMCTL, "utf-8")
    stand_in.chmod(0o755)
    # Nobody has set up this kernel.
    waived = [word for part in lacking() for word in ("--waive", part)]
    said = run("casedrop", "setup", "--yes", "--keys", keys, *waived)
    assert f"The drop is open: http://{ONION}/" in said
    kept = {path: path.read_bytes() for path in Path("/etc/casedrop").rglob("*") if path.is_file()}
    run("casedrop", "setup", "--yes", "--keys", keys)
    assert kept == {
        path: path.read_bytes() for path in Path("/etc/casedrop").rglob("*") if path.is_file()
    }
    run("casedrop", "check", "--settings", SETTINGS)


def held(name: str) -> socket.socket:
    """The socket of a socket unit, as systemd makes it."""
    unit = f"casedrop-{name}.socket"
    [path], [user], [group] = (
        values(unit, setting) for setting in ("ListenStream", "SocketUser", "SocketGroup")
    )
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(path)
    os.chown(path, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
    Path(path).chmod(int(values(unit, "SocketMode")[0], 8))
    made.listen(16)
    return made


def credentials(room: str) -> Path:
    """The folder in which systemd hands a service its secrets."""
    folder = Path(f"/run/credentials/casedrop-{room}")
    folder.mkdir(parents=True)
    for line in values(f"casedrop-{room}.service", "LoadCredential"):
        name, _, source = line.partition(":")
        shutil.copy(source, folder / name)
        (folder / name).chmod(0o400)
        os.chown(folder / name, *ids(f"casedrop-{room}"))
    folder.chmod(0o500)
    os.chown(folder, *ids(f"casedrop-{room}"))
    return folder


@contextmanager
def serving() -> Iterator[None]:
    """Both rooms, once they have reported that they work."""
    # Where systemd runs, /run is in memory.
    Path("/run/casedrop-front").mkdir(mode=0o700)
    run("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", "/run/casedrop-front")
    for folder, user in (("/run/casedrop-front", "front"), ("/var/lib/casedrop", "vault")):
        Path(folder).mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, *ids(f"casedrop-{user}"))
    # What systemd makes read-only takes no time of reading; here nothing is. Nor has anybody set up
    # this kernel.
    os.environ["CASEDROP_LOCKDOWN_WAIVED"] = " ".join(("access", *lacking()))
    with ExitStack() as undo, tempfile.TemporaryDirectory(dir="/run") as reports:
        Path(reports).chmod(0o755)
        sockets = {name: undo.enter_context(held(name)) for name in ("front", "intake", "courier")}
        for room, names in (("vault", ("intake", "courier")), ("front", ("front",))):
            service = Service(
                f"casedrop-{room}.service",
                [sockets[name] for name in names],
                {"%d": str(credentials(room))},
                Path(reports),
                python=f"/{HOME}/bin/python",
                home=Path("/") / HOME,
                user=ids(f"casedrop-{room}"),
            )
            undo.callback(service.close)
            service.start()
            try:
                assert service.heard(60).startswith("READY=1")
            except TimeoutError:
                raise AssertionError(f"The {room} does not work: {service.said()}") from None
        yield


_VISIT = """
import socket, sys
with socket.socket(socket.AF_UNIX) as visitor:
    visitor.settimeout(30)
    visitor.connect(sys.argv[1])
    visitor.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
    print(visitor.recv(12).decode())
"""


def visit(path: str, request: str, user: str, code: int = 0) -> str:
    """What *user* is answered on the socket at *path*."""
    return run("/usr/bin/python3", "-c", _VISIT, path, request, user=user, code=code).strip()


def check_rooms() -> None:
    """Who is answered, and who is not."""
    step("front and vault, each as its own user")
    circuit = r"PROXY TCP6 fc00:dead:beef:4dad::0:42 ::1 66 80\r\n"
    page = rf"{circuit}GET /en/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n"
    status = r"GET /status HTTP/1.0\r\n\r\n"
    front, courier = "/run/casedrop/front.sock", "/run/casedrop/courier.sock"
    with serving():
        assert visit(front, page, "debian-tor") == "HTTP/1.1 200"
        assert visit(courier, status, "root") == "HTTP/1.0 200"
        for path, user in ((front, "nobody"), (courier, "casedrop-front"), (courier, "debian-tor")):
            assert "PermissionError" in visit(path, status, user, code=1)
        run("casedrop-courier", "pull", "--socket", courier, "--to", "/root")
        assert list(Path("/root").glob("casedrop-export-*"))
        assert not list(Path("/run/casedrop-front").glob("gnupg/S.*")), "An agent was started."
    for secret in (*SECRET.iterdir(), Path("/var/lib/casedrop/store.sqlite")):
        run("cat", secret, user="casedrop-front", code=1)


def check_removal(package: Path) -> None:
    """Again, removal and purge keep what was filed, until the answer is yes."""
    step("again, remove, purge")
    # As systemd has stopped all of them.
    Path("/run/systemd/system").rmdir()
    salt = (SECRET / "salt").read_bytes()
    install(package)
    run("apt-get", "-qq", "remove", "--yes", "casedrop")
    assert not Path("/usr/bin/casedrop").exists() and not Path(f"/{HOME}").exists()
    run("apt-get", "-qq", "purge", "--yes", "casedrop")
    assert (SECRET / "salt").read_bytes() == salt and Path("/var/lib/casedrop").exists()
    assert not Path("/etc/tor/casedrop.torrc").exists()

    install(package)
    chosen = "casedrop casedrop/purge-data boolean true"
    run("sh", "-c", f"echo '{chosen}' | debconf-set-selections")
    run("apt-get", "-qq", "purge", "--yes", "casedrop")
    for kept in ("/etc/casedrop", "/var/lib/casedrop", "/var/lib/tor/casedrop"):
        assert not Path(kept).exists(), f"{kept} is still there."


def main() -> None:
    """All of it, on the package that the command line names."""
    if sys.argv[1:2] != ["--thrown-away"] or len(sys.argv) != 3:
        sys.exit("This changes the system that it runs in: use `make debian`.")
    package = Path(sys.argv[2]).resolve()
    step(f"apt install {package.name}")
    install(package)
    check_files()
    with tempfile.TemporaryDirectory() as folder:
        set_up(make_keys(Path(folder)))
    check_rooms()
    check_removal(package)
    step("the package was installed, set up, run, and removed")


main()
