"""The offline desk's speed and memory, compared with bare ``gpg --decrypt`` in the same run.

    python -m scripts.rehearsal.bench_desk [--reports N] [--cases N]

The desk runs as its users run it, a process for each command. Nothing leaves this computer; all
texts are random. The reviewers' keys have a passphrase, as the ceremony draws them.
"""

import argparse
import hashlib
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from nacl.signing import SigningKey
from rich.console import Console
from rich.table import Table

from dropbox import bundle, export_bundle
from dropbox.block import Kind, seal_block
from dropbox.day_key import DayKey
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener, Reviewers
from dropbox.packets import PublicKey
from dropbox.pinned_keys import read_pinned_keys
from dropbox.report import Report
from dropbox.reviewer_key import reviewer_key
from dropbox.sealing import seal_message
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.tar_members import END, member
from dropbox.weekly_hpke import WeeklyHpke
from scripts.ceremony.new_key import WEEKS, Weeks, new_reviewer
from scripts.ceremony.passphrase import write_settings
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.identity import Viewer
from scripts.desk.importing.workers import WORKERS
from scripts.desk.review.judgement import Judgement
from scripts.desk.screen.cases import case_text
from scripts.desk.screen.chosen import Chosen
from scripts.desk.screen.found import found_table
from scripts.desk.screen.paging import MOST_LISTED
from scripts.desk.screen.queue_tables import queues_table
from scripts.desk.screen.reviews import list_table, list_values
from scripts.desk.search import finding, index, said, similar
from scripts.desk.search.finding import Filters
from scripts.desk.search.queue_definitions import counts
from scripts.desk.search.selection import Condition, Selection

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN = ROOT / "dropbox" / "campaign.toml"
CAMPAIGN_CODE = "wechat-2020"
ONION = "casedrop" * 7 + ".onion"
SERVER = SigningKey(b"b" * 32)
QUANTUM = 256  # as the vault's
WORDS = ("微信", "封号", "公众号", "账号", "朋友圈", "转发", "警察", "单位", "賬號", "訓誡書")
TEXT_CHARACTERS = 300  # like the sample cases
TIMES = 15
PASSPHRASE = "these eight words are known to everybody here"  # noqa: S105 - of keys for the run


class Reports:
    """Random reports, the same ones in every run."""

    def __init__(self) -> None:
        self._chance = random.Random(20200327)  # noqa: S311 - test texts, not secrets
        # As in any language, a few characters are common and most are rare.
        self._characters = [chr(0x4E00 + number) for number in range(3_000)]
        self._weights = [1 / (rank + 8) for rank in range(3_000)]

    def text(self) -> str:
        """Some 300 characters with a few real words in them."""
        text = self._chance.choices(self._characters, self._weights, k=TEXT_CHARACTERS)
        for word in self._chance.sample(WORDS, 3):
            at = self._chance.randrange(TEXT_CHARACTERS)
            text[at:at] = [*word, "，"]
        return "".join(text)

    def report(self) -> Report:
        """A report by a new claimant."""
        chance = self._chance
        return Report(
            kind="report",
            campaign=CAMPAIGN_CODE,
            language="zh-Hans",
            category=f"c{chance.randint(1, 4)}",
            harms=("c1.job_loss",),
            text=self.text(),
            attachments=(),
            reply_public=chance.randbytes(32),
            reply_symmetric=chance.randbytes(32),
            tag_key=chance.randbytes(32),
            facts={
                "province": chance.choice(("prov.GD", "prov.SC", "prov.XJ")),
                "period_from": "2019-03",
            },
        )


@dataclass(frozen=True)
class Sealed:
    """The data for measuring imports: the desk's gpg home, and the same messages in three forms.

    *bundles*: an export bundle of each format. *messages*: a folder with a file for each message.
    """

    home: Path
    bundles: Mapping[str, Path]
    messages: Path


