"""Whether all pages fit into one page length, in every language, before anybody sees them.

A longer page would take two lengths, and so reveal on the line which page it is. So the longest
states of each page are rendered at the start, as the claimant would get them.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from flask import Response, g
from werkzeug.datastructures import MultiDict

from dropbox.campaign import Campaign
from dropbox.catalog import Sentences, read_catalogs
from dropbox.codename import LIST_WORDS, RANDOM_WORDS, Codename, WordLists
from dropbox.errors import PageTooLong
from dropbox.front import keys_page
from dropbox.front.answer_pages import ANSWERS_BYTES
from dropbox.front.arrived_files import ArrivedFiles
from dropbox.front.case_page import CaseView, ask
from dropbox.front.factory import make_application
from dropbox.front.form_token import FormState, FormTokens
from dropbox.front.forms import OpenedToken
from dropbox.front.intake import ReceivedReply
from dropbox.front.pages import Pages, use_language
from dropbox.front.photo_sealing import Photo
from dropbox.front.report_page import ReportView
from dropbox.front.shared_keys import SharedKeys
from dropbox.front.submission import NOT_ACCEPTED, Question
from dropbox.front.uniform_response import FRESH_LINE_FEEDS, least_line_feeds, whole_bytes
from dropbox.language import read_languages
from dropbox.next_address import NextAddress
from dropbox.reply import Reply
from dropbox.report import Attachment
from dropbox.settings import Settings
from dropbox.sizes import BLOCK_BYTES, MAX_REVIEWERS

# (name of the page, the page, how many line feeds its padding field needs)
_Page = tuple[str, Response, int]

# As long as most reports: 1,500 Chinese characters. A longer one may take two page lengths.
_TEXT = "文" * 1_500
_FILE = Attachment("照片 2026.jpg", "image/jpeg", 2**20, "0" * 64, bytes(32), 17, 17 * BLOCK_BYTES)
_PHOTO = Photo(_FILE.block_key, ("place", "serial"), _FILE)
# A proposed page length is a multiple of this.
_STEP_BYTES = 4_096
_NEXT_ADDRESS = NextAddress("a" * 56 + ".onion", "0" * 40)
# Pages that only say something have at most this many sentences.
_SENTENCES = 3
# The date does not change a page's length, except by the number of digits of the year.
_NOW, _DAY = 1_790_000_000.0, date(2026, 9, 30)


class PageLength(NamedTuple):
    """How many bytes the longest state of a page takes, and in which language."""

    size: int
    page: str
    tag: str


def check_page_lengths(settings: Settings, campaign: Campaign, words: WordLists) -> PageLength:
    """The longest page of all languages. Raises PageTooLong if the settings say less.

    Raises SettingsError and CatalogError as create_front.
    """
    longest = max(page_lengths(settings, campaign, words))
    if longest.size > settings.page_bytes:
        proposed = -(-longest.size // _STEP_BYTES) * _STEP_BYTES
        raise PageTooLong(
            f"The page “{longest.page}” in {longest.tag} can take {longest.size:,} bytes, more "
            f"than the page length of {settings.page_bytes:,}: shorten its texts, or set [limits] "
            f"page_bytes to {proposed} or more, which all pages in all languages then have."
        )
    return longest


def page_lengths(settings: Settings, campaign: Campaign, words: WordLists) -> Iterator[PageLength]:
    """The lengths of the longest states of each page, in each language."""
    languages = read_languages(settings, campaign)
    catalogs = read_catalogs(settings, languages)
    app = make_application(settings, languages)
    keys = SharedKeys.private(lambda: _NOW)
    tokens = FormTokens(keys, lifetime_seconds=settings.token_minutes * 60, clock=lambda: _NOW)
    pages = Pages(campaign, words, tokens, ArrivedFiles(keys, lambda: _NOW), languages)
    for tag in languages:
        with app.test_request_context("/"):
            use_language(tag)
            for name, response, line_feeds in (
                *_pages_to_read(pages, catalogs[tag]),
                *_forms(pages, settings),
            ):
                policy = app.config["PAGE_POLICY"]
                size = whole_bytes(response, policy, line_feeds=line_feeds)
                yield PageLength(size, name, tag)


def _pages_to_read(pages: Pages, sentences: Sentences) -> Iterator[_Page]:
    yield "start", pages.render("start.html", next_address=_NEXT_ADDRESS), 0
    yield "bridges", pages.render("bridges.html", path="bridges"), 0
    yield "keys", keys_page.show(pages, ["0" * 40] * MAX_REVIEWERS), 0
    longest = max(sentences.texts.values(), key=lambda text: len(text.encode()), default="")
    yield "message", pages.message(longest, [longest] * _SENTENCES, status=500), 0


def _forms(pages: Pages, settings: Settings) -> Iterator[_Page]:
    report = ReportView(pages, _Inbox(), settings, lambda: _NOW)  # type: ignore[arg-type]
    state = FormState.of(_longest_codename(pages))
    empty = report.read(MultiDict(), OpenedToken(state), 0)
    yield "report", report.show(empty, state), FRESH_LINE_FEEDS
    full = state.with_files((_FILE,)).with_photos((_PHOTO,))
    written = report.read(MultiDict({"text": _TEXT}), OpenedToken(full), 1)
    lost = state.after_arrival((), [_FILE.name])
    photos = [(_FILE.name, _PHOTO.traces, True)]
    for name, asked, question in (
        ("report with files that arrived before", full, Question(earlier=[_FILE.name])),
        ("report with a file missing", lost, Question(missing=lost.missing)),
        ("report with a photograph", full, Question(personal_data=["wechat"], photos=photos)),
        ("report that may be sent already", lost, Question(sent_before="old")),
    ):
        yield name, report.show(written, asked, question=question), least_line_feeds(g.carried)
    problems = [("", NOT_ACCEPTED)]
    yield "report not accepted", report.show(written, lost, problems), least_line_feeds(g.carried)
    yield "sent", report.done(full), 0
    yield "inbox", ask(pages, state=state), FRESH_LINE_FEEDS
    yield "inbox with a text", ask(pages, text=_TEXT, state=full), least_line_feeds(g.carried)
    answers = CaseView(pages, _Inbox("x" * ANSWERS_BYTES), settings)  # type: ignore[arg-type]
    yield "answers", answers.show(state, MultiDict()), least_line_feeds(g.carried)
    nothing = CaseView(pages, _Inbox(), settings)  # type: ignore[arg-type]
    yield "no answers", nothing.show(state, MultiDict()), FRESH_LINE_FEEDS


class _Inbox:
    """Stands in for the vault: the replies that every codename finds, and nothing else."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    def replies(self, _: Codename) -> Sequence[ReceivedReply]:
        """One answer if there is a text."""
        reply = Reply("answer", "en", _DAY, self._text)
        return [ReceivedReply(0, reply)] if self._text else []


def _longest_codename(pages: Pages) -> Codename:
    """A codename made of the words that take the most bytes in this request's language."""
    spelled = pages.languages[g.language].codename
    sizes: dict[int, int] = {}
    # Spelled a codename's worth of words at a time.
    for first in range(0, LIST_WORDS, RANDOM_WORDS):
        indexes = tuple(index % LIST_WORDS for index in range(first, first + RANDOM_WORDS))
        words = pages.words.spell(Codename(indexes), spelled)[:RANDOM_WORDS]
        for index, word in zip(indexes, words, strict=True):
            sizes[index] = len((word.typed + word.hanzi).encode())
    longest = sorted(range(LIST_WORDS), key=sizes.__getitem__, reverse=True)
    return Codename(tuple(longest[:RANDOM_WORDS]))
