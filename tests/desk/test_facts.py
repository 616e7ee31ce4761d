"""Facts of cases: entered by forms, corrected with a reason, joined across cases, and shown."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from support.cases import CAMPAIGN, DAY, add, attachment, report
from support.decided_cases import put
from support.desks import Desk
from support.team import Team

from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.label import LANGUAGES
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import CONTACT, EVENT, PARTY, TAKEN_BACK, Event
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.facts import toml_forms
from scripts.desk.facts.case_facts import fact_values, facts_of
from scripts.desk.facts.chronology import party_names, sources_of, timeline
from scripts.desk.facts.contested import contested, sentences
from scripts.desk.facts.entering import Entered, blank_form, hand_in, say_same
from scripts.desk.facts.entities import entities, entity_of, entry_in, named, short
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.facts.filled_in import TO_COME
from scripts.desk.identity import Viewer, viewer
from scripts.desk.screen.fact_tables import (
    contacts_table,
    entities_table,
    events_table,
    facts_text,
    parties_table,
    timeline_table,
)
from scripts.desk.search import said
from scripts.desk.search.finding import Filters, find
from scripts.desk.search.known_codes import WrongCode
from scripts.desk.search.selection import Condition, Selection
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Turn, Who

INPUTS = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))["inputs"]
# Those that a form, which is UTF-8, can hold.
EDGES = [
    text
    for one in INPUTS
    if isinstance(text := one.get("value"), str) and not re.search("[\ud800-\udfff]", text)
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with four cases."""
    made = Desk.make(tmp_path / "casebook", 0)
    made.file([1, 2, 3, 4])
    return made


@pytest.fixture
def casebook(desk: Desk) -> Iterator[Casebook]:
    with desk.working() as opened:
        yield opened


def toml(**fields: Any) -> bytes:
    pairs = (f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in fields.items())
    return "\n".join(pairs).encode()


def event(case: Case, /, **changes: Any) -> bytes:
    fields = {"case": case.name, "when": "2019-03", "kind": "ev.restricted", "text": "【虚构】封号"}
    return toml(**{**fields, **changes})


def party(case: Case, /, *names: str, **changes: Any) -> bytes:
    fields = {"case": case.name, "names": list(names), "kind": "organisation", "role": "platform"}
    return toml(**{**fields, **changes})


def contact(case: Case, /, **changes: Any) -> bytes:
    fields = {"case": case.name, "when": DAY.isoformat(), "channel": "phone", "team": "reviewer-0"}
    return toml(**{**fields, "text": "【虚构】再约", **changes})


def enter(casebook: Casebook, case: Case, kind: str, form: bytes) -> Entered:
    return hand_in(casebook, case, kind, form, DAY)


def test_a_blank_form_is_filled_in_and_kept_and_a_correction_replaces_it(
    casebook: Casebook,
) -> None:
    case = casebook.case(1)
    blank = blank_form(casebook, case, EVENT, "zh-Hans")
    assert "ev.restricted  账号、功能或内容受限" in blank and 'when = ""' in blank
    filled = blank.replace('when = ""', 'when = "2019年3月15日"').replace(
        'kind = ""', 'kind = "ev.notice"'
    )
    filled = filled.replace('text = ""', 'text = "【虚构】通知"')
    entered = enter(casebook, case, EVENT, filled.encode())
    kept = entered.fact
    assert isinstance(kept, Event) and (kept.date, kept.kind) == ("2019-03-15", "ev.notice")
    assert len(kept.entry) == 10 and kept.entry.startswith("E") and not kept.reason

    again = blank_form(casebook, case, EVENT, "en", kept.entry[:5].lower())
    assert 'when = "2019-03-15"' in again and 'text = "【虚构】通知"' in again
    with pytest.raises(FactError, match="reason: say why"):
        enter(casebook, case, EVENT, again.replace("2019-03-15", "2019-03-16").encode())
    reasoned = again.replace('reason = ""', 'reason = "the notice has the day"')
    with pytest.raises(FactError, match="Nothing was changed"):
        enter(casebook, case, EVENT, reasoned.encode())
    corrected = reasoned.replace('when = "2019-03-15"', 'when = "2019-03-16"').encode()
    enter(casebook, case, EVENT, corrected)
    (counts,) = casebook.events.of(1)
    assert (counts.entry, counts.date, counts.reason) == (
        kept.entry,
        "2019-03-16",
        "the notice has the day",
    )
    with pytest.raises(FactError, match="was corrected since"):
        enter(casebook, case, EVENT, corrected)
    with pytest.raises(FactError, match="no such entry"):
        enter(casebook, case, EVENT, event(case, entry="E0000", version=1, reason="x"))


