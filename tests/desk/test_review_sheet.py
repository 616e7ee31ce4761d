"""The sheet that a reviewer fills in: what it holds, and that all its faults are named at once."""

import tomllib
from datetime import date
from typing import Any

import pytest
from support.cases import attachment, report

from dropbox.campaign import Campaign
from scripts.desk.case import Case, Part
from scripts.desk.review.blank_sheet import blank, from_claimant
from scripts.desk.review.judgement import ADJUDICATION, Judgement
from scripts.desk.review.sheet import BadSheet, read

FACTS = {
    "period_from": "2025-12",
    "period_to": "2026-01",
    "actors": ["actor.police", "actor.tencent"],
    "account_types": ["acct.personal"],
    "phone_region": "tel.cn",
    "account_opened": "2014",
}
GOOD = 'category = "c1"\nmerit = "m2"\nurgency = "normal"\n'


def case(**changes: Any) -> Case:
    part = Part(
        1,
        1,
        b"b" * 16,
        date(2026, 11, 24),
        1,
        report(**{"attachments": (attachment(),), **changes}),
    )
    return Case(1, "K7-QX4M", b"r" * 32, b"t" * 32, (part,))


def faults(campaign: Campaign, text: str, role: str = "review") -> list[str]:
    with pytest.raises(BadSheet) as refusal:
        read(text.encode(), campaign, role=role)
    return str(refusal.value).splitlines()


def test_a_blank_sheet_says_what_the_claimant_said_in_the_campaigns_codes(
    campaign: Campaign,
) -> None:
    one = case(harms=("c1.job_loss", "c3.posts_deleted"), facts=FACTS)

    sheet = tomllib.loads(blank(one, campaign, from_claimant(one, campaign), "v"))

    assert sheet["category"] == "c1" and sheet["merit"] == "" and sheet["conflict"] is False
    assert sheet["harms"] == {"c1.job_loss": "alleged", "c3.posts_deleted": "alleged"}
    assert (
        sheet["actors"] == ["actor.tencent", "actor.police"] and sheet["phone_region"] == "tel.cn"
    )
    assert (sheet["period_from"], sheet["period_to"], sheet["account_opened"]) == (
        "2025-12",
        "2026-01",
        "2014",
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('removed = "minor"', "removed: this must be a table"),
        ('[removed]\nm2 = "x"', "m2: only these can be removed: minor, health, "),
        ('[removed]\nminor = " "', "minor: this must be the reason"),
        ("[removed]\ndanger = true", "danger: this must be the reason"),
    ],
)
def test_a_flag_is_removed_with_a_reason_or_not_at_all(
    campaign: Campaign, line: str, fault: str
) -> None:
    assert fault in faults(campaign, GOOD + line)[0]


def test_what_is_removed_is_read_with_its_reason(campaign: Campaign) -> None:
    sheet = GOOD + '[removed]\ndanger = "abroad now"\nminor = "she is 34"\n'

    assert read(sheet.encode(), campaign).removed == {"minor": "she is 34", "danger": "abroad now"}


def test_a_sheet_cannot_say_of_which_parts_it_is(campaign: Campaign) -> None:
    assert faults(campaign, GOOD + 'considered = ["00"]')[0].endswith("there is no such field.")


def test_every_code_stands_in_the_blank_sheet_with_its_label(campaign: Campaign) -> None:
    sheet = blank(case(), campaign, Judgement(), "v")

    for name in (
        "merit",
        "urgency",
        "harm_status",
        "flag",
        "evidence",
        "currency",
    ):
        for label in campaign.reviewing.lists[name]:
            assert f"#   {label.code}  {label.in_('en')}\n" in sheet
    for field in campaign.reviewing.fields:
        assert f"# {field.in_('en')}" in sheet
        for label in field.choices:
            assert f"#   {label.code}  {label.in_('en')}\n" in sheet
    assert "#   c1.tortured  Physically tortured" in sheet and "#   st.closed  Closed" in sheet


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "nowhere", "harms": ("unknown", "c1.harassed", 'c1.x"\n[evil]')},
        {
            "facts": {
                "period_from": 7,
                "actors": "actor.police",
                "account_types": [["x"], {"y": 1}, None],
                "phone_region": [],
            }
        },
        {
            "facts": {
                "period_from": '2025"\nmerit = "m4',
                "actors": ["actor.nobody"],
                "account_opened": "２０１４",
            }
        },
        {"facts": {"phone_region": {"a": 1}, "period_to": None}, "category": "\x1b[2J\u202e"},
    ],
)
def test_what_is_not_in_the_campaigns_codes_does_not_reach_the_sheet(
    campaign: Campaign, changes: dict[str, Any]
) -> None:
    one = case(**changes)

    sheet = blank(one, campaign, from_claimant(one, campaign), "v")

    body = tomllib.loads(sheet)
    assert (
        body["merit"] == ""
        and set(body["harms"]) <= {"c1.harassed"}
        and body["category"] in ("", "c1")
    )
    assert (body["period_from"], body["actors"], body["phone_region"], body["account_types"]) == (
        "",
        [],
        "",
        [],
    )
    assert not set(sheet) & set("\x1b\u202e") and "evil" not in sheet


