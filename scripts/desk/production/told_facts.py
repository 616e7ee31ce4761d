"""The events, people and organisations of a case as they leave.

A fact's source is given as the number of a document; hashes and block ids stay here, and so do
contacts, which say how claimants can be reached.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import source_of_answer
from scripts.desk.facts import dates
from scripts.desk.facts.case_facts import date_values, in_order
from scripts.desk.facts.sources import FILE, PART, read
from scripts.desk.production.records import Document, file_numbers, text_numbers
from scripts.desk.production.translated import sent
from scripts.desk.redaction.standing import Standing, sha256_of


def told_facts(
    casebook: Casebook, case: Case, found: Sequence[Document], redactions: Standing
) -> dict[str, Any]:
    """The facts of *case* that count, in JSON; *found* are its documents."""
    sources = _numbers(casebook, case, found)
    events = [
        {
            "entry": one.entry,
            "kind": one.kind,
            **date_values(dates.read(one.date)),
            "text": one.text,
            "parties": one.parties.split(),
            "source": _source(one.source, sources),
        }
        for one in in_order(casebook.events.of(case.number))
    ]
    parties = [
        {
            "entry": one.entry,
            "kind": one.kind,
            "role": one.role,
            # One text, as redactions name it.
            "names": redactions.text(one.names).split("\n"),
            "text": one.text,
            "source": _source(one.source, sources),
        }
        for one in casebook.parties.of(case.number)
    ]
    return {"events": redactions.values(events), "parties": redactions.values(parties)}


def _numbers(casebook: Casebook, case: Case, found: Sequence[Document]) -> dict[str, str]:
    """The names of sources in what is handed over, by the keys that facts use."""
    files, texts = file_numbers(found), text_numbers(found)
    parts = {part.block_id.hex(): texts.get(sha256_of(part.report.text), "") for part in case.parts}
    answers = {
        source_of_answer(one.text): f"answer {at}" for at, one in enumerate(sent(casebook, case), 1)
    }
    return {**answers, **files, **parts}


def _source(written: str, numbers: Mapping[str, str]) -> str:
    """A stored source as "D0-000001, page 2"; "" if it is not handed over or from elsewhere."""
    source = read(written)
    if source is None or not numbers.get(source.key):
        return ""
    page = f", page {source.page}" if source.page and source.kind in (PART, FILE) else ""
    line = f", line {source.line}" if source.line else ""
    return f"{numbers[source.key]}{page}{line}"