def correct(casebook: Casebook, case: Case, entry: str, text: str) -> Entered:
    """Correct the text of an event to *text* by a form that was printed just now."""
    blank = blank_form(casebook, case, EVENT, "en", entry)
    form = re.sub("^text = .*$", f"text = {json.dumps(text)}", blank, flags=re.MULTILINE)
    return enter(
        casebook, case, EVENT, form.replace('reason = ""', 'reason = "read again"').encode()
    )


def test_disagreeing_corrections_are_named_everywhere_and_settled_by_one_more(
    desk: Desk, tmp_path: Path
) -> None:
    other = Desk(desk.directory, 1).copy(tmp_path / "other")
    with desk.working() as casebook:
        case = casebook.case(1)
        entry = enter(casebook, case, EVENT, event(case, part=1)).fact.entry
    other.merge(desk.work())
    for one, text in ((desk, "limited"), (other, "closed")):
        with one.working() as casebook:
            correct(casebook, one.case(casebook, 1), entry, text)
    desk.merge(other.work())
    with desk.working() as casebook:
        case, reader = casebook.case(1), viewer(casebook, "zh-Hans")
        found = facts_of(casebook, case)
        assert list(found.contested) == [entry] and "更正不一致" in facts_text(found, reader).plain
        (sentence,) = sentences(contested(casebook))
        assert sentence.startswith(f"{case.name}: event {entry[:5]} was corrected differently")
        assert timeline(casebook, [1])[0][0].contested
        blank = blank_form(casebook, case, EVENT, "en", entry)
        for text in ("limited", "closed"):
            assert f"#   {text} · ev.restricted · 2019-03 · part 1" in blank
        last = found.events[0].text
        # To take the last one as it is settles it too.
        assert correct(casebook, case, entry, last).fact.text == last
        assert facts_of(casebook, case).contested == {} and contested(casebook) == []
        with pytest.raises(FactError, match="Nothing was changed"):
            correct(casebook, case, entry, last)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [EVENT, PARTY, CONTACT])
def test_a_form_is_in_the_language_of_the_labels_and_can_be_read(
    casebook: Casebook, kind: str, language: str
) -> None:
    blank = blank_form(casebook, casebook.case(1), kind, language)
    remarks = [line for line in blank.splitlines() if line.startswith("# ")]

    assert toml_forms.read(blank.encode(), kind).fields["text"] == ""
    assert max(map(cell_len, remarks)) <= 100
    for remark in remarks:
        assert (re.search("[一-鿿]", remark) is not None) == (language != "en" or "names" in remark)


def test_a_fact_is_taken_back_with_a_reason_and_its_versions_stay(casebook: Casebook) -> None:
    case = casebook.case(1)
    entry = enter(casebook, case, CONTACT, contact(case)).fact.entry
    form = blank_form(casebook, case, CONTACT, "en", entry).replace(
        "take_back = false", "take_back = true"
    )
    with pytest.raises(FactError, match="say why"):
        enter(casebook, case, CONTACT, form.encode())
    enter(casebook, case, CONTACT, form.replace('reason = ""', 'reason = "another case"').encode())

    assert casebook.contacts.of(1) == () and casebook.contacts.all() == {}
    first, last = casebook.contacts.versions(1)[entry]
    assert (first.counts, last.counts, last.reason) == (True, False, "another case")
    # It can be stated again, from its last version.
    again = blank_form(casebook, case, CONTACT, "en", entry).replace('reason = ""', 'reason = "no"')
    enter(casebook, case, CONTACT, again.encode())
    assert len(casebook.contacts.of(1)) == 1


