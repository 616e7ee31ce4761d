"""The mark of a test report: only the operator's key makes one, and only for the fixed text."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from dropbox.codename import CHEAPEST, CodenameKeys, WordLists, derive_keys, new_codename
from dropbox.front.personal_data import find_personal_data
from dropbox.probe_mark import TEXT, BadProbeKey, ProbeKey, is_probe
from dropbox.report import Attachment, Report

VECTORS = Path(__file__).parents[1] / "vectors" / "probe_mark"
EXPORT = SigningKey(b"s" * 32)
SERVER = bytes(EXPORT.verify_key)
DAY = date(2026, 11, 26)
KEY = ProbeKey.make(EXPORT)
FILE = Attachment("a.txt", "text/plain", 1, "0" * 64, bytes(32), 1, 10)


def codename_keys() -> CodenameKeys:
    return derive_keys(new_codename(), salt=bytes(16), cost=CHEAPEST)


def probe(key: ProbeKey = KEY) -> Report:
    return key.report(
        codename_keys(), campaign="wechat-2020", category="c9", language="zh-Hans", day=DAY
    )


def test_the_desk_knows_a_test_report_by_the_export_key_alone() -> None:
    made = Report.from_bytes(probe(ProbeKey.from_bytes(KEY.to_bytes())).to_bytes())

    assert is_probe(made, DAY, SERVER)
    assert not is_probe(made, DAY, bytes(SigningKey(b"o" * 32).verify_key))


def test_midnight_may_be_between_the_probe_and_the_vault_and_no_more() -> None:
    made = probe()

    assert [off for off in range(-3, 4) if is_probe(made, DAY + timedelta(off), SERVER)] == [
        -1, 0, 1,
    ]  # fmt: skip
    assert not is_probe(made, date.min, SERVER) and not is_probe(made, date.max, SERVER)


CHANGES: list[Callable[[Report], Report]] = [
    lambda one: replace(one, kind="message"),
    lambda one: replace(one, campaign="another"),
    lambda one: replace(one, language="en"),
    lambda one: replace(one, category="c1"),
    lambda one: replace(one, harms=("h1",)),
    lambda one: replace(one, facts={"f1": "2019"}),
    lambda one: replace(one, attachments=(FILE,)),
    lambda one: replace(one, reply_public=bytes(32)),
    lambda one: replace(one, tag_key=bytes(32)),
    lambda one: replace(one, reply_symmetric=bytes(32)),
    lambda one: replace(one, reply_symmetric=None),
    lambda one: replace(one, text=f"{one.text} And what happened to me."),
    lambda one: replace(one, text=f"What happened to me. {one.text}"),
    lambda one: replace(one, text=f"{one.text}\n"),
    lambda one: replace(one, text=one.text.replace("Nobody was", "I was")),
    lambda one: replace(one, text=f"{one.text}a"),
    lambda one: replace(one, text=f"{one.text}aa"),
    lambda one: replace(one, text=one.text[:-2]),
    lambda one: replace(one, text=one.text.removeprefix(TEXT)),
    lambda one: replace(one, text=TEXT),
    lambda one: replace(one, text=one.text[:-1] + ("b" if one.text[-1] == "a" else "a")),
    lambda one: replace(one, text=one.text[:-1] + "z"),
    lambda one: replace(one, text=TEXT + "a" * 320),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_marked_report_with_anything_changed_is_a_report(
    change: Callable[[Report], Report],
) -> None:
    assert not is_probe(change(probe()), DAY, SERVER)


def test_who_has_no_key_of_the_operator_cannot_mark_a_report() -> None:
    stranger = SigningKey(b"o" * 32)
    own = ProbeKey.make(stranger)

    assert not is_probe(probe(own), DAY, SERVER)
    # The certificate is in every mark; it is of no use for another key.
    assert not is_probe(probe(replace(own, certificate=KEY.certificate)), DAY, SERVER)
    assert is_probe(probe(own), DAY, bytes(stranger.verify_key))


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({}, True),
        ({"kind": "message"}, False),
        ({"harms": ("h1",)}, False),
        ({"facts": {"f1": "2019"}}, False),
        ({"attachments": (FILE,)}, False),
    ],
)
def test_not_even_the_operators_key_takes_more_along_than_the_text(
    change: dict[str, Any], left_out: bool
) -> None:
    bare = replace(probe(), text=TEXT, **change)
    signed = b"casedrop probe 1\0" + str(DAY.toordinal()).encode() + b"\0" + bare.to_bytes()
    mark = bytes(KEY.key.verify_key) + KEY.certificate + KEY.key.sign(signed).signature
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in mark.hex())

    assert is_probe(replace(bare, text=TEXT + letters), DAY, SERVER) is left_out


@pytest.mark.parametrize("vector", sorted(VECTORS.glob("*.report")), ids=lambda path: path.stem)
def test_a_mark_of_version_1_is_read_for_ever(vector: Path) -> None:
    report = Report.from_bytes(vector.read_bytes())

    assert is_probe(report, DAY, SERVER) is vector.stem.startswith("left-out")


def test_a_damaged_key_is_refused() -> None:
    for damaged in (b"", KEY.to_bytes()[:-1], KEY.to_bytes() + b"\n"):
        with pytest.raises(BadProbeKey):
            ProbeKey.from_bytes(damaged)


def test_the_front_asks_nothing_about_a_mark(words: WordLists) -> None:
    for _ in range(20):
        text = probe().text
        assert find_personal_data(text) == [] and not words.contains_codename(text)
