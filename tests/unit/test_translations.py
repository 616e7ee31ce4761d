"""The catalogs: every sentence of the pages in both Chinese scripts, none fuzzy, none left over,
placeholders kept.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
METHODS = [("dropbox/front/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
# The reviewers' and the claimants' own words, by DOMAIN: simplified forms that are never in a
# traditional text.
SIMPLIFIED_ONLY = "们报时过还为这对发开关长问题见书经产说话语请让认识记录单网络个样现实点击"


@cache
def sentences() -> set[str]:
    """Every English sentence in code and templates."""
    found: set[str] = set()
    for _, _, message, _, _ in extract_from_dir(ROOT, METHODS, keywords=KEYWORDS):
        found.add(message if isinstance(message, str) else message[0])
    return found


def catalog(locale: str) -> Catalog:
    with (ROOT / "dropbox" / "translations" / locale / "LC_MESSAGES" / "messages.po").open(
        "rb"
    ) as file:
        return read_po(file, locale=locale)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["zh_Hans", "zh_Hant"])
def test_every_sentence_is_translated_and_none_is_left_over(locale: str) -> None:
    messages = {(m.id if isinstance(m.id, str) else m.id[0]): m for m in catalog(locale) if m.id}

    assert len(sentences()) > 80
    assert set(messages) == sentences()
    assert [
        message.id
        for message in messages.values()
        if message.fuzzy or not all(strings(message.string))
    ] == []


def strings(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """A message's one or more forms."""
    return (value,) if isinstance(value, str) else tuple(value or ())


@pytest.mark.parametrize("locale", ["zh_Hans", "zh_Hant"])
def test_placeholders_are_the_same_in_every_language(locale: str) -> None:
    for message in catalog(locale):
        if message.id:
            wanted = set(re.findall(r"%\(\w+\)[sd]", strings(message.id)[-1]))
            assert all(
                set(re.findall(r"%\(\w+\)[sd]", text)) == wanted for text in strings(message.string)
            ), message.id


def test_the_traditional_text_is_its_own_and_not_simplified() -> None:
    for message in catalog("zh_Hant"):
        for text in strings(message.string) if message.id else ():
            assert not set(text) & set(SIMPLIFIED_ONLY), text
            assert not re.search("[“”‘’]", text), text


def test_the_traditional_text_uses_the_words_of_taiwan_and_hong_kong() -> None:
    campaign = tomllib.loads((ROOT / "dropbox" / "campaign.toml").read_text("utf-8"))
    texts = [text for message in catalog("zh_Hant") for text in strings(message.string)]
    labels = list(labels_in(campaign, "zh-Hant"))

    assert len(labels) > 150
    for text in [*texts, *labels]:
        assert not re.search("用戶|屏蔽|默認|網絡|服務器|軟件|文檔|登錄|信息|你", text), text


def labels_in(part: object, language: str) -> Iterator[str]:
    """Every text of the campaign in *language*."""
    inner: Iterable[object] = ()
    if isinstance(part, dict):
        if isinstance(text := part.get(language), str):
            yield text
        inner = part.values()
    elif isinstance(part, list):
        inner = part
    for one in inner:
        yield from labels_in(one, language)


def test_the_simplified_text_uses_its_own_quotation_marks() -> None:
    for message in catalog("zh_Hans"):
        assert not any(re.search("[「」『』]", text) for text in strings(message.string)), (
            message.id
        )