def test_the_custody_log_and_verify_know_each_fact(desk: Desk) -> None:
    with desk.working() as casebook:
        case = casebook.case(1)
        enter(casebook, case, EVENT, event(case))
        enter(casebook, case, PARTY, party(case, "腾讯"))
        line = casebook.log(casebook.log_lines(), casebook.log_lines())[casebook.log_lines()]
        assert (line.act, line.subject, line.row) == ("party", case.name, "party/1")
        with pytest.raises(Exception, match="never changed"):
            casebook.database.execute("UPDATE event SET text = 'x'")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (EVENT, {"when": ""}, 'when: this is required; "unknown" if nobody knows.'),
    (EVENT, {"when": "正月"}, "when: A lunar date"),
    (EVENT, {"when": 2019}, "when: this must be a text in quotes"),
    (EVENT, {"kind": "ev.nothing"}, "kind: this must be one of ev.account_opened"),
    (EVENT, {"kind": ["ev.other"]}, "kind: this must be one of"),
    (EVENT, {"text": " "}, "text: say what happened."),
    (EVENT, {"text": "x" * 4_001}, "at most 4,000 characters"),
    (EVENT, {"text": "a\0b"}, "text: this must be a text"),
    (EVENT, {"parties": ["P0000"]}, "parties: There is no such entry"),
    (EVENT, {"parties": "P0000"}, "parties: this must be a list"),
    (EVENT, {"part": 2}, "part: this case has no part 2."),
    (EVENT, {"part": -1}, "part: this must be a whole number"),
    (EVENT, {"part": True}, "part: this must be a whole number"),
    (EVENT, {"part": 1, "file": 1}, "part: name only one"),
    (EVENT, {"page": 1}, "part: a page or a line is of a part"),
    (EVENT, {"colour": "red"}, "form: 1 of its fields"),
    (EVENT, {"take_back": "no"}, "take_back: this must be true or false"),
    (EVENT, {"take_back": True}, "print the form with --correct"),
    (EVENT, {"case": "K7-QX4M"}, "case: There is no case"),
    (EVENT, {"case": ""}, "case: this is required"),
    (PARTY, {"names": []}, "names: one name at least"),
    (PARTY, {"names": ["a\nb"]}, "names: this must be a list"),
    (PARTY, {"names": ["x" * 201]}, "names: this must be a list"),
    (PARTY, {"names": ["x"] * 21}, "names: this must be a list"),
    (PARTY, {"names": ["x"], "role": "boss"}, "role: this must be one of perpetrator"),
    (PARTY, {"names": ["x"], "same_as": "P0000"}, "no such entry"),
    (CONTACT, {"when": "unknown"}, "when: a contact needs a date"),
    (CONTACT, {"when": "2027"}, "when: this is still to come"),
    (CONTACT, {"team": ""}, "team: say who"),
    (CONTACT, {"channel": ""}, "channel: this must be one of phone"),
]


@pytest.mark.parametrize("kind", [EVENT, PARTY, CONTACT])
def test_what_a_form_cannot_say_is_named_and_nothing_is_kept(casebook: Casebook, kind: str) -> None:
    case = casebook.case(1)
    made = {EVENT: event, PARTY: party, CONTACT: contact}[kind]
    for changes, sentence in [entry[1:] for entry in WRONG if entry[0] == kind]:
        with pytest.raises(FactError) as refusal:
            enter(casebook, case, kind, made(case, **changes))

        assert sentence in str(refusal.value)
        assert not (casebook.events.all() or casebook.parties.all() or casebook.contacts.all())


def test_what_is_no_form_is_refused(casebook: Casebook) -> None:
    for data in (b"\xff", b"[", b"= = =", b"[" * 5_000, b"x" * 300_000, b""):
        with pytest.raises(FactError):
            enter(casebook, casebook.case(1), EVENT, data)


@pytest.mark.slow
def test_any_text_is_kept_and_shown_without_acting_on_the_terminal(casebook: Casebook) -> None:
    case, reader = casebook.case(1), viewer(casebook, "en")
    for number, text in enumerate(["\u202e王\x1b[31m", "ئۇيغۇر", *EDGES]):
        plain = text.replace("\0", "")[:4_000].strip() or "x"
        enter(casebook, case, EVENT, event(case, text=plain, when=f"{1950 + number}"))
        name = " ".join(plain.split())[:200].strip()
        enter(casebook, case, PARTY, party(case, name, text=plain))
        assert casebook.events.of(1)[-1].text == plain
        assert casebook.parties.of(1)[-1].names == name
    shown = facts_text(facts_of(casebook, casebook.case(1)), reader).plain
    assert "\x1b" not in shown and "\u202e" not in shown and "‹U+202E›" in shown
    for width in (40, 160):
        drawn = tables(casebook, casebook.case(1), reader, width)
        assert "\x1b" not in drawn and "\u202e" not in drawn
        assert max(map(cell_len, drawn.splitlines())) <= width


