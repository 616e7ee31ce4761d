"""A whole dossier before it is laid out: each heading, paragraph, table and space of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from support.cases import DAY, add, attachment, new_casebook, report

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.productions import Act, Number
from scripts.desk.casebook.translations import GIST, TRANSLATION, Translation
from scripts.desk.production.dossier import _Writing
from scripts.desk.production.dossier_contents import Making, Shown, Told
from scripts.desk.production.dossier_words import words
from scripts.desk.production.faces import Faces
from scripts.desk.production.page_layout import GREY
from scripts.desk.production.records import Document
from scripts.desk.production.transcribed import Transcribed
from scripts.desk.production.translated import NAMELESS, Translated
from scripts.desk.redaction.leaving_transcripts import LeavingLine, LeavingTranscript, LeavingTurn
from scripts.desk.redaction.standing import sha256_of

TEXT, AGAIN = "【虚构】甲", "【虚构】乙"
FIRST, SECOND, SCAN = Number(0, 1), Number(0, 2), Number(0, 3)
NOTE = {"size": 8.0, "grey": GREY}
BESIDE = {"indent": 18.0, "bar": True}
TOLD: dict[str, Any] = {
    "gist": "in short",
    "category": "c1",
    "merit": "m2",
    "urgency": "normal",
    "evidence": "2",
    "status": "st.second_review",
    "decided": "2026-11-26",
    "period": {"from": "2019-01", "to": "2019-02"},
    "harms": [
        {"harm": "c1.harassed", "status": "documented"},
        {"harm": "unknown", "status": "documented"},
    ],
    "flags": ["minor", "privileged"],
    "amounts": [{"amount": "100", "currency": "CNY", "as_of": "", "what": "fine"}],
    "fields": {"us": "california", "actors": [], "gone": "x"},
    "claimant_said": {"province": "prov.GD", "gone": 3},
    "answers": [
        {"left": "2026-11-24", "language": "en", "text": "second"},
        {"left": "2026-11-22", "language": "en", "text": "first"},
    ],
    "parties": [
        {
            "entry": "P000000001", "names": ["张三", "Zhang San"], "kind": "person",
            "role": "authority", "text": "a witness", "source": "answer 1, line 2",
        },
    ],
    "events": [
        {
            "date": "~2019-03", "kind": "measure", "text": "blocked",
            "parties": ["P000000001", "P000000002"], "source": "D0-000001, page 3",
        },
    ],
}  # fmt: skip


class Recorder:
    """Stands in for a layout: keeps what is put on pages, with each option by its name."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.pages: list[object] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.calls.append((name, *given, named))


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    """A casebook with a case of a report, a later message and a file."""
    with new_casebook(tmp_path / "casebook") as opened:
        scan = attachment("scan.pdf", b"scan")
        add(opened, report(TEXT, 1, attachments=(scan,)), report(AGAIN, 1, kind="message"))
        yield opened


def written(casebook: Casebook, told: Told, language: str = "en") -> list[tuple[object, ...]]:
    making = Making(
        casebook.campaign, language, date(2026, 11, 26), "Ann", ["Bob", "Cy"],
        {"F" * 40: "Ann"}, cast(Faces, None),
    )  # fmt: skip
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scripts.desk.production.dossier.Layout", lambda _faces: recorder)
        writing = _Writing(making, told)
    assert writing.pages("C0-000001") is recorder.pages
    return recorder.calls


