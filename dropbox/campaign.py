"""A campaign: the kinds of case a drop collects, the harms of each, and the labels for all of them.

It is read from one TOML file, so another group can run its own drop without changing code. Codes
are stable and go into reports; labels are what people read.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dropbox.campaign_entries import (
    Fault,
    check_keys,
    check_tags,
    choice_of,
    code_of,
    entries_of,
    table_of,
    texts_of,
)
from dropbox.campaign_review import read_reviewing
from dropbox.errors import CampaignError
from dropbox.label import LANGUAGES, Label
from dropbox.question import IN_LINES, KINDS, WITH_CHOICES, Group, Question
from dropbox.ready_answer import Template, bodies, fault
from dropbox.review_codes import Reviewing
from dropbox.system_error import explained

_KEYS = {
    "code",
    "title",
    "organisation",
    "invitation",
    "scope",
    "list",
    "category",
    "group",
    "review",
    "answer",
}


@dataclass(frozen=True)
class Category(Label):
    """A kind of case, with the harms and optional questions that only it offers."""

    harms: tuple[Label, ...]
    questions: tuple[Question, ...] = ()


# Claimants who know none of the others choose this one, unless the campaign has its own.
_NOT_SURE = Category("unsure", {"zh-Hans": "不确定", "zh-Hant": "不確定", "en": "Not sure"}, ())


@dataclass(frozen=True)
class Campaign:
    """One campaign. ``unsure`` is the code of the "not sure" category.

    ``title``, ``organisation`` and ``invitation`` (on the first page: who is asked for what) map
    languages to texts, and so do the paragraphs of ``scope``: whom the campaign can help, and whom
    probably not. ``groups`` are the optional questions for every category, ``answers`` the
    reviewers' ready answers. Only the desk uses ``reviewing``. Whatever claimants read exists in
    all ``languages``: LANGUAGES first, then any others that the title has. Only code, title,
    invitation and categories have to be there; ``organisation`` is empty without an entry.
    """

    code: str
    title: Mapping[str, str]
    organisation: Mapping[str, str]
    invitation: Mapping[str, str]
    scope: Sequence[Mapping[str, str]]
    categories: tuple[Category, ...]
    groups: tuple[Group, ...]
    unsure: str
    reviewing: Reviewing
    answers: tuple[Template, ...] = ()
    languages: tuple[str, ...] = LANGUAGES

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the campaign file *path*.

        Raises CampaignError naming the file, the line and the fault.
        """
        try:
            text = path.read_text("utf-8")
        except OSError as why:
            raise CampaignError(
                f"The campaign file {path} cannot be read: {explained(why)}"
            ) from None
        except UnicodeDecodeError as why:
            line = path.read_bytes()[: why.start].count(b"\n") + 1
            raise CampaignError(
                f"The campaign file {path}, line {line}, is not UTF-8 text."
            ) from None
        try:
            body = tomllib.loads(text)
        except tomllib.TOMLDecodeError as why:
            raise CampaignError(f"The campaign file {path} is not TOML: {why}.") from None
        try:
            return cls(**_campaign(body))
        except Fault as fault:
            raise CampaignError(
                f"The campaign file {path}, line {fault.line(text)}: {fault}."
            ) from None

    @property
    def category_codes(self) -> frozenset[str]:
        """The codes that a report's category can have."""
        return frozenset(category.code for category in self.categories)

    @property
    def harm_codes(self) -> frozenset[str]:
        """The codes that a report's harms can have, of any category: claimants can mix them."""
        return frozenset(harm.code for category in self.categories for harm in category.harms)

    @property
    def questions(self) -> tuple[Question, ...]:
        """All optional questions: first those for every category, then each category's own."""
        own = [question for category in self.categories for question in category.questions]
        return (*(question for group in self.groups for question in group.questions), *own)


