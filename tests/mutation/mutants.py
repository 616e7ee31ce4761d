"""The faults that can be planted: cosmic-ray's operators, and one that leaves a call out."""

import ast
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator


class RemoveCall(Operator):  # type: ignore[misc]
    """Replaces a statement that is nothing but a call: a check, an fsync, a wipe that is left
    out.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Where a call is a statement of its own."""
        if node.type == "simple_stmt" and _is_call(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """``pass`` in its place."""
        assert index == 0
        call = node.children[0]
        node.children[0] = parso.python.tree.Name(
            "pass", call.start_pos, call.get_first_leaf().prefix
        )
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """What it does."""
        return (Example("check(a)\n", "pass\n"),)


def _is_call(node: Any) -> bool:
    return (
        node.type in ("atom_expr", "power")
        and node.children[-1].type == "trailer"
        and (node.children[-1].children[0].value == "(")
    )


@dataclass(frozen=True, order=True)
class Mutant:
    """One fault: the *occurrence* of an operator's pattern in a file, and the line where it is."""

    file: str
    operator: str
    occurrence: int
    line: int

    def source(self, text: str) -> str:
        """*text*, the file's source, with the fault in it."""
        mutated = mutate_code(text, _OPERATORS[self.operator], self.occurrence)
        assert mutated is not None and mutated != text, self
        return str(mutated)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.operator} {self.occurrence}"


# Those whose faults a person might make: a boundary, a negation, the wrong one of two operators, a
# number off by one, a loop or call left out. The other operators of cosmic-ray replace one
# operator by any other, which mostly changes nothing or stops the import itself.
_NAMES = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ZeroIterationForLoop",
)
_SWAPPED = (
    ("Binary", "Add", "Sub"),
    ("Binary", "BitAnd", "BitOr"),
    ("Binary", "LShift", "RShift"),
    ("Binary", "Mul", "FloorDiv"),
    ("Comparison", "Eq", "NotEq"),
    ("Comparison", "Gt", "GtE"),
    ("Comparison", "Gt", "LtE"),
    ("Comparison", "Is", "IsNot"),
    ("Comparison", "Lt", "GtE"),
    ("Comparison", "Lt", "LtE"),
)


def _operators() -> dict[str, Any]:
    pairs = [(kind, *pair) for kind, a, b in _SWAPPED for pair in ((a, b), (b, a))]
    names = [*_NAMES, *(f"Replace{kind}Operator_{a}_{b}" for kind, a, b in pairs)]
    return {name: get_operator(f"core/{name}")() for name in names} | {"RemoveCall": RemoveCall()}


_OPERATORS = _operators()


# A stretch of a source, from its first place to the one after it: (line, column in characters).
_Place = tuple[int, int]
_Span = tuple[_Place, _Place]
# What a checker reads and a run does not: mypy refuses what assigns to a frozen dataclass.
_CHECKED = {"dataclass": ("frozen",), "zip": ("strict",)}


def mutants(root: Path, file: str, judged: Collection[str] = ()) -> list[Mutant]:
    """Every fault that can be planted in *file* and that somebody could notice.

    Left out are annotations, what only a checker reads, and other numbers for the constants
    *judged*.
    """
    text = (root / file).read_text("utf-8")
    lines, module = text.splitlines(), ast.parse(text)
    unread = [_span(lines, node) for node in _unread(module)]
    numbers = [_span(lines, node) for node in values(module, judged)]
    tree = get_ast(text)
    nodes = list(ast_nodes(tree))
    found = []
    for name, operator in sorted(_OPERATORS.items()):
        spans = unread + (numbers if name == "NumberReplacer" else [])
        positions = (position for node in nodes for position in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            if not any(first <= start < last for first, last in spans):
                found.append(Mutant(file, name, occurrence, start[0]))
    return found


def _unread(module: ast.Module) -> Iterator[ast.expr]:
    """Annotations, and arguments that only say what a checker or an assertion has to see."""
    for node in ast.walk(module):
        if isinstance(node, ast.arg | ast.AnnAssign):
            yield from filter(None, [node.annotation])
        elif isinstance(node, ast.FunctionDef):
            yield from filter(None, [node.returns])
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield node.test
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = _CHECKED.get(node.func.id, ())
            yield from (one.value for one in node.keywords if one.arg in named)


def values(module: ast.Module, names: Collection[str]) -> list[ast.expr]:
    """The expressions assigned to *names* by the module and its classes, in their order."""
    bodies = [module.body, *(node.body for node in module.body if isinstance(node, ast.ClassDef))]
    found = []
    for node in chain.from_iterable(bodies):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
            else:
                pairs = [(target, value)]
        found += [value for at, value in pairs if isinstance(at, ast.Name) and at.id in names]
    return found


def _span(lines: Sequence[str], node: ast.expr) -> _Span:
    last = node.end_lineno or node.lineno
    return (
        (node.lineno, _column(lines, node.lineno, node.col_offset)),
        (last, _column(lines, last, node.end_col_offset or 0)),
    )


def _column(lines: Sequence[str], line: int, offset: int) -> int:
    """A column in characters, from Python's offset in bytes."""
    return len(lines[line - 1].encode("utf-8")[:offset].decode("utf-8"))


def sample(root: Path, found: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """*count* of the mutants *found*, the same for the same seed and sources, at most one on a
    line.
    """
    chosen: dict[tuple[str, int], Mutant] = {}
    shuffled = sorted(found)
    random.Random(seed).shuffle(shuffled)
    for mutant in shuffled:
        if len(chosen) == count:
            break
        if (mutant.file, mutant.line) not in chosen and _compiles(root, mutant):
            chosen[mutant.file, mutant.line] = mutant
    return list(chosen.values())


def _compiles(root: Path, mutant: Mutant) -> bool:
    """Whether it is Python at all: ``not`` before an assignment expression is not."""
    try:
        compile(mutant.source((root / mutant.file).read_text("utf-8")), mutant.file, "exec")
    except SyntaxError:
        return False
    return True
