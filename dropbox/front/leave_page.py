"""Leaving: the visit's pages are no longer valid, and the browser forgets this site."""

from flask import Response, g
from flask.views import MethodView
from flask_babel import lazy_gettext as _

from dropbox.front.pages import Pages
from dropbox.front.short_form import receive_value

PAGE = "leave"


class LeaveView(MethodView):
    """GET says goodbye; POST ends the visit first."""

    init_every_request = False

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def get(self) -> Response:
        """Say what is left to do in the browser itself."""
        sentences = [
            _("You have left. The server keeps no login and keeps no record that you were here."),
            _(
                "What your browser still shows or remembers is only cleared by “New Identity” in "
                "Tor Browser. Please choose it now, then close the browser."
            ),
        ]
        g.leaving = True
        return self._pages.message(_("You have left"), sentences, status=200, path=PAGE)

    def post(self) -> Response:
        """Refuse the visit's tokens from now on."""
        self._pages.tokens.leave(receive_value("leaving"))
        return self.get()
