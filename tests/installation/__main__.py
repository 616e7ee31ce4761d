"""Installs the Debian package in the root that this runs in, tries it, and removes it again.

    PYTHONPATH=tests:. .venv/bin/python -m installation --thrown-away build/deb/casedrop_*.deb

Only for a root that is thrown away, whose systemd runs and whose tor has no network: `make debian`
makes one.
"""

import grp
import pwd
import re
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from dropbox.lockdown import lacking
from installation import sheets
from installation.commands import (
    COURIER,
    SECRET,
    SETTINGS,
    ids,
    install,
    new_reviewer,
    pulled,
    run,
    step,
    wait_for,
)
from installation.visitor import FRONT, Visitor
from scripts.rehearsal.demo import CAMPAIGN, Desk
from scripts.release.debian_files import HOME, UNITS, files

ROOMS = ("front", "vault")
SOCKETS = ("front", "intake", "courier")


def newer(package: Path, folder: Path) -> Path:
    """The same package under the next version."""
    run("dpkg-deb", "--raw-extract", package, folder / "root")
    control = folder / "root" / "DEBIAN" / "control"
    text, version = control.read_text("utf-8"), version_of(package)
    control.write_text(text.replace(f"Version: {version}\n", f"Version: {version}.1\n"), "utf-8")
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", folder / "root", folder / "new.deb")
    return folder / "new.deb"


def version_of(package: Path) -> str:
    """The version of a package."""
    return run("dpkg-deb", "--field", package, "Version").strip()


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
    assert "Without the reviewers" in run("casedrop", "setup", "--yes", *waived(), code=2)

    step("what systemd and tor say of their configuration")
    units = [Path(name).name for name in files() if Path(name).parent.name == "system"]
    said = run("systemd-analyze", "--no-pager", "verify", *units)
    assert "casedrop" not in said, said
    for room in ("front", "vault"):
        path = Path("/") / UNITS / f"casedrop-{room}.service"
        run("systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=10", path)
    tor = ("tor", "--defaults-torrc", "/usr/share/tor/tor-service-defaults-torrc")
    run(*tor, "-f", "/etc/tor/casedrop.torrc", "--RunAsDaemon", "0", "--verify-config")


def waived() -> list[str]:
    """The parts of the lockdown that this kernel lacks, which nobody has set up."""
    return [word for part in lacking() for word in ("--waive", part)]


def set_up(keys: Path) -> tuple[str, str]:
    """`casedrop setup`, twice; the address, and the server's key."""
    step("casedrop setup, and again")
    said = run("casedrop", "setup", "--yes", "--keys", keys, *waived())
    onion = Path("/var/lib/tor/casedrop/hostname").read_text("ascii").strip()
    assert f"The drop is open: http://{onion}/" in said
    kept = {path: path.read_bytes() for path in Path("/etc/casedrop").rglob("*") if path.is_file()}
    run("casedrop", "setup", "--yes", "--keys", keys)
    assert kept == {
        path: path.read_bytes() for path in Path("/etc/casedrop").rglob("*") if path.is_file()
    }
    run("casedrop", "check", "--settings", SETTINGS)
    return onion, said.split("the key of the server:")[1].split()[0]


_CALL = """
import socket, sys
with socket.socket(socket.AF_UNIX) as visitor:
    visitor.settimeout(30)
    visitor.connect(sys.argv[1])
    visitor.sendall(b"GET /status HTTP/1.0\\r\\n\\r\\n")
    print(visitor.recv(12).decode())
"""


def call(path: Path, user: str, code: int = 0) -> str:
    """What *user* is answered on the socket at *path*."""
    return run("/usr/bin/python3", "-c", _CALL, path, user=user, code=code).strip()


def shown(unit: str, name: str) -> str:
    """What systemd says of a unit."""
    return run("systemctl", "show", "--value", f"--property={name}", unit).strip()


def main_process(room: str) -> Path:
    """The folder in /proc of a room's first process."""
    return Path("/proc") / shown(f"casedrop-{room}.service", "MainPID")


def check_rooms(visitor: Visitor) -> None:
    """Who is answered, and who is not."""
    step("front and vault, each as its own user")
    assert visitor.is_answered()
    assert call(COURIER, "root") == "HTTP/1.0 200"
    call(FRONT, "debian-tor")
    for path, user in ((FRONT, "nobody"), (COURIER, "casedrop-front"), (COURIER, "debian-tor")):
        assert "PermissionError" in call(path, user, code=1)
    assert not list(Path("/run/casedrop-front").glob("gnupg/S.*")), "An agent was started."
    for secret in (*SECRET.iterdir(), Path("/var/lib/casedrop/store.sqlite")):
        run("cat", secret, user="casedrop-front", code=1)


