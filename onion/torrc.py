"""The text of a torrc as a pure function of frozen settings: the public service and the private network's nodes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onion.errors import BadPath

SOCKET_PATH_BYTES = 107  # sockaddr_un holds 108 with the closing zero; Linux, unix(7)

# A browser opens about six connections to a host; 16 leaves room and still stops a flood in one circuit.
MAX_STREAMS = 16
# Tor starts asking for work once requests queue beyond the rate; tor's own 250/s would never queue before a two-core
# server is overwhelmed.
POW_QUEUE_RATE = 20
POW_QUEUE_BURST = 200
# More than the default 3, so that the loss of some introduction points does not cut the service off; tor allows 20.
INTRODUCTION_POINTS = 5

Role = Literal["authority", "relay", "service", "client"]

# Seconds. Both delays together have to be less than half of the interval, or tor refuses to start.
VOTING_INTERVAL, VOTE_DELAY, DIST_DELAY = 10, 2, 2
# The first vote comes this long after the start, less both delays: the 4 s that five fresh nodes need to tell all
# authorities of themselves. A first consensus without some of them would delay everything by several intervals.
FIRST_INTERVAL = 8

_PUBLIC = """\
SocksPort 0
SafeLogging 1
Log err stdout
AvoidDiskWrites 1
DisableDebuggerAttachment 1
NoExec 1
ConnectionPadding 1
"""
# No "Sandbox 1": with it and an onion service, tor 0.4.9 dies on SIGHUP, which Debian's log rotation sends daily.

_PRIVATE = """\
TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
TestingDirAuthVoteExit *
AssumeReachable 1
ShutdownWaitLength 0
ExitRelay 0
Sandbox 0
NumCPUs 1
GeoIPFile /dev/null
GeoIPv6File /dev/null
Address 127.0.0.1
Log warn stdout
"""

_AUTHORITY = f"""\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody
AuthDirMaxServersPerAddr 0
V3AuthVotingInterval {VOTING_INTERVAL}
V3AuthVoteDelay {VOTE_DELAY}
V3AuthDistDelay {DIST_DELAY}
TestingV3AuthInitialVotingInterval {FIRST_INTERVAL}
TestingV3AuthInitialVoteDelay {VOTE_DELAY}
TestingV3AuthInitialDistDelay {DIST_DELAY}
MinUptimeHidServDirectoryV2 0
"""


@dataclass(frozen=True)
class OnionService:
    """A v3 onion service on port 80: where its key lies and the unix socket of the server behind it."""

    directory: Path
    socket: Path


@dataclass(frozen=True)
class ServiceTor:
    """The tor of the public service. *owner*: the pid whose end makes tor end too, or None."""

    data: Path
    control: Path
    service: OnionService
    owner: int | None = None


@dataclass(frozen=True)
class Authority:
    """What every node of a private network knows of a directory authority. Fingerprints are 40 hexadecimal digits."""

    name: str
    or_port: int
    dir_port: int
    identity: str
    fingerprint: str


@dataclass(frozen=True)
class PrivateNode:
    """One tor of a private network. The ports that a role does not use are 0.

    *voting_offset*: seconds by which the authorities' votes are shifted against the clock; the same for all of them.
    """

    role: Role
    name: str
    data: Path
    control: Path
    authorities: tuple[Authority, ...]
    or_port: int = 0
    dir_port: int = 0
    socks_port: int = 0
    service: OnionService | None = None
    owner: int | None = None
    voting_offset: int = 0


def check_socket_path(path: Path) -> None:
    """Raise BadPath when *path* cannot name a unix socket."""
    if len(str(path).encode()) > SOCKET_PATH_BYTES:
        raise BadPath(
            f"The path {path} is longer than the {SOCKET_PATH_BYTES} bytes that a socket's path may have; "
            "use a directory with a shorter path."
        )


def service_torrc(tor: ServiceTor) -> str:
    """The torrc of the public service. Raises BadPath."""
    return _PUBLIC + _state(tor.data, tor.control, tor.owner) + _onion_service(tor.service)


def private_torrc(node: PrivateNode) -> str:
    """The torrc of one node of a private network on loopback. Raises BadPath."""
    text = _PRIVATE + f"Nickname {node.name}\n" + _state(node.data, node.control, node.owner)
    text += f"SocksPort {f'127.0.0.1:{node.socks_port}' if node.socks_port else 0}\n"
    if node.or_port:
        text += f"ORPort 127.0.0.1:{node.or_port}\n"
    if node.role == "authority":
        text += f"DirPort 127.0.0.1:{node.dir_port}\n" + _AUTHORITY
        text += f"TestingV3AuthVotingStartOffset {node.voting_offset}\n"
        # Authorities know a new consensus at once, relays some seconds later; whoever asks a relay too early asks again
        # much later. Hence only authorities answer questions, and relays do nothing but relay.
        asked = ",".join(f"${authority.fingerprint}" for authority in node.authorities)
        for flag in ("HSDir", "Guard"):
            text += f"TestingDirAuthVote{flag} {asked}\nTestingDirAuthVote{flag}IsStrict 1\n"
    if node.role == "relay":
        text += "DirCache 0\n"
    if node.service is not None:
        text += _onion_service(node.service)
    return text + "".join(
        f"DirAuthority {a.name} orport={a.or_port} no-v2 v3ident={a.identity} 127.0.0.1:{a.dir_port} {a.fingerprint}\n"
        for a in node.authorities
    )


def _state(data: Path, control: Path, owner: int | None) -> str:
    check_socket_path(control)
    text = f"DataDirectory {_quoted(data)}\nControlSocket {_quoted(control)}\nCookieAuthentication 1\n"
    return text + (f"__OwningControllerProcess {owner}\n" if owner is not None else "")


def _onion_service(service: OnionService) -> str:
    check_socket_path(service.socket)
    return (
        f"HiddenServiceDir {_quoted(service.directory)}\n"
        f"HiddenServicePort 80 unix:{_quoted(service.socket)}\n"
        # Every connection begins with a PROXY line whose address is one per circuit; it is what limits are kept by.
        "HiddenServiceExportCircuitID haproxy\n"
        f"HiddenServiceMaxStreams {MAX_STREAMS}\n"
        "HiddenServiceMaxStreamsCloseCircuit 1\n"
        "HiddenServicePoWDefensesEnabled 1\n"
        f"HiddenServicePoWQueueRate {POW_QUEUE_RATE}\n"
        f"HiddenServicePoWQueueBurst {POW_QUEUE_BURST}\n"
        f"HiddenServiceNumIntroductionPoints {INTRODUCTION_POINTS}\n"
        # It would protect the network by dropping honest visitors too; proof of work does the protecting.
        "HiddenServiceEnableIntroDoSDefense 0\n"
    )


def _quoted(path: Path) -> str:
    text = str(path)
    # A quote, a backslash or a line break in a path could end the value and add options of its own.
    if not path.is_absolute() or any(character in '"\\' or not character.isprintable() for character in text):
        raise BadPath(
            f"The path {text!r} cannot stand in a tor configuration: it has to be absolute and without "
            "quotes, backslashes and control characters."
        )
    return f'"{text}"'
