"""The desk's one file: the same wherever it is built, and complete with only Python and gpg."""

import ast
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from nacl.public import PrivateKey
from support.hostile_files import image
from support.shared import made_once
from support.slot_bundles import SERVER, SlotDrop
from support.syscalls import NETWORK_CALLS, Call, calls, watcher

from dropbox import __version__
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Reviewers
from dropbox.pinned_keys import read_pinned_keys
from dropbox.reply_bundle import read_replies
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.case_name import characters_of, name_of
from scripts.release import pyz as builder
from scripts.release import start
from scripts.version import revision

ROOT = Path(__file__).parents[2]
STORY, NAME, ANSWER = (
    "【虚构】金丝雀正文七三一零，钱包里的钱取不出来。",
    "金丝雀文件名.jpg",
    "金丝雀回复：请问是哪一年？",
)
# As large as several pieces of a file.
PHOTO = image((300, 200), "BMP")
# Debian's Python, not the tests' environment.
PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"


def pythons() -> list[Path]:
    """Each Python on this computer for which the file is made."""
    found = [PYTHON]
    for version in builder.PYTHONS:
        made = sorted(
            (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}")
        )
        found += [
            *map(
                Path,
                filter(None, [shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")]),
            ),
            *made[-1:],
        ]
    return list({path.name: path for path in reversed(found)}.values())


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, alone on its stick."""
    stick = made_once(
        tmp_path_factory, "stick", lambda place: builder.build(place / "casedrop-desk.pyz")
    )
    return stick / "casedrop-desk.pyz"


@pytest.mark.zipapp
def test_built_twice_it_is_the_same_file_to_the_byte(
    pyz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o077)
    try:
        digest = builder.build(tmp_path / "again" / "casedrop-desk.pyz")
    finally:
        os.umask(before)

    assert digest == hashlib.sha256(pyz.read_bytes()).hexdigest()
    assert (tmp_path / "again" / "casedrop-desk.pyz").read_bytes() == pyz.read_bytes()
    line = f"{digest}  casedrop-desk.pyz\n"
    assert (pyz.parent / "casedrop-desk.pyz.sha256").read_text("ascii") == line
    checked = subprocess.run(
        ["sha256sum", "-c", "casedrop-desk.pyz.sha256"],
        cwd=pyz.parent,
        capture_output=True,
        check=True,
    )
    assert checked.stdout == b"casedrop-desk.pyz: OK\n"


@pytest.mark.zipapp
def test_nothing_of_the_computer_that_built_it_is_in_it(pyz: Path) -> None:
    data = pyz.read_bytes()
    with zipfile.ZipFile(pyz) as archive:
        infos = archive.infolist()

    assert (
        str(ROOT).encode() not in data
        and sys.prefix.encode() not in data
        and b"pytest-of-" not in data
    )
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)} and {
        info.extra for info in infos
    } == {b""}
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert not [
        info.filename
        for info in infos
        if info.filename.endswith(".pyc") or "/bin/" in info.filename
    ]


@pytest.mark.zipapp
def test_it_holds_what_the_desk_needs_and_nothing_that_opens_a_network_or_serves(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        names = [name.removeprefix("site-packages/") for name in archive.namelist()]
        campaign = archive.read("site-packages/dropbox/campaign.toml")
    own = {name for name in names if name.startswith(("dropbox/", "scripts/", "onion/"))}
    packages = {name.split("/")[0] for name in names}

    assert campaign == (ROOT / "dropbox" / "campaign.toml").read_bytes() and "LICENSE" in names
    assert {
        "scripts/desk/__main__.py",
        "scripts/ceremony/__main__.py",
        "dropbox/openpgp.py",
        "dropbox/__init__.py",
        "scripts/__init__.py",
    } <= own
    outside = ("scripts/courier", "scripts/rehearsal", "dropbox/front", "dropbox/vault", "onion/")
    assert not [name for name in own if name.startswith(outside)]
    assert not packages & {
        "httpx",
        "flask",
        "gunicorn",
        "stem",
        "pip",
        "werkzeug",
        "requests",
        "urllib3",
        "shiv",
    }
    for version in ("311", "312", "313"):
        (compiled,) = [
            name for name in names if name.startswith(f"_cffi_backend.cpython-{version}-x86_64")
        ]
        assert compiled.endswith(".so")
    assert "nacl/_sodium.abi3.so" in names
    assert "cryptography/hazmat/bindings/_rust.abi3.so" in names
    drawing = [name for name in names if name.startswith(("PIL/", "pypdfium2_raw/"))]
    assert {"pypdfium2_raw/libpdfium.so", "pyseccomp.py", "scripts/desk/pictures/drawing.py"} <= {
        *names
    }
    assert len([name for name in drawing if "/_imaging.cpython-3" in name]) == 3
    assert len([name for name in {*names} - {*drawing} if name.endswith(".so")]) == 5


@pytest.mark.slow
def test_nothing_that_opens_a_network_is_imported_by_what_the_file_starts() -> None:
    own = builder.modules(builder.ENTRIES)
    imported = {name.split(".")[0] for path in own.values() for name in builder._imports(path)}

    assert {
        "scripts.desk.__main__",
        "scripts.ceremony.__main__",
        "scripts.desk.outbox.sending",
        "dropbox",
    } <= set(own)
    assert not imported & {
        "httpx",
        "socket",
        "urllib",
        "http",
        "requests",
        "stem",
        "asyncio",
        "ssl",
    }


def bundle(reviewers: Reviewers, keys: Path, today: date, directory: Path) -> Path:
    """An export bundle as the vault writes it: one report with one file."""
    hpke = WeeklyHpke.load(keys, datetime.now(UTC))
    drop = SlotDrop(reviewers, hpke, directory, today)
    drop.report(STORY, attachments=(drop.file(PHOTO, NAME),))
    return drop.bundle()


class Computer:
    """A computer with only Python and gpg: no network, a read-only stick, a fresh environment."""

    def __init__(self, stick: Path, directory: Path) -> None:
        self._stick = stick
        self.directory = directory
        (directory / "home").mkdir(mode=0o700)
        self.environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(directory / "home"),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
        }

    def run(self, *command: str | Path, through: tuple[str, ...] = ()) -> SimpleNamespace:
        """The command's exit code, output and errors."""
        stick = shlex.quote(str(self._stick))
        mounted = (
            f'mount --bind {stick} {stick} && mount -o remount,bind,ro {stick} && cd / && exec "$@"'
        )
        isolated = ["unshare", "--net", "--mount", "sh", "-c", mounted, "sh"]
        if os.geteuid() != 0:
            self._stick.chmod(0o555)
            isolated = ["unshare", "--net", "--map-root-user"]
        done = subprocess.run(
            [*isolated, *through, *map(str, command)],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return SimpleNamespace(
            code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode()
        )


@pytest.fixture
def computer(pyz: Path, tmp_path: Path) -> Computer:
    return Computer(pyz.parent, tmp_path)


@pytest.fixture
def keys(reviewer_homes: list[Path], tmp_path: Path) -> Iterator[Path]:
    """A reviewer's secret keys with no agent running yet."""
    home = tmp_path / "g"
    shutil.copytree(reviewer_homes[0], home, ignore=shutil.ignore_patterns("S.*"))
    home.chmod(0o700)
    yield home
    stop_agent(home)


def day(pyz: Path, directory: Path, keys: Path, export: Path) -> Path:
    """A script of one day at the desk; the output of each command is in a file with its name."""
    (directory / "answer.txt").write_text(ANSWER, "utf-8")
    (directory / "evidence").mkdir()
    desk = [PYTHON, "-S", pyz, "--casebook", directory / "casebook", "--home", keys]
    # That of the claimant whose report the bundle holds.
    keys_of_case = bytes(PrivateKey(bytes([1]) * 32).public_key), bytes([101]) * 32
    case = name_of(characters_of(*keys_of_case))
    acts: dict[str, list[object]] = {
        "init": ["init", "--server-key", bytes(SERVER.verify_key).hex(), "--desk", 0],
        "open": ["open", export],
        "list": ["list", "--json"],
        "show": ["show", case],
        "files": ["files", case, "--out", directory / "evidence"],
        # bubblewrap's own room is made with a socket to the kernel.
        "picture": ["picture", case, "--without-bubblewrap", "--out", directory / "pictures"],
        "answer": ["answer", case, "--text-file", directory / "answer.txt", "--yes"],
        "template": ["answer", case, "--template", "answer.evidence", "--yes"],
        "outbox": ["outbox", "--json"],
        "export": ["export-replies", directory / "replies.tar", "--yes"],
        "status": ["status", "--json"],
    }
    lines = [
        f"{shlex.join(map(str, [*desk, *act]))} >{directory}/{name}.out"
        for name, act in acts.items()
    ]
    # The watcher ends when everything it watches has ended.
    end = shlex.join(["gpgconf", "--homedir", str(keys), "--kill", "gpg-agent"])
    script = directory / "day.sh"
    script.write_text("set -e\n" + "\n".join([*lines, end]) + "\n", "utf-8")
    return script


def reached(trace: Path) -> list[Call]:
    """The calls that would reach anything but a unix socket, or a unix socket that is not gpg's."""
    return [
        call
        for call in calls(trace)
        if call.name in ("socket", "socketpair", "connect", "bind", "sendto") and not _own(call)
    ]


def _own(call: Call) -> bool:
    if call.name in ("socket", "socketpair"):
        return call.flags.startswith("AF_UNIX")
    if call.name == "sendto":
        return call.target.startswith("UNIX")
    # The C library asks whether a cache of user names runs; where none does, nothing is reached.
    absent = call.data == b"/var/run/nscd/socket" and "ENOENT" in call.flags
    return "sa_family=AF_UNIX" in call.flags and (
        absent or re.search(rb"/S\.[a-z.-]+$", call.data) is not None
    )


@pytest.mark.zipapp
def test_a_day_at_the_desk_from_a_read_only_stick_reaches_nothing_but_gpgs_agent(
    pyz: Path,
    computer: Computer,
    keys: Path,
    reviewers: Reviewers,
    keys_dir: Path,
    first_day: date,
    tmp_path: Path,
) -> None:
    script = day(pyz, tmp_path, keys, bundle(reviewers, keys_dir, first_day, tmp_path))
    trace = tmp_path / "day.trace"

    done = computer.run("sh", script, through=watcher(trace, NETWORK_CALLS))

    assert (done.code, done.out, done.err) == (0, "", "")
    said = {path.stem: path.read_text("utf-8") for path in tmp_path.glob("*.out")}
    assert (
        "1 new case and 1 file" in said["open"] and STORY in said["show"] and NAME in said["show"]
    )
    assert [path.read_bytes() for path in (tmp_path / "evidence").iterdir()] == [PHOTO]
    assert "a BMP picture of 1 page; 1 of them drawn." in said["picture"]
    assert [one["kind"] for one in json.loads(said["outbox"])] == [
        "acknowledgement",
        "answer",
        "answer",
    ]
    assert json.loads(said["status"])["answered"][0]["answers"] == 2
    data = (tmp_path / "replies.tar").read_bytes()
    signers, now = read_pinned_keys(keys_dir), datetime.now(UTC)
    replies = read_replies(data, signers, onion=SlotDrop.onion, campaign="wechat-2020", now=now)
    assert len(replies.replies) == 256 and len(replies.acknowledged) == 1

    assert reached(trace) == []
    agents = [
        call
        for call in calls(trace)
        if call.name == "connect" and call.data.endswith(b"/S.gpg-agent")
    ]
    started = [call.data for call in calls(trace) if call.name == "execve"]
    assert len(agents) > 2 and len([data for data in started if b"--decrypt" in data]) > 1
    for text in (STORY, NAME, ANSWER):
        pieces = [text[at : at + 4].encode() for at in range(len(text) - 3)]
        assert not [data for data in started if any(piece in data for piece in pieces)]


@pytest.mark.zipapp
def test_a_program_that_reaches_elsewhere_or_tells_a_text_is_caught(
    computer: Computer, tmp_path: Path
) -> None:
    """The control for the test above."""
    reaching = (
        "import socket, subprocess, sys\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "try: socket.socket(socket.AF_UNIX).connect('/run/other')\n"
        "except OSError: pass\n"
        "subprocess.run(['true', sys.stdin.read()])\n"
    )
    (tmp_path / "reach.py").write_text(reaching, "utf-8")
    (tmp_path / "text").write_text(STORY, "utf-8")
    trace = tmp_path / "reach.trace"

    script = f"{shlex.quote(str(PYTHON))} {tmp_path}/reach.py < {tmp_path}/text"
    done = computer.run("sh", "-c", script, through=watcher(trace, NETWORK_CALLS))

    assert done.code == 0
    assert [(call.name, call.data) for call in reached(trace)] == [
        ("socket", b""),
        ("connect", b"/run/other"),
    ]
    assert [
        call for call in calls(trace) if call.name == "execve" and STORY.encode() in call.data
    ] != []


@pytest.mark.zipapp
def test_there_is_no_network_and_the_stick_cannot_be_written_where_it_is_tried(
    computer: Computer, pyz: Path
) -> None:
    done = computer.run("sh", "-c", f"cat /proc/net/route /proc/net/if_inet6; touch {pyz.parent}/x")

    assert [line for line in done.out.splitlines() if line and not line.startswith("Iface")] == []
    assert ("Read-only file system" if os.geteuid() == 0 else "Permission denied") in done.err


@pytest.mark.zipapp
@pytest.mark.parametrize("python", pythons(), ids=lambda path: path.name)
def test_it_starts_with_every_python_here_and_says_nothing_of_its_unpacking(
    pyz: Path, computer: Computer, python: Path, keys_dir: Path, tmp_path: Path
) -> None:
    book, server = ("--casebook", tmp_path / "casebook"), bytes(SERVER.verify_key).hex()
    first = computer.run(
        python, "-S", pyz, *book, "init", "--server-key", server, "--desk", "0", "--keys", keys_dir
    )
    second = computer.run(python, "-S", pyz, *book, "answer", "--templates")
    ceremony = computer.run(python, "-S", pyz, "ceremony", "new", "--help")

    assert (first.code, first.err) == (0, "")
    assert first.out.startswith(
        f"An empty casebook was made in {tmp_path}/casebook, for 2 reviewers.\n"
    )
    assert (second.code, second.err) == (0, "") and "answer.counsel" in second.out
    assert (ceremony.code, ceremony.err) == (
        0,
        "",
    ) and "usage: casedrop-ceremony new" in ceremony.out
    unpacked = tmp_path / "home" / ".cache" / "casedrop-desk"
    assert not [path for path in (unpacked, *unpacked.rglob("*")) if path.stat().st_mode & 0o077]


@pytest.mark.zipapp
def test_it_says_which_source_it_was_built_from_and_names_the_ceremony(
    pyz: Path, computer: Computer
) -> None:
    said = [computer.run(PYTHON, "-S", pyz, *one, "--version") for one in ([], ["ceremony"])]
    shown = computer.run(PYTHON, "-S", pyz, "--help")
    refused = computer.run(PYTHON, "-S", pyz, "status")

    built = revision()
    assert len(built.removesuffix("-changed")) == 40
    assert [(one.code, one.out, one.err) for one in said] == [
        (0, f"{name} {__version__}, revision {built}\n", "")
        for name in ("casedrop-desk", "casedrop-ceremony")
    ]
    assert (shown.code, shown.err) == (0, "")
    assert "casedrop-desk.pyz ceremony" in " ".join(shown.out.split())
    assert refused.code == 2 and "CASEDROP_CASEBOOK" in refused.err


@pytest.mark.zipapp
def test_the_key_ceremony_is_held_with_the_same_file(
    pyz: Path, computer: Computer, tmp_path: Path
) -> None:
    home, out = ("--home", tmp_path / "g"), ("--out", tmp_path / "files")
    ceremony = (PYTHON, "-S", pyz, "ceremony")
    made = computer.run(
        *ceremony, "new", *home, *out, "--name", "blue", "--weeks", "1", "--unprotected"
    )
    weeks = computer.run(*ceremony, "weeks", *home)
    week = re.findall(r"\d{4}-W\d{2}", weeks.out)[0]
    split = computer.run(
        *ceremony, "split", *home, *out, "--week", week, "--sheets", "3", "--needed", "2"
    )
    stop_agent(tmp_path / "g")

    assert [(done.code, done.err) for done in (made, weeks, split)] == [(0, "")] * 3
    server = tmp_path / "files" / "01-server"
    assert [key.fingerprint for key in read_pinned_keys(server)] == [
        (server / "FINGERPRINTS").read_text("ascii").split()[0]
    ]
    assert len([path for path in (tmp_path / "files").rglob("*-sheet-*") if week in path.name]) == 3


@pytest.mark.zipapp
def test_an_unsuitable_computer_gets_a_sentence(
    pyz: Path, computer: Computer, tmp_path: Path
) -> None:
    older = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); sys.argv = [sys.argv[1]]; "
    )
    done = computer.run(
        PYTHON, "-c", older + "runpy.run_path(sys.argv[0], run_name='__main__')", pyz
    )
    assert (done.code, done.out, done.err) == (
        2,
        "",
        "This file runs with Python 3.11 to 3.13; this is Python 3.9.\n",
    )

    (tmp_path / "bin").mkdir()
    bare = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
    without = subprocess.run([PYTHON, pyz, "--help"], env=bare, capture_output=True, check=False)
    sentence = b"gpg is not on this computer; it is in the Debian package gnupg.\n"
    assert (without.returncode, without.stdout, without.stderr) == (2, b"", sentence)
    assert not (tmp_path / "home" / ".cache").exists()


def test_the_start_can_be_read_by_an_older_python() -> None:
    source = (ROOT / "scripts" / "release" / "start.py").read_text("utf-8")

    tree = ast.parse(source, feature_version=(3, 6))
    imported = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported == {"os", "platform", "shutil", "stat", "sys"}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SHIV_ROOT", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    (tmp_path / "session").mkdir(mode=0o700)
    return tmp_path


def test_it_unpacks_into_the_sessions_memory_or_else_under_the_home(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start.cache_directory() == str(places / "session" / "casedrop-desk")
    assert (places / "session" / "casedrop-desk").stat().st_mode & 0o777 == 0o700
    real = os.statvfs(places)
    shutil.rmtree(places / "session" / "casedrop-desk")
    for changed in (
        {"f_flag": os.ST_NOEXEC, "f_bavail": real.f_bavail},
        {"f_flag": 0, "f_bavail": 10},
    ):
        monkeypatch.setattr(
            os,
            "statvfs",
            lambda _path, changed=changed: SimpleNamespace(f_frsize=real.f_frsize, **changed),
        )
        assert start.cache_directory() == str(places / "home" / ".cache" / "casedrop-desk")
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(places / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(places / "nowhere"))
    assert start.cache_directory() == str(places / "home" / ".cache" / "casedrop-desk")
    monkeypatch.setenv("SHIV_ROOT", str(places / "chosen"))
    assert start.cache_directory() == str(places / "chosen")


def test_it_does_not_unpack_where_others_could_read_or_write_or_along_a_link(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIV_ROOT", str(places / "open"))
    (places / "open").mkdir(mode=0o755)
    (places / "mine").mkdir(mode=0o700)
    (places / "link").symlink_to(places / "mine")
    (places / "plain").touch(0o600)
    for name in ("open", "link", "plain"):
        monkeypatch.setenv("SHIV_ROOT", str(places / name))
        with pytest.raises(start.CannotStart, match="is open to others"):
            start.cache_directory()
    (places / "file").write_bytes(b"")
    monkeypatch.setenv("SHIV_ROOT", str(places / "file" / "below"))
    with pytest.raises(start.CannotStart, match="nowhere to unpack to"):
        start.cache_directory()


def wheel(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return path


def test_wheels_of_one_package_for_several_pythons_lie_side_by_side_and_differ_in_nothing_else(
    tmp_path: Path,
) -> None:
    site = tmp_path / "site"
    builder.unpack(
        wheel(tmp_path / "a.whl", package__x=b"1", package__WHEEL=b"311", only_a=b"a"), site
    )
    builder.unpack(
        wheel(tmp_path / "b.whl", package__x=b"1", package__WHEEL=b"312", only_b=b"b"), site
    )

    assert {path.name for path in site.rglob("*") if path.is_file()} == {
        "x",
        "WHEEL",
        "only_a",
        "only_b",
    }
    with pytest.raises(builder.CannotBuild, match=r"c\.whl has another package/x"):
        builder.unpack(wheel(tmp_path / "c.whl", package__x=b"2"), site)
    for name in ("..__x", "package.data__scripts__x", "__x"):
        with pytest.raises(builder.CannotBuild, match="cannot hold it"):
            builder.unpack(wheel(tmp_path / "d.whl", **{name: b""}), site)


def test_the_file_carries_no_compiled_module_that_has_its_python_source_beside_it() -> None:
    kept = {"a/b.py", "a/c.cpython-311-x86_64-linux-gnu.so", "a/man/b.1", "x.data/scripts/ttx"}
    left = {"a/b.cpython-311-x86_64-linux-gnu.so", "a/b.c", "a/b.pyx", "x.data/data/share/man/b.1"}

    assert builder.needless(kept | left) == left


def test_a_wheel_that_is_not_the_locked_one_is_not_taken(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.whl", tmp_path / "bad.whl"
    good.write_bytes(b"good")
    bad.write_bytes(b"bad")

    assert builder._matching(tmp_path, {hashlib.sha256(b"good").hexdigest()}) == [good]


def test_a_module_whose_package_is_not_carried_stops_the_build(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("import os\nimport nacl\nfrom qrcode.main import QRCode\n", "utf-8")
    (tmp_path / "nacl").mkdir()

    with pytest.raises(
        builder.CannotBuild,
        match=r"scripts\.cards imports qrcode, which is not in requirements/desk\.txt",
    ):
        builder._check_packages({"scripts.cards": source}, tmp_path)
