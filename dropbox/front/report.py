"""The report page: shown, sent, shown again with everything kept, and the page that says it is done."""

from collections.abc import Sequence
from typing import Any

from flask import Response, g, request
from flask.views import MethodView
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from dropbox.errors import BadReport, CannotSeal, CannotStore, PendingGone, VaultUnavailable
from dropbox.front.forms import ReportForm, Visit
from dropbox.front.intake import Draft, Intake
from dropbox.front.pages import Pages
from dropbox.front.token import FormState
from dropbox.front.uploads import Busy, Received, Trouble, receive
from dropbox.report import Attachment
from dropbox.settings import Settings

PAGE = "report"

NOT_ACCEPTED = _(
    "Your report was NOT accepted: the server cannot keep it safely at this moment. Nothing was stored. "
    "Everything you wrote is still here; please try again later."
)
BUSY = _("The server is busy. Nothing was stored. Everything you wrote is still here; please try again in a few minutes.")
_FILES_GONE = _("Your files had waited too long for the report and were deleted. Please add them again.")

# The sentence and the HTTP status for each trouble with what arrived. %(name)s is the file's name.
_TROUBLES: dict[Trouble, tuple[Any, int]] = {
    Trouble.FILE_TOO_LARGE: (_("The file “%(name)s” is larger than %(megabytes)s MB and was not taken."), 413),
    Trouble.TOO_MANY_FILES: (_("One report can hold %(files)s files. The first ones were taken, the others were not: please "
                               "send them with a second report."), 413),
    Trouble.NAME_TOO_LONG: (_("The name of the file “%(name)s…” is too long. Please rename the file and add it again."), 400),
    Trouble.POST_TOO_LARGE: (_("All files together are too large for one sending. Those listed below were taken. Please add "
                               "the others with the button “Add these files”, a few at a time."), 413),
    Trouble.TEXTS_TOO_LONG: (_("Your text is far too long and came back cut off. Please use your browser’s Back button to see "
                               "all of it, and send it as a file."), 413),
    Trouble.NOT_UTF8: (_("Your text arrived damaged, with characters that cannot be read. Please look it over."), 400),
    Trouble.BROKEN_OFF: (_("The connection broke off, or the form arrived damaged. Nothing was sent to the reviewers. What "
                           "arrived is below; please check it and send it again."), 400),
    Trouble.BUSY: (_("The server is taking in other people’s files at this moment. Your text is still here. Please add your "
                     "files again in a few minutes."), 503),
    Trouble.NOT_ACCEPTED: (NOT_ACCEPTED, 503),
}  # fmt: skip


class ReportView(MethodView):
    """GET shows an empty form with a new codename; POST files it, or shows it again with what is wrong."""

    init_every_request = False

    def __init__(self, pages: Pages, intake: Intake, settings: Settings) -> None:
        self._pages = pages
        self._intake = intake
        self._settings = settings

    def get(self) -> Response:
        """An empty form. Nothing is stored anywhere for it."""
        return self._again(ReportForm(MultiDict(), Visit(FormState.new()), **self._checks(0)), FormState.new())

    def post(self) -> Response:
        """What was sent: filed, or shown again whole."""
        received = self._receive()
        visit = Visit.of(self._pages.tokens, PAGE, received.texts.get("token", ""))
        state = visit.state.with_files((*self._kept(visit.state, received), *received.attachments))
        form = ReportForm(received.texts, visit, **self._checks(len(state.attachments)))
        if received.troubles:
            return self._troubled(form, state, received)
        if received.texts.get("act") in ("files", "language"):
            return self._again(form, state)
        if not form.validate():
            return self._again(form, state, form.problems, 400)
        return self._file(form, state)

    def _file(self, form: ReportForm, state: FormState) -> Response:
        harms = tuple(sorted(set(form.harms.data or ())))
        draft = Draft(g.language, form.category.data, harms, form.text.data or "")
        try:
            self._intake.file(draft, state)
        except PendingGone:
            return self._again(form, state.with_files(()), [("files", _FILES_GONE)], 409)
        except Busy:
            return self._again(form, state, [("", BUSY)], 503)
        except BadReport:
            return self._again(form, state, [("text", _("Your text is too long. Please shorten it."))], 413)
        except (CannotSeal, CannotStore, VaultUnavailable):
            return self._again(form, state, [("", NOT_ACCEPTED)], 503)
        codename = self._pages.words.spell(state.codename, g.language)
        return self._pages.render("done.html", place=PAGE, codename=codename, files=state.attachments)

    def _again(self, form: ReportForm, state: FormState, problems: Sequence[tuple[str, Any]] = (), status: int = 200) -> Response:
        return self._pages.form(
            "report.html", page=PAGE, state=state, problems=problems, status=status, form=form, limits=self._settings
        )

    def _troubled(self, form: ReportForm, state: FormState, received: Received) -> Response:
        facts = {"megabytes": self._settings.file_bytes // 2**20, "files": self._settings.files}
        problems = [
            ("files" if name else "", str(_TROUBLES[trouble][0]) % {"name": name, **facts}) for trouble, name in received.troubles
        ]
        return self._again(form, state, problems, max(_TROUBLES[trouble][1] for trouble, _name in received.troubles))

    def _checks(self, files: int) -> dict[str, Any]:
        return {"campaign": self._pages.campaign, "words": self._pages.words, "files": files}

    def _receive(self) -> Received:
        return receive(
            request.stream,
            request.headers.get("Content-Type", ""),
            limit_bytes=self._settings.post_bytes,
            files_left=self._files_left,
            open_sealer=self._intake.open_sealer,
        )

    def _files_left(self, texts: MultiDict[str, str]) -> int:
        state = Visit.of(self._pages.tokens, PAGE, texts.get("token", "")).state
        return self._settings.files - len(state.attachments)

    def _kept(self, state: FormState, received: Received) -> list[Attachment]:
        """The files sealed before, without those that the claimant took back now."""
        removed = set(received.texts.getlist("remove"))
        kept = [file for file in state.attachments if file.block_key.hex()[:16] not in removed]
        self._intake.abandon([file for file in state.attachments if file not in kept])
        return kept
