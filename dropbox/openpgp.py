"""OpenPGP: sealing to the reviewers on the server, opening and signing offline.

No single indication of success is enough: gpg's status has to be as expected, and on the server so
do the recipients named in the ciphertext itself.
"""

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from dropbox import gpg_command, gpg_process
from dropbox.errors import CannotOpen, CannotSeal, KeysError, OpensLarger
from dropbox.gpg_command import OFFLINE_OPTIONS, SEAL_OPTIONS, SERVER_OPTIONS
from dropbox.gpg_output import CheckedOutput
from dropbox.gpg_process import Bounds
from dropbox.opening_failure import OwnWeeks, why_locked
from dropbox.packets import dearmor
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.reviewer_key import WeeklyKey, reviewer_keys, seal_to_week, signing
from dropbox.sizes import BLOCK_BYTES, MAX_REVIEWERS
from dropbox.system_error import explained
from dropbox.week_keyrings import Named, WeekKeyrings, named_in

_CV25519 = ("18", "cv25519")
_DAY_SECONDS = 86_400

# Decryption changes no keys, so no file needs a lock. gpg must never write to a place that a
# message names.
_OPEN_OPTIONS = [
    "--lock-never",
    "--no-random-seed-file",
    "--no-use-embedded-filename",
    "--output",
    "-",
]
# A keyring of all the keys that one message can name is far smaller.
_KEYRING_BYTES = 2**20
# A tenth of the slowest speed, in bytes a second of processor time, at which gpg opens a file.
_SLOWEST_BYTES = 2_000_000
# gpg's status when it has sealed.
_SEALED = b"[GNUPG:] END_ENCRYPTION"


@dataclass(frozen=True)
class _Subkey:
    fingerprint: str
    made: int
    expires: int

    @property
    def key_id(self) -> str:
        return self.fingerprint[-16:]

    def valid(self, now: int) -> bool:
        return self.made <= now < self.expires


