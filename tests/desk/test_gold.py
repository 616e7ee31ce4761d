"""Eight sample cases with the labels that reviewers would give, from bundles to a verified
casebook.

They go through real bundles, and through two reviewers and an adjudicator at the command line.
Then a third party verifies the casebook, and then bytes of it are altered.
"""

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey
from support.cases import know_vault
from support.export_bundles import CAMPAIGN, PHOTO, Drop
from support.team import Prepared, Team, fingerprint

from dropbox.openpgp import Reviewers
from scripts.desk import __main__ as desk
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.casebook.custody import pinned
from scripts.desk.casebook.schema import guards

SAMPLES = json.loads((Path(__file__).parents[1] / "sample_cases.json").read_text("utf-8"))["cases"]
# The samples have their own words for three urgencies and the connection to the United States.
URGENCY = {"normal": "normal", "high": "danger", "deadline_check": "deadline"}
US = {"none_stated": "none", "none": "none", "california": "california"}

# Eight cases are filed, reviewed and adjudicated before the first test.
pytestmark = pytest.mark.slow


def facts(sample: dict[str, Any]) -> dict[str, Any]:
    """The sample claimant's answers to the optional questions."""
    return {
        "period_from": sample["period"]["from"][:7],
        "period_to": sample["period"]["to"][:7],
        "lives_now": sample["residence_now"],
        "phone_region": sample["phone_region"],
        "account_types": sample["account_types"],
        "actors": sample["actors"],
    }


def label(sample: dict[str, Any]) -> dict[str, Any]:
    """The gold label, as in a reviewer's sheet."""
    expected = sample["expected"]
    amounts = [
        {"amount": str(one["amount"]), "currency": one["currency"], "what": one["what"]}
        for one in sample["amounts"]
    ]
    us = "canada" if "canada" in expected.get("flags", ()) else US[expected["us_nexus"]]
    given = {
        "merit": expected["merit"],
        "urgency": URGENCY[expected["urgency"]],
        "us": us,
        "amounts": amounts,
    }
    return {**given, "tags": expected.get("flags", []), "evidence": 2}


def filed(team: Team, reviewers: Reviewers) -> dict[str, dict[str, Any]]:
    """Seal, bundle and import the samples. Returns them by case number."""
    drop = Drop(reviewers, team.directory)
    for number, sample in enumerate(SAMPLES, 1):
        drop.report(
            sample["text_zh_hans"],
            claimant=number,
            category=sample["category"],
            harms=tuple(sample["harms"]),
            facts=facts(sample),
            attachments=(drop.file(PHOTO + sample["id"].encode(), "截图.jpg"),),
        )
    assert "8 new cases and 8 files" in team(0, "import", drop.bundle(1))
    by_text = {sample["text_zh_hans"]: sample for sample in SAMPLES}
    names = [row["case"] for row in json.loads(team(0, "list", "--json"))]
    return {
        name: by_text[json.loads(team(0, "show", name, "--json"))["parts"][0]["text"]]
        for name in names
    }


