"""Front and vault as in production, both under gunicorn with the packaged settings, without tor."""

import gzip
import os
import re
import resource
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from support.desk_side import QUANTUM, Desk, store_of
from support.front import ONION
from support.processes import children, family
from support.rooms import wait
from support.waived import is_told

from dropbox.key_expiry import notice
from dropbox.sizes import PAGE_BYTES
from onion.errors import DropStopped
from onion.launch import Drop
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.courier import __main__ as courier
from scripts.desk.evidence import write_out
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Form, Page

MEBIBYTE = 2**20
BIG = 100 * MEBIBYTE  # the largest file that the settings allow by default
LONG_AGO = (1_000_000_000, 1_000_000_000)


@dataclass
class Running:
    """A running drop, and its output."""

    site: Site
    drop: Drop
    desk: Desk
    said: list[str] = field(default_factory=list)

    def browser(self) -> Browser:
        return Browser(ONION, transport=httpx.HTTPTransport(uds=str(self.site.front_socket)))


@pytest.fixture
def running(tmp_path: Path, keys_dir: Path, first_home: Path) -> Iterator[Running]:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    desk = Desk.create(site, tmp_path / "casebook", first_home)
    said: list[str] = []

    def log(line: str) -> None:
        # Every start in tests says so.
        if not is_told(line):
            said.append(line)

    with Drop(site.settings_file, site.front_socket, os.environ, log=log) as drop:
        yield Running(site, drop, desk, said)


def test_operator_and_courier_are_told_that_the_reviewers_keys_expire_soon(
    tmp_path: Path, keys_dir: Path, gpg_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = datetime.now(UTC).date()
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    new_reviewer(gpg_home, name="blue", out=keys, weeks=Weeks(today, 2), choose=unprotected)
    told = notice(today + timedelta(days=20), today)
    assert "in 20 days" in told
    for given, expected in ((keys, told), (keys_dir, "")):
        site = make_site(tmp_path / given.name / "site", onion=ONION, keys=given)
        said: list[str] = []
        with Drop(site.settings_file, site.front_socket, os.environ, log=said.append) as drop:
            assert drop.notice() == expected
            courier_socket = site.settings_file.parent / "courier.sock"
            assert (
                courier.main(
                    [
                        "pull",
                        "--socket",
                        str(courier_socket),
                        "--to",
                        str(site.settings_file.parent),
                    ]
                )
                == 0
            )
        # The front's first line; the vault's process prints nothing by itself.
        assert [line for line in said if "weekly keys" in line] == [f"front: {expected}"] * bool(
            expected
        )
        assert capsys.readouterr().out.splitlines()[1:] == [expected] * bool(expected)


def send(
    browser: Browser, page: Page, text: str = "【虚构】测试", files: list[File] | None = None
) -> Page:
    return browser.send(page.form(), {"category": "c1", "text": text}, files=files or [])


def filed(running: Running, to: Path) -> tuple[int, int]:
    """How many parts and files the desk finds new in the next export; nothing in it is amiss.

    However many there are, the export has whole quanta of blocks.
    """
    imported = running.desk.carry(to)
    assert (imported.findings, imported.opened.unopened) == ((), ())
    assert imported.opened.blocks % QUANTUM == 0
    return imported.opened.parts, imported.opened.files


def front_and_gpg(pid: int) -> tuple[list[int], int]:
    """The front's master, its workers, and all gpg processes; and how many of these are gpg.

    A worker's child that has not yet executed gpg shares its parent's memory, which would count
    twice.
    """
    found, gpgs = [], 0
    for one in family(pid):
        try:
            parent = int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1])
            is_gpg = Path(f"/proc/{one}/comm").read_text().strip() == "gpg"
        except (FileNotFoundError, ProcessLookupError):
            continue
        if pid in {one, parent} or is_gpg:
            found.append(one)
            gpgs += is_gpg
    return found, gpgs


