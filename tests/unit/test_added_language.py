"""Pages in a language that an operator added, here a made-up one from right to left: each is in it,
of the same length as all others, and nothing on it depends on the direction.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from support.every_answer import answers_in, longest_codenames, size
from support.front import Front
from support.made_up_language import NAME, PAGE_BYTES, TAG, made_up, write_catalog
from support.report_form import TEXT, answered, report_page, send

from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.errors import CatalogError, PageTooLong, SettingsError
from dropbox.front.page_length import check_page_lengths, page_lengths
from dropbox.front.uniform_response import MIN_PAD_BYTES
from dropbox.setting_values import LanguageSettings
from dropbox.settings import Settings
from scripts.rehearsal.claimant import Page


@pytest.fixture(scope="session")
def settings(made_up_settings: Settings) -> Settings:
    return made_up_settings


@pytest.fixture
def front(front_of: Callable[[Settings], Front], settings: Settings) -> Front:
    return front_of(settings)


@pytest.fixture(scope="module")
def every_answer(
    front_of: Callable[[Settings], Front], settings: Settings
) -> dict[str, dict[str, Page]]:
    """A response of each kind, in the made-up language and in English."""
    front = front_of(settings)
    with longest_codenames():
        return {prefix: dict(answers_in(front, prefix)) for prefix in (TAG, "en")}


@pytest.fixture(scope="module")
def lengths(settings: Settings, words: WordLists) -> dict[tuple[str, str], int]:
    """The longest of each page in each language, as it is measured at the start."""
    return longest(settings, Campaign.read(settings.campaign), words)


def longest(settings: Settings, campaign: Campaign, words: WordLists) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for length, page, tag in page_lengths(settings, campaign, words):
        found[tag, page] = max(length, found.get((tag, page), 0))
    return found


@pytest.mark.slow
def test_every_page_is_in_the_language_and_has_its_direction(
    every_answer: dict[str, dict[str, Page]],
) -> None:
    for name, page in every_answer[TAG].items():
        html = page.html.html
        assert html is not None and (html["lang"], html["dir"]) == (TAG, "rtl"), name
        title = page.html.find("title")
        assert title is not None and re.search("[א-ת]", title.get_text()), name
    for page in every_answer["en"].values():
        assert page.html.html is not None and not page.html.html.has_attr("dir")


@pytest.mark.slow
def test_no_english_is_left_on_a_page(every_answer: dict[str, dict[str, Page]]) -> None:
    """Besides codenames, addresses, keys, and names of languages and files."""
    for name, page in every_answer[TAG].items():
        html = BeautifulSoup(page.raw, "html.parser")
        for tag in html.select("style, .codename, [lang=en], [dir=ltr], bdi, textarea"):
            tag.decompose()
        shown = html.get_text(" ").replace("照片.jpg", "")
        assert re.findall("[A-Za-z]{3,}", shown) == [], name


@pytest.mark.slow
def test_every_page_is_as_long_as_those_in_english(
    every_answer: dict[str, dict[str, Page]],
) -> None:
    lengths = {
        (prefix, name): size(page)
        for prefix, pages in every_answer.items()
        for name, page in pages.items()
    }

    assert lengths == dict.fromkeys(lengths, PAGE_BYTES) and len(lengths) == 2 * 19


@pytest.mark.slow
def test_the_language_is_in_the_switch_of_every_page(
    every_answer: dict[str, dict[str, Page]],
) -> None:
    for prefix, pages in every_answer.items():
        for name, page in pages.items():
            (switch,) = page.html.select(f'nav [lang="{TAG}"]')
            assert switch.get_text() == NAME, name
            assert switch.has_attr("aria-current") == (prefix == TAG), name


def test_what_is_not_in_the_language_keeps_its_own_direction(
    every_answer: dict[str, dict[str, Page]],
) -> None:
    pages = every_answer[TAG]
    for name, selector in (
        ("report", ".codename"),
        ("done", ".codename"),
        ("done", ".address"),
        ("start", ".address"),
        ("keys", ".fingerprint"),
        ("inbox", "#codename"),
        ("bridges", "b"),
    ):
        found = pages[name].html.select(selector)
        assert found and all(tag["dir"] == "ltr" for tag in found), (name, selector)
    # A file's name and its size.
    (listed,) = pages["photograph"].html.select(".files li")
    (file_name,), (file_size,) = listed.select("bdi"), listed.select("[dir=ltr]")
    assert file_name.get_text() == "照片.jpg"
    assert re.fullmatch(r"\d+ KB", file_size.get_text())
    # What is put into a sentence.
    assert "\u20681\u2069" in pages["wrong codename"].text


def test_a_codename_has_english_words_unless_the_settings_say_otherwise(
    front: Front, front_of: Callable[[Settings], Front], settings: Settings, words: WordLists
) -> None:
    with front.browser() as browser:
        assert set(report_page(browser, TAG).codename().split()) <= set(words.english)
    said = {TAG: LanguageSettings(NAME, "rtl", "zh-Hant")}
    with front_of(replace(settings, own_languages=said)).browser() as browser:
        page = report_page(browser, TAG)
    shown = [tag.get_text() for tag in page.html.select(".codename span")]
    assert len(shown) == 8 and set(shown) <= {hant for _, _, hant in words.chinese}


def test_a_report_and_its_answer_in_another_language(front: Front, words: WordLists) -> None:
    with front.browser() as browser:
        done = send(browser, report_page(browser, TAG), category="c1", harms=["c1.harassed"])
        assert made_up("Your report has been sent") in done.text
        answered(front, words, done.codename(), "שלום (1)")
        inbox = browser.get(f"/{TAG}/inbox")
        case = browser.send(inbox.form(), {"codename": done.codename()})

    (report,) = front.reports()
    assert (report.language, report.text, report.harms) == (TAG, TEXT, ("c1.harassed",))
    (answer,) = case.html.select(".answer")
    assert answer.get_text() == "שלום (1)" and answer["dir"] == "auto"
    # The Monday of its week, in figures, since nobody knows how it is written.
    assert made_up("Week of %(day)s") % {"day": "\u20682026-11-30\u2069"} in case.text


def test_switching_to_another_language_keeps_what_was_written(front: Front) -> None:
    with front.browser() as browser:
        form = report_page(browser, "en").form()
        form.action = f"/{TAG}/report/send"
        page = browser.send(form, {"text": TEXT, "category": "c2"}, button=("act", "language"))

    assert page.form().value("text") == TEXT and page.html.html is not None
    assert page.html.html["dir"] == "rtl"


def test_a_sentence_without_a_translation_is_whole_and_in_english(
    front_of: Callable[[Settings], Front], settings: Settings, tmp_path: Path
) -> None:
    missing = ("Word %(position)s is not in the list. Please compare it with your note.", "Leave")
    write_catalog(tmp_path / "catalogs", without=missing)
    front = front_of(replace(settings, catalogs=tmp_path / "catalogs"))
    with front.browser() as browser:
        inbox = browser.get(f"/{TAG}/inbox")
        typed = {"codename": " ".join(["xqzt"] * 8)}
        page = browser.send(inbox.form(), typed)

    assert "\u2068Word \u20681\u2069 is not in the list." in page.text
    leave = page.html.select_one("nav .leave")
    assert leave is not None and leave.get_text() == "\u2068Leave\u2069"


def test_only_the_languages_of_the_settings_are_offered(
    front_of: Callable[[Settings], Front], settings: Settings
) -> None:
    with front_of(replace(settings, languages=(TAG, "en"))).browser() as browser:
        first = browser.get("/")
        assert first.html.html is not None and first.html.html["lang"] == TAG
        assert [tag["lang"] for tag in first.html.select("nav [lang]")] == [TAG, "en"]
        gone = browser.get("/zh-hans/report")
        assert gone.status == 404
        assert gone.html.html is not None and gone.html.html["lang"] == TAG


def test_a_front_whose_catalog_or_campaign_lacks_the_language_does_not_start(
    front_of: Callable[[Settings], Front], settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match=f"{TAG}.mo cannot be read"):
        front_of(replace(settings, catalogs=tmp_path))
    with pytest.raises(SettingsError, match="names fa, but the campaign file"):
        front_of(replace(settings, languages=("en", "fa")))


@pytest.mark.slow
def test_texts_that_are_too_long_for_the_page_length_are_refused_by_name(
    settings: Settings, words: WordLists
) -> None:
    campaign = Campaign.read(settings.campaign)
    check_page_lengths(settings, campaign, words)
    with pytest.raises(PageTooLong) as refusal:
        check_page_lengths(replace(settings, page_bytes=40_960), campaign, words)

    said = str(refusal.value)
    assert re.search(r"“report with a photograph” in qaa can take 4\d,\d{3} bytes", said)
    assert "more than the page length of 40,960" in said
    assert "[limits] page_bytes to 45056 or more" in said


@pytest.mark.parametrize("name", ["start", "keys", "message", "sent", "answers"])
@pytest.mark.slow
def test_every_page_is_measured(
    settings: Settings,
    words: WordLists,
    lengths: dict[tuple[str, str], int],
    tmp_path: Path,
    name: str,
) -> None:
    """A sentence of the page that is as long as a catalog may have makes it longer by as much."""
    (sentence,) = {
        "start": ["This page uses no scripts, cookies or pictures, and loads nothing from other "
                  "servers."],
        "keys": ["A server that was taken over could show the right keys and use others. This page "
                 "proves nothing by itself."],
        "message": ["You have left"],
        "sent": ["Your report has been sent"],
        "answers": ["Delete and take back"],
    }[name]  # fmt: skip
    long = "א" * 2_000
    write_catalog(
        tmp_path / "catalogs", translate=lambda one: long if one == sentence else made_up(one)
    )
    campaign = Campaign.read(settings.campaign)
    changed = longest(replace(settings, catalogs=tmp_path / "catalogs"), campaign, words)

    grown = changed[TAG, name] - lengths[TAG, name]
    assert grown >= len(long.encode()) - len(made_up(sentence).encode())


@pytest.mark.slow
def test_the_pages_of_the_languages_that_casedrop_comes_with_fit(
    settings: Settings, words: WordLists, campaign: Campaign
) -> None:
    plain = replace(settings, languages=("zh-Hans", "zh-Hant", "en"), own_languages={})
    lengths = list(page_lengths(plain, campaign, words))

    assert max(lengths).size <= 32_768
    assert len(lengths) == 3 * 15 and {one.tag for one in lengths} == set(plain.languages)


@pytest.mark.slow
def test_the_measured_pages_are_as_long_as_the_pages_that_are_sent(
    every_answer: dict[str, dict[str, Page]],
    settings: Settings,
    words: WordLists,
) -> None:
    """Without their filling; the longest codename and the longest headers are a little longer."""
    found = page_lengths(settings, Campaign.read(settings.campaign), words)
    measured = {name: length for length, name, tag in found if tag == TAG}
    for name, sent in (("bridges", "bridges"), ("sent", "done")):
        page = every_answer[TAG][sent]
        rest = re.search(rb"<!--(0*)-->", page.raw)
        assert rest is not None
        assert 0 <= measured[name] - (size(page) - len(rest[1])) < 150, name


@pytest.mark.slow
def test_at_the_least_page_length_that_is_taken_every_page_fits(
    front_of: Callable[[Settings], Front], settings: Settings, words: WordLists
) -> None:
    campaign = Campaign.read(settings.campaign)
    least = check_page_lengths(settings, campaign, words).size
    front = front_of(replace(settings, page_bytes=least))
    with longest_codenames():
        pages = dict(answers_in(front, TAG))

    assert {size(page) for page in pages.values()} == {least}
    for name in ("report", "inbox", "no answer"):
        assert len(pages[name].form().value("pad").encode()) >= MIN_PAD_BYTES - 1, name
    with pytest.raises(PageTooLong):
        check_page_lengths(replace(settings, page_bytes=least - 1), campaign, words)
