"""What the vault does at regular intervals: delete what has expired, and touch its files.

Otherwise the files' timestamps would tell, to the second, when something was last filed.
"""

import threading

from dropbox.errors import CannotStore
from dropbox.vault.store import Store

# Timestamps reveal at most that something arrived in the last minute before the disk was seized;
# writing one inode a minute is no load.
INTERVAL_SECONDS = 60.0


class Housekeeping:
    """Runs in a thread of its own from ``start`` to ``stop``, or until the process ends."""

    def __init__(self, store: Store, seconds: float = INTERVAL_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Start, with the first run at once.

        Lock the room first: a lock does not reach other threads.
        """
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until the current run is over."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._store.expire()
                self._store.touch()
            except CannotStore:
                # Whoever files now sees the error; by the next run the disk may work again.
                pass
            self._stopped.wait(self._seconds)
