"""What an export bundle says of reply bundles: which arrived, which are awaited, which are lost."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fuzz.openpgp import NOW
from support.backups import back_up, bring_back
from support.cases import DAY, add, report
from support.desks import REVIEWERS, Desk
from support.slot_bundles import SlotDrop
from support.team import Team, fingerprint

from dropbox.export_bundle import AcceptedReplies
from dropbox.openpgp import Reviewers
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.audit import findings
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.numbers import SKIPPED_BUNDLES
from scripts.desk.casebook.releases import Confirmation
from scripts.desk.outbox.arrivals import Arrival, Arrivals, arrivals, carrying_lost
from scripts.desk.outbox.sending import BUNDLE_LIFE, carrying_again
from scripts.desk.outbox.writing import OutboxError

ARRIVED, EXPECTED, LOST = Arrival


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk that answered claimants 1 to 4 in reply bundles 1 to 4."""
    made = Desk.make(tmp_path / "casebook", 0)
    made.file([1, 2, 3, 4])
    for claimant in (1, 2, 3, 4):
        made.answer(claimant, f"【虚构】{claimant}")
    return made


def confirm(desk: Desk, *numbers: int, signer: int = 0, of: int = 0) -> None:
    """An export bundle says that the vault took these reply bundles."""
    reviewer = REVIEWERS[signer].fingerprint
    with desk.working() as casebook, casebook.together():
        casebook.confirmations.add(
            Confirmation("ab" * 16, of, reviewer, number, 3, DAY) for number in numbers
        )


def known(desk: Desk, today: date = DAY) -> Arrivals:
    with Casebook.open(desk.directory) as casebook:
        return arrivals(casebook, today)


def numbers(found: Arrivals) -> tuple[Sequence[int], Sequence[int]]:
    """The bundles that are expected and those that are lost."""
    return [one.number for one in found.expected], [one.number for one in found.lost]


def test_what_the_vault_has_not_taken_is_awaited_until_it_can_arrive_no_more(desk: Desk) -> None:
    assert numbers(known(desk)) == ([1, 2, 3, 4], [])
    confirm(desk, 1, 3)
    # The vault takes only numbers that follow: bundle 2 was overtaken on its way.
    assert numbers(known(desk)) == ([4], [2])
    assert list(known(desk).answers.values()) == [ARRIVED, LOST, ARRIVED, EXPECTED]
    # The last day on which the vault takes it, and the day after.
    assert numbers(known(desk, DAY + BUNDLE_LIFE)) == ([4], [2])
    assert numbers(known(desk, DAY + BUNDLE_LIFE + timedelta(days=1))) == ([], [2, 4])
    confirm(desk, 4)
    assert numbers(known(desk, DAY + 9 * BUNDLE_LIFE)) == ([], [2])


def test_another_reviewers_bundles_and_another_desks_overtake_nothing(desk: Desk) -> None:
    confirm(desk, 3, signer=1)
    assert numbers(known(desk)) == ([1, 2, 4], [])
    confirm(desk, 1, 2, 4, of=1)
    assert numbers(known(desk)) == ([1, 2, 4], [])


def test_exactly_what_did_not_arrive_leaves_once_more(desk: Desk) -> None:
    until = f"may still arrive: reply bundle 1 until {DAY + BUNDLE_LIFE}"
    with desk.working() as casebook, pytest.raises(OutboxError, match=until):
        carrying_lost(casebook, DAY)
    confirm(desk, 1, 4)
    desk.file([3], again=1)
    with desk.working() as casebook:
        carried = carrying_lost(casebook, DAY)
        assert [(one.text, one.number) for one in carried.answers] == [
            ("【虚构】2", 0),
            ("【虚构】3", 0),
        ]
        # One of them once more, and it arrives.
        again = carrying_again(casebook, [2])
        casebook.leave(5, "00" * 32, DAY, again.answers, lambda: None)
    assert numbers(known(desk)) == ([5], [3])
    confirm(desk, 5)
    found = known(desk)
    assert numbers(found) == ([], [3])
    assert list(found.answers.values()) == [ARRIVED, ARRIVED, LOST, ARRIVED]
    with desk.working() as casebook:
        (one,) = carrying_lost(casebook, DAY).answers
        casebook.leave(6, "00" * 32, DAY, [one], lambda: None)
    confirm(desk, 6)
    with desk.working() as casebook, pytest.raises(OutboxError, match="have arrived at the drop"):
        carrying_lost(casebook, DAY)


