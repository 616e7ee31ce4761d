"""What reviewers say, field by field, with who may see it: for filters, sorting and queues.

It follows from the layers and the campaign's rules. A value to which somebody is still kept blind
is stored with its readers' fingerprints; nobody else can find a case by it, sort by it or count it.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from dropbox.review_codes import BESIDE
from scripts.desk.case import Keyed
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.review.judgement import Judgement, Layer, ReviewError, Reviews
from scripts.desk.search.derived import Register
from scripts.desk.search.summary import outlines_of

_VERSION = 2
_TABLES = ("said", "said_stale")
_UPON = ("said_stale_noted", "layer_given_away")
_STEP = 1_000
REVIEW, OWN = "review", "own"
EVERYBODY = ""
# Not fields of a sheet: the fields in dispute, and whether the reader reviewed the case or decides
# it.
DIFFER, REVIEWED, DECIDES = "differ", "reviewed", "decides"
# Texts are found by their words; a filter only asks whether there is one.
TEXTS = frozenset({"credibility", "note"})
WRITTEN = "yes"
# Fields of an amount besides its number; what it is for is a text.
_OF_AMOUNT = ("currency", "as_of", "method")
_MARKS = {REVIEWED: WRITTEN, DECIDES: WRITTEN}
_WITH_LAYERS = (
    'SELECT "case" FROM layer UNION SELECT "case" FROM desk_row JOIN case_name USING (characters) '
    "WHERE kind = 'layer' UNION "
    'SELECT "case" FROM desk_promise JOIN case_name USING (characters)'
)

# Events, people and contacts are visible to everybody at once; see decision 19.
EVENT_KIND, EVENT_DATE = "fact.event", "fact.date"
PARTY_KIND, PARTY_ROLE, CHANNEL = "fact.party", "fact.role", "fact.channel"
_WITH_FACTS = (
    'SELECT "case" FROM event UNION SELECT "case" FROM party UNION SELECT "case" FROM contact '
    'UNION SELECT "case" FROM desk_row JOIN case_name USING (characters) '
    "WHERE kind IN ('event', 'party', 'contact')"
)
_DATES = re.compile(r"\d{4}(?:-\d\d){0,2}", re.ASCII)

Progress = Callable[[int, int], None]
Row = tuple[str, str, str, str]


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Renew the rows of each case whose standing was settled since the last call."""
    database = casebook.database
    register = Register(
        database, "said", version=_VERSION, tables=_TABLES, stale="said_stale", upon=_UPON
    )
    stale = register.stale()
    if not stale:
        return
    saying = _saying(casebook)
    for done in range(0, len(stale), _STEP):
        cases = stale[done : done + _STEP]
        with register.taking_stale(cases):
            database.conn.executemany(
                'DELETE FROM said WHERE "case" = ?', ((case,) for case in cases)
            )
            for case in outlines_of(casebook, [case for case in cases if case in saying]):
                database.conn.executemany(
                    "INSERT INTO said VALUES (?, ?, ?, ?, ?)",
                    ((*row, case.number) for row in _rows_in(casebook, case)),
                )
        if progress is not None:
            progress(min(done + _STEP, len(stale)), len(stale))


def tags(casebook: Casebook, reader: str) -> list[str]:
    """All tags that *reader* (a fingerprint) may see, of cases that they did not give away."""
    catch_up(casebook)
    found = casebook.database.execute(
        "SELECT DISTINCT value FROM said WHERE code = 'tags' AND source IN (?, ?) "
        'AND reader IN (?, ?) AND "case" NOT IN (SELECT value FROM json_each(?)) ORDER BY value',
        [REVIEW, OWN, EVERYBODY, reader, json.dumps(list(casebook.layers.given_away(reader)))],
    )
    return [value for (value,) in found]


def altered(casebook: Casebook) -> list[int]:
    """The numbers of cases whose rows in these tables differ from what was said."""
    catch_up(casebook)
    held: dict[int, set[Row]] = {}
    for code, source, reader, value, case in casebook.database.execute("SELECT * FROM said"):
        held.setdefault(case, set()).add((code, source, reader, value))
    found = [
        case.number
        for case in outlines_of(casebook, sorted(_saying(casebook)))
        if held.pop(case.number, set()) != _rows_in(casebook, case)
    ]
    return [*found, *held]


def _saying(casebook: Casebook) -> set[int]:
    """The cases about which anybody said anything."""
    found = casebook.database.execute(f"{_WITH_LAYERS} UNION {_WITH_FACTS}")
    return {case for (case,) in found}


