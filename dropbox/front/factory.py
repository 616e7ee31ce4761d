"""The front's application: its pages, which requests it admits, and what all responses share."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import flask
from flask import Flask, Response, g, make_response, request
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, HTTPException

from dropbox import data_files, error_log
from dropbox.campaign import Campaign
from dropbox.catalog import read_catalogs
from dropbox.codename import WordLists
from dropbox.errors import CutPage
from dropbox.front.arrived_files import ArrivedFiles
from dropbox.front.case_page import CaseView
from dropbox.front.form_token import ForgedToken, FormTokens
from dropbox.front.inbox_page import InboxView
from dropbox.front.intake import Intake
from dropbox.front.pages import Pages, use_language
from dropbox.front.report_page import ReportView
from dropbox.front.response_timing import STEP_SECONDS, paced, wait
from dropbox.front.shared_keys import SharedKeys
from dropbox.front.translation import translate
from dropbox.front.uniform_response import PAD, REST, content_security_policy, uniform
from dropbox.front.uploads import no_files, receive
from dropbox.language import Language, read_languages
from dropbox.public_keys import PublicKeys
from dropbox.settings import Settings

# What a browser proposes as the name of the file with the reviewers' public keys.
KEYS_FILE = "keys.asc"
# The forms of the buttons for leaving and for arrived files have one short field.
_SHORT_BYTES = 4_096


class FormBodyRead(RuntimeError):
    """Something made Werkzeug parse a form, which would write files to the disk unencrypted."""


class _Request(flask.Request):
    def _load_form_data(self) -> None:
        # Only dropbox.front.uploads reads bodies.
        raise FormBodyRead


class _Refused(Exception):
    """A request that did not come from Tor Browser to this onion; carries the sentences to show."""

    def __init__(self, *sentences: Any) -> None:
        super().__init__()
        self.sentences = sentences


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
) -> Flask:
    """The front as a WSGI application.

    *public_keys* are those of the reviewers, *keys* are for form tokens, *clock* returns Unix
    seconds, *step_seconds* is for dropbox.front.response_timing. Raises SettingsError or
    CatalogError for a language that the pages cannot be in.
    """
    languages = read_languages(settings, campaign)
    app = make_application(settings, languages)
    tokens = FormTokens(keys, lifetime_seconds=settings.token_minutes * 60, clock=clock)
    pages = Pages(campaign, words, tokens, ArrivedFiles(keys, clock), languages)
    _fill_up(app, settings.page_bytes, step_seconds)
    _admission(app, settings.onion, pages)
    _routes(
        app,
        pages,
        intake,
        settings,
        clock,
        public_keys,
    )
    _error_pages(app, pages)
    return app


def load_pages(app: Flask) -> None:
    """Compile all pages; call this before the first worker forks.

    A worker answers a few dozen requests, and would take as long over this as over most of them.
    It would also read these files just when somebody asks for a page.
    """
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def make_application(settings: Settings, languages: Mapping[str, Language]) -> Flask:
    """An application that renders the templates in *languages*, and has no page yet.

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


def _carried(name: str) -> str:
    """What a button called *name* carried whose form has no other field."""
    received = receive(
        request.stream,
        request.headers.get("Content-Type", ""),
        limit_bytes=_SHORT_BYTES,
        files_left=lambda texts: 0,
        open_sealer=no_files,
    )
    return str(received.texts.get(name, ""))


def keys_page(pages: Pages, fingerprints: Sequence[str]) -> Response:
    """The page with the reviewers' fingerprints in groups of four, as people compare them."""
    groups = [" ".join(one[at : at + 4] for at in range(0, len(one), 4)) for one in fingerprints]
    return pages.render(
        "keys.html", path="keys", file=KEYS_FILE, groups=groups, fingerprints=fingerprints
    )


