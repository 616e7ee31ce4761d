"""OpenPGP packets: what gpg writes is read, everything else is refused."""

import io
import json
import shutil
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from fuzz.openpgp import FIELDS, REVIEWER, detached

from dropbox.errors import BadPacket, CannotSeal, KeysError
from dropbox.gpg_output import CheckedOutput
from dropbox.openpgp import Opener, Reviewers
from dropbox.packets import (
    PUBLIC_KEY,
    PUBLIC_SUBKEY,
    SIGNATURE,
    PublicKey,
    dearmor,
    last_second,
    packets,
    parts,
    subkey_ends,
    verify_detached,
)
from dropbox.pinned_keys import last_day, read_pinned_keys, read_pins
from dropbox.reviewer_key import export_public, make_reviewer_key
from dropbox.sealed_message import SealedMessage, message_length, recipients

VECTORS = Path(__file__).parents[1] / "vectors" / "openpgp"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def message(reviewers: Reviewers) -> bytes:
    pieces: list[bytes] = []
    reviewers.seal(io.BytesIO(b"x" * 100_000), pieces.append)
    return b"".join(pieces)


@pytest.mark.parametrize(
    "vector", sorted(VECTORS.glob("signature_*.json")), ids=lambda path: path.stem
)
def test_a_signature_on_disk_has_its_expected_outcome(vector: Path) -> None:
    case = json.loads(vector.read_text("utf-8"))
    key = PublicKey.read(dearmor(case["public_key"].encode()))
    data, signature = bytes.fromhex(case["data"]), bytes.fromhex(case["signature"])
    check = partial(verify_detached, data, signature, (key,), NOW)

    if case["expect"] == "good":
        assert check().fingerprint == case["fingerprint"]
    else:
        with pytest.raises(BadPacket, match=case["expect"]):
            check()


def test_there_are_signature_vectors_of_both_outcomes() -> None:
    expected = {
        json.loads(path.read_text("utf-8"))["expect"] for path in VECTORS.glob("signature_*.json")
    }

    assert "good" in expected and len(expected) >= 4


PINNED = "0123456789ABCDEF" * 2 + "01234567"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (f"{PINNED[:-1]}  a.asc\n", "line 1: not a fingerprint"),
        (f"{PINNED}0  a.asc\n", "line 1: not a fingerprint"),
        (f"\n{PINNED.lower()}  a.asc\n", "line 2: not a fingerprint"),
        (f"{PINNED[:-1]}G  a.asc\n", "line 1: not a fingerprint"),
        (f"{PINNED}  ../a.asc\n", "line 1: not a fingerprint"),
        (f"{PINNED}  /etc/a.asc\n", "line 1: not a fingerprint"),
        (f"{PINNED}\n", "line 1: not a fingerprint"),
        (f"{PINNED}  \n", "line 1: not a fingerprint"),
        (f"{PINNED}  .\n", "line 1: not a fingerprint"),
        (f"{PINNED}  a.asc\n{PINNED}  b.asc\n", "line 2: .* twice"),
        (f"{PINNED}  a.asc\n{PINNED[::-1]}  a.asc\n", "line 2: .* twice"),
        ("# nobody\n\n", "lists no key"),
    ],
)
def test_a_pin_file_that_says_something_else_than_keys_and_files_is_refused_by_its_line(
    tmp_path: Path, lines: str, sentence: str
) -> None:
    (tmp_path / "FINGERPRINTS").write_text(lines, "utf-8")

    with pytest.raises(KeysError, match=sentence):
        read_pins(tmp_path)


def test_a_pin_file_is_read_with_its_comments_and_empty_lines(tmp_path: Path) -> None:
    text = f"# who\n\n{PINNED}  a.asc\n{PINNED[::-1]} b.asc  \n"
    (tmp_path / "FINGERPRINTS").write_text(text, "utf-8")

    assert read_pins(tmp_path) == {PINNED: "a.asc", PINNED[::-1]: "b.asc"}


