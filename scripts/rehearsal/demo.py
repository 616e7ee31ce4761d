"""The demonstration: one day of Casedrop on this computer, over a private Tor network on loopback.

    python -m scripts.rehearsal.demo [--keep]

Eight fictional cases are filed through an onion service, as a browser would do it, carried to an
offline desk and opened; one is answered, and the answer is read through the onion. The reply bundle
also acknowledges what the desk has stored. The exit code is 0 only if all texts and files came out
byte for byte, the vault's folder shows none of them, and the next bundle agrees with the first.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dropbox.errors import CasedropError
from dropbox.export_bundle import HEAD_NAME
from dropbox.label import LANGUAGES
from dropbox.lockdown import lacking
from onion.errors import OnionError
from onion.launch import Drop
from onion.private_net import PrivateNet
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.courier.pull import pull
from scripts.courier.transfer import push
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Page
from scripts.rehearsal.memory_folder import own_memory_folder

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "sample_cases.json"
CAMPAIGN = ROOT / "dropbox" / "campaign.toml"
REVIEWERS = ("first", "second")
BIG_FILE_BYTES = 8 * 2**20
ANSWER = (
    "受理人员已阅读您的报告，认为值得继续跟进。\n"
    "请在方便时说明：训诫书上写的是哪一天？不必写姓名和地点。谢谢您。"
)
PREFIX = {tag: tag.lower() for tag in LANGUAGES}


class DemoFailed(CasedropError):
    """Something did not come out as it went in."""


@dataclass
class Filed:
    """One case as it was sent, and the codename that opens its answer."""

    case: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    codename: str = ""


class Stages:
    """Records the stages' names and times, and prints each as it begins."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """One stage: prints its name, and keeps the time that it took."""
        print(f"[{len(self.times) + 1}] {name}", flush=True)
        begun = time.monotonic()
        yield
        self.times.append((name, time.monotonic() - begun))


def say(line: str) -> None:
    """Print one line of progress."""
    print(f"    {line}", flush=True)


def require(holds: bool, otherwise: str) -> None:
    """Raise DemoFailed with the sentence *otherwise* unless *holds* is true."""
    if not holds:
        raise DemoFailed(otherwise)


def sample_cases() -> list[Filed]:
    """The eight cases. The second has two small files with awkward names, the third one of 8 MB."""
    filed = [Filed(case) for case in json.loads(CASES.read_text("utf-8"))["cases"]]
    # The same incompressible bytes in every run.
    noise = random.Random(20200327)  # noqa: S311 - a test file, not a secret
    filed[1].files = {
        "微信截图 (1).png": noise.randbytes(70_001),
        "说明'; 无害.txt": "【虚构】附件说明\r\n".encode(),
    }
    filed[2].files = {"录像.mp4": noise.randbytes(BIG_FILE_BYTES)}
    return filed


def hold_ceremony(directory: Path) -> Path:
    """Make two reviewers' keys with four weekly subkeys.

    Returns the directory of the public keys.
    """
    keys = directory / "keys"
    keys.mkdir()
    # They begin last week, so that a valid subkey exists even if a clock is a little slow.
    weeks = Weeks(datetime.now(UTC).date() - timedelta(days=7), 4)
    for name in REVIEWERS:
        fingerprint = new_reviewer(
            directory / name, name=name, out=keys, weeks=weeks, choose=unprotected
        )
        say(f"reviewer {name}: {fingerprint}")
    return keys


def file_case(browser: Browser, filed: Filed) -> None:
    """GET the form, POST it as a browser does, and check that the page confirms it."""
    path = f"/{PREFIX[filed.case['lang']]}/report"
    form = require_page(browser.get(path), 200)
    filed.codename = form.codename()
    values = {
        "category": filed.case["category"],
        "harms": filed.case["harms"],
        "text": filed.case["text_zh_hans"],
    }
    files = [
        File(name, "application/octet-stream", io.BytesIO(data))
        for name, data in filed.files.items()
    ]
    done = require_page(browser.send(form.form(), values, files=files), 200)
    require(
        done.codename() == filed.codename,
        "The page after sending does not show the codename: nothing was accepted.",
    )


