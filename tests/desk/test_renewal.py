"""Renewal with real gpg: no week missing or doubled, the same fingerprint, through a whole year."""

import io
import json
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.clocks import MovedClock

from dropbox.errors import CannotSeal, KeysError
from dropbox.key_expiry import WARN_DAYS, notice
from dropbox.openpgp import Opener, Reviewers
from dropbox.pinned_keys import last_day, read_pins
from dropbox.report import Report
from dropbox.reviewer_key import WeeklyKey, make_reviewer_key, reviewer_key
from dropbox.sealed_message import recipients
from dropbox.sealing import open_message, seal_message
from scripts.ceremony import __main__ as ceremony
from scripts.ceremony.new_key import WEEKS, Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.ceremony.renewal import renewal_starts
from scripts.ceremony.weeks import CeremonyError, Epoch, epochs, week_name
from scripts.desk import __main__ as desk
from scripts.desk.casebook.creation import create


def today() -> date:
    """The UTC day, read each time because a run of all tests may go past midnight."""
    return datetime.now(UTC).date()


WEEK = timedelta(weeks=1)
REPORT = Report("report", "wechat-2020", "zh-Hans", "c1", (), "【虚构】", (), b"r" * 32, b"t" * 32)
CAMPAIGN = Path(__file__).parents[2] / "dropbox" / "campaign.toml"


def ending(last: date) -> Epoch:
    first = last - timedelta(days=13)
    return Epoch(week_name(first), first, last, WeeklyKey("F" * 40, "A" * 40, 0, 0, secret=True))


@pytest.mark.parametrize("left", [60, 21, 7, 6, 0])
def test_a_renewal_goes_on_seven_days_after_the_last_week_began(left: int) -> None:
    last = ending(today() + timedelta(days=left))

    starts = renewal_starts(last, weeks=3, today=today(), early=False, after_gap=False)

    assert starts == [last.first + WEEK, last.first + 2 * WEEK, last.first + 3 * WEEK]


def test_a_renewal_long_before_the_end_has_to_be_asked_for() -> None:
    last = ending(today() + timedelta(days=61))

    with pytest.raises(CeremonyError, match=rf"last until {last.last}.*--early"):
        renewal_starts(last, weeks=3, today=today(), early=False, after_gap=True)
    assert renewal_starts(last, weeks=1, today=today(), early=True, after_gap=False) == [
        last.first + WEEK
    ]


@pytest.mark.parametrize("ago", [1, 6, 7, 8, 100])
def test_a_renewal_after_a_gap_has_to_be_asked_for_and_begins_in_todays_week_in_step(
    ago: int,
) -> None:
    last = ending(today() - timedelta(days=ago))

    with pytest.raises(CeremonyError, match=rf"ended on {last.last}.*--after-gap"):
        renewal_starts(last, weeks=3, today=today(), early=True, after_gap=False)
    first, second = renewal_starts(last, weeks=2, today=today(), early=False, after_gap=True)
    assert first <= today() < second == first + WEEK and (first - last.first).days % 7 == 0


def made(home: Path, out: Path, start: date, weeks: int) -> str:
    return new_reviewer(home, name="blue", out=out, weeks=Weeks(start, weeks), choose=unprotected)


def renewed(home: Path, out: Path, *more: object) -> int:
    return ceremony.main(["renew", "--home", str(home), "--out", str(out), *map(str, more)])


