"""FollowTheMoney lines compared whole: what each entity says, and which others it names."""

import hashlib
import hmac
import json
from typing import Any

from support.cases import add, attachment, report

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.productions import Number
from scripts.desk.production.follow_the_money import Entities
from scripts.desk.production.records import Document

SECRET = b"s" * 32
OUR = "Citizen Power Initiatives for China"


def one_id(*of: str) -> str:
    key = hmac.digest(SECRET, b"casedrop entities 1", "sha256")
    return hmac.digest(key, "\0".join(of).encode(), hashlib.sha256).hex()[:40]


def told(case: str) -> dict[str, Any]:
    party = {"kind": "person", "role": "witness", "text": "", "source": ""}
    event = {"kind": "ev.other", "parties": [], "source": "", "text": ""}
    return {
        "case": case,
        "documents": [
            {"number": "D0-000001", "name": "", "size": 15, "received": "2026-11-23"},
            {"number": "D0-000002", "name": "", "size": 0, "received": "2026-11-23"},
            {"number": "D0-000003", "name": "b.pdf", "size": 4, "received": "2026-11-24"},
        ],
        "parties": [
            {**party, "entry": "P1", "names": ["张三", "Zhang San", "", "Z"], "text": "tall"},
            {**party, "entry": "P2", "names": [""], "kind": "unknown"},
            {**party, "entry": "P3", "names": ["Co"], "kind": "organisation", "source": "answer 1"},
            {
                **party,
                **{"entry": "P4", "names": ["Police"], "kind": "authority"},
                "source": "D0-000001, page 2",
            },
        ],
        "events": [
            {
                **event,
                **{"entry": "E1", "date": "2019-03", "certainty": "month", "parties": ["P1", "P4"]},
                **{"first": "2019-03-01", "last": "2019-03-31", "source": "D0-000001, line 1"},
            },
            {
                **event,
                **{"entry": "E2", "date": "~2019", "certainty": "about", "text": "blocked"},
                **{"first": "2018-07-01", "last": None},
            },
        ],
        "answers": [{"text": "Dear", "left": "2026-11-25", "language": "en"}],
    }


def documents(casebook: Casebook) -> list[Document]:
    files = attachment("a", b"a"), attachment("b.pdf", b"b")
    add(
        casebook,
        report("text", 1, attachments=files[:1]),
        report("", 1, kind="message", attachments=files[1:]),
    )
    first, second = casebook.case(1).parts
    one, other = casebook.case(1).files
    return [
        Document(Number(0, 1), first, "", "", 15, "", text=b"text"),
        Document(Number(0, 2), first, "", "", 0, "", redacted=True, file=one),
        Document(Number(0, 3), second, "", "", 4, "", "b.pdf", file=other),
    ]


def test_each_entity_says_what_is_known_and_nothing_that_is_empty(casebook: Casebook) -> None:
    given = documents(casebook)
    entities = Entities(SECRET, casebook.campaign, {"P4": "P0"})
    found = [json.loads(line) for line in entities.lines(told("DV"), given)]
    claimant, us = one_id("claimant", "DV"), one_id("organisation")
    one_text = one_id("document", "D0-000001")

    assert [(one["id"], one["schema"], one["properties"]) for one in found] == [
        (claimant, "Person", {"name": ["Claimant of DV"]}),
        (us, "Organization", {"name": [OUR]}),
        (
            one_id("party", "P1"),
            "Person",
            {
                "name": ["张三"],
                "alias": ["Zhang San", "Z"],
                "notes": ["tall"],
                "summary": ["witness"],
            },
        ),
        (one_id("party", "P2"), "LegalEntity", {"name": ["P2"], "summary": ["witness"]}),
        (one_id("party", "P3"), "Organization", {"name": ["Co"], "summary": ["witness"]}),
        (
            one_id("party", "P0"),
            "PublicBody",
            {"name": ["Police"], "summary": ["witness"], "proof": [one_text]},
        ),
        (
            one_text,
            "Message",
            {
                **{"title": ["D0-000001"], "subject": ["report D0-000001"], "bodyText": ["text"]},
                **{"date": ["2026-11-23"], "language": ["zho"]},
                **{"sender": [claimant], "recipients": [us]},
            },
        ),
        (
            one_id("document", "D0-000002"),
            "Document",
            {
                **{"title": ["D0-000002"], "fileName": ["D0-000002"], "date": ["2026-11-23"]},
                "parent": [one_text],
            },
        ),
        (
            one_id("document", "D0-000003"),
            "Document",
            {
                **{"title": ["D0-000003"], "fileName": ["b.pdf"], "fileSize": ["4"]},
                "date": ["2026-11-24"],
            },
        ),
        (
            one_id("answer", "DV", "1"),
            "Message",
            {
                **{"title": ["answer 1 to DV"], "bodyText": ["Dear"], "date": ["2026-11-25"]},
                **{"language": ["eng"], "sender": [us], "recipients": [claimant]},
            },
        ),
        (
            one_id("event", "E1"),
            "Event",
            {
                **{"name": ["Other"], "date": ["2019-03"], "proof": [one_text]},
                "involved": [claimant, one_id("party", "P1"), one_id("party", "P0")],
            },
        ),
        (
            one_id("event", "E2"),
            "Event",
            {
                **{"name": ["Other"], "description": ["blocked"], "startDate": ["2018-07-01"]},
                **{"summary": ["about"], "involved": [claimant]},
            },
        ),
    ]