def reviewed(team: Team, cases: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Let two reviewers and an adjudicator review all cases.

    Returns each case's expected final status.
    """
    expected = {}
    for name, sample in cases.items():
        gold = label(sample)
        first = team.judge(0, name, **gold)
        # By its tier, or by this casebook's random sample.
        if (
            first["status"] == "st.first_review"
            and not json.loads(team(0, "show", name, "--json"))["review"]["second_review"]
        ):
            expected[name] = "st.first_review"
            continue
        # The second reviewer disagrees about FX-02, so a third has to adjudicate.
        if sample["id"] != "FX-02":
            assert team.judge(1, name, **gold)["status"] == "st.second_review"
        else:
            assert team.judge(1, name, **{**gold, "merit": "m2"})["status"] == "st.adjudicate"
            assert team.judge(2, name, "adjudicate", **gold)["status"] == "st.second_review"
        expected[name] = "st.second_review"
    return expected


@pytest.fixture
def gold(
    team: Team, reviewers: Reviewers, prepared: Prepared
) -> tuple[Team, dict[str, dict[str, Any]]]:
    """A finished run (reviewed, one case answered, one closed), and the samples by case number."""
    return team, prepared.bring("gold", team, lambda team: worked_through(team, reviewers))


def worked_through(team: Team, reviewers: Reviewers) -> dict[str, dict[str, Any]]:
    cases = filed(team, reviewers)
    expected = reviewed(team, cases)
    by_id = {sample["id"]: name for name, sample in cases.items()}
    out_of_scope, question = by_id["FX-11"], by_id["FX-04"]
    for who in range(2):
        shown = json.loads(team(who, "show", out_of_scope, "--json"))["review"]
        if shown["layers"] and any(
            layer["fingerprint"] == fingerprint(team, who) for layer in shown["layers"]
        ):
            team.judge(who, out_of_scope, outcome="st.closed")
    text = team.directory / "answer.txt"
    text.write_text("【虚构】请分三次上传。", "utf-8")
    team(0, "answer", question, "--text-file", text, "--yes")
    team(0, "answer", question, "--text-file", text, "--yes", "--repeat")
    team(0, "outbox", "--remove", json.loads(team(0, "outbox", "--json"))[-1]["number"])
    with Casebook.open(team.casebook) as casebook:
        know_vault(casebook, team.homes[0])
    team(0, "export-replies", team.directory / "replies.tar", "--yes")
    expected |= {out_of_scope: "st.closed"}
    rows = {row["case"]: row for row in json.loads(team(2, "list", "--json"))}
    assert {name: row["status"] for name, row in rows.items()} == expected
    assert rows[question]["correspondence"] == "co.awaiting"
    return cases


def test_eight_cases_end_with_their_gold_labels_and_a_third_party_verifies(
    gold: tuple[Team, dict[str, dict[str, Any]]], desk_keys: Path, tmp_path: Path
) -> None:
    team, cases = gold
    rows = {row["case"]: row for row in json.loads(team(2, "list", "--json"))}

    for name, sample in cases.items():
        wanted = label(sample)
        assert (rows[name]["merit"], rows[name]["urgency"]) == (
            wanted["merit"],
            wanted["urgency"],
        ), sample["id"]
        assert rows[name]["category"] == sample["category"] and set(rows[name]["harms"]) == set(
            sample["harms"]
        )
    layers = {
        name: json.loads(team(2, "show", name, "--json"))["review"]["layers"] for name in cases
    }
    adjudged = next(name for name, sample in cases.items() if sample["id"] == "FX-02")
    assert [(one["role"], one["merit"], one["blind"]) for one in layers[adjudged]] == [
        ("review", "m3", True),
        ("review", "m2", True),
        ("adjudication", "m3", False),
    ]
    # On a copy, without any secret key.
    shutil.copytree(team.casebook, tmp_path / "copy")
    (tmp_path / "copy").chmod(0o700)
    assert (
        desk.main(["--casebook", str(tmp_path / "copy"), "verify", "--keys", str(desk_keys)]) == 0
    )
    assert "Nothing was altered" in team.capsys.readouterr().out


def altered(
    where: str, column: str, table: str, at: int = -1
) -> Callable[[sqlite3.Connection], None]:
    """Flip one bit of a value, without the triggers noticing."""

    def alter(connection: sqlite3.Connection) -> None:
        (key, value) = connection.execute(
            f"select rowid, {column} from {table} where {where} limit 1"
        ).fetchone()
        data = bytearray(value if isinstance(value, bytes) else str(value).encode())
        data[at] ^= 1
        changed: object = bytes(data)
        if isinstance(value, str):
            changed = data.decode("utf-8")
        elif isinstance(value, int):
            changed = int(data)
        connection.execute(f"update {table} set {column} = ? where rowid = ?", [changed, key])

    return alter


def swapped(connection: sqlite3.Connection) -> None:
    rows = dict(
        connection.execute("select number, line from custody where number in (5, 6)").fetchall()
    )
    signs = dict(
        connection.execute(
            "select number, signature from custody where number in (5, 6)"
        ).fetchall()
    )
    for place, other in ((5, 6), (6, 5)):
        connection.execute(
            "update custody set line = ?, signature = ? where number = ?",
            [rows[other], signs[other], place],
        )


def run(statement: str) -> Callable[[sqlite3.Connection], None]:
    def act(connection: sqlite3.Connection) -> None:
        connection.execute(statement)

    return act


FORGED = SigningKey(b"f" * 32)


def forged(connection: sqlite3.Connection) -> None:
    """A line that says something else, correctly signed by a key for which nobody vouches."""
    line = json.loads(connection.execute("select line from custody where number = 4").fetchone()[0])
    line |= {"act": "export", "session": bytes(FORGED.verify_key).hex()}
    data = json.dumps(line, sort_keys=True, separators=(",", ":")).encode()
    connection.execute(
        "update custody set line = ?, signature = ? where number = 4",
        [data, FORGED.sign(data).signature],
    )


# What is done to the file, and what is named.
ALTERED = {
    "a part's text": (
        altered("number = 2", "report", "part", 300),
        ["Part 2 was changed since line"],
    ),
    "a part's day": (altered("number = 3", "day", "part"), ["Part 3 was changed since line"]),
    "a layer's judgement": (
        altered("number = 1", "judgement", "layer", 30),
        ["Layer 1 was changed since line"],
    ),
    "a layer's reviewer": (
        altered("number = 2", "reviewer", "layer", 3),
        ["Layer 2 was changed since line"],
    ),
    "an answer's text": (
        altered("kind = 'answer'", "text", "answer", 5),
        ["Answer 9 was changed since line"],
    ),
    "an answer's bundle": (
        altered("bundle is not null", "bundle", "answer"),
        ["is not marked as the log has it"],
    ),
    "a line": (altered("number = 7", "line", "custody", 20), ["Line 7 of the log was changed"]),
    "a line's signature": (
        altered("number = 8", "signature", "custody", 0),
        ["Line 8 of the log was changed"],
    ),
    "a case's tag key": (
        altered("number = 4", "tag_key", "cases"),
        ["The reply keys of ", "The name of case number 4"],
    ),
    "a file's hash": (
        altered("1", "sha256", "attachment"),
        ["Attachment", "was changed since line"],
    ),
    "the sample's key": (altered("1", "sample_key", "meta"), ["settings or its reviewers' keys"]),
    "a reviewer's key": (
        altered("name = 'reviewer-2'", "ed25519", "reviewer"),
        ["settings or its reviewers' keys"],
    ),
    "a summary": (altered("merit = 'm2'", "merit", "standing"), ["The summary of "]),
    "what a list shows": (
        altered('"case" = 5', "text", "outline", 3),
        ["What lists show of "],
    ),
    "a case left out of lists": (
        run('delete from outline where "case" = 6'),
        ["What lists show of "],
    ),
    "the reply bundle": (altered("1", "sha256", "reply_bundle"), ["Reply bundle 1 was changed"]),
    "when an answer was taken back": (
        altered("1", "day", "taken_back"),
        ["Taken back 10 was changed since line"],
    ),
    "an answer taken back": (
        run("insert into taken_back values (9, '2026-11-24')"),
        ["Taken back 9 has no line"],
    ),
    "an answer no longer taken back": (
        run("delete from taken_back"),
        ["Taken back 10 was removed; line"],
    ),
    "a line removed": (
        run("delete from custody where number = 9"),
        ["Line 9 of the log was removed", "has no line in the log"],
    ),
    "a layer removed": (run("delete from layer where number = 3"), ["Layer 3 was removed; line"]),
    "two lines swapped": (
        swapped,
        ["Line 6 of the log was moved to position 5", "Line 5 of the log was moved to position 6"],
    ),
    "a line forged": (forged, ["Line 4 of the log was changed or forged: no reviewer vouches"]),
    "a line repeated": (
        run(
            "insert into custody select (select max(number) + 1 from custody), line, signature "
            "from custody where number = 3"
        ),
        ["Line 3 of the log is there twice"],
    ),
    "a layer added": (
        run(
            'insert into layer select 99, "case", reviewer, role, 9, day, blind, judgement '
            "from layer where number = 1"
        ),
        ["Layer 99 has no line in the log"],
    ),
    "a guard": (lambda _connection: None, ["its triggers were changed"]),
    "a case's name": (
        altered('"case" = 4', "name", "case_name", 3),
        ["The name of case number 4"],
    ),
    "a case's former name": (
        run("update case_name set former = 'C-0001' where \"case\" = 4"),
        ["The name of case number 4"],
    ),
    "what a layer was of": (
        run("insert into considered values (1, 1)"),
        ["The parts that layer 1 was of"],
    ),
    "a case added": (
        run("insert into cases values (77, zeroblob(32), zeroblob(32))"),
        ["Case number 77 has no part", "The name of case number 77"],
    ),
}


@pytest.mark.long
def test_whatever_is_altered_is_named(
    gold: tuple[Team, dict[str, dict[str, Any]]], desk_keys: Path, tmp_path: Path
) -> None:
    team, _ = gold
    head = json.loads(team(0, "status", "--json"))["custody_head"]
    for number, (what, (alter, named)) in enumerate(ALTERED.items()):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(team.casebook, copy)
        connection = sqlite3.connect(copy / "casebook.sqlite")
        guards = connection.execute(
            "select name, sql from sqlite_master where type = 'trigger'"
        ).fetchall()
        for name, _ in guards:
            connection.execute(f"drop trigger {name}")
        alter(connection)
        for name, trigger in guards:
            if name != "part_update" or what != "a guard":
                connection.execute(trigger)
        connection.commit()
        connection.close()

        code = desk.main(
            ["--casebook", str(copy), "verify", "--keys", str(desk_keys), "--head", head]
        )

        out = team.capsys.readouterr().out
        assert code == 1, what
        for sentence in named:
            assert sentence in out, (what, out)
        # It names what was done and what depends on it, not the whole casebook.
        assert out.count("\n") <= 4, (what, out)


RAW = {
    "a part": "select substr(report, 200, 24) from part where number = 5",
    "a part's block": "select block_id from part where number = 6",
    "a case": "select tag_key from cases where number = 7",
    "a layer": "select substr(judgement, 60, 24) from layer where number = 1",
    "an answer": "select substr(text, 1, 8) from answer where kind = 'answer'",
    "a line": "select substr(line, 100, 24) from custody where number = 11",
    "a line's end": "select substr(line, -64, 24) from custody where number = 12",
    "a signature": "select signature from custody where number = 13",
    "a reviewer": "select ed25519 from reviewer limit 1",
    "the server's key": "select server_key from meta",
    "a column's name": "select 'manifest_sha256 TEXT'",
    "the last line": "select signature from custody order by number desc limit 1",
}


@pytest.mark.long
def test_one_byte_altered_anywhere_in_the_file_is_seen(
    gold: tuple[Team, dict[str, dict[str, Any]]], desk_keys: Path, tmp_path: Path
) -> None:
    """In the file's own bytes, as a failing disk or a hex editor would do it."""
    team, _ = gold
    connection = sqlite3.connect(team.casebook / "casebook.sqlite")
    needles = {what: connection.execute(query).fetchone()[0] for what, query in RAW.items()}
    connection.close()
    whole = (team.casebook / "casebook.sqlite").read_bytes()
    for number, (what, found) in enumerate(needles.items()):
        needle = found.encode() if isinstance(found, str) else found
        place = whole.find(needle)
        assert place > 0, what
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(team.casebook, copy)
        with (copy / "casebook.sqlite").open("r+b") as file:
            file.seek(place + 5)
            file.write(bytes([whole[place + 5] ^ 1]))

        code = desk.main(["--casebook", str(copy), "verify", "--keys", str(desk_keys)])

        out, err = team.capsys.readouterr()
        # Found by a check, or noticed before any check could run.
        assert code == (2 if err else 1) and "Traceback" not in err, what
        assert out.count("\n") + err.count("\n") >= 1, what


def test_a_file_of_a_claimant_that_was_altered_or_taken_away_is_named(
    gold: tuple[Team, dict[str, dict[str, Any]]], tmp_path: Path
) -> None:
    team, _ = gold
    first, second = sorted((team.casebook / "attachments").iterdir())[:2]
    first.write_bytes(b"x" + first.read_bytes()[1:])
    second.unlink()

    code, out, _ = team.run(0, "verify")

    assert code == 1 and out.count("\n") == 2
    assert "The file of attachment" in out and "was changed." in out and "is gone." in out


def test_a_cut_off_end_is_seen_by_the_head_that_was_written_down(
    gold: tuple[Team, dict[str, dict[str, Any]]],
) -> None:
    """Nothing else shows it if its rows are gone too."""
    team, _ = gold
    team(0, "show", team.case())
    noted = json.loads(team(0, "status", "--json"))["custody_head"]
    assert team.run(0, "verify", "--head", noted)[0] == 0
    connection = sqlite3.connect(team.casebook / "casebook.sqlite")
    connection.execute("drop trigger custody_delete")
    # The view of the case, and its session.
    connection.execute("delete from custody where number > (select max(number) - 2 from custody)")
    connection.execute(guards()["custody_delete"])
    connection.commit()
    connection.close()

    assert team.run(0, "verify")[0] == 0
    code, out, _ = team.run(0, "verify", "--head", noted)

    assert code == 1 and "cut off" in out


def test_a_head_that_was_mistyped_is_no_finding(
    gold: tuple[Team, dict[str, dict[str, Any]]],
) -> None:
    team, _ = gold
    noted = json.loads(team(0, "status", "--json"))["custody_head"]

    for wrong in (noted[:-1], noted + "0", noted[:-1] + "g", "HEAD"):
        code, out, err = team.run(0, "verify", "--head", wrong)
        assert (code, out) == (2, "")
        assert (
            err == "A head is 64 hexadecimal digits, as `status` shows it; nothing was checked.\n"
        )
    # As people copy it from paper.
    as_written = " ".join(re.findall("....", noted.upper()))
    assert team.run(0, "verify", "--head", as_written)[0] == 0


def test_keys_other_than_the_pinned_ones_vouch_for_nothing(
    gold: tuple[Team, dict[str, dict[str, Any]]], keys_dir: Path, third_home: Path
) -> None:
    """The third party has two keys; what the third reviewer signed is not believed."""
    team, _ = gold

    code, out, _ = team.run(0, "verify", "--keys", keys_dir, "--json")

    findings = json.loads(out)["findings"]
    assert code == 1 and any("no reviewer vouches" in one for one in findings)
    assert len(pinned_names(team)) == 3


def pinned_names(team: Team) -> set[str]:
    with Casebook.open(team.casebook) as casebook:
        return set(pinned(casebook.database))


def test_a_casebook_of_another_origin_does_not_take_a_log(
    gold: tuple[Team, dict[str, dict[str, Any]]], desk_keys: Path, tmp_path: Path
) -> None:
    """Move the log of one casebook into another."""
    team, _ = gold
    create(
        tmp_path / "other", server_key=hashlib.sha256(b"other").digest(), campaign=CAMPAIGN, desk=0
    )
    other = sqlite3.connect(tmp_path / "other" / "casebook.sqlite")
    other.execute("attach ? as whole", [str(team.casebook / "casebook.sqlite")])
    other.execute("insert into custody select * from whole.custody")
    other.commit()
    other.close()

    assert (
        desk.main(["--casebook", str(tmp_path / "other"), "verify", "--keys", str(desk_keys)]) == 1
    )
    assert "are not those with which it was made" in team.capsys.readouterr().out
