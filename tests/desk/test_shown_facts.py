"""Facts as the desk shows them, and what programs get: every table and text compared whole."""

import io
import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console
from support.cases import CAMPAIGN

from dropbox.campaign import Campaign
from scripts.desk.case import Answer, Case, Part
from scripts.desk.casebook.facts import TAKEN_BACK, Contact, Event, Fact, Party
from scripts.desk.facts.case_facts import DROP, CaseFacts, Contacted
from scripts.desk.facts.chronology import Happened
from scripts.desk.facts.dates import read as read_date
from scripts.desk.facts.entities import Entity, Placed
from scripts.desk.facts.sources import Sources
from scripts.desk.identity import Viewer
from scripts.desk.screen.fact_tables import (
    contacts_table,
    entities_table,
    entity_values,
    events_table,
    facts_text,
    history_text,
    history_values,
    parties_table,
    timeline_table,
    timeline_values,
)

DAY = date(2026, 11, 26)
ANN = "A" * 40
VIEWER = Viewer(ANN, {ANN: "ann"}, Campaign.read(CAMPAIGN), "en")
WHO: dict[str, Any] = {"reviewer": ANN, "day": DAY}
DISAGREE = "corrections disagree"
# One character longer than what is shown of a name.
LONG = "n" * 61
CUT = "n" * 59 + "…"

EVENTS = (
    Event(
        entry="E00000000A", kind="ev.restricted", date="2019-03", text="blocked",
        parties="P000000001 P000000002", **WHO,
    ),
    Event(entry="E00000000B", kind="ev.other", text="paid", **WHO),
)  # fmt: skip
PARTIES = (
    Party(
        entry="P000000001", kind="organisation", role="platform", names=f"Tencent\n{LONG}",
        text="of Shenzhen", **WHO,
    ),
    Party(entry="Q000000002", kind="person", role="witness", names="Wang", **WHO),
)  # fmt: skip
ENTERED = (
    Contact(
        entry="C00000000A", date="2026-11", channel="phone", team="ann", contact=LONG,
        text="call again", **WHO,
    ),
    Contact(entry="D00000000B", date="2026-11-24", channel="mail", team="ben", **WHO),
)  # fmt: skip


def answer(desk: int | None) -> Answer:
    return cast(Answer, SimpleNamespace(desk=desk))


CONTACTS = (
    Contacted(read_date("2026-11"), "phone", entered=ENTERED[0]),
    Contacted(read_date("2026-11-24"), "mail", entered=ENTERED[1]),
    Contacted(read_date("2026-11-25"), DROP, answer=answer(None)),
    Contacted(read_date("2026-11-25"), DROP, answer=answer(0)),
    Contacted(read_date("2026-11-26"), DROP, part=cast(Part, SimpleNamespace())),
)
CASE = cast(Case, SimpleNamespace(number=1, name="AA-BBBB"))
ELSEWHERE = Sources.__new__(Sources)


def facts(*, contested: tuple[Fact, ...] = (), **changes: Any) -> CaseFacts:
    """Those above, of which all versions of *contested* disagree."""
    found = {"events": EVENTS, "parties": PARTIES, "contacts": CONTACTS, **changes}
    return CaseFacts(
        case=CASE, sources=ELSEWHERE, contested={one.entry: (one,) for one in contested}, **found
    )


