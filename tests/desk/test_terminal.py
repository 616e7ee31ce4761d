"""What claimants wrote, on a reviewer's terminal."""

import unicodedata

import pytest

from scripts.terminal import one_line, visible


@pytest.mark.parametrize(
    "text",
    ["我的微信号被永久封禁", "𠮷野家 𪚥", "ئۇيغۇرچە", "👍🏽 ❤️", "naïve — “quoted”", "one\ntwo", ""],
)
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "‹U+001B›[2J"),
        ("\x9b31m", "‹U+009B›31m"),
        ("evil\u202egpj.exe", "evil‹U+202E›gpj.exe"),
        ("a\u2066b\u2069", "a‹U+2066›b‹U+2069›"),
        ("in\u200bvisible\ufeff", "in‹U+200B›visible‹U+FEFF›"),
        ("over\rwritten", "over‹U+000D›written"),
        ("\0\x07\x7f", "‹U+0000›‹U+0007›‹U+007F›"),
        ("half \ud800", "half ‹U+D800›"),
        ("tag\U000e0041", "tag‹U+E0041›"),
        ("filler\u3164", "filler‹U+3164›"),
        ("line\u2028break", "line‹U+2028›break"),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.long
def test_nothing_of_unicode_gets_through_that_acts() -> None:
    everything = "".join(map(chr, range(0x110000)))

    left = {unicodedata.category(one) for one in visible(everything).replace("\n", "")}

    assert left & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


def test_an_excerpt_is_one_line_of_bounded_length() -> None:
    assert one_line("two\nlines \t here", 40) == "two lines here"
    assert one_line("很" * 50, 10) == "很" * 9 + "…"
    assert len(one_line("\u202e" * 10_000, 10)) == 10
    assert "\x1b" not in one_line("\x1b" * 3, 10)
