"""Sets up the Debian package's drop: asks what it must know, does the rest, opens the drop.

    casedrop setup [--keys DIR] [--campaign FILE] [--waive PART] [--yes]

Running it again is harmless: the salt, the export key and the onion's key stay; reviewers' keys and
campaign are replaced by those given. Everything given is checked before anything is changed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.command_line import CannotRun
from scripts.operator.export_key import read_export_key
from scripts.operator.typed import answer

HELP = "set up the drop of the Debian package, and open it"

SOCKETS = ("casedrop-intake.socket", "casedrop-courier.socket", "casedrop-front.socket")
SERVICES = ("casedrop-vault.service", "casedrop-front.service")
TIMERS = ("casedrop-watch.timer", "casedrop-probe.timer")
TOR = "tor@default.service"
# A new tor makes the onion's key before it joins the network.
HOSTNAME_SECONDS = 60.0
_POLL_SECONDS = 0.2
_UNKNOWN = f"{'a' * 56}.onion"

_TEMPLATE = """\
# The settings of this drop. Relative paths are relative to this file.
# docs/operator.md explains all; `casedrop check --settings FILE` finds mistakes in them.

[site]
onion = "{onion}"
# Never change the salt: all codenames given so far would stop working.
salt_file = "secret/salt"
keys = "keys"
{campaign}
[front]
gnupg_home = "/run/casedrop-front/gnupg"
key_memory = "/run/casedrop-front/keys"

[vault]
intake_socket = "/run/casedrop/intake.sock"
courier_socket = "/run/casedrop/courier.sock"
store = "sqlite:/var/lib/casedrop/store.sqlite"
export_key = "secret/export.key"
front_user = "casedrop-front"
# Users who may fetch bundles besides root; they also have to be in the group casedrop-courier.
# courier_users = []
{waived}"""
_OWN_CAMPAIGN = 'campaign = "campaign.toml"\n'


@dataclass(frozen=True)
class Machine:
    """Where the package is installed. *root* is / except in tests; *systemctl* runs that
    program.
    """

    root: Path
    systemctl: Callable[..., None]

    @property
    def settings(self) -> Path:
        """The drop's settings file."""
        return self.root / "etc/casedrop/settings.toml"

    @property
    def secret(self) -> Path:
        """The folder of the salt and the export key, which only root may enter."""
        return self.root / "etc/casedrop/secret"

    @property
    def export_key(self) -> Path:
        """The key that signs export bundles."""
        return self.secret / "export.key"

    @property
    def keys(self) -> Path:
        """The folder of the reviewers' public keys."""
        return self.root / "etc/casedrop/keys"

    @property
    def changing(self) -> Path:
        """A file that exists while keys or campaign have changed and the rooms have not
        restarted.
        """
        return self.secret / "changing"

    @property
    def campaign(self) -> Path:
        """The drop's own campaign file, if it has one."""
        return self.root / "etc/casedrop/campaign.toml"

    @property
    def hostname(self) -> Path:
        """The file in which tor writes the address."""
        return self.root / "var/lib/tor/casedrop/hostname"


@dataclass(frozen=True)
class Given:
    """What the operator gave; None: unchanged. Both have been checked."""

    keys: Path | None
    campaign: Path | None
    waived: tuple[str, ...] = ()  # parts of the lockdown, for settings that are new


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="the folder with the reviewers' public files and FINGERPRINTS",
    )
    parser.add_argument("--campaign", type=Path, metavar="FILE", help="a campaign file of your own")
    parser.add_argument(
        "--waive",
        action="append",
        default=[],
        metavar="PART",
        help="open the drop although this machine lacks this part of the lockdown",
    )
    parser.add_argument(
        "--yes", action="store_true", help="ask nothing: the fingerprints have been compared"
    )