def seal(directory: Path, reviewers: Reviewers, hpke: WeeklyHpke, home: Path, count: int) -> Sealed:
    """*count* reports, as bundles and as single messages, in *directory*."""
    made, chance = Reports(), random.Random(1)  # noqa: S311 - block ids of a test
    with ThreadPoolExecutor(WORKERS) as executor:
        found = list(
            executor.map(
                lambda one: seal_message(one, reviewers), [made.report() for _ in range(count)]
            )
        )
    messages = {chance.randbytes(16): message for message in found}
    bundles = {
        "1": _first_format(directory / f"bundle-{count}.tar", messages),
        "2": _export(directory / f"export-{count}", messages, hpke),
    }
    sealed = Sealed(home, bundles, directory / f"messages-{count}")
    sealed.messages.mkdir()
    for name, message in messages.items():
        (sealed.messages / name.hex()).write_bytes(message)
    return sealed


def _first_format(path: Path, messages: Mapping[bytes, bytes]) -> Path:
    """A bundle of the first format, which the desk still reads; nothing else writes these any
    longer.

    Its blocks are messages filled up with random bytes.
    """
    today = datetime.now(UTC).date()
    blocks = {
        name: data + os.urandom(BLOCK_BYTES - len(data)) for name, data in sorted(messages.items())
    }
    listed = [
        bundle.ListedBlock(name, hashlib.sha256(data).hexdigest(), today)
        for name, data in blocks.items()
    ]
    manifest = bundle.ExportManifest.of(number=1, campaign=CAMPAIGN_CODE, blocks=listed)
    body = manifest.to_bytes()
    signature = SERVER.sign(bundle.EXPORT.encode() + b"\0" + body).signature
    with path.open("xb") as file:
        file.write(member("manifest.json", body) + member("manifest.sig", signature))
        file.writelines(member(one.id.hex(), blocks[one.id]) for one in manifest.blocks)
        file.write(END)
    return path


def _export(directory: Path, messages: Mapping[bytes, bytes], hpke: WeeklyHpke) -> Path:
    """An export bundle of one day, with slots filled up to whole quanta."""
    key = DayKey.make(datetime.now(UTC).date())
    blocks = {name: seal_block(Kind.REPORT, data, key.key) for name, data in messages.items()}
    while len(blocks) % QUANTUM:
        blocks[os.urandom(ID_BYTES)] = os.urandom(BLOCK_BYTES)
    volumes = export_bundle.in_volumes(
        export_bundle.ListedBlock(name, hashlib.sha256(data).digest(), key.day)
        for name, data in blocks.items()
    )
    head = export_bundle.Head(
        vault=bytes(export_bundle.VAULT_BYTES),
        onion=ONION,
        campaign=CAMPAIGN_CODE,
        number=1,
        salt=bytes(export_bundle.SALT_BYTES),
        history=(),
        days=(export_bundle.HeldDay(key.day, len(blocks), closed=False),),
        gone=(),
        day_keys=(key.seal(hpke.current(key.day)).to_bytes(),),
        replies=(),
        volumes=tuple(map(export_bundle.volume_of, volumes)),
    )
    directory.mkdir()
    (directory / export_bundle.HEAD_NAME).write_bytes(export_bundle.write_head(head, SERVER))
    for position, listed in enumerate(volumes, 1):
        with (directory / export_bundle.volume_name(position)).open("xb") as file:
            file.writelines(
                export_bundle.write_volume(head, position, listed, blocks.__getitem__, SERVER)
            )
    return directory


def _passphrase(home: Path) -> str:
    """A passphrase like those that the ceremony draws, with the same stretching by the agent."""
    write_settings(home, at_random=True)
    with (home / "gpg-agent.conf").open("a", encoding="utf-8") as settings:
        settings.write("allow-preset-passphrase\n")
    return PASSPHRASE