def tables(casebook: Casebook, case: Case, reader: Viewer, width: int) -> str:
    """All lists of the facts of a case, in so many columns."""
    found, called = facts_of(casebook, case), party_names(casebook, [case.number])
    dated, undated = timeline(casebook, [case.number])
    names, sources = {case.number: case.name}, sources_of(casebook, [case.number])
    console = Console(file=(file := io.StringIO()), width=width, highlight=False)
    for one in (
        events_table(found, reader),
        parties_table(found, {}, reader),
        contacts_table(found, reader),
        timeline_table([*dated, *undated], names, sources, called, reader, one=False),
        entities_table(entities(casebook, ()), names, reader),
    ):
        console.print(one)
    return file.getvalue()


def test_a_case_of_two_hundred_parts_has_all_of_them_as_sources_and_contacts(desk: Desk) -> None:
    with desk.working() as casebook:
        add(casebook, *(report(f"第{n}件", 9, kind="message") for n in range(200)))
        case = desk.case(casebook, 9)
        enter(casebook, case, EVENT, event(case, part=200, line=1))
        with pytest.raises(FactError, match="no part 201"):
            enter(casebook, case, EVENT, event(case, part=201))
        drawn = tables(casebook, case, viewer(casebook, "zh-Hans"), 80)
        assert "来文 200，第 1 行" in drawn and drawn.count("当事人来文") == 199


def test_an_event_rests_on_a_part_a_file_or_an_answer(desk: Desk) -> None:
    with desk.working() as casebook:
        files = (attachment("甲.png"), attachment("乙.pdf", b"b"))
        (number,) = add(casebook, report("【虚构】", 9, attachments=files))
    desk.answer(9, "【虚构】回复\n" * 14)
    with desk.working() as casebook:
        case = casebook.case(number)
        for when, source in (
            ("2001", {"file": 2, "page": 3}),
            ("2002", {"part": 1}),
            ("2003", {"answer": 1, "line": 14}),
            ("2004", {}),
        ):
            enter(casebook, case, EVENT, event(case, when=when, **source))
        found = facts_of(casebook, case)
        shown = [found.sources.shown(one.source, "en") for one in found.events]
        assert shown == ["file 2, page 3", "part 1", "answer 1, line 14", "from elsewhere"]
        hant = [found.sources.shown(one.source, "zh-Hant") for one in found.events]
        assert hant[0] == "檔案 2，第 3 頁" and hant[3] == "案外來源"
        values = fact_values(found, casebook.campaign, "en")["events"]
        sha256 = case.files[1].attachment.sha256
        assert values[0]["source"] == {"file": 2, "sha256": sha256, "page": 3}
        # One that another desk alone can name is kept when the text is corrected.
        kept = casebook.events.of(number)[0]
        other = replace(kept, entry="E000000009", source="file " + "ab" * 32)
        with casebook.together():
            casebook.events.add(case, other)
        assert facts_of(casebook, case).sources.shown(other.source, "en") == (
            "something that is not here"
        )
        form = blank_form(casebook, case, EVENT, "en", "E000000009")
        form = form.replace('reason = ""', 'reason = "r"').replace("封号", "限制")
        enter(casebook, case, EVENT, form.encode())
        assert casebook.events.of(number)[-1].source == other.source


