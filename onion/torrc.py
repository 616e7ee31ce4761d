"""The text of a torrc as a pure function of settings, for the public service and private nodes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onion.errors import BadPath

SOCKET_PATH_BYTES = 107  # sockaddr_un has room for 108 with the final zero; Linux, unix(7)

# A browser opens about six connections to a host; 16 is enough and still stops a flood on one
# circuit.
MAX_STREAMS = 16
# Tor asks for work once requests queue up beyond this rate. Each takes 3 to 4 ms of a processor: a
# hundred a second leave most of two cores to the drop, and tor's default of 250 would not. Not
# fewer: among requests that offer the same effort the oldest is next, and one that has waited for
# half a minute is thrown away when its turn comes, in place of one that could be answered. While
# half a minute's worth of requests waits, nobody is answered, until there are fewer or the effort
# rises.
POW_QUEUE_RATE = 100
POW_QUEUE_BURST = 500
# More than the default of 3, so that losing some introduction points does not cut the service off.
# Tor allows 20.
INTRODUCTION_POINTS = 5

# For a private client's circuits; the most that tor accepts.
MOST_PENDING = 1_024

Role = Literal["authority", "relay", "service", "client"]

# Seconds.
VOTING_INTERVAL, VOTE_DELAY, DIST_DELAY = 10, 2, 2
# The first vote is this long after the start, minus both delays: 4 s, in which five fresh nodes can
# announce themselves to all authorities. If the first consensus lacked some of them, everything
# would be delayed by several intervals.
FIRST_INTERVAL = 8

# The comments are part of the text: the operator reads them in the torrc.
_ALONE = """\
# This tor only serves: other programs cannot use it.
SocksPort 0
"""
# Debian's own place for it, which its AppArmor profile allows. If tor gave access to more than
# onion services, that would be a way out of this machine.
PACKAGED_SOCKS = Path("/run/tor/socks")
_FOR_PROBE = f"""\
# The daily test report goes through this tor. Programs of this machine reach onion services by it,
# and nothing else.
SocksPort unix:{PACKAGED_SOCKS} WorldWritable OnionTrafficOnly
"""
_PUBLIC = """\
# Log no addresses, and only errors: a warning about too many streams would name the onion address.
SafeLogging 1
Log err stdout
# Leave fewer traces of when the service was busy.
AvoidDiskWrites 1
# Other programs of the same user cannot read the onion's key from memory.
DisableDebuggerAttachment 1
# If somebody takes over this tor, it cannot start programs.
NoExec 1
# Cover traffic between this tor and its guard: an observer of the line sees less of when somebody
# visits.
ConnectionPadding 1
# Second and third hops change slowly, so that making many circuits does not quickly reveal this
# tor's guard.
VanguardsLiteEnabled 1
"""
_PROOF_OF_WORK = """\
# When requests arrive faster than this server can handle, each visitor's tor has to do some work
# first. At other times nobody notices. Requests per second, and how many can wait.
HiddenServicePoWDefensesEnabled 1
HiddenServicePoWQueueRate {rate}
HiddenServicePoWQueueBurst {burst}
"""
# No "Sandbox 1": with it and an onion service, tor 0.4.9 dies on SIGHUP, which Debian's log
# rotation sends daily.

_PRIVATE = """\
# A network on this computer only, with intervals of seconds. The rest is needed because five relays
# share an address.
TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
# Before tor builds circuits, some relay has to look like an exit; none of them is one.
TestingDirAuthVoteExit *
ExitRelay 0
# Nobody outside can test whether the relays are reachable.
AssumeReachable 1
Address 127.0.0.1
# There is no traffic to wait for at the end.
ShutdownWaitLength 0
# Tor would learn from an idle computer that a circuit takes a tenth of a second, and give up on
# those that take longer beside a flood: a visitor whose introduction was received would then wait
# three minutes for nothing. In public, circuits take seconds whatever this computer does.
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 30
# Seven tors share the processors.
NumCPUs 1
# Loopback is in no country, and this saves reading two files of several megabytes seven times.
GeoIPFile /dev/null
GeoIPv6File /dev/null
SafeLogging 1
Log warn stdout
"""

_AUTHORITY = f"""\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
# An authority does not start without a contact.
ContactInfo nobody
# All relays have the same address.
AuthDirMaxServersPerAddr 0
# In seconds; both delays together have to be less than half the interval.
V3AuthVotingInterval {VOTING_INTERVAL}
V3AuthVoteDelay {VOTE_DELAY}
V3AuthDistDelay {DIST_DELAY}
TestingV3AuthInitialVotingInterval {FIRST_INTERVAL}
TestingV3AuthInitialVoteDelay {VOTE_DELAY}
TestingV3AuthInitialDistDelay {DIST_DELAY}
# Authorities store the onion's descriptor from the first second.
MinUptimeHidServDirectoryV2 0
"""


@dataclass(frozen=True)
class OnionService:
    """A v3 onion service on port 80: the directory with its key, and the unix socket of its server.

    *proof_of_work*: whether tor was built with that defence. *queue*: how many introductions a
    second tor takes before it asks for more work, and how many at once.
    """

    directory: Path
    socket: Path
    proof_of_work: bool = True
    queue: tuple[int, int] = (POW_QUEUE_RATE, POW_QUEUE_BURST)


@dataclass(frozen=True)
class ServiceTor:
    """The tor of the public service.

    *owner*: tor ends when the process with this pid ends; or None.
    """

    data: Path
    control: Path
    service: OnionService
    owner: int | None = None


@dataclass(frozen=True)
class Authority:
    """What the nodes of a private network know about a directory authority.

    The fingerprints *identity* and *fingerprint* are 40 hexadecimal digits each.
    """

    name: str
    or_port: int
    dir_port: int
    identity: str
    fingerprint: str


@dataclass(frozen=True)
class PrivateNode:
    """One tor of a private network. Ports that a role does not use are 0.

    *voting_offset*: by how many seconds the authorities' voting intervals are shifted, all equally.
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
    """Raise BadPath if *path* is too long for a unix socket."""
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise BadPath(
            f"The path {path} is too long: a socket's path can have {SOCKET_PATH_BYTES} bytes. "
            "Use a directory with a shorter path."
        )


