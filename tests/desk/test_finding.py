"""Cases are found by words in either script, as typed, and by codes; no query breaks anything."""

from collections.abc import Callable

import pytest
from support.cases import DAY, SAMPLES, add, attachment, report

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import index, said, similar, summary
from scripts.desk.search.finding import Filters, FindingError, find, hit_in
from scripts.desk.search.folding import _alone, is_character, is_picture, spelled, words
from scripts.desk.search.query import MOST_TERMS, MOST_WORDS, Phrase, terms


def numbers(casebook: Casebook, query: str, **codes: str) -> list[int]:
    return [one.outline.number for one in find(casebook, query, Filters(**codes)).cases]


def test_a_word_of_two_characters_is_found_in_either_script_by_either_script(
    casebook: Casebook,
) -> None:
    add(
        casebook,
        report("我的微信被封号了", 1),
        report("我的微信被封號了", 2),
        report("封了我的号，信很微小", 3),
    )

    for query in ("封号", "封號", "微信"):
        assert numbers(casebook, query) == [1, 2]
    assert numbers(casebook, "账号") == numbers(casebook, "封信") == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("账号", "我的帳號"),
        ("帳號", "我的账号"),
        ("帐号", "我的賬號"),
        ("裡面", "裏面"),
        ("后", "皇后與後來"),
    ],
)
def test_words_with_several_spellings_are_found_by_each(
    casebook: Casebook, query: str, text: str
) -> None:
    add(casebook, report(text))

    assert numbers(casebook, query) == [1]


@pytest.mark.parametrize("case", SAMPLES, ids=[case["id"] for case in SAMPLES])
def test_every_pair_of_characters_of_a_text_finds_it(
    casebook: Casebook, case: dict[str, str]
) -> None:
    text = case["text_zh_hans"]
    add(casebook, report(text))
    index.catch_up(casebook)

    for place in range(0, len(text) - 1, 3):
        pair = text[place : place + 2]
        if all("\u4e00" <= character <= "\u9fff" for character in pair):
            assert numbers(casebook, f'"{pair}"') == [1], pair


def test_several_words_are_all_asked_for_wherever_in_the_case_they_stand(
    casebook: Casebook,
) -> None:
    add(
        casebook,
        report("封号", 1),
        report("转发", 1, kind="message"),
        report("封号", 2),
        report("转发", 3),
    )
    casebook.answers.queue(
        casebook.case(2), kind="answer", language="en", day=DAY, text="Please send the notice."
    )

    assert numbers(casebook, "封号 转发") == [1]
    assert numbers(casebook, "封号　NOTICE") == [2]
    assert numbers(casebook, "封号 转发 notice") == []


def test_a_phrase_is_held_together_by_any_quotation_marks(casebook: Casebook) -> None:
    add(casebook, report("WeChat closed my account", 1), report("my WeChat account closed", 2))

    for query in ('"my account"', "“My  Account”", "「my account」", "my-account"):
        assert numbers(casebook, query) == [1], query
    assert numbers(casebook, "my account") == [1, 2]
    assert numbers(casebook, "accoun") == []