def run(asked: argparse.Namespace) -> None:
    """Set up. Raises CannotRun, or the error that names what is wrong in what was given."""
    machine = Machine(Path("/"), systemctl)
    _check_machine(machine)
    _check_kernel(machine, asked.waive)
    if machine.export_key.exists():
        read_export_key(machine.export_key)
    put_back_keys(machine.keys)
    set_up(machine, _given(machine, asked))


def set_up(machine: Machine, given: Given) -> None:
    """Write what is missing, start everything, print what to tell reviewers. Raises CannotRun."""
    _take(machine, given)
    exported = _make_secrets(machine)
    machine.systemctl("daemon-reload")
    # At first it runs with Debian's own configuration.
    machine.systemctl("start" if machine.hostname.exists() else "restart", TOR)
    onion = _address(machine)
    _write_settings(machine, onion, given.waived)
    machine.systemctl("reset-failed")
    machine.systemctl("enable", "--now", *SOCKETS)
    # A restart also starts what is not running yet, so that nothing is started twice.
    if machine.changing.exists():
        machine.systemctl("restart", *SERVICES)
        machine.changing.unlink()
    machine.systemctl("enable", "--now", *SERVICES, *TIMERS)
    _tell(machine, onion, exported)


def _check_machine(machine: Machine) -> None:
    if os.geteuid() != 0:
        raise CannotRun("Only root can set up the drop: sudo casedrop setup")
    if not (machine.root / "usr/lib/systemd/system/casedrop-front.service").exists():
        raise CannotRun(
            "The units of the Debian package are not here: install it with apt, or use "
            "`casedrop newsite` and `casedrop up` to try things on one machine."
        )
    if not (machine.root / "run/systemd/system").is_dir():
        raise CannotRun(
            "systemd does not run here, so nothing can be started; nothing was changed."
        )
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.mounts import Mount  # noqa: PLC0415

    mount = Mount.of(machine.root / "var/lib")
    for sentence in (mount.keeps_copies(), mount.journals_data()) if mount else ():
        if sentence:
            raise CannotRun(f"The vault cannot be kept in /var/lib/casedrop: {sentence}")


def _check_kernel(machine: Machine, waived: Sequence[str]) -> None:
    """Raise CannotRun for what both rooms would refuse to start with."""
    from dropbox import lockdown  # noqa: PLC0415
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

    for part in waived:
        if part not in lockdown.PARTS:
            raise CannotRun(f"{part} is not part of the lockdown: {', '.join(lockdown.PARTS)}.")
    allowed = set(waived)
    if machine.settings.exists():
        settings = Settings.load({FILE_VARIABLE: str(machine.settings)})
        if allowed - settings.waived:
            raise CannotRun(f"Name what is waived in {machine.settings}: [lockdown] waived.")
        allowed = set(settings.waived)
    missing = [part for part in lockdown.lacking() if part not in allowed]
    if missing:
        raise CannotRun(
            f"This machine lacks {', '.join(missing)}: docs/operator.md says for each part of the "
            "lockdown what to do. Nothing was changed. To open the drop all the same: casedrop "
            f"setup {' '.join(f'--waive {part}' for part in missing)}"
        )


def _given(machine: Machine, asked: argparse.Namespace) -> Given:
    """Ask for what the options do not give, and check it; changes nothing. Raises CannotRun."""
    present = (machine.keys / "FINGERPRINTS").exists()
    keys: Path | None = asked.keys
    if keys is None and not asked.yes:
        kept = ", or nothing to keep those that are pinned" if present else ""
        typed = answer(f"The folder with the reviewers' public files and FINGERPRINTS{kept}: ")
        keys = Path(typed).expanduser() if typed else None
    if keys is None and not present:
        raise CannotRun("Without the reviewers' public keys there is no drop; nothing was changed.")
    campaign: Path | None = asked.campaign
    if campaign is None and not asked.yes:
        typed = answer("A campaign file of your own, or nothing for the one that is in use: ")
        campaign = Path(typed).expanduser() if typed else None
    check_given(machine, Given(keys, campaign))
    if keys is not None and not asked.yes:
        _confirm(keys)
    return Given(keys, campaign, tuple(asked.waive))


