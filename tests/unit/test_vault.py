"""The vault over its two sockets: each reaches its own routes only, and errors tell their kind."""

import dataclasses
import os
import pwd
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.day_stores import open_days
from support.vault_keys import WEEKLY
from werkzeug.test import EnvironBuilder

from dropbox.errors import SettingsError
from dropbox.settings import Settings
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault.day_store import DayStore
from dropbox.vault.factory import SocketDispatcher, create_vault, read_export_key
from dropbox.vault.socket_users import socket_users
from dropbox.vault.tombstones import Tombstones
from scripts.newsite import make_site


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DayStore]:
    opened = open_days(tmp_path / "vault.sqlite", _now)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path, keys_dir: Path) -> Settings:
    site = make_site(tmp_path / "site", onion="a" * 56 + ".onion", keys=keys_dir)
    return Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)})


@pytest.fixture
def vault(settings: Settings, store: DayStore) -> SocketDispatcher:
    return create_vault(
        settings, store=store, tombstones=Tombstones(WEEKLY, clock=_now), clock=_now
    )


class Listening:
    """A socket as gunicorn puts it into the request's environment."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getsockname(self) -> str:
        return self.name


def status(vault: SocketDispatcher, socket: str, path: str, body: bytes | None = None) -> str:
    """The status with which *vault* answers GET *path*, or POST *body*, over *socket*."""
    told: list[str] = []
    request = EnvironBuilder(path, method="GET" if body is None else "POST", data=body)
    environ = {**request.get_environ(), "gunicorn.socket": Listening(socket)}
    list(vault(environ, lambda line, headers, exc_info=None: told.append(line)))
    return told[0][:3]


def test_each_socket_reaches_its_own_routes_only(
    vault: SocketDispatcher, settings: Settings
) -> None:
    intake, courier, other = str(settings.intake_socket), str(settings.courier_socket), "/elsewhere"

    assert [status(vault, name, "/health") for name in (intake, courier, other)] == [
        "204",
        "404",
        "404",
    ]
    assert [status(vault, name, "/status") for name in (intake, courier, other)] == [
        "404",
        "200",
        "404",
    ]


@pytest.mark.slow
def test_an_error_of_the_vaults_is_told_by_its_kind_alone(
    vault: SocketDispatcher,
    settings: Settings,
    store: DayStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary-in-exception")

    for name in ("commit", "days"):
        monkeypatch.setattr(store, name, broken)

    intake, courier = str(settings.intake_socket), str(settings.courier_socket)
    assert status(vault, intake, "/commit", bytes(16 + 16 + BLOCK_BYTES)) == "500"
    assert status(vault, courier, "/status") == "500"
    said = capsys.readouterr()
    assert said.out == "" and "canary" not in said.err and "Traceback" not in said.err
    assert [line.rpartition(",")[0] for line in said.err.splitlines()] == [
        "A request ended in ZeroDivisionError"
    ] * 2


def test_an_export_key_that_others_can_read_or_of_a_wrong_length_stops_the_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "export.key"
    with pytest.raises(SettingsError, match="cannot be read"):
        read_export_key(path)
    path.write_bytes(bytes(32))
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="Others on this computer can read"):
        read_export_key(path)
    path.chmod(0o600)
    assert bytes(read_export_key(path)) == bytes(32)
    path.write_bytes(bytes(31))
    with pytest.raises(SettingsError, match="has to have 32 bytes") as said:
        read_export_key(path)
    assert f"{path} has to have 32 bytes, and has 31. Restore it" in str(said.value)
    assert "`casedrop newsite`, in an empty folder," in str(said.value)


def test_a_damaged_export_key_of_the_package_is_named_where_the_operator_finds_it(
    tmp_path: Path,
) -> None:
    """Where systemd hands it over is gone when the service ends."""
    path = tmp_path / "export.key"
    path.write_bytes(b"")
    path.chmod(0o400)
    with pytest.raises(SettingsError, match="and has 0") as said:
        read_export_key(path, tmp_path)
    assert "/etc/casedrop/secret/export.key" in str(said.value)
    assert "`casedrop setup` makes another" in str(said.value)
    assert "newsite" not in str(said.value) and str(tmp_path) not in str(said.value)


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o660])
def test_an_export_key_that_anybody_else_may_use_in_any_way_is_refused(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "export.key"
    path.write_bytes(bytes(32))
    path.chmod(mode)
    with pytest.raises(SettingsError, match="Others on this computer can read"):
        read_export_key(path)

    path.chmod(0o400)
    assert bytes(read_export_key(path)) == bytes(32)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o442, 0o401])
def test_an_export_key_of_systemd_may_show_the_mask_of_its_access_list(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "export.key"
    path.write_bytes(bytes(32))
    path.chmod(mode)
    if mode & 0o007:
        with pytest.raises(SettingsError, match="Others on this computer can read"):
            read_export_key(path, tmp_path)
    else:
        assert bytes(read_export_key(path, tmp_path)) == bytes(32)
    if mode & 0o077:
        with pytest.raises(SettingsError, match="Others on this computer can read"):
            read_export_key(path, tmp_path / "elsewhere")


def test_a_longer_export_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.key"
    path.write_bytes(bytes(33))
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="has to have 32 bytes"):
        read_export_key(path)


def test_each_socket_has_users_of_its_own_and_without_settings_only_the_vaults(
    settings: Settings,
) -> None:
    intake, courier = str(settings.intake_socket), str(settings.courier_socket)
    own, daemon, nobody = (
        os.geteuid(),
        *(pwd.getpwnam(name).pw_uid for name in ("daemon", "nobody")),
    )
    named = dataclasses.replace(settings, front_user="daemon", courier_users=("nobody",))

    assert socket_users(settings) == {intake: {own}, courier: {own, 0}}
    assert socket_users(named) == {intake: {own, daemon}, courier: {own, 0, nobody}}


@pytest.mark.parametrize("setting", ["front_user", "courier_users"])
def test_a_user_that_does_not_exist_is_named_with_its_setting(
    settings: Settings, setting: str
) -> None:
    missing = {"front_user": "casedrop-nobody", "courier_users": ("daemon", "casedrop-nobody")}
    changed = dataclasses.replace(settings, **{setting: missing[setting]})  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=rf"\[vault\] {setting} names the user casedrop-nobody"):
        socket_users(changed)
