"""The desk's side of a drop: exports are pulled and imported, answers are brought."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from dropbox.openpgp import Opener
from dropbox.week_secrets import WeekSecrets
from scripts.courier.pull import pull
from scripts.courier.transfer import push
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.importing.open_export import Imported, open_export
from scripts.desk.outbox.sending import export_replies
from scripts.desk.outbox.writing import answer
from scripts.newsite import Site
from support.export_bundles import CAMPAIGN

# What the store of a drop in tests holds from its first tick on, and grows by.
QUANTUM = 32


def store_of(site: Site) -> Path:
    """The file of *site*'s store."""
    return site.settings_file.parent / "vault" / "store.sqlite"


def courier_of(site: Site) -> Path:
    """The vault's courier socket."""
    return site.settings_file.parent / "courier.sock"


@dataclass
class Desk:
    """A reviewer with a casebook, who can reach the vault of *site*."""

    site: Site
    casebook: Path
    opener: Opener
    secrets: WeekSecrets

    @classmethod
    def create(cls, site: Site, casebook: Path, home: Path) -> "Desk":
        """With a new *casebook*, and the reviewer's keys in *home*."""
        create(casebook, server_key=site.export_public, campaign=CAMPAIGN, desk=0)
        opener = Opener(home)
        return cls(site, casebook, opener, WeekSecrets(home, opener))

    def open(self) -> AbstractContextManager[Casebook]:
        """The casebook."""
        return Casebook.open(self.casebook)

    def pull(self, to: Path) -> Path:
        """Fetch the next export into *to*. Returns its folder."""
        return pull(courier_of(self.site), to)

    def open_bundle(self, bundle: Path) -> Imported:
        """Import an export."""
        with self.open() as casebook:
            return open_export(casebook, bundle, self.opener, self.secrets.find, today=_today())

    def carry(self, to: Path) -> Imported:
        """Pull the next export into *to* and import it."""
        return self.open_bundle(self.pull(to))

    def bring_answers(self, bundle: Path, *texts: str, case: int = 1) -> None:
        """Answer the case, and bring the reply bundle, written to *bundle*, to the vault."""
        with self.open() as casebook:
            for text in texts:
                answer(casebook, case, text, today=_today())
            export_replies(casebook, bundle, self.opener, today=_today())
        push(courier_of(self.site), bundle)


def _today() -> date:
    return datetime.now(UTC).date()
