"""A real Tor network on loopback: a client reaches a server behind a v3 onion, and nothing is left
running.
"""

import http.server
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import httpx
import pytest

from onion.control import Tor, check_version, installed_version
from onion.errors import BadPath, NotBootstrapped, TorStopped
from onion.private_net import PrivateNet
from onion.service_health import tor_state
from onion.torrc import OnionService, ServiceTor, service_torrc

ROOT = Path(__file__).parents[2]
PAGE = b"reached" * 1000


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every GET with PAGE and records the PROXY lines."""

    proxy_lines: list[bytes]

    def handle(self) -> None:
        self.proxy_lines.append(self.rfile.readline(108))
        super().handle()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:
        pass


class PageServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An HTTP server on a unix socket."""

    daemon_threads = True

    def get_request(self):  # type: ignore[no-untyped-def]  # http.server wants an address to name the client by
        request, _ = super().get_request()
        return request, ("onion", 0)


class Network:
    """A private network, the server behind its onion, and all that was seen of both."""

    def __init__(self, directory: Path) -> None:
        self.proxy_lines: list[bytes] = []
        self.said: list[str] = []
        path = directory / "page.sock"
        handler = type("ThisPage", (Page,), {"proxy_lines": self.proxy_lines})
        self._server = PageServer(str(path), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()
        self.net = PrivateNet(directory / "net", path, self.said.append)

    def close(self) -> None:
        """Stop all of it."""
        self.net.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """One for the tests that need it; the last of them stops it."""
    with closing(Network(tmp_path_factory.mktemp("network"))) as made:
        made.net.start()
        yield made


def get(net: PrivateNet, user: str) -> httpx.Response:
    """The start page of the onion over the circuit of *user*."""
    proxy = f"socks5h://{user}:x@127.0.0.1:{net.socks_port}"
    return httpx.get(f"http://{net.onion}/", proxy=proxy, timeout=60, trust_env=False)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_client_reaches_the_onion_by_one_circuit_per_user(network: Network) -> None:
    pages = [get(network.net, user) for user in ("one", "one", "two")]

    assert network.net.onion.endswith(".onion") and len(network.net.onion) == 62
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert {page.content for page in pages} == {PAGE}
    circuits = [line.split()[2] for line in network.proxy_lines]
    assert all(line.startswith(b"PROXY TCP6 fc00:dead:beef:4dad:") for line in network.proxy_lines)
    assert circuits[0] == circuits[1] != circuits[2]
    assert network.said[-1] == "the onion service can be reached"


def test_a_running_service_is_asked_for_its_health(network: Network) -> None:
    control = re.search(
        r'^ControlSocket "(.+)"$', (network.net.directory / "service.torrc").read_text(), re.M
    )
    assert control
    state = tor_state(Path(control[1]), network.net.onion)

    assert state.version.startswith("0.4.") and state.phase.percent == 100 and state.has_circuits
    assert state.descriptor is not None and state.descriptor.introduction_points >= 3
    assert state.descriptor.effort == 0
    age = datetime.now(UTC) - state.descriptor.made
    assert timedelta() <= age < timedelta(minutes=30)


def test_a_directory_that_is_not_fresh_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")

    with pytest.raises(BadPath, match="not empty"), PrivateNet(tmp_path, tmp_path / "page.sock"):
        pass


def test_a_network_that_fails_to_start_leaves_no_process(tmp_path: Path) -> None:
    running: list[int] = []

    def spoil(_: str) -> None:
        # A folder in place of the last relay's configuration: by then, four nodes are running.
        (tmp_path / "net" / "relay2.torrc").mkdir()

    class Watched(PrivateNet):
        def stop(self) -> None:
            running.extend(self.pids.values())
            super().stop()

    with pytest.raises(IsADirectoryError):
        Watched(tmp_path / "net", tmp_path / "page.sock", spoil).start()

    assert len(running) == 4 and not any(alive(pid) for pid in running)


def unreachable(tmp_path: Path, more: str) -> Tor:
    data = tmp_path / "tor"
    service = OnionService(data / "drop", tmp_path / "page.sock")
    settings = ServiceTor(data, data / "control", service, owner=os.getpid())
    return Tor("service", service_torrc(settings) + more, data=data, control=settings.control)


def test_a_tor_without_a_network_is_given_up_in_time_with_its_last_phase(tmp_path: Path) -> None:
    tor = unreachable(tmp_path, "DisableNetwork 1\n")
    started = time.monotonic()
    try:
        with pytest.raises(NotBootstrapped, match="the last phase was 0 %, Starting"):
            tor.wait_bootstrapped(started + 3, lambda _: None)
    finally:
        tor.stop()

    assert time.monotonic() - started < 6
    assert not alive(tor.pid)


def test_a_tor_that_refuses_its_configuration_is_reported_with_its_words(tmp_path: Path) -> None:
    tor = unreachable(tmp_path, "NoSuchOption 1\n")

    with pytest.raises(TorStopped, match="Reading config failed"):
        tor.wait_bootstrapped(time.monotonic() + 10, lambda _: None)
    tor.stop()


APPLICATION = """
import os

class OwnUser(dict):
    def get(self, name, none):
        return [os.getuid()]

admitted = OwnUser()

def lock_worker():
    pass

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return [b"open"]
"""


def site_for_up(state: Path, net: PrivateNet) -> dict[str, str]:
    """An environment in which `tor` joins *net*, and applications that only report their start."""
    for room in ("front", "vault"):
        (state / "dropbox" / room).mkdir(parents=True)
        (state / "dropbox" / room / "__init__.py").touch()
        (state / "dropbox" / room / "wsgi.py").write_text(APPLICATION, "utf-8")
    (state / "dropbox" / "__init__.py").touch()
    client = (net.directory / "client.torrc").read_text("utf-8").splitlines()
    defaults = [
        line for line in client if line.startswith(("TestingTor", "PathsNeeded", "DirAuthority"))
    ]
    (state / "defaults").write_text("\n".join(defaults) + "\n", "utf-8")
    wrapper = state / "bin" / "tor"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"#!/bin/sh\ncase $1 in --version|--list-modules) exec {which('tor')} $1;; esac\n"
        f'shift 2\nexec {which("tor")} --defaults-torrc {state / "defaults"} "$@"\n',
        "utf-8",
    )
    wrapper.chmod(0o755)
    return {
        "PATH": f"{wrapper.parent}:{os.environ['PATH']}",
        "GUNICORN_CMD_ARGS": f"--pythonpath {state}",
    }


