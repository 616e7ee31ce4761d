"""The campaign file: what a valid one contains; an invalid one is refused with its line."""

import re
from datetime import date
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from support.made_up_language import in_another_language

from dropbox import campaign as module
from dropbox import ready_answer
from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.label import LANGUAGES
from dropbox.ready_answer import TEXT_BYTES
from dropbox.reply import Reply, seal_reply
from dropbox.review_codes import KINDS, RULES, TAKEN
from dropbox.sizes import REPLY_BYTES
from scripts.desk.review.judgement import Judgement

PACKAGED = Path(module.__file__).with_name("campaign.toml")


def test_the_packaged_campaign_has_the_four_kinds_of_the_notice_and_not_sure(
    campaign: Campaign,
) -> None:
    assert [category.code for category in campaign.categories] == ["c1", "c2", "c3", "c4", "c0"]
    assert campaign.unsure == "c0"
    assert len(campaign.harm_codes) == 26
    assert {
        "c1.tea_drinking",
        "c2.wallet_locked",
        "c3.visible_only_to_sender",
    } <= campaign.harm_codes


def test_every_label_is_there_in_all_three_languages(campaign: Campaign) -> None:
    labels = [
        *campaign.categories,
        *(harm for category in campaign.categories for harm in category.harms),
    ]

    assert all(label.in_(language) for label in labels for language in LANGUAGES)


