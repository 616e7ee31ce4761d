"""The text of a torrc as a pure function of frozen settings: the public service and the private network's nodes."""

import os
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

# Seconds.
VOTING_INTERVAL, VOTE_DELAY, DIST_DELAY = 10, 2, 2
# The first vote comes this long after the start, less both delays: the 4 s that five fresh nodes need to tell all
# authorities of themselves. A first consensus without some of them would delay everything by several intervals.
FIRST_INTERVAL = 8

# The comments are part of the text: the operator reads them in the file that tor was given.
_PUBLIC = """\
# This tor serves and never browses: no door for other programs.
SocksPort 0
# No addresses in what is logged, and nothing below errors: a warning about too many streams names the onion address.
SafeLogging 1
Log err stdout
# Fewer traces of when the service was busy.
AvoidDiskWrites 1
# Other programs of the same user cannot read the onion's key out of the memory.
DisableDebuggerAttachment 1
# A tor that was taken over cannot start programs.
NoExec 1
# Cover traffic between this tor and its guard, so that a watcher on the line sees less of when somebody visits.
ConnectionPadding 1
# Second and third hops change slowly, so that somebody who makes many circuits does not soon find this tor's guard.
VanguardsLiteEnabled 1
"""
_PROOF_OF_WORK = f"""\
# When requests come faster than this server can take them, each visitor's own tor has to work first. Nobody notices it
# at other times. Requests a second, and how many may wait.
HiddenServicePoWDefensesEnabled 1
HiddenServicePoWQueueRate {POW_QUEUE_RATE}
HiddenServicePoWQueueBurst {POW_QUEUE_BURST}
"""
# No "Sandbox 1": with it and an onion service, tor 0.4.9 dies on SIGHUP, which Debian's log rotation sends daily.

_PRIVATE = """\
# A network of this computer's own, with intervals of seconds; all the rest follows from five relays on one address.
TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
# Some relay has to look like an exit before circuits are built; none is one.
TestingDirAuthVoteExit *
ExitRelay 0
# Nobody outside could test whether the relays can be reached.
AssumeReachable 1
Address 127.0.0.1
# Nobody's traffic has to be waited for at the end.
ShutdownWaitLength 0
# Seven tors share the processors.
NumCPUs 1
# Loopback is in no country; two files of megabytes less to read, seven times.
GeoIPFile /dev/null
GeoIPv6File /dev/null
SafeLogging 1
Log warn stdout
"""

_AUTHORITY = f"""\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
# An authority without a contact refuses to start.
ContactInfo nobody
# All relays have the same address.
AuthDirMaxServersPerAddr 0
# In seconds; both delays together have to be less than half of the interval.
V3AuthVotingInterval {VOTING_INTERVAL}
V3AuthVoteDelay {VOTE_DELAY}
V3AuthDistDelay {DIST_DELAY}
TestingV3AuthInitialVotingInterval {FIRST_INTERVAL}
TestingV3AuthInitialVoteDelay {VOTE_DELAY}
TestingV3AuthInitialDistDelay {DIST_DELAY}
# Authorities keep the onion's descriptor from the first second on.
MinUptimeHidServDirectoryV2 0
"""


@dataclass(frozen=True)
class OnionService:
    """A v3 onion service on port 80: where its key lies and the unix socket of the server behind it.

    *proof_of_work*: whether this tor was built with it.
    """

    directory: Path
    socket: Path
    proof_of_work: bool = True


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
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
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
    text = f"DataDirectory {_quoted(data)}\n"
    # A socket in a directory of mode 0700 and not a port: no other user and no web page can talk to it.
    text += f"ControlSocket {_quoted(control)}\nCookieAuthentication 1\n"
    if owner is None:
        return text
    return (
        text
        + f"# Ends with the process that started it, even when that one is killed.\n__OwningControllerProcess {owner}\n"
    )


def _onion_service(service: OnionService) -> str:
    check_socket_path(service.socket)
    return (
        f"HiddenServiceDir {_quoted(service.directory)}\n"
        f"HiddenServicePort 80 unix:{_quoted(service.socket)}\n"
        "# Every connection begins with a PROXY line whose address is one per circuit; it is what limits are kept by.\n"
        "HiddenServiceExportCircuitID haproxy\n"
        "# A browser opens about six connections; whoever opens more than this is a flood, and loses the circuit.\n"
        f"HiddenServiceMaxStreams {MAX_STREAMS}\n"
        "HiddenServiceMaxStreamsCloseCircuit 1\n"
        "# More than tor's 3, so that the loss of some does not cut the service off.\n"
        f"HiddenServiceNumIntroductionPoints {INTRODUCTION_POINTS}\n"
        "# It would protect the network by dropping honest visitors too; proof of work does the protecting.\n"
        "HiddenServiceEnableIntroDoSDefense 0\n"
    ) + (_PROOF_OF_WORK if service.proof_of_work else "")


def _quoted(path: Path) -> str:
    text = str(path)
    # A quote, a backslash or a line break in a path could end the value and add options of its own.
    if not path.is_absolute() or any(
        character in '"\\' or not character.isprintable() for character in text
    ):
        raise BadPath(
            f"The path {text!r} cannot stand in a tor configuration: it has to be absolute and without "
            "quotes, backslashes and control characters."
        )
    return f'"{text}"'
