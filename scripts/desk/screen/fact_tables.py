"""How the desk shows facts: events in order, people and organisations, the contact log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from dropbox.label import trilingual
from scripts.desk.casebook.facts import Contact, Event, Fact, Party
from scripts.desk.facts import dates
from scripts.desk.facts.case_facts import (
    DROP,
    CaseFacts,
    Contacted,
    date_values,
    entered_values,
)
from scripts.desk.facts.chronology import Happened
from scripts.desk.facts.entities import Entity, short
from scripts.desk.facts.sources import Sources
from scripts.desk.identity import Viewer
from scripts.desk.screen.output import counted, table
from scripts.terminal import isolated, one_line

_LABEL_CHARACTERS, _NAME_CHARACTERS, _NAMED = 40, 60, 12
_DATE_CELLS, _KIND_CELLS = 10, 18
# Marks an event that may have happened before the one above it.
_UNSURE = "?"
_DROP = trilingual("本站", "本站", "the drop")
_CONTESTED = trilingual("更正不一致，待定", "更正不一致，待定", "corrections disagree")
# Labels for what went through the drop, by whether it was an answer.
_BY_ITSELF = {
    True: trilingual("已答复", "已答覆", "an answer left"),
    False: trilingual("当事人来文", "當事人來文", "the claimant wrote"),
}


def timeline_table(
    found: Sequence[Happened],
    names: Mapping[int, str],
    sources: Mapping[int, Sources],
    called: Mapping[str, str],
    viewer: Viewer,
    *,
    one: bool,
) -> Table:
    """A row for each event, with its case unless all are of *one*; *called*: parties' names."""
    listed = table()
    listed.add_column("when", min_width=_DATE_CELLS, overflow="fold")
    if not one:
        listed.add_column("case", no_wrap=True)
    listed.add_column("kind", max_width=_KIND_CELLS, overflow="fold")
    listed.add_column("what", overflow="fold")
    entries = short([each.event.entry for each in found])
    for each in found:
        when = each.when.shown(viewer.language) + (f" {_UNSURE}" if each.unsure else "")
        kind = _label(viewer, "event_kind", each.event.kind)
        case = [] if one else [Text(names[each.case])]
        what = _what(each, sources[each.case], called, entries[each.event.entry], viewer)
        listed.add_row(Text(when), *case, Text(kind), what)
    return listed


def events_table(found: CaseFacts, viewer: Viewer) -> Table:
    """The events of one case."""
    number = found.case.number
    happened = [
        Happened(number, one, dates.read(one.date), contested=one.entry in found.contested)
        for one in found.events
    ]
    called = {one.entry: one.name for one in found.parties}
    return timeline_table(
        happened,
        {number: found.case.name},
        {number: found.sources},
        called,
        viewer,
        one=True,
    )


def _what(
    happened: Happened, sources: Sources, called: Mapping[str, str], entry: str, viewer: Viewer
) -> Text:
    """What happened, with whom, its source, and its entry."""
    event = happened.event
    people = [one_line(called.get(one, one), _NAME_CHARACTERS) for one in event.parties.split()]
    rests = sources.shown(event.source, viewer.language)
    below = [*([", ".join(people)] if people else []), rests, entry]
    below += [_CONTESTED.in_(viewer.language)] * happened.contested
    return Text(isolated(event.text)).append("\n" + " · ".join(below), style="dim")


def order_notes(dated: Sequence[Happened], undated: Sequence[Happened]) -> Iterator[str]:
    """Where the order is uncertain, as sentences."""
    if not dated and not undated:
        yield "There is no event; `event CASE --edit` enters one."
        return
    yield f"{counted(len(dated) + len(undated), 'event')}, {len(undated)} with no date."
    if unsure := sum(one.unsure for one in dated):
        yield f"{_UNSURE}: {unsure} may have been before what stands above."


def timeline_values(
    found: Sequence[Happened],
    names: Mapping[int, str],
    sources: Mapping[int, Sources],
    called: Mapping[str, str],
    viewer: Viewer,
) -> list[dict[str, Any]]:
    """The events in order, for programs."""
    return [
        {
            "case": names[one.case],
            "entry": one.event.entry,
            "kind": one.event.kind,
            "kind_label": _label(viewer, "event_kind", one.event.kind),
            **date_values(one.when),
            "order_unsure": one.unsure,
            "contested": one.contested,
            "text": one.event.text,
            "parties": {entry: called.get(entry, "") for entry in one.event.parties.split()},
            "source": sources[one.case].values(one.event.source),
        }
        for one in found
    ]


