"""`export-work` and `import-work` on the command line, with gpg."""

import json
from pathlib import Path

import pytest
from support.cases import add, report
from support.export_bundles import CAMPAIGN, SERVER
from support.team import Team

from scripts.desk.casebook.casebook import Casebook


def second_desk(team: Team, keys: Path, number: int = 1, server: bytes = b"") -> Team:
    """Another desk of these people, with the same case."""
    other = Team(team.directory / "other", team.homes, team.capsys, team.directory)
    key = (server or bytes(SERVER.verify_key)).hex()
    other(1, "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", number, "--keys", keys)
    return other


def content(directory: Path) -> bytes:
    return (directory / "casebook.sqlite").read_bytes()


@pytest.mark.slow
def test_two_desks_review_one_case_blind_and_then_read_each_other(
    team: Team, desk_keys: Path
) -> None:
    other = second_desk(team, desk_keys)
    for desk in (team, other):
        with Casebook.open(desk.casebook) as casebook:
            add(casebook, report())
    name = team.case()
    team.judge(0, name, category="c1", merit="m4", urgency="normal", note="【虚构】甲")
    first = team.directory / "first.work"
    said = json.loads(team(0, "export-work", "--to", first, "--keys", desk_keys, "--json"))
    assert (said["layers"], said["closed"], said["desks"]) == (0, 1, 1)
    before = first.read_bytes()
    assert before[:1] == b"\x84" and "甲".encode() not in before

    assert "New: 0 reviews" in other(1, "import-work", first)
    shown = json.loads(other(1, "show", name, "--json"))["review"]
    assert shown["layers"] == [] and shown["status"].startswith("st.first_review")
    other.judge(1, name, category="c1", merit="m2", urgency="normal")
    back = team.directory / "second.work"
    other(1, "export-work", "--to", back, "--keys", desk_keys)
    assert "New: 1 review," in team(0, "import-work", back)
    again = team.directory / "third.work"
    team(0, "export-work", "--to", again, "--keys", desk_keys)
    assert "New: 1 review," in other(1, "import-work", again)
    for who, desk in ((0, team), (1, other)):
        shown = json.loads(desk(who, "show", name, "--json"))["review"]
        assert {layer["merit"] for layer in shown["layers"]} == {"m4", "m2"}


@pytest.mark.slow
def test_what_is_no_bundle_for_this_desk_is_a_sentence_and_changes_nothing(
    team: Team, desk_keys: Path, tmp_path: Path
) -> None:
    other = second_desk(team, desk_keys)
    made = tmp_path / "made.work"
    other(1, "export-work", "--to", made, "--keys", desk_keys)
    whole = made.read_bytes()
    strange = Team(tmp_path / "strange", team.homes, team.capsys, tmp_path)
    key = "ab" * 32
    strange(
        1, "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 2, "--keys", desk_keys
    )
    foreign = tmp_path / "foreign.work"
    strange(1, "export-work", "--to", foreign, "--keys", desk_keys)
    before = content(team.casebook)
    for untrusted in (whole[:-100], whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:], b"", b"x"):
        bad = tmp_path / "bad.work"
        bad.write_bytes(untrusted)
        code, out, err = team.run(0, "import-work", bad)
        assert (code, out) == (2, "") and err.count("\n") == 1 and "Traceback" not in err
        assert len(untrusted) > 1 or err.startswith(f"{bad} is no work bundle")
        bad.unlink()
    code, _, err = team.run(0, "import-work", foreign)
    assert code == 2 and "another drop" in err
    assert content(team.casebook) == before
    assert team.run(0, "import-work", made)[0] == 0


def test_nobody_whom_the_casebook_does_not_know_can_open_a_bundle(
    team: Team, keys_dir: Path, desk_keys: Path, tmp_path: Path
) -> None:
    two = Team(tmp_path / "two", team.homes, team.capsys, tmp_path)
    key = bytes(SERVER.verify_key).hex()
    two(0, "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0, "--keys", keys_dir)
    before = content(two.casebook)
    code, _, err = two.run(0, "export-work", "--to", tmp_path / "out", "--keys", desk_keys)

    assert code == 2 and "does not know the reviewer" in err and not (tmp_path / "out").exists()
    assert len(content(two.casebook)) >= len(before)


def test_a_file_that_is_there_is_not_overwritten(team: Team, desk_keys: Path) -> None:
    there = team.directory / "there"
    there.write_bytes(b"x")

    assert team.run(0, "export-work", "--to", there, "--keys", desk_keys)[0] == 2
    assert there.read_bytes() == b"x"


@pytest.mark.slow
def test_a_blind_review_reaches_its_own_reviewer_at_another_desk_and_nobody_else(
    team: Team, keys_dir: Path, desk_keys: Path, tmp_path: Path
) -> None:
    other = second_desk(team, desk_keys)
    for desk in (team, other):
        with Casebook.open(desk.casebook) as casebook:
            add(casebook, report())
    team.judge(2, team.case(), category="c1", merit="m4", urgency="normal")
    made, without = tmp_path / "made.work", tmp_path / "without.work"
    team(2, "export-work", "--to", made, "--keys", desk_keys)
    # Sealed to the other two alone, it has nothing that only the third could open.
    team(2, "export-work", "--to", without, "--keys", keys_dir)

    assert "New: 0 reviews" in other(1, "import-work", made)
    assert "New: 1 review," in other(2, "import-work", made)
    assert "New: 0 reviews" in other(1, "import-work", without)
    assert without.stat().st_size < made.stat().st_size


@pytest.mark.slow
def test_an_answer_from_another_desk_is_shown_with_its_desk(
    team: Team, desk_keys: Path, tmp_path: Path
) -> None:
    other = second_desk(team, desk_keys)
    for desk in (team, other):
        with Casebook.open(desk.casebook) as casebook:
            add(casebook, report())
    text = tmp_path / "answer.txt"
    text.write_text("【虚构】回复", "utf-8")
    other(1, "answer", team.case(), "--text-file", text, "--yes")
    made = tmp_path / "made.work"
    other(1, "export-work", "--to", made, "--keys", desk_keys)
    team(0, "import-work", made)

    assert "queued (desk 1)" in team(0, "show", team.case())
    (answer,) = json.loads(team(0, "show", team.case(), "--json"))["answers"]
    assert (answer["desk"], answer["text"]) == (1, "【虚构】回复")
