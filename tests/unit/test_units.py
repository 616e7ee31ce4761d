"""The systemd units of the Debian package."""

import re
from pathlib import Path

from support.service import SERVICES, text, values

from onion.launch import FRONT_MEMORY, VAULT_MEMORY


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


def test_no_room_needs_the_other_to_run() -> None:
    for service in SERVICES:
        assert not re.search(r"^(Requires|BindsTo|PartOf)=.*\.service", text(service), re.MULTILINE)
