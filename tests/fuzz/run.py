"""Runs a target for some time and reports the outcome; an input that fails is kept as a vector."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.target import VECTORS, Target

ROOT = Path(__file__).parent.parent.parent
_ENGINE = (sys.executable, "-m", "fuzz.engine")
# libFuzzer knows no other clock than the wall's, by which an input takes long beside much other
# work. What takes long of a processor ends in target.py; this is for what is stuck for ever.
_STUCK_SECONDS = 200
_MEMORY_MB = 2_048
# Beyond its budget: importing, instrumenting, trying the seeds, and one that is stuck.
_GRACE_SECONDS = 2 * _STUCK_SECONDS


@dataclass(frozen=True)
class Outcome:
    """The outcome of one run: inputs tried, edges reached, and the inputs that failed."""

    tried: int
    edges: int
    per_second: int
    found: tuple[Path, ...]
    said: str

    @property
    def good(self) -> bool:
        """Whether the run finished and found nothing."""
        return self.tried > 0 and not self.found


class Engines:
    """A process that is ready to fuzz one target after another; close() ends it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [*_ENGINE, "--serve"],
            cwd=ROOT,
            env=_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, options: list[str], said: Path) -> tuple[bytes, int]:
        """What one run said, which is in the file *said* too, and its exit code."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([name, options, str(said)]) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return said.read_bytes(), code

    def close(self) -> None:
        """End it; nothing runs by then."""
        self.process.communicate()


def run(
    target: Target,
    *,
    seconds: int,
    build: Path,
    vectors: Path = VECTORS,
    seed: int = 0,
    most_inputs: int = -1,
    engines: Engines | None = None,
) -> Outcome:
    """Fuzz *target* for *seconds*, unless that is 0, or with *most_inputs*, unless that is -1.

    The corpus grows in *build*; inputs found go to *vectors*. *seed* 0 is a random one. With
    *engines* the run begins there, at once.
    """
    corpus, seeds, faults = (build / target.name / part for part in ("corpus", "seeds", "faults"))
    for folder in (corpus, seeds, faults):
        folder.mkdir(parents=True, exist_ok=True)
    for data in target.seeds:
        (seeds / _named(data)).write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-runs={most_inputs}",
        f"-max_len={target.most_bytes}",
        f"-timeout={_STUCK_SECONDS}",
        # Of what is slow and comes to an end it would keep the input, too.
        f"-report_slow_units={_STUCK_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-seed={seed}",
        f"-artifact_prefix={faults}/",
        "-print_final_stats=1",
        *_dictionary(target, build / target.name / "words"),
        *map(str, (corpus, seeds)),
    ]
    if engines is not None:
        said, code = engines.run(target.name, options, build / target.name / "said")
    else:
        said, code = _run([*_ENGINE, target.name, *options], seconds)
    return _outcome(said.decode("utf-8", "replace"), code, faults, vectors / target.name)


def _environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(ROOT)))}


def _run(command: list[str], seconds: int) -> tuple[bytes, int]:
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    ) as process:
        try:
            said, _ = process.communicate(timeout=seconds + _GRACE_SECONDS if seconds else None)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return said, process.returncode


def _outcome(said: str, code: int, faults: Path, vectors: Path) -> Outcome:
    found = []
    for fault in sorted(faults.glob("*")):
        vectors.mkdir(parents=True, exist_ok=True)
        found.append(vectors / _named(fault.read_bytes()))
        found[-1].write_bytes(fault.read_bytes())
        fault.unlink()
    edges = [int(number) for number in re.findall(r"\bcov: (\d+)", said)]
    tried, per_second = (
        re.search(rf"stat::{name}:\s+(\d+)", said)
        for name in ("number_of_executed_units", "average_exec_per_sec")
    )
    # A run that failed without an input to blame has tried nothing that counts.
    whole = tried is not None and (code == 0 or bool(found))
    return Outcome(
        tried=int(tried[1]) if tried is not None and whole else 0,
        edges=edges[-1] if edges else 0,
        per_second=int(per_second[1]) if per_second is not None else 0,
        found=tuple(found),
        said=said,
    )


def _named(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _dictionary(target: Target, path: Path) -> list[str]:
    """Write libFuzzer's dictionary, if there are words."""
    if not target.words:
        return []
    lines = (
        '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in target.words if word
    )
    path.write_text("".join(lines), "ascii")
    return [f"-dict={path}"]
