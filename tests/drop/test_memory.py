"""What was sealed does not stay in the memory of the processes that sealed it."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from support.front import ONION, PACKAGE
from support.memory import occurrences
from support.processes import family

from dropbox.openpgp import Opener
from onion.launch import Drop
from scripts.courier.transfer import pull, push
from scripts.desk.casebook.casebook import Casebook, create
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.outbox.outbox import answer, export_replies
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File

# Runs of at least this many bytes of a text or file must not be found at all; of the codename at
# most two.
RUN_BYTES, CODENAME_COPIES = 512, 2
STOCK = {
    "PYTHONMALLOC": "default",
    "MALLOC_PERTURB_": "0",
    "GLIBC_TUNABLES": "",
    "CASEDROP_LOCKDOWN_WAIVED": "dumps allocator",
}
# Unless a test runs as root, the kernel lets it read only a dumpable process.
READABLE = {"CASEDROP_LOCKDOWN_WAIVED": "dumps"}


def text(name: str) -> str:
    """3,000 characters that occur nowhere else, without repeated parts."""
    return "".join(f"【{name}】第{number * 7919:07d}句，谁也不该再看到。" for number in range(120))


def runs(name: str, whole: str) -> dict[str, bytes]:
    """A run from the middle of *whole*, in Python's and in UTF-8 form."""
    middle = whole[len(whole) // 2 : len(whole) // 2 + RUN_BYTES // 2]
    return {
        f"{name}, {encoding}": middle.encode(encoding)[:RUN_BYTES]
        for encoding in ("utf-8", "utf-16-le", "utf-32-le")
    }


@contextmanager
def running(
    tmp_path: Path, keys_dir: Path, environ: dict[str, str]
) -> Iterator[tuple[Site, Drop, Browser]]:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    with (
        Drop(site.settings_file, site.front_socket, {**os.environ, **environ}) as drop,
        Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser,
    ):
        yield site, drop, browser


def journey(site: Site, browser: Browser, opener: Opener, directory: Path) -> dict[str, bytes]:
    """File with a file, make a mistake, get an answer, read, add.

    Returns what must not be found, by name.
    """
    texts = {name: text(name) for name in ("story", "mistake", "answer", "addition")}
    content = b"".join(b"%08d-file-content;" % (number * 104_729) for number in range(20_000))
    page = browser.get("/zh-hans/report")
    wrong = browser.send(
        page.form(),
        {"category": "", "text": texts["mistake"]},
        files=[File("证据-不该留下.png", "image/png", content)],
    )
    assert wrong.status == 400 and "1" in wrong.text
    assert browser.send(wrong.form(), {"category": "c1", "text": texts["story"]}).status == 200

    today = datetime.now(UTC).date()
    create(
        directory / "casebook",
        server_key=site.export_public,
        campaign=PACKAGE / "campaign.toml",
        desk=0,
    )
    courier_socket = site.settings_file.parent / "courier.sock"
    with Casebook.open(directory / "casebook") as casebook:
        open_bundle(casebook, pull(courier_socket, directory), opener, today=today)
        answer(casebook, 1, texts["answer"][:1200], today=today)
        export_replies(casebook, directory / "replies.tar", opener, today=today)
    push(courier_socket, directory / "replies.tar")
    inbox = browser.get("/zh-hans/inbox")
    case = browser.send(inbox.form(), {"codename": page.codename()})
    assert texts["answer"][:1200] in case.text
    assert browser.send(case.form(), {"text": texts["addition"]}).status == 200

    found = {"file": content[100_000 : 100_000 + RUN_BYTES]}
    for name, whole in texts.items():
        found |= runs(name, whole[:1200] if name == "answer" else whole)
    return found | {
        f"codename, as {how}": name.encode() for how, name in spellings(page.codename()).items()
    }


def spellings(codename: str) -> dict[str, str]:
    return {
        "typed": codename,
        "one word": codename.replace(" ", ""),
        "a list": str(codename.split()),
    }


def left(drop: Drop, needles: dict[str, bytes]) -> Counter[str]:
    """How often each is found in all processes of the drop together."""
    # A request is cleaned up right after its response.
    time.sleep(1)
    total: Counter[str] = Counter()
    for pid in (*family(drop.front_pid), *family(drop.vault_pid)):
        total.update(occurrences(pid, needles))
    print(dict(total))
    return total


def test_nothing_of_a_report_is_left_in_the_memory_of_front_and_vault(
    tmp_path: Path, keys_dir: Path, opener: Opener
) -> None:
    with running(tmp_path, keys_dir, READABLE) as (site, drop, browser):
        found = left(drop, journey(site, browser, opener, tmp_path))

    assert {name: count for name, count in found.items() if not name.startswith("codename")} == {}
    assert sum(count for name, count in found.items()) <= CODENAME_COPIES


def test_with_a_stock_allocator_it_is_found_there(
    tmp_path: Path, keys_dir: Path, opener: Opener
) -> None:
    """The control: the same journey, the same search."""
    with running(tmp_path, keys_dir, STOCK) as (site, drop, browser):
        found = left(drop, journey(site, browser, opener, tmp_path))

    assert [name for name in found if not name.startswith("codename")] != []
