"""The README's promises: each names the test that holds it, and the commands it gives exist."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SECURITY = (ROOT / "docs" / "security.md").read_text("utf-8")


@cache
def existing_tests() -> set[str]:
    """The names of all test functions."""
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def promises() -> list[tuple[str, str]]:
    """The rows of the README's table of promises: (promise, the cell that names its tests)."""
    rows = [
        line.strip("|").split("|")
        for line in README.splitlines()
        if line.startswith("|") and "test_" in line
    ]
    return [(row[0].strip(), row[1].strip()) for row in rows]


def test_every_promise_names_a_test_that_exists() -> None:
    assert len(promises()) >= 10
    for promise, cell in promises():
        named = set(re.findall(r"`(test_\w+)`", cell))
        assert named, promise
        assert named <= existing_tests(), promise


def test_every_proof_that_the_security_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", SECURITY))

    assert len(named) > 20 and named <= existing_tests(), named - existing_tests()


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))

    assert {"demo", "test"} <= named <= targets


def test_every_file_that_the_readme_names_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
