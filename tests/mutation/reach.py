"""Which tests reach a function: measured once for each suite, so that a fault in the function meets
these tests before all others.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData


@dataclass(frozen=True)
class Reach:
    """The test functions that ran each line of each file."""

    by_line: Mapping[str, Mapping[int, frozenset[str]]]

    def tests(self, file: str, text: str, line: int) -> list[str]:
        """Those that run the function around *line* of *file*, whose source is *text*.

        None for what runs when the module is imported, whoever imports it.
        """
        reached = self.by_line.get(file, {})
        return sorted({test for at in _function(text, line) for test in reached.get(at, ())})


def _function(text: str, line: int) -> range:
    """The lines of the innermost function's body around *line*; no lines if there is none."""
    bodies = [
        range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]
    return min((body for body in bodies if line in body), key=len, default=range(0))


def reach_of(tree: Path, measured: Path) -> Reach:
    """What coverage wrote to *measured*, if it wrote anything, about the copy in *tree*."""
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
    return Reach(by_line)


def _test(context: str) -> str:
    """The test function of one of coverage's contexts, "path::test[parameters]|run"; "" for an
    import.
    """
    return context.rpartition("|")[0].partition("[")[0]
