"""The report page: shown, sent, shown again with everything kept, and the page that says it is done."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from flask import Response, g
from flask.views import MethodView
from werkzeug.datastructures import MultiDict

from dropbox.front.forms import ReportForm, Visit
from dropbox.front.intake import Draft, Intake
from dropbox.front.pages import Pages
from dropbox.front.sending import Problem, Sending, to_ask
from dropbox.front.token import FormState
from dropbox.question import MONTHS
from dropbox.settings import Settings

PAGE = "report"
_SENT_TO = "report/send"
# How far back the lists of years go: WeChat began in 2011.
YEARS = 16


class ReportView(MethodView):
    """GET shows an empty form with a new codename; POST files it, or shows it again with what is wrong."""

    init_every_request = False

    def __init__(
        self, pages: Pages, intake: Intake, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._pages = pages
        self._clock = clock
        self._sending = Sending(PAGE, pages.tokens, intake, settings)
        self._settings = settings

    def get(self) -> Response:
        """An empty form. Nothing is stored anywhere for it."""
        visit = Visit(FormState.new())
        return self._again(self._form(MultiDict(), visit, 0), visit.state)

    def post(self) -> Response:
        """What was sent: filed, or shown again whole."""
        sent = self._sending.receive()
        form = self._form(sent.texts, sent.visit, len(sent.state.attachments))
        act = sent.texts.get("act")
        if sent.problems:
            return self._again(form, sent.state, sent.problems, sent.status)
        if act == "codename":
            return self._again(form, sent.state.with_another_codename())
        if act in ("files", "language"):
            return self._again(form, sent.state)
        if not form.validate():
            return self._again(form, sent.state, form.problems, 400)
        if identifiers := to_ask(form.text.data or "", sent.state, act):
            return self._again(form, sent.state.once_asked(), identifiers=identifiers)
        return self._file(form, sent.state)

    def _file(self, form: ReportForm, state: FormState) -> Response:
        harms = tuple(sorted(set(form.harms.data or ())))
        draft = Draft(
            "report", g.language, form.category.data, harms, form.text.data or "", form.facts
        )
        refusal = self._sending.file(draft, state)
        if refusal is not None:
            return self._again(form, refusal.state, [refusal.problem], refusal.status)
        codename = self._pages.words.spell(state.codename, g.language)
        return self._pages.render(
            "done.html", place=PAGE, codename=codename, files=state.attachments
        )

    def _again(
        self,
        form: ReportForm,
        state: FormState,
        problems: Sequence[Problem] = (),
        status: int = 200,
        identifiers: Sequence[str] = (),
    ) -> Response:
        return self._pages.form(
            "report.html",
            page=PAGE,
            place=_SENT_TO,
            state=state,
            text=form.text.data or "",
            problems=problems,
            identifiers=identifiers,
            status=status,
            form=form,
            limits=self._settings,
            years=self._years(),
            months=MONTHS,
        )

    def _years(self) -> list[str]:
        latest = datetime.fromtimestamp(self._clock(), UTC).year
        return [str(year) for year in range(latest, latest - YEARS, -1)]

    def _form(self, texts: MultiDict[str, str], visit: Visit, files: int) -> ReportForm:
        return ReportForm(
            texts, visit, campaign=self._pages.campaign, words=self._pages.words, files=files
        )