def short_packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, len(body)]) + body


def test_a_revoked_subkey_ends_at_once() -> None:
    """As gpg exports it: the revocation before the binding signature, which still has an end."""
    ecdh, day = 18, 86_400
    subkeys = [
        short_packet(PUBLIC_SUBKEY, b"\x04" + made.to_bytes(4, "big") + bytes([ecdh]) + bytes(9))
        for made in (100 * day, 107 * day)
    ]
    lasts = bytes([5, 9]) + (14 * day).to_bytes(4, "big")
    bound, revoked = (
        short_packet(SIGNATURE, bytes([4, kind, 22, 8, 0, len(lasts)]) + lasts + bytes(12))
        for kind in (0x18, 0x28)
    )
    first, second = subkeys
    # The primary key comes before them.
    first = short_packet(PUBLIC_KEY, b"\x04") + first

    assert last_second(first + bound + second + bound) == 121 * day
    assert last_second(first + bound + second + revoked + bound) == 114 * day
    assert last_second(first + revoked + bound) == 0


DAY_SECONDS = 86_400
MADE = 100 * DAY_SECONDS


def subkey(made: int = MADE, algorithm: int = 18, version: int = 4) -> bytes:
    body = bytes([version]) + made.to_bytes(4, "big") + bytes([algorithm]) + bytes(9)
    return short_packet(PUBLIC_SUBKEY, body)


def binding(seconds: int | None, *, kind: int = 0x18, before: bytes = b"") -> bytes:
    """A signature with the hashed fields *before* and, if there is an end, that end."""
    lasts = b"" if seconds is None else bytes([5, 9]) + seconds.to_bytes(4, "big")
    hashed = before + lasts
    body = bytes([4, kind, 22, 8]) + len(hashed).to_bytes(2, "big") + hashed + bytes(12)
    return b"\xc2\xff" + len(body).to_bytes(4, "big") + body


LONG_FIELD = b"\xc0\x40" + bytes([20]) + bytes(255)  # a notation of 256 bytes


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        (b"", 0),
        (subkey(), 0),
        (subkey() + binding(None), 0),
        (subkey() + binding(0), 0),
        (subkey() + binding(1), MADE + 1),
        (subkey() + binding(14 * DAY_SECONDS), MADE + 14 * DAY_SECONDS),
        (subkey() + binding(7, before=LONG_FIELD), MADE + 7),
        (subkey() + binding(7) + binding(9), MADE + 9),
        (subkey() + binding(7) + binding(None), 0),
        (subkey() + binding(7, kind=0x13), 0),
        (subkey() + binding(7) + binding(None, kind=0x28), 0),
        (subkey(algorithm=22) + binding(7), 0),
        (subkey(version=3) + binding(7), 0),
        (short_packet(PUBLIC_KEY, subkey()[2:]) + binding(7), 0),
        # Made in 1991, at a time whose first byte is that of a revocation.
        (subkey(0x28000000) + binding(7), 0x28000007),
    ],
)
def test_an_encryption_subkey_ends_when_its_last_binding_says(data: bytes, ends: int) -> None:
    assert last_second(data) == ends
    assert [subkey_ends(part) for part in parts(data)] == ([ends] if data else [])


def test_an_end_that_is_no_time_is_refused() -> None:
    for wrong in (bytes([4, 9]) + bytes(3), bytes([6, 9]) + bytes(5)):
        with pytest.raises(BadPacket, match="no valid expiration time"):
            last_second(subkey() + binding(None, before=wrong))