def _routes(
    app: Flask,
    pages: Pages,
    intake: Intake,
    settings: Settings,
    clock: Callable[[], float],
    public_keys: PublicKeys,
) -> None:
    def start() -> Response:
        return pages.render("start.html")

    def bridges() -> Response:
        return pages.render("bridges.html", path="bridges")

    def keys() -> Response:
        return keys_page(pages, public_keys.fingerprints)

    def keys_file() -> Response:
        g.file = KEYS_FILE
        return make_response(public_keys.armored(clock()) + REST.encode("ascii"))

    def leave() -> Response:
        if request.method == "POST":
            pages.tokens.leave(_carried("leaving"))
        sentences = [
            _("You have left. The server keeps no login and keeps no record that you were here."),
            _(
                "What your browser still shows or remembers is only cleared by “New Identity” in "
                "Tor Browser. Please choose it now, then close the browser."
            ),
        ]
        g.leaving = True
        return pages.message(_("You have left"), sentences, status=200, path="leave")

    def arrived() -> Response:
        files = []
        with suppress(ForgedToken):
            files = pages.arrived.kept(pages.tokens.nonce_of(_carried("arrival")))
        if not files:
            sentences = [_("No file has arrived whole."), _("Press Back, and send the page again.")]
        else:
            names = _(", ").join(one.file.name for one in files)
            sentences = [
                _("These files have arrived whole and are locked: %(names)s.", names=names),
                _(
                    "Press Back, choose only the files that are missing, and send the page again. "
                    "These files go with it."
                ),
            ]
        return pages.message(_("What has arrived"), sentences, status=200)

    app.add_url_rule("/", view_func=start)
    # The language is taken from the path before any view runs; see _admission.
    for prefix in (language.prefix for language in pages.languages.values()):
        app.add_url_rule(f"/{prefix}/", view_func=start, endpoint=f"{prefix}.start")
        app.add_url_rule(f"/{prefix}/bridges", view_func=bridges, endpoint=f"{prefix}.bridges")
        app.add_url_rule(f"/{prefix}/keys", view_func=keys, endpoint=f"{prefix}.keys")
        app.add_url_rule(
            f"/{prefix}/{KEYS_FILE}", view_func=keys_file, endpoint=f"{prefix}.keys_file"
        )
        app.add_url_rule(
            f"/{prefix}/leave", view_func=leave, endpoint=f"{prefix}.leave", methods=("GET", "POST")
        )
        app.add_url_rule(
            f"/{prefix}/arrived",
            view_func=arrived,
            endpoint=f"{prefix}.arrived",
            methods=("POST",),
        )
        report = ReportView.as_view(f"{prefix}.report", pages, intake, settings, clock)
        app.add_url_rule(f"/{prefix}/report", view_func=report)
        # The form is not posted to its own address: a browser discards a page as soon as something
        # is posted to it, and Back would then load a new form, with another codename.
        app.add_url_rule(f"/{prefix}/report/send", view_func=report)
        for name, kind in (("inbox", InboxView), ("case", CaseView)):
            view = kind.as_view(f"{prefix}.{name}", pages, intake, settings)
            app.add_url_rule(f"/{prefix}/{name}", view_func=paced(view))


def _admission(app: Flask, onion: str, pages: Pages) -> None:
    """Admit only requests that come directly over Tor, from this onion's own pages."""

    def admit() -> Response | None:
        use_language(pages.language_of(request.path.split("/")[1]))
        try:
            _check_request(onion)
        except _Refused as refused:
            return pages.message(
                _("This page is not available here"), refused.sentences, status=403
            )
        return None

    app.before_request(admit)


def _check_request(onion: str) -> None:
    if "X-Tor2web" in request.headers:
        raise _Refused(
            _(
                "You came through a gateway, not Tor Browser. Whoever runs the gateway can see "
                "everything you write."
            ),
            _("Please close this page and open the address in Tor Browser."),
        )
    if request.headers.get("Host") != onion:
        raise _Refused(
            _(
                "This service answers only under its own onion address. Please check the address, "
                "letter by letter."
            )
        )
    # No browser sends a form in chunks, and a malformed chunk would look like a server error.
    if "Transfer-Encoding" in request.headers:
        raise BadRequest
    # Tor Browser may send "null" for an onion; the form token is the real check.
    foreign = request.headers.get("Origin", "null") not in ("null", f"http://{onion}")
    if request.method == "POST" and (
        foreign or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    ):
        raise _Refused(
            _("This form was sent from another site and was not accepted. Nothing was stored.")
        )


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