def test_a_sheet_comes_back_as_it_was_filled_in(campaign: Campaign) -> None:
    filled = Judgement(
        category="c2",
        merit="m3",
        urgency="deadline",
        harms={"c2.tips_blocked": "documented", "c3.account_closed": "doubtful"},
        period_from="2024-09",
        period_to="2024-10-05",
        amounts=({"amount": "70000.50", "currency": "CNY", "as_of": "2024", "what": '一年"收入"'},),
        evidence="3",
        credibility="可信\n\x1b[31m \u202e 'quoted' \x7f",
        flags=("third_party", "health"),
        tags=("ongoing", "成都"),
        outcome="st.counsel",
        note='Says "yes" \\ and\r\nmore',
        fields={
            "us": "california",
            "actors": ("actor.tencent",),
            "account_types": ("acct.official",),
            "phone_region": "tel.us",
            "account_opened": "2018",
        },
    )

    sheet = blank(case(), campaign, filled, "v")

    assert read(sheet.encode(), campaign) == filled
    assert not set(sheet) & set("\x1b\u202e\x7f\r")


def test_harms_may_be_written_without_quotes(campaign: Campaign) -> None:
    judgement = read((GOOD + '[harms]\nc1.job_loss = "alleged"\n').encode(), campaign)

    assert judgement.harms == {"c1.job_loss": "alleged"}


def test_the_same_judgement_is_the_same_whatever_its_order(campaign: Campaign) -> None:
    two = [
        f'[harms]\n"{a}" = "alleged"\n"{b}" = "alleged"\n'
        for a, b in (("c1.harassed", "c1.other"), ("c1.other", "c1.harassed"))
    ]

    assert list(read((GOOD + two[0]).encode(), campaign).harms) == list(
        read((GOOD + two[1]).encode(), campaign).harms
    )


def test_all_faults_are_named_at_once_each_with_its_line(campaign: Campaign) -> None:
    text = """category = "c9"
merit = "m7"
urgency = 3
colour = "red"
evidence = 5
actors = "actor.police"
period_from = "2025-13"
flags = ["secret"]
tags = ["two words"]
outcome = "st.new"
account_opened = 2014
note = 7
[harms]
"c1.nothing" = "alleged"
"c1.job_loss" = "sure"
[[amounts]]
amount = "NaN"
currency = "EUR"
colour = "x"
as_of = "yesterday"
"""

    found = faults(campaign, text)

    assert [one.split(":")[0] for one in found] == [
        "Line 1, category",
        "Line 2, merit",
        "Line 3, urgency",
        "Line 4, colour",
        "Line 5, evidence",
        "Line 6, actors",
        "Line 7, period_from",
        "Line 8, flags",
        "Line 9, tags",
        "Line 10, outcome",
        "Line 11, account_opened",
        "Line 12, note",
        "Line 14, c1.nothing",
        "Line 15, c1.job_loss",
        *["Line 16, amounts"] * 4,
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "urgency: this is required"),
        ('urgency = "normal"\nmerit = "m1"', "category: this is required"),
        ('urgency = "normal"\noutcome = "st.closed"', "a first look cannot have an outcome"),
        (GOOD + 'period_from = "2026"\nperiod_to = "2025-12"', "before period_from"),
        (GOOD + "conflict = 1", "true or false"),
        (GOOD + "harms = 1", "a table of harms"),
        (GOOD + "amounts = 1", "tables [[amounts]]"),
        (GOOD + '[[amounts]]\namount = "1e400"\ncurrency = "CNY"', "amount must be a number"),
        (GOOD + '[[amounts]]\namount = "-1"\ncurrency = "CNY"', "amount must be a number"),
        (GOOD + '[[amounts]]\namount = 1.5\ncurrency = ["CNY"]', "amount must be a number"),
        (GOOD + "evidence = " + "9" * 5_000, "not TOML"),
        (GOOD + "evidence = 0x" + "f" * 5_000, "evidence: this must be one of"),
        (
            GOOD + '[[amounts]]\ncurrency = "CNY"\namount = 0x' + "f" * 5_000,
            "amount must be a number",
        ),
        (GOOD + "note = 2026-13-45", "not TOML"),
        (GOOD + 'note = "\\u0000"', "a text in quotes"),
        (GOOD + "merit", "not TOML"),
        (GOOD + 'merit = "m3"', "not TOML"),
        ("x = " + "[" * 100_000, "not TOML"),
        ("#" * (256 * 1024 + 1), "longer than"),
        (GOOD + f'note = "{"x" * 20_001}"', "a text in quotes of at most 20000 characters"),
        (GOOD + f"tags = {[f't{n}' for n in range(101)]}", "a list of"),
        (GOOD + '[[amounts]]\ncurrency = "CNY"\namount = "1"\n' * 51, "at most 50 tables"),
        (GOOD + f'[[amounts]]\namount = "{10**15}"\ncurrency = "CNY"', "amount must be a number"),
        (GOOD + f'[[amounts]]\namount = {10**15}\ncurrency = "CNY"', "amount must be a number"),
        ('"\\u001b[2J" = 1', "‹U+001B›[2J: there is no such field"),
        ("x" * 60 + " = 1", "x" * 60 + ": there is no such field"),
        ("x" * 61 + " = 1", ", " + "x" * 59 + "…: there is no such field"),
        (f'[[amounts]]\n"\\u001b{"x" * 61}" = 1', "there is no field ‹U+001B›xxxx"),
    ],
)
def test_a_sheet_that_cannot_be_taken_is_refused_with_a_sentence(
    campaign: Campaign, text: str, sentence: str
) -> None:
    found = faults(campaign, text)

    assert sentence in "\n".join(found) and "\x1b" not in "\n".join(found)


