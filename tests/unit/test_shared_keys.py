"""The keys of form pages: a day's each, in memory only, shared by workers and fronts."""

import mmap
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dropbox.codename import Codename
from dropbox.errors import KeyMemoryError
from dropbox.front.form_token import ForgedToken, FormState, FormTokens, LeftToken, StaleToken
from dropbox.front.shared_keys import (
    DAY_SECONDS,
    OVERLAP_SECONDS,
    REGION_BYTES,
    SharedKeys,
    default_path,
)

MIDNIGHT = 20_700 * DAY_SECONDS
VISIT = bytes(range(16))


@dataclass
class Clock:
    now: float = MIDNIGHT - 3_600

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(memory_folder: Path) -> Iterator[Path]:
    place = memory_folder / f"keys-{os.urandom(4).hex()}"
    yield place
    place.unlink(missing_ok=True)


@pytest.fixture
def keys(path: Path, clock: Clock) -> SharedKeys:
    return SharedKeys.open(path, clock)


def test_each_day_has_its_own_key_and_that_before_is_accepted_two_hours_more(
    keys: SharedKeys, clock: Clock, path: Path
) -> None:
    (before,) = keys.now()
    clock.now = MIDNIGHT
    today, still = keys.now()
    clock.now = MIDNIGHT + OVERLAP_SECONDS
    assert keys.now() == [today, still]
    clock.now += 1

    assert still == before and today.key != before.key and keys.now() == [today]
    assert today.key in path.read_bytes() and before.key not in path.read_bytes()


def test_after_a_day_without_a_request_neither_old_key_is_left(
    keys: SharedKeys, clock: Clock, path: Path
) -> None:
    first = keys.now()[0].key
    clock.now += DAY_SECONDS
    second = keys.now()[0].key
    clock.now += 2 * DAY_SECONDS
    (third,) = keys.now()

    whole = path.read_bytes()
    assert third.key in whole and first not in whole and second not in whole


def test_a_clock_that_goes_back_accepts_no_key_of_the_day_that_was_ahead(
    keys: SharedKeys, clock: Clock
) -> None:
    ahead = keys.now()[0]
    clock.now -= 2 * DAY_SECONDS

    assert ahead not in keys.now()


def test_a_front_that_starts_again_and_a_second_one_have_the_same_keys(
    keys: SharedKeys, path: Path, clock: Clock
) -> None:
    other = SharedKeys.open(path, clock)
    keys.leave(VISIT)

    assert other.now() == keys.now() and other.left(other.now()[0], VISIT) and not other.damaged
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


IN_ANOTHER = """
import sys
from pathlib import Path
from dropbox.front.shared_keys import SharedKeys
keys = SharedKeys.open(Path(sys.argv[1]), lambda: float(sys.argv[2]))
print(keys.now()[0].key.hex())
"""


@pytest.mark.slow
def test_whoever_comes_first_after_midnight_makes_the_one_new_key(
    keys: SharedKeys, path: Path, clock: Clock
) -> None:
    before = keys.now()[0].key.hex()
    clock.now = MIDNIGHT
    command = [sys.executable, "-c", IN_ANOTHER, str(path), str(clock.now)]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    found = {one.communicate()[0].strip() for one in others} | {keys.now()[0].key.hex()}

    assert len(found) == 1 and before not in found


@pytest.mark.slow
def test_workers_that_were_forked_share_a_new_key(keys: SharedKeys, clock: Clock) -> None:
    clock.now = MIDNIGHT
    reader, writer = os.pipe()
    for _ in range(4):
        if (child := os.fork()) == 0:
            os.write(writer, keys.now()[0].key)
            os._exit(0)
        os.waitpid(child, 0)

    assert os.read(reader, 1_000) == keys.now()[0].key * 4


def test_a_process_that_dies_with_the_lock_stops_nobody(keys: SharedKeys) -> None:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with keys.locked():
            os.write(writer, b"locked")
            time.sleep(60)
    os.read(reader, 6)
    done = threading.Event()

    def come() -> None:
        keys.now()
        done.set()

    threading.Thread(target=come, daemon=True).start()
    assert not done.wait(0.3), "the control: the lock holds"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert done.wait(10)


@pytest.mark.parametrize("at", [0, 7, 8, 39, 40, 55])
def test_a_damaged_key_is_said_and_made_anew(
    at: int, keys: SharedKeys, path: Path, clock: Clock
) -> None:
    (good,) = keys.now()
    slot = good.day % 2 * 56
    with path.open("r+b") as file:
        file.seek(slot + at)
        byte = file.read(1)
        file.seek(slot + at)
        file.write(bytes([byte[0] ^ 1]))
    again = SharedKeys.open(path, clock)

    assert again.damaged and good.key not in [key.key for key in again.now()]
    assert not SharedKeys.open(path, clock).damaged


@pytest.mark.parametrize("size", [1, REGION_BYTES - 1, REGION_BYTES + 1])
def test_a_file_of_another_size_is_replaced_and_never_resized(
    size: int, path: Path, clock: Clock
) -> None:
    path.touch(0o600)
    os.truncate(path, size)
    with path.open("rb") as held:
        SharedKeys.open(path, clock).now()

        assert os.fstat(held.fileno()).st_size == size and path.stat().st_size == REGION_BYTES


