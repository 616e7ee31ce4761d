"""The report page: showing the form, filing it, or showing it again with everything kept."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from flask import Response, g
from flask.views import MethodView
from werkzeug.datastructures import MultiDict

from dropbox.front.form_token import ForgedToken, FormState, LeftToken
from dropbox.front.forms import OpenedToken, ReportForm
from dropbox.front.intake import Draft, Intake
from dropbox.front.pages import Pages
from dropbox.front.submission import (
    Problem,
    Question,
    SubmissionHandler,
    question_before_sending,
    with_missing,
)
from dropbox.question import MONTHS
from dropbox.settings import Settings

PAGE = "report"
_SENT_TO = "report/send"
# How many years the lists go back: WeChat started in 2011.
YEARS = 16


class ReportView(MethodView):
    """GET shows an empty form with a new codename; POST files it, or shows what is wrong."""

    init_every_request = False

    def __init__(
        self, pages: Pages, intake: Intake, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._pages = pages
        self._clock = clock
        self._submissions = SubmissionHandler(PAGE, pages, intake, settings)
        self._settings = settings

    def get(self) -> Response:
        """Show an empty form. Nothing is stored for it anywhere."""
        token = OpenedToken(FormState.new())
        return self.show(self.read(MultiDict(), token, 0), token.state)

    def post(self) -> Response:
        """File what was sent, or show all of it again."""
        posted = self._submissions.receive()
        form = self.read(posted.texts, posted.token, len(posted.state.attachments))
        act = posted.texts.get("act", "send")
        if posted.problems:
            return self.show(form, posted.state, posted.problems, posted.status)
        if isinstance(posted.token.trouble, ForgedToken):
            # The codename has changed, and its writer has to be told whichever button it was.
            why = "left" if isinstance(posted.token.trouble, LeftToken) else "old"
            return self.show(form, posted.state, status=400, question=Question(sent_before=why))
        if posted.earlier:
            return self.show(form, posted.state, question=Question(earlier=posted.earlier))
        if act in ("codename", "files", "language"):
            another = act == "codename"
            state = posted.state.with_another_codename() if another else posted.state
            return self.show(form, state)
        return self._confirmed(form, posted.state, act)

    def _confirmed(self, form: ReportForm, state: FormState, act: str) -> Response:
        """File it once it is valid and its writer has answered all questions."""
        if not form.validate():
            return self.show(form, state, form.problems, 400)
        before = state
        question, state = question_before_sending(state, form.text.data or "", act)
        self._submissions.abandon_unused(before, state)
        if question is not None:
            return self.show(form, state, question=question)
        return self._file(form, state)

    def _file(self, form: ReportForm, state: FormState) -> Response:
        harms = tuple(sorted(set(form.harms.data or ())))
        draft = Draft(
            "report", g.language, form.category.data, harms, form.text.data or "", form.facts
        )
        refusal = self._submissions.file(draft, state)
        if refusal is not None:
            return self.show(form, refusal.state, [refusal.problem], refusal.status)
        return self.done(state)

    def done(self, state: FormState) -> Response:
        """The page that says that it has been sent."""
        codename = self._pages.spell(state.codename)
        return self._pages.render(
            "done.html",
            path=PAGE,
            codename=codename,
            files=state.attachments,
            leaving=self._pages.tokens.leaving(state),
        )

    def show(
        self,
        form: ReportForm,
        state: FormState,
        problems: Sequence[Problem] = (),
        status: int = 200,
        question: Question | None = None,
    ) -> Response:
        """The form with what was written and sealed so far, and *question* above it."""
        return self._pages.form(
            "report.html",
            page=PAGE,
            path=_SENT_TO,
            state=state,
            text=form.text.data or "",
            problems=with_missing(problems, state),
            question=question or Question(),
            status=status,
            form=form,
            limits=self._settings,
            years=self._years(),
            months=MONTHS,
        )

    def _years(self) -> list[str]:
        latest = datetime.fromtimestamp(self._clock(), UTC).year
        return [str(year) for year in range(latest, latest - YEARS, -1)]

    def read(self, texts: MultiDict[str, str], token: OpenedToken, files: int) -> ReportForm:
        """The form that was sent, with this many *files*."""
        return ReportForm(
            texts, token, campaign=self._pages.campaign, words=self._pages.words, files=files
        )
