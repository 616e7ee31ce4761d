"""The operator's sheets, acted out as written with the package: docs/operations.

Each begins with an open drop and ends with one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from installation.commands import (
    CHECKOUT,
    COURIER,
    SETTINGS,
    install,
    pulled,
    run,
    step,
    wait_for,
)
from installation.visitor import Visitor
from scripts.rehearsal.claimant import File
from scripts.rehearsal.demo import Desk

STORE = Path("/var/lib/casedrop")
FILE_BYTES = 2**20


def act_out(visitor: Visitor, desk: Desk, package: Path, folder: Path, number: int) -> None:
    """All of them; *number* is of the next bundle of the vault, which are in *folder*."""
    flood(visitor, desk, folder, number)
    larger_disk(visitor, desk, folder, number + 1)
    lost_server(visitor, desk, package, folder, number + 2)


def restart() -> None:
    """As docs/operations/README.md has it."""
    run("systemctl", "restart", "casedrop-front", "casedrop-vault")


def stop() -> None:
    """As docs/operations/README.md has it."""
    run("systemctl", "stop", "casedrop-*.socket")
    for room in ("front", "vault"):
        state = run("systemctl", "show", "--value", "-p", "ActiveState", f"casedrop-{room}.service")
        assert state.strip() == "inactive"


def flood(visitor: Visitor, desk: Desk, folder: Path, number: int) -> None:
    """Smaller files, a shorter time of grace, and room after an acknowledgement."""
    step("the sheet for a flood")
    before = SETTINGS.read_text("utf-8")
    text = before.replace("[vault]\n", "[vault]\ngrace_days = 1\n")
    SETTINGS.write_text(f"{text}\n[limits]\nfile_bytes = {FILE_BYTES}\nfiles = 2\n", "utf-8")
    run("casedrop", "check", "--settings", SETTINGS)
    restart()
    visitor.file("Filed in a flood.")
    with visitor.browser() as browser:
        large = File("a.bin", "", bytes(FILE_BYTES + 1))
        form = browser.get("/en/report").form()
        refused = browser.send(form, {"category": "c1", "text": "Kept."}, files=[large])
    assert refused.status == 413 and refused.form().value("text") == "Kept.", refused.text
    assert "larger than 1 MB" in refused.text
    assert pulled(desk, folder, number)[0] == 1
    replies = folder / "acknowledgement.tar"
    desk.run("export-replies", str(replies), "--yes")
    run("casedrop-courier", "push", "--socket", COURIER, replies)
    told = json.loads(run("casedrop", "status", "--settings", SETTINGS, "--json", code=None))
    said = [one["sentence"] for one in told["parts"] if one["part"] == "acknowledgement"]
    # A day is acknowledged once it is over: this one has only been fetched.
    assert "acknowledged nothing. The last reply bundle came on 20" in said[0], told
    SETTINGS.write_text(before, "utf-8")
    restart()


def larger_disk(visitor: Visitor, desk: Desk, folder: Path, number: int) -> None:
    """The vault moves to another file system, and the old one keeps nothing."""
    step("the sheet for a full disk: a larger one")
    disk = folder / "disk"
    disk.mkdir()
    # In memory: this root has no disks. So it cannot be mounted anew, but at a second place.
    run("mount", "-t", "tmpfs", "-o", "noatime", "larger", disk)
    script = "\n".join(block(CHECKOUT / "docs/operations/full-disk.md"))
    script = script.replace("/mnt", str(disk)).replace(f"umount {disk}\n", "")
    script = script.replace("mount -o noatime DISK ", f"mount --bind {disk} ")
    assert "DISK" not in script and "umount" not in script
    run("sh", "-ec", script)
    wait_for("It is not open on the larger disk.", visitor.is_answered)
    visitor.file("Filed on the larger disk.")
    assert pulled(desk, folder, number)[0] == 1


def lost_server(visitor: Visitor, desk: Desk, package: Path, folder: Path, number: int) -> None:
    """An archive with the vault becomes the same drop on a machine that has only the package."""
    step("the sheet for a lost server, with the vault")
    visitor.file("Filed before the server was lost.")
    archive, restored = folder / "archive.gpg", folder / "restored"
    stop()
    words = backed_up(archive)
    # A purge that met a mounted folder would break off, and its answer would count for the next.
    for place in (STORE, folder / "disk"):
        if place.is_mount():
            run("umount", place)
    run("sh", "-c", "echo 'casedrop casedrop/purge-data boolean true' | debconf-set-selections")
    run("apt-get", "-qq", "purge", "--yes", "casedrop")
    assert not STORE.exists() and not SETTINGS.exists()

    install(package)
    run("casedrop", "restore", archive, restored, typed=f"{words}\n{number - 1}\n")
    run("casedrop", "check", "--settings", restored / "settings.toml")
    sheet = CHECKOUT / "docs/operations/lost-server.md"
    (*before, last), also = block(sheet), block(sheet, 1)
    assert last.startswith("casedrop setup ") and "DIR/vault" in also[1]
    script = "\n".join([*before, *also, last]).replace("DIR", str(restored))
    run("sh", "-ec", script)
    wait_for("The restored drop is not open.", visitor.is_answered)
    assert pulled(desk, folder, number)[0] == 1


def block(sheet: Path, number: int = 0) -> list[str]:
    """The commands of one of a sheet's blocks, one a line but for what is between quotes."""
    blocks = re.findall(r"```\n(.*?)```", sheet.read_text("utf-8"), re.DOTALL)
    return re.findall(r"\S(?:'[^']*'|[^'\n])*", blocks[number])


def backed_up(archive: Path) -> str:
    """Back up with the vault, typing what is shown; the words."""
    command = ("casedrop", "backup", "--settings", str(SETTINGS), "--with-vault", str(archive))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    ) as made:
        assert made.stdin is not None and made.stdout is not None
        shown = next(line for line in made.stdout if line.startswith("    "))
        made.stdin.write(shown.strip() + "\n")
        made.stdin.close()
        said = made.stdout.read()
    assert made.returncode == 0, said
    return shown.strip()
