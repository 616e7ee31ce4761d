"""The vault over its two sockets: what each serves and refuses, without access to the other's
routes.
"""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from werkzeug.test import EnvironBuilder

from dropbox.bundle import MAX_REPLIES, ReplyBundle, SealedReply, read_export, write_replies
from dropbox.errors import CannotStore, SettingsError
from dropbox.key_expiry import notice
from dropbox.openpgp import Opener
from dropbox.packets import read_pinned_keys
from dropbox.settings import Settings
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, PENDING_BATCH, REPLY_BYTES
from dropbox.vault.courier_routes import create_courier
from dropbox.vault.factory import SocketDispatcher, create_vault, read_export_key
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.store import Store
from scripts.newsite import make_site

NOW = datetime.now(UTC)
KEY = SigningKey(b"k" * 32)
KEYS_END = NOW.date() + timedelta(days=200)
DATA = b"d" * BLOCK_BYTES


def ident(number: int) -> bytes:
    """An id or a tag."""
    return bytes([number]) * 16


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(
        tmp_path / "vault.sqlite", clock=lambda: datetime.now(UTC), pending_minutes=240
    )
    yield opened
    opened.close()


@pytest.fixture
def intake(store: Store) -> FlaskClient:
    return create_intake(store).test_client()


@pytest.fixture
def courier(store: Store, keys_dir: Path) -> FlaskClient:
    signers = read_pinned_keys(keys_dir)
    return create_courier(
        store,
        campaign="wechat-2020",
        export_key=KEY,
        signers=signers,
        keys_end=KEYS_END,
        clock=lambda: NOW,
    ).test_client()


def bundle_of(number: int, **changes: object) -> ReplyBundle:
    today = NOW.date()
    values: dict[str, Any] = {
        "campaign": "wechat-2020",
        "desk": 0,
        "expires": today + timedelta(14),
        "keep_until": today + timedelta(90),
    }
    return ReplyBundle(
        number=number,
        replies=(SealedReply(ident(number), b"s" * REPLY_BYTES),),
        **{**values, **changes},
    )


@pytest.fixture
def signed(reviewer_homes: list[Path]) -> object:
    opener = Opener(reviewer_homes[0])
    fingerprint = opener.secret_fingerprints()[0]
    return lambda bundle: write_replies(bundle, lambda data: opener.sign(data, fingerprint))


def test_a_report_with_files_goes_the_whole_way(intake: FlaskClient, courier: FlaskClient) -> None:
    assert intake.post("/pending", data=ident(1) + DATA + ident(2) + DATA).status_code == 204
    commit = ident(9) + ident(8) + DATA + ident(1) + ident(7) + ident(2) + ident(6)
    assert intake.post("/commit", data=commit).status_code == 204
    assert intake.post("/commit", data=ident(9) + ident(8) + DATA).status_code == 204

    found: dict[bytes, bytes] = {}
    answer = courier.get("/export")
    manifest = read_export(
        io.BytesIO(answer.data),
        KEY.verify_key,
        campaign="wechat-2020",
        sink=lambda listed, data: found.update({listed.id: data}),
    )
    assert found == {ident(1): DATA, ident(2): DATA, ident(9): DATA}
    assert manifest.number == 1 and {listed.day for listed in manifest.blocks} <= {
        NOW.date(),
        datetime.now(UTC).date(),
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/pending", b""),
        ("/pending", ident(1) + DATA[:-1]),
        ("/pending", ident(1) + DATA + b"x"),
        ("/commit", b""),
        ("/commit", ident(1) + ident(2) + DATA[:-1]),
        ("/commit", ident(1) + ident(2) + DATA + ident(3)),
        ("/abandon", b"x"),
        ("/replies", b"x"),
        ("/replies", ident(1) * 257),
    ],
)
def test_a_body_of_a_wrong_length_is_refused(
    intake: FlaskClient, store: Store, path: str, body: bytes
) -> None:
    assert intake.post(path, data=body).status_code == 400
    assert store.counts().blocks == store.counts().pending == 0


def test_a_body_too_large_is_not_read(intake: FlaskClient) -> None:
    assert intake.post("/pending", data=(ident(1) + DATA) * (PENDING_BATCH + 1)).status_code == 413


def test_ids_that_are_there_and_pending_ones_that_are_gone_are_conflicts(
    intake: FlaskClient,
) -> None:
    intake.post("/pending", data=ident(1) + DATA)

    assert intake.post("/pending", data=ident(1) + DATA).status_code == 409
    assert (
        intake.post("/commit", data=ident(9) + ident(8) + DATA + ident(3) + ident(3)).status_code
        == 409
    )


def test_abandoned_blocks_are_gone(intake: FlaskClient, store: Store) -> None:
    intake.post("/pending", data=ident(1) + DATA)

    assert intake.post("/abandon", data=ident(1) + ident(2)).status_code == 204
    assert store.counts().pending == 0


def test_a_full_disk_is_507_on_every_route(
    intake: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CannotStore

    for name in ("add_pending", "commit", "abandon", "replies", "check"):
        monkeypatch.setattr(store, name, full)

    assert intake.post("/pending", data=ident(1) + DATA).status_code == 507
    assert intake.post("/commit", data=ident(1) + ident(1) + DATA).status_code == 507
    assert intake.post("/abandon", data=ident(1)).status_code == 507
    assert intake.post("/replies", data=ident(1)).status_code == 507
    assert intake.get("/health").status_code == 507


def test_replies_come_by_their_place_among_the_tags(
    intake: FlaskClient, courier: FlaskClient, signed: object
) -> None:
    assert courier.post("/replies", data=signed(bundle_of(5))).status_code == 204  # type: ignore[operator]
    answer = intake.post("/replies", data=ident(1) + ident(2) + ident(5))

    assert answer.data == (2).to_bytes(2, "big") + b"s" * REPLY_BYTES


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"campaign": "other"}, "another campaign"),
        ({"expires": date(2026, 1, 1)}, "expired on 2026-01-01"),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused_with_a_sentence(
    courier: FlaskClient, store: Store, signed: object, changes: dict[str, object], sentence: str
) -> None:
    answer = courier.post("/replies", data=signed(bundle_of(5, **changes)))  # type: ignore[operator]

    assert answer.status_code == 422 and sentence in answer.text and "\n" not in answer.text
    assert store.counts().replies == 0


