"""Files of a case with redacted texts: none leaves before somebody has decided on it."""

from pathlib import Path

import pytest
from support.cases import add, attachment, report
from support.decided_cases import plan_of, put
from support.desks import Desk
from support.redactions import box, redact, span, take_back, whole
from support.transcripts import line, transcribe, transcript, turn

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import WHOLE, Box
from scripts.desk.redaction.copies import RedactionError
from scripts.desk.redaction.standing import standing
from scripts.desk.redaction.undecided import let_leave, to_decide, undecided
from scripts.desk.transcripts.transcript import Who

STORY, SOUND, SHOT = "张三的电话 138", b"sound", b"shot"
ALL = Box(0, 0, WHOLE, WHOLE)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A decided case with two files, of which one was sent twice."""
    made = Desk.make(tmp_path / "desk", 0)
    with made.working() as casebook:
        for data in (SOUND, SHOT):
            put(casebook, data)
        files = {"a.mp3": SOUND, "b.png": SHOT, "c.png": SHOT}
        named = tuple(attachment(name, data) for name, data in files.items())
        add(casebook, report(STORY, 1, attachments=named))
    for who in (0, 1):
        Desk(made.directory, who).judge(1, "m2", urgency="normal", evidence="2")
    return made


def numbers(casebook: Casebook) -> list[int]:
    return [one.number for one in undecided(casebook, casebook.case(1), standing(casebook))]


def let(casebook: Casebook, number: int) -> None:
    case = casebook.case(1)
    let_leave(casebook, case, to_decide(casebook, case, number))


def why(casebook: Casebook) -> str:
    return {one.number: one.reason for one in plan_of(casebook, cases=(1,)).held}.get(1, "")


def test_a_case_with_redacted_words_is_held_until_somebody_has_decided_on_each_file(
    desk: Desk,
) -> None:
    with desk.working() as casebook:
        assert (numbers(casebook), why(casebook)) == ([], "")
        redact(casebook, span(STORY, 0, 2))
        assert (numbers(casebook), why(casebook)) == ([1, 2], "files")
        redact(casebook, whole(SOUND))
        assert (numbers(casebook), why(casebook)) == ([2], "files")
        # The third is the same file.
        let(casebook, 3)
        assert (numbers(casebook), why(casebook)) == ([], "")
        for number in (1, 2, 4, 0):
            with pytest.raises(RedactionError, match=f"nothing to decide on file {number}"):
                let(casebook, number)


def test_a_decision_is_on_the_words_and_boxes_that_there_were(desk: Desk) -> None:
    with desk.working() as casebook:
        redact(casebook, span(STORY, 0, 2))
        for number in (1, 2):
            let(casebook, number)
        redact(casebook, span(STORY, 6, 9, key="ab"))
        assert numbers(casebook) == [1, 2]
        take_back(casebook, "ab")
        assert numbers(casebook) == []
        # Blacked out in a file and taken back: what was let leave is as it was.
        redact(casebook, box(SHOT, 1, Box(0, 0, 9, 9), key="cd"))
        assert numbers(casebook) == []
        take_back(casebook, "cd")
        assert numbers(casebook) == []


def test_what_a_machine_read_in_a_file_has_to_be_covered_or_let_leave_again(desk: Desk) -> None:
    with desk.working() as casebook:
        redact(casebook, span(STORY, 0, 2))
        let(casebook, 1)
        redact(casebook, box(SHOT, 1, Box(0, 0, 9, 9)))
        assert numbers(casebook) == []
        read = turn(Who.LEFT, line("我是張三", 100)), turn(Who.RIGHT, line("ok", 200))
        transcribe(casebook, SHOT, transcript(*read))
        (one,) = undecided(casebook, casebook.case(1), standing(casebook))
        assert (one.number, [each.text for each in one.seen]) == (2, ["我是張三"])
        let(casebook, 2)
        assert numbers(casebook) == []
        # Read elsewhere as well, it is not what was let leave.
        transcribe(casebook, SHOT, transcript(*read, turn(Who.LEFT, line("张三", 250))))
        assert numbers(casebook) == [2]
        redact(casebook, box(SHOT, 1, ALL))
        assert numbers(casebook) == []
        # Where a name is, nobody knows.
        transcribe(casebook, SHOT, transcript(turn(Who.LEFT, line("ok", 9), name="张三")))
        assert numbers(casebook) == [2]


def test_a_box_alone_or_another_cases_words_ask_for_nothing(desk: Desk) -> None:
    with desk.working() as casebook:
        redact(casebook, box(SHOT, 1, ALL))
        assert numbers(casebook) == []
        add(casebook, report("张三", 2))
        redact(casebook, span("张三", 0, 2), case=2)
        assert numbers(casebook) == []


def test_a_decision_counts_at_every_desk_and_the_log_shows_whose_it_is(
    desk: Desk, tmp_path: Path
) -> None:
    other = Desk.make(tmp_path / "other", 1)
    with desk.working() as casebook:
        same = casebook.case(1).parts[0].report
    with other.working() as casebook:
        add(casebook, same)
        redact(casebook, span(STORY, 0, 2)._replace(reviewer=other.reviewer))
        for number in (1, 2):
            let(casebook, number)
    with desk.working() as casebook:
        redact(casebook, span(STORY, 0, 2))
        assert why(casebook) == "files"
    desk.merge(other.work())
    with desk.working() as casebook:
        assert numbers(casebook) == []
        acts = casebook.productions.acts().of(casebook.names.characters(1))
        assert [one.reviewer for one in acts if one.act == "approve"] == [other.reviewer] * 2
