"""`casedrop probe`: a test report goes through the pages, and what is kept of it between runs."""

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BufferedRWPair, StringIO
from pathlib import Path
from typing import IO, cast
from wsgiref.handlers import SimpleHandler

import httpx
import pytest
from nacl.signing import SigningKey
from support.front import ONION, Front

from dropbox.campaign import Campaign
from dropbox.codename import CHEAPEST, Codename, WordLists, new_codename
from dropbox.errors import CannotStore
from dropbox.probe_mark import KEY_FILE, TEXT, ProbeKey, is_probe
from scripts import casedrop
from scripts.operator.health_finding import State
from scripts.operator.probe import ProbeFailed, Prober
from scripts.operator.probe_record import BadProbeRecord, ProbeRecord
from scripts.operator.visit import Fields, Form, Page, TorVisit, VisitFailed, multipart

TODAY = datetime.now(UTC).date()
CODENAME = Codename((1, 2, 3, 4, 5, 6, 7))


class InProcess:
    """A visit to a front in this process."""

    def __init__(self, front: Front) -> None:
        self._client = httpx.Client(
            base_url=f"http://{ONION}", transport=httpx.WSGITransport(app=front.app.wsgi_app)
        )

    def get(self, path: str) -> Page:
        answer = self._client.get(path)
        return Page(answer.status_code, answer.text)

    def send(self, path: str, fields: Fields) -> Page:
        kind, body = multipart(fields)
        answer = self._client.post(path, content=body, headers={"Content-Type": kind})
        return Page(answer.status_code, answer.text)


@pytest.fixture
def prober(front: Front, campaign: Campaign, words: WordLists) -> Prober:
    """The prober of that front."""
    key_file = front.settings.export_key.with_name(KEY_FILE)
    key = ProbeKey.from_bytes(key_file.read_bytes())
    return Prober(front.settings, campaign, words, key, CHEAPEST)


def server_key(front: Front) -> bytes:
    return bytes(SigningKey(front.settings.export_key.read_bytes()).verify_key)


def test_a_test_report_is_filed_as_a_claimant_would_and_the_desk_knows_it(
    front: Front, prober: Prober
) -> None:
    codename = prober.file(InProcess(front), TODAY)
    prober.log_in(InProcess(front), codename)

    [report] = front.reports()
    assert is_probe(report, TODAY, server_key(front))
    # Nothing on the server says which one it is.
    [block] = front.vault.final.values()
    assert len(block.data) == 65_536


def test_two_test_reports_have_two_codenames(front: Front, prober: Prober) -> None:
    assert prober.file(InProcess(front), TODAY) != prober.file(InProcess(front), TODAY)
    assert len({one.reply_public for one in front.reports()}) == 2


def test_a_drop_that_takes_no_report_is_a_failure(front: Front, prober: Prober) -> None:
    front.vault.failure = CannotStore("full")
    with pytest.raises(ProbeFailed, match="answered with 503"):
        prober.file(InProcess(front), TODAY)
    with pytest.raises(ProbeFailed, match="answered with 503"):
        prober.log_in(InProcess(front), new_codename())
    assert front.reports() == []


class Spoiled(InProcess):
    """A visit on which one answer is another one."""

    def __init__(self, front: Front, sent: Page) -> None:
        super().__init__(front)
        self._sent = sent

    def send(self, path: str, fields: Fields) -> Page:
        return self._sent


@pytest.mark.parametrize(
    "html", ["", "<form id=form action=/x></form>", "<b class=typed>abandon</b>"]
)
def test_a_page_that_is_not_the_expected_one_is_a_failure(
    front: Front, prober: Prober, html: str
) -> None:
    with pytest.raises(ProbeFailed):
        prober.file(Spoiled(front, Page(200, html)), TODAY)
    with pytest.raises(ProbeFailed):
        prober.log_in(Spoiled(front, Page(200, html)), new_codename())


def test_a_codename_of_another_claimant_on_the_last_page_is_a_failure(
    front: Front, prober: Prober
) -> None:
    words = prober.words.spell(new_codename(), "en")
    other = "".join(f"<b class=typed lang=en>{word.typed}</b>" for word in words)
    with pytest.raises(ProbeFailed):
        prober.file(Spoiled(front, Page(200, other)), TODAY)


