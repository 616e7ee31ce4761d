"""Markers, slip sheets and dossiers in the language that was chosen; codes and originals stay."""

import json
from pathlib import Path

import pytest
from support.cases import add, attachment, report
from support.decided_cases import at_work, decided, plan_of, put
from support.redactions import redact, span, whole
from support.team import Team
from support.transcripts import line, transcribe, transcript, turn
from support.unpacked import pdf_text

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.production import page_pictures
from scripts.desk.production.dossier_words import words
from scripts.desk.production.faces import faces
from scripts.desk.production.handing_over import hand_over
from scripts.desk.redaction.leaving_words import _WORDS
from scripts.desk.redaction.standing import standing
from scripts.desk.transcripts.transcript import Who

TEXT, SOUND, OTHER = "张三说的话", b"sound", b"other"
MARKERS = {
    "en": "[redacted: minor, third_person]",
    "zh-Hans": "[已遮盖：未成年人、第三人的身份]",
    "zh-Hant": "[已遮蓋：未成年人、第三人的身分]",
}


def filed(casebook: Casebook) -> None:
    """Case 4, with redacted words, a file that is withheld, and one that leaves."""
    at_work(casebook)
    put(casebook, SOUND)
    put(casebook, OTHER)
    files = attachment("a", SOUND), attachment("b", OTHER)
    add(casebook, report(TEXT, 4, attachments=files))
    decided(casebook, 4)
    redact(casebook, span(TEXT, 0, 2, "third_person"), span(TEXT, 1, 3, "minor"), case=4)
    redact(casebook, whole(SOUND, "minor"), whole(OTHER, "contact"), case=4)


@pytest.mark.slow
@pytest.mark.parametrize("language", MARKERS)
def test_markers_slips_and_dossiers_are_in_the_language_that_was_chosen(
    ready: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    slips: list[str] = []
    slip_sheet = page_pictures.slip_sheet

    def kept(lines: list[str]) -> object:
        slips.append("|".join(lines))
        return slip_sheet(lines)

    monkeypatch.setattr(page_pictures, "slip_sheet", kept)
    out = tmp_path / "out"
    with Casebook.open(ready.casebook) as casebook:
        filed(casebook)
        transcribe(casebook, b"abc", transcript(turn(Who.LEFT, line("张三", 40))), case=1)
        plan = plan_of(casebook, cases=(1, 4)).written(language, pictures=False)
        assert plan.ready == (1, 4)
        hand_over(casebook, plan, out, lambda _: b"signature")

    english = language == "en"
    first, last = map(json.loads, (out / "cases.jsonl").read_text("utf-8").splitlines())
    number = last["documents"][0]["number"]
    assert (out / "texts" / f"{number}.txt").read_text("utf-8") == f"{MARKERS[language]}的话"
    read = (out / first["transcripts"][0]["path"]).read_text("utf-8")
    assert ("Read by a machine" in read) == english
    assert ("handed over" in " ".join(slips)) == english and len(slips) == 3
    pages = "".join(pdf_text((out / "dossiers" / "C0-000002.pdf").read_bytes()))
    assert MARKERS[language] in "".join(pages.split("\r\n"))
    # That the text is unchanged is said of a case in which nothing is blacked out alone.
    notice = words(language)("notice_redacted").split("，")[0]
    assert notice in " ".join(pages.split())
    clear = "".join(pdf_text((out / "dossiers" / "C0-000001.pdf").read_bytes()))
    assert notice not in " ".join(clear.split())
    assert ("a reviewer of another desk" in " ".join(pages.split())) == english
    # Codes, by which programs go, and what was written stay as they are.
    assert (last["documents"][0]["kind"], last["merit"]) == ("report", "m2")


def test_the_english_slip_sheets_say_what_they_always_said(
    ready: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slips: list[list[str]] = []
    slip_sheet = page_pictures.slip_sheet

    def kept(lines: list[str]) -> object:
        slips.append(lines)
        return slip_sheet(lines)

    monkeypatch.setattr(page_pictures, "slip_sheet", kept)
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        plan = plan_of(casebook, cases=(1,)).written("en", pictures=False)
        hand_over(casebook, plan, tmp_path / "out", lambda _: b"signature")

    assert slips == [
        [
            "File of D0-000002",
            "There is no picture of it: it was handed over without pictures.",
            "The file itself is handed over as it came: natives/D0-000002.bin",
        ]
    ]


def test_a_reason_that_is_no_code_does_not_leave_in_any_language(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        for language, other in (("en", "other"), ("zh-Hans", "其他"), ("zh-Hant", "其他")):
            found = standing(casebook, language).marker(["Zhang San", "unknown"])
            assert "Zhang" not in found and other in found and "unknown" in found


def test_every_word_of_a_marker_or_slip_sheet_can_be_drawn() -> None:
    for code, texts in _WORDS.items():
        assert len(texts) == 3
        for text in texts:
            assert text and faces().written(text) == text, code
