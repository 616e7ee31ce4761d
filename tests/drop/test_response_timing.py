"""Neither a page's length nor its time reveals whether a codename is known or has answers."""

import itertools
import os
import random
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from scipy.stats import mannwhitneyu
from support.desk_side import Desk, courier_of
from support.front import Front
from support.report_form import answered

from dropbox.codename import WordLists
from dropbox.sizes import PAGE_BYTES
from onion.launch import Drop
from scripts.courier.transfer import push
from scripts.desk.outbox.sending import export_replies
from scripts.desk.outbox.writing import answer
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, Form, Page

pytestmark = pytest.mark.alone
ONION = "casedrop" * 7 + ".onion"
TRIES, LEAST_P = 200, 0.01

# A form that can be sent repeatedly, and codenames by what is filed under them.
Visit = tuple[Browser, dict[str, str], Form]


@pytest.fixture(scope="module")
def visit(
    keys_dir: Path, reviewer_homes: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    """A browser, and a drop under gunicorn with twenty cases, half of them answered."""
    directory, today = tmp_path_factory.mktemp("timing"), datetime.now(UTC).date()
    site = make_site(directory / "site", onion=ONION, keys=keys_dir)
    desk = Desk.create(site, directory / "casebook", reviewer_homes[0])
    with (
        Drop(site.settings_file, site.front_socket, os.environ),
        Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser,
    ):
        # Together, since each waits for a tick of the vault.
        with ThreadPoolExecutor(10) as pool:
            filed = list(pool.map(lambda number: file(browser, str(number)), range(20)))
        desk.carry(directory)
        with desk.open() as casebook:
            numbers = {case.parts[0].report.text: case.number for case in casebook.cases()}
            for number in range(10):
                answer(casebook, numbers[str(number)], "请问是哪一年？" * 60, today=today)
            for _ in range(8):
                answer(casebook, numbers["10"], "请问是哪一年？" * 180, today=today)
            export_replies(casebook, directory / "replies.tar", desk.opener, today=today)
        push(courier_of(site), directory / "replies.tar")
        # Filed after the bundle was fetched: known to the vault, but without an acknowledgement.
        known = file(browser, "known")
        unknown = browser.get("/zh-hans/report").codename()
        names = {"unknown": unknown, "known": known, "answered": filed[0], "full": filed[10]}
        yield browser, names, browser.get("/zh-hans/inbox").form()


def file(browser: Browser, text: str) -> str:
    page = browser.get("/zh-hans/report")
    browser.send(page.form(), {"category": "c0", "text": text})
    return page.codename()


def opened(visit: Visit, kind: str) -> Page:
    """The inbox of one of the codenames; the form is the same for all."""
    browser, names, form = visit
    return browser.send(form, {"codename": names[kind]})


def measured(visit: Visit) -> dict[str, list[float]]:
    """Open each kind of inbox TRIES times, in random order. Returns the seconds of each.

    Two at once, since a response mostly waits: what one adds to the other's time is the same for
    all kinds, whose order is random.
    """
    kinds = list(visit[1])
    order = kinds * TRIES
    random.shuffle(order)
    took: dict[str, list[float]] = {kind: [] for kind in kinds}

    def one(kind: str) -> None:
        begun = time.perf_counter()
        opened(visit, kind)
        took[kind].append(time.perf_counter() - begun)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, order))
    return took


def likeness(took: dict[str, list[float]]) -> float:
    """The smallest p-value that two kinds come from the same distribution."""
    found = {
        pair: float(mannwhitneyu(took[pair[0]], took[pair[1]]).pvalue)
        for pair in itertools.combinations(took, 2)
    }
    print(
        {kind: f"{statistics.median(times) * 1000:.3f} ms" for kind, times in took.items()}, found
    )
    return min(found.values())


# What fits on one page; older answers are reached by a button.
COUNTS = {"unknown": 0, "known": 0, "answered": 1, "full": 2}


def test_all_pages_have_one_length_and_one_header(visit: Visit) -> None:
    pages = {kind: opened(visit, kind) for kind in visit[1]}

    assert {kind: len(page.html.select(".answer")) for kind, page in pages.items()} == COUNTS
    assert (
        len({len(page.raw) for page in pages.values()}) == 1
        and len(pages["answered"].raw) < PAGE_BYTES
    )
    assert len({tuple(page.headers.items()) for page in pages.values()}) == 1


def test_unknown_known_and_answered_codenames_take_the_same_time(visit: Visit) -> None:
    """By chance, in one of twenty measurements a pair looks different; a second one decides."""
    assert likeness(measured(visit)) > LEAST_P or likeness(measured(visit)) > LEAST_P


def test_responses_without_delay_can_be_told_apart(front: Front, words: WordLists) -> None:
    """The control: no whole steps, and a key derivation too short to hide anything."""
    with front.browser() as browser:
        unknown, full = (browser.get("/zh-hans/report").codename() for _ in range(2))
        answered(front, words, full, *["请问是哪一年？" * 180] * 8)
        visit = browser, {"unknown": unknown, "full": full}, browser.get("/zh-hans/inbox").form()

        assert likeness(measured(visit)) < LEAST_P
