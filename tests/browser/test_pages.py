"""Every page as a person sees it: valid HTML, accessible, nothing too small or too wide.

The pages come from a front in this process and are opened from files; test_browser.py goes over
Tor. With CASEDROP_PICTURES=1 (`make pictures`), screenshots of all pages, in all languages and two
widths, are put into build/screens.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from support.checkers import AXE, DIRECTORY, VNU
from support.firefox import Firefox
from support.front import Front
from support.made_up_language import TAG
from support.shared import made_once

from dropbox.codename import CHEAPEST, WordLists, derive_keys
from dropbox.errors import VaultUnavailable
from dropbox.reply import Reply, reply_tag, seal_reply
from dropbox.settings import Settings
from scripts.rehearsal.claimant import Browser, File, Form, Page

# Each browser goes over all pages in the first test that needs it: a minute, on a busy machine ten.
pytestmark = pytest.mark.timeout(1_200)

SCREENS = Path(__file__).parents[2] / "build" / "screens"
# In three languages, and in a made-up one from right to left.
PAGES = 4 * 30
PHOTOGRAPHS = Path(__file__).parents[1] / "vectors" / "photograph"
WIDTHS = {"phone": 360, "desktop": 1280}
# Validating all pages takes seconds: the better compiler would only begin to pay.
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss4m", "-jar")
CHECKED = ("--format", "json", "--stdout", "--exit-zero-always")
ANSWERS = {
    "zh-hans": "谢谢您的来信。请问训诫书上写的是哪一年？\n不需要写姓名和号码。",
    "zh-hant": "謝謝您的來信。請問訓誡書上寫的是哪一年？\n不需要寫姓名和號碼。",
    "en": "Thank you for your report. Which year is on the written admonition?\n"
    "No names or numbers, please.",
    TAG: "תודה (1) על הדיווח. WeChat, 2021?\nבלי שמות.",
}
TEXT = "【虚构】我的公众号在三月被封。\r\n后来被叫去派出所问话。"
TRADES = ["tk.tcehy", "buy", "2021-03", "100", "88.5 USD", *[""] * 10]


def language_pages(
    front: Front, browser: Browser, words: WordLists, prefix: str
) -> Iterator[tuple[str, Page]]:
    """Every page, in every state that looks different."""
    for name in ("", "bridges", "keys", "leave", "nothing"):
        yield name or "start", browser.get(f"/{prefix}/{name}")
    report = browser.get(f"/{prefix}/report")
    yield "report", report
    answers = {
        "f.lives_now": "reg.us_ca",
        "f.period_from": ["", "03"],
        "f.actors": ["actor.police"],
        "f.c4.trades": TRADES,
    }
    files = [
        File("微信截图 2023.png", "image/png", b"x" * 90_000),
        File("b.pdf", "application/pdf", b"y" * 9_000),
    ]
    wrong = browser.send(
        report.form(),
        {"category": "", "text": TEXT, "harms": ["c1.harassed"], **answers},
        files=files,
    )
    yield "report-wrong", wrong
    for category in ("c1", "c4"):
        filled = {
            "category": category,
            "f.period_from": ["2024", "03"],
            "f.danger_now": "no",
            "f.reply_ok": [],
        }
        yield f"report-{category}", browser.send(wrong.form(), filled, button=("act", "files"))
    yield (
        "report-asked",
        browser.send(
            browser.get(f"/{prefix}/report").form(),
            {"category": "c2", "text": TEXT + "13800138000 a@example.org"},
        ),
    )
    yield from report_questions(front, browser, prefix)
    done = browser.send(report.form(), {"category": "c1", "text": TEXT}, files=files)
    yield "done", done
    inbox = browser.get(f"/{prefix}/inbox")
    yield "inbox", inbox
    yield (
        "inbox-wrong",
        browser.send(inbox.form(), {"codename": done.codename().replace(" ", "x ", 1)}),
    )
    yield "case-empty", browser.send(inbox.form(), {"codename": report.codename()})
    reply(front, words, done.codename(), "", 0)
    reply(front, words, done.codename(), ANSWERS[prefix], 1)
    case = browser.send(inbox.form(), {"codename": done.codename()})
    yield "case", case
    for number in range(2, 8):
        reply(front, words, done.codename(), ANSWERS[prefix] + "\n……" * 400, number)
    delete = str(case.html.select('button[value^="delete-"]')[0]["value"])
    yield "case-delete", browser.send(case.form(), {}, button=("act", delete))
    many = browser.send(inbox.form(), {"codename": done.codename()})
    yield (
        "case-many",
        browser.send(
            many.form(),
            {},
            button=("act", str(many.html.select("button[value^=older-]")[0]["value"])),
        ),
    )
    yield "case-wrong", browser.send(case.form(), {"text": " "})
    front.vault.failure = VaultUnavailable()
    yield "not-accepted", browser.send(report.form(), {"category": "c1", "text": TEXT})
    yield "inbox-unavailable", browser.send(inbox.form(), {"codename": done.codename()})
    front.vault.failure = None
    front.now += 121 * 60
    yield "case-old", browser.send(case.form(), {"text": TEXT}, files=files)
    front.now -= 121 * 60
    yield "withdrawn", browser.send(case.form(), {}, button=("act", "withdraw"))
    yield "case-left", browser.send(case.form(), {"text": TEXT})


def report_questions(front: Front, browser: Browser, prefix: str) -> Iterator[tuple[str, Page]]:
    """The report page with each question that it asks before sending, from two new forms."""
    report, other = browser.get(f"/{prefix}/report"), browser.get(f"/{prefix}/report")
    filled = {"category": "c1", "harms": ["c1.harassed"], "text": TEXT}
    photos = [
        File(f"照片.{kind}", "", (PHOTOGRAPHS / f"both.{kind}").read_bytes())
        for kind in ("jpg", "heic")
    ]
    yield (
        "report-photographs",
        browser.send(report.form(), {**filled, "text": TEXT + "13800138000"}, files=photos),
    )
    # As if the browser had never seen that answer.
    yield "report-arrived", browser.send(report.form(), filled)
    button = str(report.html.select("button[form=arrived]")[0]["value"])
    action = str(report.html.select("form#arrived")[0]["action"])
    yield "arrived", browser.send(Form(action, []), {"arrival": button})
    front.vault.failure = VaultUnavailable()
    lost = browser.send(other.form(), filled, files=photos)
    front.vault.failure = None
    yield "report-lost", lost
    yield "report-missing", browser.send(lost.form(), {})
    yield "report-sent-before", browser.send(report.form(), {**filled, "token": "A" * 200})
    whole = report.form()
    cut = Form(whole.action, [field for field in whole.fields if field[0] in ("pad", "token")])
    yield "cut", browser.send(cut, {}, button=("act", "language"))


def reply(front: Front, words: WordLists, codename: str, text: str, number: int) -> None:
    """Add an answer or, without a text, an acknowledgement, two weeks after the previous one."""
    keys = derive_keys(words.read_codename(codename), salt=front.settings.salt, cost=CHEAPEST)
    day = date(2026, 11, 24) + timedelta(weeks=2 * number)
    one = Reply("answer", "en", day, text) if text else Reply("acknowledgement", "zh-Hans", day, "")
    front.vault.sealed[reply_tag(keys.tag_key, desk=0, number=number)] = seal_reply(
        one, keys.reply_public, reply_symmetric=keys.reply_symmetric
    )


@pytest.fixture(scope="session")
def saved(
    new_front: Callable[[], Front],
    front_of: Callable[[Settings], Front],
    made_up_settings: Settings,
    words: WordLists,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Path]:
    """All pages as files, named by language and page."""

    def save(directory: Path) -> None:
        plain, made_up = new_front(), front_of(made_up_settings)
        for prefix in ANSWERS:
            front = made_up if prefix == TAG else plain
            with front.browser() as browser:
                for name, page in language_pages(front, browser, words, prefix):
                    (directory / f"{prefix}.{name}.html").write_bytes(page.raw)

    return sorted(made_once(tmp_path_factory, "pages", save).iterdir())


def put_in_place(made: Path, path: Path) -> None:
    """Copy a file to *path* in one step, since another run may be doing the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = path.with_name(f"{path.name}.{os.getpid()}")
    shutil.copy(made, ours)
    ours.replace(path)