def test_file_names_and_answers_are_found_and_said_where(casebook: Casebook) -> None:
    files = (attachment("训诫书.jpg"), attachment("other.png"))
    add(casebook, report("正文", 1, attachments=files))
    casebook.answers.queue(
        casebook.case(1), kind="answer", language="zh-Hans", day=DAY, text="请补充日期"
    )

    found = [find(casebook, query, Filters()).cases[0] for query in ("正文", "訓誡書", "補充")]

    assert [(one.where, one.excerpt[1]) for one in found] == [
        ("text", "正文"),
        ("file name", "训诫书"),
        ("answer", "补充"),
    ]
    assert numbers(casebook, '"正文 训诫书"') == numbers(casebook, '"jpg other"') == []
    (last,) = find(casebook, "other", Filters()).cases
    assert (last.where, last.excerpt) == ("file name", ("", "other", ".png"))


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        (
            "住在\U00020bb7野家，姓\U0002b8b8，又\U00031350",
            ("\U00020bb7", "姓\U0002b8b8", "\U00031350", "\U00020bb7野"),
        ),
        (
            "我很好😀👨\u200d👩\u200d👧\u200d👦🏳️\u200d🌈🇨🇳",
            ("😀", "👨\u200d👩\u200d👧", "👩", "🇨🇳", "好😀"),
        ),
        ("他说“مەن قورقىنى”就没", ("مەن", "قورقىنى", '"مەن قورقىنى"')),
        ("སྐད་ཆ་འདི་བསུབས་སོང་།", ("སྐད་ཆ", "བསུབས")),
        ("微\u200b信\u200c封\u200d号\u2060了\ufeff我\xad的", ("微信", "封号", "信封号了我")),
        ("葛\U000e0100城市 辻\ufe00", ("葛城", "辻")),
        ("龍\ufa03\uf9dc神\ufa19福\ufa1b", ("神神福", "龙")),
        ("金额：１２，３４５．６７元　电话", ("12", "345", "６７", "元")),
        ("é and e\u0301t", ("É", "e\u0301", "\xe9t")),
        ("[31m\x1b red\u202e", ("31m", "red")),
        ("sh\u200bop", ("shop", "sh\u00adop")),
        ("sh\u00adop\u2060per", ("shopper", "sh\ufeffopper")),
        ("微\ufe0f信", ("微信",)),
    ],
)
def test_rare_ideographs_emoji_and_other_scripts_are_found_as_typed(
    casebook: Casebook, text: str, queries: tuple[str, ...]
) -> None:
    add(casebook, report(text))

    for query in queries:
        assert numbers(casebook, query) == [1], query.encode("unicode_escape")


def test_what_is_shown_around_a_hit_is_neutralised_and_the_text_is_not_folded(
    casebook: Casebook,
) -> None:
    add(casebook, report("前\x1b[31m\u202e封\u200b號後面" + "遠" * 100))

    (found,) = find(casebook, "封号", Filters()).cases

    before, hit, after = found.excerpt
    assert (
        (before, hit) == ("前‹U+001B›[31m‹U+202E›", "封‹U+200B›號")
        and after.startswith("後面遠")
        and len(after) == 24
    )


def test_of_a_long_hit_and_of_a_case_without_words_the_beginning_is_shown(
    casebook: Casebook,
) -> None:
    add(casebook, report("x" * 49 + " " + "y" * 48, 1))

    for query, shown in (("x" * 49, "x" * 47 + "…"), ("y" * 48, "y" * 48)):
        (found,) = find(casebook, query, Filters()).cases
        assert found.excerpt[1] == shown
    (found,) = find(casebook, "", Filters(category="c1")).cases
    assert (found.where, found.excerpt) == ("", ("x" * 47 + "…", "", ""))


def test_a_hit_is_placed_where_its_signs_stand() -> None:
    text = "ﷺ👩\u200d👧 e\u0301, 微\u200b信 wechat封號"
    for phrase in ("微信", "wechat封号", "号", "\xe9", "👧"):
        hit = hit_in(text, words(phrase))
        assert hit is not None and words(text[slice(*hit)]) == words(phrase)
    assert hit_in("wechat封号", words("chat")) is None


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '""',
        '" AND',
        "NEAR(a b, 3)",
        "a* OR b",
        "words:封",
        "^封",
        "{a b}:c",
        "-封 +号",
        "封\0号",
        "';--",
        "%_",
        "\ud83d",
        "(",
        "封 NOT 号",
    ],
)
def test_nothing_that_is_typed_is_syntax(casebook: Casebook, query: str) -> None:
    add(casebook, report("封 NOT 号 near a b or 3"))

    try:
        find(casebook, query, Filters())
    except FindingError as why:
        assert "no letter, digit or picture" in str(why)


