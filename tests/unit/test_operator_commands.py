"""`casedrop clock` and `casedrop lost-vault`: what they ask, and what they tell the vault."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dropbox.successor import read_successor
from scripts import casedrop
from scripts.courier import transfer
from scripts.newsite import make_site

ONION = "b" * 56 + ".onion"
ID = "ab" * 16


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", onion=ONION, keys=tmp_path).settings_file


def typing(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    left = list(answers)

    def typed(_: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    monkeypatch.setattr("builtins.input", typed)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A vault whose day is 2026-11-26; what it was told."""
    told: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/status":
            said: dict[str, Any] = {"today": "2026-11-26", "trouble": "The clock\x1b jumped."}
            return httpx.Response(200, stream=httpx.ByteStream(json.dumps(said).encode()))
        told.append(request.read())
        return httpx.Response(204 if told == [b"2026-11-26"] else 409)

    @contextmanager
    def vault_at(_: Path) -> Iterator[httpx.Client]:
        with httpx.Client(base_url="http://v", transport=httpx.MockTransport(answer)) as client:
            yield client

    monkeypatch.setattr(transfer, "vault_at", vault_at)
    return told


def test_the_clock_is_confirmed_by_the_day_that_the_vault_shows(
    settings: Path,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typing(monkeypatch, "2026-11-26")
    assert casedrop.main(["clock", "--settings", str(settings)]) == 0
    said = capsys.readouterr().out
    assert asked == [b"2026-11-26"] and "\x1b" not in said and "accepts reports again" in said


@pytest.mark.parametrize("typed", [["2026-11-25"], ["yes"], []])
def test_any_other_answer_changes_nothing(
    typed: list[str], settings: Path, asked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, *typed)
    assert casedrop.main(["clock", "--settings", str(settings)]) == 2 and asked == []


def test_a_lost_vault_is_stated_once(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings.parent / "vault" / "successor.json"
    command = ["lost-vault", "--settings", str(settings)]
    typing(monkeypatch, "not hexadecimal", "12", "The disk.")
    assert casedrop.main(command) == 2 and not path.exists()
    typing(monkeypatch, ID, "12", "The disk broke.")
    assert casedrop.main(command) == 0
    assert read_successor(path) == (bytes.fromhex(ID), 12, "The disk broke.")
    typing(monkeypatch, ID, "13", "Another.")
    assert casedrop.main(command) == 2
    assert "not overwritten" in capsys.readouterr().err
