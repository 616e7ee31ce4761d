"""The operator's test reports at the desk: left out and counted, and nothing else is with them."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from support.slot_bundles import SERVER, SlotDrop
from support.team import Team

from dropbox.codename import CHEAPEST, derive_keys, new_codename
from dropbox.openpgp import Opener, Reviewers
from dropbox.probe_mark import ProbeKey
from dropbox.report import Report
from dropbox.sealing import seal_message
from dropbox.week_secrets import WeekSecrets
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.open_export import Imported, open_export

KEY = ProbeKey.make(SERVER)


@pytest.fixture
def slot_drop(reviewers: Reviewers, keys_dir: Path, tmp_path: Path, first_day: date) -> SlotDrop:
    """An empty drop of the two reviewers."""
    hpke = WeeklyHpke.load(keys_dir, datetime.now(UTC))
    return SlotDrop(reviewers, hpke, tmp_path, first_day)


Take = Callable[[], Imported]


@pytest.fixture
def take(
    slot_drop: SlotDrop,
    casebook: Casebook,
    opener: Opener,
    reviewer_homes: list[Path],
    first_day: date,
) -> Take:
    """Import the drop's next bundle into the casebook."""
    find = WeekSecrets(reviewer_homes[0], opener).find
    return lambda: open_export(casebook, slot_drop.bundle(), opener, find, today=first_day)


def probe(day: date, key: ProbeKey = KEY) -> Report:
    keys = derive_keys(new_codename(), salt=bytes(16), cost=CHEAPEST)
    return key.report(keys, campaign="wechat-2020", category="c1", language="en", day=day)


def leave(slot_drop: SlotDrop, report: Report) -> None:
    slot_drop.leave(seal_message(report, slot_drop.reviewers))


def texts(casebook: Casebook) -> list[str]:
    return [part.report.text for case in casebook.cases() for part in case.parts]


def test_a_test_report_becomes_no_case_and_holds_up_nothing(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, first_day: date
) -> None:
    leave(slot_drop, probe(first_day))
    leave(slot_drop, probe(first_day))
    slot_drop.report("mine")

    for new in (1, 0):
        done = take()
        assert (done.opened.cases, done.opened.parts) == (new, new)
        assert done.opened.probes == (first_day, first_day)
        assert done.opened.unopened == done.waiting == ()
        # What no report names is the filling; a test report is none of it.
        assert done.opened.unreferenced == done.opened.blocks - 3

    assert texts(casebook) == ["mine"]
    assert [answer.kind for answer in casebook.answers.queued()] == ["acknowledgement"]


def test_a_report_that_only_looks_like_a_test_report_is_filed(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, first_day: date
) -> None:
    forged = probe(first_day, ProbeKey.make(SigningKey(b"o" * 32)))
    marked = probe(first_day)
    changed = replace(marked, text=f"{marked.text} And what happened to me.")
    moved = replace(probe(first_day), reply_public=bytes(range(32)))
    old = probe(date.fromordinal(first_day.toordinal() - 2))
    for one in (forged, changed, moved, old):
        leave(slot_drop, one)

    done = take()

    assert (done.opened.cases, done.opened.probes) == (4, ())
    assert sorted(texts(casebook)) == sorted(one.text for one in (forged, changed, moved, old))


def test_a_test_report_that_comes_twice_is_filed(
    slot_drop: SlotDrop, casebook: Casebook, take: Take, first_day: date
) -> None:
    repeated = probe(first_day)
    leave(slot_drop, repeated)
    leave(slot_drop, repeated)

    done = take()

    assert (done.opened.cases, done.opened.probes) == (1, (first_day,))
    assert texts(casebook) == [repeated.text]


def test_the_import_says_how_many_test_reports_came(
    slot_drop: SlotDrop, team: Team, first_day: date
) -> None:
    leave(slot_drop, probe(first_day))

    said = team(0, "import", slot_drop.bundle())
    assert "0 new cases" in said
    assert f"Left out: 1 test report of the operator, the last of {first_day}." in said

    values = json.loads(team(0, "import", slot_drop.bundle(), "--json"))
    assert (values["cases"], values["probes"]) == (0, [first_day.isoformat()])
    team(0, "verify")
