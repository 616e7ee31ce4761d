"""`event`, `party` and `contact`: writing, editing or reading the form of a fact, and listing the
facts of a case.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import TAKEN_BACK
from scripts.desk.facts import toml_forms
from scripts.desk.facts.case_facts import CaseFacts, facts_of
from scripts.desk.facts.contested import Contested, sentences
from scripts.desk.facts.entering import Entered, blank_form, hand_in, versions_of
from scripts.desk.facts.entities import entry_in
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.form_file import FormFile
from scripts.desk.identity import Viewer, at_desk, own_case, today, viewer, working
from scripts.desk.reviewing import read_sheet
from scripts.desk.screen.edited_form import edit_until_taken, print_left
from scripts.desk.screen.fact_tables import history_text, history_values
from scripts.desk.screen.output import print_json, print_rich


def asks_for_form(asked: argparse.Namespace) -> bool:
    """Whether the options of :func:`scripts.desk.options.add_fact_form` ask for anything.

    Raises FactError if they do not go together.
    """
    form = bool(asked.blank or asked.print or asked.edit or asked.form)
    if asked.correct and (not form or asked.form):
        raise FactError("--correct needs --edit, --blank or --print; the form names its entry.")
    return form


def run_form(asked: argparse.Namespace, kind: str) -> None:
    """Do what those options ask for, for a fact of this *kind*."""
    if asked.form:
        _take(asked, kind)
    elif asked.edit:
        _edit(asked, kind)
    else:
        with working(asked) as casebook:
            case = own_case(casebook, asked.case)
            form, blank = _begun(casebook, asked, case, kind, write=asked.blank)
        if asked.print:
            print_json({"form": blank}) if asked.json else print(blank, end="")
        elif asked.json:
            print_json({"case": case.name, "form": str(form.path)})
        else:
            print(
                f"{form.path}\nFill it in, then hand it in with `{kind} {case.name} --form` and "
                "this path; it is erased once it was taken. `--edit` opens it in your editor."
            )


# What a command shows of a case's facts: all of them for programs, and a table if there are any.
Drawn = tuple[list[dict[str, Any]], RenderableType | None]


def show_facts(
    asked: argparse.Namespace,
    kind: str,
    draw: Callable[[Casebook, CaseFacts, Viewer], Drawn],
    nothing: str,
) -> None:
    """List the facts of this *kind* in a case, or all their versions.

    *nothing* is printed for a case that has none, with its name for {}.
    """
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        found, reader = facts_of(casebook, case), viewer(casebook, asked.lang)
        versions = versions_of(casebook, case, kind)
        values, listed = draw(casebook, found, reader)
        casebook.viewed(case)
    if asked.history:
        print_json(history_values(versions, reader)) if asked.json else print_rich(
            history_text(versions, reader)
        )
    elif asked.json:
        print_json([{**one, "contested": one["entry"] in found.contested} for one in values])
    else:
        print(nothing.format(case.name)) if listed is None else print_rich(listed)
        contested = [entry for entry in versions if entry in found.contested]
        for sentence in sentences([Contested(kind, case.name, entry) for entry in contested]):
            print(sentence)


def _begun(
    casebook: Casebook, asked: argparse.Namespace, case: Case, kind: str, *, write: bool
) -> tuple[FormFile, str]:
    """The form to fill in, and its blank original; on the disk if *write*."""
    blank = blank_form(casebook, case, kind, asked.lang, asked.correct)
    role = kind
    if asked.correct:
        role += "-" + entry_in(versions_of(casebook, case, kind), asked.correct)
    form = FormFile(casebook.directory, case, role, at_desk(casebook))
    if not write:
        return form, blank
    left = form.left()
    if left is not None and _fits(casebook, case, kind, left):
        if left != blank.encode():
            print(f"Going on with what you typed before, in {form.path}.", file=sys.stderr)
    elif before := form.begin(blank):
        print(
            f"It was corrected since you last edited its form, which is now {before}: copy what "
            "still holds. It is erased with the new one, once that was taken.",
            file=sys.stderr,
        )
    return form, blank


def _fits(casebook: Casebook, case: Case, kind: str, left: bytes) -> bool:
    """Whether a leftover form is for the last version, as far as it can be read."""
    with suppress(FactError):
        found = toml_forms.read(left, kind)
        versions = versions_of(casebook, case, kind)
        return len(versions.get(found.entry, ())) == found.version
    return True


def _take(asked: argparse.Namespace, kind: str) -> None:
    """Keep the form in the file --form, and then erase it if it is the casebook's own."""
    # Read before the casebook is locked, because somebody may still be typing it.
    filled_in = read_sheet(asked.form)
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        entered = hand_in(casebook, case, kind, filled_in, today())
        near = _near(casebook, entered)
        roles = (kind, f"{kind}-{entered.fact.entry}")
        reviewer = at_desk(casebook)
        own = [FormFile(casebook.directory, case, role, reviewer) for role in roles]
    # Only now is the fact on the disk.
    here = [one for one in own if asked.form != "-" and one.is_at(Path(asked.form))]
    erased = bool(here) and here[0].erase(filled_in)
    _print_entered(case, entered, near, erased=erased, json=asked.json)
    if not erased and asked.form != "-" and not asked.json:
        print_left(asked.form, typed_on=bool(here))


def _edit(asked: argparse.Namespace, kind: str) -> None:
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        form, blank = _begun(casebook, asked, case, kind, write=True)

    def take(filled_in: bytes) -> tuple[Entered, list[str]]:
        with working(asked) as casebook:
            case = own_case(casebook, asked.case)
            entered = hand_in(casebook, case, kind, filled_in, today())
            return entered, _near(casebook, entered)

    taken = edit_until_taken(form, blank.encode(), take, FactError)
    if taken is not None:
        (entered, near), erased = taken
        _print_entered(case, entered, near, erased=erased, json=asked.json)
        if not erased and not asked.json:
            print_left(form.path, typed_on=True)


def _near(casebook: Casebook, entered: Entered) -> list[str]:
    """The parties that have the same name, each with its case."""
    return [f"{one.party.entry} in {casebook.names.of(one.case)}" for one in entered.alike]


def _print_entered(
    case: Case, entered: Entered, near: list[str], *, erased: bool, json: bool
) -> None:
    entry = entered.fact.entry
    if json:
        remarks = list(entered.remarks)
        print_json(
            {"case": case.name, "entry": entry, "remarks": remarks, "alike": near, "erased": erased}
        )
        return
    done = "taken back" if entered.fact.state == TAKEN_BACK else "kept"
    print(" ".join([f"{case.name}: {entry} was {done}.", *entered.remarks]))
    if near:
        print(
            f"The same name has {', '.join(near)}. If they are one, say so: "
            f"`party --same {entry} {near[0].split()[0]}`."
        )
