"""Reports and files in blocks of format 2: they come back, and open only with both keys."""

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dropbox.block import CONTENT_BYTES, Kind, open_block, piece_key, seal_block
from dropbox.errors import BadReport, CannotOpen
from dropbox.openpgp import Opener, Reviewers
from dropbox.pieces import Pieces, piece_ids, seal_report_block
from dropbox.report import TEXT_BYTES, Attachment, Report
from dropbox.sealing import (
    PADDED_REPORT_BYTES,
    AttachmentSealer,
    Block,
    MissingBlock,
    open_attachment,
    open_message,
)
from dropbox.sizes import BLOCK_BYTES, MAX_REVIEWERS, PENDING_BATCH

DAY_KEY, NEXT_DAY = os.urandom(32), os.urandom(32)
REPORT = Report(
    "report", "wechat-2020", "zh-Hans", "c1", (), "【虚构】 \r\n\0 end", (), b"r" * 32, b"t" * 32
)


class Kept(dict[bytes, bytes]):
    """A vault that only stores blocks, and counts how many it gets at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def put(self, blocks: Sequence[Block]) -> None:
        self.batches.append(len(blocks))
        self.update(blocks)


class Keys:
    """Today's key while sealing; both days' while opening."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = list(keys)

    def __call__(self, _block_id: bytes) -> list[bytes]:
        return self.keys


def seal(reviewers: Reviewers, kept: Kept, data: bytes, keys: Keys | None = None) -> Attachment:
    sealer = AttachmentSealer(reviewers, kept.put, 2**30, format=Pieces(keys or Keys(DAY_KEY)))
    for at in range(0, len(data), 50_000):
        sealer.write(data[at : at + 50_000])
    return sealer.finish(name="证据.bin", type="application/octet-stream")


def opened(attachment: Attachment, kept: dict[bytes, bytes], opener: Opener, *keys: bytes) -> bytes:
    pieces: list[bytes] = []
    both = Pieces(Keys(*(keys or (NEXT_DAY, DAY_KEY))))
    open_attachment(attachment, kept.get, opener, pieces.append, format=both)
    return b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, CONTENT_BYTES - 400, CONTENT_BYTES, 3_000_000])
def test_a_file_comes_back_byte_for_byte(reviewers: Reviewers, opener: Opener, size: int) -> None:
    data, kept = os.urandom(size), Kept()

    attachment = seal(reviewers, kept, data)

    assert opened(attachment, kept, opener) == data
    assert piece_ids(attachment) == list(kept)
    assert attachment.blocks == -(-attachment.sealed_bytes // CONTENT_BYTES)
    assert {len(block) for block in kept.values()} == {BLOCK_BYTES}
    assert max(kept.batches) <= PENDING_BATCH


def test_each_piece_is_asked_for_once_and_nothing_after_the_last(
    reviewers: Reviewers, opener: Opener
) -> None:
    kept, asked = Kept(), list[bytes]()
    attachment = seal(reviewers, kept, os.urandom(200_000))

    def get(block_id: bytes) -> bytes | None:
        asked.append(block_id)
        return kept.get(block_id)

    open_attachment(attachment, get, opener, lambda _data: None, format=Pieces(Keys(DAY_KEY)))

    assert asked == piece_ids(attachment)


def test_an_upload_that_passes_midnight_is_sealed_under_both_days_keys(
    reviewers: Reviewers, opener: Opener
) -> None:
    data, kept, keys = os.urandom(3_000_000), Kept(), Keys(DAY_KEY)
    sealer = AttachmentSealer(reviewers, kept.put, 2**30, format=Pieces(keys))
    for at in range(0, len(data), 50_000):
        sealer.write(data[at : at + 50_000])
        if len(kept) >= PENDING_BATCH:
            keys.keys = [NEXT_DAY]
    attachment = sealer.finish(name="x", type="text/plain")

    assert opened(attachment, kept, opener) == data
    for key in (DAY_KEY, NEXT_DAY):
        with pytest.raises(CannotOpen, match="altered"):
            opened(attachment, kept, opener, key)


def test_no_day_key_alone_opens_a_piece(reviewers: Reviewers) -> None:
    kept = Kept()
    attachment = seal(reviewers, kept, os.urandom(100_000))
    for block in kept.values():
        with pytest.raises(CannotOpen):
            open_block(block, [DAY_KEY, attachment.block_key])
    # With both it is a cut of an OpenPGP message.
    first = piece_ids(attachment)[0]
    found = open_block(kept[first], [piece_key(DAY_KEY, attachment.block_key, 0)])
    assert found.kind is Kind.PIECE and len(found.content) == CONTENT_BYTES


def test_a_missing_moved_or_altered_piece_is_named(reviewers: Reviewers, opener: Opener) -> None:
    data, kept = os.urandom(200_000), Kept()
    attachment = seal(reviewers, kept, data)
    first, second, *_ = piece_ids(attachment)

    with pytest.raises(MissingBlock, match="Block 2 of 4 of a file is missing"):
        opened(attachment, {k: v for k, v in kept.items() if k != second}, opener)
    with pytest.raises(CannotOpen, match="Block 1 of 4 of a file is altered"):
        opened(attachment, kept | {first: kept[second], second: kept[first]}, opener)
    with pytest.raises(CannotOpen, match="Block 2 of 4 of a file is altered"):
        opened(attachment, kept | {second: os.urandom(BLOCK_BYTES)}, opener)
    report = seal_block(Kind.REPORT, b"x", piece_key(DAY_KEY, attachment.block_key, 1))
    with pytest.raises(CannotOpen, match="Block 2 of 4 of a file is altered"):
        opened(attachment, kept | {second: report}, opener)
    with pytest.raises(CannotOpen, match="Block 1 of 4 of a file is altered"):
        opened(
            replace(attachment, sealed_bytes=attachment.sealed_bytes - 1), kept, opener, NEXT_DAY
        )
    other = seal(reviewers, kept, data)
    swapped = kept | {first: kept[piece_ids(other)[0]]}
    with pytest.raises(CannotOpen, match="Block 1 of 4 of a file is altered"):
        opened(attachment, swapped, opener)


def test_a_report_is_a_block_like_any_other_and_opens(reviewers: Reviewers, opener: Opener) -> None:
    block = seal_report_block(REPORT, reviewers, DAY_KEY)

    assert len(block) == BLOCK_BYTES
    found = open_block(block, [NEXT_DAY, DAY_KEY])
    assert (found.kind, found.key) == (Kind.REPORT, 1)
    assert open_message(found.content, opener) == REPORT
    with pytest.raises(BadReport, match="longer than this version"):
        replace(REPORT, text="x" * (TEXT_BYTES + 1))


def test_the_longest_report_to_the_most_reviewers_fits_into_a_block() -> None:
    # gpg's packet for a recipient has 96 bytes with its header; the sealed data adds less than 512.
    assert PADDED_REPORT_BYTES + MAX_REVIEWERS * 96 + 400 <= CONTENT_BYTES
