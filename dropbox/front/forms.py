"""The forms of the claimant's pages, checked with Flask-WTF; errors are sentences to show."""

from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, SelectMultipleField, StringField, TextAreaField
from wtforms.csrf.core import CSRF
from wtforms.validators import ValidationError

from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.errors import AnswerTooLong, BadAnswer, BadReport, YearMissing
from dropbox.front.form_token import (
    ForgedToken,
    FormState,
    FormTokens,
    LeftToken,
    StaleToken,
)
from dropbox.question import Group, Question
from dropbox.report import TEXT_BYTES, text_bytes

# Prefix of a question's field name: no campaign's question can clash with the form's own fields.
FACT = "f."


@dataclass(frozen=True, repr=False)
class OpenedToken:
    """The state from a posted page's token, or a new one, and what was wrong with the token."""

    state: FormState
    trouble: StaleToken | ForgedToken | None = None

    @classmethod
    def of(cls, tokens: FormTokens, page: str, untrusted: str) -> "OpenedToken":
        """Open *untrusted*. A stale page keeps its state; a forged token gets a new one."""
        try:
            return cls(tokens.open(page, untrusted))
        except StaleToken as stale:
            return cls(stale.state, stale)
        except ForgedToken as forged:
            return cls(FormState.new(), forged)

    @classmethod
    def left(cls) -> "OpenedToken":
        """For a page that was left while its files were arriving."""
        return cls(FormState.new(), LeftToken())


class _TokenCheck(CSRF):  # type: ignore[misc]  # comes without types
    """Flask-WTF's protection against forms of other sites, by token instead of cookie."""

    def generate_csrf_token(self, csrf_token_field: Field) -> str:
        """Nothing: the token is sealed when the page is rendered, as it also records the files."""
        return ""

    def validate_csrf_token(self, form: FlaskForm, field: Field) -> None:
        """Refuse a page whose token is stale. One whose token is forged is not validated at all."""
        trouble = form.meta.csrf_context.trouble
        if isinstance(trouble, StaleToken):
            raise ValidationError(
                _(
                    "This page was open for too long. Everything you wrote is still here: please "
                    "send it again."
                )
            )


class _Form(FlaskForm):  # type: ignore[misc]  # comes without types
    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # comes without types
        csrf = True
        csrf_class = _TokenCheck
        csrf_field_name = "token"
        csrf_context: Any = None

        def get_translations(self, form: FlaskForm) -> None:
            """None from WTForms: all sentences are our own."""

    def __init__(self, texts: MultiDict[str, str], token: OpenedToken) -> None:
        super().__init__(formdata=texts, meta={"csrf_context": token})

    @property
    def problems(self) -> list[tuple[str, Any]]:
        """What is wrong: (field name, sentence), in the form's order."""
        return [
            (name, sentence) for name, sentences in self.errors.items() for sentence in sentences
        ]


def check_text(text: str, files: int, words: WordLists) -> None:
    """Check that there is a text or a file, that it fits in one report, and has no codename in it.

    Raises ValidationError with a sentence.
    """
    if not text.strip() and not files:
        raise ValidationError(_("Please write what happened, or add a file."))
    try:
        over = text_bytes(text) - TEXT_BYTES
    except BadReport:
        raise ValidationError(
            _("The text holds a character that cannot be sent. Please remove it.")
        ) from None
    if over > 0:
        raise ValidationError(
            _(
                "Your text is too long by about %(count)s Chinese characters. Please shorten it, "
                "or send the rest as a file. You can also send a part now and add the rest later, "
                "under the same codename.",
                count=over // 3 + 1,
            )
        )
    if words.contains_codename(text):
        raise ValidationError(
            _(
                "There seems to be a codename in your text. Please remove it: nobody needs it but "
                "you."
            )
        )


def _answer_sentence(why: BadAnswer, question: str) -> Any:
    if isinstance(why, YearMissing):
        return _("“%(question)s”: please choose the year as well.", question=question)
    if isinstance(why, AnswerTooLong):
        return _(
            "“%(question)s”: one of the answers is too long. Please shorten it.", question=question
        )
    return _(
        "“%(question)s”: this answer is not on the list. Please choose again, or leave it open.",
        question=question,
    )


class ReportForm(_Form):
    """A report's category, harms, optional answers and text; its files have already been received.

    After validate(), ``facts`` holds the answers in the form they have in a report.
    """

    category = StringField()
    harms = SelectMultipleField(validate_choice=False)
    text = TextAreaField()

    def __init__(
        self,
        texts: MultiDict[str, str],
        token: OpenedToken,
        *,
        campaign: Campaign,
        words: WordLists,
        files: int,
    ) -> None:
        self._campaign = campaign
        self._words = words
        self._files = files
        self._texts = texts
        self._bad_answers: list[tuple[str, Any]] = []
        self.facts: dict[str, Any] = {}
        super().__init__(texts, token)

    def sent(self, question: Question) -> list[str]:
        """The raw values for an optional question; "" for each that is missing."""
        values = list(self._texts.getlist(FACT + question.code))
        return values + [""] * (question.cells - len(values))

    def answered(self, group: Group) -> bool:
        """Whether any of the group's questions has a value."""
        return any(any(self.sent(question)) for question in group.questions)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the fields, then the optional answers."""
        valid = super().validate(extra_validators)
        for question in self._campaign.questions:
            try:
                answer = question.read(self.sent(question))
            except BadAnswer as why:
                self._bad_answers.append(
                    (FACT + question.code, _answer_sentence(why, question.in_(g.language)))
                )
            else:
                self.facts.update({question.code: answer} if answer is not None else {})
        return valid and not self._bad_answers

    @property
    def problems(self) -> list[tuple[str, Any]]:
        """The problems as for every form, with those of the optional answers last."""
        return [*super().problems, *self._bad_answers]

    def validate_category(self, field: Field) -> None:
        """Require a category of the campaign, which can be "not sure"."""
        if not field.data:
            raise ValidationError(_("Please choose a kind of case. “Not sure” is a valid choice."))
        if field.data not in self._campaign.category_codes:
            raise ValidationError(
                _("This kind of case is not on the list. Please choose one again.")
            )

    def validate_harms(self, field: Field) -> None:
        """Allow the harms of any category of the campaign; repeats are harmless."""
        if not set(field.data or ()) <= self._campaign.harm_codes:
            raise ValidationError(
                _("One of the boxes you ticked is not on the list. Please look at them again.")
            )

    def validate_text(self, field: Field) -> None:
        """See check_text."""
        check_text(field.data or "", self._files, self._words)


class MessageForm(_Form):
    """A follow-up's text; its files have already been received."""

    text = TextAreaField()

    def __init__(
        self, texts: MultiDict[str, str], token: OpenedToken, *, words: WordLists, files: int
    ) -> None:
        self._words = words
        self._files = files
        super().__init__(texts, token)

    def validate_text(self, field: Field) -> None:
        """See check_text."""
        check_text(field.data or "", self._files, self._words)


class InboxForm(_Form):
    """The inbox's only field."""

    codename = StringField()
