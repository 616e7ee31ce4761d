"""What the siege can besiege in the drop's place: it answers at once, as long as the front does."""

import asyncio
from pathlib import Path

import pytest

from dropbox.sizes import PAGE_BYTES
from scripts.rehearsal import stand_in
from scripts.rehearsal.claimant import Form

LINE = b"PROXY TCP6 fc00:dead:beef:4dad::1:2 ::1 2 42\r\n"
GET = b"GET /zh-hans/report HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /zh-hans/report HTTP/1.1\r\ncontent-length: 200000\r\n\r\n"


async def asked(folder: Path, *pieces: bytes) -> bytes:
    """What comes back, if anything does before the last of *pieces* is sent."""
    serving = asyncio.ensure_future(stand_in.serve(folder / "s"))
    while not (folder / "s").exists():
        await asyncio.sleep(0.001)
    reader, writer = await asyncio.open_unix_connection(str(folder / "s"))
    try:
        for piece in pieces[:-1]:
            writer.write(piece)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.02)
        writer.write(pieces[-1])
        return await reader.read()
    finally:
        writer.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def test_a_page_is_as_long_as_the_fronts_and_has_what_visitors_look_for(tmp_path: Path) -> None:
    raw = asyncio.run(asked(tmp_path, LINE + GET))

    head, _, page = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and len(raw) == PAGE_BYTES
    form = Form.of(page.decode(), "/zh-hans/inbox")
    assert form is not None and form.action == "/zh-hans/inbox"
    assert {name for name, _ in form.fields} == {"token", "text", "end"}
    assert b"codename" in page


def test_a_form_is_answered_only_when_all_of_it_has_arrived(tmp_path: Path) -> None:
    body = bytes(200_000)
    raw = asyncio.run(asked(tmp_path, LINE, POST, body[:150_000], body[150_000:]))

    assert len(raw) == PAGE_BYTES
