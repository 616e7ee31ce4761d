"""Work bundles of another desk, also signed with arbitrary content."""

from dataclasses import replace

from dropbox.errors import BadBundle
from dropbox.tar_members import END, member
from fuzz.mutation import mutate_json
from fuzz.openpgp import NOW, REVIEWER, detached
from fuzz.target import Target
from scripts.desk.casebook.desks import OF_NO_CASE, Closed, Desk, Promise, SignedLine, WorkRow
from scripts.desk.exchange.work_bundle import Work, pack, read_work, unpack, write_work

_ORIGIN, _LINE = "0a" * 32, "1b" * 32
_CHARACTERS = "K7QX4" + "9TB" * 12
_ROWS = (
    WorkRow(_LINE, "taken_back", _CHARACTERS, (), {"answer": 1, "day": "2026-11-24"}),
    WorkRow(
        "2c" * 32,
        "departure",
        _CHARACTERS,
        ("3d" * 16,),
        {"answer": 2, "number": 0, "bundle": 1, "part": 1},
    ),
)
WORK = Work(
    campaign="wechat-2020",
    server_key=b"s" * 32,
    reviewer=REVIEWER.fingerprint,
    desks=(Desk(_ORIGIN, '[{"desk":0},[]]'),),
    lines=(SignedLine(_ORIGIN, b'{"number":1}', b"g" * 64),),
    rows=_ROWS,
    promises=(Promise(_LINE, _CHARACTERS, REVIEWER.fingerprint),),
    closed=(Closed(REVIEWER.fingerprint, (_LINE,), b"sealed"),),
)

# With a row of each kind that came with version 2 of the format.
_REVIEWER = REVIEWER.fingerprint
_LATER: dict[str, dict[str, int | str]] = {
    "translation": {
        "number": 1,
        "case": 1,
        "source": "3d" * 16,
        "kind": "gist",
        "language": "en",
        "machine": "argos",
        "text": "【虚构】 A gist",
        "reviewer": _REVIEWER,
        "rank": 1,
        "day": "2026-11-24",
    },
    "assignment": {
        "number": 1,
        "case": 1,
        "assignee": "",
        "reviewer": _REVIEWER,
        "rank": 1,
        "day": "2026-11-24",
    },
    "draw": {
        "number": 1,
        "case": 1,
        "key": _ORIGIN,
        "percent": 10,
        "reviewer": _REVIEWER,
        "day": "2026-11-24",
    },
    "link_decision": {
        "number": 1,
        "case": 1,
        "other": "Z" * 41,
        "decision": "denied",
        "reviewer": _REVIEWER,
        "rank": 1,
        "day": "2026-11-24",
    },
    "release": {
        "number": 1,
        "case": 1,
        "desk": 0,
        "answer": 2,
        "answer_sha256": "4e" * 32,
        "reviewer": _REVIEWER,
        "day": "2026-11-24",
    },
    "confirmation": {
        "vault": "5f" * 16,
        "desk": 0,
        "signer": _REVIEWER,
        "reply_bundle": 1,
        "bundle": 2,
        "day": "2026-11-24",
    },
}
WORK_2 = replace(
    WORK,
    rows=(
        *_ROWS,
        *(
            WorkRow(
                f"{number:02x}" * 32, kind, "" if kind in OF_NO_CASE else _CHARACTERS, (), values
            )
            for number, (kind, values) in enumerate(_LATER.items(), 0x60)
        ),
    ),
)
# With a row of each kind that came with version 3.
_VERSION: dict[str, int | str] = {
    "number": 1,
    "case": 1,
    "text": "【虚构】",
    "state": "stated",
    "reason": "",
    "reviewer": _REVIEWER,
    "rank": 1,
    "day": "2026-11-24",
}
_FACTS: dict[str, dict[str, int | str]] = {
    "event": {
        **_VERSION,
        "entry": "E000000001",
        "kind": "ev.other",
        "date": "2019-03..2019-05",
        "source": "part " + "3d" * 16,
        "parties": "P000000001",
    },
    "party": {
        **_VERSION,
        "entry": "P000000001",
        "kind": "organisation",
        "role": "platform",
        "names": "腾讯\nTencent",
        "source": "",
    },
    "same_party": {
        "number": 1,
        "case": 1,
        "one": "P000000001",
        "other": "P000000002",
        "decision": "confirmed",
        "reason": "",
        "reviewer": _REVIEWER,
        "rank": 1,
        "day": "2026-11-24",
    },
    "contact": {
        **_VERSION,
        "entry": "C000000001",
        "date": "2026-11-20",
        "channel": "phone",
        "team": "reviewer",
        "contact": "",
    },
}
_REDACTIONS: dict[str, dict[str, int | str]] = {
    "redaction": {
        "number": 1,
        "case": 1,
        "key": "6a" * 16,
        "kind": "box",
        "sha256": "7b" * 32,
        "page": 2,
        "x": 0,
        "y": 250_000,
        "width": 1_000_000,
        "height": 10_000,
        "start": 0,
        "stop": 0,
        "reason": "privilege",
        "reviewer": _REVIEWER,
        "rank": 1,
        "day": "2026-11-25",
    },
    "redaction_end": {
        "number": 1,
        "case": 1,
        "key": "6a" * 16,
        "because": "【虚构】 another page",
        "reviewer": _REVIEWER,
        "rank": 1,
        "day": "2026-11-25",
    },
}
WORK_3 = replace(
    WORK_2,
    rows=(
        *WORK_2.rows,
        *(
            WorkRow(f"{number:02x}" * 32, kind, _CHARACTERS, (), values)
            for number, (kind, values) in enumerate({**_FACTS, **_REDACTIONS}.items(), 0x70)
        ),
    ),
)


def _read(data: bytes) -> Work:
    return read_work(data, [REVIEWER], campaign="wechat-2020", server_key=b"s" * 32, now=NOW)


def work_bundle(data: bytes) -> Work:
    """A whole work bundle, opened. BadBundle, or the one that was signed."""
    work = _read(data)
    assert work in (WORK, WORK_2, WORK_3), "a bundle that was never signed is taken"
    return work


def signed_work(data: bytes) -> Work:
    """A work bundle signed whatever it is. BadBundle, or one that is written as the same bytes."""
    work = _read(member("work.json", data) + member("work.sig", detached(data)) + END)
    assert work.to_bytes() == data and work.reviewer == REVIEWER.fingerprint
    return work


def closed_layers(data: bytes) -> tuple[WorkRow, ...]:
    """What was sealed to one reviewer. BadBundle, or rows that are written as the same bytes."""
    rows = unpack(data)
    assert pack(rows) == data
    return rows


_WORDS = [b"Infinity", b"NaN", b"1e400", b"[[[[", b"-1", b"true", b"null", b'"\\u0000"']
WORK_BUNDLE = Target(
    work_bundle,
    (BadBundle,),
    [write_work(one, detached) for one in (WORK, WORK_2, WORK_3)],
    16_384,
)
SIGNED_WORK = Target(
    signed_work,
    (BadBundle,),
    [WORK.to_bytes(), WORK_2.to_bytes(), WORK_3.to_bytes()],
    8_192,
    words=_WORDS,
    mutate=mutate_json,
)
CLOSED_LAYERS = Target(
    closed_layers, (BadBundle,), [pack(_ROWS)], 2_048, words=_WORDS, mutate=mutate_json
)
