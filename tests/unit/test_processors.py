"""Who had the processors, by the kernel's own figures."""

import os
import time

from scripts.rehearsal.processors import OTHERS, Processors


def looked(at: float, ran: float, waits: dict[str, float], machine: float) -> Processors:
    return Processors(at, {"drop": ran}, {"drop": waits}, machine)


def test_shares_are_of_the_time_between_two_looks() -> None:
    before = looked(100.0, 5.0, {"1": 2.0, "2": 1.0}, 50.0)
    # The second thread has ended, and a third has begun.
    after = looked(110.0, 9.0, {"1": 5.0, "3": 1.0}, 65.0)

    shares = after.since(before)
    assert (shares["drop"].ran, shares["drop"].waited) == (0.4, 0.4)
    # What the machine did beyond that.
    assert shares[OTHERS].ran == 1.1


def test_a_process_at_work_is_seen_to_run() -> None:
    pids = {"this": [os.getpid()]}
    before = Processors.now(pids)
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass

    share = Processors.now(pids).since(before)["this"]
    assert share.ran > 0 and share.waited >= 0
