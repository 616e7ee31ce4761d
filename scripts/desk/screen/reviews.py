"""The docket: how cases stand in review, for people and for programs, as far as the one who looks may see it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from dropbox.campaign import Campaign
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import Viewer
from scripts.desk.review.judgement import Judgement, Layer, Reviews
from scripts.desk.reviewing import Kept
from scripts.desk.screen.cases import EXCERPT_CHARACTERS, category_label, harm_label
from scripts.desk.screen.output import print_json, table
from scripts.desk.search.similar import linked
from scripts.desk.search.summary import Outline, outlines_of
from scripts.terminal import isolated, one_line

# Fields of a judgement that are one code, or several, with the campaign's list that has their labels.
_CODED = {
    "merit": "merit",
    "urgency": "urgency",
    "evidence": "evidence",
    "us": "us",
    "phone_region": "phone",
    "outcome": "status",
    "actors": "actor",
    "account_types": "account",
    "flags": "flag",
}


@dataclass(frozen=True)
class Chosen:
    """Which cases a list shows: with these codes where one is given, behind case *after* and the first *skip*,
    at most *most* (0 for all).
    """

    status: str = ""
    merit: str = ""
    urgency: str = ""
    after: int = 0
    most: int = 0
    skip: int = 0

    def standings(self, casebook: Casebook) -> Iterator[dict[str, Any]]:
        """The chosen rows of ``standing``, one more than *most* when there are more."""
        most = self.most + 1 if self.most else -1
        yield from casebook.layers.standings(*self._where(), most=most, skip=self.skip)

    def count(self, casebook: Casebook) -> int:
        """How many cases fit, on all pages."""
        return casebook.layers.count(*self._where())

    def _where(self) -> tuple[str, dict[str, object]]:
        wanted = {
            name: getattr(self, name)
            for name in ("status", "merit", "urgency")
            if getattr(self, name)
        }
        where = " and ".join(['"case" > :after', *(f"{name} = :{name}" for name in wanted)])
        return where, {"after": self.after, **wanted}


def list_values(casebook: Casebook, chosen: Chosen, viewer: Viewer) -> list[dict[str, Any]]:
    """A row for each chosen case, made without reading a report; of one that its reader gave away, only where it stands."""
    standings = {row["case"]: row for row in chosen.standings(casebook)}
    links = linked(casebook, standings, without=casebook.layers.given_away(viewer.reviewer))
    outlines = outlines_of(casebook, standings)
    return [
        _row(casebook, one, standings[one.number], links.get(one.number, 0), viewer)
        for one in outlines
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
    return {
        **row,
        "merit": standing["merit"],
        "urgency": standing["urgency"],
        "own_merit": own.judgement.merit if own else "",
        "own_urgency": own.judgement.urgency if own else "",
        "reviewers": sorted(map(viewer.name, standing["reviewers"].split())),
        "language": case.language,
        "category": standing["category"],
        "category_label": category_label(viewer.campaign, standing["category"], viewer.language),
        "harms": standing["harms"].split(),
        "tags": standing["tags"].split(),
        "parts": case.parts,
        "files": case.files,
        "linked": links,
        "text": one_line(case.text, EXCERPT_CHARACTERS),
    }


# The columns of a list with the fewest signs of the screen that each needs; what is over is for the text.
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
# Left out while no case has anything there.
_SELDOM = {"merit", "urgency", "reviewers", "linked"}


def list_table(rows: Iterable[Mapping[str, Any]], viewer: Viewer) -> Table:
    """One line a case. What its reader alone has said so far stands in brackets."""
    # Codes, not labels, where a label would fill the screen: `show` has them.
    listed = table()
    listed.expand = True
    lines = [_cells(row, viewer) for row in rows]
    for name, least in {**_COLUMNS, **_NUMBERS}.items():
        if name not in _SELDOM or any(line.get(name) for line in lines):
            justify: Literal["left", "right"] = "right" if name in _NUMBERS else "left"
            listed.add_column(
                name,
                justify=justify,
                min_width=least,
                no_wrap=name not in ("status", "reviewers", "cat."),
            )
    listed.add_column("text", min_width=6, ratio=1, no_wrap=True, overflow="ellipsis")
    shown = [str(column.header) for column in listed.columns]
    for line in lines:
        listed.add_row(*(Text(line.get(name, "")) for name in shown))
    return listed


def _cells(row: Mapping[str, Any], viewer: Viewer) -> dict[str, str]:
    """What stands in a case's line, by column."""
    status = viewer.campaign.reviewing.label("status", row["status"], viewer.language)
    cells = {"case": row["case"], "day": row["day"], "status": status}
    if row["conflict"]:
        return {**cells, "text": "(conflict of interest)"}
    return {
        **cells,
        "merit": _mine(row, "merit"),
        "urgency": _mine(row, "urgency"),
        "reviewers": "\n".join(row["reviewers"]),
        "cat.": one_line(row["category"], 12),
        "harms": str(len(row["harms"])),
        "files": str(row["files"]),
        "linked": str(row["linked"] or ""),
        "text": row["text"],
    }


