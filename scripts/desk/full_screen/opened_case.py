"""One case as it is opened for its reviewer: what may be seen of it, and what may be done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dropbox.review_codes import AGREE
from scripts.desk.case import Answer, Case, Part
from scripts.desk.casebook.translations import source_of_answer
from scripts.desk.facts.case_facts import facts_of
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wrapped import Line, unisolated
from scripts.desk.identity import Viewer
from scripts.desk.linking import Alike, alike
from scripts.desk.outbox.sending import answers_of
from scripts.desk.redaction.redacting import listed
from scripts.desk.review.judgement import ADJUDICATION, REVIEW, ReviewError, Reviews
from scripts.desk.reviewing import blank_sheet
from scripts.desk.screen.cases import (
    category_label,
    fact_line,
    file_line,
    harm_label,
    links_text,
    split_lines,
    whereabouts,
)
from scripts.desk.screen.fact_tables import facts_text
from scripts.desk.screen.output import counted
from scripts.desk.screen.redaction_tables import LIST as REASONS
from scripts.desk.screen.redaction_tables import what
from scripts.desk.screen.reviews import differences, review_text, value_line
from scripts.desk.screen.transcripts import transcript_lines
from scripts.desk.screen.translation_tables import MARGIN, beside
from scripts.desk.split_files import split_files

_RULE = "──"
# Fields that every adjudication needs, and fields that an adjudicator may always add.
_NEEDED, _ALWAYS_ASKED = ("category", "merit", "urgency"), ("outcome", "note")


class Texts(StrEnum):
    """Which texts of a case are shown, with the screen's name for that."""

    BOTH = "original and translation"
    ORIGINAL = "original alone"
    TRANSLATION = "translation alone"


@dataclass(frozen=True, repr=False)
class OpenedCase:
    """A case at which the reviewer at work looks; the custody log notes the look.

    ``role`` is the one in which they may review it, "" for none, with the reason in ``refused``;
    ``sheet`` is then the blank sheet. No repr: it is plaintext.
    """

    case: Case
    reviews: Reviews
    standing: dict[str, Any]
    alike: Alike
    answers: tuple[Answer, ...]
    translated: Mapping[str, Sequence[str]]
    former: str
    role: str
    sheet: str
    refused: str


def open_case(sitting: Sitting, number: int) -> OpenedCase:
    """Look at case *number*. Raises ReviewError if the reviewer at work gave it away."""
    casebook, viewer = sitting.casebook, sitting.viewer
    case = casebook.case(number)
    reviews = casebook.layers.of(case)
    reviews.refuse_conflicted(viewer.reviewer)
    role, sheet, refused = "", "", ""
    with casebook.together():
        for role in (REVIEW, ADJUDICATION):
            try:
                sheet = blank_sheet(casebook, case, role)
                break
            except ReviewError as why:
                refused = refused or str(why)
        else:
            role = ""
            casebook.viewed(case)
    return OpenedCase(
        case,
        reviews,
        casebook.layers.standing(case),
        alike(casebook, number),
        tuple(answers_of(casebook, case)),
        beside(casebook.translations.current(number), viewer),
        casebook.names.former(number),
        role,
        sheet,
        refused,
    )


def story(opened: OpenedCase, texts: Texts = Texts.BOTH) -> Iterator[Line]:
    """What the claimant wrote, part by part, with its gists and translations below each."""
    case = opened.case
    if case.withdrawn:
        yield Line(
            f"The claimant took everything back on {case.withdrawn}; nothing is sent to them any "
            "more.",
            "warning",
        )
    for part in case.parts:
        later = ", added after everything was taken back" if part in case.since_withdrawn else ""
        yield Line(f"{_RULE} {part.report.kind}, {part.day}, {part.report.language}{later}", "head")
        source = part.block_id.hex()
        if texts != Texts.TRANSLATION:
            yield Line(part.report.text or "(no text)")
        elif source not in opened.translated:
            yield Line("(there is no translation of this part; t shows the original)", "warning")
        if texts != Texts.ORIGINAL:
            yield from _translated(opened, source)
        yield Line("")


def facts(opened: OpenedCase, sitting: Sitting) -> Iterator[Line]:
    """What the claimant answered, the files, and the cases that are alike."""
    case = opened.case
    for part in case.parts:
        lines = list(_facts_of(part, sitting))
        if lines:
            yield Line(f"{_RULE} {part.report.kind}, {part.day}", "head")
            yield from lines
            yield Line("")
    yield from files(opened, sitting)
    yield from _entered(opened, sitting)
    yield from _blacked_out(opened, sitting)
    if opened.alike.names:
        links, decisions, names = opened.alike
        listed = links_text(links, names, decisions, sitting.viewer).plain
        text = listed.strip("\n").split("\n")
        yield Line(text[0], "head")
        yield from map(Line, text[1:])
        yield Line("")