def check_given(machine: Machine, given: Given) -> None:
    """Check keys and campaign together with the settings that they are for.

    Raises KeysError, CampaignError, SettingsError, CatalogError or PageTooLong.
    """
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from scripts.operator import texts  # noqa: PLC0415
    from scripts.operator.check import check_keys  # noqa: PLC0415

    print(check_keys(given.keys or machine.keys))
    campaign = given.campaign or (machine.campaign if machine.campaign.exists() else None)
    with tempfile.TemporaryDirectory(prefix="casedrop-setup-") as folder:
        file = Path(folder) / "settings.toml"
        (Path(folder) / "secret").mkdir()
        (Path(folder) / "secret" / "salt").write_text(secrets.token_hex(16), "ascii")
        text = (
            machine.settings.read_text("utf-8")
            if machine.settings.exists()
            else _template(_UNKNOWN, own_campaign=campaign is not None)
        )
        file.write_text(text, "utf-8")
        if campaign is not None:
            (Path(folder) / "campaign.toml").write_bytes(campaign.read_bytes())
        settings = Settings.load({FILE_VARIABLE: str(file)})
        if given.campaign is not None and settings.campaign != Path(folder) / "campaign.toml":
            raise CannotRun(
                f"{machine.settings} does not name a campaign file: write {_OWN_CAMPAIGN.strip()} "
                "below [site], then run this again. Nothing was changed."
            )
        texts.check(file)


def _confirm(keys: Path) -> None:
    from dropbox.pinned_keys import read_pins  # noqa: PLC0415
    from scripts.terminal import one_line  # noqa: PLC0415

    for fingerprint, name in read_pins(keys).items():
        groups = " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
        print(f"  {one_line(name, 60)}: {groups}")
    if answer("Compare each with its reviewer by voice. Type yes if all are right: ") != "yes":
        raise CannotRun("Nothing was changed.")


def _take(machine: Machine, given: Given) -> None:
    """Put keys and campaign where the services read them.

    A change is recorded first: an interrupted run leaves rooms that do not seal to those in the
    folder, and the next run has to restart them.
    """
    machine.secret.mkdir(mode=0o700, parents=True, exist_ok=True)
    if given.keys is not None:
        _replace_keys(machine, given.keys)
    if given.campaign is not None:
        data = given.campaign.read_bytes()
        if not machine.campaign.exists() or machine.campaign.read_bytes() != data:
            machine.changing.touch()
            _write_public(machine.campaign, data)


def put_back_keys(there: Path) -> None:
    """Put the old keys back into their folder if a run was killed while installing new ones."""
    old = there.with_name("keys.old")
    if old.exists() and not (there / "FINGERPRINTS").exists():
        shutil.rmtree(there, ignore_errors=True)
        old.rename(there)


