"""The recognizer itself: RapidOCR's models, which are inside its wheel, run by onnxruntime.

Only :mod:`scripts.desk.transcripts.recognition` imports this, in the room: it is the one module
that knows numpy and RapidOCR. Nothing can be downloaded: the part of RapidOCR that does so is
replaced before the rest is loaded, and each model is named by its path.
"""

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from scripts.desk.transcripts.lines import MOST_CHARACTERS, Colour, SeenLine
from scripts.desk.transcripts.page_pieces import Box, FoundLine, once, pieces

# One thread each: the reviewer goes on working, and the system call filter allows no more.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ[_name] = "1"
# A smaller page may be nothing but a frame; the models expect more.
_LEAST_SIDE = 12
# The models were trained on pages of about this size: wider ones are scaled down, higher ones are
# read in pieces.
_MOST_WIDTH = 1_600
# The certainty with which a page on its side, or upside down, is read by chance.
_UNSURE = 0.7
# A line that is higher than wide, unless it is one character, comes from a page on its side.
_UPRIGHT_SHARE, _SIDEWAYS = 0.5, 1.5
# The outer columns, where a conversation has faces, and the margin outside them.
_FACES, _MARGIN = 0.13, 0.022
_DIFFERENT = 24
# Light on a screen, or on a photograph of one, changes a colour by less than this.
_LIGHT = 14
# The page's colour is sampled at every pixel of this distance.
_SPARSE = 3


class CannotDownload(RuntimeError):
    """Nothing is downloaded here."""


class _Refusing:
    """Replaces the code that downloads models and fonts."""

    @classmethod
    def run(cls, *_: object) -> None:
        raise CannotDownload

    def __init__(self, *_: object, **__: object) -> None:
        raise CannotDownload


def _without_network() -> None:
    """Put stand-ins in place of the modules with which RapidOCR would reach a network."""
    download = ModuleType("rapidocr.utils.download_file")
    download.DownloadFile = download.DownloadFileInput = _Refusing  # type: ignore[attr-defined]
    download.DownloadFileException = CannotDownload  # type: ignore[attr-defined]
    sys.modules[download.__name__] = download
    sys.modules["requests"] = ModuleType("requests")


_without_network()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import rapidocr  # noqa: E402
from rapidocr.main import RapidOCR  # noqa: E402

_Pixels = Any  # an array of height x width x 3 bytes, red first


class Recognizer:
    """The loaded models; afterwards they only read pixels."""

    def __init__(self) -> None:
        models = Path(rapidocr.__path__[0]) / "models"
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                # Wider boxes: the full stop at the end of a line is far from its last character.
                "Det.unclip_ratio": 1.9,
                "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
                "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        cv2.setNumThreads(1)
        # Load the models, and whatever is loaded only at first use, while that is still possible. A
        # square one: the models make its shorter side 736 pixels long.
        blank = np.full((96, 96, 3), 255, np.uint8)
        cv2.putText(blank, "A1", (15, 62), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3)
        self._read(blank)

    def lines(self, width: int, height: int, rgb: bytes) -> tuple[int, list[SeenLine]]:
        """The lines on a page, and by how many degrees it was turned to read them."""
        page = np.frombuffer(rgb, np.uint8).reshape(height, width, 3)
        if min(width, height) < _LEAST_SIDE or page.min() == page.max():
            return 0, []
        found = self._read(page)
        turned, best = 0, found
        for quarters in _turns(found):
            other = self._read(np.ascontiguousarray(np.rot90(page, -quarters)))
            if _certainty(other) > _certainty(best):
                turned, best = quarters, other
        upright = np.ascontiguousarray(np.rot90(page, -turned))
        paper = _colour(upright[::_SPARSE, ::_SPARSE])
        return 90 * turned, [_described(line, upright, paper) for line in best]

    def _read(self, page: _Pixels) -> list[FoundLine]:
        scale = page.shape[1] / _MOST_WIDTH
        if scale > 1:
            size = _MOST_WIDTH, max(_LEAST_SIDE, round(page.shape[0] / scale))
            page = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
        found: list[FoundLine] = []
        for piece in pieces(page.shape[0]):
            # OpenCV's colour order: blue first.
            rows = np.ascontiguousarray(page[piece.top : piece.bottom, :, ::-1])
            result: Any = self._engine(rows)
            if not result.txts:
                continue
            for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
                line = _found(corners + np.array([0, piece.top]), text, score)
                if piece.gives((line.box[1] + line.box[3]) / 2) and line.text:
                    found.append(line)
        if scale > 1:
            found = [line._replace(box=_larger(line.box, scale)) for line in found]
        return once(found)