def test_of_a_lost_bundle_only_what_arrived_with_no_other_leaves_once_more(desk: Desk) -> None:
    for text in ("【虚构】五", "【虚构】六"):
        desk.answer(1, text, leave=False)
    with desk.working() as casebook:
        both = casebook.answers.numbered(casebook.answers.queued())
        casebook.leave(5, "00" * 32, DAY, both, lambda: None)
        casebook.leave(6, "00" * 32, DAY, casebook.answers.left_in(5)[:1], lambda: None)
    confirm(desk, 1, 2, 3, 4, 6)
    with desk.working() as casebook:
        assert [one.text for one in carrying_lost(casebook, DAY).answers] == ["【虚构】六"]


def test_nothing_leaves_once_more_for_who_took_everything_back(desk: Desk) -> None:
    confirm(desk, 4)
    assert numbers(known(desk)) == ([], [1, 2, 3])
    with desk.working() as casebook:
        add(casebook, report(claimant=2, kind="withdrawal"))
    assert numbers(known(desk)) == ([], [1, 3])


@pytest.mark.slow
def test_a_restored_desk_learns_its_numbers_from_the_vault(desk: Desk, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "b")
    restored = Desk(tmp_path / "again", 0)
    last = bring_back(tmp_path / "b", restored.directory).last_bundle
    with restored.working() as casebook:
        assert casebook.numbers.last_bundle() == last
    confirm(restored, last + 7)
    with restored.working() as casebook:
        assert casebook.numbers.last_bundle() == last + 7
        assert findings(casebook, casebook.pinned(), NOW) == []
    # What it skipped was never written, so it is neither awaited nor lost.
    assert numbers(known(restored, DAY)) == ([], [1, 2, 3, 4])


@pytest.mark.slow
def test_a_team_sees_what_arrived_and_writes_out_the_rest_once_more(
    team: Team, reviewers: Reviewers, keys_dir: Path, first_day: date, tmp_path: Path
) -> None:
    drop = SlotDrop(
        reviewers, WeeklyHpke.load(keys_dir, datetime.now(UTC)), tmp_path, first_day, quantum=8
    )
    for number in (1, 2, 3):
        drop.report(f"【虚构】{number}", number)
    team(0, "import", drop.bundle())
    said = json.loads(team(0, "status", "--json"))
    assert (said["last_export_bundle"], said["last_vault"]) == (1, drop.vault.hex())
    for number in (1, 2, 3):
        team.run(0, "answer", team.case(number), "--template", "answer.when", "--yes")
        team.run(0, "export-replies", tmp_path / f"{number}.tar", "--yes")
    until = datetime.now(UTC).date() + BUNDLE_LIFE
    assert f"reply bundle 1 (until {until}), 2 (until {until}), 3 (" in team(0, "outbox")
    code, _, err = team.run(0, "export-replies", tmp_path / "4.tar", "--yes", "--again")
    assert code == 2 and "may still arrive: reply bundle 1 until" in err

    mine, other = fingerprint(team, 0), fingerprint(team, 1)
    drop.replies = (
        AcceptedReplies(0, mine, 1),
        AcceptedReplies(0, mine, 3),
        # Not this desk's, and what would use up all numbers.
        AcceptedReplies(1, mine, 2),
        AcceptedReplies(0, other, 5 + SKIPPED_BUNDLES),
    )
    assert "Arrived at the drop: what left in reply bundle 1, 3." in team(
        0, "import", drop.bundle()
    )
    rows = json.loads(team(0, "outbox", "--left", "--json"))
    assert [row["arrival"] for row in rows] == ["arrived", "did not arrive", "arrived"]
    said = team(0, "outbox")
    assert (
        "Did not arrive and cannot any more: reply bundle 2. `export-replies FILE --again`" in said
    )
    team(0, "answer", team.case(1), "--template", "answer.when", "--repeat", "--yes")
    out = team(0, "export-replies", tmp_path / "4.tar", "--yes", "--again")
    assert (
        "Reply bundle 4 is in" in out
        and "Not in it, since they never left before: 1 answer.\n" in out
    )
    rows = json.loads(team(0, "outbox", "--left", "--json"))
    assert [row["arrival"] for row in rows] == ["arrived", "not confirmed", "arrived"]

    drop.replies += (AcceptedReplies(0, mine, 4),)
    assert json.loads(team(0, "import", drop.bundle(), "--json"))["confirmed"] == [4]
    assert "bundle" not in team(0, "outbox")
    assert team.run(0, "verify")[0] == 0
