"""The desk's acts of reviewing: list, show, review, adjudicate, reviewers, status, verify."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dropbox.label import LANGUAGES
from scripts.ceremony.weeks import term_lines, term_values
from scripts.desk.audit import findings
from scripts.desk.case import case_number
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.commands.answering import answered_values, came_back
from scripts.desk.disk import WARNINGS, keeping
from scripts.desk.identity import at_desk, look_of, named_reviewers, own_case, today, working
from scripts.desk.review.judgement import ADJUDICATION, REVIEW
from scripts.desk.review.sheet import SHEET_BYTES, blank, read, said
from scripts.desk.screen.cases import case_text, case_values, link_values, links_text, status_values
from scripts.desk.screen.output import print_json, print_rich, progress_bar, stages
from scripts.desk.screen.paging import Page
from scripts.desk.screen.paging import add_options as add_page_options
from scripts.desk.screen.reviews import (
    Chosen,
    list_table,
    list_values,
    next_after,
    review_text,
    review_values,
    statuses,
)
from scripts.desk.search import similar, summary


def catch_up(casebook: Casebook) -> None:
    """Work out what lists and links need, with a bar: an import does it too, so that there is seldom anything to do."""
    with progress_bar() as bar:
        show = stages(bar)
        summary.catch_up(casebook, lambda done, every: show("outlines", done, every))
        similar.catch_up(casebook, lambda done, every: show("links", done, every))


def list_cases(asked: argparse.Namespace) -> None:
    """`list`."""
    after = case_number(asked.after) if asked.after else 0
    page = Page.of(asked)
    chosen = Chosen(asked.status, asked.merit, asked.urgency, after, page.most, page.skip)
    with working(asked) as casebook:
        catch_up(casebook)
        look = look_of(casebook, asked.labels)
        rows, every = list_values(casebook, chosen, look), chosen.count(casebook)
        shown = rows[: page.most] if page.most else rows
        casebook.note("view", "list")
    if asked.json:
        print_json(shown)
        return
    print_rich(list_table(shown, look))
    print(page.said(every), end="")
    if following := next_after(rows, page.most):
        print(f"There are more; go on with --after {following}")


def show(asked: argparse.Namespace) -> None:
    """`show`."""
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        catch_up(casebook)
        links = similar.links_of(
            casebook, case.number, without=casebook.layers.given_away(at_desk(casebook))
        )
        answers, look = casebook.answers_to(case), look_of(casebook, asked.labels)
        reviews, standing = casebook.layers.of(case), casebook.layers.standing(case)
        casebook.viewed(case)
    if asked.json:
        linked = {"linked": link_values(links), "review": review_values(reviews, standing, look)}
        print_json({**case_values(case, answers), **linked})
        return
    print_rich(case_text(case, answers, look.campaign, asked.labels))
    if links:
        print_rich(links_text(links))
    print_rich(review_text(reviews, standing, look))


def review(asked: argparse.Namespace) -> None:
    """`review`."""
    _review(asked, REVIEW)


def adjudicate(asked: argparse.Namespace) -> None:
    """`adjudicate`."""
    _review(asked, ADJUDICATION)


def _review(asked: argparse.Namespace, role: str) -> None:
    # Read before the casebook is locked: a person may still be typing it.
    data = b"" if asked.blank else _form(asked.form)
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        reviews, reviewer = casebook.layers.of(case), at_desk(casebook)
        reviews.refuse(reviewer, role)
        if asked.blank:
            own = reviews.own(reviewer)
            casebook.viewed(case)
            sheet = blank(
                case, casebook.campaign, own.judgement if own else said(case, casebook.campaign)
            )
        else:
            casebook.add_layer(
                case, read(data, casebook.campaign, role=role), role=role, day=today()
            )
            layer = casebook.layers.of(case).own(reviewer)
            standing = casebook.layers.standing(case)
            label = casebook.campaign.reviewing.label("status", standing["status"], "en")
    if asked.blank:
        print_json({"sheet": sheet}) if asked.json else print(sheet, end="")
        return
    assert layer is not None
    if asked.json:
        print_json(
            {
                "case": case.name,
                "layer": layer.number,
                "version": layer.version,
                "status": standing["status"],
            }
        )
    else:
        print(f"{case.name}: version {layer.version} of your {role} is kept. Status: {label}.")


def _form(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(SHEET_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(SHEET_BYTES + 1)


def reviewers(asked: argparse.Namespace) -> None:
    """`reviewers`."""
    if asked.keys is None:
        with Casebook.open(asked.casebook) as casebook:
            known = custody.pinned(casebook.database)
    else:
        with working(asked) as casebook:
            for name, key in named_reviewers(asked).items():
                casebook.add_reviewer(name, key)
            known = custody.pinned(casebook.database)
    rows = [{"name": name, "fingerprint": key.fingerprint} for name, key in known.items()]
    if asked.json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']}: {row['fingerprint']}")


def status(asked: argparse.Namespace) -> None:
    """`status`."""
    with Casebook.open(asked.casebook) as casebook:
        values = status_values(casebook.counts(), casebook.unopened(), casebook.queued())
        values["answered"] = answered_values(casebook.left())
        values["cases_by_status"] = statuses(casebook)
        values["custody_line"], values["custody_head"] = custody.head(
            casebook.database, casebook.origin
        )
        reviewing = casebook.campaign.reviewing
    values["disk"] = keeping(asked.casebook)
    if asked.home is not None:
        values["keys"] = term_values(asked.home, today())
    if asked.json:
        print_json(values)
        return
    unopened, queued, by_status, answered = (
        values.pop(name) for name in ("unopened", "answers_queued", "cases_by_status", "answered")
    )
    keys = values.pop("keys", None)
    for name, value in values.items():
        print(f"{name.replace('_', ' ')}: {value}")
    for code, count in by_status.items():
        print(f"{reviewing.label('status', code, 'en')}: {count}")
    print(f"answers queued: {', '.join(queued) or 'none'}")
    print(f"cases answered: {len(answered)}, of which came back: {came_back(answered) or 'none'}")
    for one in unopened:
        print(f"Not opened, block {one['block']}: {one['reason']}")
    if keys is not None:
        print("\n".join(term_lines(asked.home, today())))
    warn(asked.casebook)


def warn(directory: Path) -> None:
    """Say so when the disk under the casebook does not look encrypted."""
    if sentence := WARNINGS[keeping(directory)]:
        print(f"Warning: {sentence}")


def verify(asked: argparse.Namespace) -> int:
    """`verify`: 1 when anything is not as it was made."""
    with Casebook.open(asked.casebook) as casebook, progress_bar() as bar:
        keys = (
            named_reviewers(asked) if asked.keys is not None else custody.pinned(casebook.database)
        )
        task = bar.add_task("verifying")
        found = findings(
            casebook,
            keys,
            datetime.now(UTC),
            noted_head=asked.head,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
        number, sha256 = custody.head(casebook.database, casebook.origin)
    if asked.json:
        print_json({"lines": number, "head": sha256, "findings": found})
    else:
        own = (
            ""
            if asked.keys
            else " (by the keys in the casebook itself; a third party names its own with --keys)"
        )
        print(
            "\n".join(found)
            or f"All is as it was made{own}: {number} lines of the log, the last with the hash {sha256}."
        )
    return 1 if found else 0


Command = Callable[[str, Callable[[argparse.Namespace], int | None], str], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add these acts to the desk's command line; *command* makes one of a name, what it runs, and a line of help."""
    listing = command("list", list_cases, "list the cases and how they stand in review")
    for name in ("status", "merit", "urgency"):
        listing.add_argument(
            f"--{name}", default="", metavar="CODE", help=f"only cases with this {name}"
        )
    listing.add_argument(
        "--after", default="", metavar="CASE", help="only cases with a higher number"
    )
    add_page_options(listing)
    showing = command("show", show, "show a case with all its parts, reviews and answers")
    reviewing = command(
        "review", review, "write a blank review sheet of a case, or add one that is filled in"
    )
    judging = command("adjudicate", adjudicate, "the same for a third reviewer, where two disagree")
    for added in (showing, reviewing, judging):
        added.add_argument("case", help="its number, such as C-0001")
    for added in (listing, showing):
        added.add_argument(
            "--labels", choices=LANGUAGES, default="en", help="the language of the labels"
        )
    for added in (reviewing, judging):
        sheet = added.add_mutually_exclusive_group(required=True)
        sheet.add_argument(
            "--blank",
            action="store_true",
            help="print the sheet, with what the claimant said filled in",
        )
        sheet.add_argument(
            "--form", metavar="FILE", help="a filled-in sheet, or - for standard input"
        )
    known = command(
        "reviewers", reviewers, "list the reviewers whom the casebook knows, or add some"
    )
    stands = command(
        "status", status, "what is in the casebook, what waits, what could not be opened"
    )
    verifying = command(
        "verify", verify, "check the custody log, and the casebook against it; needs no secret key"
    )
    verifying.add_argument(
        "--head", default="", metavar="HASH", help="the last line's hash, as `status` gave it once"
    )
    for added in (known, verifying):
        added.add_argument(
            "--keys", type=Path, metavar="DIR", help="reviewers' public keys, with FINGERPRINTS"
        )
    for added in (listing, showing, reviewing, judging, known, stands, verifying):
        added.add_argument("--json", action="store_true", help="for programs")
