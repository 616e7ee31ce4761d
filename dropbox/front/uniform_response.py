"""What every answer of the front carries beside its page: the headers that keep it alone, and one size for all.

Someone who watches the line sees only sizes. Every answer, header included, is PAGE_BYTES long or, when it carries a
long text back to its writer, a whole multiple of it.
"""

import base64
import hashlib
import secrets

from flask import Response
from markupsafe import Markup

PAGE_BYTES = 32_768
# How many bytes a form sends beside what its writer adds to it, and how much of that may be its padding field: a login
# is not told from a report by its length. What a page carries back counts, since it is sent as well.
MIN_SENT_BYTES, MAX_SENT_BYTES = 20_480, 24_576
MIN_PAD_BYTES, MAX_PAD_BYTES = 16_384, 24_576
# A page with much to say may have less padding before it becomes two pages long.
FLOOR_PAD_BYTES = 10_240
# The padding is made of line feeds: in a page they take one byte, in a form that is sent two (HTML, 4.10.22.8
# multipart form data: every line break is sent as CR LF).
_SENT_BYTES = 2

# Where a page has its padding, and where the rest that makes its size. Neither can stand in a text: there "<" is always
# written "&lt;".
PAD, REST = Markup("<!pad>"), Markup("<!rest>")
_PAD, _REST = PAD.encode("ascii"), REST.encode("ascii")

# What gunicorn writes beside the headers that are set here, once its own Server and Date are taken away.
_FRAME = "HTTP/1.1 \r\nConnection: close\r\n\r\n"

_FIXED = {
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Embedder-Policy": "require-corp",
    # No page of another site keeps a hold on one of ours. Not "same-origin": with it Firefox gives a page a process of its own
    # and forgets on Back what was typed; our pages open no windows, which is all that this one allows beside it.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    # Not "no-referrer", with which Firefox sends "Origin: null" with a form of our own.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


# With "no-store" the Back button asks for the page anew, and what was typed into it is lost. With "no-cache" Tor Browser,
# which has no cache on the disk, keeps it in memory until New Identity.
_KEPT, _NOT_KEPT = "no-cache", "no-store"
# What a browser that heeds it forgets when its user leaves. There are no cookies and nothing is stored; the cache is meant.
_FORGET = {"Clear-Site-Data": '"*"'}


def content_security_policy(style: str) -> str:
    """Nothing is allowed but the one inline style, by its hash, the empty icon, and forms to this site."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def uniform(
    response: Response, policy: str, *, carried: int = 0, kept: bool = False, leaving: bool = False
) -> Response:
    """*response* with exactly our headers, and filled up to a whole number of PAGE_BYTES.

    Its page holds REST once, and PAD at most once. *carried*: bytes that its form sends back beside the padding. *kept*:
    the browser may show the page again as it was left. *leaving*: it is to forget all of this site.
    """
    page = response.get_data()
    response.headers.clear()
    response.headers.update(_FIXED)
    response.headers["Cache-Control"] = _KEPT if kept else _NOT_KEPT
    response.headers.update(_FORGET if leaving else {})
    response.headers["Content-Security-Policy"] = policy
    head = (
        len(_FRAME)
        + len(response.status)
        + sum(len(f"{name}: {value}\r\n") for name, value in response.headers)
    )
    content = len(page.replace(_PAD, b"", 1)) - len(_REST)
    floor = max(0, FLOOR_PAD_BYTES - carried) // _SENT_BYTES if _PAD in page else 0
    size = _body_bytes(head, content + floor)
    pad = max(floor, min(_line_feeds(carried), size - content)) if _PAD in page else 0
    rest = size - content - pad
    response.set_data(page.replace(_PAD, b"\n" * pad, 1).replace(_REST, b"0" * rest, 1))
    response.headers["Content-Length"] = str(size)
    return response


def _line_feeds(carried: int) -> int:
    """How many line feeds a padding field wants, a little different for each page."""
    sent = MIN_SENT_BYTES + secrets.randbelow(MAX_SENT_BYTES - MIN_SENT_BYTES + 1)
    wanted = min(max(sent - carried, MIN_PAD_BYTES), MAX_PAD_BYTES)
    return wanted // _SENT_BYTES


def _body_bytes(head: int, least: int) -> int:
    """The body's length, *least* or more, with which the whole answer is a multiple of PAGE_BYTES."""
    pages = 1
    while True:
        for digits in range(5, 9):
            body = pages * PAGE_BYTES - head - len("Content-Length: \r\n") - digits
            if len(str(body)) == digits and body >= least:
                return body
        pages += 1
