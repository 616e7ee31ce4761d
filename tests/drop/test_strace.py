"""Tracing all system calls of the real rooms: known texts reach no file, argument or log."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from support.canary import encodings
from support.desk_side import Desk, store_of
from support.front import ONION
from support.rooms import serving, socket_of, started
from support.syscalls import Call, calls, watcher
from support.waived import is_told

from dropbox.vault.journal import journal_path
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File

BIG = 3 * 2**20
STORY, MISTAKE, CELL, NAME, FOLLOW_UP, ANSWER, BROKEN, CONTENT = CANARIES = tuple(
    f"金丝雀{word}7310".encode()
    for word in ("正文", "写错", "价格", "文件名", "补充", "回复", "中断", "附件")
)
# A canary every 512 bytes, so that every piece of the file contains one.
FILE = (CONTENT + b"." * (512 - len(CONTENT))) * (BIG // 512)
KEYS_BYTES = 2 * 56
WRITES = ("write", "pwrite", "sendfile", "copy_file_range", "splice")
ACROSS = ("pipe:", "UNIX", "socket:")


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path) -> Site:
    return make_site(tmp_path / "site", onion=ONION, keys=keys_dir)


@contextmanager
def watched(site: Site, directory: Path, said: list[str]) -> Iterator[Browser]:
    """Vault and front, each traced from its first call, and a browser for them."""
    vault = started(site, "vault", through=watcher(directory / "vault.trace"), log=said.append)
    with serving(vault, socket_of(site, "vault")):
        front = started(site, "front", through=watcher(directory / "front.trace"), log=said.append)
        with (
            serving(front, socket_of(site, "front")),
            Browser(
                ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket), retries=1)
            ) as browser,
        ):
            yield browser


def journey(desk: Desk, browser: Browser, directory: Path) -> str:
    """Canaries in every field, a broken form, a broken line, an answer, a follow-up.

    Returns the codename.
    """
    report = browser.get("/zh-hans/report")
    trades = ["tk.tcehy", "buy", "2021-03", "100", CELL.decode(), *[""] * 10]
    fields = {"text": MISTAKE.decode(), "category": "", "f.c4.trades": trades}
    wrong = browser.send(
        report.form(), fields, files=[File(NAME.decode() + ".mov", "video/quicktime", FILE)]
    )
    assert wrong.status == 400 and NAME.decode() in wrong.text
    assert browser.send(wrong.form(), {"text": STORY.decode(), "category": "c4"}).status == 200

    broken = (
        b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n'
        + BROKEN
        + b"\r\n--B\r\nContent-Disposition: form-data; "
    )
    broken += b'name="files"; filename="' + NAME + b'"\r\n\r\n' + FILE[:200_000]
    for length in (len(broken), 2 * len(broken)):  # a form without its end, and a lost connection
        post(desk.site, broken, length)

    first = desk.carry(directory)
    assert (first.opened.parts, first.opened.files, first.findings) == (1, 1, ())
    desk.bring_answers(directory / "replies.tar", ANSWER.decode())
    case = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": report.codename()})
    assert ANSWER.decode() in case.text
    assert browser.send(case.form(), {"text": FOLLOW_UP.decode()}).status == 200
    return report.codename()


def post(site: Site, body: bytes, length: int, path: str = "/zh-hans/report/send") -> bytes:
    """Post *body* with an announced *length*, then close the connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: {ONION}\r\nContent-Length: {length}\r\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(site.front_socket))
        client.sendall(
            head.encode() + b"Content-Type: multipart/form-data; boundary=B\r\n\r\n" + body
        )
        client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


def forms(canaries: tuple[bytes, ...]) -> list[bytes]:
    return [form for canary in canaries for many in encodings(canary).values() for form in many]


@dataclass
class Seen:
    """What a trace shows: calls that contain a canary, in any encoding, files mapped shared, so
    that writing to memory writes to them, and files that were written to.
    """

    telling: list[Call] = field(default_factory=list)
    shared: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, trace: Path, canaries: tuple[bytes, ...]) -> "Seen":
        """All of *trace*, read once: that of a vault has its journal in it, some 130 MB."""
        wanted, seen = forms(canaries), cls()
        for call in calls(trace):
            if any(form in call.data for form in wanted):
                seen.telling.append(call)
            if not call.target.startswith("/"):
                continue
            if call.name.startswith(WRITES):
                seen.written.add(call.target)
            if call.name == "mmap" and "MAP_SHARED" in call.flags and "PROT_WRITE" in call.flags:
                seen.shared.add(call.target)
        return seen


def outside(told: list[Call]) -> set[tuple[str, str]]:
    """The calls in *told* that are not to a pipe or socket: file names, program arguments, file
    writes.
    """
    return {(call.name, call.target) for call in told if not call.target.startswith(ACROSS)}


def test_no_byte_of_a_claimants_reaches_a_file_an_argument_or_the_log(
    site: Site, first_home: Path, tmp_path: Path, memory_folder: Path
) -> None:
    said: list[str] = []
    desk = Desk.create(site, tmp_path / "casebook", first_home)
    with watched(site, tmp_path, said) as browser:
        codename = journey(desk, browser, tmp_path).encode()
        time.sleep(0.5)
    # The whole codename is only in the page and the form; its first two words represent it.
    canaries = (*CANARIES, b" ".join(codename.split()[:2]))
    front = Seen.of(tmp_path / "front.trace", canaries)
    vault = Seen.of(tmp_path / "vault.trace", canaries)

    assert outside(front.telling) == set()
    # In memory only, and with two keys, their days and check values in it: nobody has left.
    (keys,) = front.shared
    assert Path(keys).parent in (memory_folder, site.settings_file.parent)
    assert Path(keys).is_relative_to("/dev/shm")
    assert set(Path(keys).read_bytes()[KEYS_BYTES:]) == {0}
    assert (
        len([call for call in front.telling if CONTENT in call.data]) > BIG // 65_536
    )  # it was really seen, on its way to gpg
    assert [
        call
        for call in front.telling
        if call.target.startswith("pipe:") and call.flags.startswith(("1<", "2<"))
    ] == []
    assert vault.telling == [] and vault.shared == set()
    # The vault writes to its store, which was made under another name, and to its journal only;
    # the front to its keyring, before anybody asks it for something.
    store = store_of(site)
    assert vault.written == {str(store), f"{store}.part", str(journal_path(store))}
    keyring = site.settings_file.parent / "front-gnupg"
    assert {Path(one).parent for one in front.written} == {keyring}
    assert [line for line in said if not is_told(line)] == []


def test_an_application_that_reads_forms_as_usual_is_caught(site: Site, tmp_path: Path) -> None:
    """The control: Werkzeug's own parser writes the file to the disk, Flask's own logger logs the
    text.
    """
    said: list[str] = []
    front = started(
        site,
        "front",
        through=watcher(tmp_path / "front.trace"),
        application=("support.stock:app",),
        log=said.append,
    )
    body = (
        b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n'
        + STORY
        + b"\r\n--B\r\nContent-Disposition: form-data; "
    )
    body += b'name="files"; filename="' + NAME + b'"\r\n\r\n' + FILE + b"\r\n--B--\r\n"
    with serving(front, socket_of(site, "front")):
        assert post(site, body, len(body)).endswith(b"1 1")
        post(site, body, len(body), "/fail")

    told = Seen.of(tmp_path / "front.trace", CANARIES).telling
    assert {name for name, _ in outside(told)} & {"write", "writev", "pwrite64"}
    assert [
        call for call in told if call.target.startswith("pipe:") and call.flags.startswith("2<")
    ] != []
    assert any(STORY.decode() in line for line in said)