def test_as_much_as_a_sheet_can_hold_is_taken(campaign: Campaign) -> None:
    amount = '[[amounts]]\ncurrency = "CNY"\namount = '
    sheet = (
        GOOD
        + f'note = "{"x" * 20_000}"\ntags = {[f"t{n}" for n in range(100)]}\n'
        + f'{amount}"{10**15 - 1}"\n{amount}{10**15 - 1}\n'
        + f'{amount}"1"\n' * 48
    )
    whole = sheet.encode() + b"#" * (256 * 1024 - len(sheet))
    judgement = read(whole, campaign)

    assert (len(judgement.note), len(judgement.tags), len(judgement.amounts)) == (20_000, 100, 50)
    assert [one["amount"] for one in judgement.amounts[:2]] == [str(10**15 - 1)] * 2


def test_a_sheet_in_another_encoding_is_refused_with_its_line(campaign: Campaign) -> None:
    with pytest.raises(BadSheet, match="Line 2: this is not UTF-8"):
        read(b'merit = "m1"\nnote = "' + "微信".encode("gb18030") + b'"', campaign)


def test_an_adjudication_needs_a_tier_and_a_first_look_does_not(campaign: Campaign) -> None:
    assert read(b'urgency = "danger"', campaign).merit == ""
    assert "merit: this is required" in faults(campaign, 'urgency = "danger"', ADJUDICATION)[0]


def test_who_declares_a_conflict_says_nothing_else(campaign: Campaign) -> None:
    judgement = read((GOOD + 'conflict = true\nnote = "my cousin"').encode(), campaign)

    assert judgement == Judgement(conflict=True, note="my cousin")


AMOUNT = '[[amounts]]\ncurrency = "CNY"\namount = '


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ('"0"', "0"),
        ('"0.00"', "0.00"),
        ('"1e3"', "1000"),
        ('"1.' + "5" * 28 + '"', "1." + "5" * 28),
        ("0", "0"),
        ("7", "7"),
    ],
)
def test_an_amount_is_a_plain_number_from_nothing_on(
    campaign: Campaign, written: str, amount: str
) -> None:
    (found,) = read((GOOD + AMOUNT + written).encode(), campaign).amounts

    assert found["amount"] == amount


