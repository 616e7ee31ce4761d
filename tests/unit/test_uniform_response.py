"""The length of a response, to the byte: the smallest multiple it fits into, and its padding."""

import pytest
from flask import Response

from dropbox.front.uniform_response import PAD, REST, content_security_policy, uniform

PAGE_BYTES = 32_768
POLICY = content_security_policy("body {}")
FRAME = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def answered(text: str, carried: int = 0) -> tuple[int, bytes]:
    """How many bytes go over the line for a page with *text*, and its body."""
    page = Response(f"<p>{text}{REST}")
    sent = uniform(page, POLICY, page_bytes=PAGE_BYTES, carried=carried)
    lines = sum(len(f"{name}: {value}\r\n") for name, value in sent.headers)
    return len(FRAME) + lines + len(sent.get_data()), sent.get_data()


def room_of_one() -> int:
    """How long a text on a page of one length can be."""
    return answered("")[1].count(b"0")


# From the fourth length on, Content-Length has a digit more, which takes the place of a byte.
@pytest.mark.parametrize(("pages", "digits"), [(1, 5), (2, 5), (3, 5), (4, 6)])
def test_a_page_has_the_smallest_multiple_that_it_fits_into(pages: int, digits: int) -> None:
    most = room_of_one() + (pages - 1) * PAGE_BYTES - (digits - 5)

    assert answered("x" * most)[0] == pages * PAGE_BYTES
    assert answered("x" * (most + 1))[0] == (pages + 1) * PAGE_BYTES


@pytest.mark.parametrize("carried", [0, 4_096, 8_192, 40_000])
def test_a_form_sends_as_much_as_others_whatever_it_carries(carried: int) -> None:
    pads = {answered(PAD, carried=carried)[1].count(b"\n") for _ in range(60)}
    # In a form each line feed is sent as two bytes.
    least, most = max(17_408 - carried, 13_312) // 2, max(21_504 - carried, 13_312) // 2

    assert least <= min(pads) and max(pads) <= most
    assert len(pads) > 20 if most > least else pads == {13_312 // 2}


@pytest.mark.parametrize(("carried", "floor"), [(0, 3_584), (7_000, 84), (7_168, 0), (9_000, 0)])
def test_a_long_page_gives_up_its_padding_to_a_floor_before_it_grows(
    carried: int, floor: int
) -> None:
    room = room_of_one()
    full = answered(f"{PAD}{'x' * (room - floor)}", carried=carried)
    over = answered(f"{PAD}{'x' * (room - floor + 1)}", carried=carried)

    assert (full[0], full[1].count(b"\n")) == (PAGE_BYTES, floor)
    assert over[0] == 2 * PAGE_BYTES and over[1].count(b"\n") >= 13_312 // 2
