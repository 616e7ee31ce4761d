"""Runs a target for some time and reports the outcome; an input that fails is kept as a vector."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.target import VECTORS, Target

ROOT = Path(__file__).parent.parent.parent
_HANG_SECONDS = 20
_MEMORY_MB = 2_048
# Beyond its budget: importing, instrumenting, trying the seeds, and one hang.
_GRACE_SECONDS = 120


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


def run(
    target: Target, *, seconds: int, build: Path, vectors: Path = VECTORS, seed: int = 0
) -> Outcome:
    """Fuzz *target* for *seconds*. The corpus grows in *build*; inputs found go to *vectors*.

    *seed* 0 is a random one.
    """
    corpus, seeds, faults = (build / target.name / part for part in ("corpus", "seeds", "faults"))
    for folder in (corpus, seeds, faults):
        folder.mkdir(parents=True, exist_ok=True)
    for data in target.seeds:
        (seeds / _named(data)).write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.most_bytes}",
        f"-timeout={_HANG_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-seed={seed}",
        f"-artifact_prefix={faults}/",
        "-print_final_stats=1",
        *_dictionary(target, build / target.name / "words"),
        *map(str, (corpus, seeds)),
    ]
    said, code = _run([sys.executable, "-m", "fuzz.engine", target.name, *options], seconds)
    return _outcome(said, code, faults, vectors / target.name)


def _run(command: list[str], seconds: int) -> tuple[str, int]:
    path = os.pathsep.join((str(ROOT / "tests"), str(ROOT)))
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            said, _ = process.communicate(timeout=seconds + _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    return said.decode("utf-8", "replace"), process.returncode


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
