"""The word lists follow the rules for choosing them, and are what their sources produce."""

from itertools import pairwise
from pathlib import Path

import pytest

from dropbox.codename import BadWordList, WordLists, southern
from scripts.release import words as word_builder
from scripts.release.words import Apart, common, distance, excluded, toneless, twins

LISTS = WordLists.read()
PINYIN = [pinyin for pinyin, _, _ in LISTS.chinese]
SIMPLIFIED = [simplified for _, simplified, _ in LISTS.chinese]


@pytest.mark.long
def test_both_lists_are_what_their_sources_give() -> None:
    assert word_builder.main(["--check"]) == 0


def test_each_list_has_2048_words_and_no_word_stands_in_both() -> None:
    assert len(set(PINYIN)) == len(set(LISTS.english)) == 2048
    assert not set(PINYIN) & set(LISTS.english)


@pytest.mark.parametrize(
    ("words", "least"), [(PINYIN, 2), (list(LISTS.english), 3)], ids=["pinyin", "English"]
)
@pytest.mark.slow
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
    """s or sh, z or zh, c or ch, n or l, f or h, and n or ng at a syllable's end."""
    assert len({southern(pinyin) for pinyin in PINYIN}) == 2048
    assert not set(map(southern, PINYIN)) & set(map(southern, LISTS.english))


def test_no_two_chinese_words_are_each_other_the_other_way_round() -> None:
    assert not {word[::-1] for word in SIMPLIFIED} & set(SIMPLIFIED)


def test_everybody_knows_the_characters() -> None:
    assert common("阿座") and not common("柚子") and not common("麵粉")
    assert [word for word in SIMPLIFIED if not common(word)] == []


@pytest.mark.long
def test_no_word_sounds_like_one_that_must_not_be_heard() -> None:
    """Whoever reads only the letters sees no 自杀 in zisha, and no 真相 in zhenxian either."""
    _, _, heard = excluded("exclude_zh.txt")
    never = {southern(toneless(word)) for word in heard}

    assert len(heard) > 400 and {"zisa", "hexie"} <= never
    assert [word for word, *_ in LISTS.chinese if southern(word) in never] == []


def test_no_two_english_words_are_twins_of_one_stem() -> None:
    assert twins("dress", "dressing") and twins("flower", "flowerpot")
    assert not twins("snowball", "snowbird")
    words = sorted(LISTS.english)

    assert [pair for pair in pairwise(words) if twins(*pair)] == []


def test_the_traditional_words_are_those_that_people_write() -> None:
    """None of them has a form that only dictionaries or converters have."""
    used = {character for _, _, word in LISTS.chinese for character in word}

    assert not used & set("麪佈牀裏羣峯溼柺揹綵剷伕傢俱盃樑釦絃巖竈鈎葱卧户鋭")
    assert {"麵", "床", "裡", "群", "杯"} <= used
    assert used >= set(LISTS.variants)


def test_characters_lead_to_one_word_in_either_script() -> None:
    for script in (1, 2):
        assert len({word[script] for word in LISTS.chinese}) == 2048


@pytest.mark.parametrize("sign", ["党", "警", "死", "毒", "军", "官", "法", "鬼"])
def test_no_word_would_look_bad_on_a_slip_of_paper(sign: str) -> None:
    assert not any(sign in simplified for _, simplified, _ in LISTS.chinese)


def test_nothing_left_out_by_hand_came_back() -> None:
    words, signs, _ = excluded("exclude_zh.txt")

    assert len(words) > 900 and len(signs) > 200 and "茶" in signs
    assert not {simplified for _, simplified, _ in LISTS.chinese} & words
    assert not {sign for _, simplified, _ in LISTS.chinese for sign in simplified} & signs
    assert not set(LISTS.english) & excluded("exclude_en.txt")[0]


def southern_form(pinyin: list[str]) -> str:
    """One of the words as somebody spells it who does not hear the difference."""
    return next(
        word.replace("sh", "s")
        for word in pinyin
        if "sh" in word and word.replace("sh", "s") not in pinyin
    )


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("en.txt", lambda lines: lines[:-1], "does not have 2048 words"),
        ("en.txt", lambda lines: [lines[1], *lines[1:]], "twice"),
        ("en.txt", lambda lines: ["Upper", *lines[1:]], "letters a-z"),
        ("en.txt", lambda lines: ["qqq", *lines[1:]], "4 to 10 letters"),
        ("en.txt", lambda lines: ["q" * 11, *lines[1:]], "4 to 10 letters"),
        ("zh.txt", lambda lines: ["abcdef\t一a\t一一", *lines[1:]], "two characters"),
        ("zh.txt", lambda lines: ["abcdef\t一一\t一一一", *lines[1:]], "two characters"),
        ("zh.txt", lambda lines: lines[:-1], "does not have 2048 words"),
        ("en.txt", lambda lines: [PINYIN[5], *lines[1:]], "twice"),
        ("en.txt", lambda lines: [southern_form(PINYIN), *lines[1:]], "southerners"),
        ("zh.txt", lambda lines: ["abcdef\t一\t一", *lines[1:]], "two characters"),
        ("zh.txt", lambda lines: ["abcdef\t一一", *lines[1:]], "damaged"),
        ("variants.txt", lambda lines: ["", *lines], "damaged"),
    ],
)
@pytest.mark.slow
def test_a_damaged_list_is_refused(
    tmp_path: Path, file: str, change: object, sentence: str
) -> None:
    for name in ("en.txt", "zh.txt", "variants.txt"):
        lines = (word_builder.FOLDER / name).read_text("utf-8").splitlines()
        kept = change(lines) if name == file else lines  # type: ignore[operator]
        (tmp_path / name).write_text("\n".join(kept) + "\n", "utf-8")
    with pytest.raises(BadWordList, match=sentence):
        WordLists.read(tmp_path)
