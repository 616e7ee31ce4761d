"""A front that keeps nothing and seals nothing: each request gets its page once it has arrived.

    python -m scripts.rehearsal.stand_in --socket PATH

The siege can put it behind the onion in the drop's place. Visitors' waits beside a flood are then
due to tor and this computer, not to the drop.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dropbox.sizes import PAGE_BYTES

_BACKLOG = 1_024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# What visitors look for: a form with a text and an end, a codename, and the confirmation.
_CONTENT = (
    b"<form id=form><input type=hidden name=token value=t><textarea name=text></textarea>"
    b"<input type=hidden name=end value=e></form><b class=typed lang=en>codename</b>"
)


def page() -> bytes:
    """A response as long as each of the front's."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n"
    return (head + _CONTENT).ljust(PAGE_BYTES)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read tor's line and one request, and answer it."""
    try:
        await reader.readline()
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        left = int(length[1]) if length else 0
        while left > 0 and (piece := await reader.read(min(left, 65_536))):
            left -= len(piece)
        writer.write(page())
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def serve(socket: Path) -> None:
    """Answer at *socket* until stopped."""
    async with await asyncio.start_unix_server(answer, str(socket), backlog=_BACKLOG) as server:
        await server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser(prog="stand_in", description="A front that does nothing.")
    parser.add_argument("--socket", type=Path, required=True, help="where it listens")
    asyncio.run(serve(parser.parse_args(arguments).socket))
    return 0


if __name__ == "__main__":
    sys.exit(main())
