"""How the desk shows the state of reviews, as far as the viewer may see it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import Viewer
from scripts.desk.review.judgement import Judgement, Layer, Reviews
from scripts.desk.screen.cases import EXCERPT_CHARACTERS, category_label, harm_label
from scripts.desk.screen.output import counted, table
from scripts.desk.screen.translation_tables import gist_cell
from scripts.desk.search.similar import linked
from scripts.desk.search.summary import Outline, outlines_of
from scripts.terminal import isolated, one_line

# The fields of a judgement that hold codes, each with the campaign's list that has their labels.
_CODED = {
    "merit": "merit",
    "urgency": "urgency",
    "evidence": "evidence",
    "outcome": "status",
    "flags": "flag",
}


# For a field that this desk's campaign does not have.
_FIELD_CHARACTERS = 40


def list_values(casebook: Casebook, numbers: Sequence[int], viewer: Viewer) -> list[dict[str, Any]]:
    """A row for each of these cases, in order; only the status of one that the viewer gave away.

    Reads no report.
    """
    found = casebook.layers.standings(
        '"case" IN (SELECT value FROM json_each(:numbers))', {"numbers": json.dumps(list(numbers))}
    )
    standings = {row["case"]: row for row in found}
    links = linked(casebook, standings, without=casebook.layers.given_away(viewer.reviewer))
    outlines = {one.number: one for one in outlines_of(casebook, standings)}
    return [
        _row(casebook, outlines[number], standings[number], links.get(number, 0), viewer)
        for number in numbers
        if number in outlines
    ]


def _row(
    casebook: Casebook, case: Outline, standing: Mapping[str, Any], links: int, viewer: Viewer
) -> dict[str, Any]:
    reviews = casebook.layers.of(case)
    row: dict[str, Any] = {
        "case": case.name,
        "day": case.day.isoformat(),
        "status": standing["status"],
    }
    row["conflict"] = viewer.reviewer in reviews.conflicted
    if row["conflict"]:
        return row
    own = reviews.own(viewer.reviewer)
    gist = casebook.translations.gist(case.number, viewer.language)
    return {
        **row,
        "correspondence": standing["correspondence"],
        "differ": standing["differ"].split(),
        "merit": standing["merit"],
        "urgency": standing["urgency"],
        "own_merit": own.judgement.merit if own else "",
        "own_urgency": own.judgement.urgency if own else "",
        "reviewers": sorted(map(viewer.name, standing["reviewers"].split())),
        "assigned": viewer.name(standing["assigned"]),
        "language": case.language,
        "category": standing["category"],
        "category_label": category_label(viewer.campaign, standing["category"], viewer.language),
        "harms": standing["harms"].split(),
        "tags": standing["tags"].split(),
        "flags": standing["flags"].split(),
        "parts": case.parts,
        "files": case.files,
        "after_withdrawal": case.later,
        "linked": links,
        "gist": gist_cell(gist) if gist else None,
        "text": one_line(case.text, EXCERPT_CHARACTERS),
    }


# The columns of a list, with the least width in characters that each needs; the text gets the rest.
_COLUMNS = {
    "case": 6,
    "day": 10,
    "status": 10,
    "merit": 5,
    "urgency": 8,
    "reviewers": 10,
    "cat.": 4,
}
_NUMBERS = {"harms": 5, "files": 5, "linked": 6}
_LEAST = {**_COLUMNS, **_NUMBERS}
# Spaces at both ends of a line and after the text.
_EDGES = 3
# Left out if they are empty for all cases.
_OPTIONAL = {"merit", "urgency", "reviewers", "linked"}
# Left out on a narrow screen, in this order, until the text has its least width: half a line of
# Chinese, which tells one case from another.
_LEFT_OUT = ("linked", "harms", "files", "cat.", "reviewers", "day")
_LEAST_TEXT = 24


def list_table(rows: Iterable[Mapping[str, Any]], viewer: Viewer, width: int) -> Table:
    """A line for each case, in *width* characters.

    What only the viewer has said so far is in brackets.
    """
    # Codes where labels would fill the screen; `show` has the labels.
    listed = table()
    listed.expand = True
    lines = [_cells(row, viewer) for row in rows]
    for name in _shown_columns(lines, width):
        justify: Literal["left", "right"] = "right" if name in _NUMBERS else "left"
        listed.add_column(
            name,
            justify=justify,
            min_width=_LEAST[name],
            no_wrap=name not in ("status", "reviewers", "cat."),
        )
    listed.add_column("text", min_width=6, ratio=1, no_wrap=True, overflow="ellipsis")
    shown = [str(column.header) for column in listed.columns]
    for line in lines:
        listed.add_row(*(Text(line.get(name, "")) for name in shown))
    return listed


def _shown_columns(lines: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """The columns that leave the text enough of *width*."""
    widths = {
        name: max(
            [least, *(cell_len(cell) for line in lines for cell in line.get(name, "").split("\n"))]
        )
        for name, least in _LEAST.items()
        if name not in _OPTIONAL or any(line.get(name) for line in lines)
    }
    for name in _LEFT_OUT:
        # Each column has a space on its right and one before the next.
        if sum(widths.values()) + 2 * len(widths) + _LEAST_TEXT <= width - _EDGES:
            break
        widths.pop(name, None)
    return list(widths)


def _cells(row: Mapping[str, Any], viewer: Viewer) -> dict[str, str]:
    """The cells of a case's line, by column."""
    reviewing = viewer.campaign.reviewing
    status = reviewing.label("status", row["status"], viewer.language)
    cells = {"case": row["case"], "day": row["day"], "status": status}
    if row["conflict"]:
        return {**cells, "text": "(conflict of interest)"}
    if row["differ"]:
        cells["status"] += f": {', '.join(row['differ'])}"
    if row["correspondence"] != "co.none":
        label = reviewing.label("correspondence", row["correspondence"], viewer.language)
        cells["status"] += f"\n{label}"
    if row["after_withdrawal"]:
        cells["status"] += f"\n{counted(row['after_withdrawal'], 'part')} since"
    return {
        **cells,
        "merit": _mine(row, "merit"),
        "urgency": _mine(row, "urgency"),
        "reviewers": "\n".join(row["reviewers"]),
        "cat.": one_line(row["category"], 12),
        "harms": str(len(row["harms"])),
        "files": str(row["files"]),
        "linked": str(row["linked"] or ""),
        "text": row["gist"] or row["text"],
    }


