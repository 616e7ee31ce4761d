"""The text of a torrc: what a public service and a private network need, and which paths are
refused.
"""

import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from onion.errors import BadPath
from onion.torrc import (
    MOST_PENDING,
    Authority,
    OnionService,
    PrivateNode,
    ServiceTor,
    packaged_torrc,
    private_torrc,
    service_torrc,
)

SERVICE = OnionService(Path("/srv/drop/tor/drop"), Path("/srv/drop/front.sock"))
PUBLIC = ServiceTor(Path("/srv/drop/tor"), Path("/srv/drop/tor/control"), SERVICE)
AUTHORITY = Authority("authority1", 20001, 20002, "B" * 40, "C" * 40)
NODE = PrivateNode(
    "relay", "relay1", Path("/net/relay1"), Path("/net/relay1/control"), (AUTHORITY,), or_port=20003
)


@pytest.mark.parametrize(
    "option",
    [
        "SocksPort 0",
        "SafeLogging 1",
        "AvoidDiskWrites 1",
        "DisableDebuggerAttachment 1",
        "NoExec 1",
        "ConnectionPadding 1",
        "VanguardsLiteEnabled 1",
        'HiddenServicePort 80 unix:"/srv/drop/front.sock"',
        "HiddenServiceExportCircuitID haproxy",
        "HiddenServiceMaxStreams 16",
        "HiddenServiceMaxStreamsCloseCircuit 1",
        "HiddenServicePoWDefensesEnabled 1",
        "HiddenServicePoWQueueRate 100",
        "HiddenServicePoWQueueBurst 500",
        "HiddenServiceEnableIntroDoSDefense 0",
    ],
)
def test_the_public_service_has(option: str) -> None:
    assert option in service_torrc(PUBLIC).splitlines()


@pytest.mark.parametrize(
    "option", ["Sandbox", "ControlPort", "HiddenServiceSingleHopMode", "Log notice"]
)
def test_the_public_service_never_has(option: str) -> None:
    assert option not in service_torrc(PUBLIC)


def test_a_tor_without_proof_of_work_is_not_asked_for_it() -> None:
    without = service_torrc(replace(PUBLIC, service=replace(SERVICE, proof_of_work=False)))

    assert "PoW" not in without
    assert "HiddenServiceMaxStreams 16\n" in without


def test_the_private_service_has_the_same_onion_options_as_the_public_one() -> None:
    private = private_torrc(replace(NODE, role="service", service=SERVICE)).splitlines()
    public = [
        line for line in service_torrc(PUBLIC).splitlines() if line.startswith("HiddenService")
    ]

    assert len(public) == 10
    assert set(public) <= set(private)


def test_only_an_authority_votes_and_only_a_client_takes_connections() -> None:
    authority = private_torrc(replace(NODE, role="authority", dir_port=20004, voting_offset=3))
    client = private_torrc(replace(NODE, role="client", or_port=0, socks_port=20005))

    assert (
        "V3AuthoritativeDirectory 1\n" in authority
        and "TestingV3AuthVotingStartOffset 3\n" in authority
    )
    assert "V3AuthoritativeDirectory" not in private_torrc(NODE) + client
    assert "SocksPort 127.0.0.1:20005\n" in client
    assert f"MaxClientCircuitsPending {MOST_PENDING}\n" in client
    assert "MaxClientCircuitsPending" not in private_torrc(NODE)
    assert all("SocksPort 0\n" in text for text in (authority, private_torrc(NODE)))


def test_no_private_node_gives_up_on_a_circuit_because_the_computer_is_busy() -> None:
    servers = [
        private_torrc(NODE),
        private_torrc(replace(NODE, role="authority", dir_port=20004)),
    ]
    others = [
        private_torrc(replace(NODE, role="client", or_port=0, socks_port=20005)),
        private_torrc(replace(NODE, role="service", or_port=0, service=SERVICE)),
    ]

    assert all("\nLearnCircuitBuildTimeout 0\n" in text for text in servers + others)
    assert all("\nMaxOnionQueueDelay 60 seconds\n" in text for text in servers)
    assert not any("MaxOnionQueueDelay" in text for text in others)


