"""Making a reviewer's key: certifying and signing, with weekly encryption subkeys in advance."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dropbox import openpgp, week_secrets
from dropbox.reviewer_key import Progress, make_reviewer_key
from scripts.ceremony.outputs import check_name, refuse_in_the_way, refuse_open, write_public
from scripts.ceremony.passphrase import Choice
from scripts.ceremony.weeks import CeremonyError

# A year of weekly keys and one more, so that the yearly ceremony may be a week late.
WEEKS = 53
_MOST_WEEKS = 520


@dataclass(frozen=True)
class Weeks:
    """The number of weekly encryption subkeys, and the day (UTC) on which the first begins."""

    start: date
    count: int = WEEKS

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST_WEEKS:
            raise CeremonyError(f"The number of weeks is from 1 to {_MOST_WEEKS}.")


def new_reviewer(
    home: Path,
    *,
    name: str,
    out: Path,
    weeks: Weeks,
    choose: Choice,
    progress: Progress = lambda done, total: None,
) -> str:
    """Make the key of reviewer *name* in *home*, and export and pin its public half in *out*.

    *out* gets ``NAME.asc``, ``NAME.hpke`` with its signature and a line in ``FINGERPRINTS``; *home*
    is made (0700) if absent. *choose* gives the passphrase, and *progress* is called with how many
    weeks are made. Returns the fingerprint. Raises CeremonyError or KeysError; if a file of an
    earlier ceremony is in the way, nothing is made.
    """
    check_name(name)
    if home.exists():
        refuse_open(home)
        if openpgp.Opener(home).secret_fingerprints():
            raise CeremonyError(
                f"There is a secret key in {home} already; each reviewer needs a directory of "
                "their own. If its ceremony was interrupted, go on with `weeks`, `public`, "
                "`sheet` and `revocation`, or remove the directory."
            )
    refuse_in_the_way(out, name)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase = choose(home)
    fingerprint = make_reviewer_key(
        home,
        name=name,
        weeks=weeks.count,
        start=weeks.start,
        passphrase=passphrase,
        progress=progress,
    )
    # Dated like the key, so that the signature reveals nothing more about when the ceremony was.
    week_secrets.add_missing(home, today=weeks.start, passphrase=passphrase)
    write_public(home, fingerprint, name=name, out=out)
    return fingerprint
