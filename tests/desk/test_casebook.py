"""The casebook's file: private, whole, and what claimants sent never changed."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from dropbox.errors import CampaignError
from dropbox.report import Attachment, Report
from scripts.desk.case import Case, Export, Unopened
from scripts.desk.case_name import characters_of, name_of
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import VERSION, Casebook, CasebookError
from scripts.desk.casebook.creation import create
from scripts.desk.review.judgement import ADJUDICATION, REVIEW, Judgement

CAMPAIGN = Path(__file__).parents[2] / "dropbox" / "campaign.toml"
DAY = date(2026, 11, 23)
FILE = Attachment("证据.txt", "text/plain", 3, "ab" * 32, b"k" * 32, 1, 500)


def report(
    text: str = "【虚构】正文",
    *,
    key: bytes = b"r" * 32,
    tag_key: bytes = b"t" * 32,
    **changes: object,
) -> Report:
    fields: dict[str, object] = {
        "kind": "report",
        "campaign": "wechat-2020",
        "language": "zh-Hans",
        "category": "c1",
    }
    fields |= {
        "harms": (),
        "text": text,
        "attachments": (FILE,),
        "reply_public": key,
        "tag_key": tag_key,
    }
    return Report(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    place = tmp_path / "casebook"
    create(place, server_key=b"s" * 32, campaign=CAMPAIGN, desk=2)
    return place


def add(casebook: Casebook, one: Report, block: bytes = b"b" * 16) -> int:
    return casebook.add_part(
        block_id=block, block_sha256="00" * 32, day=DAY, bundle=1, report=one
    ).case


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def only_case(casebook: Casebook) -> Case:
    (case,) = casebook.cases()
    return case


def test_a_new_casebook_is_empty_and_private(directory: Path) -> None:
    assert directory.stat().st_mode & 0o777 == 0o700
    with Casebook.open(directory) as casebook:
        assert (casebook.server_key, casebook.desk, casebook.campaign.code) == (
            b"s" * 32,
            2,
            "wechat-2020",
        )
        assert list(casebook.cases()) == [] and casebook.last_export() is None
        assert set(vars(casebook.counts()).values()) == {0}
    modes = {path.name: path.stat().st_mode & 0o077 for path in directory.iterdir()}
    assert set(modes) == {"casebook.sqlite", "campaign.toml", "attachments", "lock"}
    assert not any(modes.values())


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_directory_that_others_can_read_is_refused(
    directory: Path, tmp_path: Path, mode: int
) -> None:
    directory.chmod(mode)
    with (
        pytest.raises(CasebookError, match="Others on this computer can read"),
        Casebook.open(directory),
    ):
        pass

    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    with pytest.raises(CasebookError, match="Others on this computer can read"):
        create(tmp_path / "open", server_key=b"s" * 32, campaign=CAMPAIGN, desk=0)
    assert list((tmp_path / "open").iterdir()) == []


def test_a_casebook_is_never_made_twice_nor_by_asking(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(CasebookError, match="There is a casebook"):
        create(directory, server_key=b"x" * 32, campaign=CAMPAIGN, desk=0)
    with (
        pytest.raises(CasebookError, match="There is no casebook"),
        Casebook.open(tmp_path / "elsewhere"),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("key", "desk", "wrong"),
    [(b"s" * 31, 0, "64 hex"), (b"s" * 32, 4, "0 to 3"), (b"s" * 32, -1, "0 to 3")],
)
def test_a_casebook_with_wrong_settings_is_not_made(
    tmp_path: Path, key: bytes, desk: int, wrong: str
) -> None:
    with pytest.raises(CasebookError, match=wrong):
        create(tmp_path / "new", server_key=key, campaign=CAMPAIGN, desk=desk)
    with pytest.raises(CampaignError):
        create(tmp_path / "new", server_key=b"s" * 32, campaign=tmp_path / "none.toml", desk=0)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("why", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_nothing_is_left_of_a_casebook_that_was_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool, why: BaseException
) -> None:
    place = tmp_path / "new"
    if exists:
        place.mkdir(mode=0o700)

    def fail(_reviewers: object) -> None:
        assert (place / "casebook.sqlite.part").exists()
        raise why

    with monkeypatch.context() as patch, pytest.raises(type(why)):
        patch.setattr(custody, "reviewer_rows", fail)
        create(place, server_key=b"s" * 32, campaign=CAMPAIGN, desk=0)

    assert [path.name for path in tmp_path.rglob("*")] == (["new"] if exists else [])
    create(place, server_key=b"s" * 32, campaign=CAMPAIGN, desk=0)


def test_cases_are_numbered_and_tied_by_their_reply_key(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        assert add(casebook, report("one"), b"1" * 16) == 1
        assert add(casebook, report("two", key=b"q" * 32), b"2" * 16) == 2
        assert add(casebook, report("more of one", kind="message", language="en"), b"3" * 16) == 1
    with Casebook.open(directory) as casebook:
        case = casebook.case(1)
        assert [part.report.text for part in case.parts] == ["one", "more of one"]
        assert (case.name, case.language, case.category, len(case.files)) == (
            name_of(characters_of(case.reply_public, case.tag_key)),
            "en",
            "c1",
            2,
        )
        assert casebook.counts().cases == 2 and casebook.counts().parts == 3


def test_a_report_with_anothers_reply_key_and_a_wrong_tag_key_is_a_case_of_its_own(
    directory: Path,
) -> None:
    with Casebook.open(directory) as casebook:
        assert add(casebook, report(), b"1" * 16) == 1
        assert add(casebook, report(tag_key=b"x" * 32), b"2" * 16) == 2
        assert casebook.case(1).tag_key == b"t" * 32


def test_a_report_comes_back_exactly(directory: Path) -> None:
    text = "行\r\n\0\x1b[31m\u202e 𠮷 👩‍👩‍👧"
    with Casebook.open(directory) as casebook:
        add(casebook, report(text, facts={"lost": [1, "二"]}, harms=("h1", "h2")))
    with Casebook.open(directory) as casebook:
        assert only_case(casebook).parts[0].report == report(
            text, facts={"lost": [1, "二"]}, harms=("h1", "h2")
        )


@pytest.mark.parametrize("table", ["cases", "part", "attachment"])
def test_what_claimants_sent_cannot_be_changed_even_by_other_tools(
    directory: Path, table: str
) -> None:
    with Casebook.open(directory) as casebook:
        add(casebook, report())
        casebook.add_file(only_case(casebook).parts[0], 0)
    connection = sqlite3.connect(directory / "casebook.sqlite")
    column = connection.execute(f"select name from pragma_table_info('{table}')").fetchone()[0]

    for statement in (f"update {table} set {column} = {column}", f"delete from {table}"):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("table", ["layer", "departure", "custody", "reviewer"])
def test_what_reviewers_did_cannot_be_changed_even_by_other_tools(
    directory: Path, table: str
) -> None:
    connection = sqlite3.connect(directory / "casebook.sqlite")
    columns = [row[1] for row in connection.execute(f"pragma table_info('{table}')")]
    kinds = dict(
        connection.execute(f"select name, type from pragma_table_info('{table}')").fetchall()
    )
    values = [{"INTEGER": 1, "BLOB": b"x"}.get(kinds[column], "x") for column in columns]
    connection.execute(f"insert into {table} values ({', '.join('?' * len(columns))})", values)

    for statement in (f"update {table} set {columns[0]} = {columns[0]}", f"delete from {table}"):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            connection.execute(statement)
    connection.close()


def test_what_came_on_one_day_stands_in_the_order_of_its_kinds(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        for kind in ("withdrawal", "message", "report"):
            add(casebook, report(kind, kind=kind), kind.encode().ljust(16))
        assert [part.report.kind for part in only_case(casebook).parts] == [
            "report",
            "message",
            "withdrawal",
        ]


def test_a_block_is_a_part_once(directory: Path) -> None:
    with pytest.raises(CasebookError, match="UNIQUE"), Casebook.open(directory) as casebook:
        assert not casebook.has_block(b"b" * 16)
        add(casebook, report())
        assert casebook.has_block(b"b" * 16)
        add(casebook, report())
    with Casebook.open(directory) as casebook:
        assert casebook.counts().parts == 1


def test_a_failed_part_leaves_no_case(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        add(casebook, report())
    with pytest.raises(CasebookError), Casebook.open(directory) as casebook:
        add(casebook, report(key=b"n" * 32))
    with Casebook.open(directory) as casebook:
        assert casebook.counts().cases == 1


def test_what_is_added_together_is_there_as_a_whole_or_not_at_all(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        with pytest.raises(KeyboardInterrupt), casebook.together():
            add(casebook, report("lost"), b"1" * 16)
            assert casebook.part(1).report.text == "lost"
            raise KeyboardInterrupt
        with pytest.raises(CasebookError, match="no part 1"):
            casebook.part(1)
        with casebook.together():
            add(casebook, report("kept"), b"1" * 16)
            add(casebook, report("also"), b"2" * 16)
        assert [casebook.part(number).report.text for number in (1, 2)] == ["kept", "also"]
        assert casebook.last_part() == 2


def test_sqlite_overwrites_what_goes_waits_for_the_disk_and_writes_nothing_elsewhere(
    directory: Path,
) -> None:
    safe = {
        "secure_delete": 1,  # zeros in its place
        "synchronous": 2,  # full
        "journal_mode": "truncate",
        "temp_store": 2,  # in memory
        "locking_mode": "exclusive",
        "trusted_schema": 0,
    }
    with Casebook.open(directory) as casebook:
        database = casebook.database
        found = {name: database.execute(f"PRAGMA {name}").fetchone() for name in safe}

    assert found == {name: (value,) for name, value in safe.items()}


def test_two_desks_do_not_open_one_casebook(directory: Path) -> None:
    with (
        Casebook.open(directory),
        pytest.raises(CasebookError, match="Another desk"),
        Casebook.open(directory),
    ):
        pass
    with Casebook.open(directory):
        pass


@pytest.mark.parametrize(
    ("version", "is_older"), [(VERSION + 1, False), (VERSION - 1, True), (1, True), (0, False)]
)
def test_a_casebook_of_another_version_is_refused(
    directory: Path, version: int, is_older: bool
) -> None:
    connection = sqlite3.connect(directory / "casebook.sqlite")
    connection.execute(f"PRAGMA user_version = {version}")
    # Without its own version there is what it began with, and nothing says that either.
    connection.execute("DELETE FROM meta")
    connection.commit()
    connection.close()

    with pytest.raises(CasebookError) as refused, Casebook.open(directory):
        pass
    assert str(refused.value) == (
        f"This casebook is of version {version}; this desk works with version {VERSION}."
        + (" `migrate` brings it there, and keeps a copy." if is_older else "")
    )


@pytest.mark.parametrize("damage", [b"not SQLite at all" * 300, b""])
def test_a_damaged_casebook_is_a_sentence(directory: Path, damage: bytes) -> None:
    (directory / "casebook.sqlite").write_bytes(damage)

    with pytest.raises(CasebookError), Casebook.open(directory):
        pass


def test_a_casebook_whose_structure_was_altered_is_a_sentence(directory: Path) -> None:
    """SQLite quotes the altered words, which are no longer UTF-8."""
    file = directory / "casebook.sqlite"
    content = file.read_bytes()
    assert b"CREATE TABLE part (" in content
    file.write_bytes(content.replace(b"CREATE TABLE part (", b"CREATE TABL\xe5 part ("))

    with pytest.raises(CasebookError, match="cannot be used"), Casebook.open(directory):
        pass


def test_a_stick_that_was_pulled_out_is_said_in_a_command_and_before_one(
    directory: Path, tmp_path: Path
) -> None:
    with pytest.raises(CasebookError) as during, Casebook.open(directory):
        directory.rename(tmp_path / "pulled")
        raise sqlite3.DatabaseError("database disk image is malformed")
    with pytest.raises(CasebookError) as later, Casebook.open(directory):
        pass
    (tmp_path / "pulled").rename(directory)

    assert "cannot be read any more. No such file" in str(during.value)
    assert "Plug the stick or disk in again and unlock it" in str(during.value)
    assert "malformed" not in str(during.value)
    assert "If it is on a stick or another disk, plug that in and unlock it" in str(later.value)
    with Casebook.open(directory) as casebook:
        assert casebook.counts().cases == 0


def test_a_damaged_file_is_named_with_what_to_do(directory: Path) -> None:
    (directory / "casebook.sqlite").write_bytes(b"no casebook" * 1_000)

    with pytest.raises(CasebookError) as refused, Casebook.open(directory):
        pass
    assert "If its stick or disk was pulled out" in str(refused.value)
    assert "a backup takes its place" in str(refused.value)


def test_a_part_that_was_altered_is_a_sentence(directory: Path) -> None:
    for column, value in (("day", "yesterday"), ("report", b"{}")):
        with Casebook.open(directory) as casebook:
            add(casebook, report(column), column.encode().ljust(16))
            casebook.database.execute("drop trigger if exists part_update")
            casebook.database.execute(f"update part set {column} = ?", [value])
            casebook.database.conn.commit()
            with pytest.raises(CasebookError, match="Part 1 of the casebook was changed"):
                casebook.case(1)
            casebook.database.execute(
                "update part set day = '2026-11-23', report = ?", [report().to_bytes()]
            )
            casebook.database.conn.commit()


def test_an_answer_waits_until_it_has_landed(directory: Path) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    def correspondence() -> str:
        case = only_case(casebook)
        casebook.layers.settle(case)
        (standing,) = casebook.layers.standings()
        assert standing == casebook.layers.standing(case)
        return str(standing["correspondence"])

    with Casebook.open(directory) as casebook:
        add(casebook, report())
        for text in ("one", "two"):
            casebook.answers.queue(
                only_case(casebook), kind="answer", language="en", day=DAY, text=text
            )
        assert correspondence() == "co.none"
        queued = casebook.answers.numbered(casebook.answers.queued())
        assert [answer.number for answer in queued] == [0, 1]
        with pytest.raises(OSError, match="No space"):
            casebook.leave(1, "00" * 32, DAY, queued, fail)
        assert len(casebook.answers.queued()) == 2 and casebook.counts().last_replies == 0
        assert correspondence() == "co.none"
        casebook.leave(1, "00" * 32, DAY, queued, lambda: None)
        assert correspondence() == "co.awaiting"
        casebook.answers.queue(
            only_case(casebook), kind="answer", language="en", day=DAY, text="three"
        )
        assert [
            answer.number for answer in casebook.answers.numbered(casebook.answers.queued())
        ] == [2]
        assert [answer.bundle for answer in casebook.answers.to(only_case(casebook))] == [
            1,
            1,
            None,
        ]
        add(casebook, report("more", kind="message"), b"m" * 16)
        assert correspondence() == "co.more"


def test_a_case_takes_no_more_answers_than_the_inbox_looks_for(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        add(casebook, report())
        case = only_case(casebook)
        for _ in range(64):
            casebook.answers.queue(case, kind="answer", language="en", day=DAY, text="x")
        with pytest.raises(CasebookError, match="64 answers"):
            casebook.answers.queue(case, kind="answer", language="en", day=DAY, text="x")


def test_what_could_not_be_opened_is_noted_until_it_can(directory: Path) -> None:
    notes = [Unopened(b"b" * 16, 0, "why"), Unopened(b"b" * 16, 1, "file")]
    with Casebook.open(directory) as casebook:
        casebook.close_export(Export(3, DAY, "00" * 32), notes)
        assert casebook.last_export() == Export(3, DAY, "00" * 32)
        assert casebook.unopened() == notes
        add(casebook, report())
        assert casebook.unopened() == notes[1:]
        casebook.add_file(only_case(casebook).parts[0], 0)
        assert casebook.unopened() == []


def test_nothing_is_written_beside_the_casebook(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        before = names(directory)
        add(casebook, report())
        assert names(directory) - before <= {"casebook.sqlite-journal"}


def judged(casebook: Casebook, case: int, judgement: str) -> None:
    casebook.database.table("layer").insert(
        {
            "case": case,
            "reviewer": "AB" * 20,
            "role": "review",
            "version": 1,
            "day": DAY.isoformat(),
            "blind": 1,
            "judgement": judgement,
        }
    )


def test_a_conflict_of_interest_is_declared_and_not_merely_written_about(
    directory: Path,
) -> None:
    words = 'he wrote "conflict":true, and "conflict": true'
    with Casebook.open(directory) as casebook:
        for number in range(1, 4):
            add(casebook, report(key=bytes([number]) * 32), bytes([number]) * 16)
        for number, judgement in (
            (1, Judgement(category="c1", urgency="u1", note=words, tags=('"conflict":true',))),
            (2, Judgement(conflict=True)),
            (3, Judgement(conflict=True, note=words)),
        ):
            casebook.layers.add(
                casebook.case(number), judgement, reviewer="AB" * 20, role="review", day=DAY
            )

        assert casebook.layers.given_away("AB" * 20) == {2, 3}
        assert casebook.layers.given_away("CD" * 20) == frozenset()


A, B, C = ("AB" * 20, "CD" * 20, "EF" * 20)


def test_a_layer_is_of_what_its_reviewer_could_know(directory: Path) -> None:
    def judge(who: str, merit: str, role: str = REVIEW) -> tuple[object, ...]:
        case = only_case(casebook)
        said = casebook.layers.placed(case, Judgement(category="c1", merit=merit))
        row = casebook.layers.add(case, said, reviewer=who, role=role, day=DAY)
        casebook.layers.settle(case)
        assert said.considered == tuple(part.block_id.hex() for part in case.parts)
        return row["number"], row["version"], row["blind"], said.rank

    def standing() -> tuple[object, ...]:
        (row,) = casebook.layers.standings()
        return row["status"], row["merit"], row["differ"], row["reviewers"]

    with Casebook.open(directory) as casebook:
        # A code with a space in it would read as two.
        add(casebook, report(harms=("", "c1.a b", "c1.x", "c1.y\u3000")), b"1" * 16)
        assert standing() == ("st.new", "", "", "")
        assert {row["harms"] for row in casebook.layers.standings()} == {" c1.x "}
        assert judge(A, "m3") == (1, 1, 1, 1)
        assert judge(A, "m3") == (2, 2, 1, 2)
        assert standing() == ("st.first_review", "", "", f" {A} ")
        add(casebook, report(kind="message"), b"2" * 16)
        assert judge(B, "m2") == (3, 1, 1, 3)
        assert standing() == ("st.adjudicate", "", " merit ", f" {A} {B} ")
        # From here on they have read each other.
        assert judge(A, "m3") == (4, 3, 0, 4)
        assert judge(C, "m2", ADJUDICATION) == (5, 1, 0, 5)
        assert standing() == ("st.second_review", "m2", "", f" {A} {B} {C} ")


def test_a_case_is_nobodys_when_whoever_it_was_assigned_to_gave_it_away(directory: Path) -> None:
    with Casebook.open(directory) as casebook:
        add(casebook, report())
        casebook.assignments.add(only_case(casebook), A, reviewer=B, day=DAY)
        for who, assigned in ((B, A), (A, "")):
            case = only_case(casebook)
            casebook.layers.add(case, Judgement(conflict=True), reviewer=who, day=DAY)
            casebook.layers.settle(case)
            assert {row["assigned"] for row in casebook.layers.standings()} == {assigned}


@pytest.mark.parametrize(
    ("judgement", "declared"),
    [
        ('{"note":"","conflict":true}', True),
        ('{ "conflict" : true }', True),
        ('{"harms":{"conflict":true},"conflict":false}', False),
        ('{"note":"\\"conflict\\":true"}', False),
        ('{"conflict":null}', False),
        # Altered: nobody can tell whether it was declared.
        ('{"conflict":true', True),
        ("", True),
    ],
)
def test_a_conflict_is_read_from_the_field_and_no_other(
    directory: Path, judgement: str, declared: bool
) -> None:
    with Casebook.open(directory) as casebook:
        judged(casebook, 7, judgement)

        assert casebook.layers.given_away("AB" * 20) == ({7} if declared else frozenset())