def service_torrc(tor: ServiceTor) -> str:
    """The torrc of the public service. Raises BadPath."""
    return _ALONE + _PUBLIC + _state(tor.data, tor.control, tor.owner) + _onion_service(tor.service)


def packaged_torrc(service: OnionService) -> str:
    """The torrc of Debian's own tor service, which has a data directory and a control socket.

    Raises BadPath.
    """
    return _FOR_PROBE + _PUBLIC + _onion_service(service)


def private_torrc(node: PrivateNode) -> str:
    """The torrc of one node of a private network on loopback. Raises BadPath."""
    text = _PRIVATE + f"Nickname {node.name}\n" + _state(node.data, node.control, node.owner)
    text += f"SocksPort {f'127.0.0.1:{node.socks_port}' if node.socks_port else 0}\n"
    if node.or_port:
        text += f"ORPort 127.0.0.1:{node.or_port}\n"
    if node.role == "authority":
        text += f"DirPort 127.0.0.1:{node.dir_port}\n" + _AUTHORITY
        text += f"TestingV3AuthVotingStartOffset {node.voting_offset}\n"
        # Authorities have a new consensus at once, relays only some seconds later, and a client
        # that asks a relay too early asks again much later. So only authorities answer directory
        # requests; relays only relay.
        directories = ",".join(f"${authority.fingerprint}" for authority in node.authorities)
        for flag in ("HSDir", "Guard"):
            text += f"TestingDirAuthVote{flag} {directories}\nTestingDirAuthVote{flag}IsStrict 1\n"
    if node.role == "client":
        # A rehearsal has hundreds of visitors behind one client; each waits for its own circuit.
        text += f"MaxClientCircuitsPending {MOST_PENDING}\n"
    if node.or_port:
        # All share this computer: a cell that waits does not mean that a relay is overloaded.
        text += "MaxOnionQueueDelay 60 seconds\n"
    if node.role == "relay":
        text += "DirCache 0\n"
    if node.service is not None:
        text += _onion_service(node.service)
    return text + "".join(
        f"DirAuthority {a.name} orport={a.or_port} no-v2 v3ident={a.identity} "
        f"127.0.0.1:{a.dir_port} {a.fingerprint}\n"
        for a in node.authorities
    )


def _state(data: Path, control: Path, owner: int | None) -> str:
    check_socket_path(control)
    text = f"DataDirectory {_quoted(data)}\n"
    # A socket in a directory of mode 0700, not a port: no other user and no web page can reach it.
    # tor takes a ControlSocket apart at its spaces, quoted or not.
    option = "ControlPort unix:" if " " in str(control) else "ControlSocket "
    text += f"{option}{_quoted(control)}\nCookieAuthentication 1\n"
    if owner is None:
        return text
    return (
        text
        + "# Tor ends with the process that started it, even if that is killed.\n"
        + f"__OwningControllerProcess {owner}\n"
    )


def _onion_service(service: OnionService) -> str:
    check_socket_path(service.socket)
    rate, burst = service.queue
    work = _PROOF_OF_WORK.format(rate=rate, burst=burst) if service.proof_of_work else ""
    return (
        f"HiddenServiceDir {_quoted(service.directory)}\n"
        f"HiddenServicePort 80 unix:{_quoted(service.socket)}\n"
        "# Each connection starts with a PROXY line; its address is one per circuit, and limits "
        "are per address.\n"
        "HiddenServiceExportCircuitID haproxy\n"
        "# A browser opens about six connections; more than this is a flood, and tor closes the "
        "circuit.\n"
        f"HiddenServiceMaxStreams {MAX_STREAMS}\n"
        "HiddenServiceMaxStreamsCloseCircuit 1\n"
        "# More than the default of 3, so that losing some does not cut the service off.\n"
        f"HiddenServiceNumIntroductionPoints {INTRODUCTION_POINTS}\n"
        "# This would also drop honest visitors; proof of work protects instead.\n"
        "HiddenServiceEnableIntroDoSDefense 0\n"
    ) + work


def _quoted(path: Path) -> str:
    text = str(path)
    # A quote, a backslash or a line break in a path could end the value and add options of its own.
    if not path.is_absolute() or any(
        character in '"\\' or not character.isprintable() for character in text
    ):
        raise BadPath(
            f"The path {text!r} cannot be used in a tor configuration: it has to be absolute and "
            "without quotes, backslashes and control characters."
        )
    return f'"{text}"'
