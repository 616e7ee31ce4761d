"""The settings: read, overridden by the environment, and refused with a sentence naming what is
wrong.
"""

import dataclasses
from pathlib import Path
from urllib.parse import quote

import pytest

from dropbox.block import CONTENT_BYTES
from dropbox.erase_hash import ERASE_BYTES
from dropbox.errors import SettingsError
from dropbox.setting_values import LanguageSettings
from dropbox.settings import Settings
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, PENDING_BATCH, REPORT_FILES_BYTES
from dropbox.vault.day_calendar import Retention
from dropbox.vault.store_limits import StoreLimits
from dropbox.vault.store_url import limits_of

ONION = "a" * 56 + ".onion"
GOOD: dict[str, dict[str, object]] = {
    "site": {"onion": ONION, "salt": "00112233445566778899aabbccddeeff", "keys": "keys"},
    "front": {"gnupg_home": "gnupg"},
    "vault": {
        "intake_socket": "i",
        "courier_socket": "/run/c",
        "store": "sqlite:v.sqlite",
        "export_key": "export.key",
    },
    "limits": {"files": 3},
}


def written(tmp_path: Path, change: tuple[str, str, object] | None = None) -> dict[str, str]:
    """The environment for a settings file that is valid except for *change* (section, name, value
    or None).
    """
    body = {section: dict(values) for section, values in GOOD.items()}
    if change is not None:
        section, name, value = change
        body.setdefault(section, {})[name] = value
    lines = []
    for section, values in body.items():
        lines.append(f"[{section}]")
        for name, value in values.items():
            if value is not None:
                lines.append(
                    f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
                )
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(lines), "utf-8")
    return {"CASEDROP_SETTINGS": str(path)}


def test_a_whole_file_is_read_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    settings = Settings.load(written(tmp_path))

    assert settings.onion == ONION
    assert settings.salt == bytes.fromhex("00112233445566778899aabbccddeeff")
    assert settings.keys == tmp_path / "keys"
    assert settings.courier_socket == Path("/run/c")
    assert settings.campaign.name == "campaign.toml" and settings.campaign.is_file()
    assert (settings.files, settings.file_bytes) == (3, 100 * 2**20)


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environ = {
        **written(tmp_path),
        "CASEDROP_LIMITS_FILES": "7",
        "CASEDROP_VAULT_STORE": "sqlite:///srv/other.sqlite",
    }
    settings = Settings.load(environ)

    assert settings.waived == frozenset()
    assert (settings.files, settings.store_file) == (7, Path("/srv/other.sqlite"))


def test_waived_parts_of_the_lockdown_are_a_list_in_the_file_and_one_text_in_the_environment(
    tmp_path: Path,
) -> None:
    environ = written(tmp_path, ("lockdown", "waived", ["landlock", "dumps"]))

    assert Settings.load(environ).waived == {"landlock", "dumps"}
    assert Settings.load({**environ, "CASEDROP_LOCKDOWN_WAIVED": "seccomp limits"}).waived == {
        "seccomp",
        "limits",
    }


def test_the_users_of_the_vaults_sockets_are_names_in_the_file_and_the_environment(
    tmp_path: Path,
) -> None:
    without = Settings.load(written(tmp_path))
    environ = {
        **written(tmp_path, ("vault", "courier_users", ["courier", "debian-tor"])),
        "CASEDROP_VAULT_FRONT_USER": "casedrop-front",
    }
    named = Settings.load(environ)
    others = Settings.load({**environ, "CASEDROP_VAULT_COURIER_USERS": "one two"})

    assert (without.front_user, without.courier_users) == (None, ())
    assert (named.front_user, named.courier_users) == ("casedrop-front", ("courier", "debian-tor"))
    assert others.courier_users == ("one", "two")


def test_the_sizes_and_times_of_a_store_reach_it(tmp_path: Path) -> None:
    defaults = limits_of(Settings.load(written(tmp_path)))
    assert defaults == StoreLimits()
    environ = {
        **written(tmp_path, ("vault", "tick_milliseconds", 250)),
        "CASEDROP_VAULT_QUANTUM": "512",
        "CASEDROP_VAULT_GRACE_DAYS": "3",
        "CASEDROP_VAULT_LIMIT_DAYS": "30",
    }
    limits = limits_of(Settings.load(environ))
    assert (limits.quantum, limits.tick_seconds) == (512, 0.25)
    assert limits.tick_slots == StoreLimits.tick_slots
    assert limits.retention == Retention(grace_days=3, limit_days=30)


