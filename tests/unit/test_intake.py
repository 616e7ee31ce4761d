"""From the front's intake through the store of days to the desk."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from support.clocks import Clock
from support.day_stores import bundle_of
from support.day_vault import DayVault, DeskSide
from support.front import make_settings
from support.vault_keys import SECRETS, WEEKLY

from dropbox.campaign import Campaign
from dropbox.codename import CHEAPEST, Codename, derive_keys, new_codename
from dropbox.erase_hash import erase_preimage
from dropbox.errors import (
    BadReport,
    CannotOpen,
    CannotSeal,
    CannotStore,
    CasedropError,
    PendingGone,
    VaultUnavailable,
)
from dropbox.front import intake as intake_module
from dropbox.front.day_keys import TodaysKey
from dropbox.front.form_token import FormState
from dropbox.front.intake import Draft, Intake
from dropbox.front.uploads import Busy
from dropbox.front.vault_client import Claim, SealedBlock
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener, Reviewers
from dropbox.pieces import piece_ids
from dropbox.reply import Reply, reply_tag, seal_reply
from dropbox.reply_bundle import SealedReply
from dropbox.report import Attachment, Report
from dropbox.sealing import seal_message
from dropbox.settings import Settings
from dropbox.sizes import BLOCK_BYTES
from dropbox.tombstone import Reason

DRAFT = Draft("report", "zh-Hans", "not-sure", (), "【虚构】 some text")
MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)


class Site:
    """A front without pages, its vault and the reviewers' side."""

    def __init__(
        self, settings: Settings, directory: Path, reviewers: Reviewers, campaign: Campaign
    ) -> None:
        self.settings, self.reviewers, self.campaign = settings, reviewers, campaign
        self.directory = directory
        self.clock = Clock()
        self.vault = DayVault(directory / "vault.sqlite", self.clock)
        self.todays = TodaysKey(
            reviewers=WEEKLY.current,
            keep=self.vault.keep_day_key,
            clock=lambda: self.clock().timestamp(),
        )
        self.todays.renew()
        self.intake = self.with_limits()

    def with_limits(self, **limits: Any) -> Intake:
        """An intake of this site with other limits."""
        return Intake(
            replace(self.settings, **limits),
            reviewers=self.reviewers,
            vault=self.vault,
            day_key=self.todays.current,
            campaign=self.campaign,
            cost=CHEAPEST,
        )

    def sealed(self, data: bytes) -> Attachment:
        """A file that was uploaded, in parts."""
        sealer = self.intake.open_sealer()
        for at in range(0, len(data), 50_000):
            sealer.write(data[at : at + 50_000])
        return sealer.finish(name="证据.bin", type="application/octet-stream")

    def filed(self, data: bytes | None = None, codename: Codename | None = None) -> FormState:
        """A report, with a file of *data*."""
        files = () if data is None else (self.sealed(data),)
        state = FormState.of(codename or new_codename()).with_files(files)
        self.intake.file(DRAFT, state)
        return state

    def desk(self, opener: Opener, reviewer: int = 0) -> DeskSide:
        """What a reviewer finds now."""
        return DeskSide(self.vault.store, opener, SECRETS[reviewer])


@pytest.fixture
def site(
    tmp_path: Path, keys_dir: Path, reviewers: Reviewers, campaign: Campaign
) -> Iterator[Site]:
    made = Site(make_settings(tmp_path / "site", keys_dir), tmp_path, reviewers, campaign)
    yield made
    made.vault.store.close()


def test_a_report_and_its_file_arrive_at_each_reviewers_desk(site: Site, opener: Opener) -> None:
    data = os.urandom(300_000)
    state = site.filed(data)
    keys = derive_keys(state.codename, salt=site.settings.salt, cost=CHEAPEST)

    for reviewer in (0, 1):
        desk = site.desk(opener, reviewer)
        (report,) = desk.reports().values()
        assert (report.text, report.kind, report.campaign) == (
            DRAFT.text, "report", site.campaign.code,
        )  # fmt: skip
        assert report.attachments == state.attachments
        assert desk.file(report.attachments[0]) == data
        assert (report.reply_public, report.tag_key, report.reply_symmetric) == (
            keys.reply_public, keys.tag_key, keys.reply_symmetric,
        )  # fmt: skip
        assert desk.tombstones() == {} and desk.keys.unopened == []


