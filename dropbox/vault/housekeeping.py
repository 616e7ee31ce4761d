"""What the vault does by itself, at fixed times: delete what has expired, and give its files the time of now.

A file's times in the file system would otherwise tell to the second when something was last filed.
"""

import threading

from dropbox.errors import CannotStore
from dropbox.vault.store import Store

# File times tell at most that something came in the last minute before the disk was taken; one inode a minute is no load.
INTERVAL_SECONDS = 60.0


class Housekeeping:
    """Goes on from ``start`` until ``stop``, or until the process ends."""

    def __init__(self, store: Store, seconds: float = INTERVAL_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        """The first beat comes at once. In a room, not before it is locked: a lock does not reach other threads."""
        self._thread.start()

    def stop(self) -> None:
        """Returns when the last beat is over."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._store.expire()
                self._store.touch()
            except CannotStore:
                # Told to whoever files now; at the next beat the disk may be well again.
                pass
            self._stopped.wait(self._seconds)