def test_keys_on_a_disk_are_refused(clock: Clock) -> None:
    on_disk = Path(__file__).parents[2] / "key_memory_on_a_disk"

    with pytest.raises(KeyMemoryError, match=r"is on a disk.*\[front\] key_memory"):
        SharedKeys.open(on_disk, clock)
    assert not on_disk.exists()


def test_a_file_that_somebody_else_could_read_or_exchange_is_refused(
    path: Path, clock: Clock
) -> None:
    path.touch(0o644)
    with pytest.raises(KeyMemoryError, match="only this user"):
        SharedKeys.open(path, clock)
    path.chmod(0o600)
    other = path.with_name(path.name + "-2")
    links: list[Callable[[], None]] = [
        lambda: os.link(path, other),
        lambda: other.symlink_to(path),
    ]
    for link in links:
        link()
        with pytest.raises(KeyMemoryError):
            SharedKeys.open(other, clock)
        other.unlink()
    os.mkfifo(other, 0o600)
    with pytest.raises(KeyMemoryError, match="only this user"):
        SharedKeys.open(other, clock)
    other.unlink()
    with pytest.raises(KeyMemoryError, match="cannot be used"):
        SharedKeys.open(path / "x", clock)


def test_the_default_is_in_memory_and_differs_by_site(memory_folder: Path) -> None:
    on_disk, runtime = Path(__file__).parent, str(memory_folder)
    socket = on_disk / "intake.sock"
    here = default_path(b"a" * 16, socket, runtime)

    assert here.parent == memory_folder and here != default_path(b"b" * 16, socket, runtime)
    assert default_path(b"a" * 16, memory_folder / "intake.sock", None).parent == memory_folder
    for elsewhere in (None, str(on_disk), "/nowhere"):
        assert default_path(b"a" * 16, socket, elsewhere).parent == Path("/dev/shm")


# --- Leaving ---


def test_a_visit_that_was_left_is_left_under_both_keys_until_they_end(clock: Clock) -> None:
    keys = SharedKeys.private(clock)
    (before,) = keys.now()
    clock.now = MIDNIGHT + 60
    today = keys.now()[0]
    keys.leave(VISIT)

    assert keys.left(before, VISIT) and keys.left(today, VISIT)
    assert not keys.left(today, VISIT[::-1]) and not keys.left(before, VISIT[::-1])
    clock.now = MIDNIGHT + DAY_SECONDS
    assert keys.left(today, VISIT) and not keys.left(keys.now()[0], VISIT)


@pytest.mark.slow
def test_a_full_table_refuses_and_never_accepts(clock: Clock) -> None:
    keys = SharedKeys.private(clock)
    (today,) = keys.now()
    keys.leave(VISIT)
    for number in range(20_000):
        keys.leave(number.to_bytes(16, "big"))
    others = sum(keys.left(today, os.urandom(16)) for _ in range(2_000))
    assert keys.left(today, VISIT) and others == 0

    keys._region[4_096:] = b"\xff" * (REGION_BYTES - 4_096)
    assert keys.left(today, VISIT) and keys.left(today, os.urandom(16))


def test_a_private_region_is_shared_memory() -> None:
    """It can be given back in parts, as the table of a day that is over."""
    region = mmap.mmap(-1, REGION_BYTES)
    region[4_096:4_100] = b"left"
    region.madvise(mmap.MADV_REMOVE, 4_096, REGION_BYTES - 4_096)

    assert region[4_096:4_100] == bytes(4)


# --- Tokens ---

STATE = FormState(Codename((1, 2, 3, 4, 5, 6, 7)), bytes(16))


@pytest.fixture
def tokens(clock: Clock) -> FormTokens:
    return FormTokens(SharedKeys.private(clock), lifetime_seconds=7_200, clock=clock)


def test_a_token_from_before_midnight_is_good_for_its_time(
    tokens: FormTokens, clock: Clock
) -> None:
    clock.now = MIDNIGHT - 1
    token = tokens.seal("case", STATE)
    clock.now = MIDNIGHT - 1 + 7_200
    assert tokens.open("case", token) == STATE
    clock.now += 1
    with pytest.raises(StaleToken):
        tokens.open("case", token)
    clock.now += 1
    with pytest.raises(ForgedToken):
        tokens.open("case", token)


def test_leaving_ends_each_page_of_the_visit_and_of_no_other(tokens: FormTokens) -> None:
    first = tokens.seal("case", STATE)
    later = tokens.seal("case", STATE.after_sending().after_asking())
    other = tokens.seal("case", FormState.of(STATE.codename))
    for nothing in ("", "!", "é", first, tokens.leaving(STATE)[:-8]):
        tokens.leave(nothing)
    assert tokens.open("case", first) == STATE
    tokens.leave(tokens.leaving(STATE))

    for token in (first, later):
        with pytest.raises(LeftToken):
            tokens.open("case", token)
    assert tokens.open("case", other).codename == STATE.codename


def test_a_page_older_than_its_time_that_was_left_keeps_nothing(
    tokens: FormTokens, clock: Clock
) -> None:
    token = tokens.seal("case", STATE)
    tokens.end(STATE)
    clock.now += 7_300

    with pytest.raises(LeftToken):
        tokens.open("case", token)
