"""The offline desk with real bundles and real gpg: what it opens, refuses and sends back."""

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from nacl.signing import SigningKey
from support.cases import ONION, know_vault
from support.export_bundles import CAMPAIGN, DAY, PHOTO, SERVER, TEXT, Drop
from support.line import Line

from dropbox.durable_file import CannotWrite, NewFile
from dropbox.errors import BadBundle, BadReply, CannotOpen
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener, Reviewers
from dropbox.pinned_keys import read_pinned_keys
from dropbox.reply import open_reply, reply_tag
from dropbox.reply_bundle import read_replies
from dropbox.reviewer_key import make_reviewer_key
from scripts.desk import __main__ as desk
from scripts.desk.casebook.casebook import Casebook, CasebookError
from scripts.desk.evidence import EvidenceError, safe_name, write_out
from scripts.desk.importing.filing import Opened
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.outbox.sending import export_replies
from scripts.desk.outbox.writing import OutboxError, answer


@pytest.fixture
def take(casebook: Casebook, opener: Opener) -> Callable[[Path], Opened]:
    return lambda path: open_bundle(casebook, path, opener, today=DAY)


Take = Callable[[Path], Opened]


def test_texts_and_files_come_out_byte_for_byte(
    drop: Drop, casebook: Casebook, take: Take, tmp_path: Path
) -> None:
    drop.report(attachments=(drop.file(PHOTO), drop.file(b"", "empty")), harms=("h1",))
    drop.report("second", claimant=2)

    opened = take(drop.bundle(1))

    assert (opened.cases, opened.parts, opened.files, opened.unreferenced, opened.unopened) == (
        2,
        2,
        2,
        0,
        (),
    )
    case = next(case for case in casebook.cases() if case.files)
    assert case.parts[0].report.text == TEXT and case.day == DAY and case.harms == ("h1",)
    (tmp_path / "out").mkdir()
    written = list(write_out(casebook, case, tmp_path / "out"))
    assert [path.read_bytes() for path in written] == [PHOTO, b""]
    assert list(write_out(casebook, case, tmp_path / "out")) == written
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in written)


