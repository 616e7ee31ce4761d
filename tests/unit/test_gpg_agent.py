"""gpg-agent as Casedrop asks it: whether a key has a passphrase, and whether an agent has ended."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from dropbox import gpg_agent
from dropbox.gpg_agent import is_protected, stop_agent

GRIP = "0123456789ABCDEF0123456789ABCDEF01234567"


@pytest.mark.parametrize(("protection", "protected"), [("P", True), ("C", False), ("-", True)])
def test_a_secret_key_in_the_clear_is_told_from_one_with_a_passphrase(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protection: str, protected: bool
) -> None:
    """The agent's line: "S KEYINFO keygrip type serialno idstr cached protection fpr ..."."""
    line = f"S KEYINFO {GRIP} D - - - {protection} - - -"
    monkeypatch.setattr(gpg_agent, "_ask", lambda _home, _command: [line, "OK"])

    assert is_protected(tmp_path, GRIP) == protected


def becomes(running: bool, process: int) -> bool:
    """Whether it runs, or runs no more, within ten seconds."""
    deadline = time.monotonic() + 10
    while gpg_agent._runs(process) is not running and time.monotonic() < deadline:
        time.sleep(0.001)
    return gpg_agent._runs(process) is running


def test_a_process_that_has_ended_runs_no_more_even_before_anybody_asked_for_its_result() -> None:
    with subprocess.Popen(["/usr/bin/sleep", "60"]) as process:
        try:
            # It has no command yet in the moment in which its program is loaded.
            assert becomes(True, process.pid) and gpg_agent._runs(os.getpid())
        finally:
            process.kill()
        assert becomes(False, process.pid)
    assert not gpg_agent._runs(process.pid)


def test_where_no_agent_runs_none_is_left(gpg_home: Path) -> None:
    gpg_home.mkdir(mode=0o700)

    assert stop_agent(gpg_home)