def test_every_private_address_is_on_loopback() -> None:
    text = private_torrc(replace(NODE, role="authority", dir_port=20004, socks_port=20005))
    ports = [
        line
        for line in text.splitlines()
        if line.startswith(("ORPort", "DirPort", "SocksPort", "Address"))
    ]

    assert len(ports) == 4
    assert all(" 127.0.0.1" in line for line in ports)


@pytest.mark.parametrize("name", ['a"b', "a\nSandbox 1", "a\\b", "a\tb"])
def test_a_path_that_could_add_options_is_refused(name: str) -> None:
    with pytest.raises(BadPath, match="cannot be used in a tor configuration"):
        service_torrc(replace(PUBLIC, data=Path("/srv") / name))


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(BadPath, match="absolute"):
        service_torrc(replace(PUBLIC, data=Path("srv")))


def test_a_socket_path_that_the_kernel_would_cut_is_refused() -> None:
    just_fits = Path("/" + "s" * 106)
    service_torrc(replace(PUBLIC, control=just_fits))

    with pytest.raises(BadPath, match="107 bytes"):
        service_torrc(replace(PUBLIC, control=just_fits.with_name(just_fits.name + "s")))


@pytest.mark.onion
@pytest.mark.parametrize("name", ["plain", "a 箱"])
def test_the_installed_tor_takes_commands_in_a_folder_of_any_name(name: str) -> None:
    """Whether it can use the path of its control socket it says only at a start."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place, name)
        data.mkdir(mode=0o700)
        service = OnionService(data / "drop", data / "front.sock")
        (data / "torrc").write_text(
            service_torrc(ServiceTor(data, data / "control", service)), "utf-8"
        )
        tor = subprocess.Popen(
            ["tor", "--defaults-torrc", "/dev/null", "-f", data / "torrc", "--DisableNetwork", "1"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            end = time.monotonic() + 60
            while tor.poll() is None and not (data / "control").is_socket():
                assert time.monotonic() < end
                time.sleep(0.05)
            running = tor.poll() is None
        finally:
            tor.kill()
            said, _ = tor.communicate()
        assert running, said


@pytest.mark.onion
@pytest.mark.parametrize("kind", ["packaged", "public", "service", "relay", "client"])
def test_the_installed_tor_accepts_it(kind: str, tmp_path: Path) -> None:
    data = tmp_path / "a folder"
    service = OnionService(data / "drop", tmp_path / "front.sock")
    node = replace(NODE, data=data, control=data / "control")
    text = {
        "packaged": lambda: packaged_torrc(service) + f'DataDirectory "{data}"\n',
        "public": lambda: service_torrc(ServiceTor(data, data / "control", service, owner=1)),
        # An authority needs its keys, so it is tested in the network's own test.
        "service": lambda: private_torrc(replace(node, service=service, role="service", or_port=0)),
        "relay": lambda: private_torrc(node),
        "client": lambda: private_torrc(replace(node, role="client", or_port=0, socks_port=20005)),
    }[kind]()
    (tmp_path / "torrc").write_text(text, "utf-8")

    done = subprocess.run(
        ["tor", "--defaults-torrc", "/dev/null", "-f", tmp_path / "torrc", "--verify-config"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0, done.stdout


def test_debians_own_service_gets_all_but_the_places_that_it_has() -> None:
    own = set(service_torrc(PUBLIC).splitlines()) - set(packaged_torrc(SERVICE).splitlines())

    assert {line.split(" ")[0] for line in own} == {
        "DataDirectory",
        "ControlSocket",
        "CookieAuthentication",
        "SocksPort",
        "#",
    }
    more = set(packaged_torrc(SERVICE).splitlines()) - set(service_torrc(PUBLIC).splitlines())
    assert [line for line in more if not line.startswith("#")] == [
        "SocksPort unix:/run/tor/socks WorldWritable OnionTrafficOnly"
    ]
