"""`status`: shows what the casebook holds, what waits or was not opened, and the log's head."""

import argparse

from scripts.ceremony.weeks import term_lines, term_values
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.set_aside import BLOCK
from scripts.desk.disk import keeping
from scripts.desk.form_file import begun
from scripts.desk.identity import today
from scripts.desk.options import add_json
from scripts.desk.outbox.sending import waiting_to_leave
from scripts.desk.screen.answers import answered_values, came_back
from scripts.desk.screen.cases import status_values
from scripts.desk.screen.output import print_disk_warning, print_json
from scripts.desk.screen.reviews import statuses

HELP = "show what the casebook holds, what waits, and what could not be opened"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show it, and with --home also how long the reviewer's weekly keys last."""
    with Casebook.open(asked.casebook) as casebook:
        values = status_values(
            casebook.counts(),
            casebook.unopened(),
            waiting_to_leave(casebook),
            len(casebook.answers.left()),
            casebook.set_aside.marked(),
        )
        newest = casebook.bundles.newest()
        # The operator asks for it when the server has lost its disk.
        values["last_vault"] = newest.vault.hex() if newest else ""
        values["kept_sealed_blocks"] = casebook.set_aside.counts()[BLOCK]
        values["kept_sealed_bytes"] = casebook.set_aside.total_bytes()
        values["answered"] = answered_values(casebook.answers.left())
        values["cases_by_status"] = statuses(casebook, "status")
        values["cases_by_correspondence"] = statuses(casebook, "correspondence")
        values["custody_line"], values["custody_head"] = custody.head(
            casebook.database, casebook.origin
        )
        reviewing = casebook.campaign.reviewing
    values["forms_begun"] = begun(asked.casebook)
    values["disk"] = keeping(asked.casebook)
    if asked.home is not None:
        values["keys"] = term_values(asked.home, today())
    if asked.json:
        print_json(values)
        return
    unopened, queued, answered = (
        values.pop(name) for name in ("unopened", "answers_queued", "answered")
    )
    by_code = [(name, values.pop(f"cases_by_{name}")) for name in ("status", "correspondence")]
    keys = values.pop("keys", None)
    for name, value in values.items():
        print(f"{name.replace('_', ' ')}: {value}")
    for name, cases in by_code:
        for code, count in cases.items():
            print(f"{reviewing.label(name, code, 'en')}: {count}")
    print(f"answers queued: {', '.join(queued) or 'none'}")
    print(f"cases answered: {len(answered)}; came back since: {came_back(answered) or 'none'}")
    for one in unopened:
        aside = f" Set aside: {one['set_aside']}." if one["set_aside"] else ""
        print(f"Not opened, block {one['block']}: {one['reason']}{aside}")
    if waiting := sum(not one["set_aside"] for one in unopened):
        print(f"Until {waiting} of these are opened or set aside, nothing is acknowledged.")
    if keys is not None:
        print("\n".join(term_lines(asked.home, today())))
    print_disk_warning(asked.casebook)