def wait_for_workers(running: "Running") -> list[int]:
    """Wait until both workers are locked: only then do they serve, and the second may still be
    starting.
    """
    deadline = time.monotonic() + 20
    while True:
        workers = [pid for pid in children(running.drop.front_pid) if is_locked(pid)]
        if len(workers) == 2 or time.monotonic() > deadline:
            return workers
        time.sleep(0.05)


def resident(pids: list[int]) -> int:
    """The resident bytes of all *pids* together; shared memory counts for each of them."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf(
                "SC_PAGE_SIZE"
            )
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


class Watch:
    """Samples the memory of a process and its children, as a context manager."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.before = resident(front_and_gpg(pid)[0])
        self.most = self.before
        self.gpgs = 0

    def _sample(self) -> None:
        while not self._ended.wait(0.005):
            pids, gpgs = front_and_gpg(self._pid)
            self.gpgs = max(self.gpgs, gpgs)
            self.most = max(self.most, resident(pids))

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class Zeros:
    """A file of BIG bytes that is never in the test's own memory."""

    def __init__(self) -> None:
        self._left = BIG

    def read(self, size: int = -1) -> bytes:
        taken = min(self._left, size if size >= 0 else self._left, MEBIBYTE)
        self._left -= taken
        return bytes(taken)

    def tell(self) -> int:
        return BIG - self._left

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._left = 0 if whence == os.SEEK_END else BIG - offset
        return self.tell()

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(65_536):
            yield piece


def test_the_front_and_gpg_grow_by_less_than_64_mb_while_a_100_mb_file_is_sealed(
    running: Running, tmp_path: Path
) -> None:
    """Neither do the courier and the desk that fetch, open and write it out."""
    with running.browser() as browser:
        assert len(wait_for_workers(running)) == 2
        for _ in range(6):  # what every worker loads once does not belong to this file
            send(browser, browser.get("/zh-hans/report"))
        page = browser.get("/zh-hans/report")
        with Watch(running.drop.front_pid) as watch, Watch(running.drop.vault_pid) as vault:
            done = send(browser, page, files=[File("big.bin", "", Zeros())])  # type: ignore[arg-type]
    grown = (watch.most - watch.before) / MEBIBYTE
    print(
        f"front and gpg: {watch.before / MEBIBYTE:.0f} MB before, grown by {grown:.1f} MB at most; "
        f"vault: {vault.before / MEBIBYTE:.0f} MB, {(vault.most - vault.before) / MEBIBYTE:.1f} MB"
    )

    assert done.status == 200
    assert watch.gpgs == 1  # it was really seen
    assert grown < 64
    # 64 MiB of blocks wait for a tick at most, however large the file is.
    assert (vault.most - vault.before) / MEBIBYTE < 128

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert filed(running, tmp_path)[1] == 1
    with running.desk.open() as casebook:
        case = next(case for case in casebook.cases() if case.files)
        (written,) = write_out(casebook, case, tmp_path / "out")
        assert list(write_out(casebook, case, tmp_path / "out")) == [written]
    assert written.stat().st_size == BIG
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"courier and desk: grown by {grown:.1f} MB at most")
    assert grown < 64


def test_a_whole_response_has_the_promised_size_and_no_server_or_date_header(
    running: Running,
) -> None:
    for path, host in (
        ("/", ONION),
        ("/en/report", ONION),
        ("/nothing", ONION),
        ("/en/", "other.onion"),
        ("/zh-hant/inbox", ONION),
    ):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(running.site.front_socket))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = b""
            while data := client.recv(65_536):
                answer += data
        head = answer.partition(b"\r\n\r\n")[0]
        assert len(answer) == PAGE_BYTES, path
        assert not re.search(rb"(?im)^(server|date|set-cookie|etag|last-modified):", head), head


