"""Front and vault as their units start them, with stand-ins for systemd alone."""

import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.service import Service, listening

from scripts.newsite import make_site

ONION = "casedrop" * 7 + ".onion"
# The lockdown calls these; no set of systemd 252 has them.
NAMED = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp")


class Machine:
    """The sockets that systemd holds, its credentials, and both services."""

    def __init__(self, folder: Path, runtime: Path, keys: Path, undo: ExitStack) -> None:
        site = make_site(folder / "site", onion=ONION, keys=keys)
        self.settings = site.settings_file
        self.front_socket = site.front_socket
        credentials = folder / "credentials"
        credentials.mkdir()
        text = self.settings.read_text("utf-8")
        salt = text.partition('salt = "')[2].partition('"')[0]
        (credentials / "salt").write_text(f"{salt}\n", "ascii")
        self.settings.write_text(text.replace(f'salt = "{salt}"\n', ""), "utf-8")
        # As systemd does where it names the user in an access list.
        shutil.move(folder / "site" / "export.key", credentials / "export.key")
        (credentials / "export.key").chmod(0o440)
        places = {
            "/etc/casedrop/settings.toml": str(self.settings),
            "/run/casedrop/front.sock": str(site.front_socket),
            "/run/casedrop-front": str(runtime),
            "%d": str(credentials),
        }
        held = {
            name: undo.enter_context(listening(self.settings.with_name(f"{name}.sock")))
            for name in ("front", "intake", "courier")
        }
        self.vault = Service(
            "casedrop-vault.service", [held["intake"], held["courier"]], places, folder
        )
        self.front = Service("casedrop-front.service", [held["front"]], places, folder)
        undo.callback(self.vault.close)
        undo.callback(self.front.close)

    def asks(self) -> socket.socket:
        """A visitor's connection, with a request."""
        visitor = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        visitor.settimeout(30)
        visitor.connect(str(self.front_socket))
        circuit = "PROXY TCP6 fc00:dead:beef:4dad::0:42 ::1 66 80\r\n"
        visitor.sendall(f"{circuit}GET /en/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode())
        return visitor


@pytest.fixture
def machine(tmp_path: Path, keys_dir: Path) -> Iterator[Machine]:
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    # The keys of form pages have to be in memory.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as runtime, ExitStack() as undo:
        yield Machine(tmp_path, Path(runtime), keys, undo)


def test_both_rooms_serve_as_their_units_say_and_a_restart_refuses_nobody(
    machine: Machine,
) -> None:
    machine.vault.start()
    machine.front.start()
    assert [machine.vault.heard(), machine.front.heard()] == ["READY=1\nWATCHDOG=1"] * 2
    assert [machine.vault.heard(), machine.front.heard()] == ["WATCHDOG=1"] * 2

    assert machine.front.stop() == 0
    with machine.asks() as visitor:
        machine.front.start()
        assert visitor.recv(12) == b"HTTP/1.1 200"

    # Without a vault the front's pages are there, and systemd hears nothing good of it.
    assert machine.front.heard() == "READY=1\nWATCHDOG=1"
    assert machine.vault.stop() == 0
    with machine.asks() as visitor:
        assert visitor.recv(12) == b"HTTP/1.1 200"
    # What was answered before is read in the master's next round.
    time.sleep(2.5)
    while machine.front.reports():
        pass
    with pytest.raises(TimeoutError):
        machine.front.heard(seconds=2.5)


def test_without_the_named_calls_no_room_starts(machine: Machine) -> None:
    machine.front.start(without=NAMED)

    code, said = machine.front.ended()

    assert code == 2 and "The front cannot be locked down, part landlock" in said


def test_a_wrong_setting_ends_both_rooms_for_good(machine: Machine) -> None:
    machine.settings.write_text(machine.settings.read_text("utf-8") + "grace_days = 0\n", "utf-8")
    for service in (machine.front, machine.vault):
        service.start(filtered=False)
        code, said = service.ended()
        assert code == 2 and "The start failed: The setting [vault] grace_days" in said

    machine.settings.write_text("[vault\n", "utf-8")
    for service in (machine.front, machine.vault):
        service.start(filtered=False)
        code, said = service.ended()
        assert code == 2 and "cannot be read" in said and "Traceback" not in said


def test_the_vault_serves_its_courier_when_the_front_cannot_start(machine: Machine) -> None:
    (machine.settings.parent.parent / "keys" / "reviewer-1.hpke").unlink()

    machine.front.start(filtered=False)
    machine.vault.start(filtered=False)

    code, said = machine.front.ended()
    assert code == 2 and "reviewer-1.hpke" in said
    assert machine.vault.heard() == "READY=1\nWATCHDOG=1"
    with socket.socket(socket.AF_UNIX) as courier:
        courier.settimeout(20)
        courier.connect(str(machine.settings.with_name("courier.sock")))
        courier.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        assert courier.recv(12) == b"HTTP/1.0 200"
