"""One target under atheris, in its own process: libFuzzer ends the process that it runs in.

Started by run.py. With ``--serve`` each line of standard input is a target to run, as JSON, [NAME,
OPTIONS, FILE for all that it says]; its exit code is printed. Each runs in a process of its own,
forked from one in which everything is instrumented already, which takes longer than a short run. A
process that was started has the largest size of the one that started it on its own account, one
that was forked has not: libFuzzer, which ends what grows too large, goes by that. Only Casedrop and
werkzeug's multipart decoder are instrumented, so that coverage leads into them.
"""

import importlib
import json
import os
import sys
from random import Random
from typing import Any

import atheris

# Imported before anything is instrumented: only werkzeug's decoder is to be instrumented.
import flask  # noqa: F401

DECODER = "werkzeug.sansio.multipart"


def instrumented() -> Any:
    """The module of the targets, and in it all that leads coverage."""
    del sys.modules[DECODER]
    with atheris.instrument_imports(include=["werkzeug", "dropbox"]):
        importlib.import_module(DECODER)
        return importlib.import_module("fuzz.targets")


def fuzz(targets: Any, name: str, options: list[str]) -> None:
    """Run the target *name* of *targets* with libFuzzer's *options*. Never returns."""
    target = targets.BY_NAME[name]
    if name == "broken":
        target = type(target)(
            atheris.instrument_func(target.read), target.errors, target.seeds, target.most_bytes
        )

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        return bytes(
            target.mutate(data, most, Random(seed), lambda plain: atheris.Mutate(plain, most))
        )

    how = {"custom_mutator": mutated} if target.mutate is not None else {}
    atheris.Setup([name, *options], target.run, **how)
    atheris.Fuzz()


def serve() -> None:
    """Run what standard input names."""
    targets = instrumented()
    for line in sys.stdin:
        name, options, file = json.loads(line)
        if (child := os.fork()) == 0:
            said = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            for stream in (1, 2):
                os.dup2(said, stream)
            # It ends as a process of its own does: libFuzzer keeps the input that failed only then.
            fuzz(targets, name, options)
            return
        print(exit_code(child), flush=True)


def exit_code(child: int) -> int:
    """That of a process, once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        ready = instrumented()
        if forked := os.fork():
            sys.exit(int(exit_code(forked) != 0))
        fuzz(ready, sys.argv[1], sys.argv[2:])