@pytest.mark.parametrize(
    ("seconds", "last"),
    [
        (0, "1970-01-01"),
        (DAY_SECONDS, "1970-04-11"),
        (DAY_SECONDS + 1, "1970-04-12"),
        (DAY_SECONDS + 2, "1970-04-12"),
        (2 * DAY_SECONDS, "1970-04-12"),
    ],
)
def test_the_last_day_is_the_last_one_with_a_second_before_the_end(
    tmp_path: Path, seconds: int, last: str
) -> None:
    armored = b64encode(subkey() + binding(seconds)).decode()
    (tmp_path / "a.asc").write_text(f"-----BEGIN PGP\n\n{armored}\n=abcd\n-----END PGP\n", "ascii")
    (tmp_path / "FINGERPRINTS").write_text(f"{PINNED}  a.asc\n", "ascii")

    assert last_day(tmp_path).isoformat() == last


def test_the_first_key_file_that_nobody_pinned_is_named(tmp_path: Path) -> None:
    (tmp_path / "FINGERPRINTS").write_text(f"{PINNED}  c.asc\n", "ascii")
    for name in ("d.asc", "c.asc", "b.asc", "a.txt"):
        (tmp_path / name).touch()

    with pytest.raises(KeysError, match=r"^b\.asc in .* is not pinned"):
        read_pinned_keys(tmp_path)


def test_every_kind_of_packet_is_told_from_the_others() -> None:
    new = b"".join(short_packet(tag, b"x") for tag in range(64))
    old = b"".join(bytes([0x80 | tag << 2, 1]) + b"x" for tag in range(16))

    assert [packet.tag for packet in packets(new + old)] == [*range(64), *range(16)]
    (huge,) = packets(b"\xc2\xff\x01\x02\x03\x04")
    assert huge.end == 6 + 0x01020304


def test_the_last_day_of_all_is_that_of_the_key_that_ends_first(
    keys_dir: Path, reviewers: Reviewers, gpg_home: Path, tmp_path: Path
) -> None:
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    assert last_day(keys) == reviewers.last_day()
    today = datetime.now(UTC).date()
    fingerprint = make_reviewer_key(gpg_home, name="Short", weeks=1, start=today, passphrase="")
    (keys / "short.asc").write_bytes(export_public(gpg_home, fingerprint))
    with (keys / "FINGERPRINTS").open("a", encoding="utf-8") as pins:
        pins.write(f"{fingerprint}  short.asc\n")

    # Fourteen days, the first of them today.
    assert last_day(keys) == today + timedelta(days=13) < reviewers.last_day()


@pytest.mark.parametrize("version", [0, 3, 5, 6])
def test_a_key_of_another_version_is_refused(version: int) -> None:
    good = public_key_packet()
    assert PublicKey.read(good) == REVIEWER

    with pytest.raises(BadPacket, match="not an Ed25519 key of version 4"):
        PublicKey.read(good[:3] + bytes([version]) + good[4:])


@pytest.mark.parametrize("change", [-1, 1])
def test_a_key_of_another_length_is_refused(change: int) -> None:
    body = public_key_packet()[3:]
    longer = body + b"x" if change > 0 else body[:-1]

    with pytest.raises(BadPacket, match="not an Ed25519 key of version 4"):
        PublicKey.read(b"\x99" + len(longer).to_bytes(2, "big") + longer)


def public_key_packet() -> bytes:
    """REVIEWER's, as in its vector: an old header of three bytes, then the key."""
    vector = json.loads((VECTORS / "signature_08_sha1.json").read_text("utf-8"))
    return dearmor(vector["public_key"].encode())


def test_a_message_may_fill_its_block_to_the_last_byte(message: bytes) -> None:
    assert message_length(message) == len(message)


def test_the_end_of_a_message_is_found_behind_which_anything_may_stand(message: bytes) -> None:
    assert message_length(message + b"\x00\xff\xd2" * 100) == len(message)


@pytest.mark.parametrize("head", [b"", b"\xc1\x02\x04\x00", b"\x84\x00", b"\xc3\x02\x03\x00"])
def test_what_is_sealed_to_nobody_is_no_message(head: bytes) -> None:
    """A file's blocks look random: one in 256 starts like sealed data, and would be taken for a
    report.
    """
    with pytest.raises(BadPacket):
        message_length(head + b"\xd2\x20" + bytes(65_000))


