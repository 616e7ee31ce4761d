"""The address that a drop moves to: a line that a pinned reviewer signed, and the first page."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.every_answer import size
from support.front import ONION, Front

from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.errors import SettingsError
from dropbox.front.page_length import page_lengths
from dropbox.next_address import NextAddress, read_next_address
from dropbox.openpgp import Opener
from scripts.operator.check import check_next_address

NEW = "n" * 56 + ".onion"
LINE = f"casedrop next address 1 {ONION} {NEW}\n".encode()
NOW = datetime.now(UTC)


@pytest.fixture
def path(tmp_path: Path, first_home: Path) -> Path:
    """A signed statement."""
    opener = Opener(first_home)
    (fingerprint,) = opener.secret_fingerprints()
    path = tmp_path / "next-address"
    path.write_bytes(LINE)
    (tmp_path / "next-address.sig").write_bytes(opener.sign(LINE, fingerprint))
    return path


def read(path: Path, keys: Path, onion: str = ONION) -> NextAddress | None:
    return read_next_address(path, onion=onion, keys=keys, now=NOW)


def test_only_a_line_for_this_drop_that_a_pinned_reviewer_signed_counts(
    path: Path, keys_dir: Path, first_home: Path
) -> None:
    (fingerprint,) = Opener(first_home).secret_fingerprints()
    assert read(path, keys_dir) == (NEW, fingerprint)
    with pytest.raises(SettingsError, match="not that of this drop"):
        read(path, keys_dir, "o" * 56 + ".onion")
    path.write_bytes(LINE.replace(b"nnnn", b"mmmm"))
    with pytest.raises(SettingsError, match="does not fit the content"):
        read(path, keys_dir)
    for wrong in (b"", LINE[:-1], LINE + LINE, LINE.replace(b" 1 ", b" 2 ")):
        path.write_bytes(wrong)
        with pytest.raises(SettingsError, match="is not the line"):
            read(path, keys_dir)


def test_the_signature_of_somebody_who_is_not_pinned_is_refused(
    path: Path, keys_dir: Path, third_home: Path
) -> None:
    opener = Opener(third_home)
    (fingerprint,) = opener.secret_fingerprints()
    path.with_name("next-address.sig").write_bytes(opener.sign(LINE, fingerprint))
    with pytest.raises(SettingsError, match="not by a pinned reviewer"):
        read(path, keys_dir)


def test_a_statement_that_is_not_there_yet_is_none_and_half_of_one_is_refused(
    path: Path, keys_dir: Path
) -> None:
    assert read(path.with_name("later"), keys_dir) is None
    path.with_name("next-address.sig").unlink()
    with pytest.raises(SettingsError, match=r"has no next-address\.sig"):
        read(path, keys_dir)


def test_the_first_page_names_the_next_address_and_who_signed_it(front: Front) -> None:
    with front.browser() as browser:
        assert "moving" not in browser.get("/en/").text
    front.next_address = NextAddress(NEW, "0123456789ABCDEF" * 2 + "01234567")
    front.restart()
    with front.browser() as browser:
        for prefix, word in (("en", "moving"), ("zh-hans", "迁移"), ("zh-hant", "遷移")):
            page = browser.get(f"/{prefix}/")
            html = page.raw.decode("utf-8")
            assert word in page.text and NEW in re.sub("</?b>", "", html)
            assert "0123 4567 89AB CDEF" in page.text
            assert len(page.raw) == len(browser.get(f"/{prefix}/bridges").raw)


@pytest.mark.slow
def test_the_first_page_is_measured_with_a_next_address(front: Front, words: WordLists) -> None:
    """So a statement that comes later does not make it longer than the other pages."""
    campaign = Campaign.read(front.settings.campaign)
    found = page_lengths(front.settings, campaign, words)
    (measured,) = (one.size for one in found if (one.page, one.tag) == ("start", "en"))
    front.next_address = NextAddress(NEW, "0123456789ABCDEF" * 2 + "01234567")
    front.restart()
    with front.browser() as browser:
        page = browser.get("/en/")
    filling = re.search(rb"<!--(0*)-->", page.raw)

    assert filling is not None
    assert 0 <= measured - (size(page) - len(filling[1])) < 150


def test_a_check_says_what_the_first_page_would_show(
    path: Path, keys_dir: Path, front: Front
) -> None:
    settings = replace(front.settings, keys=keys_dir, next_address=path)
    assert f"moves to {NEW}" in check_next_address(settings)
    later = replace(settings, next_address=path.with_name("later"))
    assert "names no next address" in check_next_address(later)
