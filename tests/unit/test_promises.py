"""The documents against the code: every promise names the test that holds it, and what they name
exists.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.collected import COLLECTED
from support.pictures import size

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
PROMISES = (DOCS / "promises.md").read_text("utf-8")
SECURITY = DOCS / "security.md"
PICTURES = sorted((DOCS / "pictures").iterdir())
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        ROOT / "keys/README.md",
        ROOT / "dropbox/words/README.md",
    ]
)  # fmt: skip


def name(path: Path) -> str:
    """A path as the documents write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def functions() -> dict[str, list[ast.FunctionDef]]:
    """The functions and methods in the modules of the tests, by name; not those within another
    function.
    """
    found: dict[str, list[ast.FunctionDef]] = {}
    for path in (ROOT / "tests").rglob("*.py"):
        body = ast.parse(path.read_text("utf-8")).body
        methods = (one for node in body if isinstance(node, ast.ClassDef) for one in node.body)
        for node in (*body, *methods):
            if isinstance(node, ast.FunctionDef) and (
                # pytest takes its tests from modules of such a name.
                path.name.startswith("test_") or not node.name.startswith("test_")
            ):
                found.setdefault(node.name, []).append(node)
    return found


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    """The tests of this module share a fixture, and so run in one worker: only that one parses.

    What it parsed is let go: in many objects, searches for garbage take long.
    """
    functions()
    yield
    functions.cache_clear()


def existing_tests() -> set[str]:
    """The names of all test functions that pytest collects."""
    return {name for name in functions() if name.startswith("test_")}


def collected_from(test: str, asked: list[str]) -> bool:
    """Whether pytest, *asked* for these files and folders, collects tests of this name."""
    return any(path.is_relative_to(ROOT / one) for path in modules()[test] for one in asked)


@cache
def modules() -> dict[str, set[Path]]:
    """The modules of all test functions, by name."""
    found: dict[str, set[Path]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for test in re.findall(r"^ *def (test_\w+)", path.read_text("utf-8"), re.MULTILINE):
            found.setdefault(test, set()).add(path)
    return found


def checks(node: ast.FunctionDef, through: bool = True) -> bool:
    """Whether a function asserts something, itself or by a function that it calls."""
    for one in ast.walk(node):
        if isinstance(one, ast.Assert) or (isinstance(one, ast.Attribute) and one.attr == "raises"):
            return True
        if through and isinstance(one, ast.Call) and isinstance(one.func, ast.Name | ast.Attribute):
            called = one.func.id if isinstance(one.func, ast.Name) else one.func.attr
            if any(checks(helper, through=False) for helper in functions().get(called, [])):
                return True
    return False


def left_out(node: ast.FunctionDef) -> bool:
    """Whether a test can be skipped, or is allowed to fail."""
    return re.search(r"\b(skip|skipif|xfail|importorskip)\b", ast.unparse(node)) is not None


def named_in(document: Path) -> set[str]:
    """The tests that a document names."""
    return set(re.findall(r"`(test_\w+)`", document.read_text("utf-8")))


@cache
def definitions(path: Path) -> set[str]:
    """The functions, classes and constants of a module, methods as Class.method."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)
            }
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {
                leaf.id for one in targets for leaf in ast.walk(one) if isinstance(leaf, ast.Name)
            }
    return found


def rows(document: str) -> list[list[str]]:
    """The rows of the tables in a document, cell by cell, without their heads."""
    lines = document.splitlines()
    heads = {number - 1 for number, line in enumerate(lines) if line.startswith("|--")}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("|") and not line.startswith("|--") and number not in heads
    ]


def test_every_promise_names_a_test_that_exists() -> None:
    promises = rows(PROMISES)
    assert len(promises) >= 42
    for promise, cell in promises:
        named = set(re.findall(r"`(test_\w+)`", cell))
        assert named, promise
        assert named <= existing_tests(), promise
    assert len({promise for promise, _ in promises}) == len(promises)


def test_a_promise_is_held_by_a_test_that_checks_something_and_is_never_passed_over(
    pytestconfig: pytest.Config,
) -> None:
    named = {name for document in DOCUMENTS for name in named_in(document)}
    assert len(named) > 60

    assert sorted(one for one in named if any(map(left_out, functions()[one]))) == []
    assert sorted(one for one in named if not all(map(checks, functions()[one]))) == []
    # These were collected before any selection by marks such as that of `make quick`.
    collected = pytestconfig.stash[COLLECTED]
    expected = {one for one in named if collected_from(one, pytestconfig.args)}
    assert sorted(expected - set(collected)) == []
    assert expected == named or pytestconfig.args != pytestconfig.getini("testpaths")
    passed_over = {name for name, marks in collected.items() if marks & {"skip", "skipif", "xfail"}}
    assert sorted(named & passed_over) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_proof_that_a_document_names_exists(document: Path) -> None:
    named = named_in(document)

    assert named <= existing_tests(), named - existing_tests()
    assert document != SECURITY or len(named) > 20


def test_the_readme_is_short_and_leads_to_the_promises() -> None:
    assert len(README.splitlines()) <= 150
    assert "(docs/promises.md)" in README


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_make_target_of_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE))

    assert named <= targets, named - targets
    assert document.name != "README.md" or document.parent != ROOT or {"demo", "test"} <= named


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_file_that_a_document_links_to_exists(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_source_that_a_document_names_exists(document: Path) -> None:
    """As `dropbox/report.py`, or with what is in it: `dropbox/report.py: Report.to_bytes`."""
    for path, inside in re.findall(r"`([\w/]+\.py)(?:: ([\w.]+))?`", document.read_text("utf-8")):
        assert (ROOT / path).is_file(), path
        assert not inside or inside in definitions(ROOT / path), f"{path}: {inside}"


def test_pictures_are_two_small_and_shown() -> None:
    assert [picture.name for picture in PICTURES] == ["claimant.png", "desk.png"]
    for picture in PICTURES:
        width, height = size(picture.read_bytes())
        assert picture.stat().st_size < 60_000 and width <= 1_000 and height <= 1_000
        assert re.search(rf"!\[[^]]+\]\(docs/pictures/{picture.name}\)", README)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