def test_a_store_with_small_quanta_has_a_small_journal(tmp_path: Path) -> None:
    small = limits_of(Settings.load(written(tmp_path, ("vault", "quantum", 16))))

    assert (small.tick_slots, small.removal_slots) == (48, 16)
    assert small.journal_pages < StoreLimits().journal_pages // 8


def test_the_settings_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    settings = Settings.load(written(tmp_path))
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.files = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("section", "name"),
    [(section, name) for section, values in GOOD.items() for name in values if section != "limits"],
)
def test_each_missing_setting_is_named(tmp_path: Path, section: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"\[{section}\] {name} is missing"):
        Settings.load(written(tmp_path, (section, name, None)))


@pytest.mark.parametrize(
    ("section", "name", "value", "sentence"),
    [
        ("site", "onion", "example.com", "an onion address"),
        ("site", "onion", "A" * 56 + ".onion", "an onion address"),
        ("site", "onion", ONION + "x", "an onion address"),
        ("site", "onion", "x" + ONION, "an onion address"),
        ("site", "salt", "0" * 32, "random hexadecimal digits"),
        ("site", "salt", "0011", "random hexadecimal digits"),
        ("site", "salt", "zz112233445566778899aabbccddeeff", "random hexadecimal digits"),
        ("vault", "export_key", 7, "a path"),
        ("vault", "export_key", "", "a path"),
        ("vault", "quantum", 15, "from 16 to 1024"),
        ("vault", "tick_milliseconds", 0.5, "from 100 to 10000"),
        ("vault", "grace_days", 0, "from 1 to 90"),
        ("vault", "limit_days", 181, "from 14 to 180"),
        ("vault", "front_user", "", "the name of a user"),
        ("vault", "front_user", 1000, "the name of a user"),
        ("vault", "courier_users", ["courier", "Not One"], "the name of a user"),
        ("vault", "courier_users", True, "a list of names of users"),
        ("alarms", "mail_to", "-oQ/tmp", "a mail address"),
        ("alarms", "mail_to", "a@b.org\nBcc: c", "a mail address"),
        ("alarms", "sendmail", 1, "a path"),
        ("limits", "files", 0, "from 1 to 10"),
        ("limits", "files", 11, "from 1 to 10"),
        ("lockdown", "waived", ["landlock", "all"], "a list of parts of the lockdown"),
        ("lockdown", "waived", True, "a list of parts of the lockdown"),
        ("limits", "files", True, "a whole number"),
        ("limits", "files", 2.5, "a whole number"),
        ("limits", "colour", 1, "unknown setting"),
        ("sight", "onion", ONION, "unknown section"),
    ],
)
def test_each_wrong_setting_is_named(
    tmp_path: Path, section: str, name: str, value: object, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence) as refusal:
        Settings.load(written(tmp_path, (section, name, value)))

    assert section in str(refusal.value)


# The least and the most of each, and what it is when nobody sets it.
SIZES_OF_THE_STORE = {
    "quantum": (16, 1_024, 256),
    "tick_milliseconds": (100, 10_000, 1_000),
    "file_slots": (1_024, 16_777_216, 65_536),
    "kept_slots": (0, 1_048_576, 2_048),
    "grace_days": (1, 90, 7),
    "limit_days": (14, 180, 90),
}
LIMITS = {
    "page_bytes": (32_768, 131_072, 32_768),
    "file_bytes": (65_536, 1_073_741_824, 104_857_600),
    "files": (1, 10, 10),
    "post_bytes": (262_144, 2_147_483_648, 105_906_176),
    "token_minutes": (1, 120, 120),
    "sealings": (1, 64, 16),
    "derivations": (1, 64, 2),
    "head_seconds": (1, 600, 60),
    "slow_seconds": (1, 3_600, 120),
    "slowest_bytes": (1, 10_000, 1_024),
    "uploads": (1, 28, 14),
    "circuit_pages": (20, 100_000, 240),
    "circuit_derivations": (10, 100_000, 40),
    "circuit_forms": (2, 100_000, 10),
    "circuit_bytes": (1_048_576, 1_099_511_627_776, 536_870_912),
}


