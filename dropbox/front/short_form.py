"""Forms without files: that of the inbox, and those of single buttons, which have one field."""

from flask import request

from dropbox.front.multipart import stream_of
from dropbox.front.uploads import ReceivedForm, no_files, receive

_BUTTON_BYTES = 4_096


def receive_texts(limit_bytes: int) -> ReceivedForm:
    """The request's form, of at most *limit_bytes*; see dropbox.front.uploads.receive."""
    return receive(
        stream_of(request),
        request.headers.get("Content-Type", ""),
        limit_bytes=limit_bytes,
        files_left=lambda texts: 0,
        open_sealer=no_files,
    )


def receive_value(name: str) -> str:
    """The field *name* of a button's form, "" if it has none."""
    return str(receive_texts(_BUTTON_BYTES).texts.get(name, ""))
