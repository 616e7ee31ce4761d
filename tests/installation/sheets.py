"""The operator's sheets, acted out as written with the package: docs/operations.

Each begins with an open drop and ends with one.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from installation.commands import (
    CHECKOUT,
    COURIER,
    SETTINGS,
    install,
    new_reviewer,
    pulled,
    run,
    step,
    wait_for,
)
from installation.visitor import Visitor
from scripts.rehearsal.claimant import File
from scripts.rehearsal.demo import Desk

STORE = Path("/var/lib/casedrop")
KEYS = Path("/etc/casedrop/keys")
ONION_KEY = Path("/var/lib/tor/casedrop/hs_ed25519_secret_key")
LOST_SERVER = CHECKOUT / "docs/operations/lost-server.md"
FILE_BYTES = 2**20


@dataclass(frozen=True)
class Acts:
    """What the sheets are acted out with: the drop *onion*, a *visitor*, the reviewer's *desk*.

    *folder* is for bundles and whatever else; *keys* are the reviewer's public files, *signer* is
    the home of the secret ones.
    """

    visitor: Visitor
    desk: Desk
    package: Path
    folder: Path
    keys: Path
    signer: Path
    onion: str

    def act_out(self, number: int) -> None:
        """All but the one for a seizure; *number* is that of the vault's next bundle."""
        flood(self.visitor, self.desk, self.folder, number)
        lost_key(self, number + 1)
        changed_address(self)
        flaw_in_tor(self.visitor)
        larger_disk(self.visitor, self.desk, self.folder, number + 2)
        lost_server(self, number + 3)
        lost_vault(self)


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


def lost_key(acts: Acts, number: int) -> None:
    """A reviewer who lost the key is removed from a drop that goes on."""
    step("the sheet for a lost key")
    other = new_reviewer("red", acts.folder / "red", acts.folder / "made")
    both = Path(shutil.copytree(acts.keys, acts.folder / "both"))
    for path in other.iterdir():
        with (both / path.name).open("ab") as file:
            file.write(path.read_bytes())
    run("casedrop", "setup", "--yes", "--keys", both)
    assert seals_to() == 2

    for path in KEYS.glob("red.*"):
        path.unlink()
    pins = (KEYS / "FINGERPRINTS").read_text("utf-8").splitlines(keepends=True)
    (KEYS / "FINGERPRINTS").write_text("".join(pin for pin in pins if "red" not in pin), "utf-8")
    assert "from now on: 1." in run("casedrop", "reload", "--settings", SETTINGS)
    assert seals_to() == 1
    acts.visitor.file("Filed after a key was lost.")
    assert pulled(acts.desk, acts.folder, number)[0] == 1
    backed_up(acts.folder / "keys.gpg")


def seals_to() -> int:
    """To how many reviewers the running drop seals."""
    told = json.loads(run("casedrop", "status", "--settings", SETTINGS, "--json", code=None))
    [said] = [one["sentence"] for one in told["parts"] if one["part"] == "reviewers"]
    return int(re.fullmatch(r"It seals to all (\d+) in .*", said)[1])  # type: ignore[index]


def changed_address(acts: Acts) -> None:
    """The first page names the next address, which a reviewer signed, and none of another drop."""
    step("the sheet for a changed address")
    new, before = "n" * 56 + ".onion", SETTINGS.read_text("utf-8")
    setting = '[site]\nnext_address = "next-address"\n'
    SETTINGS.write_text(before.replace("[site]\n", setting), "utf-8")
    restart()
    assert new not in first_page(acts.visitor)
    for old, code in ((acts.onion, 0), ("o" * 56 + ".onion", 2)):
        line = acts.folder / "next-address"
        line.write_text(f"casedrop next address 1 {old} {new}\n", "ascii")
        line.with_suffix(".sig").unlink(missing_ok=True)
        run("gpg", "--batch", "--homedir", acts.signer, "--detach-sign", line)
        run("cp", line, line.with_suffix(".sig"), SETTINGS.parent)
        run("casedrop", "reload", "--settings", SETTINGS, code=code)
        assert new in first_page(acts.visitor)
    for name in ("next-address", "next-address.sig"):
        SETTINGS.with_name(name).unlink()
    SETTINGS.write_text(before, "utf-8")
    restart()


def first_page(visitor: Visitor) -> str:
    """What it says, without spaces."""
    with visitor.browser() as browser:
        return browser.get("/en/").text.replace(" ", "")


