"""Which tests reach a function, and how long each takes: measured once for each suite, so that a
fault in the function meets these tests before all others, the quickest first.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from coverage import CoverageData


@dataclass(frozen=True)
class Reach:
    """The test functions that ran each line of each file, and how many seconds each took."""

    by_line: Mapping[str, Mapping[int, frozenset[str]]]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def tests(self, file: str, text: str, line: int) -> list[str]:
        """Those that run the function around *line* of *file*, whose source is *text*, the
        quickest first.

        None for what runs when the module is imported, whoever imports it.
        """
        reached = self.by_line.get(file, {})
        found = {test for at in _function(text, line) for test in reached.get(at, ())}
        return sorted(found, key=lambda test: (self.seconds.get(test, 0.0), test))


def _function(text: str, line: int) -> range:
    """The lines of the innermost function's body around *line*; no lines if there is none."""
    bodies = [
        range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]
    return min((body for body in bodies if line in body), key=len, default=range(0))


def reach_of(tree: Path, measured: Path, report: Path) -> Reach:
    """What coverage wrote to *measured* about the copy in *tree*, and pytest to *report* about
    its tests, if they wrote anything.
    """
    data = CoverageData(str(measured))
    data.read()
    by_line = {}
    for name in data.measured_files():
        lines = data.contexts_by_lineno(name)
        by_line[str(Path(name).resolve().relative_to(tree.resolve()))] = {
            line: frozenset(filter(None, map(_test, contexts))) for line, contexts in lines.items()
        }
    data.close()
    measured.unlink(missing_ok=True)
    return Reach(by_line, _seconds(report))


def _seconds(report: Path) -> dict[str, float]:
    """How long each test function took with all its parameters, by pytest's JUnit report."""
    found: dict[str, float] = {}
    if report.is_file():
        # Written by our own pytest a moment ago.
        for one in ElementTree.parse(report).iter("testcase"):
            name = one.get("name", "").partition("[")[0]
            test = f"{one.get('classname', '').replace('.', '/')}.py::{name}"
            found[test] = found.get(test, 0.0) + float(one.get("time", 0))
        report.unlink()
    return found


def _test(context: str) -> str:
    """The test function of one of coverage's contexts, "path::test[parameters]|run"; "" for an
    import.
    """
    return context.rpartition("|")[0].partition("[")[0]
