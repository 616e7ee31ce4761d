"""What the renderer says, byte by byte, and what the desk still takes for a frame."""

import os
import struct
from collections.abc import Callable

import pytest

from scripts.desk.pictures.frames import HEADER, MOST_TEXT_BYTES, Page, Sender


def sent(say: Callable[[Sender], None]) -> bytes:
    """What a sender writes."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as end:
        say(Sender(writer))
        os.close(writer)
        return end.read()


def header(kind: bytes, a: int = 0, b: int = 0, c: int = 0) -> bytes:
    return kind + struct.pack(">III", a, b, c)


@pytest.mark.parametrize(
    ("say", "frames"),
    [
        (Sender.ready, header(b"R")),
        (lambda one: one.count(7), header(b"C", 7)),
        (
            lambda one: one.page(Page(3, 2, 1, b"abcdef")),
            header(b"P", 3, 2, 1) + b"abcdef",
        ),
        (lambda one: one.note(5), header(b"N", 5)),
        (lambda one: one.note(5, 2**32 - 1), header(b"N", 5, 2**32 - 1)),
        (lambda one: one.note(5, 2**32), header(b"N", 5, 2**32 - 1)),
        (lambda one: one.text("é"), header(b"T", 2) + "é".encode()),
        (lambda one: one.text("\ud800"), header(b"T", 1) + b"?"),
        (lambda one: one.payload(b"X", 9, b"abc"), header(b"X", 9, 3) + b"abc"),
        (Sender.end, header(b"E")),
    ],
)
def test_each_frame_has_its_letter_three_numbers_and_what_they_announce(
    say: Callable[[Sender], None], frames: bytes
) -> None:
    assert sent(say) == frames and HEADER.size == 13


def test_a_note_is_sent_once_and_another_one_as_well() -> None:
    def say(one: Sender) -> None:
        for code, value in ((5, 1), (5, 2), (6, 3), (5, 4)):
            one.note(code, value)

    assert sent(say) == header(b"N", 5, 1) + header(b"N", 6, 3)


@pytest.mark.parametrize("more", [0, 1])
def test_of_a_text_the_beginning_is_sent(more: int) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as end:
        os.set_blocking(writer, False)
        one = Sender(writer)
        kept = list[bytes]()
        one._send = lambda *given, payload=b"": kept.append(payload)  # type: ignore[method-assign]
        one.text("a" * (MOST_TEXT_BYTES + more))
        os.close(writer)
        assert end.read() == b"" and [len(each) for each in kept] == [MOST_TEXT_BYTES]
    assert MOST_TEXT_BYTES == 131_072
