"""The front's application: its addresses, its error pages, and what all responses share."""

import re
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import flask
from flask import Flask, Response, g
from flask_babel import lazy_gettext as _
from jinja2.bccache import Bucket, BytecodeCache
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, NotFound

from dropbox import data_files, error_log
from dropbox.campaign import Campaign
from dropbox.catalog import read_catalogs
from dropbox.codename import WordLists
from dropbox.errors import CutPage
from dropbox.front import arrived_page, keys_page, leave_page
from dropbox.front.admission import admit_only_from
from dropbox.front.arrived_files import ArrivedFiles
from dropbox.front.arrived_page import ArrivedView
from dropbox.front.case_page import CaseView
from dropbox.front.form_token import FormTokens
from dropbox.front.inbox_page import InboxView
from dropbox.front.intake import Intake
from dropbox.front.leave_page import LeaveView
from dropbox.front.pages import Pages
from dropbox.front.report_page import ReportView
from dropbox.front.response_timing import STEP_SECONDS, paced, wait
from dropbox.front.shared_keys import SharedKeys
from dropbox.front.translation import translate
from dropbox.front.uniform_response import PAD, REST, content_security_policy, uniform
from dropbox.language import Language, read_languages
from dropbox.next_address import NextAddress
from dropbox.public_keys import PublicKeys
from dropbox.settings import Settings


class FormBodyRead(RuntimeError):
    """Something made Werkzeug parse a form, which would write files to the disk unencrypted."""


class _Request(flask.Request):
    def _load_form_data(self) -> None:
        # Only dropbox.front.uploads reads bodies.
        raise FormBodyRead


class _Compiled(BytecodeCache):
    """The templates that were compiled in this process, in memory alone.

    At the start one application measures the pages before another one serves them.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template's code if its source is still the same."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


_compiled = _Compiled()


class _Front(Flask):
    request_class = _Request

    def log_exception(self, exc_info: Any) -> None:
        """Log an error's class and count; its text and traceback could quote a report."""
        error_log.log_kind(exc_info[0])


def create_front(
    settings: Settings,
    *,
    intake: Intake,
    public_keys: PublicKeys,
    campaign: Campaign,
    words: WordLists,
    keys: SharedKeys,
    clock: Callable[[], float],
    step_seconds: float = STEP_SECONDS,
    next_address: NextAddress | None = None,
) -> Flask:
    """The front as a WSGI application.

    *public_keys* are those of the reviewers, *keys* are for form tokens, *clock* returns Unix
    seconds, *step_seconds* is for dropbox.front.response_timing, *next_address* is where the drop
    moves to. Raises SettingsError or CatalogError for a language in which the pages cannot be
    shown.
    """
    languages = read_languages(settings, campaign)
    app = make_application(settings, languages)
    tokens = FormTokens(keys, lifetime_seconds=settings.token_minutes * 60, clock=clock)
    pages = Pages(campaign, words, tokens, ArrivedFiles(keys, clock), languages)
    _fill_up(app, settings.page_bytes, step_seconds)
    admit_only_from(app, settings.onion, pages, intake.charge)
    _routes(app, pages, intake, settings, clock, public_keys, next_address)
    _error_pages(app, pages)
    return app