def shown(table: object, width: int = 200) -> list[str]:
    """The lines of a table on a terminal of so many characters, without the room in them."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, emoji=False, markup=False).print(table)
    lines = (re.sub(" {2,}", " ", line).rstrip() for line in out.getvalue().splitlines())
    return [line for line in lines if line.strip(" ─")]


FIRST, SECOND = 0, 1


@pytest.mark.parametrize("which", [None, FIRST, SECOND])
def test_the_facts_of_a_case_are_tables_that_name_what_disagrees(which: int | None) -> None:
    contested = () if which is None else (EVENTS[which], PARTIES[which], ENTERED[which])
    found = facts(contested=contested)
    one, other = (f" · {DISAGREE}" if which == at else "" for at in (FIRST, SECOND))

    assert shown(events_table(found, VIEWER)) == [
        " when kind what",
        " 2019-03 Account, function blocked",
        f" or content Tencent, P000000002 · from elsewhere · E00000000A{one}",
        " restricted",
        " no date Other paid",
        f" from elsewhere · E00000000B{other}",
    ]
    many = [f"N{number}" for number in range(13)]
    assert shown(parties_table(found, {PARTIES[0].entry: many[:12]}, VIEWER)) == [
        " entry role kind names also in",
        f" P0000 Platform (Tencent, WeChat) Company or organisation Tencent / {CUT} "
        "N0, N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11",
        f" of Shenzhen · from elsewhere{one}",
        " Q0000 Witness Person Wang",
        f" from elsewhere{other}",
    ]
    assert shown(parties_table(found, {PARTIES[1].entry: many}, VIEWER))[3] == (
        " Q0000 Witness Person Wang N0, N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11 …"
    )
    assert shown(contacts_table(found, VIEWER)) == [
        " when channel who what",
        " 2026-11 Telephone ann – call again",
        f" {'n' * 18} C0000{one}",
        *[f" {'n' * 18}"] * 2,
        " nnnnn…",
        f" 2026-11-24 mail ben D0000{other}",
        " 2026-11-25 the drop an answer left",
        " 2026-11-25 the drop desk 0 an answer left",
        " 2026-11-26 the drop the claimant wrote",
    ]
    one, other = (DISAGREE if which == at else "" for at in (FIRST, SECOND))
    assert facts_text(found, VIEWER).plain.replace(f"; {DISAGREE}", "").split("\n") == [
        "",
        "── events",
        "",
        "2019-03: Account, function or content restricted: blocked (Tencent, P000000002) "
        "[from elsewhere]",
        "no date: Other: paid [from elsewhere]",
        "",
        "── people and organisations",
        "",
        f"Platform (Tencent, WeChat): Tencent / {CUT}: of Shenzhen [from elsewhere]",
        "Witness: Wang [from elsewhere]",
        "",
        "── contacts",
        "",
        f"2026-11: Telephone, ann – {CUT}: call again" + f" [{one}]" * bool(one),
        "2026-11-24: mail, ben" + f" [{other}]" * bool(other),
    ]
    marks = [DISAGREE in line for line in facts_text(found, VIEWER).plain.split("\n")]
    lines = {None: (), FIRST: (3, 8, 13), SECOND: (4, 9, 14)}[which]
    assert [at for at, mark in enumerate(marks) if mark] == list(lines)


def test_on_a_narrow_screen_dates_and_names_of_cases_stay_whole() -> None:
    found = facts(contacts=(Contacted(read_date("2026-11-24"), "phone", entered=ENTERED[0]),))
    dated = Happened(1, replace(EVENTS[0], date="2019-03-15"), read_date("2019-03-15"))
    timeline = timeline_table([dated], {1: "AA-BBBB"}, {1: ELSEWHERE}, {}, VIEWER, one=False)

    for width in (36, 40, 44, 48):
        assert shown(contacts_table(found, VIEWER), width)[1].startswith(" 2026-11-24 ")
        assert shown(timeline, width)[1].startswith(" 2019-03-15 AA-BBBB ")


def test_a_label_is_shown_up_to_forty_characters() -> None:
    for length in (40, 41):
        kind = "k" * length
        found = facts(events=(replace(EVENTS[1], kind=kind),), parties=(), contacts=())
        label = "k" * 40 if length == 40 else "k" * 39 + "…"
        assert f"no date: {label}: paid" in facts_text(found, VIEWER).plain


def test_a_case_shows_only_the_kinds_of_facts_that_somebody_entered() -> None:
    nothing: dict[str, Any] = dict.fromkeys(("events", "parties", "contacts"), ())

    assert facts_text(facts(**nothing), VIEWER).plain == ""
    assert not facts(**nothing).any and not facts(**{**nothing, "contacts": CONTACTS[2:]}).any
    for kind, title in (
        ("events", "events"),
        ("parties", "people and organisations"),
        ("contacts", "contacts"),
    ):
        found = facts(
            **{**nothing, kind: {"events": EVENTS, "parties": PARTIES}.get(kind, CONTACTS)}
        )
        heads = re.findall("── (.*)", facts_text(found, VIEWER).plain)
        assert (heads, found.any) == ([title], True)


def test_all_versions_are_shown_with_who_entered_them_and_why() -> None:
    taken_back = replace(EVENTS[0], state=TAKEN_BACK, reason="two\nwords", text="", parties="")
    versions = {"E1": (EVENTS[0], taken_back), "P1": PARTIES, "C1": ENTERED}

    assert history_text({}, VIEWER).plain == "Nothing was entered."
    assert history_text(versions, VIEWER).plain.split("\n") == [
        "── E1",
        "",
        "version 1, stated by ann on 2026-11-26",
        "  2019-03",
        "  ev.restricted P000000001 P000000002",
        "  blocked",
        "",
        f"version 2, {TAKEN_BACK} by ann on 2026-11-26, since two",
        "words",
        "  2019-03",
        "  ev.restricted",
        "",
        "── P1",
        "",
        "version 1, stated by ann on 2026-11-26",
        f"  organisation, platform: Tencent / {CUT}",
        "  of Shenzhen",
        "",
        "version 2, stated by ann on 2026-11-26",
        "  person, witness: Wang",
        "",
        "── C1",
        "",
        "version 1, stated by ann on 2026-11-26",
        "  2026-11",
        f"  phone ann – {LONG}",
        "  call again",
        "",
        "version 2, stated by ann on 2026-11-26",
        "  2026-11-24",
        "  mail ben",
    ]
    assert history_values({"E1": (taken_back,)}, VIEWER) == {
        "E1": [
            {
                **{"kind": "ev.restricted", "date": "2019-03", "source": "", "parties": ""},
                **{"text": "", "state": TAKEN_BACK, "reason": "two\nwords"},
                **{"reviewer": "ann", "day": "2026-11-26"},
            }
        ]
    }


def test_people_of_all_cases_have_each_kind_role_and_case_once() -> None:
    names = {number: f"N{number}" for number in range(1, 14)}
    joined = Entity((Placed(1, PARTIES[0]), Placed(2, PARTIES[1]), Placed(2, PARTIES[1])))
    twelve, thirteen = (
        Entity(tuple(Placed(number, PARTIES[1]) for number in range(1, last + 1)))
        for last in (12, 13)
    )
    listed = "N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11, N12"

    assert shown(entities_table([joined, twelve, thirteen], names, VIEWER), 250) == [
        " entries kind roles names cases",
        " P0000 Q0000 Company or organisation, Person Platform (Tencent, WeChat), Witness "
        f"Tencent / {CUT} / Wang N1, N2",
        f" Q0000 Person Witness Wang {listed}",
        f" Q0000 Person Witness Wang {listed} … 13 in all",
    ]
    person = {"kind": "person", "kind_label": "Person", "role": "witness", "role_label": "Witness"}
    assert entity_values(twelve, names, VIEWER) == {
        "names": ["Wang"],
        "cases": listed.split(", "),
        "parties": [
            {"entry": "Q000000002", "case": f"N{number}", **person} for number in range(1, 13)
        ],
    }


def test_a_program_gets_events_with_their_days_and_who_took_part() -> None:
    happened = [
        Happened(1, EVENTS[0], read_date("2019-03"), unsure=True),
        Happened(1, EVENTS[1], read_date(""), contested=True),
    ]
    first, second = timeline_values(
        happened, {1: "AA-BBBB"}, {1: ELSEWHERE}, {"P000000001": "Tencent"}, VIEWER
    )

    assert first == {
        **{"case": "AA-BBBB", "entry": "E00000000A", "kind": "ev.restricted"},
        **{"kind_label": "Account, function or content restricted", "text": "blocked"},
        **{"date": "2019-03", "certainty": "month", "first": "2019-03-01", "last": "2019-03-31"},
        **{"order_unsure": True, "contested": False, "source": None},
        "parties": {"P000000001": "Tencent", "P000000002": ""},
    }
    assert (second["first"], second["last"], second["parties"]) == (None, None, {})
    assert (second["order_unsure"], second["contested"]) == (False, True)
