"""The two pictures of the README: a claimant's page and the desk.

Fictional cases, photographed in Firefox. They are made into build/pictures at every run. With
CASEDROP_PICTURES=1 (`make pictures`) they also replace the ones in docs/pictures: a codename is
random, so that no two runs give the same bytes.
"""

import io
import os
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from support.cases import SAMPLES
from support.export_bundles import CAMPAIGN, PHOTO, SERVER, Drop
from support.firefox import Firefox
from support.front import Front
from support.pictures import small
from support.team import Team

from dropbox.campaign import Campaign
from dropbox.label import LANGUAGES
from dropbox.openpgp import Reviewers
from scripts.desk.charts.page import html
from scripts.desk.charts.shapes import Asked, Bars, Figure, Grid, Listing

ROOT = Path(__file__).parents[2]
MOST_BYTES = 60_000
COLUMNS = 118
# Background and text as on the pages; then the eight colours and their bright forms, as in Debian's
# terminal.
THEME = TerminalTheme(
    (255, 255, 255),
    (28, 30, 33),
    [(28, 30, 33), (170, 0, 0), (0, 110, 40), (150, 90, 0),
     (29, 79, 124), (120, 40, 120), (0, 110, 120), (81, 86, 92)],
)  # fmt: skip
SCREEN = (
    '<!doctype html><meta charset="utf-8"><title>desk</title><style>{stylesheet}'
    "body{{margin:0;padding:12px 16px;background:{background};color:{foreground}}}"
    'pre{{margin:0;font:15px/1.35 "Noto Sans Mono CJK SC",monospace}}'
    "i{{display:inline-block;font:83%/1.2 'DejaVu Sans Mono';width:.602em}}</style>"
    "<pre>{code}</pre>"
)
# One column wide in a terminal, two in this font.
NARROW = re.compile("[─-╿…“”]")


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with closing(Firefox(tmp_path_factory.mktemp("firefox"), light=True)) as browser:
        yield browser


def keep(name: str, picture: bytes) -> None:
    """Save the picture in build and, if requested, in docs."""
    assert len(picture) < MOST_BYTES
    folders = [ROOT / "build" / "pictures"]
    if os.environ.get("CASEDROP_PICTURES"):
        folders.append(ROOT / "docs" / "pictures")
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture)


def test_a_claimants_page_is_photographed(front: Front, firefox: Firefox, tmp_path: Path) -> None:
    with front.browser() as browser:
        page = browser.get("/en/report")
    path = tmp_path / "report.html"
    path.write_bytes(page.raw)
    firefox.width(640)
    firefox.open(path.as_uri())
    firefox.shoot(tmp_path / "report.png")

    keep("claimant.png", small((tmp_path / "report.png").read_bytes(), 900))


def charts(language: str) -> str:
    """A page of charts with the campaign's longest labels, and numbers of every length."""
    campaign = Campaign.read(CAMPAIGN)
    categories = [one.in_(language) for one in campaign.categories]
    labels = [one.in_(language) for category in campaign.categories for one in category.harms]
    amounts = tuple(f"{10**power:,}" for power in range(4, 9))
    found: list[Figure] = [
        Bars("bars", tuple((label, 10**number) for number, label in enumerate(labels[:7]))),
        Grid(
            "months",
            tuple(f"2026-{month:02d}" for month in range(1, 13)),
            tuple((label, (None, *range(890, 901))) for label in categories),
        ),
        Grid("names", tuple(categories), tuple((label, (7,) * 5) for label in labels[:4])),
        Listing("sums", tuple(labels[:6]), tuple((label, *amounts) for label in categories)),
    ]
    asked = Asked([], language, date(2026, 11, 23))
    return html(found, asked, campaign=campaign.title[language])


SHOWN = """
const drawings = [...document.querySelectorAll("svg")];
return drawings.filter(svg => svg.getBoundingClientRect().width > 300).length;
"""
# What is cut off at the edge of a drawing, and drawings or tables that are wider than the page.
CUT_OFF = """
const cut = [];
for (const svg of document.querySelectorAll("svg")) {
  const room = svg.getBoundingClientRect();
  if (room.width) for (const text of svg.querySelectorAll("text")) {
    const box = text.getBoundingClientRect();
    if (box.left < room.left - 1 || box.right > room.right + 1 || box.top < room.top - 1)
      cut.push(text.textContent);
  }
}
for (const wide of document.querySelectorAll("html, figure"))
  if (wide.scrollWidth > wide.clientWidth) cut.push("wider: " + wide.textContent.slice(0, 20));
return cut;
"""


def test_charts_fit_the_page_and_the_telephone(firefox: Firefox, tmp_path: Path) -> None:
    firefox.drawings(shown=True)
    for language in LANGUAGES:
        path = tmp_path / f"{language}.html"
        path.write_text(charts(language), "utf-8")
        for width in (360, 1000):
            firefox.width(width)
            firefox.open(path.as_uri())

            assert firefox.ask(SHOWN) == 3 and firefox.ask(CUT_OFF) == []
    firefox.drawings(shown=False)


def test_the_desk_is_photographed(
    reviewed: Team, firefox: Firefox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": COLUMNS}.items():
        monkeypatch.setenv(name, str(value))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for words in ("list", f"show {reviewed.case()}"):
        console.print(Text(f"$ casedrop-desk {words}", style="bold"))
        console.print(Text.from_ansi(reviewed(0, *words.split())))
    screen = console.export_html(theme=THEME, code_format=SCREEN)
    path = tmp_path / "desk.html"
    path.write_text(NARROW.sub(r"<i>\g<0></i>", screen), "utf-8")
    firefox.width(920)
    firefox.open(path.as_uri())
    firefox.shoot(tmp_path / "desk.png")

    keep("desk.png", small((tmp_path / "desk.png").read_bytes(), 745))


@pytest.fixture
def reviewed(
    reviewer_homes: list[Path],
    third_home: Path,
    desk_keys: Path,
    reviewers: Reviewers,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Team:
    """Three reviewers with the eight sample cases, some of them reviewed."""
    team = Team(tmp_path / "casebook", [*reviewer_homes, third_home], capsys, tmp_path)
    key = bytes(SERVER.verify_key).hex()
    team(0, "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0, "--keys", desk_keys)
    drop = Drop(reviewers, tmp_path)
    for number, sample in enumerate(SAMPLES, 1):
        files = (drop.file(PHOTO, "截图.jpg"),) if number in (2, 3) else ()
        drop.report(
            sample["text_zh_hans"],
            claimant=number,
            language=sample["lang"],
            category=sample["category"],
            harms=tuple(sample["harms"]),
            attachments=files,
        )
    team(0, "import", drop.bundle(1))
    for case, merit, urgency in ((1, "m2", "normal"), (4, "m1", "danger")):
        for who in (0, 1):
            team.judge(who, team.case(case), merit=merit, urgency=urgency)
    return team
