"""What a front that was taken over leaves is kept sealed, and the acknowledgement goes on."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.slot_bundles import SlotDrop
from support.team import Team

from dropbox.errors import CannotOpen, NoKeyHere
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener, Reviewers
from dropbox.report import Report
from dropbox.reviewer_key import reviewer_key, seal_to_week
from dropbox.sealing import seal_message
from dropbox.sizes import BLOCK_BYTES
from dropbox.week_secrets import WeekSecrets
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.case import Cause
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.open_export import Accepted, Imported, open_export
from scripts.desk.importing.reopening import reopen
from scripts.desk.importing.setting_aside import Wanted
from scripts.desk.outbox.sending import acknowledging, export_replies

PHOTO = os.urandom(200_000)
NOTHING = Accepted()
DAMAGED = Accepted(set_aside=Wanted([Cause.DAMAGED]))
ALL = Accepted(set_aside=Wanted([Cause.DAMAGED, Cause.NO_KEY]))


@pytest.fixture
def slot_drop(reviewers: Reviewers, keys_dir: Path, tmp_path: Path, first_day: date) -> SlotDrop:
    """An empty drop of format 2 of the two reviewers."""
    return SlotDrop(reviewers, WeeklyHpke.load(keys_dir, datetime.now(UTC)), tmp_path, first_day)


@pytest.fixture
def find(reviewer_homes: list[Path], opener: Opener) -> Callable[[bytes], SecretKey | None]:
    """The first reviewer's HPKE secrets."""
    return WeekSecrets(reviewer_homes[0], opener).find


Take = Callable[..., Imported]


@pytest.fixture
def take(
    casebook: Casebook,
    opener: Opener,
    find: Callable[[bytes], SecretKey | None],
    first_day: date,
) -> Take:
    """Import a bundle into the casebook."""

    def importing(
        directory: Path,
        accepted: Accepted = NOTHING,
        find_secret: Callable[[bytes], SecretKey | None] = find,
    ) -> Imported:
        return open_export(
            casebook, directory, opener, find_secret, today=first_day, accepted=accepted
        )

    return importing


def texts(casebook: Casebook) -> list[str]:
    return sorted(part.report.text for case in casebook.cases() for part in case.parts)


def bent(message: bytes) -> bytes:
    return message[:-30] + bytes([message[-30] ^ 1]) + message[-29:]


def hostile_messages(slot_drop: SlotDrop) -> list[bytes]:
    """Blocks that open under their day key and hold no report."""
    report = Report(
        "report", "wechat-2020", "en", "c1", (), "x", (), b"r" * 32, b"t" * 32,
        reply_symmetric=b"s" * 32,
    )  # fmt: skip
    sealed = seal_message(report, slot_drop.reviewers)
    elsewhere = seal_message(replace(report, campaign="dam-2024"), slot_drop.reviewers)
    return [
        slot_drop.leave(message)
        for message in (os.urandom(60_000), b"", bent(sealed), sealed + b"\0", elsewhere)
    ]


