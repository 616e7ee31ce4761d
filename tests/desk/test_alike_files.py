"""Which files read nearly alike: screenshots that were sent twice, cut, or by two people."""

import pytest
from support.cases import add, attachment, report
from support.export_bundles import DAY
from support.team import Team

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.search.alike_files import AlikeFile, alike_files, catch_up
from scripts.desk.search.folding import letters
from scripts.desk.transcripts.transcript import Line, Transcript, Turn, Who

TALK = (
    "您好，您的账号因涉嫌违规已被限制登录，请在24小时内完成验证。",
    "我没有做任何违规的事情，为什么突然封号？账号里还有6,580.35元余额。",
    "申诉三次都被驳回，每次理由都一样，我在旧金山的客户全都联系不上。",
)
OTHER = (
    "公司让我们每天在群里打卡，不打卡就扣工资，这样合理吗？",
    "我觉得不合理，可以去劳动局投诉他们。",
)


def transcript(*said: str) -> Transcript:
    turns = (Turn(Who.LEFT, "", 1, (Line(text, (0, 0, 9, 9), 99),)) for text in said)
    return Transcript((), tuple(turns), ())


def give(casebook: Casebook, case: int, content: bytes, read: Transcript) -> str:
    sha256 = attachment(content=content).sha256
    with casebook.together():
        casebook.translations.add(
            casebook.case(case),
            Translation(sha256, TRANSCRIPT, "", "stand-in", read.to_text(), "AB" * 20, DAY),
        )
    return sha256


@pytest.fixture
def files(team: Team) -> list[str]:
    """Two pictures of one case and one of another: the first and third are of one conversation."""
    contents = (b"one", b"two", b"three")
    first, second, third = (attachment(f"{name!r}.png", name) for name in contents)
    with Casebook.open(team.casebook) as casebook:
        add(
            casebook,
            report("【虚构】甲", attachments=(first, second)),
            report("【虚构】乙", claimant=2, attachments=(third,)),
        )
        # The second person's is in the other script, and lacks the last bubble's end.
        cut = (
            "您好，您的帳號因涉嫌違規已被限制登錄，請在24小時內完成驗證。",
            TALK[1],
            TALK[2][:20],
        )
        return [
            give(casebook, 1, b"one", transcript(*TALK)),
            give(casebook, 1, b"two", transcript(*OTHER)),
            give(casebook, 2, b"three", transcript(*cut)),
        ]


def test_a_screenshot_that_was_cut_or_is_in_the_other_script_is_like_the_first(
    team: Team, files: list[str]
) -> None:
    with Casebook.open(team.casebook) as casebook:
        found, back = alike_files(casebook, 1), alike_files(casebook, 2)
        hidden = alike_files(casebook, 1, without=[2])

    (one,) = found[files[0]]
    assert (one.case, one.sha256) == (2, files[2]) and 80 < one.percent < 100
    assert back == {files[2]: [AlikeFile(1, files[0], one.percent)]}
    assert found.keys() == {files[0]} and hidden == {}


def test_a_later_reading_replaces_the_earlier_one(team: Team, files: list[str]) -> None:
    with Casebook.open(team.casebook) as casebook:
        assert alike_files(casebook, 1)
        give(casebook, 2, b"three", transcript(*OTHER))
        found = alike_files(casebook, 1)
        kept = {
            table: casebook.database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("reading", "reading_band")
        }

    assert found.keys() == {files[1]} and found[files[1]][0].percent == 100
    # Nothing of the earlier reading is left.
    assert kept["reading"] == 3 and kept["reading_band"] > 0


def test_a_short_text_is_like_nothing(team: Team, files: list[str]) -> None:
    with Casebook.open(team.casebook) as casebook:
        for case, content in ((1, b"one"), (1, b"two"), (2, b"three")):
            give(casebook, case, content, transcript("收到"))

        assert alike_files(casebook, 1) == {}


def test_a_case_is_shown_with_what_reads_as_its_files_do(team: Team, files: list[str]) -> None:
    shown = team(0, "show", team.case(1))

    assert f"(nearly the same text as file 1 of {team.case(2)}, " in shown
    assert shown.count("nearly the same text as file") == 1
    assert files[0] not in shown


def test_an_altered_index_is_rebuilt_from_the_transcripts(team: Team, files: list[str]) -> None:
    with Casebook.open(team.casebook) as casebook:
        assert alike_files(casebook, 1)
        casebook.database.execute("DROP TABLE reading_band")

        assert alike_files(casebook, 1).keys() == {files[0]}


def test_a_transcript_is_never_taken_for_a_translation(team: Team, files: list[str]) -> None:
    with Casebook.open(team.casebook) as casebook:
        assert casebook.translations.current(1) == ()
        assert casebook.translations.transcripts(1).keys() == {*files[:2]}


def test_taking_in_what_was_read_says_how_far_it_is(
    team: Team, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(files) == 3
    said = list[tuple[int, int]]()
    monkeypatch.setattr("scripts.desk.search.alike_files._STEP", 2)
    with Casebook.open(team.casebook) as casebook:
        add(casebook, *(report("", claimant=claimant) for claimant in range(3, 6)))
        catch_up(casebook, lambda done, total: said.append((done, total)))
        catch_up(casebook, lambda done, total: said.append((done, total)))

    assert said == [(2, 5), (4, 5), (5, 5)]


def test_of_files_as_much_alike_the_first_are_named_and_not_more_than_there_is_room_for(
    team: Team, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.desk.search.alike_files.MOST_LINKS", 2)
    with Casebook.open(team.casebook) as casebook:
        for claimant in range(3, 6):
            content = f"copy {claimant}".encode()
            one = attachment(f"{claimant}.png", content)
            (case,) = add(casebook, report("", claimant=claimant, attachments=(one,)))
            give(casebook, case, content, transcript(*TALK))
        found = alike_files(casebook, 1)[files[0]]

    assert [(one.case, one.percent) for one in found] == [(3, 100), (4, 100)]


@pytest.mark.parametrize(("more", "is_alike"), [(0, True), (1, False)])
def test_a_text_is_compared_from_so_many_letters_on(
    team: Team, files: list[str], monkeypatch: pytest.MonkeyPatch, more: int, is_alike: bool
) -> None:
    length = len(letters(transcript(*TALK).text))
    monkeypatch.setattr("scripts.desk.search.alike_files.LEAST_NEAR", length + more)
    with Casebook.open(team.casebook) as casebook:
        assert len(files) == 3
        one = attachment("again.png", b"again")
        (case,) = add(casebook, report("", claimant=9, attachments=(one,)))
        give(casebook, case, b"again", transcript(*TALK))
        assert bool(alike_files(casebook, case)) == is_alike