def test_the_html_is_valid(saved: list[Path]) -> None:
    assert len(saved) == PAGES
    checked = subprocess.run(
        (*JAVA, str(DIRECTORY / VNU.name), *CHECKED, *map(str, saved)),
        check=True, capture_output=True, timeout=200,
    )  # fmt: skip
    messages = json.loads(checked.stdout)["messages"]

    said = {
        (Path(one["url"]).name, one.get("lastLine"), one["message"])
        for one in messages
        # It knows the letters of the made-up language from another one.
        if not (f"/{TAG}." in one["url"] and "appears to be written in" in one["message"])
    }
    assert sorted(said) == []


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Of these, the ones that look at colours; no other depends on those of the desktop.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
AUDIT = """
axe.run(document, {resultTypes: ["violations"], runOnly: %s})
   .then(result => done(result.violations.map(
        one => one.id + ": " + one.nodes.map(node => node.html).join(" | "))),
         error => done(["axe: " + error]));
"""
COLOURS = ("light", "dark")
# Its text can hardly be read in these colours; in all it has no title.
FAULTY = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><style>'
    "body {{ background: white; color: black }} @media (prefers-color-scheme: {}) "
    "{{ body {{ color: #eee }} }}</style><main><h1>Hardly to be read</h1></main>"
)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One for all tests: at "Safest", in light colours and wide, which each leaves as it was."""
    with closing(Firefox(tmp_path_factory.mktemp("firefox"), light=True)) as browser:
        browser.width(WIDTHS["desktop"])
        yield browser


@pytest.fixture(scope="module")
def audited(
    firefox: Firefox, saved: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list[str]]]:
    """axe's findings for each page, by colours, with all details open; and for two faulty ones.

    What is the same in all colours is looked for in the first, and found in all.
    """
    faulty = tmp_path_factory.mktemp("faulty")
    for colours in COLOURS:
        (faulty / f"faulty-{colours}.html").write_text(FAULTY.format(colours), "utf-8")
    found: dict[str, dict[str, list[str]]] = {colours: {} for colours in COLOURS}
    # For the checker's own; the pages have none that could run.
    firefox.level(scripts=True, mathml=False)
    firefox.open(saved[0].as_uri())
    firefox.load((DIRECTORY / AXE.name).read_text("utf-8"))
    for colours in COLOURS:
        # To change the colours of all that Firefox shows takes four times as long as a page does.
        firefox.colour(colours)
        is_first = colours == COLOURS[0]
        for path in (*saved, *faulty.iterdir()):
            firefox.write_page(path.read_text("utf-8"))
            firefox.unfold()
            said = firefox.run(AUDIT % json.dumps(RULES if is_first else OF_COLOURS))
            if not is_first:
                of_first = found[COLOURS[0]][path.stem]
                in_all = [one for one in of_first if one.partition(":")[0] not in OF_COLOURS]
                said = sorted(said + in_all)
            found[colours][path.stem] = said
    firefox.colour(COLOURS[0])
    firefox.level(scripts=False, mathml=False)
    return found


@pytest.mark.parametrize("colours", COLOURS)
def test_the_accessibility_checker_finds_nothing(
    audited: dict[str, dict[str, list[str]]], colours: str
) -> None:
    found = {name: said for name, said in audited[colours].items() if "faulty" not in name}

    assert {name: said for name, said in found.items() if said} == {}
    assert len(found) == PAGES


@pytest.mark.parametrize("colours", COLOURS)
def test_the_accessibility_checker_finds_faults_in_the_colours_that_are_shown(
    audited: dict[str, dict[str, list[str]]], colours: str
) -> None:
    """The control."""
    rules = {
        name.removeprefix("faulty-"): [one.partition(":")[0] for one in said]
        for name, said in audited[colours].items()
        if "faulty" in name
    }

    other = COLOURS[1 - COLOURS.index(colours)]
    assert rules == {colours: ["color-contrast", "document-title"], other: ["document-title"]}


LAYOUT = """
const small = [];
const seen = element => element.getClientRects().length > 0 && !element.closest(".skip");
const targets = "button, select, textarea, input[type=file], summary, nav a, .choices a, " +
  "label:has([type=checkbox]), [type=radio] + label";
