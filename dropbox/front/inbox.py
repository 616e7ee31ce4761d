"""The inbox: a codename in, the reviewers' answers out. One that nobody has used opens the same empty inbox."""

from typing import Any

from flask import Response, request
from flask.views import MethodView
from flask_babel import lazy_gettext as _

from dropbox.codename import UnknownWord, WrongCheck, WrongCount
from dropbox.errors import BadCodename, CannotStore, VaultUnavailable
from dropbox.front.forms import InboxForm, Visit
from dropbox.front.intake import Intake
from dropbox.front.pages import Pages
from dropbox.front.token import FormState
from dropbox.front.uploads import Busy, receive

PAGE = "inbox"
# The words, the token and the padding.
_POST_BYTES = 131_072

_UNAVAILABLE = _("The answers cannot be looked up at this moment. Please try again later.")
_BUSY = _("The server is busy. Please try again in a few minutes.")
_BROKEN_OFF = _("The connection broke off, or the form arrived damaged. Please try again.")


class InboxView(MethodView):
    """GET asks for the codename; POST shows the answers, or what is wrong with the codename."""

    init_every_request = False

    def __init__(self, pages: Pages, intake: Intake) -> None:
        self._pages = pages
        self._intake = intake

    def get(self) -> Response:
        """The question for the codename."""
        return self._ask()

    def post(self) -> Response:
        """The answers. What was typed comes back only when it could not be read or looked up."""
        received = receive(
            request.stream,
            request.headers.get("Content-Type", ""),
            limit_bytes=_POST_BYTES,
            files_left=lambda texts: 0,
            open_sealer=_no_files,
        )
        form = InboxForm(received.texts, Visit.of(self._pages.tokens, PAGE, received.texts.get("token", "")))
        typed = form.codename.data or ""
        if received.troubles:
            return self._ask(typed, _BROKEN_OFF, 400)
        if received.texts.get("act") == "language":
            return self._ask(typed)
        if not form.validate():
            return self._ask(typed, form.problems[0][1], 400)
        return self._open(typed)

    def _open(self, typed: str) -> Response:
        try:
            replies = self._intake.replies(self._pages.words.read_codename(typed))
        except BadCodename as why:
            return self._ask(typed, _sentence(why), 400)
        except Busy:
            return self._ask(typed, _BUSY, 503)
        except (VaultUnavailable, CannotStore):
            return self._ask(typed, _UNAVAILABLE, 503)
        return self._pages.render("answers.html", place=PAGE, replies=replies)

    def _ask(self, typed: str = "", problem: Any = None, status: int = 200) -> Response:
        problems = [("codename", problem)] if problem is not None else []
        # The state is of no use here, but every form has one, so that all forms look alike.
        state = FormState.new()
        return self._pages.form("inbox.html", page=PAGE, state=state, problems=problems, status=status, typed=typed)


def _no_files() -> Any:
    raise Busy


def _sentence(why: BadCodename) -> Any:
    """What is wrong with a codename, in the page's language, without repeating any of it."""
    if isinstance(why, UnknownWord):
        return _("Word %(position)s is not in the list. Please compare it with your note.", position=why.position)
    if isinstance(why, WrongCount):
        return _("A codename has 8 words; %(count)s were found.", count=why.count)
    if isinstance(why, WrongCheck):
        return _(
            "All words are in the list, but they do not belong together. One of them is another word, or two have "
            "changed places. Please compare them with your note."
        )
    return _("This is not a codename. Please type its 8 words.")
