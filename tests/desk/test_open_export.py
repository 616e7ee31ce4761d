"""Importing bundles of format 2: what is new is filed, and what disagrees is named."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey
from support.slot_bundles import TEXT, SlotDrop
from support.team import Team

from dropbox.block import Kind, seal_block
from dropbox.durable_file import CannotWrite
from dropbox.errors import BadBundle, CannotOpen
from dropbox.export_bundle import EXPIRED, Successor
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener, Reviewers
from dropbox.pieces import piece_ids
from dropbox.pinned_keys import read_pinned_keys
from dropbox.reply_bundle import Acknowledged, ReplyBundle, read_replies
from dropbox.report import Report
from dropbox.sealing import (
    FORMAT_1,
    AttachmentSealer,
    attachment_block_ids,
    open_message,
    seal_message,
)
from dropbox.sizes import REPLY_BYTES
from dropbox.tombstone import Reason
from dropbox.week_secrets import WeekSecrets
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.open_export import Accepted, Disagrees, Imported, open_export
from scripts.desk.outbox.sending import export_replies
from scripts.desk.outbox.writing import OutboxError

PHOTO = os.urandom(200_000)


@pytest.fixture
def slot_drop(reviewers: Reviewers, keys_dir: Path, tmp_path: Path, first_day: date) -> SlotDrop:
    """An empty drop of format 2 of the two reviewers."""
    hpke = WeeklyHpke.load(keys_dir, datetime.now(UTC))
    return SlotDrop(reviewers, hpke, tmp_path, first_day)


@pytest.fixture
def secrets(reviewer_homes: list[Path], opener: Opener) -> WeekSecrets:
    """The first reviewer's HPKE secrets."""
    return WeekSecrets(reviewer_homes[0], opener)


Take = Callable[..., Imported]


@pytest.fixture
def take(casebook: Casebook, opener: Opener, secrets: WeekSecrets, first_day: date) -> Take:
    """Import a bundle into the casebook."""

    def importing(directory: Path, **changes: Any) -> Imported:
        options: dict[str, Any] = {"today": first_day, "find_secret": secrets.find} | changes
        find = options.pop("find_secret")
        return open_export(casebook, directory, opener, find, **options)

    return importing


def texts(casebook: Casebook) -> list[str]:
    return [part.report.text for case in casebook.cases() for part in case.parts]