# Sources, and what is wrong with those that are not in the case.
SOURCES: list[tuple[dict[str, int], str]] = [
    ({"part": 2}, "part: this case has no part 2."),
    ({"part": 1, "line": 2}, ""),
    ({"part": 1, "line": 3}, "line: part 1 has only 2 lines."),
    ({"part": 1, "page": 1}, "page: part 1 has no pages."),
    ({"answer": 1, "line": 2}, "line: answer 1 has only 1 line."),
    ({"file": 1, "page": 1}, ""),
    ({"file": 1, "page": 2}, "page: file 1 has only 1 page."),
    ({"file": 2, "line": 3}, ""),
    ({"file": 2, "line": 4}, "line: file 2 has only 3 lines."),
    ({"file": 3, "page": 2, "line": 3}, ""),
    ({"file": 3, "page": 3}, "page: file 3 has only 2 pages."),
    ({"file": 3, "line": 4}, "line: file 3 has only 3 lines."),
    # Nobody has looked into this one, and the last is not here.
    ({"file": 4, "page": 900, "line": 900}, ""),
    ({"file": 5, "page": 900, "line": 900}, ""),
]


def test_a_page_or_line_that_its_source_does_not_have_is_refused(rested: Desk) -> None:
    with rested.working() as casebook:
        case = rested.case(casebook, 9)
        for source, sentence in SOURCES:
            form = event(case, text=str(source), **source)
            if sentence:
                with pytest.raises(FactError, match=f"^{re.escape(sentence)}$"):
                    enter(casebook, case, EVENT, form)
            else:
                enter(casebook, case, EVENT, form)


@pytest.fixture
def rested(desk: Desk) -> Desk:
    """A case with a text, an answer and files, one of which a machine has read."""
    contents = (b"\x89PNG\r\n\x1a\n", b"one\ntwo\nthree", b"%PDF-1.7 a", b"%PDF-1.7 b", b"gone")
    files = tuple(attachment(f"{n}", content) for n, content in enumerate(contents))
    with desk.working() as casebook:
        (number,) = add(casebook, report("【虚构】一\n二", 9, attachments=files))
        for content in contents[:-1]:
            put(casebook, content)
        line = Line("【虚构】", (0, 0, 1, 1), 90)
        turns = (Turn(Who.TEXT, "", 1, (line, line)), Turn(Who.TEXT, "", 2, (line,)))
        pages = (ReadPage(1, 9, 9, 0), ReadPage(2, 9, 9, 0))
        read = Transcript(pages, turns, ()).to_text()
        source = files[2].sha256
        given = Translation(source, TRANSCRIPT, "", "machine", read, desk.reviewer, DAY)
        with casebook.together():
            casebook.translations.add(casebook.case(number), given)
    desk.answer(9, "【虚构】回复")
    return desk


def test_a_date_that_is_still_to_come_is_kept_and_said(casebook: Casebook) -> None:
    case = casebook.case(1)
    assert enter(casebook, case, EVENT, event(case, when="2030-01-01")).remarks == (TO_COME,)
    assert enter(casebook, case, EVENT, event(case, when="before 2030")).remarks == ()


def test_people_are_one_only_when_somebody_says_so_and_apart_again(casebook: Casebook) -> None:
    one, two, three = (casebook.case(number) for number in (1, 2, 3))
    first = enter(casebook, one, PARTY, party(one, "腾讯", "Tencent"))
    second = enter(casebook, two, PARTY, party(two, "騰訊"))
    third = enter(casebook, three, PARTY, party(three, "TX", same_as=first.fact.entry[:6]))
    assert first.alike == () and third.alike == ()
    assert [(at.case, at.party.entry) for at in second.alike] == [(1, first.fact.entry)]

    found = entities(casebook, ())
    assert [(entity.cases, entity.names) for entity in found] == [
        ((1, 3), ("腾讯", "Tencent", "TX")),
        ((2,), ("騰訊",)),
    ]
    assert named(found, "騰讯") == found and named(found, "tence") == found[:1]
    assert named(found, "ence") == []
    say_same(casebook, (second.fact.entry, third.fact.entry), "confirmed", "", today=DAY)
    assert [entity.cases for entity in entities(casebook, ())] == [(1, 2, 3)]
    with pytest.raises(FactError, match="one already"):
        say_same(casebook, (first.fact.entry, second.fact.entry), "confirmed", "", today=DAY)
    with pytest.raises(FactError, match="joined through another"):
        say_same(casebook, (first.fact.entry, second.fact.entry), "denied", "x", today=DAY)
    with pytest.raises(FactError, match="one and the same"):
        say_same(casebook, (first.fact.entry, first.fact.entry), "denied", "x", today=DAY)
    say_same(casebook, (third.fact.entry, first.fact.entry), "denied", "another firm", today=DAY)
    assert [entity.cases for entity in entities(casebook, ())] == [(2, 3), (1,)]
    with pytest.raises(FactError, match="Nobody said"):
        say_same(casebook, (third.fact.entry, first.fact.entry), "denied", "x", today=DAY)


