"""The forms of single buttons, which have one short field."""

from flask import request

from dropbox.front.uploads import no_files, receive

_POST_BYTES = 4_096


def receive_value(name: str) -> str:
    """The field *name* of such a form, "" if it has none."""
    received = receive(
        request.stream,
        request.headers.get("Content-Type", ""),
        limit_bytes=_POST_BYTES,
        files_left=lambda texts: 0,
        open_sealer=no_files,
    )
    return str(received.texts.get(name, ""))
