import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dropbox.block import CONTENT_BYTES
from dropbox.campaign import Campaign
from dropbox.errors import BadPacket, BadReport, CannotOpen, CannotSeal, TooLarge, VaultUnavailable
from dropbox.openpgp import Opener, Reviewers
from dropbox.question import LINES, SHORT_CHARACTERS, Question
from dropbox.report import TEXT_BYTES, Attachment, Report
from dropbox.sealed_message import recipients
from dropbox.sealing import (
    CHUNK_BYTES,
    FORMAT_1,
    AttachmentSealer,
    Block,
    MissingBlock,
    attachment_block_ids,
    open_attachment,
    open_message,
    report_block_id,
    seal_message,
)
from dropbox.sizes import BLOCK_BYTES, PENDING_BATCH

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


def seal(reviewers: Reviewers, kept: Kept, data: bytes, limit: int = 2**30) -> Attachment:
    sealer = AttachmentSealer(reviewers, kept.put, limit, format=FORMAT_1)
    for at in range(0, len(data), 50_000):
        sealer.write(data[at : at + 50_000])
    return sealer.finish(name="证据.bin", type="application/octet-stream")


def opened(attachment: Attachment, kept: dict[bytes, bytes], opener: Opener) -> bytes:
    pieces: list[bytes] = []
    open_attachment(attachment, kept.get, opener, pieces.append, format=FORMAT_1)
    return b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 400, CHUNK_BYTES, 3_000_000])
def test_a_file_comes_back_byte_for_byte(reviewers: Reviewers, opener: Opener, size: int) -> None:
    data, kept = os.urandom(size), Kept()

    attachment = seal(reviewers, kept, data)

    assert opened(attachment, kept, opener) == data
    assert attachment.size == size
    assert attachment_block_ids(attachment) == list(kept)


def test_every_block_has_the_same_size_and_batches_are_bounded(reviewers: Reviewers) -> None:
    kept = Kept()

    seal(reviewers, kept, os.urandom(3_000_000))

    assert {len(data) for data in kept.values()} == {BLOCK_BYTES}
    assert max(kept.batches) == PENDING_BATCH and len(kept.batches) > 2


def test_blocks_of_a_file_of_zeros_look_random(reviewers: Reviewers) -> None:
    """Neither gpg's framing nor the last block's filling shows: no byte value is unusually
    frequent.
    """
    kept = Kept()

    seal(reviewers, kept, bytes(200_000))

    for data in kept.values():
        most = max(data.count(bytes([value])) for value in range(256))
        assert most < 400  # 256 expected, standard deviation 16: nine of them
        # A random beginning may be a packet's: one in 256 even begins like sealed data.
        with suppress(BadPacket):
            assert recipients(data[:4096]) == []


def test_two_seals_of_one_file_share_no_id_and_no_block(reviewers: Reviewers) -> None:
    one, two = Kept(), Kept()

    seal(reviewers, one, b"x" * 100_000)
    seal(reviewers, two, b"x" * 100_000)

    assert not set(one) & set(two) and not set(one.values()) & set(two.values())


def test_a_file_over_the_limit_is_refused(reviewers: Reviewers) -> None:
    with pytest.raises(TooLarge):
        seal(reviewers, Kept(), bytes(300_000), limit=299_999)


