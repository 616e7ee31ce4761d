"""`import`: verifies an export bundle, and opens what is new in it into the casebook."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from dropbox.week_secrets import WeekSecrets
from scripts.desk.case import Cause
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import opener, today, working
from scripts.desk.importing.filing import Opened, Progress
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.importing.open_export import Accepted, Disagrees, Imported, open_export
from scripts.desk.importing.setting_aside import MOST_KEPT_BYTES, Wanted
from scripts.desk.options import add_json
from scripts.desk.screen.cases import unopened_values
from scripts.desk.screen.output import counted, print_disk_warning, print_json, progress_bar, stages

HELP = "verify an export bundle and open what is new in it"

# What to do about what could not be opened, by its cause.
_ADVICE = {
    Cause.LOCKED: "wants a passphrase, or a key's file cannot be read: import the bundle again.",
    Cause.DAMAGED: "is damaged and will never open: --set-aside keeps it as it came.",
    Cause.NO_KEY: "may open with a key that is not here: bring the key of its week and import the "
    "bundle again. --set-aside-without-key keeps it sealed until then.",
}


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
    parser.add_argument(
        "--set-aside",
        action="store_true",
        help="keep sealed what is damaged, so that the acknowledgement goes on without it",
    )
    parser.add_argument(
        "--set-aside-without-key",
        action="store_true",
        help="keep sealed also what is sealed to a key that is not here, with all that may belong "
        "to it",
    )
    parser.add_argument(
        "--set-aside-limit",
        type=int,
        default=MOST_KEPT_BYTES // 2**20,
        metavar="MIB",
        help="the most that the casebook keeps sealed (default: %(default)s MiB)",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Import it. Repeating that is harmless."""
    with working(asked) as casebook, progress_bar() as bar:
        imported = _imported(asked, casebook, stages(bar))
        names = casebook.names.among(imported.withdrawn)
    withdrawn = [names[number] for number in imported.withdrawn]
    if asked.json:
        print_json(_values(imported, withdrawn))
        return
    _print(imported.opened)
    for line in _lines(imported, withdrawn):
        print(line)
    print_disk_warning(asked.casebook)


def _imported(asked: argparse.Namespace, casebook: Casebook, show: Progress) -> Imported:
    secret = opener(asked)
    if not asked.bundle.is_dir():
        opened = open_bundle(casebook, asked.bundle, secret, today=today(), progress=show)
        return Imported(opened, (), ())
    try:
        return open_export(
            casebook,
            asked.bundle,
            secret,
            WeekSecrets(asked.home, secret).find,
            today=today(),
            progress=show,
            accepted=Accepted(
                findings=asked.accept_findings,
                new_vault=asked.accept_new_vault,
                set_aside=_wanted(asked),
            ),
        )
    except Disagrees as why:
        raise Disagrees(why.findings, "--accept-findings imports the rest all the same.") from None


def _lines(imported: Imported, withdrawn: Sequence[str]) -> Iterator[str]:
    """What to know about it besides the counts; *withdrawn* are the names of those cases."""
    for finding in imported.findings:
        yield f"Accepted: {finding}"
    if probes := imported.opened.probes:
        yield (
            f"Left out: {counted(len(probes), 'test report')} of the operator, the last of "
            f"{probes[-1]}."
        )
    if withdrawn:
        yield f"Taken back by the claimant, without a notice: {', '.join(withdrawn)}."
    if imported.confirmed:
        numbers = ", ".join(map(str, imported.confirmed))
        yield f"Arrived at the drop: what left in reply bundle {numbers}."
    yield from _unopened_lines(imported)
    if imported.crowded:
        days = ", ".join(map(str, imported.crowded))
        yield (
            f"Far more day keys than a front makes are of {days}: it may have been taken over. "
            "Tell the operator."
        )
    if imported.skipped:
        numbers = ", ".join(map(str, imported.skipped))
        yield f"Never imported here, and not needed any more: bundles {numbers}."


def _values(imported: Imported, withdrawn: Sequence[str]) -> dict[str, object]:
    opened = asdict(imported.opened)
    return {
        **opened,
        "probes": [day.isoformat() for day in imported.opened.probes],
        "unopened": unopened_values(imported.opened.unopened),
        "findings": [str(finding) for finding in imported.findings],
        "skipped": list(imported.skipped),
        "withdrawn": list(withdrawn),
        "set_aside": asdict(imported.kept),
        "confirmed": list(imported.confirmed),
        "crowded": [day.isoformat() for day in imported.crowded],
    }


def _wanted(asked: argparse.Namespace) -> Wanted:
    causes = [Cause.DAMAGED] if asked.set_aside or asked.set_aside_without_key else []
    causes += [Cause.NO_KEY] if asked.set_aside_without_key else []
    return Wanted(causes, asked.set_aside_limit * 2**20)


def _unopened_lines(imported: Imported) -> Iterator[str]:
    """What was set aside, and what to do about the rest."""
    kept = imported.kept
    if kept.set_aside:
        yield (
            f"Set aside: {kept.set_aside} of what cannot be opened; "
            f"{counted(kept.blocks, 'block')} ({kept.bytes / 2**20:.1f} MiB) kept sealed in the "
            "casebook."
        )
    if kept.refused_bytes:
        yield (
            f"Nothing was set aside: the casebook would keep {kept.refused_bytes / 2**20:.1f} MiB "
            "sealed. --set-aside-limit raises what it may keep."
        )
    waiting = Counter(one.cause for one in imported.waiting)
    if waiting:
        yield "Nothing is acknowledged while something is on the server alone and was not opened."
    for cause, advice in _ADVICE.items():
        if waiting[cause]:
            yield f"{waiting[cause]} of it {advice}"


def _print(opened: Opened) -> None:
    print(
        f"Bundle {opened.number}: {counted(opened.blocks, 'block')}; "
        f"{counted(opened.parts, 'new part')}, {counted(opened.cases, 'new case')} and "
        f"{counted(opened.files, 'file')} opened; {counted(opened.known, 'part')} known before; "
        f"{counted(opened.unreferenced, 'block')} that no report names left out."
    )
    for one in unopened_values(opened.unopened):
        print(f"Not opened, block {one['block']}: {one['reason']}")
