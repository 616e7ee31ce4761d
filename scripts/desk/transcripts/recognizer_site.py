"""Where the recognizer's packages are, if they are on this computer at all."""

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path

from dropbox.errors import CasedropError
from scripts.desk.transcripts import second_file

# The packages it imports, with the libraries beside a package. Those with which RapidOCR would
# download are not among them.
_PACKAGES = {
    "rapidocr": "",
    "onnxruntime": "",
    "numpy": "numpy.libs",
    "cv2": "opencv_python_headless.libs",
    "shapely": "shapely.libs",
    "pyclipper": "",
    "omegaconf": "",
    "yaml": "",
    "colorlog": "",
}
MODELS = "PP-OCRv6 small"
MISSING = (
    "What reads text out of pictures is not on this computer: put casedrop-desk-ocr.pyz beside "
    "casedrop-desk.pyz, or install Casedrop with the extra `ocr`. All else works without it: "
    "`picture` draws the files, and `show` has transcripts that other desks gave."
)


class NoRecognizer(CasedropError):
    """The recognizer is not on this computer."""


@dataclass(frozen=True)
class Site:
    """A directory with the recognizer's packages, as pip would fill it."""

    path: Path

    def places(self) -> list[Path]:
        """The packages, and the libraries beside them. Raises NoRecognizer if one is missing."""
        found: list[Path] = []
        for name, libraries in _PACKAGES.items():
            if not (self.path / name).is_dir():
                raise NoRecognizer(f"{name} is missing beside RapidOCR. {MISSING}")
            found.append(self.path / name)
            if libraries and (self.path / libraries).is_dir():
                found.append(self.path / libraries)
        return found

    @property
    def machine(self) -> str:
        """The mark on transcripts: the engine and its models, with their versions."""
        found = sorted(self.path.glob("rapidocr-*.dist-info"))
        version = re.fullmatch(r"rapidocr-([\w.]+)\.dist-info", found[-1].name) if found else None
        return f"RapidOCR {version[1] if version else '?'}, {MODELS}"


def installed_site() -> Site | None:
    """Where pip has put the recognizer beside this program, None if it has not. Imports nothing."""
    spec = importlib.util.find_spec("rapidocr")
    places = spec.submodule_search_locations if spec is not None else None
    return Site(Path(places[0]).resolve().parent) if places else None


def recognizer_site(progress: second_file.Progress = lambda _done, _total: None) -> Site:
    """The recognizer of this computer: from the second file, or else as pip has installed it.

    *progress* gets (done, total) wheels that were unpacked. Raises NoRecognizer and BadSecondFile.
    """
    beside = second_file.beside()
    if beside is not None:
        return Site(second_file.unpacked(beside, _cache(), progress))
    site = installed_site()
    if site is None:
        raise NoRecognizer(MISSING)
    return site


def _cache() -> Path:
    """Where the first file has unpacked itself, readable only by this user."""
    chosen = os.environ.get("SHIV_ROOT")
    return Path(chosen) if chosen else Path.home() / ".cache" / "casedrop-desk"
