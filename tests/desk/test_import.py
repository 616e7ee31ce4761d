"""Import as a whole: on several cores and in order, killed anywhere and run again.

Also with a full disk, and with anything at all in a bundle.
"""

import hashlib
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from support.bombs import literal, packed, sealed_as_it_is
from support.cases import CAMPAIGN, DAY, add, new_casebook, report
from support.export_bundles import SERVER, Drop
from support.shared import made_once
from support.unwaited import keep

from dropbox.durable_file import CannotWrite
from dropbox.errors import BadBundle, BadReport, CannotOpen
from dropbox.openpgp import Opener, Reviewers
from dropbox.packets import PublicKey
from dropbox.padding import pad
from dropbox.report import Report
from dropbox.sealing import PADDED_REPORT_BYTES
from dropbox.sizes import BLOCK_BYTES
from scripts.desk.casebook.casebook import VERSION, Casebook
from scripts.desk.evidence import write_out
from scripts.desk.importing.blocks import kept_in
from scripts.desk.importing.filing import Opened
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.importing.workers import in_order
from scripts.desk.search.finding import Filters, find
from scripts.desk.search.similar import links_of

TESTS = Path(__file__).parents[1]
EDGES = json.loads((TESTS / "edge_inputs.json").read_text("utf-8"))["inputs"]
NAMES = [one["value"] for one in EDGES if one["kind"] == "filename" and one["value"]]
REPORTS, FILES = 8, 3
TEXT = (
    "我的微信被封号，原因是一句话，申诉没有用，"
    "客服说理由不便透露，群里的名单和几年的记录也都不见了。"
)


@pytest.fixture
def casebook_directory(tmp_path: Path, pinned: dict[str, PublicKey]) -> Path:
    """It knows both reviewers, who run commands on it."""
    with new_casebook(tmp_path / "casebook", pinned):
        return tmp_path / "casebook"


