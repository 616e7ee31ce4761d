"""The keys of form tokens, and which visits were left: shared by all workers and fronts, in memory.

They are in a file on a file system in memory, so that they outlive a restart of the front and are
gone when the machine is off. Each UTC day has its own key; that of the day before is accepted for
two hours more and then overwritten. The file is opened and mapped before a worker is locked down:
afterwards the worker writes to its memory, never to a file.
"""

import ctypes
import fcntl
import hashlib
import mmap
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from dropbox.errors import KeyMemoryError
from dropbox.system_error import explained

KEY_BYTES = 32
DAY_SECONDS = 86_400
# How long the key of the day before is accepted; no form page is accepted for longer.
OVERLAP_SECONDS = 7_200
# The file systems that exist only in memory, by their number in <linux/magic.h>.
_IN_MEMORY = {"tmpfs": 0x01021994, "ramfs": 0x858458F6}

# A slot: the day since 1970 and its key, with a check value. A day's slot and table are those of
# its parity, so that the day before keeps its own.
_DAY_BYTES, _CHECK_BYTES = 8, 16
_SLOT_BYTES = _DAY_BYTES + KEY_BYTES + _CHECK_BYTES
_EMPTY = bytes(_SLOT_BYTES)
_KEYS_BYTES = 4_096
# One table for each key: four bits for each visit that was left. With 10,000 of them in a day, one
# visit in 30 thousand million counts as left by mistake; a flood makes mistakes likelier, but a
# visit that was left always counts as left.
_TABLE_BITS = 2**24
_TABLE_BYTES = _TABLE_BITS // 8
_INDEXES, _INDEX_BYTES = 4, 3
_TABLES_END = _KEYS_BYTES + 2 * _TABLE_BYTES
# For whatever else all fronts of a site have to share: see dropbox.front.arrived_files.
SPARE_BYTES = 2**22
REGION_BYTES = _TABLES_END + SPARE_BYTES

_SLOT_CHECK, _LEFT = b"cd1:key-slot", b"cd1:left"


class DayKey(NamedTuple):
    """A day (since 1970, UTC) and its key of KEY_BYTES."""

    day: int
    key: bytes


