"""A tar archive sealed with a passphrase by gpg: any OpenPGP program opens it, without Casedrop.

    gpg --decrypt FILE | tar --extract

The plaintext passes through pipes and is on no disk while it is sealed. The last member is a
manifest with the SHA-256 of all others.
"""

import hashlib
import json
import os
import secrets
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from dropbox import gpg_process
from dropbox.canonical_json import hex_bytes, whole_number
from dropbox.codename import WordLists
from dropbox.durable_file import NewFile
from dropbox.errors import CannotSeal, CasedropError
from dropbox.gpg_agent import refuse_missing

FORMAT, VERSION = "casedrop backup", 1
_MANIFEST = "manifest.json"
# 88 bits: out of reach of guessing, whatever a guess costs. gpg's own hashing comes on top.
PASSPHRASE_WORDS = 8
_MAX_MANIFEST_BYTES = 2**26  # of about 380,000 files
_PIECE_BYTES = 2**18
_OPTIONS = [
    "gpg", "--batch", "--no-tty", "--no-autostart", "--no-options", "--pinentry-mode", "loopback",
    "--passphrase-fd", "0", "--no-symkey-cache", "--status-fd", "2",
]  # fmt: skip
_SEAL = [
    "--s2k-mode", "3", "--s2k-digest-algo", "SHA512", "--s2k-count", "65011712",
    "--s2k-cipher-algo", "AES256", "--cipher-algo", "AES256", "--compress-algo", "none",
    "--set-filename", "", "--no-armor", "--symmetric",
]  # fmt: skip
_OPEN = ["--decrypt"]
# gpg's status when the whole message opened and its integrity was checked.
_INTACT = b"[GNUPG:] DECRYPTION_OKAY"

# Errors that can happen in a thread; they are raised again in the caller's.
_FAILURES = (CasedropError, OSError, ValueError, tarfile.TarError)


class ArchiveError(CasedropError):
    """The backup cannot be made or used."""


@dataclass(frozen=True)
class Member:
    """A file of an archive: its bytes, and the SHA-256 of them in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an archive holds: its members by name, and what is said about them."""

    members: Mapping[str, Member]
    about: Mapping[str, str | int]

    def to_bytes(self) -> bytes:
        """As JSON."""
        members = {name: [one.size, one.sha256] for name, one in self.members.items()}
        body = {"format": FORMAT, "version": VERSION, "about": self.about, "members": members}
        return json.dumps(body, indent=1, sort_keys=True).encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Raises ArchiveError."""
        try:
            body: Any = json.loads(data)
            if (body["format"], body["version"]) != (FORMAT, VERSION):
                raise ArchiveError("The backup is of another version of Casedrop.")
            members = {
                str(name): Member(whole_number(size, least=0), hex_bytes(sha256, 32).hex())
                for name, (size, sha256) in body["members"].items()
            }
            return cls(members, dict(body["about"]))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise ArchiveError("The backup's manifest is damaged.") from None


def new_passphrase(words: WordLists) -> str:
    """Random words, separated by spaces."""
    return " ".join(secrets.choice(words.english) for _ in range(PASSPHRASE_WORDS))


def words_of(typed: str) -> str:
    """The words in the form used for sealing: lower case, single spaces."""
    return " ".join(typed.lower().split())


def _unseen(_: int) -> None:
    """Show no progress."""


def seal(
    path: Path,
    passphrase: str,
    files: Sequence[tuple[str, Path]],
    about: Mapping[str, str | int],
    progress: Callable[[int], object] = _unseen,
) -> Manifest:
    """Write *files* (name in the archive, path) to the new file *path*, sealed; then verify it.

    *progress* gets the size of each piece that was read: of all files, then of the archive. Raises
    ArchiveError, CannotWrite, CannotSeal or OSError; then there is no file.
    """
    with NewFile(path) as target:
        with _written(lambda out: _pack(out, files, about, progress), passphrase) as (source, pack):
            _gpg([*_OPTIONS, *_SEAL], source, target.write, "The backup cannot be sealed.")
        manifest: Manifest = pack()
        _settle(target.part)
        # Verify what is on the disk, with the words that were typed, before it gets its name.
        if unseal(target.part, passphrase, _discarded, progress) != manifest:
            raise ArchiveError("What was written is not what was read; the disk is damaged.")
    return manifest


def _settle(path: Path) -> None:
    """Sync *path* to the disk and drop it from the cache, so that it is read from the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def unseal(
    path: Path,
    passphrase: str,
    keep: Callable[[str, IO[bytes]], None],
    progress: Callable[[int], object] = _unseen,
) -> Manifest:
    """Open the archive *path*, pass each member to *keep*, and compare all with the manifest.

    What *keep* gets is not verified before this returns. *progress* gets the size of each piece
    that was read. Raises ArchiveError or OSError.
    """
    with (
        path.open("rb") as sealed,
        _written(lambda out: _copy(sealed, out, progress), passphrase) as (source, fed),
    ):
        reader, writer = os.pipe()
        failures: list[Exception] = []

        def run() -> None:
            try:
                with os.fdopen(writer, "wb") as out:
                    wrong = "The passphrase is wrong, or the backup is damaged."
                    ended = _gpg([*_OPTIONS, *_OPEN], source, out.write, wrong)
                    if _INTACT not in ended.splitlines():
                        raise ArchiveError("The backup was altered.")
            except _FAILURES as why:
                failures.append(why)

        thread = threading.Thread(target=run)
        thread.start()
        wrong: Exception | None = None
        manifest: Manifest | None = None
        with os.fdopen(reader, "rb") as plain:
            try:
                manifest = _unpack(plain, keep)
            except (tarfile.TarError, EOFError):
                wrong = ArchiveError("The backup is cut off or damaged.")
            except (CasedropError, OSError) as why:
                wrong = why
            # Read to the end: otherwise gpg could not say whether all of it was right.
            while plain.read(_PIECE_BYTES):
                pass
        thread.join()
        # gpg's verdict comes first: without it, nothing that was read can be trusted.
        for failure in (*failures, wrong):
            if failure is not None:
                raise failure
        fed()
        assert manifest is not None
        return manifest