def take(casebook: Casebook, path: Path, opener: Opener, **changes: object) -> Opened:
    return open_bundle(casebook, path, opener, today=DAY, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def filled(reviewers: Reviewers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of some reports, the first of which have a file each; made once for all workers."""

    def make(place: Path) -> None:
        drop = Drop(reviewers, place)
        for number in range(REPORTS):
            content = bytes([number]) * 70_000
            files = (drop.file(content, f"{number}.bin"),) if number < FILES else ()
            drop.report(f"第{number}份：{TEXT}", claimant=number + 1, attachments=files)
        drop.bundle(1).rename(place / "filled.tar")

    return made_once(tmp_path_factory, "filled", make) / "filled.tar"


def test_a_casebook_that_cannot_be_written_is_named_and_no_file_of_pythons(tmp_path: Path) -> None:
    """One that is not there stands for one that is closed, which would not bind root."""
    with (
        pytest.raises(CannotWrite, match=rf"^Nothing can be written into {tmp_path}/none: "),
        kept_in(tmp_path / "none"),
    ):
        pass


def check_whole(casebook_directory: Path) -> None:
    """Everything of *filled* is there once, and nothing else."""
    with Casebook.open(casebook_directory) as casebook:
        cases = list(casebook.cases())
        texts = sorted(part.report.text[:2] for case in cases for part in case.parts)
        assert (
            texts == [f"第{number}" for number in range(REPORTS)]
            and casebook.counts().parts == REPORTS
        )
        assert casebook.counts().files == FILES and casebook.unopened() == []
        assert [[one.kind for one in casebook.answers.to(case)] for case in cases] == [
            ["acknowledgement"]
        ] * REPORTS
        assert find(casebook, "封號", Filters()).count == REPORTS
        assert len(links_of(casebook, 1)) == REPORTS - 1
        for case in cases:
            for one in case.files:
                assert casebook.has_file(one.part, one.place)
                assert (
                    hashlib.sha256(
                        casebook.file_path(one.attachment.sha256).read_bytes()
                    ).hexdigest()
                    == one.attachment.sha256
                )
    kept = {path.name for path in (casebook_directory / "attachments").iterdir()}
    assert kept == {hashlib.sha256(bytes([number]) * 70_000).hexdigest() for number in range(FILES)}
    assert {path.name for path in casebook_directory.iterdir()} <= {
        "casebook.sqlite",
        "casebook.sqlite-journal",
        "campaign.toml",
        "attachments",
        "lock",
    }


KILLED = [
    ("part", 1, "BEFORE"),
    ("part", 2, "BEHIND"),
    ("part", 7, "BEFORE"),
    ("link", 2, "BEHIND"),
    ("landing", 1, "BEFORE"),
    ("landing", 2, "BEHIND"),
    ("file", 1, "BEFORE"),
    ("file", 3, "BEHIND"),
    ("answer", 4, "BEHIND"),
    ("close", 1, "BEFORE"),
]


Killed = Callable[[Path, Path, Path, str, int, str], int]


@pytest.fixture(scope="session")
def killed() -> Iterator[Killed]:
    """Runs an import of support/killed.py, and returns its exit code."""
    environ = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    with subprocess.Popen(
        [sys.executable, TESTS / "support" / "killed.py"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        keep(process)
        assert process.stdin is not None and process.stdout is not None
        asked, answered = process.stdin, process.stdout

        def run(casebook: Path, bundle: Path, home: Path, step: str, number: int, side: str) -> int:
            line = json.dumps([str(casebook), str(bundle), str(home), step, number, side])
            asked.write(line.encode() + b"\n")
            asked.flush()
            return int(answered.readline())

        yield run


@pytest.mark.parametrize(("step", "number", "side"), KILLED, ids=str)
@pytest.mark.slow
def test_an_import_that_is_killed_is_run_again_and_nothing_is_lost_or_double(
    killed: Killed,
    filled: Path,
    casebook_directory: Path,
    reviewer_homes: list[Path],
    opener: Opener,
    step: str,
    number: int,
    side: str,
) -> None:
    what = (casebook_directory, filled, reviewer_homes[0], step, number, side)

    assert killed(*what) == -signal.SIGKILL
    assert killed(*what) in (-signal.SIGKILL, 1)
    with Casebook.open(casebook_directory) as casebook:
        if casebook.last_export() is None:
            take(casebook, filled, opener)

    check_whole(casebook_directory)


@pytest.mark.long
def test_an_import_that_is_killed_again_and_again_comes_to_its_end(
    filled: Path, casebook_directory: Path, reviewer_homes: list[Path], opener: Opener
) -> None:
    """Run the real command, killed at random moments, until it has nothing left to do."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "scripts.desk",
        "--casebook",
        casebook_directory,
        "--home",
        reviewer_homes[0],
        "open",
        filled,
    ]
    for wait in (0.35, 0.45, 0.55, 0.65, 0.75, 0.9):
        with subprocess.Popen(
            command, cwd=TESTS.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(wait)
            process.kill()
    with Casebook.open(casebook_directory) as casebook:
        if casebook.last_export() is None:
            take(casebook, filled, opener)

    check_whole(casebook_directory)


def desk(
    casebook_directory: Path, home: Path, bundle: Path, most_bytes: int = resource.RLIM_INFINITY
) -> tuple[int, str]:
    """The exit code and standard error of the real command, with files of at most *most_bytes*."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scripts.desk",
            "--casebook",
            casebook_directory,
            "--home",
            home,
            "open",
            bundle,
        ],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
    )
    return done.returncode, done.stderr


@pytest.mark.long
def test_no_room_for_the_bundle_or_in_the_casebook_is_a_sentence_and_the_next_run_goes_on(
    filled: Path, casebook_directory: Path, reviewer_homes: list[Path]
) -> None:
    # Room for what the casebook itself writes, and not for the bundle.
    size = (casebook_directory / "casebook.sqlite").stat().st_size + BLOCK_BYTES
    assert size < filled.stat().st_size
    code, sentence = desk(casebook_directory, reviewer_homes[0], filled, size)
    assert (code, sentence.count("\n")) == (2, 1) and "does not fit beside the casebook" in sentence

    # A casebook that is larger than the bundle, so that it runs out of room first. Of spaces, in
    # which nothing is found or linked.
    with Casebook.open(casebook_directory) as casebook:
        add(casebook, *(report("字" + " " * 36_000, 100 + number) for number in range(40)))
    size = (casebook_directory / "casebook.sqlite").stat().st_size
    assert size > filled.stat().st_size
    code, sentence = desk(casebook_directory, reviewer_homes[0], filled, size + 8_192)
    assert (code, sentence.count("\n")) == (2, 1) and "casebook.sqlite cannot be used" in sentence

    assert desk(casebook_directory, reviewer_homes[0], filled) == (0, "")
    with Casebook.open(casebook_directory) as casebook:
        assert (casebook.counts().parts, casebook.counts().files) == (40 + REPORTS, FILES)


@pytest.mark.long
def test_a_disk_that_fills_up_in_the_middle_is_a_sentence_and_the_next_run_goes_on(
    filled: Path, tmp_path: Path, reviewer_homes: list[Path]
) -> None:
    """A separate file system with room for the bundle, but not for all of its files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
        mount -t tmpfs -o size=$1,mode=700 none {disk}
        desk() {{
            {sys.executable} -m scripts.desk --casebook {disk}/casebook \\
                --home {reviewer_homes[0]} "$@"
        }}
        desk init --server-key {bytes(SERVER.verify_key).hex()} --campaign {CAMPAIGN} --desk 0 \\
            >{tmp_path}/said || exit 9
        desk open {filled} && exit 8
        mount -o remount,size=64m none {disk}
        desk open {filled} && desk status --json
    """
    with tarfile.open(filled) as tar:
        blocks = sum(member.size == BLOCK_BYTES for member in tar)
    room = (blocks * BLOCK_BYTES + 330_000) // 1024
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", f"{room}k"],
        cwd=TESTS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and (
        "No space left" in done.stderr or "full" in done.stderr
    )
    status = json.loads(done.stdout[done.stdout.index("{") :])
    assert (status["parts"], status["files"], status["unopened"]) == (REPORTS, FILES, [])


@pytest.mark.slow
def test_two_desks_at_one_casebook_are_a_sentence(
    filled: Path, casebook_directory: Path, casebook: Casebook, reviewer_homes: list[Path]
) -> None:
    code, sentence = desk(casebook_directory, reviewer_homes[0], filled)

    assert (
        code == 2 and sentence == f"Another desk has the casebook in {casebook_directory} open.\n"
    )
    assert casebook.counts().parts == 0


@pytest.mark.slow
def test_reports_are_added_in_the_bundles_order_however_long_each_takes(
    drop: Drop, casebook: Casebook, opener: Opener
) -> None:
    for number in range(12):
        drop.report(str(number), claimant=number + 1)
    bundle = drop.bundle(1)
    seen: list[tuple[str, int, int]] = []

    take(casebook, bundle, opener, progress=lambda *one: seen.append(one), batch=5)

    order = sorted(drop.blocks, key=lambda name: hashlib.sha256(drop.blocks[name]).hexdigest())
    assert [casebook.part(number).block_id for number in range(1, 13)] == order
    assert [done for what, done, _ in seen if what == "reports"] == [*range(1, 13), 12]


def test_jobs_run_several_at_once_the_first_alone_and_like_ones_apart() -> None:
    running: set[int] = set()
    together: list[set[int]] = []

    def work(job: int) -> int:
        running.add(job)
        time.sleep(0.02)
        together.append(set(running))
        running.discard(job)
        return -job

    assert list(in_order(range(40), work, apart=lambda job: job % 3)) == [
        (job, -job) for job in range(40)
    ]
    assert {0} in together and all(len(one) == 1 for one in together if 0 in one)
    assert max(map(len, together)) > 1
    assert all(len({job % 3 for job in one}) == len(one) for one in together)


def test_what_fails_in_a_thread_fails_at_its_turn_and_nothing_runs_on() -> None:
    done: list[int] = []

    def work(job: int) -> int:
        if job == 5:
            raise CannotOpen("five")
        done.append(job)
        return job

    taken = []
    with pytest.raises(CannotOpen, match="five"):
        for job, _ in in_order(range(10_000), work):
            taken.append(job)

    assert taken == [0, 1, 2, 3, 4] and len(done) < 200


def sealed(drop: Drop, content: bytes) -> bytes:
    """Add a block with *content* sealed like a report. Returns its id."""
    pieces: list[bytes] = []
    drop.reviewers.seal(io.BytesIO(pad(content, PADDED_REPORT_BYTES)), pieces.append)
    message = b"".join(pieces)
    name = os.urandom(16)
    drop.blocks[name] = message + os.urandom(BLOCK_BYTES - len(message))
    return name


def body(**changes: object) -> bytes:
    """A report's JSON with *changes*."""
    values = {**json.loads(report("正文").to_bytes()), **changes}
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


DEEP = b"[" * 60_000
NOT_REPORTS: dict[str, tuple[bytes, str]] = {
    "a newer version": (body(version=3), "version 3; this desk reads versions 1 and 2"),
    "an unknown kind": (body(kind="order"), ""),
    "a number for a text": (body(text=5), ""),
    "a text for a list": (body(harms="c1.job_loss"), ""),
    "a list for the facts": (body(facts=[]), ""),
    "a number for the harms": (body(harms=7), ""),
    "null for the files": (body(attachments=None), ""),
    "a file without a key": (body(attachments=[{"name": "x"}]), "attachment's entry is damaged"),
    "a short reply key": (body(reply_public="00"), "reply keys are damaged"),
    "an unknown field": (body(more=1), ""),
    "a block full of nesting": (DEEP, ""),
    "nesting inside a report": (
        body().replace(b'"facts":{}', b'"facts":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        "",
    ),
    "no JSON": (b"\xff\xfe", ""),
    "nothing": (b"", ""),
}


@pytest.mark.slow
def test_what_is_sealed_but_no_report_is_listed_with_the_reason_and_kept(
    drop: Drop, casebook: Casebook, opener: Opener
) -> None:
    names = {sealed(drop, content): reason for content, reason in NOT_REPORTS.values()}
    drop.report("good")

    opened = take(casebook, drop.bundle(1), opener)

    assert opened.parts == 1 and {one.block_id for one in casebook.unopened()} == set(names)
    for one in casebook.unopened():
        assert (
            re.search(names[one.block_id], one.reason)
            and one.reason.endswith(".")
            and "\n" not in one.reason
        )


@pytest.mark.slow
def test_a_bomb_among_reports_is_named_and_the_others_are_opened(
    drop: Drop, casebook: Casebook, opener: Opener, first_home: Path
) -> None:
    drop.report("before")
    bomb = os.urandom(16)
    message = sealed_as_it_is(packed(literal(50)), first_home)
    drop.blocks[bomb] = message + os.urandom(BLOCK_BYTES - len(message))
    drop.report("after", claimant=2)

    opened = take(casebook, drop.bundle(1), opener)

    assert opened.parts == 2
    assert [one.block_id for one in casebook.unopened()] == [bomb]
    assert "more bytes than it can rightly hold" in casebook.unopened()[0].reason


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 10_000_000,
        b'{"a":' * 2_000_000,
        b"[" * 5_000_000 + b"]" * 5_000_000,
        b"1" * 10_000_000,
    ],
)
def test_ten_megabytes_of_nesting_are_no_report(content: bytes) -> None:
    with pytest.raises(BadReport):
        Report.from_bytes(content)


def test_unknown_codes_are_kept_and_shown_as_they_are(
    drop: Drop, casebook: Casebook, opener: Opener
) -> None:
    drop.report(
        category="c99",
        harms=("c99.new", " c1 "),
        facts={"new.question": {"deep": [1]}, "province": 7},
        language="xx",
    )

    assert take(casebook, drop.bundle(1), opener).unopened == ()

    case = casebook.case(1)
    assert (case.category, case.harms, case.language) == ("c99", ("c99.new", " c1 "), "xx")
    assert [one.outline.number for one in find(casebook, "", Filters(harm="c99.new")).cases] == [1]


@pytest.mark.parametrize("blocks", [1, 300, 10**15])
def test_a_report_whose_blocks_are_missing_is_kept_and_its_file_listed(
    drop: Drop, casebook: Casebook, opener: Opener, blocks: int
) -> None:
    drop.report(attachments=(drop.file(b"x" * 10, blocks=blocks, block_key=b"n" * 32),))

    opened = take(casebook, drop.bundle(1), opener)

    assert (opened.parts, opened.files, opened.unreferenced) == (1, 0, 1)
    assert f"Block 1 of {blocks} of a file is missing" in opened.unopened[0].reason


@pytest.mark.long
def test_ten_thousand_blocks_of_which_nobody_speaks_are_counted(
    drop: Drop, casebook: Casebook, opener: Opener
) -> None:
    """All have the same content; only their number matters here."""
    noise = os.urandom(BLOCK_BYTES)
    drop.blocks |= {number.to_bytes(16, "big"): noise for number in range(10_000)}
    drop.report()

    opened = take(casebook, drop.bundle(1), opener)

    assert (opened.blocks, opened.parts, opened.unreferenced, opened.unopened) == (
        10_001,
        1,
        10_000,
        (),
    )


@pytest.mark.slow
def test_files_with_any_name_come_out_under_safe_ones(
    drop: Drop, casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    assert len(NAMES) >= 15
    for start in range(0, len(NAMES), 10):
        files = tuple(drop.file(name.encode(), name) for name in NAMES[start : start + 10])
        drop.report(f"report {start}", attachments=files)

    assert take(casebook, drop.bundle(1), opener).files == len(NAMES)

    (tmp_path / "out").mkdir()
    written = list(write_out(casebook, casebook.case(1), tmp_path / "out"))
    assert sorted(path.read_bytes() for path in written) == sorted(name.encode() for name in NAMES)
    assert {path.parent for path in written} == {tmp_path / "out"} and len(
        {path.name for path in written}
    ) == len(NAMES)


Alter = Callable[[bytes], bytes]


def flipped(at: int) -> Alter:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def kinds_of_bytes(data: bytes) -> dict[str, int]:
    """A byte of each kind that a bundle consists of, by its offset."""
    manifest, block = data.index(b"{"), data.rindex(b"ustar") - 257
    signature = data.index(b"manifest.sig")
    places = {
        "name": 3,
        "mode": 102,
        "size": 130,
        "time": 140,
        "checksum": 150,
        "type": 156,
        "magic": 258,
        "header's rest": 400,
    }
    found = {f"manifest's {what}": at for what, at in places.items()}
    found |= {f"block's {what}": block + at for what, at in places.items()}
    found |= {
        f"manifest: {word}": data.index(f'"{word}":'.encode(), manifest) + len(word) + 4
        for word in _WORDS
    }
    found |= {
        "signature": signature + 512 + 20,
        "signature's name": signature + 2,
        "manifest's padding": signature - 1,
    }
    found |= {
        "signature's padding": signature + 512 + 100,
        "block": block + 512 + 7,
        "block's last": block + 511 + BLOCK_BYTES,
    }
    return found | {"end": len(data) - 1_000, "last": len(data) - 1}


_WORDS = (
    "blocks",
    "campaign",
    "format",
    "number",
    "sha256",
    "day",
    "id",
    "version",
    "tombstones",
    "previous",
    "days",
)


def test_a_bundle_altered_in_any_kind_of_byte_or_cut_anywhere_is_refused_whole(
    drop: Drop, casebook: Casebook, opener: Opener
) -> None:
    drop.report()
    good = drop.bundle(1)
    data = good.read_bytes()
    alterations = {f"{what} altered": flipped(at) for what, at in kinds_of_bytes(data).items()}
    for what, at in kinds_of_bytes(data).items():
        alterations[f"cut at {what}"] = lambda whole, at=at: whole[:at]  # type: ignore[misc]
    alterations |= {
        "empty": lambda _: b"",
        "more behind": lambda whole: whole + b"x",
        "twice": lambda whole: whole + whole,
    }
    path = drop.directory / "altered.tar"
    for what, alter in alterations.items():
        path.write_bytes(alter(data))
        with pytest.raises(BadBundle) as refused:
            pytest.fail(f"{what}: {take(casebook, path, opener)}")
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value), what

    assert casebook.counts().parts == 0 and casebook.last_export() is None
    assert take(casebook, good, opener).parts == 1


def test_a_bundle_of_another_server_campaign_or_number_says_which(
    drop: Drop, casebook: Casebook, opener: Opener
) -> None:
    drop.report()
    take(casebook, drop.bundle(5), opener)

    for path, sentence in (
        (drop.bundle(4), "This is bundle 4; bundle 5, which is newer, has been opened already"),
        (drop.bundle(6, campaign="other"), "another campaign"),
        (drop.bundle(6, key=SigningKey(b"o" * 32)), "signature is not by"),
    ):
        with pytest.raises(BadBundle, match=sentence):
            take(casebook, path, opener)
    assert casebook.counts().parts == 1


@pytest.mark.slow
def test_a_casebook_of_a_newer_version_is_refused_by_every_command(
    filled: Path, casebook_directory: Path, reviewer_homes: list[Path]
) -> None:
    with Casebook.open(casebook_directory) as casebook:
        casebook.database.execute(f"PRAGMA user_version = {VERSION + 1}")

    code, sentence = desk(casebook_directory, reviewer_homes[0], filled)

    assert (code, sentence) == (
        2,
        f"This casebook is of version {VERSION + 1}; this desk works with version {VERSION}.\n",
    )
