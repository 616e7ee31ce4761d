"""What was sealed does not stay in the memory of the processes that sealed it."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from nacl.signing import VerifyKey
from support.desk_side import Desk
from support.export_bundles import CAMPAIGN
from support.front import ONION
from support.memory import occurrences
from support.processes import family
from support.waived import waived

from dropbox.block import Kind
from dropbox.campaign import Campaign
from dropbox.export_bundle import ListedBlock
from onion.launch import Drop
from scripts.desk.importing.opened_blocks import DayKeys
from scripts.desk.importing.received_bundle import ReceivedBundle
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File

# Runs of at least this many bytes of a text or file must not be found at all; of the codename at
# most two.
RUN_BYTES, CODENAME_COPIES = 512, 2
STOCK = {
    "PYTHONMALLOC": "default",
    "MALLOC_PERTURB_": "0",
    "GLIBC_TUNABLES": "",
    **waived("dumps", "allocator"),
}
# Unless a test runs as root, the kernel lets it read only a dumpable process.
READABLE = waived("dumps")


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
    tmp_path: Path, keys_dir: Path, home: Path, environ: dict[str, str]
) -> Iterator[tuple[Desk, Drop, Browser]]:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    desk = Desk.create(site, tmp_path / "casebook", home)
    with (
        Drop(site.settings_file, site.front_socket, {**os.environ, **environ}) as drop,
        Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser,
    ):
        yield desk, drop, browser


def journey(desk: Desk, browser: Browser, directory: Path) -> dict[str, bytes]:
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

    assert desk.carry(directory).opened.files == 1
    desk.bring_answers(directory / "replies.tar", texts["answer"][:1200])
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


def front_key(desk: Desk, bundle: Path) -> bytes:
    """The front's day key, which the desk can open: that of the report."""
    received = ReceivedBundle(
        bundle, VerifyKey(desk.site.export_public), campaign=Campaign.read(CAMPAIGN).code
    )
    keys, found = DayKeys.open(received.head.day_keys, desk.secrets.find), set[bytes]()

    def take(block: ListedBlock, data: bytes) -> None:
        opened = keys.open_block(block.day, data)
        if opened is not None and opened.kind is Kind.REPORT:
            found.add(keys.of(block.day)[0].key)

    received.read(take)
    (key,) = found
    return key


def test_nothing_of_a_report_is_left_in_the_memory_of_front_and_vault(
    tmp_path: Path, keys_dir: Path, first_home: Path
) -> None:
    with running(tmp_path, keys_dir, first_home, READABLE) as (desk, drop, browser):
        found = left(drop, journey(desk, browser, tmp_path))
        key = {"key": front_key(desk, desk.pull(tmp_path))}
        fronts, vaults = (
            [occurrences(pid, key).get("key", 0) for pid in family(room)]
            for room in (drop.front_pid, drop.vault_pid)
        )

    assert {name: count for name, count in found.items() if not name.startswith("codename")} == {}
    assert sum(count for name, count in found.items()) <= CODENAME_COPIES
    # Once, in the memory that the front's processes share and overwrite at midnight.
    assert fronts == [1] * len(fronts) and vaults == [0] * len(vaults)


def test_with_a_stock_allocator_it_is_found_there(
    tmp_path: Path, keys_dir: Path, first_home: Path
) -> None:
    """The control: the same journey, the same search."""
    with running(tmp_path, keys_dir, first_home, STOCK) as (desk, drop, browser):
        found = left(drop, journey(desk, browser, tmp_path))

    assert [name for name in found if not name.startswith("codename")] != []
