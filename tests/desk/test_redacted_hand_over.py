"""What was blacked out is in no byte of what is handed over, however it is unpacked.

Casebooks differ in nothing but a secret, and one secret is longer than the other. Once it is
blacked out wherever it is, what they hand over is the same to the byte.
"""

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image, ImageDraw
from support import hostile_files as made
from support.cases import DAY, add, attachment, report
from support.decided_cases import plan_of, put
from support.desks import Desk
from support.redactions import let_all_leave
from support.transcripts import transcribe

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import Contact, Event, Party
from scripts.desk.casebook.translations import GIST, TRANSLATION, Translation
from scripts.desk.pictures.drawing_room import OwnWalls
from scripts.desk.production.handing_over import hand_over
from scripts.desk.redaction.leaving_texts import texts_of_case
from scripts.desk.redaction.redacting import (
    black_out,
    black_out_box,
    find_words,
    listed,
    take_back,
    withhold,
)
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Turn, Who

SECRET, LONGER = "13800000000", "1390000000012345"


class Noon(datetime):
    """A clock that stands still: the log's times are in a dossier."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Noon":
        return cls(2026, 11, 25, 12, tzinfo=tz)


def picture(secret: str) -> bytes:
    """A screenshot with *secret* in its upper half, in its metadata and in their thumbnail."""
    image = Image.new("RGB", (300, 100), "white")
    draw = ImageDraw.Draw(image)
    draw.text((5, 5), secret, fill="black", font_size=30)
    draw.text((5, 60), "the rest", fill="black", font_size=30)
    exif = Image.Exif()
    exif[0x010E] = secret
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, exif=exif, comment=secret.encode())
    # What lossy encoding makes of the upper half must not reach into the lower one.
    whole = Image.open(io.BytesIO(out.getvalue())).convert("RGB")
    whole.paste(image.crop((0, 48, 300, 100)), (0, 48))
    kept = io.BytesIO()
    whole.save(kept, "PNG", exif=exif)
    return kept.getvalue()


def read_in_picture(secret: str) -> Transcript:
    """What a machine read in it: a longer secret goes on in a second line, and a name has it."""
    lines = [Line(secret[at : at + 11], (5, 5 + at, 200, 15 + at), 90 - len(secret))
             for at in range(0, len(secret), 11)]  # fmt: skip
    rest = Line("the rest", (5, 60, 150, 90), 99)
    turns = Turn(Who.LEFT, f"{secret}:", 1, (*lines, rest)), Turn(Who.RIGHT, secret, 1, (rest,))
    return Transcript((ReadPage(1, 300, 100, 0),), turns, ())


def document(secret: str) -> bytes:
    """A PDF with *secret* as text, in a title and in a file that it carries."""
    whole = made.pdf(
        size=(144, 72),
        catalog="/Names << /EmbeddedFiles << /Names [(a) 10 0 R] >> >>",
        objects=[
            "<< /Type /Filespec /F (a) /EF << /F 11 0 R >> >>",
            f"<< /Type /EmbeddedFile /Length {len(secret)} >>\nstream\n{secret}\nendstream",
        ],
    )
    paint = b"1 0 0 rg 0 0 144 72 re f"
    text = f"BT /F1 8 Tf 4 60 Td ({secret}) Tj ET BT /F1 8 Tf 4 10 Td (the rest) Tj ET".encode()
    font = (
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    )
    return (
        whole.replace(str(len(paint)).encode(), str(len(text)).encode(), 1)
        .replace(paint, text)
        .replace(b"/Contents 3 0 R", font + b"/Contents 3 0 R")
    )


def state_facts(casebook: Casebook, case: Case, secret: str, *, reviewer: str) -> None:
    """An event, a party and a contact, each with *secret* in all that is a text."""
    who: dict[str, Any] = {"reviewer": reviewer, "day": DAY}
    casebook.events.add(
        case, Event(entry="E000000001", kind="ev.other", text=f"called {secret}", **who)
    )
    names = f"the one of {secret}\nalso {secret[:3]} {secret[3:]}"
    casebook.parties.add(
        case,
        Party(entry="P000000001", kind="person", role="other", names=names,
              text=f"at {secret}", **who),
    )  # fmt: skip
    casebook.contacts.add(
        case,
        Contact(entry="C000000001", date="2026-11-20", channel="phone", team="we",
                contact=f"who has {secret}", text=f"calls {secret}", **who),
    )  # fmt: skip


def filed(directory: Path, secret: str) -> None:
    """A decided case in which *secret* is wherever a case can hold it."""
    first, second = Desk.make(directory, 0), Desk(directory, 1)
    files = {
        f"{secret}.png": picture(secret),
        "scan.pdf": document(secret),
        "notes.txt": f"call {secret}".encode(),
        "public.pdf": made.pdf(),
    }
    with first.working() as casebook:
        for data in files.values():
            put(casebook, data)
        named = tuple(attachment(name, data) for name, data in files.items())
        add(
            casebook,
            report(f"【虚构】电话 {secret}，{secret}。", 1, attachments=named,
                   facts={"other": f"{secret}?"}),
            report(f"再说一次：{secret[:3]}-{secret[3:]}", 1, kind="message"),
        )  # fmt: skip
        case = casebook.case(1)
        source = case.parts[0].block_id.hex()
        with casebook.together():
            for kind in (GIST, TRANSLATION):
                given = Translation(source, kind, "en", "", f"Call {secret}", first.reviewer, DAY)
                casebook.translations.add(case, given)
            state_facts(casebook, case, secret, reviewer=first.reviewer)
        transcribe(casebook, files[f"{secret}.png"], read_in_picture(secret))
    amount = {"amount": "3", "currency": "CNY", "as_of": "2020", "what": f"to {secret}"}
    for desk in (first, second):
        desk.judge(1, "m2", urgency="normal", evidence="2", amounts=(amount,))


def redacted(directory: Path, secret: str) -> None:
    """Black it out in each text and file but the last."""
    with Desk(directory, 0).working() as casebook:
        case = casebook.case(1)
        found = find_words(texts_of_case(casebook, case), secret)
        assert len(found) >= 8
        black_out(casebook, case, found, reason="contact", today=DAY)
        for number in (1, 2):
            box = "0,0,100,50%"
            black_out_box(casebook, case, number, 1, box, OwnWalls(), reason="contact", today=DAY)
        withhold(casebook, case, 3, reason="contact", today=DAY)
        # A machine read the secret in a name, whose place is not known, and the last one is public.
        assert let_all_leave(casebook) == [1, 4]


def produced(directory: Path) -> dict[str, bytes]:
    """All files that are handed over, by name."""
    out = directory.with_name(f"{directory.name}-out")
    with Desk(directory, 0).working() as casebook:
        plan = plan_of(casebook, cases=(1,))
        assert plan.ready == (1,)
        hand_over(casebook, plan, out, lambda _: b"signature", day=DAY, room=OwnWalls())
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def layers(data: bytes) -> Iterator[bytes]:
    """*data*, and what is packed in it: streams of a PDF, its text, a picture's pixels."""
    yield data
    if data.startswith(b"%PDF"):
        for packed in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
            try:
                yield zlib.decompress(packed)
            except zlib.error:
                yield packed
        document = pypdfium2.PdfDocument(data)
        for page in document:
            yield page.get_textpage().get_text_bounded().encode()
        yield repr(document.get_metadata_dict()).encode()
    if data.startswith((b"\x89PNG", b"\xff\xd8")):
        image = Image.open(io.BytesIO(data))
        yield repr(image.info).encode() + image.getexif().tobytes() + image.tobytes()