def parties_table(found: CaseFacts, elsewhere: Mapping[str, list[str]], viewer: Viewer) -> Table:
    """A row for each person or organisation of a case, with the other cases that it is in."""
    listed = _folding("entry", "role", "kind")
    listed.add_column("names", overflow="fold")
    listed.add_column("also in", overflow="fold")
    entries = short([one.entry for one in found.parties])
    for one in found.parties:
        others = elsewhere.get(one.entry, [])
        listed.add_row(
            Text(entries[one.entry]),
            Text(_label(viewer, "party_role", one.role)),
            Text(_label(viewer, "party_kind", one.kind)),
            _party(one, found, viewer),
            Text(", ".join(others[:_NAMED]) + (" …" if len(others) > _NAMED else "")),
        )
    return listed


def _folding(*heads: str) -> Table:
    """A table whose columns cut nothing off."""
    listed = table()
    for head in heads:
        listed.add_column(head, overflow="fold")
    return listed


def _party(one: Party, found: CaseFacts, viewer: Viewer) -> Text:
    below = [
        *([isolated(one.text)] if one.text else []),
        found.sources.shown(one.source, viewer.language),
        *_contested(one, found, viewer),
    ]
    return Text(_names(one.names.split("\n"))).append("\n" + " · ".join(below), style="dim")


def _contested(one: Fact | None, found: CaseFacts, viewer: Viewer) -> list[str]:
    """A remark if its corrections disagree."""
    contested = one is not None and one.entry in found.contested
    return [_CONTESTED.in_(viewer.language)] * contested


def _names(names: Sequence[str]) -> str:
    return " / ".join(one_line(name, _NAME_CHARACTERS) for name in names)


def entities_table(found: Sequence[Entity], names: Mapping[int, str], viewer: Viewer) -> Table:
    """A row for each person or organisation of all cases."""
    listed = _folding("entries", "kind", "roles")
    listed.add_column("names", overflow="fold")
    listed.add_column("cases", overflow="fold")
    entries = short([entry for one in found for entry in one.entries])
    for one in found:
        cases = [names[case] for case in one.cases]
        more = "" if len(cases) <= _NAMED else f" … {len(cases):,} in all"
        listed.add_row(
            Text(" ".join(sorted(entries[entry] for entry in one.entries))),
            Text(
                ", ".join(_labels(viewer, "party_kind", [each.party.kind for each in one.parties]))
            ),
            Text(
                ", ".join(_labels(viewer, "party_role", [each.party.role for each in one.parties]))
            ),
            Text(_names(one.names)),
            Text(", ".join(cases[:_NAMED]) + more),
        )
    return listed


def entity_values(one: Entity, names: Mapping[int, str], viewer: Viewer) -> dict[str, Any]:
    """A person or organisation of all cases, for programs."""
    return {
        "names": list(one.names),
        "cases": [names[case] for case in one.cases],
        "parties": [
            {
                "entry": each.party.entry,
                "case": names[each.case],
                "kind": each.party.kind,
                "kind_label": _label(viewer, "party_kind", each.party.kind),
                "role": each.party.role,
                "role_label": _label(viewer, "party_role", each.party.role),
            }
            for each in one.parties
        ],
    }


def contacts_table(found: CaseFacts, viewer: Viewer) -> Table:
    """The contact log: a row for each contact, including those through the drop."""
    listed = table()
    listed.add_column("when", min_width=_DATE_CELLS, overflow="fold")
    for head in ("channel", "who"):
        listed.add_column(head, max_width=_KIND_CELLS, overflow="fold")
    listed.add_column("what", overflow="fold")
    entries = short([one.entered.entry for one in found.contacts if one.entered])
    for one in found.contacts:
        channel = (
            _DROP.in_(viewer.language)
            if one.through == DROP
            else _label(viewer, "contact_channel", one.through)
        )
        when = one.when.shown(viewer.language)
        agreed = _agreed(one, entries, _contested(one.entered, found, viewer), viewer)
        cells = (Text(when), Text(channel), Text(_who(one)), agreed)
        listed.add_row(*cells)
    return listed


def _who(one: Contacted) -> str:
    if one.entered is None:
        return "" if one.answer is None or one.answer.desk is None else f"desk {one.answer.desk}"
    people = [one_line(each, _NAME_CHARACTERS) for each in (one.entered.team, one.entered.contact)]
    return " – ".join(filter(None, people))


