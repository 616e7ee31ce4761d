"""Facts in what is handed over, entities for investigations, and what a killed hand-over leaves."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.cases import DAY, add, attachment, report
from support.counsel import state
from support.decided_cases import at_work, decided, held, plan_of, put, written
from support.follow_the_money import MODEL, check
from support.team import Team
from support.unpacked import pdf_text

from dropbox.codename import WordLists, new_codename
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import Event, Party, SameParty
from scripts.desk.production import unfinished_folder
from scripts.desk.production.handing_over import SCHEMA


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
        kinds = "person", "organisation", "authority", "another"
        for at, kind in enumerate(kinds, 1):
            names = "甲\nAlso" if at == 1 else f"{kind}\n"
            party = Party(entry=f"P00000000{at}", kind=kind, role="other", names=names, text="a\nb",
                          reviewer="F" * 40, day=DAY)  # fmt: skip
            casebook.parties.add(casebook.case(1), party)
        put(casebook, b"nameless")
        nameless = attachment("", b"nameless")
        add(casebook, report("【虚构】\n乙", 4, attachments=(nameless,)))
        casebook.answers.queue(
            casebook.case(4), kind="answer", language="zh-Hant", day=DAY, text="[Fictional]\n"
        )
        casebook.leave(
            1, "0" * 64, DAY, casebook.answers.numbered(casebook.answers.queued()), lambda: None
        )
        decided(casebook, 4)
        written(casebook, tmp_path / "out", cases=(1, 2, 4))

    found = entities(tmp_path / "out")
    check(found)
    written_schemata = {one["schema"] for one in found}
    assert written_schemata == set(MODEL)
    properties = {name for one in found for name in one["properties"]}
    assert properties == {name for _, _, of in MODEL.values() for name in of}
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


def test_what_is_no_folder_or_anothers_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = (tmp_path / f"{name}.unfinished-abcdefgh" for name in ("file", "folder"))
    file.write_bytes(b"")
    folder.mkdir()
    (folder / ".casedrop-unfinished").write_bytes(b"")
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    assert unfinished_folder.remove(tmp_path) == 0 and folder.exists()
    monkeypatch.undo()

    assert unfinished_folder.remove(tmp_path) == 1
    assert file.exists() and not folder.exists()


@pytest.mark.parametrize("more", [b"", b"x", b"Somebody wrote here."])
def test_only_a_folder_with_exactly_our_mark_is_removed(tmp_path: Path, more: bytes) -> None:
    folder = tmp_path / "out.unfinished-abcdefgh"
    folder.mkdir()
    ours = b"This folder of a hand-over is not whole; erase it.\n"
    (folder / ".casedrop-unfinished").write_bytes(ours + more)

    assert unfinished_folder.remove(tmp_path) == (not more)
    assert folder.exists() == bool(more)


def test_a_hand_over_that_fails_leaves_nothing(
    ready: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scripts.desk.production.case_writer.dossier", fail)
    with Casebook.open(ready.casebook) as casebook, pytest.raises(KeyboardInterrupt):
        written(casebook, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))
