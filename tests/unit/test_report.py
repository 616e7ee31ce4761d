import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from dropbox.errors import BadReport
from dropbox.report import FILES, NAME_BYTES, TEXT_BYTES, Attachment, Report, text_bytes
from dropbox.sizes import BLOCK_BYTES

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
    """As a report is written, so that only its content can be refused."""
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
    versions = [json.loads(path.read_bytes())["version"] for path in VECTORS.glob("*.json")]

    assert sorted(versions) == [1, 1, 1, 2, 2]


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
    """The desk keeps what it has read; a report that fails later would block the whole bundle."""
    with pytest.raises(BadReport):
        Report.from_bytes(untrusted)


def test_a_newer_version_is_named() -> None:
    with pytest.raises(BadReport, match="version 3"):
        Report.from_bytes(changed(version=3))


SECOND = dataclasses.replace(REPORT, reply_symmetric=b"s" * 32)


def test_a_symmetric_key_for_replies_makes_it_a_report_of_version_2() -> None:
    body = json.loads(SECOND.to_bytes())

    assert (body["version"], body["reply_symmetric"]) == (2, "73" * 32)
    assert Report.from_bytes(SECOND.to_bytes()) == SECOND
    assert json.loads(REPORT.to_bytes())["version"] == 1 and REPORT.reply_symmetric is None


@pytest.mark.parametrize(
    "values",
    [
        {"version": 1},
        {"reply_symmetric": "73" * 31},
        {"reply_symmetric": "73" * 33},
        {"reply_symmetric": "zz" * 32},
        {"reply_symmetric": "73"},
        {"reply_symmetric": ""},
        {"reply_symmetric": None},
        {"reply_symmetric": "S" * 32},
        {"version": 1, "reply_symmetric": "s" * 32},
        {"version": 2.0},
    ],
)
def test_a_version_without_what_belongs_to_it_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadReport):
        Report.from_bytes(written({**json.loads(SECOND.to_bytes()), **values}))


def test_a_report_of_version_2_without_its_key_is_refused() -> None:
    with pytest.raises(BadReport):
        Report.from_bytes(changed(version=2))


def test_the_text_limit_counts_encoded_bytes() -> None:
    assert text_bytes("你") == 3
    assert text_bytes("\n") == 2
    with pytest.raises(BadReport):
        dataclasses.replace(REPORT, text="你" * (TEXT_BYTES // 3 + 1))


@pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)])
def test_every_limit_of_a_report_is_reached_and_not_passed(more: int, taken: bool) -> None:
    file = {**ATTACHMENT.to_json(), "blocks": 2}
    at_the_limit = {
        "text": changed(text="x" * (TEXT_BYTES + more)),
        "files": changed(attachments=[ATTACHMENT.to_json()] * (FILES + more)),
        "name": changed(attachments=[{**file, "name": "n" * (NAME_BYTES + more)}]),
        "blocks": changed(attachments=[{**file, "sealed_bytes": 2 * BLOCK_BYTES + more}]),
        "sha256": changed(attachments=[{**file, "sha256": "a" * (64 + more)}]),
        "block key": changed(attachments=[{**file, "block_key": "aa" * (32 + more)}]),
        "reply key": changed(reply_public="aa" * (32 + more)),
        "tag key": changed(tag_key="aa" * (32 + more)),
    }
    for name, untrusted in at_the_limit.items():
        if taken:
            assert Report.from_bytes(untrusted).to_bytes() == untrusted, name
        else:
            with pytest.raises(BadReport):
                print(name, Report.from_bytes(untrusted))


def test_a_file_of_no_bytes_is_described_too() -> None:
    empty = {**ATTACHMENT.to_json(), "size": 0, "blocks": 0, "sealed_bytes": 0}

    assert Report.from_bytes(changed(attachments=[empty])).attachments[0].size == 0


@pytest.mark.parametrize("name", ["size", "blocks", "sealed_bytes"])
@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None])
def test_a_count_that_is_none_is_refused(name: str, value: object) -> None:
    with pytest.raises(BadReport):
        Report.from_bytes(changed(attachments=[{**ATTACHMENT.to_json(), name: value}]))


@pytest.mark.parametrize("version", [0, -1, 3])
def test_an_older_and_a_newer_version_is_named(version: int) -> None:
    with pytest.raises(BadReport, match=f"has version {version}; this desk reads versions 1 and 2"):
        Report.from_bytes(changed(version=version))


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


def test_a_report_with_a_symmetric_key_is_of_version_2() -> None:
    assert dataclasses.replace(REPORT, reply_symmetric=None).version == 1
    assert dataclasses.replace(REPORT, reply_symmetric=b"s" * 32).version == 2