def test_a_filing_rests_when_all_is_computed_and_it_waits_for_the_vault(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    site.intake = Intake(
        site.settings,
        reviewers=site.reviewers,
        vault=site.vault,
        day_key=site.todays.current,
        campaign=site.campaign,
        cost=CHEAPEST,
        rest=lambda: done.append("rest"),
    )
    for module, name in ((intake_module, "seal_block"), (site.vault, "commit")):
        act = getattr(module, name)

        def noted(*given: Any, act: Any = act, name: str = name) -> Any:
            done.append(name)
            return act(*given)

        monkeypatch.setattr(module, name, noted)
    site.filed()

    assert done == ["seal_block", "rest", "commit"]


def test_what_has_no_turn_derives_no_keys_and_files_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.intake = Intake(
        site.settings,
        reviewers=site.reviewers,
        vault=site.vault,
        day_key=site.todays.current,
        campaign=site.campaign,
        cost=CHEAPEST,
        turn=lambda: False,
    )
    monkeypatch.setattr(intake_module, "derive_keys", None)
    with pytest.raises(Busy):
        site.filed()


def test_the_control_without_a_reviewers_secret_nothing_is_a_report(
    site: Site, opener: Opener
) -> None:
    site.filed()

    assert DeskSide(site.vault.store, opener, SecretKey.generate()).opened() == {}


@pytest.mark.slow
def test_withdrawing_erases_the_codenames_blocks_and_no_others(site: Site, opener: Opener) -> None:
    mine, data = new_codename(), os.urandom(200_000)
    first, second = site.filed(os.urandom(150_000), mine), site.filed(data, mine)
    other = site.filed(data)
    before = site.desk(opener)
    own = {
        block_id
        for block_id, report in before.reports().items()
        if report.tag_key == derive_keys(mine, salt=site.settings.salt, cost=CHEAPEST).tag_key
    }
    own |= {piece for state in (first, second) for piece in piece_ids(state.attachments[0])}

    site.intake.withdraw(mine, "en")

    after = site.desk(opener)
    assert after.tombstones() == dict.fromkeys(own, Reason.WITHDRAWN) and len(own) == 2 + 3 + 4
    kept, notice = sorted(after.reports().values(), key=lambda report: report.kind)
    assert (kept.attachments, notice.kind) == (other.attachments, "withdrawal")
    assert after.file(kept.attachments[0]) == data
    for state in (first, second):
        with pytest.raises(CannotOpen):
            after.file(state.attachments[0])


def test_a_notice_is_not_erased_by_withdrawing_again(site: Site, opener: Opener) -> None:
    state = site.filed()
    for _ in range(2):
        site.intake.withdraw(state.codename, "en")

    reports = site.desk(opener).reports().values()
    assert [(report.kind, report.text) for report in reports] == [("withdrawal", "")] * 2


def test_a_vault_without_room_for_the_notice_still_erases(site: Site, opener: Opener) -> None:
    state = site.filed()
    site.vault.failures["/commit"] = CannotStore()
    site.intake.withdraw(state.codename, "en")

    assert site.desk(opener).reports() == {}
    assert set(site.desk(opener).tombstones().values()) == {Reason.WITHDRAWN}


def test_a_notice_looks_like_any_other_block(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the preimage of its hash, which is as random as all others."""
    hashes, commit = [], site.vault.commit

    def noted(report: SealedBlock, claims: Sequence[Claim]) -> None:
        hashes.append(report.erase_hash)
        commit(report, claims)

    monkeypatch.setattr(site.vault, "commit", noted)
    state = site.filed()
    for _ in range(2):
        site.intake.withdraw(state.codename, "en")

    assert len(set(hashes)) == 3 and all(len(set(one)) > 4 for one in hashes)


@pytest.mark.slow
def test_withdrawing_leaves_no_answer_and_no_notice(site: Site) -> None:
    """What was in a reply slot is nowhere in the vault's file any more."""
    codename, other = new_codename(), new_codename()
    sealed = []
    for one, number, kind in (
        (codename, 0, "acknowledgement"),
        (codename, 63, "answer"),
        (other, 0, "answer"),
    ):
        keys = derive_keys(one, salt=site.settings.salt, cost=CHEAPEST)
        answer = seal_reply(
            Reply(kind, "en", date(2026, 11, 24), "" if kind != "answer" else f"{number}"),
            keys.reply_public,
            reply_symmetric=keys.reply_symmetric,
        )
        tag = reply_tag(keys.tag_key, desk=number // 63, number=number)
        sealed.append(SealedReply(tag, answer))
    site.vault.store.accept(replace(bundle_of(1), replies=tuple(sealed)))
    assert len(site.intake.replies(codename)) == 2, "the control"

    def held() -> list[bool]:
        kept = b"".join(file.read_bytes() for file in site.directory.glob("vault.sqlite*"))
        return [reply.sealed[:32] in kept for reply in sealed]

    assert held() == [True, True, True], "the control"
    site.intake.withdraw(codename, "en")

    assert held() == [False, False, True]

    assert site.intake.replies(codename) == []
    (left,) = site.intake.replies(other)
    assert left.reply.text == "0"
    site.intake.delete_reply(other, left.index)
    assert site.intake.replies(other) == []


@pytest.mark.parametrize("call", ["/commit", "/withdraw", "/forget"])
def test_a_withdrawal_that_fails_half_way_can_be_tried_again(
    call: str, site: Site, opener: Opener
) -> None:
    state = site.filed(os.urandom(70_000))
    site.vault.asked.clear()
    site.vault.failures[call] = VaultUnavailable()
    with pytest.raises(VaultUnavailable):
        site.intake.withdraw(state.codename, "en")
    order = ["/commit", "/withdraw", "/forget"]
    assert site.vault.asked == order[: order.index(call) + 1]
    site.vault.failures.clear()
    site.intake.withdraw(state.codename, "en")

    desk = site.desk(opener)
    assert {report.kind for report in desk.reports().values()} == {"withdrawal"}
    assert len(desk.tombstones()) == 1 + state.attachments[0].blocks


def test_the_same_form_sent_twice_is_stored_once(site: Site, opener: Opener) -> None:
    data = os.urandom(150_000)
    state = site.filed(data)
    site.intake.file(DRAFT, state)
    # Sent again by a browser that uploads the file once more.
    again = replace(state, attachments=(site.sealed(data),))
    site.intake.file(DRAFT, again)

    desk = site.desk(opener)
    (report,) = desk.reports().values()
    assert report.attachments == state.attachments and desk.file(state.attachments[0]) == data
    copy = piece_ids(again.attachments[0])
    assert desk.tombstones() == dict.fromkeys(copy, Reason.ABANDONED)


def test_a_form_that_was_changed_is_another_report(site: Site, opener: Opener) -> None:
    state = site.filed()
    site.intake.file(replace(DRAFT, text="changed"), state)

    assert len(site.desk(opener).reports()) == 2


def test_files_that_were_removed_are_erased_and_cannot_be_sent(site: Site, opener: Opener) -> None:
    removed, kept = site.sealed(os.urandom(150_000)), site.sealed(os.urandom(90_000))
    site.intake.abandon([removed])

    desk = site.desk(opener)
    assert desk.tombstones() == dict.fromkeys(piece_ids(removed), Reason.ABANDONED)
    assert desk.is_there(kept)
    with pytest.raises(PendingGone):
        site.intake.file(DRAFT, FormState.of(new_codename()).with_files((kept, removed)))
    assert site.desk(opener).reports() == {}


def test_a_files_own_key_erases_nothing_once_a_report_has_claimed_it(
    site: Site, opener: Opener
) -> None:
    state = site.filed(os.urandom(150_000))
    site.intake.abandon(state.attachments)

    desk = site.desk(opener)
    assert desk.is_there(state.attachments[0]) and desk.tombstones() == {}


def test_what_deletes_nothing_else_does_not_come_from_what_is_stored(site: Site) -> None:
    """The withdraw key of the codename is what the preimages come from, and of nothing else."""
    state = site.filed(os.urandom(70_000))
    keys = derive_keys(state.codename, salt=site.settings.salt, cost=CHEAPEST)
    piece = piece_ids(state.attachments[0])[0]
    for secret in (keys.tag_key, keys.reply_symmetric, state.attachments[0].block_key):
        site.vault.store.erase([(piece, erase_preimage(secret, piece))])
    before = site.vault.store.read(piece)
    site.vault.store.erase([(piece, erase_preimage(keys.withdraw_key, piece))])

    assert before is not None and site.vault.store.read(piece) != before


def test_a_worker_that_forgets_to_change_the_key_seals_nothing_after_midnight(
    site: Site, opener: Opener
) -> None:
    sealer = site.intake.open_sealer()
    sealer.write(os.urandom(10_000))
    state = FormState.of(new_codename())
    site.clock.now = MIDNIGHT
    with pytest.raises(CannotSeal):
        site.intake.file(DRAFT, state)
    with pytest.raises(CannotSeal):
        sealer.finish(name="x", type="")
    assert not {"/put", "/commit"} & set(site.vault.asked)
    site.todays.renew()
    site.intake.file(DRAFT, state)

    desk = site.desk(opener)
    (day,) = {desk.listed[block_id] for block_id in desk.reports()}
    assert day == MIDNIGHT.date()


def test_midnight_passing_while_gpg_seals_does_not_leave_a_report_under_yesterdays_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(report: Report, reviewers: Reviewers) -> bytes:
        sealed = seal_message(report, reviewers)
        site.clock.now = MIDNIGHT
        return sealed

    monkeypatch.setattr(intake_module, "seal_message", slow)

    with pytest.raises(CannotSeal):
        site.filed()


def test_an_upload_that_passes_midnight_arrives_whole(
    site: Site, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(3_000_000)
    put = site.vault.put

    def midnight(blocks: Sequence[SealedBlock]) -> None:
        put(blocks)
        site.vault.store.tick()
        site.clock.now = MIDNIGHT
        site.todays.renew()

    monkeypatch.setattr(site.vault, "put", midnight)
    sealer = site.with_limits(file_bytes=2**23).open_sealer()
    sealer.write(data)
    attachment = sealer.finish(name="x", type="")
    site.intake.file(DRAFT, FormState.of(new_codename()).with_files((attachment,)))

    desk = site.desk(opener)
    assert desk.file(attachment) == data
    assert len({desk.listed[piece] for piece in piece_ids(attachment)}) == 2


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("failure", [Busy(), CannotStore(), VaultUnavailable()])
def test_what_the_vault_refuses_reaches_the_page_by_name(
    failure: CasedropError, site: Site, opener: Opener
) -> None:
    site.vault.failures["/put"] = failure
    with pytest.raises(type(failure)):
        site.sealed(os.urandom(10_000))
    site.vault.failures = {"/commit": failure}
    with pytest.raises(type(failure)):
        site.filed()
    site.vault.failures = {"/replies": failure, "/forget": failure}
    with pytest.raises(type(failure)):
        site.intake.replies(new_codename())
    with pytest.raises(type(failure)):
        site.intake.delete_reply(new_codename(), 0)
    site.vault.failures = {"/erase": failure}
    site.intake.abandon([site.sealed(b"x")])

    assert site.desk(opener).reports() == {}


def test_a_report_that_is_too_long_is_refused(site: Site) -> None:
    with pytest.raises(BadReport):
        site.intake.file(replace(DRAFT, text="长" * 40_000), FormState.of(new_codename()))
    assert "/commit" not in site.vault.asked


def test_blocks_of_a_file_that_breaks_off_are_erased(site: Site, opener: Opener) -> None:
    sealer = site.with_limits(file_bytes=2**23).open_sealer()
    for _ in range(40):
        sealer.write(os.urandom(50_000))
    wait_for(lambda: "/put" in site.vault.asked)

    sealer.abort()

    stones = site.desk(opener).tombstones()
    assert len(stones) >= 16 and set(stones.values()) == {Reason.ABANDONED}


def test_a_file_whose_blocks_cannot_be_erased_is_given_up_all_the_same(site: Site) -> None:
    intake = site.with_limits(sealings=1, file_bytes=2**23)
    site.vault.failures["/erase"] = VaultUnavailable()
    sealer = intake.open_sealer()
    for _ in range(40):
        sealer.write(os.urandom(50_000))
    wait_for(lambda: "/put" in site.vault.asked)
    sealer.abort()

    intake.open_sealer().abort()

    assert site.vault.asked[-1] == "/erase"


@pytest.mark.alone  # it measures time
def test_no_more_files_are_sealed_at_once_than_allowed(site: Site) -> None:
    intake = site.with_limits(sealings=1)
    first = intake.open_sealer()
    begun = time.monotonic()
    with pytest.raises(Busy):
        intake.open_sealer()
    assert time.monotonic() - begun < 1, "uploads last minutes, so nobody waits"
    first.abort()
    first.abort()  # as when a form breaks off in a file that has just failed
    second = intake.open_sealer()
    second.write(b"x" * 70_000)
    second.finish(name="a", type="")

    intake.open_sealer().abort()


def test_no_more_keys_are_derived_at_once_than_allowed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "_DERIVATION_WAIT_SECONDS", 0.01)
    intake = site.with_limits(derivations=2)
    with intake._derivation():
        assert intake.replies(new_codename()) == []
        with intake._derivation(), pytest.raises(Busy):
            intake.replies(new_codename())

    assert intake.replies(new_codename()) == []


def test_what_reaches_the_vault_is_blocks_of_one_size_without_a_key(site: Site) -> None:
    state = site.filed(os.urandom(150_000))
    keys = derive_keys(state.codename, salt=site.settings.salt, cost=CHEAPEST)
    store = site.vault.store
    held = [store.read(block.id) for block in store.snapshot()]

    assert {len(data or b"") for data in held} == {BLOCK_BYTES}
    whole = b"".join(data or b"" for data in held)
    for secret in (keys.withdraw_key, keys.tag_key, site.todays.current(), state.nonce):
        assert secret not in whole