def _agreed(
    one: Contacted, entries: Mapping[str, str], marks: Sequence[str], viewer: Viewer
) -> Text:
    if one.entered is None:
        return Text(_BY_ITSELF[one.answer is not None].in_(viewer.language))
    below = " · ".join([entries[one.entered.entry], *marks])
    return Text(isolated(one.entered.text)).append(
        ("\n" if one.entered.text else "") + below, style="dim"
    )


def history_text(versions: Mapping[str, Sequence[Fact]], viewer: Viewer) -> Text:
    """All versions of all facts of a kind, the latest of each last."""
    lines = []
    for entry, facts in versions.items():
        lines += ["", f"── {entry}"]
        for number, one in enumerate(facts, 1):
            by = f"version {number}, {one.state} by {viewer.name(one.reviewer)} on {one.day}"
            lines += ["", by + (f", since {isolated(one.reason)}" if one.reason else "")]
            lines += [f"  {line}" for line in _content(one)]
    return Text("\n".join(lines[1:]) if lines else "Nothing was entered.")


def _content(one: Fact) -> Iterator[str]:
    if isinstance(one, Event | Contact):
        yield dates.read(one.date).shown("en")
    if isinstance(one, Event):
        yield " ".join(filter(None, (one.kind, one.parties)))
    elif isinstance(one, Contact):
        with_whom = " – ".join(filter(None, (one.team, one.contact)))
        yield one_line(f"{one.channel} {with_whom}", 3 * _NAME_CHARACTERS)
    elif isinstance(one, Party):
        yield f"{one.kind}, {one.role}: {_names(one.names.split(chr(10)))}"
    if one.text:
        yield from isolated(one.text).split("\n")


def history_values(versions: Mapping[str, Sequence[Fact]], viewer: Viewer) -> dict[str, Any]:
    """All versions by entry, for programs."""
    return {
        entry: [
            {
                **{name: value for name, value in one.row().items() if name != "entry"},
                **entered_values(one, viewer.name(one.reviewer)),
            }
            for one in facts
        ]
        for entry, facts in versions.items()
    }


def facts_text(found: CaseFacts, viewer: Viewer) -> Text:
    """All facts of a case, as `show` has them; "" if nobody entered any."""
    lines = []
    for title, rows in (
        ("events", list(_event_lines(found, viewer))),
        ("people and organisations", list(_party_lines(found, viewer))),
        ("contacts", list(_contact_lines(found, viewer))),
    ):
        if rows:
            lines += ["", f"── {title}", "", *rows]
    return Text("\n".join(lines))


def _event_lines(found: CaseFacts, viewer: Viewer) -> Iterator[str]:
    called = {one.entry: one.name for one in found.parties}
    for one in found.events:
        people = [
            one_line(called.get(each, each), _NAME_CHARACTERS) for each in one.parties.split()
        ]
        with_whom = f" ({', '.join(people)})" if people else ""
        kind = _label(viewer, "event_kind", one.kind)
        when = dates.read(one.date).shown(viewer.language)
        marks = _marks(one, found, viewer)
        yield f"{when}: {kind}: {isolated(one.text)}{with_whom} [{marks}]"


def _party_lines(found: CaseFacts, viewer: Viewer) -> Iterator[str]:
    for one in found.parties:
        role = _label(viewer, "party_role", one.role)
        text = f": {isolated(one.text)}" if one.text else ""
        marks = _marks(one, found, viewer)
        yield f"{role}: {_names(one.names.split(chr(10)))}{text} [{marks}]"


def _marks(one: Event | Party, found: CaseFacts, viewer: Viewer) -> str:
    """What it rests on, and whether corrections disagree."""
    rests = found.sources.shown(one.source, viewer.language)
    return "; ".join([rests, *_contested(one, found, viewer)])


def _contact_lines(found: CaseFacts, viewer: Viewer) -> Iterator[str]:
    # Messages through the drop are shown elsewhere in the case already.
    for one in found.contacts:
        if one.entered is not None:
            channel = _label(viewer, "contact_channel", one.through)
            agreed = f": {isolated(one.entered.text)}" if one.entered.text else ""
            marks = "".join(f" [{mark}]" for mark in _contested(one.entered, found, viewer))
            yield f"{one.when.shown(viewer.language)}: {channel}, {_who(one)}{agreed}{marks}"


def _label(viewer: Viewer, listed: str, code: str) -> str:
    label = viewer.campaign.reviewing.label(listed, code, viewer.language)
    return one_line(label, _LABEL_CHARACTERS)


def _labels(viewer: Viewer, listed: str, codes: Sequence[str]) -> list[str]:
    return [_label(viewer, listed, code) for code in dict.fromkeys(codes)]
