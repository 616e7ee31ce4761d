"""The inbox: a codename in, the reviewers' answers out. An unused codename opens an empty inbox."""

from dataclasses import replace
from typing import Any

from flask import Response
from flask.views import MethodView
from flask_babel import lazy_gettext as _

from dropbox.codename import UnknownWord, WrongCheck, WrongCount
from dropbox.errors import BadCodename, CutPage
from dropbox.front.case_page import CaseView, ask, ask_again
from dropbox.front.form_token import ForgedToken, FormState
from dropbox.front.forms import InboxForm, OpenedToken
from dropbox.front.intake import Intake
from dropbox.front.pages import Pages
from dropbox.front.short_form import receive_texts
from dropbox.settings import Settings

PAGE = "inbox"
READ_AND_DELETE = "read-delete"
# The words, the token and the padding fit in this.
_POST_BYTES = 131_072

_BROKEN_OFF = _("The connection was lost, or the form arrived damaged. Please try again.")


class InboxView(MethodView):
    """GET asks for the codename; POST shows the case page, or what is wrong with the codename."""

    init_every_request = False

    def __init__(self, pages: Pages, intake: Intake, settings: Settings) -> None:
        self._pages = pages
        self._case = CaseView(pages, intake, settings)

    def get(self) -> Response:
        """Ask for the codename."""
        return ask(self._pages)

    def post(self) -> Response:
        """Show the answers. What was typed is shown again only if it could not be read.

        Raises CutPage.
        """
        received = receive_texts(_POST_BYTES)
        if received.cut_page:
            raise CutPage
        token = OpenedToken.of(self._pages.tokens, PAGE, received.texts.get("token", ""))
        form = InboxForm(received.texts, token)
        text, state = received.texts.get("text", ""), token.state
        # A browser that restores an old page sends it again, with what was typed.
        typed = form.codename.data or "" if token.trouble is None else ""
        if received.troubles:
            return ask(
                self._pages, problem=_BROKEN_OFF, status=400, typed=typed, text=text, state=state
            )
        if token.trouble is not None:
            # If a page cannot be opened, nobody knows what became of its text.
            sending = bool(text) and isinstance(token.trouble, ForgedToken)
            return ask_again(self._pages, token, text, sending=sending)
        if received.texts.get("act") == "language":
            return ask(self._pages, typed=typed, text=text, state=state)
        try:
            codename = self._pages.words.read_codename(typed)
        except BadCodename as why:
            return ask(
                self._pages, problem=_sentence(why), status=400, typed=typed, text=text, state=state
            )
        # A fresh nonce: the inbox can be sent again, and what is written then is a new message.
        opened = replace(state, codename=codename, nonce=FormState.of(codename).nonce)
        delete_all = received.texts.get("act") == READ_AND_DELETE
        return self._case.show(opened, received.texts, delete_all=delete_all)


def _sentence(why: BadCodename) -> Any:
    """What is wrong with a codename, in the page's language, without quoting any of it."""
    if isinstance(why, UnknownWord):
        return _(
            "Word %(position)s is not in the list. Please compare it with your note.",
            position=why.position,
        )
    if isinstance(why, WrongCount):
        return _("A codename has 8 words; %(count)s were found.", count=why.count)
    if isinstance(why, WrongCheck):
        return _(
            "All words are in the list, but they do not belong together. One of them is wrong, or "
            "two have been swapped. Please compare them with your note."
        )
    return _("This is not a codename. Please type its 8 words.")
