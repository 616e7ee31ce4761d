"""When a worker ends that has answered enough; the clock is a number that each call is given."""

import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from gunicorn.workers import gthread

from onion import front_worker
from onion.front_worker import POSTPONE_SECONDS, FrontWorker
from onion.request_arrival import Arrival, ArrivalLimits, Arrivals, BodySource
from onion.turns import Turns
from onion.upload_places import Upload, UploadPlaces

LIMITS = ArrivalLimits()
NO_SOCKET = cast(socket.socket, None)


class Listener:
    """What a worker has registered: whether it accepts."""

    accepts = True

    def register(self, *_: object) -> None:
        self.accepts = True

    def unregister(self, _: object) -> None:
        self.accepts = False

    def setblocking(self, _: bool) -> None:
        """See socket."""


@pytest.fixture(autouse=True)
def retiring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_worker, "_retiring", bytearray(8))


def worker(answered: int = 20) -> Any:
    """A worker that accepts and has to answer 20 requests, without a process."""
    made: Any = FrontWorker.__new__(FrontWorker)
    made.alive, made.nr, made.last_response = True, answered, 20
    made._uploads, made._arrivals, made._draining = UploadPlaces(LIMITS), Arrivals(9), {}
    made._due_at, made._retired, made._leaves, made._accepting = None, False, False, True
    made._turns = Turns(LIMITS)
    made.enqueue_req = lambda _: None
    made.poller = Listener()
    made.sockets = [made.poller]
    return made


class Source(BodySource):
    """A body of which nothing arrives."""

    def ahead(self) -> int:
        return 0


def upload(made: Any) -> Upload:
    one = Upload(b"", Source(NO_SOCKET, 1.0), 10**6, None)
    made._uploads.wait(one, 0.0)
    made._uploads.start(0.0)
    return one


def test_a_worker_ends_once_it_has_answered_enough_whoever_sends_no_head() -> None:
    early, due = worker(19), worker(20)
    for one in (early, due):
        one._arrivals.add(Arrival(NO_SOCKET, 0.0, LIMITS))
        one._end_if_due(1.0)

    assert (early.alive, due.alive) == (True, False)


def test_an_upload_and_a_client_that_still_sends_postpone_the_end() -> None:
    made = worker()
    one = upload(made)
    made._draining["connection"] = 5.0
    made._end_if_due(1.0)
    made._uploads.end(one)
    made._end_if_due(2.0)
    assert made.alive
    made._draining.clear()
    made._end_if_due(3.0)

    assert not made.alive


def test_uploads_one_after_another_do_not_postpone_it_for_ever() -> None:
    made = worker()
    one = upload(made)
    made._end_if_due(1_000.0)
    made._end_if_due(1_000.0 + POSTPONE_SECONDS - 0.1)
    assert made.poller.accepts
    made._end_if_due(1_000.0 + POSTPONE_SECONDS)
    assert made.alive and not made.poller.accepts
    # gunicorn's loop asks again and again.
    made.set_accept_enabled(True)
    assert not made.poller.accepts
    made._uploads.end(one)
    made._end_if_due(1_000.0 + POSTPONE_SECONDS + 1)

    assert not made.alive


def test_only_one_worker_at_a_time_accepts_nothing() -> None:
    first, second = worker(), worker()
    for one in (first, second):
        upload(one)
        one._end_if_due(1_000.0)
    late = 1_000.0 + POSTPONE_SECONDS
    for one in (first, second):
        one._end_if_due(late)
    assert (first.poller.accepts, second.poller.accepts) == (False, True)
    # The first still says so, until it has ended.
    first._end_if_due(late + 25)
    second._end_if_due(late + 50)
    assert second.poller.accepts
    second._end_if_due(late + 60)

    assert not second.poller.accepts


def test_beside_a_flood_only_one_worker_at_a_time_leaves_while_others_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, third = worker(), worker(), worker()
    for one in (first, second):
        one._turns.wait(SimpleNamespace(granted=None), b"fc00::a", b"GET / HTTP/1.1", 1_000.0)
        one._end_if_due(1_000.0)
    assert (first.alive, second.alive) == (False, True)
    # One for whose request nobody waits goes at once.
    third._end_if_due(1_000.0)
    assert not third.alive
    # It takes the first long to answer those that wait.
    first._next_tick, first._stopped_at = 0.0, 1_000.0
    monkeypatch.setattr(front_worker, "time", SimpleNamespace(monotonic=lambda: 1_025.0))
    first.murder_pending()
    second._end_if_due(1_050.0)
    assert second.alive
    # Its place is taken.
    monkeypatch.setattr(gthread.ThreadWorker, "run", lambda _: None)
    worker().run()
    second._end_if_due(1_050.0)

    assert not second.alive