@pytest.mark.parametrize(("files", "more"), [(1, 0), (10, 0), (10, 1)])
def test_the_files_of_one_report_can_be_filed_at_once(
    tmp_path: Path, files: int, more: int
) -> None:
    most = 1_200 * 2**20 // files if files > 1 else 2**30
    environ = {
        **written(tmp_path),
        "CASEDROP_LIMITS_FILES": str(files),
        "CASEDROP_LIMITS_FILE_BYTES": str(most + more),
    }
    if not more:
        assert Settings.load(environ).file_bytes == most
        return
    with pytest.raises(SettingsError, match=r"files and file_bytes .* 1,258,291,200 can be filed"):
        Settings.load(environ)


def test_a_report_with_all_files_that_it_may_have_fits_into_one_request() -> None:
    """gpg adds less than a thousandth; see test_intake_routes for the request."""
    pieces = REPORT_FILES_BYTES * 1_001 // 1_000 // CONTENT_BYTES + 10
    assert pieces * (ID_BYTES + 2 * ERASE_BYTES) < (PENDING_BATCH - 1) * (
        ID_BYTES + ERASE_BYTES + BLOCK_BYTES
    )


@pytest.mark.parametrize(
    ("uploads", "sealings", "large"),
    [(24, 16, 12), (14, 16, 10), (8, 16, 6), (28, 4, 3), (1, 1, 1)],
)
def test_large_uploads_leave_sealings_and_places_to_others(
    uploads: int, sealings: int, large: int, tmp_path: Path
) -> None:
    settings = dataclasses.replace(
        Settings.load(written(tmp_path)), uploads=uploads, sealings=sealings
    )

    assert settings.large_uploads == large


def test_whoever_has_a_place_for_an_upload_is_sealed_and_so_are_small_files(
    tmp_path: Path,
) -> None:
    settings = Settings.load(written(tmp_path))

    assert settings.uploads <= settings.sealings - 2


@pytest.mark.parametrize(
    ("section", "name"),
    [
        *(("limits", name) for name in LIMITS),
        *(("vault", name) for name in SIZES_OF_THE_STORE),
    ],
)
def test_each_limit_is_taken_to_its_ends_and_refused_beyond(
    tmp_path: Path, section: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GOOD, "limits", {"files": 1} if name == "file_bytes" else {})
    least, most, usual = {**LIMITS, **SIZES_OF_THE_STORE}[name]
    assert getattr(Settings.load(written(tmp_path)), name) == usual
    for value in (least, most):
        from_file = Settings.load(written(tmp_path, (section, name, value)))
        told = {f"CASEDROP_{section.upper()}_{name.upper()}": str(value)}
        from_environ = Settings.load({**written(tmp_path), **told})
        assert getattr(from_file, name) == getattr(from_environ, name) == value
    for beyond in (least - 1, most + 1):
        with pytest.raises(SettingsError, match=f"from {least} to {most}"):
            Settings.load(written(tmp_path, (section, name, beyond)))


def test_every_number_that_can_be_set_is_one_of_these() -> None:
    numbers = {field.name for field in dataclasses.fields(Settings) if field.type == "int"}
    numbers |= {field.name for field in dataclasses.fields(Settings) if field.type is int}

    assert numbers == {*LIMITS, *SIZES_OF_THE_STORE}


@pytest.mark.parametrize(
    ("section", "name", "longest"),
    [
        ("vault", "front_user", "u" * 32),
        ("alarms", "mail_to", "m" * 64),
        ("alarms", "mail_to", "m" * 64 + "@" + "d" * 190),
    ],
)
def test_a_name_is_taken_to_its_longest_and_refused_beyond(
    tmp_path: Path, section: str, name: str, longest: str
) -> None:
    settings = Settings.load(written(tmp_path, (section, name, longest)))
    assert getattr(settings, name) == longest
    with pytest.raises(SettingsError, match=rf"\[{section}\] {name}"):
        Settings.load(written(tmp_path, (section, name, longest + "x")))


@pytest.mark.parametrize(
    "text", ["", "+1", "-1", " 1", "1 ", "1_0", "0x1", "１", "٣", "1.0", "1e0"]
)
def test_a_number_in_the_environment_is_digits_alone(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"\[limits\] files"):
        Settings.load({**written(tmp_path), "CASEDROP_LIMITS_FILES": text})


def test_a_salt_of_one_byte_repeated_is_refused_and_of_two_is_not(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="random hexadecimal digits"):
        Settings.load(written(tmp_path, ("site", "salt", "ab" * 16)))
    for length in (15, 17):
        with pytest.raises(SettingsError, match="random hexadecimal digits"):
            Settings.load(written(tmp_path, ("site", "salt", "ab" * (length - 1) + "cd")))

    assert Settings.load(written(tmp_path, ("site", "salt", "ab" * 15 + "cd"))).salt[-1] == 0xCD