def _rows_in(casebook: Casebook, case: Keyed) -> set[Row]:
    return _of_reviews(casebook, case) | {
        (code, REVIEW, EVERYBODY, value) for code, value in _facts(casebook, case) if value
    }


def _facts(casebook: Casebook, case: Keyed) -> Iterator[tuple[str, str]]:
    for event in casebook.events.of(case.number):
        yield EVENT_KIND, event.kind
        yield from ((EVENT_DATE, one) for one in _DATES.findall(event.date))
    for party in casebook.parties.of(case.number):
        yield PARTY_KIND, party.kind
        yield PARTY_ROLE, party.role
    for contact in casebook.contacts.of(case.number):
        yield CHANNEL, contact.channel


def _of_reviews(casebook: Casebook, case: Keyed) -> set[Row]:
    try:
        reviews = casebook.layers.of(case)
    except ReviewError:
        # An altered layer counts as empty, and does not keep anybody from other cases.
        return set()
    reviewing = casebook.campaign.reviewing
    own = {one.code for one in reviewing.fields if one.kind == "text"}
    # Only whether there is a text: its words are in the index of words.
    return {
        (code, source, reader, WRITTEN if code in TEXTS or code in own else value)
        for code, source, reader, value in rows_of(reviews, reviewing.rules)
    }


def rows_of(reviews: Reviews, rules: Mapping[str, str]) -> set[Row]:
    """(code, source, reader, value) for everything that was said about a case."""
    found: set[Row] = set()
    everybody = [(REVIEW, EVERYBODY)]
    # Everybody may see these even while reviews are open; see the case's standing.
    found |= _rows("flags", reviews.flags, everybody) | _rows("urgency", reviews.urgency, everybody)
    if reviews.complete and reviews.adjudicated is None:
        found |= _rows(DIFFER, reviews.differences, everybody)
    if reviews.agreed is not None:
        for name in (name for name, rule in rules.items() if rule != BESIDE):
            found |= _rows(name, reviews.agreed.said(name), everybody)
    for layer in _latest(reviews):
        readers = [(REVIEW, reader) for reader in readers_of(reviews, layer)]
        for name in (name for name, rule in rules.items() if rule == BESIDE):
            found |= _rows(name, layer.judgement.said(name), readers)
    for reviewer in {layer.reviewer for layer in reviews.layers}:
        found |= _own(reviews, reviewer, rules)
    for reviewer in reviews.committed:
        found |= _rows(REVIEWED, _MARKS[REVIEWED], [(OWN, reviewer)])
    if reviews.deciding is not None:
        found |= _rows(DECIDES, _MARKS[DECIDES], [(OWN, reviews.deciding.reviewer)])
    return found


def _latest(reviews: Reviews) -> Iterator[Layer]:
    """Each reviewer's latest layer that counts, and the adjudication."""
    for reviewer in reviews.reviewers:
        yield reviews.reviewed(reviewer)[-1]
    if reviews.adjudicated is not None:
        yield reviews.adjudicated


def readers_of(reviews: Reviews, layer: Layer) -> list[str]:
    """Who may see *layer*: EVERYBODY (except those who gave the case away), or fingerprints."""
    if reviews.complete:
        return [EVERYBODY]
    looked = {one.reviewer for one in reviews.layers} | reviews.committed
    return [one for one in looked if any(layer is seen for seen in reviews.visible_to(one))]


def _own(reviews: Reviews, reviewer: str, rules: Mapping[str, str]) -> set[Row]:
    own = reviews.own(reviewer)
    judgement = own.judgement if own else Judgement()
    rows = (_rows(name, judgement.said(name), [(OWN, reviewer)]) for name in rules)
    return set(itertools.chain.from_iterable(rows))


def _rows(code: str, value: Any, seen: Iterable[tuple[str, str]]) -> set[Row]:
    return {
        (part, source, reader, one)
        for part, one in _values(code, value)
        if one
        for source, reader in seen
    }


def _values(code: str, value: Any) -> Iterator[tuple[str, str]]:
    """The single values of a field, each with its code.

    For an amount, the field's code finds its number, and ``amounts.currency`` its currency. For
    harms, the field's code finds the harm, and the harm's own code its status.
    """
    if isinstance(value, str):
        yield code, value
    elif isinstance(value, Mapping):
        yield from ((code, key) for key in value)
        yield from value.items()
    else:
        for one in value:
            if isinstance(one, Mapping):
                yield code, str(one.get("amount", ""))
                yield from ((f"{code}.{key}", str(one.get(key, ""))) for key in _OF_AMOUNT)
            else:
                yield code, str(one)