@pytest.mark.parametrize("ends", ["too large", "gpg gone"])
def test_a_sealing_that_has_failed_takes_nothing_more_and_leaves_no_thread(
    ends: str, reviewers: Reviewers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ends == "gpg gone":
        (tmp_path / "gpg").write_text("#!/bin/sh\nexit 2\n", "utf-8")
        (tmp_path / "gpg").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    before = threading.active_count()
    sealer = AttachmentSealer(reviewers, Kept().put, 20_000_000, format=FORMAT_1)
    with pytest.raises((TooLarge, CannotSeal)):
        for _ in range(1_000):
            sealer.write(bytes(50_000))

    assert threading.active_count() == before
    with pytest.raises(CannotSeal, match="sealing has ended"):
        sealer.write(b"x")


def test_a_file_of_exactly_the_limit_is_taken(reviewers: Reviewers, opener: Opener) -> None:
    data, kept = os.urandom(300_000), Kept()

    assert opened(seal(reviewers, kept, data, limit=300_000), kept, opener) == data


@pytest.mark.parametrize("size", [100, 700_000])
def test_a_gpg_that_fails_after_all_was_written_leaves_no_entry_for_the_file(
    size: int, reviewers: Reviewers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything it wrote is right and with the vault: only its exit says that the file is not
    sealed.
    """
    (tmp_path / "gpg").write_text('#!/bin/sh\n/usr/bin/gpg "$@"; exit 2\n', "utf-8")
    (tmp_path / "gpg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    sealer = AttachmentSealer(reviewers, Kept().put, 2**30, format=FORMAT_1)
    sealer.write(os.urandom(size))

    with pytest.raises(CannotSeal):
        sealer.finish(name="x", type="")


def test_blocks_that_a_failing_vault_may_have_are_named_to_be_abandoned(
    reviewers: Reviewers,
) -> None:
    tried: list[bytes] = []

    def put(blocks: Sequence[Block]) -> None:
        tried.extend(block.id for block in blocks)
        if len(tried) > PENDING_BATCH:
            raise VaultUnavailable

    sealer = AttachmentSealer(reviewers, put, 2**30, format=FORMAT_1)
    with pytest.raises(VaultUnavailable):
        for _ in range(200):
            sealer.write(os.urandom(50_000))
        sealer.finish(name="x", type="")

    assert len(tried) == 2 * PENDING_BATCH and sealer.block_ids == tried


def test_a_vault_that_fails_half_way_is_reported_and_nothing_waits(reviewers: Reviewers) -> None:
    def put(blocks: Sequence[Block]) -> None:
        raise VaultUnavailable

    before = threading.active_count()
    with pytest.raises(VaultUnavailable):
        sealer = AttachmentSealer(reviewers, put, 2**30, format=FORMAT_1)
        for _ in range(200):
            sealer.write(os.urandom(50_000))
        sealer.finish(name="x", type="")

    assert threading.active_count() == before


def test_abort_stops_the_sealing_and_names_what_was_put(reviewers: Reviewers) -> None:
    kept, before = Kept(), threading.active_count()
    sealer = AttachmentSealer(reviewers, kept.put, 2**30, format=FORMAT_1)
    sealer.write(os.urandom(5_000_000))

    sealer.abort()

    assert sealer.block_ids == list(kept)
    assert threading.active_count() == before
    with pytest.raises(CannotSeal):
        sealer.write(b"x")


def test_a_missing_altered_or_exchanged_block_is_named(
    reviewers: Reviewers, opener: Opener
) -> None:
    kept = Kept()
    attachment = seal(reviewers, kept, os.urandom(300_000))
    ids = attachment_block_ids(attachment)

    missing = {key: value for key, value in kept.items() if key != ids[2]}
    altered = {**kept, ids[2]: kept[ids[2]][:-1] + bytes([kept[ids[2]][-1] ^ 1])}
    exchanged = {**kept, ids[1]: kept[ids[2]], ids[2]: kept[ids[1]]}

    with pytest.raises(MissingBlock, match="Block 3 of"):
        opened(attachment, missing, opener)
    with pytest.raises(CannotOpen, match="Block 3 of"):
        opened(attachment, altered, opener)
    with pytest.raises(CannotOpen, match="Block 2 of"):
        opened(attachment, exchanged, opener)


def test_a_report_that_describes_another_file_is_refused(
    reviewers: Reviewers, opener: Opener
) -> None:
    kept = Kept()
    attachment = seal(reviewers, kept, b"what was sent")

    with pytest.raises(BadReport):
        opened(replace(attachment, sha256="00" * 32), kept, opener)
    for size in (12, 14):
        with pytest.raises(BadReport):
            opened(replace(attachment, size=size), kept, opener)


def test_a_report_is_a_message_that_fits_into_one_block_and_comes_back(
    reviewers: Reviewers, opener: Opener
) -> None:
    message = seal_message(REPORT, reviewers)

    assert len(message) <= CONTENT_BYTES
    assert open_message(message, opener) == REPORT


def longest_answer(question: Question) -> Any:
    if question.kind == "lines":
        return [{column.code: longest_answer(column) for column in question.columns}] * LINES
    plain = {
        "many": sorted(question.codes),
        "month": "2026-03",
        "year": "2026",
        "short": "长" * SHORT_CHARACTERS,
    }
    return plain[question.kind] if question.kind in plain else max(question.codes, key=len)


def test_the_longest_report_fits_into_one_block(
    reviewers: Reviewers, opener: Opener, campaign: Campaign
) -> None:
    names = ["名" * 300] * 10
    files = tuple(
        Attachment(name, "application/octet-stream", 2**40, "ab" * 32, b"k" * 32, 2**25, 2**40)
        for name in names
    )
    facts = {question.code: longest_answer(question) for question in campaign.questions}
    harms = tuple(sorted(campaign.harm_codes))
    report = replace(
        REPORT, text="字" * (TEXT_BYTES // 3), attachments=files, harms=harms, facts=facts
    )

    message = seal_message(report, reviewers)
    assert len(message) <= CONTENT_BYTES and open_message(message, opener) == report


def test_short_and_long_reports_are_sealed_to_the_same_length(reviewers: Reviewers) -> None:
    reports = [replace(REPORT, text=text) for text in ("短", "长" * 10_000)]

    assert len({len(seal_message(report, reviewers)) for report in reports}) == 1


@pytest.mark.parametrize("at", [0, 5, 200, 30_000])
def test_an_altered_report_cannot_be_opened(reviewers: Reviewers, opener: Opener, at: int) -> None:
    message = bytearray(seal_message(REPORT, reviewers))
    message[at] ^= 1

    with pytest.raises(CannotOpen):
        open_message(bytes(message), opener)


def test_random_bytes_are_not_a_report(opener: Opener) -> None:
    with pytest.raises(CannotOpen):
        open_message(os.urandom(CONTENT_BYTES), opener)


def test_the_report_id_is_the_same_for_the_same_form_and_content_only() -> None:
    nonce = b"n" * 16

    assert report_block_id(nonce, REPORT) == report_block_id(nonce, replace(REPORT))
    assert report_block_id(nonce, REPORT) != report_block_id(nonce, replace(REPORT, text="other"))
    assert report_block_id(nonce, REPORT) != report_block_id(b"m" * 16, REPORT)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_report_has_no_id_without_a_whole_nonce(length: int) -> None:
    """Whoever has the disk could compute an id that comes from the content alone."""
    with pytest.raises(BadReport, match="nonce"):
        report_block_id(bytes(length), REPORT)


def test_the_same_file_sealed_twice_leaves_the_report_id_and_another_file_changes_it() -> None:
    entry = Attachment("a.png", "image/png", 5, "0" * 64, b"k" * 32, 1, 900)
    again = replace(entry, block_key=b"l" * 32, sealed_bytes=901)
    nonce = b"n" * 16
    first = report_block_id(nonce, replace(REPORT, attachments=(entry,)))

    assert first == report_block_id(nonce, replace(REPORT, attachments=(again,)))
    assert first != report_block_id(
        nonce, replace(REPORT, attachments=(replace(entry, sha256="1" * 64),))
    )
    assert first != report_block_id(
        nonce, replace(REPORT, attachments=(replace(entry, name="b.png"),))
    )
