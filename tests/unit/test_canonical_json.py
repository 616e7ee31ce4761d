"""Canonical JSON: every format that uses it still writes the same bytes as before."""

import json
from datetime import date
from pathlib import Path

import pytest
from nacl.public import PrivateKey, SealedBox

from dropbox import canonical_json
from dropbox.bundle import ExportManifest
from dropbox.padding import unpad
from dropbox.reply import Reply, seal_reply
from dropbox.report import Report
from scripts.desk.casebook.custody import Line

VECTORS = Path(__file__).parents[1] / "vectors" / "canonical_json"
DAY = date(2026, 11, 23)
# Values that JSON can write in more than one way.
ODD = 'é 你好 \U0001f600 \u2028 \x00\x1f\x7f "\\/ <script>'
# How each format writes: in Unicode, or in ASCII.
ASCII_ONLY = {
    "custody_line": True,
    "custody_row": True,
    "export_manifest": True,
    "judgement": False,
    "reply": False,
    "reply_manifest": True,
    "report": False,
}


def stored(name: str) -> bytes:
    return (VECTORS / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", ASCII_ONLY)
def test_what_was_stored_is_written_again_to_the_byte(name: str) -> None:
    value = json.loads(stored(name))

    again = canonical_json.encode(
        value, ascii_only=ASCII_ONLY[name], not_a_number=name == "custody_row"
    )
    assert again == stored(name)


def test_every_stored_format_is_tried() -> None:
    assert {path.stem for path in VECTORS.iterdir()} == set(ASCII_ONLY)


def test_a_report_is_written_as_it_was() -> None:
    assert Report.from_bytes(stored("report")).to_bytes() == stored("report")


def test_an_export_manifest_is_written_as_it_was() -> None:
    manifest = ExportManifest.from_bytes(stored("export_manifest"))

    assert manifest.to_bytes() == stored("export_manifest")


def test_a_reply_bundles_manifest_of_version_1_is_written_as_it_was() -> None:
    body = json.loads(stored("reply_manifest"))

    assert (body["desk"], body["number"], body["campaign"]) == (1, 9, ODD)
    assert canonical_json.encode(body, ascii_only=True) == stored("reply_manifest")


def test_a_reply_is_sealed_as_it_was() -> None:
    key = PrivateKey.generate()

    sealed = seal_reply(Reply("answer", "zh-Hant", DAY, ODD), bytes(key.public_key))

    padded = SealedBox(key).decrypt(sealed)
    assert unpad(padded, len(padded)) == stored("reply")


def test_a_custody_line_is_written_as_it_was() -> None:
    line = Line.from_bytes(stored("custody_line"))

    assert line is not None and line.to_bytes() == stored("custody_line")


def test_keys_are_sorted_and_nothing_stands_between_tokens() -> None:
    value = {"b": [1, 2], "a": {"d": None, "c": True}}

    assert canonical_json.encode(value, ascii_only=True) == b'{"a":{"c":true,"d":null},"b":[1,2]}'


def test_bytes_are_written_as_hex_only_where_that_was_asked_for() -> None:
    assert canonical_json.encode(b"\x00\xff", ascii_only=True, bytes_as_hex=True) == b'"00ff"'
    with pytest.raises(TypeError):
        canonical_json.encode(b"\x00\xff", ascii_only=True)
    with pytest.raises(TypeError):
        canonical_json.encode(object(), ascii_only=True, bytes_as_hex=True)


def test_what_json_cannot_say_is_written_only_where_that_was_asked_for() -> None:
    assert canonical_json.encode(float("inf"), ascii_only=True, not_a_number=True) == b"Infinity"
    for value in (float("inf"), float("nan")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            canonical_json.encode(value, ascii_only=True)


def test_half_a_character_is_an_error_except_in_ascii() -> None:
    assert canonical_json.encode("\ud83d", ascii_only=True) == b'"\\ud83d"'
    with pytest.raises(UnicodeEncodeError):
        canonical_json.encode("\ud83d", ascii_only=False)


@pytest.mark.parametrize("value", [1, 2**63 - 1])
def test_a_whole_number_is_taken(value: int) -> None:
    assert canonical_json.whole_number(value) == value


@pytest.mark.parametrize("value", [0, -1, 2**63, True, 1.0, "1", None, [1]])
def test_anything_else_is_no_whole_number(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json.whole_number(value)


def test_the_least_whole_number_can_be_another() -> None:
    assert canonical_json.whole_number(0, least=0) == 0
    with pytest.raises(ValueError):
        canonical_json.whole_number(-1, least=0)


def test_bytes_come_back_from_hex_in_their_length_only() -> None:
    assert canonical_json.hex_bytes("00ff", 2) == b"\0\xff"
    for value, size in (("00ff", 1), ("00ff", 3), ("0", 1), ("xx", 1)):
        with pytest.raises(ValueError):
            canonical_json.hex_bytes(value, size)
    with pytest.raises(TypeError):
        canonical_json.hex_bytes(7, 1)
