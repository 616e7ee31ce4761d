"""The plugin that names the test that started a process and did not wait for it."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.runner

TESTS = Path(__file__).parents[1]
SUITE = """
    import gc, subprocess
    import pytest
    from support.unwaited import keep

    LEFT = []

    def start():
        return subprocess.Popen(["sleep", "60"])

    @pytest.fixture(scope="session")
    def for_the_whole_run():
        with start() as process:
            keep(process)
            yield
            process.kill()

    @pytest.fixture(scope="module")
    def for_this_module():
        with start() as process:
            yield process
            process.kill()

    def test_good(for_the_whole_run, for_this_module):
        subprocess.run(["true"])

    def test_forgets():
        LEFT.append(start())
        ended = subprocess.Popen(["true"])
        while ended.poll() is None:
            pass

    def test_drops():
        one = start()
        one.kill()
        del one

    def test_drops_in_a_circle():
        circle = [start()]
        circle[0].kill()
        circle.append(circle)
        del circle
        gc.collect()

    def test_comes_last():
        assert LEFT[0].poll() is None
"""
NEXT = """
    def test_another_module():
        from test_first import LEFT
        assert LEFT[0].returncode is not None
"""


def test_a_process_that_nobody_waits_for_is_named_with_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_first=SUITE, test_second=NEXT)
    pytester.makeini(f"[pytest]\npythonpath = {TESTS}\nfilterwarnings = error")
    pytester.makeconftest('pytest_plugins = ["support.unwaited"]')
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    said = done.stdout.str()
    # The module's last test alone is blamed for what is left at its end, and says whose it is.
    assert said.count("ERROR at teardown of ") == 1
    assert "ERROR at teardown of test_comes_last" in said
    for name in ("forgets", "drops", "drops_in_a_circle"):
        assert f"which test_first.py::test_{name} started\n" in said
    assert "test_good started" not in said
    done.assert_outcomes(passed=4, failed=2, errors=1)