@pytest.mark.slow
def test_a_renewed_key_has_every_week_once_and_the_same_fingerprint_and_the_server_takes_it(
    gpg_home: Path, tmp_path: Path, clock: MovedClock
) -> None:
    fingerprint = made(gpg_home, tmp_path / "keys", today() - WEEK, 3)
    message = sealed(Reviewers.load(tmp_path / "keys", tmp_path / "front"))

    assert renewed(gpg_home, tmp_path / "new", "--weeks", 4) == 0

    found = epochs(reviewer_key(gpg_home))
    assert [epoch.first for epoch in found] == [today() + n * WEEK for n in range(-1, 6)]
    assert len({epoch.week for epoch in found}) == 7 and {
        (e.last - e.first).days for e in found
    } == {13}
    public = tmp_path / "new" / "01-server"
    assert read_pins(public) == {fingerprint: "blue.asc"}
    # The keyring that the server already has.
    reviewers = Reviewers.load(public, tmp_path / "front", clock=clock.now)
    assert reviewers.last_day() == last_day(public) == today() + 5 * WEEK + timedelta(days=13)
    clock.move(today() + 5 * WEEK)
    assert recipients(sealed(reviewers)) == [found[-1].key.fingerprint[-16:]]
    assert Opener(gpg_home).open(sealed(reviewers)) == Opener(gpg_home).open(message) == b"x"


def sealed(reviewers: Reviewers) -> bytes:
    pieces: list[bytes] = []
    reviewers.seal(io.BytesIO(b"x"), pieces.append)
    return b"".join(pieces)


