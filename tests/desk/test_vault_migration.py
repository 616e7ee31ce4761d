"""A vault's file of format 1 becomes a store of days and slots, and loses nothing."""

import lzma
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from support.cases import CAMPAIGN
from support.day_stores import held

from dropbox.codename import CHEAPEST, Codename, derive_keys
from dropbox.errors import SettingsError
from dropbox.export_bundle import BUNDLE_PREFIX
from dropbox.gpg_agent import stop_agent
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.pinned_keys import read_pinned_keys
from dropbox.reply import open_reply, reply_tags
from dropbox.settings import Settings
from dropbox.vault import migration
from dropbox.vault.day_store import DayStore
from dropbox.vault.exports import Exports
from dropbox.vault.migration import Migrated, convert
from dropbox.vault.store_limits import StoreLimits
from scripts import casedrop
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.importing.open_export import Imported, open_export
from scripts.newsite import Site, make_site

VECTORS = Path(__file__).parents[1] / "vectors" / "format_1"
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
FILED = date(2026, 11, 25)
ONION = "casedrop" * 7 + ".onion"
QUANTUM = 32
LIMITS = StoreLimits(quantum=QUANTUM, tick_slots=3 * QUANTUM, removal_slots=QUANTUM)
TEXTS = {"【虚构】我的微信号在 2019 年被永久封禁。", "【虚构】第二份。"}
PHOTO = b"\xff\xd8" + b"x" * 50_000
KEYS = derive_keys(Codename((1,) * 7), salt=b"0123456789abcdef", cost=CHEAPEST)
HPKE = SecretKey(bytes([7]) * 96)


@pytest.fixture(scope="module")
def old_opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """The reviewer of that time."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    secret = str(VECTORS / "reviewer_secret.asc")
    subprocess.run(
        ["gpg", "--quiet", "--batch", "--homedir", str(home), "--import", secret], check=True
    )
    yield Opener(home)
    stop_agent(home)


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path) -> Site:
    """A site of format 1 with the vector's vault."""
    made = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    new, old = 'store = "sqlite:vault/store.sqlite"', 'database = "vault/vault.sqlite"'
    text = made.settings_file.read_text("utf-8")
    assert text.count(new) == 1
    made.settings_file.write_text(text.replace(new, f"{old}\nquantum = {QUANTUM}"), "utf-8")
    old_file(made).write_bytes(lzma.decompress((VECTORS / "vault.sqlite.xz").read_bytes()))
    return made


def old_file(site: Site) -> Path:
    """The vault's file of format 1."""
    return site.settings_file.parent / "vault" / "vault.sqlite"


def settings_of(site: Site, **more: str) -> Settings:
    return Settings.load({"CASEDROP_SETTINGS": str(site.settings_file), **more})


def converted(site: Site, now: datetime = NOW) -> tuple[Path, Migrated]:
    settings = settings_of(site, CASEDROP_VAULT_STORE="sqlite:vault/store.sqlite")
    new = settings.store_file
    found = convert(
        old_file(site),
        new,
        reviewers=[HPKE.public],
        fingerprints=["A" * 40],
        settings=settings,
        now=now,
    )
    return new, found


def opened(path: Path, now: datetime = NOW) -> DayStore:
    return DayStore.open(path, clock=lambda: now, tombstone=lambda *_: bytes(65_536), limits=LIMITS)


def imported(store: DayStore, directory: Path, opener: Opener) -> tuple[Imported, set[str], bytes]:
    """Import an export of format 2. Returns also the reports' texts, and the file."""
    key = SigningKey(b"s" * 32)
    exports = Exports(store, onion=ONION, campaign="wechat-2020", key=key)
    bundle = directory / f"{BUNDLE_PREFIX}000001"
    bundle.mkdir()
    (bundle / "head.tar").write_bytes(exports.make())
    (digest,) = [one.head.hex() for one in store.exports()]
    (bundle / "volume-00001.tar").write_bytes(b"".join(exports.volume(digest, 1)))
    create(
        directory / "casebook",
        server_key=bytes(key.verify_key),
        campaign=CAMPAIGN,
        desk=0,
        reviewers={"reviewer": read_pinned_keys(VECTORS / "keys")[0]},
    )
    with Casebook.open(directory / "casebook") as casebook:
        done = open_export(
            casebook,
            bundle,
            opener,
            lambda key_id: HPKE if key_id == HPKE.public.key_id else None,
            today=NOW.date(),
        )
        parts = [part for number in (1, 2) for part in casebook.case(number).parts]
        (file,) = [one for part in parts for one in part.report.attachments]
        content = casebook.file_path(file.sha256).read_bytes()
        assert {part.day for part in parts} == {FILED}
    return done, {part.report.text for part in parts}, content


