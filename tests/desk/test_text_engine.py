"""What the engine makes of pixels and of what its models found in them.

The models are a stand-in's, so that each test says what they find.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from scripts.desk.transcripts.lines import MOST_CHARACTERS, SeenLine
from scripts.desk.transcripts.page_pieces import Box, FoundLine

NAME = "scripts.desk.transcripts.engine"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (237, 237, 237)
NOTHING = SimpleNamespace(boxes=None, txts=None, scores=None)


class Models:
    """Stands in for RapidOCR: keeps what it is asked, and answers what a test says."""

    def __init__(self, params: dict[str, object]) -> None:
        self.params = params
        self.asked: list[np.ndarray] = []
        self.answers: list[Any] = []

    def __call__(self, rows: np.ndarray) -> Any:
        self.asked.append(rows)
        return self.answers.pop(0) if self.answers else NOTHING


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    """The module, which finds the stand-in in the place of RapidOCR."""
    package, main = ModuleType("rapidocr"), ModuleType("rapidocr.main")
    package.__path__ = ["/site/rapidocr"]
    main.RapidOCR = Models  # type: ignore[attr-defined]
    replaced: dict[str, ModuleType] = {"rapidocr": package, "rapidocr.main": main}
    with pytest.MonkeyPatch.context() as patch:
        for name in THREADS:
            patch.setenv(name, "8")
        for name in ("requests", "rapidocr.utils.download_file", NAME):
            patch.setitem(sys.modules, name, ModuleType(name))
        for name, module in replaced.items():
            patch.setitem(sys.modules, name, module)
        del sys.modules[NAME]
        yield import_module(NAME)


@pytest.fixture
def recognizer(engine: Any) -> Any:
    """One whose models have been loaded; they find what a test has put into ``answers``."""
    made = engine.Recognizer()
    made._engine.asked.clear()
    return made


def found(*lines: tuple[str, tuple[int, int, int, int], float]) -> Any:
    """An answer of the models: texts, their boxes and their scores."""
    return SimpleNamespace(
        txts=[text for text, _, _ in lines],
        boxes=np.array([[(x, y), (x2, y), (x2, y2), (x, y2)] for _, (x, y, x2, y2), _ in lines]),
        scores=[score for _, _, score in lines],
    )


def paper(width: int, height: int, colour: tuple[int, int, int] = WHITE) -> np.ndarray:
    page = np.empty((height, width, 3), np.uint8)
    page[:, :] = colour
    return page


def inked(width: int, height: int) -> np.ndarray:
    """A white page with one black corner, which is not the same all over."""
    page = paper(width, height)
    page[0, 0] = 0
    return page


def read(recognizer: Any, page: np.ndarray) -> tuple[int, list[SeenLine]]:
    turned, lines = recognizer.lines(page.shape[1], page.shape[0], page.tobytes())
    return turned, lines


def test_it_has_one_thread_downloads_nothing_and_has_read_once_before_the_walls(
    engine: Any,
) -> None:
    cv2.setNumThreads(2)
    made = engine.Recognizer()
    models = "/site/rapidocr/models"

    assert [engine.os.environ[name] for name in THREADS] == ["1"] * 3 and cv2.getNumThreads() == 1
    assert made._engine.params == {
        "Global.log_level": "critical",
        "Global.use_cls": False,
        "Det.unclip_ratio": 1.9,
        "Det.model_path": f"{models}/PP-OCRv6_det_small.onnx",
        "Rec.model_path": f"{models}/PP-OCRv6_rec_small.onnx",
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    # Something black to read in the middle of a white square, so that both models are used.
    (first,) = made._engine.asked
    rows, columns = np.nonzero((first != 255).any(axis=2))
    assert first.shape == (96, 96, 3) and {tuple(first[0, 0]), tuple(first[60, 16])} == {
        WHITE,
        BLACK,
    }
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (15, 74, 29, 61)
    for refused in (engine._Refusing, engine._Refusing.run):
        with pytest.raises(engine.CannotDownload):
            refused(1)
    download = sys.modules["rapidocr.utils.download_file"]
    assert download.DownloadFile is download.DownloadFileInput is engine._Refusing
    assert download.DownloadFileException is engine.CannotDownload


def test_the_models_get_blue_first_and_what_they_find_is_described(recognizer: Any) -> None:
    page = paper(40, 30)
    page[7, 5] = (255, 0, 0)
    recognizer._engine.answers = [
        found((" 你好 ", (9, 4, 30, 16), 0.914), ("  ", (0, 20, 9, 29), 1))
    ]

    assert read(recognizer, page) == (
        0,
        [SeenLine("你好", (9, 4, 30, 16), 91, WHITE, WHITE, 0, 0)],
    )
    (asked,) = recognizer._engine.asked
    assert asked.shape == (30, 40, 3) and tuple(asked[7, 5]) == (0, 0, 255)


def test_a_turned_line_is_in_the_box_around_its_corners(engine: Any) -> None:
    corners = np.array([(10, 4), (30, 6), (29.5, 16), (9, 15)])

    assert engine._found(corners, f" {'一' * 500}", np.float32(0.5)) == FoundLine(
        "一" * MOST_CHARACTERS, (9.0, 4.0, 30.0, 16.0), 0.5
    )


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        (inked(12, 12), True),
        (inked(11, 40), False),
        (inked(40, 11), False),
        (paper(40, 40), False),
        (paper(40, 40, (255, 255, 254)), True),
    ],
)
def test_a_page_that_is_tiny_or_has_nothing_on_it_is_not_read(
    recognizer: Any, page: np.ndarray, asked: bool
) -> None:
    assert read(recognizer, page) == (0, [])
    assert bool(recognizer._engine.asked) is asked


# --- A page that was scanned sideways or upside down ---


def upright(text: str, score: float, top: int = 0) -> tuple[str, tuple[int, int, int, int], float]:
    return text, (10, top, 50, top + 20), score


def sideways(text: str, score: float) -> tuple[str, tuple[int, int, int, int], float]:
    return text, (10, 0, 20, 16), score


@pytest.mark.parametrize(
    ("lines", "turns"),
    [
        ([], ()),
        ([upright("一二三", 0.9)], ()),
        ([upright("一二三", 0.7)], ()),
        ([upright("一二三", 0.69)], (2,)),
        ([upright("一二三", 0.9), upright("四五六", 0.49)], (2,)),
        ([upright("一二三", 0.9), upright("四五六", 0.5)], ()),
        # One or two characters may be higher than wide, and say little.
        ([upright("一二", 0.1)], ()),
        ([sideways("一二", 0.9)], ()),
        ([sideways("一二三", 0.9)], (1, 3)),
        ([("一二三", (10, 0, 20, 15), 0.9)], ()),
        # Half of them is not the most.
        ([sideways("一二三", 0.9), upright("一二三", 0.9)], ()),
        ([sideways("一二三", 0.9)] * 2 + [upright("一二三", 0.9)], (1, 3)),
        ([sideways("一二三", 0.9), upright("一二", 0.9)], (1, 3)),
    ],
)
def test_a_page_is_turned_if_its_lines_are_higher_than_wide_or_hardly_read(
    engine: Any, lines: list[tuple[str, Any, float]], turns: tuple[int, ...]
) -> None:
    assert engine._turns([FoundLine(*line) for line in lines]) == turns


@pytest.mark.parametrize(
    ("lines", "certainty"),
    [
        ([], 0),
        ([("abcd", (0, 0, 40, 10), 0.75)], 1.0),
        ([("abcd", (5, 7, 45, 17), 0.75), ("ab", (0, 0, 10, 10), 1.0)], 2.0),
        ([("abcd", (0, 0, 9, 10), 1.0)], 0),
        ([("abcd", (30, 0, 39, 10), 1.0), ("abcd", (0, 30, 10, 39), 1.0)], 2.0),
        ([("abcd", (0, 0, 40, 10), 0.25), ("abcd", (0, 0, 40, 10), 1.0)], 2.0),
    ],
)
def test_the_more_is_read_and_the_more_surely_the_more_certain_is_a_page(
    engine: Any, lines: list[tuple[str, Any, float]], certainty: float
) -> None:
    assert engine._certainty([FoundLine(*line) for line in lines]) == certainty


@pytest.mark.parametrize(
    ("first", "turned", "degrees", "corner"),
    [
        # Clockwise: the upper left corner comes to the upper right.
        ([sideways("一二三", 0.9)], [("一二三", 0.9), ("一二三", 0.8)], 90, (0, -1)),
        ([sideways("一二三", 0.9)], [("一二三", 0.8), ("一二三", 0.9)], 270, (-1, 0)),
        # As certain is no better.
        ([sideways("一二三", 0.9)], [("一二三", 0.9), ("一二三", 0.9)], 90, (0, -1)),
        ([sideways("一二三", 0.9)], [("一二三", 0.4), ("一二三", 0.4)], 0, (0, 0)),
        ([upright("一二三", 0.6)], [("一二三", 0.9)], 180, (-1, -1)),
        ([upright("一二三", 0.6)], [("一二三", 0.55)], 0, (0, 0)),
    ],
)
def test_a_page_is_read_as_it_is_read_best_and_its_boxes_are_in_the_turned_page(
    recognizer: Any,
    first: list[tuple[str, tuple[int, int, int, int], float]],
    turned: list[tuple[str, float]],
    degrees: int,
    corner: tuple[int, int],
) -> None:
    page = inked(60, 100)
    models = recognizer._engine
    models.answers = [found(*first), *(found(upright(*one)) for one in turned)]
    best, (line,) = read(recognizer, page)

    assert (best, line.text) == (degrees, "一二三")
    assert line.box == ((first[0][1]) if degrees == 0 else (10, 0, 50, 20))
    assert [rows.shape[:2] for rows in models.asked] == [
        (100, 60),
        *([(60, 100)] * 2 if len(turned) == 2 else [(100, 60)]),
    ]
    if degrees:
        seen = models.asked[2 if degrees == 270 else 1]
        assert not seen[corner].any() and seen.sum() == 255 * 3 * 5_999


@pytest.mark.parametrize(
    ("degrees", "first", "others"),
    [
        (0, upright("一二三", 0.9), []),
        (90, sideways("一二三", 0.9), [0.9, 0.8]),
        (180, upright("一二三", 0.6), [0.9]),
        (270, sideways("一二三", 0.9), [0.8, 0.9]),
    ],
)
def test_the_colours_of_a_line_are_those_of_the_turned_page(
    recognizer: Any, degrees: int, first: Any, others: list[float]
) -> None:
    turned = paper(100, 60)
    turned[0:20, 10:50] = (149, 236, 105)
    page = np.ascontiguousarray(np.rot90(turned, degrees // 90))
    recognizer._engine.answers = [found(first), *(found(upright("一二三", one)) for one in others)]
    best, (line,) = read(recognizer, page)

    assert (best, line.paper, line.ground) == (degrees, (149, 236, 105), WHITE)


# --- Wide and high pages ---


@pytest.mark.parametrize(
    ("size", "asked", "box"),
    [
        ((1_600, 20), (20, 1_600), (100, 5, 200, 15)),
        ((3_200, 60), (30, 1_600), (200, 10, 400, 30)),
        ((1_601, 800), (800, 1_600), (100, 5, 200, 15)),
        ((4_800, 20), (12, 1_600), (300, 15, 600, 20)),
    ],
)
def test_a_wide_page_is_read_smaller_and_its_boxes_are_as_large_as_it_is(
    recognizer: Any,
    size: tuple[int, int],
    asked: tuple[int, int],
    box: tuple[int, int, int, int],
) -> None:
    models = recognizer._engine
    models.answers = [found(("一二三", (100, 5, 200, 15), 0.9))]
    _, (line,) = read(recognizer, inked(*size))

    assert models.asked[0].shape == (*asked, 3)
    assert line.box == box


def test_a_page_is_not_stretched_and_its_corners_stay_where_they_are(recognizer: Any) -> None:
    page = paper(3_200, 40)
    page[:, 1_600:] = (0, 0, 200)
    read(recognizer, page)

    (asked,) = recognizer._engine.asked
    assert (asked[:, :800] == 255).all() and (asked[:, 800:] == (200, 0, 0)).all()


def test_a_high_page_is_read_in_pieces_and_each_line_is_given_by_the_piece_that_has_it(
    recognizer: Any,
) -> None:
    page = inked(60, 1_901)
    models = recognizer._engine
    # The first piece has rows 0 to 1030 and gives what is above 958, the second those from 870.
    models.answers = [
        found(("一二三", (10, 960, 50, 1_000), 0.9), ("四五六", (10, 908, 50, 948), 0.9)),
        found(("一二三四", (10, 90, 50, 130), 0.8), ("七八九", (10, 900, 50, 940), 0.9)),
    ]
    _, lines = read(recognizer, page)

    assert [rows.shape[0] for rows in models.asked] == [1_030, 1_031]
    assert [(line.text, line.box) for line in lines] == [
        ("四五六", (10, 908, 50, 948)),
        ("一二三四", (10, 960, 50, 1_000)),
        ("七八九", (10, 1_770, 50, 1_810)),
    ]
    # A piece without a line is not the end of the page.
    models.answers = [NOTHING, found(("七八九", (10, 900, 50, 940), 0.9))]
    assert [line.text for line in read(recognizer, page)[1]] == ["七八九"]


# --- Colours around a line ---


@pytest.mark.parametrize(
    ("pixels", "colour"),
    [
        ([], (0, 0, 0)),
        ([(9, 8, 7)], (9, 8, 7)),
        # More paper than ink, and in the middle of its shades.
        ([(250, 240, 245)] * 2 + [(252, 241, 246)] + [BLACK] * 2, (250, 240, 245)),
        # Alike are those of one sixteenth.
        ([(31, 31, 31)] * 4 + [(32, 32, 32)] * 3 + [(47, 47, 47)] * 3, (39, 39, 39)),
        # Each channel counts for itself.
        ([(9, 9, 9)] * 4 + [(100, 0, 0)] * 3 + [(200, 0, 0)] * 3, (9, 9, 9)),
        ([(9, 9, 9)] * 4 + [(0, 100, 0)] * 3 + [(0, 200, 0)] * 3, (9, 9, 9)),
        ([(9, 9, 9)] * 4 + [(0, 0, 100)] * 3 + [(0, 0, 200)] * 3, (9, 9, 9)),
        ([(9, 9, 9)] * 4 + [(0, 32, 0)] * 3 + [(0, 16, 128)] * 3, (9, 9, 9)),
        ([(9, 9, 9)] * 4 + [(16, 0, 0)] * 3 + [(0, 128, 0)] * 3, (9, 9, 9)),
        ([(9, 9, 9)] * 4 + [(0, 16, 0)] * 3 + [(0, 0, 240)] * 3, (9, 9, 9)),
    ],
)
def test_the_most_common_colour_is_the_papers(
    engine: Any, pixels: list[tuple[int, int, int]], colour: tuple[int, int, int]
) -> None:
    assert engine._colour(np.array(pixels, np.uint8).reshape(1, len(pixels), 3)) == colour


@pytest.mark.parametrize(
    ("pixels", "share"),
    [
        ([], 0),
        ([(100, 100, 100)], 0),
        ([(124, 100, 100), (100, 76, 100)], 0),
        ([(125, 100, 100), (100, 100, 100)], 50),
        ([(100, 75, 100), (100, 100, 125), (0, 0, 0)], 100),
        ([(0, 0, 0)] * 2 + [(100, 100, 100)], 66),
    ],
)
def test_what_differs_clearly_from_the_ground_is_counted_in_percent(
    engine: Any, pixels: list[tuple[int, int, int]], share: int
) -> None:
    shown = np.array(pixels, np.uint8).reshape(len(pixels), 1, 3)

    assert engine._other_share(shown, (100, 100, 100)) == share


@pytest.fixture
def described(engine: Any) -> Callable[..., SeenLine]:
    def describe(page: np.ndarray, *box: float, score: float = 0.5, around: Any = GREY) -> SeenLine:
        line: SeenLine = engine._described(FoundLine("一", cast(Box, box), score), page, around)
        return line

    return describe


def test_a_line_has_its_own_paper_its_margins_ground_and_what_is_in_the_outer_columns(
    described: Callable[..., SeenLine],
) -> None:
    page = paper(1_000, 40, GREY)
    # A bubble, a face of 54 of 108 columns at its left, one of 27 at the right, and a row below.
    page[:, 300:600] = (149, 236, 105)
    page[:, 22:76] = page[:, 951:978] = BLACK
    page[30:] = (1, 2, 3)
    green = (149, 236, 105)

    assert described(page, 310.9, 5.9, 590.9, 29.9) == SeenLine(
        "一", (310, 5, 590, 29), 50, green, GREY, 50, 25
    )
    # The face is in the outer columns and not in the margin outside of them.
    page[:30, 0:22] = page[:30, 978:] = (236, 236, 236)
    page[:30, 130:135] = page[:30, 865:870] = BLACK
    beside = described(page, 310, 5, 590, 29)
    assert (beside.ground, beside.left, beside.right) == ((236, 236, 236), 50, 25)


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((-5, -5, 20, 20), (0, 0, 20, 20)),
        ((50, 30, 120, 60), (50, 30, 100, 40)),
        ((200, 90, 300, 99), (100, 40, 100, 40)),
        ((20, 20, 10, 10), (20, 20, 20, 20)),
        ((20, 20, 20, 20), (20, 20, 20, 20)),
        ((0, 0, 100, 40), (0, 0, 100, 40)),
    ],
)
def test_no_box_reaches_out_of_its_page(
    described: Callable[..., SeenLine], box: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    line = described(paper(100, 40, GREY), *box)

    assert line.box == kept
    # Of a box without an area the pixel at its corner tells the paper, if there is one.
    assert line.paper == (BLACK if kept[0] == 100 else GREY)


def test_of_a_line_without_a_width_the_row_and_column_at_its_corner_tell_the_colours(
    described: Callable[..., SeenLine],
) -> None:
    page = paper(100, 40, GREY)
    page[20, 30] = (255, 100, 100)

    assert described(page, 30, 20, 30, 20).paper == (255, 100, 100)


@pytest.mark.parametrize(("width", "margin"), [(10, 1), (22, 1), (100, 2), (1_000, 22)])
def test_the_margin_is_a_pixel_at_least(
    described: Callable[..., SeenLine], width: int, margin: int
) -> None:
    page = paper(width, 3, BLACK)
    page[:, :margin] = page[:, -margin:] = GREY

    assert described(page, 0, 0, width, 3).ground == GREY


@pytest.mark.parametrize(("ground", "seen"), [(223, 223), (222, 237), (251, 251), (252, 237)])
def test_where_something_else_is_around_the_page_its_own_colour_is_the_ground(
    described: Callable[..., SeenLine], ground: int, seen: int
) -> None:
    for channel in range(3):
        colour, expected = [237, 237, 237], [237, 237, 237]
        colour[channel], expected[channel] = ground, seen
        assert described(paper(100, 9, tuple(colour)), 0, 0, 100, 9).ground == tuple(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("score", "percent"), [(-0.1, 0), (0.004, 0), (0.006, 1), (0.996, 100), (1.2, 100)]
)
def test_a_score_is_a_percentage(
    described: Callable[..., SeenLine], score: float, percent: int
) -> None:
    assert described(paper(20, 20), 0, 0, 20, 20, score=score).confidence == percent
