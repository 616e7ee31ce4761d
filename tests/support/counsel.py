"""Facts as reviewers enter them, for tests of what is handed over."""

from typing import Any

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import Event, Party
from support.cases import DAY


def state(casebook: Casebook, case: int, *, suffix: str = "A") -> None:
    """A party and two events of *case*."""
    of = casebook.case(case)
    given: dict[str, Any] = {"reviewer": "F" * 40, "day": DAY}
    part = f"part {of.parts[0].block_id.hex()}"
    entry = f"P00000000{suffix}"
    party = Party(
        entry=entry, kind="authority", role="authority", names="【虚构】派出所\nPolice", **given
    )
    casebook.parties.add(of, party)
    for at, (when, text) in enumerate((("~2019-03", "about"), ("2018", "=first"))):
        event = Event(
            entry=f"E0000000{at}{suffix}", kind="measure", date=when, text=text, parties=entry,
            source=part, **given,
        )  # fmt: skip
        casebook.events.add(of, event)
