"""A pytest plugin: with ``--workers`` test modules and our own that they load are compiled in
several processes, before they are collected.

Pytest rewrites the assertions of each module as it loads it, one module after the other. In a new
checkout that takes a tenth of the time of the quick tests.
"""

import os
import py_compile
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import cache_from_source, source_hash
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

# Of fewer, forking takes as long as it saves.
LEAST = 8
OURS = ("dropbox", "onion", "scripts", "tests/support", "tests/fuzz")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Compile what is to be collected and was not compiled as it is now."""
    processes = min(session.config.getoption("workers"), len(os.sched_getaffinity(0)))
    if processes > 1 and not sys.dont_write_bytecode:
        found = {*stale(session.config), *never_compiled(session.config.rootpath)}
        compile_ahead(session.config, sorted(found), processes)


def stale(config: pytest.Config) -> Iterator[Path]:
    """The test modules in what the command line names of which there is no compiled form."""
    for argument in config.args:
        named = config.rootpath / argument.partition("::")[0]
        for path in named.rglob("test_*.py") if named.is_dir() else [named]:
            if path.suffix == ".py" and not is_compiled(path) and can_be_compiled(path):
                yield path


def never_compiled(root: Path) -> Iterator[Path]:
    """Modules of ours of which there is no compiled form at all, as in a new checkout. After that
    only what has changed is compiled, by Python as it is imported.
    """
    for folder in OURS:
        for path in (root / folder).rglob("*.py"):
            kept = Path(cache_from_source(str(path)))
            if not kept.exists() and os.access(path.parent, os.W_OK):
                yield path


def compiled(path: Path) -> Path:
    """Where pytest looks for the compiled form of a test module."""
    return rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"


def is_compiled(path: Path) -> bool:
    """Whether the compiled form is of the module as it is now."""
    with suppress(OSError), compiled(path).open("rb") as file:
        # Behind Python's number and flags; to load all of them takes a third of a second.
        return file.read(16)[8:] == source_hash(path.read_bytes())[:8]
    return False


def can_be_compiled(path: Path) -> bool:
    """Whether this user may keep the result there: whoever may not would compile in vain."""
    folder = compiled(path).parent
    return os.access(folder if folder.exists() else path.parent, os.W_OK)


def compile_ahead(config: pytest.Config, paths: Sequence[Path], processes: int) -> None:
    """What fails here is tried by pytest again, and reported."""
    if len(paths) < LEAST:
        return
    by_size = sorted(paths, key=lambda path: -path.stat().st_size)
    started = []
    for number in range(processes):
        if process := os.fork():
            started.append(process)
            continue
        try:
            sys.settrace(None)
            for path in by_size[number::processes]:
                with suppress(SyntaxError, ValueError):
                    compile_one(config, path)
        finally:
            os._exit(0)
    for process in started:
        os.waitpid(process, 0)


def compile_one(config: pytest.Config, path: Path) -> None:
    """Leave one module's compiled form where pytest looks for it, or Python for another's."""
    if not path.name.startswith("test_"):
        py_compile.compile(str(path), quiet=2)
        return
    source, code = rewrite._rewrite_test(path, config)
    if rewrite.try_makedirs(compiled(path).parent):
        state = config.stash[rewrite.assertstate_key]
        rewrite._write_pyc(state, code, source, compiled(path))
