"""The report page: shown, sent, shown again with everything kept, and the page that says it is done."""

from collections.abc import Sequence

from flask import Response, g
from flask.views import MethodView
from werkzeug.datastructures import MultiDict

from dropbox.front.forms import ReportForm, Visit
from dropbox.front.intake import Draft, Intake
from dropbox.front.pages import Pages
from dropbox.front.sending import Problem, Sending
from dropbox.front.token import FormState
from dropbox.settings import Settings

PAGE = "report"


class ReportView(MethodView):
    """GET shows an empty form with a new codename; POST files it, or shows it again with what is wrong."""

    init_every_request = False

    def __init__(self, pages: Pages, intake: Intake, settings: Settings) -> None:
        self._pages = pages
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
        return self._file(form, sent.state)

    def _file(self, form: ReportForm, state: FormState) -> Response:
        harms = tuple(sorted(set(form.harms.data or ())))
        refusal = self._sending.file(Draft("report", g.language, form.category.data, harms, form.text.data or ""), state)
        if refusal is not None:
            return self._again(form, refusal.state, [refusal.problem], refusal.status)
        codename = self._pages.words.spell(state.codename, g.language)
        return self._pages.render("done.html", place=PAGE, codename=codename, files=state.attachments)

    def _again(self, form: ReportForm, state: FormState, problems: Sequence[Problem] = (), status: int = 200) -> Response:
        return self._pages.form(
            "report.html", page=PAGE, state=state, problems=problems, status=status, form=form, limits=self._settings
        )

    def _form(self, texts: MultiDict[str, str], visit: Visit, files: int) -> ReportForm:
        return ReportForm(texts, visit, campaign=self._pages.campaign, words=self._pages.words, files=files)
