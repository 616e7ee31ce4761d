"""Trying again to open what was set aside: a key may have turned up since."""

from collections.abc import Callable, Sequence
from datetime import date

from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from scripts.desk.case import Unopened
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.content import Content, content_of
from scripts.desk.importing.filing import BATCH, Filing, Opened, Progress, early_worker
from scripts.desk.importing.opened_blocks import DayKeys


def reopen(
    casebook: Casebook,
    opener: Opener,
    find_secret: Callable[[bytes], SecretKey | None],
    *,
    today: date,
    progress: Progress,
) -> Opened:
    """File those kept blocks that open now; what was kept stays as it came.

    *find_secret*: see :func:`scripts.desk.importing.open_export.open_export`.
    """
    kept = casebook.set_aside
    keys = DayKeys.open(kept.records(), find_secret)
    with (
        early_worker(opener) as early,
        content_of(casebook, keys, kept.bundle_of) as content,
    ):
        for block, data in kept.blocks():
            content.take(block, data, None)
        filing = Filing(casebook, content, opener=opener, early=early, batch=BATCH)
        filing.open_reports(progress)
        filing.open_files(progress)

        def record(unopened: Sequence[Unopened]) -> None:
            _record(casebook, content, unopened)

        number = casebook.bundles.newest()
        return filing.close(number.number if number else 0, today, record, content.unopened_keys())


def _record(casebook: Casebook, content: Content, unopened: Sequence[Unopened]) -> None:
    """Note what still stays shut; all of it is kept here, so it holds nothing back."""
    for record_id in content.keys.ids:
        casebook.forget_unopened(record_id)
    marked = casebook.set_aside.marked()
    known = {(one.block_id, one.place) for one in casebook.unopened()}
    # Only day keys whose day was set aside, not all that were kept with them.
    here = [
        one
        for one in unopened
        if (one.block_id, one.place) in known or one.place or one.block_id in content
    ]
    casebook.note_unopened(here)
    for one in here:
        if (one.block_id, one.place) not in marked:
            casebook.set_aside.mark(one.block_id, one.place, kept=True)
