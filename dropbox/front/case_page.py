"""The page that a codename opens: the answers, a form for a follow-up, and withdrawing everything.

The codename itself is carried in the form token, so it is typed once and is nowhere on the page.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, g
from flask.views import MethodView
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from dropbox.errors import BadReport, CannotSeal, CannotStore, PendingGone, VaultUnavailable
from dropbox.front.answer_pages import answer_page
from dropbox.front.form_token import FormState, LeftToken, StaleToken
from dropbox.front.forms import MessageForm, OpenedToken
from dropbox.front.intake import Draft, Intake
from dropbox.front.pages import Pages
from dropbox.front.submission import (
    SENDING,
    PostedPage,
    Problem,
    Question,
    SubmissionHandler,
    busy_sentence,
    question_before_sending,
    with_missing,
)
from dropbox.front.uploads import Busy
from dropbox.settings import Settings

PAGE = "case"
# Larger than the index of any tag or answer.
NO_INDEX = 10_000
_DELETE, _ERASE, _OLDER = "delete-", "erase-", "older-"

_SENT = _("Your addition has been sent. It is locked and stored.")
_DELETED = _("The answer has been deleted from the server.")
_NOT_DELETED = _("The answer could not be deleted. Please try again later.")
_NOT_WITHDRAWN = _(
    "The server cannot take everything back right now. Please try again later, until this page "
    "says that it has been taken back."
)
_UNAVAILABLE = _("The answers cannot be looked up right now. Please try again later.")
_TOO_OLD = _("This page was open for too long. Please type your codename again.")
_UNKNOWN = _("This page is too old, or the server was restarted. Please type your codename again.")
_LEFT = _("You left this page before. Please type your codename again.")


class CaseView(MethodView):
    """The case page. It is reached by POST, from the inbox or from itself."""

    init_every_request = False

    def __init__(self, pages: Pages, intake: Intake, settings: Settings) -> None:
        self._pages = pages
        self._intake = intake
        self._settings = settings
        self._submissions = SubmissionHandler(PAGE, pages, intake, settings)

    def get(self) -> Response:
        """Ask for the codename: without it there is nothing to show."""
        return ask(self._pages)

    def post(self) -> Response:
        """Do as the button says: send, add files, change language, delete an answer, withdraw."""
        posted = self._submissions.receive()
        if posted.token.trouble is not None:
            # Shows no answer and gives no codename back; the files belong to what is being written.
            if isinstance(posted.token.trouble, LeftToken):
                self._intake.abandon(posted.state.sealed)
            token = replace(posted.token, state=posted.state)
            texts = posted.texts
            sending = texts.get("act", "send") in SENDING
            return ask_again(self._pages, token, texts.get("text", ""), sending=sending)
        if posted.problems:
            return self.show(posted.state, posted.texts, posted.problems, posted.status)
        if posted.earlier:
            question = Question(earlier=posted.earlier)
            return self.show(posted.state, posted.texts, question=question)
        act = posted.texts.get("act", "send")
        if act in ("files", "language"):
            return self.show(posted.state, posted.texts)
        if act.startswith(_OLDER):
            return self.show(posted.state, posted.texts, first=index_of(act, _OLDER))
        return self._act_on(act, posted)

    def _act_on(self, act: str, posted: PostedPage) -> Response:
        # None of these needs a text.
        if act == "withdraw":
            return self._withdraw(posted)
        if act.startswith(_DELETE):
            return self.show(posted.state, posted.texts, deleting=index_of(act, _DELETE))
        if act.startswith(_ERASE):
            return self._delete(posted, index_of(act, _ERASE))
        return self._confirmed(act, posted)

    def _confirmed(self, act: str, posted: PostedPage) -> Response:
        """Send it once it is valid and its writer has answered all questions."""
        form = MessageForm(
            posted.texts,
            posted.token,
            words=self._pages.words,
            files=len(posted.state.attachments),
        )
        if not form.validate():
            return self.show(posted.state, posted.texts, form.problems, 400)
        question, state = question_before_sending(posted.state, form.text.data or "", act)
        self._submissions.abandon_unused(posted.state, state)
        if question is not None:
            return self.show(state, posted.texts, question=question)
        return self._send(form, replace(posted, state=state))

    def show(
        self,
        state: FormState,
        texts: MultiDict[str, str],
        problems: Sequence[Problem] = (),
        status: int = 200,
        notice: Any = None,
        question: Question | None = None,
        first: int = 0,
        deleting: int = NO_INDEX,
        delete_all: bool = False,
    ) -> Response:
        """The case page, with the answers from index *first* on.

        Asks whether to delete the answer under the tag *deleting*, and begins with it. With
        *delete_all*, the answers that it shows are deleted from the server. The answers are looked
        up each time. If that fails, the page says so and keeps the text.
        """
        looked_up = True
        try:
            received = self._intake.replies(state.codename)
        except (Busy, VaultUnavailable, CannotStore) as why:
            received, status, looked_up = [], 503, False
            problems = [
                *problems,
                ("", busy_sentence(why) if isinstance(why, Busy) else _UNAVAILABLE),
            ]
        asked = (at for at, one in enumerate(received) if one.index == deleting)
        answers = answer_page(received, next(asked, first))
        if delete_all and looked_up:
            try:
                self._intake.delete_replies(state.codename, answers.indexes)
            except (Busy, VaultUnavailable, CannotStore):
                problems, status, delete_all = [*problems, ("", _NOT_DELETED)], 503, False
        return self._pages.form(
            "case.html",
            page=PAGE,
            path=PAGE,
            state=state,
            problems=with_missing(problems, state),
            status=status,
            answers=answers,
            looked_up=looked_up,
            deleted=delete_all,
            deleting=deleting,
            notice=notice,
            question=question or Question(),
            text=texts.get("text", ""),
            limits=self._settings,
        )

    def _send(self, form: MessageForm, posted: PostedPage) -> Response:
        draft = Draft("message", g.language, self._pages.campaign.unsure, (), form.text.data or "")
        refusal = self._submissions.file(draft, posted.state)
        if refusal is not None:
            return self.show(refusal.state, posted.texts, [refusal.problem], refusal.status)
        # A fresh nonce: what is written next is a new message, even if it has the same words.
        return self.show(posted.state.after_sending(), MultiDict(), notice=_SENT)

    def _delete(self, posted: PostedPage, index: int) -> Response:
        try:
            self._intake.delete_reply(posted.state.codename, index)
        except (Busy, VaultUnavailable, CannotStore):
            return self.show(
                posted.state,
                posted.texts,
                [("", _NOT_DELETED)],
                503,
            )
        return self.show(posted.state, posted.texts, notice=_DELETED)

    def _withdraw(self, posted: PostedPage) -> Response:
        self._intake.abandon(posted.state.sealed)
        try:
            self._intake.withdraw(posted.state.codename, g.language)
        except (Busy, BadReport, PendingGone, CannotSeal, VaultUnavailable, CannotStore):
            return self.show(posted.state.with_files(()), posted.texts, [("", _NOT_WITHDRAWN)], 503)
        sentences = [
            _(
                "What you filed under this codename has been deleted from the server, "
                "and the reviewers are told."
            ),
            _(
                "What the reviewers have already copied to their offline computer cannot be "
                "deleted from here. They will see that you took it back."
            ),
            _("Now choose “New Identity” in Tor Browser and close it."),
        ]
        self._pages.tokens.end(posted.state)
        g.leaving = True
        return self._pages.message(_("Taken back"), sentences, status=200)


def index_of(act: str, kind: str) -> int:
    """The number after *kind* in a button's value, or NO_INDEX if there is none."""
    number = act.removeprefix(kind)
    return int(number) if re.fullmatch("[0-9]{1,4}", number) else NO_INDEX


