"""What systemd itself says of the units of the Debian package."""

import shutil
from pathlib import Path

import pytest
from support.service import SERVICES, allowed, analyse, members, text

from scripts.release.debian_files import UNITS, files

# As systemd-analyze counts: 1.0 of 10.
THRESHOLD = 10
# The lockdown calls these; no set of systemd 252 has them.
NAMED = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp")


def exposed(service: str, body: str, folder: Path) -> bool:
    """Whether systemd counts the service as more exposed than THRESHOLD."""
    (folder / service).write_text(body, "utf-8")
    done = analyse("security", "--offline=true", f"--threshold={THRESHOLD}", folder / service)
    assert "Overall exposure level" in done.stdout, done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_counts_each_room_as_exposed_by_at_most_one_of_ten(
    service: str, tmp_path: Path
) -> None:
    assert not exposed(service, text(service), tmp_path)

    open_to_all = text(service).replace("CapabilityBoundingSet=\n", "").replace("=yes", "=no")
    assert exposed(service, open_to_all, tmp_path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the units, those of this system, and programs that are only there."""
    for path, body in files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(body, "utf-8")
    for unit in Path("/lib/systemd/system").iterdir():
        if not (tmp_path / UNITS / unit.name).exists():
            copy = shutil.copytree if unit.is_dir() else shutil.copy
            copy(unit, tmp_path / UNITS / unit.name)
    programs = (
        "bin/kill",
        "usr/lib/casedrop/bin/python",
        "usr/bin/casedrop",
        "usr/bin/tor",
        "usr/bin/install",
    )
    for program in programs:
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", tmp_path / program)
    return tmp_path


def test_systemd_finds_nothing_wrong_in_the_units_and_tors_drop_in(root: Path) -> None:
    units = [Path(path).name for path in files() if Path(path).parent.name == "system"]
    done = analyse("verify", f"--root={root}", *units, "tor@default.service")
    # What is said of other units of this system is not ours to mend.
    said = [line for line in done.stderr.splitlines() if "casedrop" in line or "tor@" in line]
    assert said == []

    wrong = root / UNITS / "casedrop-front.service"
    wrong.write_text(text(wrong.name).replace("RestartSec=30", "RestartSecs=30"), "utf-8")
    found = analyse("verify", f"--root={root}", wrong.name).stderr
    assert "Unknown key 'RestartSecs'" in found or "Unknown key name 'RestartSecs'" in found


@pytest.mark.parametrize("service", SERVICES)
def test_the_filter_lets_through_what_the_lockdown_calls_and_no_way_to_other_views(
    service: str,
) -> None:
    assert set(NAMED) <= allowed(service)
    assert not {"mount", "ptrace", "setns", "bpf", "chroot", "swapon"} & (
        allowed(service) - members("@process")
    )
