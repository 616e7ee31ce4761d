"""`import`: verifies an export bundle, and opens what is new in it into the casebook."""

import argparse
from dataclasses import asdict
from pathlib import Path

from dropbox.week_secrets import WeekSecrets
from scripts.desk.case import case_name
from scripts.desk.identity import opener, today, working
from scripts.desk.importing.filing import Opened
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.importing.open_export import Accepted, Disagrees, Imported, open_export
from scripts.desk.options import add_json
from scripts.desk.screen.cases import unopened_values
from scripts.desk.screen.output import counted, print_disk_warning, print_json, progress_bar, stages

HELP = "verify an export bundle and open what is new in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("bundle", type=Path, help="the directory that the courier brought")
    parser.add_argument(
        "--accept-findings",
        action="store_true",
        help="import a bundle although it disagrees with the one before it",
    )
    parser.add_argument(
        "--accept-new-vault",
        action="store_true",
        help="import from a vault that takes the place of a lost one, as its operator says",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Import it. To repeat it is harmless."""
    accepted = Accepted(findings=asked.accept_findings, new_vault=asked.accept_new_vault)
    with working(asked) as casebook, progress_bar() as bar:
        secret = opener(asked)
        if asked.bundle.is_dir():
            try:
                imported = open_export(
                    casebook,
                    asked.bundle,
                    secret,
                    WeekSecrets(asked.home, secret).find,
                    today=today(),
                    progress=stages(bar),
                    accepted=accepted,
                )
            except Disagrees as why:
                raise Disagrees(
                    why.findings, "--accept-findings imports the rest all the same."
                ) from None
        else:
            opened = open_bundle(
                casebook, asked.bundle, secret, today=today(), progress=stages(bar)
            )
            imported = Imported(opened, (), ())
    if asked.json:
        print_json(_values(imported))
        return
    _print(imported.opened)
    for finding in imported.findings:
        print(f"Accepted: {finding}")
    if imported.withdrawn:
        cases = ", ".join(map(case_name, imported.withdrawn))
        print(f"Taken back by the claimant, without a notice: {cases}.")
    if imported.skipped:
        numbers = ", ".join(map(str, imported.skipped))
        print(f"Never imported here, and not needed any more: bundles {numbers}.")
    print_disk_warning(asked.casebook)


def _values(imported: Imported) -> dict[str, object]:
    opened = asdict(imported.opened)
    return {
        **opened,
        "unopened": unopened_values(imported.opened.unopened),
        "findings": [str(finding) for finding in imported.findings],
        "skipped": list(imported.skipped),
        "withdrawn": [case_name(number) for number in imported.withdrawn],
    }


def _print(opened: Opened) -> None:
    print(
        f"Bundle {opened.number}: {counted(opened.blocks, 'block')}; "
        f"{counted(opened.parts, 'new part')}, {counted(opened.cases, 'new case')} and "
        f"{counted(opened.files, 'file')} opened; {counted(opened.known, 'part')} known before; "
        f"{counted(opened.unreferenced, 'block')} that no report names left out."
    )
    for one in unopened_values(opened.unopened):
        print(f"Not opened, block {one['block']}: {one['reason']}")