def spellings(secret: str) -> list[bytes]:
    """How it could be there: as text, in other encodings, as the hash of what held it."""
    texts = [secret, f"{secret[:3]}-{secret[3:]}"]
    held = [picture(secret), document(secret), f"call {secret}".encode(), *map(str.encode, texts)]
    return [
        *(one.encode(kind) for one in texts for kind in ("utf-8", "utf-16-le", "utf-16-be")),
        *(base64.b64encode(one.encode()).rstrip(b"=")[:-1] for one in texts),
        *(one.encode().hex().encode() for one in texts),
        *(hashlib.sha256(one).hexdigest().encode() for one in held),
    ]


def found_in(files: dict[str, bytes], secret: str) -> set[str]:
    """The files in which any spelling of *secret* is."""
    wanted = spellings(secret)
    return {
        name for name, data in files.items()
        if any(one in layer for layer in layers(data) for one in wanted)
    }  # fmt: skip


@pytest.mark.slow
def test_what_was_blacked_out_is_in_no_byte_that_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.desk.casebook.custody.datetime", Noon)
    # The key of a casebook, which decides what entities are called.
    monkeypatch.setattr("scripts.desk.casebook.creation.secrets.token_bytes", bytes)
    # The control: before it is blacked out it is found, by its texts and its hashes.
    filed(tmp_path / "control", SECRET)
    there = found_in(produced(tmp_path / "control"), SECRET)
    folders = {}
    for secret in (SECRET, LONGER):
        filed(tmp_path / secret, secret)
        redacted(tmp_path / secret, secret)
        folders[secret] = produced(tmp_path / secret)

    kinds = {name.partition("/")[0] for name in there}
    assert kinds >= {"cases.csv", "cases.jsonl", "load.dat", "texts", "natives", "dossiers",
                     "translations", "transcripts", "SHA256SUMS"}  # fmt: skip
    one, other = folders[SECRET], folders[LONGER]
    assert found_in(one, SECRET) == found_in(other, LONGER) == set()
    assert sum(name.startswith("natives/") for name in one) == 1  # the public one
    (read,) = (data.decode() for name, data in one.items() if name.startswith("transcripts/"))
    assert read.count("[redacted: contact]") == 3 and read.count("the rest") == 2
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.slow
def test_a_redaction_after_the_approval_ends_it(tmp_path: Path) -> None:
    filed(tmp_path / "casebook", SECRET)

    def plan() -> str:
        with Desk(tmp_path / "casebook", 0).working() as casebook:
            return plan_of(casebook, cases=(1,)).sha256

    before = plan()
    with Desk(tmp_path / "casebook", 1).working() as casebook:
        case = casebook.case(1)
        withhold(casebook, case, 4, reason="minor", today=DAY)
        (one,) = listed(casebook, case)
    after = plan()
    with Desk(tmp_path / "casebook", 0).working() as casebook:
        key = one.redaction.key
        take_back(casebook, casebook.case(1), key, because="public", today=DAY)

    assert after != before and plan() == before