def broken(tmp_path: Path, old: str, new: str) -> tuple[Path, int]:
    """A copy of the packaged file with the first *old* replaced, and the line in which that is."""
    text = PACKAGED.read_text("utf-8")
    assert old in text
    path = tmp_path / "campaign.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path, text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('code = "c2"', 'code = "c2', "is not TOML"),
        ('code = "c2"', 'code = "C 2"', "can contain only"),
        ('code = "c1.job_loss"', 'code = "c1.harassed"', '"c1.harassed" is used twice'),
        ('code = "c1.job_loss"', 'code = "c2.job_loss"', 'has to start with "c1."'),
        ('code = "c1.job_loss"', 'code = "c1.job_loss"\ncolour = 1', '"colour" is not a known key'),
        (
            'label = { zh-Hans = "被骚扰", zh-Hant',
            "label = { zh-Hant",
            '"c1.harassed" has no label in zh-Hans',
        ),
        ('"被骚扰"', '" "', "has to be one line of 1 to"),
        ('"被骚扰"', "7", "has to be one line of 1 to"),
        ('"被骚扰"', f'"{"x" * 301}"', "has to be one line of 1 to 300"),
        ('en = "Harassed"', 'en = "Harassed", fr = "Harcelé"', "unknown language"),
        ('code = "wechat-2020"', 'code = "wechat-2020"\nowner = "x"', '"owner" is not a known key'),
        ("unsure = true", "unsure = 1", "true or false"),
        (
            'always_second = ["m3", "m4"]',
            'always_second = ["m3", "m9"]',
            "has to be a list of merit tiers",
        ),
        ("[review]", "[revue]", '"revue" is not a known key'),
        ("sample_percent = 20", "sample_percent = 101", "from 0 to 100"),
        ("sample_percent = 20", "sample_percent = -1", "from 0 to 100"),
        ("sample_percent = 20", "sample_percent = true", "from 0 to 100"),
        ("quality_percent = 10", "quality_percent = 101", "from 0 to 100"),
        (
            'rejected = ["m0", "m1", "mx"]',
            'rejected = ["m9"]',
            "has to be a list of merit tiers",
        ),
        (
            'code = "us"\nkind = "one"\nrule = "must agree"',
            'code = "us"\nkind = "one"\nrule = "union"',
            '"us" has to be "must agree" or "side by side"',
        ),
        ('code = "us"\nkind = "one"', 'code = "us"\nkind = "two"', 'the kind of "us" has to be'),
        ('code = "us"\nkind = "one"', 'code = "us"\nkind = "year"', '"us" needs "choices" for'),
        (
            'code = "account_opened"\nkind = "year"\nrule = "must agree"',
            'code = "account_opened"\nkind = "many"',
            '"account_opened" needs "choices" for the kinds one and many only',
        ),
        ('code = "us"', 'code = "note"', 'cannot have the code "note"'),
        ('code = "us"', 'code = "nonce"', 'cannot have the code "nonce"'),
        ('code = "us"', 'code = "u.s"', 'cannot have the code "u.s"'),
        ('code = "us"', 'code = "us"\ncolour = 1', '"colour" is not a known key'),
        (
            '[[review.field]]\ncode = "phone_region"',
            '[[review.field]]\ncode = "us"',
            'the field "us" is there twice',
        ),
        ('\nmerit = "must agree"', "\nmerit = 1", 'the rule of "merit" has to be "must agree"'),
        ('\ntags = "union"', '\ntag = "union"', '"tag" is not a known key'),
        ('code = "c1"', 'code = "c1"\ncolour = 1', '"colour" is not a known key'),
        ('code = "region"', 'code = "region"\ncolour = 1', '"colour" is not a known key'),
        ('code = "c4.held_now"', 'code = "c4.held_now"\ncolour = 1', '"colour" is not a known key'),
        (
            'rule = "must agree"\nchoices = "account_type"',
            'rule = "must agree"\nchoices = "accounts"',
            '"choices" has to be a list of choices',
        ),
        ('currency = "currency"', 'currency = "money"', '"currency" has to be a list of choices'),
        ("[review]", "[review]\ncolour = 1", '"colour" is not a known key'),
        (
            '{ code = "m1", zh-Hans = "属于范围，但事实不足", ',
            '{ code = "m1", ',
            '"m1" has no label in zh-Hans',
        ),
        (
            "\nstatus = [",
            '\nstatus = [{ code = "st.lost", zh-Hans = "x", zh-Hant = "x", en = "x" },',
            "st.new, st.triaged",
        ),
    ],
)
@pytest.mark.slow
def test_a_broken_campaign_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path, line = broken(tmp_path, old, new)
    with pytest.raises(CampaignError) as refusal:
        Campaign.read(path)

    # A key that was inserted after the line is reported with its own line.
    assert f"line {line + new.count(chr(10))}" in str(refusal.value)
    assert sentence in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: the campaign has no code."),
        ('\ncode = "x"', "line 1: there has to be at least one [[category]]."),
        ('code = "x"\n[[category]]\n[[category]]', "line 1: category number 1 has no code."),
    ],
)
def test_a_file_that_only_begins_is_refused_by_what_it_lacks_first(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(text, "utf-8")

    with pytest.raises(CampaignError) as refusal:
        Campaign.read(path)

    assert str(refusal.value) == f"The campaign file {path}, {sentence}"


TEXT = '{ zh-Hans = "一", zh-Hant = "一", en = "one" }'
LEAST = f"""
code = "least"
title = {TEXT}
invitation = {TEXT}
[[category]]
code = "dam"
label = {TEXT}
[[category]]
code = "c0"
unsure = true
label = {TEXT}
"""


def least(tmp_path: Path, more: str = "") -> Path:
    """A campaign of what it cannot do without, and *more*."""
    path = tmp_path / "least.toml"
    path.write_text(LEAST + more, "utf-8")
    return path


def test_a_campaign_may_go_without_harms_questions_scope_and_ready_answers(tmp_path: Path) -> None:
    campaign = Campaign.read(least(tmp_path))

    assert [category.code for category in campaign.categories] == ["dam", "c0"]
    assert campaign.unsure == "c0"
    assert (campaign.groups, campaign.answers, list(campaign.scope)) == ((), (), [])
    assert (campaign.questions, campaign.harm_codes) == ((), frozenset())


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (f'[[group]]\ncode = "g"\nlabel = {TEXT}\ncolour = 1', '"colour" is not a known key'),
        (f'[[group]]\ncode = "c0"\nlabel = {TEXT}', 'the code "c0" is used twice'),
        (f'[[category]]\ncode = "c1"\nlabel = {TEXT}\nunsure = true', "only one category"),
    ],
)
def test_what_is_added_to_the_least_campaign_is_looked_at(
    tmp_path: Path, more: str, sentence: str
) -> None:
    with pytest.raises(CampaignError, match=sentence):
        Campaign.read(least(tmp_path, more))


@pytest.mark.parametrize("percent", [0, 100])
def test_none_or_all_of_the_cases_may_be_drawn_for_a_second_review(
    tmp_path: Path, percent: int
) -> None:
    path, _ = broken(tmp_path, "sample_percent = 20", f"sample_percent = {percent}")

    assert Campaign.read(path).reviewing.sample_percent == percent


# What campaign files had in [review] before fields were the campaign's own, and status and
# correspondence were two lists.
FORMER = """
status = [
STATUS
  { code = "st.awaiting_claimant", zh-Hans = "x", zh-Hant = "x", en = "Waiting" },
]
actor = "actor"
account = "account_type"
phone = "phone_region"
us = [CHOICES]
[review.rules]
us = "side by side"
account_types = "union"
"""


