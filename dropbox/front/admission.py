"""Which requests the front admits: those of a browser that shows this onion's own pages."""

from typing import Any

from flask import Flask, Response, g, request
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import BadRequest

from dropbox.front.circuit_limits import ECHO_BYTES, What
from dropbox.front.intake import Charge
from dropbox.front.pages import Pages, use_language
from dropbox.front.turn import came_too_late
from dropbox.front.uploads import TEXTS_BYTES, Busy, TooMuch

_TOO_MANY = [
    _("Too many pages were asked for in a short time. Nothing was stored. Please wait a minute."),
    _("What you wrote is still in your browser: press Back, and then send it again."),
]
# Texts that are given back are also counted for all circuits together.
_ALL_CIRCUITS = b"all circuits"


class _Refused(Exception):
    """A request that did not come from Tor Browser to this onion; carries the sentences to show."""

    def __init__(self, *sentences: Any) -> None:
        super().__init__()
        self.sentences = sentences


def admit_only_from(app: Flask, onion: str, pages: Pages, charge: Charge) -> None:
    """Let *app* admit only requests that come directly over Tor, from the pages of *onion*.

    *charge* counts them; a circuit that asks for too many is told to wait. The language of *pages*
    is taken from the path first, so that a refusal is in it, too. Whoever has looked at too many
    pages can still send what they have written; and when that is too much as well, the text comes
    back on its page, unfiled, as long as the allowance for that lasts. The same happens to a
    request that has waited too long for its turn.
    """

    def admit() -> Response | None:
        use_language(pages.language_of(request.path.split("/")[1]))
        try:
            _check_request(onion)
        except _Refused as refused:
            return pages.message(
                _("This page is not available here"), refused.sentences, status=403
            )
        try:
            charge(What.PAGES, beyond=request.method == "POST")
        except TooMuch as why:
            if not _gives_text_back(charge):
                return pages.message(_("Too many pages"), _TOO_MANY, status=429)
            g.refused = why
        else:
            # Otherwise those who wait longest would never be answered. A page that is only looked
            # at costs no more than one that says so.
            if request.method == "POST" and came_too_late():
                g.refused = Busy()
        return None

    app.before_request(admit)


def _gives_text_back(charge: Charge) -> bool:
    """Whether a refused request can still get back the text that it brings, if any."""
    if request.method != "POST":
        return False
    amount = 1 + min(request.content_length or 0, TEXTS_BYTES) // ECHO_BYTES
    try:
        charge(What.ECHOES, amount)
        charge(What.ALL_ECHOES, amount, visit=_ALL_CIRCUITS)
    except TooMuch:
        return False
    return True


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
