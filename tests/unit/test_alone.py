"""The plugin that runs tests by themselves at the end, in runs of pytest within the test."""

import os
from pathlib import Path

import pytest
from support import spread
from support.spread import idle_processors, idle_seconds

pytestmark = pytest.mark.runner

TESTS = Path(__file__).parents[1]
SUITE = """
    import os, pathlib, time
    import pytest

    MANY = pytest.mark.parametrize("number", range(41))

    def times(what):
        tally = pathlib.Path(what)
        tally.write_text(tally.read_text() + "x" if tally.exists() else "x")
        return len(tally.read_text())

    @pytest.fixture
    def unready():
        assert times("setup") > 1, "not yet"

    def test_good():
        pass

    @pytest.mark.parametrize("text", ["a@b", "漢", "x::y"])
    def test_good_by_name(text):
        pass
"""
GOOD = 4
FLAKY = """
    @pytest.mark.parametrize("text", ["漢 [@]"])
    def test_flaky(text):
        assert times("call") > 1, "the first time"
"""
FLAKY_SETUP = """
    def test_flaky_setup(unready):
        pass
"""
BAD = """
    def test_bad():
        assert times("bad") < 0
"""
DEADLY = """
    def test_deadly():
        os._exit(7)
"""
ALONE_TOO = """
    @pytest.mark.alone
    def test_alone_too():
        pass
"""
ALONE = """
    @pytest.mark.alone
    def test_alone():
        assert "PYTEST_WORKER" not in os.environ
        assert sorted(path.name for path in pathlib.Path("done").iterdir()) == ["w0", "w1"]

    @pytest.mark.parametrize("number", range(10))
    def test_beside_others(number):
        pathlib.Path("done").mkdir(exist_ok=True)
        pathlib.Path("done", os.environ["PYTEST_WORKER"]).touch()
        time.sleep(0.05)
"""
FLAKY_NAMES = ["test_suite.py::test_flaky[漢 [@]]", "test_suite.py::test_flaky_setup"]


def run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *parts: str, options: str
) -> pytest.RunResult:
    """A run of SUITE and *parts* beside which an earlier one has left a list."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # This run's own, where it has workers.
    monkeypatch.delenv("PYTEST_WORKER", raising=False)
    pytester.makepyfile(test_suite="\n".join((SUITE, *parts)))
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers -ra -p no:cacheprovider\n"
        f"pythonpath = {TESTS}\n"
        "disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true"
    )
    pytester.makeconftest('pytest_plugins = ["support.spread", "support.alone"]')
    (pytester.path / "build").mkdir()
    (pytester.path / "build" / "flaky.txt").write_text("an earlier run's\n", "utf-8")
    return pytester.runpytest_subprocess(*options.split())


def listed(pytester: pytest.Pytester) -> list[str] | None:
    file = pytester.path / "build" / "flaky.txt"
    return sorted(file.read_text("utf-8").splitlines()) if file.exists() else None


def test_where_nothing_fails_nothing_is_listed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(pytester, monkeypatch, options="--workers 0 --second-try")

    done.assert_outcomes(passed=GOOD)
    assert done.ret == 0 and listed(pytester) is None
    assert "flaky" not in done.stdout.str().lower()


SKIPPED = """
    @pytest.mark.alone
    @pytest.mark.skip(reason="not here, alone")
    def test_skipped_alone():
        pass

    @pytest.mark.skip(reason="not here")
    def test_skipped():
        pass
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_skipped_is_said_with_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    done = run(pytester, monkeypatch, SKIPPED, options=f"--workers {workers} --second-try")

    done.assert_outcomes(passed=GOOD, skipped=2)
    assert done.ret == 0
    done.stdout.re_match_lines_random([r"SKIPPED .*: not here$", r"SKIPPED .*: not here, alone$"])


@pytest.mark.parametrize("workers", [0, 2])
def test_what_fails_once_is_named_at_the_end_and_fails_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    options = f"--workers {workers} --second-try"
    done = run(pytester, monkeypatch, FLAKY, FLAKY_SETUP, options=options)

    assert done.ret == 0 and listed(pytester) == FLAKY_NAMES
    assert done.outlines[-3] == "flaky:" and sorted(done.outlines[-2:]) == FLAKY_NAMES
    assert f"{GOOD} passed, 2 flaky" in done.outlines[-4] and "failed" not in done.outlines[-4]
    said = done.stdout.str()
    assert "the first time" in said and "not yet" in said
    assert "FAILED test" not in said and "ERROR test" not in said


@pytest.mark.parametrize("workers", [0, 2])
def test_what_fails_twice_has_failed_whatever_is_beside_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    options = f"--workers {workers} --second-try"
    done = run(pytester, monkeypatch, BAD, FLAKY, options=options)

    done.assert_outcomes(passed=GOOD, failed=1)
    assert done.ret == 1 and listed(pytester) == FLAKY_NAMES[:1]
    assert done.stdout.str().count("It failed again, alone.") == 1
    done.stdout.fnmatch_lines(["FAILED test_suite.py::test_bad*"])
    assert (pytester.path / "bad").read_text() == "xx"


