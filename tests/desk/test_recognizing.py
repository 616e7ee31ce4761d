"""What the recognizer reads on screenshots, in its room; and pages that are read in pieces."""

import io
import itertools
import time
from collections.abc import Iterator
from typing import cast

import pytest
from PIL import Image
from support.drawing_rooms import needs_bubblewrap
from support.screenshots import (
    DARK,
    GROUP,
    MIXED,
    conversation,
    drawn_text,
    errors,
    photographed,
    sides,
)

from scripts.desk.pictures.exchange import Exchange, Late
from scripts.desk.pictures.frames import BYTES_A_PIXEL, MOST_SIDE, Page
from scripts.desk.transcripts.layout import turns_of
from scripts.desk.transcripts.page_pieces import MOST_HEIGHT, FoundLine, _shared, once, pieces
from scripts.desk.transcripts.reader import Reader, ReadingFailure, reading
from scripts.desk.transcripts.recognition import PAGE_HEADER, _page
from scripts.desk.transcripts.recognition_room import ClosedRoom
from scripts.desk.transcripts.recognizer_site import recognizer_site
from scripts.desk.transcripts.transcript import Transcript


@pytest.mark.parametrize("height", [1, 1_900, 1_901, 20_000, 30_000])
def test_a_page_is_cut_into_pieces_that_together_give_every_line(height: int) -> None:
    found = list(pieces(height))

    assert (found[0].top, found[-1].bottom) == (0, height)
    assert all(piece.bottom - piece.top <= MOST_HEIGHT + 160 for piece in found)
    # A line that is 80 rows high is whole in a piece that gives it, wherever it is.
    for middle in range(0, height, 7):
        line = range(max(0, middle - 40), min(height, middle + 40))
        assert any(
            piece.gives(middle) and piece.top <= line.start and line.stop <= piece.bottom
            for piece in found
        )


@pytest.mark.parametrize(
    ("height", "cut"),
    [
        (1_900, [(0, 1_900, (-8, 1_908))]),
        (1_901, [(0, 1_030, (-8, 958)), (870, 1_901, (942, 1_909))]),
        (
            5_700,
            [
                (0, 1_980, (-8, 1_908)),
                (1_820, 3_880, (1_892, 3_808)),
                (3_720, 5_700, (3_792, 5_708)),
            ],
        ),
    ],
)
def test_each_piece_reaches_into_its_neighbours_and_gives_what_is_its_own(
    height: int, cut: list[tuple[int, int, tuple[int, int]]]
) -> None:
    found = list(pieces(height))

    assert [tuple(piece) for piece in found] == cut
    for piece in found:
        first, last = piece.own
        assert [piece.gives(at) for at in (first - 0.5, first, last - 0.5, last)] == [
            *(False, True, True, False)
        ]


def test_a_line_at_a_cut_is_kept_once_and_the_surer_reading_is() -> None:
    lines = [
        FoundLine("在吗", (10, MOST_HEIGHT - 20, 90, MOST_HEIGHT + 20), 0.9),
        FoundLine("在马", (12, MOST_HEIGHT - 18, 91, MOST_HEIGHT + 21), 0.7),
        FoundLine("在", (10, MOST_HEIGHT + 30, 90, MOST_HEIGHT + 70), 0.8),
        FoundLine("吗", (200, MOST_HEIGHT - 20, 290, MOST_HEIGHT + 20), 0.8),
    ]

    for order in itertools.permutations(lines):
        assert sorted(line.text for line in once(order)) == ["吗", "在", "在吗"]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ((10, 2_000, 100, 2_050), True),
        # Half of the smaller one.
        ((55, 2_000, 145, 2_050), True),
        ((56, 2_000, 146, 2_050), False),
        ((10, 2_025, 100, 2_075), True),
        ((10, 2_026, 100, 2_076), False),
    ],
)
def test_two_readings_that_share_half_of_their_boxes_are_of_one_line(
    other: tuple[float, ...], same: bool
) -> None:
    for right, down in ((0, 0), (5_000, -1_990), (1_900, 1_850)):
        boxes = [
            (left + right, top + down, right_side + right, bottom + down)
            for left, top, right_side, bottom in ((10, 2_000, 100, 2_050), other)
        ]
        kept = once([FoundLine("在吗", boxes[0], 0.9), FoundLine("在马", boxes[1], 0.8)])
        assert [line.text for line in kept] == (["在吗"] if same else ["在吗", "在马"])


def test_lines_are_kept_from_top_to_bottom_and_from_left_to_right() -> None:
    boxes = [
        *((90.0, 10.0, 99.0, 20.0), (5.0, 30.0, 300.0, 60.0), (20.0, 30.0, 200.0, 50.0)),
        *((320.0, 30.0, 330.0, 40.0), (1.0, 70.0, 9.0, 80.0)),
    ]
    for order in itertools.permutations((0, 1, 3, 4)):
        lines = [FoundLine(f"{at}", boxes[at], 0.9) for at in order]
        assert [line.text for line in once(lines)] == ["0", "1", "3", "4"]


