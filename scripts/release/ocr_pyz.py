"""Builds the desk's second file, with what reads text out of pictures.

    python -m scripts.release.ocr_pyz build/casedrop-desk-ocr.pyz     (`make desk-ocr`)

It holds the wheels of requirements/ocr.txt as they came from PyPI, each checked against its hash
there, except those that RapidOCR only needs for downloading. The same lock gives the same bytes.
"""

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scripts.command_line import new_parser, run
from scripts.desk.transcripts.second_file import LISTED
from scripts.release import pyz

WHEELS = pyz.ROOT / "build" / "ocr-wheels"
# What the recognizer imports. The first file has Pillow; the others are for networking.
CARRIED = frozenset(
    {
        "colorlog",
        "numpy",
        "omegaconf",
        "onnxruntime",
        "opencv_python_headless",
        "pyclipper",
        "pyyaml",
        "rapidocr",
        "shapely",
    }
)
_MAIN = """import sys

sys.exit(
    "This file is not a program: put it beside casedrop-desk.pyz, whose command transcribe uses it."
)
"""


def build(out: Path, wheels: Path = WHEELS) -> str:
    """Write the file to *out*, and its SHA-256 to ``.sha256`` beside it. Returns the SHA-256.

    *wheels* keeps the fetched wheels for the next time. Raises CannotBuild.
    """
    found = {
        python: carried(pyz.fetched(python, wheels, pyz.SECOND_LOCK)) for python in pyz.PYTHONS
    }
    for python, some in found.items():
        if len(some) != len(CARRIED):
            raise pyz.CannotBuild(f"{len(some)} of {len(CARRIED)} wheels are for Python {python}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    pack(found, part)
    with part.open("rb") as packed:
        digest = hashlib.file_digest(packed, "sha256").hexdigest()
    part.replace(out)
    out.with_name(out.name + ".sha256").write_text(f"{digest}  {out.name}\n", "ascii")
    return digest


def carried(wheels: Iterable[Path]) -> list[Path]:
    """Those of *wheels* that the file holds."""
    return [one for one in wheels if one.name.partition("-")[0].lower() in CARRIED]


def pack(wheels: Mapping[str, Sequence[Path]], out: Path) -> None:
    """Write *wheels*, by Python, to *out*; one that serves several Pythons is stored once."""
    paths = {path.name: path for some in wheels.values() for path in some}
    listed = {python: sorted(path.name for path in some) for python, some in wheels.items()}
    texts = {
        LISTED: json.dumps(listed, sort_keys=True, indent=1).encode(),
        "LICENSE": (pyz.ROOT / "LICENSE").read_bytes(),
        "__main__.py": _MAIN.encode(),
    }
    # Stored uncompressed: wheels are compressed already, and compression differs between computers.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted([*texts, *paths]):
            info = zipfile.ZipInfo(name, pyz.NO_TIME)
            info.create_system, info.external_attr = 3, 0o100600 << 16
            archive.writestr(info, texts[name] if name in texts else paths[name].read_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the file. Returns the exit code."""
    return run(parser, arguments, interrupted="Stopped; no file was written.")


def parser() -> argparse.ArgumentParser:
    """This command's line."""
    made = new_parser("ocr_pyz", "Builds the desk's second file.")
    made.add_argument("out", type=Path, help="where the file goes")
    made.set_defaults(run=lambda asked: print(f"{build(asked.out)}  {asked.out}"))
    return made


if __name__ == "__main__":
    sys.exit(main())