def test_a_wrong_salt_is_not_repeated_in_the_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.load(written(tmp_path, ("site", "salt", "not-a-salt-but-a-secret")))

    assert "secret" not in str(refusal.value).replace("settings", "")


def test_a_misspelt_variable_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"CASEDROP_LIMITS_FILE is not a setting"):
        Settings.load({**written(tmp_path), "CASEDROP_LIMITS_FILE": "7"})


def test_a_number_in_the_environment_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[limits\] files"):
        Settings.load({**written(tmp_path), "CASEDROP_LIMITS_FILES": "many"})


def test_without_the_variable_without_the_file_or_with_broken_toml_there_is_a_sentence(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[site\n", "utf-8")

    with pytest.raises(SettingsError, match=r"CASEDROP_SETTINGS has to name"):
        Settings.load({})
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        Settings.load({"CASEDROP_SETTINGS": str(tmp_path / "gone.toml")})
    with pytest.raises(SettingsError, match=r"is not TOML: .*line 1"):
        Settings.load({"CASEDROP_SETTINGS": str(broken)})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("sqlite:vault/store.sqlite", "{folder}/vault/store.sqlite"),
        ("sqlite:///srv/a store/s.sqlite", "/srv/a store/s.sqlite"),
        ("sqlite:///srv/a%20store/s.sqlite", "/srv/a store/s.sqlite"),
        ("sqlite:/srv/s.sqlite", "/srv/s.sqlite"),
        ("sqlite:案件.sqlite", "{folder}/案件.sqlite"),
    ],
)
def test_a_store_is_a_url_of_a_file(tmp_path: Path, value: str, path: str) -> None:
    settings = Settings.load(written(tmp_path, ("vault", "store", value)))

    expected = Path(path.format(folder=tmp_path))
    assert settings.store_file == expected
    assert settings.store == "sqlite://" + quote(str(expected))


def test_a_file_of_format_1_is_no_store_and_says_what_to_run(tmp_path: Path) -> None:
    environ = written(tmp_path, ("vault", "store", None))
    file = Path(environ["CASEDROP_SETTINGS"])
    file.write_text(
        file.read_text("utf-8").replace("[vault]", '[vault]\ndatabase = "vault.sqlite"'), "utf-8"
    )
    with pytest.raises(SettingsError, match=rf"run `casedrop migrate --settings {file}`"):
        Settings.load(environ)
    with pytest.raises(SettingsError, match="CASEDROP_VAULT_DATABASE is not a setting"):
        Settings.load({**environ, "CASEDROP_VAULT_DATABASE": "vault.sqlite"})


@pytest.mark.parametrize(
    "value", ["", "s.sqlite", "postgresql:///x", "sqlite:", "sqlite://host/s.sqlite", 7]
)
def test_another_store_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(SettingsError, match="has to be sqlite: and a path"):
        Settings.load(written(tmp_path, ("vault", "store", value)))


def with_languages(tmp_path: Path, site: str, tables: str = "") -> dict[str, str]:
    """The environment for a valid settings file with more lines for [site], and *tables*."""
    environ = written(tmp_path)
    path = Path(environ["CASEDROP_SETTINGS"])
    text = path.read_text("utf-8").replace("[site]\n", f"[site]\n{site}\n")
    path.write_text(f"{text}\n{tables}\n", "utf-8")
    return environ


def test_the_languages_of_the_pages_are_those_that_casedrop_comes_with(tmp_path: Path) -> None:
    settings = Settings.load(written(tmp_path))

    assert settings.languages == ("zh-Hans", "zh-Hant", "en")
    assert settings.catalogs is None and settings.own_languages == {}
    assert settings.page_bytes == 32_768


def test_another_language_takes_a_line_and_a_folder(tmp_path: Path) -> None:
    site = 'languages = ["en", "fa", "kk-Arab-CN"]\ncatalogs = "catalogs"'
    settings = Settings.load(with_languages(tmp_path, site))

    assert settings.languages == ("en", "fa", "kk-Arab-CN")
    assert settings.catalogs == tmp_path / "catalogs"


def test_languages_can_come_from_the_environment(tmp_path: Path) -> None:
    environ = {**written(tmp_path), "CASEDROP_SITE_LANGUAGES": "en zh-Hant"}

    assert Settings.load(environ).languages == ("en", "zh-Hant")