def up(state: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    argv = [sys.executable, "-u", "-m", "onion", "up", "--as-root", "--state", str(state)]
    return subprocess.Popen(
        argv, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_up_asks_for_a_site_then_opens_the_drop_until_it_is_told_to_end(
    network: Network, tmp_path: Path
) -> None:
    state, net = tmp_path / "state", network.net
    environ = site_for_up(state, net)
    first = up(state, environ)
    _, said = first.communicate(timeout=60)
    onion = (state / "tor" / "drop" / "hostname").read_text("ascii").strip()

    assert first.returncode == 2
    assert (
        said.startswith("There are no settings yet:")
        and onion in said
        and len(said.splitlines()) == 1
    )

    (state / "settings.toml").write_text(
        f'[site]\nonion = "{onion}"\n'
        '[vault]\nintake_socket = "intake.sock"\ncourier_socket = "courier.sock"\n',
        "utf-8",
    )
    (state / "keys").mkdir()
    (state / "keys" / "FINGERPRINTS").touch()
    (state / "keys" / "one.asc").touch()
    second = up(state, environ)
    assert second.stdout is not None
    while (line := second.stdout.readline()) and "open" not in line:
        pass
    assert line == f"The drop is open: http://{onion}/\n"
    proxy = f"socks5h://one:x@127.0.0.1:{net.socks_port}"
    assert httpx.get(f"http://{onion}/", proxy=proxy, timeout=60, trust_env=False).text == "open"

    second.send_signal(signal.SIGTERM)
    told, said = second.communicate(timeout=30)

    assert (second.returncode, said) == (0, "")
    assert told.endswith("Stopped.\n")
    assert not [path for path in state.glob("*.sock") if path.exists()]


def test_when_it_is_stopped_nothing_of_it_is_left(network: Network) -> None:
    pids = network.net.pids
    assert len(pids) == 7 and all(alive(pid) for pid in pids.values())

    network.net.stop()

    assert not any(alive(pid) for pid in pids.values())


def test_the_installed_tor_is_new_enough() -> None:
    check_version(installed_version())
