"""Lists read no reports: page by page, they show what the cases say."""

import io
import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.cells import cell_len
from support.cases import DAY, add, attachment, new_casebook, report
from support.line import Line
from support.shared import made_once

from dropbox.packets import PublicKey
from dropbox.report import Report
from scripts.desk import __main__ as desk
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import Viewer
from scripts.desk.screen.chosen import Chosen
from scripts.desk.screen.output import print_rich, table
from scripts.desk.screen.reviews import list_values
from scripts.desk.search import counted, summary
from scripts.desk.search.counted import Cases, Row
from scripts.desk.search.derived import Register
from scripts.desk.search.summary import (
    first_month,
    last_month,
    outlines_of,
    parts_with_files,
    taken_back_unsaid,
    unacknowledged,
)
from scripts.desk.search.upkeep import catch_up

MANY = [
    report("first\nline", 1, harms=("c1.b", "c1.a")),
    report(
        "more",
        1,
        kind="message",
        language="en",
        harms=("c1.a", "c2.c"),
        attachments=(attachment(), attachment("b")),
    ),
    report("second", 2, category="c0", language="zh-Hant"),
    report("only a message", 3, kind="message"),
    report("字" * 1_000, 4, attachments=(attachment("x"),)),
]


def expected(case: Case) -> tuple[object, ...]:
    text = case.parts[0].report.text[: summary.EXCERPT_CHARACTERS]
    counts = len(case.parts), len(case.files)
    return case.number, case.name, case.day, case.language, case.category, case.harms, *counts, text


def listed(casebook: Casebook) -> list[tuple[object, ...]]:
    return [
        (
            one.number,
            one.name,
            one.day,
            one.language,
            one.category,
            one.harms,
            one.parts,
            one.files,
            one.text,
        )
        for one in outlines_of(casebook, range(1, casebook.counts().cases + 1))
    ]


def test_an_outline_says_what_its_case_says_also_after_more_came(casebook: Casebook) -> None:
    for one in MANY:
        add(casebook, one)
        assert listed(casebook) == [expected(case) for case in casebook.cases()]
    early = date(2026, 11, 1)
    casebook.add_part(
        block_id=b"e" * 16, block_sha256="", day=early, bundle=1, report=report("earlier", 2)
    )
    assert listed(casebook) == [expected(case) for case in casebook.cases()]
    assert outlines_of(casebook, [2])[0].day == early


def test_chosen_cases_come_by_number(casebook: Casebook) -> None:
    add(casebook, *MANY)

    assert [one.number for one in outlines_of(casebook, [4, 9, 2])] == [2, 4] and outlines_of(
        casebook, []
    ) == []
    assert [one.number for one in parts_with_files(casebook)] == [2, 5]


def test_a_list_reads_no_report(casebook: Casebook, monkeypatch: pytest.MonkeyPatch) -> None:
    add(casebook, *MANY)
    viewer = Viewer("", {}, casebook.campaign, "en")

    def rows() -> list[dict[str, Any]]:
        return list_values(casebook, Chosen().numbers(casebook, ""), viewer)

    before, first = listed(casebook), rows()
    monkeypatch.setattr(Report, "from_bytes", None)

    assert len(first) == 4 and (listed(casebook), rows()) == (before, first)


def test_outlines_are_made_again_when_they_are_missing_or_of_another_version(
    casebook: Casebook,
) -> None:
    add(casebook, *MANY)
    before = listed(casebook)
    for damage in (
        "DROP TABLE outline",
        "DROP TABLE part_with_files",
        "UPDATE register SET version = 7",
        "DROP TABLE register",
    ):
        casebook.database.execute(damage)
        assert listed(casebook) == before and [
            one.number for one in parts_with_files(casebook)
        ] == [2, 5]


def test_what_is_broken_off_while_a_register_takes_rows_was_not_taken(casebook: Casebook) -> None:
    tables = ("part_with_files",)
    register = Register(casebook.database, "notes", version=1, tables=tables)
    with pytest.raises(KeyboardInterrupt), register.taking("part", 5):
        casebook.database.execute("INSERT INTO part_with_files VALUES (5, 1)")
        raise KeyboardInterrupt
    assert register.upto("part") == 0 and casebook.database.table("part_with_files").count == 0
    with register.taking("part", 5):
        casebook.database.execute("INSERT INTO part_with_files VALUES (5, 1)")
    assert Register(casebook.database, "notes", version=1, tables=tables).upto("part") == 5
    assert Register(casebook.database, "notes", version=2, tables=tables).upto("part") == 0
    assert casebook.database.table("part_with_files").count == 0


def test_cases_are_acknowledged_once_for_each_bundle_that_brought_something(
    casebook: Casebook,
) -> None:
    add(
        casebook,
        report("a", 1),
        report("b", 2),
        report("gone", 3),
        report("gone", 3, kind="withdrawal"),
    )
    casebook.add_part(
        block_id=b"2" * 16,
        block_sha256="",
        day=DAY,
        bundle=2,
        report=report("more", 1, kind="message"),
    )
    assert unacknowledged(casebook, "acknowledgement", 9) == [1, 2]
    for number in (1, 2):
        casebook.answers.queue(
            casebook.case(number), kind="acknowledgement", language="en", day=DAY, text=""
        )
    assert unacknowledged(casebook, "acknowledgement", 9) == [1]
    assert unacknowledged(casebook, "acknowledgement", 1) == []


