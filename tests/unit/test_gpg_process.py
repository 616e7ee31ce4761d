"""A child gets all of its input, and all of its output is read, whatever its length and exit."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dropbox import gpg_process
from dropbox.errors import CannotSeal, Damaged, OpensLarger

ENVIRON = {"PATH": os.environ["PATH"]}
BOUNDS = gpg_process.Bounds(out_bytes=3_000_000)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def python(program: str, data: bytes = b"") -> gpg_process.Result:
    return gpg_process.run(
        [sys.executable, "-Sc", f"import sys, os, time\n{program}"], data, ENVIRON, BOUNDS
    )


@pytest.mark.parametrize("size", [0, 1, 65_536, 131_072, 131_073, 3_000_000])
def test_what_a_child_writes_comes_back_whole(size: int) -> None:
    data = os.urandom(size)

    assert gpg_process.run(["cat"], data, ENVIRON, BOUNDS) == (0, data, b"")


def test_a_child_that_takes_its_time_is_waited_for() -> None:
    ended = python(
        "for _ in range(4): time.sleep(0.04); os.write(1, b'x' * 100); os.write(2, b'e')"
    )

    assert ended == (0, b"x" * 400, b"eeee")


def test_how_it_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without folders that this user may not read: there the error would be another one.
    monkeypatch.setenv("PATH", os.defpath)
    assert python("os.write(2, b'why'); sys.exit(3)") == (3, b"", b"why")
    assert python("os.kill(os.getpid(), 9)").code == -9
    with pytest.raises(FileNotFoundError):
        gpg_process.run(["no-such-program"], b"", ENVIRON, BOUNDS)


def test_a_child_ends_when_nobody_reads_it_any_more() -> None:
    """Python ignores SIGPIPE, and what it starts would too: a gpg would write on into nothing."""
    ended = gpg_process.run(["grep", "SigIgn", "/proc/self/status"], b"", ENVIRON, BOUNDS)

    ignored = int(ended.out.split()[1], 16)
    assert ended.code == 0 and not ignored & 1 << (signal.SIGPIPE - 1)
    with Path("/proc/self/status").open() as status:
        mine = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn"))
    assert mine & 1 << (signal.SIGPIPE - 1), "the control"


@pytest.mark.parametrize("more", [0, 1])
def test_a_child_that_writes_more_than_its_message_can_hold_is_ended(more: int) -> None:
    """gpg is told its limit, too; this one holds whatever gpg does."""
    writing = ["head", "-c", str(BOUNDS.out_bytes + more), "/dev/zero"]
    taken: list[bytes] = []
    refused: Any = pytest.raises(OpensLarger) if more else nullcontext()
    with refused:
        gpg_process.run(writing, b"", ENVIRON, BOUNDS)
    with refused:
        gpg_process.stream(writing, lambda _: b"", taken.append, ENVIRON, BOUNDS)

    assert sum(map(len, taken)) <= BOUNDS.out_bytes


def test_a_child_whose_output_nobody_takes_is_ended() -> None:
    said: list[bytes] = []

    def sink(piece: bytes) -> None:
        said.append(piece)
        raise Damaged("full")

    command = ["sh", "-c", "echo $$; exec sleep 60"]
    with pytest.raises(Damaged, match="full"):
        gpg_process.stream(command, lambda _: b"", sink, ENVIRON, BOUNDS)

    assert not Path(f"/proc/{int(said[0])}").exists()


def test_a_child_has_no_file_of_this_process(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as open_here:
        assert open_here.fileno() > 2
        names = python(
            "for one in os.listdir('/proc/self/fd'):\n"
            " try: print(os.readlink('/proc/self/fd/' + one))\n except OSError: pass"
        )

    assert b"memfd:in" in names.out and b"memfd:err" in names.out and b"secret" not in names.out


def test_many_at_once_do_not_mix_and_leave_nothing_open() -> None:
    before = descriptors()
    texts = [str(number).encode() * 5_000 for number in range(40)]

    with ThreadPoolExecutor(8) as executor:
        ended = list(
            executor.map(lambda text: gpg_process.run(["cat"], text, ENVIRON, BOUNDS), texts)
        )

    assert [one.out for one in ended] == texts and descriptors() <= before


def failing_at(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """*call*, of which the *number*-th (from 1) finds no descriptor left."""
    left = [number]

    def fail(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return call(*arguments, **named)

    return fail


@pytest.mark.parametrize(
    ("name", "number"), [("pipe", 1), ("pipe", 2), ("pipe", 3), ("posix_spawnp", 1)]
)
def test_without_descriptors_nothing_is_sealed_and_none_stays_open(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    before = descriptors()
    with monkeypatch.context() as short:
        short.setattr(os, name, failing_at(getattr(os, name), number))
        with pytest.raises(CannotSeal):
            gpg_process.pipe(["cat"], BytesIO(b"x"), lambda _: None, ENVIRON)

    assert descriptors() == before


def test_a_source_that_cannot_be_handed_over_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "source").write_bytes(b"text")
    taken: list[bytes] = []
    with (tmp_path / "source").open("rb") as source:
        before = descriptors()
        with monkeypatch.context() as short:
            short.setattr(os, "dup", failing_at(os.dup, 1))
            with pytest.raises(CannotSeal):
                gpg_process.pipe(["cat"], source, taken.append, ENVIRON)
        assert descriptors() == before and taken == []
        assert gpg_process.pipe(["cat"], source, taken.append, ENVIRON).code == 0

    assert b"".join(taken) == b"text"


@pytest.mark.parametrize("in_a_pipe", [True, False])
def test_a_gpg_that_stands_still_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_a_pipe: bool
) -> None:
    """Each gpg takes one of the few places for sealing, and would keep it."""
    monkeypatch.setattr(gpg_process, "_STALLED_SECONDS", 0.1)
    before, number = descriptors(), tmp_path / "number"
    command = ["sh", "-c", f"echo $$ >{number}; exec sleep 60"]
    reader, writer = os.pipe()
    os.write(writer, b"part of a file")

    with (
        os.fdopen(reader, "rb", buffering=0) as pipe,
        os.fdopen(writer, "wb"),
        pytest.raises(CannotSeal, match="stands still"),
    ):
        gpg_process.pipe(command, pipe if in_a_pipe else BytesIO(b"text"), lambda _: None, ENVIRON)

    assert descriptors() == before
    assert not Path(f"/proc/{number.read_text().strip()}").exists()


def test_a_gpg_whose_claimant_is_slow_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpg_process, "_STALLED_SECONDS", 0.05)
    reader, writer = os.pipe()
    got: list[bytes] = []

    def send_late() -> None:
        with os.fdopen(writer, "wb", buffering=0) as late:
            time.sleep(0.3)
            late.write(b"the rest")

    with ThreadPoolExecutor() as claimant, os.fdopen(reader, "rb", buffering=0) as pipe:
        sent = claimant.submit(send_late)
        assert gpg_process.pipe(["cat"], pipe, got.append, ENVIRON).code == 0
        sent.result()

    assert b"".join(got) == b"the rest"


def test_a_child_can_be_given_a_second_file() -> None:
    before = descriptors()
    ended = gpg_process.run(["cat", "-", gpg_process.THIRD], b"one", ENVIRON, BOUNDS, b"two")

    assert ended == (0, b"onetwo", b"")
    assert descriptors() == before


# --- Bounds ---


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Look at a child that has used so much: bytes of errors, ticks of processor, pages."""

    def check(*, err: int = 0, user: int = 0, system: int = 0, pages: int = 0) -> None:
        child: Any = gpg_process._Child.__new__(gpg_process._Child)
        child._bounds, child._next_check = gpg_process.Bounds(0, 3.0, 100 * 4_096), 0.0
        child._err, child._pid = -1, 1
        # The number of the process, its name in brackets, and what follows the name.
        fields = ["S"] + ["0"] * 40
        fields[11], fields[12], fields[21] = str(user), str(system), str(pages)
        stat = f"1 (a) b) {' '.join(fields)}".encode()
        with monkeypatch.context() as patch:
            patch.setattr(gpg_process, "_TICKS", 100)
            patch.setattr(gpg_process, "_PAGE_BYTES", 4_096)
            patch.setattr(os, "fstat", lambda _: os.stat_result((0,) * 6 + (err, 0, 0, 0)))
            patch.setattr(Path, "read_bytes", lambda _: stat)
            child.check()
            first = child._next_check
            child.check()  # too soon to look again
        assert first == child._next_check

    return check


