"""What follows from a case's parts, oldest first."""

from datetime import date, timedelta
from typing import Any

import pytest
from support.cases import attachment, report

from scripts.desk.case import Case, Part

FIRST = date(2026, 11, 20)


def case(*parts: dict[str, Any]) -> Case:
    """A case whose parts came on one day after the other."""
    made = [
        Part(number, 1, bytes([number]) * 16, FIRST + timedelta(number), 1, report(**changes))
        for number, changes in enumerate(parts)
    ]
    return Case(1, "C-1", bytes(32), bytes(32), tuple(made))


MESSAGE, TAKEN_BACK = {"kind": "message"}, {"kind": "withdrawal"}


def test_a_case_is_of_its_first_parts_day_and_its_last_parts_language() -> None:
    one = case({"language": "en"}, {**MESSAGE, "language": "zh-Hant"}, {"language": "zh-Hans"})

    assert (one.day, one.language) == (FIRST, "zh-Hans")


def test_answers_are_sealed_with_the_first_symmetric_key_that_a_part_brought() -> None:
    keys = [{}, {"reply_symmetric": b"1" * 32}, {"reply_symmetric": b"2" * 32}]

    assert case(*keys).reply_symmetric == b"1" * 32
    assert case({}).reply_symmetric is None


@pytest.mark.parametrize(
    ("parts", "category"),
    [
        ([{"category": "c2"}, {"category": "c3"}], "c2"),
        ([{**MESSAGE, "category": "c1"}, {"category": "c3"}], "c3"),
        ([{**MESSAGE, "category": "c1"}], ""),
    ],
)
def test_a_case_has_the_category_of_its_first_report(
    parts: list[dict[str, Any]], category: str
) -> None:
    assert case(*parts).category == category


def test_each_harm_counts_once_in_the_order_in_which_they_were_named() -> None:
    assert case({"harms": ("b", "a")}, {"harms": ("c", "b")}).harms == ("b", "a", "c")


@pytest.mark.parametrize(
    ("parts", "day", "since"),
    [
        ([{}, MESSAGE], None, []),
        ([{}, TAKEN_BACK], 1, []),
        ([{}, TAKEN_BACK, MESSAGE], 1, [2]),
        ([TAKEN_BACK, {}, TAKEN_BACK, MESSAGE], 0, [1, 3]),
    ],
)
def test_what_came_after_everything_was_taken_back_is_told_apart(
    parts: list[dict[str, Any]], day: int | None, since: list[int]
) -> None:
    one = case(*parts)

    assert one.withdrawn == (None if day is None else FIRST + timedelta(day))
    assert [part.number for part in one.since_withdrawn] == since


@pytest.mark.parametrize(
    ("chosen", "answer", "notice"),
    [
        ([None], False, False),
        ([[]], False, False),
        ([["reply.no_notice"]], False, True),
        ([["reply.no"]], True, True),
        ([["reply.no_notice", "reply.no"]], True, True),
        ([["reply.no"], None], True, True),
    ],
)
def test_who_asked_once_for_no_answer_or_notice_gets_none(
    chosen: list[list[str] | None], answer: bool, notice: bool
) -> None:
    one = case(*({"facts": {} if codes is None else {"reply_ok": codes}} for codes in chosen))

    assert (one.wants_no_answer, one.wants_no_notice) == (answer, notice)


def test_files_are_those_of_all_parts_each_with_its_position_in_its_part() -> None:
    names = [("a", "b"), (), ("c",)]
    one = case(*({"attachments": tuple(map(attachment, names_of))} for names_of in names))

    assert [(file.part.number, file.place, file.attachment.name) for file in one.files] == [
        (0, 0, "a"),
        (0, 1, "b"),
        (2, 0, "c"),
    ]
