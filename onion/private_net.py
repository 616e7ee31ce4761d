"""A Tor network on loopback: three authorities, two relays, an onion service and clients.

Nothing leaves the computer. The demo and the end-to-end tests use it, with the same onion service
options as in public.
"""

import os
import random
import re
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from onion.control import POLL_SECONDS, Tor, has_proof_of_work
from onion.errors import BadPath, NoFreePort, NotBootstrapped, OnionError, TorMissing
from onion.torrc import (
    FIRST_INTERVAL,
    POW_QUEUE_BURST,
    POW_QUEUE_RATE,
    Authority,
    OnionService,
    PrivateNode,
    Role,
    check_socket_path,
    private_torrc,
)

AUTHORITIES = 3
RELAYS = 2

# Below Linux's range for outgoing connections (from 32,768), so that no running node can take a
# port between the check and its use.
PORTS = range(15_000, 32_000)

KEYS_SECONDS = 60.0  # three RSA-3072 keys take a second; a busy computer can take longer
READY_SECONDS = 90.0  # measured: about 12 s on two idle cores
CERTIFICATE_MONTHS = 12

_IDENTITY = re.compile(r"^fingerprint ([0-9A-F]{40})$", re.MULTILINE)
_FINGERPRINT = re.compile(r"([0-9A-F]{40})\s*$")
# --list-fingerprint requires an authority before the real ones have keys; it connects nowhere.
_PLACEHOLDER = Authority("nobody", 1, 1, "A" * 40, "A" * 40)


class PrivateNet:
    """The network as a context manager: ready on entry, all processes stopped on exit.

    *directory*: absent or empty; created with mode 0700. *service_socket*: the unix socket behind
    the onion's port 80; a server can start listening there later. *progress* receives one short
    sentence at a time. *clients*: how many clients there are, each with its own tor.
    *proof_of_work*: whether the service asks for it, where tor was built with it, and *queue*: see
    OnionService. Raises OnionError naming the node and its last phase, and then leaves nothing
    running.
    """

    def __init__(
        self,
        directory: Path,
        service_socket: Path,
        progress: Callable[[str], None] = lambda _: None,
        *,
        clients: int = 1,
        proof_of_work: bool = True,
        queue: tuple[int, int] = (POW_QUEUE_RATE, POW_QUEUE_BURST),
    ) -> None:
        self.directory = directory.resolve()
        self._service_socket = service_socket.resolve()
        self._progress = progress
        self._clients = clients
        self._proof_of_work = proof_of_work
        self._queue = queue
        self._tors: list[Tor] = []
        self.onion = ""
        self.socks_ports: tuple[int, ...] = ()

    @property
    def socks_port(self) -> int:
        """The port of the first client; 0 before the start."""
        return self.socks_ports[0] if self.socks_ports else 0

    @property
    def service_control(self) -> Path:
        """The control socket of the service's tor."""
        return self.directory / "service" / "control"

    @property
    def pids(self) -> dict[str, int]:
        """The process id of every node, by name."""
        return {tor.name: tor.pid for tor in self._tors}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Boot the network and wait until the client can reach the service's address."""
        with ExitStack() as undo:
            # Whatever interrupts the start, such as Ctrl-C, must leave nothing running.
            undo.callback(self.stop)
            self._start()
            undo.pop_all()

    def stop(self) -> None:
        """Stop every process by its pid, those that others depend on last."""
        with ExitStack() as stops:
            # If one cannot be stopped, or a signal arrives, the others are still stopped.
            for tor in self._tors:
                stops.callback(tor.stop)
        self._tors.clear()

    def _start(self) -> None:
        nodes = _plan(
            self.directory,
            OnionService(
                self.directory / "service" / "drop",
                self._service_socket,
                self._proof_of_work and has_proof_of_work(),
                self._queue,
            ),
            self._clients,
        )
        for path in (self._service_socket, *(node.control for node in nodes)):
            check_socket_path(path)
        self._make_directory()
        self._progress(f"making the keys of {AUTHORITIES} directory authorities")
        authorities = tuple(_with_keys([node for node in nodes if node.role == "authority"]))
        deadline = time.monotonic() + READY_SECONDS
        # Voting intervals start now, not at the full minute, so that the first vote is soon.
        offset = int(time.time() + FIRST_INTERVAL) % FIRST_INTERVAL
        nodes = [replace(node, authorities=authorities, voting_offset=offset) for node in nodes]
        servers, visitors = nodes[: AUTHORITIES + RELAYS], nodes[AUTHORITIES + RELAYS :]
        self._run(servers)
        self._progress(
            f"{AUTHORITIES} authorities and {RELAYS} relays started; waiting for their first vote"
        )
        self._wait_consensus(deadline)
        self._progress(
            "all authorities and relays are in the consensus; starting the service and the client"
        )
        self._run(visitors)
        self.socks_ports = tuple(node.socks_port for node in visitors[1:])
        self._wait_joined(deadline, visitors[0])
        self._progress("the onion service can be reached")

    def _run(self, nodes: Sequence[PrivateNode]) -> None:
        for node in nodes:
            self._tors.append(
                Tor(node.name, private_torrc(node), data=node.data, control=node.control)
            )

    def _make_directory(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self.directory.iterdir()):
            raise BadPath(
                f"The directory {self.directory} is not empty; a private network needs a fresh one."
            )

    def _wait_consensus(self, deadline: float) -> None:
        for tor in self._tors[:AUTHORITIES]:
            while (known := tor.relays_known()) < AUTHORITIES + RELAYS:
                if time.monotonic() > deadline:
                    raise NotBootstrapped(
                        f"The consensus of {tor.name} lists {known} of {AUTHORITIES + RELAYS} "
                        f"relays after {READY_SECONDS:.0f} s. {self._phases()}"
                    )
                time.sleep(POLL_SECONDS)

    def _wait_joined(self, deadline: float, service_node: PrivateNode) -> None:
        service, *clients = self._tors[AUTHORITIES + RELAYS :]
        for tor in (service, *clients):
            try:
                tor.wait_bootstrapped(deadline, self._progress)
            except NotBootstrapped as late:
                raise NotBootstrapped(f"{late} {self._phases()}") from late
        assert service_node.service is not None
        self.onion = (
            (service_node.service.directory / "hostname").read_text(encoding="ascii").strip()
        )
        # Two descriptors, of this period and the next, at each authority: the client asks any.
        service.wait_published(deadline, copies=2 * AUTHORITIES)

    def _phases(self) -> str:
        # One late node delays the others; all phases together show which one it was.
        return "All nodes: " + "; ".join(f"{tor.name}: {tor.phase}" for tor in self._tors) + "."