def test_an_altered_or_unsigned_bundle_is_refused(
    courier: FlaskClient, store: Store, signed: object
) -> None:
    good: bytes = signed(bundle_of(5))  # type: ignore[operator]
    altered = good.replace(b"ssss", b"sssx", 1)
    unsigned = write_replies(bundle_of(5), lambda data: b"no signature")

    for data in (altered, unsigned, b"", b"nothing", good[:-6000]):
        assert courier.post("/replies", data=data).status_code == 422
    assert store.counts().replies == 0
    assert courier.post("/replies", data=good).status_code == 204
    assert "not newer" in courier.post("/replies", data=good).text


def test_the_status_holds_counts_only(courier: FlaskClient) -> None:
    counts = {"blocks": 0, "pending": 0, "replies": 0, "exports": 0}
    assert courier.get("/status").json == {**counts, "keys_end": KEYS_END.isoformat(), "notice": ""}


class Listening:
    """A socket as gunicorn puts it into the request's environment."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getsockname(self) -> str:
        return self.name


def test_each_socket_reaches_its_own_routes_only(
    tmp_path: Path, keys_dir: Path, store: Store
) -> None:
    site = make_site(tmp_path / "site", onion="a" * 56 + ".onion", keys=keys_dir)
    settings = Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)})
    vault = create_vault(settings, store=store, clock=lambda: NOW)
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


@pytest.mark.parametrize("left", [22, 21, 0, -1])
def test_the_status_says_three_weeks_before_that_the_keys_end(
    left: int, store: Store, keys_dir: Path
) -> None:
    end = NOW.date() + timedelta(days=left)
    courier = create_courier(
        store,
        campaign="wechat-2020",
        export_key=KEY,
        signers=read_pinned_keys(keys_dir),
        keys_end=end,
        clock=lambda: NOW,
    ).test_client()

    told = [(courier.get("/status").json or {})["notice"] for _ in range(2)]
    assert told[0] == notice(end, NOW.date())
    assert bool(told[1]) is (left <= 21)


def status(vault: SocketDispatcher, socket: str, path: str) -> str:
    """The status with which *vault* answers GET *path* over *socket*."""
    told: list[str] = []
    environ = {**EnvironBuilder(path).get_environ(), "gunicorn.socket": Listening(socket)}
    list(vault(environ, lambda line, headers, exc_info=None: told.append(line)))
    return told[0][:3]


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
    with pytest.raises(SettingsError, match="has to have 32 bytes"):
        read_export_key(path)


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


def test_a_longer_export_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.key"
    path.write_bytes(bytes(33))
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="has to have 32 bytes"):
        read_export_key(path)


def test_a_full_disk_is_507_to_the_courier_too(
    courier: FlaskClient, store: Store, signed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CannotStore

    for name in ("next_export", "accept", "counts"):
        monkeypatch.setattr(store, name, full)

    assert courier.get("/export").status_code == 507
    assert courier.get("/status").status_code == 507
    assert courier.post("/replies", data=signed(bundle_of(5))).status_code == 507  # type: ignore[operator]


def test_a_reply_bundle_too_large_is_not_read(courier: FlaskClient) -> None:
    most = MAX_REPLIES * (ID_BYTES + REPLY_BYTES) + 65_536

    assert courier.post("/replies", data=bytes(most)).status_code == 422
    assert courier.post("/replies", data=bytes(most + 1)).status_code == 413


def test_an_error_of_the_vaults_is_told_by_its_kind_alone(
    intake: FlaskClient,
    courier: FlaskClient,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary-in-exception")

    for name in ("commit", "counts"):
        monkeypatch.setattr(store, name, broken)

    assert intake.post("/commit", data=ident(9) + ident(8) + DATA).status_code == 500
    assert courier.get("/status").status_code == 500
    said = capsys.readouterr()
    assert said.out == "" and "canary" not in said.err and "Traceback" not in said.err
    assert [line.rpartition(",")[0] for line in said.err.splitlines()] == [
        "A request ended in ZeroDivisionError"
    ] * 2


def test_tags_are_listed_and_their_blocks_withdrawn_and_replies_forgotten(
    intake: FlaskClient, courier: FlaskClient, store: Store, signed: object
) -> None:
    intake.post("/commit", data=ident(9) + ident(8) + DATA)
    courier.post("/replies", data=signed(bundle_of(5)))  # type: ignore[operator]

    assert intake.get("/tags").data == ident(9) + ident(8)
    assert intake.post("/withdraw", data=ident(9) + ident(7)).status_code == 204
    assert store.counts().blocks == 1
    assert intake.post("/withdraw", data=ident(9) + ident(8)).status_code == 204
    assert intake.post("/forget", data=ident(5)).status_code == 204
    assert (store.counts().blocks, store.counts().replies) == (0, 0)
    assert [intake.post(path, data=b"x").status_code for path in ("/withdraw", "/forget")] == [
        400,
        400,
    ]
