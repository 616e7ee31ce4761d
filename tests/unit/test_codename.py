"""The codename: read in any spelling, refused if wrong, and its keys compared with vectors."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from dropbox.codename import (
    CHEAPEST,
    Codename,
    Cost,
    UnknownWord,
    WordLists,
    WrongCheck,
    WrongCount,
    derive_keys,
    new_codename,
)
from dropbox.erase_hash import first_preimage
from dropbox.errors import BadCodename

VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "codename").glob("*.json"))
LISTS = WordLists.read()
CODENAMES = st.tuples(*[st.integers(0, 2047)] * 7).map(Codename)
LANGUAGES = ("zh-Hans", "zh-Hant", "en")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_vectors(vector: Path) -> None:
    expected = json.loads(vector.read_text("utf-8"))
    codename = Codename(tuple(expected["indexes"]))
    cost = Cost(expected["memory"], expected["operations"])
    keys = derive_keys(codename, salt=bytes.fromhex(expected["salt"]), cost=cost)

    assert (codename.packed().hex(), codename.check) == (expected["packed"], expected["check"])
    assert Codename.unpack(codename.packed()) == codename
    for name in ("reply_private", "reply_public", "tag_key", "withdraw_key"):
        assert getattr(keys, name).hex() == expected[name]
    # Those of the first version do not have it.
    assert keys.reply_symmetric.hex() == expected.get("reply_symmetric", keys.reply_symmetric.hex())
    assert (
        first_preimage(keys.withdraw_key, bytes(16)).hex() == expected["withdraw_tag_of_zero_block"]
    )


def test_there_are_vectors_of_the_symmetric_key_and_it_is_none_of_the_others() -> None:
    with_it = [path.name for path in VECTORS if "reply_symmetric" in path.read_text("utf-8")]
    keys = derive_keys(Codename((1, 2, 3, 4, 5, 6, 7)), salt=bytes(16), cost=CHEAPEST)

    assert with_it == ["05_symmetric_reply_key.json"]
    assert len({*vars(keys).values()}) == 5 and {len(key) for key in vars(keys).values()} == {32}


def test_the_cost_that_production_takes_is_that_of_its_vector() -> None:
    """A vector has its own cost; here none is given, as in production.

    Fewer passes would give other keys.
    """
    expected = json.loads((VECTORS[0].parent / "04_full_cost.json").read_text("utf-8"))
    codename = Codename(tuple(expected["indexes"]))

    keys = derive_keys(codename, salt=bytes.fromhex(expected["salt"]))

    assert keys.tag_key.hex() == expected["tag_key"]
    assert (expected["memory"], expected["operations"]) == (19 * 2**20, 2)


@pytest.mark.slow
@given(
    CODENAMES,
    st.sampled_from(LANGUAGES),
    st.sampled_from([" ", "　", "-", "、", "，", "\r\n", "/", "·", ". ", ""]),
)
@examples(150)
def test_a_codename_is_read_back_in_every_language_and_with_every_separator(
    codename: Codename, language: str, separator: str
) -> None:
    words = LISTS.spell(codename, language)

    assert LISTS.read_codename(separator.join(word.typed for word in words)) == codename
    if language != "en":
        assert LISTS.read_codename(separator.join(word.hanzi for word in words)) == codename


def dressed(codename: Codename) -> dict[str, str]:
    """A codename as different people type it."""
    hans, hant, english = (LISTS.spell(codename, language) for language in LANGUAGES)
    typed = " ".join(word.typed for word in hans)
    return {
        "capitals": typed.upper(),
        "full width": "".join(chr(ord(sign) + 0xFEE0) if sign != " " else "　" for sign in typed),
        "numbered": "\n".join(f"{number}. {word.typed}" for number, word in enumerate(hans, 1)),
        "numbered in circles": " ".join(
            f"{chr(0x245F + number)}{word.hanzi}" for number, word in enumerate(hant, 1)
        ),
        "both spellings": " ".join(f"{word.typed} {word.hanzi}" for word in hans),
        "mixed languages": " ".join(
            [
                *(word.typed for word in english[:3]),
                *(word.hanzi for word in hant[3:6]),
                *(word.typed for word in hans[6:]),
            ]
        ),
        "tone marks": typed.translate(str.maketrans("aeiou", "āéǐòū")),
        "decomposed tone marks": unicodedata.normalize(
            "NFD", typed.translate(str.maketrans("aeiou", "àěīóù"))
        ),
        "syllables apart": " ".join(" ".join(halves(word.typed)) for word in hans),
        "brackets and stops": f"  “{typed}。” ",
    }


# How people write who do not hear a difference: each of them is read.
SOUTHERN = [("sh", "s"), ("zh", "z"), ("ch", "c"), ("l", "n"), ("ang", "an"), ("eng", "en"),
            ("ing", "in"), ("ong", "on")]  # fmt: skip


@pytest.mark.parametrize("heard", SOUTHERN, ids="->".join)
@pytest.mark.parametrize("separator", [" ", ""], ids=["apart", "together"])
def test_southern_pinyin_is_read_both_ways(heard: tuple[str, str], separator: str) -> None:
    sound, same = heard
    spoken = [n for n, (word, _, _) in enumerate(LISTS.chinese) if sound in word]
    for at in range(0, min(len(spoken), 70) - 7, 7):
        codename = Codename(tuple(spoken[at : at + 7]))
        typed = [word.typed for word in LISTS.spell(codename, "zh-Hans")]
        written = separator.join(word.replace(sound, same) for word in typed)

        assert LISTS.read_codename(written) == codename
    # The other way round: who writes too many of them.
    plain = [
        n for n, (word, _, _) in enumerate(LISTS.chinese) if word[0] in "szc" and word[1] != "h"
    ]
    codename = Codename(tuple(plain[20:27]))
    typed = [word.typed for word in LISTS.spell(codename, "zh-Hans")]
    assert LISTS.read_codename(separator.join(word[0] + "h" + word[1:] for word in typed[:7]) +
        separator + typed[7]) == codename  # fmt: skip


@pytest.mark.long
def test_each_word_is_read_in_southern_pinyin_where_it_stands_alone() -> None:
    for number, (pinyin, _, _) in enumerate(LISTS.chinese):
        spelled = pinyin
        for sound, same in SOUTHERN:
            spelled = spelled.replace(sound, same)
        codename = Codename((number,) * 7)
        words = [word.typed for word in LISTS.spell(codename, "en")]

        assert LISTS.read_codename(" ".join([spelled, *words[1:]])) == codename, pinyin


@pytest.mark.parametrize(
    "forms",
    [
        *("炒麵 炒麪 炒面", "床架 牀架", "手錶 手表", "獎杯 獎盃 奖盃", "襯裡 襯裏", "群山 羣山"),
        *(
            "岩漿 巖漿",
            "鐘擺 鍾擺",
            "鐵鉤 鐵鈎",
            "臥室 卧室",
            "捲尺 卷尺",
            "遊客 游客",
            "牆面 墻面",
        ),
        *("拐杖 柺杖 枴杖", "煉鐵 鍊鐵", "拉鍊 拉鏈", "穀物 谷物", "大蔥 大葱"),
    ],
)
def test_each_form_of_a_character_is_read_also_mixed_with_the_other_script(forms: str) -> None:
    first, *others = forms.split()
    number = next(n for n, (_, _, hant) in enumerate(LISTS.chinese) if hant == first)
    codename = Codename((number,) * 7)
    words = [word.hanzi for word in LISTS.spell(codename, "zh-Hant")]
    for other in [LISTS.chinese[number][1], *others]:
        assert LISTS.read_codename("".join([other, *words[1:]])) == codename
        assert LISTS.contains_codename("，".join([*[other] * 7, words[7]]))


def halves(pinyin: str) -> list[str]:
    """A word split in two, as by somebody who writes syllables."""
    return [pinyin[: len(pinyin) // 2], pinyin[len(pinyin) // 2 :]]


@pytest.mark.parametrize("dress", sorted(dressed(Codename((0,) * 7))))
def test_it_may_be_typed_as_people_type(dress: str) -> None:
    codename = Codename((3, 2047, 99, 1500, 700, 99, 12))

    assert LISTS.read_codename(dressed(codename)[dress]) == codename


@pytest.mark.slow
@given(CODENAMES, st.integers(0, 7), st.integers(1, 2047))
@examples(150)
def test_one_other_word_is_refused(codename: Codename, place: int, step: int) -> None:
    indexes = [*codename.indexes, codename.check]
    indexes[place] = (indexes[place] + step) % 2048
    other = Codename(tuple(indexes[:7]))
    # One in 2,048 substituted words happens to give the same check word.
    if other.check != indexes[7]:
        with pytest.raises(WrongCheck):
            LISTS.read_codename(" ".join(LISTS.english[index] for index in indexes))


def test_an_unknown_word_is_named_by_its_place_and_not_repeated() -> None:
    words = [word.typed for word in LISTS.spell(Codename((1, 2, 3, 4, 5, 6, 7)), "zh-Hans")]
    words[3] = "qqqqq"
    with pytest.raises(UnknownWord) as refusal:
        LISTS.read_codename(" ".join(words))

    assert refusal.value.position == 4
    assert "qqqqq" not in str(refusal.value) and words[0] not in str(refusal.value)


@pytest.mark.parametrize("count", [0, 1, 7, 9])
def test_too_few_or_too_many_words_are_counted(count: int) -> None:
    with pytest.raises(WrongCount) as refusal:
        LISTS.read_codename(" ".join(LISTS.english[:count]))

    assert refusal.value.count == count


def test_a_long_text_is_cut_and_refused_at_once() -> None:
    with pytest.raises(BadCodename):
        LISTS.read_codename("a" * 10_000_000)


@pytest.mark.parametrize("more", [0, 1])
def test_what_follows_the_first_400_characters_is_not_read(more: int) -> None:
    codename = Codename((1, 2, 3, 4, 5, 6, 7))
    typed = " ".join(word.typed for word in LISTS.spell(codename, "en")).rjust(400 + more)
    if not more:
        assert LISTS.read_codename(typed) == codename
        return
    with pytest.raises(BadCodename):
        LISTS.read_codename(typed)


def test_new_codenames_come_from_the_given_chance_and_differ() -> None:
    assert new_codename(lambda below: below - 1) == Codename((2047,) * 7)
    assert new_codename() != new_codename()


@pytest.mark.parametrize("indexes", [(1,) * 6, (1,) * 8, (2048, *(1,) * 6), (-1, *(1,) * 6)])
def test_indexes_outside_the_list_are_refused(indexes: tuple[int, ...]) -> None:
    with pytest.raises(BadCodename):
        Codename(indexes)


@pytest.mark.parametrize("packed", [b"", b"\0" * 9, b"\0" * 11, b"\xff" * 10])
def test_what_is_not_a_packed_codename_is_refused(packed: bytes) -> None:
    with pytest.raises(BadCodename):
        Codename.unpack(packed)


def test_another_salt_another_codename_and_another_cost_give_other_keys() -> None:
    first = Codename((1, 2, 3, 4, 5, 6, 7))
    keys = {
        derive_keys(first, salt=bytes(16), cost=CHEAPEST).tag_key,
        derive_keys(first, salt=bytes(15) + b"\1", cost=CHEAPEST).tag_key,
        derive_keys(Codename((1, 2, 3, 4, 5, 6, 8)), salt=bytes(16), cost=CHEAPEST).tag_key,
        derive_keys(first, salt=bytes(16), cost=Cost(CHEAPEST.memory, 2)).tag_key,
    }

    assert len(keys) == 4


def test_neither_codename_nor_keys_show_themselves_in_a_repr() -> None:
    codename = Codename((1234, 2, 3, 4, 5, 6, 7))
    keys = derive_keys(codename, salt=bytes(16), cost=CHEAPEST)

    assert "1234" not in repr(codename)
    assert keys.tag_key.hex() not in repr(keys) and repr(keys.tag_key) not in repr(keys)


@pytest.mark.parametrize(
    "dress", sorted(set(dressed(Codename((0,) * 7))) - {"mixed languages", "syllables apart"})
)
def test_a_codename_inside_a_text_is_found(dress: str) -> None:
    codename = Codename((3, 2047, 99, 1500, 700, 98, 12))

    assert LISTS.contains_codename(f"我的查询码是：{dressed(codename)[dress]}。\n谢谢。")
    assert LISTS.contains_codename(
        "查询码" + "".join(word.hanzi for word in LISTS.spell(codename, "zh-Hans")) + "不要忘记"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("longest", [False, True], ids=["short words", "long words"])
def test_a_codename_without_spaces_is_found_in_a_text(language: str, longest: bool) -> None:
    by_length = sorted(
        range(2048), key=lambda at: len(LISTS.spell(Codename((at,) * 7), language)[0].typed)
    )
    indexes = by_length[-7:] if longest else by_length[:7]
    run = "".join(word.typed for word in LISTS.spell(Codename(tuple(indexes)), language))

    assert LISTS.contains_codename(f"我的查询码是{run}。")
    assert not LISTS.contains_codename(f"我的查询码是{run[:-1]}。")


def test_ordinary_texts_hold_no_codename() -> None:
    cases = json.loads((Path(__file__).parents[1] / "sample_cases.json").read_text("utf-8"))[
        "cases"
    ]

    assert not any(
        LISTS.contains_codename(case["text_zh_hans"]) or LISTS.contains_codename(case["gloss_en"])
        for case in cases
    )
    assert not LISTS.contains_codename(" ".join(LISTS.english[:100]))


@pytest.mark.parametrize(("language", "script"), [("zh-Hans", 1), ("zh-Hant", 2)])
def test_a_codename_is_shown_in_pinyin_and_in_the_characters_of_its_script(
    language: str, script: int
) -> None:
    codename = Codename((3, 2047, 99, 1500, 700, 98, 0))

    shown = LISTS.spell(codename, language)

    words = [LISTS.chinese[index] for index in (*codename.indexes, codename.check)]
    assert [(one.typed, one.hanzi) for one in shown] == [(word[0], word[script]) for word in words]
    assert [(one.typed, one.hanzi) for one in LISTS.spell(codename, "en")] == [
        (LISTS.english[index], "") for index in (*codename.indexes, codename.check)
    ]


@pytest.mark.parametrize("apart", [0, 3, 7])
def test_a_word_in_two_pieces_counts_as_one_where_another_is_wrong(apart: int) -> None:
    words = [word.typed for word in LISTS.spell(Codename((1, 2, 3, 4, 5, 6, 7)), "zh-Hans")]
    wrong = 5
    words[wrong] = "qqqqq"
    words[apart] = " ".join(halves(words[apart]))

    with pytest.raises(UnknownWord) as refusal:
        LISTS.read_codename(" ".join(words))
    assert refusal.value.position == wrong + 1


@pytest.mark.parametrize("before", ["", "我", "我们", "我们说"])
@pytest.mark.parametrize("after", ["", "的", "的呢"])
def test_a_codename_in_characters_is_found_wherever_it_begins(before: str, after: str) -> None:
    codename = Codename((3, 2047, 99, 1500, 700, 98, 12))
    hanzi = "".join(word.hanzi for word in LISTS.spell(codename, "zh-Hant"))

    assert LISTS.contains_codename(f"{before}{hanzi}{after}")
    assert not LISTS.contains_codename(f"{before}{hanzi[:-1]}{after}")


def test_a_codename_is_found_where_its_first_word_comes_again_at_the_end() -> None:
    words = [word.typed for word in LISTS.spell(Codename((3, 2047, 99, 1500, 700, 98, 12)), "en")]

    doubled = " ".join(f"{word} {word}" for word in words)
    assert LISTS.contains_codename(f"{doubled} {words[0]}")
    assert not LISTS.contains_codename(" ".join(words[1:]))