def tell_agent(home: Path) -> None:
    """Give gpg's agent the passphrase of all keys in *home*, for which it would otherwise ask."""
    key = reviewer_key(home)
    grips = [key.keygrip, *(week.keygrip for week in key.weeks)]
    told = "".join(f"PRESET_PASSPHRASE {grip} -1 {PASSPHRASE.encode().hex()}\n" for grip in grips)
    done = subprocess.run(
        ["gpg-connect-agent", "--homedir", str(home)],
        input=told.encode() + b"/bye\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    if done.stdout.split() != [b"OK"] * len(grips):
        raise SystemExit("gpg's agent does not take the passphrase.")


def bare_gpg(sealed: Sealed) -> "Ran":
    """Run bare gpg on all messages, as many at once as the desk runs."""
    names = b"\0".join(bytes(path) for path in sorted(sealed.messages.iterdir()))
    command = ["gpg", "--homedir", str(sealed.home), "--batch", "--quiet", "--no-tty", "--decrypt"]
    begun, before = time.monotonic(), _children_seconds()
    with Path(os.devnull).open("wb") as nothing:
        subprocess.run(
            ["xargs", "-0", "-n1", f"-P{WORKERS}", *command],
            input=names,
            stdout=nothing,
            stderr=nothing,
            check=True,
        )
    return Ran(time.monotonic() - begun, _children_seconds() - before, 0)


def _children_seconds() -> float:
    """CPU time of all child processes that have ended, including their children's."""
    return sum(os.times()[2:4])


@dataclass(frozen=True)
class Ran:
    """A command's seconds, its CPU seconds (with its children's), and its peak memory in MB."""

    seconds: float
    cpu: float
    megabytes: float


def desk(casebook: Path, *arguments: str, text: str = "") -> Ran:
    """Run one command of the desk in its own process."""
    command = [sys.executable, "-m", "scripts.desk", "--casebook", str(casebook), *arguments]
    begun, before = time.monotonic(), _children_seconds()
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=_environ(casebook)
    )
    assert process.stdin is not None
    with process.stdin as stream:
        stream.write(text.encode())
    most = 0.0
    # Not the kernel's figure at the end, which includes the memory of the process that forked this
    # one.
    while process.poll() is None:
        most = max(most, _peak_megabytes(process.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    if process.returncode != 0:
        raise SystemExit(f"The desk could not {arguments[0]}.")
    return Ran(seconds, _children_seconds() - before, most)


def _environ(casebook: Path) -> dict[str, str]:
    """An environment in which Python caches what it compiles, as it does for an installed desk."""
    environ = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    return {**environ, "PYTHONPYCACHEPREFIX": str(casebook.parent / "compiled")}


def _peak_megabytes(pid: int) -> float:
    """The peak resident memory of a process so far; 0 while it ends."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(
        int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")
    )


def new_casebook(directory: Path, reviewers: Mapping[str, PublicKey]) -> Path:
    """Make an empty casebook for *reviewers* (by name), and return its directory."""
    create(
        directory,
        server_key=bytes(SERVER.verify_key),
        campaign=CAMPAIGN,
        desk=0,
        reviewers=reviewers,
    )
    return directory


def imports(
    directory: Path, sealed: Sequence[Sealed], known: Mapping[str, PublicKey], rounds: int = 3
) -> None:
    """Measure and print imports: time compared with bare gpg's, and memory, by number of reports.

    Imports of both formats and bare gpg take turns.
    """
    table = Table(
        "reports",
        "format",
        "bare gpg s",
        "import s",
        "ratio",
        "bare CPU s",
        "import CPU s",
        "ratio",
        "memory MB",
    )
    for one in sealed:
        count = len(list(one.messages.iterdir()))
        bare_gpg(one)  # from here on the agent runs and the files are cached, for both
        desk(new_casebook(directory / f"first-{count}", known), "--home", str(one.home), "list")
        found: dict[str, list[tuple[Ran, Ran]]] = {name: [] for name in one.bundles}
        for number in range(rounds):
            for name, brought in one.bundles.items():
                casebook = new_casebook(directory / f"import-{count}-{name}-{number}", known)
                bare = bare_gpg(one)
                ran = desk(casebook, "--home", str(one.home), "import", str(brought))
                found[name].append((bare, ran))
        for name, pairs in found.items():
            table.add_row(f"{count:,}", name, *_cells(pairs))
    Console().print(table)
    Console().print(
        f"Bare: gpg --decrypt of each message, {WORKERS} at once on {os.cpu_count()} cores. "
        "Import: the whole command, from the start of Python to the index. CPU: without gpg's "
        "agent, whose work is the same. Median of three, taking turns."
    )


def _cells(pairs: Sequence[tuple[Ran, Ran]]) -> Iterator[str]:
    """Medians and ratios of (bare, import), and an import's peak memory."""
    for name in ("seconds", "cpu"):
        both = [(getattr(bare, name), getattr(ran, name)) for bare, ran in pairs]
        yield from (f"{statistics.median(side):.2f}" for side in zip(*both, strict=True))
        yield f"{statistics.median(ran / bare if bare else math.nan for bare, ran in both):.2f} x"
    yield f"{max(ran.megabytes for _, ran in pairs):.0f}"


def fill(casebook: Casebook, count: int, reviewers: Sequence[str]) -> None:
    """Add *count* cases of one report each with their reviews, and fill the registers."""
    made, day = Reports(), date(2026, 11, 24)
    for first in range(0, count, 1_000):
        with casebook.together():
            for number in range(first, min(first + 1_000, count)):
                block = number.to_bytes(16, "big")
                casebook.add_part(
                    block_id=block, block_sha256="00" * 32, day=day, bundle=1, report=made.report()
                )
    review(casebook, count, reviewers)
    index.catch_up(casebook)
    similar.catch_up(casebook)
    said.catch_up(casebook)


def review(casebook: Casebook, count: int, reviewers: Sequence[str]) -> None:
    """Review three in five cases, every other one of these twice, without a custody log."""
    chance = random.Random(11)  # noqa: S311 - test reviews, not secrets
    with casebook.together():
        for number in range(1, count + 1):
            if number % 5 > 2:
                continue
            case = casebook.case(number)
            for reviewer in reviewers[: 1 + number % 2]:
                judgement = Judgement(
                    category=f"c{chance.randint(1, 4)}",
                    merit=chance.choice(("m0", "m1", "m2", "m3", "m4", "mx")),
                    urgency=chance.choice(("normal", "deadline", "danger")),
                    tags=(f"tag{chance.randint(1, 50)}",),
                    flags=("privileged",) if chance.random() < 0.1 else (),
                    note=f"A note on {chance.choice(WORDS)}.",
                )
                placed = casebook.layers.placed(case, judgement)
                casebook.layers.add(case, placed, reviewer=reviewer, day=date(2026, 11, 25))
            casebook.layers.settle(case)


def selections() -> Iterator[tuple[str, Selection, list[str]]]:
    """The lists that are measured: (name, selection, the options for it)."""
    yield (
        "list, a queue by urgency",
        Selection("mine", sort="urgency", descending=True),
        ["--queue", "mine", "--sort", "urgency", "--descending"],
    )
    both = ("province=prov.GD", "merit=m2")
    yield (
        "list, two conditions",
        Selection(where=tuple(map(Condition.read, both))),
        ["--where", both[0], "--where", both[1]],
    )


def queries() -> Iterator[tuple[str, str, Filters]]:
    """The searches that are measured: (name, words, filters)."""
    yield "a word of two characters", "封号", Filters()
    yield "the same, traditional", "封號", Filters()
    yield "three words", "微信 封号 朋友圈", Filters()
    yield "a common character", "一", Filters()
    yield (
        "a word and four filters",
        "微信",
        Filters(category="c1", harm="c1.job_loss", merit="m2", period="2019"),
    )
    yield "filters alone", "", Filters(category="c1", status="st.new")
    yield "10,000 characters", "微信" * 5_000, Filters()


def lookups(directory: Path, count: int, home: Path, known: Mapping[str, PublicKey]) -> None:
    """Measure and print queues, list, find and show in a casebook of *count* cases."""
    large = new_casebook(directory / "large", known)
    with Casebook.open(large) as casebook:
        fill(casebook, count, [key.fingerprint for key in known.values()])
        seventh = casebook.case(min(7, count)).name
    table = Table(f"in {count:,} cases", "ms of CPU in one process", "s as a command")
    reviewer = Opener(home).secret_fingerprints()[0]
    with Casebook.open(large) as casebook:
        viewer = Viewer(
            reviewer,
            {key.fingerprint: name for name, key in known.items()},
            casebook.campaign,
            "en",
        )
        times = dict(_operations(casebook, count, viewer))
        fresh = _fresh(casebook)
    last = str(-(-count // MOST_LISTED))
    commands = {
        "list, a page": ["list"],
        "list, last page": ["list", "--page", last],
        "queues": ["queues"],
        "show": ["show", seventh],
    } | {name: ["list", *options] for name, _, options in selections()}
    whole = {
        name: desk(large, "--home", str(home), *arguments) for name, arguments in commands.items()
    }
    whole |= {
        f"find, {name}": _find_command(large, home, words, filters)
        for name, words, filters in queries()
    }
    for name, milliseconds in times.items():
        table.add_row(name, f"{milliseconds:.1f}", f"{whole[name].seconds:.2f}")
    table.add_row("links of one new report", f"{fresh:.1f}", "")
    Console().print(table)


def _find_command(casebook: Path, home: Path, words: str, filters: Filters) -> Ran:
    options = [
        option for name, code in vars(filters).items() if code for option in (f"--{name}", code)
    ]
    return desk(casebook, "--home", str(home), "find", "--query-file", "-", *options, text=words)


def _operations(casebook: Casebook, count: int, viewer: Viewer) -> Iterator[tuple[str, float]]:
    campaign, last = casebook.campaign, max(0, count - MOST_LISTED)

    def page(skip: int = 0, selection: Selection | None = None) -> None:
        chosen = Chosen(selection=selection or Selection(), most=MOST_LISTED, skip=skip)
        shown = chosen.page(chosen.numbers(casebook, viewer.reviewer))
        list_table(list_values(casebook, shown, viewer), viewer, 118)

    def show() -> None:
        case = casebook.case(7)
        case_text(case, casebook.answers.to(case), campaign, "en")
        similar.links_of(casebook, 7)

    yield "queues", _milliseconds(lambda: queues_table(counts(casebook, viewer.reviewer), "en"))
    yield "list, a page", _milliseconds(page)
    yield "list, last page", _milliseconds(lambda: page(last))
    for name, selection, _ in selections():
        yield name, _milliseconds(partial(page, selection=selection))
    yield "show", _milliseconds(show)
    for name, words, filters in queries():

        def search(words: str = words, filters: Filters = filters) -> None:
            found = finding.find(
                casebook, words, filters, reviewer=viewer.reviewer, most=MOST_LISTED
            )
            found_table(found.cases)

        yield f"find, {name}", _milliseconds(search)


def _milliseconds(operation: Callable[[], object]) -> float:
    """The median CPU time of TIMES runs: other programs may be at work on this computer."""
    operation()
    times = []
    for _ in range(TIMES):
        begun = time.process_time()
        operation()
        times.append(time.process_time() - begun)
    return 1_000 * statistics.median(times)


def _fresh(casebook: Casebook) -> float:
    """Milliseconds to link one new report: the mean of a hundred."""
    made = Reports()
    with casebook.together():
        for number in range(100):
            report = made.report()
            casebook.add_part(
                block_id=b"new" + bytes([number]) * 13,
                block_sha256="",
                day=date(2026, 11, 24),
                bundle=2,
                report=report,
            )
    begun = time.monotonic()
    similar.catch_up(casebook)
    return 10 * (time.monotonic() - begun)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="bench_desk", description="Speed and memory of the offline desk."
    )
    parser.add_argument(
        "--reports", type=int, default=1_000, help="in the largest import (default 1000)"
    )
    parser.add_argument(
        "--cases", type=int, default=20_000, help="in the casebook that is searched (default 20000)"
    )
    asked = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="casedrop-"))
    homes = [directory / "first", directory / "second"]
    try:
        (directory / "keys").mkdir()
        weeks = Weeks(
            datetime.now(UTC).date() - timedelta(days=7), WEEKS
        )  # like every reviewer's key
        for home in homes:
            new_reviewer(
                home, name=home.name, out=directory / "keys", weeks=weeks, choose=_passphrase
            )
        tell_agent(homes[0])
        reviewers = Reviewers.load(directory / "keys", directory / "front-gnupg")
        counts = [max(1, asked.reports // 10), max(1, asked.reports // 2), asked.reports]
        known = {
            f"reviewer-{number}": key
            for number, key in enumerate(read_pinned_keys(directory / "keys"), 1)
        }
        hpke = WeeklyHpke.load(directory / "keys", datetime.now(UTC))
        sealed = [seal(directory, reviewers, hpke, homes[0], count) for count in counts]
        imports(directory, sealed, known)
        lookups(directory, asked.cases, homes[0], known)
    finally:
        for home in homes:
            stop_agent(home)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