for (const element of document.querySelectorAll(targets)) {
  const height = element.getBoundingClientRect().height;
  if (seen(element) && height < 43.9)
    small.push(element.outerHTML.slice(0, 120) + " is " + height + " px high");
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const size = parseFloat(getComputedStyle(element).fontSize);
  if (walker.currentNode.data.trim() && seen(element) && size < 16)
    small.push("small letters: " + walker.currentNode.data.slice(0, 40));
}
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) small.push("wider than the window: " + root.scrollWidth);
return small;
"""


REQUESTED = "return performance.getEntriesByType('resource').map(one => one.name)"


class Seen(NamedTuple):
    """What a page fetched beside itself, and what on it is too small or too wide."""

    requested: list[str]
    small: list[str]


@pytest.fixture(scope="module")
def seen(
    firefox: Firefox, saved: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Seen]]:
    """All pages by width and name, the wide ones last; on request, with screenshots."""
    directory = tmp_path_factory.mktemp("seen")
    return {width: looked_at(firefox, saved, directory, width) for width in WIDTHS}


def looked_at(firefox: Firefox, saved: list[Path], directory: Path, width: str) -> dict[str, Seen]:
    """All pages at one width."""
    screens = directory / width if os.environ.get("CASEDROP_PICTURES") else None
    firefox.width(WIDTHS[width])
    found = {}
    firefox.open(saved[0].as_uri())
    for path in saved:
        # At one width each page is gone to, as a person does; for pictures at both.
        if screens or width == "desktop":
            firefox.open(path.as_uri())
        else:
            firefox.write_page(path.read_text("utf-8"))
        requested = firefox.ask(REQUESTED)
        if screens:
            firefox.shoot(screens / f"{path.stem}.png")
        firefox.unfold()
        found[path.stem] = Seen(requested, firefox.ask(LAYOUT))
        if screens and "report-c" in path.name:
            firefox.shoot(screens / f"{path.stem}-unfolded.png")
    for screen in screens.iterdir() if screens else ():
        put_in_place(screen, SCREENS / width / screen.name)
    return found


MEASURED = """
return [...document.querySelectorAll('*')].map(one => [one.tagName, one.getAttribute('style'),
  ...Object.values(one.getBoundingClientRect().toJSON())]).concat([[document.compatMode,
  document.characterSet, document.title, document.documentElement.lang, document.baseURI]]);
