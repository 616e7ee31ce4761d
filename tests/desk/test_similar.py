"""Similar cases are linked: the same file, the same text, nearly the same text; and no others."""

import hashlib
import random
import struct
from collections.abc import Callable
from itertools import combinations

import pytest
from support.cases import SAMPLES, add, attachment, report

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import similar
from scripts.desk.search.derived import Register
from scripts.desk.search.folding import letters
from scripts.desk.search.similar import (
    MOST_LINKS,
    Link,
    Links,
    bands,
    grams,
    jaccard,
    likeness,
    linked,
    links_of,
    share,
)

TEXTS = [case["text_zh_hans"] for case in SAMPLES]
RARE = [chr(code) for code in range(0x8000, 0x9000)]


def scattered(text: str, chance: random.Random) -> str:
    """Replace one character in ten."""
    characters = list(text)
    for index in chance.sample(range(len(characters)), len(characters) // 10):
        characters[index] = chance.choice(RARE)
    return "".join(characters)


def rewritten(text: str, chance: random.Random) -> str:
    """Replace a tenth of it, in one position."""
    size = len(text) // 10
    at = chance.randrange(len(text) - size)
    return text[:at] + "".join(chance.choices(RARE, k=size)) + text[at + size :]


def longer(text: str, chance: random.Random) -> str:
    """Add a tenth more characters, anywhere."""
    for _ in range(len(text) // 10):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(RARE) + text[at:]
    return text


def shorter(text: str, chance: random.Random) -> str:
    """Remove a tenth."""
    kept = sorted(chance.sample(range(len(text)), len(text) - len(text) // 10))
    return "".join(text[place] for place in kept)


ALTERED = (scattered, rewritten, longer, shorter)


@pytest.mark.parametrize("alter", ALTERED)
@pytest.mark.parametrize("text", TEXTS, ids=[case["id"] for case in SAMPLES])
def test_a_pasted_text_with_a_tenth_changed_is_linked(
    casebook: Casebook, text: str, alter: Callable[[str, random.Random], str]
) -> None:
    add(casebook, *(report(one, number) for number, one in enumerate(TEXTS, 1)))
    (copy,) = add(casebook, report(alter(text, random.Random(text)), 99))

    (link,) = links_of(casebook, copy)

    assert (link.other, link.why) == (TEXTS.index(text) + 1, "near") and link.percent >= 75


def test_different_reports_of_the_same_kind_of_event_are_not_linked(casebook: Casebook) -> None:
    add(casebook, *(report(one, number) for number, one in enumerate(TEXTS, 1)))

    assert linked(casebook, range(1, 9)) == {}
    assert (
        max(
            jaccard(grams(letters(one)), grams(letters(other)))
            for one, other in combinations(TEXTS, 2)
        )
        < 0.05
    )


def test_what_has_nothing_in_common_is_not_alike_and_what_is_the_same_is_wholly() -> None:
    one, other = grams("甲乙丙丁" * 20), grams("子丑寅卯" * 20)

    assert [jaccard(one, other), jaccard(one, one), jaccard(one, one | other)] == [0, 1, 0.5]
    assert jaccard(frozenset(), frozenset()) == 0


def test_two_texts_of_which_half_is_the_same_are_compared_and_not_linked(
    casebook: Casebook,
) -> None:
    """Like one form filled in by two people: similar enough to be compared, not to be linked."""
    text, chance = TEXTS[0], random.Random(3)
    half = len(text) // 2
    others = [text[:half] + "".join(chance.sample(RARE, len(text) - half)) for _ in range(8)]

    add(
        casebook,
        report(text, 1),
        *(report(other, number) for number, other in enumerate(others, 2)),
    )

    assert any(set(bands(letters(text))) & set(bands(letters(other))) for other in others)
    assert all(
        0.2 < jaccard(grams(letters(text)), grams(letters(other))) < 0.36 for other in others
    )
    assert links_of(casebook, 1) == []


NOTICE = (
    "该微信账号由于传播色情、违法违规或其他违反《微信个人账号使用规范》的内容，已被永久限制登录，账号内的资金可以按照页面提示办理提现。"
    "如需帮助，请联系客服，或者在申诉入口提交材料，我们将在收到后尽快处理，感谢您对绿色网络环境的理解与支持。"
)
# Two people who describe the same evening in one group, each in their own words.
OWN_WORDS = (
    "【虚构】三月二十七日晚上，我们校友群里有人转了一篇讲疫情的英文报道，半小时后群就没了，第二天我和另外三个管理员登录时都说账号被永久封禁。"
    "我申诉了两次，客服每次都回同一句话，说理由不便透露。群里存的捐款名单也跟着没了，到现在也对不上账。",
    "【虚构】那天是二〇二〇年三月二十七号，群友贴出一则国外新闻，内容和新冠有关。大概九点钟，整个群突然消失，隔天早晨手机提示不能再登录。"
    "管理员一共四位，全都一样。打电话到腾讯去问，得到的答复始终是不能告知原因，募款的记录因此全部丢失。",
)
FORM = (
    "第一，事情发生的时间：",
    "第二，当时使用的账号：",
    "第三，收到的通知内容：",
    "第四，造成的损失金额：",
    "第五，是否提出过申诉：",
)
ANSWERS = (
    (
        "去年冬天一个晚上",
        "公众号，写历史的",
        "只写着违规两个字",
        "广告收入全停了",
        "申诉两次没有回音",
    ),
    (
        "二〇一九年六月四日",
        "家里开店用的那个",
        "弹窗说永久不能登录",
        "顾客都联系不上，约八万",
        "打过电话，没人理",
    ),
)


def test_two_who_tell_of_one_event_in_their_own_words_are_not_linked(casebook: Casebook) -> None:
    add(casebook, *(report(text, number) for number, text in enumerate(OWN_WORDS, 1)))

    assert linked(casebook, (1, 2)) == {}


def test_a_notice_that_many_quote_does_not_link_them(casebook: Casebook) -> None:
    """Even though it is more than half of what each of them sent."""
    texts = [f"我收到的通知是：“{NOTICE}”{own[7:60]}" for own in (*OWN_WORDS, *TEXTS)]
    add(casebook, *(report(text, number) for number, text in enumerate(texts, 1)))

    alike = [
        jaccard(grams(letters(one)), grams(letters(other))) for one, other in combinations(texts, 2)
    ]
    assert min(alike) > 0.4, "too much for the share of grams alone to tell"
    assert linked(casebook, range(1, 11)) == {}


def test_the_words_of_a_form_that_two_fill_in_do_not_link_them(casebook: Casebook) -> None:
    texts = [
        "\n".join(asked + answer for asked, answer in zip(FORM, answers, strict=True))
        for answers in ANSWERS
    ]
    add(casebook, *(report(text, number) for number, text in enumerate(texts, 1)))

    assert set(bands(letters(texts[0]))) & set(bands(letters(texts[1]))), (
        "they meet, and are compared"
    )
    assert linked(casebook, (1, 2)) == {}


def test_two_short_sentences_of_one_kind_are_alike_by_chance_and_not_linked(
    casebook: Casebook,
) -> None:
    add(
        casebook,
        report("我的微信账号被永久封禁了，申诉了三次都没有用。", 1),
        report("我的微信账号被永久封禁了，申诉了几次都没有用！", 2),
    )

    assert linked(casebook, (1, 2)) == {}


@pytest.mark.slow
def test_an_altered_copy_meets_its_original_in_a_band_and_strangers_do_not() -> None:
    """Only texts that meet are compared: nearly all similar ones must meet, and few others."""
    chance = random.Random(7)
    pairs = [(text, alter(text, chance)) for _ in range(20) for text in TEXTS for alter in ALTERED]
    keys = [set(bands(letters(text))) for text in TEXTS]

    met = [set(bands(letters(one))) & set(bands(letters(other))) for one, other in pairs]

    assert sum(map(bool, met)) >= 0.997 * len(pairs)
    assert not any(one & other for one, other in combinations(keys, 2))


def test_the_same_text_is_linked_in_either_script_and_with_other_spaces(casebook: Casebook) -> None:
    add(
        casebook,
        report("我的微信账号被永久封禁，申诉三次都被驳回，没有理由。", 1),
        report("我的微信帳號被永久封禁，申訴三次都被駁回，\r\n沒有理由！", 2, language="zh-Hant"),
    )

    assert links_of(casebook, 1) == [Link(2, "text", 100)]
    assert links_of(casebook, 2) == [Link(1, "text", 100)]


def test_the_same_file_is_linked_whatever_its_name_and_an_empty_one_is_not(
    casebook: Casebook,
) -> None:
    add(
        casebook,
        report("一", 1, attachments=(attachment("a.png", b"picture"), attachment("empty", b""))),
        report("二", 2, attachments=(attachment("b.jpg", b"picture"),)),
        report("三", 3, attachments=(attachment("empty", b""),)),
    )

    assert [links_of(casebook, case) for case in (1, 2, 3)] == [
        [Link(2, "file", 100)],
        [Link(1, "file", 100)],
        [],
    ]


def test_a_file_that_is_opened_later_is_linked_then(casebook: Casebook) -> None:
    add(casebook, report("一", 1, attachments=(attachment("a.png", b"picture"),)))
    one = report("二", 2, attachments=(attachment("b.png", b"picture"),))
    part = casebook.add_part(
        block_id=b"n" * 16, block_sha256="", day=casebook.part(1).day, bundle=2, report=one
    )
    assert links_of(casebook, 2) == []

    casebook.add_file(part, 0)

    assert links_of(casebook, 2) == [Link(1, "file", 100)]


def test_short_texts_and_no_text_say_nothing(casebook: Casebook) -> None:
    add(
        casebook,
        *(
            report(text, number)
            for number, text in enumerate(("谢谢", "谢谢", "", "", "。" * 50, "。" * 50), 1)
        ),
    )

    assert linked(casebook, range(1, 7)) == {}


def test_a_case_is_not_linked_to_itself(casebook: Casebook) -> None:
    files = (attachment(content=b"picture"),)
    add(
        casebook,
        report(TEXTS[0], 1, attachments=files),
        report(TEXTS[0], 1, kind="message", attachments=files),
    )

    assert links_of(casebook, 1) == []


@pytest.mark.long
def test_a_text_that_hundreds_pasted_is_linked_to_a_bounded_number(casebook: Casebook) -> None:
    with casebook.together():
        add(casebook, *(report(TEXTS[0], number) for number in range(1, 101)))
        add(
            casebook,
            *(
                report(scattered(TEXTS[0], random.Random(number)), number)
                for number in range(101, 201)
            ),
        )

    assert len([link for link in links_of(casebook, 100) if link.other < 100]) == MOST_LINKS
    assert 0 < len([link for link in links_of(casebook, 200) if link.other < 200]) <= MOST_LINKS


def test_links_are_made_once_and_again_when_the_register_is_gone(casebook: Casebook) -> None:
    add(casebook, report(TEXTS[0], 1), report(TEXTS[0], 2))
    before = links_of(casebook, 1)
    similar.catch_up(casebook)
    assert links_of(casebook, 1) == before == [Link(2, "text", 100)]

    casebook.database.execute("DROP TABLE link")
    assert links_of(casebook, 1) == before
    casebook.database.execute("UPDATE register SET version = 0 WHERE name = 'duplicates'")
    assert links_of(casebook, 1) == before


def test_texts_of_any_shape_are_taken(casebook: Casebook) -> None:
    """Only one character, characters outside the BMP, a whole block of text without a space."""
    texts = ["字" * 16_000, "𠮷👩" * 5_000, "a" * 48_000, "e\u0301" * 5_000, "\0\x1b\u202e" * 1_000]
    add(casebook, *(report(text, number) for number, text in enumerate(texts, 1)))

    assert linked(casebook, range(1, 6)) == {}


# Different characters (hieroglyphs), none of which folding changes.
PLAIN = "".join(filter(lambda one: letters(one) == one, map(chr, range(0x12000, 0x13430))))


def test_the_keys_that_a_casebook_holds_are_computed_alike_by_every_version() -> None:
    """They are kept: a text that comes years later has to meet those of today."""
    text = letters(
        "【虚构】我的微信账号在 2019 年被永久封禁，钱包里的钱取不出来。"
        "My shop lost all of its customers \U00020bb7."
    )

    keys = [
        hashlib.sha256(struct.pack("<32I", *bands(one))).hexdigest() for one in (text, text[:20])
    ]

    assert bands(text)[:2] == [2257578245, 2634284014]
    assert keys == [
        "8d438162ff2be299ecc9b5d7eff393f35f8b1e86b2b0a18cabf29fea25cf6fda",
        "a2893ce0e639f6f8a034f2b57236c903068a4055ba5a4d42e62b1a8caf32a552",
    ]


@pytest.mark.parametrize(("length", "why"), [(19, []), (20, ["text"])])
def test_texts_of_twenty_letters_are_long_enough_to_be_the_same(
    casebook: Casebook, length: int, why: list[str]
) -> None:
    add(casebook, report(PLAIN[:length], 1), report(f"{PLAIN[:length]}。", 2))

    assert [link.why for link in links_of(casebook, 1)] == why


@pytest.mark.parametrize(("length", "why"), [(39, []), (40, ["near"])])
def test_texts_of_forty_letters_are_long_enough_to_be_nearly_the_same(
    casebook: Casebook, length: int, why: list[str]
) -> None:
    add(casebook, report(PLAIN[:length], 1), report(PLAIN[: length - 1] + "X", 2))

    assert [link.why for link in links_of(casebook, 1)] == why


def test_two_thousand_letters_of_a_text_are_compared() -> None:
    longer = PLAIN[:2_001]

    assert grams(longer) == grams(PLAIN[:2_000]) != grams(PLAIN[:1_999])
    assert (len(grams(PLAIN[:20])), grams(PLAIN[:19])) == (18, frozenset())
    assert share(longer, grams(PLAIN[:2_000])) == 1 > share(longer, grams(PLAIN[:1_999]))
    assert bands(longer) == bands(PLAIN[:2_000])


@pytest.mark.parametrize(("common", "likely"), [(30, 0.75), (29, 0)])
def test_three_quarters_of_either_text_must_be_in_the_other(common: int, likely: float) -> None:
    text, other = PLAIN[:40], PLAIN[:common] + PLAIN[100 : 140 - common]

    assert likeness(text, grams(text), other) == likeness(other, grams(other), text) == likely


@pytest.mark.parametrize(("length", "likely"), [(34, 34 / 44), (33, 0)])
def test_two_fifths_of_all_triples_must_be_in_both(length: int, likely: float) -> None:
    """Five runs of 34 characters have 24 triples in common, of 60."""
    common = [PLAIN[at : min(at + 7, length)] for at in range(0, 35, 7)]
    text, other = (
        "".join(run + PLAIN[n : n + 2] for n, run in enumerate(common, begin))[: 34 + 10]
        for begin in (100, 200)
    )

    assert likeness(text, grams(text), other) == likely


def test_of_many_who_sent_the_same_the_first_twenty_are_linked(casebook: Casebook) -> None:
    files = (attachment(content=b"picture"),)
    text = PLAIN[:50]
    add(casebook, *(report(text, number, attachments=files) for number in range(1, 23)))

    links = links_of(casebook, 22)

    assert [(one.other, one.why) for one in links if one.why == "text"] == [
        (number, "text") for number in range(1, 21)
    ]
    assert [one.other for one in links if one.why == "file"] == list(range(1, 21))


def test_of_a_full_band_the_first_sixty_four_are_met(casebook: Casebook) -> None:
    """So that a text made to meet thousands costs no more than one that meets a few."""
    similar.catch_up(casebook)
    links = Links(casebook, Register(casebook.database, "duplicates", version=4, tables=()))
    keys = list(range(32))

    def met(*rows: tuple[int, int]) -> dict[int, int]:
        casebook.database.execute("DELETE FROM band")
        casebook.database.conn.executemany("INSERT INTO band VALUES (?, ?)", rows)
        return dict(links._met(keys))

    assert met((0, 1), (0, 2), (5, 2), (32, 3)) == {1: 1, 2: 2}
    full, few = [(0, part) for part in range(1, 67)], [(1, 1), (1, 70), (2, 70)]
    first = dict.fromkeys(range(1, 65), 1)
    assert met(*full, *few) == {**first, 1: 2, 70: 2}
    assert met(*full[:64], *few) == {**first, 1: 2, 70: 2}
    assert met(*((band, 1) for band in range(32)), *((band, 2) for band in range(32))) == {
        1: 32,
        2: 32,
    }


def test_of_many_nearly_the_same_the_twenty_most_alike_are_linked(casebook: Casebook) -> None:
    text = PLAIN[:100]
    # Of the first 21 letters are others, of the next 20, and so on; the last is the least alike.
    others = [PLAIN[1_000 : 1_000 + other] + text[other:] for other in (*range(21, 0, -1), 22)]
    add(casebook, *(report(one, number) for number, one in enumerate([*others, text], 1)))

    links = [one for one in links_of(casebook, 23) if one.other < 23]

    assert [one.other for one in links] == list(range(2, 22))
    assert [one.percent for one in links] == list(range(80, 100))