@pytest.mark.parametrize(
    ("answer", "first", "last"),
    [
        ("2019", "2019-01", "2019-12"),
        ("2019-03", "2019-03", "2019-03"),
        ("19", "", ""),
        (2019, "", ""),
        (["2019"], "", ""),
    ],
)
def test_a_month_is_read_from_what_a_report_says_and_nothing_else(
    answer: object, first: str, last: str
) -> None:
    assert (first_month(answer), last_month(answer)) == (first, last)


@dataclass
class Run:
    """The command line on a casebook of 120 cases, with *words* on standard input."""

    line: Line

    def __call__(self, *arguments: str, words: bytes = b"", code: int = 0) -> str:
        ended, out, err = self.line.run(*arguments, text=words)
        assert ended == code and "\x1b" not in out and "\u202e" not in out
        return err if code else out

    def case(self, number: int = 1) -> str:
        return self.line.case(number)


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory, pinned: dict[str, PublicKey]) -> Path:
    """The directory of a casebook of 120 cases that are linked already; each test copies it."""

    def make(place: Path) -> None:
        with new_casebook(place / "casebook", pinned) as casebook:
            add(
                casebook,
                *(
                    report(
                        f"第{number}个微信號\x1b[31m\u202e被封了，这里是他的说明和经过，一共写了好几行字，讲的是那天晚上群里的事，以及后来申诉的结果。",
                        number,
                    )
                    for number in range(1, 121)
                ),
            )
            catch_up(casebook, lambda *_: None)

    return made_once(tmp_path_factory, "linked", make) / "casebook"


@pytest.fixture
def run(line: Line, tmp_path: Path, linked: Path) -> Run:
    shutil.copytree(linked, tmp_path / "casebook")
    return Run(line)


@pytest.mark.slow
def test_the_list_comes_in_pages_for_people_and_whole_for_programs(run: Run) -> None:
    first, last = run("list"), run("list", "--page", "3")

    assert run.case() in first and run.case(30) in first and run.case(31) not in first
    assert (
        run.case(61) in last
        and "Page 3 of 4, 120 cases in all" in last
        and f"--after {run.case(90)}" in last
    )
    assert (
        run.case(120) in run("list", "--limit", "0")
        and len(json.loads(run("list", "--json"))) == 120
    )
    assert json.loads(run("list", "--json", "--page", "3"))[0]["case"] == run.case(61)
    assert [
        row["case"] for row in json.loads(run("list", "--json", "--page", "4", "--limit", "39"))
    ] == [
        run.case(118),
        run.case(119),
        run.case(120),
    ]
    assert "counted from 1" in run("list", "--page", "0", code=2) + run(
        "find", "--limit", "-1", code=2
    )