def check_walls() -> None:
    """What systemd has put around each room."""
    step("what systemd puts around them")
    outside = Path("/proc/self/ns/net").readlink()
    for room in ROOMS:
        process = main_process(room)
        lines = (process / "status").read_text("utf-8").splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        user, group = map(str, ids(f"casedrop-{room}"))
        assert status["Uid"].split() == [user] * 4 and status["Gid"].split() == [group] * 4
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        assert int(status["CapEff"], 16) == 0
        assert (process / "ns" / "net").readlink() != outside
        limits = (process / "limits").read_text("utf-8")
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
        mounts = (process / "mountinfo").read_text("utf-8").splitlines()
        flags = {line.split()[4]: line.split()[5].split(",") for line in mounts}
        assert "ro" in flags["/"] and "ro" in flags["/run"]
        assert "rw" in flags["/tmp"] and "rw" in flags["/var/tmp"]
        credentials = f"/run/credentials/casedrop-{room}.service"
        assert "ro" in flags[credentials]
        # Their own folder is all that they can write to, and root's is none of theirs.
        own, other = ("/run/casedrop-front", "/var/lib/casedrop")[:: 1 if room == "front" else -1]
        assert "rw" in flags[own] and "rw" not in flags.get(other, ["ro"])
        inside = ("nsenter", f"--target={process.name}", "--mount", "ls")
        for hidden in ("/etc/casedrop/secret", "/var/lib/tor"):
            run("setpriv", f"--reuid={user}", "--clear-groups", *inside, hidden, code=1)


def check_restarts(visitor: Visitor) -> None:
    """A restart refuses nobody, what was killed comes back, a wrong configuration stays down."""
    step("restarts")
    run("systemctl", "restart", "--no-block", "casedrop-front", "casedrop-vault")
    assert visitor.is_answered()
    for room in ROOMS:
        run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", f"casedrop-{room}")
    wait_for("The rooms do not come back.", visitor.is_answered)
    text = SETTINGS.read_text("utf-8")
    SETTINGS.write_text(text.replace('keys = "keys"', 'keys = "nowhere"'), "utf-8")
    run("systemctl", "restart", "casedrop-front", code=1)
    assert shown("casedrop-front.service", "ExecMainStatus") == "2"
    assert shown("casedrop-front.service", "ActiveState") == "failed"
    SETTINGS.write_text(text, "utf-8")
    run("systemctl", "reset-failed")
    run("casedrop", "setup", "--yes")
    assert visitor.is_answered()
    said = run("casedrop", "reload", "--settings", SETTINGS)
    assert visitor.is_answered(), said


# It becomes another user, as a program for mail does, and says what it sees of the drop.
_SENDMAIL = """\
#!/bin/sh
exec >/var/spool/mailed 2>&1
echo "$@"; cat; ls /etc/casedrop /var/lib/casedrop /var/lib/tor /run/tor
exec setpriv --reuid=mail --regid=mail --clear-groups touch /var/mail/sent
"""


def check_mail() -> None:
    """An alarm is mailed with no other change than the address, by what sees nothing of the drop.

    tor has no network here, so there is an alarm at the first look.
    """
    step("mail about alarms")
    # Not in /tmp: the unit has one of its own.
    sendmail, text = Path("/usr/local/sbin/sendmail"), SETTINGS.read_text("utf-8")
    sendmail.write_text(_SENDMAIL, "utf-8")
    sendmail.chmod(0o755)
    Path("/var/mail").chmod(0o1777)
    alarms = f'\n[alarms]\nmail_to = "operator@example.org"\nsendmail = "{sendmail}"\n'
    SETTINGS.write_text(text + alarms, "utf-8")
    run("systemctl", "start", "casedrop-watch")
    wait_for("No alarm is mailed.", Path("/var/mail/sent").exists)
    mailed = Path("/var/spool/mailed").read_text("utf-8")
    assert mailed.startswith("-i -- operator@example.org\n") and "begins: tor: " in mailed, mailed
    assert "settings.toml" not in mailed and "store" not in mailed and "control" not in mailed
    assert not Path("/var/lib/casedrop-watch/mail.json").exists()
    SETTINGS.write_text(text, "utf-8")


def check_memory(folder: Path) -> None:
    """A vault whose unit allows too little memory for a bundle says so instead of being ended."""
    if not Path("/sys/fs/cgroup/system.slice/casedrop-vault.service/memory.max").exists():
        step("this kernel has no limit of memory for a unit: nothing to try")
        return
    step("a vault with too little memory for a bundle")
    for limit, refused in (("300M", True), ("2G", False)):
        run("systemctl", "set-property", "--runtime", "casedrop-vault", f"MemoryMax={limit}")
        run("systemctl", "restart", "casedrop-vault")
        told = run("casedrop", "status", "--settings", SETTINGS, "--json", code=None)
        assert ("A bundle cannot be made any more" in told) == refused, told
        if refused:
            pull = ("casedrop-courier", "pull", "--socket", COURIER, "--to", folder)
            assert "MemoryMax" in run(*pull, code=2)


