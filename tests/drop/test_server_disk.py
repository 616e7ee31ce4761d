"""Nothing that claimants wrote, sent or received is ever on the server's disk, in any form."""

import hashlib
import itertools
import os
import socket
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from support.canary import found
from support.desk_side import Desk, store_of
from support.front import ONION
from support.rooms import wait

from dropbox.vault.journal import HEADER_BYTES
from onion.launch import Drop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Page

# All invented. Each is used in one place only, so that a find shows where it came from.
REPORT = "【虚构】第一份报告：他们封了我的号 canary-report"
ADDITION = "【虚构】补充说明：后来又封了一个 canary-addition"
ANSWER = "【虚构】答复：请把截图寄来 canary-answer"
NAME, NAME_ADDED, NAME_BROKEN = "截图-canary-一.png", "录音-canary-二.mp3", "文件-canary-三.pdf"
CONTENT, CONTENT_ADDED, CONTENT_BROKEN = (
    f"canary of the {which} file 内容 ".encode() for which in ("first", "second", "third")
)
CANARIES = [text.encode() for text in (REPORT, ADDITION, ANSWER, NAME, NAME_ADDED, NAME_BROKEN)]
CANARIES += [CONTENT, CONTENT_ADDED, CONTENT_BROKEN]
# What a tick of this test can use of the journal; the rest has been random since the start.
JOURNAL_BYTES = 2**20
# Large files are searched in pieces of this size that overlap, so that what a tick did not change
# is searched once. No canary, in any form, is longer than what two pieces have in common.
PIECE_BYTES, COMMON_BYTES = 2**20, 2**16


@dataclass
class Disk:
    """All places that a drop's processes can write to, and everything ever in its journal."""

    directory: Path
    journals: set[bytes] = field(default_factory=set)
    _clean: set[bytes] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Keep copying what the vault's journal holds while a tick is written, until ``end``."""
        journal = self.directory / "site" / "vault" / "store.sqlite-journal"
        while not self._ended.wait(0.0002):
            try:
                with journal.open("rb", buffering=0) as file:
                    # Zeros between ticks.
                    if file.read(HEADER_BYTES).strip(b"\0"):
                        self.journals.add(file.read(JOURNAL_BYTES))
            except FileNotFoundError:
                continue

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """All files under the directory, in pieces, and their names."""
        for path in self.directory.rglob("*"):
            yield f"the name of {path.name}", bytes(path.relative_to(self.directory))
            if path.is_file():
                content = path.read_bytes()
                for at in range(0, len(content), PIECE_BYTES):
                    yield path.name, content[at : at + PIECE_BYTES + COMMON_BYTES]

    def values(self) -> Iterator[tuple[str, bytes]]:
        """The values in the tables, assembled from the pages over which they are spread."""
        with closing(opened(self.directory / "site" / "vault" / "store.sqlite")) as database:
            for (table,) in database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
            ).fetchall():
                for row in database.execute(f"SELECT * FROM {table}"):
                    yield (
                        table,
                        b"\0".join(
                            value if isinstance(value, bytes) else str(value).encode()
                            for value in row
                        ),
                    )

    def betrays(self, canaries: Iterable[bytes]) -> dict[str, set[bytes]]:
        """The *canaries* that are found, by place. What was searched for them before is not again.

        So the canaries have to be the same each time.
        """
        wanted, betrayed = list(canaries), dict[str, set[bytes]]()
        journals = (("a journal", content) for content in list(self.journals))
        for where, content in itertools.chain(self.files(), self.values(), journals):
            digest = hashlib.blake2b(content).digest()
            if digest in self._clean:
                continue
            if told := found(content, wanted):
                betrayed.setdefault(where, set()).update(told)
            else:
                self._clean.add(digest)
        return betrayed


def opened(store: Path) -> sqlite3.Connection:
    """The file of a store that a vault holds locked, to be read beside it."""
    return sqlite3.connect(f"file:{store}?immutable=1", uri=True)


@dataclass
class Running:
    """A drop that can write only to *disk*, and its output."""

    site: Site
    disk: Disk
    desk: Desk
    said: list[str]

    def browser(self) -> Browser:
        return Browser(ONION, transport=httpx.HTTPTransport(uds=str(self.site.front_socket)))


@pytest.fixture
def running(tmp_path: Path, keys_dir: Path, first_home: Path) -> Iterator[Running]:
    disk, said = Disk(tmp_path / "disk"), list[str]()
    for name in ("site", "home", "tmp", "run"):
        (disk.directory / name).mkdir(parents=True)
    site = make_site(disk.directory / "site", onion=ONION, keys=keys_dir)
    places = {"HOME": "home", "TMPDIR": "tmp", "XDG_RUNTIME_DIR": "run", "SQLITE_TMPDIR": "tmp"}
    desk = Desk.create(site, tmp_path / "casebook", first_home)
    environ = {
        **os.environ,
        **{name: str(disk.directory / place) for name, place in places.items()},
    }
    watch = threading.Thread(target=disk.watch)
    watch.start()
    try:
        with Drop(site.settings_file, site.front_socket, environ, log=said.append):
            yield Running(site, disk, desk, said)
    finally:
        disk.end()
        watch.join()