@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (MOST_SIDE, 1, True),
        (1, MOST_SIDE, True),
        (MOST_SIDE + 1, 1, False),
        (1, MOST_SIDE + 1, False),
        (0, 1, False),
        (1, 0, False),
    ],
)
def test_a_page_is_read_up_to_the_longest_side_that_is_drawn(
    width: int, height: int, taken: bool
) -> None:
    rgb = bytes(width * height * BYTES_A_PIXEL)
    sent = PAGE_HEADER.pack(7, width, height) + rgb

    assert _page(io.BytesIO(sent)) == ((7, width, height, rgb) if taken else None)
    assert _page(io.BytesIO(sent[:-1])) is None


def test_a_long_page_may_be_read_for_longer_than_a_short_one() -> None:
    class Slow:
        deadline = 0.0

        def give(self, _content: object, *, last: bool) -> None:
            raise Late

    reader, left = Reader.__new__(Reader), []
    for height in (1_000, 20_000):
        reader._exchange = cast(Exchange, Slow())
        with pytest.raises(ReadingFailure, match="took too long"):
            reader.read(Page(1, 1_000, height, b""))
        left.append(reader._exchange.deadline - time.monotonic())

    # A minute, and half a minute for each megapixel.
    assert [round(seconds / 10) for seconds in left] == [9, 66]


@pytest.fixture
def reader() -> Iterator[Reader]:
    needs_bubblewrap()
    with reading(ClosedRoom(recognizer_site())) as opened:
        yield opened


def transcript(reader: Reader, image: Image.Image) -> Transcript:
    seen = reader.read(Page(1, *image.size, image.tobytes()))
    return Transcript((), tuple(turns_of(seen)), (str(seen.turned),))


@pytest.mark.slow
@pytest.mark.bubblewrap
def test_conversations_are_read_in_the_room_with_who_said_what(reader: Reader) -> None:
    """One process reads them all, because loading the models takes a second."""
    light = conversation(GROUP, width=540)
    variants = (
        light,
        photographed(conversation(GROUP, theme=DARK, width=720)),
        light.rotate(90, expand=True),
    )

    for image in variants:
        found = transcript(reader, image)
        assert errors(found.text, drawn_text(GROUP)) <= 0.02
        assert [(turn.who.value, turn.name) for turn in found.turns] == sides(GROUP)
    assert found.sentences == ("90",)
    mixed = transcript(reader, conversation(MIXED, width=540))
    assert errors(mixed.text, drawn_text(MIXED)) <= 0.02
    for size in ((1, 1), (1, 3_000), (540, 800)):
        assert transcript(reader, Image.new("RGB", size, "white")).turns == ()


@pytest.mark.long
@pytest.mark.bubblewrap
def test_a_screenshot_of_a_whole_evening_is_read_in_pieces(reader: Reader) -> None:
    one = conversation(GROUP, width=480)
    times = 2 * MOST_HEIGHT // one.height + 1
    long = Image.new("RGB", (one.width, times * one.height), one.getpixel((0, 0)))
    for number in range(times):
        long.paste(one, (0, number * one.height))

    found = transcript(reader, long)

    assert errors(found.text, drawn_text(GROUP) * times) <= 0.02
    assert [(turn.who.value, turn.name) for turn in found.turns] == sides(GROUP) * times


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ((0, 0, 4, 4), (0, 0, 4, 4), 1.0),
        ((0, 0, 4, 4), (2, 0, 9, 4), 0.5),
        ((0, 0, 4, 4), (1, 1, 3, 3), 1.0),
        ((0, 0, 4, 4), (4, 0, 8, 4), 0.0),
        ((0, 0, 4, 4), (0, 4, 4, 8), 0.0),
        ((0, 0, 4, 4), (6, 6, 8, 8), 0.0),
        ((0, 0, 4, 4), (4.5, 0, 8, 4), 0.0),
        ((0, 0, 4, 4), (0, 4.5, 4, 8), 0.0),
        ((1, 2, 5, 10), (3, 4, 6, 20), 0.375),
        ((7, 1, 15, 5), (10, 2, 30, 4), 0.3125),
        # Of less than a pixel nobody can tell what is in it.
        ((0, 0, 0.5, 0.5), (0, 0, 4, 4), 0.25),
    ],
)
def test_what_two_boxes_share_is_a_part_of_the_smaller_one(
    one: tuple[float, ...], other: tuple[float, ...], shared: float
) -> None:
    assert _shared(one, other) == _shared(other, one) == shared  # type: ignore[arg-type]
