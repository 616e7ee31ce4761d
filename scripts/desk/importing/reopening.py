"""Trying again to open what was set aside: a key may have turned up since."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date

from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.report import Report
from dropbox.sealing import open_message
from scripts.desk.case import Unopened
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.blocks import kept_in
from scripts.desk.importing.content import Content
from scripts.desk.importing.filing import BATCH, Filing, Opened, Progress, Sealed
from scripts.desk.importing.opened_blocks import DayKeys
from scripts.desk.importing.workers import EarlyWorker


def reopen(
    casebook: Casebook,
    opener: Opener,
    find_secret: Callable[[bytes], SecretKey | None],
    *,
    today: date,
    progress: Progress,
) -> Opened:
    """File what of the kept blocks opens now; what was kept stays as it came.

    *find_secret*: see :func:`scripts.desk.importing.open_export.open_export`.
    """
    with ExitStack() as stack:
        early: EarlyWorker[Sealed, Report] = stack.enter_context(
            EarlyWorker(lambda message: open_message(message, opener))
        )
        content = Content(
            stack.enter_context(kept_in(casebook.directory)),
            stack.enter_context(kept_in(casebook.directory)),
            DayKeys.open(casebook.set_aside.records(), find_secret),
            filed=casebook.has_block,
            bundle_of=casebook.set_aside.bundle_of,
        )
        for block, data in casebook.set_aside.blocks():
            content.take(block, data, None)
        filing = Filing(casebook, content, opener=opener, early=early, batch=BATCH)
        filing.open_reports(progress)
        filing.open_files(progress)

        def record(unopened: Sequence[Unopened]) -> None:
            for record_id in content.keys.ids:
                casebook.forget_unopened(record_id)
            marked = casebook.set_aside.marked()
            known = {(one.block_id, one.place) for one in casebook.unopened()}
            # All that was tried is kept here, also a file of a report that opened only now.
            here = [
                one
                for one in unopened
                if (one.block_id, one.place) in known or one.place or one.block_id in content
            ]
            casebook.note_unopened(here)
            for one in here:
                if (one.block_id, one.place) not in marked:
                    casebook.set_aside.mark(one.block_id, one.place, kept=True)

        number = casebook.bundles.newest()
        return filing.close(number.number if number else 0, today, record, content.unopened_keys())