def test_words_of_the_search_language_are_only_words(casebook: Casebook) -> None:
    add(casebook, report("封 NOT 号 or", 1), report("号", 2), report("封", 3))

    assert numbers(casebook, "封 NOT 号") == numbers(casebook, "封 or 号") == [1]
    assert numbers(casebook, '封 "OR" 号') == [1] and numbers(casebook, "封 NEAR 号") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cat OR dog", [1, 2, 4]),
        ("cat 或 dog", [1, 2, 4]),
        ("cat | dog", [1, 2, 4]),
        ("cat|dog", [1, 2, 4]),
        ("cat｜猫", [1, 3, 4]),
        ("cat OR dog OR 貓", [1, 2, 3, 4]),
        ("cat OR dog house", [4]),
        ("house cat OR dog", [4]),
        ('"my cat" OR dog', [1, 2]),
        ("OR cat", [1, 4]),
        ("cat OR", [1, 4]),
        ("cat OR OR dog", [1, 2, 4]),
        ("ca*", [1, 4]),
        ("ho* OR dog", [2, 4]),
        ('"my c"*', [1]),
        ("my c＊", [1]),
        ("C*", [1, 4]),
        ("at*", []),
        ("或", []),
        ("封*", [3]),
    ],
)
def test_alternatives_and_beginnings_of_words_are_found(
    casebook: Casebook, query: str, found: list[int]
) -> None:
    add(
        casebook,
        report("my cat", 1),
        report("a dog", 2),
        report("封了，猫", 3),
        report("the house of the cats: a cat", 4),
    )

    try:
        assert numbers(casebook, query) == found
    except FindingError:
        assert query == "或"


def test_a_hit_of_an_alternative_or_a_beginning_is_shown_whole(casebook: Casebook) -> None:
    add(casebook, report("the wechats of WeChat-users", 1))

    (found,) = find(casebook, "none OR we*", Filters()).cases
    assert found.excerpt == ("the ", "wechats", " of WeChat-users")


def test_so_many_alternatives_count_as_terms() -> None:
    many = " OR ".join(f"t{number}" for number in range(MOST_TERMS + 1))
    found, note = terms(f"{many} more")

    assert [len(group) for group in found] == [MOST_TERMS] and f"first {MOST_TERMS}" in note


@pytest.mark.parametrize("query", ["", " \u3000\n", "。，！？", "\x1b\u202e\u200b", '"""', "*"])
def test_a_query_of_nothing_but_punctuation_is_a_sentence_or_leaves_the_filters(
    casebook: Casebook, query: str
) -> None:
    add(casebook, report("x", 1), report("x", 2, category="c2"))

    with pytest.raises(FindingError, match="no letter, digit or picture"):
        find(casebook, query, Filters())
    assert numbers(casebook, query, category="c2") == [2]


@pytest.mark.slow
def test_a_pasted_page_is_looked_for_by_its_beginning(casebook: Casebook) -> None:
    page = "".join(chr(0x4E00 + number) for number in range(10_000))
    add(casebook, report(page), report(page[:100], 2), report(page[100:200], 3))

    found = find(casebook, page, Filters())

    assert [one.outline.number for one in found.cases] == [
        1,
        2,
    ] and f"first {MOST_WORDS} words" in found.note
    found = find(casebook, " ".join(page), Filters())
    assert found.count == 2 and f"first {MOST_TERMS} words or phrases" in found.note
    assert terms("a b a") == ([(Phrase(("a",)),), (Phrase(("b",)),)], "")


def test_a_query_of_as_many_terms_and_words_as_are_looked_for_loses_none() -> None:
    many, long = [f"t{number}" for number in range(32)], "w " * 64
    assert terms(" ".join(many)) == ([(Phrase((term,)),) for term in many], "")
    assert terms(f'"{long}"') == ([(Phrase(("w",) * 64),)], "")

    found, note = terms(" ".join([*many, "more"]))
    assert (len(found), note) == (32, "Only the first 32 words or phrases were searched for.")
    assert "words of a phrase" in terms(f'"{long} more"')[1]


@pytest.mark.parametrize(
    "catch_up", [index.catch_up, said.catch_up, similar.catch_up, summary.catch_up]
)
def test_what_is_built_from_cases_says_how_far_it_is(
    casebook: Casebook, catch_up: Callable[..., None]
) -> None:
    add(casebook, report("一"), report("二", 2), report("三", 3))
    shown: list[tuple[int, int]] = []
    catch_up(casebook, lambda done, total: shown.append((done, total)))
    assert shown[-1] == (3, 3)
    shown.clear()
    catch_up(casebook, lambda done, total: shown.append((done, total)))

    assert [done for done, _ in shown if done] == []

    add(casebook, report("四", 4))
    catch_up(casebook, lambda done, total: shown.append((done, total)))
    assert shown[-1] == (1, 1)