def test_a_child_may_use_all_of_its_bounds(checked: Callable[..., None]) -> None:
    checked(err=2**20, user=100, system=200, pages=100)


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        ({"err": 2**20 + 1}, "it report without end"),
        ({"user": 101, "system": 200}, "it too long"),
        ({"user": 301}, "it too long"),
        ({"pages": 101}, "it too much memory"),
    ],
)
def test_a_child_that_uses_more_than_its_bounds_is_stopped(
    checked: Callable[..., None], used: dict[str, int], sentence: str
) -> None:
    with pytest.raises(Damaged) as stopped:
        checked(**used)
    verb = "makes" if "err" in used else "takes"
    assert str(stopped.value) == f"gpg was stopped: this message {verb} {sentence}."


def test_the_usual_bounds_are_three_seconds_and_256_mebibytes() -> None:
    assert gpg_process.Bounds(7) == (7, 3.0, 268_435_456)
    assert gpg_process._STALLED_SECONDS == 60


def test_a_child_is_looked_at_every_twentieth_of_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child: Any = gpg_process._Child.__new__(gpg_process._Child)
    child._bounds, child._next_check, child._err, child._pid = BOUNDS, 0.0, -1, os.getpid()
    looked = list[float]()
    clock, fstat = [100.0], os.fstat

    def looking(file: int) -> os.stat_result:
        if file == -1:
            looked.append(clock[0])
        return fstat(0)

    monkeypatch.setattr(os, "fstat", looking)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    for now in (100.0, 100.049, 100.051, 100.1, 100.102):
        clock[0] = now
        with suppress(Damaged):  # this process may have used more than a child may
            child.check()

    assert looked == [100.0, 100.051, 100.102]


def test_a_feed_writes_what_the_pipe_takes_and_ends_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    given = [b"a" * 65_536, b"b" * 70_000, b"c", b""]
    asked = list[int]()

    def read(size: int) -> bytes:
        asked.append(size)
        return given[len(asked) - 1]

    feed = gpg_process._Feed(writer, read)
    assert feed.push()
    # The pipe is full: the second piece is asked for once, however often it has to wait.
    assert [feed.push() for _ in range(3)] == [True] * 3 and len(asked) == 2
    taken = b""
    while feed.push():
        taken += os.read(reader, 50_000)
    feed.close()
    feed.close()
    while piece := os.read(reader, 50_000):
        taken += piece
    os.close(reader)
    assert taken == b"".join(given) and len(asked) == 4

    reader, writer = os.pipe()
    os.close(reader)
    feed = gpg_process._Feed(writer, lambda _: b"x")
    assert not feed.push()
    feed.close()