@pytest.mark.parametrize("cut", [0, 1, 5, 100, 200, 60_000, -1])
def test_a_message_cut_off_has_no_end(message: bytes, cut: int) -> None:
    with pytest.raises(BadPacket):
        message_length(message[:cut])


def test_the_recipients_stand_in_the_head(message: bytes) -> None:
    assert recipients(message[:4096]) == recipients(message)


@pytest.mark.parametrize("cut", [0, 1, 50, 100, 150])
def test_recipients_cut_off_are_refused(message: bytes, cut: int) -> None:
    with pytest.raises(BadPacket):
        recipients(message[:cut])


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (b"\x03" + bytes(range(8)) + b"\x12", True),
        (b"\x03" + bytes(range(8)), False),
        (b"\x06" + bytes(range(8)) + b"\x12", False),
        (b"\x02" + bytes(range(8)) + b"\x12" + bytes(80), False),
        (b"\x03" + bytes(range(8)) + b"\x12" + bytes(84), True),
        (b"\x03" + bytes(range(8)) + b"\x12" + bytes(85), False),
        (b"", False),
    ],
)
def test_a_recipient_is_one_of_version_3_and_whole(body: bytes, taken: bool) -> None:
    """A later version has no key id where this one has it."""
    head = b"\x84" + bytes([len(body)]) + body + b"\xd2\x20"
    if taken:
        assert recipients(head) == ["0001020304050607"]
    else:
        with pytest.raises(BadPacket, match="does not start with its recipients"):
            recipients(head)


def test_another_packet_between_the_recipients_is_refused(message: bytes) -> None:
    first = next(packets(message)).end

    with pytest.raises(BadPacket):
        recipients(message[:first] + b"\xca\x03PGP" + message[first:])


def test_a_signature_holds_for_its_data_and_key_only(opener: Opener, keys_dir: Path) -> None:
    keys, now = read_pinned_keys(keys_dir), datetime.now(UTC)
    mine = opener.secret_fingerprints()[0]
    signature = opener.sign(b"data", mine)

    assert verify_detached(b"data", signature, keys, now).fingerprint == mine
    with pytest.raises(BadPacket, match="does not fit"):
        verify_detached(b"Data", signature, keys, now)
    with pytest.raises(BadPacket, match="not by a pinned reviewer"):
        verify_detached(
            b"data", signature, tuple(key for key in keys if key.fingerprint != mine), now
        )
    with pytest.raises(BadPacket, match="future"):
        verify_detached(b"data", signature, keys, now - timedelta(days=3))


def test_no_changed_byte_of_a_signature_passes(opener: Opener, keys_dir: Path) -> None:
    """Only the unhashed part, which nothing reads, and a number's length within its last byte can
    change.
    """
    keys, now = read_pinned_keys(keys_dir), datetime.now(UTC)
    signature = opener.sign(b"data", opener.secret_fingerprints()[0])
    passed = []
    for at in range(len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        try:
            verify_detached(b"data", changed, keys, now)
            passed.append(at)
        except BadPacket:
            pass

    hashed = int.from_bytes(signature[6:8], "big")
    end = (
        8 + hashed + 2 + 10 + 2
    )  # the unhashed part's length, the issuer's key id, first two bytes of the hash
    lengths = {
        end,
        end + 1,
        end + 34,
        end + 35,
    }  # in bits, of two numbers; only whole bytes are counted
    assert set(passed) <= {*range(8 + hashed, end), *lengths}


ISSUER, CREATED = FIELDS[:23], FIELDS[23:]


def created(at: datetime) -> bytes:
    return b"\x05\x02" + int(at.timestamp()).to_bytes(4, "big")


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (1, False), (86_400, False)])
def test_a_signature_may_be_dated_a_day_ahead_and_not_a_second_more(
    seconds: int, taken: bool
) -> None:
    """The offline workstation's clock is set by hand."""
    signature = detached(
        b"data", ISSUER + created(NOW + timedelta(days=1) + timedelta(seconds=seconds))
    )
    if taken:
        assert verify_detached(b"data", signature, (REVIEWER,), NOW) == REVIEWER
    else:
        with pytest.raises(BadPacket, match="dated in the future"):
            verify_detached(b"data", signature, (REVIEWER,), NOW)


