"""How the desk shows cases: as tables and text for people, as values for JSON for programs.

Everything that a claimant wrote passes through scripts.terminal before it is shown, and nothing is
read as markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from dropbox.campaign import Campaign
from scripts.desk.case import Answer, Case, Counts, FileOfPart, Unopened
from scripts.desk.casebook.link_decisions import LinkDecision
from scripts.desk.casebook.translations import source_of_answer
from scripts.desk.evidence import Joined
from scripts.desk.identity import Viewer
from scripts.desk.screen.output import counted, table
from scripts.desk.search.similar import Link
from scripts.desk.split_files import SplitFile
from scripts.terminal import isolated, one_line

EXCERPT_CHARACTERS = 40
_NAME_CHARACTERS = 60
_WHY = {"file": "the same file", "text": "the same text", "near": "nearly the same text"}


def category_label(campaign: Campaign, code: str, language: str) -> str:
    """The category's label, or the code if this campaign has no such category."""
    found = next((category for category in campaign.categories if category.code == code), None)
    return found.in_(language) if found else code


def harm_label(campaign: Campaign, code: str, language: str) -> str:
    """The harm's label, or the code if this campaign has no such harm."""
    harms = (harm for category in campaign.categories for harm in category.harms)
    found = next((harm for harm in harms if harm.code == code), None)
    return found.in_(language) if found else code


def fact_line(campaign: Campaign, code: str, answer: Any, language: str) -> str:
    """An optional question and its answer in words, or as sent if the campaign lacks it."""
    question = next((one for one in campaign.questions if one.code == code), None)
    if question is None:
        return f"{isolated(code)}: {isolated(str(answer))}"
    return f"{isolated(question.in_(language))}: {isolated(question.shown(answer, language))}"


def case_text(
    case: Case,
    answers: Sequence[Answer],
    campaign: Campaign,
    language: str,
    former: str = "",
    beside: Mapping[str, Sequence[str]] | None = None,
) -> Text:
    """A whole case with its answers, as text.

    *former* is its name in an earlier version of the casebook; *beside* are lines below its texts
    and files, by source (see scripts.desk.translating) and by SHA-256.
    """
    translated = beside or {}
    parts, files = counted(len(case.parts), "part"), counted(len(case.files), "file")
    lines = [f"{case.name}, {parts}, {files}" + (f", formerly {former}" if former else "")]
    if case.withdrawn:
        lines.append(
            f"The claimant took everything back on {case.withdrawn}; nothing is sent to them any "
            "more."
        )
    for part in case.parts:
        report = part.report
        later = ", added after everything was taken back" if part in case.since_withdrawn else ""
        lines += ["", f"── {report.kind}, {part.day}, {isolated(report.language)}{later}"]
        lines.append("category: " + isolated(category_label(campaign, report.category, language)))
        lines += [
            "harm: " + isolated(harm_label(campaign, harm, language)) for harm in report.harms
        ]
        lines += [
            fact_line(campaign, code, answer, language) for code, answer in report.facts.items()
        ]
        lines += ["", isolated(report.text), *translated.get(part.block_id.hex(), ())]
        for one in case.files:
            if one.part is part:
                lines += [f"file: {file_line(one)}", *translated.get(one.attachment.sha256, ())]
    for answer in answers:
        where = whereabouts(answer, withheld=case.withdrawn is not None)
        lines += ["", f"── {answer.kind}, {answer.day}, {answer.language}, {where}{_from(answer)}"]
        # An acknowledgement has no text.
        lines += ["", isolated(answer.text)] if answer.text else []
        lines += translated.get(source_of_answer(answer.text), ())
    return Text("\n".join(lines))


def _from(answer: Answer) -> str:
    return "" if answer.desk is None else f" (desk {answer.desk})"


def whereabouts(answer: Answer, *, withheld: bool) -> str:
    """Whether an answer waits, or when it left and whether its claimant came back.

    *withheld*: its claimant took everything back.
    """
    if answer.left is None:
        return "withheld" if withheld else "queued"
    since = (
        f"the claimant came back on {answer.returned}" if answer.returned else "nothing came since"
    )
    return f"left in reply bundle {answer.bundle} on {answer.left}; {since}"


def file_line(one: FileOfPart) -> str:
    """A file's name, declared type and size."""
    name = one_line(one.attachment.name, _NAME_CHARACTERS)
    return (
        f"{name} ({one_line(one.attachment.type, _NAME_CHARACTERS)}, {one.attachment.size:,} bytes)"
    )


def case_values(case: Case, answers: Sequence[Answer]) -> dict[str, Any]:
    """A whole case, texts and file names exactly as sent.

    The reply keys never leave the casebook.
    """
    return {
        "case": case.name,
        "withdrawn": case.withdrawn and case.withdrawn.isoformat(),
        "parts": [
            {
                "kind": part.report.kind,
                "after_withdrawal": part in case.since_withdrawn,
                "day": part.day.isoformat(),
                "language": part.report.language,
                "category": part.report.category,
                "harms": list(part.report.harms),
                "facts": dict(part.report.facts),
                "text": part.report.text,
                "files": file_values([one for one in case.files if one.part is part]),
            }
            for part in case.parts
        ],
        "answers": [
            {
                "kind": answer.kind,
                "day": answer.day.isoformat(),
                "language": answer.language,
                "text": answer.text,
                "bundle": answer.bundle,
                "left": answer.left and answer.left.isoformat(),
                "returned": answer.returned and answer.returned.isoformat(),
                "desk": answer.desk,
            }
            for answer in answers
        ],
    }