class Reviewers:
    """Seals to the pinned reviewers.

    Safe to share between threads: each sealing starts its own gpg.
    """

    def __init__(
        self, gpg: Any, subkeys: dict[str, tuple[_Subkey, ...]], clock: Callable[[], datetime]
    ) -> None:
        self._gpg = gpg
        self._subkeys = subkeys
        self._clock = clock

    @classmethod
    def load(
        cls, keys: Path, home: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> "Reviewers":
        """Import every pinned key in *keys* into *home* and check it.

        Raises KeysError naming the file. Refuses a key that is not pinned, missing, duplicated, not
        Ed25519 with cv25519 subkeys, or without an encryption subkey valid today. Creates *home*
        (0700) if it does not exist; afterwards nothing needs to write there.
        """
        pinned = read_pinned_keys(keys)
        if len(pinned) > MAX_REVIEWERS:
            raise KeysError(
                f"{len(pinned)} keys are pinned; a sealed report has room for {MAX_REVIEWERS}."
            )
        _make_home(home)
        gpg = gpg_command.gpg_in(home, SERVER_OPTIONS)
        names = read_pins(keys)
        for key in pinned:
            gpg.import_keys(dearmor((keys / names[key.fingerprint]).read_bytes()))
        subkeys = {
            key.fingerprint: _encryption_subkeys(gpg, key.fingerprint, names[key.fingerprint])
            for key in pinned
        }
        reviewers = cls(gpg, subkeys, clock)
        for fingerprint, name in names.items():
            if reviewers._current(fingerprint) is None:
                raise KeysError(
                    f"{name} has no encryption key valid today; nothing could be sealed to it."
                )
        return reviewers

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The primary fingerprints, 40 capital hex digits each."""
        return tuple(self._subkeys)

    def alone(self, fingerprint: str) -> "Reviewers":
        """For the reviewer with this primary fingerprint only. Raises CannotSeal for an unknown
        one.
        """
        if fingerprint not in self._subkeys:
            raise CannotSeal(f"The keys lack that of the reviewer {fingerprint}.")
        return Reviewers(self._gpg, {fingerprint: self._subkeys[fingerprint]}, self._clock)

    def last_day(self) -> date:
        """The last UTC day on which every reviewer still has a valid encryption subkey."""
        ends = [max(key.expires for key in keys) for keys in self._subkeys.values()]
        return datetime.fromtimestamp(min(ends) - 1, UTC).date()

    def _current(self, fingerprint: str) -> _Subkey | None:
        """The newest subkey valid now: gpg would choose it too, but then its choice could not be
        checked.
        """
        now = int(self._clock().timestamp())
        valid = [key for key in self._subkeys[fingerprint] if key.valid(now)]
        return max(valid, key=lambda key: key.made, default=None)

    def seal(self, source: BinaryIO, sink: Callable[[bytes], None]) -> int:
        """Encrypt all of *source* to every reviewer, into *sink*. Returns the ciphertext's size.

        Streams: neither side is ever completely in memory. *sink* receives nothing before the
        recipients are checked. What *sink* raises is raised here, and gpg is killed. Raises
        CannotSeal for every other failure; the caller then destroys what *sink* received.
        """
        chosen = [self._current(fingerprint) for fingerprint in self._subkeys]
        expected = [key for key in chosen if key is not None]
        if len(expected) != len(chosen):
            raise CannotSeal("All keys of a reviewer have expired.")
        output = CheckedOutput(sorted(key.key_id for key in expected), sink)
        # python-gnupg's command, but without its copies: three threads pass everything on in small
        # pieces, which costs more than gpg itself.
        # "!" makes gpg use exactly this subkey.
        to = [word for key in expected for word in ("--recipient", key.fingerprint + "!")]
        command = self._gpg.make_args([*SEAL_OPTIONS, *to, "--encrypt"], False)
        ended = gpg_process.pipe(command, source, output.write, os.environ)
        if ended.code != 0 or _SEALED not in ended.err.splitlines():
            raise CannotSeal
        return output.finish()


def _make_home(home: Path) -> None:
    """Raise KeysError unless gpg can use *home*: gpg itself would blame the keys."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), home)
    except OSError as why:
        raise KeysError(f"gpg cannot use its folder {home}: {explained(why)}") from None


def _encryption_subkeys(gpg: Any, fingerprint: str, name: str) -> tuple[_Subkey, ...]:
    """The encryption subkeys of an imported key.

    Raises KeysError, naming the file *name*, if any is unfit.
    """
    listed = [key for key in gpg.list_keys() if key["fingerprint"] == fingerprint]
    if len(listed) != 1:
        raise KeysError(f"gpg rejects the key in {name}, or cannot keep it: is its disk full?")
    key = listed[0]
    if key["trust"] in ("e", "r", "d", "i"):
        raise KeysError(f"The key in {name} has expired or was revoked.")
    found = []
    for info in key.get("subkey_info", {}).values():
        if "e" not in info["cap"] or info["trust"] in ("r", "d", "i"):
            continue
        if info["algo"] != _CV25519[0]:
            raise KeysError(f"The key in {name} has an encryption subkey that is not cv25519.")
        if not info["expires"]:
            raise KeysError(f"The key in {name} has an encryption subkey that never expires.")
        found.append(
            _Subkey(_full_fingerprint(key, info["keyid"]), int(info["date"]), int(info["expires"]))
        )
    return tuple(found)


def _full_fingerprint(key: Any, key_id: str) -> str:
    return str(next(entry[2] for entry in key["subkeys"] if entry[0] == key_id))


class Opener:
    """The offline side: decrypts and signs with the secret keys of one gpg home directory."""

    def __init__(self, home: Path) -> None:
        self._gpg = gpg_command.gpg_in(home, OFFLINE_OPTIONS)
        self._environ = dict(os.environ)
        self._terse = {**self._environ, "LC_ALL": "C"}
        self._own: OwnWeeks[WeeklyKey] = OwnWeeks(lambda: self._weeks, self._works)
        self._keyrings = WeekKeyrings()

    def secret_fingerprints(self) -> list[str]:
        """The primary fingerprints of the secret keys in this home."""
        return [key["fingerprint"] for key in self._gpg.list_keys(secret=True)]

    def open(self, ciphertext: bytes | memoryview, most_bytes: int = BLOCK_BYTES) -> bytes:
        """The plaintext of one message, at most *most_bytes* long.

        Raises CannotOpen; OpensLarger if it is longer. Safe to call from several threads.
        """
        named = named_in(ciphertext)
        ended = self._opened(ciphertext, most_bytes, self._keyrings.of(named))
        self._check(ended)
        if self._keyrings.opened(named):
            self._make_keyring(named, ciphertext, ended.out)
        return ended.out

    def _make_keyring(self, named: Named, ciphertext: bytes | memoryview, opened: bytes) -> None:
        """Open messages like this one with a keyring of their own, if it opens this one too.

        A fault in the keyring must not look like one in the message: without a keyring gpg is only
        slower.
        """
        with suppress(OSError, CannotOpen, KeysError):
            keyring = self._keyring(named)
            again = self._opened(ciphertext, len(opened), keyring)
            if _is_whole(again) and (again.code, again.out) == (0, opened):
                self._keyrings.keep(named, keyring)

    def _opened(
        self, ciphertext: bytes | memoryview, most_bytes: int, keyring: bytes
    ) -> gpg_process.Result:
        """gpg's result for a message; gpg looks for keys in *keyring*, if there is one."""
        # python-gnupg's command, but without its three threads per message, which together cost as
        # much as gpg itself.
        command, bounds = self._decrypting(most_bytes), Bounds(most_bytes)
        if not keyring:
            return gpg_process.run(command, ciphertext, self._environ, bounds)
        only = ["--no-default-keyring", "--keyring", gpg_process.THIRD]
        command[-1:] = [*only, *command[-1:]]
        return gpg_process.run(command, ciphertext, self._environ, bounds, keyring)

    def _keyring(self, named: Named) -> bytes:
        """A keyring of the public keys in this home that *named* names. Raises OSError."""
        wanted = ["--lock-never", "--export", *(f"{key_id}!" for key_id in named)]
        command = self._gpg.make_args(wanted, False)
        exported = gpg_process.run(command, b"", self._terse, Bounds(_KEYRING_BYTES)).out
        shm = Path("/dev/shm")  # noqa: S108 - a folder of mode 0700 is made in it
        with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
            # gpg records there that it has checked all signatures, and need not check them again.
            gpg_command.gpg_in(Path(folder), SERVER_OPTIONS).import_keys(exported)
            return (Path(folder) / "pubring.kbx").read_bytes()

    def open_stream(
        self, source: BinaryIO | RawIOBase, sink: Callable[[bytes], None], most_bytes: int
    ) -> None:
        """Decrypt all of *source* into *sink*, which receives at most *most_bytes*.

        Raises what :meth:`open` does; what *sink* received must then be destroyed.
        """
        bounds = Bounds(most_bytes)
        bounds = bounds._replace(seconds=bounds.seconds + most_bytes / _SLOWEST_BYTES)
        self._check(
            gpg_process.stream(
                self._decrypting(most_bytes),
                lambda size: source.read(size) or b"",
                sink,
                self._environ,
                bounds,
            )
        )

    def _decrypting(self, most_bytes: int) -> list[str]:
        # To gpg, 0 would mean no limit.
        limit = ["--max-output", str(max(most_bytes, 1))]
        return [*self._gpg.make_args([*_OPEN_OPTIONS, *limit, "--decrypt"], False)]

    def has_week(self, day: date) -> bool:
        """Whether the secret of a weekly key that was valid on *day* (UTC) is in this home."""
        begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        return any(
            week.secret and week.made < begin + _DAY_SECONDS and begin < week.expires
            for week in self._weeks
        )

    @cached_property
    def _weeks(self) -> tuple[WeeklyKey, ...]:
        home = Path(self._gpg.gnupghome)
        return tuple(week for key in reviewer_keys(home) for week in key.weeks)

    def _works(self, week: WeeklyKey) -> bool:
        """Whether gpg opens what is sealed to *week*: its passphrase is known to the agent."""
        message = seal_to_week(Path(self._gpg.gnupghome), week, b"casedrop")
        command = self._decrypting(len(message))
        return gpg_process.run(command, message, self._terse, Bounds(len(message))).code == 0

    def _check(self, ended: gpg_process.Result) -> None:
        whole = _is_whole(ended)
        if ended.code != 0 and whole:
            # gpg opened all of it but could not pass it on, since it is longer than allowed.
            raise OpensLarger
        if ended.code != 0 or not whole:
            raise self._own.reason(_status(ended))
        # The agent has the passphrase now and asks no more questions, so gpg need not load
        # translations.
        self._environ = self._terse

    def sign(self, data: bytes, fingerprint: str) -> bytes:
        """A binary detached signature over *data* by the primary key *fingerprint*.

        Raises CannotOpen, whose class says what was in the way: the key is not in this home, the
        passphrase was wrong, or gpg had no way to ask for it.
        """
        signature, status = signing(self._gpg, data, fingerprint)
        if not signature:
            raise why_locked(status) or CannotOpen(
                "gpg could not sign: is this reviewer's key on this workstation?"
            )
        return signature


def _status(ended: gpg_process.Result) -> list[list[bytes]]:
    """The words of gpg's status lines, and of whatever else it said."""
    return [line.split() for line in ended.err.splitlines()]


def _is_whole(ended: gpg_process.Result) -> bool:
    """Whether gpg says that it opened all of a message, and that nobody altered it."""
    status = _status(ended)
    return all([b"[GNUPG:]", word] in status for word in (b"DECRYPTION_OKAY", b"GOODMDC"))