def test_fields_go_in_the_order_of_the_page_and_its_end_last() -> None:
    page = Page(
        200,
        "<input type=hidden form=form name=pad value='a&amp;b'>"
        "<form id=form action='/zh-hans/x'><input type=hidden name=token value=t>"
        "<input type=radio name=c value=1><input type=hidden name=end value=1></form>"
        "<form id=other action=/y><input type=hidden name=no value=no></form>",
    )
    form = Form.of(page)

    assert form.action == "/zh-hans/x"
    assert form.filled(text="x", act="send") == [
        ("pad", "a&b"), ("token", "t"), ("text", "x"), ("end", "1"), ("act", "send"),
    ]  # fmt: skip


def test_what_is_kept_is_read_again_and_only_by_its_owner(tmp_path: Path) -> None:
    assert ProbeRecord.read(tmp_path) == ProbeRecord()
    kept = ProbeRecord().after_success(CODENAME, TODAY).after_failure("So.", TODAY)
    kept.write(tmp_path)

    assert ProbeRecord.read(tmp_path) == kept and "(1" not in repr(kept)
    assert stat.S_IMODE((tmp_path / "probe.json").stat().st_mode) == 0o600
    kept.after_login().write(tmp_path)
    assert CODENAME.packed().hex() not in (tmp_path / "probe.json").read_text("ascii")


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"codename": "00", "failed": null}'])
def test_a_damaged_record_is_refused(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "probe.json").write_text(damaged, "ascii")
    with pytest.raises(BadProbeRecord, match="remove it"):
        ProbeRecord.read(tmp_path)


def test_failing_once_is_no_alarm_and_twice_is_until_it_works_again() -> None:
    well = ProbeRecord().after_success(CODENAME, TODAY)
    once = well.after_failure("The inbox is answered with 503.", TODAY)
    twice = once.after_failure("The inbox is answered with 503.", TODAY)
    states = [one.finding(TODAY, None).state for one in (ProbeRecord(), well, once, twice)]

    assert states == [State.GOOD, State.GOOD, State.GOOD, State.ALARM]
    sentence = twice.finding(TODAY, None).sentence
    assert "2 times in a row" in sentence and "answered with 503." in sentence
    assert twice.after_success(CODENAME, TODAY).finding(TODAY, None).state is State.GOOD


def test_no_test_report_for_four_days_is_an_alarm() -> None:
    well = ProbeRecord().after_success(CODENAME, TODAY)

    assert well.finding(TODAY + timedelta(3), None).state is State.GOOD
    assert well.finding(TODAY + timedelta(4), None).state is State.ALARM


def test_the_bundle_that_lists_one_is_named() -> None:
    days = [TODAY - timedelta(back) for back in (120, 3, 1, 0)]
    record = ProbeRecord()
    for day in days:
        record = record.after_success(CODENAME, day)

    assert record.accepted == tuple(days[1:])
    sentence = record.finding(TODAY, TODAY).sentence
    assert f"The bundle of {TODAY} lists that of {days[2]}." in sentence
    assert "bundle" not in record.finding(TODAY, days[1]).sentence
    assert "bundle" not in record.finding(TODAY, None).sentence


@dataclass
class Tor:
    """A stand-in for tor's SocksPort, behind which is a front; *code* is what it answers."""

    front: Front
    path: Path
    code: int = 0
    asked: list[bytes] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rwb")
        assert stream.read(3) == b"\x05\x01\x02"
        stream.write(b"\x05\x02")
        stream.flush()
        assert stream.read(1) == b"\x01"
        name = stream.read(stream.read(1)[0])
        assert stream.read(stream.read(1)[0]) == name
        stream.write(b"\x01\x00")
        stream.flush()
        assert stream.read(4) == b"\x05\x01\x00\x03"
        assert stream.read(stream.read(1)[0]) == ONION.encode() and stream.read(2) == b"\0\x50"
        self.asked.append(name)
        # Read once: after the answer the test goes on, and changes it.
        code = self.code
        stream.write(bytes([5, code, 0, 1]) + bytes(6))
        stream.flush()
        if not code:
            self._answer(stream)
        stream.close()

    def _answer(self, stream: BufferedRWPair) -> None:
        method, path, _ = stream.readline().decode().split()
        headers = {}
        while (line := stream.readline().decode().strip()) != "":
            key, _, value = line.partition(": ")
            headers[key.lower()] = value
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "HTTP_HOST": headers["host"],
            "SERVER_NAME": headers["host"],
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": headers.get("content-length", ""),
        }
        both = cast("IO[bytes]", stream)
        SimpleHandler(both, both, StringIO(), environ).run(self.front.app.wsgi_app)


