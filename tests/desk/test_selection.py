"""Cases are filtered, sorted and counted by every fact and field, as far as a reviewer may know."""

from pathlib import Path

import pytest
from support.cases import DAY, add, report
from support.desks import REVIEWERS, Desk

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.review.judgement import Judgement
from scripts.desk.search import queue_definitions, said, selection
from scripts.desk.search.columns import columns_of
from scripts.desk.search.known_codes import WrongCode, check_codes, wrong_code
from scripts.desk.search.selection import Condition, Selection, SelectionError, values_of

FIRST, SECOND, THIRD = (one.fingerprint for one in REVIEWERS[:3])
SAID: dict[str, object] = {
    "merit": "m3",
    "urgency": "danger",
    "tags": ("kin",),
    "harms": {"c1.job_loss": "documented"},
    "fields": {"us": "california", "actors": ("actor.police",)},
    "note": "a note",
    "amounts": ({"amount": "9000.00", "currency": "CNY", "as_of": "2026-01", "what": "pay"},),
    "period_from": "2019-03",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of three reviewers with the reports of five claimants."""
    desk = Desk.make(tmp_path / "casebook", 0)
    desk.file([1, 2, 3, 4, 5])
    return desk


def at(desk: Desk, who: int) -> Desk:
    """The same casebook, with another reviewer at work."""
    return Desk(desk.directory, who)


def asked(desk: Desk, reviewer: str, *where: str, **more: str) -> list[int]:
    with Casebook.open(desk.directory) as casebook:
        conditions = tuple(map(Condition.read, where))
        return Selection(where=conditions, **more).numbers(casebook, reviewer)  # type: ignore[arg-type]


def counted(desk: Desk, reviewer: str) -> dict[str, int]:
    """The queues that hold anything."""
    with Casebook.open(desk.directory) as casebook:
        found = queue_definitions.counts(casebook, reviewer)
    return {queue.code: count for queue, count in found if count}


FACTS = [
    report("a", 1, facts={"province": "prov.GD", "period_from": "2019", "amount_band": "amount.4"}),
    report(
        "b",
        2,
        category="c4",
        facts={
            "province": "prov.XJ",
            "period_from": "2019-06",
            "account_types": ["acct.personal", "acct.work"],
            "c4.trades": [{"ticker": "tk.tcehy", "price": "9"}, {"ticker": "tk.fund"}],
        },
    ),
    report("c", 3, facts={"period_from": "2020-02", "account_opened": "2014", "amount_band": 7}),
    report("d", 3, kind="message", language="en", facts={"province": "prov.GD"}),
]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("province=prov.GD", [1, 3]),
        ("province!=prov.GD", [2]),
        ("claimant.province = prov.XJ", [2]),
        ("amount_band=", [2, 3]),
        ("amount_band!=", [1]),
        ("account_types=acct.work", [2]),
        ("c4.trades.ticker=tk.fund", [2]),
        ("c4.trades.price=9", [2]),
        ("category=c4", [2]),
        ("language=en", [3]),
        ("language!=", [1, 2, 3]),
        ("language=", []),
        ("parts=", []),
        ("parts>1", [3]),
        ("parts<=1", [1, 2]),
        ("files=0", [1, 2, 3]),
        ("status=st.new", [1, 2, 3]),
        ("status!=st.new", []),
        ("account_opened<2015", [3]),
        ("period_from=2019", [1, 2]),
        ("period_from<2019-06", [1]),
        ("period_from<=2019", [1, 2]),
        ("period_from>2019", [3]),
        ("period_from>=2019-06", [2, 3]),
        ("period_from<2019", []),
        ("day=2026", [1, 2, 3]),
        ("day>2026", []),
    ],
)
def test_a_condition_on_a_fact_finds_the_cases_that_state_it(
    casebook: Casebook, where: str, found: list[int]
) -> None:
    add(casebook, *FACTS)

    assert Selection(where=(Condition.read(where),)).numbers(casebook, FIRST) == found


def test_all_conditions_have_to_be_met(casebook: Casebook) -> None:
    add(casebook, *FACTS)
    both = tuple(map(Condition.read, ("province=prov.GD", "period_from>2019")))

    assert Selection(where=both).numbers(casebook, FIRST) == [3]


@pytest.mark.parametrize(
    ("sort", "up", "down"),
    [
        ("period_from", [1, 2, 3], [3, 2, 1]),
        # In the campaign's order, where Guangdong comes before Xinjiang, and not said comes last.
        ("province", [1, 3, 2], [2, 1, 3]),
        ("amount_band", [1, 2, 3], [1, 2, 3]),
        ("parts", [1, 2, 3], [3, 1, 2]),
        ("language", [1, 2, 3], [3, 1, 2]),
        ("", [1, 2, 3], [3, 2, 1]),
    ],
)
def test_cases_are_sorted_by_a_fact(
    casebook: Casebook, sort: str, up: list[int], down: list[int]
) -> None:
    add(casebook, *FACTS)

    assert Selection(sort=sort).numbers(casebook, FIRST) == up
    assert Selection(sort=sort, descending=True).numbers(casebook, FIRST) == down


def test_of_several_values_that_counts_by_which_a_case_comes_first(casebook: Casebook) -> None:
    add(casebook, report("a", 1, facts={"period_from": "2019"}))
    for year in ("2018", "2020"):
        add(casebook, report(year, 2, kind="message", facts={"period_from": year}))

    for descending in (False, True):
        order = Selection(sort="period_from", descending=descending)
        assert order.numbers(casebook, FIRST) == [2, 1]


WRONG = [
    ("provence=prov.GD", "There is no field provence; there are province"),
    ("province=GD", "There is no province GD; there are prov.GD"),
    ("own.province=prov.GD", "There is no field own.province"),
    ("merit=m9", "There is no merit m9; there are m0, m1, m2, m3, m4, mx."),
    ("tags=kin", "There is no tags kin; this campaign has none."),
    ("merit<m2", "merit is a code: only = and != can be asked of it, not <."),
    ("files=many", "files is a number; many is none."),
    ("period_from<June", "period_from is a month or a day, such as 2019"),
    ("files<", "files< lacks a value."),
    ("note=money", "note is a text: note!= asks for cases that have one"),
    ("money", "money is no condition; one looks like status=st.new"),
    ("=x", "=x is no condition"),
]


@pytest.mark.parametrize(("where", "sentence"), WRONG)
def test_a_wrong_condition_is_an_error_that_names_the_right_ones(
    casebook: Casebook, where: str, sentence: str
) -> None:
    add(casebook, *FACTS)

    with pytest.raises(CasedropError) as why:
        Selection(where=(Condition.read(where),)).numbers(casebook, FIRST)
    assert str(why.value).startswith(sentence)


def test_a_wrong_queue_or_order_names_the_right_ones(casebook: Casebook) -> None:
    with pytest.raises(WrongCode, match="no queue mien; there are mine, assigned, danger"):
        Selection(queue="mien").numbers(casebook, FIRST)
    with pytest.raises(WrongCode, match="no field urgence; there are urgency"):
        Selection(sort="urgence").numbers(casebook, FIRST)
    with pytest.raises(SelectionError, match="note is a text, by which nothing can be sorted"):
        Selection(sort="note").numbers(casebook, FIRST)


EVERY_FIELD = (
    *("merit=m3", "urgency=danger", "us=california", "tags=kin", "actors=actor.police"),
    *("harms=c1.job_loss", "c1.job_loss=documented", "note!=", "amounts>5000"),
    *("amounts.currency=CNY", "amounts.as_of=2026", "review.period_from=2019"),
)


def found_by(desk: Desk, reviewer: str, conditions: tuple[str, ...]) -> set[str]:
    """Those of *conditions* by which the first case is found. A code nobody used is none."""
    found = set()
    for one in conditions:
        try:
            found |= {one} if 1 in asked(desk, reviewer, one) else set()
        except WrongCode:
            continue
    return found


@pytest.mark.slow
def test_every_field_of_a_decided_case_finds_it_and_none_before_it_may_be_seen(desk: Desk) -> None:
    desk.judge(1, **SAID)  # type: ignore[arg-type]  # of a tier that needs two reviews
    beside = {"note!=", "amounts>5000", "amounts.currency=CNY", "amounts.as_of=2026"}
    beside.add("review.period_from=2019")

    assert found_by(desk, SECOND, EVERY_FIELD) == found_by(desk, THIRD, EVERY_FIELD) == set()
    assert found_by(desk, FIRST, EVERY_FIELD) == beside, "their own, and of no effect yet"
    own = tuple(f"own.{one}" for one in ("merit=m3", "urgency=danger", "tags=kin", "note!="))
    assert found_by(desk, FIRST, own) == set(own)
    assert found_by(desk, SECOND, own) == found_by(desk, THIRD, own) == set()

    at(desk, 1).judge(1, **SAID)  # type: ignore[arg-type]
    for who in (FIRST, SECOND, THIRD):
        assert found_by(desk, who, EVERY_FIELD) == set(EVERY_FIELD)
    assert found_by(desk, THIRD, own) == set() and found_by(desk, SECOND, own) == set(own)


def test_neither_an_order_nor_what_is_left_out_tells_of_a_blind_review(desk: Desk) -> None:
    desk.judge(4, merit="m4", urgency="danger", tags=("kin",), note="n")
    everything = [1, 2, 3, 4, 5]

    for sort in ("merit", "urgency", "tags", "own.merit", "category"):
        for down in (False, True):
            with Casebook.open(desk.directory) as casebook:
                order = Selection(sort=sort, descending=down).numbers(casebook, SECOND)
            assert order == everything, sort
    for where in ("merit!=m4", "urgency=", "note=", "own.merit!=m4", "own.merit="):
        assert asked(desk, SECOND, where) == everything, where
    with pytest.raises(WrongCode, match="this campaign has none"):
        asked(desk, SECOND, "tags=kin")
    assert (
        asked(desk, FIRST, "own.tags=kin") == [4] and asked(desk, FIRST, sort="own.merit")[0] == 4
    )


def test_reviews_are_sorted_as_the_campaign_lists_its_codes(desk: Desk) -> None:
    for claimant, urgency in ((1, "danger"), (2, "normal"), (3, "deadline")):
        for who in (0, 1):
            at(desk, who).judge(claimant, merit="m2", urgency=urgency)

    with Casebook.open(desk.directory) as casebook:
        up = Selection(sort="urgency").numbers(casebook, THIRD)
        down = Selection(sort="urgency", descending=True).numbers(casebook, THIRD)
    assert (up, down) == ([2, 3, 1, 4, 5], [1, 3, 2, 4, 5])


def test_a_case_that_was_given_away_is_in_no_queue_order_or_filter(desk: Desk) -> None:
    at(desk, 2).judge(1, merit="", conflict=True)
    for who in (0, 1):
        at(desk, who).judge(1, merit="m3", flags=("privileged",), urgency="danger")

    assert counted(desk, FIRST)["privileged"] == counted(desk, FIRST)["danger"] == 1
    assert counted(desk, THIRD) == {"mine": 4, "new": 4}
    for where in ("merit=m3", "merit!=m0", "flags=privileged", "language=zh-Hans", "parts=1"):
        assert 1 not in asked(desk, THIRD, where), where
    assert 1 not in asked(desk, THIRD, sort="merit") and 1 not in asked(desk, THIRD, sort="parts")
    # What the list shows of it anyway.
    assert 1 in asked(desk, THIRD) and 1 in asked(desk, THIRD, "status=st.second_review")


def test_queues_say_what_waits_for_whom(desk: Desk) -> None:
    desk.judge(1, merit="m3")  # waits for a second review
    for who, merit in ((0, "m1"), (1, "m3")):
        at(desk, who).judge(2, merit=merit)  # they disagree
    for who in (0, 1):
        at(desk, who).judge(3, merit="m2", urgency="deadline", flags=("privileged",))
    desk.file([3], again=1)  # more came after the decision
    desk.file([5], again=2)
    desk.answer(4, "answer")
    desk.file([4], again=1)

    same = {"disagree": 1, "second": 1, "new": 2, "deadline": 1, "privileged": 1, "came-back": 2}
    assert counted(desk, FIRST) == {**same, "mine": 2}
    assert counted(desk, SECOND) == {**same, "mine": 2 + 1 + 1}, "the second, and who decided"
    assert counted(desk, THIRD) == {**same, "mine": 2 + 1 + 1}
    opened = {queue: asked(desk, SECOND, queue=queue) for queue in same}
    assert opened == {
        "disagree": [2],
        "second": [1],
        "new": [4, 5],
        "deadline": [3],
        "privileged": [3],
        "came-back": [3, 4],
    }
    assert asked(desk, SECOND, queue="mine") == [1, 3, 4, 5]
    assert asked(desk, SECOND, "status=st.new", queue="mine") == [4, 5]


def test_an_assigned_case_is_its_reviewers_first_and_then_anybodys_second(desk: Desk) -> None:
    with desk.working() as casebook, casebook.together():
        for number, who in ((1, SECOND), (2, SECOND), (3, THIRD)):
            case = casebook.case(number)
            casebook.assignments.add(case, who, reviewer=FIRST, day=DAY)
            casebook.layers.settle(case)

    assert [asked(desk, who, queue="assigned") for who in (FIRST, SECOND, THIRD)] == [
        [],
        [1, 2],
        [3],
    ]
    assert [asked(desk, who, queue="mine") for who in (FIRST, SECOND)] == [[4, 5], [1, 2, 4, 5]]
    at(desk, 1).judge(1, merit="m3")
    assert [asked(desk, who, queue="assigned") for who in (FIRST, SECOND)] == [[], [2]]
    assert [asked(desk, who, queue="mine") for who in (FIRST, SECOND)] == [[1, 4, 5], [2, 4, 5]]


def test_a_claimants_word_of_danger_counts_until_reviewers_decide(casebook: Casebook) -> None:
    add(casebook, report("a", 1, facts={"danger_now": "yes"}), report("b", 2))

    def judge(outcome: str, urgency: str = "") -> list[int]:
        case = casebook.case(1)
        for who in (FIRST, SECOND):
            said = Judgement(merit="m0", outcome=outcome, urgency=urgency)
            casebook.layers.add(case, casebook.layers.placed(case, said), reviewer=who, day=DAY)
        casebook.layers.settle(case)
        return Selection(queue="danger").numbers(casebook, FIRST)

    assert Selection(queue="danger").numbers(casebook, FIRST) == [1]
    assert judge("st.counsel") == []
    assert judge("st.counsel", "danger") == [1]
    assert judge("st.closed") == []


def test_withdrawn_cases_are_in_their_own_queue_alone(casebook: Casebook) -> None:
    add(casebook, report("a", 1, facts={"danger_now": "yes"}), report("", 1, kind="withdrawal"))

    found = {one.code for one, count in queue_definitions.counts(casebook, FIRST) if count}
    assert found == {"withdrawn"}
    assert Selection(queue="withdrawn").numbers(casebook, FIRST) == [1]


def test_what_was_said_follows_each_new_layer_and_verify_sees_what_was_altered(desk: Desk) -> None:
    desk.judge(1, merit="m3", tags=("kin",))
    at(desk, 1).judge(1, merit="m3", tags=("kin",))
    assert asked(desk, THIRD, "tags=kin") == [1]
    at(desk, 1).judge(1, merit="m3", tags=("other",))
    assert asked(desk, THIRD, "tags=other") == [1]

    with Casebook.open(desk.directory) as casebook:
        assert said.altered(casebook) == []
        casebook.database.execute("DELETE FROM said WHERE value = 'other' AND source = 'review'")
        assert said.altered(casebook) == [1]
        casebook.database.execute("DROP TABLE said")
        assert said.altered(casebook) == []


def test_what_a_case_has_in_a_column_is_as_new_as_the_casebook(desk: Desk) -> None:
    assert asked(desk, THIRD) == [1, 2, 3, 4, 5]
    for who in (0, 1):
        at(desk, who).judge(2, merit="m3", tags=("kin", "shop"), note="【虚构】密")

    with Casebook.open(desk.directory) as casebook:
        assert values_of(casebook, THIRD, "tags") == {2: {"kin", "shop"}}
        assert values_of(casebook, THIRD, "merit") == {2: {"m3"}}
        # Whether there is a note: its words are looked for among words alone.
        assert values_of(casebook, THIRD, "note") == {2: {"yes"}}
        # Nor does it matter which tables have to be made again.
        for column in ("category", "parts"):
            casebook.database.execute("DROP TABLE outline")
            assert list(values_of(casebook, THIRD, column)) == [1, 2, 3, 4, 5]
        casebook.database.execute("DROP TABLE outline")
        of_one_part = Selection(where=(Condition.read("parts=1"),))
        assert of_one_part.numbers(casebook, THIRD) == [1, 2, 3, 4, 5]


CODES = [
    ("status", "st.new", True),
    ("status", "st.old", False),
    ("correspondence", "co.none", True),
    ("correspondence", "co.others", False),
    ("merit", "m4", True),
    ("merit", "m9", False),
    ("urgency", "danger", True),
    ("urgency", "dangerous", False),
    ("flag", "privileged", True),
    ("flag", "private", False),
    ("category", "c4", True),
    ("category", "c99", False),
    ("category", "c.former", True),
    ("category", "h.former", False),
    ("harm", "c1.job_loss", True),
    ("harm", "c1.loss", False),
    ("harm", "h.former", True),
    ("harm", "c.former", False),
    ("reviewer", "Ann", True),
    ("reviewer", "ann", False),
    ("reviewer", FIRST, True),
    ("reviewer", FIRST.lower(), True),
    ("reviewer", SECOND, False),
    ("tag", "kin", False),
    ("period", "whenever", True),
]


@pytest.mark.parametrize(("name", "code", "known"), CODES)
def test_a_code_is_right_if_the_campaign_or_a_report_has_it(
    casebook: Casebook, name: str, code: str, known: bool
) -> None:
    add(casebook, report("x", category="c.former", harms=("h.former",)))

    def check(code: str) -> None:
        check_codes(casebook, {"harm": "", name: code}, {FIRST: "Ann"}, FIRST)

    check("")
    if known:
        check(code)
    else:
        with pytest.raises(WrongCode, match=f"^There is no {name} {code}; "):
            check(code)


@pytest.mark.parametrize("total", [1, 16, 17])
def test_of_more_than_sixteen_codes_those_are_named_that_resemble_the_wrong_one(
    total: int,
) -> None:
    known = [f"Code{number:02}" for number in range(total)]
    begin = "There is no field ode1; there are "

    said = str(wrong_code("field", "ode1", known))

    assert said.startswith(begin)
    listed = said.removeprefix(begin).removesuffix(".").partition(" and others, all of them in ")
    if total <= 16:
        assert listed == (", ".join(known), "", "")
    else:
        assert listed[2] == "`review --blank`"
        named = listed[0].split(", ")
        # Those that hold what was typed come first, and eight are named at most.
        assert named[:7] == known[10:] and len(named) == 8 == len(set(named))
        far = str(wrong_code("field", "zzz", known, all_of=""))
        assert far == f"There is no field zzz; there are {', '.join(known[:8])} and others."
    assert str(wrong_code("field", "x" * 41, [])) == (
        f"There is no field {'x' * 39}…; this campaign has none."
    )


def test_every_question_and_every_field_of_the_rules_is_a_column(casebook: Casebook) -> None:
    columns, campaign = columns_of(casebook.campaign), casebook.campaign

    assert set(campaign.reviewing.rules) <= set(columns)
    questions = {one.code for one in campaign.questions if one.kind != "lines"}
    assert questions <= set(columns) and "c4.trades.ticker" in columns
    assert columns["actors"].sources == ("claimant", "review", "own")
    add(casebook, report("a"))
    for code, column in columns.items():
        condition = Condition(code, "!=", "")
        assert selection.named(columns, code)[0] is column
        assert Selection(where=(condition,)).numbers(casebook, FIRST) in ([], [1])
