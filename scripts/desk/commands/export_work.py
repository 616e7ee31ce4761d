"""`export-work`: writes what reviewers did, for the other desks of this drop."""

import argparse
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from dropbox.durable_file import write_new
from dropbox.openpgp import Reviewers
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.desks import Closed, WorkRow
from scripts.desk.exchange.merging import gather
from scripts.desk.exchange.work_bundle import pack, write_work
from scripts.desk.identity import DeskError, at_desk, opener, working
from scripts.desk.options import add_json
from scripts.desk.screen.output import counted, print_json, progress_bar, stages

HELP = "write what reviewers did, sealed, for the other desks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the new file")
    parser.add_argument(
        "--keys",
        type=Path,
        required=True,
        metavar="DIR",
        help="the public keys of the reviewers who may open it, with FINGERPRINTS",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Write everything that this casebook knows; other desks add what is new to them."""
    with working(asked) as casebook, TemporaryDirectory(prefix="casedrop-") as home:
        # Only public keys are in this directory.
        reviewers = Reviewers.load(asked.keys, Path(home) / "gnupg")
        _refuse_strangers(casebook, reviewers)
        reviewer, secret = at_desk(casebook), opener(asked)

        def close(whose: str, rows: tuple[WorkRow, ...]) -> Closed | None:
            if whose not in reviewers.fingerprints:
                return None
            lines = tuple(row.line for row in rows)
            return Closed(whose, lines, _sealed(pack(rows), reviewers.alone(whose)))

        with casebook.together():
            casebook.note("export", "work")
            with progress_bar() as bar:
                work = gather(casebook, reviewer, close, partial(stages(bar), "gathering"))
            data = write_work(work, lambda body: secret.sign(body, reviewer))
            write_new(asked.to, _sealed(data, reviewers))
    layers = sum(row.kind == "layer" for row in work.rows)
    if asked.json:
        counts = {"lines": len(work.lines), "layers": layers, "closed": len(work.promises)}
        print_json({**counts, "desks": len(work.desks)})
        return
    print(
        f"The work of {counted(len(work.desks), 'desk')} is in {asked.to}: "
        f"{counted(len(work.lines), 'line')} of custody logs and {counted(layers, 'review')}."
    )
    if work.promises:
        print(
            f"Nobody else can read {counted(len(work.promises), 'review')} yet: a second reviewer "
            "has still to write theirs."
        )


def _sealed(data: bytes, reviewers: Reviewers) -> bytes:
    sealed = list[bytes]()
    reviewers.seal(BytesIO(data), sealed.append)
    return b"".join(sealed)


def _refuse_strangers(casebook: Casebook, reviewers: Reviewers) -> None:
    """Raise DeskError if somebody whom the casebook does not know could open the bundle."""
    known = {key.fingerprint for key in casebook.pinned().values()}
    for fingerprint in reviewers.fingerprints:
        if fingerprint not in known:
            raise DeskError(
                f"The casebook does not know the reviewer {fingerprint}, whose key is in --keys; "
                "see `reviewers`. Nothing was written."
            )