def told(casebook: Casebook, values: dict[str, Any], *, full: bool = True) -> Told:
    case = casebook.case(1)
    first, second = case.parts
    (scan,) = case.files
    documents = [
        Document(FIRST, first, sha256_of(TEXT), "aa", 15, "texts/1.txt", text=TEXT.encode()),
        Document(SCAN, first, "", "bb", 1_234, "natives/3.pdf", "scan.pdf", file=scan, pages=3),
        Document(SECOND, second, sha256_of(AGAIN), "cc", 15, "texts/2.txt", text=AGAIN.encode()),
    ]
    if not full:
        return Told(case, values, [], [], [])
    beside = [
        Translated(str(FIRST), _given(GIST, "in short", "machine 1"), NAMELESS, ""),
        Translated(str(FIRST), _given(TRANSLATION, "A", ""), "Bob", "translations/1.txt"),
        Translated("answer 2", _given(TRANSLATION, "Second", ""), "Bob", "translations/a.txt"),
    ]
    acts = [
        Act("2026-11-26T01:02:03Z", "F" * 40, "view", "dd"),
        Act("2026-11-26T01:02:04Z", "E" * 40, "later", ""),
    ]
    line = LeavingLine("hello", (0, 0, 9, 9), 90)
    read = LeavingTranscript((), (LeavingTurn(1, "left", "", (line,)),), ())
    transcript = Transcribed(
        str(SCAN), "machine 2", "Bob", DAY, "transcripts/3.txt", b"hello", read
    )
    shown = [Shown(str(SCAN), b"one", (2, 1)), Shown(f"{SCAN}.0002", b"two", (1, 2))]
    return Told(case, values, documents, beside, acts, [transcript], shown)


def _given(kind: str, text: str, machine: str) -> Translation:
    return Translation("", kind, "en", machine, text, "F" * 40, DAY)