def require_page(page: Page, status: int) -> Page:
    """*page*, which must have the expected *status*. Raises DemoFailed."""
    require(page.status == status, f"{page.path} answered {page.status}: {page.text[:300]}")
    return page


def file_all(onion: str, socks_port: int, cases: Sequence[Filed]) -> None:
    """File each case over its own Tor circuit, as different people would."""
    for number, filed in enumerate(cases, 1):
        begun = time.monotonic()
        with Browser(onion, proxy=f"socks5h://case{number}:-@127.0.0.1:{socks_port}") as browser:
            file_case(browser, filed)
        size = sum(map(len, filed.files.values()))
        files = f", {len(filed.files)} files of {size:,} bytes" if filed.files else ""
        say(f"{filed.case['id']} {filed.case['category']}{files}: {time.monotonic() - begun:.1f} s")


def look_into_vault(folder: Path, cases: Sequence[Filed]) -> str:
    """Search all of the vault's files for anything that was filed. Returns what it found, in words.

    Raises DemoFailed if there is anything.
    """
    searched = 0
    for path in sorted(folder.iterdir()):
        raw = path.read_bytes()
        searched += len(raw)
        # SQLite's journal is eight times the size of the store; there, a piece of each long line
        # has to suffice.
        step = 8 if path.suffix == ".sqlite" else 64
        require(
            not any(piece in raw for filed in cases for piece in pieces_of(filed, step)),
            f"{path.name} holds something in the clear.",
        )
    return f"{searched:,} bytes; no text, file, file name, harm code or codename is among them"


def pieces_of(filed: Filed, step: int) -> Iterator[bytes]:
    """What to look for: 8 characters of the text at each *step*, beginnings of files, words."""
    text = filed.case["text_zh_hans"]
    for at in range(0, len(text) - 8, step):
        for encoding in ("utf-8", "utf-16-le", "gb18030"):
            yield text[at : at + 8].encode(encoding)
    for name, data in filed.files.items():
        yield name.encode()
        yield data[:64]
    for word in (filed.codename, *filed.case["harms"]):
        yield word.encode()


