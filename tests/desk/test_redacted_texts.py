"""Texts as they leave: what was blacked out is a marker, and nothing else is touched."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.cases import DAY, add, attachment, new_casebook, report
from support.redactions import WHO, redact, span, take_back, whole

from scripts.desk.casebook.facts import Event, Party
from scripts.desk.casebook.translations import GIST, TRANSLATION, Translation
from scripts.desk.redaction.leaving_texts import texts_of_case
from scripts.desk.redaction.standing import (
    Standing,
    counting,
    must_not_leave_natively,
    sha256_of,
    standing,
)

INPUTS = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))["inputs"]
TEXT = "他叫张三，电话 138 0000 0000，住在某地。"
PRIVILEGE = "[redacted: privilege]"


def edge_texts() -> list[Any]:
    found = []
    for one in INPUTS:
        value, made = one.get("value"), one.get("gen", {})
        text = made["repeat"] * made["times"] if "repeat" in made else value
        if isinstance(text, str) and text:
            found.append(pytest.param(text, id=one["id"]))
    assert len(found) > 20
    return found


def test_a_span_is_one_marker_of_a_fixed_look() -> None:
    short, long = Standing([span(TEXT, 2, 4)]), Standing([span(TEXT, 2, 20)])

    assert short.text(TEXT) == "他叫[redacted: privilege]，电话 138 0000 0000，住在某地。"
    assert long.text(TEXT) == f"他叫{PRIVILEGE}{TEXT[20:]}"
    assert Standing(()).marker(["minor", "contact", "minor"]) == "[redacted: contact, minor]"


@pytest.mark.parametrize("text", edge_texts())
def test_any_text_can_be_blacked_out_anywhere(text: str) -> None:
    length = len(text)
    for start, stop in {(0, length), (0, 1), (length - 1, length), (length // 3, length // 2 + 1)}:
        if not start < stop <= length:
            continue
        shown = Standing([span(text, start, stop)]).text(text)
        assert shown == text[:start] + PRIVILEGE + text[stop:]


def test_spans_that_overlap_or_touch_are_one_marker_with_all_reasons() -> None:
    text = "0123456789"
    found = Standing(
        [
            span(text, 4, 6, "minor"),
            span(text, 1, 3),
            span(text, 2, 4, "contact"),
            span(text, 8, 9),
            span(text, 8, 9, key="0a"),
        ]
    )

    assert found.text(text) == f"0[redacted: contact, minor, privilege]67{PRIVILEGE}9"


def test_a_span_is_of_exactly_this_text_and_cannot_slide() -> None:
    found = Standing([span(TEXT, 2, 4)])

    for other in (f" {TEXT}", TEXT[:-1], TEXT.replace("张", "張"), f"{TEXT}\n"):
        assert found.text(other) == other


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (-1, 3), (3, 99), (9, 2)])
def test_a_span_that_fits_nowhere_blacks_out_all_of_its_text(start: int, stop: int) -> None:
    # No desk of this version adds such a one; another desk's row may say anything.
    one = span(TEXT, 0, 1, key="0a")._replace(start=start, stop=stop)

    assert Standing([one]).text(TEXT) == PRIVILEGE
    assert Standing([one._replace(kind="of a later version")]).text(TEXT) == PRIVILEGE


def test_a_reason_that_is_no_code_leaves_as_none() -> None:
    assert Standing(()).marker(["Zhang San", "\x1b[2J", "", "x" * 65]) == "[redacted: other]"


def test_every_text_in_a_value_leaves_as_it_should_and_names_of_fields_stay() -> None:
    found = Standing([span("secret", 0, 6)])
    value = {"secret": ["secret", {"a": "secret"}, 1, None, True], "b": "secrets"}

    assert found.values(value) == {
        "secret": [PRIVILEGE, {"a": PRIVILEGE}, 1, None, True],
        "b": "secrets",
    }


def test_a_translation_is_withheld_unless_it_was_redacted_for_the_same_reasons() -> None:
    english = "His name is Zhang San."
    original = [span(TEXT, 2, 4), span(TEXT, 8, 21, "contact")]

    assert Standing([]).beside(english, TEXT) == english
    assert Standing(original).beside(english, TEXT) == "[redacted: contact, privilege]"
    both = [*original, span(english, 12, 21)]
    assert Standing(both).beside(english, TEXT) == "[redacted: contact, privilege]"
    both.append(span(english, 12, 21, "contact"))
    assert Standing(both).beside(english, TEXT) == "His name is [redacted: contact, privilege]."


def test_what_was_taken_back_counts_no_more_and_a_second_one_still_does(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        add(casebook, report(TEXT, 1), report(TEXT, 2))
        redact(casebook, span(TEXT, 2, 4, key="0a"), span(TEXT, 2, 4, "minor", key="0b"))
        take_back(casebook, "0a")
        assert standing(casebook).text(TEXT).startswith("他叫[redacted: minor]，")
        redact(casebook, span(TEXT, 2, 4, "contact", key="0c"), case=2)
        # The same text in another case is the same text.
        assert standing(casebook).text(TEXT).startswith("他叫[redacted: contact, minor]，")
        take_back(casebook, "0b")
        take_back(casebook, "0c", case=2)
        assert standing(casebook).text(TEXT) == TEXT
        assert [one.key for one in casebook.redactions.of(1)] == ["0a", "0b"]


def test_a_file_with_any_redaction_never_leaves_as_it_is(tmp_path: Path) -> None:
    scan = attachment("scan.pdf", b"scan")
    with new_casebook(tmp_path / "casebook") as casebook:
        add(casebook, report("", 1, attachments=(scan, attachment("b", b"b"))))
        add(casebook, report("", 2, attachments=(scan,)))
        redact(casebook, whole(b"scan"))
        first, other = casebook.case(1).files
        (again,) = casebook.case(2).files
        assert must_not_leave_natively(casebook, first)
        assert must_not_leave_natively(casebook, again)  # the same bytes in another case
        assert not must_not_leave_natively(casebook, other)
        take_back(casebook, "ab" * 16)
        assert not must_not_leave_natively(casebook, first)


def test_what_an_approval_binds_changes_with_every_redaction_that_counts(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        add(casebook, report(TEXT, 1), report(TEXT, 2), report("else", 3))

        def state(case: int) -> str:
            return json.dumps(counting(casebook, casebook.case(case), standing(casebook)))

        before = [state(case) for case in (1, 2, 3)]
        redact(casebook, span(TEXT, 2, 4, key="0a"))
        added = [state(case) for case in (1, 2, 3)]
        assert added[0] != before[0] and added[1] != before[1] and added[2] == before[2] == "[]"
        assert counting(casebook, casebook.case(1), standing(casebook)) == [
            ["0a", "text", sha256_of(TEXT), 0, 0, 0, 0, 0, 2, 4, "privilege", WHO, DAY.isoformat()]
        ]
        redact(casebook, span(TEXT, 2, 4, key="0b"))
        assert state(1) != added[0]
        take_back(casebook, "0b")
        assert state(1) == added[0]
        take_back(casebook, "0a")
        assert state(1) == before[0]


def test_all_texts_of_a_case_are_known_by_their_places(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        named = attachment("张三.pdf", b"1")
        add(
            casebook,
            report(TEXT, 1, attachments=(named,), facts={"amount": "3万", "chosen": ["a.b"]}),
            report("", 1, kind="message"),
        )
        case = casebook.case(1)
        casebook.answers.queue(case, kind="answer", language="en", day=case.day, text="Dear")

        assert [(one.place, one.text) for one in texts_of_case(casebook, case)] == [
            ("part 1", TEXT),
            ("answer 1", "Dear"),
            ("field amount of part 1", "3万"),
            ("field chosen of part 1", "a.b"),
            ("name of file 1", "张三.pdf"),
        ]


def test_what_reviewers_wrote_beside_a_case_is_among_its_texts_by_number(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        add(casebook, report(TEXT, 1))
        case = casebook.case(1)
        source = case.parts[0].block_id.hex()
        with casebook.together():
            for kind, language, text in ((GIST, "en", "A gist"), (TRANSLATION, "fr", "Une fois")):
                given = Translation(source, kind, language, "", text, WHO, DAY)
                casebook.translations.add(case, given)
            for entry, text in (("E000000001", "blocked"), ("E000000002", "paid")):
                event = Event(entry=entry, kind="ev.other", text=text, reviewer=WHO, day=DAY)
                casebook.events.add(case, event)
            for entry, name, text in (
                ("P000000001", "张三", ""),
                ("P000000002", "李四", "a friend"),
            ):
                casebook.parties.add(
                    case,
                    Party(
                        entry=entry, kind="person", role="other", names=name, text=text,
                        reviewer=WHO, day=DAY,
                    ),
                )  # fmt: skip

        assert [(one.place, one.text, one.original) for one in texts_of_case(casebook, case)] == [
            ("part 1", TEXT, ""),
            ("translation 1 (gist in en)", "A gist", TEXT),
            ("translation 2 (translation in fr)", "Une fois", TEXT),
            ("event 1", "blocked", ""),
            ("event 2", "paid", ""),
            ("names of party 1", "张三", ""),
            ("names of party 2", "李四", ""),
            ("party 2", "a friend", ""),
        ]