def flaw_in_tor(visitor: Visitor) -> None:
    """The drop is closed until there is a tor that is safe."""
    step("the sheet for a flaw in tor")
    run("systemctl", "stop", "casedrop-front.socket", "casedrop-front", "tor@default")
    assert not visitor.is_answered()
    run("casedrop", "setup", "--yes")
    assert visitor.is_answered()


def lost_server(acts: Acts, number: int) -> None:
    """An archive with the vault becomes the same drop on a machine that has only the package."""
    step("the sheet for a lost server, with the vault")
    acts.visitor.file("Filed before the server was lost.")
    archive, restored = acts.folder / "archive.gpg", acts.folder / "restored"
    stop()
    words = backed_up(archive, "--with-vault")
    lose(acts)
    run("casedrop", "restore", archive, restored, typed=f"{words}\n{number - 1}\n")
    run("casedrop", "check", "--settings", restored / "settings.toml")
    (*before, last), also = block(LOST_SERVER), block(LOST_SERVER, 1)
    assert last.startswith("casedrop setup ") and "DIR/vault" in also[1]
    script = "\n".join([*before, *also, last]).replace("DIR", str(restored))
    run("sh", "-ec", script)
    wait_for("The restored drop is not open.", acts.visitor.is_answered)
    assert pulled(acts.desk, acts.folder, number)[0] == 1


def lost_vault(acts: Acts) -> None:
    """An archive without the vault: the desk takes the new one on the operator's word."""
    step("the sheet for a lost server, without the vault")
    archive, restored = acts.folder / "small.gpg", acts.folder / "small"
    words = backed_up(archive)
    lose(acts)
    run("casedrop", "restore", archive, restored, typed=f"{words}\n")
    run("casedrop", "check", "--settings", restored / "settings.toml")
    run("sh", "-ec", "\n".join(block(LOST_SERVER)).replace("DIR", str(restored)))
    known = json.loads(acts.desk.run("status", "--json"))
    said = f"{known['last_vault']}\n{known['last_export_bundle']}\nThe disk broke.\n"
    run("casedrop", "lost-vault", "--settings", SETTINGS, typed=said)
    restart()
    wait_for("The drop with a new vault is not open.", acts.visitor.is_answered)
    acts.visitor.file("Filed after the disk broke.")
    assert pulled(acts.desk, acts.folder / "new", 1, "--accept-new-vault")[0] == 1


def lose(acts: Acts) -> None:
    """Another machine: nothing of the drop is there, and the package is installed."""
    # A purge that met a mounted folder would break off, and its answer would count for the next.
    for place in (STORE, acts.folder / "disk"):
        if place.is_mount():
            run("umount", place)
    run("sh", "-c", "echo 'casedrop casedrop/purge-data boolean true' | debconf-set-selections")
    run("apt-get", "-qq", "purge", "--yes", "casedrop")
    assert not STORE.exists() and not SETTINGS.exists()
    install(acts.package)


def seizure(onion: str) -> None:
    """Nothing is left, and nothing runs; it ends with no drop."""
    step("the sheet for a seizure")
    run("casedrop", "setup", "--yes")
    run("casedrop", "wipe", "--settings", SETTINGS, typed=f"{onion}\n")
    for unit in ("casedrop-front.socket", "casedrop-vault.service", "tor@default.service"):
        state = run("systemctl", "show", "--value", "-p", "ActiveState", unit).strip()
        assert state in ("inactive", "failed"), (unit, state)
    left = [path for folder in (SETTINGS.parent, STORE) for path in folder.rglob("*")]
    assert not [path for path in left if path.is_file()] and not ONION_KEY.exists()
    assert "nothing left" in run("casedrop", "wipe", "--settings", SETTINGS, code=2)


def block(sheet: Path, number: int = 0) -> list[str]:
    """The commands of one of a sheet's blocks, one a line but for what is between quotes."""
    blocks = re.findall(r"```\n(.*?)```", sheet.read_text("utf-8"), re.DOTALL)
    return re.findall(r"\S(?:'[^']*'|[^'\n])*", blocks[number])


def backed_up(archive: Path, *more: str) -> str:
    """Back up, typing what is shown; the words."""
    command = ("casedrop", "backup", "--settings", str(SETTINGS), *more, str(archive))
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
