"""How an environment is made from a lock: kept while it fits, made again when not, and never left
half made.
"""

import ast
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dropbox.gpg_command import OLDEST_GPG
from onion.control import OLDEST_TOR
from scripts.release import environment

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "release" / "environment.py"
PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"


class Builds:
    """In the place of what builds: makes the folder and counts."""

    def __init__(self, fails: BaseException | None = None, seconds: float = 0.0) -> None:
        self.count, self._fails, self._seconds = 0, fails, seconds

    def __call__(self, directory: Path, lock: Path, *, bare: bool) -> None:
        self.count += 1
        (directory / "bin").mkdir(parents=True)
        (directory / "lib" / PYTHON.name / "site-packages").mkdir(parents=True)
        time.sleep(self._seconds)
        if self._fails:
            raise self._fails
        (directory / "bin" / "python").touch()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("one==1\n", "utf-8")
    return path


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    builds = Builds()
    monkeypatch.setattr(environment, "_build", builds)
    return builds


def changed_stamp(directory: Path, **facts: str) -> None:
    stamp = directory / environment.STAMP
    stamp.write_text(json.dumps(json.loads(stamp.read_text("utf-8")) | facts), "utf-8")


def test_an_environment_that_fits_is_kept_without_a_word(
    tmp_path: Path, lock: Path, builds: Builds, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.prepare(tmp_path / "venv", lock)
    first = capsys.readouterr().out
    environment.prepare(tmp_path / "venv", lock)

    assert first == f"Installing Python packages into {tmp_path / 'venv'}.\n"
    assert builds.count == 1 and capsys.readouterr() == ("", "")


def test_commands_that_were_added_later_are_there_and_lead_into_this_checkout(
    tmp_path: Path, lock: Path, builds: Builds
) -> None:
    environment.prepare(tmp_path / "venv", lock)
    (tmp_path / "venv" / "bin" / "casedrop").unlink()
    environment.prepare(tmp_path / "venv", lock)

    text = (tmp_path / "venv" / "bin" / "casedrop").read_text("utf-8")
    assert text.startswith(f"#!{tmp_path}/venv/bin/python\n")
    [pth] = (tmp_path / "venv").rglob("casedrop.pth")
    assert pth.read_text("utf-8") == f"{ROOT}\n"
    assert builds.count == 1 and not list((tmp_path / "venv").rglob("*.part"))


@pytest.mark.parametrize("name", ["举报 箱", 'it\'s "here" 箱', "n" * 200])
def test_commands_run_from_a_folder_of_any_name_and_in_any_locale(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, made = tmp_path / name / "checkout", tmp_path / name / "venv"
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "setup.cfg", checkout)
    (checkout / "scripts" / "casedrop.py").write_text(
        "import sys\n\ndef main():\n    print(*sys.argv[1:])\n    return 3\n", "utf-8"
    )
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", made], check=True)
    monkeypatch.setattr(environment, "ROOT", checkout)
    environment._connect(made, bare=True)

    for locale in ("C", "POSIX", "C.UTF-8"):
        for command in (
            [made / "bin" / "casedrop"],
            [
                made / "bin" / "python",
                "-c",
                "import sys; from scripts.casedrop import main; sys.exit(main())",
            ],
        ):
            done = subprocess.run(
                [*command, "a b", "c"], cwd=tmp_path, env={"LC_ALL": locale}, check=False,
                capture_output=True, text=True,
            )  # fmt: skip
            assert (done.returncode, done.stdout, done.stderr) == (3, "a b c\n", "")


def moved(directory: Path, lock: Path) -> Path:
    return directory.rename(directory.with_name("moved"))


def with_another_lock(directory: Path, lock: Path) -> Path:
    lock.write_text("one==2\n", "utf-8")
    return directory


def without_a_stamp(directory: Path, lock: Path) -> Path:
    (directory / environment.STAMP).unlink()
    return directory


def with_half_a_stamp(directory: Path, lock: Path) -> Path:
    (directory / environment.STAMP).write_text('{"Python": "3.', "utf-8")
    return directory


def of_the_former_debian(directory: Path, lock: Path) -> Path:
    changed_stamp(directory, Python="3.9.2")
    return directory


def of_another_python(directory: Path, lock: Path) -> Path:
    changed_stamp(directory, interpreter="/opt/python3")
    return directory


def with_installers(directory: Path, lock: Path) -> Path:
    changed_stamp(directory, kind="bare")
    return directory


def without_its_python(directory: Path, lock: Path) -> Path:
    (directory / "bin" / "python").unlink()
    (directory / "bin" / "python").symlink_to("/usr/bin/python3.9")
    return directory


HERE, PYTHON = sys.version.split()[0], Path(sys.executable).resolve()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_another_lock, "the lock has changed"),
        (without_a_stamp, "its installation was not completed"),
        (with_half_a_stamp, "its installation was not completed"),
        (of_the_former_debian, f"it was made for Python 3.9.2, and this is {HERE}"),
        (of_another_python, f"it was made by /opt/python3, and this is {PYTHON}"),
        (moved, "it was made as {0}/venv, and is now {0}/moved"),
        (with_installers, "it is bare, and should be whole"),
        (without_its_python, "its Python is gone"),
    ],
)  # fmt: skip
def test_a_stale_environment_is_made_again_with_one_line_that_says_why(
    change: Callable[[Path, Path], Path], reason: str, tmp_path: Path, lock: Path, builds: Builds,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    environment.prepare(tmp_path / "venv", lock)
    (tmp_path / "venv" / "left over").touch()
    directory = change(tmp_path / "venv", lock)
    capsys.readouterr()
    environment.prepare(directory, lock)

    assert capsys.readouterr() == (f"Making {directory} again: {reason.format(tmp_path)}.\n", "")
    assert builds.count == 2 and not (directory / "left over").exists()
    environment.prepare(directory, lock)
    assert builds.count == 2


@pytest.mark.parametrize("why", [environment.CannotInstall("No."), KeyboardInterrupt(), OSError()])
def test_a_build_that_fails_leaves_nothing(
    why: BaseException, tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_build", Builds(fails=why))

    with pytest.raises(type(why)):
        environment.prepare(tmp_path / "venv", lock)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock.txt"]


def test_a_full_disk_is_named_and_not_a_package_that_would_be_missing(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What venv says then does not tell why."""
    room = {"free": environment.LEAST_ROOM - 1}
    monkeypatch.setattr(environment, "_call", lambda *command: (1, b"Error: exit status 1."))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, **room))

    with pytest.raises(environment.CannotInstall) as why:
        environment.prepare(tmp_path / "venv", lock)
    assert str(why.value) == (
        f"There is no room left in {tmp_path}; nothing was installed. Make room on that disk, then "
        "run it again."
    )
    room["free"] += 1
    with pytest.raises(environment.CannotInstall, match="package python3-venv has what it takes"):
        environment.prepare(tmp_path / "venv", lock)
    assert not (tmp_path / "venv").exists()


def test_of_two_at_once_one_builds_and_the_other_waits_for_it(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = Builds(seconds=0.5)
    monkeypatch.setattr(environment, "_build", builds)
    makers = [
        threading.Thread(target=environment.prepare, args=(tmp_path / "venv", lock))
        for _ in range(3)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()

    assert builds.count == 1 and (tmp_path / "venv" / environment.STAMP).exists()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder in which another process makes an environment."""
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield tmp_path
    os.close(handle)


def test_who_waits_for_another_is_told_and_stopped_with_a_true_sentence(
    locked: Path, lock: Path
) -> None:
    (locked / "venv").mkdir()
    for name, says in (("gpg", GPG), ("tor", TOR)):
        stand_in(locked / "bin", name, says)
    with subprocess.Popen(
        [PYTHON, SCRIPT, locked / "venv", lock],
        env={"PATH": str(locked / "bin")}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as waiting:  # fmt: skip
        assert waiting.stdout is not None and waiting.stderr is not None
        said = waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        rest, why = waiting.stdout.read(), waiting.stderr.read()

    assert said == f"Waiting for another make in {locked} to end.\n" and rest == ""
    assert (waiting.returncode, why) == (130, "Stopped; run it again.\n")
    assert (locked / "venv").exists()


def test_a_removal_that_was_cut_short_leaves_nothing_that_seems_right(
    tmp_path: Path, lock: Path, builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the lock is then the earlier one again."""
    environment.prepare(tmp_path / "venv", lock)
    former = lock.read_text("utf-8")
    with_another_lock(tmp_path / "venv", lock)

    def killed(directory: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            environment.prepare(tmp_path / "venv", lock)
    assert (tmp_path / "venv" / "bin" / "python").exists()
    lock.write_text(former, "utf-8")
    environment.prepare(tmp_path / "venv", lock)

    assert builds.count == 2


def test_an_environment_behind_a_link_is_used_as_it_is(
    tmp_path: Path, lock: Path, builds: Builds, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.prepare(tmp_path / "venv", lock)
    (tmp_path / "link").symlink_to("venv")
    with_another_lock(tmp_path / "venv", lock)
    capsys.readouterr()
    environment.prepare(tmp_path / "link", lock)

    said = f"{tmp_path / 'link'} is a link and is used as it is, although the lock has changed.\n"
    assert builds.count == 1 and capsys.readouterr() == ("", said)


def test_an_older_python_gets_a_sentence() -> None:
    needs = r"needs Python 3\.11 or later; .* is 3\.9\.2\. Debian 12 and 13 have one"
    with pytest.raises(environment.CannotInstall, match=needs):
        environment.check_python((3, 9, 2))
    environment.check_python((3, 11, 0))
    environment.check_python((3, 13, 5))


def test_an_older_python_can_read_the_script_to_that_sentence() -> None:
    tree = ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 7))

    imported = {
        name.split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= set(sys.stdlib_module_names) - {"tomllib", "zoneinfo", "graphlib"}


def stand_in(directory: Path, name: str, says: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{says}\n", "utf-8")
    (directory / name).chmod(0o755)


GPG, TOR = "echo 'gpg (GnuPG) 2.2.36'", "echo 'Tor version 0.4.8.0.'"


@pytest.mark.parametrize(
    ("gpg", "tor", "sentence"),
    [
        (None, TOR, "gpg is not on this computer; it is in the Debian package gnupg."),
        (GPG, None, "tor is not on this computer; it is in the Debian package tor."),
        ("echo 'gpg (GnuPG) 2.2.35'", TOR,
         "The installed gpg is 2.2.35; 2.2.36 or later is needed, because an older one can be made "
         "to report a signature that nobody made (CVE-2022-34903). Upgrade the package gnupg."),
        (GPG, "echo 'Tor version 0.4.7.16.'",
         "The installed tor is 0.4.7; 0.4.8 or later is needed, because an older one "
         "does not know proof of work for onion services. Upgrade the package tor."),
        ("exit 1", TOR, "`gpg --version` names no version; reinstall the package gnupg."),
        (GPG, "echo Hello", "`tor --version` names no version; reinstall the package tor."),
    ],
)  # fmt: skip
def test_a_missing_or_older_program_gets_a_sentence_and_nothing_is_made(
    gpg: str | None, tor: str | None, sentence: str, tmp_path: Path, lock: Path
) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, says in (("gpg", gpg), ("tor", tor)):
        if says is not None:
            stand_in(bin_, name, says)
    done = subprocess.run(
        [PYTHON, SCRIPT, tmp_path / "venv", lock],
        env={"PATH": str(bin_)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence + "\n")
    assert not (tmp_path / "venv").exists()


def test_the_oldest_versions_themselves_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", "gpg", GPG)
    stand_in(tmp_path / "bin", "tor", TOR)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    environment.check_programs()
    # A public service asks for more than a private network does.
    assert environment.PROGRAMS["tor"][0] <= OLDEST_TOR
    assert environment.PROGRAMS["gpg"][0] == OLDEST_GPG


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second user")
def test_a_folder_that_may_not_be_written_is_named(lock: Path) -> None:
    # pytest's own folders are closed to other users, and this checkout may be.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file in (SCRIPT, environment.BUILD):
            copy = place / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True)
            shutil.copy(file, copy)
        place.chmod(0o755)
        shutil.copy(lock, place)
        there = sorted(place.rglob("*"))
        done = subprocess.run(
            [PYTHON, place / SCRIPT.relative_to(ROOT), f"{place}/venv", f"{place}/{lock.name}"],
            user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert sorted(place.rglob("*")) == there
    sentence = f"{place}/venv cannot be made: {place} may not be written by this user.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)