@pytest.mark.parametrize(
    ("hash_name", "taken"), [(8, True), (9, True), (10, True), (1, False), (2, False), (11, False)]
)
def test_a_signature_may_use_each_hash_of_sha2_but_the_shortest(
    hash_name: int, taken: bool
) -> None:
    """gpg's `digest-algo` is the reviewer's own choice."""
    signature = detached(b"data", hash_name=hash_name)
    if taken:
        assert verify_detached(b"data", signature, (REVIEWER,), NOW) == REVIEWER
    else:
        with pytest.raises(BadPacket, match="does not use SHA-2"):
            verify_detached(b"data", signature, (REVIEWER,), NOW)


def test_a_field_that_is_marked_as_critical_is_the_same_field() -> None:
    critical = bytes([ISSUER[0], ISSUER[1] | 0x80]) + ISSUER[2:] + b"\x05\x82" + CREATED[2:]

    assert verify_detached(b"data", detached(b"data", critical), (REVIEWER,), NOW) == REVIEWER
    with pytest.raises(BadPacket, match="fields are damaged"):
        verify_detached(b"data", detached(b"data", critical + CREATED), (REVIEWER,), NOW)


@pytest.mark.parametrize("more", [b"\x05\x63", b"\x06\x63abcd", b"\x00", b"\xff\0\0\0", b"\xc0"])
def test_a_field_that_reaches_beyond_the_signed_part_is_refused(more: bytes) -> None:
    assert verify_detached(b"data", detached(b"data", FIELDS + b"\x05\x63abcd"), (REVIEWER,), NOW)
    with pytest.raises(BadPacket, match="fields are damaged"):
        verify_detached(b"data", detached(b"data", FIELDS + more), (REVIEWER,), NOW)


def test_a_packet_of_another_kind_with_a_good_signatures_content_is_refused() -> None:
    good = detached(b"data")
    assert good[0] == 0x89

    for header in (0x85, 0x99, 0xB5):
        with pytest.raises(BadPacket, match="not one detached signature"):
            verify_detached(b"data", bytes([header]) + good[1:], (REVIEWER,), NOW)


@pytest.mark.parametrize("numbers", [b"\x01\x08" + b"x" * 33, b"\x01\0" + b"x" * 31, b"\xff\xff"])
def test_a_signatures_number_that_no_ed25519_has_is_refused(numbers: bytes) -> None:
    good = detached(b"data")
    before = 3 + 6 + int.from_bytes(good[7:9], "big") + 2 + 2
    body = good[3:before] + numbers + (b"\x01\0" + b"y" * 32 if len(numbers) > 33 else b"")

    with pytest.raises(BadPacket, match="numbers are damaged"):
        verify_detached(b"data", b"\x89" + len(body).to_bytes(2, "big") + body, (REVIEWER,), NOW)


@pytest.mark.parametrize("made", [b"", b"\xff" * 3, b"\xff" * 8, b"\0" * 7 + b"\1"])
def test_a_signature_that_does_not_say_when_it_was_made_is_refused(made: bytes) -> None:
    """More bytes than a time has would give a year that no calendar knows."""
    issuer = FIELDS[:23]
    dated = issuer + bytes([1 + len(made), 2]) + made

    assert verify_detached(b"data", detached(b"data"), (REVIEWER,), NOW) == REVIEWER
    for fields in (issuer, dated):
        with pytest.raises(BadPacket, match="when it was made"):
            verify_detached(b"data", detached(b"data", fields), (REVIEWER,), NOW)


