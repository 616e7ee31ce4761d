"""Screenshots made small: cut to the part that is shown, with few colours, as an indexed PNG.

Only what Firefox writes is read: eight bits a channel, RGB with or without alpha, not interlaced.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}  # colour type to bytes a pixel
# The edges of letters have hundreds of shades; with this many of the most common ones it looks the
# same.
_COLOURS = 64

_Colour = tuple[int, ...]


def size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises ValueError when it is not a PNG."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def small(png: bytes, height: int) -> bytes:
    """The uppermost *height* rows of a screenshot, as an indexed PNG of few colours."""
    width, rows = _rows(png)
    kept = [row for row, _ in zip(rows, range(height), strict=False)]
    pixels = [tuple(row[at : at + 3]) for row in kept for at in range(0, len(row), 3)]
    counted = Counter(pixels).most_common()
    palette = [colour for colour, _ in counted[:_COLOURS]]
    index = {colour: _nearest(palette, colour) for colour, _ in counted}
    lines = b"".join(
        b"\0" + bytes(index[colour] for colour in pixels[at : at + width])
        for at in range(0, len(pixels), width)
    )
    head = struct.pack(">IIBBBBB", width, len(kept), 8, 3, 0, 0, 0)
    colours = b"".join(map(bytes, palette))
    chunks = (b"IHDR", head), (b"PLTE", colours), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _nearest(palette: Sequence[_Colour], colour: _Colour) -> int:
    def distance(index: int) -> int:
        return sum((one - other) ** 2 for one, other in zip(palette[index], colour, strict=True))

    return min(range(len(palette)), key=distance)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _rows(png: bytes) -> tuple[int, Iterator[bytes]]:
    """The width, and the rows of red, green and blue bytes."""
    width, _ = size(png)
    depth, colour, _, _, interlaced = png[24:29]
    assert depth == 8 and not interlaced
    channels = _CHANNELS[colour]
    lines = zlib.decompress(b"".join(data for kind, data in _chunks(png) if kind == b"IDAT"))
    return width, _colours(lines, width * channels, channels)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _colours(lines: bytes, length: int, channels: int) -> Iterator[bytes]:
    """Each line without its filter (https://www.w3.org/TR/png-3/#9Filters) and without alpha."""
    above = bytearray(length)
    for at in range(0, len(lines), length + 1):
        row = bytearray(lines[at + 1 : at + 1 + length])
        _unfilter(lines[at], row, above, channels)
        above = row
        # Nothing in a screenshot of a whole page is transparent.
        yield bytes(row[i] for i in range(length) if i % channels < 3)


def _unfilter(kind: int, row: bytearray, above: bytearray, channels: int) -> None:
    if kind == 0:
        return
    for i in range(len(row)):
        left, corner = (row[i - channels], above[i - channels]) if i >= channels else (0, 0)
        row[i] = row[i] + _predicted(kind, left, above[i], corner) & 255


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 1:
        return left
    if kind == 2:
        return up
    if kind == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
