"""One target under atheris, in its own process: libFuzzer ends the process that it runs in.

Started by run.py. Only Casedrop and werkzeug's multipart decoder are instrumented, so that coverage
leads into them.
"""

import importlib
import sys
from random import Random

import atheris

# Imported before anything is instrumented: only werkzeug's decoder is to be instrumented.
import werkzeug.formparser  # noqa: F401

DECODER = "werkzeug.sansio.multipart"


def fuzz(name: str, options: list[str]) -> None:
    """Run the target *name* with libFuzzer's *options*. Never returns."""
    del sys.modules[DECODER]
    with atheris.instrument_imports(include=["werkzeug", "dropbox"]):
        importlib.import_module(DECODER)
        targets = importlib.import_module("fuzz.targets")
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


if __name__ == "__main__":
    fuzz(sys.argv[1], sys.argv[2:])
