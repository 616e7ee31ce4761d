"""A hostile message opens to at most what it may hold, whatever is packed into it."""

import io
import resource
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from support.bombs import MEGABYTE, ZEROS, literal, packed, sealed_as_it_is, signatures, unknown
from support.cases import report

from dropbox import gpg_process
from dropbox.errors import BadReport, CannotOpen, OpensLarger
from dropbox.gpg_process import Bounds
from dropbox.openpgp import Opener, Reviewers
from dropbox.report import Attachment
from dropbox.sealing import (
    CHUNK_BYTES,
    FORMAT_1,
    Block,
    _BlockWriter,
    open_attachment,
    open_message,
    seal_message,
)


@pytest.fixture
def seal(first_home: Path) -> Callable[[bytes], bytes]:
    """Seals packets as they are to the reviewer of *opener*."""
    return partial(sealed_as_it_is, home=first_home)


@pytest.mark.long
def test_a_bomb_of_400_bytes_is_stopped_and_takes_no_room(
    seal: Callable[[bytes], bytes], opener: Opener
) -> None:
    bomb = seal(packed(literal(100)))
    assert len(bomb) < 500
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(OpensLarger):
        open_message(bomb, opener)

    kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert kept < 20_000, f"{kept} KiB more in memory, for a bomb of 100 MiB"


@pytest.mark.parametrize("more", [b"\0", b"\xca\x03PGP", b"\xd2\x02\x01\0"])
def test_a_report_with_anything_before_or_behind_its_message_is_refused(
    more: bytes, reviewers: Reviewers, opener: Opener
) -> None:
    sent = report("text")
    message = seal_message(sent, reviewers)
    assert open_message(message, opener) == sent

    for other in (message + more, more + message, message[:-1]):
        with pytest.raises(CannotOpen):
            open_message(other, opener)


def test_a_message_may_open_to_its_bound_and_not_one_byte_more(
    seal: Callable[[bytes], bytes], opener: Opener
) -> None:
    message = seal(packed(literal(1)))
    pieces: list[bytes] = []

    assert opener.open(message, MEGABYTE) == ZEROS
    opener.open_stream(io.BytesIO(message), pieces.append, MEGABYTE)
    assert b"".join(pieces) == ZEROS
    for most in (MEGABYTE - 1, 1, 0):
        with pytest.raises(OpensLarger):
            opener.open(message, most)
        with pytest.raises(OpensLarger):
            opener.open_stream(io.BytesIO(message), lambda _: None, most)


@pytest.mark.long
@pytest.mark.parametrize(
    ("pieces", "bounds", "sentence"),
    [
        (unknown(150), Bounds(100, seconds=0.05), "too long"),
        (signatures(20_000), Bounds(100, seconds=30), "without end"),
        (unknown(100), Bounds(100, memory_bytes=2**20), "too much memory"),
    ],
)
def test_a_message_that_opens_to_nothing_is_stopped_by_what_it_uses(
    pieces: Iterator[bytes],
    bounds: Bounds,
    sentence: str,
    seal: Callable[[bytes], bytes],
    opener: Opener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = seal(packed(pieces))
    monkeypatch.setattr(gpg_process, "_MAX_ERR_BYTES", 20_000)
    real_run, real_stream = gpg_process.run, gpg_process.stream
    monkeypatch.setattr(gpg_process, "run", lambda c, d, e, _: real_run(c, d, e, bounds))
    monkeypatch.setattr(
        gpg_process, "stream", lambda c, r, s, e, _: real_stream(c, r, s, e, bounds)
    )

    with pytest.raises(CannotOpen, match=sentence):
        opener.open(message)
    with pytest.raises(CannotOpen, match=sentence):
        opener.open_stream(io.BytesIO(message), lambda _: None, 100)


def test_waiting_costs_a_child_nothing() -> None:
    """As for a passphrase: it may take longer than any bound on its processor time."""
    ended = gpg_process.run(
        ["sh", "-c", "sleep 0.5; echo done"], b"", {"PATH": "/bin:/usr/bin"}, Bounds(5, 0.05)
    )

    assert ended.out == b"done\n"


def as_file(message: bytes, size: int, sha: str) -> tuple[Attachment, dict[bytes, bytes]]:
    """*message* as the blocks of a file that is said to have *size* bytes."""
    kept: dict[bytes, bytes] = {}

    def put(blocks: Iterable[Block]) -> None:
        kept.update(blocks)

    writer = _BlockWriter(put, FORMAT_1)
    writer.write(message)
    writer.finish()
    entry = Attachment("x", "x/x", size, sha, writer.key, len(writer.ids), len(message))
    return entry, kept


def test_a_file_opens_to_the_size_that_its_report_names_and_no_further(
    seal: Callable[[bytes], bytes], opener: Opener
) -> None:
    message = seal(packed(literal(1)))
    entry, kept = as_file(message, MEGABYTE, sha256(ZEROS).hexdigest())
    taken: list[bytes] = []

    open_attachment(entry, kept.get, opener, taken.append, format=FORMAT_1)
    assert b"".join(taken) == ZEROS, "the control"
    taken.clear()
    with pytest.raises(BadReport, match="not the one described"):
        open_attachment(replace(entry, size=1_000), kept.get, opener, taken.append, format=FORMAT_1)
    assert sum(map(len, taken)) <= 1_000


@pytest.mark.parametrize("more", [b"\0", b"\xd2\x01\x01", b"\xca\x03PGP", b"z" * CHUNK_BYTES])
def test_a_file_with_anything_behind_its_message_is_refused(
    more: bytes, seal: Callable[[bytes], bytes], opener: Opener
) -> None:
    message = seal(packed(literal(1)))
    digest = sha256(ZEROS).hexdigest()
    taken: list[bytes] = []

    for bad in (message + more, message[:-1], b"\xca\x03PGP" + message):
        entry, kept = as_file(bad, MEGABYTE, digest)
        with pytest.raises(CannotOpen):
            open_attachment(entry, kept.get, opener, taken.append, format=FORMAT_1)