def _facts_of(part: Part, sitting: Sitting) -> Iterator[Line]:
    report, viewer = part.report, sitting.viewer
    campaign, language = viewer.campaign, viewer.language
    if report.category:
        yield Line(f"category: {category_label(campaign, report.category, language)}", indent=2)
    for harm in report.harms:
        yield Line(f"harm: {harm_label(campaign, harm, language)}", indent=2)
    for code, answer in report.facts.items():
        yield Line(unisolated(fact_line(campaign, code, answer, language)), indent=2)


def files(opened: OpenedCase, sitting: Sitting) -> Iterator[Line]:
    """The files by name, type and size, each with what a machine read in it; none is opened."""
    case = opened.case
    if not case.files:
        return
    read = sitting.casebook.translations.transcripts(case.number)
    transcripts = transcript_lines(read, sitting.viewer)
    yield Line(f"{_RULE} {counted(len(case.files), 'file')}", "head")
    for number, one in enumerate(case.files, 1):
        yield Line(unisolated(f"{number}. {file_line(one)}"), indent=2)
        yield from map(_beside, transcripts.get(one.attachment.sha256, ()))
    splits = split_lines(split_files(case.files))
    yield from (Line(unisolated(line), "warning", 2) for line in splits)
    yield Line("")


def _entered(opened: OpenedCase, sitting: Sitting) -> Iterator[Line]:
    """Events, people, organisations and contacts that reviewers entered."""
    entered = facts_of(sitting.casebook, opened.case)
    if entered.any:
        for line in facts_text(entered, sitting.viewer).plain.strip("\n").split("\n"):
            yield Line(unisolated(line), "head" if line.startswith(_RULE) else "")
        yield Line("")


def _blacked_out(opened: OpenedCase, sitting: Sitting) -> Iterator[Line]:
    """What is blacked out in everything that leaves."""
    viewer, casebook = sitting.viewer, sitting.casebook
    if not casebook.redactions.of(opened.case.number):
        return
    yield Line(f"{_RULE} blacked out in what leaves", "head")
    for one in listed(casebook, opened.case):
        reason = viewer.label(REASONS, one.redaction.reason)
        who = viewer.name(one.redaction.reviewer)
        words = f" “{one.words}”" if one.words else ""
        end = f"; taken back by {viewer.name(one.end.reviewer)}, {one.end.day}" if one.end else ""
        text = f"{one.number}. {what(one)}{words}: {reason}, {who}, {one.redaction.day}{end}"
        yield Line(text, "faint" if one.end else "", 2)
    yield Line("")


def said(opened: OpenedCase, sitting: Sitting) -> Iterator[Line]:
    """The reviews that the reviewer at work may see, and the answers."""
    for line in review_text(opened.reviews, opened.standing, sitting.viewer).plain.split("\n"):
        headed = line.startswith((_RULE, "══"))
        yield Line(unisolated(line), "head" if headed else "")
    withheld = opened.case.withdrawn is not None
    for answer in opened.answers:
        desk = "" if answer.desk is None else f" (desk {answer.desk})"
        where = whereabouts(answer, withheld=withheld)
        yield Line("")
        yield Line(f"{_RULE} {answer.kind}, {answer.day}, {answer.language}, {where}{desk}", "head")
        if answer.text:
            yield Line(answer.text)
        yield from _translated(opened, source_of_answer(answer.text))


def _translated(opened: OpenedCase, source: str) -> Iterator[Line]:
    """The gists and translations of a text, which are never mixed with it.

    No original has their colour and the margin before each line, nor can it imitate both.
    """
    yield from map(_beside, opened.translated.get(source, ()))


def _beside(line: str) -> Line:
    text = line.removeprefix(MARGIN)
    return Line(unisolated(text), "label", margin=MARGIN if text != line else "")


def settled(opened: OpenedCase) -> dict[str, Any]:
    """The fields about which an adjudicator is not asked, with their values; {} in a review.

    Where all agree, the adjudication repeats that; about anything else it says nothing (None).
    """
    if opened.role != ADJUDICATION:
        return {}
    reviews = opened.reviews
    asked = {*reviews.differences, *_ALWAYS_ASKED}
    found: dict[str, Any] = {}
    for name, rule in reviews.rules.fields.items():
        said = [value for one in reviews.voices if (value := one.said(name))]
        if name == "urgency":
            said = [reviews.urgency] if reviews.urgency else []
        if name in asked or (name in _NEEDED and not said):
            continue
        found[name] = said[-1] if said and (rule == AGREE or name in _NEEDED) else None
    return found


def disputed(opened: OpenedCase, viewer: Viewer) -> dict[str, list[str]]:
    """What each reviewer said in each field on which they disagree, a line each."""
    if opened.role != ADJUDICATION:
        return {}
    return {
        name: [f"{who}: {value_line(values[-1])}" for who, values in each.items() if values]
        for name, each in differences(opened.reviews, viewer).items()
    }
