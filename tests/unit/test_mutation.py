"""The planting of faults: the same ones for a seed, each in a file that has tests, each a real
change.
"""

from pathlib import Path

import pytest
from mutation.mutants import mutants, sample
from mutation.plan import ROOT, groups, planted


def test_every_file_of_the_drop_and_the_desk_has_its_tests() -> None:
    covered = [file for group in groups() for file in group.files]
    sources = [
        str(path.relative_to(ROOT))
        for room in ("dropbox", "onion", "scripts/desk", "scripts/ceremony")
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


def test_a_text_that_is_not_found_once_is_no_fault() -> None:
    fault = planted()[0]

    with pytest.raises(ValueError, match="0 times"):
        fault.source("")