@pytest.mark.parametrize(
    "written", ['"1.' + "5" * 29 + '"', '"１"', '"-0.01"', "-7", '"Infinity"', '"x"', "true", '""']
)
def test_an_amount_that_is_none_is_refused(campaign: Campaign, written: str) -> None:
    (sentence,) = faults(campaign, GOOD + AMOUNT + written)

    assert "number 1: amount must be a number in quotes" in sentence


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("what = 7", "what must be a text"),
        ("as_of = 2024", "as_of must be YYYY"),
        ('as_of = "2024-13"', "as_of must be YYYY"),
        ("colour = 1", "there is no field colour"),
    ],
)
def test_what_is_wrong_with_one_amount_is_said_with_its_number(
    campaign: Campaign, more: str, sentence: str
) -> None:
    (found,) = faults(campaign, f'{GOOD}{AMOUNT}"1"\n{AMOUNT}"2"\n{more}')

    assert f"number 2: {sentence}" in found


@pytest.mark.parametrize(
    ("first", "last", "taken"),
    [
        ("2026-03", "2026-03", True),
        ("2026-03", "2026", True),
        ("2026", "2026-01", True),
        ("2026-03-02", "2026-03", True),
        ("2026-03-02", "2026-03-01", False),
        ("2026-03", "2026-02", False),
        ("2026", "2025-12-31", False),
        ("", "1999", True),
    ],
)
def test_a_period_ends_no_earlier_than_it_begins(
    campaign: Campaign, first: str, last: str, taken: bool
) -> None:
    text = GOOD + f'period_from = "{first}"\nperiod_to = "{last}"'

    if taken:
        assert read(text.encode(), campaign).period_to == last
    else:
        assert "before period_from" in faults(campaign, text)[0]


@pytest.fixture(scope="module")
def dam(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Another group's campaign: two kinds of case, and a field of each kind of its own."""
    text = '{ zh-Hans = "一", zh-Hant = "一", en = "one" }'
    fields = "".join(
        f'[[review.field]]\ncode = "{code}"\nkind = "{kind}"\nlabel = {text}\n{more}\n'
        for code, kind, more in (
            ("river", "one", f'choices = [{{ code = "upper", {text[2:-2]} }}]'),
            ("lost", "many", f'choices = [{{ code = "house", {text[2:-2]} }}]'),
            ("warned", "date", ""),
            ("built", "year", ""),
            ("depth", "number", ""),
            ("witness", "text", ""),
        )
    )
    path = tmp_path_factory.mktemp("campaign") / "dam.toml"
    head = f'code = "dam"\ntitle = {text}\ninvitation = {text}\n'
    kinds = "".join(f'[[category]]\ncode = "{one}"\nlabel = {text}\n' for one in ("flood", "land"))
    path.write_text(head + kinds + fields, "utf-8")
    return Campaign.read(path)


def test_a_campaigns_own_fields_start_with_the_claimants_answers(dam: Campaign) -> None:
    answers = {"river": "upper", "lost": ["house", "x"], "warned": "2025-07", "built": "2001"}
    started = from_claimant(case(category="flood", facts={**answers, "witness": "me"}), dam)

    assert started.fields == {
        "river": "upper",
        "lost": ("house",),
        "warned": "2025-07",
        "built": "2001",
        "depth": "",
        "witness": "",
    }
    wrong = {"river": "lower", "lost": "house", "warned": "soon", "depth": "deep", "built": 2001}
    assert from_claimant(case(category="flood", facts=wrong), dam).fields == {
        code: () if code == "lost" else "" for code in started.fields
    }


def test_a_campaigns_own_fields_are_read_by_their_kinds(dam: Campaign) -> None:
    said: dict[str, str | tuple[str, ...]] = {
        "river": "upper",
        "lost": ("house",),
        "warned": "2025-07-01",
        "built": "2001",
        "depth": "2.5",
        "witness": "Two",
    }
    filled = Judgement("flood", "m2", "normal", fields=said)
    sheet = blank(case(), dam, filled, "v")

    assert read(sheet.encode(), dam) == filled
    for code, wrong, sentence in (
        ("river", '"lower"', "this must be one of upper, or empty."),
        ("lost", '["barn"]', "this must be a list of house."),
        ("warned", '"soon"', "this must be YYYY, YYYY-MM or YYYY-MM-DD."),
        ("built", "2001", "this must be a text in quotes of at most 20000 characters."),
        ("depth", '"-1"', 'this must be a number in quotes, such as "12.5".'),
        ("depth", '"1e9"', 'this must be a number in quotes, such as "12.5".'),
        ("us", '"california"', "there is no such field."),
    ):
        lines = [one for one in sheet.splitlines() if not one.startswith(f"{code} =")]
        lines.insert(0, f"{code} = {wrong}")
        assert faults(dam, "\n".join(lines)) == [f"Line 1, {code}: {sentence}"]