def _mine(row: Mapping[str, Any], name: str) -> str:
    own = row[f"own_{name}"]
    return str(row[name] or (f"({own})" if own else ""))


def review_values(reviews: Reviews, standing: Mapping[str, Any], viewer: Viewer) -> dict[str, Any]:
    """The state of a case's reviews, and all layers that the viewer may see.

    Only those who have reviewed a case are told whether it needs a second review, so that nobody
    reviews it differently because it will be checked.
    """
    done = reviews.complete or viewer.reviewer in reviews.reviewers
    return {
        "status": standing["status"],
        "correspondence": standing["correspondence"],
        "differences": differences(reviews, viewer) if reviews.complete else {},
        "agreed": reviews.agreed.to_json() if reviews.agreed else None,
        "second_review": reviews.needs_second if done else None,
        "reviewers": sorted(map(viewer.name, standing["reviewers"].split())),
        "assigned": viewer.name(standing["assigned"]),
        "disagree": reviews.complete and reviews.disagree,
        "deciding": reviews.deciding.number if reviews.deciding else None,
        "layers": [layer_values(layer, viewer) for layer in reviews.visible_to(viewer.reviewer)],
    }


def differences(reviews: Reviews, viewer: Viewer) -> dict[str, dict[str, Any]]:
    """What reviewers disagree on: for each field, what each of them said, version by version."""
    return {
        field: {
            viewer.name(reviewer): [
                layer.judgement.said(field) for layer in reviews.reviewed(reviewer)
            ]
            for reviewer in reviews.reviewers
        }
        for field in reviews.differences
    }


def layer_values(layer: Layer, viewer: Viewer) -> dict[str, Any]:
    """The values of a layer, with codes."""
    return {
        "layer": layer.number,
        "reviewer": viewer.name(layer.reviewer),
        "fingerprint": layer.reviewer,
        "role": layer.role,
        "version": layer.version,
        "day": layer.day.isoformat(),
        "blind": layer.blind,
        **layer.judgement.to_json(),
    }


