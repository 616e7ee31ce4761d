"""Answers that wait until another reviewer than their author has let them leave."""

import json
from pathlib import Path

import pytest
from fuzz.openpgp import NOW
from support.cases import DAY, add, know_vault, new_casebook, report
from support.desks import REVIEWERS, Desk
from support.line import Line

from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.packets import PublicKey
from scripts.desk.audit import findings
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.outbox.releasing import others_work, releasable, release
from scripts.desk.outbox.sending import carrying, leaving, waiting_for_release
from scripts.desk.outbox.writing import OutboxError

MINE, OTHER = (REVIEWERS[number].fingerprint for number in (0, 1))


def ask_for_releases(directory: Path) -> None:
    """Have the casebook's campaign hold back answers."""
    path = directory / "campaign.toml"
    text = path.read_text("utf-8")
    assert text.count("[review]\n") == 1
    path.write_text(text.replace("[review]\n", "[review]\nanswers_need_release = true\n"), "utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Desk 0, where reviewer 0 wrote an answer to claimant 1."""
    made = Desk.make(tmp_path / "casebook", 0)
    ask_for_releases(made.directory)
    made.file([1, 2])
    made.answer(1, "【虚构】谢谢。", leave=False)
    return made


def let(desk: Desk, claimant: int, reviewer: str) -> None:
    """Reviewer *reviewer* lets the answers to *claimant* leave."""
    with desk.working() as casebook:
        waiting = releasable(casebook, desk.case(casebook, claimant).number)
        release(casebook, others_work(waiting, reviewer), reviewer=reviewer, today=DAY)


def texts(desk: Desk) -> list[str]:
    """What leaves."""
    with Casebook.open(desk.directory) as casebook:
        return [one.text for one in leaving(casebook)]


def test_an_answer_leaves_only_when_another_reviewer_let_it(desk: Desk) -> None:
    desk.answer(1, "【虚构】还有。", leave=False)
    with desk.working() as casebook:
        case = desk.case(casebook, 2)
        casebook.answers.queue(case, kind="acknowledgement", language="en", day=DAY, text="")
        assert waiting_for_release(casebook) == [desk.case(casebook, 1).name]
    # What the desk writes on its own needs nobody's word.
    assert texts(desk) == [""]
    with pytest.raises(OutboxError, match="You wrote this yourself; another reviewer"):
        let(desk, 1, MINE)
    let(desk, 1, OTHER)
    assert texts(desk) == ["【虚构】谢谢。", "【虚构】还有。", ""]
    # Only what was shown.
    desk.answer(1, "【虚构】最后。", leave=False)
    assert len(texts(desk)) == 3
    with pytest.raises(OutboxError, match="No answer to them waits for a release"):
        let(desk, 2, OTHER)
    with Casebook.open(desk.directory) as casebook:
        assert findings(casebook, casebook.pinned(), NOW) == []


def test_without_the_campaigns_word_nothing_is_held_back(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "casebook", 0)
    desk.file([1])
    desk.answer(1, "【虚构】谢谢。", leave=False)
    assert texts(desk) == ["【虚构】谢谢。"]


def test_what_waits_for_a_release_is_said_where_nothing_leaves(desk: Desk) -> None:
    with desk.working() as casebook:
        name = desk.case(casebook, 1).name
        with pytest.raises(OutboxError, match=f"answers to {name} wait for another reviewer"):
            carrying(casebook)
        add(casebook, report(claimant=1, kind="withdrawal"))
        assert waiting_for_release(casebook) == []


def test_an_authors_own_release_lets_nothing_leave(desk: Desk) -> None:
    with desk.working() as casebook:
        waiting = releasable(casebook, desk.case(casebook, 1).number)
        release(casebook, waiting, reviewer=MINE, today=DAY)
    assert texts(desk) == []


def test_a_reviewer_at_another_desk_lets_an_answer_leave(desk: Desk, tmp_path: Path) -> None:
    other = Desk.make(tmp_path / "other", 1)
    ask_for_releases(other.directory)
    other.file([2, 1])
    other.merge(desk.work())
    let(other, 1, OTHER)
    assert texts(desk) == [] and texts(other) == []
    desk.merge(other.work())
    assert texts(desk) == ["【虚构】谢谢。"]
    with Casebook.open(other.directory) as casebook:
        assert releasable(casebook, other.case(casebook, 1).number) == []


def test_what_was_let_leave_before_a_restored_backup_is_no_word_for_another_text(
    desk: Desk, tmp_path: Path
) -> None:
    """Both desks' casebooks go on from one state, and give one number to two answers."""
    other = Desk.make(tmp_path / "other", 1)
    ask_for_releases(other.directory)
    other.file([1, 2])
    copy = desk.copy(tmp_path / "copy")
    desk.answer(2, "【虚构】先前。", leave=False)
    copy.answer(2, "【虚构】后来。", leave=False)
    other.merge(desk.work())
    let(other, 2, OTHER)
    copy.merge(other.work())
    assert texts(copy) == []
    let(copy, 2, OTHER)
    assert texts(copy) == ["【虚构】后来。"]


def test_a_setting_that_is_neither_yes_nor_no_is_refused(desk: Desk) -> None:
    path = desk.directory / "campaign.toml"
    path.write_text(path.read_text("utf-8").replace("release = true", 'release = "yes"'), "utf-8")
    with pytest.raises(CampaignError, match='"answers_need_release" has to be true or false'):
        Campaign.read(path)


@pytest.mark.slow
def test_a_second_reviewer_sees_the_whole_text_before_it_may_leave(
    line: Line,
    tmp_path: Path,
    pinned: dict[str, PublicKey],
    reviewer_homes: list[Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with new_casebook(tmp_path / "casebook", pinned) as casebook:
        add(casebook, report(claimant=1, language="en"), report(claimant=2, language="en"))
        know_vault(casebook)
    second = Line(tmp_path / "casebook", reviewer_homes[1], capsys, monkeypatch)
    assert "lets answers leave without a release" in second.refused("release", line.case())
    ask_for_releases(tmp_path / "casebook")
    for number, text in ((1, "【虚构】 to the first"), (2, "【虚构】 to the second")):
        line.run("answer", line.case(number), "--text-file", "-", "--yes", text=text)

    waiting = json.loads(line("outbox", "--json"))
    assert [one["withheld"] for one in waiting] == ["needs a release"] * 2
    assert "You wrote this yourself" in line.refused("release", 1)
    assert "no answer 99 in the outbox" in second.refused("release", 99)
    code, out, err = second.at_a_terminal("n\n", "release", 1)
    assert (code, out) == (2, "") and "【虚构】 to the first" in err and "to the second" not in err
    code, out, err = second.at_a_terminal("y\n", "release", line.case(1))
    assert code == 0 and f"Let 1 answer, to {line.case(1)}, leave" in err
    assert out == f"1 answer, to {line.case(1)}, may leave with the next export-replies.\n"

    out = line("export-replies", tmp_path / "1.tar", "--yes")
    assert "1 of its 256 replies are answers" in out
    assert f"another reviewer has to `release` them: answers to {line.case(2)}." in out
    released = json.loads(second("release", 2, "--yes", "--json"))
    assert [one["case"] for one in released] == [line.case(2)]
    assert second.run("verify")[1].count("release") == 0