def test_a_follow_up_joins_its_case_and_known_blocks_are_harmless(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report(attachments=(drop.file(PHOTO),))
    take(drop.bundle(1))
    drop.report("更多", kind="message", attachments=(drop.file(b"new"),))

    opened = take(drop.bundle(2))

    assert (opened.cases, opened.parts, opened.files, opened.known, opened.unreferenced) == (
        0,
        1,
        1,
        1,
        0,
    )
    assert [part.report.text for part in casebook.case(1).parts] == [TEXT, "更多"]


def test_blocks_that_no_report_names_are_counted_and_kept_out(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report()
    drop.file(PHOTO)
    drop.blocks[os.urandom(16)] = os.urandom(65_536)

    opened = take(drop.bundle(1))

    assert opened.unreferenced == 4 + 1 and opened.files == 0
    assert list((casebook.directory / "attachments").iterdir()) == []


def altered(path: Path, at: int) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return path


def test_a_bundle_that_does_not_verify_adds_nothing(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report()
    size = drop.bundle(1).stat().st_size
    body = drop.bundle(1).read_bytes()
    missing, extra, cut = (drop.directory / name for name in ("missing", "extra", "cut"))
    missing.write_bytes(body[: -65_536 - 512 - 1024] + bytes(1024))
    extra.write_bytes(body[:-1024] + body[-65_536 - 512 - 1024 :])
    cut.write_bytes(body[: size // 2])
    refused = {
        "signature is not by": drop.bundle(1, key=SigningKey(b"x" * 32)),
        "another campaign": drop.bundle(1, campaign="other"),
        r"Block .* was altered": altered(drop.bundle(1), size - 2_000),
        "ends before": missing,
        "more than its manifest": extra,
        "cut off inside": cut,
        "manifest was altered": altered(drop.bundle(1), 600),
        "cannot be read": drop.directory / "nowhere.tar",
    }
    for sentence, path in refused.items():
        with pytest.raises(BadBundle, match=sentence):
            take(path)

    assert casebook.counts().parts == 0 and casebook.last_export() is None
    assert take(drop.bundle(1)).parts == 1


def test_an_old_repeated_or_forked_bundle_is_refused(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report()
    first, second = drop.bundle(1), drop.bundle(2)
    take(second)

    with pytest.raises(BadBundle, match="bundle 2, which is newer, has been opened already"):
        take(first)
    with pytest.raises(BadBundle, match="Bundle 2 was opened on 2026-11-23 already"):
        take(second)
    drop.report("another")
    with pytest.raises(BadBundle, match="Another bundle with the number 2"):
        take(drop.bundle(2))
    assert take(drop.bundle(7)).parts == 1


def test_what_cannot_be_opened_is_listed_and_may_be_tried_again(
    drop: Drop, casebook: Casebook, take: Take, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A reviewer to whose key the server did not seal opens nothing, and loses nothing."""
    stranger = tmp_path_factory.mktemp("s")
    make_reviewer_key(
        stranger, name="stranger", weeks=1, start=datetime.now(UTC).date(), passphrase=""
    )
    report, bundle = drop.report(), drop.bundle(1)

    opened = open_bundle(casebook, bundle, Opener(stranger), today=DAY)
    stop_agent(stranger)

    assert [(one.block_id, one.place) for one in opened.unopened] == [(report, 0)]
    assert "sealed to no key of the reviewer" in opened.unopened[0].reason
    assert casebook.unopened() == list(opened.unopened)
    assert take(bundle).parts == 1
    assert casebook.unopened() == []


def test_a_report_of_another_campaign_is_kept_out(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report(campaign="other")

    opened = take(drop.bundle(1))

    assert "another campaign" in opened.unopened[0].reason and casebook.counts().cases == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "ab" * 32}, "not the one described in the report"),
        ({"size": 199_999}, "not the one described in the report"),
        ({"size": 2**40}, "size that it cannot have"),
        ({"sha256": "../" + "x" * 61}, "no SHA-256"),
        ({"block_key": b"x" * 32}, "is missing"),
    ],
)
def test_a_file_that_is_not_as_described_is_listed_and_not_kept(
    drop: Drop, casebook: Casebook, take: Take, changes: dict[str, Any], reason: str
) -> None:
    drop.report(attachments=(drop.file(PHOTO, **changes),))

    opened = take(drop.bundle(1))

    assert (opened.parts, opened.files, len(opened.unopened)) == (1, 0, 1)
    assert reason in opened.unopened[0].reason and "照片" not in opened.unopened[0].reason
    assert list((casebook.directory / "attachments").iterdir()) == []
    with pytest.raises(EvidenceError, match="could not be opened"):
        list(write_out(casebook, casebook.case(1), drop.directory))


@dataclass
class Compressing:
    """Seals as no front does, with compression: a short message unpacks to a long one."""

    home: Path

    def seal(self, source: BinaryIO, sink: Callable[[bytes], None]) -> int:
        options = ["--batch", "--quiet", "--trust-model", "always", "--compress-algo", "zlib"]
        recipient = Opener(self.home).secret_fingerprints()[0]
        command: list[str | Path] = [
            "gpg",
            "--homedir",
            self.home,
            *options,
            "-z",
            "9",
            "--encrypt",
            "-r",
            recipient,
        ]
        done = subprocess.run(command, input=source.read(), capture_output=True, check=True)
        sink(done.stdout)
        return len(done.stdout)


@pytest.mark.slow
def test_an_import_writes_no_more_of_a_file_than_its_report_says(
    drop: Drop,
    casebook: Casebook,
    take: Take,
    reviewer_homes: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A real import of a message that unpacks to a thousand times its length, counting writes."""
    size = 16 * 2**20
    bomb = replace(drop, reviewers=cast("Reviewers", Compressing(reviewer_homes[0]))).file(
        bytes(size)
    )
    assert 0 < bomb.sealed_bytes < size / 500
    told = replace(bomb, size=bomb.sealed_bytes)
    drop.report(attachments=(told,))
    written, write = [0], NewFile.write

    def counted(self: NewFile, data: bytes) -> None:
        written[0] += len(data)
        write(self, data)

    monkeypatch.setattr(NewFile, "write", counted)
    opened = take(drop.bundle(1))

    assert written[0] <= told.size
    assert (opened.parts, opened.files) == (1, 0)
    assert "not the one described in the report" in opened.unopened[0].reason
    assert list((casebook.directory / "attachments").iterdir()) == []


def test_a_report_that_names_a_file_that_is_here_has_to_hold_it_itself(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    """Otherwise anybody who knows a file's SHA-256 could have it shown in their own report."""
    drop.report(attachments=(drop.file(PHOTO),))
    assert take(drop.bundle(1)).files == 1
    other = drop.file(bytes(len(PHOTO)), sha256=hashlib.sha256(PHOTO).hexdigest())
    report = drop.report("another", claimant=2, attachments=(other,))

    opened = take(drop.bundle(2))

    assert (opened.parts, opened.files) == (1, 0)
    assert [(one.block_id, one.place) for one in opened.unopened] == [(report, 1)]
    assert "not the one described in the report" in opened.unopened[0].reason
    assert casebook.counts().files == 1


def test_a_missing_block_that_comes_later_completes_the_file(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    attachment = drop.file(PHOTO)
    drop.report(attachments=(attachment,))
    missing = next(iter(drop.blocks))
    data = drop.blocks.pop(missing)
    assert "is missing" in take(drop.bundle(1)).unopened[0].reason
    drop.blocks[missing] = data

    assert take(drop.bundle(2)).files == 1
    assert casebook.unopened() == []


def test_the_same_file_sent_twice_is_kept_once_and_each_is_opened(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report(attachments=(drop.file(PHOTO),))
    drop.report(
        "second", claimant=2, attachments=(drop.file(PHOTO), drop.file(b"other", sha256="0" * 64))
    )

    opened = take(drop.bundle(1))

    assert opened.files == 2 and len(opened.unopened) == 1
    assert [path.name for path in (casebook.directory / "attachments").iterdir()] == [
        hashlib.sha256(PHOTO).hexdigest()
    ]


def test_a_run_that_was_broken_off_is_run_again(
    drop: Drop, casebook: Casebook, opener: Opener, take: Take
) -> None:
    """Stopped after the first of two reports, with half a file on disk; the next run goes on."""
    attachment = drop.file(PHOTO)
    drop.report(attachments=(attachment,))
    drop.report("second", claimant=2)
    (
        casebook.directory / "attachments" / (hashlib.sha256(PHOTO).hexdigest() + ".part")
    ).write_bytes(PHOTO[:1000])

    def stop(_what: str, _done: int, _all: int) -> None:
        if casebook.counts().parts == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_bundle(casebook, drop.bundle(1), opener, today=DAY, progress=stop, batch=1)
    assert casebook.last_export() is None

    opened = take(drop.bundle(1))

    assert (opened.parts, opened.known, opened.files) == (1, 1, 1)
    assert len([path for path in casebook.directory.iterdir() if "tmp" in path.name]) == 0


def test_an_altered_copy_in_the_casebook_is_not_handed_out(
    drop: Drop, casebook: Casebook, take: Take, tmp_path: Path
) -> None:
    drop.report(attachments=(drop.file(PHOTO),))
    take(drop.bundle(1))
    altered(casebook.file_path(hashlib.sha256(PHOTO).hexdigest()), 5)
    (tmp_path / "out").mkdir()

    with pytest.raises(EvidenceError, match="altered"):
        list(write_out(casebook, casebook.case(1), tmp_path / "out"))

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        ".bashrc",
        "-rf",
        "a\0b",
        "CON",
        "\u202egpj.exe",
        "长" * 300 + ".jpg",
        "",
        "..",
        "x" * 400,
    ],
)
def test_a_name_as_sent_becomes_a_name_that_does_no_harm(
    drop: Drop, casebook: Casebook, take: Take, name: str
) -> None:
    drop.report()
    take(drop.bundle(1))

    safe = safe_name(casebook.case(1), 3, name)

    assert safe.startswith(f"{casebook.names.of(1)}-03-") and len(safe.encode()) < 200
    assert not set(safe) & set("/\\\0\n :\u202e") and ".." not in safe


def test_an_ordinary_name_stays_readable(drop: Drop, casebook: Casebook, take: Take) -> None:
    drop.report()
    take(drop.bundle(1))

    name = safe_name(casebook.case(1), 1, "封号 截图(1).png")
    assert name == f"{casebook.names.of(1)}-01-封号_截图_1_.png"
    assert safe_name(casebook.case(1), 1, "长" * 300 + ".jpg").endswith("长.jpg")


def test_an_answer_reaches_its_case_in_a_bundle_that_the_vault_takes(
    drop: Drop, casebook: Casebook, take: Take, opener: Opener, keys_dir: Path
) -> None:
    drop.report(language="zh-Hant")
    take(drop.bundle(1))
    know_vault(casebook)
    for text in ("第一封\r\n", "second"):
        answer(casebook, 1, text, today=DAY)

    now = datetime.now(UTC)
    left = export_replies(casebook, drop.directory / "replies.tar", opener, today=now.date())

    assert (left.bundle, left.answers, left.replies, left.waiting) == (1, 3, 256, 0)
    data = (drop.directory / "replies.tar").read_bytes()
    signers = read_pinned_keys(keys_dir)
    bundle = read_replies(data, signers, onion=ONION, campaign="wechat-2020", now=now)
    assert (bundle.number, bundle.desk) == (1, 1)
    made = now.date()
    assert (bundle.expires, bundle.keep_until) == (made + timedelta(14), made + timedelta(90))
    by_tag = dict(bundle.replies)
    assert len(by_tag) == 256 and list(by_tag) == sorted(by_tag)
    # First the desk itself acknowledges that the report was opened.
    for number, text in enumerate(("", "第一封\r\n", "second")):
        sealed = by_tag[reply_tag(bytes([101]) * 32, desk=1, number=number)]
        reply = open_reply(sealed, bytes([1]) * 32)
        kind = "answer" if text else "acknowledgement"
        assert (reply.kind, reply.text, reply.language, reply.day) == (kind, text, "zh-Hant", DAY)


def test_each_bundle_that_brings_something_is_acknowledged_once_and_a_withdrawn_case_no_more(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    def acknowledged() -> int:
        return sum(one.kind == "acknowledgement" for one in casebook.answers.to(casebook.case(1)))

    counts = []
    for number, kind in enumerate(("report", "", "message", "withdrawal", "message"), 1):
        if kind:
            drop.report(kind=kind)
        take(drop.bundle(number))
        counts.append(acknowledged())

    assert counts == [1, 1, 2, 2, 2]


def test_reply_and_bundle_numbers_go_on(
    drop: Drop, casebook: Casebook, take: Take, opener: Opener, tmp_path: Path
) -> None:
    drop.report()
    take(drop.bundle(1))
    know_vault(casebook)
    for number in (1, 2):
        answer(casebook, 1, f"answer {number}", today=DAY)
        assert (
            export_replies(casebook, tmp_path / f"{number}.tar", opener, today=DAY).bundle == number
        )

    assert [(one.number, one.bundle) for one in casebook.answers.to(casebook.case(1))] == [
        (0, 1),
        (1, 1),
        (2, 2),
    ]
    with pytest.raises(OutboxError, match="No answer is waiting"):
        export_replies(casebook, tmp_path / "3.tar", opener, today=DAY)


def test_answers_that_cannot_leave_stay_queued(
    drop: Drop, casebook: Casebook, take: Take, opener: Opener, tmp_path: Path
) -> None:
    drop.report()
    take(drop.bundle(1))
    know_vault(casebook)
    answer(casebook, 1, "x", today=DAY)
    (tmp_path / "there.tar").write_bytes(b"first")

    with pytest.raises(CannotWrite, match="already exists"):
        export_replies(casebook, tmp_path / "there.tar", opener, today=DAY)
    with pytest.raises(CannotOpen, match="secret key is not in this gpg directory"):
        export_replies(casebook, tmp_path / "new.tar", opener, today=DAY, signer="0" * 40)

    assert (tmp_path / "there.tar").read_bytes() == b"first" and not (tmp_path / "new.tar").exists()
    assert [one.text for one in casebook.answers.queued()] == ["", "x"]
    assert export_replies(casebook, tmp_path / "new.tar", opener, today=DAY).bundle == 1


def test_an_answer_that_cannot_be_read_is_refused_when_it_is_written(
    drop: Drop, casebook: Casebook, take: Take
) -> None:
    drop.report()
    take(drop.bundle(1))
    with pytest.raises(OutboxError, match="empty"):
        answer(casebook, 1, " \n", today=DAY)
    with pytest.raises(BadReply, match="too long by"):
        answer(casebook, 1, "长" * 2_000, today=DAY)
    with pytest.raises(OutboxError, match="one of"):
        answer(casebook, 1, "x", today=DAY, language="xx")
    with pytest.raises(CasebookError, match="no case with the number 2"):
        answer(casebook, 2, "x", today=DAY)
    assert [one.kind for one in casebook.answers.queued()] == ["acknowledgement"]


@pytest.mark.slow
def test_a_day_at_the_desk(
    drop: Drop,
    line: Line,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    drop.report(
        "[red]正文\x1b[31m\u202e",
        attachments=(drop.file(PHOTO, "照片\u202egpj.exe"),),
        category="nowhere",
    )
    line(
        "init", "--server-key", bytes(SERVER.verify_key).hex(), "--campaign", CAMPAIGN, "--desk", 0
    )
    assert "1 new case and 1 file" in line("open", drop.bundle(1))

    table = line("list")
    assert line.case() in table and "[red]正文‹U+001B›[31m‹U+202E›" in table and "nowhere" in table
    (row,) = json.loads(line("list", "--json"))
    assert (row["case"], row["files"], row["category"]) == (line.case(), 1, "nowhere")
    shown = line("show", line.case()) + line("files", line.case())
    assert "照片‹U+202E›gpj.exe" in shown and "\x1b" not in shown and "\u202e" not in shown
    as_json = line("show", line.case().lower(), "--json")
    assert (
        json.loads(as_json)["parts"][0]["text"] == "[red]正文\x1b[31m\u202e" and as_json.isascii()
    )
    assert bytes([101]).hex() * 32 not in as_json
    out = tmp_path / "new" / "out"
    (path,) = line("files", line.case(), "--out", out).split()
    assert Path(path).read_bytes() == PHOTO and stat.S_IMODE(out.stat().st_mode) == 0o700

    assert "queued" in line("answer", line.case(), "--text-file", "-", "--yes", text="收到。")
    assert f"answers queued: {line.case()}" in line("status")
    refused = line.refused("export-replies", tmp_path / "replies.tar", "--yes")
    assert "Import the drop's next bundle first" in refused
    with Casebook.open(tmp_path / "casebook") as casebook:
        know_vault(casebook)
    assert "2 of its 256 replies are answers" in line(
        "export-replies", tmp_path / "replies.tar", "--yes"
    )
    assert "left in reply bundle 1" in line("show", line.case())
    values = json.loads(line("status", "--json"))
    assert (values["answers_left"], values["acknowledgements_left"]) == (1, 1)


def test_every_refusal_is_one_sentence(drop: Drop, line: Line, tmp_path: Path) -> None:
    key = bytes(SERVER.verify_key).hex()
    assert "no casebook" in line.refused("list")
    assert "64 hex digits" in line.refused(
        "init", "--server-key", "zz", "--campaign", CAMPAIGN, "--desk", 0
    )
    assert "0 to 3" in line.refused(
        "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 9
    )
    line("init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0)
    assert "There is a casebook" in line.refused(
        "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0
    )
    assert "cannot be read" in line.refused("open", tmp_path / "none.tar")
    (tmp_path / "junk").write_bytes(os.urandom(5_000))
    assert "not a bundle" in line.refused("open", tmp_path / "junk")
    assert "no case K7-QX4M" in line.refused("show", "k7 qx4m")
    assert "look like K7-QX4M" in line.refused("files", "nine")
    assert "No such file" in line.refused("answer", "K7-QX4M", "--text-file", tmp_path / "none.txt")
    assert "not UTF-8" in line.refused("answer", "K7-QX4M", "--text-file", tmp_path / "junk")
    assert "No answer is waiting" in line.refused("export-replies", tmp_path / "out.tar", "--yes")
    (tmp_path / "casebook").chmod(0o755)
    assert "chmod 700" in line.refused("status")


def test_without_the_keys_directory_the_desk_says_so(
    drop: Drop, line: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line(
        "init", "--server-key", bytes(SERVER.verify_key).hex(), "--campaign", CAMPAIGN, "--desk", 0
    )

    assert desk.main(["--casebook", str(tmp_path / "casebook"), "open", str(drop.bundle(1))]) == 2
    assert "--home" in capsys.readouterr().err


def test_no_option_takes_an_answers_text(capsys: pytest.CaptureFixture[str]) -> None:
    """All users of a computer can read arguments."""
    assert desk.main(["--casebook", "x", "answer", "--help"]) == 0

    assert "--text-file" in capsys.readouterr().out
    assert desk.main(["--casebook", "x", "answer", "1", "--text", "hello"]) == 2
