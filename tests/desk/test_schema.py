"""The casebook's schema: the same tables as ever, and old casebooks are still read."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cases import CAMPAIGN, new_casebook
from support.desks import REVIEWERS

from dropbox.packets import PublicKey
from scripts.desk.audit import findings
from scripts.desk.case import Unopened
from scripts.desk.case_name import characters_of, name_of
from scripts.desk.casebook import schema
from scripts.desk.casebook.bundles import BY_DAY_KEY, UNOPENED
from scripts.desk.casebook.casebook import VERSION, Casebook
from scripts.desk.casebook.custody import ROWS, Line, Row, origin
from scripts.desk.casebook.upgrade import migrate
from scripts.desk.review.judgement import Judgement
from scripts.desk.search import alike_files, derived, finding, index, said, similar, summary
from scripts.release.pyz import DATA

# Written by older code: sqlite_master of a new casebook, and a casebook with a little of
# everything.
VECTORS = Path(__file__).parents[1] / "vectors" / "casebook"
ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 23)
FIRST = "AB" * 20


def entries(database: sqlite3.Connection) -> dict[tuple[str, str], str | None]:
    found = database.execute("SELECT type, name, sql FROM sqlite_master")
    return {(kind, name): sql for kind, name, sql in found}


def shape(database: sqlite3.Connection) -> dict[str, Any]:
    """What SQLite knows of all tables, indexes and triggers, however their SQL is laid out."""
    made = entries(database)

    def asked(pragma: str, name: str) -> list[Any]:
        return database.execute(f"SELECT * FROM {pragma}(?)", [name]).fetchall()

    tables = {row[1]: row[2:] for row in database.execute("PRAGMA table_list") if row[0] == "main"}
    return {
        "tables": {
            name: (kind, asked("pragma_table_xinfo", name)) for name, kind in tables.items()
        },
        # Sorted, because their order is only that of their making.
        "indexes": {
            name: sorted(row[1:] for row in asked("pragma_index_list", name)) for name in tables
        },
        "indexed": {
            name: asked("pragma_index_xinfo", name) for kind, name in made if kind == "index"
        },
        "triggers": {name: sql for (kind, name), sql in made.items() if kind == "trigger"},
        "virtual": {
            name: made[kind, name] for kind, name in made if tables.get(name, [""])[0] == "virtual"
        },
    }


def stored_schema() -> sqlite3.Connection:
    """An empty file with the stored schema."""
    database = sqlite3.connect(":memory:")
    rows = json.loads((VECTORS / "schema.json").read_text("utf-8"))
    # FTS5 makes its own tables, SQLite its own indexes.
    own = [row["sql"] for row in rows if row["sql"] and not row["name"].startswith("found_")]
    for sql in sorted(own, key=lambda sql: not sql.startswith(("CREATE TABLE", "CREATE VIRTUAL"))):
        database.execute(sql)
    return database


def test_a_new_casebook_has_the_tables_that_it_always_had(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        for register in (summary, said, index, similar):
            register.catch_up(casebook)
        made = shape(casebook.database.conn)
    with closing(stored_schema()) as database:
        before = shape(database)

    assert len(before["tables"]) > 20 and len(before["triggers"]) == 63
    assert made == before


@pytest.fixture
def old_casebook(tmp_path: Path) -> Path:
    """The stored casebook of version 3, as a directory, brought to the present version."""
    return brought_up(tmp_path / "old", "version_3.sql")


def brought_up(directory: Path, stored: str) -> Path:
    """The casebook that an older version stored, brought to the present one in *directory*."""
    (directory / "attachments").mkdir(parents=True)
    directory.chmod(0o700)
    (directory / "campaign.toml").write_bytes(CAMPAIGN.read_bytes())
    with closing(sqlite3.connect(directory / "casebook.sqlite")) as database:
        database.executescript((VECTORS / stored).read_text("utf-8"))
    migrate(directory)
    return directory


def test_a_casebook_of_version_4_keeps_its_bundle_and_what_it_lacks(tmp_path: Path) -> None:
    with Casebook.open(brought_up(tmp_path / "old", "version_4.sql")) as casebook:
        last = casebook.bundles.last()
        assert last is not None and (last.vault, last.number) == (b"v" * 16, 1)
        assert casebook.bundles.unacknowledged() is None and last.closed == {date(2026, 11, 24)}
        # Its slots say that something was opened in them, and not what.
        opened = {one[:1]: seen.opened for one, seen in casebook.bundles.slots()}
        assert opened == {b"a": BY_DAY_KEY, b"b": UNOPENED, b"d": BY_DAY_KEY}
        assert casebook.bundles.tried() == frozenset()
        assert casebook.unopened()[0].block_id == b"d" * 16 and casebook.holds_back()
        lines = [Line.from_bytes(row["line"]) for row in rows(casebook, "custody")]
        logged = {line.row: line.row_sha256 for line in lines if line is not None and line.row}
        found = {
            row.name: row.sha256
            for table in ROWS
            for row in (Row.of(table, values) for values in rows(casebook, table))
        }
        assert logged.items() <= found.items() and len(logged) == 6


def test_a_casebook_of_version_5_keeps_its_layers_and_answers(tmp_path: Path) -> None:
    with Casebook.open(brought_up(tmp_path / "old", "version_5.sql")) as casebook:
        assert [case.name for case in casebook.cases()] == [
            name_of(characters_of(number.to_bytes(32, "big"), b"t" * 32)) for number in (1, 2, 3)
        ]
        assert [casebook.names.former(number) for number in (1, 2, 3)] == [
            "C-0001",
            "C-0002",
            "C-0003",
        ]
        first, second = casebook.layers.of(casebook.case(1)).layers
        assert (first.judgement.said("us"), first.judgement.flags) == (
            "california",
            ("minor", "privileged"),
        )
        assert second.judgement.said("us") == "" and second.reviewer == "CD" * 20
        # One of the reviewers said it and the other agreed; then the claimant came back.
        standings = {row["case"]: row for row in casebook.layers.standings()}
        assert (standings[1]["status"], standings[1]["correspondence"]) == (
            "st.reopened",
            "co.more",
        )
        assert (standings[1]["flags"], standings[1]["tags"]) == (" minor privileged ", " first ")
        agreed = casebook.layers.of(casebook.case(1)).agreed
        assert agreed is not None and agreed.said("us") == "california"
        assert (standings[3]["status"], standings[3]["correspondence"]) == ("st.new", "co.none")
        assert set(map(tuple, casebook.database.execute("SELECT * FROM considered"))) == {
            (1, 1),
            (2, 1),
            (3, 2),
        }
        (left,) = casebook.answers.left()
        assert (left.returned, left.case_name) == (date(2026, 11, 25), casebook.names.of(1))
        assert [one.text for one in casebook.answers.queued()] == ["【虚构】第二回复"]
        last = casebook.bundles.last()
        assert last is not None and last.number == 2


def test_a_casebook_of_version_6_keeps_what_left_twice_and_who_disagrees(tmp_path: Path) -> None:
    with Casebook.open(brought_up(tmp_path / "old", "version_6.sql")) as casebook:
        first, _, _ = casebook.cases()
        assert casebook.layers.of(first).agreed is None  # two reviewers disagree
        standings = {row["case"]: row["status"] for row in casebook.layers.standings()}
        assert standings == {1: "st.adjudicate", 2: "st.first_review", 3: "st.new"}
        assert casebook.departures.carried() == [(1, first.number, 1), (1, first.number, 2)]
        assert [one.text for one in casebook.answers.queued()] == ["waits"]
        assert casebook.numbers.last_bundle() == 2 and casebook.numbers.next_reply(1) == 1
        keys = {str(number): key for number, key in enumerate(REVIEWERS[:3])}
        assert findings(casebook, keys, datetime.now(UTC) + timedelta(days=1)) == []


def test_every_earlier_version_has_a_stored_casebook() -> None:
    stored = {int(path.stem.removeprefix("version_")) for path in VECTORS.glob("version_*.sql")}
    assert stored == set(range(3, VERSION))


def test_a_casebook_of_version_7_keeps_the_work_of_other_desks(tmp_path: Path) -> None:
    with Casebook.open(brought_up(tmp_path / "old", "version_7.sql")) as casebook:
        first, second, third = casebook.cases()
        assert casebook.layers.of(first).agreed is None  # two reviewers disagree
        assert casebook.layers.of(second).promised == {REVIEWERS[1].fingerprint}
        assert casebook.layers.of(third).flags == ("privileged",)
        assert [(one.desk, one.text) for one in casebook.answers.to(third)] == [
            (None, "【虚构】一"),
            (1, "【虚构】二"),
        ]
        assert {row["assigned"] for row in casebook.layers.standings()} == {""}
        keys = {str(number): key for number, key in enumerate(REVIEWERS[:3])}
        assert findings(casebook, keys, datetime.now(UTC) + timedelta(days=1)) == []


def test_a_casebook_of_version_8_keeps_what_reviewers_added(tmp_path: Path) -> None:
    with Casebook.open(brought_up(tmp_path / "old", "version_8.sql")) as casebook:
        cases = {int.from_bytes(case.reply_public, "big"): case for case in casebook.cases()}
        names = {case.number: claimant for claimant, case in cases.items()}
        assert [one.text for one in casebook.translations.of(cases[3].number)] == ["A translation"]
        gist = casebook.translations.gist(cases[1].number, "en")
        assert gist is not None and gist.text == "A gist"
        assert casebook.assignments.assignee(cases[2].number) == REVIEWERS[1].fingerprint
        assert casebook.draws.cases() == [cases[3].number]
        assert [
            (names[one.other], one.decision) for one in casebook.link_decisions.of(cases[1].number)
        ] == [(2, "denied")]
        assert len(casebook.releases.of(cases[2].number)) == 1
        assert len(casebook.confirmations.all()) == 1
        assert casebook.events.all() == {} and casebook.same_parties.said() == ()
        assert casebook.redactions.all_standing() == []
        keys = {str(number): key for number, key in enumerate(REVIEWERS[:3])}
        assert findings(casebook, keys, datetime.now(UTC) + timedelta(days=1)) == []


def rows(casebook: Casebook, table: str) -> list[dict[str, Any]]:
    return list(casebook.database.table(table).rows)


def test_an_old_casebook_is_opened_and_read(old_casebook: Path) -> None:
    with Casebook.open(old_casebook) as casebook:
        first, second = casebook.cases()
        assert (first.parts[0].report.text, second.parts[0].report.text) == (
            "【虚构】正文 “quoted” \\ \n",
            "【虚构】第二",
        )
        assert casebook.has_file(first.parts[0], 0)
        assert casebook.unopened() == [Unopened(b"d" * 16, 0, "It is sealed to another key.")]
        assert [one.text for one in casebook.answers.left()] == ["【虚构】回复"]
        assert [one.kind for one in casebook.answers.queued()] == ["acknowledgement"]
        (layer,) = casebook.layers.of(first).layers
        assert layer.judgement.amounts[0]["what"] == "工资"
        # What is derived from it follows from the same rows.
        assert summary.altered(casebook) == []
        assert {row["case"]: row for row in rows(casebook, "standing")} == {
            case.number: casebook.layers.standing(case) for case in (first, second)
        }
        found = finding.find(casebook, "第二", finding.Filters())
        assert [one.outline.number for one in found.cases] == [2]


def test_an_old_casebooks_log_still_vouches_for_its_rows(old_casebook: Path) -> None:
    with Casebook.open(old_casebook) as casebook:
        lines = [Line.from_bytes(row["line"]) for row in rows(casebook, "custody")]
        hashes = {line.row: line.row_sha256 for line in lines if line is not None and line.row}
        found = {
            row.name: row.sha256
            for table in ROWS
            for row in (Row.of(table, values) for values in rows(casebook, table))
        }
        (meta,) = rows(casebook, "meta")
        pinned = [row for row in rows(casebook, "reviewer") if row["name"] != "reviewer-three"]
        begun = origin({name: value for name, value in meta.items() if name != "origin"}, pinned)

    assert None not in lines and len(hashes) == 13
    assert {name: found[name] for name in hashes} == hashes
    assert begun == meta["origin"]


def test_an_old_casebook_has_the_guards_that_are_looked_for(old_casebook: Path) -> None:
    with closing(sqlite3.connect(old_casebook / "casebook.sqlite")) as database:
        there = {name: sql for (kind, name), sql in entries(database).items() if kind == "trigger"}

    assert there == schema.guards()


def test_a_judgement_is_kept_in_the_bytes_in_which_it_always_was(old_casebook: Path) -> None:
    stored = VECTORS.parent / "canonical_json" / "judgement.json"
    judgement = Judgement.from_json(json.loads(stored.read_bytes()))
    with Casebook.open(old_casebook) as casebook:
        row = casebook.layers.add(casebook.case(1), judgement, reviewer="CD" * 20, day=DAY)

    assert row["judgement"].encode() == stored.read_bytes()


def test_the_columns_that_never_change_are_columns_of_their_tables(tmp_path: Path) -> None:
    keys = {"reviewer-one": PublicKey(FIRST, b"1" * 32)}
    with new_casebook(tmp_path / "casebook", keys) as casebook:
        for table, columns in ROWS.items():
            there = [column.name for column in casebook.database.table(table).columns]
            assert [name for name in there if name in columns] == list(columns)


def test_no_module_of_the_desk_makes_a_table_of_its_own() -> None:
    makers = ("CREATE ", "create_table", "create_index", "ALTER TABLE", "executescript")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "scripts" / "desk").rglob("*.py")
        if any(word in path.read_text("utf-8") for word in makers)
    }

    # These run the two SQL files.
    assert found == {f"scripts/desk/casebook/{name}.py" for name in ("creation", "schema")}


def test_every_derived_table_belongs_to_a_register() -> None:
    made = {
        entry.table
        for entry in derived.entries()
        if entry.table != "layer" and entry.type != "trigger"
    }

    taken = [
        table
        for register in (summary, said, index, similar, alike_files)
        for table in register._TABLES
    ]
    assert {"register", *taken} == {name for name in made if not name.startswith("found_")}
    assert len(taken) == len(set(taken))


def test_the_one_file_carries_every_sql_file() -> None:
    sql = {path.relative_to(ROOT).as_posix() for path in (ROOT / "scripts").rglob("*.sql")}

    assert len(sql) == 2 and sql <= set(DATA)


def test_the_casebook_keeps_no_comment_that_could_be_altered_unseen() -> None:
    assert [entry.name for entry in schema.entries(*schema.CASEBOOK) if "--" in entry.sql] == []