def test_who_gave_a_case_away_sees_none_of_its_people_nor_what_they_join(desk: Desk) -> None:
    for claimant, number in ((1, 1), (2, 2), (3, 3)):
        desk.party(claimant, f"P00000000{number}", f"名{number}")
    desk.same(1, "P000000001", "P000000002")
    desk.same(2, "P000000002", "P000000003")
    desk.judge(2, conflict=True, merit="")
    with desk.working() as casebook:
        given_away = casebook.layers.given_away(desk.reviewer)
        assert len(given_away) == 1
        hidden = entities(casebook, given_away)
        assert sorted(one.names for one in hidden) == [("名1",), ("名3",)]
        assert len(entities(casebook, ())) == 1
        with pytest.raises(FactError, match="no such entry"):
            entity_of(hidden, "P000000002")
        for typed in (("P000000001", "P000000002"), ("P000000002", "P000000003")):
            with pytest.raises(FactError, match="no such entry"):
                say_same(casebook, typed, "denied", "x", today=DAY)


def test_an_event_is_of_the_people_of_its_case_alone(casebook: Casebook) -> None:
    one, two = casebook.case(1), casebook.case(2)
    here = enter(casebook, one, PARTY, party(one, "王某")).fact.entry
    there = enter(casebook, two, PARTY, party(two, "李某", same_as=here)).fact.entry
    enter(casebook, one, EVENT, event(one, parties=[here[:5].lower()], when="2020"))
    enter(casebook, two, EVENT, event(two, parties=[there], when="2019-06"))
    enter(casebook, two, EVENT, event(two, when="2019-01-01"))
    with pytest.raises(FactError, match="no such entry"):
        enter(casebook, two, EVENT, event(two, parties=[here]))

    entity, _ = entity_of(entities(casebook, ()), there)
    dated, undated = timeline(casebook, [1, 2], entity.entries)
    assert [(each.case, each.event.date) for each in dated] == [(2, "2019-06"), (1, "2020")]
    assert undated == []


def test_two_hundred_events_come_in_order_with_the_undated_last(casebook: Casebook) -> None:
    case = casebook.case(1)
    rows = [
        {
            "case": 1,
            "entry": f"E{number:09d}",
            "kind": "ev.other",
            "date": "" if number % 10 == 9 else f"{'~' * (number == 50)}{1960 + number % 50}-03",
            "source": "",
            "parties": "",
            "text": f"{number}",
            "state": "stated",
            "reason": "",
            "reviewer": "AB" * 20,
            "rank": 1 + number,
            "day": DAY.isoformat(),
        }
        for number in range(200)
    ]
    casebook.database.table("event").insert_all(rows)
    dated, undated = timeline(casebook, [1])
    assert (len(dated), len(undated)) == (180, 20)
    assert [one.when.order for one in dated] == sorted(one.when.order for one in dated)
    assert [one.date for one in facts_of(casebook, case).events][-20:] == [""] * 20
    assert not dated[0].unsure and any(one.unsure for one in dated)


def test_entries_are_shown_as_short_as_they_differ_and_found_by_their_beginning() -> None:
    entries = ["E123456789", "E123499999", "EABCDEFGHJ"]
    assert short(entries) == {
        "E123456789": "E12345",
        "E123499999": "E12349",
        "EABCDEFGHJ": "EABCD",
    }
    assert entry_in(entries, " e1234-5 ") == "E123456789"
    assert entry_in(entries, "eabcdefghj") == "EABCDEFGHJ"
    for typed, sentence in (("E1234", "Several"), ("EABC", "no such"), ("X1234", "no such")):
        with pytest.raises(FactError, match=sentence):
            entry_in(entries, typed)