@pytest.mark.parametrize("head", [b"\x87", b"\xa7", b"\x87\0\0\0\0\0\0\0\x01x"])
def test_a_packet_of_indeterminate_length_is_refused(head: bytes) -> None:
    """It would reach to the end of whatever is read, random filling included."""
    with pytest.raises(BadPacket, match="indeterminate length"):
        list(packets(head))


# Lengths at which the next form begins (RFC 9580, 4.2.1), old and new.
@pytest.mark.parametrize("size", [0, 1, 191, 192, 193, 255, 256, 8_383, 8_384, 65_535, 65_536])
def test_the_length_of_a_packet_is_read_in_each_of_its_forms(size: int) -> None:
    forms = [b"\x8a" + size.to_bytes(4, "big"), b"\xc2\xff" + size.to_bytes(4, "big")]
    forms += [b"\x88" + bytes([size])] if size < 256 else []
    forms += [b"\x89" + size.to_bytes(2, "big")] if size < 65_536 else []
    if size < 192:
        forms.append(b"\xc2" + bytes([size]))
    elif size < 8_384:
        forms.append(b"\xc2" + bytes([(size - 192 >> 8) + 192, size - 192 & 0xFF]))
    if size and size & size - 1 == 0:
        forms.append(b"\xc2" + bytes([223 + size.bit_length()]) + b"x" * size + b"\0")
    for form in forms:
        whole = form if form.endswith(b"x\0") else form + b"x" * size
        (first, *rest) = packets(whole + b"\xd2\0")
        assert (first.tag, first.body, first.end) == (2, b"x" * size, len(whole)), form
        assert [packet.tag for packet in rest] == [18]


@pytest.mark.parametrize("cut", [0, 1, 5, 6, 20])
def test_a_key_cut_off_inside_its_packet_is_refused(cut: int) -> None:
    with pytest.raises(BadPacket, match="not an Ed25519 key"):
        PublicKey.read(bytes([0x98, cut]) + b"\x04\0\0\0\0\x16".ljust(cut, b"\0")[:cut])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----",
        b"\xff\xfe",
        b"-----BEGIN PGP\n\n!!!\n-----END PGP",
    ],
)
def test_what_is_not_armor_is_refused(text: bytes) -> None:
    with pytest.raises(BadPacket):
        dearmor(text)


PKESK = b"\x84\x5e\x03" + bytes(range(8)) + b"\x12" + bytes(84)
OTHER = PKESK[:3] + bytes(range(8, 16)) + PKESK[11:]
WHOLE = PKESK + OTHER + b"\xd2\xe9\x01" + bytes(511) + b"\xe1\1\2\x02\5\6"
SKESK = b"\x8c\x0d\x04\x09\x03\x08" + bytes(8) + b"\xff"


def read_in(pieces: Iterable[bytes]) -> SealedMessage:
    message = SealedMessage()
    for piece in pieces:
        assert message.take(piece) == len(piece)
    return message


def test_a_message_in_pieces_of_any_size_is_the_same_message() -> None:
    for size in (1, 2, 3, 95, 96, 97, 200, len(WHOLE)):
        message = read_in(WHOLE[at : at + size] for at in range(0, len(WHOLE), size))

        assert message.ended and message.length == len(WHOLE)
        assert message.recipients == ["0001020304050607", "08090A0B0C0D0E0F"]
    assert message.take(b"more") == 0