def ask(running: Running, request: bytes) -> bytes:
    """The response to *request*, until the front closes the connection."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(running.site.front_socket))
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65_536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed before everything was read
    return answer


HEAD = (
    f"POST /zh-hans/report/send HTTP/1.1\r\nHost: {ONION}\r\n"
    "Content-Type: multipart/form-data; boundary=B\r\n"
).encode()
FIELD = b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n%b\r\n'
UNUSUAL = {
    "shorter than announced": HEAD + b"Content-Length: 900\r\n\r\n" + FIELD % b"x",
    "longer than announced": HEAD + b"Content-Length: 9\r\n\r\n" + FIELD % b"x",
    "no length": HEAD + b"\r\n" + FIELD % b"x",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + FIELD % b"x",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n" + FIELD % b"x",
    "giant header": HEAD + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "broken chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + FIELD % b"x",
    "chunks and a length": HEAD
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /zh-hans/\r\n\r\n",
    "NUL in a header": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "NUL in the path": f"GET /zh-hans/%00 HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "OPTIONS": f"OPTIONS * HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "TRACE": f"TRACE /zh-hans/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "CONNECT": f"CONNECT {ONION}:80 HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode(),
    "an upgrade": (
        f"GET / HTTP/1.1\r\nHost: {ONION}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    ).encode(),
    **{
        name: HEAD + b"Content-Length: %d\r\n" % len(body) + more + b"\r\n" + body
        for name, more, body in (
            ("10,000 fields", b"", FIELD % b"x" * 10_000 + b"--B--\r\n"),
            ("NUL bytes", b"", FIELD % (b"\0" * 5_000) + b"--B--\r\n"),
            ("lone surrogates", b"", FIELD % (b"\xed\xa0\xbd" * 100) + b"--B--\r\n"),
            (
                "compressed",
                b"Content-Encoding: gzip\r\n",
                gzip.compress(FIELD % b"x" + b"--B--\r\n"),
            ),
            ("an expectation", b"Expect: 100-continue\r\n", FIELD % b"x" + b"--B--\r\n"),
        )
    },
    "chunks": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(FIELD), FIELD),
}


def test_what_no_browser_sends_gets_a_page_of_the_usual_size_or_a_closed_connection(
    running: Running,
) -> None:
    told = {
        name: ask(running, request).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        for name, request in UNUSUAL.items()
    }
    head = ask(running, f"HEAD /zh-hans/ HTTP/1.1\r\nHost: {ONION}\r\n\r\n".encode())

    assert {
        name: len(answer) for name, answer in told.items() if len(answer) not in (0, PAGE_BYTES)
    } == {}
    assert {
        name for name, answer in told.items() if answer and not re.match(rb"HTTP/1.1 (2|4)", answer)
    } == set()
    assert head.endswith(b"\r\n\r\n") and b"Traceback" not in b"".join(told.values())
    assert running.said == []
    print({name: answer[9:12].decode() or "closed" for name, answer in told.items()})


def is_locked(pid: int) -> bool:
    """Whether the kernel forbids this process to write to files, dump core, and gain privileges."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    privileges = Path(f"/proc/{pid}/status").read_text()
    no_files, no_core = (
        re.search(rf"Max {what} file size\s+0\s+0\s", limits.replace("Max file", "Max data file"))
        for what in ("data", "core")
    )
    return bool(no_files and no_core and "NoNewPrivs:\t1" in privileges)


def test_a_front_worker_may_not_write_a_byte_to_any_file(running: Running) -> None:
    assert len(wait_for_workers(running)) == 2
    assert not is_locked(running.drop.front_pid)


def test_with_the_vault_down_nothing_is_accepted_and_after_it_is_back_the_same_page_is(
    running: Running, tmp_path: Path
) -> None:
    with running.browser() as browser:
        # It is there when the first is accepted: the front has a day key.
        assert send(browser, browser.get("/en/report")).status == 200
        page = browser.get("/en/report")
        running.drop.kill_vault()
        refused = send(browser, page, files=[File("a.bin", "", b"x" * 200_000)])
        assert refused.status == 503 and "NOT accepted" in refused.text
        running.drop.start_vault()
        # Without the file, which has to be named as missing before anything is sent.
        fields = {"category": "c1", "text": "【虚构】测试"}
        sent = browser.send(refused.form(), fields, button=("act", "without"))
        assert sent.status == 200

    assert filed(running, tmp_path) == (2, 0)


