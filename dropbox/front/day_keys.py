"""Today's day key of a front: made once for all its workers, and in their memory only.

The workers share it through memory that the gunicorn master maps before it forks them. Whichever
finds no key for today (UTC) makes one, seals it to all reviewers, and uses it only when the vault
has kept its record. This happens at the start and at midnight, whether or not anything is filed, so
that the existence of a key reveals nothing.
"""

import fcntl
import hashlib
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta

from dropbox.day_key import KEY_BYTES, DayKey, DayKeyRecord
from dropbox.errors import CannotSeal, CasedropError
from dropbox.hpke import PublicKey

DAY_SECONDS = 86_400
# How often a worker looks whether today has its key, besides at midnight.
_WATCH_SECONDS = 5.0
# After a failure it tries again this soon, this many times: the vault may be starting. Only then is
# the operator told, and sealing no longer waits.
_RETRY_SECONDS = 1.0
_TRIES = 5
# How long sealing waits for a key that is being made: the vault needs about one tick for it.
_PATIENCE_SECONDS = 10.0
# How often a worker looks whether another one has made the key, which takes about a tick.
_LOCK_SECONDS = 0.05
_EPOCH = date(1970, 1, 1)

# The slot: the day since 1970 and its key, with a check value, since it is read without a lock.
_DAY_BYTES, _CHECK_BYTES = 8, 16
_PLAIN_BYTES = _DAY_BYTES + KEY_BYTES
_SLOT_BYTES = _PLAIN_BYTES + _CHECK_BYTES
_EMPTY = bytes(_SLOT_BYTES)
_SLOT_CHECK = b"cd2:day-slot"


class TodaysKey:
    """The day key of the present day. Made before the workers are forked, and shared by them.

    *reviewers* returns the HPKE keys of all reviewers for a day, see WeeklyHpke.current. *keep* has
    the vault store a record. *clock* is in Unix seconds. Safe to call from several threads.
    """

    def __init__(
        self,
        *,
        reviewers: Callable[[date], Sequence[PublicKey]],
        keep: Callable[[DayKeyRecord], None],
        clock: Callable[[], float],
    ) -> None:
        self._reviewers = reviewers
        self._keep = keep
        self._clock = clock
        self._region = mmap.mmap(-1, mmap.PAGESIZE)
        with suppress(OSError):  # not every kernel has it
            self._region.madvise(mmap.MADV_DONTDUMP)
        # Nothing is ever written to this file: only its lock is used. A locked worker could not
        # open it.
        self._lock_file = os.memfd_create("day-key", os.MFD_CLOEXEC)
        self._making = threading.Lock()
        self._tried = threading.Condition()
        self._failed_day: int | None = None
        self._failures = 0
        # Made but perhaps not kept: the next try uses the same, so that the vault does not collect
        # records of keys that nobody uses.
        self._made: tuple[DayKey, DayKeyRecord] | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def current(self) -> bytes:
        """Today's key, of KEY_BYTES, never that of another day.

        While a worker's thread is making it, this waits. Raises CannotSeal if there is none.
        """
        key = self._read(self._today())
        if key is None and self._thread is not None:
            with self._tried:
                self._tried.wait_for(self._is_decided, _PATIENCE_SECONDS)
            key = self._read(self._today())
        if key is None:
            raise CannotSeal("There is no day key for today; nothing was accepted.")
        return key

    def renew(self) -> None:
        """Make today's key unless there is one; overwrite that of another day in any case.

        Raises KeysError, CannotSeal or BadDayKey if it cannot be sealed to all reviewers, and what
        *keep* raises.
        """
        day = self._today()
        if self._read(day) is not None:
            self._made = None
            return
        with self._alone():
            if self._read(day) is None:
                self._write(_EMPTY)
                self._write(self._made_and_kept(day))
        self._made = None

    def start(self) -> None:
        """Look after the key in a thread of its own, in this worker.

        Lock the worker first: a lock does not reach other threads.
        """
        self._thread = threading.Thread(target=self._run, name="day-key", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            day = self._today()
            try:
                self.renew()
            except (CasedropError, OSError) as why:
                self._note(day, why)
            else:
                self._note(None, None)
            left = DAY_SECONDS - self._clock() % DAY_SECONDS
            pause = _RETRY_SECONDS if 0 < self._failures < _TRIES else _WATCH_SECONDS
            self._stopped.wait(min(pause, left))

    def _note(self, failed_day: int | None, why: Exception | None) -> None:
        self._failures = 0 if why is None else self._failures + 1
        with self._tried:
            self._failed_day = failed_day if self._failures >= _TRIES else None
            self._tried.notify_all()
        # Reported only once.
        if self._failures == _TRIES:
            sys.stderr.write(
                f"The front has no day key ({type(why).__name__}): until it has one, it accepts "
                "no report.\n"
            )

    def _is_decided(self) -> bool:
        today = self._today()
        return self._read(today) is not None or self._failed_day == today

    def _made_and_kept(self, day: int) -> bytes:
        """A slot with a fresh key for *day* whose record the vault has stored."""
        date = _EPOCH + timedelta(days=day)
        reviewers = self._reviewers(date)
        if self._made is None or self._made[0].day != date:
            key = DayKey.make(date)
            self._made = key, key.seal(reviewers)
        key, record = self._made
        record.require(reviewers)
        self._keep(record)
        plain = day.to_bytes(_DAY_BYTES, "big") + key.key
        return plain + _check(plain)

    def _today(self) -> int:
        return int(self._clock() // DAY_SECONDS)

    def _read(self, day: int) -> bytes | None:
        """The key of *day*, if it is in the slot."""
        slot = self._region[:_SLOT_BYTES]
        plain = slot[:_PLAIN_BYTES]
        if plain[:_DAY_BYTES] != day.to_bytes(_DAY_BYTES, "big") or slot[_PLAIN_BYTES:] != _check(
            plain
        ):
            return None
        return plain[_DAY_BYTES:]

    def _write(self, slot: bytes) -> None:
        self._region[:_SLOT_BYTES] = slot

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock among all threads and processes. The kernel frees it if the holder dies."""
        with self._making:
            # Retried instead of waited for: the kernel would see the whole process waiting, and
            # would refuse a request that waits for the lock of the form keys as a deadlock.
            while not self._has_lock():
                time.sleep(_LOCK_SECONDS)
            try:
                yield
            finally:
                fcntl.lockf(self._lock_file, fcntl.LOCK_UN)

    def _has_lock(self) -> bool:
        try:
            fcntl.lockf(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True


def _check(plain: bytes) -> bytes:
    return hashlib.blake2b(plain, person=_SLOT_CHECK, digest_size=_CHECK_BYTES).digest()
