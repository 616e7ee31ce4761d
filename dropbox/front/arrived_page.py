"""Which files have arrived whole from a page whose answer its browser has not seen."""

from contextlib import suppress

from flask import Response
from flask.views import MethodView
from flask_babel import lazy_gettext as _

from dropbox.front.form_token import ForgedToken
from dropbox.front.pages import Pages
from dropbox.front.short_form import receive_value

PAGE = "arrived"


class ArrivedView(MethodView):
    """POST names the files; nothing is changed."""

    init_every_request = False

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def post(self) -> Response:
        """The names of the files, and how to go on."""
        files = []
        with suppress(ForgedToken):
            nonce = self._pages.tokens.nonce_of(receive_value("arrival"))
            files = self._pages.arrived.kept(nonce)
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
        return self._pages.message(_("What has arrived"), sentences, status=200)