@contextmanager
def tor_before(front: Front, path: Path) -> Iterator[Tor]:
    """A tor with its SocksPort at *path*."""
    tor = Tor(front, path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    tor.serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield tor
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@dataclass
class Command:
    """The command for a front."""

    front: Front
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: object) -> tuple[int, str, str]:
        settings = self.front.settings.export_key.with_name("settings.toml")
        given = ["--settings", settings, "--probe-folder", self.folder, *arguments]
        code = casedrop.main(["probe", *map(str, given)])
        return (code, *self.capsys.readouterr())


@pytest.fixture
def command(front: Front, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(front, tmp_path / "probe", capsys)


def test_the_command_files_logs_in_the_next_time_and_says_no_codename(
    front: Front, command: Command, words: WordLists, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # A new day may have begun since this module was loaded.
    today = datetime.now(UTC).date()
    with tor_before(front, tmp_path_factory.mktemp("s") / "socks") as tor:
        said = [command.run("--socks", tor.path)]
        first = ProbeRecord.read(command.folder)
        said.append(command.run("--socks", tor.path))
        second = ProbeRecord.read(command.folder)

    assert [code for code, _, _ in said] == [0, 0]
    assert len(front.reports()) == 2 and all(r.text.startswith(TEXT) for r in front.reports())
    assert first.codename != second.codename and second.accepted == (today,)
    # Filing is two requests on circuits of one name; logging in has others.
    assert len(tor.asked) == 6 and len(set(tor.asked)) == 3
    assert first.codename is not None
    shown = {word.typed for word in words.spell(first.codename, "en")}
    assert not shown & set("".join(out + err for _, out, err in said).split())


def test_a_failure_is_said_kept_and_tried_again(
    front: Front, command: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    socks = tmp_path_factory.mktemp("s") / "socks"
    code, out, err = command.run("--socks", socks)
    assert (code, out) == (1, "") and f"No tor takes connections at {socks}" in err
    with tor_before(front, socks) as tor:
        tor.code = 4
        code, _, err = command.run("--socks", socks)
        assert code == 1 and "does not find the drop's descriptor" in err
        record = ProbeRecord.read(command.folder)
        assert record.finding(TODAY, None).state is State.ALARM
        tor.code = 0
        assert command.run("--socks", socks)[0] == 0

    assert ProbeRecord.read(command.folder).failures == 0


def test_where_no_tor_listens_is_said_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(
        VisitFailed, match=r"at .*/none: No such file or directory\. Check the path"
    ):
        TorVisit(ONION, tmp_path / "none", seconds=5).get("/")


def test_a_port_that_is_no_tors_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "socks"
    for answer in (b"HTTP/1.1 400", b"\x05\x00", b""):
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()

            def serve(listening: socket.socket = listening, answer: bytes = answer) -> None:
                with listening.accept()[0] as connection:
                    connection.recv(3)
                    connection.sendall(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(VisitFailed, match=r"no SocksPort of tor|closed the connection"):
                TorVisit(ONION, path, seconds=5).get("/")
            thread.join()
        path.unlink()


def test_without_a_key_or_with_a_damaged_one_nothing_is_tried(
    front: Front, command: Command
) -> None:
    key_file = front.settings.export_key.with_name(KEY_FILE)
    whole = key_file.read_bytes()
    key_file.write_bytes(whole[1:])
    code, _, err = command.run()
    assert code == 2 and "damaged" in err
    key_file.unlink()
    code, _, err = command.run()
    assert code == 2 and "--new-key" in err

    assert command.run("--new-key")[0] == 0
    code, _, err = command.run("--new-key")
    assert code == 2 and "exists already" in err
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    made = ProbeKey.from_bytes(key_file.read_bytes())
    assert made.certificate != ProbeKey.from_bytes(whole).certificate
    key = SigningKey(front.settings.export_key.read_bytes()).verify_key
    key.verify(b"casedrop probe key 1\0" + bytes(made.key.verify_key), made.certificate)


def test_a_damaged_export_key_makes_no_key(front: Front, command: Command) -> None:
    key_file = front.settings.export_key.with_name(KEY_FILE)
    key_file.unlink()
    front.settings.export_key.write_bytes(b"too short")
    code, _, err = command.run("--new-key")
    assert code == 2 and "is damaged" in err and not key_file.exists()


def test_another_users_folder_is_left_to_that_user(
    front: Front, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    code, _, err = command.run()
    assert code == 2 and "systemctl start casedrop-probe" in err


@pytest.mark.parametrize("wrong", ["0", "65536", "localhost:9050", "relative", ""])
def test_a_wrong_port_is_refused(command: Command, wrong: str) -> None:
    code, _, err = command.run("--socks", wrong)

    assert code == 2 and "neither a port nor a path" in err