def _replace_keys(machine: Machine, source: Path) -> None:
    there = machine.keys
    from dropbox.pinned_keys import read_pins  # noqa: PLC0415
    from dropbox.weekly_hpke import file_name  # noqa: PLC0415

    wanted = {"FINGERPRINTS"}
    for name in read_pins(source).values():
        wanted |= {name, file_name(name), f"{file_name(name)}.sig"}
    data = {name: (source / name).read_bytes() for name in sorted(wanted)}
    found = {path.name: path.read_bytes() for path in there.iterdir()} if there.is_dir() else {}
    if found == data:
        return
    machine.changing.touch()
    new, old = there.with_name("keys.new"), there.with_name("keys.old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir(mode=0o755, parents=True)
    for name, content in data.items():
        _write_public(new / name, content)
    if there.exists():
        there.rename(old)
    new.rename(there)
    shutil.rmtree(old, ignore_errors=True)


def _make_secrets(machine: Machine) -> str:
    """The server's public key in hexadecimal digits; makes any missing secrets."""
    from nacl.signing import SigningKey  # noqa: PLC0415

    from dropbox.durable_file import write_new  # noqa: PLC0415
    from dropbox.probe_mark import KEY_FILE, ProbeKey  # noqa: PLC0415
    from dropbox.setting_values import SALT_BYTES  # noqa: PLC0415

    machine.secret.mkdir(mode=0o700, parents=True, exist_ok=True)
    salt, key = machine.secret / "salt", machine.export_key
    if not salt.exists():
        write_new(salt, secrets.token_hex(SALT_BYTES).encode("ascii") + b"\n")
    probe = machine.secret / KEY_FILE
    if not key.exists():
        # The key for test reports is certified by this export key and no other.
        probe.unlink(missing_ok=True)
        # A running vault signs with the previous one until it restarts.
        machine.changing.touch()
        write_new(key, SigningKey.generate().encode())
    export_key = read_export_key(key)
    if not probe.exists():
        write_new(probe, ProbeKey.make(export_key).to_bytes())
    return bytes(export_key.verify_key).hex()


def _address(machine: Machine) -> str:
    """The onion address, once tor has made its key. Raises CannotRun."""
    deadline = time.monotonic() + HOSTNAME_SECONDS
    while not machine.hostname.exists():
        if time.monotonic() > deadline:
            raise CannotRun(
                f"tor has not made the address in {HOSTNAME_SECONDS:.0f} s; "
                f"journalctl --unit {TOR} says why. Mend it, then run this again."
            )
        time.sleep(_POLL_SECONDS)
    return machine.hostname.read_text("ascii").strip()


def _template(onion: str, *, own_campaign: bool, waived: Sequence[str] = ()) -> str:
    listed = ", ".join(f'"{part}"' for part in waived)
    return _TEMPLATE.format(
        onion=onion,
        campaign=_OWN_CAMPAIGN if own_campaign else "",
        waived=f"\n[lockdown]\nwaived = [{listed}]\n" if waived else "",
    )


def _write_settings(machine: Machine, onion: str, waived: Sequence[str]) -> None:
    """Write the settings, or check that existing ones are for *onion*. Raises CannotRun."""
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

    if not machine.settings.exists():
        text = _template(onion, own_campaign=machine.campaign.exists(), waived=waived)
        _write_public(machine.settings, text.encode("ascii"))
    settings = Settings.load({FILE_VARIABLE: str(machine.settings)})
    if settings.onion != onion:
        raise CannotRun(
            f"{machine.settings} is for {settings.onion}, but tor's key is that of {onion}: put "
            f"the right key into {machine.hostname.parent}, or the right address into the file."
        )


def _write_public(path: Path, data: bytes) -> None:
    """Write a file that everybody may read, whole or not at all."""
    from dropbox.durable_file import replace_file  # noqa: PLC0415

    replace_file(path, data, 0o644)


def _tell(machine: Machine, onion: str, exported: str) -> None:
    print(
        f"""
The drop is open: http://{onion}/

Tell each reviewer, over a channel you trust:
  the address:            http://{onion}/
  the key of the server:  {exported}

Back up once, offline, with `casedrop backup`: whoever has the onion's key is the drop.
How it is: casedrop status --settings {machine.settings}. Fetch what was filed every week."""
    )


def systemctl(*arguments: str) -> None:
    """Run systemctl. Raises CannotRun with the unit that failed."""
    done = subprocess.run(
        ["systemctl", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotRun(_failure(arguments, done.stderr))


def _failure(arguments: Sequence[str], said: str) -> str:
    first = (said.strip().splitlines() or ["it said nothing."])[0]
    units = [one for one in arguments if "." in one]
    log = f" Look at: journalctl --unit {' --unit '.join(units)}" if units else ""
    return f"systemctl {' '.join(arguments)} failed: {first}{log}"