def check_upgrade(visitor: Visitor, desk: Desk, package: Path, folder: Path) -> None:
    """What was filed outlives an upgrade and the way back, with the store and with its copy."""
    step("an upgrade, and back")
    version = version_of(package)
    visitor.file("Filed before the upgrade.")
    install(newer(package, folder))
    assert run("casedrop-courier", "--help") and visitor.is_answered()
    copy = Path(f"/var/lib/casedrop-copy/{version}.gpg")
    assert copy.stat().st_size > Path("/var/lib/casedrop/store.sqlite").stat().st_size // 2
    visitor.file("Filed after the upgrade.")
    assert pulled(desk, folder, 1) == (2, 0)

    install(package, "--allow-downgrades")
    wait_for("It is not open after the way back.", visitor.is_answered)
    assert pulled(desk, folder, 2) == (0, 2)

    step("back from a store that this version cannot use")
    run("systemctl", "stop", *(f"casedrop-{name}.socket" for name in SOCKETS))
    with closing(sqlite3.connect("/var/lib/casedrop/store.sqlite")) as store:
        store.execute("PRAGMA user_version = 99")
    run("systemctl", "start", "casedrop-vault", code=1)
    run("casedrop", "rollback", typed="go back\n2\n")
    wait_for("It is not open with the copy.", visitor.is_answered)
    # Another vault, which has a series of bundles of its own.
    assert pulled(desk, folder / "again", 1, "--accept-new-vault") == (0, 1)


def check_removal(package: Path, onion: str) -> None:
    """Again, removal and purge keep what was filed, until the answer is yes."""
    step("again, remove, purge")
    salt = (SECRET / "salt").read_bytes()
    install(package, "--reinstall")
    run("apt-get", "-qq", "remove", "--yes", "casedrop")
    assert not Path("/usr/bin/casedrop").exists() and not Path(f"/{HOME}").exists()
    for unit in (*(f"{name}.socket" for name in SOCKETS), *(f"{name}.service" for name in ROOMS)):
        assert shown(f"casedrop-{unit}", "ActiveState") != "active"
    run("apt-get", "-qq", "purge", "--yes", "casedrop")
    assert (SECRET / "salt").read_bytes() == salt and Path("/var/lib/casedrop").exists()
    assert not Path("/etc/tor/casedrop.torrc").exists()

    install(package)
    sheets.seizure(onion)
    chosen = "casedrop casedrop/purge-data boolean true"
    run("sh", "-c", f"echo '{chosen}' | debconf-set-selections")
    run("apt-get", "-qq", "purge", "--yes", "casedrop")
    data = ("casedrop", "casedrop-copy", "casedrop-probe", "casedrop-watch", "tor/casedrop")
    for kept in ("/etc/casedrop", *(f"/var/lib/{name}" for name in data)):
        assert not Path(kept).exists(), f"{kept} is still there."


def main() -> None:
    """All of it, on the package that the command line names."""
    if sys.argv[1:2] != ["--thrown-away"] or len(sys.argv) != 3:
        sys.exit("This changes the system that it runs in: use `make debian`.")
    if not Path("/run/systemd/system").is_dir():
        sys.exit("systemd does not run here: use `make debian`.")
    package = Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        step("a reviewer's keys")
        keys = new_reviewer("blue", folder / "gnupg", folder / "made")
        begun = time.monotonic()
        step(f"apt install {package.name}")
        install(package)
        installed = time.monotonic()
        check_files()
        set_up_begun = time.monotonic()
        onion, server_key = set_up(keys)
        visitor = Visitor(onion)
        assert visitor.is_answered()
        taken = installed - begun + time.monotonic() - set_up_begun
        step(f"from `apt install` to an open drop, without what people do: {taken:.0f} s")
        desk = Desk(folder / "casebook", folder / "gnupg")
        desk.run("init", "--server-key", server_key, "--campaign", str(CAMPAIGN), "--desk", "0")
        try:
            check_rooms(visitor)
            check_walls()
            check_restarts(visitor)
            check_mail()
            check_memory(folder)
            check_upgrade(visitor, desk, package, folder)
            # The vault went back to its copy, which has a series of bundles of its own.
            signer = folder / "gnupg"
            acts = sheets.Acts(visitor, desk, package, folder / "again", keys, signer, onion)
            acts.act_out(number=2)
        except BaseException:
            print(run("journalctl", "--no-pager", "--lines=60", "--output=short-monotonic"))
            raise
    check_removal(package, onion)
    step("the package was installed, set up, run, upgraded, and removed")


if __name__ == "__main__":
    main()
