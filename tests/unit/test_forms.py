"""The forms' own checks, at the exact length of what a report holds."""

import pytest
from support.front import Front
from wtforms.validators import ValidationError

from dropbox.codename import WordLists
from dropbox.front.forms import check_text
from dropbox.report import TEXT_BYTES


def said(front: Front, text: str, words: WordLists, files: int = 0) -> str:
    """What is said of *text* in English, "" if nothing."""
    with front.app.test_request_context("/en/report"):
        front.app.preprocess_request()
        try:
            check_text(text, files, words)
        except ValidationError as why:
            return str(why)
    return ""


@pytest.mark.parametrize("letter", ["x", "长"])
def test_a_text_may_fill_a_report_to_the_last_byte(
    front: Front, words: WordLists, letter: str
) -> None:
    whole = letter * (TEXT_BYTES // len(letter.encode()))
    rest = "x" * (TEXT_BYTES - len(whole.encode()))

    assert said(front, whole + rest, words) == ""
    for more, count in ((1, 1), (2, 1), (3, 2), (300, 101)):
        sentence = said(front, whole + rest + "x" * more, words)
        assert f"too long by about {count} Chinese characters" in sentence


@pytest.mark.parametrize("text", ["", " \r\n\t", "　"])
def test_a_file_alone_is_enough_and_nothing_is_not(
    front: Front, words: WordLists, text: str
) -> None:
    assert "write what happened" in said(front, text, words)
    assert said(front, text, words, files=1) == ""


def test_a_character_that_no_file_can_hold_is_said(front: Front, words: WordLists) -> None:
    assert "cannot be sent" in said(front, "half of one: \ud83d", words)