def former(tmp_path: Path) -> Path:
    """The packaged campaign as a file of that time."""
    text = PACKAGED.read_text("utf-8")
    status = re.search(r"(?s)\nstatus = \[\n(.*?)\n\]\n", text)
    choices = re.search(r'(?s)code = "us".*?choices = \[(.*?)\]', text)
    assert status is not None and choices is not None
    kept = [line for line in status[1].splitlines() if '"st.reopened"' not in line]
    begin, end = (
        text.index("\n# What counts of a field"),
        text.index("# The reviewers' ready answers"),
    )
    section = FORMER.replace("STATUS", "\n".join(kept)).replace("CHOICES", choices[1])
    path = tmp_path / "former.toml"
    path.write_text(text[:begin].replace(status[0], "") + section + text[end:], "utf-8")
    return path


def test_a_file_from_before_fields_were_its_own_has_the_fields_that_all_had(
    tmp_path: Path, campaign: Campaign
) -> None:
    found = Campaign.read(former(tmp_path)).reviewing

    assert found.rules == {
        **campaign.reviewing.rules,
        "us": "side by side",
        "account_types": "union",
    }
    assert [one.codes for one in found.fields] == [one.codes for one in campaign.reviewing.fields]
    assert found.codes("status") == campaign.reviewing.codes("status")
    assert found.label("status", "st.reopened", "en") == "New material after the decision"