FULL: list[tuple[object, ...]] = [
    ("space", 60, {}),
    ("paragraph", "Dossier", {"size": 10.0, "grey": 0.4}),
    ("paragraph", "Case DV-5XMF", {"size": 26}),
    ("space", 10, {}),
    ("paragraph", "in short", {"size": 12}),
    ("paragraph", "a reviewer of another desk, by machine: machine 1", NOTE),
    ("space", 30, {}),
    (
        "table",
        [
            ("Campaign", "WeChat cases"),
            ("Organisation", "Citizen Power Initiatives for China"),
            ("Dossier’s number", "C0-000001"),
            ("Documents’ numbers", "D0-000001 – D0-000002"),
            ("Received", "2026-11-23"),
            ("Language", "zh-Hans"),
            ("Category", "c1 Persecuted as a direct result of WeChat censorship"),
            ("Merit", "m2 Potential merit, follow up"),
            ("Made on", "2026-11-26"),
            ("Prepared by", "Ann"),
            ("Approved by", "Bob, Cy"),
        ],
        (0.3, 0.7),
        {},
    ),
    ("space", 30, {}),
    ("paragraph", words("en")("notice"), NOTE),
    ("turn", {}),
    ("heading", "Statement of the claimant", {}),
    ("space", 10, {}),
    ("paragraph", "Report, received on 2026-11-23, in zh-Hans  D0-000001", NOTE),
    ("space", 2, {}),
    ("paragraph", "【虚构】甲", {}),
    ("space", 6, {}),
    (
        "paragraph",
        "Gist in en by a reviewer of another desk, by machine: machine 1, 2026-11-23",
        {**NOTE, **BESIDE},
    ),
    ("paragraph", "in short", BESIDE),
    ("space", 6, {}),
    ("paragraph", "Translation into en by Bob, by hand, 2026-11-23", {**NOTE, **BESIDE}),
    ("paragraph", "A", BESIDE),
    ("heading", "Answers and correspondence", {}),
    ("space", 10, {}),
    ("paragraph", "Answer to the claimant, left on 2026-11-22, in en", NOTE),
    ("space", 2, {}),
    ("paragraph", "first", {}),
    ("space", 6, {}),
    ("paragraph", "Translation into en by Bob, by hand, 2026-11-23", {**NOTE, **BESIDE}),
    ("paragraph", "Second", BESIDE),
    ("space", 10, {}),
    ("paragraph", "Message, received on 2026-11-23, in zh-Hans  D0-000002", NOTE),
    ("space", 2, {}),
    ("paragraph", "【虚构】乙", {}),
    ("space", 10, {}),
    ("paragraph", "Answer to the claimant, left on 2026-11-24, in en", NOTE),
    ("space", 2, {}),
    ("paragraph", "second", {}),
    ("heading", "Facts", {}),
    ("paragraph", "What reviewers decided", NOTE),
    (
        "table",
        [
            ("Status", "st.second_review Second review done"),
            ("Decided on", "2026-11-26"),
            ("Category", "c1 Persecuted as a direct result of WeChat censorship"),
            ("Merit", "m2 Potential merit, follow up"),
            ("Urgency", "normal Normal"),
            ("Evidence (0–4)", "2 Screenshots, photos and the like, unchecked"),
            ("Period", "2019-01 – 2019-02"),
            (
                "Harms",
                "c1.harassed Harassed (documented Documented)\nunknown  (documented Documented)",
            ),
            ("Flags", "minor A minor is involved, privileged Privileged (lawyer and client)"),
            ("Amounts", "100 CNY fine"),
            ("Connection to the US or Canada", "Lives in California"),
            ("Actors", "–"),
        ],
        (0.3, 0.7),
        {},
    ),
    ("space", 10, {}),
    ("paragraph", "What the claimant answered", NOTE),
    ("table", [("If on the mainland, the province", "Guangdong"), ("gone", "3")], (0.3, 0.7), {}),
    ("space", 10, {}),
    ("paragraph", "Events", NOTE),
    (
        "table",
        [("about 2019-03", "measure", "blocked\n张三", "D0-000001, page 3")],
        (0.18, 0.22, 0.42, 0.18),
        {},
    ),
    ("space", 10, {}),
    ("paragraph", "People and organisations", NOTE),
    (
        "table",
        [
            (
                "张三\nZhang San",
                "person Person",
                "authority Police, prosecutor, court or other authority\na witness",
                "answer 1, line 2",
            )
        ],
        (0.3, 0.2, 0.32, 0.18),
        {},
    ),
    ("heading", "Evidence", {}),
    (
        "table",
        [
            ["Number", "Received", "Name as sent", "Bytes", "SHA-256"],
            ("D0-000003", "2026-11-23", "scan.pdf", "1,234", "bb"),
        ],
        (0.15, 0.13, 0.27, 0.11, 0.34),
        {"head": True},
    ),
    ("turn", {}),
    ("paragraph", "D0-000003", NOTE),
    ("picture", b"one", (2, 1), {}),
    ("turn", {}),
    ("paragraph", "D0-000003.0002", NOTE),
    ("picture", b"two", (1, 2), {}),
    ("turn", {}),
    (
        "paragraph",
        (
            "D0-000003  Read by a machine; nobody has compared it with the picture (machine 2; for "
            "Bob, 2026-11-23)"
        ),
        {**NOTE, **BESIDE},
    ),
    (
        "paragraph",
        "← is the other side, → whose telephone it was, · a time or a notice; (?) is uncertain",
        BESIDE,
    ),
    ("paragraph", "← hello", BESIDE),
    ("turn", {}),
    ("paragraph", "The pictures of all further pages are in the folder images.", NOTE),
    ("heading", "Custody log", {}),
    (
        "paragraph",
        (
            "All that the custody log says of this case up to the beginning of this hand-over; "
            "times are UTC."
        ),
        NOTE,
    ),
    (
        "table",
        [
            ["Time", "Act", "By", "SHA-256"],
            ("2026-11-26 01:02:03", "viewed", "Ann", "dd"),
            ("2026-11-26 01:02:04", "later", "a reviewer of another desk", ""),
        ],
        (0.2, 0.18, 0.22, 0.4),
        {"head": True},
    ),
    ("heading", "Hashes", {}),
    (
        "paragraph",
        "The SHA-256 of each file of this case; SHA256SUMS lists all files and is signed.",
        NOTE,
    ),
    (
        "table",
        [
            ("File", "SHA-256"),
            ("texts/1.txt", "aa"),
            ("natives/3.pdf", "bb"),
            ("texts/2.txt", "cc"),
            (
                "translations/1.txt",
                "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd",
            ),
            (
                "translations/a.txt",
                "8b88a85089561b7978c4e52c3150112912125f3d34ec59b6ff1450fc1079979c",
            ),
            (
                "transcripts/3.txt",
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            ),
        ],
        (0.5, 0.5),
        {"head": True},
    ),
]
EMPTY: list[tuple[object, ...]] = [
    ("space", 60, {}),
    ("paragraph", "案卷", {"size": 10.0, "grey": 0.4}),
    ("paragraph", "案件 DV-5XMF", {"size": 26}),
    ("space", 30, {}),
    (
        "table",
        [
            ("征集", "微信受害案例征集"),
            ("组织", "公民力量"),
            ("案卷编号", "C0-000001"),
            ("文件编号", "–"),
            ("收到日期", "2026-11-23"),
            ("语言", "zh-Hans"),
            ("类别", "c1 因微信审查而直接遭受迫害"),
            ("评级", "–"),
            ("制作日期", "2026-11-26"),
            ("制作人", "Ann"),
            ("批准人", "Bob, Cy"),
        ],
        (0.3, 0.7),
        {},
    ),
    ("space", 30, {}),
    ("paragraph", words("zh-Hans")("notice"), NOTE),
    ("turn", {}),
    ("heading", "当事人陈述", {}),
    ("space", 10, {}),
    ("paragraph", "报告，2026-11-23 收到，语言：zh-Hans", NOTE),
    ("space", 2, {}),
    ("paragraph", "（没有文字）", {}),
    ("heading", "答复与往来", {}),
    ("space", 10, {}),
    ("paragraph", "补充，2026-11-23 收到，语言：zh-Hans", NOTE),
    ("space", 2, {}),
    ("paragraph", "（没有文字）", {}),
    ("heading", "事实", {}),
    ("paragraph", "审阅人的评定", NOTE),
    (
        "table",
        [
            ("状态", "st.second_review 复核完成"),
            ("评定日期", "–"),
            ("类别", "c1 因微信审查而直接遭受迫害"),
            ("评级", "–"),
            ("紧急程度", "–"),
            ("证据强度（0–4）", "2 有截图、照片等，未经核对"),
            ("期间", "–"),
            ("损害", "–"),
            ("标记", "–"),
            ("金额", "–"),
        ],
        (0.3, 0.7),
        {},
    ),
    ("space", 10, {}),
    ("paragraph", "当事人的回答", NOTE),
    ("paragraph", "没有回答。", {"size": 8.0}),
    ("table", [], (0.3, 0.7), {}),
    ("heading", "证据清单", {}),
    ("paragraph", "没有文件。", {}),
    ("heading", "保管记录", {}),
    ("paragraph", "截至本次移交开始时，保管日志中关于本案的所有记录；时间为 UTC。", NOTE),
    ("table", [["时间", "行为", "何人", "SHA-256"]], (0.2, 0.18, 0.22, 0.4), {"head": True}),
    ("heading", "校验值", {}),
    ("paragraph", "本案每个文件的 SHA-256；SHA256SUMS 列出移交的全部文件并有签名。", NOTE),
    ("table", [("文件", "SHA-256")], (0.5, 0.5), {"head": True}),
]