def _mine(row: Mapping[str, Any], name: str) -> str:
    own = row[f"own_{name}"]
    return str(row[name] or (f"({own})" if own else ""))


def review_values(reviews: Reviews, standing: Mapping[str, Any], viewer: Viewer) -> dict[str, Any]:
    """Where a case stands and every layer that its reader may see.

    Whether two have to look is told to those who have: nobody reviews otherwise for knowing that it will be checked.
    """
    done = reviews.complete or viewer.reviewer in reviews.reviewers
    return {
        "status": standing["status"],
        "second_review": reviews.needs_second if done else None,
        "reviewers": sorted(map(viewer.name, standing["reviewers"].split())),
        "disagree": reviews.complete and reviews.disagree,
        "deciding": reviews.deciding.number if reviews.deciding else None,
        "layers": [layer_values(layer, viewer) for layer in reviews.visible_to(viewer.reviewer)],
    }


def layer_values(layer: Layer, viewer: Viewer) -> dict[str, Any]:
    """A layer with the codes as they are."""
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
    """The same for people."""
    lines = [
        "",
        "══ status: "
        + viewer.campaign.reviewing.label("status", standing["status"], viewer.language),
    ]
    shown = reviews.visible_to(viewer.reviewer)
    for layer in shown:
        lines += _layer_lines(layer, viewer, deciding=layer is reviews.deciding)
    if hidden := {layer.reviewer for layer in reviews.layers} - {layer.reviewer for layer in shown}:
        names = ", ".join(sorted(map(viewer.name, hidden)))
        lines += [
            "",
            f"{names} has looked at this case; what was said of it is seen once the reviews are done.",
        ]
    return Text("\n".join(lines))


def _layer_lines(layer: Layer, viewer: Viewer, *, deciding: bool) -> Iterator[str]:
    remarks = [
        f"version {layer.version}",
        layer.day.isoformat(),
        *(["blind"] if layer.blind else []),
    ]
    yield from (
        "",
        f"── {layer.role} by {viewer.name(layer.reviewer)}: {', '.join(remarks)}{', decides' if deciding else ''}",
    )
    said = layer.judgement
    if said.conflict:
        yield "conflict of interest"
    if said.category:
        yield "category: " + isolated(
            category_label(viewer.campaign, said.category, viewer.language)
        )
    for field, listed in _CODED.items():
        value = getattr(said, field)
        for code in (value,) if isinstance(value, str) else value:
            if code:
                yield f"{field.replace('_', ' ')}: {viewer.label(listed, code)}"
    for harm, found in said.harms.items():
        label = isolated(harm_label(viewer.campaign, harm, viewer.language))
        yield f"harm: {label}: {viewer.campaign.reviewing.label('harm_status', found, viewer.language)}"
    yield from _free_lines(said)


def _free_lines(said: Judgement) -> Iterator[str]:
    if said.period_from or said.period_to:
        yield f"period: {said.period_from or '?'} to {said.period_to or '?'}"
    if said.account_opened:
        yield f"account opened: {said.account_opened}"
    for amount in said.amounts:
        as_of = f" ({amount['as_of']})" if amount["as_of"] else ""
        yield f"amount: {amount['amount']} {amount['currency']}{as_of} {isolated(amount['what'])}".rstrip()
    if said.tags:
        yield "tags: " + " ".join(map(isolated, said.tags))
    for name in ("credibility", "note"):
        if text := getattr(said, name):
            yield f"{name}: {isolated(text)}"


def statuses(casebook: Casebook) -> dict[str, int]:
    """How many cases have each status, in the campaign's order; those that none has are left out."""
    counted: dict[str, int] = {}
    for standing in casebook.layers.standings():
        counted[standing["status"]] = counted.get(standing["status"], 0) + 1
    return {
        code: counted[code]
        for code in casebook.campaign.reviewing.codes("status")
        if code in counted
    }


def next_after(rows: Sequence[Mapping[str, Any]], most: int) -> str:
    """The case behind which the next page begins, "" when all were shown."""
    return str(rows[most - 1]["case"]) if most and len(rows) > most else ""


def print_sheet(sheet: str, *, json: bool) -> None:
    """A blank review sheet, as it is to be filled in."""
    print_json({"sheet": sheet}) if json else print(sheet, end="")


def print_kept(kept: Kept, campaign: Campaign, *, json: bool) -> None:
    """The layer that a sheet became."""
    if json:
        print_json(
            {
                "case": kept.case.name,
                "layer": kept.layer.number,
                "version": kept.layer.version,
                "status": kept.status,
            }
        )
        return
    label = campaign.reviewing.label("status", kept.status, "en")
    print(
        f"{kept.case.name}: version {kept.layer.version} of your {kept.layer.role} is kept. Status: {label}."
    )
