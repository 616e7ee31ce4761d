"""How every program ends: exit codes, sentences instead of tracebacks, and nothing half made."""

import argparse
import configparser
import errno
import importlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.cases import CAMPAIGN, new_casebook

from dropbox import __version__
from dropbox.errors import BadBundle
from scripts import casedrop, command_line, newsite, version
from scripts.ceremony import __main__ as ceremony
from scripts.command_line import CannotRun, add_directory, new_parser
from scripts.courier import __main__ as courier
from scripts.desk import __main__ as desk
from scripts.release import environment

ROOT = Path(__file__).parents[2]
ONION = "b" * 56 + ".onion"
# The computer's own Python, without any package.
BARE = [str(Path(sys.base_prefix) / "bin" / "python3"), "-S"]
MODULES = ["scripts.casedrop", "scripts.newsite", "scripts.desk", "scripts.ceremony"]
MODULES += ["scripts.courier", "onion"]
PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "casedrop": casedrop.main,
    "newsite": newsite.main,
    "casedrop-desk": desk.main,
    "casedrop-ceremony": ceremony.main,
    "casedrop-courier": courier.main,
}
# Runs a program in this process: its name and arguments, and its environment by name.
Here = Callable[..., tuple[int, str, str]]


def run(
    *arguments: object, python: Sequence[str] = (sys.executable,), **environ: str
) -> subprocess.CompletedProcess[str]:
    """One program of its own: ``run("-m", "scripts.desk", "list")``."""
    kept = {name: value for name, value in os.environ.items() if name not in DIRECTORIES}
    return subprocess.run(
        [*python, *map(str, arguments)],
        cwd=ROOT,
        env={**kept, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


DIRECTORIES = ("CASEDROP_CASEBOOK", "GNUPGHOME")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """One program in this process: ``here("casedrop-desk", "list")``. Its code, output, errors."""

    def run_here(program: str, *arguments: object, **environ: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            for name in DIRECTORIES:
                patch.delenv(name, raising=False)
            for name, value in environ.items():
                patch.setenv(name, value)
            code = PROGRAMS[program](list(map(str, arguments)))
        return code, *capsys.readouterr()

    return run_here


@pytest.fixture
def casebook(tmp_path: Path) -> Path:
    with new_casebook(tmp_path / "casebook"):
        pass
    return tmp_path / "casebook"


def ended(act: Callable[[argparse.Namespace], int | None], **options: object) -> int:
    """How a program ends that does *act*."""

    def parser() -> argparse.ArgumentParser:
        made = new_parser("program", "A program.")
        made.set_defaults(run=act)
        return made

    return command_line.run(parser, [], **options)  # type: ignore[arg-type]


def raising(why: BaseException) -> Callable[[argparse.Namespace], int]:
    def act(_asked: argparse.Namespace) -> int:
        raise why

    return act


@pytest.mark.parametrize("code", [None, 0, 1])
def test_what_was_done_ends_with_the_code_that_it_gives(
    code: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(lambda _asked: code) == (code or 0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        (BadBundle(), "The bundle does not verify; none of it was used."),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "/x: No space left on device."),
        (OSError(errno.ENOSPC, "No space left on device"), "The output: No space left on device."),
        (BrokenPipeError(errno.EPIPE, "Broken pipe", "/x"), "/x: Broken pipe."),
        (UnicodeDecodeError("utf-8", b"secret\xff", 6, 7, "x"), "A text that had to be read"),
        (UnicodeEncodeError("ascii", "秘密", 0, 1, "x"), "set LC_ALL=C.UTF-8"),
        (CannotRun("Not here."), "Not here."),
    ],
)
def test_what_could_not_be_done_is_a_sentence_and_the_code_2(
    why: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(raising(why)) == 2

    out, err = capsys.readouterr()
    assert sentence in err and err.count("\n") == 1 and out == ""
    assert "secret" not in err and "秘" not in err


def test_an_interruption_is_told_in_the_programs_own_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended(raising(KeyboardInterrupt()), interrupted="Stopped; run it again.") == 130
    assert capsys.readouterr() == ("", "Stopped; run it again.\n")


def test_an_error_of_nobodys_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        ended(raising(ZeroDivisionError()))
    with pytest.raises(ModuleNotFoundError):
        ended(raising(ModuleNotFoundError("gone", name="scripts.desk.gone")))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_command_line_is_the_code_2_and_help_is_0(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert PROGRAMS[program](["--nonsense"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"usage: {program} ")

    assert PROGRAMS[program](["--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: {program} ") and err == "" and "--version" in out
    assert ("casedrop-desk.pyz ceremony" in " ".join(out.split())) == (program == "casedrop-desk")


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.slow
def test_a_python_without_the_packages_says_which_is_missing_and_what_to_run(module: str) -> None:
    arguments = {
        "onion": ["up", "--state", "/nowhere"],
        "scripts.casedrop": ["up", "--state", "/nowhere"],
        "scripts.newsite": ["--onion", ONION, "/nowhere"],
    }

    done = run("-m", module, *arguments.get(module, ["--help"]), python=BARE)

    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(r"The Python package [a-z-]+ is missing in /", done.stderr), done.stderr
    assert done.stderr.count("\n") == 1
    assert "/bin/python -m " + module in done.stderr or "make up" in done.stderr


@pytest.mark.parametrize("name", ["newsite", "casedrop"])
def test_a_command_called_by_its_path_says_how_to_call_it(name: str) -> None:
    for python in ([sys.executable], BARE):
        done = run(ROOT / "scripts" / f"{name}.py", "--help", python=python, PYTHONPATH="")

        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"Run it from {ROOT} as python -m scripts.{name}" in done.stderr


def test_outside_a_checkout_pip_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ModuleNotFoundError("No module named 'nacl'", name="nacl.signing")
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    assert ended(raising(missing)) == 2
    assert "pynacl is missing" in (err := capsys.readouterr().err)
    # Never by its name alone: nobody knows who owns that name at PyPI.
    assert f"pip install './casedrop-{__version__}-py3-none-any.whl[desk,courier]'" in err

    (tmp_path / "Makefile").touch()
    assert ended(raising(missing)) == 2
    assert f"run 'make install' in {tmp_path}" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["casedrop", "casedrop-desk"])
def test_an_environment_of_another_python_says_what_to_run(tmp_path: Path, name: str) -> None:
    """After an upgrade of Debian the Python in it looks for its packages in another folder."""
    made = tmp_path / ".venv"
    subprocess.run([BARE[0], "-m", "venv", "--without-pip", made], check=True)
    environment._connect(made, bare=False)
    (lib,) = (made / "lib").iterdir()
    lib.rename(lib.with_name("python3.9"))
    arguments = {"casedrop": ["newsite", "--onion", ONION, tmp_path / "site"]}

    done = run(*arguments.get(name, ["--help"]), python=[str(made / "bin" / name)])

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert re.match(rf"The Python package [a-z-]+ is missing in {made}/bin/python", done.stderr)
    assert done.stderr.endswith(f"/.venv/bin/{name}\n") and not (tmp_path / "site").exists()


def test_an_older_python_is_told_which_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))

    assert desk.main(["--help"]) == 2
    assert "Python 3.11 or later is needed" in capsys.readouterr().err


# Nobody reads the output


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("status",), ("status", "--json"), ("answer", "--templates"), ("--version",)],
)
@pytest.mark.slow
def test_a_closed_pipe_is_silent(arguments: Sequence[str], casebook: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "scripts.desk", "--casebook", str(casebook), *arguments],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.slow
def test_a_full_disk_under_the_output_is_a_sentence(casebook: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "scripts.desk", "--casebook", str(casebook), "status"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (
        2,
        b"The output: No space left on device. Make room on that disk, then try again.\n",
    )


@pytest.mark.slow
def test_without_any_output_what_was_asked_is_done(casebook: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable]

    done = run("-m", "scripts.desk", "--casebook", casebook, "status", python=closed)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_ctrl_c_at_the_desk_is_the_code_130(casebook: Path, reviewer_homes: list[Path]) -> None:
    command = ["--casebook", str(casebook), "--home", str(reviewer_homes[0])]
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.desk", *command, "answer", "1", "--text-file", "-"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        waits = Path(f"/proc/{process.pid}/wchan")
        end = time.monotonic() + 60
        while "pipe" not in waits.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        err = process.stderr.read()

    assert process.returncode == 130
    assert err == b"Stopped; what was done is kept, and the command can be run again.\n"


# Directories, from the option or from the environment


def test_an_option_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEDROP_CASEBOOK", "/from/environment")
    monkeypatch.setenv("GNUPGHOME", "/keys/from/environment")

    told = desk.parser().parse_args(["--casebook", "/told", "--home", "/keys", "status"])
    untold = desk.parser().parse_args(["status"])

    assert (told.casebook, told.home) == (Path("/told"), Path("/keys"))
    assert (untold.casebook, untold.home) == (
        Path("/from/environment"),
        Path("/keys/from/environment"),
    )
    assert ceremony.parser().parse_args(["weeks"]).home == Path("/keys/from/environment")


def test_a_casebook_and_keys_from_the_environment_do(
    casebook: Path, reviewer_homes: list[Path], here: Here
) -> None:
    done = here("casedrop-desk", "status", "--json", CASEDROP_CASEBOOK=str(casebook))
    assert done[0] == 0 and "keys" not in json.loads(done[1])

    environ = {"CASEDROP_CASEBOOK": str(casebook), "GNUPGHOME": str(reviewer_homes[0])}
    done = here("casedrop-desk", "status", "--json", **environ)
    assert done[0] == 0 and json.loads(done[1])["keys"]


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(
    ("program", "arguments", "option", "variable"),
    [
        ("casedrop-desk", ["status"], "--casebook", "CASEDROP_CASEBOOK"),
        ("casedrop-desk", ["--casebook", "{}", "list"], "--home", "GNUPGHOME"),
        ("casedrop-desk", ["--casebook", "{}", "reviewers", "--keys", "x"], "--home", "GNUPGHOME"),
        ("casedrop-ceremony", ["weeks"], "--home", "GNUPGHOME"),
        ("casedrop-ceremony", ["sheet", "--out", "x"], "--home", "GNUPGHOME"),
    ],
)
def test_a_directory_that_nobody_named_is_asked_for_by_both_ways(
    program: str,
    arguments: list[str],
    option: str,
    variable: str,
    value: str | None,
    casebook: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in DIRECTORIES:
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert PROGRAMS[program]([one.format(casebook) for one in arguments]) == 2

    err = capsys.readouterr().err
    assert option in err and variable in err and err.count("\n") == 1


def test_an_option_of_a_directory_may_be_left_out_where_it_is_not_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SOMEWHERE", raising=False)

    def parser() -> argparse.ArgumentParser:
        made = new_parser("program", "A program.")
        add_directory(made, "--place", "SOMEWHERE", "a place", needed=False)
        made.set_defaults(run=lambda asked: asked.place)
        return made

    assert command_line.run(parser, []) == 0


# Folders in which nothing can be written


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that its owner cannot write to."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    return folder


def unprivileged() -> list[str]:
    """Python as of somebody whom permissions bind."""
    bound = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    return [*bound, sys.executable]


@pytest.mark.parametrize("inside", ["", "site"])
def test_a_site_is_not_begun_in_a_folder_that_cannot_be_written(closed: Path, inside: str) -> None:
    newsite = ("-m", "scripts.casedrop", "newsite", "--onion", ONION)
    done = run(*newsite, closed / inside, python=unprivileged())

    assert done.returncode == 2 and "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1 and list(closed.iterdir()) == []


def test_nothing_is_left_of_a_site_whose_settings_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = os.open

    def opened(path: str | Path, *arguments: int, **more: int) -> int:
        if str(path).endswith("settings.toml.part"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", opened)
    assert newsite.main(["--onion", ONION, str(tmp_path / "site")]) == 2
    monkeypatch.undo()

    assert "No space left" in capsys.readouterr().err and list(tmp_path.iterdir()) == []
    assert newsite.main(["--onion", ONION, str(tmp_path / "site")]) == 0


@pytest.mark.slow
def test_no_key_is_made_whose_files_cannot_be_written(
    closed: Path, tmp_path: Path, gpg_home: Path
) -> None:
    for out in (closed, closed / "out", CAMPAIGN / "out"):
        asked = ["new", "--home", gpg_home, "--name", "blue", "--out", out, "--unprotected"]
        done = run("-m", "scripts.ceremony", *asked, python=unprivileged())

        assert done.returncode == 2 and "Nothing can be written into" in done.stderr
        assert done.stderr.count("\n") == 1 and not gpg_home.exists()
    assert list(closed.iterdir()) == []


@pytest.mark.slow
def test_a_casebook_is_not_begun_in_a_folder_that_cannot_be_written(
    closed: Path, keys_dir: Path
) -> None:
    asked = ["init", "--server-key", "00" * 32, "--desk", 0, "--keys", keys_dir]

    done = run("-m", "scripts.desk", "--casebook", closed / "new", *asked, python=unprivileged())

    assert done.returncode == 2 and "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1 and list(closed.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("casedrop-desk", ["status"]),
        ("casedrop-desk", ["import", "bundle.tar"]),
        ("casedrop-ceremony", ["new", "--name", "blue", "--out", "out"]),
        ("casedrop-ceremony", ["public", "--out", "out"]),
        ("casedrop-ceremony", ["weeks"]),
    ],
)
def test_a_missing_gpg_is_named_and_nothing_is_made(
    casebook: Path,
    first_home: Path,
    tmp_path: Path,
    program: str,
    arguments: list[str],
    here: Here,
) -> None:
    before = sorted(tmp_path.rglob("*"))
    asked = [str(tmp_path / word) if word == "out" else word for word in arguments]
    if program == "casedrop-desk":
        asked = ["--casebook", str(casebook), "--home", str(first_home), *asked]
    else:
        asked += ["--home", str(tmp_path / "new" if "new" in arguments else first_home)]
    code, _, err = here(program, *asked, PATH=str(tmp_path))

    assert code == 2
    assert err == "gpg is not on this computer; it is in the Debian package gnupg.\n"
    assert {path.name for path in tmp_path.rglob("*") if path not in before} <= {"lock"}


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("2.2.35", "The installed gpg is 2.2.35; 2.2.36 or later is needed, because an older one "
         "can be made to report a signature that nobody made (CVE-2022-34903). Upgrade the "
         "package gnupg.\n"),
        ("none", "The installed gpg names no version; reinstall the package gnupg.\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("program", ["casedrop-desk", "casedrop-ceremony"])
def test_a_gpg_that_is_too_old_is_not_used(
    program: str, version: str, said: str, casebook: Path, first_home: Path, tmp_path: Path,
    here: Here,
) -> None:  # fmt: skip
    (tmp_path / "gpg").write_text(f"#!/bin/sh\necho cfg:version:{version}\n", "utf-8")
    (tmp_path / "gpg").chmod(0o755)
    asked = {
        "casedrop-desk": ["--casebook", casebook, "--home", first_home, "list"],
        "casedrop-ceremony": ["weeks", "--home", first_home],
    }
    path = f"{tmp_path}:{os.environ['PATH']}"

    assert here(program, *asked[program], PATH=path) == (2, "", said)

    real = shutil.which("gpg")
    (tmp_path / "gpg").write_text(
        f'#!/bin/sh\ncase "$*" in *--list-config*) echo cfg:version:2.2.36; exit;; esac\n'
        f'exec {real} "$@"\n', "utf-8",
    )  # fmt: skip
    # The oldest that will do is asked for the keys; those of a test are of no reviewer.
    assert "gpg" not in here(program, *asked[program], PATH=path)[2]


def test_a_home_of_gpg_that_does_not_exist_is_named(
    casebook: Path, tmp_path: Path, here: Here
) -> None:
    for home in (tmp_path / "none", casebook / "casebook.sqlite"):
        code, _, err = here("casedrop-desk", "--casebook", casebook, "--home", home, "status")

        assert code == 2
        assert err == f"There is no directory {home}, where gpg's keys should be.\n"


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("casedrop-desk", ["list"]),
        ("casedrop-desk", ["status"]),
        ("casedrop-desk", ["lock"]),
        ("casedrop-ceremony", ["weeks"]),
        ("casedrop-ceremony", ["new", "--name", "blue", "--out", "o", "--own-passphrase"]),
    ],
)
def test_a_home_of_gpg_that_this_user_may_not_read_is_not_called_empty(
    program: str, arguments: list[str], casebook: Path, tmp_path: Path, here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    home, real = tmp_path / "home", os.access
    home.mkdir(mode=0o700)
    monkeypatch.setattr(os, "access", lambda path, how: path != home and real(path, how))
    environ = {"CASEDROP_CASEBOOK": str(casebook), "GNUPGHOME": str(home)}

    code, out, err = here(program, *arguments, **environ)

    assert (code, out) == (2, "") and not list(home.iterdir())
    assert err.startswith(f"{home}: Permission denied. It belongs to ")


def test_to_lock_without_gpg_names_its_package(tmp_path: Path, here: Here) -> None:
    code, out, err = here("casedrop-desk", "--home", tmp_path, "lock", PATH=str(tmp_path))

    assert (code, out) == (2, "")
    assert (
        err == "gpg-connect-agent is not on this computer; it is in the Debian package gpgconf.\n"
    )


def test_a_file_in_the_place_of_a_casebook_is_named(
    casebook: Path, keys_dir: Path, here: Here
) -> None:
    file = casebook / "casebook.sqlite"
    before = file.read_bytes()
    for asked in (["list"], ["init", "--server-key", "00" * 32, "--desk", 0, "--keys", keys_dir]):
        code, _, err = here("casedrop-desk", "--casebook", file, *asked)

        assert code == 2 and err == (
            f"{file} is a file; name the directory that holds the casebook.\n"
        )
    assert file.read_bytes() == before


# Entry points and versions


def test_the_installed_commands_are_these_programs() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    lines = settings["options.entry_points"]["console_scripts"].split("\n")
    named = dict(line.split(" = ") for line in lines if line)
    mains = {}
    for name, entry in named.items():
        module, _, function = entry.partition(":")
        mains[name] = getattr(importlib.import_module(module), function)

    assert mains == {name: main for name, main in PROGRAMS.items() if name != "newsite"}
    assert settings["metadata"]["version"] == "attr: dropbox.__version__"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_says_its_version(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROGRAMS[program](["--version"]) == 0
    assert re.fullmatch(
        rf"{program} {re.escape(__version__)}(, revision [0-9a-f]{{40}}(-changed)?)?\n",
        capsys.readouterr().out,
    )


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    done = subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_revision_is_the_commit_and_says_when_something_was_changed(tmp_path: Path) -> None:
    assert version.revision(tmp_path) == ""
    git(tmp_path, "init", "--quiet")
    assert version.revision(tmp_path) == ""
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "x")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert version.revision(tmp_path) == commit and len(commit) == 40

    (tmp_path / "file").write_text("two")
    assert version.revision(tmp_path) == f"{commit}-changed"
    git(tmp_path, "checkout", "file")
    (tmp_path / "new").touch()
    assert version.revision(tmp_path) == f"{commit}-changed"


def test_without_git_the_version_alone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert version.version() == __version__


def test_a_revision_that_was_built_in_goes_before_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "REVISION").write_text("0123abc\n", "ascii")
    monkeypatch.setattr(version, "BUILT_IN", tmp_path / "REVISION")

    assert version.version() == f"{__version__}, revision 0123abc"


def test_git_is_not_asked_when_no_version_is(casebook: Path, tmp_path: Path, here: Here) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n", "utf-8")
    (tmp_path / "git").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"

    assert here("casedrop-desk", "--casebook", casebook, "status", PATH=path)[0] == 0
    assert not (tmp_path / "asked").exists()
    assert here("casedrop-desk", "--version", PATH=path)[0] == 0
    # In a tree that was unpacked there is nobody to ask.
    assert (tmp_path / "asked").exists() == (ROOT / ".git").exists()


# What a program loads


@pytest.mark.slow
def test_a_desk_loads_neither_numpy_nor_what_makes_its_manual(casebook: Path) -> None:
    script = (
        "import sys; from scripts.desk.__main__ import main; "
        "sys.argv[1:] = ['--casebook', sys.argv[1], 'status', '--json']; code = main(); "
        "print(sorted({'numpy', 'shtab', 'argparse_manpage', 'git'} & set(sys.modules)), code)"
    )

    assert run("-c", script, casebook).stdout.endswith("[] 0\n")


def test_words_typed_that_are_no_utf_8_are_a_sentence(
    casebook: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))

    assert desk.main(["--casebook", str(casebook), "find"]) == 2
    assert capsys.readouterr().err == "The query is not UTF-8.\n"