def test_a_dossier_has_all_of_a_case_in_its_order_and_at_its_sizes(casebook: Casebook) -> None:
    assert written(casebook, told(casebook, TOLD)) == FULL


def test_what_a_case_does_not_have_is_a_dash_or_a_sentence(casebook: Casebook) -> None:
    empty = {name: type(value)() for name, value in TOLD.items()}
    empty |= {"evidence": "2", "status": "st.second_review", "category": "c1"}

    assert written(casebook, told(casebook, empty, full=False), "zh-Hans") == EMPTY


@pytest.mark.parametrize(("pages", "more"), [(2, False), (3, True)])
def test_a_dossier_says_where_further_pictures_are_only_if_there_are_any(
    casebook: Casebook, pages: int, more: bool
) -> None:
    of = told(casebook, TOLD)
    of = replace(of, documents=[replace(one, pages=pages) for one in of.documents])
    sentence = "The pictures of all further pages are in the folder images."

    assert (("paragraph", sentence, NOTE) in written(casebook, of)) == more


def test_a_dossier_says_on_its_cover_that_something_is_blacked_out_in_it(
    casebook: Casebook,
) -> None:
    of = told(casebook, TOLD)
    text, scan, other = of.documents
    blacked = replace(of, documents=[text, replace(scan, redacted=True), other])
    found = written(casebook, blacked)
    told_so = next(one for one in found if "[redacted: …]" in str(one))

    assert found.index(told_so) == found.index(("turn", {})) - 1
    assert ("D0-000003", "2026-11-23", "scan.pdf", "", "redacted; only pictures of it are handed "
            "over") in next(one[1] for one in found if "Name as sent" in str(one))  # type: ignore[operator]  # fmt: skip
