"""What every answer of the front carries beside its page: the headers that keep it alone, and one size for all.

Someone who watches the line sees only sizes. Every answer, header included, is PAGE_BYTES long or, when it carries a
long text back to its writer, a whole multiple of it.
"""

import base64
import hashlib

from flask import Response
from markupsafe import Markup

PAGE_BYTES = 32_768
# What a form page sends along and the browser sends back, so that a login is not told from a report by its length.
LEAST_FILLER_BYTES = 16_384
# Cannot stand in a text: there "<" is always written "&lt;".
FILLER = Markup("<!filler>")
_FILLER = FILLER.encode("ascii")

# What gunicorn writes beside the headers that are set here, once its own Server and Date are taken away.
_FRAME = "HTTP/1.1 \r\nConnection: close\r\n\r\n"

_FIXED = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    # Not "no-referrer", with which Firefox sends "Origin: null" with a form of our own.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def content_security_policy(style: str) -> str:
    """Nothing is allowed but the one inline style, by its hash, the empty icon, and forms to this site."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def finished(response: Response, policy: str) -> Response:
    """*response* with exactly our headers, and filled up to a whole number of PAGE_BYTES. Its page holds FILLER once."""
    page = response.get_data()
    response.headers.clear()
    response.headers.update(_FIXED)
    response.headers["Content-Security-Policy"] = policy
    head = len(_FRAME) + len(response.status) + sum(len(f"{name}: {value}\r\n") for name, value in response.headers)
    size = _body_bytes(head, len(page) - len(_FILLER) + LEAST_FILLER_BYTES)
    response.set_data(page.replace(_FILLER, b"0" * (size - len(page) + len(_FILLER)), 1))
    response.headers["Content-Length"] = str(size)
    return response


def _body_bytes(head: int, least: int) -> int:
    """The body's length, *least* or more, with which the whole answer is a multiple of PAGE_BYTES."""
    pages = 1
    while True:
        for digits in range(5, 9):
            body = pages * PAGE_BYTES - head - len("Content-Length: \r\n") - digits
            if len(str(body)) == digits and body >= least:
                return body
        pages += 1