def ask_again(pages: Pages, token: OpenedToken, text: str, *, sending: bool) -> Response:
    """Ask for the codename because the page's *token* is no longer valid; *text* is kept.

    The files of *token* are kept unless the page was left; its codename never is. *sending*: the
    text may be stored already, from the same page.
    """
    state = FormState.new().as_sent_before(sending or token.state.maybe_sent)
    if isinstance(token.trouble, LeftToken):
        problem = _LEFT
    else:
        problem = _TOO_OLD if isinstance(token.trouble, StaleToken) else _UNKNOWN
        arrived, missing = token.state.attachments, token.state.missing
        state = state.with_files(arrived).after_arrival((), missing)
        state = state.with_photos(token.state.photos)
        state = state.with_names_left_away(token.state.nameless)
    return ask(pages, problem=problem, status=400, text=text, state=state)


def ask(
    pages: Pages,
    *,
    typed: str = "",
    problem: Any = None,
    status: int = 200,
    text: str = "",
    state: FormState | None = None,
) -> Response:
    """The page that asks for the codename.

    It carries along *text* and the files of *state*, a follow-up that is not sent yet. The codename
    of *state* is not used, but every form has one, so that all forms look alike.
    """
    problems = [("codename", problem)] if problem is not None else []
    state = state or FormState.new()
    return pages.form(
        "inbox.html",
        page="inbox",
        path="inbox",
        state=state,
        kept=False,
        problems=problems,
        status=status,
        typed=typed,
        text=text,
    )
