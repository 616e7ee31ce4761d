"""The reviewers' public keys as a download: what gpg at home does with them, and what they hold."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from support.every_answer import size
from support.front import Front

from dropbox.errors import KeysError
from dropbox.packets import PUBLIC_SUBKEY, dearmor, parts, subkey_ends
from dropbox.public_keys import PublicKeys
from dropbox.sizes import PAGE_BYTES

SECRET = "【虚构】证据，在家里加密。".encode()


def gpg(home: Path, *arguments: object, now: datetime | None = None) -> bytes:
    """What gpg at home prints, at the time *now*."""
    clock = [f"--faked-system-time={int(now.timestamp())}"] if now else []
    done = subprocess.run(
        ["gpg", "--homedir", str(home), "--batch", *clock, *map(str, arguments)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
def downloaded(front: Front, tmp_path: Path) -> Path:
    """The file as the front gives it, today."""
    front.now = datetime.now(UTC).timestamp()
    with front.browser() as browser:
        path = tmp_path / "keys.asc"
        path.write_bytes(browser.get("/en/keys.asc").raw)
    return path


def test_a_file_locked_at_home_by_the_pages_commands_is_opened_by_each_reviewer(
    front: Front, downloaded: Path, gpg_home: Path, reviewer_homes: list[Path]
) -> None:
    gpg_home.mkdir(mode=0o700)
    file = downloaded.with_name("evidence")
    file.write_bytes(SECRET)
    with front.browser() as browser:
        page = browser.get("/zh-hans/keys")
    lines = [tag.get_text() for tag in page.html.select("ol code")]
    assert len(lines) == 3
    for line in lines:
        program, *words = line.split()
        assert program == "gpg"
        named = {"FILE": str(file), "keys.asc": str(downloaded)}
        gpg(gpg_home, *(named.get(word, word) for word in words))

    for home in reviewer_homes:
        assert gpg(home, "--decrypt", f"{file}.gpg") == SECRET


def test_the_imported_keys_are_the_pinned_ones(
    downloaded: Path, gpg_home: Path, keys_dir: Path
) -> None:
    gpg_home.mkdir(mode=0o700)
    gpg(gpg_home, "--import", downloaded)
    listed = gpg(gpg_home, "--with-colons", "--fingerprint").decode().splitlines()
    found = [
        following.split(":")[9] for line, following in pairwise(listed) if line.startswith("pub:")
    ]
    pins = (keys_dir / "FINGERPRINTS").read_text("utf-8").splitlines()

    assert sorted(found) == sorted(line.split()[0] for line in pins)
    # One subkey each, whose signature gpg accepts.
    assert [line.split(":")[1] for line in listed if line.startswith("sub:")] == ["-", "-"]


def subkeys(data: bytes) -> list[tuple[int, int]]:
    """When each subkey was made, and when it ends."""
    return [
        (int.from_bytes(part[0].body[1:5], "big"), subkey_ends(part))
        for part in parts(dearmor(data))
        if part[0].tag == PUBLIC_SUBKEY
    ]


@pytest.mark.parametrize("days", [0, 6, 7, 13, 20])
def test_only_the_newest_subkey_that_is_valid_is_offered(
    keys_dir: Path, first_day: date, days: int
) -> None:
    """Those for later weeks, and those that have ended, are left out."""
    noon = datetime(first_day.year, first_day.month, first_day.day, 12, tzinfo=UTC)
    now = (noon + timedelta(days=days)).timestamp()
    found = subkeys(PublicKeys.load(keys_dir).armored(now))

    assert len(found) == 2
    for made, ends in found:
        assert made <= now < ends and now - made < timedelta(days=7).total_seconds()
        assert ends - now > timedelta(days=7).total_seconds() or days == 20


def test_when_the_keys_have_ended_none_is_offered_to_lock_with(
    keys_dir: Path, first_day: date
) -> None:
    """As for the form, which then accepts nothing."""
    later = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC)
    now = (later + timedelta(days=40)).timestamp()

    assert subkeys(PublicKeys.load(keys_dir).armored(now)) == []


def test_the_limits_of_a_subkeys_time(keys_dir: Path) -> None:
    keys = PublicKeys.load(keys_dir)
    data = (keys_dir / "reviewer-1.asc").read_bytes()
    times = sorted(subkeys(data))
    assert len(times) == 4
    first, last = times[0], times[-1]

    assert subkeys(keys.armored(first[0] - 1)) == []
    assert first in subkeys(keys.armored(first[0]))
    assert last in subkeys(keys.armored(last[1] - 1))
    assert subkeys(keys.armored(last[1])) == []


def test_a_revoked_subkey_is_not_offered(
    keys_dir: Path, first_home: Path, gpg_home: Path, tmp_path: Path
) -> None:
    shutil.copytree(first_home, gpg_home, ignore=shutil.ignore_patterns("S.*"))
    fingerprint = (keys_dir / "FINGERPRINTS").read_text("utf-8").split()[0]
    # The subkeys were added in the order of their weeks; this week's is the second.
    commands = "key 2\nrevkey\ny\n0\n\ny\nsave\n"
    subprocess.run(
        ["gpg", "--homedir", str(gpg_home), "--command-fd", "0", "--no-tty", "--edit-key",
         fingerprint],
        input=commands.encode(), capture_output=True, check=True,
    )  # fmt: skip
    folder = tmp_path / "revoked"
    shutil.copytree(keys_dir, folder)
    exported = gpg(gpg_home, "--armor", "--export", fingerprint)
    (folder / "reviewer-1.asc").write_bytes(exported)
    now = datetime.now(UTC).timestamp()
    made = [made for made, _ in subkeys(PublicKeys.load(folder).armored(now))]
    whole = [made for made, _ in subkeys(PublicKeys.load(keys_dir).armored(now))]

    assert len(made) == 2 and len(set(whole)) == 1
    assert sorted(whole[0] - one for one in made) == [0, timedelta(days=7).total_seconds()]


def test_the_download_is_of_the_usual_size_and_says_nothing_else(
    front: Front, downloaded: Path
) -> None:
    with front.browser() as browser:
        first, second = browser.get("/en/keys.asc"), browser.get("/zh-hant/keys.asc")
        page = browser.get("/en/keys")

    assert size(first) == size(second) == size(page) == PAGE_BYTES
    assert first.raw == second.raw and first.headers == second.headers
    assert first.headers["content-disposition"] == 'attachment; filename="keys.asc"'
    assert first.headers["content-type"] == "application/octet-stream"
    assert first.headers["cache-control"] == "no-store"
    assert set(first.headers) - {"content-disposition"} == set(page.headers)
    text = downloaded.read_text("ascii")
    assert text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n")
    assert text.rstrip("\n").endswith("-----END PGP PUBLIC KEY BLOCK-----")
    assert max(map(len, text.splitlines())) == 64


def test_sixteen_reviewers_fit_into_one_length(
    keys_dir: Path, tmp_path: Path, first_day: date
) -> None:
    """As many as one drop can have: their keys are all as long as this one."""
    now = datetime.now(UTC).timestamp()
    one = PublicKeys.load(keys_dir).armored(now)

    assert len(one) / 2 * 16 < PAGE_BYTES - 2_048


def test_it_follows_the_week_without_a_restart(front: Front) -> None:
    taken = []
    with front.browser() as browser:
        for days in (0, 8):
            front.now = datetime.now(UTC).timestamp() + days * 86_400
            taken.append(browser.get("/en/keys.asc").raw)

    assert subkeys(taken[0]) != subkeys(taken[1])


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:200], lambda data: data.replace(b"-----BEGIN", b"-----BEGUN")],
)
def test_a_key_file_that_is_damaged_is_named(
    keys_dir: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    folder = tmp_path / "keys"
    shutil.copytree(keys_dir, folder)
    file = folder / "reviewer-2.asc"
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(KeysError, match=r"reviewer-2\.asc"):
        PublicKeys.load(folder)


def test_the_keys_page_says_what_is_gained_and_what_is_not(front: Front) -> None:
    with front.browser() as browser:
        for prefix, words in (
            ("zh-hans", ("手工打开", "不受这种保护", "一周之内")),
            ("zh-hant", ("手動開啟", "不受這種保護", "一週之內")),
            ("en", ("by hand", "is not protected by this", "within a week")),
        ):
            page = browser.get(f"/{prefix}/keys")
            assert all(word in page.text for word in words)
            (link,) = page.html.select(f'a[href="/{prefix}/keys.asc"]')
            assert link.get_text()