def test_what_babel_does_not_know_about_a_language_is_said_in_the_settings(tmp_path: Path) -> None:
    site = 'languages = ["en", "qaa"]\ncatalogs = "catalogs"'
    table = '[language.qaa]\nname = "Qaa"\ndirection = "rtl"\ncodename = "zh-Hans"'
    settings = Settings.load(with_languages(tmp_path, site, table))

    assert settings.own_languages == {"qaa": LanguageSettings("Qaa", "rtl", "zh-Hans")}


FOLDER = 'catalogs = "c"\n'


@pytest.mark.parametrize(
    ("site", "tables", "sentence"),
    [
        ("languages = []", "", "a list of language tags"),
        ('languages = ["EN"]', "", "a list of language tags"),
        ('languages = ["en_GB"]', "", "a list of language tags"),
        ('languages = ["../x"]', "", "a list of language tags"),
        ("languages = [7]", "", "a list of language tags"),
        ("languages = 7", "", "a list of language tags"),
        ('languages = ["en", "zh-Hans", "en"]', "", "no language is twice"),
        ('languages = ["en", "fa"]', "", r"catalogs is missing in .*: the folder .* of fa"),
        (FOLDER, "[language.fa]", r"has a \[language.fa\], but \[site\] languages does not"),
        (FOLDER, "[language.en]", "Casedrop comes with it"),
        (FOLDER + 'languages = ["fa"]', '[language.fa]\ncolour = "x"', 'a table of "name"'),
        (FOLDER + 'languages = ["fa"]', "[language]\nfa = 7", 'a table of "name"'),
        (FOLDER + 'languages = ["fa"]', '[language.fa]\nname = " "', "1 to 40 characters"),
        (FOLDER + 'languages = ["fa"]', "[language.fa]\nname = 7", "1 to 40 characters"),
        (FOLDER + 'languages = ["fa"]', f'[language.fa]\nname = "{"x" * 41}"', "1 to 40"),
        (FOLDER + 'languages = ["fa"]', '[language.fa]\ndirection = "up"', '"ltr" or "rtl"'),
        (FOLDER + 'languages = ["fa"]', '[language.fa]\ncodename = "fa"', "one of zh-Hans"),
    ],
)
def test_a_wrong_language_is_refused(tmp_path: Path, site: str, tables: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Settings.load(with_languages(tmp_path, site, tables))


def test_a_language_has_a_name_of_at_most_forty_characters(tmp_path: Path) -> None:
    table = f'[language.fa]\nname = "{"x" * 40}"'
    settings = Settings.load(with_languages(tmp_path, FOLDER + 'languages = ["fa"]', table))

    assert settings.own_languages["fa"].name == "x" * 40


def with_salt_file(tmp_path: Path, salt: bytes) -> dict[str, str]:
    """The environment for settings whose salt, *salt* as it is written, is in a file of its own."""
    environ = written(tmp_path, ("site", "salt", None))
    (tmp_path / "salt").write_bytes(salt)
    return {**environ, "CASEDROP_SITE_SALT_FILE": "salt"}


def test_the_salt_can_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    environ = with_salt_file(tmp_path, b"00112233445566778899aabbccddeeff\n")

    assert Settings.load(environ).salt == bytes.fromhex("00112233445566778899aabbccddeeff")


@pytest.mark.parametrize("salt", [b"", b"00" * 16, b"0011", b"\xff" * 32, b"01" * 65])
def test_a_file_without_a_salt_is_named_and_not_shown(salt: bytes, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[site\] salt_file .* random hexadecimal digits"):
        Settings.load(with_salt_file(tmp_path, salt))


def test_a_missing_salt_file_and_two_salts_are_refused(tmp_path: Path) -> None:
    environ = with_salt_file(tmp_path, b"00112233445566778899aabbccddeeff")
    (tmp_path / "salt").unlink()
    with pytest.raises(
        SettingsError, match=r"salt_file .* has to be a file that can be read: .*[^.]\.$"
    ):
        Settings.load(environ)

    written(tmp_path)
    (tmp_path / "salt").write_bytes(b"00112233445566778899aabbccddeeff")
    with pytest.raises(SettingsError, match="Only one of "):
        Settings.load(environ)


def test_the_folder_of_credentials_is_that_of_systemd(tmp_path: Path) -> None:
    environ = written(tmp_path)

    assert Settings.load(environ).credentials is None
    assert Settings.load({**environ, "CREDENTIALS_DIRECTORY": "/run/c"}).credentials == Path(
        "/run/c"
    )