class SharedKeys:
    """The keys and the tables in a region of REGION_BYTES. *clock* is in Unix seconds.

    Safe to call from several threads and processes. ``damaged``: whether a key was damaged when the
    region was opened; a new one was made instead. ``spare``: SPARE_BYTES for other modules, to be
    changed only while ``locked``.
    """

    def __init__(self, region: mmap.mmap, file: int | None, clock: Callable[[], float]) -> None:
        self._region = region
        self._file = file
        self._clock = clock
        self._thread = threading.Lock()
        self.spare = memoryview(region)[_TABLES_END:]
        with suppress(OSError):  # not every kernel has it
            region.madvise(mmap.MADV_DONTDUMP)
        with self.locked():
            self.damaged = any(
                self._slot(parity) not in (None, _EMPTY) and self._read(parity) is None
                for parity in (0, 1)
            )

    @classmethod
    def private(cls, clock: Callable[[], float]) -> Self:
        """Keys that only this process and its children share."""
        return cls(mmap.mmap(-1, REGION_BYTES), None, clock)

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float]) -> Self:
        """The keys in the file at *path*, which is made if there is none.

        Raises KeyMemoryError if it is not in memory, or if others have access to it.
        """
        try:
            file = _opened(path)
        except OSError as why:
            raise KeyMemoryError(
                f"The file {path} for the keys of form pages cannot be used: {explained(why)}"
            ) from None
        # The mapping gets its own descriptor. This one stays open, since closing it would end the
        # locks.
        return cls(mmap.mmap(file, REGION_BYTES), file, clock)

    def now(self) -> list[DayKey]:
        """The keys that are accepted now, today's first.

        Makes today's if there is none, and overwrites that of the day before when its time is over.
        """
        today, second = divmod(int(self._clock()), DAY_SECONDS)
        with self.locked():
            current = self._read(today % 2)
            if current is None or current.day != today:
                current = self._renew(today)
            before = self._read((today - 1) % 2)
            if before is not None and (before.day != today - 1 or second > OVERLAP_SECONDS):
                self._write((today - 1) % 2, _EMPTY)
                before = None
        return [current] if before is None else [current, before]

    def leave(self, visit: bytes) -> None:
        """Note that the *visit* was left: none of its tokens is accepted any more."""
        for key in self.now():
            with self.locked():
                for at, bit in _places(key, visit):
                    self._region[at] |= bit

    def left(self, key: DayKey, visit: bytes) -> bool:
        """Whether the *visit*, a token of which is sealed under *key*, was left."""
        return all(self._region[at] & bit for at, bit in _places(key, visit))

    def _renew(self, day: int) -> DayKey:
        # The old key first: should this process die in between, no table is without what it
        # forbids.
        self._write(day % 2, _EMPTY)
        start = _table(day)
        try:
            # Gives the memory back; afterwards it holds zeros.
            self._region.madvise(mmap.MADV_REMOVE, start, _TABLE_BYTES)
        except OSError:
            self._region[start : start + _TABLE_BYTES] = bytes(_TABLE_BYTES)
        made = DayKey(day, secrets.token_bytes(KEY_BYTES))
        plain = made.day.to_bytes(_DAY_BYTES, "big") + made.key
        self._write(day % 2, plain + _check(plain))
        return made

    def _slot(self, parity: int) -> bytes:
        return self._region[parity * _SLOT_BYTES : (parity + 1) * _SLOT_BYTES]

    def _write(self, parity: int, slot: bytes) -> None:
        self._region[parity * _SLOT_BYTES : (parity + 1) * _SLOT_BYTES] = slot

    def _read(self, parity: int) -> DayKey | None:
        slot = self._slot(parity)
        plain = slot[: _DAY_BYTES + KEY_BYTES]
        if slot == _EMPTY or slot[len(plain) :] != _check(plain):
            return None
        return DayKey(int.from_bytes(plain[:_DAY_BYTES], "big"), plain[_DAY_BYTES:])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock among all threads and processes. The kernel frees it if the holder dies."""
        with self._thread:
            if self._file is None:
                yield
                return
            fcntl.lockf(self._file, fcntl.LOCK_EX, _KEYS_BYTES)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _KEYS_BYTES)


def default_path(site: bytes, intake_socket: Path, runtime: str | None) -> Path:
    """Where the keys of the site with the salt *site* are, unless the settings say so.

    In the folder of the intake socket if it is in memory and this user's, else in *runtime*, the
    user's own folder in memory, else in /dev/shm. All fronts of a site choose the same.
    """
    name = hashlib.blake2b(site, person=_SLOT_CHECK, digest_size=8).hexdigest()
    for folder in (intake_socket.parent, Path(runtime or "/dev/shm")):  # noqa: S108
        if os.access(folder, os.W_OK) and _file_system(folder) in _IN_MEMORY.values():
            return folder / f"casedrop-keys-{name}"
    return Path("/dev/shm") / f"casedrop-keys-{name}"  # noqa: S108


def _opened(path: Path) -> int:
    """A descriptor of the file at *path*, of REGION_BYTES. Raises KeyMemoryError and OSError."""
    # Checked before it is made: no trace of it may be left on a disk.
    _check_in_memory(path.parent, path)
    while True:
        with ExitStack() as failing:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            failing.callback(os.close, file)
            _check_file(file, path)
            fcntl.lockf(file, fcntl.LOCK_EX, _KEYS_BYTES)
            size = os.fstat(file).st_size
            if size == 0:
                os.ftruncate(file, REGION_BYTES)
            elif size != REGION_BYTES:
                # Never resized: a front of another version may have it in its memory.
                path.unlink(missing_ok=True)
                continue
            fcntl.lockf(file, fcntl.LOCK_UN, _KEYS_BYTES)
            failing.pop_all()
            return file


def _check_file(file: int, path: Path) -> None:
    _check_in_memory(file, path)
    found = os.fstat(file)
    if (
        not stat.S_ISREG(found.st_mode)
        or found.st_uid != os.geteuid()
        or found.st_mode & 0o077
        or found.st_nlink != 1
    ):
        raise KeyMemoryError(
            f"The file {path} for the keys of form pages is not a plain file that only this user "
            "can read and write."
        )


def _check_in_memory(place: int | Path, path: Path) -> None:
    if _file_system(place) not in (None, *_IN_MEMORY.values()):
        raise KeyMemoryError(
            f"The file {path} for the keys of form pages is on a disk; it has to be on a file "
            f"system in memory ({' or '.join(_IN_MEMORY)}): set [front] key_memory."
        )


def _file_system(place: int | Path) -> int | None:
    """The number of the file system of a descriptor or path, as in <linux/magic.h>.

    None if there is no such path.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # The number is the first field of struct statfs, which has 120 bytes.
    answer = (ctypes.c_long * 32)()
    if isinstance(place, int):
        failed = libc.fstatfs(place, ctypes.byref(answer))
    else:
        failed = libc.statfs(os.fsencode(place), ctypes.byref(answer))
    return None if failed else int(answer[0])


def _check(plain: bytes) -> bytes:
    return hashlib.blake2b(plain, person=_SLOT_CHECK, digest_size=_CHECK_BYTES).digest()


def _table(day: int) -> int:
    return _KEYS_BYTES + day % 2 * _TABLE_BYTES


def _places(key: DayKey, visit: bytes) -> Iterator[tuple[int, int]]:
    """Where a visit's bits are: offset in the region, and the bit. Nobody can target another's."""
    digest = hashlib.blake2b(
        visit, key=key.key, person=_LEFT, digest_size=_INDEXES * _INDEX_BYTES
    ).digest()
    for at in range(0, len(digest), _INDEX_BYTES):
        byte, bit = divmod(int.from_bytes(digest[at : at + _INDEX_BYTES], "big"), 8)
        yield _table(key.day) + byte, 1 << bit
