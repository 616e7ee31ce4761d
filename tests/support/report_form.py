"""The report form as a claimant fills it in, and waiting answers."""

from datetime import date
from typing import Any

from dropbox.codename import CHEAPEST, WordLists, derive_keys
from dropbox.reply import Reply, reply_tag, seal_reply
from scripts.rehearsal.claimant import Browser, File, Page
from support.front import Front

TEXT = "【虚构】我的公众号在2026年3月被封。\r\n<b>&amp; “引号”</b>"


def report_page(browser: Browser, prefix: str = "zh-hans") -> Page:
    page = browser.get(f"/{prefix}/report")
    assert page.status == 200
    return page


def send(
    browser: Browser,
    page: Page,
    files: list[File] | None = None,
    act: str = "send",
    **values: Any,
) -> Page:
    fields = {"category": "c2", "text": TEXT, **values}
    return browser.send(page.form(), fields, files=files or [], button=("act", act))


def problems(page: Page) -> str:
    """The text of the box with the problems."""
    return " ".join(tag.get_text(" ", strip=True) for tag in page.html.select(".problems li"))


def answered(front: Front, words: WordLists, codename: str, *texts: str) -> None:
    """Put replies for *codename* into the vault."""
    keys = derive_keys(words.read_codename(codename), salt=front.settings.salt, cost=CHEAPEST)
    for number, text in enumerate(texts):
        reply = Reply("answer", "zh-Hans", date(2026, 12, 1 + number), text)
        front.vault.sealed[reply_tag(keys.tag_key, desk=1, number=number)] = seal_reply(
            reply, keys.reply_public, reply_symmetric=keys.reply_symmetric
        )
