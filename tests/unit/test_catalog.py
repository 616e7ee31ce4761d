"""The catalogs of languages that an operator adds: what is read, and what is refused before the
first page is shown.
"""

from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from support.front import ONION
from support.made_up_language import (
    NAME,
    TAG,
    add_to_site,
    made_up,
    sentences,
    write_catalog,
)

from dropbox.campaign import Campaign
from dropbox.catalog import Sentences, empty_catalog, missing, originals, read_catalogs
from dropbox.errors import CatalogError, SettingsError
from dropbox.language import Language, read_languages
from dropbox.setting_values import LanguageSettings
from dropbox.settings import Settings
from scripts.newsite import make_site

WORD = "Word %(position)s is not in the list. Please compare it with your note."
FILES = "%(num)d file arrived complete."
LEAVE = "Leave"


@pytest.fixture
def plain(tmp_path: Path, keys_dir: Path) -> Settings:
    """The settings of a new site."""
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    return Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)})


@pytest.fixture
def settings(plain: Settings, tmp_path: Path) -> Settings:
    """Those with the made-up language."""
    file = tmp_path / "site" / "settings.toml"
    add_to_site(file)
    return Settings.load({"CASEDROP_SETTINGS": str(file)})


def languages(settings: Settings) -> dict[str, Language]:
    return dict(read_languages(settings, Campaign.read(settings.campaign)))


def spoken(settings: Settings) -> Sentences:
    """What the pages say in the made-up language."""
    return read_catalogs(settings, languages(settings))[TAG]


def test_a_language_that_babel_does_not_know_is_as_the_settings_say(settings: Settings) -> None:
    found = languages(settings)

    assert list(found) == ["zh-Hans", "zh-Hant", "en", TAG]
    assert found[TAG] == Language(TAG, NAME, "rtl", "en", None)
    assert found[TAG].prefix == TAG and found["zh-Hant"].prefix == "zh-hant"
    assert found[TAG].day(date(2026, 11, 23)) == "2026-11-23"
    assert found["en"].day(date(2026, 11, 23)) == "November 23, 2026"
    assert found["zh-Hans"].day(date(2026, 11, 23)) == "2026年11月23日"


@pytest.mark.parametrize(
    ("tag", "direction", "name"),
    [
        ("fa", "rtl", "فارسی"),
        ("ug", "rtl", "ئۇيغۇرچە"),
        ("ar", "rtl", "العربية"),
        ("bo", "ltr", "བོད་སྐད་"),
        ("kk", "ltr", "қазақ тілі"),
        ("kk-Arab", "rtl", "قازاق ءتىلى (اراب جازۋى)"),
    ],
)
def test_babel_knows_the_name_and_the_direction_of_most_languages(
    plain: Settings, campaign: Campaign, tag: str, direction: str, name: str
) -> None:
    known = replace(campaign, languages=(*campaign.languages, tag))
    changed = replace(plain, languages=("en", tag))
    found = read_languages(changed, known)[tag]

    assert (found.tag, found.direction, found.name) == (tag, direction, name)
    said = {tag: LanguageSettings("Other", "ltr", "zh-Hant")}
    other = read_languages(replace(changed, own_languages=said), known)[tag]
    assert (other.name, other.direction, other.codename) == ("Other", "ltr", "zh-Hant")


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        (LanguageSettings(), "name and its direction"),
        (LanguageSettings(name=NAME), "direction"),
        (LanguageSettings(direction="rtl"), "name"),
    ],
)
def test_a_language_of_which_too_little_is_known_is_refused(
    settings: Settings, said: LanguageSettings, lacking: str
) -> None:
    with pytest.raises(SettingsError, match=rf"give its {lacking} in \[language\.qaa\]"):
        languages(replace(settings, own_languages={TAG: said}))


def test_a_language_without_labels_in_the_campaign_is_refused(
    settings: Settings, plain: Settings
) -> None:
    with pytest.raises(SettingsError, match=r"campaign\.toml has no labels in it"):
        languages(replace(settings, campaign=plain.campaign))


