"""What a casebook holds and what waits, as `status` shows it."""

from collections.abc import Mapping
from typing import Any

from dropbox.review_codes import Reviewing
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.unopened import BLOCK
from scripts.desk.disk import keeping
from scripts.desk.form_file import begun
from scripts.desk.outbox.sending import waiting_to_leave
from scripts.desk.screen.answer_tables import answered_values, came_back
from scripts.desk.screen.cases import status_values
from scripts.desk.screen.reviews import statuses

_BY_CODE = ("status", "correspondence")


def gathered(casebook: Casebook) -> dict[str, Any]:
    """The values that `status` prints, and its --json has."""
    left = casebook.answers.left()
    values = status_values(
        casebook.counts(),
        casebook.unopened(),
        waiting_to_leave(casebook),
        len(left),
        casebook.set_aside.marked(),
    )
    newest = casebook.bundles.newest()
    # The operator needs it when the server has lost its disk.
    values["last_vault"] = newest.vault.hex() if newest else ""
    values["kept_sealed_blocks"] = casebook.set_aside.counts()[BLOCK]
    values["kept_sealed_bytes"] = casebook.set_aside.total_bytes()
    values["answered"] = answered_values(left)
    values["cases_by_status"] = statuses(casebook, "status")
    values["cases_by_correspondence"] = statuses(casebook, "correspondence")
    values["custody_line"], values["custody_head"] = custody.head(
        casebook.database, casebook.origin
    )
    values["forms_begun"] = begun(casebook.directory)
    values["disk"] = keeping(casebook.directory)
    return values


def status_lines(values: Mapping[str, Any], reviewing: Reviewing, language: str) -> list[str]:
    """The values of :func:`gathered` for people, with the labels of codes in *language*."""
    told = {"unopened", "answers_queued", "answered", *(f"cases_by_{name}" for name in _BY_CODE)}
    lines = [
        f"{name.replace('_', ' ')}: {value}" for name, value in values.items() if name not in told
    ]
    for name in _BY_CODE:
        for code, count in values[f"cases_by_{name}"].items():
            lines.append(f"{reviewing.label(name, code, language)}: {count}")
    unopened, answered = values["unopened"], values["answered"]
    lines += [
        f"answers queued: {', '.join(values['answers_queued']) or 'none'}",
        f"cases answered: {len(answered)}; came back since: {came_back(answered) or 'none'}",
    ]
    for one in unopened:
        aside = f" Set aside: {one['set_aside']}." if one["set_aside"] else ""
        lines.append(f"Not opened, block {one['block']}: {one['reason']}{aside}")
    if waiting := sum(not one["set_aside"] for one in unopened):
        lines.append(f"Until {waiting} of these are opened or set aside, nothing is acknowledged.")
    return lines
