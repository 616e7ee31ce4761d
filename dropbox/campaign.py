"""A campaign: the kinds of case a drop collects, the harms of each, and the labels for all of them.

It is read from one TOML file, so another group can run its own drop without changing code. Codes
are stable and go into reports; labels are what people read.
"""

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dropbox.errors import CampaignError
from dropbox.label import LANGUAGES, Label, is_printable, is_tag
from dropbox.question import IN_LINES, KINDS, WITH_CHOICES, Group, Question
from dropbox.ready_answer import Template, bodies, fault
from dropbox.review_codes import FIXED, LATER, LISTS, RETIRED, RULES, USUAL, Reviewing
from dropbox.system_error import explained

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# A label is shown in a form and in the reviewer's table; the invitation is a paragraph.
_LABEL_CHARACTERS = 300


@dataclass(frozen=True)
class Category(Label):
    """A kind of case, with the harms and optional questions that only it offers."""

    harms: tuple[Label, ...]
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Campaign:
    """One campaign. ``unsure`` is the code of the "not sure" category.

    ``title``, ``organisation`` and ``invitation`` (on the first page: who is asked for what) are by
    language, and so are the paragraphs of ``scope``: whom the campaign can help, and whom probably
    not. ``groups`` are the optional questions for every category, ``answers`` the reviewers' ready
    answers. Only the desk uses ``reviewing``. What claimants read is there in all ``languages``:
    LANGUAGES first, then those that the title has besides.
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
        except _Fault as fault:
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


class _Fault(Exception):
    """What is wrong, and how to find its line: the last that contains *near*, from *after* on."""

    def __init__(self, sentence: str, near: str, after: str = "") -> None:
        super().__init__(sentence)
        self._near = near
        self._after = after

    def line(self, text: str) -> int:
        """The number, from 1, of the faulty line, or of the one before a missing part."""
        lines = text.splitlines()
        begins = (f'"{self._after}"', f"[{self._after}]")
        start = next(
            (
                number
                for number, line in enumerate(lines)
                if self._after and any(b in line for b in begins)
            ),
            0,
        )
        word = re.compile(rf"(?<![\w.-]){re.escape(self._near)}(?![\w.-])")
        # If a code is used twice, the second use is the fault; an entry's keys follow its code.
        found = [
            number for number, line in enumerate(lines) if number >= start and word.search(line)
        ]
        if not found:
            return start + 1
        return (found[0] if self._after else found[-1]) + 1


def _campaign(body: dict[str, Any]) -> dict[str, Any]:
    _keys(
        body,
        {
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
        },
        near="",
    )
    code = _code(body)
    lists = dict(_list(entry) for entry in _entries(body, "list", near="list", required=False))
    categories = tuple(
        _category(entry, number, lists)
        for number, entry in enumerate(_entries(body, "category", near="category"), 1)
    )
    groups = tuple(
        _group(entry, lists) for entry in _entries(body, "group", near="group", required=False)
    )
    answers = tuple(
        _answer(entry) for entry in _entries(body, "answer", near="answer", required=False)
    )
    seen: set[str] = set()
    for label in (*_labels(categories, groups), *answers):
        if label.code in seen:
            raise _Fault(f'the code "{label.code}" is used twice', label.code)
        seen.add(label.code)
    head = {
        name: _texts(_table(body, name), name, near=name)
        for name in ("title", "organisation", "invitation")
    }
    scope = [
        _texts(entry, "scope", near="scope")
        for entry in _entries(body, "scope", near="scope", required=False)
    ]
    unsure, reviewing = _unsure(body["category"]), _reviewing(body.get("review"), lists)
    languages = tuple(head["title"])
    for name, texts in (*head.items(), *(("scope", paragraph) for paragraph in scope)):
        _check_languages(texts, name, languages, near=name)
    for listed, choices in lists.items():
        for label in choices:
            _check_languages(label.text, label.code, languages, near=label.code, after=listed)
    for label in _labels(categories, groups):
        _check_label(label, languages)
    for label in (*itertools.chain.from_iterable(reviewing.lists.values()), *answers):
        body_texts = label.body if isinstance(label, Template) else {}
        _check_known({**label.text, **body_texts}, label.code, languages)
    return {
        "code": code,
        **head,
        "scope": scope,
        "categories": categories,
        "groups": groups,
        "unsure": unsure,
        "reviewing": reviewing,
        "answers": answers,
        "languages": languages,
    }


def _check_label(label: Label, languages: Sequence[str]) -> None:
    """Check that what claimants read of *label* is there in all *languages*."""
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
            raise _Fault(f'"{what}" has no label in {language}', near, after)


def _check_known(texts: Mapping[str, str], what: str, languages: Sequence[str]) -> None:
    if unknown := set(texts) - set(languages):
        raise _Fault(
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
    code = _code(entry, f"category number {number}")
    _keys(entry, {"code", "label", "harm", "question", "unsure"}, near=code)
    if not isinstance(entry.get("unsure", False), bool):
        raise _Fault('"unsure" has to be true or false', "unsure", after=code)
    harms = tuple(_harm(harm, code) for harm in _entries(entry, "harm", near=code, required=False))
    questions = _questions(entry, "question", code, lists)
    return Category(
        code,
        _texts(_table(entry, "label", near=code), code, near="label", after=code),
        harms,
        questions,
    )


def _harm(entry: dict[str, Any], category: str) -> Label:
    code = _code(entry, f'a harm of "{category}"', near=category)
    _keys(entry, {"code", "label"}, near=code)
    if not code.startswith(category + "."):
        raise _Fault(
            f'the harm "{code}" belongs to "{category}", so its code has to start with '
            f'"{category}."',
            code,
        )
    return Label(code, _texts(_table(entry, "label", near=code), code, near="label", after=code))


def _list(entry: dict[str, Any]) -> tuple[str, tuple[Label, ...]]:
    code = _code(entry, "a list", near="list")
    _keys(entry, {"code", "choices"}, near=code)
    choices = tuple(_choice(choice, code) for choice in _entries(entry, "choices", near=code))
    if len({choice.code for choice in choices}) < len(choices):
        raise _Fault(f'the list "{code}" has a code twice', "choices", after=code)
    return code, choices


def _choice(entry: dict[str, Any], of: str) -> Label:
    code = _code(entry, f'a choice of "{of}"', near=of)
    return Label(
        code, _texts({key: text for key, text in entry.items() if key != "code"}, code, near=code)
    )


def _group(entry: dict[str, Any], lists: Mapping[str, tuple[Label, ...]]) -> Group:
    code = _code(entry, "a group of questions", near="group")
    _keys(entry, {"code", "label", "question"}, near=code)
    label = _texts(_table(entry, "label", near=code), code, near="label", after=code)
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
        for question in _entries(entry, name, near=of, required=False)
    )


def _question(
    entry: dict[str, Any], of: str, lists: Mapping[str, tuple[Label, ...]], kinds: Sequence[str]
) -> Question:
    code = _code(entry, f'a question of "{of}"', near=of)
    _keys(entry, {"code", "label", "why", "kind", "choices", "column"}, near=code)
    kind, choices = str(entry.get("kind")), str(entry.get("choices"))
    if kind not in kinds:
        raise _Fault(
            f'the kind of "{code}" has to be one of {", ".join(kinds)}', "kind", after=code
        )
    if (choices in lists) != (kind in WITH_CHOICES):
        raise _Fault(
            f'"{code}" needs "choices", the code of a [[list]], for the kinds one and many only',
            code,
        )
    columns = _questions(entry, "column", code, lists, IN_LINES)
    if bool(columns) != (kind == "lines"):
        raise _Fault(f'"{code}" needs a [[column]] for the kind lines only', code)
    label = _texts(_table(entry, "label", near=code), code, near="label", after=code)
    # A column has no "why" of its own: its question has one.
    why = (
        label
        if kinds is IN_LINES
        else _texts(_table(entry, "why", near=code), code, near="why", after=code)
    )
    return Question(code, label, why, kind, lists.get(choices, ()), columns)


def _reviewing(table: Any, lists: Mapping[str, tuple[Label, ...]]) -> Reviewing:
    if not isinstance(table, dict):
        raise _Fault("there has to be a [review] with the reviewers' lists", "review")
    _keys(table, {*LISTS, "always_second", "sample_percent", "rules"}, near="review")
    found = {name: _review_list(table, name, lists) for name in LISTS}
    always, percent = table.get("always_second"), table.get("sample_percent")
    if not isinstance(always, list) or not set(map(str, always)) <= {
        tier.code for tier in found["merit"]
    }:
        raise _Fault(
            '"always_second" has to be a list of merit tiers', "always_second", after="review"
        )
    if type(percent) is not int or not 0 <= percent <= 100:
        raise _Fault(
            '"sample_percent" has to be a whole number from 0 to 100',
            "sample_percent",
            after="review",
        )
    return Reviewing(found, frozenset(always), percent, _rules(table.get("rules", {})))


def _rules(table: Any) -> Mapping[str, str]:
    """The rule of each field, in their usual order; what the file leaves out has its usual one."""
    if not isinstance(table, dict):
        raise _Fault('"rules" has to be a table, [review.rules]', "rules", after="review")
    _keys(table, set(RULES), near="review.rules")
    for name, rule in table.items():
        if rule not in RULES[name]:
            allowed = " or ".join(f'"{one}"' for one in RULES[name])
            raise _Fault(f'the rule of "{name}" has to be {allowed}', name, after="review.rules")
    return {**USUAL, **table}


def _review_list(
    table: dict[str, Any], name: str, lists: Mapping[str, tuple[Label, ...]]
) -> tuple[Label, ...]:
    value = table.get(name)
    later = {label.code: label for label in LATER.get(name, ())}
    if value is None and name in FIXED and set(FIXED[name]) == set(later):
        return LATER[name]
    if isinstance(value, str) and value in lists:
        return lists[value]
    if not isinstance(value, list) or not value:
        raise _Fault(
            f'"{name}" has to be a list of choices, or the code of a [[list]]', name, after="review"
        )
    choices = tuple(_choice(entry, name) for entry in value)
    codes = [choice.code for choice in choices]
    if len(set(codes)) < len(codes):
        raise _Fault(f'the list "{name}" has a code twice', name, after="review")
    if name not in FIXED or set(codes) == set(FIXED[name]):
        return choices
    known = later | {one.code: one for one in choices if one.code not in RETIRED.get(name, ())}
    if set(known) != set(FIXED[name]):
        raise _Fault(f'the codes of "{name}" are {", ".join(FIXED[name])}', name, after="review")
    return tuple(known[code] for code in FIXED[name])


def _answer(entry: dict[str, Any]) -> Template:
    code = _code(entry, "a ready answer", near="answer")
    _keys(entry, {"code", "label", "text"}, near=code)
    label = _texts(_table(entry, "label", near=code), code, near="label", after=code)
    texts = _table(entry, "text", near=code)
    for language in (*LANGUAGES, *texts):
        if wrong := fault(texts.get(language)):
            # The text has several lines; the label's line, before it, names the language too.
            near = f'{language} = ""' if language in texts else "[answer.text]"
            raise _Fault(f'the text of "{code}" in {language} {wrong}', near, after=code)
    _check_tags(texts, code, after=code)
    return Template(code, label, bodies(texts))


def _unsure(entries: list[dict[str, Any]]) -> str:
    unsure = [str(entry["code"]) for entry in entries if entry.get("unsure")]
    if len(unsure) != 1:
        raise _Fault('exactly one category has to be the "not sure" one (unsure = true)', "unsure")
    return unsure.pop()


def _code(entry: Any, what: str = "the campaign", near: str = "code") -> str:
    code = entry.get("code") if isinstance(entry, dict) else None
    if not isinstance(code, str):
        raise _Fault(f"{what} has no code", near)
    if not _CODE.fullmatch(code):
        raise _Fault(
            f'the code "{code}" can contain only letters, digits, dots, hyphens and underscores',
            code,
        )
    return code


def _keys(entry: dict[str, Any], known: set[str], *, near: str) -> None:
    for key in entry:
        if key not in known:
            raise _Fault(f'"{key}" is not a known key here', key, after=near)


def _entries(
    body: dict[str, Any], name: str, *, near: str, required: bool = True
) -> list[dict[str, Any]]:
    entries = body.get(name, [])
    if not isinstance(entries, list) or (required and not entries):
        raise _Fault(f"there has to be at least one [[{name}]]", near)
    return entries


def _table(body: dict[str, Any], name: str, near: str = "code") -> dict[str, Any]:
    table = body.get(name)
    if not isinstance(table, dict):
        raise _Fault(f'"{name}" with its {len(LANGUAGES)} languages is missing', near)
    return table


def _texts(table: dict[str, Any], what: str, *, near: str, after: str = "") -> dict[str, str]:
    """The texts by language, those in LANGUAGES first, in their order."""
    for language in (*LANGUAGES, *table):
        text = table.get(language)
        if text is None:
            raise _Fault(f'"{what}" has no label in {language}', near, after)
        if (
            not isinstance(text, str)
            or not text.strip()
            or len(text) > _LABEL_CHARACTERS
            or not is_printable(text)
        ):
            raise _Fault(
                f'the label of "{what}" in {language} has to be one line of 1 to '
                f"{_LABEL_CHARACTERS} characters",
                language,
                after or near,
            )
    _check_tags(table, what, after=after)
    return {language: table[language] for language in (*LANGUAGES, *table)}


def _check_tags(texts: Mapping[str, Any], what: str, *, after: str) -> None:
    for language in texts:
        if not is_tag(language):
            raise _Fault(f'"{what}" has a label in an unknown language', language, after)
