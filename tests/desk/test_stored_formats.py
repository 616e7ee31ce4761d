"""A vault's file, an export bundle and a casebook as the first version left them are still read.

They were made once, with the key beside them, and are never made again: what a later version writes
does not show whether it reads what is out there.
"""

import lzma
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from support.archives import unpack
from support.format_1 import open_report

from dropbox.bundle import ListedBlock, read_export
from dropbox.codename import CHEAPEST, Codename, derive_keys
from dropbox.erase_hash import first_preimage
from dropbox.errors import CannotOpen
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener
from dropbox.reply import open_reply, reply_tags
from dropbox.report import Report
from dropbox.sealing import FORMAT_1, open_attachment
from dropbox.vault.format_1_file import FINAL, open_file
from scripts.desk.__main__ import main
from scripts.desk.casebook.casebook import Casebook

VECTORS = Path(__file__).parents[1] / "vectors" / "format_1"
SERVER = SigningKey(b"s" * 32)
TEXTS = {"【虚构】我的微信号在 2019 年被永久封禁。", "【虚构】第二份。"}
PHOTO = b"\xff\xd8" + b"x" * 50_000


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """The reviewer of that time. The weekly key has expired since and still opens."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    secret = str(VECTORS / "reviewer_secret.asc")
    subprocess.run(
        ["gpg", "--quiet", "--batch", "--homedir", str(home), "--import", secret], check=True
    )
    yield Opener(home)
    stop_agent(home)


def opened(blocks: dict[bytes, bytes], opener: Opener) -> tuple[list[Report], list[bytes]]:
    """The reports among *blocks*, and their files."""
    reports, files = [], []
    for data in blocks.values():
        try:
            reports.append(open_report(data, opener))
        except CannotOpen:
            continue
    for report in reports:
        for attachment in report.attachments:
            pieces: list[bytes] = []
            open_attachment(attachment, blocks.get, opener, pieces.append, format=FORMAT_1)
            files.append(b"".join(pieces))
    return reports, files


def test_a_vault_of_the_first_version_is_read(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    path.write_bytes(lzma.decompress((VECTORS / "vault.sqlite.xz").read_bytes()))
    keys = derive_keys(Codename((1,) * 7), salt=b"0123456789abcdef", cost=CHEAPEST)
    with closing(open_file(path)) as vault:
        rows = vault.execute("SELECT id, withdraw_tag, expires, bytes FROM slot").fetchall()
        replies = dict(vault.execute("SELECT tag, sealed FROM reply"))
        (exports,) = vault.execute("SELECT count(*) FROM export").fetchone()
    blocks = {block_id: data for block_id, _, expires, data in rows if expires == FINAL}
    assert (len(rows), len(blocks), len(replies), exports) == (4, 3, 4, 1)
    reports, files = opened(blocks, opener)
    own = [one for one, tag, _, _ in rows if tag == first_preimage(keys.withdraw_key, one)]
    assert len(own) == 2
    ((index, sealed),) = (
        (index, replies[tag])
        for index, tag in enumerate(reply_tags(keys.tag_key))
        if tag in replies
    )

    assert {report.text for report in reports} == TEXTS and files == [PHOTO]
    assert index == 0 and open_reply(sealed, keys.reply_private).text == "我们读了。"


def test_an_export_bundle_of_the_first_version_is_read(opener: Opener) -> None:
    blocks: dict[bytes, bytes] = {}

    def take(listed: ListedBlock, data: bytes) -> None:
        blocks[listed.id] = data

    whole = BytesIO(lzma.decompress((VECTORS / "export_1.tar.xz").read_bytes()))
    manifest = read_export(whole, SERVER.verify_key, campaign="wechat-2020", sink=take)

    assert manifest.number == 1 and len(blocks) == 3
    reports, files = opened(blocks, opener)
    assert {report.text for report in reports} == TEXTS and files == [PHOTO]


@pytest.mark.slow
def test_a_casebook_of_the_first_version_is_read(tmp_path: Path) -> None:
    unpack(VECTORS / "casebook.tar.xz", tmp_path)
    tmp_path.chmod(0o700)
    assert main(["--casebook", str(tmp_path), "migrate"]) == 0
    with Casebook.open(tmp_path) as casebook:
        counts = casebook.counts()
        case = casebook.case(1)

    assert (counts.cases, counts.parts, counts.files) == (2, 2, 1)
    assert case.parts[0].day == date(2026, 11, 25) and case.parts[0].report.text in TEXTS
    assert main(["--casebook", str(tmp_path), "verify", "--keys", str(VECTORS / "keys")]) == 0