def test_without_the_reviewers_word_nothing_is_acknowledged_and_all_is_named(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    slot_drop.report()
    hostile = hostile_messages(slot_drop)

    done = take(slot_drop.bundle())
    assert {one.block_id for one in done.opened.unopened} == set(hostile)
    assert {one.cause for one in done.waiting} == {Cause.DAMAGED} and len(done.waiting) == 5
    assert done.opened.parts == 1 and done.kept.set_aside == 0
    assert acknowledging(casebook) is None and casebook.holds_back()
    assert casebook.set_aside.total_bytes() == 0


@pytest.mark.slow
def test_what_is_damaged_is_kept_as_it_came_and_the_acknowledgement_goes_on(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, opener: Opener, tmp_path: Path,
    first_day: date,
) -> None:  # fmt: skip
    slot_drop.report()
    hostile = hostile_messages(slot_drop)
    bundle = slot_drop.bundle()
    take(bundle)

    # The same bundle again, with the word.
    done = take(bundle, DAMAGED)
    assert (done.kept.set_aside, done.kept.blocks, done.waiting) == (5, 5, ())
    kept = dict(casebook.set_aside.blocks())
    assert {block.id: data for block, data in kept.items()} == {
        one: slot_drop.slots[one][1] for one in hostile
    }
    # With all that is needed to open them: the sealed keys of their day.
    assert set(casebook.set_aside.records()) == set(slot_drop.records)
    assert export_replies(casebook, tmp_path / "1.tar", opener, today=first_day).acknowledged == 1

    # They are still there in the next bundle, and need no other word.
    slot_drop.tomorrow()
    done = take(slot_drop.bundle())
    assert (len(done.opened.unopened), done.waiting, done.kept.blocks) == (5, (), 0)
    assert acknowledging(casebook) is not None
    # One that holds something else now does.
    day, data = slot_drop.slots[hostile[0]]
    slot_drop.slots[hostile[0]] = (day, data[:-1] + bytes([data[-1] ^ 1]))
    done = take(slot_drop.bundle(), replace(DAMAGED, findings=True))
    assert len(done.opened.unopened) == 4


def test_a_file_that_never_opens_is_kept_with_its_pieces(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    whole, damaged = slot_drop.file(PHOTO), slot_drop.file(PHOTO, "2.jpg")
    slot_drop.report(attachments=[whole, replace(damaged, sha256="0" * 64)])

    done = take(slot_drop.bundle(), DAMAGED)
    assert (done.opened.files, done.kept.set_aside, done.kept.blocks) == (1, 1, damaged.blocks)
    assert {one.place for one in done.opened.unopened} == {2} and done.waiting == ()
    assert acknowledging(casebook) is not None


def test_a_file_that_claims_more_than_there_is_costs_nothing(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    file = slot_drop.file(PHOTO)
    endless = replace(file, blocks=2**40, sealed_bytes=2**55, size=2**50)
    slot_drop.report(attachments=[endless] * 3)

    done = take(slot_drop.bundle(), DAMAGED)
    assert (done.opened.parts, done.kept.set_aside, done.kept.blocks) == (1, 3, file.blocks)


def shut(_key_id: bytes) -> SecretKey | None:
    raise NoKeyHere("The HPKE key of the week cannot be opened: it is on paper.")


def locked(_key_id: bytes) -> SecretKey | None:
    raise CannotOpen("The passphrase was not given.")


def test_a_missing_key_never_leads_to_a_deletion_by_the_word_for_damage(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    slot_drop.report(attachments=[slot_drop.file(PHOTO)])
    slot_drop.leave(b"no message")
    bundle = slot_drop.bundle()

    done = take(bundle, DAMAGED, find_secret=shut)
    assert {one.cause for one in done.waiting} == {Cause.NO_KEY}
    assert (done.kept.set_aside, casebook.set_aside.total_bytes()) == (0, 0)
    assert acknowledging(casebook) is None


def test_a_passphrase_that_was_not_given_is_never_set_aside(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    slot_drop.report()
    bundle = slot_drop.bundle()

    done = take(bundle, ALL, find_secret=locked)
    assert {one.cause for one in done.waiting} == {Cause.LOCKED}
    assert done.kept.set_aside == 0 and acknowledging(casebook) is None
    assert take(bundle).opened.parts == 1


def test_what_lacked_a_key_is_kept_whole_and_opened_when_the_key_turns_up(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, opener: Opener, first_day: date,
    find: Callable[[bytes], SecretKey | None],
) -> None:  # fmt: skip
    """Reports, and files whose pieces nothing told from filling."""
    file = slot_drop.file(PHOTO)
    slot_drop.tomorrow()
    slot_drop.report("kept", attachments=[file])
    damaged = slot_drop.leave(b"no message")

    done = take(slot_drop.bundle(), ALL, find_secret=shut)
    assert (done.opened.parts, done.kept.blocks, done.waiting) == (0, 2 * slot_drop.quantum, ())
    assert acknowledging(casebook) is not None

    def nothing(*_: object) -> None:
        return None

    opened = reopen(casebook, opener, shut, today=first_day, progress=nothing)
    assert (opened.parts, len(casebook.unopened())) == (0, 4)
    opened = reopen(casebook, opener, find, today=first_day, progress=nothing)
    assert (opened.parts, opened.files, opened.number) == (1, 1, 1)
    assert texts(casebook) == ["kept"] and casebook.part(1).bundle == 1
    assert casebook.file_path(file.sha256).read_bytes() == PHOTO
    # What was damaged all the time is now known to be, and holds nothing back.
    assert [one.block_id for one in casebook.unopened()] == [damaged]
    assert not casebook.holds_back()
    assert reopen(casebook, opener, find, today=first_day, progress=nothing).parts == 0


def test_a_day_key_that_opens_for_nobody_is_set_aside_with_what_it_may_hold(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    slot_drop.report()
    shut_key = slot_drop.leave_shut_key()

    done = take(slot_drop.bundle(), DAMAGED)
    assert [one.block_id for one in done.opened.unopened] == [shut_key]
    assert done.opened.unopened[0].cause is Cause.DAMAGED
    assert (done.kept.set_aside, done.kept.blocks) == (1, slot_drop.quantum - 1)
    assert acknowledging(casebook) is not None and done.opened.parts == 1


def test_what_is_kept_is_bounded_and_the_reviewer_may_raise_the_bound(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    for _ in range(4):
        slot_drop.leave(os.urandom(60_000))
    bundle = slot_drop.bundle()
    most = 3 * BLOCK_BYTES

    done = take(bundle, Accepted(set_aside=Wanted([Cause.DAMAGED], most)))
    assert done.kept.refused_bytes > 4 * BLOCK_BYTES and len(done.waiting) == 4
    assert casebook.set_aside.total_bytes() == 0 and acknowledging(casebook) is None

    done = take(bundle, Accepted(set_aside=Wanted([Cause.DAMAGED], 2 * most)))
    assert (done.kept.set_aside, done.waiting) == (4, ())
    # What is kept counts for the next time.
    slot_drop.leave(os.urandom(60_000))
    done = take(slot_drop.bundle(), Accepted(set_aside=Wanted([Cause.DAMAGED], most)))
    assert len(done.waiting) == 1 and done.kept.refused_bytes > most


def test_what_left_the_server_holds_nothing_back_any_more(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    """The hard limit took its day before anybody gave the word."""
    slot_drop.leave(b"no message")
    take(slot_drop.bundle())
    slot_drop.tomorrow()
    slot_drop.end_day(slot_drop.today - timedelta(days=1), "expired")

    assert take(slot_drop.bundle()).waiting == ()
    assert len(casebook.unopened()) == 1 and acknowledging(casebook) is not None


def test_a_file_that_was_taken_back_while_the_bundle_was_made_is_no_damage(
    slot_drop: SlotDrop, casebook: Casebook, take: Take
) -> None:
    """Its report was read before, its pieces after the claimant took everything back."""
    before = set(slot_drop.slots)
    attachment = slot_drop.file(PHOTO)
    pieces = set(slot_drop.slots) - before
    slot_drop.report(attachments=[attachment])
    for piece in pieces:
        slot_drop.bury(piece)

    done = take(slot_drop.bundle())
    assert (done.opened.parts, done.opened.unopened, done.waiting) == (1, (), ())
    assert acknowledging(casebook) is not None


def test_a_message_to_others_alone_is_damage_where_the_key_of_its_week_is_here(
    slot_drop: SlotDrop, take: Take, second_home: Path
) -> None:
    week = reviewer_key(second_home).weeks[0]
    slot_drop.leave(seal_to_week(second_home, week, b"x"))

    (waiting,) = take(slot_drop.bundle()).waiting
    assert waiting.cause is Cause.DAMAGED and "A key of its week is here" in waiting.reason


def test_far_more_day_keys_than_a_front_makes_are_said(slot_drop: SlotDrop, take: Take) -> None:
    # With those of the first front and of the vault, as many as are explained by their starts.
    for _ in range(46):
        slot_drop.restart()
    assert take(slot_drop.bundle()).crowded == ()
    slot_drop.restart()
    assert take(slot_drop.bundle()).crowded == (slot_drop.today,)


@pytest.mark.slow
def test_the_commands_say_what_to_do_set_aside_and_open_again(
    slot_drop: SlotDrop, team: Team
) -> None:
    slot_drop.report("a report")
    block = slot_drop.leave(b"no message")
    bundle = slot_drop.bundle()

    said = team(0, "import", bundle)
    assert f"Not opened, block {block.hex()}" in said and "--set-aside keeps it as it came" in said
    assert "Until 1 of these are opened or set aside" in team(0, "status")
    said = team(0, "export-replies", team.directory / "0.tar", "--yes")
    assert "answers." in said and "acknowledges" not in said

    said = team(0, "import", bundle, "--set-aside")
    assert "Set aside: 1 of what cannot be opened; 1 block (0.1 MiB) kept sealed" in said
    assert "Nothing is acknowledged" not in said
    shown = team(0, "status")
    assert "Set aside: kept sealed." in shown and "kept sealed blocks: 1" in shown
    values = json.loads(team(0, "status", "--json"))
    assert values["unopened"][0]["set_aside"] == "kept sealed"
    assert values["kept_sealed_bytes"] > BLOCK_BYTES
    assert f"Set aside, block {block.hex()}" in team(0, "set-aside")
    assert json.loads(team(0, "set-aside", "--json"))["kept"]["block"] == 1
    assert "0 new parts" in team(0, "set-aside", "--open")
    assert json.loads(team(0, "set-aside", "--open", "--json"))["parts"] == 0
    said = team(0, "export-replies", team.directory / "1.tar", "--yes")
    assert "It acknowledges bundle 1" in said
    assert "Nothing was altered" in team(0, "verify")

    with Casebook.open(team.casebook) as casebook:
        casebook.database.execute("DROP TRIGGER sealed_update")
        casebook.database.execute("UPDATE sealed SET data = zeroblob(65536) WHERE number = 1")
    code, out, err = team.run(0, "verify")
    assert code == 1 and "Sealed 1 was changed." in out + err
