"""The soak's arithmetic: the drop itself is loaded by `make soak`."""

import math
import os
import time

from scripts.rehearsal.soak import Sample, medians, sample, visit_until


def test_the_figures_are_medians_of_a_quarter_a_half_and_a_quarter() -> None:
    samples = [Sample(at / 8, at * 10.0, 0, 1, 1) for at in range(8)]

    assert medians(samples, "megabytes") == (5.0, 35.0, 65.0)
    assert math.isnan(medians(samples[:1], "megabytes")[2])


def test_a_visitor_pauses_for_as_long_as_each_visit_took() -> None:
    made, done = list[str](), list[int]()

    def visit() -> None:
        made.append("a")
        time.sleep(0.02)

    begun = time.monotonic()
    visit_until(begun + 0.1, [visit, visit], done)

    # Without the pauses there would be five, or four where the machine is slow.
    assert 1 <= len(made) <= 3 and done == list(range(1, len(made) + 1))


def test_this_process_has_descriptors_threads_and_memory() -> None:
    found = sample(os.getpid(), 0.5)

    assert found.megabytes > 1 and found.descriptors > 2
    assert found.processes >= 1 and found.threads >= 1