def test_a_file_has_its_fields_in_one_way_or_the_other(tmp_path: Path) -> None:
    path = former(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(f'{text}\n[[review.field]]\ncode = "extra"\nkind = "text"\nlabel = {TEXT}\n')

    with pytest.raises(CampaignError, match=r"now belong to fields: \[\[review\.field\]\]"):
        Campaign.read(path)


def test_a_field_of_each_kind_has_its_usual_rule(tmp_path: Path) -> None:
    choices = f'choices = [{{ code = "x", {TEXT[2:-2]} }}]'
    entries = "".join(
        f'[[review.field]]\ncode = "f_{kind}"\nkind = "{kind}"\nlabel = {TEXT}\n'
        + (choices + "\n" if kind in ("one", "many") else "")
        for kind in KINDS
    )
    reviewing = Campaign.read(least(tmp_path, entries)).reviewing

    assert {one.kind: (one.rule, one.codes) for one in reviewing.fields} == {
        "one": ("must agree", ("x",)),
        "many": ("must agree", ("x",)),
        "date": ("must agree", ()),
        "year": ("must agree", ()),
        "number": ("must agree", ()),
        "text": ("side by side", ()),
    }
    assert list(reviewing.rules) == [*RULES, *(f"f_{kind}" for kind in KINDS)]


def test_every_field_of_a_review_has_a_rule(campaign: Campaign) -> None:
    # These say where a review belongs, and nothing of the case.
    about = {"conflict", "removed", "considered", "rank", "nonce", "fields"}
    stated = set(Judgement.__dataclass_fields__) - about
    own = {one.code for one in campaign.reviewing.fields}

    assert stated == set(RULES) and set(campaign.reviewing.rules) == set(RULES) | own
    assert stated | about | {"case", "version"} == TAKEN


def test_every_tier_may_need_a_second_review(tmp_path: Path) -> None:
    tiers = ["m0", "m1", "m2", "m3", "m4", "mx"]
    path, _ = broken(tmp_path, 'always_second = ["m3", "m4"]', f"always_second = {tiers}")

    assert Campaign.read(path).reviewing.always_second == set(tiers)


def test_a_fault_in_the_first_line_is_found_there(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text("colour = 1\n" + PACKAGED.read_text("utf-8"), "utf-8")

    with pytest.raises(CampaignError, match="line 1: "):
        Campaign.read(path)


def test_a_part_that_is_missing_is_named_with_the_line_of_what_it_belongs_to(
    tmp_path: Path,
) -> None:
    lines = PACKAGED.read_text("utf-8").splitlines()
    path = tmp_path / "campaign.toml"
    # Tiers of its own, of which it does not say whether they need a second review.
    path.write_text("\n".join(one for one in lines if "always_second =" not in one), "utf-8")

    with pytest.raises(CampaignError, match=f"line {lines.index('[review]') + 1}:"):
        Campaign.read(path)


def test_a_label_of_300_characters_is_taken(tmp_path: Path) -> None:
    path, _ = broken(tmp_path, '"被骚扰"', f'"{"x" * 300}"')

    assert "c1.harassed" in Campaign.read(path).harm_codes


def test_what_reviewers_may_say_has_labels_in_all_three_languages(campaign: Campaign) -> None:
    reviewing = campaign.reviewing

    assert reviewing.codes("merit") == ("m0", "m1", "m2", "m3", "m4", "mx")
    assert (
        len(reviewing.codes("status")) == 10
        and reviewing.always_second == {"m3", "m4"}
        and reviewing.sample_percent == 20
    )
    assert all(
        label.in_(language)
        for labels in reviewing.lists.values()
        for label in labels
        for language in LANGUAGES
    )
    assert (
        reviewing.label("merit", "m3", "zh-Hant") == "成立的案件"
        and reviewing.label("merit", "m7", "en") == "m7"
    )


def test_a_campaign_without_not_sure_gets_one(tmp_path: Path) -> None:
    path, _ = broken(tmp_path, "unsure = true", "")
    campaign = Campaign.read(path)

    assert campaign.unsure == "unsure" and campaign.unsure in campaign.category_codes
    assert campaign.categories[-1].in_("zh-Hant") == "不確定"


def test_a_missing_campaign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"gone\.toml cannot be read"):
        Campaign.read(tmp_path / "gone.toml")


def test_a_campaign_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_bytes(b'code = "x"\n# ' + "微信".encode("gb18030") + b"\n")
    with pytest.raises(CampaignError, match="line 2, is not UTF-8"):
        Campaign.read(path)


def test_every_ready_answer_fits_into_one_reply_in_every_language(campaign: Campaign) -> None:
    key = bytes(PrivateKey.generate().public_key)

    assert 8 <= len(campaign.answers) <= 20
    for one in campaign.answers:
        for language in LANGUAGES:
            reply = Reply("answer", language, date(2026, 11, 24), one.body[language])
            # Version 2 has less room than version 1.
            assert len(seal_reply(reply, key, reply_symmetric=b"s" * 32)) == REPLY_BYTES


def test_the_longest_ready_answer_that_the_campaign_file_takes_fits_into_one_reply() -> None:
    text = "\\" * ((TEXT_BYTES - 2) // 2)
    assert (
        ready_answer.fault(text) is None
        and ready_answer.fault(text + "x\n") == "is too long for one reply by 1 bytes"
    )
    # A Chinese character takes three bytes of a reply.
    chinese = "长" * ((TEXT_BYTES - 2) // 3)
    assert ready_answer.fault(chinese) is None
    assert ready_answer.fault(chinese + "长") is not None

    reply = Reply("acknowledgement", "zh-Hans", date(2026, 11, 24), text)
    key = bytes(PrivateKey.generate().public_key)
    assert len(seal_reply(reply, key, reply_symmetric=b"s" * 32)) == REPLY_BYTES


def test_the_ready_answers_promise_nothing_and_speak_as_the_pages_do(campaign: Campaign) -> None:
    for answer in campaign.answers:
        hans, hant, english = (answer.body[language] for language in LANGUAGES)
        assert (
            not any(sign in hans + hant + english for sign in "!！")
            and "您" in hans
            and "您" in hant
        )
        # Each script has its own quotation marks and words.
        assert not set(hans) & set("「」『』") and not set(hant) & set("“”‘’")
        assert not any(word in hant for word in ("信息", "截图", "账号", "登录", "文件"))
        assert "guarantee" not in english and "保证" not in hans and "保證" not in hant
        assert len({len(text.split("\n\n")) for text in (hans, hant, english)}) == 1


def test_a_ready_answer_is_found_by_its_line(tmp_path: Path) -> None:
    text = PACKAGED.read_text("utf-8")
    at = text.index('code = "answer.where"')
    path = tmp_path / "campaign.toml"
    for old, new, sentence, offset in (
        (
            'zh-Hant = """',
            'zh-Hant = """' + "长" * 2_000,
            "in zh-Hant is too long for one reply by",
            0,
        ),
        ('zh-Hant = """', 'zh-Hant = """\u202e', "contains an invisible character", 0),
        ("[answer.text]", '[answer.text]\nfr = "x"', "unknown language", 1),
        ("[answer.text]", '[answer.text]\nno_tag = "x"', "label in an unknown language", 1),
        ('code = "answer.where"', 'code = "c1"', 'the code "c1" is used twice', 0),
        (
            'code = "answer.where"',
            'code = "answer.where"\ncolour = 1',
            '"colour" is not a known key',
            1,
        ),
        (
            'label = { zh-Hans = "请问地点", ',
            "label = { ",
            '"answer.where" has no label in zh-Hans',
            0,
        ),
    ):
        place = text.index(old, at)
        path.write_text(text[:place] + new + text[place + len(old) :], "utf-8")
        with pytest.raises(CampaignError) as refusal:
            Campaign.read(path)
        assert sentence in str(refusal.value)
        assert f"line {text[:place].count(chr(10)) + 1 + offset}:" in str(refusal.value)


def test_a_ready_answer_without_one_of_its_languages_is_refused(tmp_path: Path) -> None:
    text = PACKAGED.read_text("utf-8")
    at = text.index("[answer.text]", text.index('code = "answer.where"'))
    path = tmp_path / "campaign.toml"
    path.write_text(text[:at] + text[at:].replace('en = """', 'xx = """', 1), "utf-8")

    with pytest.raises(
        CampaignError, match=r'text of "answer\.where" in en is missing or empty'
    ) as refusal:
        Campaign.read(path)
    assert f"line {text[:at].count(chr(10)) + 1}:" in str(refusal.value)


def with_language(tmp_path: Path, tag: str = "qaa") -> Path:
    """The packaged campaign with what claimants read in one more language."""
    path = tmp_path / "campaign.toml"
    path.write_text(in_another_language(PACKAGED.read_text("utf-8"), tag, lambda en: f"≈{en}"))
    return path


def test_another_language_is_one_that_the_title_has(tmp_path: Path) -> None:
    campaign = Campaign.read(with_language(tmp_path))

    assert campaign.languages == (*LANGUAGES, "qaa")
    assert list(campaign.title) == [*LANGUAGES, "qaa"]
    assert all("qaa" in label.text for label in campaign.categories)
    assert all("qaa" in question.why for question in campaign.questions)
    assert campaign.categories[0].in_("qaa").startswith("≈Persecuted")


@pytest.mark.parametrize("what", ["organisation", "invitation", "scope"])
def test_what_the_first_page_says_is_needed_in_another_language_too(
    tmp_path: Path, what: str
) -> None:
    path = with_language(tmp_path)
    text = path.read_text("utf-8")
    at = text.index(what)
    lacking = re.sub(r',? ?\n?qaa = ".*?"', "", text[at:], count=1)
    path.write_text(text[:at] + lacking, "utf-8")

    with pytest.raises(CampaignError, match=f'"{what}" has no label in qaa'):
        Campaign.read(path)


def test_what_only_reviewers_see_needs_no_label_in_another_language(tmp_path: Path) -> None:
    campaign = Campaign.read(with_language(tmp_path))

    assert campaign.reviewing.label("merit", "m3", "qaa") == "Case of merit"
    assert campaign.answers[0].in_("qaa") == campaign.answers[0].in_("en")
    assert set(campaign.answers[0].body) == set(LANGUAGES)


def test_a_ready_answer_can_be_there_in_another_language(tmp_path: Path) -> None:
    path = with_language(tmp_path)
    text = path.read_text("utf-8")
    at = text.index("[answer.text]", text.index('code = "answer.where"')) + len("[answer.text]")
    path.write_text(text[:at] + '\nqaa = """\n≈ \u200fwhere\u200c?\n"""' + text[at:], "utf-8")
    body = {one.code: one.body for one in Campaign.read(path).answers}

    assert body["answer.where"]["qaa"] == "≈ \u200fwhere\u200c?"
    assert "qaa" not in body["answer.when"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (', qaa = "≈Harassed"', "", '"c1.harassed" has no label in qaa'),
        (', qaa = "≈Mainland China"', "", '"reg.cn" has no label in qaa'),
        (', qaa = "≈it decides how the loss is computed"', "", '"c4.held_now" has no label in qaa'),
        (', qaa = "≈Price per share, currency"', "", '"price" has no label in qaa'),
        ('qaa = "≈Harassed"', 'qaa = "a\u202eb"', "has to be one line"),
        ('qaa = "≈Harassed"', 'qaa = "≈Harassed", fr = "x"', "are zh-Hans, zh-Hant, en, qaa"),
        (', en = "Out of scope"', ', en = "Out of scope", fr = "x"', "unknown language"),
        ('qaa = "≈WeChat cases"', 'Qaa = "x"', '"title" has a label in an unknown language'),
    ],
)
def test_a_label_that_is_missing_in_another_language_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = with_language(tmp_path)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    line = text[: text.index(old)].count("\n") + 1

    with pytest.raises(CampaignError, match=sentence) as refusal:
        Campaign.read(path)
    assert f"line {line}:" in str(refusal.value)