def _plan(directory: Path, onion_service: OnionService, clients: int) -> list[PrivateNode]:
    """All nodes with their ports: authorities, relays, the service, clients."""
    ports = iter(_free_ports(2 * AUTHORITIES + RELAYS + clients))

    def node(role: Role, name: str) -> PrivateNode:
        data = directory / name
        return PrivateNode(
            role=role,
            name=name,
            data=data,
            control=data / "control",
            authorities=(),
            owner=os.getpid(),
        )

    authorities = [
        replace(node("authority", f"authority{n}"), or_port=next(ports), dir_port=next(ports))
        for n in range(1, AUTHORITIES + 1)
    ]
    relays = [
        replace(node("relay", f"relay{n}"), or_port=next(ports)) for n in range(1, RELAYS + 1)
    ]
    service = replace(node("service", "service"), service=onion_service)
    visitors = [
        replace(node("client", f"client{n}" if n else "client"), socks_port=next(ports))
        for n in range(clients)
    ]
    return [*authorities, *relays, service, *visitors]


def _free_ports(count: int) -> list[int]:
    """*count* different loopback ports on which nobody listens. Raises NoFreePort."""
    free: list[int] = []
    for port in random.sample(PORTS, 100 + count):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise NoFreePort


def _with_keys(nodes: Sequence[PrivateNode]) -> list[Authority]:
    """Make the keys of all authorities in parallel. Raises OnionError, TorMissing."""
    running: list[tuple[str, subprocess.Popen[str]]] = []
    try:
        for node in nodes:
            (node.data / "keys").mkdir(mode=0o700, parents=True)
            node.data.chmod(0o700)
            for start in (_certificate, _fingerprint):
                running.append((node.name, start(node)))
        outputs = [_output(name, process) for name, process in running]
    except FileNotFoundError as missing:
        raise TorMissing from missing
    finally:
        for _, process in running:
            if process.poll() is None:
                process.kill()
            process.communicate()
    return [
        Authority(
            node.name,
            node.or_port,
            node.dir_port,
            identity=_found(
                _IDENTITY, (node.data / "keys" / "authority_certificate").read_text("ascii"), node
            ),
            fingerprint=_found(_FINGERPRINT, shown.replace(" ", ""), node),
        )
        for node, shown in zip(nodes, outputs[1::2], strict=True)
    ]


def _certificate(node: PrivateNode) -> subprocess.Popen[str]:
    keys = node.data / "keys"
    process = subprocess.Popen(
        [
            "tor-gencert",
            "--create-identity-key",
            "--passphrase-fd",
            "0",
            "-m",
            str(CERTIFICATE_MONTHS),
            "-a",
            f"127.0.0.1:{node.dir_port}",
            "-i",
            keys / "authority_identity_key",
            "-s",
            keys / "authority_signing_key",
            "-c",
            keys / "authority_certificate",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    # The identity key signs nothing after this and is deleted with the directory: its passphrase
    # protects nothing.
    process.stdin.write("private network\n")
    process.stdin.flush()
    return process


def _fingerprint(node: PrivateNode) -> subprocess.Popen[str]:
    # Started as a relay: an authority would not start without its certificate, which is made
    # meanwhile.
    torrc = node.data.with_name(node.data.name + ".first.torrc")
    torrc.write_text(
        private_torrc(replace(node, role="relay", authorities=(_PLACEHOLDER,))), encoding="utf-8"
    )
    return subprocess.Popen(
        ["tor", "--defaults-torrc", "/dev/null", "-f", torrc, "--list-fingerprint", "--quiet"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _output(name: str, process: subprocess.Popen[str]) -> str:
    try:
        output, _ = process.communicate(timeout=KEYS_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise OnionError(
            f"Making the keys of {name} took longer than {KEYS_SECONDS:.0f} s."
        ) from late
    if process.returncode != 0:
        raise OnionError(f"Making the keys of {name} failed: {output.strip() or 'no reason given'}")
    return output


def _found(pattern: re.Pattern[str], text: str, node: PrivateNode) -> str:
    match = pattern.search(text)
    if match is None:
        raise OnionError(f"tor wrote no fingerprint for {node.name}.")
    return match[1]
