"""Concurrent posts with one codename: two messages are both kept, the same form sent twice is kept
once.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.desk_side import QUANTUM, Desk
from support.front import ONION

from onion.launch import Drop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File, Page

PAIRS, PAIRS_AT_ONCE = 20, 4


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path) -> Iterator[Site]:
    made = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    with Drop(made.settings_file, made.front_socket, os.environ):
        yield made


def browser(site: Site) -> Browser:
    return Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket)))


def both_at_once(site: Site, prepare: Callable[[Browser, int], Callable[[], Page]]) -> list[Page]:
    """Two claimants prepare, each in their own browser, and send at the same moment."""
    start, pages = threading.Barrier(2), list[Page]()

    def send(number: int) -> None:
        with browser(site) as visit:
            ready = prepare(visit, number)
            start.wait(60)
            pages.append(ready())

    threads = [threading.Thread(target=send, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return pages


def file_pair(site: Site, pair: int) -> None:
    """One form sent twice at once, then two follow-ups with its codename at once."""
    with browser(site) as visit:
        page = visit.get("/en/report")

    def same_form(visit: Browser, _: int) -> Callable[[], Page]:
        file = File("same.bin", "", b"same" * 20_000)
        return lambda: visit.send(
            page.form(), {"category": "c1", "text": f"report {pair}"}, files=[file]
        )

    def addition(visit: Browser, number: int) -> Callable[[], Page]:
        case = visit.send(visit.get("/en/inbox").form(), {"codename": page.codename()})
        file = File(f"{number}.bin", "", f"file {pair}-{number}".encode() * 5_000)
        return lambda: visit.send(case.form(), {"text": f"addition {pair}-{number}"}, files=[file])

    done = both_at_once(site, same_form)
    assert [(answer.status, answer.codename()) for answer in done] == [(200, page.codename())] * 2
    added = both_at_once(site, addition)
    assert [(answer.status, "Your addition has been sent" in answer.text) for answer in added] == [
        (200, True)
    ] * 2


def test_of_twenty_pairs_of_sendings_at_once_all_forty_are_kept_and_none_twice(
    site: Site, reviewer_homes: list[Path], tmp_path: Path
) -> None:
    desk = Desk.create(site, tmp_path / "book", reviewer_homes[0])
    with ThreadPoolExecutor(PAIRS_AT_ONCE) as pool:
        list(pool.map(lambda pair: file_pair(site, pair), range(PAIRS)))
    imported = desk.carry(tmp_path)
    with desk.open() as casebook:
        cases = list(casebook.cases())
        slots = dict(casebook.bundles.slots())
    opened, parts = (
        imported.opened,
        [Counter(part.report.text for part in case.parts) for case in cases],
    )
    files = [file for case in cases for part in case.parts for file in part.report.attachments]
    additions = [text for case in parts for text in case.elements() if text.startswith("addition")]

    assert len(additions) == len(set(additions)) == 2 * PAIRS
    assert sorted(map(sorted, parts)) == sorted(
        [f"addition {pair}-0", f"addition {pair}-1", f"report {pair}"] for pair in range(PAIRS)
    )
    assert all(set(case.values()) == {1} for case in parts)
    assert (opened.cases, opened.parts, opened.unopened, imported.findings) == (
        PAIRS,
        3 * PAIRS,
        (),
        (),
    )
    # Both that sent the same form had sealed its file: in the place of each piece of the later copy
    # is a tombstone. The rest of the slots are filling, as far as anybody can tell.
    pieces = sum(file.blocks for file in files)
    second_copies = sum(file.blocks for file in files if file.name == "same.bin")
    assert second_copies >= PAIRS
    assert sum(slot.opened > 0 for slot in slots.values()) == 3 * PAIRS + pieces + second_copies
    assert opened.blocks == 3 * PAIRS + pieces + opened.unreferenced
    assert opened.blocks % QUANTUM == 0