@pytest.mark.parametrize("width", [60, 80, 100, 118, 160])
def test_the_list_leaves_the_text_room_and_drops_the_least_important_column_first(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("list").splitlines()
    columns = next(line for line in lines if "case" in line).split()
    first = next(line for line in lines if run.case() in line)

    assert "第1个微信號‹U+001B›" in first
    assert all(cell_len(line.rstrip()) <= width for line in lines if re.match(" [A-Z].-", line))
    assert columns[0] == "case" and columns[-1] == "text" and "status" in columns
    dropped = [name for name in ("linked", "harms", "files", "cat.", "day") if name not in columns]
    assert dropped == ["linked", "harms", "files", "cat.", "day"][: len(dropped)]
    assert {160: 0, 60: 4}.get(width, len(dropped)) == len(dropped)


@pytest.mark.slow
def test_words_come_from_standard_input_or_a_file_and_never_from_an_argument(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "words").write_text("微信号\n", "utf-8")

    shown = run("find", words="封了 第7个".encode())

    assert run.case(7) in shown and "1 case found." in shown
    assert "120 cases found." in run("find", "--query-file", str(tmp_path / "words"))
    assert run.case(31) in run("find", "--query-file", "-", "--page", "2", words="微信".encode())
    found = json.loads(run("find", "--json", words="第8个".encode()))
    assert (found["count"], found["cases"][0]["case"], found["cases"][0]["in"]) == (
        1,
        run.case(8),
        "text",
    )
    assert found["cases"][0]["excerpt"].startswith("第8个微信號‹U+001B›[31m‹U+202E›被")
    assert "120 cases found." in run("find", "--no-words", "--category", "c1")
    assert "0 cases found." in run("find", "--no-words", "--merit", "m3")
    assert "not UTF-8" in run("find", words=b"\xff", code=2)
    assert "no letter" in run("find", words=b"...", code=2)
    assert "unrecognized arguments" in run("find", "微信", code=2)


class Terminal(io.StringIO):
    """Standard input like a person's terminal."""

    def isatty(self) -> bool:
        return True


def test_without_a_file_a_person_is_asked_for_the_words(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reviewer_homes: list[Path],
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("第７個\n"))

    assert (
        desk.main(
            ["--casebook", str(tmp_path / "casebook"), "--home", str(reviewer_homes[0]), "find"]
        )
        == 0
    )

    out, err = capsys.readouterr()
    assert "Words to search for" in err and "1 case found." in out


def test_nothing_typed_at_the_prompt_means_all(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reviewer_homes: list[Path],
) -> None:
    always = ["--casebook", str(tmp_path / "casebook"), "--home", str(reviewer_homes[0])]
    for typed in ("\n", " \n"):
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        assert desk.main([*always, "find"]) == 0
        assert "120 cases found." in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", Terminal("...\n"))
    assert desk.main([*always, "find"]) == 2

    assert "no letter" in run("find", words=b"", code=2) + run("find", "--no-words", code=2)


def test_a_files_hash_is_shown_whole_in_a_narrow_terminal(
    line: Line, tmp_path: Path, pinned: dict[str, PublicKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """People compare it. The files are numbered from 1, as in the names they are written under."""
    one = attachment()
    with new_casebook(tmp_path / "casebook", pinned) as casebook:
        add(casebook, report(attachments=(one,)))
    monkeypatch.setenv("COLUMNS", "70")

    shown = line("files", line.case())

    assert "…" not in shown
    assert re.findall(r"^ *(\d+) +\S", shown, re.MULTILINE)[:1] == ["1"]
    assert "".join(re.findall(r"\b[0-9a-f]{4,}\b", shown)) == one.sha256


def test_lists_and_links_are_brought_up_to_date(casebook: Casebook) -> None:
    add(casebook, report("一"), report("二", 2))
    stages: list[tuple[str, int, int]] = []
    catch_up(casebook, lambda *stage: stages.append(stage))

    assert {("outlines", 2, 2), ("links", 2, 2)} <= set(stages)
    assert len(outlines_of(casebook, [1, 2])) == 2


def test_what_reads_like_markup_is_shown_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    name, listed = "[red]a[/red] [/b] [link=x] :smile:", table("name")
    listed.add_row(name)
    print_rich(name)
    print_rich(listed)

    assert capsys.readouterr().out.count(name) == 2


def test_linked_cases_are_counted_in_the_list_and_named_with_the_case(run: Run) -> None:
    shown = run("show", run.case(2))

    assert "── linked" in shown and "nearly the same text" in shown
    values = json.loads(run("show", run.case(2), "--json"))["linked"]
    assert {one["why"] for one in values} == {"near"} and all(
        one["percent"] < 100 for one in values
    )
    assert json.loads(run("list", "--json"))[1]["linked"] == len(values) > 10


def test_the_standings_of_cases_come_by_number(casebook: Casebook) -> None:
    add(casebook, *(report("x", number) for number in range(1, 5)))

    assert [row["case"] for row in casebook.layers.standings()] == [1, 2, 3, 4]
    where, values = '"case" > :after', {"after": 2}
    assert [row["case"] for row in casebook.layers.standings(where, values)] == [3, 4]


def test_what_was_taken_back_is_looked_for_among_what_came_last(casebook: Casebook) -> None:
    add(casebook, report("a", 1), report("b", 2))
    blocks = [casebook.part(number).block_id for number in (1, 2)]
    assert taken_back_unsaid(casebook, [b"?" * 16, *blocks]) == [1, 2]
    # A case that says itself that all was taken back needs no notice.
    add(casebook, report("", 1, kind="withdrawal"), report("c", 3))
    blocks.append(casebook.part(4).block_id)
    assert taken_back_unsaid(casebook, blocks) == [2, 3]
    assert taken_back_unsaid(casebook, []) == []


def test_an_answer_counts_from_the_first_that_left_whatever_desk_it_left() -> None:
    days = [date(2026, 11, day) for day in (24, 25, 26, 27)]

    class Found(list[tuple[object, ...]]):
        def fetchall(self) -> "Found":
            return self

    class Stub:
        """Stands in for a casebook, its file and its answers."""

        database: Any

        def __init__(self) -> None:
            self.database = self.answers = self

        def execute(self, query: str) -> Found:
            here = Found([(1, days[3].isoformat())])
            return Found([(2,), (3,), (1,)]) if query == counted._ANSWERED_ELSEWHERE else here

        def case(self, number: int) -> int:
            return number

        def to(self, number: int) -> list[Any]:
            given: dict[int, list[tuple[str, date | None]]] = {
                1: [("answer", days[2])],
                2: [("acknowledgement", days[0]), ("answer", None), ("answer", days[2]),
                    ("answer", days[1])],
                3: [("answer", None), ("acknowledgement", days[0])],
            }  # fmt: skip
            return [SimpleNamespace(kind=kind, left=left) for kind, left in given[number]]

    cases = Cases.__new__(Cases)
    cases._casebook = cast(Casebook, Stub())
    assert cases._answered == {1: days[2], 2: days[1]}
    came = {1: days[3], 2: days[0], 3: days[0]}
    cases.rows = [Row(number, day, "", (), "", "", ()) for number, day in came.items()]
    assert cases.days_to_answer() == ([0, 1], 1)