def links_text(
    links: Iterable[Link],
    names: Mapping[int, str],
    said: Iterable[LinkDecision] = (),
    viewer: Viewer | None = None,
) -> Text:
    """The cases to which one is linked, a line for each; there must be at least one.

    *names*: their names by number. *said* is what reviewers, whom *viewer* names, said about the
    links.
    """
    shares = {"near": ", {} % of it"}
    lines: dict[int, list[str]] = {}
    for one in links:
        why = f"{_WHY[one.why]}{shares.get(one.why, '').format(one.percent)}"
        lines.setdefault(one.other, []).append(why)
    for two in said:
        by = viewer.name(two.reviewer) if viewer else two.reviewer
        lines.setdefault(two.other, []).append(f"{two.decision} by {by}, {two.day}")
    listed = [f"{names[other]}: {'; '.join(whys)}" for other, whys in sorted(lines.items())]
    return Text("\n".join(["", "── linked", "", *listed]))


def link_values(
    links: Iterable[Link],
    names: Mapping[int, str],
    said: Iterable[LinkDecision] = (),
    viewer: Viewer | None = None,
) -> list[dict[str, Any]]:
    """The cases to which one is linked, why ("file", "text", "near"), and the percentage.

    Also the cases about which a reviewer said something: "confirmed" or "denied".
    """
    return [
        *({"case": names[one.other], "why": one.why, "percent": one.percent} for one in links),
        *(
            {
                "case": names[two.other],
                "why": two.decision,
                "reviewer": viewer.name(two.reviewer) if viewer else two.reviewer,
                "day": two.day.isoformat(),
            }
            for two in said
        ),
    ]


def files_table(files: Iterable[FileOfPart]) -> Table:
    """A row for each file, numbered from 1."""
    listed = table("no.", "name", "declared type", "bytes")
    listed.add_column("sha256", overflow="fold")  # all of it, because people compare it
    for number, one in enumerate(files, 1):
        name, declared = (
            one_line(one.attachment.name, _NAME_CHARACTERS),
            one_line(one.attachment.type, 30),
        )
        listed.add_row(
            *map(
                Text,
                [str(number), name, declared, f"{one.attachment.size:,}", one.attachment.sha256],
            )
        )
    return listed


def file_values(files: Iterable[FileOfPart]) -> list[dict[str, Any]]:
    """For each file: name and declared type exactly as sent, size in bytes, SHA-256."""
    entries = (one.attachment for one in files)
    return [{"name": a.name, "type": a.type, "size": a.size, "sha256": a.sha256} for a in entries]


def split_lines(splits: Iterable[SplitFile]) -> list[str]:
    """Which files a case's files are parts of, and what is missing: a line each."""
    return [
        f"{one_line(split.whole, _NAME_CHARACTERS)} came in parts: {split.listed}. "
        + (split.doubt or f"{split.note} `--out` joins them.".lstrip())
        for split in splits
    ]


def joined_line(joined: Joined) -> str:
    """What became of a file that came in parts."""
    split = joined.split
    whole, sentence = one_line(split.whole, _NAME_CHARACTERS), joined.sentence
    if joined.path is None:
        return f"{whole} came in parts: {split.listed}, not joined. {sentence}"
    return f"{whole}: {split.listed} joined, SHA-256 {joined.sha256}. {sentence}".rstrip()


def written_lines(written: Path | Joined) -> list[str]:
    """What was written out: its path, or what became of a file that came in parts."""
    if isinstance(written, Path):
        return [str(written)]
    return [*([str(written.path)] if written.path else []), joined_line(written)]


def status_values(
    counts: Counts,
    unopened: Iterable[Unopened],
    queued: Sequence[Answer],
    left: int,
    set_aside: Mapping[tuple[bytes, int], bool],
) -> dict[str, Any]:
    """The counts, the cases whose answers wait, and what could not be opened.

    Acknowledgements, which the desk writes on its own, are counted apart from answers, of which
    *left* have left. *set_aside*: by block and place, things that no longer hold back the
    acknowledgement.
    """
    return {
        "cases": counts.cases,
        "parts": counts.parts,
        "files": counts.files,
        "last_export_bundle": counts.last_export,
        "last_reply_bundle": counts.last_replies,
        "answers_left": left,
        "acknowledgements_left": counts.left - left,
        "acknowledgements_queued": sum(one.kind != "answer" for one in queued),
        "answers_queued": [one.case_name for one in queued if one.kind == "answer"],
        "unopened": [
            {**values, "set_aside": _set_aside(set_aside.get((one.block_id, one.place)))}
            for one in unopened
            for values in unopened_values([one])
        ],
    }


def _set_aside(kept: bool | None) -> str:
    return "" if kept is None else "kept sealed" if kept else "not on the server any more"


def unopened_values(unopened: Iterable[Unopened]) -> list[dict[str, Any]]:
    """The blocks that could not be opened, or whose files could not, with the reasons."""
    return [{"block": one.block_id.hex(), "reason": one.reason} for one in unopened]
