"""The command line: ``python -m fuzz`` runs every target, ``--target`` one; ``--repeat`` reads one
stored input again.
"""

import argparse
import sys
from pathlib import Path

from fuzz.run import ROOT, run
from fuzz.target import Target
from fuzz.targets import ALL, BY_NAME


def main() -> int:
    """Returns 0 if nothing was found."""
    parser = argparse.ArgumentParser(
        prog="fuzz", description="Fuzz the readers of untrusted bytes."
    )
    parser.add_argument("--seconds", type=int, default=60, help="time for each target")
    parser.add_argument("--target", choices=sorted(BY_NAME), help="this one alone")
    parser.add_argument(
        "--repeat", type=Path, metavar="FILE", help="read this input with --target, without fuzzing"
    )
    arguments = parser.parse_args()
    if arguments.repeat is not None:
        if arguments.target is None:
            parser.error("--repeat needs --target")
        BY_NAME[arguments.target].run(arguments.repeat.read_bytes())
        print(f"{arguments.target} reads {arguments.repeat} as it should.")
        return 0
    targets = ALL if arguments.target is None else (BY_NAME[arguments.target],)
    return min(1, sum([not _passes(target, arguments.seconds) for target in targets]))


def _passes(target: Target, seconds: int) -> bool:
    outcome = run(target, seconds=seconds, build=ROOT / "build" / "fuzz")
    print(
        f"{target.name:<24}{outcome.tried:>10} inputs"
        f"{outcome.per_second:>8}/s{outcome.edges:>6} edges",
        flush=True,
    )
    for path in outcome.found:
        short = path.relative_to(ROOT)
        print(
            f"{target.name} ended as it may not; the input is kept, and this repeats it: "
            f"make fuzz TARGET={target.name} REPEAT={short}"
        )
    if not outcome.good:
        print(outcome.said, file=sys.stderr)
    return outcome.good


if __name__ == "__main__":
    sys.exit(main())