def test_reports_and_files_are_filed_and_filling_is_left_out(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[object] = []

    def counted(message: bytes, opener: Opener) -> Report:
        messages.append(message)
        return open_message(message, opener)

    monkeypatch.setattr("scripts.desk.importing.filing.open_message", counted)
    slot_drop.report(attachments=[slot_drop.file(PHOTO), slot_drop.file(b"")])
    slot_drop.report("second", claimant=2)
    shown: list[tuple[str, int, int]] = []

    done = take(slot_drop.bundle(), progress=lambda *stage: shown.append(stage))

    assert (done.opened.cases, done.opened.parts, done.opened.files) == (2, 2, 2)
    assert (done.opened.number, done.opened.blocks) == (1, slot_drop.quantum)
    assert done.opened.unreferenced == slot_drop.quantum - 2 - 4 - 1
    assert (done.findings, done.skipped, done.opened.unopened) == ((), (), ())
    assert sorted(texts(casebook)) == sorted([TEXT, "second"])
    (case,) = [one for one in casebook.cases() if one.parts[0].report.text == TEXT]
    entry = case.parts[0].report.attachments[0]
    assert casebook.file_path(entry.sha256).read_bytes() == PHOTO
    assert case.day == slot_drop.today
    # Each report is opened once, and nothing else is tried.
    assert len(messages) == 2
    whole = slot_drop.quantum
    steps = [step for stage, *step in shown if stage == "blocks"]
    assert steps == [[number, whole] for number in range(1, whole + 1)]
    last = {stage: (done, total) for stage, done, total in shown}
    assert last == {"blocks": (whole, whole), "reports": (whole, whole), "files": (2, 2)}


@pytest.mark.slow
def test_the_next_bundle_brings_what_is_new_and_agrees(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    first = slot_drop.report(attachments=[slot_drop.file(PHOTO)])
    stays = slot_drop.report("stays", claimant=2)
    take(slot_drop.bundle())
    slot_drop.report("later the same day", claimant=3)
    slot_drop.bury(first)
    slot_drop.tomorrow()
    slot_drop.report("the next day", claimant=2)

    done = take(slot_drop.bundle())
    assert (done.opened.cases, done.opened.parts, done.opened.known) == (1, 2, 2)
    assert done.findings == ()
    assert sorted(texts(casebook)) == sorted([TEXT, "stays", "later the same day", "the next day"])

    slot_drop.end_day(slot_drop.today - timedelta(days=1))
    slot_drop.tomorrow()
    done = take(slot_drop.bundle())
    assert (done.opened.parts, done.opened.known, done.findings) == (0, 1, ())
    assert casebook.has_block(stays)


@pytest.mark.slow
def test_what_is_withdrawn_days_later_agrees_by_a_tombstone_under_a_later_key(
    slot_drop: SlotDrop, take: Take
) -> None:
    withdrawn, damaged = slot_drop.report(), slot_drop.report("damaged", claimant=2)
    take(slot_drop.bundle())
    for _ in range(3):
        slot_drop.tomorrow()
    slot_drop.bury(withdrawn)
    assert take(slot_drop.bundle()).findings == ()

    # A later key vouches for nothing but a tombstone.
    assert slot_drop._key is not None
    day, _ = slot_drop.slots[damaged]
    slot_drop.slots[damaged] = (day, seal_block(Kind.REPORT, b"other", slot_drop._key.key))
    with pytest.raises(Disagrees, match=f"{damaged.hex()} was altered"):
        take(slot_drop.bundle())


def test_a_piece_that_came_with_an_earlier_bundle_opens_with_its_report(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    attachment = slot_drop.file(PHOTO)
    take(slot_drop.bundle())
    slot_drop.tomorrow()
    slot_drop.report(attachments=[attachment])

    assert take(slot_drop.bundle()).opened.files == 1
    assert casebook.file_path(attachment.sha256).read_bytes() == PHOTO


def without(slot_drop: SlotDrop, block_id: bytes) -> None:
    del slot_drop.slots[block_id]


def overwritten(slot_drop: SlotDrop, block_id: bytes) -> None:
    slot_drop.slots[block_id] = (slot_drop.slots[block_id][0], os.urandom(65_536))


def buried_elsewhere(slot_drop: SlotDrop, block_id: bytes) -> None:
    """A tombstone that the vault made for another block."""
    other = slot_drop.report("another", claimant=9)
    slot_drop.bury(other)
    slot_drop.slots[block_id] = (slot_drop.slots[block_id][0], slot_drop.slots.pop(other)[1])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(without, "is missing"), (overwritten, "was altered"), (buried_elsewhere, "was altered")],
)
def test_what_disagrees_is_named_and_nothing_is_filed_until_it_is_accepted(
    slot_drop: SlotDrop,
    casebook: Casebook,
    take: Take,
    change: Callable[[SlotDrop, bytes], None],
    sentence: str,
) -> None:
    lost = slot_drop.report()
    take(slot_drop.bundle())
    change(slot_drop, lost)
    slot_drop.report("new", claimant=2)
    bundle = slot_drop.bundle()

    with pytest.raises(Disagrees, match=f"Block {lost.hex()} {sentence}") as refused:
        take(bundle)
    assert [one.block_id for one in refused.value.findings] == [lost]
    assert texts(casebook) == [TEXT]

    done = take(bundle, accepted=Accepted(findings=True))
    assert len(done.findings) == 1 and sorted(texts(casebook)) == sorted([TEXT, "new"])
    assert take(slot_drop.bundle()).findings == ()


def test_many_findings_are_counted_and_some_are_named(slot_drop: SlotDrop, take: Take) -> None:
    take(slot_drop.bundle())
    slot_drop.tomorrow()
    take(slot_drop.bundle())
    before = slot_drop.today - timedelta(days=1)
    for block_id, (day, _) in list(slot_drop.slots.items()):
        if day == before:
            overwritten(slot_drop, block_id)

    with pytest.raises(Disagrees, match=r"was altered.* And 4 more\.$") as refused:
        take(slot_drop.bundle())
    assert len(refused.value.findings) == slot_drop.quantum


def test_replayed_older_forked_and_foreign_bundles_are_refused(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    first, second = slot_drop.bundle(), slot_drop.bundle()
    take(second)

    with pytest.raises(BadBundle, match="Bundle 2 was imported already"):
        take(second)
    with pytest.raises(BadBundle, match="bundle 2, which is newer"):
        take(first)
    slot_drop.number, slot_drop.history = 2, slot_drop.history[:1]
    with pytest.raises(BadBundle, match="forked"):
        take(slot_drop.bundle())
    with pytest.raises(BadBundle, match="forked"):
        take(slot_drop.bundle())
    with pytest.raises(BadBundle, match="not by this drop's server"):
        take(slot_drop.bundle(key=SigningKey(b"t" * 32)))
    with pytest.raises(BadBundle, match="another campaign"):
        take(slot_drop.bundle(campaign="dam-2024"))
    assert casebook.counts().parts == 0


def test_a_skipped_bundle_is_told(slot_drop: SlotDrop, take: Take) -> None:
    take(slot_drop.bundle())
    slot_drop.bundle()
    slot_drop.bundle()
    assert take(slot_drop.bundle()).skipped == (2, 3)


@pytest.mark.slow
def test_a_new_vault_is_taken_on_the_operators_word_and_the_reviewers(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, tmp_path: Path
) -> None:
    slot_drop.report()
    take(slot_drop.bundle())
    new = replace(slot_drop, vault=b"w" * 16, number=1, slots={}, records=[], history=(), gone=())
    new.report("after the loss", claimant=2)

    with pytest.raises(BadBundle, match="another vault"):
        take(new.bundle())
    with pytest.raises(BadBundle, match="has not said"):
        take(new.bundle(), accepted=Accepted(new_vault=True))
    new.successor = Successor(slot_drop.vault, 1, "The disk broke on Monday.")
    with pytest.raises(BadBundle, match="another vault"):
        take(new.bundle())
    take(new.bundle(), accepted=Accepted(new_vault=True))

    assert sorted(texts(casebook)) == sorted([TEXT, "after the loss"])
    # From now on it is the one that is known.
    with pytest.raises(BadBundle, match="another vault"):
        take(slot_drop.bundle())
    assert take(new.bundle()).findings == ()


def test_what_an_unopened_day_key_holds_back_is_filed_by_the_next_try(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    slot_drop.report()
    bundle = slot_drop.bundle()

    def destroyed(_key_id: bytes) -> SecretKey | None:
        raise CannotOpen("It was destroyed.")

    done = take(bundle, find_secret=destroyed)
    assert (done.opened.parts, len(done.opened.unopened)) == (0, 2)
    assert str(slot_drop.today) in done.opened.unopened[0].reason
    assert "It was destroyed." in casebook.unopened()[0].reason

    done = take(bundle)
    assert (done.opened.parts, done.opened.unopened, casebook.unopened()) == (1, (), [])
    with pytest.raises(BadBundle, match="imported already"):
        take(bundle)


def test_what_was_opened_once_is_missed_even_while_its_key_stays_shut(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    lost = slot_drop.report()
    take(slot_drop.bundle())

    def none(_key_id: bytes) -> SecretKey | None:
        return None

    take(slot_drop.bundle(), find_secret=none)
    overwritten(slot_drop, lost)
    with pytest.raises(Disagrees, match=lost.hex()):
        take(slot_drop.bundle())


def test_a_file_of_a_report_of_version_1_opens_without_a_day_key(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, reviewers: Reviewers
) -> None:
    """As a vault holds it whose file was brought over from the first format."""
    sealer = AttachmentSealer(reviewers, slot_drop.fill_all, 2**30, format=FORMAT_1)
    sealer.write(PHOTO)
    attachment = sealer.finish(name="照片.jpg", type="image/jpeg")
    report = Report(
        "report", "wechat-2020", "en", "c1", (), "old", (attachment,), b"r" * 32, b"t" * 32
    )
    slot_drop.fill(
        os.urandom(16),
        seal_block(Kind.REPORT, seal_message(report, reviewers), slot_drop.restart().key),
    )
    bundle = slot_drop.bundle()

    done = take(bundle)
    assert (done.opened.parts, done.opened.files) == (1, 1)
    assert casebook.file_path(attachment.sha256).read_bytes() == PHOTO
    blocks = len(attachment_block_ids(attachment))
    assert done.opened.unreferenced == slot_drop.quantum - blocks - 1


def test_a_missing_piece_is_said_and_the_rest_is_filed(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    attachment = slot_drop.file(PHOTO)
    slot_drop.report(attachments=[attachment])
    del slot_drop.slots[piece_ids(attachment)[1]]

    done = take(slot_drop.bundle())
    (unopened,) = done.opened.unopened
    assert done.opened.parts == 1 and "Block 2 of 4 of a file is missing" in unopened.reason
    assert casebook.unopened() == [unopened]


def test_a_bundle_that_is_cut_off_files_nothing(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    slot_drop.report()
    bundle = slot_drop.bundle()
    volume = bundle / "volume-00001.tar"
    volume.write_bytes(volume.read_bytes()[:-2_000])

    with pytest.raises(BadBundle):
        take(bundle)
    assert casebook.counts().parts == 0 and casebook.bundles.last() is None
    shutil.rmtree(bundle)
    with pytest.raises(BadBundle, match=r"head\.tar is missing"):
        take(bundle)


def test_a_day_that_expired_and_a_withdrawal_between_two_bundles_agree(
    slot_drop: SlotDrop, take: Take
) -> None:
    slot_drop.report()
    take(slot_drop.bundle())
    came_and_went = slot_drop.report("came and went", claimant=3)
    slot_drop.bury(came_and_went)
    abandoned = slot_drop.report("abandoned", claimant=4)
    slot_drop.bury(abandoned, Reason.ABANDONED)
    take(slot_drop.bundle())
    slot_drop.tomorrow()
    slot_drop.end_day(slot_drop.today - timedelta(days=1), EXPIRED)

    assert take(slot_drop.bundle()).findings == ()


@pytest.mark.slow
def test_the_command_imports_a_directory_and_asks_before_it_accepts(
    slot_drop: SlotDrop, team: Team
) -> None:
    lost = slot_drop.report()
    assert "1 new part, 1 new case and 0 files opened" in team(0, "import", slot_drop.bundle())
    overwritten(slot_drop, lost)
    slot_drop.bundle()
    bundle = slot_drop.bundle()

    code, _, refused = team.run(0, "import", bundle)
    assert code == 2 and f"Block {lost.hex()} was altered" in refused
    assert refused.rstrip().endswith("--accept-findings imports the rest all the same.")
    done = team(0, "import", bundle, "--accept-findings")
    assert f"Accepted: Block {lost.hex()} was altered" in done
    assert "not needed any more: bundles 2." in done
    assert "Nothing was altered" in team(0, "verify")


def replies_in(path: Path, slot_drop: SlotDrop, keys_dir: Path, **changes: Any) -> ReplyBundle:
    """The reply bundle at *path* as the vault reads it."""
    options: dict[str, Any] = {
        "onion": slot_drop.onion,
        "campaign": "wechat-2020",
        "now": datetime.now(UTC),
    }
    return read_replies(path.read_bytes(), read_pinned_keys(keys_dir), **(options | changes))


def test_what_is_stored_is_acknowledged_once_with_the_replies(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, opener: Opener, keys_dir: Path,
    tmp_path: Path, first_day: date,
) -> None:  # fmt: skip
    slot_drop.report()
    take(slot_drop.bundle())
    first, second, third = (tmp_path / f"{n}.tar" for n in (1, 2, 3))

    left = export_replies(casebook, first, opener, today=first_day)
    bundle = replies_in(first, slot_drop, keys_dir)
    assert (left.answers, left.acknowledged, left.replies) == (1, 1, 256)
    assert bundle.acknowledged == (Acknowledged(slot_drop.vault, 1, slot_drop.history[0][1]),)
    assert bundle.reviewer == opener.secret_fingerprints()[0] and bundle.made == first_day
    assert {len(reply.sealed) for reply in bundle.replies} == {REPLY_BYTES}
    with pytest.raises(OutboxError, match="No answer is waiting"):
        export_replies(casebook, second, opener, today=first_day)

    # The next bundle brought nothing to answer, and is acknowledged all the same.
    take(slot_drop.bundle())
    assert export_replies(casebook, second, opener, today=first_day).acknowledged == 2
    assert replies_in(second, slot_drop, keys_dir).number == 2
    with pytest.raises(BadBundle, match="another onion"):
        replies_in(second, slot_drop, keys_dir, onion="b" * 56 + ".onion")
    assert not third.exists()


def test_nothing_is_acknowledged_while_something_could_not_be_opened(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, opener: Opener, keys_dir: Path,
    tmp_path: Path, first_day: date,
) -> None:  # fmt: skip
    slot_drop.report()
    bundle = slot_drop.bundle()

    def destroyed(_key_id: bytes) -> SecretKey | None:
        raise CannotOpen("It was destroyed.")

    take(bundle, find_secret=destroyed)
    with pytest.raises(OutboxError, match="No answer is waiting"):
        export_replies(casebook, tmp_path / "1.tar", opener, today=first_day)
    take(bundle)
    assert export_replies(casebook, tmp_path / "1.tar", opener, today=first_day).acknowledged == 1
    assert len(replies_in(tmp_path / "1.tar", slot_drop, keys_dir).acknowledged) == 1


def test_an_export_that_fails_acknowledges_nothing(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, opener: Opener, tmp_path: Path,
    first_day: date,
) -> None:  # fmt: skip
    slot_drop.report()
    take(slot_drop.bundle())
    (tmp_path / "1.tar").write_bytes(b"there")

    with pytest.raises(CannotWrite):
        export_replies(casebook, tmp_path / "1.tar", opener, today=first_day)
    assert export_replies(casebook, tmp_path / "2.tar", opener, today=first_day).acknowledged == 1


def test_the_command_says_what_the_server_may_delete(
    slot_drop: SlotDrop, team: Team, tmp_path: Path
) -> None:
    slot_drop.report()
    team(0, "import", slot_drop.bundle())

    said = team(0, "export-replies", tmp_path / "1.tar", "--yes")
    assert "It acknowledges bundle 1: the server may delete what that held." in said
    assert "Nothing was altered" in team(0, "verify")
    code, _, refused = team.run(0, "export-replies", tmp_path / "2.tar", "--yes")
    assert code == 2 and "No answer is waiting" in refused


@pytest.mark.slow
def test_a_case_that_was_taken_back_without_a_notice_is_named(
    slot_drop: SlotDrop, team: Team
) -> None:
    first, second = slot_drop.report(), slot_drop.report("second", claimant=2)
    abandoned = slot_drop.report("third", claimant=3)
    team(0, "import", slot_drop.bundle())
    slot_drop.bury(first)
    slot_drop.bury(abandoned, Reason.ABANDONED)

    told = re.compile(r"^Taken back by the claimant, without a notice: (\w+-\w+)\.$", re.MULTILINE)
    (name,) = told.findall(team(0, "import", slot_drop.bundle()))
    assert TEXT.splitlines()[0] in team(0, "show", name)
    slot_drop.bury(second)
    slot_drop.report("", claimant=2, kind="withdrawal")
    # The other was taken back with a notice, and the tombstone of the first is still there.
    assert told.findall(team(0, "import", slot_drop.bundle())) == [name]