def review_text(reviews: Reviews, standing: Mapping[str, Any], viewer: Viewer) -> Text:
    """What :func:`review_values` says, for people."""
    reviewing = viewer.campaign.reviewing
    status = reviewing.label("status", standing["status"], viewer.language)
    letters = reviewing.label("correspondence", standing["correspondence"], viewer.language)
    lines = ["", f"══ status: {status}; {letters}"]
    if standing["assigned"]:
        lines.append(f"given to {viewer.name(standing['assigned'])}")
    if reviews.complete:
        for field, said in differences(reviews, viewer).items():
            # A reviewer who agreed later had still disagreed: both versions are named.
            each = ", ".join(
                f"{name}: {', then '.join(dict.fromkeys(map(value_line, values)))}"
                for name, values in said.items()
            )
            lines.append(f"disagreement on {field.replace('_', ' ')}: {each}")
    if reviews.agreed is not None:
        lines += ["", "── what counts of all that was said", *_said(reviews.agreed, viewer)]
    shown = reviews.visible_to(viewer.reviewer)
    for layer in shown:
        lines += _layer_lines(layer, viewer, deciding=layer is reviews.deciding)
    if hidden := {layer.reviewer for layer in reviews.layers} - {layer.reviewer for layer in shown}:
        names = ", ".join(sorted(map(viewer.name, hidden)))
        lines += [
            "",
            f"{names} looked at this case too; you will see what they said once the reviews are "
            "done.",
        ]
    return Text("\n".join(lines))


def _layer_lines(layer: Layer, viewer: Viewer, *, deciding: bool) -> Iterator[str]:
    remarks = [
        f"version {layer.version}",
        layer.day.isoformat(),
        *(["blind"] if layer.blind else []),
    ]
    if deciding:
        remarks.append("decides")
    yield from (
        "",
        f"── {layer.role} by {viewer.name(layer.reviewer)}: {', '.join(remarks)}",
    )
    yield from _said(layer.judgement, viewer)


def value_line(value: Any) -> str:
    """A field's value in a line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items()) or "not said"
    return (value if isinstance(value, str) else ", ".join(value)) or "not said"


def _said(judgement: Judgement, viewer: Viewer) -> Iterator[str]:
    if judgement.conflict:
        yield "conflict of interest"
    if judgement.category:
        yield "category: " + isolated(
            category_label(viewer.campaign, judgement.category, viewer.language)
        )
    for field, listed in _CODED.items():
        value = judgement.said(field)
        for code in (value,) if isinstance(value, str) else value:
            if code:
                yield f"{field.replace('_', ' ')}: {viewer.label(listed, code)}"
    yield from _own_lines(judgement, viewer)
    for harm, code in judgement.harms.items():
        label = isolated(harm_label(viewer.campaign, harm, viewer.language))
        found = viewer.campaign.reviewing.label("harm_status", code, viewer.language)
        yield f"harm: {label}: {found}"
    yield from _free_lines(judgement, viewer)


def _own_lines(judgement: Judgement, viewer: Viewer) -> Iterator[str]:
    """Its values in the campaign's own fields; for one that the campaign lacks, the codes."""
    reviewing = viewer.campaign.reviewing
    for code, value in judgement.fields.items():
        field = reviewing.own_field(code)
        name = field.in_(viewer.language) if field else one_line(code, _FIELD_CHARACTERS)
        for one in ((value,) if value else ()) if isinstance(value, str) else value:
            shown = field.choice(one, viewer.language) if field else one
            yield f"{isolated(name)}: {isolated(shown)}"


def _free_lines(judgement: Judgement, viewer: Viewer) -> Iterator[str]:
    if judgement.period_from or judgement.period_to:
        yield f"period: {judgement.period_from or '?'} to {judgement.period_to or '?'}"
    for amount in judgement.amounts:
        as_of = f" ({amount['as_of']})" if amount["as_of"] else ""
        what = isolated(amount["what"])
        method = amount.get("method", "")
        label = viewer.campaign.reviewing.label("amount_method", method, viewer.language)
        rests = f" [{isolated(label)}]" if method else ""
        yield f"amount: {amount['amount']} {amount['currency']}{as_of} {what}".rstrip() + rests
    for code, reason in judgement.removed.items():
        yield f"removed: {code}, since {isolated(reason)}"
    if judgement.tags:
        yield "tags: " + " ".join(map(isolated, judgement.tags))
    for name in ("credibility", "note"):
        if text := getattr(judgement, name):
            yield f"{name}: {isolated(text)}"


def statuses(casebook: Casebook, name: Literal["status", "correspondence"]) -> dict[str, int]:
    """The number of cases by status or by correspondence, without codes that no case has."""
    counted = Counter(standing[name] for standing in casebook.layers.standings())
    codes = casebook.campaign.reviewing.codes(name)
    return {code: counted[code] for code in codes if code in counted}


def next_after(rows: Sequence[Mapping[str, Any]], left: int) -> str:
    """The case after which the next page begins, "" if that is empty: *left* cases follow
    *rows*.
    """
    return str(rows[-1]["case"]) if rows and left > 0 else ""
