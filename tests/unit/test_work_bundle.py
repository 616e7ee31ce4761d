"""Work bundles as bytes: what is read back, and what is refused."""

import json
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fuzz.openpgp import NOW, REVIEWER, detached
from fuzz.work import WORK, WORK_2, WORK_3

from dropbox import canonical_json
from dropbox.errors import BadBundle
from dropbox.tar_members import END, member
from scripts.desk.casebook.desks import FACTS, OTHERS, REDACTIONS
from scripts.desk.exchange import work_bundle
from scripts.desk.exchange.work_bundle import Work, pack, read_work, unpack, write_work

VECTORS = Path(__file__).parents[1] / "vectors" / "bundle"


def read(data: bytes) -> Work:
    return read_work(data, [REVIEWER], campaign="wechat-2020", server_key=b"s" * 32, now=NOW)


def signed(body: object) -> bytes:
    data = canonical_json.encode(body, ascii_only=True)
    return member("work.json", data) + member("work.sig", detached(data)) + END


def test_a_stored_bundle_is_read_and_would_be_written_again_as_it_is() -> None:
    whole = lzma.decompress((VECTORS / "work_01.tar.xz").read_bytes())

    assert read(whole) == WORK and write_work(WORK, detached) == whole


@pytest.mark.parametrize("name", ["work_02_cut", "work_03_other_signature", "work_04_older_row"])
def test_stored_bundles_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(BadBundle):
        read(lzma.decompress((VECTORS / f"{name}.tar.xz").read_bytes()))


def test_what_is_sealed_to_one_reviewer_is_read_back() -> None:
    assert unpack(pack(WORK.rows)) == WORK.rows
    for data in (b"", b"[1]", b"{}", pack(WORK.rows) + b" ", b"[" * 100_000):
        with pytest.raises(BadBundle, match="damaged"):
            unpack(data)


def test_a_bundle_with_later_kinds_of_rows_is_of_version_2() -> None:
    whole = lzma.decompress((VECTORS / "work_05_version_2.tar.xz").read_bytes())
    assert read(whole) == WORK_2 and write_work(WORK_2, detached) == whole
    assert (WORK.version, WORK_2.version) == (1, 2)
    assert {row.kind for row in WORK_2.rows} >= set(OTHERS)

    body = json.loads(WORK_2.to_bytes())
    assignment = next(one for one in body["rows"] if one[1] == "assignment")
    for damaged in (
        {**body, "version": 1},
        {**body, "rows": [_with(assignment, day="tomorrow")]},
        {**body, "rows": [_with(assignment, rank="1")]},
        {**body, "rows": [_with(assignment, assignee=1)]},
        {**body, "rows": [_with(assignment, assignee="\ud800")]},
    ):
        with pytest.raises(BadBundle, match="damaged"):
            read(signed(damaged))


def test_a_bundle_with_facts_or_redactions_is_of_version_3() -> None:
    whole = lzma.decompress((VECTORS / "work_06_version_3.tar.xz").read_bytes())
    assert read(whole) == WORK_3 and write_work(WORK_3, detached) == whole
    assert WORK_3.version == 3 and {row.kind for row in WORK_3.rows} >= {
        *OTHERS,
        *FACTS,
        *REDACTIONS,
    }

    body = json.loads(WORK_3.to_bytes())
    event, redaction = (
        next(one for one in body["rows"] if one[1] == kind) for kind in ("event", "redaction")
    )
    for damaged in (
        {**body, "version": 2},
        {**body, "rows": [_with(event, date=2019)]},
        {**body, "rows": [_with(event, text="\ud800")]},
        {**body, "rows": [_with(event, rank="1")]},
        {**body, "rows": [_with(redaction, page="1")]},
        {**body, "rows": [_with(redaction, stop=1.5)]},
        {**body, "rows": [_with(redaction, reason=None)]},
    ):
        with pytest.raises(BadBundle, match="damaged"):
            read(signed(damaged))


def _with(listed: list[Any], **changes: object) -> list[Any]:
    row = canonical_json.encode({**json.loads(listed[4]), **changes}, ascii_only=True).decode()
    return [*listed[:4], row]


def row(body: Any, **changes: object) -> None:
    """Change the first row of a bundle's body."""
    body["rows"][0][4] = canonical_json.encode(
        {**json.loads(body["rows"][0][4]), **changes}, ascii_only=True
    ).decode()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda body: body.update(format="casedrop-replies"), "not a work bundle"),
        (lambda body: body.update(version=4), "another version of Casedrop"),
        (lambda body: body.update(more=1), "damaged"),
        (lambda body: body.update(reviewer="ab" * 20), "damaged"),
        (lambda body: body.update(reviewer="AB" * 20), "another reviewer than it names"),
        (lambda body: body.update(server_key="ab" * 32), "another drop"),
        (lambda body: body.update(campaign="other"), "another drop"),
        (lambda body: body.update(campaign="另一个"), "another drop"),
        (lambda body: body["lines"][0].append(1), "damaged"),
        (lambda body: body["rows"][0].__setitem__(1, "part"), "damaged"),
        (lambda body: body["rows"][0].__setitem__(2, "K7QX4"), "damaged"),
        (lambda body: body["rows"][0].__setitem__(3, ["3d" * 16]), "damaged"),
        (lambda body: row(body, answer=1.5), "damaged"),
        (lambda body: row(body, answer=True), "damaged"),
        (lambda body: row(body, more="x"), "damaged"),
        (lambda body: body["promises"][0].__setitem__(0, "x"), "damaged"),
        (lambda body: body["closed"][0].__setitem__(2, "x"), "damaged"),
    ],
)
def test_a_signed_bundle_that_is_not_what_it_should_be_is_refused(
    change: Callable[[Any], None], sentence: str
) -> None:
    body = json.loads(WORK.to_bytes())
    assert read(signed(body)) == WORK
    change(body)

    with pytest.raises(BadBundle, match=sentence):
        read(signed(body))


def test_a_bundle_is_never_larger_than_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(WORK.to_bytes())
    monkeypatch.setattr(work_bundle, "MAX_BYTES", size)
    whole = write_work(WORK, detached)
    monkeypatch.setattr(work_bundle, "MAX_BYTES", size - 1)
    with pytest.raises(BadBundle, match="more work here than one bundle"):
        write_work(WORK, detached)
    with pytest.raises(BadBundle, match="too large"):
        read(whole)


def test_a_reviewer_who_is_not_pinned_is_named_as_the_reason() -> None:
    with pytest.raises(BadBundle, match="not by a pinned reviewer"):
        read_work(
            write_work(WORK, detached), [], campaign="wechat-2020", server_key=b"s" * 32, now=NOW
        )


def test_it_is_bound_to_its_reviewer() -> None:
    other = replace(WORK, reviewer="AB" * 20)

    with pytest.raises(BadBundle, match="another reviewer"):
        read(write_work(other, detached))
