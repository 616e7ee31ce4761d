"""The systemd units of the Debian package."""

import re
import shlex
from pathlib import Path

import pytest
from support.service import SERVICES, text, values

from onion.launch import FRONT_MEMORY, VAULT_MEMORY
from onion.torrc import PACKAGED_SOCKS
from scripts import casedrop
from scripts.command_line import FAILED


def test_a_wrong_configuration_is_not_tried_again_and_never_fast() -> None:
    for service in SERVICES:
        assert values(service, "Restart") == ["on-failure"]
        assert values(service, "RestartPreventExitStatus") == ["2"]
        # A service that restarts by itself does not reach the limit, however long it goes on.
        [interval], [burst] = (
            values(service, "StartLimitIntervalSec"),
            values(service, "StartLimitBurst"),
        )
        assert int(values(service, "RestartSec")[0]) * (int(burst) - 1) > int(interval)


def test_a_stop_waits_longer_than_gunicorn_does() -> None:
    for service, room in zip(SERVICES, ("front", "vault"), strict=True):
        settings = Path(__file__).parents[2] / "onion" / f"gunicorn_{room}.py"
        graceful = re.search(
            r"^graceful_timeout = (\d+)$", settings.read_text("utf-8"), re.MULTILINE
        )
        assert graceful is not None
        assert int(values(service, "TimeoutStopSec")[0]) > int(graceful[1])
        # The signal to stop is for the master alone, not for a gpg that seals.
        assert values(service, "KillMode") == ["mixed"]


def test_the_memory_of_each_room_is_that_of_the_launcher() -> None:
    for service, memory in zip(SERVICES, (FRONT_MEMORY, VAULT_MEMORY), strict=True):
        assert {f"{name}={value}" for name, value in memory.items()} <= set(
            values(service, "Environment")
        )


@pytest.mark.parametrize("service", ["casedrop-probe.service", "casedrop-watch.service"])
def test_a_timers_command_has_the_options_that_its_unit_gives(service: str) -> None:
    [command] = values(service, "ExecStart")
    program, *arguments = shlex.split(command)

    assert program == "/usr/bin/casedrop"
    assert casedrop.parser().parse_args(arguments).settings == Path("/etc/casedrop/settings.toml")
    assert f"--probe-folder /var/lib/{values('casedrop-probe.service', 'StateDirectory')[0]}" in (
        command
    )


def test_what_looks_at_the_drop_cannot_mail_and_what_mails_cannot_look_at_the_drop() -> None:
    watch, mail = "casedrop-watch.service", "casedrop-mail.service"
    [looks], [mails] = values(watch, "ExecStart"), values(mail, "ExecStart")
    asked = casedrop.parser().parse_args(shlex.split(mails)[1:])

    assert asked.folder == Path(f"/var/lib/{values(watch, 'StateDirectory')[0]}")
    assert f"--folder {asked.folder} --mail-later" in looks
    assert values(mail, "ConditionPathExists") == [f"{asked.folder}/mail.json"]
    assert values(watch, "OnSuccess") == [mail] and mail in values(watch, "After")[0].split()
    assert values(watch, "PrivateNetwork") == ["yes"]
    closed = values(mail, "InaccessiblePaths")[0].split()
    for place in (
        "/etc/casedrop",
        "/run/casedrop",
        "/run/tor",
        "/var/lib/casedrop",
        "/var/lib/tor",
    ):
        assert f"-{place}" in closed


def test_a_test_report_goes_out_through_tors_socket_alone_and_the_rooms_do_not() -> None:
    [command] = values("casedrop-probe.service", "ExecStart")
    assert f"--socks {PACKAGED_SOCKS} " in command
    assert values("casedrop-probe.service", "PrivateNetwork") == ["yes"]
    assert values("casedrop-probe.service", "RestrictAddressFamilies") == ["AF_UNIX"]
    for room in SERVICES:
        assert f"-{PACKAGED_SOCKS.parent}" in values(room, "InaccessiblePaths")[0].split()


def test_what_the_drop_did_not_accept_is_tried_again_in_an_hour_and_what_is_wrong_is_not() -> None:
    assert values("casedrop-probe.service", "Restart") == ["on-failure"]
    assert values("casedrop-probe.service", "RestartSec") == ["1h"]
    assert values("casedrop-probe.service", "RestartPreventExitStatus") == [str(FAILED)]


def test_no_room_needs_the_other_to_run() -> None:
    for service in SERVICES:
        assert not re.search(r"^(Requires|BindsTo|PartOf)=.*\.service", text(service), re.MULTILINE)
