"""What all responses of the front share: headers that isolate the page, and a uniform size.

Somebody who watches the line sees only sizes. Every response, including its headers, has the length
that the settings give, or, if it carries a long text back to its writer, a multiple of that.
"""

import base64
import hashlib
import secrets

from flask import Response
from markupsafe import Markup

# How many bytes a form sends apart from what its writer adds, and how much of that can be its
# padding field. This hides from the length whether it is a login or a report. What a page carries
# back counts too, since it is sent again.
MIN_SENT_BYTES, MAX_SENT_BYTES = 17_408, 21_504
MIN_PAD_BYTES = 13_312
# A long page can reduce its padding to this before it grows to two page lengths.
FLOOR_PAD_BYTES = 7_168
# The padding consists of line feeds: one byte each in a page, two in a form that is sent (HTML,
# 4.10.22.8 multipart form data: every line break is sent as CR LF).
_SENT_BYTES = 2
# For a form that carries nothing yet.
FRESH_LINE_FEEDS = MIN_PAD_BYTES // _SENT_BYTES

# Markers for the padding of a form, and for the filling that brings the page to its size. A text
# cannot contain them, since "<" is always escaped as "&lt;".
PAD, REST = Markup("<!pad>"), Markup("<!rest>")
_PAD, _REST = PAD.encode("ascii"), REST.encode("ascii")

# What gunicorn adds to the headers set here, once its own Server and Date are removed.
_FRAME = "HTTP/1.1 \r\nConnection: close\r\n\r\n"

_FIXED = {
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Embedder-Policy": "require-corp",
    # No page of another site keeps a reference to one of ours. Not "same-origin": Firefox would
    # then give each page its own process and, on Back, lose what was typed. This value allows only
    # windows that our pages open in addition, and they open none.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    # Not "no-referrer": Firefox would then send our own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


# With "no-store" Back reloads the page, and what was typed into it is lost. With "no-cache" Tor
# Browser, which has no disk cache, keeps the page in memory until New Identity.
_KEPT, _NOT_KEPT = "no-cache", "no-store"
# Browsers that support it clear this site when the user leaves. We set no cookies and store
# nothing, so this is about the cache.
_FORGET = {"Clear-Site-Data": '"*"'}


def content_security_policy(style: str) -> str:
    """Allow nothing but the inline style, by its hash, the empty icon, and forms to this site."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def uniform(
    response: Response,
    policy: str,
    *,
    page_bytes: int,
    carried: int = 0,
    kept: bool = False,
    leaving: bool = False,
    file: str = "",
) -> Response:
    """Give *response* exactly our headers, and fill it up to a multiple of *page_bytes*.

    The page contains REST once, and PAD at most once. *carried*: bytes that its form sends back
    apart from the padding. *kept*: on Back, the browser shows the page as it was left. *leaving*:
    the browser has to forget this site. *file*: this is no page but a file of this name, a text
    that is filled up with empty lines.
    """
    page = response.get_data()
    head = _give_headers(response, policy, kept=kept, leaving=leaving, file=file)
    content = _content_bytes(page)
    floor = least_line_feeds(carried) if _PAD in page else 0
    size = _body_bytes(head, content + floor, page_bytes)
    pad = max(floor, min(_line_feeds(carried), size - content)) if _PAD in page else 0
    rest = size - content - pad
    filling = b"\n" if file else b"0"
    response.set_data(page.replace(_PAD, b"\n" * pad, 1).replace(_REST, filling * rest, 1))
    response.headers["Content-Length"] = str(size)
    return response


def whole_bytes(response: Response, policy: str, *, line_feeds: int) -> int:
    """How long *response* is with the longest headers and *line_feeds* in its padding field."""
    head = _give_headers(response, policy, kept=True, leaving=True)
    body = _content_bytes(response.get_data()) + line_feeds
    return head + len(f"Content-Length: {body}\r\n") + body


def _give_headers(
    response: Response, policy: str, *, kept: bool, leaving: bool, file: str = ""
) -> int:
    """Give *response* our headers. Returns their length, without that of its own length."""
    response.headers.clear()
    response.headers.update(_FIXED)
    response.headers["Cache-Control"] = _KEPT if kept else _NOT_KEPT
    response.headers.update(_FORGET if leaving else {})
    response.headers["Content-Security-Policy"] = policy
    if file:
        # An unknown type: no browser opens it, or offers to.
        response.headers["Content-Type"] = "application/octet-stream"
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    lines = sum(len(f"{name}: {value}\r\n") for name, value in response.headers)
    return len(_FRAME) + len(response.status) + lines


def _content_bytes(page: bytes) -> int:
    return len(page.replace(_PAD, b"", 1)) - len(_REST)


def least_line_feeds(carried: int) -> int:
    """How many line feeds a long page keeps that sends *carried* bytes apart from them."""
    return max(0, FLOOR_PAD_BYTES - carried) // _SENT_BYTES


def _line_feeds(carried: int) -> int:
    """How many line feeds a padding field should have, slightly random for each page."""
    sent = MIN_SENT_BYTES + secrets.randbelow(MAX_SENT_BYTES - MIN_SENT_BYTES + 1)
    return max(sent - carried, MIN_PAD_BYTES) // _SENT_BYTES


def _body_bytes(head: int, least: int, page_bytes: int) -> int:
    """The smallest body length from *least* that makes the response a multiple of *page_bytes*."""
    pages = 1
    while True:
        for digits in range(5, 9):
            body = pages * page_bytes - head - len("Content-Length: \r\n") - digits
            if len(str(body)) == digits and body >= least:
                return body
        pages += 1
