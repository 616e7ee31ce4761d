"""A drop that does not run, for the operator's commands: every file that it has, and its vault."""

import os
from pathlib import Path

from dropbox.settings import Settings
from dropbox.vault.block_store import Block, Export
from scripts.newsite import make_site
from support.day_stores import TickClock, file_report, open_days

ONION = "b" * 56 + ".onion"


class StoppedDrop:
    """A drop that does not run, with a report and one bundle."""

    def __init__(self, folder: Path) -> None:
        keys = folder / "elsewhere" / "keys"
        (keys / "sub").mkdir(parents=True)
        (keys / "FINGERPRINTS").write_text("pins")
        (keys / "a.asc").write_bytes(b"\x00key")
        self.state = folder / "site"
        self.settings_file = make_site(self.state, onion=ONION, keys=keys).settings_file
        self.tor = self.state / "tor" / "drop"
        (self.tor / "authorized_clients").mkdir(parents=True)
        for name in ("hostname", "hs_ed25519_secret_key", "authorized_clients/op.auth"):
            (self.tor / name).write_bytes(os.urandom(40))
        self.settings = Settings.load({"CASEDROP_SETTINGS": str(self.settings_file)})
        self.clock = TickClock()
        store = open_days(self.settings.store_file, self.clock)
        self.report: Block = file_report(store)[0]
        store.note_export(Export(1, b"h" * 32))
        self.vault = store.vault_id()
        store.close()
