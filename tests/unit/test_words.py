"""The word lists follow the rules for choosing them, and are what their sources produce."""

from pathlib import Path

import pytest

from dropbox.codename import BadWordList, WordLists
from scripts.release import words as word_builder
from scripts.release.words import Apart, accent, distance, excluded

LISTS = WordLists.read()
PINYIN = [pinyin for pinyin, _, _ in LISTS.chinese]


@pytest.mark.long
def test_both_lists_are_what_their_sources_give() -> None:
    assert word_builder.main(["--check"]) == 0


def test_each_list_has_2048_words_and_no_word_stands_in_both() -> None:
    assert len(set(PINYIN)) == len(set(LISTS.english)) == 2048
    assert not set(PINYIN) & set(LISTS.english)


@pytest.mark.parametrize(
    ("words", "least"), [(PINYIN, 2), (list(LISTS.english), 3)], ids=["pinyin", "English"]
)
def test_no_two_words_are_nearer_than_the_rule(words: list[str], least: int) -> None:
    apart = Apart(least)

    assert [word for word in words if not apart.take(word)] == []


def test_the_measure_of_nearness_is_right() -> None:
    assert [
        distance("kitten", "sitting"),
        distance("abc", "abc"),
        distance("abc", "acb"),
        distance("", "ab"),
    ] == [
        3,
        0,
        2,
        2,
    ]
    apart = Apart(3)
    assert (
        apart.take("orange")
        and not apart.take("grange")
        and not apart.take("orngae")
        and apart.take("purple")
    )


def test_no_two_words_sound_alike_to_southern_ears() -> None:
    assert len({accent(pinyin) for pinyin in PINYIN}) == 2048


def test_characters_lead_to_one_word_in_either_script() -> None:
    for script in (1, 2):
        assert len({word[script] for word in LISTS.chinese}) == 2048


@pytest.mark.parametrize("sign", ["党", "警", "死", "毒", "军", "官", "法", "鬼"])
def test_no_word_would_look_bad_on_a_slip_of_paper(sign: str) -> None:
    assert not any(sign in simplified for _, simplified, _ in LISTS.chinese)


def test_nothing_left_out_by_hand_came_back() -> None:
    words, signs = excluded("exclude_zh.txt")

    assert len(words) > 500 and len(signs) > 200
    assert not {simplified for _, simplified, _ in LISTS.chinese} & words
    assert not {sign for _, simplified, _ in LISTS.chinese for sign in simplified} & signs
    assert not set(LISTS.english) & excluded("exclude_en.txt")[0]


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("en.txt", lambda lines: lines[:-1], "does not have 2048 words"),
        ("en.txt", lambda lines: [lines[1], *lines[1:]], "twice"),
        ("en.txt", lambda lines: ["Upper", *lines[1:]], "letters a-z"),
        ("en.txt", lambda lines: [PINYIN[5], *lines[1:]], "twice"),
        ("zh.txt", lambda lines: ["abcdef\t一\t一", *lines[1:]], "two characters"),
        ("zh.txt", lambda lines: ["abcdef\t一一", *lines[1:]], "damaged"),
    ],
)
def test_a_damaged_list_is_refused(
    tmp_path: Path, file: str, change: object, sentence: str
) -> None:
    for name in ("en.txt", "zh.txt"):
        lines = (word_builder.FOLDER / name).read_text("utf-8").splitlines()
        kept = change(lines) if name == file else lines  # type: ignore[operator]
        (tmp_path / name).write_text("\n".join(kept) + "\n", "utf-8")
    with pytest.raises(BadWordList, match=sentence):
        WordLists.read(tmp_path)