@pytest.mark.slow
def test_a_renewal_that_is_refused_adds_nothing(
    gpg_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(gpg_home, tmp_path / "a" / "01-server", today(), 2)
    before = reviewer_key(gpg_home)

    assert renewed(gpg_home, tmp_path / "a", "--weeks", 1) == 2
    assert renewed(gpg_home, tmp_path / "b", "--weeks", 0) == 2
    errors = capsys.readouterr().err
    assert (
        errors.count("\n") == 2
        and "exists already or is pinned" in errors
        and "from 1 to" in errors
    )
    assert reviewer_key(gpg_home) == before and not (tmp_path / "b").exists()

    # Seen from a year's beginning, and after its end.
    assert renewed(gpg_home, tmp_path / "b", "--weeks", 12) == 0
    assert renewed(gpg_home, tmp_path / "c", "--weeks", 1) == 2
    assert "--early" in capsys.readouterr().err and len(reviewer_key(gpg_home).weeks) == 14


@pytest.mark.long
def test_over_sixty_weeks_each_week_has_its_subkey_and_after_the_last_nothing_is_accepted(
    gpg_home: Path, tmp_path: Path, clock: MovedClock
) -> None:
    start = date(2026, 1, 5)
    clock.move(start)
    fingerprint = made(gpg_home, tmp_path / "keys", start, WEEKS)
    found, opener = epochs(reviewer_key(gpg_home)), Opener(gpg_home)
    reviewers = Reviewers.load(tmp_path / "keys", tmp_path / "front", clock=clock.now)
    end = start + 54 * WEEK - timedelta(days=1)
    assert reviewers.last_day() == last_day(tmp_path / "keys") == found[-1].last == end

    for week in range(60):
        # Another day of each week.
        day = start + week * WEEK + timedelta(days=week % 7)
        clock.move(day)
        if day > end:
            with pytest.raises(CannotSeal, match="expired"):
                seal_message(REPORT, reviewers)
            assert chosen_by_gpg(tmp_path / "front", fingerprint) == []
            continue
        message = seal_message(REPORT, reviewers)
        # The last week's key is valid for a week after it stops being the newest.
        expected = [found[min(week, WEEKS - 1)].key.fingerprint[-16:]]
        assert (
            recipients(message[:4_096])
            == expected
            == chosen_by_gpg(tmp_path / "front", fingerprint)
        )
        assert open_message(message, opener) == REPORT
    assert day > end + 5 * WEEK


def chosen_by_gpg(home: Path, fingerprint: str) -> list[str]:
    """The subkey that gpg itself chooses on the day of its clock."""
    done = subprocess.run(
        [
            "gpg",
            "--homedir",
            home,
            "--batch",
            "--quiet",
            "--trust-model",
            "always",
            "-r",
            fingerprint,
            "-z0",
            "-e",
        ],
        input=b"x",
        capture_output=True,
        check=False,
    )
    return recipients(done.stdout) if done.returncode == 0 else []


def test_a_key_without_a_valid_week_stops_the_start(
    gpg_home: Path, tmp_path: Path, clock: MovedClock
) -> None:
    made(gpg_home, tmp_path / "keys", today(), 1)
    clock.move(today() + timedelta(days=13))
    assert Reviewers.load(tmp_path / "keys", tmp_path / "front", clock=clock.now)

    clock.move(today() + timedelta(days=14))
    with pytest.raises(KeysError, match="valid today"):
        Reviewers.load(tmp_path / "keys", tmp_path / "front", clock=clock.now)


def test_the_expiry_is_announced_from_three_weeks_before() -> None:
    said = {left: notice(today() + timedelta(days=left), today()) for left in range(-10, 60)}

    assert [left for left in said if said[left]] == list(range(-10, WARN_DAYS + 1))
    end = today() + timedelta(days=21)
    tail = "in 21 days: renew them, or no report is accepted after that day."
    assert said[21] == f"The reviewers' weekly keys expire on {end}, {tail}"
    assert "in 1 day:" in said[1] and "today:" in said[0]
    assert said[-1].startswith(
        f"The reviewers' weekly keys expired on {today() - timedelta(days=1)}: "
        "no report is accepted"
    )


@pytest.mark.parametrize(("weeks", "warns"), [(2, True), (3, False)])
def test_the_desk_shows_which_weeks_secrets_are_here_and_warns_of_the_end(
    weeks: int, warns: bool, gpg_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_reviewer_key(gpg_home, name="blue", weeks=weeks, start=today(), passphrase="")
    first, *_, last = epochs(reviewer_key(gpg_home))
    create(tmp_path / "casebook", server_key=bytes(32), campaign=CAMPAIGN, desk=0)
    line = ["--casebook", str(tmp_path / "casebook")]

    assert desk.main([*line, "--home", str(gpg_home), "status"]) == 0
    said = capsys.readouterr().out
    assert f"weekly secrets here: {first.week} to {last.week} ({weeks} of {weeks})" in said
    assert f"last day of the weekly keys: {last.last}" in said
    assert (notice(last.last, today()) in said) and (f"expire on {last.last}" in said) is warns

    assert desk.main([*line, "--home", str(gpg_home), "status", "--json"]) == 0
    (keys,) = json.loads(capsys.readouterr().out)["keys"]
    assert (
        keys["fingerprint"] == reviewer_key(gpg_home).fingerprint
        and keys["last_day"] == last.last.isoformat()
        and bool(keys["notice"]) is warns
    )
    assert keys["weeks"][0] == {
        "week": first.week,
        "first": first.first.isoformat(),
        "last": first.last.isoformat(),
        "secret": True,
    }
    assert desk.main([*line, "status"]) == 0
    assert "weekly" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_week_that_was_revoked_does_not_count_for_the_end(gpg_home: Path, tmp_path: Path) -> None:
    fingerprint = made(gpg_home, tmp_path / "keys", today(), 3)
    answers = b"key 3\nrevkey\ny\n0\n\ny\nsave\n"
    loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
    gpg: list[str | Path] = [
        "gpg",
        "--homedir",
        gpg_home,
        "--quiet",
        "--no-tty",
        "--command-fd",
        "0",
        *loopback,
        "--edit-key",
        fingerprint,
    ]
    subprocess.run(gpg, input=answers, check=True, capture_output=True)
    ceremony.main(["public", "--home", str(gpg_home), "--out", str(tmp_path)])

    public = tmp_path / "01-server"
    assert last_day(tmp_path / "keys") == today() + timedelta(days=27)
    assert (
        last_day(public)
        == Reviewers.load(public, tmp_path / "front").last_day()
        == today() + timedelta(days=20)
    )
    assert len(reviewer_key(gpg_home).weeks) == 2


def test_the_day_that_the_vault_reads_is_that_of_the_reviewer_who_ends_first(
    keys_dir: Path, first_day: date, gpg_home: Path, tmp_path: Path
) -> None:
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    made(gpg_home, keys, today(), 1)

    assert (
        last_day(keys)
        == Reviewers.load(keys, tmp_path / "front").last_day()
        == today() + timedelta(days=13)
    )
    assert last_day(keys_dir) == first_day + timedelta(days=27)
