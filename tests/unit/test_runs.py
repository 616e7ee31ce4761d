"""Runs of the same tests give the same result: side by side in one checkout, on two days, and as
an ordinary user.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.runner

ROOT = Path(__file__).parents[2]
# They ask for the day, make and copy keys, start gpg, seal, open and sign, and keep casebooks.
TESTS = (
    "tests/unit/test_openpgp.py::test_each_reviewer_opens_what_was_sealed",
    "tests/unit/test_openpgp.py::test_the_last_day_is_that_of_the_reviewer_whose_keys_end_first",
    "tests/unit/test_front.py::test_an_answer_can_be_deleted_and_the_other_stays",
    "tests/desk/test_answering.py::test_every_bundle_has_the_same_size_and_what_does_not_fit_waits",
    "tests/desk/test_answering.py::test_it_is_seen_when_an_answer_left_and_when_the_claimant_came_back",
    "tests/desk/test_answering.py::test_the_outbox_says_what_waits_for_whom_and_how_long",
)
# The kernel's user without any right.
NOBODY = 65_534


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter. Its path is short: gpg-agent's socket is in it."""
    place = Path(tempfile.mkdtemp(prefix="runs"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


def begin(place: Path, name: str, *options: str, **process: Any) -> subprocess.Popen[str]:
    """Begin to run TESTS, with a place of its own for what they write."""
    home = place / name
    home.mkdir()
    if "user" in process:
        os.chown(home, process["user"], process["group"])
    environ = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTEST_", "COV_", "COVERAGE_"))
    }
    environ |= {
        "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT / "tests"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *TESTS],
        cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        **process,
    )  # fmt: skip


def readable_by_others() -> bool:
    """Whether another user can read this checkout and run its Python."""
    done = subprocess.run(
        [sys.executable, "-c", "import pytest, dropbox.openpgp"],
        cwd=ROOT, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.long
def test_runs_side_by_side_past_midnight_and_of_another_user_have_the_same_result(
    place: Path,
) -> None:
    runs = {
        "usual": begin(place, "usual"),
        "midnight": begin(place, "midnight", "-p", "support.midnight"),
    }
    if os.geteuid() == 0 and readable_by_others():
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        runs["nobody"] = begin(place, "nobody", **nobody)
    try:
        said = {name: run.communicate(timeout=240)[0] for name, run in runs.items()}
    finally:
        for run in runs.values():
            run.kill()

    results = {name: text.strip().splitlines()[-1] for name, text in said.items()}
    assert {name: run.returncode for name, run in runs.items()} == dict.fromkeys(runs, 0), said
    counts = {line.strip("= ").partition(" in ")[0] for line in results.values()}
    assert len(counts) == 1 and counts.pop().endswith(" passed"), results
    assert "from 23:57" in said["midnight"] and "to 00:0" in said["midnight"]
