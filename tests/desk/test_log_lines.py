"""What the check of a custody log says, line by line, and where a new casebook begins to count."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fuzz.openpgp import NOW
from support.cases import CAMPAIGN, DAY, add, report
from support.desks import REVIEWERS, Desk
from support.export_bundles import SERVER

from scripts.desk.casebook import creation
from scripts.desk.casebook.casebook import Casebook, CasebookError
from scripts.desk.casebook.creation import create
from scripts.desk.casebook.log_check import LogCheck
from scripts.desk.review.judgement import REVIEW, Judgement

Row = tuple[int, bytes, bytes]


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[list[Row]]:
    """A log of two sittings, of four lines."""
    desk = Desk.make(tmp_path / "desk", 0)
    for _ in range(2):
        with desk.working() as casebook:
            casebook.note("view", "AA-BBBB")
    with Casebook.open(desk.directory) as casebook:
        found = casebook.database.execute(
            "SELECT number, line, signature FROM custody ORDER BY number"
        )
        yield [(int(number), bytes(line), bytes(signature)) for number, line, signature in found]


def said(rows: list[Row]) -> tuple[list[str], list[tuple[int, int]]]:
    """What is wrong with the log, and how far the check was at each step."""
    steps: list[tuple[int, int]] = []
    now = max(NOW, datetime.now(UTC))
    found = LogCheck(rows).check(REVIEWERS, now, lambda *one: steps.append(one))
    return found, steps


def test_a_log_as_it_was_written_is_good_and_the_check_says_how_far_it_is(
    rows: list[Row],
) -> None:
    assert said(rows) == ([], [(number, 4) for number in range(1, 5)])
    assert said([]) == ([], [])


@pytest.mark.parametrize(
    ("gone", "sentences"),
    [
        ([4], []),  # the end: the head that people compare says so
        ([2], ["Line 2 of the log was removed."]),
        ([2, 4], ["Line 2 of the log was removed."]),
    ],
)
def test_lines_that_are_missing_are_named(
    rows: list[Row], gone: list[int], sentences: list[str]
) -> None:
    assert said([one for one in rows if one[0] not in gone])[0] == sentences


def test_lines_that_were_moved_doubled_replaced_or_broken_are_named(rows: list[Row]) -> None:
    first, second, third, fourth = rows
    assert said([first, second, (3, *fourth[1:]), (4, *third[1:])])[0] == [
        "Line 4 of the log was moved to position 3.",
        "Line 3 of the log was moved to position 4.",
    ]
    assert said([*rows, (5, *second[1:])])[0] == [
        "Line 2 of the log is there twice, the second time at position 5."
    ]
    assert said([first, (2, b"{}", b""), third, fourth])[0] == [
        "Line 2 of the log was changed: it cannot be read."
    ]
    assert said([first, (2, second[1], bytes(64)), third, fourth])[0] == [
        "Line 2 of the log was changed or forged: its signature is not valid."
    ]
    # Without the first line nobody vouches for the key that signed the second.
    assert said([second])[0] == [
        "Line 2 of the log was changed or forged: no reviewer vouches for its session.",
        "Line 1 of the log was removed.",
    ]


def test_the_first_layer_of_a_case_has_rank_one_and_each_one_more_than_those_there(
    tmp_path: Path,
) -> None:
    with Desk.make(tmp_path / "desk", 0).working() as casebook:
        add(casebook, report("", 1))
        case = casebook.case(1)
        ranks = []
        for _ in range(3):
            judgement = Judgement(category="c1", merit="m3")
            ranks.append(casebook.layers.placed(case, judgement).rank)
            casebook.add_layer(case, judgement, role=REVIEW, day=DAY)

    assert ranks == [1, 2, 3]


@pytest.mark.parametrize("fails_at", ["opened", "give_name"])
def test_a_casebook_that_could_not_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    """Whether its file was begun or not, and of whichever step failed the reason is said."""

    def failing(*_: object) -> None:
        raise OSError("no room")

    key, directory = bytes(SERVER.verify_key), tmp_path / "a" / "casebook"
    with monkeypatch.context() as patch, pytest.raises(OSError, match="no room"):
        patch.setattr(creation, fails_at, failing)
        create(directory, server_key=key, campaign=CAMPAIGN, desk=0, reviewers=None)
    assert not directory.exists()
    create(directory, server_key=key, campaign=CAMPAIGN, desk=0, reviewers=None)
    with pytest.raises(CasebookError, match="There is a casebook in"):
        create(directory, server_key=key, campaign=CAMPAIGN, desk=0, reviewers=None)


@pytest.mark.parametrize(("desk", "length"), [(-1, 32), (100_000, 32), (0, 31), (0, 33)])
def test_a_number_or_a_key_that_is_none_makes_no_casebook(
    tmp_path: Path, desk: int, length: int
) -> None:
    with pytest.raises(CasebookError):
        create(
            tmp_path / "c", server_key=bytes(length), campaign=CAMPAIGN, desk=desk, reviewers=None
        )
    assert not (tmp_path / "c").exists()