def test_every_sentence_is_there_with_what_is_put_into_it_kept_apart(settings: Settings) -> None:
    said = spoken(settings)

    assert said.ugettext(LEAVE) == made_up(LEAVE) != LEAVE
    assert said.ugettext(WORD) == made_up(WORD).replace("%(position)s", "\u2068%(position)s\u2069")
    one, many = next(pair for pair in sentences() if not isinstance(pair, str))
    for number, text in ((1, one), (2, many), (0, many)):
        shown = said.ungettext(one, many, number)
        assert shown == made_up(text).replace("%(num)d", "\u2068%(num)d\u2069")
    assert len(originals()) == len(sentences()) > 200


def test_what_is_not_translated_is_said_whole_in_english(settings: Settings) -> None:
    assert settings.catalogs is not None
    write_catalog(settings.catalogs, without=(LEAVE, FILES))
    said = spoken(settings)

    assert said.ugettext(LEAVE) == f"\u2068{LEAVE}\u2069"
    many = "%(num)d files arrived complete."
    assert (
        said.ungettext(FILES, many, 1) == "\u2068\u2068%(num)d\u2069 file arrived complete.\u2069"
    )
    assert "%(num)d\u2069 files arrived" in said.ungettext(FILES, many, 5)
    assert said.ugettext(WORD) == made_up(WORD).replace("%(position)s", "\u2068%(position)s\u2069")
    assert missing(settings, TAG) == [one[0] for one in originals() if one[0] in (LEAVE, FILES)]


def test_a_language_from_left_to_right_gets_no_marks_of_direction(settings: Settings) -> None:
    assert settings.catalogs is not None
    write_catalog(settings.catalogs, without=(LEAVE,))
    said = spoken(replace(settings, own_languages={TAG: LanguageSettings(NAME, "ltr")}))

    assert said.ugettext(WORD) == made_up(WORD) and said.ugettext(LEAVE) == LEAVE


def test_the_languages_that_casedrop_comes_with_need_no_catalog(plain: Settings) -> None:
    said = read_catalogs(plain, languages(plain))

    assert said["zh-Hans"].ugettext(LEAVE) == "离开" and said["zh-Hant"].ugettext(LEAVE) == "離開"
    assert said["en"].ugettext(LEAVE) == LEAVE
    assert said["en"].ungettext("a", "b", 1) == "a" and said["en"].ungettext("a", "b", 0) == "b"


CHANGES = [
    (WORD, "x", "lacks %(position)s"),
    (WORD, "%(position)s %(name)s", "has %(name)s, which its sentence does not have"),
    (LEAVE, "%(name)s", "has %(name)s, which its sentence does not have"),
    (WORD, "%(position)d", "lacks %(position)s"),
    (LEAVE, "100 %", "has a % that begins no placeholder"),
    (LEAVE, "<b>x</b>", "are not text on a page"),
    (LEAVE, "x & y", "are not text on a page"),
    (LEAVE, '"x"', "are not text on a page"),
    (LEAVE, "x\ny", "has a line break, or an invisible character"),
    (LEAVE, "x\u202ey", "has a line break, or an invisible character"),
    (LEAVE, "x\u2067y", "has a line break, or an invisible character"),
    (LEAVE, "x" * 2_001, "is longer than 2000 characters"),
]


@pytest.mark.parametrize(("sentence", "text", "fault"), CHANGES)
@pytest.mark.slow
def test_a_translation_that_is_not_safe_on_a_page_is_refused(
    settings: Settings, sentence: str, text: str, fault: str
) -> None:
    assert settings.catalogs is not None
    path = write_catalog(
        settings.catalogs, translate=lambda one: text if one == sentence else made_up(one)
    )

    with pytest.raises(CatalogError) as refusal:
        spoken(settings)
    assert str(refusal.value).startswith(f'The catalog {path}: the translation of "{sentence[:60]}')
    assert fault in str(refusal.value)


@pytest.mark.parametrize("is_long", [True, False])
def test_a_sentence_is_quoted_by_its_first_sixty_characters(
    settings: Settings, is_long: bool
) -> None:
    assert settings.catalogs is not None
    sentence = next(
        one
        for one, *more in originals()
        if not more and "%" not in one and (len(one) > 60) == is_long
    )
    write_catalog(settings.catalogs, translate=lambda one: "50 %" if one == sentence else one)

    quoted = f'"{sentence[:60]}…"' if is_long else f'"{sentence}"'
    with pytest.raises(CatalogError) as refusal:
        spoken(settings)
    assert f"the translation of {quoted} has a %" in str(refusal.value)