class Desk:
    """The offline desk, run in its own network namespace, in which there is no network."""

    def __init__(self, directory: Path, home: Path) -> None:
        self._isolated = (
            ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
        )
        self._command = [
            sys.executable,
            "-m",
            "scripts.desk",
            "--casebook",
            str(directory),
            "--home",
            str(home),
        ]

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Run one command of the desk, and return its output. Raises DemoFailed with its error."""
        environ = {
            **os.environ,
            "COLUMNS": os.environ.get("COLUMNS", "110"),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [*self._isolated, *self._command, *arguments],
            input=text,
            capture_output=True,
            encoding="utf-8",
            env=environ,
            cwd=ROOT,
            check=False,
        )
        require(
            done.returncode == 0,
            f"The desk could not {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}",
        )
        return done.stdout

    def networks(self) -> list[str]:
        """The network routes and addresses that exist where the desk runs."""
        listing = [*self._isolated, "cat", "/proc/net/route", "/proc/net/if_inet6"]
        done = subprocess.run(listing, capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if line and not line.startswith("Iface")]


def open_at_desk(desk: Desk, site: Site, bundle: Path) -> None:
    """Make the casebook, import the bundle, print the list of cases."""
    require(desk.networks() == [], "There is a network where the desk runs.")
    desk.run(
        "init", "--server-key", site.export_public.hex(), "--campaign", str(CAMPAIGN), "--desk", "0"
    )
    say(desk.run("open", str(bundle)).strip())
    print(desk.run("list"), end="")


def compare(desk: Desk, cases: Sequence[Filed], out: Path) -> dict[str, str]:
    """Compare all texts and files with what was sent.

    Returns the desk's case numbers by sample id.
    """
    numbers = {}
    by_text = {filed.case["text_zh_hans"]: filed for filed in cases}
    listed = json.loads(desk.run("list", "--json"))
    require(len(listed) == len(cases), f"{len(cases)} cases were filed and {len(listed)} came out.")
    for entry in listed:
        part = json.loads(desk.run("show", entry["case"], "--json"))["parts"][0]
        filed = by_text.get(part["text"])
        require(filed is not None, f"The text of {entry['case']} is not one that was filed.")
        assert filed is not None
        same = (part["category"], part["language"], part["harms"])
        require(
            same == (filed.case["category"], filed.case["lang"], sorted(filed.case["harms"])),
            "A case's codes differ.",
        )
        out.mkdir(exist_ok=True)
        written = desk.run("files", entry["case"], "--out", str(out)).splitlines()
        found = dict(
            zip(
                [file["name"] for file in part["files"]],
                (Path(path).read_bytes() for path in written),
                strict=True,
            )
        )
        require(
            found == filed.files, f"The files of {entry['case']} are not those that were filed."
        )
        numbers[filed.case["id"]] = entry["case"]
    require(len(numbers) == len(cases), "Two cases came out with the same text.")
    return numbers


def agreed(desk: Desk, bundle: Path, cases: int) -> str:
    """Import *bundle*, the second of *cases* cases that are all known. Returns a line about it.

    Raises DemoFailed unless it agrees with the first.
    """
    imported = json.loads(desk.run("import", str(bundle), "--json"))
    require(
        (imported["parts"], imported["known"], imported["findings"]) == (0, cases, []),
        "The second bundle does not agree with the first.",
    )
    return f"bundle {imported['number']}: nothing new, nothing missing"


def read_answer(onion: str, socks_port: int, filed: Filed) -> Page:
    """The inbox page that the codename opens."""
    with Browser(onion, proxy=f"socks5h://inbox:-@127.0.0.1:{socks_port}") as browser:
        form = require_page(browser.get(f"/{PREFIX[filed.case['lang']]}/inbox"), 200).form()
        return require_page(browser.send(form, {"codename": filed.codename}), 200)


def shown_answers(page: Page) -> list[str]:
    """The texts of the answers on an inbox page."""
    return [tag.get_text() for tag in page.html.select(".answer")]


def demonstrate(directory: Path, stack: ExitStack, stages: Stages) -> tuple[PrivateNet, Drop]:
    """Run all stages, with all files in *directory*; *stack* stops what was started.

    Raises DemoFailed.
    """
    cases = sample_cases()
    (directory / "site").mkdir()
    with stages("a private Tor network boots on loopback"):
        net = stack.enter_context(
            PrivateNet(directory / "net", directory / "site" / "front.sock", progress=say)
        )
        say(f"http://{net.onion}/")
    with stages("two reviewers make their keys, offline"):
        keys = hold_ceremony(directory)
    with stages("vault and front start behind the onion"):
        site = make_site(directory / "site", onion=net.onion, keys=keys)
        # A demonstration's files are removed afterwards, and their access times with them.
        waived = " ".join(("access", *lacking()))
        say(f"what this machine is not set up for is waived: {waived}")
        environ = {**os.environ, "CASEDROP_LOCKDOWN_WAIVED": waived}
        drop = stack.enter_context(Drop(site.settings_file, site.front_socket, environ, log=say))
    with stages("eight claimants file their cases through the onion"):
        file_all(net.onion, net.socks_port, cases)
    vault, courier = directory / "site" / "vault", directory / "site" / "courier.sock"
    with stages("the vault's files are searched"):
        held = look_into_vault(vault, cases)
        say(held)
    with stages("the courier fetches the export bundle"):
        (directory / "stick").mkdir()
        bundle = pull(courier, directory / "stick")
        files = sorted(bundle.iterdir())
        size = sum(file.stat().st_size for file in files)
        sha256 = hashlib.sha256((bundle / HEAD_NAME).read_bytes()).hexdigest()
        say(f"{bundle.name}, {len(files)} files, {size:,} bytes, head's sha256 {sha256[:16]}…")
    desk = Desk(directory / "casebook", directory / REVIEWERS[0])
    with stages("the desk opens it, without a network"):
        open_at_desk(desk, site, bundle)
        numbers = compare(desk, cases, directory / "evidence")
    with stages("the reviewer answers a case, and the courier carries the answer back"):
        say(
            desk.run(
                "answer", numbers[cases[0].case["id"]], "--text-file", "-", "--yes", text=ANSWER
            ).strip()
        )
        replies = directory / "stick" / "replies.tar"
        say(desk.run("export-replies", str(replies), "--yes").strip())
        push(courier, replies)
    with stages("the claimant reads the answer through the onion"):
        page = read_answer(net.onion, net.socks_port, cases[0])
        require(
            shown_answers(page) == [ANSWER], "The inbox does not show the answer as it was written."
        )
        require(
            shown_answers(read_answer(net.onion, net.socks_port, cases[1])) == [],
            "Another codename opens the answer.",
        )
        look_into_vault(
            vault,
            [replace(cases[0], case={**cases[0].case, "text_zh_hans": ANSWER})],
        )
        say("shown as it was written, and to no other codename")
    with stages("the next bundle is compared with the first, which the desk acknowledged"):
        say(agreed(desk, pull(courier, directory / "stick"), len(cases)))
    summarise(cases, held, stages)
    return net, drop


def summarise(cases: Sequence[Filed], held: str, stages: Stages) -> None:
    """Print the end of a good run."""
    files = [data for filed in cases for data in filed.files.values()]
    print(
        f"\nFiled:      {len(cases)} cases with {len(files)} files, {sum(map(len, files)):,} "
        "bytes, through a v3 onion."
    )
    print(f"Vault:      {held}.")
    print(f"Desk:       all {len(cases)} texts and {len(files)} files came out byte for byte.")
    print("Answer:     written at the desk, read with the codename.")
    width = max(len(name) for name, _ in stages.times)
    for name, seconds in stages.times:
        print(f"    {name:{width}}  {seconds:6.1f} s")
    total = sum(seconds for _, seconds in stages.times)
    print(f"    {'altogether':{width}}  {total:6.1f} s", flush=True)


def stay(net: PrivateNet) -> None:
    """Say how to open it in a browser, and wait for Ctrl-C."""
    print(
        "\nIt is still running. To open it in Firefox, set network.dns.blockDotOnion to false "
        "in\nabout:config. In the settings, under Network, choose a manual proxy: SOCKS host "
        f"127.0.0.1,\nport {net.socks_port}, SOCKS v5, and “Proxy DNS when using SOCKS v5”. Then "
        f"open\n\n    http://{net.onion}/\n\nCtrl-C ends it and removes everything.",
        flush=True,
    )
    signal.pause()


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@own_memory_folder()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration. Returns 0 only if everything came out byte for byte."""
    parser = argparse.ArgumentParser(
        prog="demo", description="One day of Casedrop on this computer."
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave it running at the end, until Ctrl-C"
    )
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    # A short path, because the path of a unix socket has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    try:
        with ExitStack() as stack:
            net, _drop = demonstrate(directory, stack, Stages())
            if asked.keep:
                stay(net)
    except (CasedropError, OnionError) as why:
        print(f"\nThe demonstration failed: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 0 if asked.keep else 130
    finally:
        stop_agents(directory)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def stop_agents(directory: Path) -> None:
    """End the gpg-agents of the two reviewers, whose keys are only in *directory*."""
    for name in REVIEWERS:
        subprocess.run(
            ["gpgconf", "--homedir", str(directory / name), "--kill", "gpg-agent"],
            check=False,
            capture_output=True,
        )


if __name__ == "__main__":
    sys.exit(main())