@pytest.mark.parametrize(
    "sealed",
    [
        b"\xd2\x01\x01",
        b"\xd2\x02\x01x",
        b"\xd2\xbf\x01" + bytes(190),
        b"\xd2\xc0\x00\x01" + bytes(191),
        b"\xd2\xff\0\0\0\x01\x01",
        b"\xd2\xff\0\0\1\0\x01" + bytes(255),
        b"\xd2\xe0\x01\x01x",
        b"\xd2\xe1\x01x\0",
        b"\xd2\xe1\x01x\xff\0\0\0\1y",
        b"\xd2\xe1\x01x\xff\0\0\0\0",
        b"\xd2\xe1\x01x\xe0y\xc0\x00" + bytes(192),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 7, 1_000])
def test_sealed_data_is_read_in_every_form_of_length_and_in_any_pieces(
    sealed: bytes, step: int
) -> None:
    whole = PKESK + sealed
    read = read_in(whole[at : at + step] for at in range(0, len(whole), step))

    assert read.ended and read.length == len(whole) == message_length(whole + b"more")
    cut = SealedMessage()
    cut.take(whole[:-1])
    assert not cut.ended


def test_what_gpg_streams_in_parts_is_read_to_its_end(message: bytes) -> None:
    read = read_in(message[at : at + 1_000] for at in range(0, len(message), 1_000))

    assert read.ended and read.length == len(message)


@pytest.mark.parametrize(
    "data",
    [
        SKESK + WHOLE,
        PKESK + SKESK + WHOLE[96:],
        PKESK + OTHER + SKESK + WHOLE[192:],
        b"\xca\x03PGP" + WHOLE,
        PKESK + b"\xca\x03PGP" + WHOLE[96:],
        PKESK + PKESK + WHOLE[192:],
        PKESK[:3] + bytes(8) + PKESK[11:] + WHOLE[192:],
        PKESK[:11] + b"\x01" + PKESK[12:] + WHOLE[192:],
        b"".join(PKESK[:3] + bytes([n] * 8) + PKESK[11:] for n in range(1, 18)) + WHOLE[192:],
        b"\x85\x00\x5e" + PKESK[2:] + WHOLE[192:],
        WHOLE[192:],
        WHOLE[:192] + b"\xc9\x20" + bytes(32),
        WHOLE[:192] + b"\xd4\x20" + bytes(32),
        WHOLE[:192] + b"\xd2\x20\x02" + bytes(31),
        WHOLE[:192] + b"\xd2\x00\x01",
    ],
    ids=[
        "a passphrase in front",
        "a passphrase between",
        "a passphrase behind the recipients",
        "a marker in front",
        "a marker between",
        "a recipient twice",
        "a hidden recipient",
        "a key of another kind",
        "seventeen recipients",
        "a longer length",
        "nobody",
        "no integrity protection",
        "another kind of protection",
        "sealed data of a later version",
        "nothing sealed",
    ],
)
def test_a_message_of_any_other_form_is_refused_by_both_sides(data: bytes) -> None:
    given: list[bytes] = []

    with pytest.raises(BadPacket):
        message_length(data)
    with pytest.raises(BadPacket):
        SealedMessage().take(data)
    for size in (1, 64, len(data)):
        output = CheckedOutput(["0001020304050607", "08090A0B0C0D0E0F"], given.append)
        with pytest.raises(CannotSeal):
            for at in range(0, len(data), size):
                output.write(data[at : at + size])
    assert given == [] or b"".join(given) in data[:-1]


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_the_front_passes_on_a_whole_message_and_refuses_what_comes_behind_it(size: int) -> None:
    given: list[bytes] = []
    output = CheckedOutput(["0001020304050607", "08090A0B0C0D0E0F"], given.append)
    for at in range(0, len(WHOLE), size):
        output.write(WHOLE[at : at + size])

    assert output.finish() == len(WHOLE) and b"".join(given) == WHOLE
    with pytest.raises(CannotSeal):
        output.write(b"\xca")
    cut = CheckedOutput(["0001020304050607", "08090A0B0C0D0E0F"], given.append)
    cut.write(WHOLE[:-1])
    with pytest.raises(CannotSeal, match="whole"):
        cut.finish()