def test_one_long_word_is_found(casebook: Casebook) -> None:
    add(casebook, report("x" * 48_000), report("x", 2))

    assert numbers(casebook, "x" * 48_000) == [1] and numbers(casebook, "x") == [2]


STANDINGS = [
    (
        1,
        "st.first_review",
        "m3",
        "normal",
        "c3",
        " c3.account_closed c3.other ",
        " urgent ",
        f" {'A' * 40} ",
        " privileged later ",
    ),
    (
        2,
        "st.adjudicate",
        "m1",
        "danger",
        "c1",
        " ",
        " urgent later ",
        f" {'A' * 40} {'B' * 40} ",
        " late ",
    ),
]


def test_cases_are_filtered_by_what_claimants_and_reviewers_said(casebook: Casebook) -> None:
    add(
        casebook,
        report(
            "封号",
            1,
            harms=("c1.job_loss", "c1.arrested"),
            facts={"province": "prov.GD", "period_from": "2019"},
        ),
        report(
            "封号",
            2,
            category="c2",
            facts={"period_from": "2020-03", "period_to": "2020-05", "province": ["x"]},
        ),
        report("", 2, kind="message", facts={"period_from": "2020-04", "period_to": "2020-04"}),
        report("封号", 3, facts={"province": "prov.GD", "period_from": 2019, "period_to": None}),
        report(
            "x", 3, kind="message", harms=("c1.job_loss_of_another",), facts={"province": "prov.XJ"}
        ),
    )
    index.catch_up(casebook)
    for row in STANDINGS:
        casebook.database.execute(
            'INSERT OR REPLACE INTO standing ("case", status, merit, urgency, category, harms, '
            "tags, reviewers, flags, correspondence, differ, assigned) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'co.more', '', '')",
            row,
        )

    expected: dict[tuple[str, str], list[int]] = {
        ("category", "c1"): [1, 2, 3],
        ("category", "c3"): [1],
        ("category", "%"): [],
        ("harm", "c1.job_loss"): [1],
        ("harm", "c3.other"): [1],
        ("harm", "c1_job_loss"): [],
        ("period", "2019"): [1],
        ("period", "2020-02"): [1],
        ("period", "2020-03"): [1, 2],
        ("period", "2020-05..2021"): [1, 2],
        ("period", "2020-06"): [1],
        ("period", "2018"): [],
        ("merit", "m3"): [1],
        ("status", "st.adjudicate"): [2],
        ("status", "st.new"): [3],
        ("urgency", "danger"): [2],
        ("correspondence", "co.none"): [3],
        ("correspondence", "co.more"): [1, 2],
        ("flag", "privileged"): [1],
        ("flag", "late"): [2],
        ("tag", "urgent"): [1, 2],
        ("tag", "late"): [],
        ("reviewer", "b" * 40): [2],
    }
    assert {asked: numbers(casebook, "", **{asked[0]: asked[1]}) for asked in expected} == expected
    assert (
        numbers(casebook, "封号", tag="urgent", merit="m1") == [2]
        and numbers(casebook, "x", tag="urgent") == []
    )


@pytest.mark.parametrize(
    "period", ["2020..2019", "19", "2019-13", "..", "2019-3", "x..2020", "2019..", "２０１９"]
)
def test_a_period_that_is_none_is_a_sentence(casebook: Casebook, period: str) -> None:
    with pytest.raises(FindingError, match="A period is written"):
        find(casebook, "", Filters(period=period))


def test_pages_follow_each_other_and_the_count_is_of_all(casebook: Casebook) -> None:
    add(casebook, *(report("封号", number) for number in range(1, 53)))

    pages = [find(casebook, "封号", Filters(), skip=skip, most=3) for skip in (0, 3, 51, 54)]
    pages.append(find(casebook, "封号", Filters()))

    assert [[one.outline.number for one in page.cases] for page in pages] == [
        [1, 2, 3],
        [4, 5, 6],
        [52],
        [],
        [*range(1, 51)],
    ]
    assert {page.count for page in pages} == {52}


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE found",
        "DROP TABLE outline",
        "DROP TABLE register",
        "UPDATE register SET version = 99",
    ],
)
def test_the_index_is_made_again_when_it_is_missing_or_of_another_version(
    casebook: Casebook, damage: str
) -> None:
    add(casebook, report("封号", 1))
    assert numbers(casebook, "封号") == [1]

    casebook.database.execute(damage)
    add(casebook, report("封号", 2))

    assert numbers(casebook, "封号") == [1, 2]