@pytest.mark.slow
def test_the_desk_imports_all_reports_and_files_through_an_export_of_format_2(
    site: Site, tmp_path: Path, old_opener: Opener
) -> None:
    path, found = converted(site)
    assert (found.reports, found.pieces, found.today, found.pending) == (2, 1, 0, 1)
    store = opened(path)
    try:
        done, texts, photo = imported(store, tmp_path, old_opener)
    finally:
        store.close()
    assert (done.opened.cases, done.opened.files, done.findings, done.opened.unopened) == (
        2,
        1,
        (),
        (),
    )
    assert texts == TEXTS and photo == PHOTO


@pytest.mark.slow
def test_a_codename_of_format_1_reads_its_answer_and_withdraws(site: Site) -> None:
    path, found = converted(site)
    before = held(path)
    store = opened(path)
    try:
        ((_, sealed),) = store.replies(reply_tags(KEYS.tag_key))
        assert open_reply(sealed, KEYS.reply_private).text == "我们读了。"
        assert found.replies == 4 and [one.reviewer for one in store.accepted()] == ["A" * 40]
        store.withdraw(bytes(32))
        store.withdraw(KEYS.withdraw_key)
    finally:
        store.close()
    after = held(path)
    # A report and the block of its file; the other report is another codename's.
    changed = [one for one, slot in before.items() if after[one].data != slot.data]
    assert len(changed) == 2 and len(before) <= len(after)


@pytest.mark.slow
def test_blocks_of_days_that_would_soon_leave_are_filed_today(site: Site) -> None:
    late = NOW + timedelta(days=46)
    path, found = converted(site, late)
    assert found.today == 3 and {slot.day for slot in held(path).values()} == {
        (late.date() - date(1970, 1, 1)).days
    }


def test_the_command_changes_the_settings_and_keeps_one_old_file(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old_file(site)
    data = before.read_bytes()
    command = ["migrate", "--settings", str(site.settings_file)]

    assert casedrop.main(command) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "2 reports, 1 blocks of files" in said and "erase it" in said
    assert settings_of(site).store_file == before.with_name("store.sqlite")
    assert not before.exists()
    copy = before.with_name("vault.sqlite.format-1")
    assert copy.read_bytes()[100:] == data[100:] and copy.stat().st_mode & 0o777 == 0o600
    names = {path.name for path in copy.parent.iterdir()} - {"vault.sqlite.format-1-journal"}
    assert names == {"store.sqlite", "store.sqlite-journal", "vault.sqlite.format-1"}

    assert casedrop.main(command) == 0
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize("at", ["open_file", "_verify", "_take_replies"])
def test_a_run_that_fails_leaves_everything_as_it_was(
    at: str, site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = old_file(site).parent
    command = ["migrate", "--settings", str(site.settings_file)]
    files = {path: path.read_bytes() for path in (*folder.iterdir(), site.settings_file)}

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(migration, at, broken)
        assert casedrop.main(command) == 2
    assert "No space left" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (*folder.iterdir(), site.settings_file)} == files
    assert casedrop.main(command) == 0


def test_what_a_killed_run_left_is_made_anew_and_other_files_are_not_touched(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    database = old_file(site)
    command = ["migrate", "--settings", str(site.settings_file)]
    database.with_name("store.sqlite").write_bytes(b"half")
    assert casedrop.main(command) == 2
    assert "store.sqlite exists already" in capsys.readouterr().err
    database.with_name("migration.unfinished").write_text(str(database), "utf-8")
    assert casedrop.main(command) == 0
    assert len(held(database.with_name("store.sqlite"))) % QUANTUM == 0


def test_a_drop_with_a_file_of_format_1_does_not_start_and_says_what_to_run(site: Site) -> None:
    with pytest.raises(SettingsError, match="casedrop migrate --settings") as refusal:
        settings_of(site)

    assert str(site.settings_file) in str(refusal.value)
    assert casedrop.main(["migrate", "--settings", str(site.settings_file)]) == 0
    assert settings_of(site).store_file.is_file()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('database = "vault/vault.sqlite"', "database = 7", "has to be a path"),
        ('database = "vault/vault.sqlite"', 'database = ""', "has to be a path"),
        ('database = "vault/vault.sqlite"', "", "[vault] store is missing"),
        ('database = "vault/vault.sqlite"', 'database = "gone.sqlite"', "There is no vault's file"),
        ("[front]", "[front", "is not TOML"),
        ("onion = ", "colour = ", "unknown setting, [site] colour"),
        ('database = "vault', 'database="vault', ""),
        ('database = "vault/vault.sqlite"', "'database' = 'vault/vault.sqlite'", "no single line"),
    ],
)
def test_settings_that_cannot_be_changed_stay_and_are_named(
    site: Site, old: str, new: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = site.settings_file.read_text("utf-8").replace(old, new)
    site.settings_file.write_text(text, "utf-8")

    done = casedrop.main(["migrate", "--settings", str(site.settings_file)])
    assert done == (2 if sentence else 0) and sentence in capsys.readouterr().err
    if sentence:
        assert site.settings_file.read_text("utf-8") == text
        assert [path.name for path in old_file(site).parent.iterdir()] == ["vault.sqlite"]