def load_pages(app: Flask) -> None:
    """Compile all pages; call this before the first worker forks.

    A worker answers only a few dozen requests, and compiling would take as long as most of them do.
    It would also read these files at the very moment somebody asks for a page.
    """
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def make_application(settings: Settings, languages: Mapping[str, Language]) -> Flask:
    """An application that renders the templates in *languages*, and has no pages yet.

    Raises CatalogError. The policy for its pages is its configuration's "PAGE_POLICY".
    """
    app = _Front(__name__, template_folder=str(data_files.templates()), static_folder=None)
    app.config.update(
        WTF_I18N_ENABLED=False,
        PROPAGATE_EXCEPTIONS=False,
        # OPTIONS gets the same response as every other method that no page uses.
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    # No redirects: they would have another length, and reveal a path.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    translate(app, read_catalogs(settings, languages))
    # Line breaks and comments in the style would only waste bytes of the page.
    style = (data_files.templates() / "style.css").read_text("utf-8").replace("\n", "")
    style = re.sub(r"/\*.*?\*/", "", style)
    app.config["PAGE_POLICY"] = content_security_policy(style)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.bytecode_cache = _compiled
    app.jinja_env.globals.update(
        style=Markup(style),  # noqa: S704 - our own file
        pad=PAD,
        rest=REST,
        onion=settings.onion,
    )

    return app


def _fill_up(app: Flask, page_bytes: int, step_seconds: float) -> None:
    def finish(response: Response) -> Response:
        whole = uniform(
            response,
            app.config["PAGE_POLICY"],
            page_bytes=page_bytes,
            carried=g.get("carried", 0),
            kept=g.get("kept", False),
            leaving=g.get("leaving", False),
            file=g.get("file", ""),
        )
        wait(step_seconds)
        return whole

    app.after_request(finish)


def _routes(
    app: Flask,
    pages: Pages,
    intake: Intake,
    settings: Settings,
    clock: Callable[[], float],
    public_keys: PublicKeys,
    next_address: NextAddress | None,
) -> None:
    def start() -> Response:
        return pages.render("start.html", next_address=next_address)

    report = ReportView.as_view("report", pages, intake, settings, clock)
    views: dict[str, Callable[..., Any]] = {
        "": start,
        "bridges": lambda: pages.render("bridges.html", path="bridges"),
        keys_page.PAGE: lambda: keys_page.show(pages, public_keys.fingerprints),
        keys_page.FILE: lambda: keys_page.file(public_keys, clock),
        "report": report,
        # The form is not posted to its own address: a browser discards a page as soon as something
        # is posted to it, and Back would then load a new form, with another codename.
        "report/send": report,
        "inbox": paced(InboxView.as_view("inbox", pages, intake, settings)),
        "case": paced(CaseView.as_view("case", pages, intake, settings)),
        arrived_page.PAGE: ArrivedView.as_view("arrived", pages),
        leave_page.PAGE: LeaveView.as_view("leave", pages),
    }

    def health() -> Response:
        # Connections from tor have their circuit's address: for them there is no such page.
        if flask.request.remote_addr:
            raise NotFound
        intake.reach_vault()
        return start()

    app.add_url_rule("/", view_func=start)
    app.add_url_rule("/health", view_func=health)
    # The language is taken from the path before any view runs; see dropbox.front.admission.
    for prefix in (language.prefix for language in pages.languages.values()):
        for path, view in views.items():
            app.add_url_rule(f"/{prefix}/{path}", endpoint=f"{prefix}.{path}", view_func=view)


def _error_pages(app: Flask, pages: Pages) -> None:
    def refused(why: HTTPException) -> Response:
        if why.code == 404:
            return pages.message(
                _("There is no such page"),
                [_("Please check the address, or go back to the first page.")],
                status=404,
            )
        return pages.message(
            _("This request could not be answered"),
            [_("Nothing was stored. Please go back and try again.")],
            status=why.code or 400,
        )

    def cut(why: CutPage) -> Response:
        sentences = [
            _(
                "You pressed a button before the page had arrived whole, so part of what you wrote "
                "was not sent. Nothing was changed or stored."
            ),
            _(
                "All of it is still in your browser: press Back, wait until the page has stopped "
                "loading, and press the button again. If the browser asks whether to send the page "
                "again, choose “Resend”."
            ),
        ]
        return pages.message(_("The page had not arrived whole"), sentences, status=400)

    def failed(why: Exception) -> Response:
        sentences = [
            _(
                "Something went wrong on the server. Your report was NOT accepted, and nothing was "
                "stored."
            ),
            _(
                "Please use your browser’s Back button: what you wrote should still be there. Try "
                "again later."
            ),
        ]
        return pages.message(_("Not accepted"), sentences, status=500)

    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(CutPage, cut)
    app.register_error_handler(500, failed)
