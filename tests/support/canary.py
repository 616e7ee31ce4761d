"""Searching bytes for a known text, in every form in which a program can have left it there."""

import base64
import re
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

# How much is unpacked from one compressed stream, and how many nested streams are followed.
_UNPACKED_BYTES = 16 * 2**20
_DEEPEST = 2
# Two bytes of zlib (32 KiB window, any level) or three of gzip.
_PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08", re.DOTALL)
_LINE_BREAKS = re.compile(rb"\r?\n[ \t]*")


def encodings(canary: bytes) -> dict[str, list[bytes]]:
    """For each encoding, by name, the byte strings that reveal *canary* (UTF-8)."""
    text, shown = canary.decode("utf-8"), canary.hex()
    percent = "".join(f"%{byte:02X}" for byte in canary)
    quoted = {percent, quote(text, safe=""), quote_plus(text)}
    escaped = text.encode("unicode_escape").decode("ascii")
    return {
        "utf-8": [canary],
        "utf-16-le": [text.encode("utf-16-le")],
        "utf-16-be": [text.encode("utf-16-be")],
        "gb18030": [text.encode("gb18030")],
        "base64": [form for place in range(3) for form in _base64(canary, place)],
        "hex": [shown.encode("ascii"), shown.upper().encode("ascii")],
        "percent": [form.encode("ascii") for one in quoted for form in (one, _lower_escapes(one))],
        "escapes": [escaped.encode("ascii"), escaped.replace("\\x", "\\u00").encode("ascii")],
    }


def found(data: bytes, canaries: Iterable[bytes]) -> set[bytes]:
    """The *canaries* that *data* contains in any encoding, broken into lines or in compressed
    streams.
    """
    forms = {
        canary: [form for many in encodings(canary).values() for form in many]
        for canary in canaries
    }
    betrayed: set[bytes] = set()
    for readable in _readable(data, _DEEPEST):
        betrayed |= {
            canary for canary, many in forms.items() if any(form in readable for form in many)
        }
    return betrayed


def _base64(canary: bytes, place: int) -> list[bytes]:
    """*canary* after *place* other bytes: the characters that depend on nothing else, in both
    alphabets.
    """
    first, behind = -(-8 * place // 6), 8 * (place + len(canary)) // 6
    return [
        encode(bytes(place) + canary)[first:behind]
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    ]


def _lower_escapes(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), quoted)


def _readable(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    # Base64 and hexadecimal digits are often broken into lines.
    if len(joined := _LINE_BREAKS.sub(b"", data)) != len(data):
        yield joined
    if depth:
        for start in _PACKED.finditer(data):
            if unpacked := _unpack(memoryview(data)[start.start() :][:_UNPACKED_BYTES]):
                yield from _readable(unpacked, depth - 1)


def _unpack(data: memoryview) -> bytes:
    """Whatever can be unpacked from a stream that may be cut off, or not a stream at all."""
    unpacker, pieces, size = zlib.decompressobj(wbits=47), [], 0
    # In small pieces, so that damaged bytes do not take what came before with them.
    for at in range(0, len(data), 256):
        try:
            pieces.append(unpacker.decompress(data[at : at + 256]))
        except zlib.error:
            break
        size += len(pieces[-1])
        if unpacker.eof or size > _UNPACKED_BYTES:
            break
    return b"".join(pieces)
