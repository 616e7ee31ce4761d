"""A response of each kind that the front gives, in one language."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dropbox.codename import LIST_WORDS, WordLists, new_codename
from dropbox.errors import VaultUnavailable
from dropbox.front import form_token
from scripts.rehearsal.claimant import File, Form, Page
from support.front import Front
from support.report_form import report_page, send

# The length of most reports: 1,500 Chinese characters.
STORY = "【虚构】我的公众号在三月被封，钱包里的钱取不出来。" * 60
_PHOTO = File(
    "照片.jpg",
    "image/jpeg",
    (Path(__file__).parents[1] / "vectors" / "photograph" / "both.jpg").read_bytes(),
)


def size(page: Page) -> int:
    """The bytes of a whole response as gunicorn writes it."""
    status = httpx.codes.get_reason_phrase(page.status).upper() if page.status != 200 else "OK"
    head = f"HTTP/1.1 {page.status} {status}\r\nConnection: close\r\n\r\n"
    assert isinstance(page.headers, httpx.Headers)
    lines = [f"{name}: {value}\r\n" for name, value in page.headers.multi_items()]
    return len(head) + sum(map(len, lines)) + len(page.raw)


@contextmanager
def longest_codenames() -> Iterator[None]:
    """Within, each new codename is of the longest English words."""
    words = WordLists.read().english
    longest = sorted(range(LIST_WORDS), key=lambda index: -len(words[index]))[:64]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            form_token, "new_codename", lambda: new_codename(lambda _: secrets.choice(longest))
        )
        yield


def answers_in(front: Front, prefix: str) -> Iterator[tuple[str, Page]]:
    """Each kind of response, in the language of *prefix*."""
    with front.browser() as browser:
        yield "start", browser.get(f"/{prefix}/")
        yield "bridges", browser.get(f"/{prefix}/bridges")
        yield "keys", browser.get(f"/{prefix}/keys")
        yield "leave", browser.get(f"/{prefix}/leave")
        page = report_page(browser, prefix)
        yield "report", page
        yield "empty", send(browser, page, text=" ", category="")
        yield "asked", send(browser, page, text=STORY + "13800138000")
        yield "done", send(browser, page)
        inbox = browser.get(f"/{prefix}/inbox")
        yield "inbox", inbox
        yield "no answer", browser.send(inbox.form(), {"codename": page.codename()})
        yield "wrong codename", browser.send(inbox.form(), {"codename": "zzzz"})
        front.vault.failure = VaultUnavailable()
        yield "not accepted", send(browser, page)
        lost = send(browser, page, [_PHOTO], text=STORY)
        yield "file lost", lost
        front.vault.failure = None
        yield "file missing", send(browser, lost, text=STORY)
        fresh = report_page(browser, prefix)
        yield "photograph", send(browser, fresh, [_PHOTO], text=STORY)
        yield "arrived", send(browser, fresh, text=STORY)
        yield "sent before", send(browser, page, text=STORY, token="A" * 99)
        cut = Form(page.form().action, page.form().fields[:2])
        yield "cut", browser.send(cut, {}, button=("act", "language"))
        button = str(page.html.select("button[form=arrived]")[0]["value"])
        form = Form(f"/{prefix}/arrived", [])
        yield "what arrived", browser.send(form, {"arrival": button})