def test_a_restart_of_the_front_keeps_codename_and_files(running: Running, tmp_path: Path) -> None:
    """By the keys in memory; a visit that was left before it stays left."""
    files = [File("a.bin", "", b"x" * 100_000)]
    with running.browser() as browser:
        gone = browser.get("/en/report")
        button = gone.html.select_one("nav button[name=leaving]")
        assert button is not None
        browser.send(Form("/en/leave", []), {"leaving": str(button["value"])})
        page = browser.get("/en/report")
        page = browser.send(page.form(), {}, files=files, button=("act", "files"))
        running.drop.stop_front()
        running.drop.start_front()
        done = send(browser, page, "written before the restart")
        assert done.status == 200 and done.codename() == page.codename()
        assert "1 file arrived complete" in done.text
        again = send(browser, gone, "from a page that was left")
        assert again.status == 400 and "You left this page before" in again.text

    assert filed(running, tmp_path) == (1, 1)


def test_an_upload_that_breaks_off_leaves_nothing_final(running: Running, tmp_path: Path) -> None:
    with running.browser() as browser:
        form = browser.get("/en/report").form()
    body = f'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n{form.value("token")}\r\n'
    body += '--B\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(running.site.front_socket))
        head = f"POST /en/report HTTP/1.1\r\nHost: {ONION}\r\nContent-Length: 5000000\r\n"
        head += "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        client.sendall(head.encode() + body.encode() + b"x" * 2_000_000)
    # Until a tick has written what arrived.
    time.sleep(1.5)

    assert filed(running, tmp_path) == (0, 0)
    assert running.said == []


