"""The whole path over a real onion service, in a private Tor network on loopback."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dropbox.sizes import PAGE_BYTES
from scripts.rehearsal.claimant import Browser

ROOT = Path(__file__).parents[2]
# Most of this is for booting the network; the rest takes about 15 s.
MOST_SECONDS = 200


class Demonstration:
    """A running `make demo KEEP=1`: its output and its processes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        environ = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.rehearsal.demo", "--keep"],
            cwd=ROOT, env=environ, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._stays = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip("\n"))
                if "Ctrl-C ends it" in line:
                    self._stays.set()
        self._stays.set()

    @property
    def said(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    def wait(self) -> None:
        """Wait until it says that it stays, or ends."""
        assert self._stays.wait(MOST_SECONDS), self.said
        assert self._process.poll() is None, self.said

    def processes(self) -> list[int]:
        """The running processes whose command names the demo's own directory."""
        (directory,) = set(re.findall(r"(/\S*/casedrop-\w+)/stick", self.said))
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if directory.encode() in entry.read_bytes():
                    found.append(int(entry.parent.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def stop(self) -> int:
        """Stop it. Returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._reader.join()
        return code


@pytest.fixture(scope="module")
def demonstration() -> Iterator[Demonstration]:
    running = Demonstration()
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def browser(demonstration: Demonstration) -> Browser:
    """A client of the onion that the demo left running."""
    (onion,) = set(re.findall(r"http://(\w{56}\.onion)/", demonstration.said))
    (port,) = set(re.findall(r"port (\d+)", demonstration.said))
    return Browser(onion, proxy=f"socks5h://test:-@127.0.0.1:{port}")


def test_eight_cases_travel_to_the_offline_desk_and_an_answer_comes_back(
    demonstration: Demonstration,
) -> None:
    assert "all 8 texts and 3 files came out byte for byte" in demonstration.said
    assert "no text, file, file name, harm code or codename is among them" in demonstration.said
    assert "shown as it was written, and to no other codename" in demonstration.said
    assert "bundle 2: nothing new, nothing missing" in demonstration.said
    assert "SOCKS v5" in demonstration.said and "network.dns.blockDotOnion" in demonstration.said


def test_how_long_each_stage_took_and_all_together_is_shown(demonstration: Demonstration) -> None:
    (total,) = re.findall(r"altogether\s+([\d.]+) s", demonstration.said)
    stages = re.findall(r"^    \S.*?\s{2,}([\d.]+) s$", demonstration.said, re.MULTILINE)[:-1]
    print(f"altogether {total} s")

    assert len(stages) == 10
    # Each is rounded to a tenth.
    assert abs(sum(map(float, stages)) - float(total)) < 0.05 * (len(stages) + 1) + 0.001


def test_every_answer_that_leaves_the_onion_has_one_size(demonstration: Demonstration) -> None:
    with browser(demonstration) as visitor:
        for path in ("/", "/zh-hant/report", "/en/inbox", "/nothing"):
            page = visitor.get(path)
            assert isinstance(page.headers, httpx.Headers)
            reason = {200: "OK", 404: "NOT FOUND"}[page.status]
            head = f"HTTP/1.1 {page.status} {reason}\r\n" + "".join(
                f"{name}: {value}\r\n" for name, value in page.headers.multi_items()
            )
            assert len(head) + 2 + len(page.raw) == PAGE_BYTES
            assert not {"server", "date", "set-cookie"} & set(page.headers)


def test_a_wrong_codename_is_told_apart_from_an_unused_one_by_its_words_only(
    demonstration: Demonstration,
) -> None:
    with browser(demonstration) as visitor:
        inbox = visitor.get("/en/inbox").form()
        assert (
            "Word 1 is not in the list"
            in visitor.send(inbox, {"codename": "one two three four five six seven eight"}).text
        )
        unused = visitor.get("/en/report").codename()
        assert (
            "There is no answer for this codename yet"
            in visitor.send(inbox, {"codename": unused}).text
        )


def test_a_test_report_is_filed_through_the_onion_and_its_codename_logs_in_the_next_time(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    (directory,) = set(re.findall(r"(/\S*/casedrop-\w+)/stick", demonstration.said))
    (port,) = set(re.findall(r"port (\d+)", demonstration.said))
    command = [
        sys.executable, "-m", "scripts.casedrop", "probe", "--socks", port,
        "--settings", f"{directory}/site/settings.toml", "--probe-folder", str(tmp_path / "probe"),
    ]  # fmt: skip
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (
            0, "The drop has accepted a test report.\n", "",
        )  # fmt: skip


def test_when_it_ends_nothing_of_it_is_left(demonstration: Demonstration) -> None:
    (directory,) = set(re.findall(r"(/\S*/casedrop-\w+)/stick", demonstration.said))
    assert len(demonstration.processes()) >= 7  # three authorities, two relays, service, client

    assert demonstration.stop() == 0
    assert demonstration.processes() == []
    assert not Path(directory).exists()