def _larger(box: Box, scale: float) -> Box:
    left, top, right, bottom = box
    return left * scale, top * scale, right * scale, bottom * scale


def _found(corners: _Pixels, text: str, score: Any) -> FoundLine:
    """A line between these four *corners*, which may be turned a little."""
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    box = float(left), float(top), float(right), float(bottom)
    return FoundLine(text.strip()[:MOST_CHARACTERS], box, float(score))


def _turns(found: list[FoundLine]) -> tuple[int, ...]:
    """By how many quarters the page may have to be turned clockwise to be read better."""
    longer = [line for line in found if len(line.text) > 2]
    sideways = [
        line for line in longer
        if line.box[3] - line.box[1] > _SIDEWAYS * (line.box[2] - line.box[0])
    ]  # fmt: skip
    if len(sideways) > _UPRIGHT_SHARE * len(longer):
        return 1, 3
    scores = [line.score for line in longer]
    return (2,) if scores and sum(scores) / len(scores) < _UNSURE else ()


def _certainty(found: list[FoundLine]) -> float:
    """How much was read and how certainly, in one number; sideways text does not count."""
    return sum(
        len(line.text) * max(0.0, line.score - 0.5)
        for line in found
        if line.box[2] - line.box[0] >= line.box[3] - line.box[1]
    )


def _described(line: FoundLine, page: _Pixels, paper: Colour) -> SeenLine:
    """*line* with the colours around it; *paper* is the page's most common colour."""
    height, width = page.shape[:2]
    x, x2 = (min(max(int(side), 0), width) for side in (line.box[0], line.box[2]))
    y, y2 = (min(max(int(side), 0), height) for side in (line.box[1], line.box[3]))
    y2, x2 = max(y2, y), max(x2, x)
    rows = page[y : max(y2, y + 1)]
    margin = max(1, round(width * _MARGIN))
    ground = _colour(np.hstack((rows[:, :margin], rows[:, -margin:])))
    if max(abs(one - other) for one, other in zip(ground, paper, strict=True)) > _LIGHT:
        # Something else is around the page, such as the table on which a telephone lies.
        ground = paper
    faces = round(width * _FACES)
    return SeenLine(
        line.text,
        (x, y, x2, y2),
        min(100, max(0, round(100 * line.score))),
        _colour(rows[:, x : max(x2, x + 1)]),
        ground,
        _other_share(rows[:, margin:faces], ground),
        _other_share(rows[:, width - faces : width - margin], ground),
    )


def _colour(pixels: _Pixels) -> Colour:
    """Roughly the most common colour: the paper's, since there is more of it than of ink."""
    if pixels.size == 0:
        return 0, 0, 0
    flat = pixels.reshape(-1, 3)
    coarse = flat.astype(np.int32) // 16
    keys = (coarse[:, 0] << 8) + (coarse[:, 1] << 4) + coarse[:, 2]
    most = np.bincount(keys).argmax()
    red, green, blue = (int(value) for value in np.median(flat[keys == most], axis=0))
    return red, green, blue


def _other_share(pixels: _Pixels, ground: Colour) -> int:
    """What percentage of *pixels* has another colour than *ground*."""
    if pixels.size == 0:
        return 0
    away = np.abs(pixels.astype(np.int32) - np.array(ground)).max(axis=2)
    return int(100 * (away > _DIFFERENT).mean())