def test_ten_claimants_at_once_are_all_kept(running: Running, tmp_path: Path) -> None:
    answers: list[int] = []

    def file(number: int) -> None:
        with running.browser() as browser:
            answers.append(send(browser, browser.get("/en/report"), f"case {number}").status)

    threads = [threading.Thread(target=file, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 10, running.said
    assert filed(running, tmp_path) == (10, 0)


def edit(path: Path, old: str, new: str) -> None:
    """Replace *old* wherever it stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("room", "change", "sentence"),
    [
        ("front", lambda site: (site / "settings.toml").write_text("[site\n"), "settings.toml"),
        ("front", lambda site: (site / "keys" / "FINGERPRINTS").unlink(), "FINGERPRINTS"),
        ("front", lambda site: (site / "keys" / "reviewer-2.hpke").unlink(), "reviewer-2.hpke"),
        (
            "front",
            lambda site: (site / "campaign.toml").write_text("code = 'x'\ncolour = 1\n"),
            "campaign.toml, line 2",
        ),
        (
            "vault",
            lambda site: (site / "export.key").chmod(0o644),
            "Others on this computer can read the export key",
        ),
        (
            "front",
            lambda site: edit(
                site / "settings.toml", "[site]", '[site]\nlanguages = ["en", "ug"]\ncatalogs = "c"'
            ),
            "[site] languages names ug, but the campaign file",
        ),
        (
            "front",
            lambda site: edit(site / "campaign.toml", ' en = "', ' en = "' + "x" * 60),
            "“report with a photograph” in en can take ",
        ),
        (
            "vault",
            lambda site: (site / "vault" / "store.sqlite").write_bytes(b"no database" * 1000),
            "is in use or damaged: file is not a database",
        ),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_sentence(
    tmp_path: Path, keys_dir: Path, room: str, change: object, sentence: str
) -> None:
    keys = tmp_path / "site" / "keys"
    keys.mkdir(parents=True)
    for file in keys_dir.iterdir():
        (keys / file.name).write_bytes(file.read_bytes())
    site = make_site(tmp_path / "site", onion=ONION, keys=keys)
    campaign = tmp_path / "site" / "campaign.toml"
    campaign.write_bytes((Path(__file__).parents[2] / "dropbox" / "campaign.toml").read_bytes())
    drop = Drop(
        site.settings_file,
        site.front_socket,
        {**os.environ, "CASEDROP_SITE_CAMPAIGN": str(campaign)},
    )
    # The sockets' paths are read first; the room itself finds what is changed afterwards.
    change(tmp_path / "site")  # type: ignore[operator]
    with pytest.raises(DropStopped) as refusal, drop:
        pass

    assert sentence in str(refusal.value) and "Traceback" not in str(refusal.value)
    assert str(refusal.value).count("\n") == 0


def test_a_case_is_added_to_and_withdrawn_through_the_real_vault(
    running: Running, tmp_path: Path
) -> None:
    with running.browser() as browser:
        page = browser.get("/en/report")
        send(browser, page, files=[File("a.bin", "", b"x" * 100_000)])
        inbox = browser.get("/en/inbox").form()
        case = browser.send(inbox, {"codename": page.codename()})
        assert "Your addition has been sent" in browser.send(case.form(), {"text": "more"}).text
        assert filed(running, tmp_path) == (2, 1)
        case = browser.send(inbox, {"codename": page.codename()})
        assert "Taken back" in browser.send(case.form(), {}, button=("act", "withdraw")).text

    # The notice to the reviewers. Every block that the desk has seen has a tombstone now.
    assert filed(running, tmp_path) == (1, 0)
    assert running.said == []


def test_workers_end_after_some_answers_but_not_while_they_take_an_upload(running: Running) -> None:
    first = set(wait_for_workers(running))
    with running.browser() as browser:
        form = browser.get("/en/report").form()
    head = '--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n'
    body = f"{head}{form.value('token')}\r\n".encode()
    body += b'--B\r\nContent-Disposition: form-data; name="act"\r\n\r\nfiles\r\n'
    body += (
        b'--B\r\nContent-Disposition: form-data; name="files"; filename="slow"\r\n\r\n'
        + b"x" * 100_000
        + b'\r\n--B\r\nContent-Disposition: form-data; name="end"\r\n\r\n1\r\n--B--\r\n'
    )
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(running.site.front_socket))
        client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1000])
        for _ in range(150):
            with running.browser() as browser:
                assert browser.get("/en/").status == 200
        workers = set(wait_for_workers(running))
        client.sendall(body[-1000:])
        answer = client.makefile("rb").read()

    # The worker with the upload kept serving; the other, and its successors, ended in turn.
    assert len(workers) == 2 and len(workers & first) == 1
    assert b"slow" in answer and len(answer) == PAGE_BYTES
    assert running.said == []


def test_a_vault_writes_its_file_at_every_tick_whatever_arrives(
    tmp_path: Path, keys_dir: Path
) -> None:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    path = store_of(site)
    with Drop(site.settings_file, site.front_socket, os.environ):
        for _ in range(2):
            os.utime(path, LONG_AGO)
            wait(lambda: time.time() - path.stat().st_mtime < 1_000)


def test_a_vault_that_is_stopped_writes_what_waits_for_a_tick(
    running: Running, tmp_path: Path
) -> None:
    """Files on the page are in the vault, even if it is restarted before their tick."""
    with running.browser() as browser:
        for number in range(5):
            files = [File(f"{number}.bin", "", b"x" * 100_000)]
            page = browser.send(
                browser.get("/en/report").form(), {}, files=files, button=("act", "files")
            )
            running.drop.stop_vault()
            running.drop.start_vault()
            assert send(browser, page).status == 200

    assert filed(running, tmp_path) == (5, 5)
