"""Making a reviewer's key: certifying and signing, with weekly encryption subkeys in advance."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dropbox import openpgp, week_secrets
from dropbox.durable_file import write_new
from dropbox.gpg_agent import ask_passphrase
from scripts.ceremony.outputs import check_name, refuse_in_the_way, refuse_open, write_public
from scripts.ceremony.weeks import CeremonyError

# A year of weekly keys and one more, so that the yearly ceremony may be a week late.
WEEKS = 53
_MOST_WEEKS = 520
# The passphrase window then offers no desktop password manager, which would store the passphrase
# beside the key.
_AGENT = b"no-allow-external-cache\n"


@dataclass(frozen=True)
class Weeks:
    """The number of weekly encryption subkeys, and the day (UTC) on which the first begins."""

    start: date
    count: int = WEEKS

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST_WEEKS:
            raise CeremonyError(f"The number of weeks is from 1 to {_MOST_WEEKS}.")


def new_reviewer(home: Path, *, name: str, out: Path, weeks: Weeks, protected: bool) -> str:
    """Make the key of reviewer *name* in *home*, and export and pin its public half in *out*.

    *out* gets ``NAME.asc``, ``NAME.hpke`` with its signature and a line in ``FINGERPRINTS``; *home*
    is made (0700) if absent. With *protected* gpg asks for the passphrase in its own window.
    Returns the fingerprint. Raises CeremonyError or KeysError; if a file of an earlier ceremony is
    in the way, nothing is made.
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
    if not (home / "gpg-agent.conf").exists():
        write_new(home / "gpg-agent.conf", _AGENT)
    passphrase = ask_passphrase(home, new=True) if protected else ""
    fingerprint = openpgp.make_reviewer_key(
        home, name=name, weeks=weeks.count, start=weeks.start, passphrase=passphrase
    )
    # Dated like the key: the signature says nothing more of when the ceremony was.
    week_secrets.add_missing(home, today=weeks.start, passphrase=passphrase)
    write_public(home, fingerprint, name=name, out=out)
    return fingerprint