def test_joiners_and_the_longest_sentence_are_taken(settings: Settings) -> None:
    assert settings.catalogs is not None
    text = "\u200f" + "می\u200cشود" * 400
    write_catalog(
        settings.catalogs, translate=lambda one: text[:2_000] if one == LEAVE else made_up(one)
    )

    assert spoken(settings).ugettext(LEAVE) == text[:2_000] and len(text) > 2_000


def with_header(path: Path, **header: str) -> None:
    """Write a catalog of one sentence with these lines in its header."""
    catalog = Catalog()
    catalog.add(LEAVE, "x")
    catalog.add((FILES, "%(num)d files arrived complete."), ("%(num)d x", "%(num)d y"))
    with path.open("wb") as file:
        write_mo(file, catalog)
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in header.items())
    data = path.read_bytes()
    start = data.index(b"Project-Id-Version")
    end = data.index(b"\0", start)
    assert len(lines) <= end - start
    path.write_bytes(data[:start] + lines.encode().ljust(end - start, b"\n") + data[end:])


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"Language": "fa"}, "says that its language is fa, not qaa"),
        ({"Plural_Forms": "nplurals=2; plural=n"}, "fewer plural forms than its rule gives"),
        ({"Plural_Forms": "nplurals=3; plural=n%3"}, "lacks one of its plural forms"),
        ({"Plural_Forms": "nplurals=2; plural=import os"}, "it is damaged"),
        ({"Plural_Forms": "nplurals=x; plural=0"}, "it is damaged"),
    ],
)
def test_a_catalog_whose_header_is_wrong_is_refused(
    settings: Settings, header: dict[str, str], sentence: str
) -> None:
    assert settings.catalogs is not None
    with_header(settings.catalogs / f"{TAG}.mo", **header)

    with pytest.raises(CatalogError, match=sentence):
        spoken(settings)


def test_a_catalog_whose_header_is_right_is_taken(settings: Settings) -> None:
    """The control."""
    assert settings.catalogs is not None
    rule = "nplurals=2; plural=n>1"
    with_header(settings.catalogs / f"{TAG}.mo", Language=TAG, Plural_Forms=rule)
    said = spoken(settings)

    assert said.ungettext(FILES, "", 0) == "\u2068%(num)d\u2069 x"
    assert said.ungettext(FILES, "", 2) == "\u2068%(num)d\u2069 y"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"", "it is damaged"),
        (b"msgid", "it is not a compiled catalog"),
        (b'msgid "a"\nmsgstr "b"\n', "it is not a compiled catalog"),
    ],
)
def test_a_catalog_that_cannot_be_read_is_named(
    settings: Settings, content: bytes | None, sentence: str
) -> None:
    assert settings.catalogs is not None
    path = settings.catalogs / f"{TAG}.mo"
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CatalogError, match=sentence) as refusal:
        spoken(settings)
    assert str(path) in str(refusal.value)


def test_a_catalog_that_is_cut_or_in_another_encoding_is_named(settings: Settings) -> None:
    assert settings.catalogs is not None
    path = settings.catalogs / f"{TAG}.mo"
    whole = path.read_bytes()
    for data, sentence in (
        (whole[:-40], "it is not a compiled catalog|it is damaged"),
        (whole[:20], "it is damaged"),
        (whole.replace(made_up(LEAVE).encode(), b"\xff" * len(made_up(LEAVE).encode())), "UTF-8"),
    ):
        path.write_bytes(data)
        with pytest.raises(CatalogError, match=sentence):
            spoken(settings)


def test_an_empty_catalog_has_every_sentence_once_and_no_translation() -> None:
    printed = empty_catalog("kk-Arab")
    catalog = read_po(BytesIO(printed.encode()))
    found = {message.id: message.string for message in catalog if message.id}

    assert set(found) == set(sentences()) and len(found) == len(originals())
    assert not any(any(text) if isinstance(text, tuple) else text for text in found.values())
    assert catalog.locale_identifier == "kk_Arab" and catalog.num_plurals == 2
    assert read_po(BytesIO(empty_catalog("ar").encode())).num_plurals == 6


def test_what_is_no_tag_gets_no_catalog() -> None:
    with pytest.raises(CatalogError, match="is no language tag"):
        empty_catalog("../x")
