import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from dropbox.errors import BadReport
from dropbox.report import NAME_BYTES, TEXT_BYTES, Attachment, Report, text_bytes

VECTORS = Path(__file__).parents[1] / "vectors" / "report"

ATTACHMENT = Attachment("训诫书.jpg", "image/jpeg", 3, "ab" * 32, b"k" * 32, 1, 400)
REPORT = Report(
    "report",
    "wechat-2020",
    "zh-Hans",
    "c1",
    ("c1.harassed",),
    "【虚构】\r\n第二行\u202e",
    (ATTACHMENT,),
    b"r" * 32,
    b"t" * 32,
)


def written(value: Any) -> bytes:
    """As a report is written, so that only what stands in it can be refused."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def changed(**values: Any) -> bytes:
    return written({**json.loads(REPORT.to_bytes()), **values})


def test_a_change_that_changes_nothing_is_read() -> None:
    assert Report.from_bytes(changed(version=1)) == REPORT


def test_a_report_comes_back_as_it_was() -> None:
    assert Report.from_bytes(REPORT.to_bytes()) == REPORT


@pytest.mark.parametrize("vector", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_a_report_on_disk_is_read_and_written_to_the_byte(vector: Path) -> None:
    stored = vector.read_bytes()

    assert Report.from_bytes(stored).to_bytes() == stored


def test_there_are_report_vectors() -> None:
    assert len(list(VECTORS.glob("*.json"))) >= 3


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        changed(version="1"),
        changed(kind="order"),
        changed(text=7),
        changed(harms=[7]),
        changed(harms=None),
        changed(extra=1),
        changed(reply_public="aa"),
        changed(tag_key="zz"),
        changed(attachments=[{}]),
        changed(attachments=[7]),
        changed(attachments=[{**ATTACHMENT.to_json(), "size": -1}]),
        changed(attachments=[{**ATTACHMENT.to_json(), "size": True}]),
        changed(attachments=[{**ATTACHMENT.to_json(), "blocks": 0}]),
        changed(attachments=[{**ATTACHMENT.to_json(), "sha256": "00"}]),
        changed(attachments=[ATTACHMENT.to_json()] * 11),
        changed(facts=[]),
    ],
)
def test_what_is_not_a_report_is_refused(untrusted: bytes) -> None:
    with pytest.raises(BadReport):
        Report.from_bytes(untrusted)


@pytest.mark.parametrize(
    "untrusted",
    [
        b" " + REPORT.to_bytes(),
        REPORT.to_bytes()[:-1] + b',"version":1}',
        changed(facts={"a": float("nan")}),
        changed(facts={"a": 1})[:-1].replace(b'"a":1', b'"a":"\\ud800"') + b"}",
        changed(version=True),
        changed(version=1.0),
        changed(harms="ab"),
        changed(attachments={}),
    ],
)
def test_what_could_not_be_written_again_is_refused_when_it_is_read(untrusted: bytes) -> None:
    """The desk keeps what it read; a report that only fails later would stop the whole bundle."""
    with pytest.raises(BadReport):
        Report.from_bytes(untrusted)


def test_a_newer_version_is_named() -> None:
    with pytest.raises(BadReport, match="version 2"):
        Report.from_bytes(changed(version=2))


def test_the_text_limit_counts_encoded_bytes() -> None:
    assert text_bytes("你") == 3
    assert text_bytes("\n") == 2
    with pytest.raises(BadReport):
        dataclasses.replace(REPORT, text="你" * (TEXT_BYTES // 3 + 1))


def test_half_a_character_is_refused_in_text_and_name() -> None:
    with pytest.raises(BadReport, match="half a character"):
        text_bytes("\ud83d")
    with pytest.raises(BadReport, match="half a character"):
        dataclasses.replace(ATTACHMENT, name="\ud83d.png")


def test_a_file_name_over_the_limit_is_refused() -> None:
    with pytest.raises(BadReport, match="name"):
        dataclasses.replace(ATTACHMENT, name="名" * (NAME_BYTES // 3 + 1))


def test_neither_text_nor_key_shows_in_a_repr() -> None:
    assert "虚构" not in repr(REPORT)
    assert "训诫书" not in repr(ATTACHMENT)
