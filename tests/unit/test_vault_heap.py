"""How much memory the vault's glibc keeps of what its threads gave back."""

import subprocess
import sys

import pytest

from onion.launch import VAULT_MEMORY

THREADS, HELD_MEGABYTES = 8, 8
# Each thread holds as much in pieces, when those before it have given theirs back.
PROGRAM = f"""
import os
import threading

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def hold():
    together.wait()
    with one_after_another:
        [b"x" * 65_536 for _ in range({HELD_MEGABYTES} * 16)]
    together.wait()

together, one_after_another = threading.Barrier({THREADS} + 1), threading.Lock()
threads = [threading.Thread(target=hold) for _ in range({THREADS})]
for thread in threads:
    thread.start()
before = resident()
together.wait()
together.wait()
print(resident() - before)
"""


def kept_megabytes(environ: dict[str, str]) -> float:
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(run.stdout)


def test_what_the_vaults_threads_gave_back_is_kept_once_and_not_for_each_of_them() -> None:
    assert kept_megabytes(VAULT_MEMORY) < 2 * HELD_MEGABYTES


@pytest.mark.slow
def test_with_a_heap_for_each_thread_it_is_kept_for_each_of_them() -> None:
    """The control."""
    heaps = {**VAULT_MEMORY, "MALLOC_ARENA_MAX": "64"}

    assert kept_megabytes(heaps) > (THREADS - 2) * HELD_MEGABYTES
