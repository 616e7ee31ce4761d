"""What must never leave is in no byte of what is handed over, however it is packed."""

import base64
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.cases import DAY, add, attachment, report
from support.counsel import state
from support.decided_cases import at_work, decided, put, written
from support.team import Team
from support.unpacked import unpacked

from dropbox.reply import reply_tag
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import GIST, Translation

KEYS = {
    name: hashlib.sha256(name.encode()).digest()
    for name in ("reply_public", "tag_key", "reply_symmetric")
}
NOTE = "a note of ours"


def spellings(secret: bytes) -> set[bytes]:
    """*secret* as programs write bytes and texts."""
    found = {secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")}
    found.add(base64.urlsafe_b64encode(secret).rstrip(b"="))
    text = secret.decode("utf-8", "ignore")
    if text.encode() == secret:
        found |= {text.encode("utf-16-be"), text.encode("utf-16-le")}
    return {one.lower() for one in found}


def leaks(out: Path, secrets: Iterable[bytes]) -> list[str]:
    """Where in *out* any of *secrets* is, in names, in bytes, or unpacked."""
    wanted = [one for secret in secrets for one in spellings(secret)]
    found = []
    for path in out.rglob("*"):
        # A signature names its key; whoever checks it has to know whose it is.
        if path.is_file() and path.name != "SHA256SUMS.sig":
            pieces = [path.name.encode(), *unpacked(path.read_bytes())]
            if any(one in piece.lower() for piece in pieces for one in wanted):
                found.append(path.name)
    return found


def everything(casebook: Casebook) -> list[bytes]:
    """A decided case with all that can be handed over. Returns what must not leave."""
    at_work(casebook)
    put(casebook, b"sound")
    sound = attachment("声.mp3", b"sound")
    number = add(casebook, report("【虚构】丁", 4, attachments=(sound,), **KEYS))[0]
    casebook.answers.queue(
        casebook.case(number), kind="answer", language="en", day=DAY, text="[Fictional] answer"
    )
    answers = casebook.answers.numbered(casebook.answers.queued())
    casebook.leave(1, "0" * 64, DAY, answers, lambda: None)
    decided(casebook, number)
    state(casebook, number)
    of = casebook.case(number)
    source = of.parts[0].block_id.hex()
    gist = Translation(source, GIST, "en", "", "A gist", "F" * 40, DAY)
    casebook.translations.add(of, gist)
    tags = [reply_tag(KEYS["tag_key"], desk=0, number=at) for at in range(4)]
    prints = [key.fingerprint for key in casebook.pinned().values()] + ["F" * 40]
    # Key ids are the end of a fingerprint.
    ids = [one[at:].encode() for one in prints for at in (0, -16)]
    blocks = [hashlib.sha256(of.parts[0].block_id).digest()]
    return [*KEYS.values(), *tags, *ids, *blocks, NOTE.encode(), b"sealed", b"withdraw_hash"]


@pytest.mark.slow
def test_keys_tags_notes_and_key_ids_are_in_no_byte_of_it(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        secrets = everything(casebook)
        done = written(casebook, tmp_path / "out", cases=(1, 2, 3, 4))

    assert done.cases == 3
    assert leaks(tmp_path / "out", secrets) == []
    # The same search finds what does leave, so it looks everywhere.
    found = leaks(tmp_path / "out", [b"[Fictional] answer"])
    assert sorted(found) == ["C0-000003.pdf", "cases.jsonl", "entities.ftm.json"]


@pytest.mark.parametrize("kind", ["pdf", "png", "zip", "title", "name"])
def test_the_search_finds_a_secret_wherever_it_is_packed(tmp_path: Path, kind: str) -> None:
    secret = KEYS["tag_key"]
    path = tmp_path / (secret.hex() if kind == "name" else "file")
    packed = zlib.compress(b"before" + secret.hex().upper().encode())
    if kind == "pdf":
        path.write_bytes(b"%PDF-1.3\n1 0 obj\nstream\n" + packed + b"\nendstream\nendobj\n")
    elif kind == "png":
        chunk = len(packed).to_bytes(4, "big") + b"iTXt" + base64.b64encode(secret) + b"...."
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    elif kind == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner", base64.b64encode(secret) * 9)
        path.write_bytes(out.getvalue())
    else:
        path.write_bytes(b"/Title " + secret.hex().encode("utf-16-be") + secret)
    assert leaks(tmp_path, [secret]) == [path.name]
    assert leaks(tmp_path, [KEYS["reply_public"]]) == []


def test_times_of_files_say_the_day_alone(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        written(casebook, tmp_path / "out")

    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert path.stat().st_mtime % 86_400 == 0, path.name
