"""What AppArmor's parser says of the profile that the Debian package installs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.service import SERVICES, values

from scripts.release.debian_files import files

PROFILE = files()["etc/apparmor.d/casedrop"]
PARSER = shutil.which("apparmor_parser", path="/usr/sbin:/sbin")


def parsed(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Parse *text* without loading it."""
    assert PARSER is not None, "apt-get install apparmor"
    (folder / "casedrop").write_text(text, "utf-8")
    command = [PARSER, "--skip-kernel-load", "--skip-cache", str(folder / "casedrop")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_parser_takes_the_profile(tmp_path: Path) -> None:
    done = parsed(PROFILE, tmp_path)
    assert done.returncode == 0, done.stderr

    broken = parsed(PROFILE.replace("mrix,", "mrix", 1), tmp_path)
    assert broken.returncode != 0 and "casedrop at line" in broken.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_each_room_has_a_profile_and_starts_without_apparmor_too(service: str) -> None:
    [name] = values(service, "AppArmorProfile")
    assert name.startswith("-")
    assert re.search(rf"^profile {name.removeprefix('-')} ", PROFILE, re.MULTILINE)


def test_no_room_may_read_a_secret_of_root_or_reach_a_network() -> None:
    for body in PROFILE.split("\nprofile ")[1:]:
        assert "deny /etc/casedrop/secret/{,**} rw," in body
        assert "deny network inet," in body and "deny network inet6," in body
    front, vault = PROFILE.split("\nprofile ")[1:]
    assert "/var/lib/casedrop" not in front and "gpg" not in vault
    assert "memory.max r," in vault and "memory.max" not in front