def test_the_contact_log_has_what_went_through_the_drop_by_itself(desk: Desk) -> None:
    desk.answer(1, "【虚构】回复")
    desk.answer(1, "【虚构】等", leave=False)
    desk.file([1], again=1)
    with desk.working() as casebook:
        case = desk.case(casebook, 1)
        enter(casebook, case, CONTACT, contact(case, contact="【虚构】律师"))
        found = facts_of(casebook, case)
        values = fact_values(found, casebook.campaign, "en")["contacts"]
        assert sorted((one["channel"], one["by_itself"]) for one in values) == [
            ("drop", "answer"),
            ("drop", "message"),
            ("phone", ""),
        ]
        assert "contacts" in facts_text(found, viewer(casebook, "en")).plain


@pytest.mark.slow
def test_the_commands_enter_list_and_correct(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report("【虚构】一", 1), report("【虚构】二", 2))
        cases = [casebook.case(number) for number in (1, 2)]
    name = cases[0].name
    form = team.directory / "form.toml"
    form.write_bytes(party(cases[0], "腾讯", "Tencent", kind="organisation", role="platform"))
    entry = json.loads(team(0, "party", name, "--form", form, "--json"))["entry"]
    form.write_bytes(event(cases[0], parties=[entry], when="2019-03-15", part=1))
    said = team(0, "event", name, "--form", form)
    assert "was kept" in said and "it is still there with what you wrote" in said
    form.write_bytes(event(cases[1], when="unknown", text="【虚构】不知何时"))
    team(1, "event", cases[1].name, "--form", form)

    monkeypatch.setenv("COLUMNS", "160")
    shown = team(1, "timeline")
    assert shown.index("2019-03-15") < shown.index("no date") and "腾讯" in shown and name in shown
    assert "2 events, 1 with no date." in shown
    rows = json.loads(team(1, "timeline", "--party", entry[:6], "--json"))
    assert [(one["case"], one["parties"]) for one in rows] == [(name, {entry: "腾讯"})]
    assert "part 1" in team(1, "event", name)
    assert "Tencent" in team(0, "party") and "Tencent" in team(0, "party", name)
    whole = team(0, "show", name)
    assert "── events" in whole and "Platform (Tencent, WeChat): 腾讯 / Tencent" in whole
    assert len(json.loads(team(0, "show", name, "--json"))["facts"]["events"]) == 1

    code, _, err = team.run(1, "event", name, "--correct", entry)
    assert code == 2 and "--correct needs" in err
    happened = json.loads(team(1, "event", name, "--json"))[0]["entry"]
    blank = team(1, "event", name, "--correct", happened, "--print")
    form.write_text(blank.replace("封号", "限制").replace('reason = ""', 'reason = "x"'), "utf-8")
    team(1, "event", name, "--form", form)
    assert "corrected differently" not in team.run(1, "verify")[1] + team(1, "event", name)
    monkeypatch.setattr("scripts.desk.casebook.facts.unsettled", lambda _ranks: 0)
    settles = f"`event {name} --correct {happened[:5]} --edit` settles it."
    assert settles in team.run(1, "verify")[1] and settles in team(1, "event", name)
    named = json.loads(team.run(1, "verify", "--json")[1])["contested"]
    assert named == [{"kind": "event", "case": name, "entry": happened}]
    assert json.loads(team(1, "event", name, "--json"))[0]["contested"] is True
    team.judge(1, name, conflict=True, urgency="normal")
    hidden = team(1, "timeline") + team(1, "party") + team.run(1, "event", name)[1]
    assert "腾讯" not in hidden and name not in hidden
    assert team.run(1, "timeline", name)[0] == 2