def test_a_worker_that_dies_fails_the_run_which_comes_to_its_end(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = "--workers 2 --second-try"
    done = run(pytester, monkeypatch, DEADLY, FLAKY, options=options)

    assert done.ret == 1 and listed(pytester) is None
    done.stdout.fnmatch_lines(["FAILED test_suite.py::test_deadly*"])


def test_what_fails_alone_has_failed_in_whatever_way(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, deadly = (
        part.replace("def test", "@pytest.mark.alone\n    def test") for part in (BAD, DEADLY)
    )
    done = run(pytester, monkeypatch, bad, deadly, options="--workers 2 --second-try")

    done.assert_outcomes(passed=GOOD, failed=2)
    assert done.ret == 1 and listed(pytester) is None
    done.stdout.fnmatch_lines_random(
        ["FAILED test_suite.py::test_deadly*", "FAILED test_suite.py::test_bad*"]
    )


def test_without_being_asked_for_nothing_is_tried_again(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(pytester, monkeypatch, FLAKY, ALONE_TOO, options="--workers 0")

    done.assert_outcomes(passed=GOOD + 1, failed=1)
    assert done.ret == 1 and listed(pytester) == ["an earlier run's"]


def test_too_many_failures_are_not_tried_again(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = BAD.replace("def test_bad()", "@MANY\n    def test_bad(number)")
    done = run(pytester, monkeypatch, many, options="--workers 0 --second-try")

    done.assert_outcomes(passed=GOOD, failed=41)
    assert done.ret == 1 and len((pytester.path / "bad").read_text()) == 41


def test_what_is_marked_alone_runs_when_all_workers_have_ended(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(pytester, monkeypatch, ALONE, options="--workers 2")

    done.assert_outcomes(passed=GOOD + 11)
    assert done.ret == 0


TOGETHER = """
    import os, pathlib
    import pytest

    @pytest.fixture(scope="module")
    def made():
        pathlib.Path("made").write_text("made" + os.environ["PYTEST_WORKER"])

    @pytest.mark.parametrize("number", range(10))
    def test_together(made, number):
        assert pathlib.Path("made").read_text() == "made" + os.environ["PYTEST_WORKER"]
"""


def test_what_shares_a_modules_fixture_runs_in_one_worker(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_together=TOGETHER)
    done = run(pytester, monkeypatch, ALONE, options="--workers 2")

    done.assert_outcomes(passed=GOOD + 11 + 10)


SPARED = """
    from support import spread

    spread.WATCHED_SECONDS = 0.01
    spread.idle_processors = lambda seconds: {idle}

    @pytest.mark.parametrize("number", range(12))
    def test_beside_spare_ones(number):
        ran = pathlib.Path("ran")
        ran.mkdir(exist_ok=True)
        (ran / os.environ["PYTEST_WORKER"]).touch()
        until = time.monotonic() + 60
        while len(list(ran.iterdir())) < {workers}:
            assert time.monotonic() < until
            time.sleep(0.02)
"""


@pytest.mark.parametrize(("idle", "workers"), [(0.5, 4), (0.4, 2)])
def test_spare_workers_take_tests_only_while_a_processor_is_idle(
    idle: float, workers: int, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    spared = SPARED.format(idle=idle, workers=workers)
    done = run(pytester, monkeypatch, spared, options="--workers 2 --spare-workers 2")

    done.assert_outcomes(passed=GOOD + 12)
    ran = sorted(path.name for path in (pytester.path / "ran").iterdir())
    assert ran == ["w0", "w1", "w2", "w3"][:workers]


def test_the_time_in_which_processors_are_idle_is_what_the_kernel_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stat = tmp_path / "stat"
    counted = [f"cpu  1000 20 300 {idle} 500 6 7 8 9 0\ncpu0 1 1 1 1 1 1 1\n" for idle in (40, 90)]
    stat.write_text(counted[0])
    monkeypatch.setattr(spread, "STAT", stat)
    monkeypatch.setattr("time.sleep", lambda _: stat.write_text(counted[1]))

    assert idle_processors(0.25) == pytest.approx(50 / os.sysconf("SC_CLK_TCK") / 0.25)
    assert idle_seconds(counted[0]) == pytest.approx(540 / os.sysconf("SC_CLK_TCK"))


DEADLY_TOGETHER = """
    import os
    import pytest

    @pytest.fixture(scope="module")
    def made():
        pass

    @pytest.mark.parametrize("number", range(4))
    def test_deadly(made, number):
        if number == 1:
            os._exit(7)
"""


def test_what_a_dead_worker_had_taken_has_failed_and_the_rest_runs(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_deadly=DEADLY_TOGETHER)
    done = run(pytester, monkeypatch, options="--workers 2")

    done.assert_outcomes(passed=GOOD + 1, failed=3)
    assert done.ret == 1 and "(exit code 7)" in done.stdout.str()


def test_what_no_worker_is_left_for_has_failed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_deadly=DEADLY_TOGETHER)
    done = run(pytester, monkeypatch, options="--workers 1")

    done.assert_outcomes(passed=1, failed=3, errors=GOOD)
    assert done.ret == 1 and "No worker was left to run it." in done.stdout.str()


BAD_END = """
    @pytest.fixture(scope="session")
    def ends_badly():
        yield
        raise ValueError("at the end")

    def test_before_a_bad_end(ends_badly):
        pass
"""


def test_what_fails_when_a_worker_ends_fails_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(pytester, monkeypatch, BAD_END, options="--workers 2")

    done.assert_outcomes(passed=GOOD + 1, failed=1)
    assert done.ret == 1 and "ValueError: at the end" in done.stdout.str()


def test_the_first_failure_ends_the_run_where_that_is_asked_for(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = BAD.replace("def test_bad()", "@MANY\n    def test_bad(number)")
    done = run(pytester, monkeypatch, many, options="--workers 2 --maxfail=1")

    assert done.ret == 1 and done.parseoutcomes()["failed"] == 1
