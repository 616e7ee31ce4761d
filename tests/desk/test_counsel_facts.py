"""Facts in what is handed over, entities for investigations, and what a killed hand-over leaves."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.cases import DAY
from support.counsel import state
from support.decided_cases import at_work, held, plan_of, written
from support.team import Team
from support.unpacked import pdf_text

from dropbox.codename import WordLists, new_codename
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import Event, SameParty
from scripts.desk.production.handing_over import SCHEMA

# What each schema of the model that is used here has, by its published YAML files: of itself and
# of those that it extends (Thing, Interval, Document, Folder, PlainText, LegalEntity).
_THING = {"name", "summary", "description", "alias", "notes", "proof"}
_DOCUMENT = {"title", "fileName", "fileSize", "date", "language", "parent"}
PROPERTIES = {
    "Person": _THING,
    "Organization": _THING,
    "PublicBody": _THING,
    "LegalEntity": _THING,
    "Document": _THING | _DOCUMENT,
    "Message": _THING | _DOCUMENT | {"bodyText", "subject", "sender", "recipients"},
    "Event": _THING | {"date", "startDate", "endDate", "involved"},
}
REQUIRED = {"Person": "name", "Organization": "name", "PublicBody": "name", "Event": "name"}
# The properties that name entities, and of which schemata these are.
_LEGAL = {"Person", "Organization", "PublicBody", "LegalEntity"}
RANGES = {
    "involved": _LEGAL,
    "sender": _LEGAL,
    "recipients": _LEGAL,
    "proof": {"Document", "Message"},
    "parent": {"Message"},
}


def entities(out: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (out / "entities.ftm.json").read_text("utf-8").split("\n")[:-1]
    ]


@pytest.mark.slow
def test_events_and_parties_are_in_the_record_and_in_the_dossier(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        state(casebook, 1)
        block = casebook.case(1).parts[0].block_id.hex()
        written(casebook, tmp_path / "out")

    line = (tmp_path / "out" / "cases.jsonl").read_text("utf-8").splitlines()[0]
    told = json.loads(line)
    assert [(one["date"], one["source"]) for one in told["events"]] == [
        ("2018", "D0-000001"),
        ("~2019-03", "D0-000001"),
    ]
    assert told["parties"][0]["names"] == ["【虚构】派出所", "Police"] and block not in line
    schema = json.loads(SCHEMA.read_text("utf-8"))["properties"]
    for name in ("events", "parties"):
        for one in told[name]:
            assert set(one) == set(schema[name]["items"]["required"])
            assert set(one) == set(schema[name]["items"]["properties"])
    pages = "".join(pdf_text((tmp_path / "out" / "dossiers" / "C0-000001.pdf").read_bytes()))
    assert "about 2019-03" in pages and "【虚构】派出所" in pages


@pytest.mark.slow
def test_entities_follow_the_model_and_name_only_each_other(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        state(casebook, 1)
        written(casebook, tmp_path / "out")

    found = entities(tmp_path / "out")
    schemata = {one["id"]: one["schema"] for one in found}
    for one in found:
        assert set(one) == {"id", "schema", "properties"}
        assert set(one["properties"]) <= PROPERTIES[one["schema"]], one["schema"]
        assert REQUIRED.get(one["schema"], "date") in one["properties"]
        for name, values in one["properties"].items():
            assert values and all(type(value) is str and value for value in values)
            if name in RANGES:
                assert {schemata[value] for value in values} <= RANGES[name]
    (first, second) = (one["properties"] for one in found if one["schema"] == "Event")
    assert first["date"] == ["2018"] and first["description"] == ["=first"]
    assert "date" not in second and second["summary"] == ["about"]
    assert second["startDate"] < ["2019-03-01"] < second["endDate"]


@pytest.mark.slow
def test_ids_stay_and_differ_in_another_casebook_and_joined_parties_have_one(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        state(casebook, 1)
        state(casebook, 2, suffix="B")
        written(casebook, tmp_path / "first")
        same = SameParty("P00000000A", "P00000000B", "confirmed", "", "F" * 40, DAY)
        casebook.same_parties.add(casebook.case(1), same)
        written(casebook, tmp_path / "second")
        casebook.database.execute("UPDATE meta SET sample_key = ?", [b"k" * 32])
        written(casebook, tmp_path / "third")

    first, second, third = (
        {one["id"]: one["schema"] for one in entities(tmp_path / name)}
        for name in ("first", "second", "third")
    )
    count = [list(ids.values()).count("PublicBody") for ids in (first, second)]
    assert count == [2, 1] and set(second) < set(first)
    assert not set(third) & set(first)


def test_a_fact_after_the_approval_ends_it_and_one_with_a_codename_holds_its_case(
    ready: Team,
) -> None:
    spelled = " ".join(one.typed for one in WordLists.read().spell(new_codename(), "en"))
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        before = plan_of(casebook)
        state(casebook, 1)
        assert plan_of(casebook).sha256 != before.sha256
        of = casebook.case(2)
        event = Event(entry="E0000000ZZ", kind="other", text=spelled, reviewer="F" * 40, day=DAY)
        casebook.events.add(of, event)
        assert held(casebook) == {2: "codename", 3: "open"}


# --- Folders that are not whole ---


def test_what_a_killed_hand_over_left_is_removed_by_the_next_and_nothing_else(
    ready: Team, tmp_path: Path
) -> None:
    def folder(name: str, mark: bytes | None) -> Path:
        path = tmp_path / f"{name}.unfinished-abcdefgh"
        (path / "texts").mkdir(parents=True)
        (path / "texts" / "D0-000001.txt").write_text("in the clear")
        if mark is not None:
            (path / ".casedrop-unfinished").write_bytes(mark)
        return path

    word = b"This folder of a hand-over is not whole; erase it.\n"
    killed, early = folder("killed", word), folder("early", b"")
    foreign, unmarked, busy = folder("other", b"mine"), folder("none", None), folder("busy", word)
    (tmp_path / "link.unfinished-abcdefgh").symlink_to(foreign)
    descriptor = os.open(busy / ".casedrop-unfinished", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with Casebook.open(ready.casebook) as casebook:
            done = written(casebook, tmp_path / "out")
    finally:
        os.close(descriptor)

    assert done.removed == 2 and not killed.exists() and not early.exists()
    assert all((one / "texts" / "D0-000001.txt").exists() for one in (foreign, unmarked, busy))
    assert (tmp_path / "link.unfinished-abcdefgh").is_symlink()
    assert not list((tmp_path / "out").glob(".*"))


def test_a_hand_over_that_fails_leaves_nothing(
    ready: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scripts.desk.production.case_writer.dossier", fail)
    with Casebook.open(ready.casebook) as casebook, pytest.raises(KeyboardInterrupt):
        written(casebook, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))