def test_an_index_that_does_not_fit_is_told_and_made_anew(casebook: Casebook) -> None:
    add(casebook, report("封号", 1))
    assert numbers(casebook, "封号") == [1]
    # As if part 1 of case 1 contained these words.
    casebook.database.execute(
        "INSERT INTO found (rowid, words) VALUES ((1 << 33) + 1, ?)", [spelled("微信")]
    )

    with pytest.raises(FindingError, match=f"did not match {casebook.names.of(1)}"):
        numbers(casebook, "微信")

    assert numbers(casebook, "微信") == [] and numbers(casebook, "封号") == [1]


def test_what_came_after_the_last_search_is_found(casebook: Casebook) -> None:
    add(casebook, report("封号", 1), report("x", 2))
    assert numbers(casebook, "封号") == [1]

    add(casebook, report("封号", 2, kind="message"), report("封号", 3))

    assert numbers(casebook, "封号") == [1, 2, 3]


def test_the_index_holds_codes_of_signs_only() -> None:
    """No tokenizer's Unicode table may decide what is found."""
    assert spelled("微信 é中").isascii() and set("".join(words("微信a_b é"))) <= set(
        "abcdefghijklmnopqrstuvwxyz0123456789_"
    )


# The blocks of Unicode whose characters are words of their own: the first and the last of each.
BLOCKS = [
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3040, 0x312F),
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),
]


@pytest.mark.parametrize(("first", "last"), BLOCKS)
def test_each_character_of_a_script_without_spaces_is_a_word(first: int, last: int) -> None:
    assert all(_alone(chr(code)) for code in (first, last))
    for code in (first - 1, last + 1):
        beside = any(begin <= code <= end for begin, end in BLOCKS)
        assert _alone(chr(code)) == beside


@pytest.mark.parametrize(
    ("text", "character", "picture"),
    [
        ("封", True, False),
        ("封号", True, False),
        ("\U0003fff0", True, False),
        ("😀", False, True),
        ("☎", False, True),
        ("é", False, False),
        ("я", False, False),
        ("яя", False, False),
        ("øre", False, False),
        ("ƒabcdef", False, False),
        ("a", False, False),
        ("word", False, False),
        ("abc1", False, False),
        ("7", False, False),
    ],
)
def test_a_word_is_a_character_or_a_picture_or_a_word_of_letters(
    text: str, character: bool, picture: bool
) -> None:
    word = words(text)[0]

    assert (is_character(word), is_picture(word)) == (character, picture)


@pytest.mark.parametrize("word", ["_", "_0", "_110000", "_ffffff", "__4e00", "4e00", "", "_4E00"])
def test_what_spells_no_character_is_none(word: str) -> None:
    assert not is_character(word) and not is_picture(word)
    assert is_character("_4e00")


@pytest.mark.parametrize(
    ("first", "last"), [(0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF)]
)
def test_variation_selectors_are_dropped_and_their_neighbours_separate(
    first: int, last: int
) -> None:
    assert {spelled(f"a{chr(code)}b") for code in (first, last)} == {"ab"}
    assert "ab" not in {spelled(f"a{chr(code)}b") for code in (first - 1, last + 1)}


@pytest.mark.parametrize("code", range(0x1F3FB, 0x1F400))
def test_a_skin_tone_is_a_picture(code: int) -> None:
    assert words(f"a{chr(code)}b") == ["a", f"_{code:x}", "b"] and is_picture(f"_{code:x}")


@pytest.mark.parametrize(
    ("text", "phrase", "hit"),
    [
        ("Alien", ["ali"], None),
        ("ali", ["ali"], (0, 3)),
        ("so ali came", ["ali"], (3, 6)),
        ("kali", ["ali"], None),
        ("a  b", ["a", "b"], (0, 4)),
        ("", ["a"], None),
    ],
)
def test_a_phrase_is_whole_words_unless_its_last_may_go_on(
    text: str, phrase: list[str], hit: tuple[int, int] | None
) -> None:
    assert hit_in(text, phrase) == hit_in(text, phrase, prefix=False) == hit
    assert hit_in("Alien x", ["ali"], prefix=True) == (0, 5)