"""


def test_a_page_that_is_written_in_place_is_the_page_that_is_opened(
    firefox: Firefox, saved: list[Path]
) -> None:
    """It has the same elements at the same places, whatever was shown before."""
    first, *others = [path for path in saved if path.name.endswith(".report-wrong.html")]
    assert len(others) == 3
    opened = []
    for path in others:
        firefox.open(path.as_uri())
        firefox.unfold()
        opened.append(firefox.ask(MEASURED))
    firefox.open(first.as_uri())
    for path, measured in zip(others, opened, strict=True):
        firefox.write_page(path.read_text("utf-8"))
        firefox.unfold()
        written = firefox.ask(MEASURED)
        assert written[:-1] == measured[:-1] and written[-1][:-1] == measured[-1][:-1]
        assert len(written) > 300


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_too_small_or_too_wide(seen: dict[str, dict[str, Seen]], width: str) -> None:
    assert {name: one.small for name, one in seen[width].items() if one.small} == {}
    assert len(seen[width]) == PAGES


def test_a_page_is_one_request(saved: list[Path], seen: dict[str, dict[str, Seen]]) -> None:
    for pages in seen.values():
        assert {name: one.requested for name, one in pages.items() if one.requested} == {}
    assert all(not re.search(rb"https?://", path.read_bytes()) for path in saved)


def test_what_was_chosen_under_another_kind_of_case_stays_in_sight(
    firefox: Firefox, saved: list[Path]
) -> None:
    """Whatever is filed can be seen before it is sent, and is gone from sight with its choice."""
    forms = [path for path in saved if path.name.endswith(".report.html")]
    assert len(forms) == 4

    def in_sight() -> list[str]:
        shown = "return [...document.querySelectorAll('.kind>input')].filter(one => one."
        shown += "parentElement.querySelector('.fold')?.getClientRects().length)"
        return list(firefox.ask(shown + ".map(one => one.value)"))

    for form in forms:
        firefox.open(form.as_uri())
        assert in_sight() == []
        firefox.click("label[for=c1]")
        firefox.click("#c1~.fold .boxes label:nth-of-type(1)")
        firefox.click("#c1~.fold .boxes label:nth-of-type(2)")
        firefox.click("label[for=c2]")
        assert in_sight() == ["c1", "c2"]
        firefox.click("#c2~.fold .boxes label:nth-of-type(1)")
        firefox.click("label[for=c4]")
        firefox.click('[name="f.c4.trades"] option:nth-of-type(2)')
        firefox.click("label[for=c0]")
        assert in_sight() == ["c1", "c2", "c4"]
        firefox.click('[name="f.c4.trades"] option:nth-of-type(1)')
        for kind, number in (("c1", 1), ("c1", 2), ("c2", 1)):
            firefox.click(f"#{kind}~.fold .boxes label:nth-of-type({number})")
        assert in_sight() == []
        firefox.click("label[for=c4]")
        firefox.write('input[name="f.c4.trades"]', "100")
        firefox.click("label[for=c0]")
        assert in_sight() == ["c4"]


SHOWN = (
    "return [...document.querySelectorAll('.notice')].filter(one => one.getClientRects().length)"
)


def test_who_is_not_at_safest_or_has_an_old_browser_is_told_without_a_script(
    firefox: Firefox, saved: list[Path], tmp_path: Path
) -> None:
    """At "Safest" the extension blocks scripts, which the browser itself would still run."""
    starts = [path for path in saved if path.name.endswith(".start.html")]
    old = tmp_path / "old.html"
    old.write_bytes(starts[0].read_bytes().replace(b"hyphenate-limit-chars", b"unheard-of"))
    assert len(starts) == 4 and b"unheard-of" in old.read_bytes()

    def told(page: Path, *, scripts: bool, mathml: bool) -> list[str]:
        firefox.level(scripts=scripts, mathml=mathml)
        firefox.open(page.as_uri())
        return list(firefox.ask(SHOWN + ".map(one => one.className)"))

    for start in starts:
        assert told(start, scripts=True, mathml=True) == ["notice nosafe"]
        for scripts, mathml in ((True, False), (False, True), (False, False)):
            assert told(start, scripts=scripts, mathml=mathml) == []
    assert told(old, scripts=False, mathml=False) == ["notice old"]
