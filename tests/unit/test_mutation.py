"""The planting of faults: the same ones for a seed, each in a file that has tests, each a real
change.
"""

import ast
from pathlib import Path

import pytest
from mutation.mutants import mutants, sample, values
from mutation.plan import ROOT, groups, judged_constants, planted
from mutation.reach import Reach


def test_every_file_of_the_drop_and_the_desk_has_its_tests() -> None:
    covered = [file for group in groups() for file in group.files]
    rooms = ("dropbox", "onion", "scripts/desk", "scripts/ceremony", "scripts/operator")
    sources = ["scripts/sealed_archive.py"] + [
        str(path.relative_to(ROOT))
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if path.name != "__init__.py"
    ]

    assert sorted(covered) == sorted(sources)


def test_every_suite_exists() -> None:
    for group in groups():
        assert group.tests and all((ROOT / test).is_file() for test in group.tests), group
    for fault in planted():
        for test in fault.tests:
            path, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / path).read_text("utf-8") or not name, fault


@pytest.mark.slow
def test_every_fault_that_was_planted_by_hand_can_be_planted_again() -> None:
    for fault in planted():
        text = (ROOT / fault.file).read_text("utf-8")
        compile(fault.source(text), fault.file, "exec")


def test_a_sample_is_the_same_for_a_seed_and_each_of_it_changes_the_source(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "def f(a: int = 1 + 2) -> int | None:\n    check(a)\n"
        "    if a < 3 and not a:\n        return a\n    return None\n"
    )
    found = mutants(tmp_path, "a.py")
    drawn = sample(tmp_path, found, 3, seed=5)

    assert drawn == sample(tmp_path, found, 3, seed=5) and len(drawn) == 3
    text = (tmp_path / "a.py").read_text()
    assert all(one.source(text) != text for one in found)
    removed = next(one for one in found if one.operator == "RemoveCall")
    assert "    pass\n" in removed.source(text) and removed.line == 2
    assert "ReplaceBinaryOperator_BitOr_BitAnd" not in {one.operator for one in found}


def test_each_constant_that_is_a_matter_of_judgement_is_a_number_of_its_file() -> None:
    for file, names in judged_constants().items():
        module = ast.parse((ROOT / file).read_text("utf-8"))
        for name in names:
            (value,) = values(module, [name])
            assert any(isinstance(one, ast.Constant) for one in ast.walk(value)), (file, name)


def test_what_nobody_could_notice_is_not_planted(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "WIDTH, LIMIT = 80, 90\n\n\n@dataclass(frozen=True)\nclass A:\n    tries: int = 3\n\n"
        "    def pairs(self) -> list:\n        return zip(self.a, self.b, strict=True)\n"
    )
    lines = [one.line for one in mutants(tmp_path, "a.py", ["WIDTH"])]

    assert lines == [1, 1, 6, 6]
    assert [one.line for one in mutants(tmp_path, "a.py", ["LIMIT", "tries"])] == [1, 1]


def test_a_fault_meets_first_the_tests_that_run_its_function() -> None:
    text = "LIMIT = 1\n\n\ndef f():\n    if g():\n        return 2\n    return 3\n"
    reach = Reach({"a.py": {1: frozenset(), 6: frozenset({"t::two"}), 7: frozenset({"t::one"})}})

    assert reach.tests("a.py", text, 5) == ["t::one", "t::two"]
    assert reach.tests("a.py", text, 1) == reach.tests("b.py", text, 5) == []
    timed = Reach(reach.by_line, {"t::one": 2.0, "t::two": 1.0})
    assert timed.tests("a.py", text, 5) == ["t::two", "t::one"]


def test_a_text_that_is_not_found_once_is_no_fault() -> None:
    fault = planted()[0]

    with pytest.raises(ValueError, match="0 times"):
        fault.source("")