def _gpg(command: list[str], source: IO[bytes], sink: Callable[[bytes], Any], wrong: str) -> bytes:
    """Run gpg with a home of its own, in memory if possible. Returns its status lines."""
    refuse_missing("gpg")
    shm = Path("/dev/shm")  # noqa: S108 - a folder of mode 0700 is made in it
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as home:
        environ = {**os.environ, "GNUPGHOME": home, "LC_ALL": "C"}
        ended = gpg_process.pipe(command, source, sink, environ)  # type: ignore[arg-type]
    if ended.code:
        raise ArchiveError(wrong)
    return ended.err


@contextmanager
def _written(
    write: Callable[[IO[bytes]], Any], passphrase: str
) -> Iterator[tuple[IO[bytes], Callable[[], Any]]]:
    """A pipe with the passphrase's line and what *write* writes, in a thread of its own.

    The second value waits for *write*, and returns or raises what it did.
    """
    reader, writer = os.pipe()
    results: list[Any] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            with os.fdopen(writer, "wb") as out:
                out.write(passphrase.encode("utf-8") + b"\n")
                results.append(write(out))
        except BrokenPipeError:
            # gpg ended before it had read everything; its output says why.
            failures.append(CannotSeal("gpg ended too early."))
        except _FAILURES as why:
            failures.append(why)

    thread = threading.Thread(target=run)

    def done() -> Any:
        thread.join()
        if failures:
            raise failures[0]
        return results[0]

    with os.fdopen(reader, "rb", buffering=0) as source:
        thread.start()
        try:
            yield source, done
        finally:
            # A thread that is still writing gets a broken pipe.
            source.close()
            thread.join()


def _pack(
    out: IO[bytes],
    files: Sequence[tuple[str, Path]],
    about: Mapping[str, str | int],
    progress: Callable[[int], object],
) -> Manifest:
    members: dict[str, Member] = {}
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for name, path in files:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                hashed = _Hashed(file, progress)
                archive.addfile(_header(name, size), hashed)
            members[name] = Member(size, hashed.hash.hexdigest())
        manifest = Manifest(members, about)
        data = manifest.to_bytes()
        if len(data) > _MAX_MANIFEST_BYTES:
            raise ArchiveError("There are too many files for one backup.")
        archive.addfile(_header(_MANIFEST, len(data)), BytesIO(data))
    return manifest


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes], progress: Callable[[int], object] = _unseen) -> None:
        self._file = file
        self._progress = progress
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """See IO.read."""
        piece = self._file.read(size)
        self.hash.update(piece)
        self._progress(len(piece))
        return piece


def _copy(source: IO[bytes], out: IO[bytes], progress: Callable[[int], object]) -> None:
    while piece := source.read(_PIECE_BYTES):
        out.write(piece)
        progress(len(piece))


def _unpack(plain: IO[bytes], keep: Callable[[str, IO[bytes]], None]) -> Manifest:
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for header in archive:
            if manifest is not None or not header.isreg() or header.name in found:
                raise ArchiveError("The backup holds something that does not belong there.")
            content = archive.extractfile(header)
            assert content is not None
            if header.name == _MANIFEST:
                manifest = Manifest.from_bytes(content.read(_MAX_MANIFEST_BYTES))
                continue
            _check_name(header.name)
            hashed = _Hashed(content)
            keep(header.name, hashed)  # type: ignore[arg-type]
            while hashed.read(_PIECE_BYTES):
                pass
            found[header.name] = Member(header.size, hashed.hash.hexdigest())
    if manifest is None or manifest.members != found:
        raise ArchiveError("The backup does not hold what its manifest says.")
    return manifest


def _check_name(name: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "/".join(parts) != name:
        raise ArchiveError("The backup holds a file with a name that does not belong there.")


def _discarded(_: str, content: IO[bytes]) -> None:
    """Keep nothing; all of *content* is still read and compared."""
