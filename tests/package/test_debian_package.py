"""The Debian package: the same to the byte each time, whole, with scripts that a shell can read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.release import debian_files
from scripts.release.debian_package import build, source_epoch

EPOCH = 1_790_000_000


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built with the environment that runs this test."""
    place = tmp_path_factory.mktemp("deb")
    return build(Path(sys.executable), place / "first", EPOCH, compression="none")


@pytest.fixture(scope="module")
def root(package: Path) -> Path:
    """What the package installs, in a folder."""
    place = package.parent.parent / "root"
    run("dpkg-deb", "--extract", package, place)
    return place


def test_it_is_the_same_to_the_byte_each_time(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = os.umask(0o077)
    try:
        again = build(Path(sys.executable), tmp_path / "again", EPOCH, compression="none")
    finally:
        os.umask(before)

    assert again.read_bytes() == package.read_bytes()
    assert source_epoch({}) != EPOCH


def test_all_files_are_roots_and_of_one_time_and_none_is_compiled(package: Path) -> None:
    lines = run("dpkg-deb", "--contents", package).splitlines()

    assert all(" root/root " in line for line in lines)
    assert {tuple(line.split()[3:5]) for line in lines} == {("2026-09-21", "14:13")}
    assert not [line for line in lines if ".pyc" in line or "__pycache__" in line]
    assert {line.split()[0] for line in lines} == {
        "drwxr-xr-x",
        "-rw-r--r--",
        "-rwxr-xr-x",
        "lrwxrwxrwx",
    }


def test_its_commands_run_with_its_own_packages_alone(root: Path) -> None:
    python = root / debian_files.HOME / "bin" / "python"
    said = run(python, "-I", "-c", "import sys, flask; print(flask.__file__, *sys.path)")
    assert str(Path.cwd()) not in said and str(root) in said.split()[0]
    assert sys.prefix not in said

    listed = run(python, "-I", root / "usr/bin/casedrop", "--help")
    assert "setup" in listed or "check" in listed
    assert not [*root.rglob("scripts/release")], "That belongs to a checkout."
    for name in ("pip", "setuptools"):
        assert not [*(root / debian_files.HOME).rglob(f"site-packages/{name}")]


def test_its_scripts_are_read_by_the_shell_and_its_control_file_by_dpkg(package: Path) -> None:
    control = package.parent.parent / "control"
    run("dpkg-deb", "--control", package, control)

    for script in ("postinst", "prerm", "postrm"):
        run("sh", "-n", control / script)
        assert os.access(control / script, os.X_OK)
    assert run("dpkg-deb", "--field", package, "Depends").count("python3 (") == 2
    assert "@" not in (control / "control").read_text("utf-8").replace("casedrop@localhost", "")
    sums = (control / "md5sums").read_text("utf-8")
    assert "usr/bin/casedrop\n" in sums and "DEBIAN" not in sums


def test_users_and_folders_are_as_systemd_reads_them(root: Path, tmp_path: Path) -> None:
    # A root without users, as that of a new machine.
    (tmp_path / "etc").mkdir()
    for program, kind in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
        mode = ("--create",) if kind == "tmpfiles.d" else ()
        run(program, *mode, f"--root={tmp_path}", root / "usr/lib" / kind / "casedrop.conf")

    users = (tmp_path / "etc/passwd").read_text("utf-8")
    groups = (tmp_path / "etc/group").read_text("utf-8")
    names = ("casedrop-front", "casedrop-vault", "casedrop-probe")
    assert all(f"{name}:" in users for name in names)
    assert users.count("nologin") == 3 and "casedrop-courier:" in groups
    assert (tmp_path / "etc/casedrop/secret").stat().st_mode & 0o777 == 0o700