def break_off(running: Running, page: Page) -> None:
    """Send a report with a file, and lose the connection half way through."""
    form = page.form()
    parts = f'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n{form.value("token")}\r\n'
    parts += f'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n{REPORT}\r\n'
    parts += (
        f'--B\r\nContent-Disposition: form-data; name="files"; filename="{NAME_BROKEN}"\r\n\r\n'
    )
    head = f"POST {form.action} HTTP/1.1\r\nHost: {ONION}\r\nContent-Length: 9000000\r\n"
    head += "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
    before = heads(running.site)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(running.site.front_socket))
        client.sendall(head.encode() + parts.encode() + CONTENT_BROKEN * 60_000)
        # The vault has blocks of the upload in progress.
        wait(lambda: heads(running.site) != before)


def heads(site: Site) -> list[tuple[bytes]]:
    """What the store has beside each block's bytes: different once a block is in a slot."""
    with closing(opened(store_of(site))) as database:
        return database.execute("SELECT head FROM slot ORDER BY place").fetchall()


def written(codename: str, page: Page) -> list[bytes]:
    """The ways to write a codename: its words with and without separators, and its characters."""
    words = codename.split()
    characters = [tag.get_text() for tag in page.html.select(".codename span")]
    assert len(words) == len(characters) == 8
    return [
        between.join(form).encode()
        for form in (words, characters)
        for between in (" ", "", "-", ",")
    ]


def test_after_a_journey_no_file_of_the_server_betrays_a_word_of_it(
    running: Running, tmp_path: Path
) -> None:
    with running.browser() as browser:
        page = browser.get("/zh-hans/report")
        codename = page.codename()
        canaries = [*CANARIES, *written(codename, page)]
        file = File(NAME, "image/png", CONTENT * 9_000)
        assert (
            browser.send(page.form(), {"category": "c1", "text": REPORT}, files=[file]).status
            == 200
        )
        inbox = browser.get("/zh-hans/inbox").form()
        case = browser.send(inbox, {"codename": codename})
        added = browser.send(
            case.form(),
            {"text": ADDITION},
            files=[File(NAME_ADDED, "audio/mpeg", CONTENT_ADDED * 100)],
        )
        assert added.status == 200 and added.form().value("text") == ""
        break_off(running, browser.get("/zh-hans/report"))
        assert running.disk.betrays(canaries) == {}

        first = running.desk.carry(tmp_path)
        assert (first.findings, first.opened.unopened) == ((), ())
        with running.desk.open() as casebook:
            assert [part.report.text for part in casebook.case(1).parts] == [REPORT, ADDITION]
        running.desk.bring_answers(tmp_path / "replies.tar", ANSWER)
        case = browser.send(inbox, {"codename": codename})
        assert ANSWER in case.text
        assert running.disk.betrays(canaries) == {}

        button = case.html.select(".reply button")[0]
        place = str(button["value"]).replace("delete", "erase")
        case = browser.send(case.form(), {}, button=("act", place))
        assert case.status == 200 and len(case.html.select(".reply")) == 1
        assert browser.send(case.form(), {}, button=("act", "withdraw")).status == 200
        assert running.disk.betrays(canaries) == {}
    print(
        f"{len(running.disk.journals)} journals were seen, "
        f"{sum(map(len, running.disk.journals)):,} bytes"
    )

    assert len(running.disk.journals) > 3
    assert found("\n".join(running.said).encode(), canaries) == set()


def test_the_same_search_finds_a_text_left_in_a_file_a_name_a_table_or_a_journal(
    tmp_path: Path,
) -> None:
    """The control."""
    site = tmp_path / "site"
    (site / "vault").mkdir(parents=True)
    disk = Disk(tmp_path, journals={b"pages" + REPORT.encode("utf-16-le")})
    (site / NAME).write_bytes(os.urandom(100_000))
    (site / "cache").write_bytes(os.urandom(100_000) + CONTENT + os.urandom(100))
    connection = sqlite3.connect(site / "vault" / "store.sqlite")
    with connection:
        connection.execute("CREATE TABLE slot (bytes)")
        # Longer than a page, so that it is not stored in one piece.
        connection.execute("INSERT INTO slot VALUES (?)", (bytes(3_000) + ADDITION.encode() * 300,))
    connection.close()

    assert set().union(*disk.betrays(CANARIES).values()) == {
        text.encode() for text in (NAME, REPORT, ADDITION)
    } | {CONTENT}