@pytest.mark.slow
def test_a_form_in_the_casebook_is_erased_once_it_was_taken_and_two_people_become_one(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report("【虚构】一", 1))
    name = team.case(1)
    path = Path(json.loads(team(0, "party", name, "--blank", "--json"))["form"])
    assert path.is_relative_to(team.casebook) and path.stat().st_mode & 0o77 == 0
    filled = (
        path.read_text("utf-8")
        .replace("names = []", 'names = ["腾讯"]')
        .replace('kind = ""', 'kind = "organisation"')
        .replace('role = ""', 'role = "platform"')
    )
    path.write_text(filled, "utf-8")
    first = json.loads(team(0, "party", name, "--form", path, "--json"))
    assert first["erased"] and not path.exists() and not path.parent.exists()

    # The same in an editor.
    editor = team.directory / "editor"
    editor.write_text(
        f"#!/bin/sh\ncat > \"$1\" <<'X'\n{filled.replace('腾讯', '騰訊')}\nX\n", "utf-8"
    )
    editor.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(editor))
    said = team(1, "party", name, "--edit")
    assert f"The same name has {first['entry']} in {name}" in said
    entry = said.split(": ")[1].split()[0]
    assert "are one." in team(1, "party", "--same", entry, first["entry"])
    words = team.directory / "words.txt"
    words.write_text("騰訊", "utf-8")
    (one,) = json.loads(team(0, "party", "--query-file", words, "--json"))
    assert "One entry." in team(0, "party", "--query-file", words)
    assert {each["entry"] for each in one["parties"]} == {entry, first["entry"]}
    assert "are not one." in team(
        2, "party", "--different", entry, first["entry"], "--reason", words
    )
    assert len(json.loads(team(0, "party", "--json"))) == 2
    assert "2 persons or organisations." in team(0, "party")
    assert "stated by reviewer-2" in team(0, "party", name, "--history")
    for arguments in (
        ["--same", entry, first["entry"], "--reason", words],
        ["--different", entry, first["entry"]],
        ["--edit"],
        ["--history"],
    ):
        assert team.run(0, "party", *arguments)[0] == 2, arguments


def test_cases_are_chosen_by_facts_and_found_by_names_in_either_script(desk: Desk) -> None:
    desk.party(1, "P000000001", "王大錘\nWang", role="witness")
    desk.event(1, "E000000001", "【虚构】在派出所", date="~2019-03")
    desk.contact(2, "C000000001", "【虚构】下周再谈")
    with desk.working() as casebook:
        reviewer = desk.reviewer

        def chosen(*where: str) -> list[int]:
            conditions = tuple(map(Condition.read, where))
            return Selection(where=conditions).numbers(casebook, reviewer)

        def found(words: str) -> list[tuple[int, str]]:
            cases = find(casebook, words, Filters(), reviewer=reviewer).cases
            return [(one.outline.number, one.where) for one in cases]

        assert chosen("fact.role=witness") == chosen("fact.party=organisation") == [1]
        assert chosen("fact.event=ev.other", "fact.date<2019-04") == [1]
        assert chosen("fact.date<2019-03") == [] and chosen("fact.channel=phone") == [2]
        assert chosen("fact.event=") == [2, 3, 4]
        assert said.altered(casebook) == []
        with pytest.raises(WrongCode, match=r"ev\.other"):
            chosen("fact.event=ev.othr")
        assert found("王大锤") == [(1, "party")] and found("wang") == [(1, "party")]
        assert found("派出所") == [(1, "event")] and found("再谈") == [(2, "contact")]
    desk.event(1, "E000000001", "【虚构】在学校", reason="misread", state=TAKEN_BACK)
    with desk.working() as casebook:
        assert found("派出所") == found("学校") == [] and chosen("fact.event=ev.other") == []
    desk.judge(1, conflict=True, merit="")
    with desk.working() as casebook:
        assert chosen("fact.role=witness") == []


def test_a_campaign_that_says_nothing_of_facts_has_lists_that_fit_anybody(tmp_path: Path) -> None:
    text = CAMPAIGN.read_text("utf-8")
    shortest = tmp_path / "campaign.toml"
    shortest.write_text(text.partition("# How reviewers classify")[0], "utf-8")
    usual = Campaign.read(shortest).reviewing
    lists = ("event_kind", "party_kind", "party_role", "contact_channel", "amount_method")
    for name in lists:
        assert len(usual.codes(name)) >= 3
        for language in LANGUAGES:
            labels = [usual.label(name, code, language) for code in usual.codes(name)]
            assert len(set(labels)) == len(labels) and not set(labels) & set(usual.codes(name))
    # A [[list]] of the campaign's own takes their place.
    own = tmp_path / "own.toml"
    own.write_text(
        text.replace("event_kind = [", 'contact_channel = "yes_no"\nevent_kind = [', 1), "utf-8"
    )
    assert Campaign.read(own).reviewing.codes("contact_channel") == ("yes", "no")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("event_kind = [", "event_kind = 1\nparty_kind = [", 1), "utf-8")
    with pytest.raises(CampaignError, match='"event_kind" has to be a list of choices'):
        Campaign.read(wrong)