def _campaign(body: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a Campaign, from the TOML in its file."""
    check_keys(body, _KEYS, near="")
    code = code_of(body)
    lists = dict(_list(entry) for entry in entries_of(body, "list", near="list", required=False))
    categories = _categories(entries_of(body, "category", near="category"), lists)
    groups = tuple(
        _group(entry, lists) for entry in entries_of(body, "group", near="group", required=False)
    )
    answers = tuple(
        _answer(entry) for entry in entries_of(body, "answer", near="answer", required=False)
    )
    _refuse_twice((*_labels(categories, groups), *answers))
    head = {
        name: texts_of(table_of(body, name), name, near=name)
        for name in ("title", "invitation", *(["organisation"] if "organisation" in body else []))
    }
    scope = [
        texts_of(entry, "scope", near="scope")
        for entry in entries_of(body, "scope", near="scope", required=False)
    ]
    reviewing = read_reviewing(body.get("review", {}), lists)
    _check_named(reviewing, categories, groups)
    languages = tuple(head["title"])
    for name, texts in (*head.items(), *(("scope", paragraph) for paragraph in scope)):
        _check_languages(texts, name, languages, near=name)
    for listed, choices in lists.items():
        for label in choices:
            _check_languages(label.text, label.code, languages, near=label.code, after=listed)
    for label in _labels(categories, groups):
        _check_label(label, languages)
    for label in (*reviewing.labels(), *answers):
        body_texts = label.body if isinstance(label, Template) else {}
        _check_known({**label.text, **body_texts}, label.code, languages)
    return {
        "code": code,
        "organisation": {},
        **head,
        "scope": scope,
        "categories": categories,
        "groups": groups,
        "unsure": _unsure(body["category"], categories),
        "reviewing": reviewing,
        "answers": answers,
        "languages": languages,
    }


def _categories(
    entries: list[dict[str, Any]], lists: Mapping[str, tuple[Label, ...]]
) -> tuple[Category, ...]:
    """The categories, followed by the usual "not sure" unless one of them is that already."""
    found = tuple(_category(entry, number, lists) for number, entry in enumerate(entries, 1))
    return found if any(entry.get("unsure") for entry in entries) else (*found, _NOT_SURE)


def _check_named(
    reviewing: Reviewing, categories: tuple[Category, ...], groups: tuple[Group, ...]
) -> None:
    """Refuse a [review] that names questions or fields that do not exist."""
    known = {label.code for label in _labels(categories, groups) if isinstance(label, Question)}
    known |= {*reviewing.rules, "harms", "category"}
    named = [("crosses", code) for pair in reviewing.crosses for code in pair]
    named += [("begins", code) for one in reviewing.limitations for code in one.begins]
    for near, code in named:
        if code not in known:
            raise Fault(f'"{code}" is neither a question nor a field of the review', near, "review")


def _refuse_twice(labels: Iterable[Label]) -> None:
    seen: set[str] = set()
    for label in labels:
        if label.code in seen:
            raise Fault(f'the code "{label.code}" is used twice', label.code)
        seen.add(label.code)


def _check_label(label: Label, languages: Sequence[str]) -> None:
    """Check that the texts of *label* that claimants read exist in all *languages*."""
    _check_languages(label.text, label.code, languages, near="label", after=label.code)
    if isinstance(label, Question):
        _check_languages(label.why, label.code, languages, near="why", after=label.code)
        for column in label.columns:
            _check_languages(column.text, column.code, languages, near="label", after=column.code)


def _check_languages(
    texts: Mapping[str, str], what: str, languages: Sequence[str], *, near: str, after: str = ""
) -> None:
    _check_known(texts, what, languages)
    for language in languages:
        if language not in texts:
            raise Fault(f'"{what}" has no label in {language}', near, after)


def _check_known(texts: Mapping[str, str], what: str, languages: Sequence[str]) -> None:
    if unknown := set(texts) - set(languages):
        raise Fault(
            f'"{what}" has a label in an unknown language; those of the title are '
            f"{', '.join(languages)}",
            min(unknown),
            after=what,
        )


def _labels(categories: tuple[Category, ...], groups: tuple[Group, ...]) -> Iterator[Label]:
    for category in categories:
        yield category
        yield from category.harms
        yield from category.questions
    # A report has one mapping for the questions of categories and groups, so no code can repeat.
    for group in groups:
        yield group
        yield from group.questions


def _category(
    entry: dict[str, Any], number: int, lists: Mapping[str, tuple[Label, ...]]
) -> Category:
    code = code_of(entry, f"category number {number}")
    check_keys(entry, {"code", "label", "harm", "question", "unsure"}, near=code)
    if not isinstance(entry.get("unsure", False), bool):
        raise Fault('"unsure" has to be true or false', "unsure", after=code)
    harms = tuple(
        _harm(harm, code) for harm in entries_of(entry, "harm", near=code, required=False)
    )
    questions = _questions(entry, "question", code, lists)
    return Category(
        code,
        texts_of(table_of(entry, "label", near=code), code, near="label", after=code),
        harms,
        questions,
    )


def _harm(entry: dict[str, Any], category: str) -> Label:
    code = code_of(entry, f'a harm of "{category}"', near=category)
    check_keys(entry, {"code", "label"}, near=code)
    if not code.startswith(category + "."):
        raise Fault(
            f'the harm "{code}" belongs to "{category}", so its code has to start with '
            f'"{category}."',
            code,
        )
    return Label(
        code, texts_of(table_of(entry, "label", near=code), code, near="label", after=code)
    )


def _list(entry: dict[str, Any]) -> tuple[str, tuple[Label, ...]]:
    code = code_of(entry, "a list", near="list")
    check_keys(entry, {"code", "choices"}, near=code)
    choices = tuple(choice_of(choice, code) for choice in entries_of(entry, "choices", near=code))
    if len({choice.code for choice in choices}) < len(choices):
        raise Fault(f'the list "{code}" has a code twice', "choices", after=code)
    return code, choices


def _group(entry: dict[str, Any], lists: Mapping[str, tuple[Label, ...]]) -> Group:
    code = code_of(entry, "a group of questions", near="group")
    check_keys(entry, {"code", "label", "question"}, near=code)
    label = texts_of(table_of(entry, "label", near=code), code, near="label", after=code)
    return Group(code, label, _questions(entry, "question", code, lists))


def _questions(
    entry: dict[str, Any],
    name: str,
    of: str,
    lists: Mapping[str, tuple[Label, ...]],
    kinds: Sequence[str] = KINDS,
) -> tuple[Question, ...]:
    return tuple(
        _question(question, of, lists, kinds)
        for question in entries_of(entry, name, near=of, required=False)
    )


def _question(
    entry: dict[str, Any], of: str, lists: Mapping[str, tuple[Label, ...]], kinds: Sequence[str]
) -> Question:
    code = code_of(entry, f'a question of "{of}"', near=of)
    check_keys(entry, {"code", "label", "why", "kind", "choices", "column"}, near=code)
    kind, choices = str(entry.get("kind")), str(entry.get("choices"))
    if kind not in kinds:
        raise Fault(f'the kind of "{code}" has to be one of {", ".join(kinds)}', "kind", after=code)
    if (choices in lists) != (kind in WITH_CHOICES):
        raise Fault(
            f'"{code}" needs "choices", the code of a [[list]], for the kinds one and many only',
            code,
        )
    columns = _questions(entry, "column", code, lists, IN_LINES)
    if bool(columns) != (kind == "lines"):
        raise Fault(f'"{code}" needs a [[column]] for the kind lines only', code)
    label = texts_of(table_of(entry, "label", near=code), code, near="label", after=code)
    # A column has no "why" of its own: its question has one.
    why = (
        label
        if kinds is IN_LINES
        else texts_of(table_of(entry, "why", near=code), code, near="why", after=code)
    )
    return Question(code, label, why, kind, lists.get(choices, ()), columns)


def _answer(entry: dict[str, Any]) -> Template:
    code = code_of(entry, "a ready answer", near="answer")
    check_keys(entry, {"code", "label", "text"}, near=code)
    label = texts_of(table_of(entry, "label", near=code), code, near="label", after=code)
    texts = table_of(entry, "text", near=code)
    for language in (*LANGUAGES, *texts):
        if wrong := fault(texts.get(language)):
            # The text has several lines; the label's line, before it, names the language too.
            near = f'{language} = ""' if language in texts else "[answer.text]"
            raise Fault(f'the text of "{code}" in {language} {wrong}', near, after=code)
    check_tags(texts, code, after=code)
    return Template(code, label, bodies(texts))


def _unsure(entries: list[dict[str, Any]], categories: tuple[Category, ...]) -> str:
    unsure = [
        category.code
        for entry, category in zip(entries, categories, strict=False)
        if entry.get("unsure")
    ]
    if len(unsure) > 1:
        raise Fault('only one category can be the "not sure" one (unsure = true)', "unsure")
    # Without one, the usual one is the last; see _categories.
    return unsure[0] if unsure else categories[-1].code
